"""Numbers of units, as users give them."""

from collections.abc import Mapping, Set
from numbers import Integral


def layer_sizes(hidden_layer_sizes):
    """Return the numbers of units as a list."""
    if isinstance(hidden_layer_sizes, Integral):
        return [hidden_layer_sizes]
    return list(hidden_layer_sizes)


def checked_sizes(given, name="hidden_layer_sizes"):
    """Return the numbers of units as a tuple of positive integers."""
    sizes = [] if isinstance(given, Mapping | Set | bool) else layer_sizes(given)
    are_sizes = all(
        isinstance(size, Integral) and not isinstance(size, bool) and size > 0 for size in sizes
    )
    if isinstance(given, Mapping | Set | bool) or not are_sizes:
        raise ValueError(f"{name} must be a positive integer, or a list of them. Got {given!r}.")
    return tuple(int(size) for size in sizes)
