"""An array whose operations become nodes of ONNX: NumPy code that is given one writes a graph."""

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from scipy import sparse

from skconstrain.onnx._exact_functions import EXACT
from skconstrain.onnx._functions import ARRAY_FUNCTIONS, COMPOSED, OPERATIONS, PREDICATES
from skconstrain.onnx._graph import broadcast, refused

# Entries of a sparse kernel that is written as a dense one: 32 MiB in float64.
MOST_DENSE = 2**22


class TracedArray(NDArrayOperatorsMixin):
    """Stands for an array that the graph computes.

    The dtype of every result is the one that NumPy has for it. Only what the forward passes of
    networks ask for is known; anything else is refused.

    Parameters
    ----------
    graph : Graph
        Where operations are added.
    name : str
        Name of the array in the graph.
    dtype : dtype
        Type of its numbers.
    shape : tuple of int and None
        None where the graph is for any number, as that of rows.
    """

    def __init__(self, graph, name, dtype, shape):
        self.graph, self.name = graph, name
        self.dtype, self.shape = np.dtype(dtype), tuple(shape)

    @property
    def ndim(self):
        """Number of axes."""
        return len(self.shape)

    def __len__(self):
        return self.shape[0]

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def result(self, operation, *inputs, shape, dtype=None, **attributes):
        """Return the result of an operation on named arrays."""
        name = self.graph.add(operation, *inputs, **attributes)
        return TracedArray(self.graph, name, dtype or self.dtype, shape)

    def constant(self, value, dtype=None):
        """Return a constant of the graph."""
        array = np.asarray(value, dtype)
        return TracedArray(self.graph, self.graph.constant(array), array.dtype, array.shape)

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **settings):
        if method != "__call__" or settings:
            raise refused(f"{ufunc.__name__}.{method}")
        composed = COMPOSED | EXACT if self.graph.is_exact else COMPOSED
        if ufunc in composed:
            found = composed[ufunc](*inputs)
        elif ufunc is np.matmul:
            found = self._product(*inputs)
        elif ufunc in OPERATIONS or ufunc in PREDICATES:
            found = self._elementwise(ufunc, inputs)
        else:
            raise refused(ufunc.__name__)
        return found if out is None else out[0].become(found)

    def copy(self):
        """Return an array for operations in place, which leave this one as it is."""
        return TracedArray(self.graph, self.name, self.dtype, self.shape)

    def become(self, other):
        """Take the place of what this array stood for: an operation in place."""
        self.name, self.dtype, self.shape = other.name, other.dtype, other.shape
        return self

    def _elementwise(self, ufunc, inputs):
        arrays = self.lifted(inputs)
        names, shape = [a.name for a in arrays], broadcast(*(a.shape for a in arrays))
        if ufunc in PREDICATES:
            return self.result(PREDICATES[ufunc], *names, shape=shape, dtype=bool)
        return self.result(OPERATIONS[ufunc], *names, shape=shape, dtype=arrays[0].dtype)

    def lifted(self, inputs):
        """Return inputs as arrays of the graph, of the type that NumPy computes in."""
        weak = [x if isinstance(x, int | float) else x.dtype for x in inputs]
        dtype = np.result_type(*weak)
        return [
            x.astype(dtype) if isinstance(x, TracedArray) else self.constant(x, dtype)
            for x in inputs
        ]

    def __matmul__(self, other):
        if sparse.issparse(other):
            if np.prod(other.shape) > MOST_DENSE:
                raise ValueError(
                    "A sparse kernel is written to ONNX as a dense one, of at most "
                    f"{MOST_DENSE:,} numbers. Got {other.shape[0]:,} x {other.shape[1]:,}. Serve "
                    "the estimator itself: it predicts without Keras."
                )
            other = other.toarray()
        return np.matmul(self, other)

    def _product(self, left, right):
        left, right = self.lifted([left, right])
        left = left._apart()
        shape = *broadcast(left.shape[:-2], right.shape[:-2]), left.shape[-2], right.shape[-1]
        found = self.result("MatMul", left.name, right.name, shape=shape, dtype=left.dtype)
        return found._apart()

    def _apart(self):
        """Return the same numbers in double precision, as a value of their own.

        onnxruntime merges a product and a number that its factors or results are multiplied by,
        and rounds the number to float32.
        """
        return np.maximum(self, -np.inf) if self.dtype == np.float64 else self

    def __array_function__(self, function, types, args, kwargs):
        if function not in ARRAY_FUNCTIONS:
            raise refused(function.__name__)
        return ARRAY_FUNCTIONS[function](*args, **kwargs)

    def astype(self, dtype, copy=True):
        """Return the array in another type of numbers."""
        if np.dtype(dtype) == self.dtype:
            return self
        return TracedArray(self.graph, self.graph.cast(self.name, dtype), dtype, self.shape)

    def reshape(self, *shape):
        """Return the array in another shape; -1 stands for the rows."""
        shape = shape[0] if isinstance(shape[0], tuple) else shape
        known = tuple(None if size == -1 else size for size in shape)
        return self.result("Reshape", self.name, self.graph.constant(np.int64(shape)), shape=known)

    def transpose(self, axes):
        """Return the array with its axes in another order."""
        shape = [self.shape[axis] for axis in axes]
        return self.result("Transpose", self.name, perm=list(axes), shape=shape)

    @property
    def T(self):
        """The array with its axes in the opposite order."""
        return self.transpose(range(self.ndim)[::-1])

    def _reduced(self, operation, axis, keepdims):
        axis %= self.ndim
        shape = list(self.shape)
        shape[axis : axis + 1] = [1] if keepdims else []
        settings = {"keepdims": int(keepdims), "shape": shape}
        axes = self.graph.constant(np.int64([axis]))
        return self.result(operation, self.name, axes, **settings)

    def max(self, axis, keepdims=False):
        """Return the largest numbers along an axis."""
        return self._reduced("ReduceMax", axis, keepdims)

    def min(self, axis, keepdims=False):
        """Return the smallest numbers along an axis."""
        return self._reduced("ReduceMin", axis, keepdims)

    def sum(self, axis, keepdims=False):
        """Return the sums along an axis."""
        if self.graph.is_exact:
            return self._summed_by_halves(axis % self.ndim, keepdims)
        return self._reduced("ReduceSum", axis, keepdims)

    def _summed_by_halves(self, axis, keepdims):
        """Return sums whose order is that of the graph, and not one of onnxruntime."""
        found = self
        while (size := found.shape[axis]) > 1:
            half = size // 2
            first, second, rest = (
                found._sliced(axis, slice(*ends))
                for ends in ((0, half), (half, 2 * half), (2 * half, size))
            )
            found = np.concatenate([first + second, rest], axis=axis)  # the rest is one or none
        return found if keepdims else found._squeezed(axis)

    def __getitem__(self, key):
        key = key if isinstance(key, tuple) else (key,)
        place = next((i for i, part in enumerate(key) if part is Ellipsis), None)
        if place is not None:
            n_missing = self.ndim - sum(part is not None for part in key) + 1
            key = *key[:place], *[slice(None)] * n_missing, *key[place + 1 :]
        found, axis = self, 0
        for part in key:
            if part is None:
                found = found._expanded(axis)
            elif isinstance(part, slice):
                found = found if part == slice(None) else found._sliced(axis, part)
            elif isinstance(part, int):
                found = found._sliced(axis, slice(part, part + 1 or None))._squeezed(axis)
                continue
            elif isinstance(part, np.ndarray):
                found = found._taken(axis, part)
            else:
                raise refused(f"indexing by {type(part).__name__}")
            axis += 1
        return found

    def _expanded(self, axis):
        shape = *self.shape[:axis], 1, *self.shape[axis:]
        axes = self.graph.constant(np.int64([axis]))
        return self.result("Unsqueeze", self.name, axes, shape=shape)

    def _squeezed(self, axis):
        shape = *self.shape[:axis], *self.shape[axis + 1 :]
        axes = self.graph.constant(np.int64([axis]))
        return self.result("Squeeze", self.name, axes, shape=shape)

    def _taken(self, axis, places):
        shape = *self.shape[:axis], len(places), *self.shape[axis + 1 :]
        places = self.graph.constant(places.astype(np.int64))
        return self.result("Gather", self.name, places, axis=axis, shape=shape)

    def _sliced(self, axis, part):
        length = self.shape[axis]
        if length is None:
            raise refused("a part of the rows")
        start, stop, step = part.indices(length)
        shape = *self.shape[:axis], len(range(start, stop, step)), *self.shape[axis + 1 :]
        # ONNX takes -1 for the last entry; a reversed slice ends behind the first one.
        stop = stop if stop >= 0 else np.iinfo(np.int64).min
        bounds = [self.graph.constant(np.int64([n])) for n in (start, stop, axis, step)]
        return self.result("Slice", self.name, *bounds, shape=shape)
