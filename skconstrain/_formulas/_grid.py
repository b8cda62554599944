"""Numbers on a grid, on which rounding errors never change an order: of NumPy, and of Keras.

A sum of non-negative terms is monotone in floating point only where its order is fixed, and a
product of matrices has another order for another number of rows. On a grid the sums of a layer are
exact, whatever their order: inputs are multiples of ``GRID`` up to ``LARGEST``, which are 26 bits;
the entries of a kernel are multiples of ``2**-26`` of their column's sum of magnitudes; so every
partial sum is a multiple of the product of both, and smaller than ``2**53`` of these.

Functions such as tanh and exp have errors in their last bits, and are monotone but for these. Of
two neighbours on a grid, they have values that differ by much more, or both round to the same one.

The functions are given ``ops``, the operations: those of keras.ops, or the like of NumPy.
"""

import numpy as np

# Grid of a layer's inputs and pre-activations.
GRID = 2.0**-20
LARGEST = 64.0
# Pre-activations are clipped there, where arcsinh still rises by 1e-12 from one multiple
# of the grid to the next.
FARTHEST_ACTIVATED = 2.0**20
# Finer grid of a link's input, which enters no product.
FINE_GRID = 2.0**-40
# Standardised features are clipped here, where the smooth clipping still rises faster than its
# rounding errors: from a step of the grid to the next by 1e-13.
FARTHEST_ON_GRID = 1000.0

_BITS = 2.0**-26
_POWERS = 2.0 ** np.arange(-100, 120)
# Probabilities below 1e-34 are not told apart, so that their ratios are numbers of float32.
_FARTHEST_LOGIT = 78.0
_FARTHEST_EXPONENT = 500.0  # its exponential is finite in float64


def to_grid(ops, values, step=GRID):
    """Return `values`, rounded to multiples of `step`, a power of two."""
    return ops.round(values * (1 / step)) * step


def through_grid(ops, values, step=GRID):
    """Return the same, with the gradient of `values`: the sum and the difference are exact."""
    return values + ops.stop_gradient(to_grid(ops, values, step) - values)


def kernel_to_grid(ops, kernel, power_above):
    """Return a kernel (..., n_inputs, n_units), rounded to 26 bits of each unit's sum of it.

    `power_above` returns the smallest power of two above each of some sums.
    """
    step = power_above(ops.sum(ops.abs(kernel), axis=-2, keepdims=True)) * _BITS
    return ops.round(kernel / step) * step


def power_above(sums):
    """Return the smallest power of two above each number, and 1 for 0, in NumPy."""
    return np.ldexp(1.0, np.frexp(sums)[1])


def power_in_table(ops, sums):
    """Return the smallest power of two above each number, of those that float32 has."""
    return ops.min(ops.where(sums[..., None] < _POWERS, _POWERS, _POWERS[-1]), axis=-1)


def sigmoid(ops, logits):
    """Return ``1 / (1 + exp(-logits))``: behind the exponential, exactly rounded operations."""
    return 1 / (1 + ops.exp(-ops.clip(logits, -_FARTHEST_EXPONENT, _FARTHEST_EXPONENT)))


def logit_of_mean(ops, logits):
    """Return the logit of the mean of probabilities, of a list of the networks' logits.

    They must be in float64, and on a grid.
    """
    logits = [ops.clip(values, -_FARTHEST_LOGIT, _FARTHEST_LOGIT) for values in logits]
    ratio = in_order(sigmoid(ops, values) for values in logits) / in_order(
        sigmoid(ops, -values) for values in logits
    )
    # Numbers of float32 are further apart than the errors of a logarithm in float64.
    return ops.log(ops.cast(ops.cast(ratio, "float32"), "float64"))


def in_order(parts):
    """Return the sum of arrays, added one after the other."""
    total = None
    for part in parts:
        total = part if total is None else total + part
    return total
