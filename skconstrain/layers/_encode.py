"""Encode: numbers without gaps, and flags of gaps and categories."""

import keras
from keras import ops

from skconstrain._formulas._layers import encoded
from skconstrain.layers._layer import Layer


@keras.saving.register_keras_serializable(package="skconstrain")
class Encode(Layer):
    """Return numbers whose gaps are filled, and flags of the codes that other columns have.

    The input has shape (batch, features), the output (batch, numbers + flags). Gaps of column
    ``numbers[i]`` are replaced by the weight ``center[i]``; flag i is 1 where column ``flagged[i]``
    has the code ``codes[i]``.
    """

    _settings = ("numbers", "flagged", "codes")

    def __init__(self, numbers, flagged, codes, **kwargs):
        super().__init__(**kwargs)
        self.numbers, self.flagged, self.codes = list(numbers), list(flagged), list(codes)

    def build(self, input_shape):
        self._add_fixed((len(self.numbers),), center=0.0)
        # As data: programs do not depend on them.
        self._numbers = self._weight("numbers", self.numbers)
        self._flagged = self._weight("flagged", self.flagged)
        self._codes = self._weight("codes", self.codes)

    def _weight(self, name, start):
        return self.add_weight(
            name=name,
            shape=(len(start),),
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(start, dtype),
            trainable=False,
        )

    def call(self, inputs):
        numbers, flagged = (
            ops.take(inputs, ops.cast(part, "int32"), axis=1)
            for part in (self._numbers, self._flagged)
        )
        center, codes = (ops.cast(part, inputs.dtype) for part in (self.center, self._codes))
        return encoded(ops, numbers, center, flagged, codes)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], len(self.numbers) + len(self.flagged))
