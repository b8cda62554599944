"""When to stop: no improvement by more than a tolerance for some epochs."""

import math

import numpy as np


class Stopping:
    """Patience with a tolerance, as in scikit-learn's MLP.

    Parameters
    ----------
    patience
        Training stops after more than this many epochs in a row without improvement by `tol`.
    tol
        Smallest decrease that counts; ``None`` never stops.
    """

    def __init__(self, patience: int, tol: float | None):
        self.patience = patience
        self.tol = tol
        self.best = math.inf
        self.best_epoch = -1
        self.epoch = -1
        self.waited = 0

    def update(self, loss: float) -> bool:
        """Record the loss of an epoch; return whether it is the lowest so far."""
        self.epoch += 1
        if self.tol is not None:
            self.waited = self.waited + 1 if loss > self.best - self.tol else 0
        improved = loss < self.best
        if improved:
            self.best, self.best_epoch = loss, self.epoch
        return improved

    @property
    def done(self) -> bool:
        """Whether patience has run out."""
        return self.waited > self.patience

    @property
    def epochs_left(self) -> float:
        """How many epochs from now patience runs out at the earliest."""
        return math.inf if self.tol is None else self.patience + 1 - self.waited


class BestEpochs:
    """When each network of a program was best, and the weights that it had then.

    Parameters
    ----------
    stopping
        A rule for each network.

    Attributes
    ----------
    weights
        Weights of the best epochs, by name; None if they were never asked for.
    """

    def __init__(self, stopping: list[Stopping]):
        self._stopping = stopping
        self.weights: dict[str, np.ndarray] | None = None

    def update(self, losses, program=None) -> None:
        """Record the loss of each network in an epoch; keep the best weights of `program`, if any.

        A network whose patience has run out stays at its best epoch.
        """
        rules = zip(self._stopping, np.atleast_1d(losses), strict=True)
        improved = [not rule.done and rule.update(float(loss)) for rule, loss in rules]
        if program is None or not any(improved):
            return
        weights = program.snapshot()
        if self.weights is None or all(improved):
            self.weights = weights
            return
        for name in program.trained_names:
            self.weights[name][improved] = weights[name][improved]

    @property
    def done(self) -> bool:
        """Whether all networks are."""
        return all(rule.done for rule in self._stopping)

    @property
    def epochs_left(self) -> float:
        """How many epochs from now all networks are done at the earliest."""
        return max(rule.epochs_left for rule in self._stopping)
