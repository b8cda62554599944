"""TopKSoftmax: a softmax over the k largest of a row, exactly 0 elsewhere."""

import numbers

import keras
from keras import ops

from skconstrain._formulas._layers import softmax_over
from skconstrain.layers._layer import Layer
from skconstrain.layers._softmax_gradient import (
    are_largest,
    check_temperature,
    with_gradient_of_softmax,
)


@keras.saving.register_keras_serializable(package="skconstrain")
class TopKSoftmax(Layer):
    """Share a row's weight among its k largest entries: a sparse gate that learns.

    In every row at most `k` weights differ from exactly 0.0, those of the k largest inputs (the
    first ones on ties), and the row sums to 1 up to rounding, for all inputs without NaN,
    infinities included.

    The weights are the softmax over all entries, those of the k largest divided by their sum [1]_.
    With ``k=1`` this is :class:`StraightThroughOneHot`; with `k` the number of entries, a softmax.

    Parameters
    ----------
    k : int
        How many entries of a row share its weight.
    temperature : float, default=1.0
        The inputs are divided by it before the softmax, forwards and backwards.
    **kwargs
        `name`, `dtype` and `trainable`, as in every Keras layer.

    Raises
    ------
    ValueError
        If `k` is not a positive integer or exceeds the length of a row, or `temperature` is not a
        positive finite number.

    Notes
    -----
    Input and output have shape (..., L), with ``k <= L``.

    The gradient is that of the softmax over all L entries, a straight-through gradient [2]_: with
    ``s = softmax(z / temperature)`` and ``g`` the gradient with respect to the output, it is
    ``s_l * (g_l - sum_m s_m * g_m) / temperature``. The function's own gradient is 0 for entries
    that were not chosen, and for all of them if ``k=1``: they could not come back if
    they become better. [1]_ adds noise and a further loss for that reason.

    References
    ----------
    .. [1] Shazeer, Mirhoseini, Maziarz, Davis, Le, Hinton and Dean (2017). Outrageously large
       neural networks: the sparsely-gated mixture-of-experts layer. ICLR.
    .. [2] Bengio, Léonard and Courville (2013). Estimating or propagating gradients through
       stochastic neurons for conditional computation. arXiv:1308.3432.

    Examples
    --------
    >>> import numpy as np
    >>> from skconstrain.layers import TopKSoftmax
    >>> np.asarray(TopKSoftmax(k=2)(np.log([[0.1, 0.3, 0.6], [0.5, 0.25, 0.25]]))).round(3)
    array([[0.   , 0.333, 0.667],
           [0.667, 0.333, 0.   ]], dtype=float32)
    """

    _settings = ("k", "temperature")

    def __init__(self, k, temperature=1.0, **kwargs):
        super().__init__(**kwargs)
        if not (isinstance(k, numbers.Integral) and k >= 1):
            raise ValueError(f"k must be an integer of at least 1. Got {k!r}.")
        check_temperature(temperature)
        self.k, self.temperature = int(k), float(temperature)

    def build(self, input_shape):
        if self.k > input_shape[-1]:
            raise ValueError(
                f"k={self.k} must not exceed the {input_shape[-1]} entries of a row. "
                "Lower k, or give the gate more outputs."
            )

    def call(self, inputs):
        return with_gradient_of_softmax(self._share_among_the_largest, inputs, self.temperature)

    def _share_among_the_largest(self, scores):
        return softmax_over(ops, are_largest(scores, self.k), scores, self.temperature)
