"""Cut-offs of one label: every threshold that predicts something else, found by sorting.

A label is predicted where ``score >= threshold``, as in scikit-learn's TunedThresholdClassifierCV.
All thresholds in ``(a, b]``, where ``a`` and ``b`` are neighbouring observed scores, predict the
same rows: together they are one *cut-off*. The cut-off's threshold is the default (0.5 for a
probability) where the default lies inside, and the middle of ``a`` and ``b`` elsewhere, which
leaves the same margin on both sides for new scores. The outermost cut-offs end at the limits of the
scores, 0 and 1 for probabilities, so a threshold never leaves them.
"""

from dataclasses import dataclass

import numpy as np

# Sums of weights in another order differ by this much; scores closer than that are a tie.
TIE = 1e-12


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
