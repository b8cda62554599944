"""Many networks at once under JAX: the step of one, mapped over a leading axis of models.

Optimizer and layers are inside the map.
"""

import jax
import keras
import numpy as np
from jax import lax
from jax import numpy as jnp

from skconstrain._engine._jax._program import JaxProgram
from skconstrain._engine._stacked_program import StackedProgram, vectorising


class JaxStackedProgram(StackedProgram):
    """A compiled epoch of all models for fixed shapes."""

    # Larger kernels keep the cores busy alone, and a stack of them holds much memory.
    max_kernel_size = 300_000

    @staticmethod
    def is_stackable(optimizer):
        """Whether `optimizer` is one of Keras' own."""
        known = type(optimizer) is getattr(keras.optimizers, type(optimizer).__name__, None)
        # Averages are taken at the end, or every so many steps of all models.
        return known and not optimizer.use_ema

    def __init__(self, model, spec):
        super().__init__(model, spec)
        self._single = JaxProgram(model, spec)
        self._fresh_optimizer = self._single.fresh_optimizer
        values, one = self._shapes_of_values(), self._shape(self.n_models)
        scales = self._shape(self.n_models, model.outputs[0].shape[-1])
        settings = (scales, dict.fromkeys(self._loss_names, one))
        order = self._shape(self.n_models, spec.padded_steps * spec.width, dtype=np.int32)
        steps = self._shape(self.n_models, dtype=np.int32)
        data = [self._shape(*shape) for shape in self._shapes_of_rows(spec.padded_rows)]
        self._run = _compiled(self._epoch, values, (one, *settings), data, order, steps)
        if spec.n_validation:
            held_out = [self._shape(*shape) for shape in self._shapes_of_rows(spec.n_validation)]
            self._evaluate = _compiled(self._losses, values[:2], settings, *held_out)

    def _shape(self, *shape, dtype=None):
        return jax.ShapeDtypeStruct(shape, dtype or self.dtype)

    def _shapes_of_values(self):
        model = self.model
        groups = (model.trainable_variables, model.non_trainable_variables)
        return tuple(
            [self._shape(self.n_models, *v.shape, dtype=v.value.dtype) for v in group]
            for group in (*groups, self.optimizer.variables)
        )

    def _epoch(self, values, settings, data, order, n_steps):
        """Run an epoch of every model; return values, and its sums of losses and of weights."""

        def step(i, carried):
            values, sums = carried
            rows = lax.dynamic_slice_in_dim(order, i * self._width, self._width, axis=1)
            batch = [jax.vmap(_rows_of)(array, rows) for array in data]
            moved, batch_sums = jax.vmap(self._single.step)(values, settings, *batch)
            runs = i < n_steps
            values, batch_sums = _where(
                runs, (moved, batch_sums), (values, jnp.zeros_like(batch_sums))
            )
            return values, sums + batch_sums

        zeros = jnp.zeros((self.n_models, 2), jnp.float64)
        return lax.fori_loop(0, jnp.max(n_steps), step, (values, zeros))

    def _losses(self, values, settings, X, y, weight):
        """Return the sum of weighted losses of each model."""
        return jax.vmap(self._single.block_loss)(values, settings, X, y, weight)

    def _start(self, weights, optimizer_states):
        n_trained = len(self.model.trainable_variables)
        weights = [jnp.asarray(array) for array in weights]
        optimizers = [jnp.asarray(np.stack(a)) for a in zip(*optimizer_states, strict=True)]
        self._keep((weights[:n_trained], weights[n_trained:], optimizers))

    def _keep(self, values):
        self._groups = dict(zip(("trained", "state", "optimizer"), values, strict=True))

    def assign(self, path, values):
        state, position = self._groups["state"], self._position(path)
        state[position] = jnp.asarray(values, state[position].dtype)

    def to_device(self, array):
        return self._single.to_device(array)

    def _loss_settings(self):
        _, _, target_scales, *numbers = self._settings
        return target_scales, dict(zip(self._loss_names, numbers, strict=True))

    def _epoch_of_all(self, data, order, n_steps):
        state, position = self._groups["optimizer"], self._single.rate_position
        state[position] = self._settings[0].astype(state[position].dtype)
        values, settings = tuple(self._groups.values()), (self._settings[1], *self._loss_settings())
        n_steps = np.asarray(n_steps, np.int32)
        values, sums = self._run(values, settings, list(data), order, n_steps)
        self._keep(values)
        return np.asarray(sums).T

    def evaluate(self, data):
        trained, state, _ = self._groups.values()
        return np.asarray(self._evaluate((trained, state), self._loss_settings(), *data))

    def optimizer_state(self, i):
        return [np.array(array[i]) for array in self._copied("optimizer")]


def _compiled(function, *shapes):
    with vectorising():
        lowered = jax.jit(function).lower(*shapes)
    return lowered.compile()


def _rows_of(array, rows):
    return jnp.take(array, rows, axis=0, mode="clip")


def _where(runs, new, old):
    """Choose between values of models; `runs` has shape (n_models,)."""

    def choose(new, old):
        return jnp.where(runs.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    return jax.tree.map(choose, new, old)
