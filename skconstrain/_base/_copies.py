"""How network estimators are cloned, pickled and looked at."""

from sklearn.base import BaseEstimator

# Objects of Keras that clones share instead of copying: fitting never changes them, and Keras'
# own copies go through a configuration that may leave something out (the delta of Huber).
_SHARED = ("loss", "optimizer", "kernel_constraint", "activation")


class CopiedNet(BaseEstimator):
    """Clone, pickle and list an estimator whose parameters may be objects of Keras."""

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

    def __dir__(self):
        # scikit-learn looks at every name, as notebooks and debuggers do: none builds a model so.
        hidden = set() if "_model" in vars(self) else {"model_"}
        names = (name for name in object.__dir__(self) if name not in hidden)
        return [name for name in names if hasattr(self, name)]

    def __getstate__(self):
        state = dict(super().__getstate__())
        state.pop("_model", None)  # rebuilt from the specification and the weights
        for name in ("oof_prediction_", "_oof_folds"):  # as long as the training data
            state.pop(name, None)
        loss = state.get("loss")
        if hasattr(loss, "get_config") and not isinstance(loss, type):
            state["loss"] = _PlainLoss(loss)
        return state

    def __setstate__(self, state):
        if isinstance(state.get("loss"), _PlainLoss):
            state = {**state, "loss": state["loss"].restore()}
        super().__setstate__(state)


class _PlainLoss:
    """A Keras loss by its class and attributes: Keras' own pickles lose the delta of Huber."""

    def __init__(self, loss):
        self._type, self._attributes = type(loss), dict(vars(loss))

    def restore(self):
        loss = self._type.__new__(self._type)
        vars(loss).update(self._attributes)
        return loss
