"""Optimizers as users give them: names, or instances with a learning rate or a schedule."""

from functools import cache
from inspect import signature

import keras
import numpy as np


def constant_learning_rate(optimizer) -> float | None:
    """Return the learning rate of an optimizer instance, None where it is a schedule or a name."""
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        return None
    config = optimizer.get_config()
    if "learning_rate" not in config:
        raise ValueError(
            "optimizer must have a learning rate of its own. Got one around another, "
            f"{type(optimizer).__name__}. Give the other one (inner_optimizer): networks train in "
            "float32 or float64, where losses need no scale."
        )
    rate = config["learning_rate"]
    return rate if isinstance(rate, float) else None


def has_schedule(optimizer) -> bool:
    """Whether `optimizer` is an instance whose learning rate is a schedule."""
    is_instance = isinstance(optimizer, keras.optimizers.Optimizer)
    return is_instance and constant_learning_rate(optimizer) is None


def default_learning_rate(optimizer) -> float:
    """Return the learning rate of an optimizer of a name or of an instance without schedule."""
    if isinstance(optimizer, str):
        default = signature(class_of(optimizer)).parameters["learning_rate"].default
        return float(np.float32(default))  # as Keras holds it
    return constant_learning_rate(optimizer)


@cache
def class_of(name: str) -> type[keras.optimizers.Optimizer]:
    """Return the class of a name, for which Keras would make an instance: milliseconds in a fit."""
    classes = (value for value in vars(keras.optimizers).values() if isinstance(value, type))
    return next(found for found in classes if found.__name__.lower() == name)


def config_without_rate(optimizer: keras.optimizers.Optimizer) -> dict:
    """Return what tells optimizers apart once a constant learning rate is data."""
    config = optimizer.get_config()
    if isinstance(config["learning_rate"], float):
        del config["learning_rate"]
    return config
