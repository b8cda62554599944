"""GateDisplay: which expert a gate prefers where, how much it uses each, and their accuracy."""

from numbers import Integral

import numpy as np

from skconstrain.inspection._gate_pictures import (
    PALETTE,
    draw_accuracy,
    draw_regions,
    draw_usage,
    expert_colours,
)
from skconstrain.inspection._gate_regions import chosen_features, feature_names_of, gate_regions
from skconstrain.inspection._gate_shares import checked_column, checked_gate_weights, gate_shares
from skconstrain.inspection._inner_network import as_seen_inside, inner_network

_KINDS = ("auto", "both", "regions", "usage")


class GateDisplay:
    """The gate's regions over two features, and usage of and accuracy within each expert's share.

    An expert's share is the rows where the gate gives it the largest weight.

    Regions: the colour of a point is the expert with the largest weight there; it is pale where
    the gate is undecided. Lines separate the classes that the ensemble predicts, samples are marked
    by their class. Further features are held at their median (their mode where they are not
    numbers), so that samples may lie off the plane that is drawn.

    Usage: the length of a bar is the mean weight of the expert, followed by the number of rows in
    its share; a soft gate has a mark at their fraction. Beside it the accuracy of the expert within
    its share (full dot) and on all rows (hollow dot), and of the ensemble within that share (mark)
    and on all rows (dashed line). An expert whose full dot lies right of its hollow one is better
    where the gate trusts it than elsewhere.

    Use :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    expert_names : sequence of L str
        Names of the experts.
    shares : GateShares, default=None
        Usage and accuracies.
    regions : GateRegions, default=None
        The gate on a grid over two features.

    Attributes
    ----------
    shares : GateShares or None
        Arrays of shape (L,): `usage`, `lead` and `n_rows`, `accuracy`, `overall_accuracy` and
        `ensemble_accuracy`, and the number `ensemble_overall_accuracy`.
    regions : GateRegions or None
        The grid `x`, `y`, with `weights`, `preferred` and `predicted` on it.
    colours_ : ndarray of shape (L, 3)
        Colour of each expert.
    axes_ : ndarray of matplotlib Axes
        Those of regions, usage and accuracy that were drawn, from left to right.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    skconstrain.GatedEnsembleClassifier : Experts under a gate that learns.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import make_moons
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.svm import SVC
    >>> from skconstrain import GatedEnsembleClassifier
    >>> from skconstrain.inspection import GateDisplay
    >>> X, y = make_moons(300, noise=0.2, random_state=0)
    >>> experts = [("linear", LogisticRegression()), ("rbf", SVC())]
    >>> gated = GatedEnsembleClassifier(experts, epochs=50, tol=None, random_state=0)
    >>> gated = gated.fit(X[:200], y[:200])
    >>> display = GateDisplay.from_estimator(gated, X[200:], y[200:])
    >>> [axes.get_xlabel() for axes in display.axes_]
    ['x0', 'share of the rows', 'accuracy']
    >>> int(display.shares.n_rows.sum())
    100
    >>> plt.close(display.figure_)
    """

    def __init__(self, expert_names, *, shares=None, regions=None):
        self.expert_names = [str(name) for name in expert_names]
        self.shares = shares
        self.regions = regions

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y=None,
        *,
        features=None,
        kind="auto",
        grid_resolution=150,
        sample_weight=None,
        max_samples=500,
        ax=None,
    ):
        """Draw the gate of a fitted ensemble, best on rows that it has not seen.

        Parameters
        ----------
        estimator : fitted classifier
            It has `gate_proba`, `expert_predict_proba` and `predict`:
            :class:`skconstrain.GatedEnsembleClassifier`, also inside a Pipeline or a search.
        X : {DataFrame, array-like} of shape (n_samples, n_features)
            Rows as `estimator` takes them. Experts see their columns, and names, on the grid too.
            Behind a Pipeline's transformers are the features of the regions.
        y : array-like of shape (n_samples,), default=None
            Classes. Without them there are no accuracies, and samples have one symbol.
        features : pair of int or str, default=None
            Features of the regions, by number or by name; the first two without it.
        kind : {"auto", "both", "regions", "usage"}, default="auto"
            What is computed and drawn. "auto" is both where X has two features or `features` are
            given, and usage elsewhere.
        grid_resolution : int, default=150
            Points of the grid along each feature.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in usage and accuracies.
        max_samples : int, default=500
            Rows that are drawn as dots: a random part where there are more.
        ax : matplotlib Axes, default=None
            Where to draw; it is divided among the panels. A new figure without it.

        Returns
        -------
        display : GateDisplay
            With `axes_` and `figure_`.
        """
        gated = inner_network(estimator)
        _check_estimator(gated)
        _check_kind(kind)
        _check_at_least("grid_resolution", grid_resolution, 2)
        X, estimator = as_seen_inside(estimator, X), gated
        X = X if hasattr(X, "shape") else np.asarray(X)
        if kind == "auto":
            kind = "usage" if features is None and X.shape[1] != 2 else "both"
        classes = np.asarray(estimator.classes_)
        y = None if y is None else _known_classes(y, classes, X.shape[0])
        shares = regions = None
        if kind != "regions":
            shares = _shares_of(estimator, X, y, classes, sample_weight)
        if kind != "usage":
            features = _first_two(X) if features is None else features
            names = feature_names_of(estimator, X)
            pair = chosen_features(features, names, X.shape[1])
            regions = gate_regions(estimator, X, y, *pair, grid_resolution)
        display = cls(estimator.expert_names_, shares=shares, regions=regions)
        return display.plot(kind=kind, max_samples=max_samples, ax=ax)

    @classmethod
    def from_predictions(
        cls,
        gate_weights,
        y_true=None,
        *,
        expert_pred=None,
        y_pred=None,
        expert_names=None,
        sample_weight=None,
        ax=None,
    ):
        """Draw usage and accuracy for any gate, such as a layer of a Keras model.

        Parameters
        ----------
        gate_weights : array-like of shape (n_samples, L)
            Weights of the experts, not negative, which sum to 1 in each row.
        y_true : array-like of shape (n_samples,), default=None
            True classes. Without them there are no accuracies.
        expert_pred : array-like of shape (n_samples, L), default=None
            Class that each expert predicts; needed where there is `y_true`.
        y_pred : array-like of shape (n_samples,), default=None
            Class that the ensemble predicts; needed where there is `y_true`.
        expert_names : sequence of L str, default=None
            Names; "expert_0", "expert_1", ... without them.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        ax : matplotlib Axes, default=None
            Where to draw; it is divided among the panels. A new figure without it.

        Returns
        -------
        display : GateDisplay
            With `axes_` and `figure_`.
        """
        weights = checked_gate_weights(gate_weights)
        shares = gate_shares(weights, y_true, expert_pred, y_pred, sample_weight)
        n_experts = weights.shape[1]
        names = [f"expert_{i}" for i in range(n_experts)] if expert_names is None else expert_names
        if isinstance(names, str) or len(names) != n_experts:
            raise ValueError(f"expert_names must hold {n_experts} names. Got {names!r}.")
        return cls(names, shares=shares).plot(ax=ax)

    def plot(self, *, kind="auto", max_samples=500, ax=None):
        """Draw.

        Parameters
        ----------
        kind : {"auto", "both", "regions", "usage"}, default="auto"
            What is drawn; "auto" is what there is.
        max_samples : int, default=500
            Rows that are drawn as dots: a random part where there are more.
        ax : matplotlib Axes, default=None
            Where to draw; it is divided among the panels. A new figure without it.

        Returns
        -------
        display : GateDisplay
            With `axes_` and `figure_`.
        """
        _check_at_least("max_samples", max_samples, 0)
        panels = self._panels(kind)
        preferred = None if self.regions is None else self.regions.preferred
        self.colours_ = expert_colours(len(self.expert_names), preferred)
        self.figure_, self.axes_ = _make_axes(panels, len(self.expert_names), ax)
        for panel, axes in zip(panels, self.axes_, strict=True):
            if panel == "regions":
                # The bars name the experts too, and many names would be taller than the picture.
                legend = len(panels) == 1 or len(self.expert_names) <= len(PALETTE)
                options = {"max_samples": max_samples, "legend": legend}
                draw_regions(axes, self.regions, self.expert_names, self.colours_, **options)
            elif panel == "usage":
                draw_usage(axes, self.shares, self.expert_names, self.colours_)
            else:
                draw_accuracy(axes, self.shares, self.colours_)
        return self

    def _panels(self, kind):
        _check_kind(kind)
        there = {"regions": self.regions, "usage": self.shares}
        wanted = list(there) if kind in ("auto", "both") else [kind]
        missing = [panel for panel in wanted if there[panel] is None]
        if kind == "auto" and len(missing) == 1:
            wanted.remove(missing.pop())
        if missing:
            raise ValueError(
                f"kind={kind!r} needs {' and '.join(missing)}, which this display was made "
                "without. Use GateDisplay.from_estimator with that kind."
            )
        if "usage" in wanted and self.shares.accuracy is not None:
            wanted.append("accuracy")
        return wanted


