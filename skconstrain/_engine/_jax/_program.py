"""One compiled training program under JAX: the same two classes as in `_program.py`.

Programs are pure functions of all numbers; between two calls the numbers rest in Keras' variables,
where callbacks read and write them.
"""

from contextlib import contextmanager

import jax
import keras
import numpy as np
from jax import lax
from jax import numpy as jnp

from skconstrain._engine._batching import blocks, pad_rows, padded
from skconstrain._engine._optimizer_state import state_to_start_from
from skconstrain._engine._size import widest
from skconstrain._engine._wide_floats import wide_floats
from skconstrain.layers._batch_weight import batch_weight
from skconstrain.losses import with_numbers

# The trained numbers stay variables of their own: XLA makes one loop of an optimizer's update.
MAX_FLAT_SIZE = 0

# Fewer rows than this are predicted in the room of a power of two: compiling costs more.
_FEW_ROWS = 1024


def choose_jit(flops_per_step: float, n_steps: int, kernel_size: int) -> bool:
    """Whether XLA compiles a program: JAX has no other compiler."""
    return True


def share_gpu_memory() -> None:
    """Leave it to the user: JAX is asked by an environment variable, and none is changed here."""


def trains_on_gpu() -> bool:
    """Whether JAX computes on a GPU here."""
    return jax.default_backend() == "gpu"


@contextmanager
def precision():
    """Let float64 be float64 inside, in this thread only; JAX's global setting is not touched."""
    with jax.enable_x64(True), wide_floats():
        yield


