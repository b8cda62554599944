"""Several networks are validated in NumPy by the losses that the training program would compute."""

import numpy as np
import pytest

from skconstrain import CompositionRegressor, MultiLabelNetClassifier, PositiveRegressor
from skconstrain._base import _fold_losses
from tests.registry import compositions

FAST = {"hidden_layer_sizes": (8, 8), "epochs": 6, "tol": None, "random_state": 0}


def rows(n_rows=400):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 5))
    return X, np.exp(X[:, 0] + rng.normal(size=n_rows) / 4)


def cases():
    X, y = rows()
    labels = np.stack([y > 1, y > 2], axis=1).astype(int)
    shares = np.tile(compositions()[1], (7, 1))[:400]
    return {
        "range": (PositiveRegressor(**FAST), X, y),
        "two outputs": (PositiveRegressor(**FAST), X, np.stack([y, 100 * y], axis=1)),
        "poisson": (PositiveRegressor(loss="poisson", output="exp", **FAST), X, y),
        "classes": (MultiLabelNetClassifier(**FAST), X, np.digitize(y, [0.7, 1.5])),
        "labels": (MultiLabelNetClassifier(loss="focal", **FAST), X, labels),
        "shares": (CompositionRegressor(**FAST), X, shares),
    }


@pytest.mark.parametrize("name", cases())
def test_validation_scores_are_those_of_the_training_program(name, monkeypatch):
    model, X, y = cases()[name]
    weight = np.random.default_rng(1).uniform(0.5, 2, len(X))
    used = []
    fold_losses = _fold_losses._fold_losses

    def noted(*args):
        used.append(True)
        return fold_losses(*args)

    monkeypatch.setattr(_fold_losses, "_fold_losses", noted)
    found = model.fit(X, y, weight).validation_scores_
    assert used == [True]
    monkeypatch.setattr(_fold_losses, "validated_in_numpy", lambda network, run, loss: run)
    expected = model.fit(X, y, weight).validation_scores_
    np.testing.assert_allclose(found, expected, rtol=1e-5)
