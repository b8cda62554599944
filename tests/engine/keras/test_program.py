"""Training by Keras' own loop gives what compiled programs give, on any backend."""

import importlib.util
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from skconstrain import PositiveRegressor, _engine
from skconstrain._engine import _keras, _lending
from tests.backends import tensorflow_only
from tests.chunks import chunks_of
from tests.engine import agreement
from tests.registry import positive_regression

# The program has no code of a backend, and no switch for JAX's double precision.
pytestmark = tensorflow_only


@pytest.fixture(scope="module")
def compiled():
    return agreement.results()


@pytest.fixture
def kerass_own_loop(monkeypatch):
    monkeypatch.setattr(_lending, "BACKEND", _keras.BACKEND)
    _engine.clear_compile_cache()
    yield
    _engine.clear_compile_cache()


def assert_same(found, compiled, tolerances):
    assert found.keys() == compiled.keys()
    for name, numbers in found.items():
        rtol = tolerances.get(name, 1e-12)
        np.testing.assert_allclose(numbers, compiled[name], rtol=rtol, err_msg=name)


@pytest.mark.slow
def test_results_are_those_of_compiled_programs(compiled, kerass_own_loop):
    assert_same(agreement.results(), compiled, {})


def results_of_several_fits():
    """Train in parts, with callbacks and chunks: what a program must carry from call to call."""
    X, y = positive_regression()
    # Batches are full: what dropout draws depends on their length.
    settings = {"batch_size": 20, "epochs": 3, "random_state": 0, "dropout": 0.2}
    settings["dtype"] = "float64"  # in training as well
    found = []
    parts = PositiveRegressor((4,), **settings)
    for _ in range(3):
        found += list(parts.partial_fit(X, y).predict(X))
    warm = PositiveRegressor((4,), warm_start=True, **settings)
    warm.fit(X, y).set_params(learning_rate=0.1)
    found += list(warm.fit(X, y).predict(X))
    seen = []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda _, logs: seen.append(logs["loss"])
    )
    settings["dropout"] = 0.0
    found += list(PositiveRegressor((4,), callbacks=watch, **settings).fit(X, y).predict(X))
    with chunks_of(1200):
        found += list(PositiveRegressor((4,), **settings).fit(X, y).predict(X))
    return [*found, *seen]


@pytest.mark.slow
def test_training_goes_on_where_it_stopped(monkeypatch):
    expected = results_of_several_fits()
    monkeypatch.setattr(_lending, "BACKEND", _keras.BACKEND)
    _engine.clear_compile_cache()
    found = results_of_several_fits()
    _engine.clear_compile_cache()
    # Keras' Adam rounds its constants to single precision; TensorFlow's kernel does it elsewhere.
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_torch_gives_the_same_results(compiled):
    done = run_under_torch("-m", "tests.engine.agreement")
    # Adam and its kin: see test_backends.py. Keras' segment sums under torch are in float32.
    tolerances = dict.fromkeys(("adam", "adamw", "nadam", "sparse"), 1e-6)
    assert_same(json.loads(done.stdout.splitlines()[-1]), compiled, tolerances)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_one_warning_says_what_trains():
    script = (
        "from skconstrain import PositiveRegressor\n"
        "X = [[0.0], [1.0], [2.0]]\n"
        "for _ in range(2): PositiveRegressor(epochs=1, tol=None).fit(X, [1, 2, 3]).predict(X)\n"
    )
    done = run_under_torch("-W", "always", "-c", script)
    assert done.stderr.count("train in Keras' own loop") == 1
    assert "'tensorflow' and 'jax'" in done.stderr


def run_under_torch(*arguments):
    environment = {**os.environ, "KERAS_BACKEND": "torch", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True)


def test_the_warning_names_backend_and_remedy():
    with pytest.warns(UserWarning, match="'openvino' has no compiled program.*KERAS_BACKEND"):
        _keras.warn_of_slow_backend("openvino")
