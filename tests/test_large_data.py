"""More data than memory: sparse rows and memory maps, whole or chunk by chunk."""

import tracemalloc

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from skconstrain import GatedEnsembleClassifier, MultiLabelNetClassifier, PositiveRegressor
from skconstrain._lazy_rows import LazyRows, bytes_of_a_chunk, release
from tests.chunks import chunks_of
from tests.registry import POSITIVE, ROWS, TEMPLATE, positive_regression

template = pytest.mark.parametrize("row", TEMPLATE, ids=lambda row: row.name)
FORMATS = ["csc_matrix", "coo_array", "lil_matrix", "dia_array", "bsr_array"]


def mapped(path, X, mode="r"):
    """Write X to a file, and return a memory map of it."""
    file = path / "X.npy"
    np.save(file, X)
    return np.load(file, mmap_mode=mode)


def sparse_data(row, n_empty=0.5):
    X, y = row.data(0)
    X = np.where(np.random.default_rng(0).random(X.shape) < n_empty, 0, X)
    return X, y


def assert_equal_fits(one, other, X):
    """Assert that two estimators have the same history and weights, and predict the same."""
    assert one.loss_curve_ == other.loss_curve_
    assert one.validation_scores_ == other.validation_scores_
    np.testing.assert_equal(one._fitted.weights, other._fitted.weights)
    np.testing.assert_array_equal(one.predict(X), other.predict(X))


# One format for each class, and the others for one of them.
SPARSE = [(row, "csr_array") for row in ROWS] + [(POSITIVE, name) for name in FORMATS]


@pytest.mark.parametrize(("row", "container"), SPARSE, ids=lambda item: getattr(item, "name", item))
def test_small_sparse_rows_are_those_of_the_dense_array(row, container):
    X, y = sparse_data(row)
    given = getattr(sparse, container)(X)
    dense = row.make(early_stopping=True).fit(X, y, X_val=X, y_val=y)
    thin = row.make(early_stopping=True).fit(given, y, X_val=given, y_val=y)
    assert_equal_fits(thin, dense, X)
    np.testing.assert_array_equal(thin.predict(given), dense.predict(X))
    assert thin.n_features_in_ == 5


def ten_rows(X):
    """Hold ten of 60 rows at once."""
    return chunks_of(10 * X[0].nbytes)


@template
def test_chunks_are_the_same_from_memory_a_map_or_sparse_rows(row, tmp_path):
    X, y = sparse_data(row)
    weight = np.random.default_rng(1).integers(0, 3, len(y)).astype(float)
    with ten_rows(X):
        held = row.make(batch_size=4, early_stopping=True).fit(X, y, sample_weight=weight)
        assert held.n_iter_ == 5
        for other in (mapped(tmp_path, X), sparse.csr_array(X), sparse.csc_matrix(X)):
            found = clone(held).fit(other, y, sample_weight=weight)
            assert_equal_fits(found, held, X)
            np.testing.assert_array_equal(found.predict(other), held.predict(X))
        assert_equal_fits(clone(held).fit(X, y, sample_weight=weight), held, X)


@pytest.mark.slow
@template
def test_chunks_learn_what_whole_data_teach(row):
    X, y = row.data(0)
    whole = row.make(batch_size=4, epochs=60, tol=None).fit(X, y)
    with ten_rows(X):
        parts = clone(whole).fit(X, y)
    start = max(whole.loss_curve_[0], parts.loss_curve_[0])
    assert parts.loss_curve_[-1] < 0.8 * start
    assert abs(parts.loss_curve_[-1] - whole.loss_curve_[-1]) < 0.25 * start


@template
def test_predictions_in_parts_are_those_of_the_whole(row):
    X, y = row.data(0)
    model = row.make().fit(X, y)
    expected = model._outputs(X)
    for n_bytes in (1, 7 * X[0].nbytes, 30 * X[0].nbytes):
        with chunks_of(n_bytes):
            np.testing.assert_allclose(model._outputs(X), expected, rtol=1e-10, atol=1e-12)
            found = model._outputs(sparse.csr_array(X))
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@template
def test_chunks_and_zero_weights_are_the_remaining_rows(row):
    X, y = row.data(0)
    weight = np.ones(len(y))
    weight[::3] = 0
    used = weight > 0
    with ten_rows(X):
        removed = row.make(batch_size=4).fit(X[used], y[used])
        assert_equal_fits(clone(removed).fit(X, y, sample_weight=weight), removed, X)


