"""Calibration: experts' scores become logits by a scale and a shift that are learnt."""

import keras
import numpy as np
from keras import ops

# The logit of a class that an expert has never seen; its probability is zero in every precision.
_NEVER = -1e4


@keras.saving.register_keras_serializable(package="skconstrain")
class Calibration(keras.layers.Layer):
    """Return ``scale_l * scores + shift_l`` for scores of shape (batch, L, C).

    Parameters
    ----------
    trained : list of L bool
        Whether scale and shift of an expert are trained; else they are 1 and 0, for scores that
        are logits already.
    seen : list of L lists of C bool
        Which classes an expert knows.
    """

    def __init__(self, trained, seen, **kwargs):
        super().__init__(**kwargs)
        self.trained, self.seen = tuple(trained), tuple(map(tuple, seen))

    def build(self, input_shape):
        _, n_experts, n_columns = input_shape
        self.scale = self.add_weight(name="scale", shape=(n_experts, 1), initializer="ones")
        shape = (n_experts, n_columns)
        self.shift = self.add_weight(name="shift", shape=shape, initializer="zeros")

    def call(self, scores):
        trained = np.asarray(self.trained)[:, None]
        scale = ops.where(trained, ops.convert_to_tensor(self.scale), 1)
        shift = ops.where(trained, ops.convert_to_tensor(self.shift), 0)
        return ops.where(np.asarray(self.seen), scale * scores + shift, _NEVER)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "trained": self.trained, "seen": self.seen}
