"""FeatureWeighting: a trained factor for each feature."""

import keras

from skconstrain._formulas._recipe import FEATURE_RATE
from skconstrain.layers._layer import Layer


@keras.saving.register_keras_serializable(package="skconstrain")
class FeatureWeighting(Layer):
    r"""Multiply each feature by a trained factor, which learns faster than other weights.

    With a trained weight w of each feature,

    .. math:: f(x) = r\, w\, x,

    the scaling layer of RealMLP [1]_: factors start at 1, and under Adam and its like, whose steps
    do not depend on the size of a gradient, they move r times as far as other weights. Features of
    little use soon have small ones.

    Parameters
    ----------
    n_models : int or None, default=None
        Number of models with factors of their own, L, as in :class:`BatchedDense`. None is one
        model, without an axis for it.
    rate : float, default=6.0
        The number r.
    non_negative : bool, default=False
        Whether factors are kept from becoming negative, so that a function of the outputs which
        rises or falls with one of them does so with its feature.
    **kwargs
        Those of :class:`keras.layers.Layer`.

    Attributes
    ----------
    weight : variable of shape (features,) or (L, features)
        The weights w.

    Raises
    ------
    ValueError
        If `rate` is not positive.

    Notes
    -----
    The input has shape (batch, features), or (batch, L, features) for features of each model; the
    output has shape (batch, features), or (batch, L, features).

    References
    ----------
    .. [1] Holzmüller, Grinsztajn and Steinwart (2024). Better by default: strong pre-tuned MLPs and
       boosted trees on tabular data. NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from skconstrain.layers import FeatureWeighting
    >>> np.asarray(FeatureWeighting(n_models=3)(np.ones((5, 4)))).shape
    (5, 3, 4)
    """

    _settings = ("n_models", "rate", "non_negative")

    def __init__(self, n_models=None, rate=FEATURE_RATE, non_negative=False, **kwargs):
        super().__init__(**kwargs)
        if not (isinstance(rate, int | float) and rate > 0):
            raise ValueError(f"rate must be a positive number. Got {rate!r}.")
        self.n_models, self.rate, self.non_negative = n_models, float(rate), bool(non_negative)

    def build(self, input_shape):
        self.weight = self.add_weight(
            name="weight",
            shape=(*self._model_axis, input_shape[-1]),
            initializer=keras.initializers.Constant(1 / self.rate),
            constraint="non_neg" if self.non_negative else None,
        )

    def call(self, inputs):
        if self.n_models is not None and len(inputs.shape) == 2:
            inputs = keras.ops.expand_dims(inputs, 1)
        return self.rate * self.weight * inputs

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self._model_axis, input_shape[-1])
