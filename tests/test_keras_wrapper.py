"""The wrapper: Keras is left as it was; models and callbacks are built through scikeras."""

import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest

from skconstrain import PositiveRegressor, clear_compile_cache
from skconstrain._base._runs import run_program
from skconstrain._engine import TrainingRun, precision
from skconstrain._keras_wrapper import NetWrapper
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
        fitted._fitted.network, loss=keras.losses.MeanSquaredError(), optimizer=keras.optimizers.SGD
    )
    model = wrapper.build()
    assert model.compiled
    assert isinstance(model.optimizer, keras.optimizers.SGD)
    run = TrainingRun(
        X=X,
        y=y[:, None],
        weight=np.ones(len(X)),
        start=fitted._fitted.weights,
        rng=np.random.default_rng(0),
        epochs=2,
        batch_size=20,
    )
    result = run_program(wrapper, run)
    assert len(result.losses) == 2
    again = run_program(wrapper, replace(run, rng=np.random.default_rng(0)))
    assert again.losses == result.losses


def test_an_optimizer_instance_is_copied():
    X, y = positive_regression()
    fitted = PositiveRegressor((3,), epochs=1).fit(X, y)
    given = keras.optimizers.SGD(0.25)
    wrapper = NetWrapper(
        fitted._fitted.network, loss=keras.losses.MeanSquaredError(), optimizer=given
    )
    compiled = wrapper.build().optimizer
    assert compiled is not given
    assert float(compiled.learning_rate) == 0.25
    assert not given.built


def test_callbacks_are_instances_in_one_list():
    X, y = positive_regression()
    network = PositiveRegressor((3,), epochs=1).fit(X, y)._fitted.network
    given = keras.callbacks.TerminateOnNaN()
    wrapper = NetWrapper(network, callbacks=[[given], keras.callbacks.Callback])
    first, second = wrapper.build_callbacks()
    assert first is given
    assert isinstance(second, keras.callbacks.Callback)
    assert NetWrapper(network).build_callbacks() == []
    with pytest.raises(TypeError, match="callbacks"):
        NetWrapper(network, callbacks=["none"]).build_callbacks()


def test_models_hold_the_fitted_weights():
    X, y = positive_regression()
    fitted = PositiveRegressor((3, 2), dropout=0.2, epochs=2).fit(X, y)
    model = fitted._fitted.model()
    with precision():
        outputs = np.asarray(model(X))
    np.testing.assert_allclose(outputs[:, 0], fitted.predict(X), rtol=1e-12)


def test_a_global_policy_of_keras_changes_no_result():
    X, y = positive_regression()
    net = PositiveRegressor((8,), epochs=5, dtype="float32", random_state=0)
    expected = net.fit(X, y).predict(X)
    before = keras.config.dtype_policy()
    try:
        for policy in ("mixed_float16", "float64"):
            keras.config.set_dtype_policy(policy)
            clear_compile_cache()  # programs that were compiled before know nothing of it
            np.testing.assert_array_equal(net.fit(X, y).predict(X), expected)
            of_keras = np.asarray(net.model_(X.astype(np.float32)))[:, 0]
            np.testing.assert_allclose(of_keras, expected, rtol=1e-5)
    finally:
        keras.config.set_dtype_policy(before)
        clear_compile_cache()
