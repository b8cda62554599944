"""Losses that a few settings describe."""

import math
from inspect import signature
from numbers import Real
from typing import ClassVar

import keras


class LossOfSettings(keras.losses.Loss):
    """A loss that is rebuilt from its settings, and shows those that are not the defaults.

    Subclasses name them in `_settings`, in the order of their parameters.
    """

    _settings: ClassVar[tuple[str, ...]]

    def get_config(self):
        """Return what rebuilds the loss."""
        return {**super().get_config(), **{name: getattr(self, name) for name in self._settings}}

    def __reduce__(self):
        return type(self).from_config, (self.get_config(),)

    def __repr__(self):
        defaults = signature(type(self)).parameters
        values = {name: getattr(self, name) for name in self._settings}
        changed = (f"{k}={v!r}" for k, v in values.items() if v != defaults[k].default)
        return f"{type(self).__name__}({', '.join(changed)})"


def checked_setting(name: str, value, limit: float = math.inf) -> float:
    """Return a setting as a float; raise ``ValueError`` unless it is at least 0, below `limit`."""
    if not (isinstance(value, Real) and 0 <= value < limit):
        raise ValueError(f"{name} must be a number in [0, {limit:g}). Got {value!r}.")
    return float(value)
