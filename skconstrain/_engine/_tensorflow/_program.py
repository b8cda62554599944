"""Training and prediction under TensorFlow: one graph each, for fixed shapes."""

from functools import cached_property

import tensorflow as tf

from skconstrain._engine._program import (
    PredictionProgram,
    Program,
    losses_of_rows,
    measures_of_rows,
    model_axis,
)
from skconstrain._engine._tensorflow._graphs import traced
from skconstrain._engine._tensorflow._parameters import (
    MAX_FLAT_SIZE,
    FlatParameters,
    TensorParameters,
    is_elementwise,
)
from skconstrain._engine._tensorflow._update import make_update
from skconstrain.layers._batch_weight import batch_weight


class TensorFlowProgram(Program):
    """A training program whose epoch is a graph, compiled by XLA where the spec says so."""

    runs_epochs = True

    def __init__(self, model, spec):
        small = spec.kernel_size <= MAX_FLAT_SIZE and not spec.has_callbacks
        flat = small and is_elementwise(model.optimizer) and model.trainable_variables
        super().__init__(model, spec, FlatParameters(model) if flat else TensorParameters(model))
        self._update = make_update(self.optimizer, spec.jit_compile)
        floats, rows = tf.as_dtype(self.dtype), spec.padded_rows
        data = [
            tf.TensorSpec((rows, model.inputs[0].shape[-1]), floats),
            tf.TensorSpec((rows, model.outputs[0].shape[-1]), floats),
            tf.TensorSpec((rows, *model_axis(model)), floats),
        ]
        order, counts = (spec.padded_steps * spec.width,), tf.TensorSpec((2,), tf.int32)
        arguments = [*data, tf.TensorSpec(order, tf.int32), counts]
        if self.epochs_at_once > 1:
            orders = tf.TensorSpec((self.epochs_at_once, *order), tf.int32)
            arguments = [*data, orders, counts, tf.TensorSpec(orders.shape[:1], tf.float32)]
        epochs = self._epoch if self.epochs_at_once == 1 else self._epochs
        # Values of a training are captured, not passed: every argument costs tens of microseconds
        # of each call.
        self._run = traced(epochs, arguments, spec.jit_compile)
        self._any_rows = [tf.TensorSpec((None, *spec.shape[1:]), floats) for spec in data]

    @cached_property
    def _evaluate(self):
        return traced(self._block_measures, self._any_rows, jit_compile=False)

    def _epochs(self, X, y, weight, orders, counts, rates):
        """Run ``counts[0]`` epochs of ``counts[1]`` steps; return the sums of each."""

        def epoch(i, sums):
            if not self._has_own_schedule:
                self.optimizer.learning_rate.assign(rates[i])
            found = self._epoch(X, y, weight, orders[i], tf.stack([0, counts[1]]))
            return i + 1, tf.tensor_scatter_nd_update(sums, [[i]], found[None])

        zeros = tf.zeros((self.epochs_at_once, 2, *model_axis(self.model)), tf.float64)
        return tf.while_loop(lambda i, _: i < counts[0], epoch, (0, zeros))[1]

    def _epoch(self, X, y, weight, order, steps):
        """Run steps ``steps[0]`` to ``steps[1]``; return sums of weighted losses and weights."""

        def step(i, loss_sum, weight_sum, state):
            rows = tf.slice(order, [i * self._width], [self._width])
            batch = [tf.gather(array, rows) for array in (X, y, weight)]
            with tf.GradientTape() as tape:
                tensors = self._parameters.tensors()
                with batch_weight(batch[2]):
                    losses, state, extra = self._of_rows(losses_of_rows, *batch[:2], tensors, state)
                batch_loss = tf.reduce_sum(losses * batch[2], axis=0)
                total_weight = tf.reduce_sum(batch[2], axis=0)
                # Zero times an infinite loss is not a number: a step without weight divides by 1.
                objective = batch_loss / tf.where(total_weight > 0, total_weight, 1)
                objective = tf.reduce_sum(objective) if model_axis(self.model) else objective
                objective = self.optimizer.scale_loss(objective + sum(extra))
            variables = self._parameters.variables
            values = [variable.value for variable in variables]
            gradients = self._penalised(tape.gradient(objective, values), values)
            self._update(gradients, variables)
            self._parameters.project()
            loss_sum += tf.cast(batch_loss, tf.float64)
            weight_sum += tf.cast(total_weight, tf.float64)
            return i + 1, loss_sum, weight_sum, state

        zero = tf.zeros(model_axis(self.model), tf.float64)
        start = (steps[0], zero, zero, [variable.value for variable in self._state])
        _, loss_sum, weight_sum, state = tf.while_loop(lambda i, *_: i < steps[1], step, start)
        for variable, value in zip(self._state, state, strict=True):
            variable.assign(value)
        return tf.stack([loss_sum, weight_sum])

    def _penalised(self, gradients, values):
        """Add the gradient of the L2 penalty, which would cost more if it were taped."""
        factor = self.optimizer.scale_loss(self._penalty.value)
        shares = self._parameters.penalty_shares
        return [
            gradient if share is None else gradient + factor * share * value
            for gradient, value, share in zip(gradients, values, shares, strict=True)
        ]

    def _block_measures(self, X, y, weight):
        """Return the sums of weighted measures of rows."""
        tensors, state = self._parameters.tensors(), [variable.value for variable in self._state]
        found = self._of_rows(measures_of_rows, X, y, tensors, state)
        return tf.stack([tf.reduce_sum(tf.cast(of * weight, tf.float64), axis=0) for of in found])

    def _of_rows(self, function, X, y, tensors, state):
        numbers = {name: v.value.read_value() for name, v in self._loss_numbers.items()}
        settings = self._target_scale.value, numbers
        return function(self.model, tensors, state, X, y, *settings)

    def to_device(self, array):
        return tf.constant(array, tf.int32 if array.dtype.kind == "i" else self.dtype.name)

    def run(self, data, order, first, last):
        return tuple(self._run(*data, order, tf.constant([first, last])).numpy())

    def _run_epochs(self, data, orders, counts, rates):
        arguments = self.to_device(orders), tf.constant(counts), tf.constant(rates)
        return self._run(*data, *arguments).numpy()

    def evaluate(self, device_blocks):
        return sum(self._evaluate(*block).numpy() for block in device_blocks)


class TensorFlowPredictionProgram(PredictionProgram):
    """A graph of the forward pass for any number of rows."""

    def __init__(self, model):
        super().__init__(model)
        weights = [*model.trainable_variables, *model.non_trainable_variables]
        rows = tf.TensorSpec((None, model.inputs[0].shape[-1]), model.inputs[0].dtype)
        of_weights = [tf.TensorSpec(variable.shape, variable.dtype) for variable in weights]
        self._forward = traced(self._call_with, [rows, *of_weights])

    def _call_with(self, X, *weights):
        return self._call(weights, X)

    def to_device(self, weights):
        return [tf.constant(array) for array in weights]

    def forward(self, weights, X):
        return self._forward(tf.constant(X), *weights).numpy()
