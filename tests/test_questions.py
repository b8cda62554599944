"""The founding questions' literal cases, solved by an estimator and by public layers in Keras."""

import keras
import numpy as np
import pytest

from skconstrain import PositiveRegressor
from skconstrain._links import LINKS
from skconstrain.layers import BoundedOutput


def positive_case():
    """52 features; a target that a plain network's tanh output cannot keep positive."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(520, 52))
    y = np.abs(X[:, 0] + 0.5 * X[:, 1]) * 0.4
    return X, y


@pytest.mark.parametrize("output", sorted(LINKS))
def test_question_2_by_the_estimator(output):
    X, y = positive_case()
    two_sided = LINKS[output].two_sided
    model = PositiveRegressor(
        (100, 40),
        output=output,
        upper=3.0 if two_sided else None,
        loss="absolute_error",
        optimizer="sgd",
        learning_rate=0.1,
        epochs=200,
        batch_size=52,
        random_state=0,
    ).fit(X, y)
    assert (model.predict(100 * X) >= 0).all()
    median_error = np.abs(y - np.median(y)).mean()
    assert np.abs(model.predict(X) - y).mean() < 0.8 * median_error


@pytest.mark.parametrize("output", sorted(LINKS))
def test_question_2_by_the_layer_in_a_plain_keras_model(output):
    X, y = positive_case()
    keras.utils.set_random_seed(0)
    two_sided = LINKS[output].two_sided
    model = keras.Sequential(
        [
            keras.Input((52,)),
            keras.layers.Dense(100, activation="relu"),
            keras.layers.Dense(40, activation="softmax"),
            # An output above 0 from the start, where abs and square have a gradient.
            keras.layers.Dense(1, bias_initializer="zeros" if two_sided else "ones"),
            BoundedOutput(output, upper=3.0 if two_sided else None),
        ]
    )
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mean_absolute_error")
    first = model.evaluate(X, y, verbose=0)
    model.fit(X, y, epochs=25, batch_size=52, verbose=0)
    assert model.evaluate(X, y, verbose=0) < first
    assert (model.predict(100 * X, verbose=0) >= 0).all()


def test_question_2_by_a_constraint_on_weights():
    X, y = positive_case()
    model = PositiveRegressor((20,), kernel_constraint="non_neg", epochs=5, random_state=0).fit(
        X, y
    )
    assert all((array >= 0).all() for array in model._weights if array.ndim == 2)
