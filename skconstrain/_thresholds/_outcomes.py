"""What is right and wrong in predictions of several labels, while some of them change."""

import numpy as np

# Sums of weights in another order differ: less than this share of all is nothing.
_RESIDUE = 1e-13


def count_outcomes(y_true: np.ndarray, y_pred: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weights of tp, fp, fn and tn of every label, an array of shape (4, n_labels)."""
    cells = [y_true & y_pred, ~y_true & y_pred, y_true & ~y_pred, ~y_true & ~y_pred]
    return np.stack([weight @ cell for cell in cells])


def gain(hits: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return what predictions, right ones and others, add to tp, fp, fn and tn, shape (4, n)."""
    return np.stack([hits, others, -hits, -others])


def without_residue(counts: np.ndarray) -> np.ndarray:
    """Return counts that were added to and taken from, shape (4, n): zero where nothing is left."""
    return np.where(counts > _RESIDUE * counts.sum(axis=0), counts, 0.0)


class Outcomes:
    """Predictions of several labels, and the counts that scores are made of.

    Attributes
    ----------
    y_true, predicted : ndarray of bool of shape (n_samples, n_labels)
    weight : ndarray of shape (n_samples,)
    given_weight : the same, or None where none were given
    by_label : ndarray of shape (4, n_labels), weights of tp, fp, fn and tn
    n_true, n_predicted, n_hits : ndarray of int of shape (n_samples,), labels of each row that are
        true, predicted, and both
    """

    def __init__(self, y_true, predicted, weight=None):
        self.y_true, self.predicted = y_true, predicted
        self.given_weight = weight
        self.weight = np.ones(len(y_true)) if weight is None else weight
        self.by_label = count_outcomes(y_true, predicted, self.weight)
        self.n_true, self.n_predicted = y_true.sum(axis=1), predicted.sum(axis=1)
        self.n_hits = (y_true & predicted).sum(axis=1)

    def turn(self, rows: np.ndarray, labels: np.ndarray) -> None:
        """Predict the labels of these rows where they are not predicted, and the other way round.

        A pair of row and label may occur once.
        """
        true, was_predicted = self.y_true[rows, labels], self.predicted[rows, labels]
        sign = np.where(was_predicted, -1, 1)
        amount, n_labels = sign * self.weight[rows], self.y_true.shape[1]
        hits, others = (np.bincount(labels, amount * kind, n_labels) for kind in (true, ~true))
        self.by_label = without_residue(self.by_label + gain(hits, others))
        np.add.at(self.n_predicted, rows, sign)
        np.add.at(self.n_hits, rows, sign * true)
        self.predicted[rows, labels] = ~was_predicted
