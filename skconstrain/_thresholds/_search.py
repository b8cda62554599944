"""Decision thresholds of several labels: every observed cut-off, examined by sorting, in NumPy.

A label is predicted where ``score >= threshold``, as in scikit-learn's TunedThresholdClassifierCV.
All thresholds in ``(a, b]``, where ``a`` and ``b`` are neighbouring observed scores, predict the
same rows: together they are one *cut-off*. The cut-off's threshold is the default (0.5 for a
probability) where the default lies inside, and the middle of ``a`` and ``b`` elsewhere, which
leaves the same margin on both sides for new scores. The outermost cut-offs end at the limits of the
scores, 0 and 1 for probabilities, so a threshold never leaves them.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

# True positives, false positives, false negatives, true negatives -> score; larger is better.
Metric = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]

# Sums of weights in another order differ by this much; scores closer than that are a tie.
TIE = 1e-12

# Ascent ends when a sweep gains nothing, in practice after three to five.
MAX_SWEEPS = 50


def _ratio(numerator, denominator, otherwise):
    return np.divide(
        numerator,
        denominator,
        where=denominator > 0,
        out=np.full(np.shape(denominator), otherwise, float),
    )


def f_beta(beta: float = 1.0, zero_division: float = 0.0) -> Metric:
    """``(1 + b^2) tp / ((1 + b^2) tp + b^2 fn + fp)`` (van Rijsbergen 1979); F1 by default."""
    square = beta**2

    def score(tp, fp, fn, tn):
        hits = (1 + square) * tp
        return _ratio(hits, hits + square * fn + fp, zero_division)

    return score


def jaccard(zero_division: float = 0.0) -> Metric:
    """``tp / (tp + fp + fn)``."""
    return lambda tp, fp, fn, tn: _ratio(tp, tp + fp + fn, zero_division)


def precision(zero_division: float = 0.0) -> Metric:
    """``tp / (tp + fp)``."""
    return lambda tp, fp, fn, tn: _ratio(tp, tp + fp, zero_division)


def recall(zero_division: float = 0.0) -> Metric:
    """``tp / (tp + fn)``."""
    return lambda tp, fp, fn, tn: _ratio(tp, tp + fn, zero_division)


def balanced_accuracy() -> Metric:
    """Mean of the recalls of positive and negative rows; one of them where the other is empty."""

    def score(tp, fp, fn, tn):
        positive, negative = _ratio(tp, tp + fn, np.nan), _ratio(tn, tn + fp, np.nan)
        mean = (positive + negative) / 2
        return np.where(np.isnan(mean), np.where(np.isnan(positive), negative, positive), mean)

    return score


def negative_cost(matrix: np.ndarray) -> Metric:
    """Minus the mean cost of a row; ``matrix[true, predicted]`` is the cost of an outcome."""
    (cost_tn, cost_fp), (cost_fn, cost_tp) = np.asarray(matrix, float)

    def score(tp, fp, fn, tn):
        cost = cost_tp * tp + cost_fp * fp + cost_fn * fn + cost_tn * tn
        return -cost / (tp + fp + fn + tn)

    return score


@dataclass(frozen=True)
class Ranking:
    """The rows of one label in the order of their scores, and the cut-offs between them.

    Attributes
    ----------
    order : ndarray of shape (n_samples,), rows by ascending score
    starts : ndarray of shape (n_cuts,), cut-off ``j`` predicts the rows ``order[starts[j]:]``
    edges : ndarray of shape (n_cuts + 1,), cut-off ``j`` is any of ``(edges[j], edges[j + 1]]``
    """

    order: np.ndarray
    starts: np.ndarray
    edges: np.ndarray

    @classmethod
    def of(cls, score: np.ndarray, limits: tuple[float, float] | None = (0.0, 1.0)) -> "Ranking":
        """Rank scores of shape (n_samples,); without `limits` the ends lie their span outside."""
        order = np.argsort(score)
        ascending = np.asarray(score, float)[order]
        changes = np.flatnonzero(ascending[1:] > ascending[:-1]) + 1
        starts = np.concatenate([[0], changes, [len(order)]])
        distinct = ascending[starts[:-1]]
        low, high = limits or _ends(distinct)
        edges = np.concatenate([[low], distinct, [high]])
        if edges[-1] <= edges[-2]:  # no threshold within the limits predicts nothing
            starts, edges = starts[:-1], edges[:-1]
        return cls(order, starts, edges)

    def counts(self, y_true: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Weights of tp, fp, fn and tn at every cut-off, an array of shape (4, n_cuts)."""
        positive = np.where(y_true, weight, 0.0)[self.order]
        fn, n_positive = self.left_out(positive)
        tn, n_negative = self.left_out(weight[self.order] - positive)
        return np.stack([n_positive - fn, n_negative - tn, fn, tn])

    def left_out(self, amount: np.ndarray) -> tuple[np.ndarray, float]:
        """Sum of an amount per ordered row below every cut-off, and over all rows."""
        below = np.concatenate([[0.0], np.cumsum(amount)])
        return below[self.starts], below[-1]

    def thresholds(
        self, cuts: np.ndarray | slice = slice(None), default: float = 0.5
    ) -> np.ndarray:
        """One threshold for each of the cut-offs."""
        low, high = self.edges[:-1][cuts], self.edges[1:][cuts]
        middle = low + (high - low) / 2
        middle = np.where(middle > low, middle, high)
        return np.where((low < default) & (default <= high), default, middle)

    def cut_at(self, threshold: float) -> int:
        """Return the cut-off that a threshold belongs to."""
        return min(int(np.searchsorted(self.edges[1:], threshold)), len(self.starts) - 1)

    def predicted(self, cut: int) -> np.ndarray:
        """Whether each row is predicted, a bool array of shape (n_samples,)."""
        rows = np.zeros(len(self.order), bool)
        rows[self.order[self.starts[cut] :]] = True
        return rows

    def candidates(self, y_true: np.ndarray, at_most: int) -> np.ndarray:
        """Choose at most so many cut-offs: all, or those just below a positive, or some of them.

        A metric that no right prediction lowers has its best cut-off at an end or where the
        lowest predicted score has a positive and the highest left out has a negative.
        """
        cuts = np.arange(len(self.starts))
        if len(cuts) > at_most:
            positive = np.asarray(y_true, float)[self.order]
            fn, n_positive = self.left_out(positive)
            positives = np.diff(np.append(fn, n_positive))  # with the lowest score predicted
            negatives = np.diff(np.append(self.starts, len(self.order))) - positives
            inner = (positives[1:-1] > 0) & (negatives[:-2] > 0)
            cuts = cuts[np.concatenate([[True], inner, [True]])]
        if len(cuts) > at_most:
            cuts = cuts[np.unique(np.linspace(0, len(cuts) - 1, at_most).round().astype(int))]
        return cuts


