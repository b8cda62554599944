"""The wrapper: Keras is left as it was, and models are built through scikeras."""

import subprocess
import sys

import keras
import numpy as np

from skconstrain import PositiveRegressor
from skconstrain._engine import precision
from skconstrain._keras_wrapper import NetWrapper
from skconstrain._networks import build_fitted
from tests.registry import positive_regression

SCRIPT = """
import keras
owners = [keras.Model, keras.losses.Loss, keras.metrics.Metric, keras.optimizers.Optimizer]
before = [dict(vars(owner)) for owner in owners]
import skconstrain._keras_wrapper
print([dict(vars(owner)) for owner in owners] == before)
"""


def test_keras_is_left_as_it_was():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "True"


def test_scikeras_compiles_classes_with_routed_parameters():
    X, y = positive_regression()
    fitted = PositiveRegressor((3,), epochs=1).fit(X, y)
    wrapper = NetWrapper(
        fitted._network, loss=keras.losses.MeanSquaredError(), optimizer=keras.optimizers.SGD
    )
    result = wrapper.train(
        X,
        y[:, None],
        np.ones(len(X)),
        start=fitted._weights,
        rng=np.random.default_rng(0),
        epochs=2,
        batch_size=20,
        alpha=0.0,
        stopping=_never(),
    )
    assert len(result.losses) == 2
    assert isinstance(wrapper.model_.optimizer, keras.optimizers.SGD)
    assert wrapper.history_["loss"] == result.losses


def _never():
    from skconstrain._engine import Stopping

    return Stopping(1, None)


def test_models_hold_the_fitted_weights():
    X, y = positive_regression()
    fitted = PositiveRegressor((3, 2), dropout=0.2, epochs=2).fit(X, y)
    model = build_fitted(fitted._network, fitted._weights)
    with precision():
        outputs = np.asarray(model(X))
    np.testing.assert_allclose(outputs[:, 0], fitted.predict(X), rtol=1e-12)
