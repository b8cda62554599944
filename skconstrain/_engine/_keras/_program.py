"""Training by Keras' own loop, in operations that every backend has."""

import keras
import numpy as np
from keras import ops

from skconstrain._engine._program import (
    PredictionProgram,
    Program,
    loss_of_each,
    measures,
    model_axis,
)
from skconstrain.layers._batch_weight import batch_weight
from skconstrain.losses._numbers import with_numbers


class KerasProgram(Program):
    """Train a network by ``keras.Model.fit``; nothing is compiled for shapes."""

    def __init__(self, model, spec):
        super().__init__(model, spec)
        settings = {"penalty": self._penalty, "target_scale": self._target_scale}
        self._trainer = _Trainer(model, settings, self._loss_numbers)

    def to_device(self, array):
        """Bring `array` to the precision of the program; Keras moves each batch."""
        return array.astype(np.int32 if array.dtype.kind == "i" else self.dtype)

    def run(self, data, order, first, last):
        rows = order[first * self._width : last * self._width]
        weight = data[2].reshape(len(data[2]), -1)
        rows = rows[(weight[rows] > 0).any(axis=1)]  # none of those that fill up the last step
        return self._trainer.take(_Steps(data, rows, self._width))

    def evaluate(self, device_blocks):
        return sum(self._trainer.measures_of(*block) for block in device_blocks)


class _Steps(keras.utils.PyDataset):
    """The batches of an epoch, in their order; not arrays, which Keras would make float32."""

    def __init__(self, data, rows, width):
        super().__init__()
        self._data, self._rows, self._width = data, rows, width

    def __len__(self):
        return -(-len(self._rows) // self._width)

    def __getitem__(self, i):
        rows = self._rows[i * self._width : (i + 1) * self._width]
        X, y, weight = (array[rows] for array in self._data)
        return (X, weight), y


class _Trainer(keras.Model):
    """A network and the objective of a step, for Keras' loop.

    Weights of rows are an input, because the step divides by their sum, and layers may need them.
    """

    def __init__(self, network, settings, loss_numbers):
        super().__init__(dtype=network.inputs[0].dtype, name="trainer")
        self._network, self._loss_of_rows = network, network.loss
        # Attributes are variables of this model, which Keras' loop must know.
        self._settings, self._loss_numbers = settings, loss_numbers
        self._sums = [
            self.add_weight(shape=model_axis(network), dtype="float64", trainable=False, name=name)
            for name in ("loss_sum", "weight_sum")
        ]
        self._kernels = [v for v in network.trainable_variables if v.name.endswith("kernel")]
        self.compile(optimizer=network.optimizer, jit_compile=False)

    def call(self, inputs, training=False):
        X, weight = inputs
        with batch_weight(weight):
            return self._network(X, training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return what a step lowers, and add up losses and weights."""
        weight = x[1]
        batch_loss, total_weight = (
            ops.sum(self._of_rows(loss_of_each, y, y_pred) * weight, axis=0),
            ops.sum(weight, axis=0),
        )
        for variable, value in zip(self._sums, (batch_loss, total_weight), strict=True):
            variable.assign(variable + ops.cast(ops.stop_gradient(value), "float64"))
        squares = sum(ops.sum(ops.square(kernel)) for kernel in self._kernels)
        penalty = ops.convert_to_tensor(self._settings["penalty"])
        # A step may be without weight for one of several networks.
        mean = ops.sum(batch_loss / ops.where(total_weight > 0, total_weight, 1))
        return mean + sum(self.losses) + penalty / 2 * squares

    def _of_rows(self, function, y, prediction):
        numbers = {name: ops.convert_to_tensor(v) for name, v in self._loss_numbers.items()}
        prediction = prediction / ops.convert_to_tensor(self._settings["target_scale"])
        loss = with_numbers(self._loss_of_rows, numbers)
        return function(loss, y, prediction)

    def take(self, steps):
        """Take steps; return the sums of loss and weight."""
        for variable in self._sums:
            variable.assign(ops.zeros_like(variable))
        self.fit(steps, shuffle=False, verbose=0)
        return tuple(np.array(ops.convert_to_numpy(variable)) for variable in self._sums)

    def measures_of(self, X, y, weight):
        """Return the sums of weighted measures."""
        prediction = self._network(ops.convert_to_tensor(X), training=False)
        found = self._of_rows(measures, ops.convert_to_tensor(y), prediction)
        weighted = [ops.convert_to_numpy(of) * weight for of in found]
        return np.array([np.sum(of, axis=0, dtype=np.float64) for of in weighted])


class KerasPredictionProgram(PredictionProgram):
    """A forward pass in Keras' operations."""

    def to_device(self, weights):
        return [ops.convert_to_tensor(array) for array in weights]

    def forward(self, weights, X):
        return ops.convert_to_numpy(self._call(weights, ops.convert_to_tensor(X)))