def _shares_of(estimator, X, y, classes, sample_weight):
    weights = checked_gate_weights(estimator.gate_proba(X))
    if y is None:
        return gate_shares(weights, sample_weight=sample_weight)
    probability = np.asarray(estimator.expert_predict_proba(X))
    chosen = probability.argmax(axis=2)
    if len(classes) == 2:
        # Experts are judged by the rule of the ensemble, which may have a threshold of its own.
        chosen = (probability[:, :, 1] >= getattr(estimator, "threshold", 0.5)).astype(int)
    return gate_shares(weights, y, classes[chosen], estimator.predict(X), sample_weight)


def _make_axes(panels, n_experts, ax):
    import matplotlib.pyplot as plt

    widths = [{"regions": 5.2, "usage": 2.7, "accuracy": 3.3}[panel] for panel in panels]
    if ax is not None and len(panels) == 1:
        return ax.figure, np.array([ax], dtype=object)
    if ax is None:
        rows = 0.26 * n_experts + 1.5 if len(panels) > 1 or panels != ["regions"] else 0
        height = float(np.clip(rows, 4.6 if "regions" in panels else 2.6, 10))
        figure = plt.figure(figsize=(sum(widths) + 1.0, height), layout="constrained")
        grid = figure.add_gridspec(1, len(panels), width_ratios=widths)
    elif ax.get_subplotspec() is None:
        raise ValueError(
            f"ax must be part of a grid, as plt.subplots makes it, for {len(panels)} panels. Got "
            "an Axes that is not. Choose kind='regions', or leave out ax."
        )
    else:
        figure = ax.figure
        ax.set_axis_off()
        apart = (
            0.5 if figure.get_layout_engine() is None else None
        )  # a layout engine chooses its own
        spec = ax.get_subplotspec()
        grid = spec.subgridspec(1, len(panels), width_ratios=widths, wspace=apart)
    axes = np.empty(len(panels), dtype=object)
    axes[:] = [figure.add_subplot(grid[i]) for i in range(len(panels))]
    return figure, axes


