"""Features may be in any unit: standardising them takes it away, to the last bit."""

import numpy as np
import pytest

from skconstrain import GatedEnsembleClassifier, PositiveRegressor
from skconstrain._lazy_rows import LazyRows
from skconstrain._networks._feature_summary import FeatureSummary

UNITS = [
    ("float32", 2.0**-100),
    ("float32", 2.0**110),
    ("float64", 2.0**-950),
    ("float64", 2.0**950),
]


def features(n_rows=60):
    """Spread, far from zero, mostly one value, constant."""
    rng = np.random.default_rng(0)
    X = rng.normal([0, 100, 0, 0], size=(n_rows, 4))
    X[n_rows // 8 :, 2], X[:, 3] = 1.0, 3.0
    return X


@pytest.mark.parametrize(("dtype", "unit"), UNITS)
@pytest.mark.parametrize("is_lazy", [False, True])
def test_center_and_scale_follow_the_unit(dtype, unit, is_lazy):
    X, weight = features().astype(dtype), np.ones(60)

    def found(X):
        rows = LazyRows(X, dtype, chunk_bytes=200) if is_lazy else X
        return FeatureSummary(rows, weight).center_and_scale

    (center, scale), (center_in_unit, scale_in_unit) = found(X), found(X * X.dtype.type(unit))
    np.testing.assert_array_equal(center_in_unit, center * unit)
    np.testing.assert_array_equal(scale_in_unit[:3], scale[:3] * unit)
    assert scale[3] == scale_in_unit[3] == 1


@pytest.mark.parametrize(("dtype", "unit"), UNITS)
def test_predictions_do_not_depend_on_the_unit(dtype, unit):
    X = features().astype(dtype)
    X_in_unit, y = X * X.dtype.type(unit), np.exp(X[:, 0])
    model = PositiveRegressor((8,), epochs=5, random_state=0)
    expected = model.fit(X, y).predict(X)
    np.testing.assert_array_equal(model.fit(X_in_unit, y).predict(X_in_unit), expected)
    gate = GatedEnsembleClassifier(hidden_layer_sizes=(8,), epochs=5, random_state=0)
    expected = gate.fit(X, y > 1).predict_proba(X)
    np.testing.assert_array_equal(gate.fit(X_in_unit, y > 1).predict_proba(X_in_unit), expected)


def test_numbers_that_a_precision_rounds_to_zero_are_constant():
    X, y = (features() * 1e-42).astype(np.float32), np.arange(60.0)
    model = PositiveRegressor((8,), epochs=5, random_state=0).fit(X, y)
    assert len(np.unique(model.predict(X))) == 1
