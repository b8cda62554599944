"""Saturate: keep huge activations finite at inference."""

from numbers import Real

import keras
from keras import ops

from skconstrain._formulas._recipe import saturation_limit
from skconstrain.layers._layer import Layer


@keras.saving.register_keras_serializable(package="skconstrain")
class Saturate(Layer):
    """Clip activations to a huge finite range at inference, and do nothing in training.

    A network whose inputs lie far outside its training data overflows: ``inf - inf`` in a product
    of matrices is not a number, and no output layer can correct that. With this layer in front of
    each product nothing overflows, so that ``BoundedOutput`` behind it keeps its range for every
    finite input.

    Parameters
    ----------
    limit : float or None, default=None
        Largest absolute value that passes. ``None`` is 1e15 in float32 and 1e150 in float64: sums
        of such numbers times reasonable weights stay finite.
    **kwargs
        `name`, `dtype` and `trainable`, as in every Keras layer.

    Notes
    -----
    Input and output have the same shape. In training (``training=True``) an overflow is left
    alone, because it must become visible there.

    Examples
    --------
    >>> import numpy as np
    >>> from skconstrain.layers import Saturate
    >>> np.asarray(Saturate(limit=2.0)(np.array([[-5.0, 1.0, 7.0]])))
    array([[-2.,  1.,  2.]], dtype=float32)
    """

    _settings = ("limit",)

    def __init__(self, limit=None, **kwargs):
        super().__init__(**kwargs)
        if limit is not None and not (isinstance(limit, Real) and limit > 0):
            raise ValueError(f"limit must be a positive number or None. Got {limit!r}.")
        self.limit = limit

    def call(self, inputs, training=None):
        if training:
            return inputs
        # The inputs' precision counts: float64 is float32 where JAX's setting does not allow it.
        limit = self.limit or saturation_limit(keras.backend.standardize_dtype(inputs.dtype))
        return ops.clip(inputs, -limit, limit)
