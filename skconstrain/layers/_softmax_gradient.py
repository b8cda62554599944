"""Forward one function of the scores, backward the softmax: for the hard gates."""

import math
from numbers import Real

from keras import ops


def softmax_over(kept, scores, temperature):
    """Softmax of ``scores / temperature`` among the kept entries of a row; 0.0 for the others.

    The row's largest must be among them. Equal infinities get equal shares.
    """
    best = ops.max(scores, axis=-1, keepdims=True)
    gap = ops.where(scores == best, 0, scores - best)  # inf - inf is not a number
    parts = ops.where(kept, ops.exp(gap / temperature), 0)
    return parts / ops.sum(parts, axis=-1, keepdims=True)


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
            soft = softmax_over(True, scores, temperature)
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
