"""One compiled training program under TensorFlow: load weights, run epochs, hand weights back.

This is the engine's seam: a second Keras backend is a second module with these two classes.
"""

from contextlib import nullcontext, suppress

import numpy as np
import tensorflow as tf

from skconstrain._engine._batching import blocks
from skconstrain._engine._optimizer_state import state_to_start_from
from skconstrain._engine._size import widest
from skconstrain._engine._tensorflow._parameters import Parameters
from skconstrain._engine._tensorflow._update import make_update
from skconstrain.layers._batch_weight import batch_weight
from skconstrain.losses import numbers_of, with_numbers

# XLA wins on small steps, where launching operations is the cost: measured on two cores it saves
# a third or more of the time below the first bound, and nothing certain above it. Compiling takes
# half a second, which a search over such fits earns back above the second bound.
XLA_MAX_FLOPS_PER_STEP = 12e6
XLA_MIN_STEPS = 500

# More trained numbers than this are no longer one flat vector: cutting it up costs more than it
# saves, and XLA takes up to eighty times as long.
MAX_FLAT_SIZE = 30_000


def choose_jit(flops_per_step: float, n_steps: int, kernel_size: int) -> bool:
    """Whether XLA compiles a program that will run `n_steps` steps of so much work."""
    small = flops_per_step <= XLA_MAX_FLOPS_PER_STEP and kernel_size <= MAX_FLAT_SIZE
    return small and n_steps >= XLA_MIN_STEPS


def precision():
    """Return a context in which float64 is float64: it always is."""
    return nullcontext()


def share_gpu_memory() -> None:
    """Let TensorFlow take memory of a GPU as it needs it, so that processes can share one.

    What the user has decided stays as it is; so do devices that are in use already.
    """
    for gpu in tf.config.list_physical_devices("GPU"):
        undecided = tf.config.experimental.get_memory_growth(gpu) is None
        if undecided and tf.config.get_logical_device_configuration(gpu) is None:
            # Keras, or the user, has computed something: too late to change anything.
            with suppress(RuntimeError):
                tf.config.experimental.set_memory_growth(gpu, True)


def trains_on_gpu() -> bool:
    """Whether TensorFlow computes on a GPU here."""
    return bool(tf.config.list_logical_devices("GPU"))


