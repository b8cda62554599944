"""Which labels are predicted: those whose score reaches a threshold, or the nearest to theirs."""

import numpy as np


def decide(score: np.ndarray, threshold, min_labels: int = 0) -> np.ndarray:
    """Return which labels are predicted, a bool array of shape (n_samples, n_labels).

    Parameters
    ----------
    score
        Shape (n_samples, n_labels), larger where the label is more likely.
    threshold
        A number, or shape (n_labels,).
    min_labels
        Labels that every row has at least: those with the largest margin over their threshold are
        predicted even below it. Ties go to the first label.
    """
    chosen = score >= threshold
    short = np.flatnonzero(chosen.sum(axis=1) < min_labels)
    if len(short):
        order = np.argsort(threshold - score[short], axis=1, kind="stable")
        chosen[short[:, None], order[:, :min_labels]] = True
    return chosen
