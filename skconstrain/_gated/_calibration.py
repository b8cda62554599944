"""Scores become logits: the scale and the shift of the smallest log loss."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_expit, log_softmax, softmax

# Keeps scale and shift finite where scores tell the classes apart without an error.
_RIDGE = 1e-3


def best_calibration(scores, target, weight, columns):
    """Find the scale and the shift of each expert whose scores are no logits.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, L, C)
        Scores by each expert.
    target : ndarray of shape (n_rows, C)
        One-hot classes, or 0 and 1.
    weight : ndarray of shape (n_rows,)
        Weights, not negative.
    columns : ScoreColumns
        Whose scores are no logits, and which classes each expert knows.

    Returns
    -------
    scale : ndarray of shape (L, 1)
        Factors; 1 where scores are logits.
    shift : ndarray of shape (L, C)
        What is added; 0 where scores are logits, and for classes that the expert does not know.
    """
    scale, shift = np.ones((scores.shape[1], 1)), np.zeros(scores.shape[1:])
    for i in np.flatnonzero(columns.trained):
        seen = np.asarray(columns.seen[i])
        # Rows of a class that the expert does not know say nothing of its scale; of two classes,
        # the one column stands for both.
        is_known = np.ones(len(scores), bool)
        if scores.shape[2] > 1:
            is_known = target[:, seen].any(axis=1)
        if is_known.any():
            parts = scores[is_known, i][:, seen], target[is_known][:, seen], weight[is_known]
            scale[i], shift[i, seen] = scale_and_shift(*(p.astype(np.float64) for p in parts))
    return scale, shift


def probability_of(logits):
    """Return probabilities of all classes from logits of shape (..., C)."""
    if logits.shape[-1] == 1:
        return np.concatenate([expit(-logits), expit(logits)], axis=-1)
    return softmax(logits, axis=-1)


def scale_and_shift(scores, target, weight):
    """Find the scale and the shift that make scores the best logits.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, C)
        Scores of each class, or of the second of two (C = 1).
    target : ndarray of shape (n_rows, C)
        One-hot classes, or 0 and 1.
    weight : ndarray of shape (n_rows,)
        Weights, not negative.

    Returns
    -------
    scale : float
        Factor of the scores.
    shift : ndarray of shape (C,)
        What is added.

    Notes
    -----
    Two classes are Platt's scaling (1999); more are temperature scaling with a bias for each class
    (Guo et al., 2017). Minimised by L-BFGS, with a small ridge on standardised scores.
    """
    size = np.average(np.abs(scores).mean(axis=1), weights=weight)
    size = size if size > 0 else 1.0
    scores, weight = scores / size, weight / weight.sum()

    def loss_and_gradient(numbers):
        logits = numbers[0] * scores + numbers[1:]
        if scores.shape[1] == 1:
            loss = -(target * log_expit(logits) + (1 - target) * log_expit(-logits))
            wrong = expit(logits) - target
        else:
            log_p = log_softmax(logits, axis=1)
            loss, wrong = -target * log_p, np.exp(log_p) - target
        wrong = weight[:, None] * wrong
        gradient = np.concatenate([[np.sum(wrong * scores)], wrong.sum(axis=0)])
        loss = weight @ loss.sum(axis=1) + _RIDGE / 2 * numbers @ numbers
        return loss, gradient + _RIDGE * numbers

    start = np.concatenate([[1.0], np.zeros(scores.shape[1])])
    found = minimize(loss_and_gradient, start, jac=True, method="L-BFGS-B").x
    return found[0] / size, found[1:]
