"""Forward one function of the scores, backward the softmax: for the hard gates."""

import math
from numbers import Real

from keras import ops

from skconstrain._formulas._layers import softmax_over


def are_largest(scores, k):
    """Say which entries are the k largest of their rows, the first ones on ties."""
    # Sorts, and Keras' argmax, put -0.0 before 0.0: a tie.
    _, places = ops.top_k(ops.where(scores == 0, 0, scores), k)
    return ops.any(ops.one_hot(places, scores.shape[-1], dtype="bool"), axis=-2)


def with_gradient_of_softmax(forward, scores, temperature):
    """Return exactly ``forward(scores)``; pass gradients back as through the softmax.

    The usual ``soft + stop_gradient(hard - soft)`` gives 0.99999994 for a 1; nothing is added here.
    """

    @ops.custom_gradient
    def straight_through(scores):
        def gradient(*args, upstream=None):
            upstream = args[0] if upstream is None else upstream
            soft = softmax_over(ops, True, scores, temperature)
            mean = ops.sum(soft * upstream, axis=-1, keepdims=True)
            return soft * (upstream - mean) / temperature

        return forward(scores), gradient

    return straight_through(scores)


def check_temperature(temperature):
    if not (isinstance(temperature, Real) and math.isfinite(temperature) and temperature > 0):
        raise ValueError(
            f"temperature must be a positive finite number. Got {temperature!r}. "
            "Use 1.0 for the plain softmax, less for a sharper one."
        )
