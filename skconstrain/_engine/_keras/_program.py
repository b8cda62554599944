"""Training by Keras' own loop, for backends without a compiled program of ours.

The same two classes as in `_program.py`, in operations that every backend has.
"""

import warnings
from contextlib import contextmanager

import keras
import numpy as np
from keras import ops

from skconstrain._engine._batching import blocks
from skconstrain._engine._optimizer_state import state_to_start_from
from skconstrain._engine._size import widest
from skconstrain._engine._wide_floats import wide_floats
from skconstrain.layers._batch_weight import batch_weight
from skconstrain.losses import numbers_of, with_numbers

# The trained numbers stay variables of their own, which Keras' loop trains.
MAX_FLAT_SIZE = 0


def warn_of_slow_backend(backend: str) -> None:
    """Tell the user what trains, and how it would go faster."""
    warnings.warn(
        f"Keras' backend {backend!r} has no compiled program: networks train in Keras' own loop, "
        "with the same results but several times slower. Compiled programs there are for "
        "'tensorflow' and 'jax': set KERAS_BACKEND before the first import of keras.",
        stacklevel=2,
    )


def choose_jit(flops_per_step: float, n_steps: int, kernel_size: int) -> bool:
    """Whether XLA compiles a program: Keras decides."""
    return False


@contextmanager
def precision():
    """Let Keras' operations keep float64 inside, in this thread only."""
    with wide_floats():
        yield


def share_gpu_memory() -> None:
    """Leave it to the backend."""


def trains_on_gpu() -> bool:
    """Whether networks train on a GPU: Keras does not say."""
    return False


class TrainingProgram:
    """Own a model and its optimizer, and train them by ``keras.Model.fit``.

    Parameters
    ----------
    model
        A compiled Keras model: its optimizer and loss are used. The program owns it.
    width
        Rows of a step.
    padded_rows, padded_steps, jit_compile, flat
        Of compiled programs; nothing is compiled for shapes here.
    """

    def __init__(self, model, *, width, padded_rows, padded_steps, jit_compile, flat):
        self.model, self.optimizer = model, model.optimizer
        self.dtype = np.dtype(model.inputs[0].dtype)
        self._width = width
        self._trainer = _Trainer(model)
        self._trained, self._state = model.trainable_variables, model.non_trainable_variables
        if not self.optimizer.built:
            self.optimizer.build(self._trained)
        self._fresh_optimizer = _arrays(self.optimizer.variables)

    def load(self, weights, *, optimizer_state, learning_rate, penalty, target_scale, loss_numbers):
        """Start from `weights` (trained ones, then the rest) and a fresh or given optimizer."""
        state = state_to_start_from(self._fresh_optimizer, optimizer_state)
        variables = [*self._trained, *self._state, *self.optimizer.variables]
        for variable, array in zip(variables, [*weights, *state], strict=True):
            variable.assign(array)
        if learning_rate is not None:
            self.optimizer.learning_rate = learning_rate
        self._trainer.set(penalty=penalty, target_scale=target_scale, **loss_numbers)

    def assign(self, path, value):
        """Set a weight that is not trained."""
        next(variable for variable in self._state if variable.path == path).assign(value)

    def to_device(self, array):
        """Bring `array` to the precision of the program; Keras moves each batch."""
        return array.astype(np.int32 if array.dtype.kind == "i" else self.dtype)

    def run(self, data, order, first, last):
        """Train steps `first` to `last` of an epoch; return the sums of loss and weight."""
        rows = order[first * self._width : last * self._width]
        rows = rows[data[2][rows] > 0]  # none of those that fill up the last step
        return self._trainer.take(_Steps(data, rows, self._width))

    def to_device_blocks(self, *arrays):
        """Bring arrays of equal length to the program's precision, in blocks of rows."""
        cuts = blocks(len(arrays[0]), widest(self.model))
        return [tuple(self.to_device(array[rows]) for array in arrays) for rows in cuts]

    def evaluate(self, device_blocks):
        """Return the sum of weighted losses over blocks of X, y and weight."""
        return sum(self._trainer.loss_of(*block) for block in device_blocks)

    def weights(self):
        """Return copies of all weights: the trained ones, then the rest."""
        self.optimizer.finalize_variable_values(self._trained)
        return self.snapshot()

    def snapshot(self):
        """Return copies of all weights as they are during training."""
        return _arrays([*self._trained, *self._state])

    def optimizer_state(self):
        """Return copies of the optimizer's variables."""
        return _arrays(self.optimizer.variables)


