"""ReliabilityDisplay: how often a label is there where it was given a probability."""

import numpy as np
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import check_is_fitted

from skconstrain._sklearn_compat import check_sample_weight
from skconstrain._thresholds._scores import label_scores
from skconstrain.inspection._inner_network import found_inside
from skconstrain.inspection._label_panels import LabelDisplay, as_labels, name_outer_axes

_CURVE, _IDEAL = "#4c72b0", "0.55"
_STRATEGIES = ("uniform", "quantile")


class ReliabilityDisplay(LabelDisplay):
    """Shares of positives against predicted probabilities, one panel per label.

    The rows are put into bins by their probability of the label. A point is a bin: the mean
    probability in it, and the share of its rows that have the label. On the diagonal probabilities
    are what they say; below it they are too high. The area of a point is the share of the rows that
    are in its bin, and the line through it reaches as far as chance does: the Wilson interval of
    95 %. The number in a title is the Brier score, the mean squared error of the probabilities.

    scikit-learn's :class:`~sklearn.calibration.CalibrationDisplay` draws one binary target.

    Use :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    prob_pred : list of n_labels ndarray of shape (n_bins_filled,)
        Mean probability in each bin that holds rows.
    prob_true : list of n_labels ndarray of shape (n_bins_filled,)
        Share of the rows in each that have the label.
    bin_weights : list of n_labels ndarray of shape (n_bins_filled,)
        Weight of the rows in each, in units of the mean weight of a row.
    label_names : sequence of n_labels str
        Titles.
    brier_scores : ndarray of shape (n_labels,)
        Brier score of each label.

    Attributes
    ----------
    axes_ : ndarray of n_shown matplotlib Axes
        One per label shown.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    ThresholdCurveDisplay : A metric against the threshold of each label.
    skconstrain.MultiLabelNetClassifier : Predicts probabilities of labels.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.model_selection import train_test_split
    >>> from skconstrain import MultiLabelNetClassifier
    >>> from skconstrain.inspection import ReliabilityDisplay
    >>> X, y = make_multilabel_classification(400, n_classes=4, random_state=0)
    >>> X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    >>> net = MultiLabelNetClassifier(n_networks=1, epochs=20, random_state=0).fit(X, y)
    >>> display = ReliabilityDisplay.from_estimator(net, X_test, y_test, n_bins=5)
    >>> len(display.axes_)
    4
    >>> plt.close(display.figure_)
    """

    def __init__(self, prob_pred, prob_true, bin_weights, *, label_names, brier_scores):
        self.prob_pred = prob_pred
        self.prob_true = prob_true
        self.bin_weights = bin_weights
        self.label_names = label_names
        self.brier_scores = brier_scores

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        n_bins=10,
        strategy="uniform",
        sample_weight=None,
        label_names=None,
        labels=None,
        max_labels=12,
        ax=None,
    ):
        """Draw the curves of a fitted classifier on data it has not seen.

        Parameters
        ----------
        estimator : fitted classifier of several labels, or of a binary target
            It has `predict_proba`. Names of labels are also found inside a Pipeline or a search.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
            True labels.
        n_bins : int, default=10
            How many bins there are; those without a row are not drawn.
        strategy : {"uniform", "quantile"}, default="uniform"
            Bins of equal width, or of equally many rows.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights.
        label_names : sequence of n_labels str, default=None
            Names of the labels. None is those seen in `fit`, or the numbers of the columns.
        labels : list of int or str, default=None
            Columns or names of the labels shown, in this order.
        max_labels : int, default=12
            How many labels are shown where `labels` is None: the first ones.
        ax : matplotlib Axes, default=None
            Where to draw; it is divided among the labels. A new figure without it.

        Returns
        -------
        display : ReliabilityDisplay
            With `axes_` and `figure_`.
        """
        check_is_fitted(estimator)
        if not hasattr(estimator, "predict_proba"):
            raise TypeError(
                "estimator must have predict_proba. Got a "
                f"{type(estimator).__name__}. Wrap it in CalibratedClassifierCV."
            )
        y, names, classes = as_labels(y, getattr(estimator, "classes_", None))
        names = found_inside(estimator, "label_names_", names)
        n_labels = None if classes is not None else y.shape[1]
        return cls.from_predictions(
            y,
            label_scores(estimator, X, "predict_proba", n_labels),
            n_bins=n_bins,
            strategy=strategy,
            sample_weight=sample_weight,
            label_names=names if label_names is None else label_names,
            labels=labels,
            max_labels=max_labels,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true,
        y_prob,
        *,
        n_bins=10,
        strategy="uniform",
        sample_weight=None,
        label_names=None,
        labels=None,
        max_labels=12,
        ax=None,
    ):
        """Draw the curves of probabilities.

        Parameters
        ----------
        y_true : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
            True labels, zeros and ones.
        y_prob : array-like of shape (n_samples, n_labels) or (n_samples,)
            Probabilities of the labels.
        n_bins : int, default=10
            How many bins there are; those without a row are not drawn.
        strategy : {"uniform", "quantile"}, default="uniform"
            Bins of equal width, or of equally many rows.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights.
        label_names : sequence of n_labels str, default=None
            Titles; the columns of a DataFrame `y_true`, or "label 0", "label 1", ... without them.
        labels : list of int or str, default=None
            Columns or names of the labels shown, in this order.
        max_labels : int, default=12
            How many labels are shown where `labels` is None: the first ones.
        ax : matplotlib Axes, default=None
            Where to draw; it is divided among the labels. A new figure without it.

        Returns
        -------
        display : ReliabilityDisplay
            With `axes_` and `figure_`.
        """
        y_true, names, _ = as_labels(y_true, None)
        y_prob = check_array(y_prob, ensure_2d=False, dtype=np.float64, input_name="y_prob")
        y_prob = y_prob.reshape(-1, 1) if y_prob.ndim == 1 else y_prob
        names = names if label_names is None else label_names
        _check(y_true, y_prob, names, n_bins, strategy)
        weight = check_sample_weight(sample_weight, y_prob, ensure_non_negative=True)
        weight = weight / weight.mean()
        curves = [
            _curve(true, prob, weight, _edges(prob, n_bins, strategy))
            for true, prob in zip(y_true.T, y_prob.T, strict=True)
        ]
        display = cls(
            *map(list, zip(*curves, strict=True)),
            label_names=[str(name) for name in names],
            brier_scores=np.average((y_true - y_prob) ** 2, axis=0, weights=weight),
        )
        return display.plot(labels=labels, max_labels=max_labels, ax=ax)

    def _draw(self, panel, label):
        predicted, share = self.prob_pred[label], self.prob_true[label]
        weights = self.bin_weights[label]
        low, high = _wilson(share, weights)
        panel.plot([0, 1], [0, 1], color=_IDEAL, linewidth=1, linestyle=":")
        panel.vlines(predicted, low, high, color=_CURVE, linewidth=1, alpha=0.6)
        panel.plot(predicted, share, color=_CURVE, linewidth=1.2)
        panel.scatter(predicted, share, s=8 + 120 * weights / weights.sum(), color=_CURVE, zorder=3)
        panel.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
        panel.set_title(self.label_names[label], loc="left", fontsize=9.5, fontweight="bold")
        panel.set_title(f"Brier {self.brier_scores[label]:.3f}", loc="right", fontsize=8.5)
        panel.spines[["top", "right"]].set_visible(False)

    def _describe(self, shown, ax):
        name_outer_axes(self.axes_, "mean probability", "share of positives")
        rest = len(self.label_names) - len(shown)
        if rest and ax is None:
            self.figure_.suptitle(f"{len(shown)} of {len(self.label_names)} labels", fontsize=10)


