"""How network estimators are cloned and pickled."""

import io
import pickle
import sys

from sklearn.base import BaseEstimator

# Objects of Keras that clones share instead of copying: fitting never changes them, and Keras'
# own copies go through a configuration that may leave something out (the delta of Huber).
_SHARED = ("loss", "optimizer", "kernel_constraint", "activation")

# Objects of Keras that only training needs: unpickled when they are asked for.
_FOR_TRAINING = ("loss", "optimizer")

# What `_bytes_of` pickles by name. Tools like joblib pickle a user's own classes by value.
_LIBRARIES = {"jax", "keras", "numpy", "skconstrain", "tensorflow", *sys.stdlib_module_names}


class CopiedNet(BaseEstimator):
    """Clone and pickle an estimator whose parameters may be objects of Keras."""

    def __sklearn_clone__(self):
        return self._cloned()

    def _cloned(self, *shared):
        """Return a clone that shares these parameters, and all objects of Keras."""
        params = self.get_params(deep=False)
        of_keras = (name for name in _SHARED if hasattr(params.get(name), "get_config"))
        shared = {name: params[name] for name in {*shared, *of_keras}}
        stand_in = type(self)(**{**params, **dict.fromkeys(shared)})
        for name in ("_metadata_request", "_sklearn_output_config", "_skl_callbacks"):
            if name in self.__dict__:
                setattr(stand_in, name, self.__dict__[name])
        return super(CopiedNet, stand_in).__sklearn_clone__().set_params(**shared)

    def __getstate__(self):
        state = dict(super().__getstate__())
        state.pop("_model", None)  # rebuilt from the specification and the weights
        for name in ("oof_prediction_", "_oof_folds"):  # as long as the training data
            state.pop(name, None)
        state = {**state.pop("_for_training", {}), **state}
        for name in _FOR_TRAINING:
            value = state.get(name)
            if hasattr(value, "get_config") and not isinstance(value, type):
                value = _PlainLoss(value) if name == "loss" else value
                packed = _bytes_of(value)
                state[name] = value if packed is None else _Pickled(packed)
        return state

    def __setstate__(self, state):
        if isinstance(state.get("loss"), _PlainLoss):
            state = {**state, "loss": state["loss"].restore()}
        later = {name: value for name, value in state.items() if isinstance(value, _Pickled)}
        state = {name: value for name, value in state.items() if name not in later}
        super().__setstate__({**state, "_for_training": later} if later else state)

    def __getattr__(self, name):
        later = self.__dict__.get("_for_training", {})
        if name not in later:
            return self.__getattribute__(name)  # raises the error again
        return self.__dict__.setdefault(name, later[name].restore())


class _Pickled:
    """An object of Keras as bytes, so that what holds it is unpickled without Keras."""

    def __init__(self, data: bytes):
        self._data = data

    def restore(self):
        value = pickle.loads(self._data)
        return value.restore() if isinstance(value, _PlainLoss) else value


class _PicklerOfLibraries(pickle.Pickler):
    """A pickler that refuses classes and functions which are no library's."""

    def reducer_override(self, obj):
        if isinstance(obj, type) or (callable(obj) and hasattr(obj, "__qualname__")):
            module = getattr(obj, "__module__", None) or "builtins"
            if module.partition(".")[0] not in _LIBRARIES:
                raise pickle.PicklingError(f"{obj!r} is no library's.")
        return NotImplemented


def _bytes_of(value):
    """Pickle an object that is made of libraries' objects alone; None for another one."""
    buffer = io.BytesIO()
    try:
        _PicklerOfLibraries(buffer).dump(value)
    except (pickle.PicklingError, AttributeError, TypeError):  # what picklers raise
        return None
    return buffer.getvalue()


class _PlainLoss:
    """A Keras loss by its class and attributes: Keras' own pickles lose the delta of Huber."""

    def __init__(self, loss):
        self._type, self._attributes = type(loss), dict(vars(loss))

    def restore(self):
        loss = self._type.__new__(self._type)
        vars(loss).update(self._attributes)
        return loss
