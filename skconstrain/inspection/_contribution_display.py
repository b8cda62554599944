"""ContributionDisplay: why a wired network predicts what it does for a row."""

from itertools import pairwise
from numbers import Integral

import numpy as np

from skconstrain._lazy_rows import loaded
from skconstrain.inspection._connection_pictures import (
    Column,
    draw_colour_bar,
    draw_graph,
    graph_size,
    weight_norm,
)
from skconstrain.inspection._contributions import check_activations, contributions
from skconstrain.inspection._inner_network import as_seen_inside, inner_network
from skconstrain.inspection._layered_layout import edges_between, sorted_units

_RAISES, _LOWERS = "#b40426", "#3b4cc0"


class ContributionDisplay:
    r"""Contributions of the inputs to one prediction of a wired network, along its connections.

    The prediction for a row is compared with that for a baseline row. The difference is shared out
    by the rescale rule of DeepLIFT [1]_: a unit that is fed :math:`z` for the row and :math:`z_0`
    for the baseline passes on the share

    .. math:: \frac{a(z) - a(z_0)}{z - z_0}

    of what it is fed, with :math:`a` its activation; where :math:`z = z_0`, it is the derivative.
    The contribution of a connection is the difference of the unit below, times its weight, times
    the shares of all units on the paths from there to the output, summed over the paths. The
    contribution of an input or a unit is the sum of those of its connections upwards.

    These contributions are exact in this sense: those of the inputs, of the units of any layer, and
    of the connections of any layer each sum to the difference of the two predictions, up to
    rounding in double precision. Where the network is linear between the two rows they are the
    products of the weights along the paths. An input without a path to the output contributes 0.
    As with all such rules, another baseline gives other contributions, and where units change
    their slope, other rules share the same sum out in another way.

    Predictions are those of `predict` for a regressor, and logits (`decision_function`) for a
    classifier.

    Use :meth:`from_estimator`, or this constructor and :meth:`plot`.

    Parameters
    ----------
    units : list of n_layers + 1 ndarray of shape (n_units,)
        Contributions of the inputs, and of the units of each layer; the last is the output.
    flows : list of n_layers csr_array of shape (n_units_below, n_units)
        Contributions of the connections of each layer.
    prediction : float
        For the row.
    baseline_prediction : float
        For the baseline.
    names : list of n_layers + 1 (sequence of str or None), default=None
        Names of the inputs, of the units of each layer, and of the output.
    values : ndarray of shape (n_inputs,), default=None
        Values of the inputs in the row, which are shown beside their names.
    quantity : str, default="prediction"
        What the output is called.

    Attributes
    ----------
    units_ : list of ndarray of shape (n_shown,)
        Units drawn in each column of the graph, from top to bottom.
    axes_ : ndarray of 2 matplotlib Axes
        With the contributions of the inputs, and with the graph.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    ConnectionDisplay : The weights themselves.
    skconstrain.SparseConnectedNet : A wired network.

    References
    ----------
    .. [1] Shrikumar, Greenside and Kundaje (2017). Learning important features through propagating
       activation differences. ICML.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_diabetes
    >>> from skconstrain import SparseConnectedNet
    >>> from skconstrain.connections import from_edges
    >>> from skconstrain.inspection import ContributionDisplay
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> edges = {
    ...     "body": ["age", "sex", "bmi", "bp"],
    ...     "lipids": ["s1", "s2", "s3", "s4", "s5"],
    ...     "sugar": ["s6"],
    ... }
    >>> layers = from_edges(edges, inputs=list(X.columns))
    >>> net = SparseConnectedNet(layers, hidden_layer_sizes=(4,), random_state=0).fit(X, y)
    >>> display = ContributionDisplay.from_estimator(net, X, row=3)
    >>> difference = display.prediction - display.baseline_prediction
    >>> bool(abs(display.units[0].sum() - difference) < 1e-9)
    True
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        units,
        flows,
        *,
        prediction,
        baseline_prediction,
        names=None,
        values=None,
        quantity="prediction",
    ):
        self.units = units
        self.flows = flows
        self.prediction = prediction
        self.baseline_prediction = baseline_prediction
        self.names = [None] * len(units) if names is None else names
        self.values = values
        self.quantity = quantity

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        row=0,
        baseline=None,
        output=0,
        max_inputs=15,
        max_units=20,
        ax=None,
    ):
        """Draw the contributions to the prediction of a fitted network for a row.

        Parameters
        ----------
        estimator : fitted estimator
            A :class:`~skconstrain.SparseConnectedNet` or
            :class:`~skconstrain.SparseConnectedNetClassifier`, also inside a Pipeline, a search or
            a tuner of thresholds.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples as `estimator` takes them. Behind a Pipeline's transformers are the inputs whose
            contributions are shown.
        row : int, default=0
            Which of them is explained.
        baseline : array-like of shape (n_features,), default=None
            What it is compared with, in the inputs of the network. None is the median of each of
            them over X, which then needs more than one row.
        output : int, default=0
            Which output, label or class: its number. Two classes have one output, the logit of the
            second.
        max_inputs : int, default=15
            Inputs whose contributions are shown: the largest ones; the others are shown as one.
        max_units : int, default=20
            Units of a layer that the graph shows: those with the largest contributions.
        ax : matplotlib Axes, default=None
            Where to draw; it is divided in two. A new figure without it.

        Returns
        -------
        display : ContributionDisplay
            With `axes_` and `figure_`.
        """
        net = inner_network(estimator)
        if not hasattr(net, "connection_weights_"):
            raise TypeError(
                "estimator must be a fitted SparseConnectedNet or SparseConnectedNetClassifier. "
                f"Got {net!r}."
            )
        activations = [layer.activation for layer in net._fitted.network.layers[:-1]]
        check_activations(activations)
        checked = net._fitted.complete(loaded(net._validated_input(as_seen_inside(estimator, X))))
        row = _checked_number("row", row, len(checked), "rows")
        output = _checked_number("output", output, net.n_outputs_, "outputs")
        pair = np.stack([checked[row], _baseline(baseline, checked)])
        found = contributions(
            net._fitted.features(pair),
            net.coefs_,
            net.intercepts_,
            activations,
            output,
        )
        names = [net._names_of_inputs(), *net.unit_names_]
        names[-1] = [_output_name(net, names[-1], output)]
        display = cls(
            found.units,
            found.flows,
            prediction=float(found.outputs[0]),
            baseline_prediction=float(found.outputs[1]),
            names=names,
            values=pair[0],
            quantity="logit" if hasattr(net, "classes_") else "prediction",
        )
        return display.plot(max_inputs=max_inputs, max_units=max_units, ax=ax)

    def plot(self, *, max_inputs=15, max_units=20, ax=None):
        """Draw.

        Parameters
        ----------
        max_inputs : int, default=15
            Inputs whose contributions are shown: the largest ones; the others are shown as one.
        max_units : int, default=20
            Units of a layer that the graph shows: those with the largest contributions.
        ax : matplotlib Axes, default=None
            Where to draw; it is divided in two. A new figure without it.

        Returns
        -------
        display : ContributionDisplay
            With `axes_` and `figure_`.
        """
        for name, number in {"max_inputs": max_inputs, "max_units": max_units}.items():
            if not isinstance(number, Integral) or number < 1:
                raise ValueError(f"{name} must be a whole number above 0. Got {number!r}.")
        units = [np.sort(_largest(values, max_units)) for values in self.units]
        pairs = zip(self.flows, pairwise(units), strict=True)
        edges = [edges_between(flow, *pair) for flow, pair in pairs]
        n_edges = [len(one.weights) for one in edges]
        orders = sorted_units(edges, [len(one) for one in units])
        self.units_ = [one[order] for one, order in zip(units, orders, strict=True)]
        edges = [
            one.placed(orders[i], orders[i + 1]).strongest(len(one.weights))
            for i, one in enumerate(edges)
        ]
        columns = self._columns()
        self.figure_, self.axes_ = _two_axes(graph_size(columns), ax)
        self._draw_inputs(self.axes_[0], max_inputs)
        self._draw_graph(self.axes_[1], columns, edges, n_edges)
        return self

    def _columns(self):
        last = len(self.units) - 1
        columns = []
        for i, shown in enumerate(self.units_):
            sizes = np.abs(self.units[i])
            names = self._names_of(i)
            columns.append(
                Column(
                    title="inputs" if i == 0 else "output" if i == last else f"layer {i - 1}",
                    n_units=len(sizes),
                    importances=sizes[shown] / (sizes.max(initial=0.0) or 1.0),
                    labels=None if names is None else [names[j] for j in shown],
                    intercepts=self.units[i][shown],
                )
            )
        return columns

    def _names_of(self, layer):
        names = self.names[layer]
        if names is None and layer == 0:
            return [f"x{i}" for i in range(len(self.units[0]))]
        return None if names is None else [str(name) for name in names]

    def _draw_inputs(self, panel, max_inputs):
        inputs, names = self.units[0], self._names_of(0)
        shown = _largest(inputs, max_inputs)
        if self.values is not None:
            names = [
                f"{name} = {value:.4g}" for name, value in zip(names, self.values, strict=True)
            ]
        labels, lengths = [names[i] for i in shown], inputs[shown]
        if len(shown) < len(inputs):
            labels.append(f"{len(inputs) - len(shown)} others")
            lengths = np.append(lengths, inputs.sum() - lengths.sum())
        places = np.arange(len(labels))[::-1]
        panel.barh(places, lengths, color=np.where(lengths < 0, _LOWERS, _RAISES), height=0.7)
        panel.axvline(0, color="0.3", linewidth=0.8)
        panel.set_yticks(places, labels, fontsize=8)
        panel.tick_params(axis="y", length=0)
        panel.spines[["top", "right", "left"]].set_visible(False)
        panel.set_xlabel(f"contribution to the {self.quantity}")
        above, below = self.prediction, self.baseline_prediction
        title = f"{self.quantity} {above:.4g}\nof the baseline {below:.4g}, "
        panel.set_title(f"{title}difference {above - below:+.4g}", loc="left", fontsize=9)

    def _draw_graph(self, panel, columns, edges, n_edges):
        from matplotlib.cm import ScalarMappable

        flows = [one.weights for one in edges]
        colours = ScalarMappable(weight_norm(flows, None), "coolwarm")
        colours.set_array(np.concatenate(flows))
        label = "contribution (dots: of the unit)"
        draw_colour_bar(colours, label, ax=panel, fraction=0.04, shrink=0.6, pad=0.01)
        self.figure_.draw_without_rendering()  # fixes the size of the axes, for names to fit
        draw_graph(panel, columns, edges, n_edges, colours)


def _largest(values, n_kept):
    """Return the numbers of the largest contributions, the largest first."""
    return np.argsort(-np.abs(values), kind="stable")[:n_kept]


def _baseline(given, rows):
    if given is None and len(rows) == 1:
        raise ValueError(
            "X has one row, which would be its own baseline. Give baseline=, the features to "
            "compare with, or more rows as X and the number of the one to explain as row=."
        )
    if given is None:
        return np.median(rows, axis=0)
    given = np.asarray(given, rows.dtype)
    if given.shape != rows.shape[1:] or not np.isfinite(given).all():
        raise ValueError(
            f"baseline must hold a finite number for each of {rows.shape[1]} features. Got shape "
            f"{given.shape}{'' if given.shape != rows.shape[1:] else ', with NaN or infinity'}."
        )
    return given


def _checked_number(name, number, n, what):
    is_number = isinstance(number, Integral) and not isinstance(number, bool)
    if not (is_number and -n <= number < n):
        raise ValueError(
            f"{name} must be a number from {-n} to {n - 1}: of {n} {what}. Got {number!r}."
        )
    return int(number) % n


def _output_name(net, names, output):
    if names is not None:
        return str(names[output])
    classes = getattr(net, "classes_", None)
    if np.ndim(classes) == 1:
        return f"class {classes[1] if net.n_outputs_ == 1 else classes[output]}"
    return "prediction" if net.n_outputs_ == 1 else f"output {output}"


def _two_axes(graph, ax):
    """Return a figure and two axes, for bars and the graph of that size."""
    import matplotlib.pyplot as plt

    ratios = [3.4, graph[0]]
    if ax is None:
        size = (sum(ratios), max(graph[1], 3.4))
        return plt.subplots(1, 2, figsize=size, width_ratios=ratios, layout="constrained")
    ax.set_axis_off()
    grid = ax.get_subplotspec().subgridspec(1, 2, width_ratios=ratios)
    return ax.figure, np.array([ax.figure.add_subplot(cell) for cell in grid])
