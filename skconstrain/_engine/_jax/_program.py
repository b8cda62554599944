"""Training and prediction under JAX: pure functions of all values.

Between two calls the values are in Keras' variables.
"""

from functools import cached_property

import jax
import keras
import numpy as np
from jax import lax
from jax import numpy as jnp

from skconstrain._engine._batching import padded
from skconstrain._engine._parameters import assign
from skconstrain._engine._program import (
    PredictionProgram,
    Program,
    losses_of_rows,
    measures_of_rows,
    model_axis,
)
from skconstrain.layers._batch_weight import batch_weight

# Blocks of fewer rows than this are filled up to a power of two: compiling costs more.
_FEW_ROWS = 1024


def block_length(n_rows: int) -> int:
    """Round a number of rows up to one of few, because each is compiled for."""
    return 1 << (n_rows - 1).bit_length() if 0 < n_rows < _FEW_ROWS else padded(n_rows)


class JaxProgram(Program):
    """A training program whose steps are one XLA computation."""

    block_length = staticmethod(block_length)
    runs_epochs = True

    def __init__(self, model, spec):
        super().__init__(model, spec)
        self._run = jax.jit(self._epoch if self.epochs_at_once == 1 else self._epochs)
        self._evaluate = jax.jit(self._block_measures)

    def _epochs(self, values, settings, data, orders, counts, rates):
        """Run ``counts[0]`` epochs of ``counts[1]`` steps; return values, and the sums of each."""

        def epoch(i, carried):
            (trained, state, optimizer), sums = carried
            if not self._has_own_schedule:
                place = self._rate_position
                optimizer = [*optimizer[:place], rates[i], *optimizer[place + 1 :]]
            steps = jnp.stack([jnp.zeros_like(counts[1]), counts[1]])
            values = trained, state, optimizer
            values, found = self._epoch(values, settings, data, orders[i], steps)
            return values, sums.at[i].set(found)

        zeros = jnp.zeros((self.epochs_at_once, 2, *model_axis(self.model)), jnp.float64)
        return lax.fori_loop(0, counts[0], epoch, (values, zeros))

    @cached_property
    def _rate_position(self):
        """Position of the learning rate among the optimizer's variables."""
        variables = self.optimizer.variables
        return next(i for i, v in enumerate(variables) if v is self.optimizer._learning_rate)

    def _epoch(self, values, settings, data, order, steps):
        """Run steps ``steps[0]`` to ``steps[1]``; return values, and sums of losses and weights."""

        def step(i, carried):
            values, sums = carried
            rows = lax.dynamic_slice(order, (i * self._width,), (self._width,))
            batch = [jnp.take(array, rows, axis=0, mode="clip") for array in data]
            values, batch_sums = self._step(values, settings, *batch)
            return values, sums + batch_sums

        zeros = jnp.zeros((2, *model_axis(self.model)), jnp.float64)
        return lax.fori_loop(steps[0], steps[1], step, (values, zeros))

    def _step(self, values, settings, X, y, weight):
        """Train one batch: return values, and the sums of losses and weights."""
        trained, state, optimizer = values
        penalty, *loss_settings = settings

        def objective(trained):
            with batch_weight(weight):
                losses, after, extra = losses_of_rows(
                    self.model, trained, state, X, y, *loss_settings
                )
            batch_loss, total_weight = jnp.sum(losses * weight, axis=0), jnp.sum(weight, axis=0)
            # Zero times an infinite loss is not a number: a step without weight divides by 1.
            mean = jnp.sum(batch_loss / jnp.where(total_weight > 0, total_weight, 1))
            return self._scaled(mean + sum(extra), optimizer), (after, batch_loss, total_weight)

        gradients, (state, *sums) = jax.grad(objective, has_aux=True)(trained)
        factor, is_kernel = self._scaled(penalty, optimizer), self._parameters.is_kernel
        gradients = [
            gradient + factor * value if penalised else gradient
            for gradient, value, penalised in zip(gradients, trained, is_kernel, strict=True)
        ]
        trained, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trained)
        return (trained, state, optimizer), jnp.stack(sums).astype(jnp.float64)

    def _scaled(self, value, optimizer):
        """Scale a loss as the optimizer asks for, which may remember the factor in a variable."""
        mapping = list(zip(self.optimizer.variables, optimizer, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            return self.optimizer.scale_loss(value)

    def _block_measures(self, values, loss_settings, X, y, weight):
        """Return the sums of weighted measures of rows."""
        found = measures_of_rows(self.model, *values, X, y, *loss_settings)
        return jnp.stack([jnp.sum((of * weight).astype(jnp.float64), axis=0) for of in found])

    def _loss_settings(self):
        numbers = {name: variable.value for name, variable in self._loss_numbers.items()}
        return self._target_scale.value, numbers

    def to_device(self, array):
        array = np.asarray(array)
        with jax.enable_x64(True):  # a thread that loads chunks has its own
            return jax.device_put(array.astype(np.int32 if array.dtype.kind == "i" else self.dtype))

    def run(self, data, order, first, last):
        return tuple(self._call(data, order, np.array([first, last], np.int32)))

    def _run_epochs(self, data, orders, counts, rates):
        return self._call(data, self.to_device(orders), counts, rates)

    def _call(self, data, *arguments):
        groups = (self._parameters.variables, self._state, self.optimizer.variables)
        values = tuple([variable.value for variable in group] for group in groups)
        settings = (self._penalty.value, *self._loss_settings())
        values, sums = self._run(values, settings, list(data), *arguments)
        for group, new in zip(groups, values, strict=True):
            assign(group, new)
        return np.asarray(sums)

    def evaluate(self, device_blocks):
        groups = (self._parameters.variables, self._state)
        values = tuple([variable.value for variable in group] for group in groups)
        settings = self._loss_settings()
        return sum(np.asarray(self._evaluate(values, settings, *block)) for block in device_blocks)


class JaxPredictionProgram(PredictionProgram):
    """A compiled forward pass for a few lengths of blocks."""

    block_length = staticmethod(block_length)

    def __init__(self, model):
        super().__init__(model)
        self._forward = jax.jit(self._call)

    def to_device(self, weights):
        return jax.device_put(weights)

    def forward(self, weights, X):
        return np.array(self._forward(weights, X))
