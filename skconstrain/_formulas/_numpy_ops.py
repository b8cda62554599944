"""NUMPY_OPS: what formulas ask of ``keras.ops``, in NumPy and SciPy."""

from types import SimpleNamespace

import numpy as np
from scipy.special import expit, log_expit

from skconstrain._formulas._layers import softmax_over


def softmax(x, axis=-1):
    """Return the softmax over the last axis; equal infinities have equal shares."""
    return softmax_over(np, True, x)


def _log_softmax(x, axis=-1):
    gap = x - x.max(axis=-1, keepdims=True)
    return gap - np.log(np.exp(gap).sum(axis=-1, keepdims=True))


def _logsumexp(x, axis):
    best = np.max(x, axis=axis)
    return best + np.log(np.sum(np.exp(x - np.expand_dims(best, axis)), axis=axis))


def _softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


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

    It consists of comparisons alone, for arrays that cannot be sorted.
    """
    n = x.shape[1]
    own, other = x[:, :, None], x[:, None, :]
    is_earlier = np.arange(n)[None, :] < np.arange(n)[:, None]
    before = (other > own) | ((other == own) & is_earlier)
    return before.astype(x.dtype).sum(axis=2)


NUMPY_OPS = SimpleNamespace(
    abs=np.abs,
    cast=lambda x, dtype: x.astype(dtype),
    clip=np.clip,
    concatenate=np.concatenate,
    cumsum=np.cumsum,
    exp=np.exp,
    flip=np.flip,
    isnan=np.isnan,
    log=np.log,
    log_sigmoid=log_expit,
    log_softmax=_log_softmax,
    logsumexp=_logsumexp,
    max=np.max,
    maximum=np.maximum,
    min=np.min,
    minimum=np.minimum,
    round=np.round,
    sigmoid=expit,
    softmax=softmax,
    softplus=_softplus,
    sqrt=np.sqrt,
    square=np.square,
    squeeze=np.squeeze,
    stack=np.stack,
    stop_gradient=lambda x: x,
    sum=np.sum,
    tanh=np.tanh,
    where=np.where,
)
