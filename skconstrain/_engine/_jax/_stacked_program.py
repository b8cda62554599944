"""One compiled program that trains many networks of equal architecture at once, under JAX.

The step of a single network, mapped over a leading axis of models: optimizer and layers included.
"""

import jax
import keras
import numpy as np
from jax import lax
from jax import numpy as jnp

from skconstrain._engine._jax._program import TrainingProgram
from skconstrain._engine._optimizer_state import state_to_start_from
from skconstrain._engine._stacked_train import NotStackableError
from skconstrain.losses import numbers_of

# Larger kernels keep the cores busy alone, and a stack of them holds much memory.
MAX_STACKED_SIZE = 300_000


def is_stackable(optimizer: keras.optimizers.Optimizer) -> bool:
    """Whether `optimizer` is one of Keras' own, with a learning rate that is a number."""
    known = type(optimizer) is getattr(keras.optimizers, type(optimizer).__name__, None)
    # Averages are taken at the end, or every so many steps of all models.
    constant = isinstance(optimizer.get_config()["learning_rate"], float)
    return known and constant and not optimizer.use_ema


class StackedProgram:
    """Own the numbers of `n_models` networks and a compiled epoch for fixed shapes.

    Parameters
    ----------
    model
        A compiled Keras model: the architecture, optimizer and loss of all. The program owns it.
    n_models
        How many networks train at once.
    width, padded_rows, padded_steps
        Rows of a step, rows of the data with padding, steps that an order of rows has room for.
    n_validation
        Rows of validation data of each model, with padding; 0 without.
    jit_compile
        Of the program under TensorFlow; everything is compiled here.

    Attributes
    ----------
    number_names
        The settings of the loss that are data.

    Raises
    ------
    NotStackableError
        If JAX cannot vectorise what the user has put into the network or its loss.
    """

    def __init__(
        self, model, *, n_models, width, padded_rows, padded_steps, n_validation, jit_compile
    ):
        shapes = {"width": width, "padded_rows": padded_rows, "padded_steps": padded_steps}
        self._single = TrainingProgram(model, **shapes, jit_compile=jit_compile, flat=False)
        self.model, self.optimizer, self.dtype = model, model.optimizer, self._single.dtype
        self.n_models, self._width = n_models, width
        self.number_names = tuple(numbers_of(model.loss))
        variables = self.optimizer.variables
        self._rate_place = next(
            i for i, v in enumerate(variables) if v is self.optimizer._learning_rate
        )
        values, one = self._shapes_of_values(), self._shape(n_models)
        settings = (one, dict.fromkeys(self.number_names, one))
        order = self._shape(n_models, padded_steps * width, dtype=np.int32)
        steps, data = self._shape(n_models, dtype=np.int32), self._shapes_of_rows(padded_rows)
        self._run = _compiled(self._epoch, values, (one, *settings), data, order, steps)
        if n_validation:
            held_out = self._shapes_of_rows(n_validation)
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

    def _shapes_of_rows(self, n_rows):
        n_columns, n_outputs = self.model.inputs[0].shape[-1], self.model.outputs[0].shape[-1]
        shapes = [(n_rows, n_columns), (n_rows, n_outputs), (n_rows,)]
        return [self._shape(self.n_models, *shape) for shape in shapes]

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

    def load(self, starts, optimizer_states):
        """Start every model from its weights (trained ones first), and a fresh or given optimizer.

        `optimizer_states` holds None, or what `optimizer_state` returned, for each model.
        """
        n_trained, fresh = len(self.model.trainable_variables), self._single.fresh_optimizer
        weights = [jnp.asarray(np.stack(arrays)) for arrays in zip(*starts, strict=True)]
        states = [state_to_start_from(fresh, state) for state in optimizer_states]
        optimizers = [jnp.asarray(np.stack(arrays)) for arrays in zip(*states, strict=True)]
        self._keep((weights[:n_trained], weights[n_trained:], optimizers))

    def _keep(self, values):
        self._values, self._copies = values, None

    def assign(self, path, values):
        """Set a weight that is not trained, to a number for each model."""
        paths = [variable.path for variable in self.model.non_trainable_variables]
        place, (trained, state, optimizers) = paths.index(path), self._values
        state = list(state)
        state[place] = jnp.asarray(values, state[place].dtype)
        self._keep((trained, state, optimizers))

    def to_device(self, array):
        """Copy `array` to where the program runs."""
        return self._single.to_device(array)

    def run(self, data, order, n_steps, settings):
        """Train an epoch; return sums of losses and weights, two arrays of shape (n_models,)."""
        rate, penalty, *loss_settings = settings
        trained, state, optimizers = self._values
        optimizers = list(optimizers)
        optimizers[self._rate_place] = rate.astype(optimizers[self._rate_place].dtype)
        settings = (penalty, *self._loss_settings(loss_settings))
        values = (list(trained), list(state), optimizers)
        n_steps = np.asarray(n_steps, np.int32)
        values, sums = self._run(values, settings, list(data), order, n_steps)
        self._keep(values)
        return np.asarray(sums).T

    def _loss_settings(self, loss_settings):
        target_scale, *numbers = loss_settings
        return target_scale, dict(zip(self.number_names, numbers, strict=True))

    def evaluate(self, data, settings):
        """Return the sum of weighted losses of each model, shape (n_models,)."""
        trained, state, _ = self._values
        values = (list(trained), list(state))
        return np.asarray(self._evaluate(values, self._loss_settings(settings[2:]), *data))

    def weights(self, i):
        """Return copies of all weights of one model: the trained ones, then the rest."""
        trained, state, _ = self._of_all()
        return [array[i].copy() for array in (*trained, *state)]

    def optimizer_state(self, i, rate):
        """Return copies of the optimizer's variables of one model, as if it had trained alone."""
        return [np.array(array[i]) for array in self._of_all()[2]]

    def _of_all(self):
        """Return the numbers of all models, copied from the device once an epoch."""
        if self._copies is None:
            self._copies = jax.tree.map(np.asarray, self._values)
        return self._copies


def _compiled(function, *shapes):
    try:
        lowered = jax.jit(function).lower(*shapes)
    except Exception as error:  # whatever it was: it concerns all, or comes again alone
        raise NotStackableError from error
    return lowered.compile()


def _rows_of(array, rows):
    return jnp.take(array, rows, axis=0, mode="clip")


def _where(runs, new, old):
    """Choose between values of models; `runs` has shape (n_models,)."""

    def choose(new, old):
        return jnp.where(runs.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    return jax.tree.map(choose, new, old)