@template
def test_partial_fit_and_validation_data_in_chunks(row, tmp_path):
    X, y = row.data(0)
    source = mapped(tmp_path, X)
    model = row.make(batch_size=4)
    with ten_rows(X):
        for _ in range(3):
            model.partial_fit(source, y)
        assert model.n_iter_ == 3
        assert model.loss_curve_[2] < model.loss_curve_[0]
        lazy = clone(model).set_params(early_stopping=False).fit(X, y, X_val=source, y_val=y)
        held = clone(model).fit(X, y, X_val=X[:9], y_val=y[:9])
    assert lazy.loss_curve_ == held.loss_curve_
    assert len(lazy.validation_scores_) == 5
    # The last one, on all rows, by hand: the loss at the final weights.
    by_hand = row.make(warm_start=True).fit(X, y, X_val=X, y_val=y)
    by_hand._fitted = lazy._fitted
    by_hand.set_params(epochs=1, learning_rate=1e-30).fit(X, y, X_val=X, y_val=y)
    np.testing.assert_allclose(
        lazy.validation_scores_[-1], by_hand.validation_scores_[-1], rtol=1e-6
    )


@pytest.mark.parametrize(
    ("given", "dtype", "expected"),
    [
        (np.float32, None, "float32"),
        (np.float64, None, "float64"),
        (np.int16, None, "float64"),
        (np.float16, None, "float64"),
        (np.int64, "float32", "float32"),
        (np.float64, "float32", "float32"),
    ],
)
def test_precision_is_that_of_whole_data(given, dtype, expected, tmp_path):
    X, y = positive_regression()
    X = (10 * X).astype(given)
    settings = {"epochs": 2, "batch_size": 60, "dtype": dtype, "random_state": 0}
    with chunks_of(100):
        model = PositiveRegressor((4,), **settings).fit(mapped(tmp_path, X), y)
    whole = PositiveRegressor((4,), **settings).fit(X, y)
    assert model.predict(X).dtype == whole.predict(X).dtype == expected
    np.testing.assert_allclose(model.predict(X), whole.predict(X), rtol=1e-5)
    huge = np.full((60, 5), 1e300)  # what float32 cannot hold is saturated in predictions
    np.testing.assert_allclose(model.predict(huge), whole.predict(huge), rtol=1e-5)


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
@pytest.mark.parametrize("as_sparse", [True, False])
def test_infinite_rows_are_refused(bad, as_sparse, tmp_path):
    X, y = positive_regression()
    model = PositiveRegressor((4,), epochs=2).fit(X, y)
    X[-1, 2] = bad
    source = sparse.csr_array(X) if as_sparse else mapped(tmp_path, X)
    for method in (model.fit, model.partial_fit, lambda X, y: model.predict(X)):
        with chunks_of(300), pytest.raises(ValueError, match="X contains infinity"):
            method(source, y)


def test_a_new_float32_network_refuses_what_it_cannot_hold():
    X, y = positive_regression()
    X[7, 1] = 1e300
    for n_bytes in (100, 2**28):
        with (
            chunks_of(n_bytes),
            np.errstate(over="ignore"),
            pytest.raises(ValueError, match="too large for dtype"),
        ):
            PositiveRegressor((4,), dtype="float32").fit(X, y)


def test_numbers_of_features_and_names_are_checked_in_chunks():
    X, y = positive_regression()
    frame = pd.DataFrame(X, columns=list("abcde"))
    model = PositiveRegressor((4,), epochs=2, batch_size=4)
    other_count = "X has 4 features, but PositiveRegressor is expecting 5"
    with chunks_of(300):
        model.fit(frame, y)
        assert list(model.feature_names_in_) == list("abcde")
        with pytest.raises(ValueError, match="feature names should match"):
            model.predict(frame[list("abced")])
        with pytest.raises(ValueError, match=other_count):
            model.predict(sparse.csr_array(X[:, :4]))
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            model.fit(sparse.csr_array(X), y[:-1])
        with pytest.raises(ValueError, match="Complex data not supported"):
            model.fit(sparse.csr_array(X.astype(complex)), y)


def test_chunks_are_a_quarter_of_the_working_memory_in_workers_too():
    X, y = positive_regression()
    assert bytes_of_a_chunk() == 2**28
    net = PositiveRegressor((4,), n_networks=1, batch_size=4, epochs=2, random_state=0)
    scores = []
    for n_bytes in (2**28, X.nbytes / 8, X.nbytes / 8):
        with chunks_of(n_bytes), joblib.parallel_config(backend="threading"):
            scores.append(cross_val_score(net, X, y, cv=2, n_jobs=2))
    assert (scores[0] != scores[1]).all()  # rows come in another order
    np.testing.assert_array_equal(scores[1], scores[2])


