"""Formulas of layers.

Every function takes ``ops``, the operations: ``keras.ops``, or ``NUMPY_OPS`` of `_numpy_ops`, which
writes a graph of ONNX where it is given traced arrays.
"""

import math

import numpy as np

from skconstrain._formulas._cosine import cosine_of_turns
from skconstrain._formulas._grid import FARTHEST_ON_GRID, in_order, logit_of_mean, through_grid
from skconstrain._formulas._recipe import CODE_OF_GAPS, FARTHEST_STANDARDIZED, STANDARDIZED_LIMIT


def encoded(ops, numbers, center, flagged, codes):
    """Return numbers whose gaps are their centers, and behind them flags of codes.

    A flag is 1 where what is `flagged` has its code, or is a gap where that is the code of gaps.
    """
    filled = ops.where(ops.isnan(numbers), center, numbers)
    # Of numbers: onnxruntime cannot choose among flags.
    gaps, found = (
        ops.cast(flags, numbers.dtype) for flags in (ops.isnan(flagged), flagged == codes)
    )
    return ops.concatenate([filled, ops.where(codes == CODE_OF_GAPS, gaps, found)], axis=1)


def standardized(ops, x, center, scale, *, limit=STANDARDIZED_LIMIT, monotone=False):
    """Return features centered and scaled, and clipped smoothly at plus and minus `limit`.

    With `monotone` the order of values is kept to the last bit, of numbers in float64.
    """
    farthest = FARTHEST_ON_GRID if monotone else FARTHEST_STANDARDIZED
    z = ops.clip((x - center) / scale, -farthest, farthest)
    z = through_grid(ops, z) if monotone else z
    size = 1 + ops.square(z / limit)
    # SHAP cannot explain a square root; NumPy has no reciprocal one.
    return z * ops.rsqrt(size) if hasattr(ops, "rsqrt") else z / ops.sqrt(size)


def waves(ops, x, frequencies, phases, dtype, cosine=cosine_of_turns):
    """Return cosines of features, ``cos(2 pi frequencies x + phases)``, of a precision."""
    return cosine(ops, frequencies * x + phases / (2 * math.pi), dtype)


def softmax_over(ops, kept, x, temperature=1.0):
    """Return the softmax of ``x / temperature`` among the kept entries of the last axis.

    It is exactly 0 for the others; the largest must be kept. Equal infinities have equal shares.
    """
    best = ops.max(x, axis=-1, keepdims=True)
    gap = ops.where(x == best, 0, x - best)  # inf - inf is not a number
    gap = gap if temperature == 1 else gap / temperature
    parts = ops.where(kept, ops.exp(gap), 0)
    return parts / ops.sum(parts, axis=-1, keepdims=True)


def logits_of_mean(ops, probability, logits, log_mean):
    """Return the logits of a mean of the probabilities that a function makes of logits.

    Parameters
    ----------
    probability : str
        The function: "softmax" over the last axis, or "sigmoid".
    log_mean : callable
        Returns the logarithm of the mean of probabilities whose logarithms it is given.
    """
    if probability == "softmax":
        return log_mean(ops.log_softmax(logits, axis=-1))
    return log_mean(ops.log_sigmoid(logits)) - log_mean(ops.log_sigmoid(-logits))


def log_mixture(ops, weights, log_p, axis, floor=0.0):
    """Return the logarithm of the weighted sum of probabilities along an axis.

    It is computed relative to the best that counts, and does not underflow. A `floor` is added to
    the sum, in units of the best of all.
    """
    # All have a gradient where there is a floor, and only those with a weight where there is none.
    counted = log_p if floor else ops.where(weights > 0, log_p, -1e30)
    best = ops.stop_gradient(ops.max(counted, axis=axis, keepdims=True))
    gap = log_p - best
    if not floor:  # not ops.minimum: of a tie, which the best is, JAX passes back half the gradient
        gap = ops.where(gap > 0, 0, gap)
    total = ops.sum(weights * ops.exp(gap), axis=axis)
    return ops.squeeze(best, axis) + ops.log(total + floor if floor else total)


def mean_of_networks(ops, values, axis, probability=None, monotone=False):
    """Return the mean of the outputs of several networks, which lie along an axis.

    Without `probability` the mean is never outside their smallest and largest value. With
    ``"sigmoid"`` or ``"softmax"``, values are logits, and the result is the logits of the mean of
    the probabilities. With `monotone` it never moves against all of them, not in its last bit.
    """
    n_networks = values.shape[axis]
    if monotone:
        each = [values[:, k] if axis else values[k] for k in range(n_networks)]
        if probability == "sigmoid":
            return logit_of_mean(
                ops, [through_grid(ops, ops.cast(part, "float64")) for part in each]
            )
        mean = in_order(part / n_networks for part in each)
    elif probability is not None:

        def log_mean(log_p):
            return ops.logsumexp(log_p, axis=axis) - math.log(n_networks)

        return logits_of_mean(ops, probability, values, log_mean)
    else:  # parts, because the sum of large values would overflow
        mean = ops.sum(values / n_networks, axis=axis)
    # Rounding may leave the range.
    return ops.clip(mean, ops.min(values, axis=axis), ops.max(values, axis=axis))


def calibrated(ops, scores, scale, shift, trained, seen, unseen=-np.inf):
    """Return logits of experts' scores, ``scale * scores + shift``.

    Parameters
    ----------
    scores : array of shape (n_rows, L, C)
        Scores of L experts.
    scale, shift : arrays of shape (L, 1) and (L, C)
        What was learnt.
    trained : bool array of shape (L, 1)
        Where it is False, scores are logits already.
    seen : bool array of shape (L, C)
        Where it is False, the expert does not know the class.
    unseen : float, default=-inf
        The logit of a class that an expert does not know: a probability of exactly zero.

    Returns
    -------
    logits : array of shape (n_rows, L, C)
    """
    scale, shift = ops.where(trained, scale, 1), ops.where(trained, shift, 0)
    return ops.where(seen, scale * scores + shift, unseen)
