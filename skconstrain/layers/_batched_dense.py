"""BatchedDense: L dense layers side by side, as one product."""

import numbers
from typing import Any

import keras
import numpy as np
from keras import activations, constraints, initializers, ops, regularizers

from skconstrain.layers._layer import Layer

# Parameters of dense layers that are objects of Keras.
OBJECTS_OF_KERNEL_AND_BIAS = (
    "kernel_initializer",
    "bias_initializer",
    "kernel_regularizer",
    "bias_regularizer",
    "kernel_constraint",
    "bias_constraint",
)


@keras.saving.register_keras_serializable(package="skconstrain")
class BatchedDense(Layer):
    """Compute L dense layers of equal size at once, each with its own weights.

    The output is that of L separate ``keras.layers.Dense`` with the same weights, up to rounding;
    so are the start of each layer's weights, their regularization and their constraints. One
    product replaces L small ones.

    Parameters
    ----------
    units : int
        Outputs of each layer.
    n_models : int
        Number of layers, L.
    activation : str, callable or None, default=None
        Applied to the output. A softmax is over the units of each layer.
    use_bias : bool, default=True
        Whether each layer has a bias.
    kernel_initializer : str or keras.initializers.Initializer, default="glorot_uniform"
        Called once for each layer with shape (d, units), each time with another seed.
    bias_initializer : str or keras.initializers.Initializer, default="zeros"
        The same with shape (units,).
    kernel_regularizer, bias_regularizer : Regularizer of Keras, str or None, default=None
        Applied to the weights of each layer; the penalties are added.
    kernel_constraint, bias_constraint : keras.constraints.Constraint, str or None, default=None
        Applied to the weights of each layer.
    **kwargs
        `name`, `dtype` and `trainable`, as in every Keras layer.

    Attributes
    ----------
    kernel : variable of shape (L, d, units)
        The layers' kernels.
    bias : variable of shape (L, units), or None
        The layers' biases.

    Raises
    ------
    ValueError
        If `units` or `n_models` is not a positive integer, or the input has another shape.

    Notes
    -----
    The input has shape (batch, d), one for all layers, or (batch, L, d), one for each; the output
    has shape (batch, L, units). The gradient is that of L separate layers.

    Examples
    --------
    >>> import numpy as np
    >>> from skconstrain.layers import BatchedDense
    >>> experts = BatchedDense(2, n_models=3, activation="softmax")
    >>> probability = np.asarray(experts(np.ones((5, 4))))
    >>> probability.shape
    (5, 3, 2)
    >>> tuple(experts.kernel.shape)
    (3, 4, 2)
    """

    _settings = ("units", "n_models", "use_bias")
    _objects = OBJECTS_OF_KERNEL_AND_BIAS

    def __init__(
        self,
        units,
        n_models,
        activation=None,
        use_bias=True,
        kernel_initializer: str | Any = "glorot_uniform",
        bias_initializer: str | Any = "zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        for name, count in (("units", units), ("n_models", n_models)):
            if not (isinstance(count, numbers.Integral) and count >= 1):
                raise ValueError(f"{name} must be an integer of at least 1. Got {count!r}.")
        self.units, self.n_models, self.use_bias = int(units), int(n_models), bool(use_bias)
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape):
        self._check_shape(input_shape)
        self.kernel = self._weight("kernel", (input_shape[-1], self.units))
        self.bias = self._weight("bias", (self.units,)) if self.use_bias else None

    def _weight(self, name, shape):
        initializer = getattr(self, f"{name}_initializer")
        regularizer = getattr(self, f"{name}_regularizer")
        constraint = getattr(self, f"{name}_constraint")
        for _ in self._model_axis:
            initializer = InitializeEach(initializer)
            regularizer = None if regularizer is None else _RegularizeEach(regularizer)
            constraint = None if constraint is None else _ConstrainEach(constraint)
        return self.add_weight(
            name=name,
            shape=(*self._model_axis, *shape),
            initializer=initializer,
            regularizer=regularizer,
            constraint=constraint,
        )

    def _check_shape(self, shape):
        if not (len(shape) == 2 or (len(shape) == 3 and shape[1] == self.n_models)):
            raise ValueError(
                f"BatchedDense(n_models={self.n_models}) takes inputs of shape (batch, d), one for "
                f"all models, or (batch, {self.n_models}, d), one for each. Got {tuple(shape)}."
            )

    def call(self, inputs):
        outputs = product_of_each(inputs, self.kernel)
        if self.use_bias:
            outputs = outputs + self.bias
        return self.activation(outputs)

    def compute_output_shape(self, input_shape):
        self._check_shape(input_shape)
        return (input_shape[0], self.n_models, self.units)

    def get_config(self):
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


def product_of_each(inputs, kernel):
    """Return the products of L kernels, shape (batch, L, units).

    The kernel has shape (L, d, units), inputs (batch, d) or (batch, L, d).
    """
    # Batches of 200, L of 4 to 20, d of 10 to 100, 1 to 100 units, forward and backward: one
    # wide product is no slower under XLA than einsum or L products, and takes 0.6 to 0.95 of
    # the time of einsum without XLA. With one input a model, L products take up to 2.4 times as
    # long as a batched product between two transposes; so do steps with einsum, 1.2 times, because
    # its gradient is transposed once more.
    if len(inputs.shape) == 3:
        return ops.transpose(ops.matmul(ops.transpose(inputs, (1, 0, 2)), kernel), (1, 0, 2))
    n_models, _, units = kernel.shape
    side_by_side = ops.reshape(ops.transpose(kernel, (1, 0, 2)), (-1, n_models * units))
    return ops.reshape(ops.matmul(inputs, side_by_side), (-1, n_models, units))


class InitializeEach(initializers.Initializer):
    """Draw each model's array as a layer of its own would, with a seed of its own.

    Keras would take L in the shape (L, d, units) for a window of a convolution, and start
    ``sqrt(L)`` times too small.
    """

    def __init__(self, one):
        self.one = one

    def __call__(self, shape, dtype=None):
        return ops.stack([one(shape[1:], dtype=dtype) for one in self._of_each(shape[0])])

    def _of_each(self, n_models):
        # Keras draws the same array at every call where the seed is a number.
        seed = getattr(self.one, "seed", None)
        if not isinstance(seed, numbers.Integral):
            return [self.one] * n_models
        config = self.one.get_config()
        seeds = np.random.SeedSequence(seed).generate_state(n_models)
        return [self.one.from_config({**config, "seed": int(seed)}) for seed in seeds]


class _RegularizeEach(regularizers.Regularizer):
    """The sum of the models' penalties."""

    def __init__(self, one):
        self.one = one

    def __call__(self, weights):
        return sum(self.one(weights[i]) for i in range(weights.shape[0]))


class _ConstrainEach(constraints.Constraint):
    """The constraint on each model's array: a norm is over its own inputs."""

    def __init__(self, one):
        self.one = one

    def __call__(self, weights):
        return ops.stack([self.one(weights[i]) for i in range(weights.shape[0])])
