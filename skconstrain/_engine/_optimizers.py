"""Optimizers as users give them: names, or instances with a learning rate or a schedule."""

from functools import cache

import keras


def constant_learning_rate(optimizer) -> float | None:
    """Return the learning rate of an optimizer instance, None where it is a schedule or a name."""
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        return None
    rate = optimizer.get_config()["learning_rate"]
    return rate if isinstance(rate, float) else None


def has_schedule(optimizer) -> bool:
    """Whether `optimizer` is an instance whose learning rate is a schedule."""
    is_instance = isinstance(optimizer, keras.optimizers.Optimizer)
    return is_instance and constant_learning_rate(optimizer) is None


def default_learning_rate(optimizer) -> float:
    """Return the learning rate of an optimizer of a name or of an instance without schedule."""
    if isinstance(optimizer, str):
        return float(instance_of(optimizer).get_config()["learning_rate"])
    return constant_learning_rate(optimizer)


def config_without_rate(optimizer: keras.optimizers.Optimizer) -> dict:
    """Return what tells optimizers apart once a constant learning rate is data."""
    config = optimizer.get_config()
    if isinstance(config["learning_rate"], float):
        del config["learning_rate"]
    return config


def instance_of(optimizer) -> keras.optimizers.Optimizer:
    """Return the optimizer of a name, to be read only; an instance as it is."""
    return _named(optimizer) if isinstance(optimizer, str) else keras.optimizers.get(optimizer)


@cache
def _named(optimizer):
    return keras.optimizers.get(optimizer)
