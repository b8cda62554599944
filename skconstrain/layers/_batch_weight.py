"""The weights of the rows of a batch, for layers whose penalties are means over rows.

Keras gives sample weights to losses, not to layers. The caller of a model sets them here: rows that
only fill up a batch have weight zero, and must not count in a penalty.
"""

from contextlib import contextmanager
from contextvars import ContextVar

_WEIGHT = ContextVar("weight of the rows of the batch", default=None)


@contextmanager
def batch_weight(weight):
    """Let :func:`current_batch_weight` return `weight`, of shape (batch,), inside."""
    token = _WEIGHT.set(weight)
    try:
        yield
    finally:
        _WEIGHT.reset(token)


def current_batch_weight():
    """Return the weights of the rows of the batch; None where nobody gave any."""
    return _WEIGHT.get()
