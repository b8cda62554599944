"""ThresholdCurveDisplay: a metric against the decision threshold of each label."""

import numpy as np
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import check_is_fitted

from skconstrain._base import NetClassifier
from skconstrain._sklearn_compat import check_sample_weight
from skconstrain._thresholds._ranking import Ranking
from skconstrain._thresholds._scores import label_scores, response_method
from skconstrain._thresholds._scoring import resolve_scoring
from skconstrain._wrapped import opened
from skconstrain.inspection._inner_network import found_inside
from skconstrain.inspection._label_panels import LabelDisplay, as_labels, name_outer_axes

_METRICS = {
    "f1": "f1_macro",
    "jaccard": "jaccard_macro",
    "precision": "precision_macro",
    "recall": "recall_macro",
    "balanced_accuracy": "balanced_accuracy",
}
_CURVE, _CHOSEN, _FOLDS, _DEFAULT = "#4c72b0", "#c44e52", "#dd8452", "0.55"


class ThresholdCurveDisplay(LabelDisplay):
    """A metric against the decision threshold, one panel per label.

    Shows how flat the top is, where the chosen threshold lies on it, what the default scores and
    what the chosen one (the two numbers of a title), and how far the folds disagree. A narrow peak
    with scattered folds is a threshold that was found by chance.

    Use :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    edges : list of n_labels ndarray of shape (n_cuts + 1,)
        Between two edges all thresholds predict the same.
    scores : list of n_labels ndarray of shape (n_cuts,)
        Metric between the edges.
    label_names : sequence of n_labels str
        Titles.
    metric_name : str, default="F1"
        Name of the vertical axis.
    thresholds : ndarray of shape (n_labels,), default=None
        Chosen thresholds.
    cv_thresholds : ndarray of shape (n_splits, n_labels), default=None
        Thresholds that each fold would choose.
    default : float, default=0.5
        Threshold of the untuned classifier.

    Attributes
    ----------
    axes_ : ndarray of n_shown matplotlib Axes
        One per label shown.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    skconstrain.TunedThresholdMultiLabelClassifierCV : Chooses the thresholds.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.model_selection import train_test_split
    >>> from skconstrain import TunedThresholdMultiLabelClassifierCV
    >>> from skconstrain.inspection import ThresholdCurveDisplay
    >>> X, y = make_multilabel_classification(300, n_classes=4, random_state=0)
    >>> X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    >>> forest = RandomForestClassifier(20, random_state=0)
    >>> tuned = TunedThresholdMultiLabelClassifierCV(forest, random_state=0).fit(X, y)
    >>> display = ThresholdCurveDisplay.from_estimator(tuned, X_test, y_test)
    >>> len(display.axes_)
    4
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        edges,
        scores,
        *,
        label_names,
        metric_name="F1",
        thresholds=None,
        cv_thresholds=None,
        default=0.5,
    ):
        self.edges = edges
        self.scores = scores
        self.label_names = label_names
        self.metric_name = metric_name
        self.thresholds = thresholds
        self.cv_thresholds = cv_thresholds
        self.default = default

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        metric=None,
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
            Its `thresholds_` or `threshold`, and its `cv_thresholds_`, are shown if it has them,
            also those of what is inside a Pipeline or a search.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
            True labels.
        metric : {"f1", "jaccard", "precision", "recall", "balanced_accuracy"}, default=None
            What is drawn. None is what the thresholds were chosen for, where that is a metric of
            one label, and "f1" elsewhere.
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
        display : ThresholdCurveDisplay
            With `axes_` and `figure_`.
        """
        check_is_fitted(estimator)
        y, names, classes = as_labels(y, getattr(estimator, "classes_", None))
        names = found_inside(estimator, "label_names_", names)
        tuned = next((one for one in opened(estimator) if hasattr(one, "thresholds_")), None)
        method = response_method(estimator, getattr(tuned, "response_method", "auto"))
        n_labels = None if classes is not None else y.shape[1]
        return cls.from_predictions(
            y,
            label_scores(estimator, X, method, n_labels),
            metric=_scoring_of(tuned, y.shape[1], classes) if metric is None else metric,
            sample_weight=sample_weight,
            thresholds=_thresholds_of(estimator, tuned, y.shape[1]),
            cv_thresholds=getattr(tuned, "cv_thresholds_", None),
            label_names=names if label_names is None else label_names,
            default=0.0 if method == "decision_function" else 0.5,
            labels=labels,
            max_labels=max_labels,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true,
        y_score,
        *,
        metric="f1",
        sample_weight=None,
        thresholds=None,
        cv_thresholds=None,
        label_names=None,
        default=0.5,
        labels=None,
        max_labels=12,
        ax=None,
    ):
        """Draw the curves of scores.

        Parameters
        ----------
        y_true : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
            True labels, zeros and ones.
        y_score : array-like of shape (n_samples, n_labels) or (n_samples,)
            Probabilities, or other scores, larger where the label is more likely.
        metric : {"f1", "jaccard", "precision", "recall", "balanced_accuracy"}, default="f1"
            What is drawn.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights.
        thresholds : array-like of shape (n_labels,), default=None
            Chosen thresholds.
        cv_thresholds : array-like of shape (n_splits, n_labels), default=None
            Thresholds of the folds, NaN where a fold has none.
        label_names : sequence of n_labels str, default=None
            Titles; the columns of a DataFrame `y_true`, or "label 0", "label 1", ... without them.
        default : float, default=0.5
            Threshold of the untuned classifier.
        labels : list of int or str, default=None
            Columns or names of the labels shown, in this order.
        max_labels : int, default=12
            How many labels are shown where `labels` is None: the first ones.
        ax : matplotlib Axes, default=None
            Where to draw; it is divided among the labels. A new figure without it.

        Returns
        -------
        display : ThresholdCurveDisplay
            With `axes_` and `figure_`.
        """
        y_true, names, _ = as_labels(y_true, None)
        y_score = check_array(y_score, ensure_2d=False, dtype=np.float64)
        y_score = y_score.reshape(-1, 1) if y_score.ndim == 1 else y_score
        _check_shapes(y_true, y_score, thresholds, cv_thresholds, label_names)
        scoring = _resolve(metric, y_true.shape[1])
        weight = check_sample_weight(sample_weight, y_score, ensure_non_negative=True)
        inside = y_score.min() >= 0 and y_score.max() <= 1
        edges, scores = [], []
        for true, score, one_metric in zip(y_true.T, y_score.T, scoring.metrics, strict=True):
            ranking = Ranking.of(score, (0.0, 1.0) if inside else None)
            edges.append(ranking.edges)
            scores.append(one_metric(*ranking.counts(true, weight)))
        display = cls(
            edges,
            scores,
            label_names=[str(name) for name in (names if label_names is None else label_names)],
            metric_name=scoring.name,
            thresholds=None if thresholds is None else np.asarray(thresholds, float),
            cv_thresholds=None if cv_thresholds is None else np.asarray(cv_thresholds, float),
            default=default,
        )
        return display.plot(labels=labels, max_labels=max_labels, ax=ax)

    def _draw(self, panel, label):
        edges, scores = self.edges[label], self.scores[label]
        panel.stairs(scores, edges, baseline=None, color=_CURVE, linewidth=1.5)
        panel.axvline(self.default, color=_DEFAULT, linewidth=1, linestyle=":", label="default")
        if self.cv_thresholds is not None:
            self._draw_folds(panel, self.cv_thresholds[:, label])
        panel.set_title(self.label_names[label], loc="left", fontsize=9.5, fontweight="bold")
        if self.thresholds is not None:
            self._draw_chosen(panel, label)
        panel.set_xlim(edges[0], edges[-1])
        panel.spines[["top", "right"]].set_visible(False)

    def _draw_chosen(self, panel, label):
        chosen = self.thresholds[label]
        height, before = (
            _at(self.edges[label], self.scores[label], where) for where in (chosen, self.default)
        )
        panel.axvline(chosen, color=_CHOSEN, linewidth=1.2, label="chosen threshold")
        panel.plot(chosen, height, "o", color=_CHOSEN, markersize=5, zorder=5)
        panel.set_title(
            f"{before:.2f} \N{RIGHTWARDS ARROW} {height:.2f}", loc="right", fontsize=8.5
        )

    def _draw_folds(self, panel, found):
        found = found[np.isfinite(found)]
        if not len(found):
            return
        if len(found) > 1:
            panel.axvspan(found.min(), found.max(), color=_FOLDS, alpha=0.13, linewidth=0)
        panel.plot(
            found, np.zeros(len(found)), "|", color=_FOLDS, markersize=14, markeredgewidth=1.5,
            transform=panel.get_xaxis_transform(), label="folds", clip_on=False,
        )  # fmt: skip

    def _describe(self, shown, ax):
        low = min(float(scores.min()) for scores in map(self.scores.__getitem__, shown))
        high = max(float(scores.max()) for scores in map(self.scores.__getitem__, shown))
        margin = 0.06 * (high - low or 1.0)
        for panel in self.axes_:
            panel.set_ylim(low - margin, high + margin)
        name_outer_axes(self.axes_, "threshold", self.metric_name)
        handles = {}  # of all panels, as the first may be a label without a fold
        for panel in self.axes_:
            handles |= dict(zip(*panel.get_legend_handles_labels()[::-1], strict=True))
        if ax is not None:
            self.axes_[0].legend(handles.values(), handles, fontsize=7.5, loc=(0.03, 0.09))
            return
        rest = len(self.edges) - len(shown)
        title = f"{len(shown)} of {len(self.edges)} labels" if rest else None
        self.figure_.legend(
            handles.values(), handles, title=title, ncols=3, loc="outside upper center",
            frameon=False,
        )  # fmt: skip


