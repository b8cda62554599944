"""Classes of this package under the names, and with the parameters, of scikit-learn's."""

import keras
import numpy as np

import skconstrain

# How many epochs stand for "any number" in a test.
_MANY = 10**9

# Networks start at random, where what they stand for does not: tests fit twice and compare. With
# random_state=0, weights change probabilities in test_stacking_with_sample_weight, but no class.
_REPEATABLE = {"random_state": 1}


class NoCounterpart(TypeError):
    """A parameter of scikit-learn that the class of this package does not have."""


class Renamed:
    """Take scikit-learn's names of parameters and attributes beside our own.

    Subclasses name `ours`, the class that does the work; `positional`, the parameters that may be
    given without a name; `defaults` where scikit-learn's differ; `renamed`, a dict of their names
    to ours; `dropped`, parameters that have no meaning for `ours`; and `defaults_only`, parameters
    that `ours` may lack, with the value that says the same.
    """

    positional: tuple = ()
    defaults: dict = {}
    renamed: dict = {}
    dropped: frozenset = frozenset()
    defaults_only: dict = {}

    def __init__(self, *args, **params):
        params = {**dict(zip(self.positional, args, strict=False)), **params}
        self.ours.__init__(self, **{**self.defaults, **self._translate(params)})

    @classmethod
    def _get_param_names(cls):
        return cls.ours._get_param_names()

    def set_params(self, **params):
        return super().set_params(**self._translate(params))

    def __getattr__(self, name):
        if name in type(self).renamed:
            return getattr(self, type(self).renamed[name])
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _translate(self, params):
        """Return parameters of `ours`."""
        params = {name: value for name, value in params.items() if name not in self.dropped}
        for name, only in self.defaults_only.items():
            if name in params and name not in self._get_param_names() and params.pop(name) != only:
                raise NoCounterpart(f"no parameter for {name} other than {only}")
        return {self.renamed.get(name, name): value for name, value in params.items()}


class _Perceptron(Renamed):
    renamed = {"max_iter": "epochs", "learning_rate_init": "learning_rate"}
    # Settings of solvers that these tests leave at what Keras has, or that stop L-BFGS.
    dropped = frozenset({"beta_1", "beta_2", "epsilon", "max_fun", "power_t"})
    defaults_only = {"shuffle": True}
    # Perceptrons here are networks without connections of their own.
    defaults = {
        "hidden_layer_sizes": (100,),
        "activation": "relu",
        "standardize": False,
        "learning_rate": 0.001,
        "learning_rate_schedule": "constant",
        "epochs": 200,
        "early_stopping": False,
        "n_iter_no_change": 10,
        "tol": 1e-4,
        **_REPEATABLE,
    }

    def _translate(self, params):
        params = dict(params)
        # A schedule there, a number here.
        schedule = params.get("learning_rate")
        if isinstance(schedule, str) and params.pop("learning_rate") != "constant":
            raise NoCounterpart(f"no parameter for learning_rate={schedule!r}")
        if params.get("n_iter_no_change") == np.inf:
            params["n_iter_no_change"] = _MANY
        momentum = float(params.pop("momentum", 0.9))
        nesterov = params.pop("nesterovs_momentum", True) and momentum > 0
        if "learning_rate_init" in params:
            params["learning_rate_init"] = float(params["learning_rate_init"])
        solver = params.pop("solver", None)
        if solver == "sgd":
            rate = params.pop("learning_rate_init", 0.001)
            params["optimizer"] = keras.optimizers.SGD(rate, momentum, nesterov)
        elif solver == "lbfgs":  # the nearest there is
            params |= {"optimizer": "adam", "learning_rate_init": 0.01}
        return super()._translate(params)


class MLPClassifier(_Perceptron, skconstrain.SparseConnectedNetClassifier):
    """Perceptron for classes or labels that shows its weights."""

    ours = skconstrain.SparseConnectedNetClassifier
    positional = ("hidden_layer_sizes", "activation")


class MLPRegressor(_Perceptron, skconstrain.SparseConnectedNet):
    """Perceptron without a range: its targets are negative in half of the tests."""

    ours = skconstrain.SparseConnectedNet
    positional = ("loss", "hidden_layer_sizes", "activation")


class TunedThresholdClassifierCV(Renamed, skconstrain.TunedThresholdMultiLabelClassifierCV):
    """Threshold of one binary target."""

    ours = skconstrain.TunedThresholdMultiLabelClassifierCV
    positional = ("estimator",)
    defaults = {"scoring": "balanced_accuracy"}
    renamed = {"thresholds": "max_cut_offs"}

    def _translate(self, params):
        params = dict(params)
        if not np.isscalar(params.get("thresholds", 0)):
            raise NoCounterpart("no parameter for a list of thresholds")
        if "store_cv_results" not in self._get_param_names():
            params.pop("store_cv_results", None)
        return super()._translate(params)

    @property
    def best_threshold_(self):
        """Threshold of the only label."""
        return self.thresholds_[0]


class StackingClassifier(Renamed, skconstrain.GatedEnsembleClassifier):
    """A gate where scikit-learn has a final estimator."""

    ours = skconstrain.GatedEnsembleClassifier
    positional = ("estimators", "final_estimator")
    defaults = _REPEATABLE
    dropped = frozenset({"final_estimator"})
    defaults_only = {"passthrough": False}


class _OneNetwork(Renamed):
    """One network for all labels, whichever classifier of one label was given."""

    ours = skconstrain.MultiLabelNetClassifier
    positional = ("estimator",)
    defaults = _REPEATABLE
    dropped = frozenset({"estimator", "n_jobs", "order", "cv", "chain_method", "verbose"})


class MultiOutputClassifier(_OneNetwork, skconstrain.MultiLabelNetClassifier):
    """One network for all labels."""


class ClassifierChain(_OneNetwork, skconstrain.MultiLabelNetClassifier):
    """One network for all labels, without an order."""
