"""What thresholds are tuned for: scikit-learn's `scoring` in the terms of `_search`."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from inspect import signature

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    fbeta_score,
    get_scorer,
    hamming_loss,
    jaccard_score,
    precision_score,
    recall_score,
    zero_one_loss,
)

from skconstrain._sklearn_compat import scorer_call
from skconstrain._thresholds import _metrics
from skconstrain._thresholds._averages import Average, Called, LabelMean, Pooled, RowMean
from skconstrain._thresholds._line import Line
from skconstrain._thresholds._outcomes import Outcomes
from skconstrain._thresholds._search import tune_each, tune_together, tune_with_least

# scikit-learn's functions whose score is a number made of tp, fp, fn and tn.
_COUNTED = {
    f1_score: ("F1", _metrics.f_beta),
    fbeta_score: ("F-beta", _metrics.f_beta),
    jaccard_score: ("Jaccard", _metrics.jaccard),
    precision_score: ("precision", _metrics.precision),
    recall_score: ("recall", _metrics.recall),
}
_AVERAGES = ("macro", "weighted", "micro", "samples")

# Those whose score is a mean over rows, by function and sign.
_MEANS_OF_ROWS = {
    (accuracy_score, 1): _metrics.all_right,
    (zero_one_loss, -1): _metrics.any_wrong,
    (hamming_loss, -1): _metrics.hamming,
}


@dataclass(frozen=True)
class Scoring:
    """A score of predictions for several labels, larger is better.

    Attributes
    ----------
    average : Average, how outcomes become one number
    metrics : sequence of n_labels metrics, or empty where it is made of none of single labels
    name : str, what the metrics are called in a picture
    limit : int, how many cut-offs of a label are examined, or None for all
    has_fall_back : bool, whether `fbr` makes sense: for averages over labels of F or Jaccard
    """

    average: Average
    metrics: Sequence[_metrics.Metric] = ()
    name: str = ""
    limit: int | None = None
    has_fall_back: bool = False

    def tune(
        self,
        y_true,
        y_score,
        weight=None,
        labels=None,
        *,
        default,
        limits,
        fbr=None,
        shrinkage=0.0,
        least=0,
    ):
        """Find the best thresholds where every row has at least `least` labels.

        The other parameters are those of `_search.tune_each` and `tune_together`.
        """
        options = {"weight": weight, "labels": labels, "default": default, "limits": limits}
        if isinstance(self.average, LabelMean):
            # The weights of the labels are given by y: the best mean has every label at its best.
            are_alike = len(set(self.metrics)) == 1
            drawn = {"fbr": fbr, "shrinkage": shrinkage if are_alike else 0.0}
            thresholds = tune_each(y_true, y_score, self.metrics, **drawn, **options)
        else:
            thresholds = tune_together(self, y_true, y_score, **options)
        if not 0 < least < len(thresholds) or fbr is not None:
            return thresholds
        starts = [thresholds, np.full(len(thresholds), float(default))]
        return tune_with_least(self, y_true, y_score, starts, least=least, **options)

    def along(self, line: Line, current: int | None = None) -> np.ndarray:
        """Return the scores at the cut-offs of a line, ``-inf`` where they are not examined.

        The one at the `current` cut-off is, if there is one.
        """
        if self.limit is None:
            return self.average.along(line, slice(None))
        cuts = line.ranking.candidates(line.true, self.limit)
        cuts = cuts if current is None else np.union1d(cuts, [current])
        scores = np.full(len(line.ranking.starts), -np.inf)
        scores[cuts] = self.average.along(line, cuts)[cuts]
        return scores

    def value(self, outcomes: Outcomes) -> float:
        """Score of predictions whose outcomes are known."""
        return self.average.value(outcomes)

    def score(self, y_true, y_pred, weight) -> float:
        """Score of predictions, bool arrays of shape (n_samples, n_labels)."""
        return self.value(Outcomes(y_true, y_pred, weight))


def resolve_scoring(
    scoring, *, cost_matrix, n_labels, classes=None, max_cut_offs=100, fbr=None
) -> Scoring:
    """Find out what `scoring` measures, and whether `fbr` makes sense with it.

    Parameters
    ----------
    scoring : str or scorer
    cost_matrix : array-like of shape (2, 2) or (n_labels, 2, 2), or None
    n_labels : int
    classes : ndarray of shape (2,), or None
        The classes of a binary target, which is one label.
    max_cut_offs : int
        How many cut-offs of a label an unknown scorer is called for.
    fbr : float or None
        The fall-back of labels too rare to be tuned.
    """
    found = _resolved(scoring, cost_matrix, n_labels, classes, max_cut_offs)
    if fbr is not None and not found.has_fall_back:
        raise ValueError(
            "fbr needs a macro- or weighted average of F1, F-beta or Jaccard. "
            f"Got scoring={scoring!r} with fbr={fbr}. Use fbr=None."
        )
    return found


def _resolved(scoring, cost_matrix, n_labels, classes, max_cut_offs):
    if (cost_matrix is not None) != (isinstance(scoring, str) and scoring == "cost"):
        raise ValueError(
            "scoring='cost' and cost_matrix belong together. "
            f"Got scoring={scoring!r} with cost_matrix={cost_matrix!r}."
        )
    if cost_matrix is not None:
        metrics = [_metrics.negative_cost(matrix) for matrix in _costs(cost_matrix, n_labels)]
        return Scoring(LabelMean(metrics), metrics, "minus cost")
    if isinstance(scoring, str) and scoring == "balanced_accuracy":
        metrics = [_metrics.balanced_accuracy()] * n_labels
        return Scoring(LabelMean(metrics), metrics, "balanced accuracy")
    scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
    call = scorer_call(scorer)
    if call is None or call.response_method != "predict":
        raise ValueError(
            "scoring must compare predicted labels, as a threshold changes nothing else. "
            f"Got {scoring!r}. Use the name of such a scorer, for instance 'f1_macro', or wrap a "
            "function of y_true and y_pred with sklearn.metrics.make_scorer."
        )
    if (call.function, call.sign) in _MEANS_OF_ROWS and not call.kwargs:
        metric = _MEANS_OF_ROWS[call.function, call.sign]()
        return Scoring(RowMean(metric), limit=max_cut_offs)
    return _counted(call, n_labels, classes) or _called(
        call, scoring, n_labels, classes, max_cut_offs
    )


def _costs(cost_matrix, n_labels):
    costs = np.asarray(cost_matrix, float)
    if costs.shape not in ((2, 2), (n_labels, 2, 2)) or not np.isfinite(costs).all():
        raise ValueError(
            "cost_matrix must hold finite costs of [true, predicted], shape (2, 2), or of "
            f"[label, true, predicted], shape ({n_labels}, 2, 2). Got {costs.tolist()}."
        )
    return np.broadcast_to(costs, (n_labels, 2, 2))


def _counted(call, n_labels, classes):
    """Return the scoring of a function that needs counts only, or None."""
    options = {name: value for name, value in call.kwargs.items() if name != "zero_division"}
    average, beta = options.pop("average", "binary"), options.pop("beta", 1.0)
    zero_division = call.kwargs.get("zero_division", 0.0)
    zero_division = 0.0 if zero_division == "warn" else zero_division
    binary = average == "binary" and classes is not None
    if not binary or options.get("pos_label", classes[1]) == classes[1]:
        options.pop("pos_label", None)  # read for average="binary" only
    known = call.function in _COUNTED and call.sign > 0 and (binary or average in _AVERAGES)
    if not known or options or np.isnan(zero_division):
        return None
    name, make_metric = _COUNTED[call.function]
    given = {"beta": beta} if call.function is fbeta_score else {}
    metric = make_metric(zero_division=zero_division, **given)
    metrics = [metric] * n_labels
    if average in ("micro", "samples"):
        kind = Pooled if average == "micro" else RowMean
        return Scoring(kind(metric), metrics, name)
    overlap = call.function in (f1_score, fbeta_score, jaccard_score)
    by_support = average == "weighted"
    return Scoring(LabelMean(metrics, by_support), metrics, name, has_fall_back=overlap)


def _called(call, scoring, n_labels, classes, max_cut_offs):
    """Return a scoring that calls a function of the predictions."""
    takes_weight = "sample_weight" in signature(call.function).parameters

    def function(y_true, y_pred, weight):
        if weight is not None and not takes_weight:
            raise ValueError(
                f"The function of scoring must take sample_weight. Got {scoring!r} with weights. "
                "Fit without sample_weight, or use another scorer."
            )
        if classes is None:
            y_true, y_pred = y_true.astype(int), y_pred.astype(int)
        else:
            y_true, y_pred = (classes[y.astype(int)[:, 0]] for y in (y_true, y_pred))
        options = {} if weight is None else {"sample_weight": weight}
        with warnings.catch_warnings():  # at most cut-offs some label is never predicted
            warnings.simplefilter("ignore", UndefinedMetricWarning)
            return call.sign * call.function(y_true, y_pred, **call.kwargs, **options)

    # Before anything is fitted: a function that cannot read several labels says so here.
    trial = np.arange(2 * n_labels).reshape(2, n_labels) % 2 == 0
    trial = np.vstack([trial, ~trial])
    try:
        result = function(trial, trial, None)
        if np.ndim(result):
            raise ValueError(f"it returned an array of shape {np.shape(result)}, not a number")
    except ValueError as error:
        raise ValueError(
            f"scoring must give one number for {n_labels} label{'s' * (n_labels > 1)}. "
            f"Got {scoring!r} ({str(error).rstrip('.')}). Use a scorer made for several labels, "
            "for instance 'f1_macro', or make_scorer(f1_score, average='macro')."
        ) from error
    return Scoring(Called(function), limit=max_cut_offs)
