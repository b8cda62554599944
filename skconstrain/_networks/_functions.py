"""Functions of networks in NumPy and SciPy: activations by name, links, softmax."""

from types import SimpleNamespace

import numpy as np
from scipy.special import erfc, expit, log_expit

# TensorFlow rounds these numbers of gelu and leaky_relu to float32, in float64 too: what was
# trained so is to be predicted so.
_ROOT_OF_HALF, _LEAK = float(np.float32(0.5**0.5)), float(np.float32(0.2))


def _clipped(low, high):
    return lambda x: np.clip(x, low, high, out=x)


def _softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _elu(x):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def _hard_sigmoid(x):
    return np.clip(x + 3, 0, 6) / 6


def _gelu(x):
    return 0.5 * x * erfc(-x * _ROOT_OF_HALF)


def softmax(x):
    """Return the softmax over the last axis; equal infinities have equal shares."""
    return softmax_over(True, x)


def softmax_over(kept, x):
    """Return the softmax among the kept entries of the last axis, exactly 0 for the others.

    The largest must be among them.
    """
    best = x.max(axis=-1, keepdims=True)
    gap = np.where(x == best, 0, x - best)  # inf - inf is not a number
    parts = np.where(kept, np.exp(gap), 0)
    return parts / parts.sum(axis=-1, keepdims=True)


def largest(x, k: int):
    """Return where the `k` largest entries of each row are; the first ones on ties."""
    if not isinstance(x, np.ndarray):
        return ranks(x) < k
    places = np.argsort(-x, axis=1, kind="stable")[:, :k]
    found = np.zeros(x.shape, bool)
    np.put_along_axis(found, places, True, axis=1)
    return found


def ranks(x):
    """Return how many entries of its row come before each entry: larger ones, and equal ones.

    In comparisons alone, for arrays that cannot be sorted.
    """
    n = x.shape[1]
    own, other = x[:, :, None], x[:, None, :]
    is_earlier = np.arange(n)[None, :] < np.arange(n)[:, None]
    before = (other > own) | ((other == own) & is_earlier)
    return before.astype(x.dtype).sum(axis=2)


def log_softmax(x):
    """Return the logarithm of the softmax over the last axis."""
    gap = x - x.max(axis=-1, keepdims=True)
    return gap - np.log(np.exp(gap).sum(axis=-1, keepdims=True))


def log_probability(kind, logits):
    """Return logarithms of probabilities: a pair of those of 1 and 0 if `kind` is "sigmoid".

    If it is "softmax", one array, those of the classes.
    """
    return log_softmax(logits) if kind == "softmax" else (log_expit(logits), log_expit(-logits))


_SCALE, _ALPHA = 1.0507009873554805, 1.6732632423543772  # of Klambauer et al., 2017

# By the names of scikit-learn and of keras.activations. They may write into what they are given.
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
    "log_softmax": log_softmax,
    "logistic": lambda x: expit(x, out=x),
    "mish": lambda x: x * np.tanh(_softplus(x)),
    "relu": lambda x: np.maximum(x, 0, out=x),
    "relu6": _clipped(0, 6),
    "selu": lambda x: _SCALE * np.where(x > 0, x, _ALPHA * np.expm1(np.minimum(x, 0))),
    "sigmoid": lambda x: expit(x, out=x),
    "silu": lambda x: x * expit(x),
    "softmax": softmax,
    "softplus": _softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "squareplus": lambda x: (x + np.sqrt(np.square(x) + 4)) / 2,
    "swish": lambda x: x * expit(x),
    "tanh": lambda x: np.tanh(x, out=x),
    "tanh_shrink": lambda x: x - np.tanh(x),
}

# Those whose values are small, whatever they are given.
BOUNDED = {
    "hard_sigmoid", "hard_tanh", "logistic", "relu6", "sigmoid", "softmax", "softsign", "tanh",
}  # fmt: skip

# What `_links` and `_grid` ask of keras.ops.
LINK_FUNCTIONS = SimpleNamespace(
    abs=np.abs,
    cast=lambda x, dtype: x.astype(dtype),
    clip=np.clip,
    exp=np.exp,
    log=np.log,
    min=np.min,
    minimum=np.minimum,
    round=np.round,
    sigmoid=expit,
    softplus=_softplus,
    square=np.square,
    stop_gradient=lambda x: x,
    sum=np.sum,
    tanh=np.tanh,
    where=np.where,
)

# What `_quantile_levels` asks of keras.ops.
QUANTILE_FUNCTIONS = SimpleNamespace(
    concatenate=np.concatenate, cumsum=np.cumsum, flip=np.flip, softplus=_softplus
)
