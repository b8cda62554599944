"""Activations by name, in NumPy and SciPy."""

import numpy as np
from scipy.special import erfc, expit, log_expit

from skconstrain._formulas._numpy_ops import NUMPY_OPS, softmax
from skconstrain._formulas._recipe import saturation_limit

# TensorFlow rounds these numbers of gelu and leaky_relu to float32, in float64 too: what was
# trained so is to be predicted so.
_ROOT_OF_HALF, _LEAK = float(np.float32(0.5**0.5)), float(np.float32(0.2))


def _clipped(low, high):
    return lambda x: np.clip(x, low, high, out=x)


def _elu(x):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def _hard_sigmoid(x):
    return np.clip(x + 3, 0, 6) / 6


def _sigmoid(x):
    """Return the logistic function; of float32, SciPy's takes four times as long as NumPy's exp."""
    if not (isinstance(x, np.ndarray) and x.dtype == np.float32):
        return expit(x, out=x)
    np.negative(x, out=x)
    np.exp(x, out=x)  # inf far below zero, of which the inverse is zero
    x += 1
    return np.divide(1, x, out=x)


def _silu(x):
    if not (isinstance(x, np.ndarray) and x.dtype == np.float32):
        return x * expit(x)
    below = np.negative(x)
    np.exp(below, out=below)  # as in the logistic function
    below += 1
    return np.divide(x, below, out=x)


def _gelu(x):
    return 0.5 * x * erfc(-x * _ROOT_OF_HALF)


_SCALE, _ALPHA = 1.0507009873554805, 1.6732632423543772  # of Klambauer et al., 2017

# Keys are the names of scikit-learn and keras.activations. Functions may change their argument.
ACTIVATIONS = {
    "celu": _elu,  # the two differ in a parameter, which is 1
    "elu": _elu,
    "exponential": lambda x: np.exp(x, out=x),
    "gelu": _gelu,
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": lambda x: x * _hard_sigmoid(x),
    "hard_swish": lambda x: x * _hard_sigmoid(x),
    "hard_tanh": _clipped(-1, 1),
    "identity": lambda x: x,
    "leaky_relu": lambda x: np.where(x > 0, x, _LEAK * x),
    "linear": lambda x: x,
    "log_sigmoid": log_expit,
    "log_softmax": NUMPY_OPS.log_softmax,
    "logistic": _sigmoid,
    "mish": lambda x: x * np.tanh(NUMPY_OPS.softplus(x)),
    "relu": lambda x: np.maximum(x, 0, out=x),
    "relu6": _clipped(0, 6),
    "selu": lambda x: _SCALE * np.where(x > 0, x, _ALPHA * np.expm1(np.minimum(x, 0))),
    "sigmoid": _sigmoid,
    "silu": _silu,
    "softmax": softmax,
    "softplus": NUMPY_OPS.softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "squareplus": lambda x: (x + np.sqrt(np.square(x) + 4)) / 2,
    "swish": _silu,
    "tanh": lambda x: np.tanh(x, out=x),
    "tanh_shrink": lambda x: x - np.tanh(x),
}

# Those whose values are small, whatever they are given.
BOUNDED = {
    "hard_sigmoid", "hard_tanh", "logistic", "relu6", "sigmoid", "softmax", "softsign", "tanh",
}  # fmt: skip


def activated(activation, values):
    """Return what the next layer is fed: the activation's values, saturated.

    It may write into `values`, whose dtype decides where they are saturated.
    """
    limit = saturation_limit(values.dtype)
    if activation == "relu":  # at once, because it is the usual one
        return np.clip(values, 0, limit, out=values)
    values = ACTIVATIONS[activation](values)
    if activation in BOUNDED:
        return values
    return np.clip(values, -limit, limit, out=values)
