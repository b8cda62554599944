"""JAX trains where TensorFlow is not installed and nobody has named a backend."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest

from skconstrain import _keras_backend

WITHOUT_TENSORFLOW = """
import sys

sys.modules["tensorflow"] = None  # as if it were not installed
from skconstrain import PositiveRegressor
from tests.registry import positive_regression

X, y = positive_regression()
net = PositiveRegressor((4,), epochs=2, tol=None).fit(X, y)
assert (net.predict(X) > 0).all() and (net.model_.predict(X, verbose=0) > 0).all()

import keras

print(keras.backend.backend())
"""


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed")
def test_fits_without_tensorflow(tmp_path):
    environment = {**os.environ, "KERAS_HOME": str(tmp_path)}
    environment.pop("KERAS_BACKEND", None)
    command = [sys.executable, "-c", WITHOUT_TENSORFLOW]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["jax"]


@pytest.mark.parametrize(
    ("installed", "named", "configured", "imported", "chosen"),
    [
        ({"jax"}, "", None, False, "jax"),
        ({"jax"}, "", "tensorflow", False, "jax"),  # what Keras itself writes there
        ({"jax"}, "", "torch", False, ""),
        ({"jax"}, "torch", None, False, "torch"),
        ({"jax"}, "", None, True, ""),
        ({"jax", "tensorflow"}, "", None, False, ""),
        (set(), "", None, False, ""),
    ],
)
def test_what_is_chosen_already_stays(
    installed, named, configured, imported, chosen, monkeypatch, tmp_path
):
    monkeypatch.setattr(_keras_backend, "find_spec", installed.__contains__)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_BACKEND", named)
    if imported:
        monkeypatch.setitem(sys.modules, "keras", None)
    else:
        monkeypatch.delitem(sys.modules, "keras", raising=False)
    if configured:
        (tmp_path / "keras.json").write_text(json.dumps({"backend": configured}), encoding="utf-8")
    _keras_backend.choose_backend()
    assert os.environ["KERAS_BACKEND"] == chosen
