"""Predictions in blocks: the same in every thread, in single precision where training was."""

import threading

import joblib
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from skconstrain import MultiLabelNetClassifier, PositiveRegressor
from skconstrain._networks import _blocks
from tests.registry import positive_regression

FAST = {"hidden_layer_sizes": (8, 8), "epochs": 2, "random_state": 0}


def many_rows(n_rows=3_000):
    """Return more rows than a block has, and their targets."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 5))
    return X, np.exp(X[:, 0] + rng.normal(size=n_rows) / 10)


def threads_of_blas():
    return [
        library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"
    ]


@pytest.fixture(params=[{}, {"dtype": "float64"}, {"n_networks": 1}, {"monotonic_cst": [1] * 5}])
def fitted(request):
    X, y = many_rows()
    return PositiveRegressor(**FAST, **request.param).fit(X, y), X


def test_predictions_do_not_depend_on_threads(fitted, monkeypatch):
    model, X = fitted
    with threadpool_limits(1):
        expected = model.predict(X)
    monkeypatch.setattr(_blocks, "effective_n_jobs", lambda _: 4)
    np.testing.assert_array_equal(model.predict(X), expected)


def test_eight_threads_at_once_predict_the_same_and_blas_gets_its_threads_back(fitted):
    model, X = fitted
    before, expected, found = threads_of_blas(), model.predict(X), []
    threads = [threading.Thread(target=lambda: found.append(model.predict(X))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    for prediction in found:
        np.testing.assert_array_equal(prediction, expected)
    assert threads_of_blas() == before


def test_an_error_in_a_block_gives_blas_its_threads_back():
    before = threads_of_blas()

    def fail(rows):
        raise ArithmeticError("of a block")

    with pytest.raises(ArithmeticError, match="of a block"):
        _blocks.of_blocks(np.zeros((10, 2)), 4, fail, "float64")
    assert threads_of_blas() == before


def test_single_precision_is_that_of_training_and_close_to_double():
    X, y = many_rows()
    model = PositiveRegressor(**FAST).fit(X, y)
    assert model._fitted._is_single
    single = model.predict(X)
    model._fitted.__dict__["_is_single"] = False
    double = model.predict(X)
    assert (single != double).any()
    np.testing.assert_allclose(single, double, rtol=1e-6)
    assert single.dtype == np.float64


def test_what_trained_in_double_precision_predicts_in_it():
    X, y = many_rows()
    assert not PositiveRegressor(dtype="float64", **FAST).fit(X, y)._fitted._is_single
    few = PositiveRegressor(**FAST).fit(*positive_regression())  # a step takes all rows
    assert not few._fitted._is_single


def test_pickles_and_workers_predict_the_same():
    X, y = many_rows()
    labels = np.stack([y > 1, y > 2], axis=1).astype(int)
    model = MultiLabelNetClassifier(**FAST).fit(X, labels)
    expected = model.predict_proba(X)
    calls = (joblib.delayed(model.predict_proba)(X) for _ in range(3))
    for found in joblib.Parallel(n_jobs=2, backend="threading")(calls):
        np.testing.assert_array_equal(found, expected)
