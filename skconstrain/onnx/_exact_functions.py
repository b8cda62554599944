"""Elementary functions with one value for one number, wherever it stands in an array.

Kernels of onnxruntime compute exp, log and tanh in float64 by vectors, and what is left over at the
end of an array by other code: the last bit changes with the number of rows. What networks with
signs promise holds from one batch to another. So these functions consist of operations that IEEE
754 rounds in one way: sums, products, quotients, square roots and choices. They have errors of a
few units in the last place, as those of NumPy, and are written in its operations, for its arrays
and for those of a graph.
"""

from functools import reduce
from math import factorial

import numpy as np

# ln 2 as the sum of two numbers, as in fdlibm: products of the first and of an exponent are exact.
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
# Their exponentials are normal numbers.
_LEAST_EXPONENT, _MOST_EXPONENT = -708.0, 709.0

# Coefficients for arguments up to ln(2) / 2, and for squares up to 0.03: see `_log1p`.
_EXP = [1 / factorial(n) for n in range(14)]
_ARCTANH = [1 / (2 * n + 1) for n in range(12)]


def _polynomial(x, coefficients):
    return reduce(lambda total, coefficient: total * x + coefficient, reversed(coefficients))


def exp(x):
    """Return the exponential, of numbers clipped where it is no normal number."""
    x = np.clip(x, _LEAST_EXPONENT, _MOST_EXPONENT)
    power = np.round(x * (1 / np.log(2)))
    rest = (x - power * _LN2_HIGH) - power * _LN2_LOW
    return np.ldexp(_polynomial(rest, _EXP), power.astype(np.int64))


def expm1(x):
    """Return ``exp(x) - 1``; near zero its error is one of the absolute value."""
    return exp(x) - 1


def tanh(x):
    """Return the hyperbolic tangent; near zero its error is one of the absolute value."""
    power = exp(-2 * abs(x))
    size = (1 - power) / (1 + power)
    return np.where(x < 0, -size, size)


def log1p(x):
    """Return ``log(1 + x)`` of numbers between 0 and 1."""
    return _log1p(x, n_roots=1)


def log(x):
    """Return the logarithm of numbers between 1e-38 and 1e38."""
    is_below = x < 1
    size = _log1p(np.where(is_below, (1 - x) / x, x - 1), n_roots=8)
    return np.where(is_below, -size, size)


def arcsinh(x):
    """Return the inverse of the hyperbolic sine, of numbers up to ``2**30``."""
    size, square = abs(x), x * x
    size = _log1p(size + square / (1 + np.sqrt(1 + square)), n_roots=6)
    return np.where(x < 0, -size, size)


def _log1p(x, n_roots):
    """Return ``log(1 + x)`` of positive `x`.

    Each square root halves the logarithm, until ``1 + x`` is below the root of 2. Its
    logarithm is ``2 * arctanh(x / (2 + x))``.
    """
    for _ in range(n_roots):
        x = x / (1 + np.sqrt(1 + x))
    t = x / (2 + x)
    return 2.0 ** (n_roots + 1) * (t * _polynomial(t * t, _ARCTANH))


# Functions that replace onnxruntime's kernels, and functions composed of them.
EXACT = {
    np.arcsinh: arcsinh,
    np.exp: exp,
    np.expm1: expm1,
    np.log: log,
    np.log1p: log1p,
    np.tanh: tanh,
}