def _check_estimator(estimator):
    needed = ("gate_proba", "expert_predict_proba", "predict")
    if not all(hasattr(estimator, name) for name in needed):
        raise TypeError(
            "GateDisplay needs a classifier with gate_proba and expert_predict_proba, like "
            f"GatedEnsembleClassifier. Got {type(estimator).__name__}. Pass an ensemble, or a "
            "Pipeline or search of one."
        )


def _check_kind(kind):
    if kind not in _KINDS:
        raise ValueError(f"kind must be 'auto', 'both', 'regions' or 'usage'. Got {kind!r}.")


def _check_at_least(name, value, smallest):
    if not isinstance(value, Integral) or isinstance(value, bool) or value < smallest:
        raise ValueError(f"{name} must be a whole number, at least {smallest}. Got {value!r}.")


def _first_two(X):
    if X.shape[1] < 2:
        raise ValueError(
            f"Regions need at least two features. Got X with {X.shape[1]}. Use kind='usage'."
        )
    return (0, 1)


def _known_classes(y, classes, n_rows):
    y = checked_column("y", y, n_rows)
    unknown = ~np.isin(y, classes)
    if unknown.any():
        row = int(unknown.argmax())
        raise ValueError(
            f"y must hold classes that the estimator knows, {classes[:8].tolist()}. Got "
            f"{y[row]!r} at row {row}."
        )
    return y
