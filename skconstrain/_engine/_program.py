"""The contract of the programs that train and predict one network, over Keras' variables."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from skconstrain._engine._batching import blocks, pad_rows
from skconstrain._engine._parameters import Parameters, assign, named_variables, to_arrays
from skconstrain.losses._numbers import numbers_of, with_numbers


@dataclass(frozen=True, kw_only=True)
class ProgramSpec:
    """What a training program is compiled for, besides its model: equal ones share a program.

    Attributes
    ----------
    width, padded_rows, padded_steps
        Rows of a step, rows of the data with padding, steps for which an order of rows has space.
    kernel_size
        How many weights the kernels hold.
    jit_compile
        Whether XLA compiles the epoch. The layers of the model are prepared for it.
    has_callbacks
        Whether callbacks see the model: then its own variables are trained.
    epochs_at_once
        For how many epochs a call has space.
    """

    width: int
    padded_rows: int
    padded_steps: int
    kernel_size: int
    jit_compile: bool
    has_callbacks: bool = False
    epochs_at_once: int = 1


def as_it_is(n_rows: int) -> int:
    """Return the length of a block of rows that is not filled up."""
    return n_rows


class Program(ABC):
    """Own a model and its optimizer, and train them: load weights, run steps, return weights.

    A fit calls `to_device` and `to_device_blocks` for its data and `load` once; then, for each
    epoch, `assign`, `run` and `evaluate`; at the end `weights` and `optimizer_state`. Between two
    calls all weights are in Keras' variables, where callbacks read and write them. A backend
    implements `to_device`, `run` and `evaluate`; one that compiles for the lengths of blocks of
    rows sets `block_length`. One that runs several epochs in a call sets `runs_epochs` and
    implements `_run_epochs`, which then takes the place of `run` where the spec has space for
    several.

    Parameters
    ----------
    model
        A compiled Keras model: its optimizer and loss are used. The program owns it.
    spec
        Shapes and compiler; a backend that compiles for no shapes reads `width` alone.
    parameters
        The trained weights as the optimizer sees them; the model's own variables by default.
    """

    # How many rows a block of so many rows is filled up to.
    block_length = staticmethod(as_it_is)
    runs_epochs: ClassVar[bool] = False

    def __init__(self, model: keras.Model, spec: ProgramSpec, parameters: Parameters | None = None):
        self.model, self.optimizer = model, model.optimizer
        self.epochs_at_once = spec.epochs_at_once if self.runs_epochs else 1
        self.dtype = np.dtype(model.inputs[0].dtype)
        self._width = spec.width
        self._parameters = Parameters(model) if parameters is None else parameters
        self._variables = named_variables(model)
        names, n_trained = list(self._variables), len(model.trainable_variables)
        self.trained_names, self._state_names = names[:n_trained], names[n_trained:]
        self._state = model.non_trainable_variables
        if not self.optimizer.built:
            self.optimizer.build(self._parameters.variables)
        self._fresh_optimizer = self.optimizer_state()
        # Data, so that fits that differ in them share the program.
        self._penalty = self._setting("penalty")
        self._target_scale = self._setting("target_scale", (model.outputs[0].shape[-1],))
        self._loss_numbers = {name: self._setting(name) for name in numbers_of(model.loss)}

    def _setting(self, name, shape=()):
        # Named, because Keras would count up a global number for a name of its own.
        dtype = self.dtype.name
        return keras.Variable(np.zeros(shape, dtype), dtype=dtype, trainable=False, name=name)

    def load(self, weights, *, optimizer_state, learning_rate, penalty, target_scale, loss_numbers):
        """Prepare a training.

        Parameters
        ----------
        weights
            Weights of the model to start from, by name.
        optimizer_state
            What :meth:`optimizer_state` has returned. None starts anew, as does what another kind
            of program has left: with a vector of all weights, or without.
        learning_rate
            None leaves the optimizer its own.
        penalty
            Factor of the kernels in their gradients.
        target_scale
            Predictions are divided by it before the loss: one number for each output, or for all.
        loss_numbers
            Settings of the loss that are data, by name.
        """
        self._parameters.assign([weights[name] for name in self.trained_names])
        assign(self._state, [weights[name] for name in self._state_names])
        shapes = [array.shape for array in optimizer_state or []]
        fits = shapes == [array.shape for array in self._fresh_optimizer]
        assign(self.optimizer.variables, optimizer_state if fits else self._fresh_optimizer)
        if learning_rate is not None:
            self.set_learning_rate(learning_rate)
        self._penalty.assign(penalty)
        self._target_scale.assign(np.broadcast_to(target_scale, self._target_scale.shape))
        for name, variable in self._loss_numbers.items():
            variable.assign(loss_numbers[name])

    def set_learning_rate(self, rate: float) -> None:
        """Set the learning rate of the steps to come."""
        self.optimizer.learning_rate = rate

    def assign(self, name: str, value) -> None:
        """Set a weight that is not trained, by its name."""
        self._variables[name].assign(value)

    @abstractmethod
    def to_device(self, array: np.ndarray):
        """Copy `array` to where the program runs, in its precision; integers as int32."""

    def to_device_blocks(self, *arrays: np.ndarray) -> list[tuple]:
        """Copy arrays of equal length, in blocks of rows of bounded memory.

        The last array holds weights. Rows of weight zero fill up the blocks, where a backend
        compiles for their lengths.
        """
        found = []
        for rows in blocks(len(arrays[0]), widest(self.model)):
            *cut, weight = (array[rows] for array in arrays)
            length = self.block_length(len(weight))
            filled = *(pad_rows(a, length) for a in cut), pad_rows(weight, length, zero=True)
            found.append(tuple(map(self.to_device, filled)))
        return found

    @abstractmethod
    def run(self, data: list, order, first: int, last: int) -> tuple:
        """Train steps of an epoch; return the sums of weighted losses and of weights.

        They are arrays where the model is several networks. What is lowered is then the sum of the
        networks' mean losses, so that each trains as it would alone.

        Parameters
        ----------
        data
            X, y and weights of the rows, on the device.
        order
            Which rows train in which step, on the device; see :meth:`Batches.order`.
        first, last
            Steps of the order; `last` is excluded.
        """

    def run_epochs(
        self, data: list, orders: list[np.ndarray], n_steps: int, rates: list[float] | None
    ) -> np.ndarray:
        """Train epochs, at most `epochs_at_once`; return what `run` does for each of them.

        Parameters
        ----------
        data
            X, y and weights of the rows, on the device.
        orders
            Which rows train in which step, for each epoch.
        n_steps
            Steps of an epoch.
        rates
            Learning rate of each epoch; None leaves it as it is.
        """
        n_epochs, filled = len(orders), np.zeros((self.epochs_at_once, len(orders[0])), np.int32)
        filled[:n_epochs] = orders
        if rates is None:
            rates = [float(np.asarray(self.optimizer.learning_rate))] * n_epochs
        padding = [0.0] * (self.epochs_at_once - n_epochs)
        counts = np.array([n_epochs, n_steps], np.int32)
        sums = self._run_epochs(data, filled, counts, np.array([*rates, *padding], np.float32))
        return sums[:n_epochs]

    def _run_epochs(self, data, orders, counts, rates) -> np.ndarray:
        """Do the work of `run_epochs`; `counts` are epochs and steps of each."""
        # Not abstract: only backends with `runs_epochs` are asked.
        raise NotImplementedError(f"{type(self).__name__} runs one epoch a call.")

    @property
    def _has_own_schedule(self):
        """Whether the optimizer computes its learning rate from its steps."""
        return not isinstance(self.optimizer._learning_rate, keras.Variable)

    @abstractmethod
    def evaluate(self, device_blocks):
        """Return the sums of weighted measures over blocks of :meth:`to_device_blocks`.

        An array of shape (n_measures,), or (n_measures, K) of several networks: see `measures`.
        """

    def weights(self) -> dict[str, np.ndarray]:
        """Return copies of all weights at the end of a training, by name: trained ones first."""
        self.optimizer.finalize_variable_values(self._parameters.variables)
        return self.snapshot()

    def snapshot(self) -> dict[str, np.ndarray]:
        """Return copies of all weights as they are during training."""
        arrays = [*self._parameters.arrays(), *to_arrays(self._state)]
        return dict(zip(self._variables, arrays, strict=True))

    def optimizer_state(self) -> list[np.ndarray]:
        """Return copies of the optimizer's variables."""
        return to_arrays(self.optimizer.variables)


