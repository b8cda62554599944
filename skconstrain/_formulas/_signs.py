"""Signs that a monotone layer needs in its kernel: NumPy only."""

import numpy as np


def output_cst(n_free, units):
    """Return what inputs of the next layer the units are: free ones 0, the others 1."""
    return np.repeat(np.array([0, 1], np.int8), [n_free, units - n_free])


def kernel_bounds(monotonic_cst, n_free, units):
    """Return the smallest and the largest values of the entries of a kernel, two arrays.

    The first `n_free` units have no weights of inputs with a sign.
    """
    signs = np.asarray(monotonic_cst)[:, None]
    is_free = np.arange(units) < n_free
    low = np.where((signs == 1) | ((signs != 0) & is_free), 0.0, -np.inf)
    high = np.where((signs == -1) | ((signs != 0) & is_free), 0.0, np.inf)
    return low, high


def with_signs(kernel, monotonic_cst, n_free, ops=np, dtype=None):
    """Return a drawn kernel (..., n_inputs, units) with the signs that it must have.

    Terms of one sign do not cancel: they are made smaller, the more of them there are. `ops` are
    the operations, those of keras.ops or of NumPy, and `dtype` is the precision.
    """
    dtype = kernel.dtype if dtype is None else dtype
    signs = np.asarray(monotonic_cst)[:, None]
    bounds = kernel_bounds(monotonic_cst, n_free, kernel.shape[-1])
    low, high = (bound.astype(dtype) for bound in bounds)
    shrink = (signs / np.sqrt(max(1, np.count_nonzero(signs)))).astype(dtype)
    return ops.clip(ops.where(signs == 0, kernel, shrink * ops.abs(kernel)), low, high)
