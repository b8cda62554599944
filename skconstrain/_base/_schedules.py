"""Optimizers by name, and their learning rate over a training."""

import math

OPTIMIZERS = {
    "adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw",
    "ftrl", "lion", "nadam", "rmsprop", "sgd",
}  # fmt: skip
SCHEDULES = ("flat_cosine", "cosine", "constant")

# Good for networks of standardised features, and ten times Keras' default for these optimizers.
AUTOMATIC_RATE = 0.01
_AUTOMATIC_FOR = ("adam", "adamax", "adamw", "nadam")


def cosine(fraction: float) -> float:
    """Return the factor of the learning rate that falls to 0 along half a cosine [1]_.

    .. [1] Loshchilov and Hutter (2017). SGDR: stochastic gradient descent with warm restarts. ICLR.
    """
    return (1 + math.cos(math.pi * fraction)) / 2


def flat_cosine(fraction: float) -> float:
    """Return the factor of the learning rate that stays 1 for half of a training, then falls."""
    return cosine(max(0.0, 2 * fraction - 1))


def rate_schedule(given):
    """Return the function of the fraction of the training, None for a constant rate."""
    if callable(given):
        return lambda fraction: _checked(given(fraction), fraction)
    return {"flat_cosine": flat_cosine, "cosine": cosine, "constant": None}[given]


def base_rate(learning_rate, optimizer, automatic):
    """Return the learning rate before the schedule; None where the optimizer decides by itself.

    `automatic` is the rate of ``"auto"``, for optimizers of Adam's kind.
    """
    from skconstrain._engine._optimizers import default_learning_rate, has_schedule

    if has_schedule(optimizer):
        if learning_rate not in (None, "auto"):
            raise ValueError(
                "learning_rate must be None or 'auto' when the optimizer has a schedule of its "
                f"own. Got {learning_rate}."
            )
        return None
    if learning_rate == "auto" and optimizer in _AUTOMATIC_FOR:
        return automatic
    return default_learning_rate(optimizer) if learning_rate in (None, "auto") else learning_rate


def _checked(factor, fraction):
    if not (math.isfinite(factor) and factor >= 0):
        raise ValueError(
            "learning_rate_schedule must return finite factors of at least 0. "
            f"Got {factor} for the fraction {fraction:.3g}."
        )
    return float(factor)
