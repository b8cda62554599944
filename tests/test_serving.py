"""Fitted estimators predict where Keras and its backends cannot be imported."""

import inspect
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skconstrain import (
    GatedEnsembleClassifier,
    MultiLabelNetClassifier,
    PositiveRegressor,
    TunedThresholdMultiLabelClassifierCV,
    losses,
)
from tests.registry import ROWS, positive_regression, two_classes

FAST = {"hidden_layer_sizes": (8,), "epochs": 3, "random_state": 0}
METHODS = (
    "predict",
    "predict_proba",
    "predict_quantiles",
    "decision_function",
    "gate_proba",
    "expert_predict_proba",
    "activations",
)

# What a process for serving does not have.
SERVE = """
import inspect, pickle, sys

absent = ("iterstrat", "jax", "keras", "rich", "scikeras", "tensorflow")
sys.modules |= dict.fromkeys(absent)  # none of them can be imported
found = {}
for name, (estimator, X, methods) in pickle.load(sys.stdin.buffer).items():
    model = pickle.loads(estimator)
    found[name] = {method: getattr(model, method)(X) for method in methods}
    # What notebooks, debuggers and completion look at.
    repr(model), model._repr_html_(), inspect.getmembers(model)
    pickle.dumps(model)
sys.stdout.buffer.write(pickle.dumps(found))
"""


def serve(estimators):
    """Return what a process without Keras predicts, by estimator and method."""
    task = {
        name: (pickle.dumps(model), X, [m for m in METHODS if hasattr(model, m)])
        for name, (model, X) in estimators.items()
    }
    done = subprocess.run(
        [sys.executable, "-c", SERVE], input=pickle.dumps(task), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return pickle.loads(done.stdout)


def assert_served(estimators):
    for name, outputs in serve(estimators).items():
        model, X = estimators[name]
        assert "predict" in outputs
        for method, found in outputs.items():
            np.testing.assert_array_equal(found, getattr(model, method)(X), f"{name}.{method}")


def test_every_estimator_is_served_and_looked_at():
    estimators = {}
    for row in ROWS:
        X, y = row.data(0)
        estimators[row.name] = row.make().fit(X, y), X
    assert_served(estimators)


def test_pipelines_searches_and_experts_of_scikit_learn_are_served():
    X, y = positive_regression()
    X_of_classes, c = two_classes()
    labels = np.column_stack([c, 1 - c, c])
    experts = [("linear", LogisticRegression()), ("bayes", GaussianNB())]
    search = GridSearchCV(PositiveRegressor(**FAST), {"alpha": [0, 1e-3]}, cv=2)
    tuned = TunedThresholdMultiLabelClassifierCV(MultiLabelNetClassifier(**FAST), cv=2)
    gate = GatedEnsembleClassifier(experts, gating="top_k", epochs=3, random_state=0)
    assert_served(
        {
            "pipeline": (make_pipeline(StandardScaler(), PositiveRegressor(**FAST)).fit(X, y), X),
            "search": (search.fit(X, y), X),
            "tuned": (tuned.fit(X_of_classes, labels), X_of_classes),
            "gate": (gate.fit(X_of_classes, c), X_of_classes),
        }
    )


def test_looking_at_an_estimator_builds_no_model():
    X, y = positive_regression()
    net = pickle.loads(pickle.dumps(PositiveRegressor(**FAST).fit(X, y)))
    net._repr_html_()
    assert "model_" not in dict(inspect.getmembers(net))
    assert "_model" not in vars(net)
    assert net.model_ is dict(inspect.getmembers(net))["model_"]


class OwnLoss(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)


@pytest.mark.parametrize(
    "params",
    [
        {"loss": keras.losses.Huber(0.3)},
        {"loss": losses.TweedieDeviance(power=1.2)},
        {"loss": OwnLoss()},
        {"optimizer": keras.optimizers.SGD(0.01, momentum=0.5)},
    ],
    ids=["a loss of Keras", "a loss of ours", "a loss of the user's", "an optimizer"],
)
def test_objects_of_training_are_pickled_with_all_that_they_hold(params):
    X, y = positive_regression()
    model = PositiveRegressor(**{**FAST, **params}, standardize=False).fit(X, y)
    copy = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(model))))
    ((name, given),) = params.items()
    found = getattr(copy, name)
    assert type(found) is type(given)
    assert found.get_config() == given.get_config()
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    np.testing.assert_array_equal(copy.fit(X, y).predict(X), model.predict(X))
