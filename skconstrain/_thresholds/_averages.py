"""How outcomes of several labels become one number, and that number along the cut-offs of one."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from skconstrain._thresholds._line import Line
from skconstrain._thresholds._metrics import Metric
from skconstrain._thresholds._outcomes import Outcomes, gain, without_residue


class Average(ABC):
    """A score of all labels together, larger is better."""

    @abstractmethod
    def value(self, outcomes: Outcomes) -> float:
        """Score of predictions."""

    @abstractmethod
    def along(self, line: Line, cuts: np.ndarray) -> np.ndarray:
        """Scores at the cut-offs of a line, shape (n_cuts,); others than `cuts` may be missing."""


@dataclass(frozen=True)
class LabelMean(Average):
    """The mean over labels of the label's own metric, weighted by its positives or not."""

    metrics: Sequence[Metric]
    by_support: bool = False

    def value(self, outcomes):
        counts = outcomes.by_label
        scores = self._of(np.arange(counts.shape[1]), counts)
        return float(np.average(scores, weights=self._support(counts)))

    def along(self, line, cuts):
        below, label = line.counts_below(), line.label
        support = self._support(below)
        scores = self._of(np.arange(len(support)), below) * support
        own = self.metrics[label](*line.ranking.counts(line.true, line.outcomes.weight))
        rest = np.delete(scores, label).sum() + self._replaced(line, below, scores, support)
        return (rest + own * support[label]) / support.sum()

    def _replaced(self, line, below, scores, support):
        """Return what the cut-offs change in the scores of labels that rows above have no more."""
        if not len(line.rows):
            return 0.0
        place = np.empty(len(line.true), int)
        place[line.ranking.order] = np.arange(len(place))
        order = np.lexsort((-place[line.rows], line.substitutes))  # as they are lost, by label
        rows, labels = line.rows[order], line.substitutes[order]
        is_first = np.diff(labels, prepend=-1) > 0
        amount = line.outcomes.weight[rows]
        lost = [
            _sums_of_groups(np.where(kind[order], amount, 0.0), is_first)
            for kind in (line.is_true_of_substitute, ~line.is_true_of_substitute)
        ]
        counts = without_residue(below[:, labels] - gain(*lost))
        after = self._of(labels, counts) * support[labels]
        before = np.where(is_first, scores[labels], np.roll(after, 1))
        return line.above(after - before, rows)

    def _support(self, counts):
        return counts[0] + counts[2] if self.by_support else np.ones(counts.shape[1])

    def _of(self, labels, counts):
        """Scores of counts of shape (4, n), each of the label that stands beside it."""
        if len(set(self.metrics)) == 1:
            return self.metrics[0](*counts)
        scores = np.empty(len(labels))
        for label in np.unique(labels):
            own = labels == label
            scores[own] = self.metrics[label](*counts[:, own])
        return scores


def _sums_of_groups(amount, is_first):
    """Cumulative sums that begin anew where a group begins."""
    sums = np.cumsum(amount)
    before = (sums - amount)[is_first]
    return sums - before[np.cumsum(is_first) - 1]


@dataclass(frozen=True)
class Pooled(Average):
    """A metric of the outcomes counted over all labels.

    For a ratio of counts, and no least number, coordinate ascent ends at the best of all
    combinations of cut-offs: no label can raise ``hits - value * mass`` any more, which is
    Dinkelbach's (1967) condition for the largest ratio of two sums.
    """

    metric: Metric

    def value(self, outcomes):
        return float(self.metric(*outcomes.by_label.sum(axis=1)))

    def along(self, line, cuts):
        counts = line.ranking.counts(line.true, line.outcomes.weight)
        counts += np.delete(line.counts_below(), line.label, axis=1).sum(axis=1)[:, None]
        if len(line.rows):
            amount, true = line.outcomes.weight[line.rows], line.is_true_of_substitute
            hits, others = (line.above(amount * kind, line.rows) for kind in (true, ~true))
            counts -= gain(hits, others)
        return self.metric(*counts)


@dataclass(frozen=True)
class RowMean(Average):
    """The mean over rows of a metric of the row's own outcomes.

    Along one label every row has two scores, so that all cut-offs cost one cumulative sum.
    """

    metric: Metric

    def value(self, outcomes):
        rows = self._of(outcomes, outcomes.n_hits, outcomes.n_predicted)
        return float(outcomes.weight @ rows / outcomes.weight.sum())

    def along(self, line, cuts):
        hits, predicted = line.rows_below()
        below = self._of(line.outcomes, hits, predicted)
        hits, predicted = hits + line.true, predicted + 1
        hits[line.rows] -= line.is_true_of_substitute
        predicted[line.rows] -= 1
        weight = line.outcomes.weight
        more = weight * (self._of(line.outcomes, hits, predicted) - below)
        return (weight @ below + line.above(more)) / weight.sum()

    def _of(self, outcomes, hits, predicted):
        fp, fn = predicted - hits, outcomes.n_true - hits
        return self.metric(hits, fp, fn, outcomes.y_true.shape[1] - hits - fp - fn)


@dataclass(frozen=True)
class Called(Average):
    """Any function ``(y_true, y_pred, weight) -> float``, called for each cut-off."""

    function: Callable

    def value(self, outcomes):
        return self._of(outcomes, outcomes.predicted)

    def along(self, line, cuts):
        scores = np.full(len(line.ranking.starts), -np.inf)
        for cut in cuts:
            scores[cut] = self._of(line.outcomes, line.predictions(cut))
        return scores

    def _of(self, outcomes, predicted):
        return float(self.function(outcomes.y_true, predicted, outcomes.given_weight))
