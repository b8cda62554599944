"""Thresholds of labels of which every row has a least number.

A row that reaches too few thresholds is given the labels with the largest margins over theirs, m in
all. Let b be the m-th largest margin among the labels other than l. Where b < 0, label l is
predicted if its own margin is above b, that is if ``score - b`` reaches its threshold; otherwise
the label with margin b is predicted in its place. So along the threshold of l every row has two
states, and every cut-off is examined by sorting ``score - min(b, 0)``.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from skconstrain._decisions import decide
from skconstrain._thresholds._search import MAX_SWEEPS, TIE, Ranking, best_cut, count_outcomes


def least_labels(estimator) -> int:
    """Return `min_labels` of a fitted classifier, inside a Pipeline or a search too; 0 if none."""
    while True:
        if isinstance(estimator, Pipeline):
            estimator = estimator.steps[-1][1]
        elif isinstance(estimator, FrozenEstimator):
            estimator = estimator.estimator
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        else:
            return getattr(estimator, "min_labels", 0)


@dataclass(frozen=True)
class Line:
    """What changes along the threshold of one label while the others stay.

    Attributes
    ----------
    label
        The label.
    ranking
        Its cut-offs, by the scores that count.
    below
        Predictions where no row reaches the cut-off, shape (n_samples, n_labels).
    substitute
        Shape (n_samples,): the label that a row has in place of it, or -1 if it needs none.
    """

    label: int
    ranking: Ranking
    below: np.ndarray
    substitute: np.ndarray

    @classmethod
    def of(cls, label, score, thresholds, least, limits) -> "Line":
        """Return the line along a label through `thresholds`."""
        margin = score - thresholds
        margin[:, label] = -np.inf
        short = np.flatnonzero((margin >= 0).sum(axis=1) < least)
        last = np.argsort(-margin[short], axis=1, kind="stable")[:, least - 1]
        substitute = np.full(len(score), -1)
        substitute[short] = last
        counting = score[:, label].astype(float)
        counting[short] -= margin[short, last]
        if limits is not None:
            counting = np.minimum(counting, limits[1])
        return cls(label, Ranking.of(counting, limits), decide(margin, 0.0, least), substitute)

    def predictions(self, cut) -> np.ndarray:
        """Return the predictions at a cut-off, shape (n_samples, n_labels)."""
        predicted, above = self.below.copy(), self.ranking.predicted(cut)
        predicted[:, self.label] = above
        replaced = above & (self.substitute >= 0)
        predicted[replaced, self.substitute[replaced]] = False
        return predicted

    def counts(self, y_true, weight) -> dict[int, np.ndarray]:
        """Weights of tp, fp, fn and tn at every cut-off, (4, n_cuts), of labels that change."""
        fixed = count_outcomes(y_true, self.below, weight)
        found = {self.label: self.ranking.counts(y_true[:, self.label], weight)}
        for label in np.unique(self.substitute[self.substitute >= 0]):
            own = np.where(self.substitute == label, weight, 0.0)
            hits, others = (
                self._above(np.where(y_true[:, label] == is_true, own, 0.0))
                for is_true in (True, False)
            )
            found[label] = fixed[:, label, None] + np.stack([-hits, -others, hits, others])
        return found

    def _above(self, amount):
        """Sum of an amount per row above every cut-off."""
        below, total = self.ranking.left_out(amount[self.ranking.order])
        return total - below


def raise_with_least(scoring, y_true, y_score, weight, starts, *, least, labels, default, limits):
    """Return thresholds by coordinate ascent, from the best of `starts`, where rows have `least`.

    Parameters
    ----------
    scoring : Scoring
        Its score of the predictions never gets worse.
    y_true : ndarray of bool of shape (n_samples, n_labels)
    y_score : ndarray of shape (n_samples, n_labels)
    weight : ndarray of shape (n_samples,) or None
    starts : list of ndarray of shape (n_labels,)
    least : int
        Fewer than n_labels.
    labels : iterable of int
        Those whose thresholds are moved.
    default, limits
        As in `_search.tune_each`.
    """

    def value_at(thresholds):
        return scoring.score(y_true, decide(y_score, thresholds, least), weight)

    thresholds = max(starts, key=value_at)
    value = value_at(thresholds)
    for _ in range(MAX_SWEEPS):
        before = value
        for label in labels:
            line = Line.of(label, y_score, thresholds, least, limits)
            cut = best_cut(scoring.along(line, y_true, weight), line.ranking, default)
            moved = thresholds.copy()
            moved[label] = line.ranking.thresholds([cut], default)[0]
            # Rows whose margins are equal may be decided otherwise than along the line.
            if (found := value_at(moved)) > value + TIE * abs(value):
                thresholds, value = moved, found
        if value <= before + TIE * abs(before):
            break
    return thresholds


def score_cut_offs(scoring, held_out, thresholds, *, least, default, limits) -> dict:
    """Return the thresholds of all cut-offs of each label and their scores, others staying."""
    found = {"thresholds": [], "scores": []}
    for label in range(len(thresholds)):
        line = Line.of(label, held_out.y_score, thresholds, least, limits)
        scores = scoring.along(line, held_out.y_true, held_out.weight)
        examined = np.isfinite(scores)
        found["thresholds"].append(line.ranking.thresholds(default=default)[examined])
        found["scores"].append(scores[examined])
    return found