def _at(edges, scores, threshold):
    return scores[min(int(np.searchsorted(edges[1:], threshold)), len(scores) - 1)]


def _check_shapes(y_true, y_score, thresholds, cv_thresholds, label_names):
    check_consistent_length(y_true, y_score)
    n_labels = y_true.shape[1]
    if y_score.shape[1] != n_labels:
        raise ValueError(
            f"y_score must have a column for each of the {n_labels} labels of y_true. "
            f"Got {y_score.shape[1]}."
        )
    given = {"thresholds": thresholds, "label_names": label_names, "cv_thresholds": cv_thresholds}
    for name, value in given.items():
        if value is not None and np.shape(value)[-1:] != (n_labels,):
            raise ValueError(
                f"{name} must have one entry for each of the {n_labels} labels. "
                f"Got shape {np.shape(value)}."
            )


def _thresholds_of(estimator, tuned, n_labels):
    """Return the thresholds that decide, one for each label; None where there are none."""
    *_, innermost = opened(estimator)
    if tuned is not None:
        thresholds = tuned.thresholds_
    elif isinstance(innermost, NetClassifier):
        thresholds = innermost._checked_threshold()
    else:
        thresholds = getattr(innermost, "threshold", None)
    return None if thresholds is None else np.broadcast_to(np.asarray(thresholds, float), n_labels)


def _scoring_of(tuned, n_labels, classes):
    """Return what the thresholds were chosen for, or "f1" where that is no metric of one label."""
    if not hasattr(tuned, "scoring"):
        return "f1"
    scoring = resolve_scoring(
        tuned.scoring,
        cost_matrix=tuned.cost_matrix,
        n_labels=n_labels,
        classes=None if classes is None else tuned.classes_,
    )
    return scoring if scoring.metrics else "f1"


def _resolve(metric, n_labels):
    if not isinstance(metric, str):
        return metric
    if metric not in _METRICS:
        raise ValueError(f"metric must be one of {sorted(_METRICS)}. Got {metric!r}.")
    return resolve_scoring(_METRICS[metric], cost_matrix=None, n_labels=n_labels)
