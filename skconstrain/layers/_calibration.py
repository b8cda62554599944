"""Calibration: experts' scores become logits by a scale and a shift that are learnt."""

import keras
import numpy as np
from keras import ops

from skconstrain._formulas._layers import calibrated
from skconstrain._formulas._recipe import UNSEEN_LOGIT
from skconstrain.layers._layer import Layer


@keras.saving.register_keras_serializable(package="skconstrain")
class Calibration(Layer):
    """Return ``scale_l * scores + shift_l`` for scores of shape (batch, L, C).

    Parameters
    ----------
    trained : list of L bool
        Whether scale and shift of an expert are trained; else they are 1 and 0, for scores that
        are logits already.
    seen : list of L lists of C bool
        Which classes an expert knows.
    """

    _settings = ("trained", "seen")

    def __init__(self, trained, seen, **kwargs):
        super().__init__(**kwargs)
        self.trained, self.seen = tuple(trained), tuple(map(tuple, seen))

    def build(self, input_shape):
        _, n_experts, n_columns = input_shape
        self.scale = self.add_weight(name="scale", shape=(n_experts, 1), initializer="ones")
        shape = (n_experts, n_columns)
        self.shift = self.add_weight(name="shift", shape=shape, initializer="zeros")

    def call(self, scores):
        return calibrated(
            ops,
            scores,
            ops.convert_to_tensor(self.scale),
            ops.convert_to_tensor(self.shift),
            np.asarray(self.trained)[:, None],
            np.asarray(self.seen),
            unseen=UNSEEN_LOGIT,
        )
