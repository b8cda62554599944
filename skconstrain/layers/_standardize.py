"""Standardize: features of one size, whatever their units, and bounded."""

import keras
from keras import ops

from skconstrain._grid import FARTHEST_ON_GRID, through_grid
from skconstrain._links import FARTHEST_STANDARDIZED, STANDARDIZED_LIMIT


@keras.saving.register_keras_serializable(package="skconstrain")
class Standardize(keras.layers.Layer):
    r"""Center and scale features, and clip them smoothly.

    With a center m and a scale s of each feature, which are not trained,

    .. math:: z = (x - m) / s, \qquad f(x) = z / \sqrt{1 + (z / c)^2},

    the smooth clipping of RealMLP [1]_: near the center it is z, far away it approaches plus or
    minus c.

    Parameters
    ----------
    limit : float, default=5.0
        The bound c.
    monotone : bool, default=False
        Whether the order of values is kept to the last bit: z is then clipped at plus and minus
        1,000 and rounded to multiples of ``2**-20``. Otherwise rounding errors of neighbours may
        change their order. For networks of :class:`MonotonicDense`.
    **kwargs
        Those of :class:`keras.layers.Layer`.

    Notes
    -----
    Input and output have shape (batch, features). The weights `center` and `scale`, of shape
    (features,), are 0 and 1 until they are assigned.

    References
    ----------
    .. [1] Holzmüller, Grinsztajn and Steinwart (2024). Better by default: strong pre-tuned MLPs and
       boosted trees on tabular data. NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from skconstrain.layers import Standardize
    >>> np.asarray(Standardize()(np.array([[-1e9, 0.0, 0.1, 1e9]], "float32"))).round(2)
    array([[-5. ,  0. ,  0.1,  5. ]], dtype=float32)
    """

    def __init__(self, limit=STANDARDIZED_LIMIT, monotone=False, **kwargs):
        super().__init__(**kwargs)
        if not (isinstance(limit, int | float) and limit > 0):
            raise ValueError(f"limit must be a positive number. Got {limit!r}.")
        self.limit, self.monotone = float(limit), bool(monotone)

    def build(self, input_shape):
        for name, value in (("center", "zeros"), ("scale", "ones")):
            weight = self.add_weight(
                name=name, shape=(input_shape[-1],), initializer=value, trainable=False
            )
            setattr(self, name, weight)

    def call(self, inputs):
        if self.monotone:
            return ops.cast(self._in_order(ops.cast(inputs, "float64")), self.compute_dtype)
        return self._clipped(self._scaled(inputs, FARTHEST_STANDARDIZED))

    def _in_order(self, inputs):
        return self._clipped(through_grid(ops, self._scaled(inputs, FARTHEST_ON_GRID)))

    def _scaled(self, inputs, farthest):
        center, scale = (ops.cast(part, inputs.dtype) for part in (self.center, self.scale))
        return ops.clip((inputs - center) / scale, -farthest, farthest)

    def _clipped(self, z):
        # Not sqrt, which SHAP cannot explain.
        return z * ops.rsqrt(1 + ops.square(z / self.limit))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "limit": self.limit, "monotone": self.monotone}
