"""ConnectionDisplay: the weights of a network, as a graph of layers or as matrices."""

from functools import cached_property
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy import sparse

from skconstrain.inspection._connection_pictures import (
    Column,
    draw_colour_bar,
    draw_graph,
    draw_matrix,
    graph_size,
    weight_norm,
)
from skconstrain.inspection._described_network import (
    checked_intercepts,
    checked_names,
    checked_weights,
    layer_sizes,
)
from skconstrain.inspection._inner_network import inner_network
from skconstrain.inspection._layered_layout import (
    edges_between,
    important_units,
    sorted_units,
    unit_importances,
)

_MANY_UNITS = 1_000  # in one layer: "auto" draws matrices, as a graph would show too few of them


class ConnectionDisplay:
    """Connections of a network and their weights.

    As a graph: a column of dots for each layer, a line for each connection. The colour of a line
    is its weight, on one scale for all layers; its width is the size of the weight relative to the
    largest of the layer. The size of a dot is the unit's importance: the sum, over all paths from
    an input to an output through it, of the product of the sizes of the weights. The colour of a
    dot is the unit's intercept, on the scale of the weights; inputs are white.

    As matrices: one panel for each layer with its own scale, blank where nothing is connected.

    The picture of a large network is reduced, and says by how much.

    Use :meth:`from_estimator`, or this constructor and :meth:`plot`.

    Parameters
    ----------
    weights : list of n_layers {ndarray, sparse matrix} of shape (n_units_below, n_units)
        Weights of each layer, from the inputs on. The entries stored in a sparse one are its
        connections, zeros too; an ndarray connects everything.
    names : list of n_layers + 1 (sequence of str or None), default=None
        Names of the inputs, and of the units of each layer.
    intercepts : list of n_layers ndarray of shape (n_units,), default=None
        Intercepts of the units.

    Attributes
    ----------
    importances_ : list of n_layers + 1 ndarray of shape (n_units,)
        Importances of the inputs and of the units of each layer, the largest of each is 1; not only
        of what is drawn.
    kind_ : {"graph", "matrix"}
        What was drawn.
    units_ : list of ndarray of shape (n_shown,)
        Units drawn in each column of a graph, from top to bottom; missing for matrices.
    axes_ : ndarray of matplotlib Axes
        The graph's, or one for each matrix.
    figure_ : matplotlib Figure
        The figure.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skconstrain.inspection import ConnectionDisplay
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> net = MLPClassifier((5,), solver="lbfgs", random_state=0, max_iter=5000).fit(X, y)
    >>> display = ConnectionDisplay.from_estimator(net)
    >>> display.kind_, [len(units) for units in display.units_]
    ('graph', [4, 5, 3])
    >>> [importances.argmax().item() for importances in display.importances_]
    [2, 3, 0]
    >>> plt.close(display.figure_)
    """

    def __init__(self, weights, *, names=None, intercepts=None):
        self.weights = checked_weights(weights)
        sizes = layer_sizes(self.weights)
        self.names = checked_names(names, sizes)
        self.intercepts = checked_intercepts(intercepts, sizes[1:])

    @cached_property
    def importances_(self):
        """Importances of the inputs and of the units of each layer."""
        return unit_importances(self.weights)

    @classmethod
    def from_estimator(
        cls,
        estimator,
        *,
        kind="auto",
        layers=None,
        max_units=40,
        max_edges=5_000,
        sort=True,
        names=None,
        cmap: str | Any = "coolwarm",
        vmax=None,
        ax=None,
    ):
        """Draw the network of a fitted estimator.

        Parameters
        ----------
        estimator : fitted estimator
            It has `coefs_`, and perhaps `intercepts_`, `feature_names_in_`, `unit_names_` and
            `classes_`: networks with given connections, and scikit-learn's MLPRegressor and
            MLPClassifier. Of a Pipeline its last step, of a search its best estimator.
        kind : {"auto", "graph", "matrix"}, default="auto"
            "auto" is a graph, unless a layer has more than 1,000 units.
        layers : int or sequence of int, default=None
            Which layers are drawn, all without it. Those of a graph follow each other.
        max_units : int, default=40
            Units of a layer that a graph shows: the most important ones.
        max_edges : int, default=5000
            Connections between two columns that a graph shows: those with the largest weights.
        sort : bool, default=True
            Whether the units of a graph are sorted so that lines cross less; in the order of the
            network otherwise. Matrices always have that order.
        names : list of n_layers + 1 (sequence of str or None), default=None
            Names of the inputs and of the units of each layer; None is the estimator's own.
        cmap : str or matplotlib Colormap, default="coolwarm"
            Colours; the middle is a weight of zero, and should not be white: absent connections
            are.
        vmax : float, default=None
            Weight with the last colour; None is the 99th percentile of their sizes.
        ax : matplotlib Axes, default=None
            Where to draw; it is divided among several matrices. A new figure without it.

        Returns
        -------
        display : ConnectionDisplay
            With `axes_` and `figure_`.
        """
        estimator = inner_network(estimator)
        weights = getattr(estimator, "coefs_", None)
        if not isinstance(weights, list | tuple):
            raise TypeError(
                "ConnectionDisplay needs an estimator with coefs_, a list of weights by layer. Got "
                f"{type(estimator).__name__}. Pass a network, or weights: "
                "ConnectionDisplay(weights).plot()."
            )
        if names is None:
            names = _names_of(estimator, weights)
        display = cls(weights, names=names, intercepts=getattr(estimator, "intercepts_", None))
        return display.plot(
            kind=kind,
            layers=layers,
            max_units=max_units,
            max_edges=max_edges,
            sort=sort,
            cmap=cmap,
            vmax=vmax,
            ax=ax,
        )

    def plot(
        self,
        *,
        kind="auto",
        layers=None,
        max_units=40,
        max_edges=5_000,
        sort=True,
        cmap: str | Any = "coolwarm",
        vmax=None,
        ax=None,
    ):
        """Draw.

        Parameters
        ----------
        kind : {"auto", "graph", "matrix"}, default="auto"
            "auto" is a graph, unless a layer has more than 1,000 units.
        layers : int or sequence of int, default=None
            Which layers are drawn, all without it. Those of a graph follow each other.
        max_units : int, default=40
            Units of a layer that a graph shows: the most important ones.
        max_edges : int, default=5000
            Connections between two columns that a graph shows: those with the largest weights.
        sort : bool, default=True
            Whether the units of a graph are sorted so that lines cross less; in the order of the
            network otherwise. Matrices always have that order.
        cmap : str or matplotlib Colormap, default="coolwarm"
            Colours; the middle is a weight of zero, and should not be white: absent connections
            are.
        vmax : float, default=None
            Weight with the last colour; None is the 99th percentile of their sizes.
        ax : matplotlib Axes, default=None
            Where to draw; it is divided among several matrices. A new figure without it.

        Returns
        -------
        display : ConnectionDisplay
            With `axes_` and `figure_`.
        """
        layers = _checked_layers(layers, len(self.weights))
        for name, value in {"max_units": max_units, "max_edges": max_edges}.items():
            _check_positive(name, value, Integral)
        if vmax is not None:
            _check_positive("vmax", vmax, Real)
        self.kind_ = self._kind(kind, layers)
        if self.kind_ == "graph":
            self._plot_graph(layers, max_units, max_edges, sort, cmap, vmax, ax)
        else:
            self._plot_matrices(layers, cmap, vmax, ax)
        return self

    def _kind(self, kind, layers):
        if kind not in ("auto", "graph", "matrix"):
            raise ValueError(f"kind must be 'auto', 'graph' or 'matrix'. Got {kind!r}.")
        in_a_row = layers == list(range(layers[0], layers[0] + len(layers)))
        if kind == "graph" and not in_a_row:
            raise ValueError(
                f"layers of a graph must follow each other. Got {layers}. Use kind='matrix'."
            )
        largest = max(max(self.weights[i].shape) for i in layers)
        if kind != "auto":
            return kind
        return "graph" if in_a_row and largest <= _MANY_UNITS else "matrix"

    def _plot_graph(self, layers, max_units, max_edges, sort, cmap, vmax, ax):
        from matplotlib.cm import ScalarMappable

        units = important_units(self.weights, max_units)[layers[0] : layers[-1] + 2]
        edges = [
            edges_between(self.weights[i], units[at], units[at + 1]) for at, i in enumerate(layers)
        ]
        n_edges = [len(one.weights) for one in edges]
        edges = [one.strongest(max_edges) for one in edges]
        if sort:
            orders = sorted_units(edges, [len(one) for one in units])
            units = [one[order] for one, order in zip(units, orders, strict=True)]
            edges = [one.placed(orders[i], orders[i + 1]) for i, one in enumerate(edges)]
        self.units_ = units
        columns = self._columns(layers, units)
        figure, axes = _one_axes(graph_size(columns), ax)
        weights = [one.weights for one in edges]
        colours = ScalarMappable(weight_norm(weights, vmax), cmap)
        colours.set_array(np.concatenate(weights))
        draw_colour_bar(colours, self._colour_label(), ax=axes, fraction=0.04, shrink=0.6, pad=0.01)
        figure.draw_without_rendering()  # fixes the size of the axes, for which names are cut
        draw_graph(axes, columns, edges, n_edges, colours)
        self.figure_, self.axes_ = figure, _array_of([axes])

    def _columns(self, layers, units):
        sizes = layer_sizes(self.weights)
        columns = []
        for layer, shown in enumerate(units, start=layers[0]):
            names = self.names[layer]
            if names is None and layer == 0:
                names = [f"x{i}" for i in range(sizes[0])]
            intercepts = self.intercepts[layer - 1] if self.intercepts and layer else None
            columns.append(
                Column(
                    title=self._title(layer),
                    n_units=sizes[layer],
                    importances=self.importances_[layer][shown],
                    labels=None if names is None else [names[i] for i in shown],
                    intercepts=None if intercepts is None else intercepts[shown],
                )
            )
        return columns

    def _title(self, layer):
        """Return what the units above ``weights[layer - 1]`` are called."""
        if layer == len(self.weights):
            return "outputs"
        return f"layer {layer - 1}" if layer else "inputs"

    def _colour_label(self):
        return "weight (dots: intercept)" if self.intercepts else "weight"

    def _plot_matrices(self, layers, cmap, vmax, ax):
        self.figure_, self.axes_ = _panels([self.weights[i].shape for i in layers], ax)
        for panel, i in zip(self.axes_, layers, strict=True):
            matrix = self.weights[i]
            labels, titles = self.names[i : i + 2], [self._title(i), self._title(i + 1)]
            n_connections = matrix.nnz if sparse.issparse(matrix) else matrix.size
            draw_matrix(panel, matrix, n_connections, cmap, vmax, labels, titles)
        if hasattr(self, "units_"):  # of an earlier graph
            del self.units_


