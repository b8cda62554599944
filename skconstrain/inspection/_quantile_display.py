"""QuantileDisplay: a fan of quantiles, and their coverage by level."""

import numpy as np
from scipy.ndimage import uniform_filter1d
from sklearn.utils import check_array, check_consistent_length, column_or_1d

from skconstrain._sklearn_compat import check_sample_weight
from skconstrain.inspection._inner_network import as_seen_inside, inner_network

_FAN, _TARGETS, _IDEAL = "#4c72b0", "0.25", "0.55"


class QuantileDisplay:
    """Quantiles of each row as a fan around the targets, and the coverage of each level.

    The fan shows where predictions are sure and where they are not. The coverage of a level is the
    share of targets at or below its quantile: on the diagonal where quantiles are right, above it
    where they are too large. A curve flatter than the diagonal belongs to intervals that are too
    narrow. Where quantiles are calibrated, a second curve is that of quantiles before it.

    Use :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    x : ndarray of shape (n_samples,)
        Where each row is drawn.
    y : ndarray of shape (n_samples,)
        Targets.
    y_quantiles : ndarray of shape (n_samples, n_quantiles)
        Predicted quantiles.
    quantiles : ndarray of shape (n_quantiles,)
        Their levels, increasing.
    coverage : ndarray of shape (n_quantiles,)
        Weighted share of the targets at or below the quantiles.
    x_name : str, default="rows, by their median"
        Name of the horizontal axis of the fan.
    n_neighbors : int, default=1
        The fan draws means of the quantiles of so many rows beside each other. 1 draws quantiles as
        they are; the coverage is always theirs.
    coverage_before : ndarray of shape (n_quantiles,), default=None
        The same share before the quantiles were calibrated.

    Attributes
    ----------
    axes_ : ndarray of 2 matplotlib Axes
        With the fan and the coverage.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    skconstrain.QuantileNetRegressor : Predicts quantiles that do not cross.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import train_test_split
    >>> from skconstrain import QuantileNetRegressor
    >>> from skconstrain.inspection import QuantileDisplay
    >>> X, X_test, y, y_test = train_test_split(*load_diabetes(return_X_y=True), random_state=0)
    >>> net = QuantileNetRegressor(quantiles=(0.1, 0.5, 0.9), random_state=0).fit(X, y)
    >>> display = QuantileDisplay.from_estimator(net, X_test, y_test)
    >>> len(display.axes_)
    2
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        x,
        y,
        y_quantiles,
        *,
        quantiles,
        coverage,
        x_name="rows, by their median",
        n_neighbors=1,
        coverage_before=None,
    ):
        self.x = x
        self.y = y
        self.y_quantiles = y_quantiles
        self.quantiles = quantiles
        self.coverage = coverage
        self.x_name = x_name
        self.n_neighbors = n_neighbors
        self.coverage_before = coverage_before

    @classmethod
    def from_estimator(
        cls, estimator, X, y, *, quantiles=None, feature=None, sample_weight=None, ax=None
    ):
        """Draw quantiles of a fitted regressor for data it has not seen.

        Parameters
        ----------
        estimator : fitted estimator
            A :class:`~skconstrain.QuantileNetRegressor` or what has its method `predict_quantiles`,
            also inside a Pipeline or a search.
        X : array-like of shape (n_samples, n_features)
            Samples as `estimator` takes them.
        y : array-like of shape (n_samples,)
            Targets.
        quantiles : array-like of float, default=None
            Levels that are drawn, increasing. None is those of the estimator.
        feature : int or str, default=None
            The column of X along which rows are drawn. None draws them by their median. Where X has
            other columns, too, quantiles jump from row to row: the fan then draws means of a
            twentieth of the rows.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights in the coverage.
        ax : matplotlib Axes, default=None
            Where to draw; it is divided in two. A new figure without it.

        Returns
        -------
        display : QuantileDisplay
            With `axes_` and `figure_`.
        """
        net = inner_network(estimator)
        if not hasattr(net, "predict_quantiles"):
            raise TypeError(
                "estimator must have the method predict_quantiles, as QuantileNetRegressor has. "
                f"Got {net!r}."
            )
        x, x_name = _column(X, feature)
        inside, before = as_seen_inside(estimator, X), None
        if getattr(net, "calibration_", None) is not None:
            before = net.predict_quantiles(inside, quantiles, calibrated=False)
        return cls.from_predictions(
            y,
            net.predict_quantiles(inside, quantiles),
            quantiles=net.quantiles if quantiles is None else quantiles,
            y_quantiles_before=before,
            x=x,
            x_name=x_name,
            n_neighbors=1 if x is None or np.shape(X)[1] == 1 else max(1, len(x) // 20),
            sample_weight=sample_weight,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true,
        y_quantiles,
        *,
        quantiles,
        y_quantiles_before=None,
        x=None,
        x_name=None,
        n_neighbors=1,
        sample_weight=None,
        ax=None,
    ):
        """Draw quantiles that any model has predicted.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            Targets.
        y_quantiles : array-like of shape (n_samples, n_quantiles)
            Predicted quantiles, a column for each level.
        quantiles : array-like of float
            The levels, increasing.
        y_quantiles_before : array-like of shape (n_samples, n_quantiles), default=None
            The quantiles before they were calibrated.
        x : array-like of shape (n_samples,), default=None
            Where each row is drawn. None draws rows by their median.
        x_name : str, default=None
            Name of the horizontal axis of the fan.
        n_neighbors : int, default=1
            The fan draws means of the quantiles of so many rows beside each other.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights in the coverage.
        ax : matplotlib Axes, default=None
            Where to draw; it is divided in two. A new figure without it.

        Returns
        -------
        display : QuantileDisplay
            With `axes_` and `figure_`.
        """
        y = column_or_1d(check_array(y_true, ensure_2d=False, input_name="y_true"))
        predicted = check_array(y_quantiles, input_name="y_quantiles")
        levels = np.asarray(quantiles, dtype=float)
        check_consistent_length(y, predicted)
        if levels.shape != predicted.shape[1:] or (np.diff(levels) <= 0).any():
            raise ValueError(
                "quantiles must be increasing levels, one for each column of y_quantiles. Got "
                f"{quantiles!r} for {predicted.shape[1]} columns."
            )
        weight = check_sample_weight(sample_weight, predicted, ensure_non_negative=True)

        def coverage(columns):
            return np.average(y[:, None] <= columns, axis=0, weights=weight)

        before = y_quantiles_before
        if x is None:
            order = np.argsort(predicted[:, len(levels) // 2], kind="stable")
            x = np.empty(len(y))
            x[order] = np.arange(len(y))
            x_name = x_name or "rows, by their median"
        x = column_or_1d(check_array(x, ensure_2d=False, input_name="x"))
        check_consistent_length(y, x)
        display = cls(
            x,
            y,
            predicted,
            quantiles=levels,
            coverage=coverage(predicted),
            coverage_before=None if before is None else coverage(np.asarray(before)),
            x_name=x_name or "x",
            n_neighbors=n_neighbors,
        )
        return display.plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; it is divided in two. A new figure without it.

        Returns
        -------
        display : QuantileDisplay
            With `axes_` and `figure_`.
        """
        self.figure_, self.axes_ = _two_axes(ax)
        self._draw_fan(self.axes_[0])
        self._draw_coverage(self.axes_[1])
        for panel in self.axes_:
            panel.spines[["top", "right"]].set_visible(False)
        return self

    def _draw_fan(self, panel):
        order = np.argsort(self.x, kind="stable")
        x = self.x[order]
        columns = uniform_filter1d(self.y_quantiles[order].T, self.n_neighbors, mode="nearest")
        n_levels = len(self.quantiles)
        for k in range(n_levels // 2):
            low, high = self.quantiles[k], self.quantiles[n_levels - 1 - k]
            panel.fill_between(
                x,
                columns[k],
                columns[n_levels - 1 - k],
                color=_lighter(_FAN, 0.8 ** (k + 1)),  # opaque, so that the legend shows it, too
                linewidth=0,
                label=f"{low:g} to {high:g}",
            )
        if n_levels % 2:
            middle = n_levels // 2
            panel.plot(x, columns[middle], color=_FAN, label=f"{self.quantiles[middle]:g}")
        panel.plot(self.x, self.y, ".", color=_TARGETS, markersize=3, alpha=0.5, label="y")
        panel.set(xlabel=self.x_name, ylabel="y")
        panel.legend(frameon=False)

    def _draw_coverage(self, panel):
        panel.plot([0, 1], [0, 1], color=_IDEAL, linewidth=1, linestyle=":")
        settings = {"color": _FAN, "markersize": 4}
        panel.plot(self.quantiles, self.coverage, "o-", **settings, label="calibrated")
        if self.coverage_before is not None:
            settings |= {"fillstyle": "none", "label": "before"}
            panel.plot(self.quantiles, self.coverage_before, "o--", **settings)
            panel.legend(frameon=False)
        panel.set(
            xlim=(0, 1),
            ylim=(0, 1),
            xlabel="level",
            ylabel="share of y at or below",
            aspect="equal",
        )


def _lighter(color, share):
    """Return a colour of which so large a share is white."""
    from matplotlib.colors import to_rgb

    return tuple(share + (1 - share) * part for part in to_rgb(color))


def _column(X, feature):
    """Return the column of X named or numbered `feature`, and its name; None for None."""
    if feature is None:
        return None, None
    names = list(X.columns) if hasattr(X, "columns") else None
    n_columns = np.shape(X)[1]
    if names is not None and feature in names:
        return np.asarray(X[feature]), str(feature)
    is_number = isinstance(feature, int | np.integer) and not isinstance(feature, bool)
    if not (is_number and -n_columns <= feature < n_columns):
        raise ValueError(
            f"feature must be a column of X, {'a name or ' if names else ''}a number below "
            f"{n_columns}. Got {feature!r}."
        )
    column = X.iloc[:, feature] if names is not None else np.asarray(X)[:, feature]
    return np.asarray(column), str(names[feature]) if names else f"feature {feature}"


def _two_axes(ax):
    """Return a figure and two axes, in the place of `ax` if there is one."""
    if ax is None:
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots(
            1, 2, figsize=(9, 3.6), width_ratios=[2, 1], layout="constrained"
        )
        return figure, axes
    ax.set_axis_off()
    grid = ax.get_subplotspec().subgridspec(1, 2, width_ratios=[2, 1])
    return ax.figure, np.array([ax.figure.add_subplot(cell) for cell in grid])
