"""Scores become logits: the scale and the shift of the smallest log loss."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_expit, log_softmax

# Keeps scale and shift finite where scores tell the classes apart without an error.
_RIDGE = 1e-3


def scale_and_shift(scores, target, weight):
    """Find the scale and the shift that make scores the best logits.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, C)
        Of each class, or of the second of two (C = 1).
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
