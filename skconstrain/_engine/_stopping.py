"""When to stop: no improvement by more than a tolerance for some epochs."""

import math


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
