"""A search that sends groups of fits to workers gives what it gives alone."""

import pickle

import joblib
import numpy as np
import pytest
from joblib.parallel import ThreadingBackend
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skconstrain._stacked_fits import _workers
from skconstrain.model_selection import BatchedGridSearchCV
from tests.plain import PositiveRegressor, SparseConnectedNet
from tests.registry import positive_regression
from tests.test_model_selection import CountingScaler, assert_equal_results

FAST = {"epochs": 8, "batch_size": 16, "tol": None, "random_state": 0}
GRID = {"learning_rate": [0.001, 0.01], "alpha": [1e-4, 1.0]}


class Elsewhere(ThreadingBackend):
    """A backend that says it has no threads, and gives its tasks a copy of everything."""

    uses_threads = supports_sharedmem = False
    n_sent = 0

    def _sent(self, func):
        Elsewhere.n_sent += 1
        return pickle.loads(pickle.dumps(func))

    def submit(self, func, callback=None):
        return super().submit(self._sent(func), callback)

    def apply_async(self, func, callback=None):  # before joblib 1.5
        return super().apply_async(self._sent(func), callback)


@pytest.fixture
def elsewhere():
    Elsewhere.n_sent = 0
    with joblib.parallel_config(backend=Elsewhere(), n_jobs=2):
        yield Elsewhere


@pytest.fixture
def alone():
    """Return what a function returns in this process."""

    def calling(function):
        with joblib.parallel_config(backend="sequential"):
            return function()

    return calling


def test_each_worker_gets_a_group(elsewhere, alone):
    X, y = positive_regression(0)
    search = BatchedGridSearchCV(PositiveRegressor((6,), **FAST), GRID, cv=3)
    expected = alone(lambda: GridSearchCV(search.estimator, GRID, cv=3).fit(X, y))
    search.fit(X, y)
    assert_equal_results(search.cv_results_, expected.cv_results_)
    np.testing.assert_allclose(search.predict(X), expected.predict(X), rtol=1e-6)
    assert elsewhere.n_sent == 2
    assert search.stack_sizes_ == [6, 6]
    assert isinstance(joblib.parallel.get_active_backend()[0], Elsewhere)


def test_n_jobs_of_the_search(alone):
    X, y = positive_regression(0)
    search = BatchedGridSearchCV(PositiveRegressor((6,), **FAST), GRID, cv=3, n_jobs=3)
    with joblib.parallel_config(backend=Elsewhere()):
        assert search.fit(X, y).stack_sizes_ == [4, 4, 4]
        assert search.set_params(n_jobs=1).fit(X, y).stack_sizes_ == [12]
    with joblib.parallel_config(backend="threading"):
        assert search.set_params(n_jobs=2).fit(X, y).stack_sizes_ == [12]


def test_many_fits_are_several_groups_a_worker(elsewhere, monkeypatch):
    monkeypatch.setattr(_workers, "MOST_FITS", 2)
    X, y = positive_regression(0)
    search = BatchedGridSearchCV(PositiveRegressor((6,), **FAST), GRID, cv=3).fit(X, y)
    assert search.stack_sizes_ == [2] * 6
    assert elsewhere.n_sent == 6


def test_fewer_fits_than_workers(elsewhere):
    X, y = positive_regression(0)
    splits = [(np.arange(40), np.arange(40, 60))]
    grid = {"alpha": [1e-4]}
    search = BatchedGridSearchCV(PositiveRegressor((6,), **FAST), grid, cv=splits).fit(X, y)
    assert search.stack_sizes_ == []
    grid = {"alpha": [1e-4, 1.0]}
    search = BatchedGridSearchCV(PositiveRegressor((6,), **FAST), grid, cv=splits, n_jobs=4)
    expected = GridSearchCV(search.estimator, grid, cv=splits, n_jobs=1).fit(X, y)
    assert_equal_results(search.fit(X, y).cv_results_, expected.cv_results_)


def test_transformers_are_fitted_once_a_group_fold_and_setting(elsewhere, alone):
    X, y = positive_regression(0)
    pipe = make_pipeline(CountingScaler(), PositiveRegressor((6,), **FAST))
    grid = {f"positiveregressor__{name}": values for name, values in GRID.items()}
    expected = alone(lambda: GridSearchCV(pipe, grid, cv=3).fit(X, y))
    CountingScaler.fits = 0
    search = BatchedGridSearchCV(pipe, grid, cv=3, refit=False).fit(X, y)
    assert CountingScaler.fits == 2 * 3
    assert_equal_results(search.cv_results_, expected.cv_results_)


def test_a_fit_that_diverges_fails_alone(elsewhere):
    X, y = positive_regression(0)
    net = SparseConnectedNet(optimizer="sgd", **FAST)
    grid = {"learning_rate": [0.001, 1e30, 0.01]}
    with pytest.warns(FitFailedWarning, match="Lower learning_rate"):
        search = BatchedGridSearchCV(net, grid, cv=2).fit(X, y)
    finite = np.isfinite(search.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(finite, [True, False, True])
    with pytest.raises(ValueError, match="Lower learning_rate"):
        BatchedGridSearchCV(net, grid, cv=2, error_score="raise").fit(X, y)


def test_weights_and_other_estimators(elsewhere, alone):
    X, y = positive_regression(0)
    weight = np.random.default_rng(0).integers(1, 3, len(y)).astype(float)
    grid = {"alpha": [0.1, 1.0]}
    for estimator in (Ridge(), PositiveRegressor((6,), **FAST)):
        search = BatchedGridSearchCV(estimator, grid, cv=3)
        expected = alone(
            lambda estimator=estimator: GridSearchCV(estimator, grid, cv=3).fit(
                X, y, sample_weight=weight
            )
        )
        search.fit(X, y, sample_weight=weight)
        assert_equal_results(search.cv_results_, expected.cv_results_)


def test_progress_is_that_of_the_backend(capsys):
    X, y = positive_regression(0)
    search = BatchedGridSearchCV(PositiveRegressor((6,), **FAST), GRID, cv=3, verbose=1)
    with joblib.parallel_config(backend=Elsewhere(), n_jobs=2, verbose=10):
        search.fit(X, y)
    shown = capsys.readouterr()
    assert "totalling 12 fits" in shown.out
    assert "Done   2 out of   2" in shown.err
    assert "out of  12" not in shown.err


@pytest.mark.slow
def test_processes_of_this_machine(alone):
    X, y = positive_regression(0)
    pipe = make_pipeline(StandardScaler(), PositiveRegressor((6,), **FAST))
    grid = {f"positiveregressor__{name}": values for name, values in GRID.items()}
    expected = GridSearchCV(pipe, grid, cv=3).fit(X, y)
    search = BatchedGridSearchCV(pipe, grid, cv=3, n_jobs=2).fit(X, y)
    assert_equal_results(search.cv_results_, expected.cv_results_)
    assert search.stack_sizes_ == [6, 6]
    assert search.best_estimator_.memory is None
