"""Fitted estimators predict where Keras and its backends cannot be imported."""

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
import pickle, sys

ABSENT = {"iterstrat", "jax", "keras", "rich", "scikeras", "tensorflow"}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.meta_path.insert(0, Absent())
found = {}
for name, (estimator, X, methods) in pickle.load(sys.stdin.buffer).items():
    model = pickle.loads(estimator)
    found[name] = {method: getattr(model, method)(X) for method in methods}
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


def test_every_estimator_is_served():
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


@pytest.mark.parametrize(
    "params",
    [
        {"loss": keras.losses.Huber(0.3)},
        {"loss": losses.TweedieDeviance(power=1.2)},
        {"optimizer": keras.optimizers.SGD(0.01, momentum=0.5)},
    ],
    ids=["a loss of Keras", "a loss of ours", "an optimizer"],
)
def test_objects_of_training_wait_until_they_are_asked_for(params):
    X, y = positive_regression()
    model = PositiveRegressor(**{**FAST, **params}, standardize=False).fit(X, y)
    assert_served({"model": (model, X)})
    copy = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(model))))
    name = next(iter(params))
    assert name not in vars(copy)
    assert name in copy.get_params()
    assert getattr(copy, name) is getattr(copy, name)
    assert vars(copy)[name].get_config() == params[name].get_config()
    copy.set_params(**{name: PositiveRegressor().get_params()[name]})
    assert getattr(pickle.loads(pickle.dumps(copy)), name) == getattr(copy, name)
    plain = PositiveRegressor(**FAST, standardize=False).fit(X, y)
    np.testing.assert_array_equal(copy.fit(X, y).predict(X), plain.predict(X))


class OwnLoss(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)


def test_objects_of_a_users_own_class_are_pickled_as_they_are():
    X, y = positive_regression()
    model = PositiveRegressor(loss=OwnLoss(), **FAST).fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    assert isinstance(vars(copy)["loss"], OwnLoss)  # joblib may pickle its class by value


def test_errors_of_attributes_that_are_not_there_are_their_own():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = PositiveRegressor().nothing
    model = GatedEnsembleClassifier([("linear", LogisticRegression())])
    with pytest.raises(AttributeError, match="partial_fit"):
        _ = model.partial_fit
