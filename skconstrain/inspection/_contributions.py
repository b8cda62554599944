"""What each connection contributes to the difference of two predictions: the rescale rule."""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from skconstrain._networks._activations import ACTIVATIONS

# A unit that is fed the same twice, up to rounding, has no slope between the two: it has that of
# its activation there.
_SAME = 1e-9
# Units of these depend on each other: none has a slope of its own.
_MIXED = {"softmax", "log_softmax"}


class Contributions(NamedTuple):
    """Contributions to the difference of an output between a row and a baseline.

    Attributes
    ----------
    flows : list of n_layers csr_array of shape (n_units_below, n_units)
        Contribution of each connection. Those of a layer sum to the difference.
    units : list of n_layers + 1 ndarray of shape (n_units,)
        Contributions of the inputs and of the units of each layer: what flows out of them.
    outputs : ndarray of shape (2,)
        The output for the row, and for the baseline.
    """

    flows: list
    units: list[np.ndarray]
    outputs: np.ndarray


def contributions(rows, kernels, biases, activations, output) -> Contributions:
    """Follow the difference of two rows through a network, in double precision.

    Parameters
    ----------
    rows : ndarray of shape (2, n_inputs)
        What the first layer gets for the row, and for the baseline.
    kernels : list of n_layers {ndarray, csr_array}
        Weights.
    biases : list of n_layers ndarray
        Biases.
    activations : list of n_layers - 1 str
        Names of the activations of hidden layers.
    output : int
        Which output.

    Returns
    -------
    Contributions
    """
    values, slopes = [np.asarray(rows, np.float64)], []
    for kernel, bias, activation in zip(kernels[:-1], biases[:-1], activations, strict=True):
        fed = values[-1] @ kernel.astype(np.float64) + bias
        values.append(_activated(activation, fed))
        slopes.append(_slopes(activation, fed, values[-1]))
    last = kernels[-1][:, [output]].astype(np.float64)
    outputs = (values[-1] @ last)[:, 0] + biases[-1][output]
    # `wanted`: how much of the difference the value of each unit stands for, from the output down.
    flows, wanted = [], np.ones(1)
    for i in range(len(kernels) - 1, -1, -1):
        kernel = last if i == len(kernels) - 1 else kernels[i].astype(np.float64)
        flows.insert(0, _flows(values[i][0] - values[i][1], kernel, wanted))
        if i > 0:
            wanted = (kernel @ wanted) * slopes[i - 1]
    units = [np.asarray(flow.sum(axis=1)).ravel() for flow in flows]
    return Contributions(flows, [*units, np.array([flows[-1].sum()])], outputs)


def _activated(activation, fed):
    return np.asarray(ACTIVATIONS[activation](fed.copy()))


def _slopes(activation, fed, values):
    """Return what turns the difference of what units are fed into that of their values."""
    difference, step = fed[0] - fed[1], 1e-6 * (1 + np.abs(fed[0]))
    beside = _activated(activation, fed[0] + step) - _activated(activation, fed[0] - step)
    is_same = np.abs(difference) <= _SAME * (1 + np.abs(fed[0]))
    return np.where(
        is_same, beside / (2 * step), (values[0] - values[1]) / np.where(is_same, 1, difference)
    )


def _flows(difference, kernel, wanted):
    """Return the contribution of each connection; a csr_array keeps those of weight zero."""
    if not sparse.issparse(kernel):
        return sparse.csr_array(difference[:, None] * kernel * wanted)
    kernel = sparse.csr_array(kernel)
    rows = np.repeat(np.arange(kernel.shape[0]), np.diff(kernel.indptr))
    data = difference[rows] * kernel.data * wanted[kernel.indices]
    return sparse.csr_array((data, kernel.indices, kernel.indptr), shape=kernel.shape)


def check_activations(activations) -> None:
    """Raise ``ValueError`` where units do not have a slope of their own."""
    unknown = [name for name in activations if name not in ACTIVATIONS or name in _MIXED]
    if unknown:
        raise ValueError(
            "Contributions need activations that are known by name, and work on each unit by "
            f"itself. Got {unknown[0]!r}. Fit with another activation, for example 'tanh'."
        )
