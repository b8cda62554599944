"""What changes along the threshold of one label while the others stay.

A row that reaches fewer thresholds than the least number of labels is given those with the largest
margins over theirs, m in all. Let b be the m-th largest margin among the labels other than l. Where
b < 0, label l is predicted if its own margin is above b, that is if ``score - b`` reaches its
threshold; otherwise the label with margin b, its *substitute*, is predicted in its place. So along
the threshold of l every row has two states, and every cut-off is examined by sorting
``score - min(b, 0)``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skconstrain._formulas._decisions import decide
from skconstrain._thresholds._outcomes import Outcomes, gain
from skconstrain._thresholds._ranking import Ranking


@dataclass(frozen=True)
class Line:
    """The cut-offs of one label, and what is predicted below and above them.

    Attributes
    ----------
    label
        The label.
    ranking
        Its cut-offs, by the scores that count.
    outcomes
        Outcomes of all labels at their present thresholds.
    rows, substitutes, margins
        Rows that have another label in its place, the other label, and that one's margin.
    """

    label: int
    ranking: Ranking
    outcomes: Outcomes
    rows: np.ndarray
    substitutes: np.ndarray
    margins: np.ndarray

    @property
    def true(self) -> np.ndarray:
        """Whether each row has the label."""
        return self.outcomes.y_true[:, self.label]

    @cached_property
    def is_true_of_substitute(self) -> np.ndarray:
        """Whether each row with a substitute has that label."""
        return self.outcomes.y_true[self.rows, self.substitutes]

    @cached_property
    def _is_above(self):
        """Which of the rows with a substitute have the label itself at present."""
        return self.outcomes.predicted[self.rows, self.label]

    def counts_below(self) -> np.ndarray:
        """Weights of tp, fp, fn and tn of every label, (4, n_labels), if no row reaches it."""
        counts, weight = self.outcomes.by_label.copy(), self.outcomes.weight
        positive, total = weight @ self.true, weight.sum()
        counts[:, self.label] = [0, 0, positive, total - positive]
        rows, true = self.rows[self._is_above], self.is_true_of_substitute[self._is_above]
        labels, n_labels = self.substitutes[self._is_above], counts.shape[1]
        hits, others = (
            np.bincount(labels, weight[rows] * kind, n_labels) for kind in (true, ~true)
        )
        return counts + gain(hits, others)

    def rows_below(self) -> tuple[np.ndarray, np.ndarray]:
        """Count the labels of each row that are predicted rightly, and predicted, likewise."""
        predicted = self.outcomes.predicted[:, self.label]
        n_hits = self.outcomes.n_hits - (predicted & self.true)
        n_predicted = self.outcomes.n_predicted - predicted
        n_hits[self.rows] += self._is_above & self.is_true_of_substitute
        n_predicted[self.rows] += self._is_above
        return n_hits, n_predicted

    def above(self, amount: np.ndarray, rows=slice(None)) -> np.ndarray:
        """Sum of an amount per row above every cut-off; of some rows, in their order."""
        of_all = np.zeros(len(self.true))
        of_all[rows] = amount
        below, total = self.ranking.left_out(of_all[self.ranking.order])
        return total - below

    def turned(self, above: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return rows and labels whose prediction changes if these rows are above."""
        changed = above != self.outcomes.predicted[:, self.label]
        replaced = changed[self.rows]
        rows = np.flatnonzero(changed)
        labels = np.full(len(rows), self.label)
        return (
            np.concatenate([rows, self.rows[replaced]]),
            np.concatenate([labels, self.substitutes[replaced]]),
        )

    def predictions(self, cut: int) -> np.ndarray:
        """Return the predictions of all labels at a cut-off."""
        predicted = self.outcomes.predicted.copy()
        turned = self.turned(self.ranking.predicted(cut))
        predicted[turned] = ~predicted[turned]
        return predicted


class Decisions:
    """What is predicted at thresholds that move one at a time, where rows have a least number.

    Parameters
    ----------
    y_true : ndarray of bool of shape (n_samples, n_labels)
    y_score : ndarray of shape (n_samples, n_labels)
    weight : ndarray of shape (n_samples,) or None
    thresholds : ndarray of shape (n_labels,)
    least : int
        Fewer than n_labels.
    limits : (float, float) or None
        Range of the scores.
    rankings : sequence of n_labels Ranking, default=None
        Cut-offs of labels that no other one replaces, if they are known.

    Attributes
    ----------
    least
        Labels that each row has at least.
    thresholds
        As they are at present.
    outcomes
        Outcomes of the predictions.
    """

    def __init__(
        self,
        y_true,
        y_score,
        weight,
        thresholds,
        *,
        least,
        limits,
        rankings: Sequence[Ranking] | None = None,
    ):
        self._score, self.least, self._limits = np.asfortranarray(y_score, float), least, limits
        self.thresholds = np.array(thresholds, float)
        self.outcomes = Outcomes(y_true, decide(y_score, self.thresholds, least), weight)
        self._rankings = [None] * len(thresholds) if rankings is None else list(rankings)
        if least:
            reached = self._score >= self.thresholds
            self._n_reached = reached.sum(axis=1)
            self._nearest = self._nearest_of(slice(None))

    def _nearest_of(self, rows):
        """Return the labels of largest margin, one more than the least; ties go to the first."""
        margin = self.thresholds - self._score[rows]
        return np.argsort(margin, axis=1, kind="stable")[:, : self.least + 1]

    def line(self, label: int) -> Line:
        """Return the line along a label."""
        rows, substitutes, margins = self._substituted(label)
        if len(rows):
            counting = self._score[:, label].copy()
            counting[rows] -= margins
            if self._limits is not None:
                counting = np.minimum(counting, self._limits[1])
            ranking = Ranking.of(counting, self._limits)
        else:
            ranking = self._rankings[label]
            if ranking is None:
                ranking = Ranking.of(self._score[:, label], self._limits)
                self._rankings[label] = ranking
        return Line(label, ranking, self.outcomes, rows, substitutes, margins)

    def _substituted(self, label):
        if not self.least:
            nothing = np.empty(0, int)
            return nothing, nothing, np.empty(0)
        reached = self._score[:, label] >= self.thresholds[label]
        rows = np.flatnonzero(self._n_reached - reached < self.least)
        nearest = self._nearest[rows]
        is_among = (nearest[:, : self.least] == label).any(axis=1)
        labels = np.where(is_among, nearest[:, self.least], nearest[:, self.least - 1])
        return rows, labels, self._score[rows, labels] - self.thresholds[labels]

    def move(self, line: Line, threshold: float) -> None:
        """Move the threshold of a label, whose line this is."""
        label, score = line.label, self._score[:, line.label]
        reached = score >= threshold
        above, margin = reached.copy(), score[line.rows] - threshold
        is_first = (margin == line.margins) & (label < line.substitutes)
        above[line.rows] = (margin > line.margins) | is_first
        self.outcomes.turn(*line.turned(above))
        before, self.thresholds[label] = self.thresholds[label], threshold
        if self.least:
            self._n_reached += reached.astype(int) - (score >= before)
            last = self._nearest[:, -1]
            enters = (
                score - threshold
                >= self._score[np.arange(len(score)), last] - self.thresholds[last]
            )
            rows = np.flatnonzero(enters | (self._nearest == label).any(axis=1))
            self._nearest[rows] = self._nearest_of(rows)
