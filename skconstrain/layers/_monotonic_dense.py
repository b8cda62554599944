"""MonotonicDense: a dense layer whose outputs never move against the sign of an input."""

from collections.abc import Callable
from functools import partial
from numbers import Integral
from typing import Any

import keras
import numpy as np
from keras import activations, constraints, initializers, ops, regularizers

from skconstrain._formulas._grid import (
    FARTHEST_ACTIVATED,
    LARGEST,
    kernel_to_grid,
    power_in_table,
    through_grid,
)
from skconstrain._formulas._signs import kernel_bounds, output_cst, with_signs
from skconstrain.layers._batched_dense import InitializeEach, product_of_each
from skconstrain.layers._layer import Layer

# Not softsign and squareplus: where they are flat, their rounding errors are larger than their rise
# from one multiple of the grid to the next.
_NON_DECREASING = {
    "arcsinh", "celu", "elu", "exponential", "hard_sigmoid", "hard_tanh", "leaky_relu", "linear",
    "log_sigmoid", "relu", "relu6", "selu", "sigmoid", "softplus", "tanh",
}  # fmt: skip


@keras.saving.register_keras_serializable(package="skconstrain")
class MonotonicDense(Layer):
    """Compute a dense layer whose units rise with some inputs, fall with others, or ignore them.

    The kernel has no negative entry where `monotonic_cst` is 1, and no positive one where it is -1.
    The first `n_free` units are fed by free inputs alone: their weights of the others are zero.
    They have any sign, and any activation; as inputs of a next layer they are free, so that free
    features interact in every way, with each other and with those that have a sign. The other
    units have the signs of `output_cst`, the next layer's `monotonic_cst`. Networks of such layers
    approximate every function that is monotone in these features, if the activation is bounded
    [1]_ [2]_ or ``"arcsinh"``, which becomes a step where weights are large; with ``"relu"`` the
    function is convex in them.

    Signs are kept by projection after every step of an optimizer, and once more where the layer
    predicts.

    Parameters
    ----------
    units : int
        Number of outputs, free ones included.
    monotonic_cst : array-like of int of shape (n_inputs,)
        For each input 1 where outputs must not fall with it, -1 where they must not rise, 0 where
        it is free.
    n_free : int, default=0
        Units that only free inputs feed. They come first.
    n_models : int or None, default=None
        Number of such layers side by side, as in :class:`BatchedDense`; ``None`` is one without an
        axis of its own.
    activation : str, default="arcsinh"
        Activation of the units that are not free: ``"arcsinh"``, or a name of ``keras.activations``
        that never falls.
    free_activation : str, callable or None, default="silu"
        Activation of the free units.
    use_bias : bool, default=True
        Whether units have biases.
    kernel_initializer : str or keras.initializers.Initializer, default="glorot_uniform"
        What it draws gets the signs of the kernel: its magnitude there, divided by ``sqrt(n)``
        where n inputs have a sign, because terms of one sign do not cancel.
    kernel_regularizer : keras.regularizers.Regularizer, str or None, default=None
        Applied to the kernel.
    **kwargs
        `name`, `dtype` and `trainable`, as in every Keras layer.

    Attributes
    ----------
    kernel : variable of shape (n_inputs, units), or (n_models, n_inputs, units)
        The kernel.
    bias : variable of shape (units,) or (n_models, units), or None
        The biases.
    output_cst : ndarray of int of shape (units,)
        0 for free units, 1 for the others: the `monotonic_cst` of a next layer.

    Raises
    ------
    ValueError
        If `monotonic_cst` is not of -1, 0 and 1, `n_free` units have no free input, `activation`
        may fall, or the input has another shape.

    Notes
    -----
    Input and output have shape (batch, n_inputs) and (batch, units); with `n_models` L, the input
    may have shape (batch, L, n_inputs), and the output has shape (batch, L, units).

    No output moves against a sign, not in its last bit either, and not from one batch to another.
    For that inputs are clipped at plus and minus 64, in training too; and where the layer predicts,
    inputs are rounded to multiples of ``2**-20``, the kernel to 26 bits of each unit's sum of
    magnitudes, and the product is taken in float64: it is then exact, in whatever order it is added
    up. Standardise the features: :class:`Standardize` with ``monotone=True`` keeps their order.
    Under JAX, without its setting of float64, rounding errors of float32 remain.

    References
    ----------
    .. [1] Archer and Wang (1993). Application of the back propagation neural network algorithm with
       monotonicity constraints for two-group classification problems. Decision Sciences.
    .. [2] Daniels and Velikova (2010). Monotone and partially monotone neural networks. IEEE
       Transactions on Neural Networks.

    Examples
    --------
    >>> import keras
    >>> import numpy as np
    >>> from skconstrain.layers import MonotonicDense
    >>> hidden = MonotonicDense(16, monotonic_cst=[1, -1, 0], n_free=8)
    >>> last = MonotonicDense(1, hidden.output_cst, activation="linear")
    >>> model = keras.Sequential([hidden, last])
    >>> rising = np.column_stack([np.linspace(-2, 2, 9), np.zeros(9), np.ones(9)])
    >>> bool((np.diff(model.predict(rising, verbose=0)[:, 0]) >= 0).all())
    True
    """

    _settings = ("units", "n_free", "n_models", "use_bias")
    _objects = ("kernel_initializer", "kernel_regularizer")

    def __init__(
        self,
        units,
        monotonic_cst,
        n_free=0,
        n_models=None,
        activation="arcsinh",
        free_activation: str | Callable | None = "silu",
        use_bias=True,
        kernel_initializer: str | Any = "glorot_uniform",
        kernel_regularizer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.monotonic_cst = _checked_signs(monotonic_cst)
        _check_units(units, n_free, n_models, self.monotonic_cst)
        self.units, self.n_free, self.n_models = int(units), int(n_free), n_models
        self.activation_name = _checked_activation(activation)
        self.activation = _activation(self.activation_name)
        self.free_activation = activations.get(free_activation)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self._signs = KernelSigns(self.monotonic_cst, self.n_free, self.units)

    @property
    def output_cst(self):
        """The `monotonic_cst` of a next layer: 0 for free units, 1 for the others."""
        return output_cst(self.n_free, self.units)

    def build(self, input_shape):
        self._check_shape(input_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*self._model_axis, len(self.monotonic_cst), self.units),
            initializer=self._initial_kernel,
            regularizer=self.kernel_regularizer,
            constraint=self._signs,
        )
        self.bias = None
        if self.use_bias:
            shape = (*self._model_axis, self.units)
            self.bias = self.add_weight(name="bias", shape=shape, initializer="zeros")

    def _initial_kernel(self, shape, dtype=None):
        draw = self.kernel_initializer
        if self.n_models is not None:
            draw = InitializeEach(draw)
        dtype = keras.backend.standardize_dtype(dtype)
        return with_signs(draw(shape, dtype), self.monotonic_cst, self.n_free, ops, dtype)

    def _check_shape(self, shape):
        n_inputs, models = len(self.monotonic_cst), self.n_models
        is_known = len(shape) == 2 or (len(shape) == 3 and models is not None)
        if not is_known or shape[-1] != n_inputs or (len(shape) == 3 and shape[1] != models):
            raise ValueError(
                f"MonotonicDense(n_models={models}) has signs of {n_inputs} inputs, so it takes "
                f"inputs of shape (batch, {n_inputs}). Got {tuple(shape)}."
            )

    def call(self, inputs, training=False):
        inputs = ops.clip(inputs, -LARGEST, LARGEST)
        if training:
            return self._activated(self._affine(inputs, self.kernel))
        outputs = self._activated(through_grid(ops, self._affine(*self._on_grids(inputs))))
        return ops.cast(outputs, self.compute_dtype)

    def _on_grids(self, inputs):
        """Return inputs and kernel whose product is exact."""
        kernel = self._signs(ops.cast(self.kernel, "float64"))
        rounded = kernel_to_grid(ops, kernel, partial(power_in_table, ops))
        kernel = kernel + ops.stop_gradient(rounded - kernel)
        return through_grid(ops, ops.cast(inputs, "float64")), kernel

    def _affine(self, inputs, kernel):
        product = ops.matmul if self.n_models is None else product_of_each
        outputs = product(inputs, kernel)
        return outputs + ops.cast(self.bias, outputs.dtype) if self.use_bias else outputs

    def _activated(self, values):
        signed = self.activation(values[..., self.n_free :])
        if self.n_free == 0:
            return signed
        free = self.free_activation(values[..., : self.n_free])
        return ops.concatenate([free, signed], axis=-1)

    def compute_output_shape(self, input_shape):
        self._check_shape(input_shape)
        return (input_shape[0], *self._model_axis, self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "monotonic_cst": self.monotonic_cst.tolist(),
            "activation": self.activation_name,
            "free_activation": activations.serialize(self.free_activation),
        }


