"""Errors of a training name what the user gave, and leave the user's own errors alone."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from sklearn.metrics import mean_squared_error

from skconstrain import GatedEnsembleClassifier, MultiLabelNetClassifier, SparseConnectedNet
from tests.backends import tensorflow_only
from tests.plain import PositiveRegressor
from tests.refusals import refuses
from tests.registry import WIRING, positive_regression, two_classes

FAST = {"epochs": 2, "tol": None, "random_state": 0}


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("activation", np.tanh),
        ("activation", lambda values: np.maximum(values, 0)),
        ("loss", lambda y_true, y_pred: np.mean(np.abs(y_true - y_pred), axis=-1)),
        ("loss", mean_squared_error),
        ("kernel_constraint", np.abs),
    ],
)
def test_functions_of_numpy_are_named(name, function):
    X, y = positive_regression()
    with refuses("functions of keras.ops", f"Got {name}={function.__name__}", "keras.ops"):
        PositiveRegressor((4,), **{name: function}, **FAST).fit(X, y)


def test_functions_of_numpy_are_named_in_other_networks_too():
    X, y = positive_regression()
    with refuses("Got activation=tanh"):
        SparseConnectedNet(WIRING, activation=np.tanh, **FAST).fit(X, y)
    X, y = two_classes()
    with refuses("Got activation=tanh"):
        GatedEnsembleClassifier(activation=np.tanh, **FAST).fit(X, y)


def own_error(*arguments):
    raise TypeError("my own words")


@pytest.mark.parametrize("name", ["activation", "loss"])
def test_errors_of_the_users_own_functions_stay(name):
    X, y = positive_regression()
    with pytest.raises(TypeError, match="my own words"):
        PositiveRegressor((4,), **{name: own_error}, **FAST).fit(X, y)


@pytest.mark.parametrize(
    "layer",
    [keras.layers.PReLU, keras.layers.BatchNormalization, lambda: keras.layers.Dropout(0.1)],
)
@pytest.mark.parametrize("n_networks", [1, 2])
def test_layers_with_weights_are_no_activations(layer, n_networks):
    X, y = positive_regression()
    net = PositiveRegressor((4,), activation=layer(), **FAST).set_params(n_networks=n_networks)
    with refuses("activation must be a function without weights", "Use dropout="):
        net.fit(X, y)
    assert len(net.activation.variables) == len(layer().variables)  # nothing was built


def test_layers_without_weights_are_activations():
    X, y = positive_regression()
    by_layer, by_name = (
        PositiveRegressor((4,), activation=given, **FAST).fit(X, y).predict(X)
        for given in (keras.layers.LeakyReLU(0.2), "leaky_relu")
    )
    np.testing.assert_allclose(by_layer, by_name, rtol=1e-6)


def squared(y_true, y_pred):
    return (y_true - y_pred) ** 2


@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("n_networks", [1, 2])
def test_losses_of_each_output_are_averaged_over_them(n_outputs, n_networks):
    X, y = positive_regression()
    y, weight = np.column_stack([y, 2 * y])[:, :n_outputs], np.linspace(0.1, 1, len(y))
    nets = [
        PositiveRegressor((4,), loss=loss, **FAST).set_params(n_networks=n_networks)
        for loss in (squared, lambda *both: keras.ops.mean(squared(*both), axis=-1))
    ]
    found, expected = (net.fit(X, y.squeeze(), weight).predict(X) for net in nets)
    np.testing.assert_array_equal(found, expected)


class Scalar(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.mean(squared(y_true, y_pred))


@pytest.mark.parametrize(
    ("loss", "shape"),
    [
        (Scalar(name="mine"), "()"),
        (lambda *both: keras.ops.mean(squared(*both)), "()"),
        (lambda *both: keras.ops.mean(squared(*both), axis=0), "(1,)"),
    ],
)
@pytest.mark.parametrize("n_networks", [1, 2])
def test_a_loss_of_one_number_would_drop_the_weights_of_rows(loss, shape, n_networks):
    X, y = positive_regression()
    net = PositiveRegressor((4,), loss=loss, **FAST).set_params(n_networks=n_networks)
    with refuses("must return a number for each row", f"Got shape {shape}", "axis=-1"):
        net.fit(X, y)


def test_a_loss_of_one_number_is_named_by_classifiers_too():
    X, y = two_classes()
    with refuses("loss=mine must return a number for each row"):
        MultiLabelNetClassifier((4,), loss=Scalar(name="mine"), **FAST).fit(X, y)


@pytest.mark.parametrize("rate", [None, 0.01])
def test_an_optimizer_around_another_is_refused(rate):
    X, y = positive_regression()
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam())
    with refuses("learning rate of its own", "Got", "LossScaleOptimizer", "inner_optimizer"):
        PositiveRegressor((4,), optimizer=optimizer, learning_rate=rate, epochs=2).fit(X, y)


@tensorflow_only
@pytest.mark.skipif(not hasattr(keras.optimizers, "Muon"), reason="a Keras without Muon")
def test_an_optimizer_of_single_precision_is_named():
    X, y = positive_regression()
    net = PositiveRegressor((4, 4), optimizer=keras.optimizers.Muon(), **FAST)
    with refuses("one precision", "Got optimizer=Muon", 'Set dtype="float32"'):
        net.fit(X, y)
    assert np.isfinite(net.set_params(dtype="float32").fit(X, y).predict(X)).all()


FIT_WITHOUT = """
import sys
import numpy as np
from skconstrain import PositiveRegressor

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name == "keras":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
try:
    PositiveRegressor().fit(np.ones((5, 2)), np.ones(5))
except ModuleNotFoundError as error:
    print(error)
"""


def test_where_keras_is_not_installed_a_fit_says_what_to_install():
    done = subprocess.run(
        [sys.executable, "-c", FIT_WITHOUT], capture_output=True, text=True, check=True
    )
    assert "Fitting needs keras, unlike predictions" in done.stdout
    assert "pip install keras" in done.stdout
