"""What thresholds are tuned for: scikit-learn's `scoring` in the terms of `_search`."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import signature

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import (
    f1_score,
    fbeta_score,
    get_scorer,
    jaccard_score,
    precision_score,
    recall_score,
)

from skconstrain._sklearn_compat import scorer_parts
from skconstrain._thresholds import _search as _thresholds
from skconstrain._thresholds._least import raise_with_least

# scikit-learn's functions whose score is a number made of tp, fp, fn and tn.
_COUNTED = {
    f1_score: ("F1", _thresholds.f_beta),
    fbeta_score: ("F-beta", _thresholds.f_beta),
    jaccard_score: ("Jaccard", _thresholds.jaccard),
    precision_score: ("precision", _thresholds.precision),
    recall_score: ("recall", _thresholds.recall),
}
_AVERAGES = ("macro", "weighted", "micro", "samples")
_OBJECTIVES = {"micro": _thresholds.MicroObjective, "samples": _thresholds.SamplesObjective}


@dataclass(frozen=True)
class Scoring:
    """A score of predictions for several labels, larger is better.

    Attributes
    ----------
    average : {"macro", "weighted", "micro", "samples"} or None
        How outcomes become one number; None where only `function` knows.
    metrics : sequence of n_labels metrics, or empty where average is None
    name : str, what the metrics are called in a picture
    function : callable ``(y_true, y_pred, sample_weight) -> float`` or None
    limit : int, how many cut-offs of a label are tried where average is None
    has_fall_back : bool, whether `fbr` makes sense: for averages over labels of F or Jaccard
    """

    average: str | None
    metrics: Sequence[_thresholds.Metric] = ()
    name: str = ""
    function: Callable | None = None
    limit: int = 100
    has_fall_back: bool = False

    def tune(
        self, y_true, y_score, weight=None, labels=None, *, default, limits, fbr=None, least=0
    ):
        """Find the best thresholds where every row has at least `least` labels.

        The other parameters are those of `_search.tune_each`.
        """
        options = {"weight": weight, "labels": labels, "default": default, "limits": limits}
        thresholds = self._tune_freely(y_true, y_score, fbr=fbr, **options)
        n_labels = len(thresholds)
        if not 0 < least < n_labels or fbr is not None:
            return thresholds
        starts = [thresholds, np.full(n_labels, float(default))]
        options |= {"least": least, "labels": _thresholds.tunable(y_true, labels)}
        return raise_with_least(self, y_true, y_score, starts=starts, **options)

    def _tune_freely(self, y_true, y_score, *, fbr, **options):
        weight = options["weight"]
        if self.average in ("macro", "weighted"):
            # The weights of the labels are given by y: the best mean has every label at its best.
            return _thresholds.tune_each(y_true, y_score, self.metrics, fbr=fbr, **options)
        if self.average is None:
            function = partial(self._call, y_true, weight)
            make = partial(
                _thresholds.FunctionObjective, function=function, max_cut_offs=self.limit
            )
        else:
            make = partial(_OBJECTIVES[self.average], metric=self.metrics[0])
        return _thresholds.tune_together(y_true, y_score, make, **options)

    def along(self, line, y_true, weight):
        """Return the scores at the cut-offs of a line, ``-inf`` where they are not examined."""
        if self.average is None:
            return self._along_candidates(line, y_true, weight)
        share = np.ones(len(y_true)) if weight is None else weight
        if self.average == "samples":
            return self._along_rows(line, y_true, share)
        fixed = _thresholds.count_outcomes(y_true, line.below, share)
        moving = line.counts(y_true, share)
        if self.average == "micro":
            rest = np.delete(fixed, list(moving), axis=1)
            return self.metrics[0](*(rest.sum(axis=1)[:, None] + sum(moving.values())))
        outcomes = {**dict(enumerate(fixed.T)), **moving}
        support = fixed[0] + fixed[2] if self.average == "weighted" else np.ones(fixed.shape[1])
        scores = [self.metrics[label](*found) * support[label] for label, found in outcomes.items()]
        return sum(scores) / support.sum()

    def _along_candidates(self, line, y_true, weight):
        scores = np.full(len(line.ranking.starts), -np.inf)
        for cut in line.ranking.candidates(y_true[:, line.label], self.limit):
            scores[cut] = self._call(y_true, weight, line.predictions(cut))
        return scores

    def _along_rows(self, line, y_true, weight):
        """Return scores of a mean over rows, each of which has two states along the line."""
        is_short = line.substitute >= 0
        lost = is_short & y_true[np.arange(len(y_true)), line.substitute]
        hits, predicted = (line.below & y_true).sum(axis=1), line.below.sum(axis=1)
        below = self._score_rows(y_true, hits, predicted)
        hits, predicted = hits + y_true[:, line.label] - lost, predicted + 1 - is_short
        gain = weight * (self._score_rows(y_true, hits, predicted) - below)
        left_out, total = line.ranking.left_out(gain[line.ranking.order])
        return (weight @ below + total - left_out) / weight.sum()

    def _score_rows(self, y_true, hits, predicted):
        fp, fn = predicted - hits, y_true.sum(axis=1) - hits
        return self.metrics[0](hits, fp, fn, y_true.shape[1] - hits - fp - fn)

    def score(self, y_true, y_pred, weight) -> float:
        """Score of predictions, bool arrays of shape (n_samples, n_labels)."""
        if self.average is None:
            return float(self._call(y_true, weight, y_pred))
        by_row = self.average == "samples"
        share = np.ones(len(y_true)) if weight is None else weight
        if by_row:
            outcomes = _thresholds.count_outcomes(y_true.T, y_pred.T, np.ones(y_true.shape[1]))
            return float(np.average(self.metrics[0](*outcomes), weights=share))
        outcomes = _thresholds.count_outcomes(y_true, y_pred, share)
        if self.average == "micro":
            return float(self.metrics[0](*outcomes.sum(axis=1)))
        scores = [
            float(metric(*outcome))
            for metric, outcome in zip(self.metrics, outcomes.T, strict=True)
        ]
        support = outcomes[0] + outcomes[2] if self.average == "weighted" else None
        return float(np.average(scores, weights=support))

    def _call(self, y_true, weight, y_pred):
        return self.function(y_true, y_pred, weight)


def resolve_scoring(scoring, *, cost_matrix, n_labels, classes=None, max_cut_offs=100) -> Scoring:
    """Find out what `scoring` measures.

    Parameters
    ----------
    scoring : str or scorer
    cost_matrix : array-like of shape (2, 2) or (n_labels, 2, 2), or None
    n_labels : int
    classes : ndarray of shape (2,), or None
        The classes of a binary target, which is one label.
    max_cut_offs : int
        How many cut-offs of a label an unknown scorer is called for.
    """
    if (cost_matrix is not None) != (isinstance(scoring, str) and scoring == "cost"):
        raise ValueError(
            "scoring='cost' and cost_matrix belong together. "
            f"Got scoring={scoring!r} with cost_matrix={cost_matrix!r}."
        )
    if cost_matrix is not None:
        metrics = [_thresholds.negative_cost(matrix) for matrix in _costs(cost_matrix, n_labels)]
        return Scoring("macro", metrics, "minus cost")
    if isinstance(scoring, str) and scoring == "balanced_accuracy":
        metrics = [_thresholds.balanced_accuracy()] * n_labels
        return Scoring("macro", metrics, "balanced accuracy")
    scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
    parts = scorer_parts(scorer)
    if parts is None or parts.response_method != "predict":
        raise ValueError(
            "scoring must compare predicted labels, as a threshold changes nothing else. "
            f"Got {scoring!r}. Use the name of such a scorer, for instance 'f1_macro', or wrap a "
            "function of y_true and y_pred with sklearn.metrics.make_scorer."
        )
    return _counted(parts, n_labels, classes) or _called(
        parts, scoring, n_labels, classes, max_cut_offs
    )


def _costs(cost_matrix, n_labels):
    costs = np.asarray(cost_matrix, float)
    if costs.shape not in ((2, 2), (n_labels, 2, 2)) or not np.isfinite(costs).all():
        raise ValueError(
            "cost_matrix must hold finite costs of [true, predicted], shape (2, 2), or of "
            f"[label, true, predicted], shape ({n_labels}, 2, 2). Got {costs.tolist()}."
        )
    return np.broadcast_to(costs, (n_labels, 2, 2))


def _counted(parts, n_labels, classes):
    """Return the scoring of a function that needs counts only, or None."""
    options = {name: value for name, value in parts.kwargs.items() if name != "zero_division"}
    average, beta = options.pop("average", "binary"), options.pop("beta", 1.0)
    zero_division = parts.kwargs.get("zero_division", 0.0)
    zero_division = 0.0 if zero_division == "warn" else zero_division
    binary = average == "binary" and classes is not None
    if not binary or options.get("pos_label", classes[1]) == classes[1]:
        options.pop("pos_label", None)  # read for average="binary" only
    known = parts.function in _COUNTED and parts.sign > 0 and (binary or average in _AVERAGES)
    if not known or options or np.isnan(zero_division):
        return None
    name, make_metric = _COUNTED[parts.function]
    given = {"beta": beta} if parts.function is fbeta_score else {}
    metric = make_metric(zero_division=zero_division, **given)
    average = "macro" if binary else average
    overlap = parts.function in (f1_score, fbeta_score, jaccard_score)
    fall_back = overlap and average in ("macro", "weighted")
    return Scoring(average, [metric] * n_labels, name, has_fall_back=fall_back)


def _called(parts, scoring, n_labels, classes, max_cut_offs):
    """Return a scoring that calls a function of the predictions."""
    takes_weight = "sample_weight" in signature(parts.function).parameters

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
            return parts.sign * parts.function(y_true, y_pred, **parts.kwargs, **options)

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
    return Scoring(None, function=function, limit=max_cut_offs)