class PredictionProgram(ABC):
    """Forward pass of a model whose weights are arguments: it holds no state.

    A backend implements `to_device` and `forward`, and may set `block_length`.

    Parameters
    ----------
    model
        A Keras model of one input.
    """

    # How many rows a block of so many rows is filled up to.
    block_length = staticmethod(as_it_is)

    def __init__(self, model: keras.Model):
        self._model, self._names = model, list(named_variables(model))
        self._widest = widest(model)
        self._n_trained = len(model.trainable_variables)

    def predict(self, named: dict[str, np.ndarray], X: np.ndarray) -> np.ndarray:
        """Return outputs, a row for each row of X, which has the model's precision.

        `named` are weights by name; there may be more than the model has.
        """
        weights, parts = self.to_device([named[name] for name in self._names]), []
        for rows in blocks(len(X), self._widest):
            part = X[rows]
            filled = pad_rows(part, self.block_length(len(part)))
            parts.append(self.forward(weights, filled)[: len(part)])
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    @abstractmethod
    def to_device(self, weights: list[np.ndarray]) -> list:
        """Copy weights to where the program runs."""

    @abstractmethod
    def forward(self, weights: list, X: np.ndarray) -> np.ndarray:
        """Return outputs of one block of rows as an array of its own."""

    def _call(self, weights, X) -> Any:
        trained, state = weights[: self._n_trained], weights[self._n_trained :]
        return self._model.stateless_call(trained, state, X, training=False)[0]


