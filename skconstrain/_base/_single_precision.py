"""Training in single precision of networks that predict in double precision.

Several networks train in less than half of the time so, and their errors do not change: what a step
adds to a weight is random in its second digit. Predictions, and what is promised of them, are in
double precision all the same.
"""

from dataclasses import replace

import numpy as np

from skconstrain._engine import TrainingRun
from skconstrain._formulas._recipe import FARTHEST_STANDARDIZED
from skconstrain._networks import Network

_FIXED = {"standardize/center": 0.0, "standardize/scale": 1.0}

# Targets, and where they are counted from, are in units of their spread: of larger numbers, float32
# would not have enough digits.
_LARGEST_TARGET = 1e3
_LARGEST_WEIGHT = 1e12


def trains_in_single(network: Network, run: TrainingRun) -> bool:
    """Whether nothing is lost in single precision, and something is gained.

    Full-batch steps are excluded: their weights of rows are exact, and float32 would show.
    """
    parts = [(run.X, run.y, run.weight), *([run.validation] if run.validation else [])]
    return (
        network.dtype == "float64"
        and network.n_networks > 1
        and network.standardized
        and not run.callbacks
        and run.batch_size < len(run.X)
        and abs(network.head.origin) <= _LARGEST_TARGET * np.min(run.target_scale)
        and all(_is_representable(*part) for part in parts)
    )


def _is_representable(X, y, weight):
    return (
        isinstance(X, np.ndarray)
        and np.abs(y).max() <= _LARGEST_TARGET
        and weight.min() >= 1 / _LARGEST_WEIGHT
        and weight.max() <= _LARGEST_WEIGHT
    )


def in_single(network: Network, run: TrainingRun) -> tuple[Network, TrainingRun]:
    """Return the network and its training in single precision.

    Features are centered and scaled before they are rounded: afterwards, close ones are equal.
    """
    columns = None if network.encode is None else list(network.encode.numbers)
    n_numbers = None if columns is None else len(columns)
    center, scale = (run.start[name][:n_numbers] for name in _FIXED)

    def rounded(rows):
        X, *others = rows
        numbers = X if columns is None else X[:, columns]
        standardized = (numbers - center) / scale
        np.clip(standardized, -FARTHEST_STANDARDIZED, FARTHEST_STANDARDIZED, out=standardized)
        if columns is not None:  # the others are codes
            X = X.astype(np.float32)
            X[:, columns] = standardized
        else:
            X = standardized
        return tuple(part.astype(np.float32) for part in (X, *others))

    X, y, weight = rounded((run.X, run.y, run.weight))
    start = {name: _of_single(name, array, n_numbers) for name, array in run.start.items()}
    validation = None if run.validation is None else rounded(run.validation)
    rows = {"X": X, "y": y, "weight": weight, "validation": validation}
    return replace(network, dtype="float32"), replace(run, **rows, start=start)


def _of_single(name, array, n_numbers):
    if name in _FIXED or name == "encode/center":
        array = array.astype(np.float32)
        array[:n_numbers] = _FIXED.get(name, 0.0)
        return array
    return array.astype(np.float32) if array.dtype.kind == "f" else array