class _Steps(keras.utils.PyDataset):
    """The batches of an epoch, in their order; not arrays, which Keras would make float32."""

    def __init__(self, data, rows, width):
        super().__init__()
        self._data, self._rows, self._width = data, rows, width

    def __len__(self):
        return -(-len(self._rows) // self._width)

    def __getitem__(self, i):
        rows = self._rows[i * self._width : (i + 1) * self._width]
        X, y, weight = (array[rows] for array in self._data)
        return (X, weight), y


class _Trainer(keras.Model):
    """A network and the objective of a step, for Keras' loop.

    Weights of rows are an input, because the step divides by their sum, and layers may need them.
    """

    def __init__(self, network):
        super().__init__(dtype=network.inputs[0].dtype, name="trainer")
        self._network, self._loss_of_rows = network, network.loss
        names = ("penalty", "target_scale", *numbers_of(network.loss))
        self._settings = {name: self._number(name) for name in names}
        self._sums = [self._number(name, "float64") for name in ("loss_sum", "weight_sum")]
        self._kernels = [v for v in network.trainable_variables if v.name.endswith("kernel")]
        self.compile(optimizer=network.optimizer, jit_compile=False)

    def _number(self, name, dtype=None):
        return self.add_weight(shape=(), dtype=dtype, trainable=False, name=name)

    def set(self, **settings):
        """Set numbers that stay as they are during training."""
        for name, value in settings.items():
            self._settings[name].assign(value)

    def call(self, inputs, training=False):
        X, weight = inputs
        with batch_weight(weight):
            return self._network(X, training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return what a step lowers, and add up losses and weights."""
        weight = x[1]
        batch_loss, total_weight = (
            ops.sum(self._losses_of_rows(y, y_pred) * weight),
            ops.sum(weight),
        )
        for variable, value in zip(self._sums, (batch_loss, total_weight), strict=True):
            variable.assign(variable + ops.cast(ops.stop_gradient(value), "float64"))
        squares = sum(ops.sum(ops.square(kernel)) for kernel in self._kernels)
        penalty = ops.convert_to_tensor(self._settings["penalty"])
        return batch_loss / total_weight + sum(self.losses) + penalty / 2 * squares

    def _losses_of_rows(self, y, prediction):
        numbers = {name: ops.convert_to_tensor(v) for name, v in self._settings.items()}
        del numbers["penalty"]
        prediction = prediction / numbers.pop("target_scale")
        return with_numbers(self._loss_of_rows, numbers).call(y, prediction)

    def take(self, steps):
        """Take steps; return the sums of loss and weight."""
        for variable in self._sums:
            variable.assign(0.0)
        self.fit(steps, shuffle=False, verbose=0)
        return tuple(float(ops.convert_to_numpy(variable)) for variable in self._sums)

    def loss_of(self, X, y, weight):
        """Return the sum of weighted losses."""
        prediction = self._network(ops.convert_to_tensor(X), training=False)
        losses = self._losses_of_rows(ops.convert_to_tensor(y), prediction)
        return float(np.sum(ops.convert_to_numpy(losses) * weight, dtype=np.float64))


class PredictionProgram:
    """Forward pass of a model whose weights are arguments: it holds no state.

    `used` are the places of the model's weights among those that are given; None if all are its.
    """

    def __init__(self, model, used=None):
        self._model, self._used = model, used
        self._widest = widest(model)
        self._n_trained = len(model.trainable_variables)

    def predict(self, weights, X):
        """Return outputs, a row each, for rows of the model's precision."""
        if self._used is not None:
            weights = [weights[place] for place in self._used]
        tensors = [ops.convert_to_tensor(array) for array in weights]
        parts = [self._call(tensors, X[rows]) for rows in blocks(len(X), self._widest)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _call(self, tensors, X):
        trained, state = tensors[: self._n_trained], tensors[self._n_trained :]
        X = ops.convert_to_tensor(X)
        return ops.convert_to_numpy(
            self._model.stateless_call(trained, state, X, training=False)[0]
        )


def _arrays(variables):
    """Return copies of the variables' numbers."""
    return [np.array(ops.convert_to_numpy(variable.value)) for variable in variables]
