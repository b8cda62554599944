"""Many networks at once under TensorFlow: every tensor has a leading axis of models."""

import keras
import numpy as np
import tensorflow as tf

from skconstrain._engine._parameters import assign
from skconstrain._engine._program import losses_of_rows
from skconstrain._engine._stacked_program import StackedProgram, vectorising
from skconstrain._engine._tensorflow._flat_parameters import MAX_FLAT_SIZE
from skconstrain._engine._tensorflow._kept_graphs import made_graph
from skconstrain._engine._tensorflow._update import has_extras
from skconstrain.layers._batch_weight import batch_weight

# Optimizers whose step is arithmetic on each weight, so that a learning rate for each row does what
# it does alone; subclasses may do anything.
_STACKABLE = ("SGD", "Adam", "AdamW", "RMSprop")


class TensorFlowStackedProgram(StackedProgram):
    """An epoch of all models as one graph, compiled by XLA where the spec says so."""

    # Alone, the trained weights of a larger network are not one vector, as they are here.
    max_kernel_size = MAX_FLAT_SIZE

    @staticmethod
    def is_stackable(optimizer):
        """Whether `optimizer` treats rows of a matrix as it treats vectors."""
        known = any(type(optimizer) is getattr(keras.optimizers, name) for name in _STACKABLE)
        return known and not has_extras(optimizer)

    def __init__(self, model, spec):
        super().__init__(model, spec)
        self._trained_shapes = self._shapes[: len(model.trainable_variables)]
        self._sizes = [int(np.prod(shape)) for shape in self._trained_shapes]
        self._make_variables()
        order = tf.TensorSpec((self.n_models, spec.padded_steps * spec.width), tf.int32)
        one = tf.TensorSpec((self.n_models,), tf.as_dtype(self.dtype))
        steps = tf.TensorSpec((self.n_models,), tf.int32)
        scales = tf.TensorSpec((self.n_models, model.outputs[0].shape[-1]), one.dtype)
        loss_settings = [scales, *[one] * len(self._loss_names)]
        data = self._data_spec(spec.padded_rows)
        arguments = [*data, order, steps, one, one, *loss_settings]
        self._run = self._graph(self._epoch, arguments, spec)
        if spec.n_validation:
            arguments = [*self._data_spec(spec.n_validation), *loss_settings]
            self._evaluate = self._graph(self._losses, arguments, spec)

    def _graph(self, function, arguments, spec):
        held = [*self._parameters, *self._states, self.optimizer.iterations, *self._slots]
        name = None if spec.name is None else f"{function.__name__} of {spec.name}"
        with vectorising():
            return made_graph(function, arguments, spec.jit_compile, held, name)

    def _data_spec(self, n_rows):
        floats = tf.as_dtype(self.dtype)
        return [tf.TensorSpec(shape, floats) for shape in self._shapes_of_rows(n_rows)]

    def _make_variables(self):
        trained = self.model.trainable_variables
        # A row for each model. Of one large matrix for all variables XLA takes fifty times as
        # long to compile the slices.
        self._parameters = [
            _zeros((self.n_models, size), self.dtype, f"parameters_{i}")
            for i, size in enumerate(self._sizes)
        ]
        self.optimizer.build(self._parameters)
        self._slots = self.optimizer.variables[2:]  # after the common count and the learning rate
        # A count of steps for each model: one that stands still does not age.
        self.optimizer._iterations = _zeros((self.n_models, 1), "int64", "steps")
        # Optimizers order them differently; their names say which is which.
        self._slot_places = [_place(slot.path.rpartition("/")[2]) for slot in self._slots]
        self._slot_kinds = list(dict.fromkeys(kind for _, kind in self._slot_places))
        self._states = [
            _zeros((self.n_models, *v.shape), v.dtype, f"state_{i}")
            for i, v in enumerate(self.model.non_trainable_variables)
        ]
        self._groups = {
            "trained": self._parameters,
            "state": self._states,
            "optimizer": [self.optimizer.iterations, *self._slots],
        }
        self._settings = [tf.zeros(self.n_models, self.dtype.name)]
        self._fresh_optimizer = self.optimizer_state(0)
        self._has_penalty = [v.name.endswith("kernel") for v in trained]
        self._constraints = [v.constraint for v in trained]

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
            tensors = self._tensors(parameters)
            with batch_weight(weight):
                losses, states, extra = self._losses_of_rows(
                    tensors, states, X, y, *loss_settings, training=True
                )
            loss, total = tf.reduce_sum(losses * weight), tf.reduce_sum(weight)
            # Zero times an infinite loss is not a number: a step without weight divides by 1.
            objective = loss / tf.where(total > 0, total, 1) + sum(extra)
        return tape.gradient(objective, parameters), loss, total, states

    def _tensors(self, parameters):
        return [tf.reshape(p, s) for p, s in zip(parameters, self._trained_shapes, strict=True)]

    def _losses_of_rows(self, tensors, states, X, y, target_scale, *numbers, training):
        numbers = dict(zip(self._loss_names, numbers, strict=True))
        settings = target_scale, numbers
        return losses_of_rows(self.model, tensors, states, X, y, *settings, training=training)

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
            self._parameters, self._trained_shapes, self._constraints, strict=True
        ):
            if constraint is None:
                continue

            def of_model(row, shape=shape, constraint=constraint):
                return tf.reshape(constraint(tf.reshape(row, shape)), [-1])

            rows = variable.value.read_value()
            variable.assign(_map(of_model, rows))

    def _losses(self, X, y, weight, *loss_settings):
        """Return the sum of weighted losses of each model."""

        def of_model(arguments):
            parameters, states, X, y, weight, loss_settings = arguments
            tensors = self._tensors(parameters)
            losses, _, _ = self._losses_of_rows(
                tensors, states, X, y, *loss_settings, training=False
            )
            return tf.reduce_sum(tf.cast(losses * weight, tf.float64))

        values = _values(self._parameters), _values(self._states)
        return _map(of_model, (*values, X, y, weight, list(loss_settings)))

    def _start(self, weights, optimizer_states):
        n_trained, n_models = len(self._sizes), self.n_models
        assign(self._parameters, [rows.reshape(n_models, -1) for rows in weights[:n_trained]])
        assign(self._states, weights[n_trained:])
        counts = [int(state[0]) for state in optimizer_states]
        self.optimizer.iterations.assign(np.array(counts)[:, None])
        rows_of_models = [self._cut(state[2:]) for state in optimizer_states]
        assign(self._slots, [np.stack(rows) for rows in zip(*rows_of_models, strict=True)])

    def _cut(self, flat):
        """Cut what an optimizer holds for the flat vector of a model into that of its slots."""
        cuts = np.cumsum(self._sizes)[:-1]
        kinds = zip(self._slot_kinds, flat, strict=True)
        of_kind = {kind: np.split(array, cuts) for kind, array in kinds}
        return [of_kind[kind][i] for i, kind in self._slot_places]

    def assign(self, path, values):
        self._states[self._position(path)].assign(values)

    def to_device(self, array):
        return tf.constant(array, tf.int32 if array.dtype.kind == "i" else self.dtype.name)

    def _epoch_of_all(self, data, order, n_steps):
        return self._run(*data, order, self.to_device(n_steps), *self._settings).numpy()

    def evaluate(self, data):
        return self._evaluate(*data, *self._settings[2:]).numpy()

    def optimizer_state(self, i):
        counts, *slots = self._copied("optimizer")
        rows = {kind: [None] * len(self._sizes) for kind in self._slot_kinds}
        for slot, (number, kind) in zip(slots, self._slot_places, strict=True):
            rows[kind][number] = slot[i]
        flat = [np.concatenate(rows[kind]) for kind in self._slot_kinds]
        rate = np.float32(self._settings[0][i])  # as Keras holds it
        return [counts[i, 0], rate, *flat]


def _zeros(shape, dtype, name):
    # Named, because Keras would count up a global number for a name of its own.
    dtype = np.dtype(dtype).name
    return keras.Variable(np.zeros(shape, dtype), dtype=dtype, trainable=False, name=name)


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
