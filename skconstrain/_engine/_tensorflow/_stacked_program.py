"""One compiled program that trains many networks of equal architecture at once.

Every tensor has a leading axis of models. A model's numbers are what they are when it trains
alone: it has its own rows, order, learning rate, penalty and number of steps, and stands still
where others have more of them.
"""

import keras
import numpy as np
import tensorflow as tf

from skconstrain._engine._optimizer_state import state_to_start_from
from skconstrain._engine._stacked_train import NotStackableError
from skconstrain._engine._tensorflow._program import MAX_FLAT_SIZE
from skconstrain.layers._batch_weight import batch_weight
from skconstrain.losses import numbers_of, with_numbers

# Alone, the optimizer's numbers of a larger network are not one vector, as they are here.
MAX_STACKED_SIZE = MAX_FLAT_SIZE

# Optimizers whose step is arithmetic on each number, so that a learning rate a row does what it
# does alone; subclasses may do anything.
_STACKABLE = ("SGD", "Adam", "AdamW", "RMSprop")


def is_stackable(optimizer: keras.optimizers.Optimizer) -> bool:
    """Whether `optimizer` treats rows of a matrix as it treats vectors."""
    known = any(type(optimizer) is getattr(keras.optimizers, name) for name in _STACKABLE)
    extras = (
        optimizer.clipnorm,
        optimizer.clipvalue,
        optimizer.global_clipnorm,
        optimizer.use_ema,
        optimizer.loss_scale_factor,
        optimizer.gradient_accumulation_steps,
    )
    constant = isinstance(optimizer.get_config()["learning_rate"], float)
    return known and constant and not any(extras)


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
        Whether XLA compiles the epoch.

    Attributes
    ----------
    number_names
        The settings of the loss that are data.

    Raises
    ------
    NotStackableError
        If TensorFlow cannot vectorise what the user has put into the network or its loss.
    """

    def __init__(
        self, model, *, n_models, width, padded_rows, padded_steps, n_validation, jit_compile
    ):
        self.model, self.optimizer, self._loss = model, model.optimizer, model.loss
        self.n_models, self._width = n_models, width
        self.dtype = np.dtype(model.inputs[0].dtype)
        self._shapes = [tuple(v.shape) for v in model.trainable_variables]
        self._sizes = [int(np.prod(shape)) for shape in self._shapes]
        self._make_variables()
        floats, n_columns = tf.as_dtype(self.dtype), model.inputs[0].shape[-1]
        n_outputs = model.outputs[0].shape[-1]
        data = self._data_spec(padded_rows, n_columns, n_outputs)
        order = tf.TensorSpec((n_models, padded_steps * width), tf.int32)
        self.number_names = tuple(numbers_of(self._loss))
        settings = [tf.TensorSpec((n_models,), floats)] * (3 + len(self.number_names))
        steps = tf.TensorSpec((n_models,), tf.int32)
        self._jit_compile = jit_compile
        self._run = self._traced(self._epoch, *data, order, steps, *settings)
        if n_validation:
            held_out = self._data_spec(n_validation, n_columns, n_outputs)
            self._run_evaluation = self._traced(self._evaluate, *held_out, *settings)

    def _traced(self, function, *specs):
        function = tf.function(function, jit_compile=self._jit_compile, autograph=False)
        try:
            return function.get_concrete_function(*specs)
        except Exception as error:  # whatever it was: it concerns all, or comes again alone
            raise NotStackableError from error

    def _data_spec(self, n_rows, n_columns, n_outputs):
        floats = tf.as_dtype(self.dtype)
        shapes = [(n_rows, n_columns), (n_rows, n_outputs), (n_rows,)]
        return [tf.TensorSpec((self.n_models, *shape), floats) for shape in shapes]

    def _make_variables(self):
        trained = self.model.trainable_variables
        # A row for each model. Of one large matrix for all variables XLA takes fifty times as
        # long to compile the slices.
        self._parameters = [
            self._zeros((self.n_models, size), self.dtype, f"parameters_{i}")
            for i, size in enumerate(self._sizes)
        ]
        self.optimizer.build(self._parameters)
        self._slots = self.optimizer.variables[2:]  # after the common count and the learning rate
        # A count of steps for each model: one that stands still does not age.
        self.optimizer._iterations = self._zeros((self.n_models, 1), "int64", "steps")
        self._counts = [self.optimizer.iterations]
        # Optimizers order them differently; their names say which is which.
        self._slot_places = [_place(slot.path.rpartition("/")[2]) for slot in self._slots]
        self._slot_kinds = list(dict.fromkeys(kind for _, kind in self._slot_places))
        self._copies = {}
        self._fresh_state = self.optimizer_state(0, rate=0.0)
        self._states = [
            self._zeros((self.n_models, *v.shape), v.dtype, f"state_{i}")
            for i, v in enumerate(self.model.non_trainable_variables)
        ]
        self._has_penalty = [v.name.endswith("kernel") for v in trained]
        self._constraints = [v.constraint for v in trained]

    def _zeros(self, shape, dtype, name):
        # Named, because Keras would count up a global number for a name of its own.
        dtype = np.dtype(dtype).name
        return keras.Variable(np.zeros(shape, dtype), dtype=dtype, trainable=False, name=name)

    def _epoch(self, X, y, weight, order, n_steps, rate, penalty, *loss_settings):
        """Run an epoch of every model; return its sums of weighted losses and of weights."""

        def step(i, loss_sum, weight_sum, states):
            rows = tf.slice(order, [0, i * self._width], [self.n_models, self._width])
            batch = [tf.gather(array, rows, batch_dims=1) for array in (X, y, weight)]
            runs = i < n_steps
            parameters = _values(self._parameters)
            arguments = (parameters, states, batch, list(loss_settings))
            gradients, loss, total, after = _map(self._gradients, arguments)
            gradients = self._penalised(gradients, parameters, penalty)
            self._update(gradients, rate[:, None], runs[:, None])
            states = [_where(runs, new, old) for new, old in zip(after, states, strict=True)]
            loss, total = tf.where(runs, loss, 0), tf.where(runs, total, 0)
            sums = loss_sum + tf.cast(loss, tf.float64), weight_sum + tf.cast(total, tf.float64)
            return i + 1, *sums, states

        zeros, states = tf.zeros((self.n_models,), tf.float64), _values(self._states)
        last = tf.reduce_max(n_steps)
        start = (0, zeros, zeros, states)
        _, loss_sum, weight_sum, after = tf.while_loop(lambda i, *_: i < last, step, start)
        for variable, value in zip(self._states, after, strict=True):
            variable.assign(value)
        return tf.stack([loss_sum, weight_sum])

    def _gradients(self, arguments):
        """Return gradients of one model for its batch, sums of losses and weights, and states."""
        # Inside the map: what defines a gradient of its own would lose it outside.
        parameters, states, (X, y, weight), loss_settings = arguments
        with tf.GradientTape() as tape:
            tape.watch(parameters)
            with batch_weight(weight):
                prediction, states, extra = self.model.stateless_call(
                    self._tensors(parameters), states, X, training=True, return_losses=True
                )
            losses = self._losses(y, prediction, *loss_settings)
            loss, total = tf.reduce_sum(losses * weight), tf.reduce_sum(weight)
            # Zero times an infinite loss is not a number: a step without weight divides by 1.
            objective = loss / tf.where(total > 0, total, 1) + sum(extra)
        return tape.gradient(objective, parameters), loss, total, states

    def _tensors(self, parameters):
        shaped = zip(parameters, self._shapes, strict=True)
        return [tf.reshape(numbers, shape) for numbers, shape in shaped]

    def _losses(self, y, prediction, target_scale, *numbers):
        """Loss of each row of one model."""
        loss = with_numbers(self._loss, dict(zip(self.number_names, numbers, strict=True)))
        return loss.call(y, prediction / target_scale)

    def _penalised(self, gradients, parameters, penalty):
        """Add the gradient of the L2 penalty of the kernels."""
        return [
            gradient + penalty[:, None] * values if is_kernel else gradient
            for gradient, values, is_kernel in zip(
                gradients, parameters, self._has_penalty, strict=True
            )
        ]

    def _update(self, gradients, rate, runs):
        """Take a step of the optimizer, except for models that stand still."""
        optimizer, moved = self.optimizer, [*self._parameters, *self._slots]
        before = _values(moved)
        for gradient, variable in zip(gradients, self._parameters, strict=True):
            if optimizer.weight_decay:
                decay = tf.cast(optimizer.weight_decay, self.dtype.name) * rate
                variable.assign(variable.value - variable.value * decay)
            optimizer.update_step(gradient, variable.value, rate)
        self._project()
        for variable, old in zip(moved, before, strict=True):
            variable.assign(tf.where(runs, variable.value, old))
        optimizer.iterations.assign_add(tf.cast(runs, tf.int64))

    def _project(self):
        """Apply the constraints of the model's variables."""
        for variable, shape, constraint in zip(
            self._parameters, self._shapes, self._constraints, strict=True
        ):
            if constraint is None:
                continue

            def of_model(row, shape=shape, constraint=constraint):
                return tf.reshape(constraint(tf.reshape(row, shape)), [-1])

            rows = variable.value.read_value()
            variable.assign(_map(of_model, rows))

    def _evaluate(self, X, y, weight, *settings):
        """Return the sum of weighted losses of each model."""
        _, _, *loss_settings = settings

        def of_model(arguments):
            parameters, states, X, y, weight, loss_settings = arguments
            tensors = self._tensors(parameters)
            prediction = self.model.stateless_call(tensors, states, X, training=False)[0]
            losses = self._losses(y, prediction, *loss_settings)
            return tf.reduce_sum(tf.cast(losses * weight, tf.float64))

        values = _values(self._parameters), _values(self._states)
        return _map(of_model, (*values, X, y, weight, loss_settings))

    def load(self, starts, optimizer_states):
        """Start every model from its weights (trained ones first), and a fresh or given optimizer.

        `optimizer_states` holds None, or what `optimizer_states` returned, for each model.
        """
        self._copies = {}
        n_trained, n_models = len(self._sizes), self.n_models
        for i, variable in enumerate([*self._parameters, *self._states]):
            rows = np.stack([start[i] for start in starts])
            variable.assign(rows.reshape(n_models, -1) if i < n_trained else rows)
        optimizer_states = [
            state_to_start_from(self._fresh_state, state) for state in optimizer_states
        ]
        counts = [int(state[0]) for state in optimizer_states]
        self.optimizer.iterations.assign(np.array(counts)[:, None])
        rows_of_models = [self._cut(state[2:]) for state in optimizer_states]
        for slot, rows in zip(self._slots, zip(*rows_of_models, strict=True), strict=True):
            slot.assign(np.stack(rows))

    def _cut(self, flat):
        """Cut what an optimizer holds for the flat vector of a model into that of its slots."""
        cuts = np.cumsum(self._sizes)[:-1]
        kinds = zip(self._slot_kinds, flat, strict=True)
        of_kind = {kind: np.split(array, cuts) for kind, array in kinds}
        return [of_kind[kind][i] for i, kind in self._slot_places]

    def assign(self, path, values):
        """Set a weight that is not trained, to a number for each model."""
        paths = [variable.path for variable in self.model.non_trainable_variables]
        self._states[paths.index(path)].assign(values)

    def to_device(self, array):
        """Copy `array` to where the program runs."""
        return tf.constant(array, tf.int32 if array.dtype.kind == "i" else self.dtype.name)

    def run(self, data, order, n_steps, settings):
        """Train an epoch; return sums of losses and weights, two arrays of shape (n_models,)."""
        self._copies = {}
        return self._run(*data, order, tf.constant(n_steps, tf.int32), *settings).numpy()

    def evaluate(self, data, settings):
        """Return the sum of weighted losses of each model, shape (n_models,)."""
        return self._run_evaluation(*data, *settings).numpy()

    def weights(self, i):
        """Return copies of all weights of one model: the trained ones, then the rest."""
        trained = [
            numbers[i].reshape(shape).copy()
            for numbers, shape in zip(self._copied("_parameters"), self._shapes, strict=True)
        ]
        return [*trained, *(state[i].copy() for state in self._copied("_states"))]

    def optimizer_state(self, i, rate):
        """Return copies of the optimizer's variables of one model, as if it had trained alone."""
        count = np.int64(self._copied("_counts")[0][i, 0])
        rows = {kind: [None] * len(self._sizes) for kind in self._slot_kinds}
        for slot, (number, kind) in zip(self._copied("_slots"), self._slot_places, strict=True):
            rows[kind][number] = slot[i]
        flat = [np.concatenate(rows[kind]) for kind in self._slot_kinds]
        return [count, np.float32(rate), *flat]

    def _copied(self, name):
        """Return variables of all models as arrays: one copy a call of `run`."""
        if name not in self._copies:
            self._copies[name] = [variable.value.numpy() for variable in getattr(self, name)]
        return self._copies[name]


def _place(slot_name):
    """Take ``parameters_3_momentum`` apart: the number of the variable, and what is held for it."""
    _, number, kind = slot_name.split("_", 2)
    return int(number), kind


def _values(variables):
    """Read variables now: a later assignment does not change what is returned."""
    return [variable.value.read_value() for variable in variables]


def _map(function, arguments):
    """Apply `function` to the numbers of each model, all at once."""
    return tf.vectorized_map(function, arguments, fallback_to_while_loop=False)


def _where(runs, new, old):
    """Choose between values of models; `runs` has shape (n_models,)."""
    return tf.where(tf.reshape(runs, (-1, *[1] * (new.shape.rank - 1))), new, old)
