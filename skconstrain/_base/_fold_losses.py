"""Validation losses of several networks, each of which is judged on the fold that it lacks."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from skconstrain import _engine
from skconstrain._engine import TrainingRun
from skconstrain._networks import FittedNetwork, Network


def validated_in_numpy(network: Network, run: TrainingRun, loss) -> TrainingRun:
    """Let the run validate in NumPy, where that takes less time than the training program does.

    A program computes every network's loss of all rows, of which a fifth of the folds' are asked
    for; NumPy predicts a fold by the network that lacks it alone.
    """
    is_quick = run.folds is not None and network.predicts_in_single and network.dtype == "float32"
    if not is_quick or not isinstance(run.X, np.ndarray) or _engine.trains_on_gpu():
        return run
    return replace(run, validate=_fold_losses(network, run, loss))


def _fold_losses(network, run, loss) -> Callable[[dict], list[np.ndarray]]:
    order = np.argsort(run.folds, kind="stable")
    folds, y, weight = run.folds[order], run.y[order], run.weight[order]
    parts = [run.X[run.folds == k] for k in range(network.n_networks)]
    totals = np.bincount(folds, weight, len(parts))

    def losses(weights):
        fitted = FittedNetwork(network, weights)
        outputs = [fitted.member(k).predict(part) for k, part in enumerate(parts)]
        prediction = (np.concatenate(outputs) / run.target_scale).astype(y.dtype)
        found = _engine.measures_of_arrays(loss, y, prediction, run.loss_numbers)
        return [np.bincount(folds, of_rows * weight, len(parts)) / totals for of_rows in found]

    return losses
