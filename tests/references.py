"""Oracles: what tests compare the package with, written plainly, and used by tests only."""

import numpy as np
from scipy.special import expit

from skconstrain._formulas._links import LINKS, check_range, output_range

# The formulas of the links once more, in NumPy: one-sided ones reach [0, inf), two-sided (0, 1).
_FORMULAS = {
    "softplus": lambda eta: np.logaddexp(0, eta),
    "exp": lambda eta: np.exp(np.minimum(eta, 30.0)),
    "square": np.square,
    "abs": np.abs,
    "softabs": lambda eta: np.where(np.abs(eta) < 1, eta**2 / 2, np.abs(eta) - 0.5),
    "relu": lambda eta: np.maximum(eta, 0),
    "sigmoid": expit,
    "tanh": lambda eta: expit(2 * eta),  # (tanh(eta) + 1) / 2
}


def apply_link(output, eta, *, lower=0.0, upper=None, scale=1.0, gain=1.0):
    """Map `eta` into the range, in the precision of `eta`.

    Parameters
    ----------
    output : str
        Name of the link.
    eta : ndarray of float32 or float64
        Unconstrained values.
    lower, upper : float, float or None
        Ends of the range.
    scale : float or ndarray broadcastable to `eta`
        Multiplies a one-sided link; two-sided links are scaled by ``upper - lower``.
    gain : float or ndarray broadcastable to `eta`
        Multiplies `eta`.

    Returns
    -------
    ndarray of the shape and dtype of `eta`
    """
    check_range(output, lower, upper)
    smallest, largest = output_range(output, lower, upper, eta.dtype)
    factor = scale if upper is None else upper - lower
    base = lower if LINKS[output].open_end else smallest
    with np.errstate(over="ignore"):
        unit = _FORMULAS[output](np.asarray(gain, eta.dtype) * eta)
        y = base + np.asarray(factor, eta.dtype) * unit
    return np.clip(y, smallest, largest).astype(eta.dtype)


def as_given(layer, values):
    """Return values of a layer's connections as a csr_array in the order of the user's rows."""
    return layer.matrix.tocsr(values)[layer.positions]
