"""Thresholds of rare labels, drawn towards one threshold for all labels."""

import numpy as np
from scipy.special import expit, logit

from skconstrain._thresholds._ranking import TIE

# How many thresholds for all labels are tried.
_N_CANDIDATES = 100
# Logits of thresholds that are 0 or 1 are finite.
_FARTHEST = 1e-6


class Shrinkage:
    """A weighted mean of a label's own best threshold and of the one best for all labels together.

    Few positives say little about where a label's best threshold lies: the best one of the rows at
    hand is then far from that of new ones. A label's own threshold is weighted by its positives,
    the common one by a fixed number of them. Of probabilities, the mean is that of logits.

    Parameters
    ----------
    y_true : ndarray of bool of shape (n_samples, n_labels)
    y_score : ndarray of shape (n_samples, n_labels)
    default : float, the common threshold that ties are near to
    limits : (float, float) or None, the range of probabilities; None for other scores
    """

    def __init__(self, y_true, y_score, default, limits):
        # The best threshold lies below the score of a positive row.
        of_positives = np.unique(y_score[y_true])
        places = np.linspace(0, len(of_positives) - 1, min(len(of_positives), _N_CANDIDATES))
        self._candidates = np.append(of_positives[places.round().astype(int)], default)
        self._total, self._labels = np.zeros(len(self._candidates)), []
        self._default, self._limits = default, limits

    def note(self, label, ranking, scores):
        """Take note of the metric of a label at its cut-offs."""
        cuts = np.searchsorted(ranking.edges[1:], self._candidates)
        self._total += scores[np.minimum(cuts, len(scores) - 1)]
        self._labels.append(label)

    def draw(self, thresholds, n_positives, strength):
        """Draw the thresholds of all noted labels towards the common one, in place.

        `n_positives` are the weights of the positives of all labels; the common threshold counts
        as `strength` of them.
        """
        labels = self._labels
        if len(labels) < 2:
            return
        common = self._common()
        share = strength / (strength + n_positives[labels])
        if self._limits is None:
            thresholds[labels] += share * (common - thresholds[labels])
        else:
            own, common = (
                logit(np.clip(t, _FARTHEST, 1 - _FARTHEST)) for t in (thresholds[labels], common)
            )
            thresholds[labels] = expit(own + share * (common - own))

    def _common(self):
        largest = self._total.max()
        best = self._candidates[self._total >= largest - TIE * abs(largest)]
        return best[np.argmin(np.abs(best - self._default))]
