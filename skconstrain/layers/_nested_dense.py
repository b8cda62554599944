"""Dense layers of the experts of several networks."""

import keras
from keras import ops

from skconstrain.layers._batched_dense import BatchedDense, product_of_each


@keras.saving.register_keras_serializable(package="skconstrain")
class NestedDense(BatchedDense):
    """A dense layer for each of `n_experts` experts of each of `n_models` networks.

    The kernel has shape (K, L, d, units). Inputs are (batch, d), (batch, K, d) or (batch, K, L, d);
    outputs are (batch, K, L, units).
    """

    _settings = ("units", "n_models", "n_experts", "use_bias")

    def __init__(self, units, n_models, n_experts, **kwargs):
        super().__init__(units, n_models, **kwargs)
        self.n_experts = n_experts

    @property
    def _model_axis(self):
        return (self.n_models, self.n_experts)

    def _check_shape(self, shape):
        axes = self._model_axis
        if tuple(shape[1:-1]) not in ((), axes[:1], axes):
            k, n = axes
            raise ValueError(
                f"NestedDense takes inputs of shape (batch, d), (batch, {k}, d) or (batch, {k}, "
                f"{n}, d). Got {tuple(shape)}."
            )

    def call(self, inputs):
        outputs = self._product(inputs)
        if self.use_bias:
            outputs = outputs + self.bias
        return self.activation(outputs)

    def _product(self, inputs):
        n_inputs, shape = inputs.shape[-1], (-1, *self._model_axis, self.units)
        if len(inputs.shape) == 3:  # the experts of a network lie side by side
            kernel = ops.transpose(self.kernel, (0, 2, 1, 3))
            kernel = ops.reshape(kernel, (self.n_models, n_inputs, -1))
        else:
            kernel = ops.reshape(self.kernel, (-1, n_inputs, self.units))
            if len(inputs.shape) == 4:
                inputs = ops.reshape(inputs, (-1, kernel.shape[0], n_inputs))
        return ops.reshape(product_of_each(inputs, kernel), shape)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self._model_axis, self.units)
