"""WeightedSum: outputs of experts, weighted by a gate."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="skconstrain")
class WeightedSum(keras.layers.Layer):
    """Merge the outputs of L experts by the weights of a gate.

    The output is ``sum_l gate_l * values_l``. If the gate's rows and the experts' are
    distributions, so are the output's, up to rounding. An expert whose weight is exactly 0.0 adds
    exactly nothing, even where its values are infinite or NaN; one whose weight is 1.0 while all
    others are 0.0 is passed on unchanged.

    Parameters
    ----------
    *args, **kwargs
        `name`, `dtype` and `trainable`, as in every Keras layer.

    Raises
    ------
    ValueError
        If the inputs are not two, or their shapes do not belong together.

    Notes
    -----
    Called with ``[gate, values]``:

    - gate of shape (batch, L);
    - values of shape (batch, L, K), for an output of shape (batch, K); or of shape (batch, L), one
      number for each expert, for an output of shape (batch, 1), as ``keras.layers.Dot(axes=1)``
      gives.

    The gradients are those of the formula: ``sum_k g_k * values_lk`` with respect to ``gate_l``,
    whether the weight is 0 or not, and ``gate_l * g_k`` with respect to ``values_lk``, with
    ``g`` the gradient with respect to the output. Values that are not finite count as 0 in
    them where the weight is 0.

    Examples
    --------
    >>> import numpy as np
    >>> from skconstrain.layers import WeightedSum
    >>> gate = np.array([[0.25, 0.75, 0.0]])
    >>> values = np.array([[[1.0, 0.0], [0.0, 1.0], [np.nan, np.inf]]])
    >>> np.asarray(WeightedSum()([gate, values]))
    array([[0.25, 0.75]], dtype=float32)
    """

    def build(self, input_shape):
        _check_shapes(input_shape)

    def call(self, inputs):
        gate, values = inputs
        if len(values.shape) == 2:
            values = ops.expand_dims(values, -1)
        gate = ops.expand_dims(gate, -1)
        # 0 * inf is not a number. Finite values stay, for the gradient of a weight that is 0.
        ignored = ops.logical_and(gate == 0, ops.logical_not(ops.isfinite(values)))
        return ops.sum(gate * ops.where(ignored, 0, values), axis=1)

    def compute_output_shape(self, input_shape):
        gate, values = _check_shapes(input_shape)
        return (gate[0], values[2] if len(values) == 3 else 1)


def _check_shapes(shapes):
    one = not isinstance(shapes[0], list | tuple)
    if one or len(shapes) != 2:
        raise ValueError(
            "WeightedSum takes two inputs, [gate, values]. "
            f"Got {1 if one else len(shapes)}. "
            "Stack the experts' outputs to one array of shape (batch, L, K)."
        )
    gate, values = shapes
    if not (len(gate) == 2 and len(values) in (2, 3) and gate[1] == values[1]):
        raise ValueError(
            "WeightedSum needs a gate of shape (batch, L) and values of shape (batch, L, K) or "
            f"(batch, L) with the same L. Got {tuple(gate)} and {tuple(values)}. "
            "The gate comes first."
        )
    return gate, values
