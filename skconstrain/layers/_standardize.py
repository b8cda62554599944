"""Standardize: features of one size, whatever their units, and bounded."""

import keras
from keras import ops

from skconstrain._formulas._layers import standardized
from skconstrain._formulas._recipe import STANDARDIZED_LIMIT
from skconstrain.layers._layer import Layer


@keras.saving.register_keras_serializable(package="skconstrain")
class Standardize(Layer):
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

    _settings = ("limit", "monotone")

    def __init__(self, limit=STANDARDIZED_LIMIT, monotone=False, **kwargs):
        super().__init__(**kwargs)
        if not (isinstance(limit, int | float) and limit > 0):
            raise ValueError(f"limit must be a positive number. Got {limit!r}.")
        self.limit, self.monotone = float(limit), bool(monotone)

    def build(self, input_shape):
        self._add_fixed((input_shape[-1],), center=0.0, scale=1.0)

    def call(self, inputs):
        if self.monotone:
            inputs = ops.cast(inputs, "float64")
        center, scale = (ops.cast(part, inputs.dtype) for part in (self.center, self.scale))
        settings = {"limit": self.limit, "monotone": self.monotone}
        found = standardized(ops, inputs, center, scale, **settings)
        return ops.cast(found, self.compute_dtype) if self.monotone else found