def _one_axes(size, ax):
    import matplotlib.pyplot as plt

    if ax is not None:
        return ax.figure, ax
    return plt.subplots(figsize=size, layout="constrained")


def _panels(shapes, ax):
    import matplotlib.pyplot as plt

    n_panels = len(shapes)
    if ax is not None and n_panels > 1:
        if ax.get_subplotspec() is None:
            raise ValueError(
                f"ax must be part of a grid, as plt.subplots makes it, for {n_panels} matrices. "
                "Got an Axes that is not. Choose one layer, like layers=0, or leave out ax."
            )
        ax.set_axis_off()
        apart = (
            0.8 if ax.figure.get_layout_engine() is None else None
        )  # a layout engine chooses its own
        grid = ax.get_subplotspec().subgridspec(1, n_panels, wspace=apart)
        return ax.figure, _array_of([ax.figure.add_subplot(grid[i]) for i in range(n_panels)])
    if ax is not None:
        return ax.figure, _array_of([ax])
    n_columns = min(n_panels, 3)
    n_rows = -(-n_panels // n_columns)
    wide = [0.4 if shape[1] <= 3 and n_rows == 1 else 1.0 for shape in shapes[:n_columns]]
    figure = plt.figure(figsize=(4.0 * sum(wide) + n_columns, 4.4 * n_rows), layout="constrained")
    grid = figure.add_gridspec(n_rows, n_columns, width_ratios=wide)
    return figure, _array_of([figure.add_subplot(grid[i]) for i in range(n_panels)])


def _array_of(axes):
    array = np.empty(len(axes), dtype=object)
    array[:] = axes
    return array


def _names_of(estimator, weights):
    """Return names of the inputs and of the units of each layer, None where it has none."""
    names = [getattr(estimator, "feature_names_in_", None)]
    names += list(getattr(estimator, "unit_names_", None) or [None] * len(weights))
    classes, n_outputs = getattr(estimator, "classes_", None), weights[-1].shape[1]
    if names[-1] is None and np.ndim(classes) == 1:
        shown = classes[1:] if n_outputs == 1 and len(classes) == 2 else classes
        names[-1] = [str(one) for one in shown] if len(shown) == n_outputs else None
    return names


def _checked_layers(layers, n_layers):
    if layers is None:
        return list(range(n_layers))
    wanted = [layers] if isinstance(layers, Integral) else list(layers)
    known = [isinstance(i, Integral) and -n_layers <= i < n_layers for i in wanted]
    if not wanted or not all(known):
        raise ValueError(f"layers must be numbers from 0 to {n_layers - 1}. Got {layers!r}.")
    return [int(i) % n_layers for i in wanted]


def _check_positive(name, value, kind):
    if not isinstance(value, kind) or isinstance(value, bool) or not value > 0:
        what = "a whole number" if kind is Integral else "a number"
        raise ValueError(f"{name} must be {what} above 0. Got {value!r}.")
