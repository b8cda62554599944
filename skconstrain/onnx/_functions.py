"""Functions of NumPy and SciPy in operations of ONNX.

Those of onnxruntime that are missing in double precision (Softplus), or lose digits near zero, are
composed of others.
"""

import numpy as np
from numpy.polynomial.chebyshev import chebinterpolate, chebval
from scipy.special import erfc, erfcx, expit, log_expit

from skconstrain.onnx._graph import broadcast

OPERATIONS = {
    np.absolute: "Abs",
    np.add: "Add",
    np.divide: "Div",
    np.exp: "Exp",
    np.log: "Log",
    np.maximum: "Max",
    np.minimum: "Min",
    np.multiply: "Mul",
    np.negative: "Neg",
    np.sqrt: "Sqrt",
    np.subtract: "Sub",
    np.tanh: "Tanh",
}
PREDICATES = {
    np.bitwise_and: "And",
    np.bitwise_or: "Or",
    np.equal: "Equal",
    np.greater: "Greater",
    np.greater_equal: "GreaterOrEqual",
    np.invert: "Not",
    np.isnan: "IsNaN",
    np.less: "Less",
    np.less_equal: "LessOrEqual",
}


def _log1p(x):
    """Kahan's, which keeps the digits of small `x`."""
    sum_ = 1 + x
    rounded = sum_ - 1
    is_lost = rounded == 0
    return np.where(is_lost, x, np.log(sum_) * x / np.where(is_lost, 1, rounded))


def _expm1(x):
    """Kahan's, too."""
    power = np.exp(x)
    rounded = power - 1
    is_lost = rounded == 0
    small = rounded * x / np.where(is_lost, 1, np.log(power))
    return np.where(is_lost, x, np.where(abs(x) < 1, small, rounded))


def _log_expit(x):
    return np.minimum(x, 0) - np.log1p(np.exp(-abs(x)))


# Powers of two that are normal numbers: of an exponent n, entry n + 1022.
_POWERS = np.ldexp(1.0, np.arange(-1022, 1024))


def _ldexp(x, exponent):
    place = np.clip(exponent + 1022, 0, len(_POWERS) - 1)  # what NaN became as an integer, too
    powers = x.constant(_POWERS, x.dtype)
    return x * x.result("Gather", powers.name, place.name, shape=place.shape)


# Series in u = (3 - x) / (3 + x), between -1 and 1 for positive x. Its error is 5e-15.
_ERFCX = chebinterpolate(lambda u: erfcx(3 * (1 - u) / (1 + u)), 22)


def _erfc(x):
    if x.dtype == np.float32:
        return 1 - x.result("Erf", x.name, shape=x.shape)
    return _erfc_of_double(x)


def _erfc_of_double(x):
    size = abs(x)
    tail = np.exp(-size * size) * chebval((3 - size) / (3 + size), _ERFCX)
    return np.where(x < 0, 2 - tail, tail)


COMPOSED = {
    erfc: _erfc,
    expit: lambda x: 1 / (1 + np.exp(-x)),
    log_expit: _log_expit,
    np.ldexp: _ldexp,
    np.expm1: _expm1,
    np.log1p: _log1p,
    np.square: lambda x: x * x,
}


def _traced(*values):
    """Return the first that is an array of the graph."""
    return next(value for value in values if hasattr(value, "graph"))


def _where(condition, this, other):
    array = _traced(condition, this, other)
    this, other = array.lifted([this, other])
    if not hasattr(condition, "graph"):
        condition = array.constant(condition, bool)
    shape = broadcast(condition.shape, this.shape, other.shape)
    names = condition.name, this.name, other.name
    return array.result("Where", *names, shape=shape, dtype=this.dtype)


def _clip(x, low, high, out=None):
    found = np.minimum(np.maximum(x, low), high)
    return found if out is None else out.become(found)


def _moveaxis(x, source, destination):
    axes = list(range(x.ndim))
    axes.insert(destination % x.ndim, axes.pop(source % x.ndim))
    return x.transpose(axes)


def _concatenate(arrays, axis=0):
    arrays = _traced(*arrays).lifted(arrays)
    axis %= arrays[0].ndim
    shape = list(arrays[0].shape)
    sizes = [array.shape[axis] for array in arrays]
    shape[axis] = None if None in sizes else sum(sizes)
    names = [array.name for array in arrays]
    return arrays[0].result("Concat", *names, axis=axis, shape=shape)


def _stack(arrays, axis=0):
    arrays = _traced(*arrays).lifted(arrays)
    return _concatenate([array._expanded(axis % (array.ndim + 1)) for array in arrays], axis)


def _flip(x, axis):
    return x._sliced(axis % x.ndim, slice(None, None, -1))


def _cumsum(x, axis):
    place = x.constant(axis % x.ndim, np.int64)
    return x.result("CumSum", x.name, place.name, shape=x.shape)


ARRAY_FUNCTIONS = {
    np.clip: _clip,
    np.concatenate: _concatenate,
    np.cumsum: _cumsum,
    np.flip: _flip,
    np.hstack: lambda arrays: _concatenate(arrays, axis=1),
    np.max: lambda x, axis, keepdims=False: x.max(axis, keepdims),
    np.min: lambda x, axis, keepdims=False: x.min(axis, keepdims),
    np.moveaxis: _moveaxis,
    np.ones_like: lambda x: x * 0 + 1,
    np.expand_dims: lambda x, axis: x._expanded(axis % (x.ndim + 1)),
    np.round: lambda x: x.result("Round", x.name, shape=x.shape),
    np.squeeze: lambda x, axis: x._squeezed(axis % x.ndim),
    np.stack: _stack,
    np.sum: lambda x, axis, keepdims=False: x.sum(axis, keepdims),
    np.where: _where,
}