class TrainingProgram:
    """Own a model, an optimizer and a compiled epoch for fixed shapes.

    Parameters
    ----------
    model
        A compiled Keras model: its optimizer and loss are used. The program owns it.
    width, padded_rows, padded_steps
        Rows of a step, rows of the data with padding, steps that an order of rows has room for.
    jit_compile, flat
        Of the program under TensorFlow; everything is compiled here, and nothing is flat.
    """

    def __init__(self, model, *, width, padded_rows, padded_steps, jit_compile, flat):
        self.model = model
        self.optimizer = model.optimizer
        self.dtype = np.dtype(model.inputs[0].dtype)
        self._loss = model.loss
        self._width = width
        self._trained = model.trainable_variables
        self._state = model.non_trainable_variables
        # What the L2 penalty applies to: kernels, not biases.
        self._is_kernel = [variable.name.endswith("kernel") for variable in self._trained]
        if not self.optimizer.built:
            self.optimizer.build(self._trained)
        self.fresh_optimizer = _arrays(self.optimizer.variables)
        self._run = jax.jit(self._epoch)
        self._evaluate = jax.jit(self.block_loss)

    def _epoch(self, values, settings, data, order, steps):
        """Run steps ``steps[0]`` to ``steps[1]``; return values, and sums of losses and weights."""

        def step(i, carried):
            values, sums = carried
            rows = lax.dynamic_slice(order, (i * self._width,), (self._width,))
            batch = [jnp.take(array, rows, axis=0, mode="clip") for array in data]
            values, batch_sums = self.step(values, settings, *batch)
            return values, sums + batch_sums

        return lax.fori_loop(steps[0], steps[1], step, (values, jnp.zeros(2, jnp.float64)))

    def step(self, values, settings, X, y, weight):
        """Train one batch: return values, and the sums of losses and weights."""
        trained, state, optimizer = values
        penalty, *loss_settings = settings

        def objective(trained):
            with batch_weight(weight):
                losses, after, extra = self._losses(
                    X, y, trained, state, *loss_settings, training=True
                )
            batch_loss, total_weight = jnp.sum(losses * weight), jnp.sum(weight)
            # Zero times an infinite loss is not a number: a step without weight divides by 1.
            mean = batch_loss / jnp.where(total_weight > 0, total_weight, 1)
            return self._scaled(mean + sum(extra), optimizer), (after, batch_loss, total_weight)

        gradients, (state, *sums) = jax.grad(objective, has_aux=True)(trained)
        factor = self._scaled(penalty, optimizer)
        gradients = [
            gradient + factor * value if is_kernel else gradient
            for gradient, value, is_kernel in zip(gradients, trained, self._is_kernel, strict=True)
        ]
        trained, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trained)
        return (trained, state, optimizer), jnp.stack(sums).astype(jnp.float64)

    def _scaled(self, number, optimizer):
        """Scale a loss as the optimizer asks for, which may remember the factor in a variable."""
        mapping = list(zip(self.optimizer.variables, optimizer, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            return self.optimizer.scale_loss(number)

    def block_loss(self, values, loss_settings, X, y, weight):
        """Return the sum of weighted losses of rows."""
        losses, _, _ = self._losses(X, y, *values, *loss_settings, training=False)
        return jnp.sum((losses * weight).astype(jnp.float64))

    def _losses(self, X, y, trained, state, target_scale, numbers, *, training):
        """Loss of each row, the state afterwards, and the losses that layers add."""
        prediction, state, extra = self.model.stateless_call(
            trained, state, X, training=training, return_losses=True
        )
        loss = with_numbers(self._loss, numbers)
        return loss.call(y, prediction / target_scale), state, extra

    def load(self, weights, *, optimizer_state, learning_rate, penalty, target_scale, loss_numbers):
        """Start from `weights` (trained ones, then the rest) and a fresh or given optimizer."""
        state = state_to_start_from(self.fresh_optimizer, optimizer_state)
        variables = [*self._trained, *self._state, *self.optimizer.variables]
        for variable, array in zip(variables, [*weights, *state], strict=True):
            variable.assign(array)
        if learning_rate is not None:
            self.optimizer.learning_rate = learning_rate
        numbers = {name: self._number(number) for name, number in loss_numbers.items()}
        self._settings = (self._number(penalty), self._number(target_scale), numbers)

    def _number(self, number):
        return jax.device_put(np.asarray(number, self.dtype))

    def assign(self, path, value):
        """Set a weight that is not trained."""
        next(variable for variable in self._state if variable.path == path).assign(value)

    def to_device(self, array):
        """Copy `array` to where the program runs."""
        array = np.asarray(array)
        with precision():  # a thread that loads chunks has its own
            return jax.device_put(array.astype(np.int32 if array.dtype.kind == "i" else self.dtype))

    def run(self, data, order, first, last):
        """Train steps `first` to `last` of an epoch; return the sums of loss and weight."""
        groups = (self._trained, self._state, self.optimizer.variables)
        values = tuple([variable.value for variable in group] for group in groups)
        steps = np.array([first, last], np.int32)
        values, sums = self._run(values, self._settings, list(data), order, steps)
        for group, numbers in zip(groups, values, strict=True):
            for variable, value in zip(group, numbers, strict=True):
                variable.assign(value)
        loss, weight = np.asarray(sums)
        return float(loss), float(weight)

    def to_device_blocks(self, *arrays):
        """Copy arrays of equal length, in blocks of rows of bounded memory.

        The last array holds weights. Rows of weight zero fill the blocks up to few lengths.
        """
        found = []
        for rows in blocks(len(arrays[0]), widest(self.model)):
            cut = [array[rows] for array in arrays]
            length = _room(len(cut[0]))
            *cut, weight = cut
            filled = [
                *(pad_rows(array, length) for array in cut),
                pad_rows(weight, length, zero=True),
            ]
            found.append(tuple(self.to_device(array) for array in filled))
        return found

    def evaluate(self, device_blocks):
        """Return the sum of weighted losses over blocks of X, y and weight."""
        values = tuple([v.value for v in group] for group in (self._trained, self._state))
        settings = self._settings[1:]
        return sum(float(self._evaluate(values, settings, *block)) for block in device_blocks)

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


class PredictionProgram:
    """Compiled forward pass of a model whose weights are arguments: it holds no state.

    `used` are the places of the model's weights among those that are given; None if all are its.
    """

    def __init__(self, model, used=None):
        self._model, self._used = model, used
        self._widest = widest(model)
        self._n_trained = len(model.trainable_variables)
        self._forward = jax.jit(self._call)

    def _call(self, weights, X):
        trained, state = weights[: self._n_trained], weights[self._n_trained :]
        return self._model.stateless_call(trained, state, X, training=False)[0]

    def predict(self, weights, X):
        """Return outputs, a row each, for rows of the model's precision."""
        if self._used is not None:
            weights = [weights[place] for place in self._used]
        weights = jax.device_put(weights)
        parts = []
        for rows in blocks(len(X), self._widest):
            part = X[rows]
            filled = pad_rows(part, _room(len(part)))
            parts.append(np.array(self._forward(weights, filled)[: len(part)]))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _room(n_rows):
    """Round a number of rows up to one of few, each of which is compiled for."""
    return 1 << (n_rows - 1).bit_length() if 0 < n_rows < _FEW_ROWS else padded(n_rows)


def _arrays(variables):
    """Return copies of the variables' numbers."""
    return [np.array(variable.value) for variable in variables]
