"""TensorFlow's program and JAX's give the same results; JAX's compiles once and changes nothing."""

import importlib.util
import json
import os
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest

from skconstrain import PositiveRegressor, _engine
from skconstrain._engine import _lending
from tests.backends import BACKEND, jax_only
from tests.engine import agreement
from tests.registry import positive_regression

OTHER = {"tensorflow": "jax", "jax": "tensorflow"}
needs_both = pytest.mark.skipif(
    BACKEND not in OTHER or importlib.util.find_spec("jax") is None,
    reason="needs TensorFlow and JAX",
)


def run_under_the_other(*arguments):
    """Return what a script prints as JSON, run under the other backend."""
    environment = {"KERAS_BACKEND": OTHER[BACKEND], "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@needs_both
def test_training_does_not_depend_on_the_backend():
    theirs, ours = run_under_the_other("-m", "tests.engine.agreement"), agreement.results()
    assert theirs.keys() == ours.keys()
    for name, numbers in ours.items():
        # Under TensorFlow, Keras' Adam and its kin round their constants to single precision.
        rtol = 1e-6 if name in ("adam", "adamw", "nadam") else 1e-12
        np.testing.assert_allclose(numbers, theirs[name], rtol=rtol, err_msg=name)


@pytest.mark.slow
@needs_both
def test_a_pickle_predicts_and_goes_on_under_the_other_backend(tmp_path):
    X, y = positive_regression()
    settings = {"optimizer": "sgd", "batch_size": 16, "dtype": "float64"}  # in training as well
    net = PositiveRegressor((5,), epochs=3, random_state=0, **settings)
    net.partial_fit(X, y)
    (tmp_path / "net.pickle").write_bytes(pickle.dumps(net))
    script = (
        "import json, pickle, sys\n"
        "from tests.registry import positive_regression\n"
        "X, y = positive_regression()\n"
        "net = pickle.load(open(sys.argv[1], 'rb'))\n"
        "numbers = [*net.predict(X), *net.partial_fit(X, y).predict(X)]\n"
        "print(json.dumps([float(number) for number in numbers]))\n"
    )
    theirs = run_under_the_other("-c", script, str(tmp_path / "net.pickle"))
    expected = [*net.predict(X), *net.partial_fit(X, y).predict(X)]
    np.testing.assert_allclose(theirs, expected, rtol=1e-12)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="JAX is the backend")
def test_nothing_of_jax_is_imported_unless_chosen():
    script = (
        "import sys, keras, tensorflow.lite  # which imports JAX where it is installed\n"
        "before = 'jax' in sys.modules\n"
        "import skconstrain._keras_wrapper\n"
        "ours = [m for m in sys.modules if m.startswith('skconstrain') and 'jax' in m]\n"
        "print(('jax' in sys.modules) == before, ours)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "True []"


@jax_only
def test_a_program_is_compiled_once_for_all_fits():
    from skconstrain._engine._program import Program

    X, y = positive_regression()
    _engine.clear_compile_cache()
    for seed in range(3):
        settings = {"n_networks": 1, "epochs": 3, "batch_size": 16, "alpha": seed}
        settings["activation"] = keras.activations.relu  # a function, so that Keras predicts
        first = PositiveRegressor((5,), learning_rate=0.1 / (1 + seed), **settings)
        first.fit(X[:59], y[:59]).predict(X)
        PositiveRegressor((5,), **settings).fit(X[:57], y[:57], X_val=X, y_val=y).predict(X[:50])
    programs = [entry.program for entry in _lending._CACHE._entries.values()]
    training = [p for p in programs if isinstance(p, Program)]
    assert [program._run._cache_size() for program in training] == [1]
    assert [program._evaluate._cache_size() for program in training] == [1]
    assert [p._forward._cache_size() for p in programs if p not in training] == [1]


@jax_only
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_number_has_the_precision_of_the_network(dtype, monkeypatch):
    import jax

    from skconstrain._engine._jax._program import JaxProgram

    seen = []
    original = JaxProgram._epoch

    def spy(self, *args):
        seen.append(str(jax.make_jaxpr(lambda *args: original(self, *args))(*args)))
        return original(self, *args)

    monkeypatch.setattr(JaxProgram, "_epoch", spy)
    _engine.clear_compile_cache()
    X, y = positive_regression()
    settings = {"activation": "tanh", "dropout": 0.3, "dtype": dtype, "epochs": 1}
    PositiveRegressor((7,), batch_size=16, **settings).fit(X, y)
    # All arrays of rows or weights; scalars may be the learning rate, or the sums of losses.
    other = {"float32": "f64[16", "float64": "f32[16"}[dtype]
    assert len(seen) == 1
    assert other not in seen[0]
    assert {"float32": "f32[5,7]", "float64": "f64[5,7]"}[dtype] in seen[0]


@jax_only
def test_float64_is_ours_alone():
    import jax
    import keras

    X, y = positive_regression()
    PositiveRegressor((5,), epochs=1).fit(X, y).predict(X)
    assert not jax.config.jax_enable_x64
    assert jax.numpy.ones(2).dtype == np.float32
    assert keras.backend.result_type("float64", float) == "float32"  # Keras' own rule
    with _engine.precision():
        assert keras.backend.result_type("float64", float) == "float64"
        assert keras.backend.result_type("float32", float) == "float32"
        assert jax.numpy.ones(2).dtype == np.float64


@jax_only
def test_the_model_of_an_estimator_keeps_its_precision_and_is_keras_own(tmp_path):
    import keras

    X, y = positive_regression()
    net = PositiveRegressor((5,), epochs=3, random_state=0).fit(X, y)
    outputs = np.asarray(net.model_(X))
    assert outputs.dtype == np.float64
    np.testing.assert_allclose(outputs[:, 0], net.predict(X), rtol=1e-12)
    net.model_.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    assert type(again) is type(keras.Model(again.inputs, again.outputs))
    np.testing.assert_allclose(np.asarray(again(X))[:, 0], net.predict(X), rtol=1e-5)


@jax_only
def test_settings_of_jax_stay_as_they_are():
    import jax

    before = dict(jax.config.values)
    X, y = positive_regression()
    PositiveRegressor((5,), epochs=1, random_state=0).fit(X, y).model_.predict(X, verbose=0)
    assert dict(jax.config.values) == before
