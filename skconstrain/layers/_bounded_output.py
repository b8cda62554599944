"""BoundedOutput: a last layer whose values cannot leave a range."""

from functools import partial
from numbers import Real

import keras
import numpy as np
from keras import ops

from skconstrain._formulas._links import LINKS, check_monotone, check_range, output_range, unclipped
from skconstrain.layers._layer import Layer


@ops.custom_gradient
def _softplus_for_xla(eta):
    # XLA needs a tenth of a second to compile log1p. This one is Kahan's. Nor does it lower abs as
    # fast as minimum.
    small = ops.exp(ops.minimum(eta, -eta))
    total = 1 + small
    is_one = total == 1
    log1p = ops.log(total) * (small / ops.where(is_one, 1, total - 1))

    def gradient(*args, upstream=None):
        upstream = args[0] if upstream is None else upstream
        return upstream * ops.sigmoid(eta)

    return ops.maximum(eta, 0) + ops.where(is_one, small, log1p), gradient


@keras.saving.register_keras_serializable(package="skconstrain")
class BoundedOutput(Layer):
    """Map every number into a range: a last layer for networks whose output is restricted.

    With ``eta`` the input and ``f`` the link named by `output`, the layer returns
    ``lower + scale * f(gain * eta)`` where ``f`` is one-sided, and
    ``lower + (upper - lower) * f(gain * eta)`` where it is two-sided, clipped to the numbers of
    its precision that lie inside the range. Every ``eta`` but NaN, infinities included, gives a
    finite number inside the range.

    Parameters
    ----------
    output : str, default="softplus"
        The link: ``"softplus"``, ``"exp"``, ``"square"``, ``"abs"``, ``"softabs"``, ``"relu"``,
        ``"sigmoid"`` or ``"tanh"``. See :class:`skconstrain.PositiveRegressor` for what each one
        promises.
    lower : float, default=0.0
        Lower end of the range.
    upper : float or None, default=None
        Upper end; needed by ``"sigmoid"`` and ``"tanh"``, refused by the others.
    scale : float, default=1.0
        Initial value of the factor of a one-sided link, a weight that is not trained.
    gain : float, default=1.0
        Initial value of the factor of ``eta``, a weight that is not trained.
    monotone : bool, default=False
        Whether outputs keep the order of inputs to the last bit where the layer predicts:
        ``gain * eta`` is then rounded to multiples of ``2**-40``. Refused by links that fall
        somewhere. For networks of :class:`MonotonicDense`.
    **kwargs
        `name`, `dtype` and `trainable`, as in every Keras layer.

    Raises
    ------
    ValueError
        If `output` is unknown, the range is empty, or `output` cannot serve it.

    Notes
    -----
    Input and output have shape (batch, units). The gradient of ``"relu"`` is that of the identity
    (a straight-through gradient), so that an output at 0 can rise again.

    Examples
    --------
    >>> import numpy as np
    >>> from skconstrain.layers import BoundedOutput
    >>> layer = BoundedOutput("sigmoid", lower=-1.0, upper=1.0)
    >>> np.asarray(layer(np.array([[-1e9, 0.0, 1e9]])))
    array([[-0.99999994,  0.        ,  0.99999994]], dtype=float32)
    """

    _settings = ("lower", "upper", "monotone")

    def __init__(
        self,
        output="softplus",
        lower=0.0,
        upper=None,
        scale=1.0,
        gain=1.0,
        monotone=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_range(output, lower, upper)
        if monotone:
            check_monotone(output)
        for name, factor in (("scale", scale), ("gain", gain)):
            if not (isinstance(factor, Real) and np.isfinite(factor) and factor > 0):
                raise ValueError(f"{name} must be a positive finite number. Got {factor!r}.")
        # Checked here as well: Keras wraps errors raised in `call`.
        output_range(output, lower, upper, self.compute_dtype)
        self.output_link = output
        self.lower = float(lower)
        self.upper = None if upper is None else float(upper)
        self.monotone = bool(monotone)
        self.initial_scale, self.initial_gain = float(scale), float(gain)
        self._forward = partial(LINKS[output].forward, ops)

    def build(self, input_shape):
        factors = {"gain": self.initial_gain}
        if self.upper is None:
            factors["scale"] = self.initial_scale
        self._add_fixed((input_shape[-1],), **factors)

    def call(self, inputs, training=False):
        # The inputs' precision counts: under JAX, float64 is float32 unless JAX's setting or our
        # engine allows it.
        dtype = keras.backend.standardize_dtype(inputs.dtype)
        smallest, largest = output_range(self.output_link, self.lower, self.upper, dtype)
        if self.monotone and not training:
            return ops.cast(self._in_order(inputs, smallest, largest), dtype)
        values = self._unclipped(self._forward, inputs, smallest)
        if not training and keras.backend.backend() == "tensorflow":
            # SHAP cannot explain `where`. The gradient is the same under TensorFlow.
            return ops.minimum(ops.maximum(values, smallest), largest)
        # `where`, not a maximum: JAX passes back half of its gradient at the end of the range.
        values = ops.where(values < smallest, smallest, values)
        return ops.where(values > largest, largest, values)

    def _in_order(self, inputs, smallest, largest):
        function = partial(LINKS[self.output_link].monotone, ops)
        inputs = ops.cast(inputs, "float64")
        return ops.clip(self._unclipped(function, inputs, smallest), smallest, largest)

    def _unclipped(self, function, inputs, smallest):
        ends = {"lower": self.lower, "upper": self.upper, "smallest": smallest}
        gain = ops.cast(self.gain, inputs.dtype)
        scale = ops.cast(self.scale, inputs.dtype) if self.upper is None else None
        return unclipped(function, inputs, self.output_link, gain=gain, scale=scale, **ends)

    def prepare_for_xla(self):
        """Choose the form of the link that XLA compiles fast; its values are the same."""
        if self.output_link == "softplus":
            self._forward = _softplus_for_xla

    def get_config(self):
        return {
            **super().get_config(),
            "output": self.output_link,
            "scale": self.initial_scale,
            "gain": self.initial_gain,
        }