def losses_of_rows(model, trained, state, X, y, target_scale, loss_numbers):
    """Return the loss of each row, the state afterwards, and the losses that layers add."""
    prediction, state, extra = model.stateless_call(
        trained, state, X, training=True, return_losses=True
    )
    loss = with_numbers(model.loss, loss_numbers)
    return loss_of_each(loss, y, prediction / target_scale), state, extra


def measures_of_rows(model, trained, state, X, y, target_scale, loss_numbers) -> list:
    """Return the measures of each row: see `measures`."""
    prediction, _ = model.stateless_call(trained, state, X, training=False)
    return measures(with_numbers(model.loss, loss_numbers), y, prediction / target_scale)


def measures(loss, y, prediction) -> list:
    """Return what rows are validated by, each as `loss_of_each` returns it: first the loss.

    The last one stops the training: the loss itself, or what it has as its `validation_call`.
    """
    found = [name for name in ("call", "validation_call") if hasattr(loss, name)]
    return [loss_of_each(loss, y, prediction, name) for name in found]


def names_of_measures(loss) -> list[str]:
    """Return the names by which callbacks see `measures` of validation data."""
    own = getattr(loss, "validation_name", None)
    return ["val_loss"] if own is None else ["val_loss", f"val_{own}"]


def loss_of_each(loss, y, prediction, method="call"):
    """Return the loss of each row, (n_rows,); of each network too, (n_rows, K), if they are K."""
    call = getattr(loss, method)
    if len(prediction.shape) == 2:
        return _one_a_row(call(y, prediction), prediction, loss)
    _, n_networks, n_outputs = prediction.shape
    flat = ops.reshape(prediction, (-1, n_outputs))
    losses = _one_a_row(call(ops.repeat(y, n_networks, axis=0), flat), flat, loss)
    return ops.reshape(losses, (-1, n_networks))


def measures_of_arrays(loss, y, prediction, loss_numbers) -> list[np.ndarray]:
    """Return the measures of each row of arrays, (n_rows,) each: see `measures`."""
    y, prediction = ops.convert_to_tensor(y), ops.convert_to_tensor(prediction)
    found = measures(with_numbers(loss, loss_numbers), y, prediction)
    return [ops.convert_to_numpy(losses) for losses in found]


def _one_a_row(losses, prediction, loss):
    """Return the losses of rows; their mean over the outputs, where a row has several."""
    shape, n_rows = tuple(getattr(losses, "shape", ())), prediction.shape[0]
    if not shape or (None not in (n_rows, shape[0]) and n_rows != shape[0]):
        raise ValueError(
            f"loss={loss.name} must return a number for each row, shape (n_rows,), because rows "
            f"have weights. Got shape {shape}. Take the mean over outputs alone: axis=-1."
        )
    return losses if len(shape) == 1 else ops.mean(losses, axis=tuple(range(1, len(shape))))


def model_axis(model: keras.Model) -> tuple[int, ...]:
    """Return ``(K,)`` for a model of K networks, and ``()`` for a single network.

    The weights of K networks in the loss are those of rows, (n_rows, K).
    """
    return tuple(model.outputs[0].shape[1:-1])


def widest(model: keras.Model) -> int:
    """Return the number of values of a row in the widest layer of `model`."""
    return max(int(np.prod(layer.output.shape[1:])) for layer in model.layers)
