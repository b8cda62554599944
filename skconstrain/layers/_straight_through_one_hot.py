"""StraightThroughOneHot: one expert for each row, and a gate that can still learn."""

import keras
from keras import ops

from skconstrain.layers._layer import Layer
from skconstrain.layers._softmax_gradient import (
    are_largest,
    check_temperature,
    with_gradient_of_softmax,
)
from skconstrain.layers._uniform import uniform


@keras.saving.register_keras_serializable(package="skconstrain")
class StraightThroughOneHot(Layer):
    """Put 1 where a row is largest and 0 elsewhere: a hard gate that learns.

    Every row of the output holds exactly one 1.0, at the row's maximum (the first one on ties),
    and exactly 0.0 everywhere else, for all inputs without NaN, infinities included.

    An argmax has no gradient, so a gate in front of one never learns. This layer passes back the
    gradient of a softmax instead (a straight-through gradient [1]_): every entry of a row, not
    only the largest, learns whether choosing it would have been better.

    Parameters
    ----------
    temperature : float, default=1.0
        Temperature of the softmax that gives the gradient; the output depends on it with noise
        only.
        Small ones follow the argmax more closely, and learn little about entries far below the
        largest. For logits, 1 is a good start; for scores in (0, 1), as sigmoids give, 0.2 or 0.1,
        since at 1 the softmax of such scores is nearly uniform whatever the gate has learned.
    gumbel : bool, default=False
        In training, add Gumbel noise, times `temperature`, to the inputs: an entry is then chosen
        with its probability under ``softmax(inputs / temperature)``, so that all of them are tried
        [2]_ [3]_. Nothing is added at inference.
    seed : int or None, default=None
        Seed of the noise.
    **kwargs
        `name`, `dtype` and `trainable`, as in every Keras layer.

    Raises
    ------
    ValueError
        If `temperature` is not a positive finite number.

    Notes
    -----
    Input and output have shape (..., L). The inputs may be any scores: logits, or outputs of
    sigmoids.

    With ``s = softmax(z / temperature)``, ``z`` the inputs (with their noise) and ``g`` the
    gradient of the loss with respect to the output, the gradient with respect to ``z_l`` is
    ``s_l * (g_l - sum_m s_m * g_m) / temperature``. A row of it is zero only where `g` does not
    tell the entries apart, or where the softmax underflows: one entry leads all others by more
    than about 85 temperatures (700 in float64).

    References
    ----------
    .. [1] Bengio, Léonard and Courville (2013). Estimating or propagating gradients through
       stochastic neurons for conditional computation. arXiv:1308.3432.
    .. [2] Jang, Gu and Poole (2017). Categorical reparameterization with Gumbel-softmax. ICLR.
    .. [3] Maddison, Mnih and Teh (2017). The Concrete distribution. ICLR.

    Examples
    --------
    >>> import numpy as np
    >>> from skconstrain.layers import StraightThroughOneHot
    >>> np.asarray(StraightThroughOneHot()(np.array([[0.1, 0.7, 0.8], [0.1, 0.5, 0.5]])))
    array([[0., 0., 1.],
           [0., 1., 0.]], dtype=float32)
    """

    _settings = ("temperature", "gumbel", "seed")

    def __init__(self, temperature=1.0, gumbel=False, seed=None, **kwargs):
        super().__init__(**kwargs)
        check_temperature(temperature)
        self.temperature, self.gumbel, self.seed = float(temperature), bool(gumbel), seed
        if self.gumbel:  # without noise, nothing is drawn: not even a seed
            self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs, training=False):
        if training and self.gumbel:
            inputs = inputs + self.temperature * self._noise(inputs)
        return with_gradient_of_softmax(_one_hot_of_the_largest, inputs, self.temperature)

    def _noise(self, inputs):
        # The largest draws would become 1 in half precision.
        dtype = keras.backend.result_type(inputs.dtype, "float32")
        drawn = uniform(ops.shape(inputs), self.seed_generator, dtype)
        return ops.cast(-ops.log(-ops.log(drawn)), inputs.dtype)


def _one_hot_of_the_largest(scores):
    return ops.cast(are_largest(scores, 1), scores.dtype)