def _ends(distinct):
    margin = distinct[-1] - distinct[0] or 1.0
    return distinct[0] - margin, distinct[-1] + margin


def best_cut(scores: np.ndarray, ranking: Ranking, default: float = 0.5) -> int:
    """Return the cut-off with the best score; among ties the one nearest to the default."""
    best = scores.max()
    tied = np.flatnonzero(scores >= best - TIE * abs(best))
    return int(tied[np.argmin(np.abs(ranking.thresholds(tied, default) - default))])


def tune_each(
    y_true: np.ndarray,
    y_score: np.ndarray,
    metrics: Sequence[Metric],
    *,
    weight: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    default: float = 0.5,
    limits: tuple[float, float] | None = (0.0, 1.0),
    fbr: float | None = None,
) -> np.ndarray:
    """Return the threshold of every label that is best for the label's own metric.

    Parameters
    ----------
    y_true : ndarray of bool of shape (n_samples, n_labels)
    y_score : ndarray of shape (n_samples, n_labels), larger where the label is more likely
    metrics : sequence of n_labels metrics
    weight : ndarray of shape (n_samples,), positive
    labels : ndarray of bool of shape (n_labels,), the labels that are tuned; all without it
    default : float, kept by labels without a positive, and the one that ties are near to
    limits : (float, float) or None, the range of the scores and of the thresholds
    fbr : float, labels whose best metric is below get their highest score as threshold: the
        fall-back of Fan and Lin (2007) for labels too rare to be tuned (SCutFBR.1 of Yang 2001)

    Returns
    -------
    thresholds : ndarray of shape (n_labels,)
    """
    weight = np.ones(len(y_true)) if weight is None else weight
    thresholds = np.full(y_true.shape[1], float(default))
    for label in tunable(y_true, labels):
        column = np.ascontiguousarray(y_score[:, label])
        ranking = Ranking.of(column, limits)
        scores = metrics[label](*ranking.counts(y_true[:, label], weight))
        cut = best_cut(scores, ranking, default)
        if fbr is not None and scores[cut] < fbr:
            thresholds[label] = ranking.edges[1:][ranking.starts < len(column)][-1]
        else:
            thresholds[label] = ranking.thresholds([cut], default)[0]
    return thresholds


