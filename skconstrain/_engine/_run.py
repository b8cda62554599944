"""What one training asks of the engine, and what it leaves."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

    from skconstrain._lazy_rows import LazyRows

Data = tuple["np.ndarray | LazyRows", np.ndarray, np.ndarray]
Weights = Callable[[], list[np.ndarray]]


class Watcher:
    """Is told of every epoch of a training; this one does nothing about it.

    Attributes
    ----------
    sees_each
        Whether it may ask for the weights after each epoch, or stop the training there. Otherwise
        it is told of several epochs after the call of a program that trained them.
    """

    sees_each = False

    def begin(self, weights: Weights) -> None:
        """Note that an epoch begins; `weights` returns copies of those of the network now."""

    def end(self, weights: Weights) -> bool:
        """Note that an epoch has ended, and return whether to stop.

        Where a call trains several epochs, only the first one was said to begin.
        """
        return False


class ConvertedWatcher(Watcher):
    """Hands to a watcher the weights of another network than the one that trains.

    Parameters
    ----------
    watcher
        The watcher of the network that the user sees.
    convert
        Returns its weights for those of the network that trains.
    """

    def __init__(self, watcher: Watcher, convert: Callable[[list], list]):
        self._watcher, self._convert, self.sees_each = watcher, convert, watcher.sees_each

    def begin(self, weights):
        """Note that an epoch begins."""
        self._watcher.begin(lambda: self._convert(weights()))

    def end(self, weights):
        """Note that an epoch has ended, and return whether to stop."""
        return self._watcher.end(lambda: self._convert(weights()))


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """One training of a network. All of it is data: none of it compiles anything.

    The template of the estimators builds it once. A training in rounds takes
    :func:`dataclasses.replace` for each of them.

    Attributes
    ----------
    X, y, weight
        Arrays of shape (n_rows, n_features), (n_rows, n_outputs) and (n_rows,), in the network's
        precision; `y` is divided by `target_scale`, and weights are positive. `X` may be LazyRows.
    validation
        ``(X, y, weight)`` like the training data, or None.
    folds
        For each row, the number of the one of several networks that does not train on it, but is
        validated on it. None without them, and where `validation` is given.
    validate
        Returns the mean measures of the held-out rows, of each of several networks, for weights by
        name. None where the program computes them.
    validate_every
        Number of epochs after which the validation loss is computed.
    rng
        Draws the weights that are not known, and the order of rows.
    epochs, batch_size
        Largest number of passes; rows of a step.
    first_epoch
        Number of epochs trained before.
    start
        Weights to start from, by name. None where they are still to be drawn, as far as
        `known_weights` does not hold them.
    known_weights
        Weights to start from that are not drawn, by name.
    optimizer_state
        State of the optimizer to go on from, or None.
    alpha
        L2 penalty: ``alpha / 2`` times the squares of the kernels, per row of a batch.
    learning_rate
        Learning rate; None is the optimizer's own.
    rate_schedule
        Function of the fraction of this training that is done, in [0, 1), which gives the factor of
        the learning rate for an epoch; it is asked for the middle of each epoch. None is a factor
        of 1, and leaves a schedule of the optimizer as it is.
    target_scale
        Predictions are divided by it before the loss: one number for each output, or for all.
    loss_numbers
        Settings of the loss that are data, by name.
    patience, tol
        Training stops after more than `patience` epochs in a row without improvement by `tol`;
        never where `tol` is None.
    early_stopping
        Whether to stop on the validation loss, and to end with the best weights; else training
        stops on its own loss. Of several networks each has a best epoch of its own, and training
        stops when all are done.
    schedules
        Functions of the epoch that give weights which are not trained, by name.
    callbacks
        Callbacks of Keras.
    watcher
        Is told of every epoch: a `Watcher`, or what has its methods.
    verbose
        0 prints nothing, 1 a progress bar in a terminal or notebook, 2 a line an epoch.
    """

    X: "np.ndarray | LazyRows"
    y: np.ndarray
    weight: np.ndarray
    validation: Data | None = None
    folds: np.ndarray | None = None
    validate: Callable[[dict], list[np.ndarray]] | None = None
    validate_every: int = 1
    rng: np.random.Generator
    epochs: int
    batch_size: int
    first_epoch: int = 0
    start: dict[str, np.ndarray] | None = None
    known_weights: dict[str, object] = field(default_factory=dict)
    optimizer_state: list[np.ndarray] | None = None
    alpha: float = 0.0
    learning_rate: float | None = None
    rate_schedule: Callable[[float], float] | None = None
    target_scale: np.ndarray | float = 1.0
    loss_numbers: dict[str, float] = field(default_factory=dict)
    patience: int = 10
    tol: float | None = None
    early_stopping: bool = False
    schedules: dict[str, Callable[[int], float]] = field(default_factory=dict)
    callbacks: "list[keras.callbacks.Callback]" = field(default_factory=list)
    watcher: Watcher = field(default_factory=Watcher)
    verbose: int = 0

    def penalty(self, batch_size: int, weight: np.ndarray) -> float:
        """Return the factor of the kernels in the gradients of a batch's mean loss.

        It is a batch's share of the rows, whatever the unit of their weights.
        """
        return self.alpha / (batch_size * np.mean(weight, dtype=np.float64))

    def learning_rate_of(self, base: float, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from `first_epoch` of all trainings."""
        if self.rate_schedule is None:
            return base
        # Keras holds it in single precision.
        return float(np.float32(base)) * self.rate_schedule(
            (epoch - self.first_epoch + 0.5) / self.epochs
        )

    def weighted_rows(self, model_axis: tuple[int, ...]) -> tuple[Data, Data | None]:
        """Return the rows to train on, and those of the validation, with weights for each network.

        `model_axis` is ``(K,)`` for K networks, which asks for weights of shape (n_rows, K), and
        ``()`` for one.
        """
        trained, held_out = (self.X, self.y, self.weight), self.validation
        if model_axis:
            trained = _for_each(trained, *model_axis)
            held_out = None if held_out is None else _for_each(held_out, *model_axis)
        if self.folds is not None:
            is_held_out, (X, y, weight) = self.folds[:, None] == np.arange(*model_axis), trained
            trained = X, y, np.where(is_held_out, 0, weight)
            held_out = X, y, np.where(is_held_out, weight, 0)
        return trained, held_out


def _for_each(rows, n_networks):
    X, y, weight = rows
    return X, y, np.repeat(weight[:, None], n_networks, axis=1)


@dataclass(frozen=True)
class TrainingResult:
    """Weights, the optimizer's state, and the mean loss of every epoch.

    Training stops on `validation_losses`, where there are any. It was `interrupted` by Ctrl-C, or
    `stopped` by its own rule, a callback or a watcher.
    """

    weights: dict[str, np.ndarray]
    optimizer_state: list[np.ndarray]
    losses: list[float]
    validation_losses: list[float]
    interrupted: bool
    stopped: bool
