"""All trained weights of a model as one vector."""

import keras
import numpy as np
import tensorflow as tf

from skconstrain._engine._parameters import Parameters

# More trained weights than this are no longer one flat vector. Up to here, XLA compiles a step of
# several networks with it in a second less; above, cutting it up costs a twentieth of a step.
MAX_FLAT_SIZE = 100_000

# Optimizers that treat every weight by itself: on one flat vector they do the same arithmetic in a
# tenth of the operations, which is most of the time of a small step.
_ELEMENTWISE = (
    "SGD",
    "Adam",
    "AdamW",
    "RMSprop",
    "Adagrad",
    "Adadelta",
    "Adamax",
    "Nadam",
    "Ftrl",
    "Lion",
)


def is_elementwise(optimizer: keras.optimizers.Optimizer) -> bool:
    """Whether `optimizer` gives the same result on concatenated parameters."""
    known = any(type(optimizer) is getattr(keras.optimizers, name) for name in _ELEMENTWISE)
    return known and optimizer.clipnorm is None


class TensorParameters(Parameters):
    """The model's own variables, and their values as tensors."""

    @property
    def penalty_shares(self) -> list:
        """What the L2 penalty of each variable is multiplied by; None without penalty."""
        return [1.0 if is_kernel else None for is_kernel in self.is_kernel]

    def tensors(self) -> list[tf.Tensor]:
        """Return the model's trainable variables as tensors, in the model's order."""
        return [variable.value for variable in self.variables]

    def project(self) -> None:
        """Apply the constraints of the model's variables: Keras does it where they are its own."""


class FlatParameters(TensorParameters):
    """One vector of all trained weights, of which the model's variables are slices."""

    def __init__(self, model: keras.Model):
        super().__init__(model)
        self._shapes = [tuple(v.shape) for v in self.variables]
        self._sizes = [int(np.prod(shape)) for shape in self._shapes]
        self._constraints = [v.constraint for v in self.variables]
        start = np.zeros(sum(self._sizes), self.variables[0].dtype)
        # Named, because Keras would count up a global number for a name of its own.
        self.variables = [keras.Variable(start, dtype=start.dtype.name, name="parameters")]
        self._shares = tf.constant(np.repeat(self.is_kernel, self._sizes).astype(start.dtype))

    @property
    def penalty_shares(self):
        return [self._shares]

    def tensors(self):
        parts = tf.split(self.variables[0].value, self._sizes)
        return [tf.reshape(part, shape) for part, shape in zip(parts, self._shapes, strict=True)]

    def project(self):
        if not any(self._constraints):
            return
        pairs = zip(self._constraints, self.tensors(), strict=True)
        projected = [tf.reshape(c(t) if c else t, [-1]) for c, t in pairs]
        self.variables[0].assign(tf.concat(projected, 0))

    def assign(self, arrays):
        self.variables[0].assign(np.concatenate([np.ravel(array) for array in arrays]))

    def arrays(self):
        (whole,) = super().arrays()
        parts = np.split(whole, np.cumsum(self._sizes)[:-1])
        return [part.reshape(shape).copy() for part, shape in zip(parts, self._shapes, strict=True)]
