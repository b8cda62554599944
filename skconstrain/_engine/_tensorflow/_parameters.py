"""The trained numbers of a model: one flat vector, or a variable each."""

import keras
import numpy as np
import tensorflow as tf


class Parameters:
    """Trainable variables of `model` as the optimizer sees them.

    Flat: one vector of all of them, of which the model's variables are slices. Otherwise the
    model's own variables, which callbacks may read and write while it trains.
    """

    def __init__(self, model: keras.Model, flat: bool):
        self._model_variables = model.trainable_variables
        self._shapes = [tuple(v.shape) for v in self._model_variables]
        self._sizes = [int(np.prod(shape)) for shape in self._shapes]
        self.flat = flat and len(self._shapes) > 0
        if self.flat:
            start = np.zeros(sum(self._sizes), self._model_variables[0].dtype)
            # Named, because Keras would count up a global number for a name of its own.
            self.variables = [keras.Variable(start, dtype=start.dtype.name, name="parameters")]
        else:
            self.variables = self._model_variables
        # What the L2 penalty applies to: kernels, not biases.
        of_kernel = [variable.name.endswith("kernel") for variable in self._model_variables]
        if self.flat:
            shares = np.repeat(of_kernel, self._sizes).astype(start.dtype)
            self.penalty_shares = [tf.constant(shares)]
        else:
            self.penalty_shares = [1.0 if is_kernel else None for is_kernel in of_kernel]
        self._constraints = [v.constraint for v in self._model_variables]

    def tensors(self) -> list[tf.Tensor]:
        """Return the model's trainable variables as tensors, in the model's order."""
        values = [variable.value for variable in self.variables]
        if not self.flat:
            return values
        parts = tf.split(values[0], self._sizes)
        return [tf.reshape(part, shape) for part, shape in zip(parts, self._shapes, strict=True)]

    def project(self) -> None:
        """Apply the constraints of the model's variables; Keras does it where they are its own."""
        if not self.flat or not any(self._constraints):
            return
        pairs = zip(self._constraints, self.tensors(), strict=True)
        projected = [tf.reshape(c(t) if c else t, [-1]) for c, t in pairs]
        self.variables[0].assign(tf.concat(projected, 0))

    def assign(self, arrays: list[np.ndarray]) -> None:
        """Load numbers, in the model's order."""
        if self.flat:
            self.variables[0].assign(np.concatenate([np.ravel(array) for array in arrays]))
            return
        for variable, array in zip(self.variables, arrays, strict=True):
            variable.assign(array)

    def arrays(self) -> list[np.ndarray]:
        """Return copies of the numbers, in the model's order."""
        if not self.flat:
            return [variable.value.numpy() for variable in self.variables]
        whole = self.variables[0].value.numpy()
        parts = np.split(whole, np.cumsum(self._sizes)[:-1])
        return [part.reshape(shape).copy() for part, shape in zip(parts, self._shapes, strict=True)]