def test_given_experts_take_all_rows_at_once_sparse_ones_too():
    X, y = make_classification(60, 5, n_redundant=0, random_state=0)
    experts = [("a", LogisticRegression()), ("b", LogisticRegression(C=0.1))]
    model = GatedEnsembleClassifier(experts, epochs=2, random_state=0)
    assert GatedEnsembleClassifier().__sklearn_tags__().input_tags.sparse
    rows = sparse.csr_array(X)
    dense = clone(model).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(clone(model).fit(rows, y).predict_proba(rows), dense, rtol=1e-6)
    with chunks_of(100):
        small = clone(model).fit(X, y)
    whole = clone(model).fit(X, y)
    np.testing.assert_array_equal(small.predict(X), whole.predict(X))


def test_words_into_labels_in_a_pipeline():
    texts = ["red apple", "green apple", "red car", "green car", "red apple car", "green"] * 10
    words = ("red", "apple", "car")
    y = np.array([[word in text for word in words] for text in texts]).astype(int)
    net = MultiLabelNetClassifier(epochs=100, learning_rate=0.01, batch_size=16, random_state=0)
    for n_bytes in (2**28, 20 * 4 * 8):
        with chunks_of(n_bytes):
            assert make_pipeline(TfidfVectorizer(), net).fit(texts, y).score(texts, y) == 1


def test_pages_of_a_private_map_keep_their_changes(tmp_path):
    X, y = positive_regression()
    private = mapped(tmp_path, X, mode="c")
    private[:] = private + 1
    release(np.asarray(private)[3:])
    np.testing.assert_array_equal(private, X + 1)
    (tmp_path / "shared").mkdir()
    shared = mapped(tmp_path / "shared", X, mode="r+")
    shared[:] = shared + 2
    release(shared)
    np.testing.assert_array_equal(shared, X + 2)
    model = PositiveRegressor((4,), epochs=2, batch_size=4, random_state=0)
    with chunks_of(300):
        first = model.fit(private, y).predict(X)
        np.testing.assert_array_equal(model.fit(X + 1, y).predict(X), first)


def test_lazy_rows_are_those_of_the_array(tmp_path):
    X = np.random.default_rng(0).normal(size=(50, 3))
    for source in (mapped(tmp_path, X), np.asfortranarray(X), sparse.csr_matrix(X)):
        rows = LazyRows(source, float, chunk_bytes=200)
        np.testing.assert_array_equal(rows.load(), X)
        np.testing.assert_array_equal(rows.load(slice(7, 20)), X[7:20])
        flags = np.arange(50) % 3 == 1
        np.testing.assert_array_equal(rows[flags][2:9].load(slice(1, None)), X[flags][2:9][1:])
        assert [len(X[part]) for part in rows.parts()] == [2] * 25


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["map", "integer map", "sparse"])
def test_a_fraction_of_the_data_is_held(kind, tmp_path):
    # NumPy reports what it allocates; TensorFlow takes its arrays over without copying them.
    n_rows, n_columns, n_bytes = 150_000, 500, 10 * 2**20
    if kind == "sparse":
        X = sparse.random_array((n_rows, n_columns), density=0.002, format="csr", rng=0)
        X = X.astype(np.float32)
    else:
        dtype = np.float32 if kind == "map" else np.int16
        X = np.lib.format.open_memmap(
            tmp_path / "X.npy", mode="w+", dtype=dtype, shape=(n_rows, n_columns)
        )
        for start in range(0, n_rows, 10_000):
            X[start : start + 10_000] = np.arange(n_columns) + start % 7
    y = np.random.default_rng(0).uniform(1, 2, n_rows)
    settings = {"epochs": 1, "batch_size": 1000, "tol": None}
    model = PositiveRegressor((2,), dtype="float32", early_stopping=True, **settings)
    model.fit(X[:1000], y[:1000])
    tracemalloc.start()
    try:
        with chunks_of(n_bytes):
            model.fit(X, y)
            fitted = tracemalloc.get_traced_memory()[1]
            tracemalloc.reset_peak()
            model.predict(X)
        predicted = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    whole = n_rows * n_columns * 4
    targets = 10 * y.nbytes
    assert whole > 28 * n_bytes
    assert fitted < 4.5 * n_bytes + targets
    assert predicted < 2 * n_bytes + targets
