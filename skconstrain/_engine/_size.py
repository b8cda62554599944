"""How large a model is, and what of it is one vector."""

import keras
import numpy as np

# Optimizers that treat every number by itself: on one flat vector they do the same arithmetic in a
# tenth of the operations, which is most of the time of a small step.
_ELEMENTWISE = (
    "SGD",
    "Adam",
    "AdamW",
    "RMSprop",
    "Adagrad",
    "Adadelta",
    "Adamax",
    "Nadam",
    "Ftrl",
    "Lion",
)


def is_elementwise(optimizer: keras.optimizers.Optimizer) -> bool:
    """Whether `optimizer` gives the same result on concatenated parameters."""
    known = any(type(optimizer) is getattr(keras.optimizers, name) for name in _ELEMENTWISE)
    return known and optimizer.clipnorm is None


def widest(model: keras.Model) -> int:
    """Return the number of values a row has in the widest layer of `model`."""
    return max(int(np.prod(layer.output.shape[1:])) for layer in model.layers)
