"""Models whose float64 is float64 wherever they are called."""

from functools import wraps

import keras

from skconstrain._engine import precision

_CALLS = (
    "__call__",
    "evaluate",
    "fit",
    "load_weights",
    "predict",
    "predict_on_batch",
    "set_weights",
    "test_on_batch",
    "train_on_batch",
)


def with_own_precision(model: keras.Model) -> keras.Model:
    """Let `model` compute in its own precision whenever it is called.

    Keras under JAX turns float64 into float32 where JAX's global switch is off, as it is by default
    and stays. The model is saved as the plain Keras model that it is.
    """
    if keras.backend.backend() != "tensorflow" and model.inputs[0].dtype == "float64":
        model.__class__ = _wide(type(model))
    return model


def _wide(kind):
    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    return type(kind.__name__, (kind,), {**names, **{name: _inside(kind, name) for name in _CALLS}})


def _inside(kind, name):
    method = getattr(kind, name)

    @wraps(method)
    def wide(*args, **kwargs):
        with precision():
            return method(*args, **kwargs)

    return wide
