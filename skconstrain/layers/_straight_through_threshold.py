"""StraightThroughThreshold: a step that lets gradients pass."""

import math
from numbers import Real

import keras
from keras import ops

from skconstrain.layers._layer import Layer


@keras.saving.register_keras_serializable(package="skconstrain")
class StraightThroughThreshold(Layer):
    """Cut values at a threshold, and let gradients pass as if nothing had been cut.

    Every output is exactly 1.0 where the input is at least `threshold` and exactly 0.0 below; with
    ``binary=False`` it is exactly the input where that is at least `threshold` and exactly 0.0
    below. This holds for all inputs without NaN, infinities included. Any number of outputs of a
    row may be 1; for exactly one, see :class:`StraightThroughOneHot`.

    Parameters
    ----------
    threshold : float, default=0.5
        The smallest value that is not cut.
    binary : bool, default=True
        Whether values that are not cut become 1, or stay what they are.
    **kwargs
        `name`, `dtype` and `trainable`, as in every Keras layer.

    Raises
    ------
    ValueError
        If `threshold` is not a finite number.

    Notes
    -----
    Input and output have the same shape.

    A step has a gradient of 0 everywhere, so nothing in front of it learns. Here the gradient with
    respect to an input is that with respect to its output, as if the layer were the identity (the
    straight-through gradient of [1]_). Unlike the slope of a sigmoid, it does not vanish far from
    the threshold; the sigmoid that is usually in front of this layer has its own.

    References
    ----------
    .. [1] Bengio, Léonard and Courville (2013). Estimating or propagating gradients through
       stochastic neurons for conditional computation. arXiv:1308.3432.

    Examples
    --------
    >>> import numpy as np
    >>> from skconstrain.layers import StraightThroughThreshold
    >>> values = np.array([[0.2, 0.5, 0.75]])
    >>> np.asarray(StraightThroughThreshold()(values))
    array([[0., 1., 1.]], dtype=float32)
    >>> np.asarray(StraightThroughThreshold(binary=False)(values))
    array([[0.  , 0.5 , 0.75]], dtype=float32)
    """

    _settings = ("threshold", "binary")

    def __init__(self, threshold=0.5, binary=True, **kwargs):
        super().__init__(**kwargs)
        if not (isinstance(threshold, Real) and math.isfinite(threshold)):
            raise ValueError(
                f"threshold must be a finite number. Got {threshold!r}. "
                "Leave the layer out to cut nothing."
            )
        self.threshold, self.binary = float(threshold), bool(binary)

    def call(self, inputs):
        @ops.custom_gradient
        def straight_through(values):
            def gradient(*args, upstream=None):
                return args[0] if upstream is None else upstream

            return self._cut(values), gradient

        return straight_through(inputs)

    def _cut(self, values):
        kept = ops.ones_like(values) if self.binary else values
        return ops.where(values >= self.threshold, kept, ops.zeros_like(values))