def _edges(prob, n_bins, strategy):
    """Return the inner edges of bins."""
    shares = np.linspace(0, 1, n_bins + 1)[1:-1]
    return shares if strategy == "uniform" else np.unique(np.quantile(prob, shares))


def _curve(true, prob, weight, edges):
    """Return mean probability, share of positives and weight of each bin that holds rows."""
    bins = np.searchsorted(edges, prob)
    total = np.bincount(bins, weight)
    used = total > 0
    means = [np.bincount(bins, weight * values)[used] / total[used] for values in (prob, true)]
    return *means, total[used]


def _wilson(share, n, z=1.96):
    """Return the Wilson (1927) interval of shares of `n` rows."""
    center = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return center - half, center + half


def _check(y_true, y_prob, names, n_bins, strategy):
    check_consistent_length(y_true, y_prob)
    n_labels = y_true.shape[1]
    if y_prob.shape[1] != n_labels or len(names) != n_labels:
        raise ValueError(
            "y_prob and label_names must have an entry for each of the "
            f"{n_labels} labels of y_true. Got {y_prob.shape[1]} and {len(names)}."
        )
    outside = y_prob[(y_prob < 0) | (y_prob > 1)]
    if len(outside):
        raise ValueError(f"y_prob must hold probabilities, in [0, 1]. Got {outside[0]:g}.")
    is_number = isinstance(n_bins, int | np.integer) and not isinstance(n_bins, bool)
    if not is_number or n_bins < 1:
        raise ValueError(f"n_bins must be a whole number above 0. Got {n_bins!r}.")
    if strategy not in _STRATEGIES:
        raise ValueError(f"strategy must be 'uniform' or 'quantile'. Got {strategy!r}.")
