"""The contract of the programs that train many networks of equal architecture at once."""

from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import keras
import numpy as np

from skconstrain._engine._program import ProgramSpec, state_to_start_from
from skconstrain.losses._numbers import numbers_of


class NotStackableError(Exception):
    """A network cannot be vectorised over the models of a stack: each one trains alone."""


@dataclass(frozen=True, kw_only=True)
class StackSpec(ProgramSpec):
    """What a stacked program is compiled for, besides its model.

    Attributes
    ----------
    n_models
        How many networks train at once.
    n_validation
        Rows of validation data of each model, with padding; 0 without.
    """

    n_models: int
    n_validation: int


class StackedProgram(ABC):
    """Own the weights of `n_models` networks, and train them an epoch at a time.

    Every array has a leading axis of models. The results of a model are those of :class:`Program`:
    it has its own rows, order, learning rate, penalty and number of steps, and stands still where
    others have more of them. The methods are called in the order of :class:`Program`.

    A backend says which optimizers and sizes it takes, and implements `to_device`, `assign`,
    `run`, `evaluate`, `optimizer_state` and `_start`. What it trains is in `_groups`.

    Parameters
    ----------
    model
        A compiled Keras model: the architecture, optimizer and loss of all. The program owns it.
    spec
        Shapes and compiler.

    Raises
    ------
    NotStackableError
        If the backend cannot vectorise what the user has put into the network or its loss.
    """

    # Networks of larger kernels train alone.
    max_kernel_size: ClassVar[int]
    # Learning rates, penalties, scales of the targets, settings of the loss: shape (n_models,);
    # scales (n_models, n_outputs).
    _settings: list
    # The optimizer's variables of a model that has not trained.
    _fresh_optimizer: list[np.ndarray]
    # Variables or tensors of all models: "trained", "state" (not trained) and "optimizer".
    _groups: dict[str, list]

    def __init__(self, model: keras.Model, spec: StackSpec):
        self.model, self.optimizer = model, model.optimizer
        self.dtype, self.n_models = np.dtype(model.inputs[0].dtype), spec.n_models
        self._width = spec.width
        self._loss_names = tuple(numbers_of(model.loss))
        self._shapes = [
            tuple(v.shape) for v in (*model.trainable_variables, *model.non_trainable_variables)
        ]
        self._copies = {}

    @staticmethod
    @abstractmethod
    def is_stackable(optimizer: keras.optimizers.Optimizer) -> bool:
        """Whether networks train here as alone, with `optimizer` at a constant learning rate."""

    def _shapes_of_rows(self, n_rows):
        """Return shapes of X, y and weights of `n_rows` rows of all models."""
        n_columns, n_outputs = self.model.inputs[0].shape[-1], self.model.outputs[0].shape[-1]
        return [(self.n_models, n_rows, *rest) for rest in ((n_columns,), (n_outputs,), ())]

    def load(
        self, starts, *, optimizer_states, learning_rates, penalties, target_scales, loss_numbers
    ):
        """Prepare a training: a list for each parameter of :meth:`Program.load`, model by model."""
        weights = [np.stack(arrays) for arrays in zip(*starts, strict=True)]
        states = [state_to_start_from(self._fresh_optimizer, state) for state in optimizer_states]
        by_name = ([of_model[name] for of_model in loss_numbers] for name in self._loss_names)
        scales = [np.broadcast_to(s, self.model.outputs[0].shape[-1:]) for s in target_scales]
        settings = (learning_rates, penalties, scales, *by_name)
        self._settings = [self.to_device(np.array(values, self.dtype)) for values in settings]
        self._start(weights, states)
        self._copies = {}

    @abstractmethod
    def _start(self, weights: list[np.ndarray], optimizer_states: list[list[np.ndarray]]) -> None:
        """Start from weights of all models, trained ones first, and a state for each model."""

    def set_learning_rates(self, rates: list[float]) -> None:
        """Set the learning rates of the steps to come, one for each model."""
        self._settings[0] = self.to_device(np.array(rates, self.dtype))

    @abstractmethod
    def assign(self, path: str, values: list[float]) -> None:
        """Set a weight that is not trained, to a value for each model."""

    def _position(self, path):
        return [v.path for v in self.model.non_trainable_variables].index(path)

    @abstractmethod
    def to_device(self, array: np.ndarray):
        """Copy `array` to where the program runs, in its precision; integers as int32."""

    def run(self, data: list, order, n_steps: np.ndarray) -> np.ndarray:
        """Train an epoch; return sums of weighted losses and weights, shape (2, n_models).

        Parameters
        ----------
        data
            X, y and weights of the rows of all models, on the device.
        order
            Which rows of each model train in which step, on the device.
        n_steps
            How many steps each model trains.
        """
        self._copies = {}
        return self._epoch_of_all(data, order, n_steps)

    @abstractmethod
    def _epoch_of_all(self, data, order, n_steps) -> np.ndarray:
        """Do the work of :meth:`run`."""

    @abstractmethod
    def evaluate(self, data: list) -> np.ndarray:
        """Return the sum of weighted losses of each model for its rows, shape (n_models,)."""

    def weights(self, i: int) -> list[np.ndarray]:
        """Return copies of all weights of one model: trained ones, then the rest."""
        arrays = *self._copied("trained"), *self._copied("state")
        return [a[i].reshape(shape).copy() for a, shape in zip(arrays, self._shapes, strict=True)]

    @abstractmethod
    def optimizer_state(self, i: int) -> list[np.ndarray]:
        """Return copies of the optimizer's variables of one model, as if it had trained alone."""

    def _copied(self, group):
        """Return what is in a group as arrays: one copy for each call of `run`."""
        if group not in self._copies:
            self._copies[group] = [np.asarray(value) for value in self._groups[group]]
        return self._copies[group]


@contextmanager
def vectorising():
    """Raise NotStackableError in place of any error."""
    try:
        yield
    except Exception as error:  # whatever it was: it concerns all, or comes again alone
        raise NotStackableError from error