class TrainingProgram:
    """Own a model, an optimizer and a compiled epoch for fixed shapes.

    Parameters
    ----------
    model
        A compiled Keras model: its optimizer and loss are used. The program owns it.
    width, padded_rows, padded_steps
        Rows of a step, rows of the data with padding, steps that an order of rows has room for.
    jit_compile
        Whether XLA compiles the epoch.
    flat
        Whether the parameters are trained as one vector.
    """

    def __init__(self, model, *, width, padded_rows, padded_steps, jit_compile, flat):
        self.model = model
        self.optimizer = model.optimizer
        self.dtype = np.dtype(model.inputs[0].dtype)
        self._loss = model.loss
        self._width = width
        self.parameters = Parameters(model, flat)
        self._state = model.non_trainable_variables
        if not self.optimizer.built:
            self.optimizer.build(self.parameters.variables)
        self._update = make_update(self.optimizer, jit_compile)
        self._fresh_optimizer = [v.value.numpy() for v in self.optimizer.variables]
        floats = tf.as_dtype(self.dtype)
        # Captured, not passed: every argument costs tens of microseconds of each call.
        self._penalty, self._target_scale = (
            tf.Variable(0, dtype=floats),
            tf.Variable(1, dtype=floats),
        )
        self._numbers = {name: tf.Variable(0, dtype=floats) for name in numbers_of(self._loss)}
        data = [
            tf.TensorSpec((padded_rows, model.inputs[0].shape[-1]), floats),
            tf.TensorSpec((padded_rows, model.outputs[0].shape[-1]), floats),
            tf.TensorSpec((padded_rows,), floats),
        ]
        order = tf.TensorSpec((padded_steps * width,), tf.int32)
        epoch = tf.function(self._epoch, jit_compile=jit_compile, autograph=False)
        self._run = epoch.get_concrete_function(*data, order, tf.TensorSpec((2,), tf.int32))
        any_rows = [tf.TensorSpec((None, *spec.shape[1:]), floats) for spec in data]
        self._evaluate = tf.function(self._block_loss, input_signature=any_rows, autograph=False)

    def _epoch(self, X, y, weight, order, steps):
        """Run steps ``steps[0]`` to ``steps[1]``; return sums of weighted losses and weights."""

        def step(i, loss_sum, weight_sum, state):
            rows = tf.slice(order, [i * self._width], [self._width])
            batch = [tf.gather(array, rows) for array in (X, y, weight)]
            with tf.GradientTape() as tape:
                tensors = self.parameters.tensors()
                with batch_weight(batch[2]):
                    losses, state, extra = self._losses(*batch[:2], tensors, state, training=True)
                batch_loss = tf.reduce_sum(losses * batch[2])
                total_weight = tf.reduce_sum(batch[2])
                # Zero times an infinite loss is not a number: a step without weight divides by 1.
                objective = batch_loss / tf.where(total_weight > 0, total_weight, 1)
                objective = self.optimizer.scale_loss(objective + sum(extra))
            variables = self.parameters.variables
            values = [variable.value for variable in variables]
            gradients = self._penalised(tape.gradient(objective, values), values)
            self._update(gradients, variables)
            self.parameters.project()
            loss_sum += tf.cast(batch_loss, tf.float64)
            weight_sum += tf.cast(total_weight, tf.float64)
            return i + 1, loss_sum, weight_sum, state

        zero = tf.zeros((), tf.float64)
        start = (steps[0], zero, zero, [variable.value for variable in self._state])
        _, loss_sum, weight_sum, state = tf.while_loop(lambda i, *_: i < steps[1], step, start)
        for variable, value in zip(self._state, state, strict=True):
            variable.assign(value)
        return tf.stack([loss_sum, weight_sum])

    def _penalised(self, gradients, values):
        """Add the gradient of the L2 penalty, which would cost more if it were taped."""
        factor = self.optimizer.scale_loss(self._penalty)
        shares = self.parameters.penalty_shares
        return [
            gradient if share is None else gradient + factor * share * value
            for gradient, value, share in zip(gradients, values, shares, strict=True)
        ]

    def _block_loss(self, X, y, weight):
        tensors, state = self.parameters.tensors(), [variable.value for variable in self._state]
        losses, _, _ = self._losses(X, y, tensors, state, training=False)
        return tf.reduce_sum(tf.cast(losses * weight, tf.float64))

    def _losses(self, X, y, tensors, state, *, training):
        """Loss of each row, the state afterwards, and the losses that layers add."""
        prediction, state, extra = self.model.stateless_call(
            tensors, state, X, training=training, return_losses=True
        )
        numbers = {name: variable.read_value() for name, variable in self._numbers.items()}
        loss = with_numbers(self._loss, numbers)
        return loss.call(y, prediction / self._target_scale), state, extra

    def load(self, weights, *, optimizer_state, learning_rate, penalty, target_scale, loss_numbers):
        """Start from `weights` (trained ones, then the rest) and a fresh or given optimizer."""
        n_trained = len(self.model.trainable_variables)
        self.parameters.assign(weights[:n_trained])
        state = state_to_start_from(self._fresh_optimizer, optimizer_state)
        for variable, array in zip(
            [*self._state, *self.optimizer.variables], [*weights[n_trained:], *state], strict=True
        ):
            variable.assign(array)
        if learning_rate is not None:
            self.optimizer.learning_rate = learning_rate
        self._penalty.assign(penalty)
        self._target_scale.assign(target_scale)
        for name, variable in self._numbers.items():
            variable.assign(loss_numbers[name])

    def assign(self, path, value):
        """Set a weight that is not trained."""
        next(variable for variable in self._state if variable.path == path).assign(value)

    def to_device(self, array):
        """Copy `array` to where the program runs."""
        return tf.constant(array, tf.int32 if array.dtype.kind == "i" else self.dtype.name)

    def run(self, data, order, first, last):
        """Train steps `first` to `last` of an epoch; return the sums of loss and weight."""
        loss, weight = self._run(*data, order, tf.constant([first, last])).numpy()
        return float(loss), float(weight)

    def to_device_blocks(self, *arrays):
        """Copy arrays of equal length, in blocks of rows of bounded memory."""
        cuts = blocks(len(arrays[0]), widest(self.model))
        return [tuple(self.to_device(array[rows]) for array in arrays) for rows in cuts]

    def evaluate(self, device_blocks):
        """Return the sum of weighted losses over blocks of X, y and weight."""
        return sum(float(self._evaluate(*block)) for block in device_blocks)

    def weights(self):
        """Return copies of all weights: the trained ones, then the rest."""
        self.optimizer.finalize_variable_values(self.parameters.variables)
        return self.snapshot()

    def snapshot(self):
        """Return copies of all weights as they are during training."""
        return [*self.parameters.arrays(), *(variable.value.numpy() for variable in self._state)]

    def optimizer_state(self):
        """Return copies of the optimizer's variables."""
        return [variable.value.numpy() for variable in self.optimizer.variables]


class PredictionProgram:
    """Compiled forward pass of a model whose weights are arguments: it holds no state.

    `used` are the places of the model's weights among those that are given; None if all are its.
    """

    def __init__(self, model, used=None):
        self._model, self._used = model, used
        self._widest = widest(model)
        self._n_trained = len(model.trainable_variables)
        weights = [*model.trainable_variables, *model.non_trainable_variables]
        self._forward = tf.function(self._call, autograph=False).get_concrete_function(
            tf.TensorSpec((None, model.inputs[0].shape[-1]), model.inputs[0].dtype),
            *(tf.TensorSpec(variable.shape, variable.dtype) for variable in weights),
        )

    def _call(self, X, *weights):
        trained, state = weights[: self._n_trained], weights[self._n_trained :]
        return self._model.stateless_call(trained, state, X, training=False)[0]

    def predict(self, weights, X):
        """Return outputs, a row each, for rows of the model's precision."""
        if self._used is not None:
            weights = [weights[place] for place in self._used]
        tensors = [tf.constant(array) for array in weights]
        parts = [
            self._forward(tf.constant(X[rows]), *tensors).numpy()
            for rows in blocks(len(X), self._widest)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)
