"""A cosine of products and sums alone: of NumPy, of Keras and of ONNX.

XLA's own takes four times as long on a processor, because it is not vectorised; and one that has
the same last bit wherever a number stands in an array is needed where predictions must be monotone.
"""

import numpy as np
from numpy.polynomial.chebyshev import cheb2poly, chebinterpolate


def _coefficients(degree):
    """Return coefficients of cos(2 pi r) as a polynomial of z = 8 r^2 - 1, the highest first.

    r is between -1/2 and 1/2, and z between -1 and 1.
    """
    series = chebinterpolate(lambda z: np.cos(2 * np.pi * np.sqrt((z + 1) / 8)), degree)
    return cheb2poly(series)[::-1].tolist()


# The lowest degrees that are exact to rounding in each precision.
_BY_DTYPE = {"float32": _coefficients(6), "float64": _coefficients(10)}


def cosine_of_turns(ops, turns, dtype: str):
    """Return the cosine of angles in turns of a circle, of a precision.

    `ops` are the operations: keras.ops, or NumPy.
    """
    part = turns - ops.round(turns)
    z = 8 * (part * part) - 1
    found, *others = _BY_DTYPE[dtype]
    for coefficient in others:
        found = found * z + coefficient
    return found
