"""What one training asks of the engine, and what it leaves."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

    from skconstrain._lazy_rows import LazyRows

Data = tuple["np.ndarray | LazyRows", np.ndarray, np.ndarray]


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
    rng
        Draws the weights that are not known, and the order of rows.
    epochs, batch_size
        Largest number of passes; rows of a step.
    first_epoch
        Number of epochs trained before.
    start
        Weights to start from, in the order of the network's `weight_names`. None where they are
        still to be drawn, as far as `known_weights` does not hold them.
    known_weights
        Weights to start from that are not drawn, by name.
    optimizer_state
        State of the optimizer to go on from, or None.
    alpha
        L2 penalty: ``alpha / 2`` times the squares of the kernels, per row of a batch.
    learning_rate
        Learning rate; None is the optimizer's own.
    target_scale
        Predictions are divided by it before the loss: one number for each output, or for all.
    loss_numbers
        Settings of the loss that are data, by name.
    patience, tol
        Training stops after more than `patience` epochs in a row without improvement by `tol`;
        never where `tol` is None.
    early_stopping
        Whether to stop on the validation loss, and to end with the best weights; else training
        stops on its own loss.
    schedules
        Functions of the epoch that give weights which are not trained, by name.
    callbacks
        Callbacks of Keras.
    verbose
        0 prints nothing, 1 a progress bar, 2 a line an epoch.
    """

    X: "np.ndarray | LazyRows"
    y: np.ndarray
    weight: np.ndarray
    validation: Data | None = None
    rng: np.random.Generator
    epochs: int
    batch_size: int
    first_epoch: int = 0
    start: list[np.ndarray] | None = None
    known_weights: dict[str, object] = field(default_factory=dict)
    optimizer_state: list[np.ndarray] | None = None
    alpha: float = 0.0
    learning_rate: float | None = None
    target_scale: np.ndarray | float = 1.0
    loss_numbers: dict[str, float] = field(default_factory=dict)
    patience: int = 10
    tol: float | None = None
    early_stopping: bool = False
    schedules: dict[str, Callable[[int], float]] = field(default_factory=dict)
    callbacks: "list[keras.callbacks.Callback]" = field(default_factory=list)
    verbose: int = 0


@dataclass(frozen=True)
class TrainingResult:
    """Weights, the optimizer's state, and the mean loss of every epoch.

    `interrupted` by Ctrl-C, or `stopped` by its own rule or by a callback before its last epoch.
    """

    weights: list[np.ndarray]
    optimizer_state: list[np.ndarray]
    losses: list[float]
    validation_losses: list[float]
    interrupted: bool
    stopped: bool
