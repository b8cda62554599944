"""Functions of NumPy and SciPy in operations of ONNX.

Those of onnxruntime that are missing in double precision (Softplus), or lose digits near zero, are
composed of others.
"""

import numpy as np
from scipy.special import erfc, expit, log_expit

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
    return np.minimum(x, 0) - _log1p(np.exp(-abs(x)))


def _erfc(x):
    if x.dtype != np.float32:
        raise NotImplementedError(
            "ONNX: activation='gelu' needs the error function, which onnxruntime has in float32 "
            "only. Use dtype='float32', or serve the estimator itself: it predicts without Keras."
        )
    return 1 - x.result("Erf", x.name, shape=x.shape)


COMPOSED = {
    erfc: _erfc,
    expit: lambda x: 1 / (1 + np.exp(-x)),
    log_expit: _log_expit,
    np.expm1: _expm1,
    np.log1p: _log1p,
    np.square: lambda x: x * x,
}


def _traced(*values):
    """Return the first that is an array of the graph."""
    return next(value for value in values if hasattr(value, "graph"))


def _where(condition, this, other):
    from skconstrain.onnx._traced_array import broadcast

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


def _cumsum(x, axis):
    place = x.constant(axis % x.ndim, np.int64)
    return x.result("CumSum", x.name, place.name, shape=x.shape)


ARRAY_FUNCTIONS = {
    np.clip: _clip,
    np.concatenate: _concatenate,
    np.cumsum: _cumsum,
    np.hstack: lambda arrays: _concatenate(arrays, axis=1),
    np.max: lambda x, axis, keepdims=False: x.max(axis, keepdims),
    np.min: lambda x, axis, keepdims=False: x.min(axis, keepdims),
    np.moveaxis: _moveaxis,
    np.ones_like: lambda x: x * 0 + 1,
    np.sum: lambda x, axis, keepdims=False: x.sum(axis, keepdims),
    np.where: _where,
}