def tunable(y_true, labels) -> np.ndarray:
    """Return the numbers of the labels that have a positive, among those that may be tuned."""
    present = y_true.any(axis=0)
    return np.flatnonzero(present if labels is None else present & labels)


def count_outcomes(y_true: np.ndarray, y_pred: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weights of tp, fp, fn and tn of every label, an array of shape (4, n_labels)."""
    cells = [y_true & y_pred, ~y_true & y_pred, y_true & ~y_pred, ~y_true & ~y_pred]
    return np.stack([weight @ cell for cell in cells])


class Objective(ABC):
    """A score of all labels together, seen along the cut-offs of one label at a time.

    `cuts` is the list of the labels' current cut-offs. Subclasses declare `value`, the score there;
    `curve`, the scores along the cut-offs of one label while the others stay; and `_moved`, which
    keeps their own state.
    """

    def __init__(self, y_true, weight, rankings, cuts):
        self.y_true, self.weight, self.rankings, self.cuts = y_true, weight, rankings, list(cuts)

    @abstractmethod
    def value(self) -> float:
        """Score at the current cut-offs."""

    @abstractmethod
    def curve(self, label: int) -> np.ndarray:
        """Scores at every cut-off of one label, shape (n_cuts,); ``-inf`` where not examined."""

    @abstractmethod
    def _moved(self, label: int) -> None:
        """Note that the cut-off of one label has changed."""

    def move(self, label: int, cut: int) -> None:
        """Change the cut-off of one label."""
        self.cuts[label] = cut
        self._moved(label)

    def predictions(self) -> np.ndarray:
        """Whether each label is predicted, a bool array of shape (n_samples, n_labels)."""
        return np.column_stack(
            [ranking.predicted(cut) for ranking, cut in zip(self.rankings, self.cuts, strict=True)]
        )


class MicroObjective(Objective):
    """A metric of the outcomes counted over all labels.

    Needs four numbers a label. For a ratio of counts, coordinate ascent ends at the best of all
    combinations of cut-offs: no label can raise ``hits - value * mass`` any more, which is
    Dinkelbach's (1967) condition for the largest ratio of two sums.
    """

    def __init__(self, y_true, weight, rankings, cuts, metric: Metric):
        super().__init__(y_true, weight, rankings, cuts)
        self._metric = metric
        self._counts = count_outcomes(y_true, self.predictions(), weight)

    def value(self):
        return float(self._metric(*self._counts.sum(axis=1)))

    def curve(self, label):
        others = np.delete(self._counts, label, axis=1).sum(axis=1)
        own = self.rankings[label].counts(self.y_true[:, label], self.weight)
        return self._metric(*(others[:, None] + own))

    def _moved(self, label):
        predicted = self.rankings[label].predicted(self.cuts[label])[:, None]
        outcomes = count_outcomes(self.y_true[:, [label]], predicted, self.weight)
        self._counts[:, label] = outcomes[:, 0]


class SamplesObjective(Objective):
    """The mean over rows of a metric of the row's own outcomes.

    Along one label every row has two scores, with the label predicted and without, so that all
    cut-offs cost one cumulative sum.
    """

    def __init__(self, y_true, weight, rankings, cuts, metric: Metric):
        super().__init__(y_true, weight, rankings, cuts)
        self._metric = metric
        self._predicted = self.predictions()
        self._n_hits = (self._predicted & y_true).sum(axis=1)
        self._n_predicted = self._predicted.sum(axis=1)
        self._n_true = y_true.sum(axis=1)

    def value(self):
        rows = self._score_rows(self._n_hits, self._n_predicted)
        return float(self.weight @ rows / self.weight.sum())

    def _score_rows(self, hits, predicted):
        fp, fn = predicted - hits, self._n_true - hits
        return self._metric(hits, fp, fn, self.y_true.shape[1] - hits - fp - fn)

    def curve(self, label):
        ranking, true, predicted = (
            self.rankings[label],
            self.y_true[:, label],
            self._predicted[:, label],
        )
        hits, n_predicted = self._n_hits - (predicted & true), self._n_predicted - predicted
        without = self._score_rows(hits, n_predicted)
        gain = self.weight * (self._score_rows(hits + true, n_predicted + 1) - without)
        lost, total = ranking.left_out(gain[ranking.order])
        return (self.weight @ without + total - lost) / self.weight.sum()

    def _moved(self, label):
        true, predicted = self.y_true[:, label], self.rankings[label].predicted(self.cuts[label])
        before = self._predicted[:, label]
        self._n_hits += (predicted & true).astype(int) - (before & true)
        self._n_predicted += predicted.astype(int) - before
        self._predicted[:, label] = predicted


class FunctionObjective(Objective):
    """Any function of the predictions, called `max_cut_offs` times a label and sweep at most."""

    def __init__(self, y_true, weight, rankings, cuts, function, max_cut_offs=100):
        super().__init__(y_true, weight, rankings, cuts)
        self._function, self._max_cut_offs = function, max_cut_offs
        self._predicted = self.predictions()

    def value(self):
        return float(self._function(self._predicted))

    def curve(self, label):
        ranking, current = self.rankings[label], self.cuts[label]
        cuts = ranking.candidates(self.y_true[:, label], self._max_cut_offs)
        scores = np.full(len(ranking.starts), -np.inf)
        trial = self._predicted.copy()
        for cut in np.union1d(cuts, [current]):
            trial[:, label] = ranking.predicted(cut)
            scores[cut] = self._function(trial)
        return scores

    def _moved(self, label):
        self._predicted[:, label] = self.rankings[label].predicted(self.cuts[label])


def ascend(objective: Objective, labels: Sequence[int], default: float = 0.5) -> float:
    """Move one label after the other to its best cut-off until a sweep gains nothing.

    Cyclic coordinate ascent, as Fan and Lin (2007) do it for micro-averaged F1. The objective never
    gets worse; its value at the end is returned.
    """
    value = objective.value()
    for _ in range(MAX_SWEEPS):
        for label in labels:
            scores = objective.curve(label)
            cut = best_cut(scores, objective.rankings[label], default)
            if scores[cut] >= scores[objective.cuts[label]]:
                objective.move(label, cut)
        before, value = value, objective.value()
        if value <= before + TIE * abs(before):
            break
    return value


def tune_together(
    y_true: np.ndarray,
    y_score: np.ndarray,
    make_objective: Callable[..., Objective],
    *,
    weight: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    default: float = 0.5,
    limits: tuple[float, float] | None = (0.0, 1.0),
) -> np.ndarray:
    """Thresholds of all labels by coordinate ascent on a score of all labels together.

    Starts from the better of two: the default everywhere, and the best F1 of every label by itself.
    `make_objective` is called with `y_true`, `weight`, the rankings and the cut-offs at the start;
    the other parameters and the result are those of `tune_each`.
    """
    weight = np.ones(len(y_true)) if weight is None else weight
    n_labels = y_true.shape[1]
    rankings = [Ranking.of(np.ascontiguousarray(column), limits) for column in y_score.T]
    by_label = tune_each(
        y_true,
        y_score,
        [f_beta()] * n_labels,
        weight=weight,
        labels=labels,
        default=default,
        limits=limits,
    )
    objectives = [
        make_objective(y_true, weight, rankings, list(map(Ranking.cut_at, rankings, start)))
        for start in (np.full(n_labels, default), by_label)
    ]
    objective = max(objectives, key=lambda objective: objective.value())
    tuned = tunable(y_true, labels)
    ascend(objective, tuned, default)
    thresholds = np.full(n_labels, float(default))
    for label in tuned:
        thresholds[label] = rankings[label].thresholds([objective.cuts[label]], default)[0]
    return thresholds
