"""Saved models load wherever the layers are imported."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from skconstrain import GatedEnsembleClassifier, SparseConnectedNet
from tests.registry import ROWS, WIRING, positive_regression, two_classes

# The process that loads knows no estimator, only the layers.
LOAD = """
import sys
from pathlib import Path

import keras
import numpy as np

import skconstrain.layers

for path in Path(sys.argv[1]).glob("*.keras"):
    model = keras.saving.load_model(path, safe_mode=True)
    X = np.load(path.with_suffix(".npy"))
    np.save(path.with_suffix(".loaded.npy"), model.predict(X, verbose=0))
"""


def estimators():
    """Yield a name, an estimator and data: all rows, and what has layers that no row has."""
    for row in ROWS:
        yield row.name, row.make(epochs=1), row.data(0)
    for kernel in ("dense", "sparse"):
        net = SparseConnectedNet(WIRING, kernel=kernel, dropout=0.1, epochs=1)
        yield f"kernel-{kernel}", net, positive_regression()
    experts = [("a", LogisticRegression()), ("b", DecisionTreeClassifier(max_depth=2))]
    for gating in ("soft", "hard", "top_k"):
        gate = GatedEnsembleClassifier(experts, gating=gating, cv=2, epochs=1)
        yield f"given-{gating}", gate, two_classes()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_saved_models_load_in_a_new_process_that_imports_the_layers(tmp_path):
    expected = {}
    for name, estimator, (X, y) in estimators():
        model = estimator.fit(X, y).model_
        model.save(tmp_path / f"{name}.keras")
        rows = np.random.default_rng(0).normal(size=(7, model.input_shape[1]))
        np.save(tmp_path / f"{name}.npy", rows)
        expected[name] = model.predict(rows, verbose=0)
    subprocess.run([sys.executable, "-c", LOAD, str(tmp_path)], check=True)
    for name, outputs in expected.items():
        loaded = np.load(tmp_path / f"{name}.loaded.npy")
        np.testing.assert_allclose(loaded, outputs, rtol=1e-6, err_msg=name)
