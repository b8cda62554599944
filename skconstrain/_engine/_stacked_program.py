"""One compiled program that trains many networks of equal architecture at once.

Every tensor has a leading axis of models. A model's numbers are what they are when it trains
alone: it has its own rows, order, learning rate, penalty and number of steps, and stands still
where others have more of them.
"""

import keras
import numpy as np
import tensorflow as tf

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
        settings = [tf.TensorSpec((n_models,), floats)] * 3
        steps = tf.TensorSpec((n_models,), tf.int32)
        epoch = tf.function(self._epoch, jit_compile=jit_compile, autograph=False)
        self._run = epoch.get_concrete_function(*data, order, steps, *settings)
        if n_validation:
            evaluate = tf.function(self._evaluate, jit_compile=jit_compile, autograph=False)
            held_out = self._data_spec(n_validation, n_columns, n_outputs)
            self._run_evaluation = evaluate.get_concrete_function(*held_out, settings[0])

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
        # Optimizers order them differently; their names say which is which.
        self._slot_places = [_place(slot.path.rpartition("/")[2]) for slot in self._slots]
        self._slot_kinds = list(dict.fromkeys(kind for _, kind in self._slot_places))
        self._fresh_slots = [slot.value.numpy()[0] for slot in self._slots]
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

    def _epoch(self, X, y, weight, order, n_steps, rate, penalty, target_scale):
        """Run an epoch of every model; return its sums of weighted losses and of weights."""

        def step(i, loss_sum, weight_sum):
            rows = tf.slice(order, [0, i * self._width], [self.n_models, self._width])
            batch = [tf.gather(array, rows, batch_dims=1) for array in (X, y, weight)]
            runs = i < n_steps
            with tf.GradientTape() as tape:
                parameters = _values(self._parameters)
                tape.watch(parameters)
                losses = self._losses(parameters, *batch[:2], target_scale, training=True)
                losses = tf.where(runs[:, None], losses, 0)
                loss = tf.reduce_sum(losses * batch[2], axis=1)
                total = tf.reduce_sum(batch[2], axis=1)
                objective = tf.reduce_sum(loss / tf.where(total > 0, total, 1))
            gradients = [
                gradient + penalty[:, None] * values if is_kernel else gradient
                for gradient, values, is_kernel in zip(
                    tape.gradient(objective, parameters),
                    parameters,
                    self._has_penalty,
                    strict=True,
                )
            ]
            self._update(gradients, rate[:, None], runs[:, None])
            loss = tf.where(runs, loss, 0)
            total = tf.where(runs, total, 0)
            sums = loss_sum + tf.cast(loss, tf.float64), weight_sum + tf.cast(total, tf.float64)
            return i + 1, *sums

        zeros = tf.zeros((self.n_models,), tf.float64)
        last = tf.reduce_max(n_steps)
        _, loss_sum, weight_sum = tf.while_loop(lambda i, *_: i < last, step, (0, zeros, zeros))
        return tf.stack([loss_sum, weight_sum])

    def _losses(self, parameters, X, y, target_scale, *, training):
        """Loss of each row of each model, shape (n_models, n_rows)."""
        states = _values(self._states)

        def of_model(arguments):
            parts, X, states = arguments
            tensors = [
                tf.reshape(part, shape) for part, shape in zip(parts, self._shapes, strict=True)
            ]
            return self.model.stateless_call(tensors, states, X, training=training)[0]

        arguments = (parameters, X, states)
        prediction = tf.vectorized_map(of_model, arguments, fallback_to_while_loop=False)
        # Not inside the map: the gradient of a mean there makes XLA compile at every call.
        prediction /= target_scale[:, None, None]
        n_outputs = prediction.shape[-1]
        losses = self._loss.call(
            tf.reshape(y, (-1, n_outputs)), tf.reshape(prediction, (-1, n_outputs))
        )
        return tf.reshape(losses, tf.shape(y)[:2])

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
            variable.assign(tf.vectorized_map(of_model, rows, fallback_to_while_loop=False))

    def _evaluate(self, X, y, weight, target_scale):
        """Return the sum of weighted losses of each model."""
        losses = self._losses(_values(self._parameters), X, y, target_scale, training=False)
        return tf.reduce_sum(tf.cast(losses * weight, tf.float64), axis=1)

    def load(self, starts, optimizer_states):
        """Start every model from its weights (trained ones first), and a fresh or given optimizer.

        `optimizer_states` holds None, or what `optimizer_states` returned, for each model.
        """
        n_trained, n_models = len(self._sizes), self.n_models
        for i, variable in enumerate([*self._parameters, *self._states]):
            rows = np.stack([start[i] for start in starts])
            variable.assign(rows.reshape(n_models, -1) if i < n_trained else rows)
        counts = [0 if state is None else int(state[0]) for state in optimizer_states]
        self.optimizer.iterations.assign(np.array(counts)[:, None])
        kinds = [None if state is None else self._cut(state[2:]) for state in optimizer_states]
        for i, (slot, fresh) in enumerate(zip(self._slots, self._fresh_slots, strict=True)):
            slot.assign(np.stack([fresh if rows is None else rows[i] for rows in kinds]))

    def _cut(self, flat):
        """Cut what an optimizer holds for the flat vector of a model into that of its slots."""
        cuts = np.cumsum(self._sizes)[:-1]
        kinds = zip(self._slot_kinds, flat, strict=True)
        of_kind = {kind: np.split(array, cuts) for kind, array in kinds}
        return [of_kind[kind][i] for i, kind in self._slot_places]

    def to_device(self, array):
        """Copy `array` to where the program runs."""
        return tf.constant(array, tf.int32 if array.dtype.kind == "i" else self.dtype.name)

    def run(self, data, order, n_steps, settings):
        """Train an epoch; return sums of losses and weights, two arrays of shape (n_models,)."""
        return self._run(*data, order, tf.constant(n_steps, tf.int32), *settings).numpy()

    def evaluate(self, data, target_scale):
        """Return the sum of weighted losses of each model, shape (n_models,)."""
        return self._run_evaluation(*data, target_scale).numpy()

    def weights(self, i):
        """Return copies of all weights of one model: the trained ones, then the rest."""
        trained = [
            variable.value[i].numpy().reshape(shape)
            for variable, shape in zip(self._parameters, self._shapes, strict=True)
        ]
        return [*trained, *(state.value[i].numpy() for state in self._states)]

    def optimizer_state(self, i, rate):
        """Return copies of the optimizer's variables of one model, as if it had trained alone."""
        count = np.int64(self.optimizer.iterations.value[i, 0].numpy())
        rows = {kind: [None] * len(self._sizes) for kind in self._slot_kinds}
        for slot, (number, kind) in zip(self._slots, self._slot_places, strict=True):
            rows[kind][number] = slot.value[i].numpy()
        flat = [np.concatenate(rows[kind]) for kind in self._slot_kinds]
        return [count, np.float32(rate), *flat]


def _place(slot_name):
    """Take ``parameters_3_momentum`` apart: the number of the variable, and what is held for it."""
    _, number, kind = slot_name.split("_", 2)
    return int(number), kind


def _values(variables):
    """Read variables now: a later assignment does not change what is returned."""
    return [variable.value.read_value() for variable in variables]
