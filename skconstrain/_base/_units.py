"""Units of targets that single precision does not hold: training takes another one."""

from dataclasses import replace

import numpy as np

from skconstrain._engine import ConvertedWatcher, TrainingRun
from skconstrain._networks import Network

# Scales of targets up to here, and down to its inverse, leave single precision room for gradients.
_FARTHEST_SCALE = 2.0**64

# Weights of a head, and ends of its range, have the unit of predictions.
_WEIGHTS = ("output/scale", "output/shift")
_ENDS = ("lower", "upper")


def in_unit(network: Network, run: TrainingRun) -> tuple[Network, TrainingRun]:
    """Return the network and its training in a unit of the targets that single precision holds.

    Units are powers of two, so that no digit changes. Each output has its own, but where a range
    has ends that are not 0.
    """
    scale = np.asarray(run.target_scale, np.float64)
    is_far = (scale > _FARTHEST_SCALE) | (scale < 1 / _FARTHEST_SCALE)
    if not is_far.any():
        return network, run
    unit = np.where(is_far, np.exp2(np.round(np.log2(scale))), 1.0)
    ends = {name: end for name in _ENDS if (end := getattr(network.head, name, None))}
    if ends:
        unit = unit.max()
        ends = {name: float(end / unit) for name, end in ends.items()}
        network = replace(network, head=replace(network.head, **ends))
    start = {
        name: (array / unit).astype(array.dtype) if name in _WEIGHTS else array
        for name, array in run.start.items()
    }
    return network, replace(run, start=start, target_scale=scale / unit)


def watched_as_started(run: TrainingRun, network: Network, start: dict) -> TrainingRun:
    """Return a training whose watcher sees weights as :func:`as_started` returns them."""
    watcher = ConvertedWatcher(run.watcher, lambda found: as_started(found, network, start))
    return replace(run, watcher=watcher)


def as_started(weights: dict, network: Network, start: dict) -> dict[str, np.ndarray]:
    """Return trained weights in the precision of `start`; what is not trained is as it was there.

    So are its digits and its unit.
    """
    trained, found = {weight.name for weight in network.weights if weight.is_trained}, {}
    for name, array in weights.items():
        changes = name in trained or array.dtype.kind != "f"
        found[name] = array.astype(start[name].dtype) if changes else start[name]
    return found
