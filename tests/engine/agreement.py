"""Fits that must not depend on the backend; as a program, prints what they give as JSON."""

import json
import warnings

import numpy as np

from skconstrain import (
    GatedEnsembleClassifier,
    MultiLabelNetClassifier,
    PositiveRegressor,
    SparseConnectedNet,
    SparseConnectedNetClassifier,
)
from tests.registry import WIRING, positive_regression, two_classes

# Nothing is rounded to single precision in SGD; Keras' Adam does so under TensorFlow.
SGD = {"optimizer": "sgd", "learning_rate": 0.05}
COMMON = {
    "hidden_layer_sizes": (6,),
    "epochs": 6,
    "batch_size": 16,
    "tol": None,
    "dtype": "float64",  # in training as well
    "random_state": 0,
}

OUTPUTS = ["softplus", "exp", "square", "abs", "softabs", "relu", "sigmoid", "tanh"]


def cases():
    """Yield the name of each case, an estimator and its kind."""
    for output in OUTPUTS:
        upper = {"upper": 4.0} if output in ("sigmoid", "tanh") else {}
        yield output, PositiveRegressor(output=output, **upper, **COMMON | SGD)
    for optimizer in ("adam", "rmsprop", "adamw", "nadam", "lion"):
        settings = {"optimizer": optimizer, "learning_rate": 0.001}
        yield optimizer, PositiveRegressor(**settings, **COMMON)
    for loss in ("absolute_error", "huber", "poisson", "gamma", "tweedie"):
        yield loss, PositiveRegressor(loss=loss, alpha=0.1, **COMMON | SGD)
    yield "tanh units", PositiveRegressor(activation="tanh", **COMMON | SGD)
    yield "early stopping", PositiveRegressor(early_stopping=True, **COMMON | SGD)
    for loss in ("log_loss", "focal", "asymmetric"):
        yield loss, MultiLabelNetClassifier(loss=loss, **COMMON | SGD)
    several = {"n_networks": 3, "early_stopping": True, "alpha": 0.1}
    yield "several networks", PositiveRegressor(**several, **COMMON | SGD)
    yield "several classifiers", MultiLabelNetClassifier(**several, **COMMON | SGD)
    for gating in ("soft", "hard", "top_k"):
        options = {"gating": gating, "n_experts": 3, "load_balance": 0.1}
        yield gating, GatedEnsembleClassifier(**options, **COMMON | SGD)
    for kernel in ("dense", "sparse"):
        yield kernel, SparseConnectedNet(WIRING, kernel=kernel, **COMMON | SGD)
    constraint = {"kernel_constraint": "non_neg"}
    yield "non-negative", SparseConnectedNetClassifier(WIRING, **constraint, **COMMON | SGD)


def results():
    """Return loss curve and predictions of each case."""
    found = {}
    for name, estimator in cases():
        is_classifier = hasattr(estimator, "predict_proba")
        X, y = two_classes() if is_classifier else positive_regression()
        weight = np.random.default_rng(0).uniform(0.5, 2, len(X))
        estimator.fit(X, y, sample_weight=weight)
        outputs = estimator.predict_proba(X) if is_classifier else estimator.predict(X)
        validation = estimator.validation_scores_ or []
        found[name] = [*estimator.loss_curve_, *validation, *np.ravel(outputs)]
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps({name: list(map(float, numbers)) for name, numbers in results().items()}))