class KernelSigns(constraints.Constraint):
    """Project a kernel (..., n_inputs, units) on the signs that its entries may have."""

    def __init__(self, monotonic_cst, n_free, units):
        self._bounds = kernel_bounds(monotonic_cst, n_free, units)

    def __call__(self, kernel):
        low, high = (ops.cast(bound, kernel.dtype) for bound in self._bounds)
        return ops.minimum(ops.maximum(kernel, low), high)


def _checked_signs(monotonic_cst):
    signs = np.asarray(monotonic_cst)
    if signs.ndim != 1 or not np.isin(signs, [-1, 0, 1]).all():
        raise ValueError(
            "monotonic_cst must hold -1, 0 or 1 for each input. Got "
            f"{monotonic_cst!r}. For a layer behind another one, use its output_cst."
        )
    return signs.astype(np.int8)


def _check_units(units, n_free, n_models, signs):
    counts = [("units", units, 1), ("n_free", n_free, 0)]
    if n_models is not None:
        counts.append(("n_models", n_models, 1))
    for name, count, least in counts:
        if not (isinstance(count, Integral) and count >= least):
            raise ValueError(f"{name} must be an integer of at least {least}. Got {count!r}.")
    if n_free > units or (n_free > 0 and signs.all()):
        raise ValueError(
            f"n_free units are among the {units} units, and need an input whose monotonic_cst is "
            f"0. Got n_free={n_free} with {(signs == 0).sum()} such inputs. Use n_free=0."
        )


def _checked_activation(name):
    """Return the name of an activation that never falls."""
    name = "linear" if name is None else name
    if not isinstance(name, str) or name not in _NON_DECREASING:
        raise ValueError(
            f"activation must never fall: one of {sorted(_NON_DECREASING)}. Got {name!r}. "
            "free_activation may be any."
        )
    return name


def _activation(name):
    """Return an activation, of numbers that are clipped where its slope is lost in rounding."""
    if name == "linear":
        return activations.linear
    function = ops.arcsinh if name == "arcsinh" else activations.get(name)
    return lambda values: function(ops.clip(values, -FARTHEST_ACTIVATED, FARTHEST_ACTIVATED))
