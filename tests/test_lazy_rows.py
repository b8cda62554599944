"""Lazy rows are the rows of their source: any part, in the precision asked for, never a copy."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.naive_bayes import GaussianNB

from skconstrain import GatedEnsembleClassifier, PositiveRegressor
from skconstrain._lazy_rows import (
    LazyRows,
    as_precision,
    moments,
    validate_rows,
    weighted_quantiles,
)
from tests.chunks import chunks_of
from tests.registry import positive_regression

BIG = 2**28


def draw(n_rows=40, n_features=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n_rows, n_features))


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 999),
    start=st.integers(-5, 45),
    stop=st.integers(-5, 45),
    is_sparse=st.booleans(),
)
def test_any_part_of_a_choice_of_rows_is_that_of_the_array(seed, start, stop, is_sparse):
    X, rng = draw(seed=seed), np.random.default_rng(seed)
    rows = LazyRows(sparse.csr_array(X) if is_sparse else X, np.float32, chunk_bytes=100)
    flags = rng.random(40) < 0.7
    numbers = np.sort(rng.permutation(flags.sum())[:10])
    # A choice of a choice: rows with a weight, and then those of a validation split.
    few = rows[flags][numbers]
    expected = X[flags][numbers].astype(np.float32)
    assert few.shape == expected.shape
    assert few.nbytes == expected.nbytes
    assert few.source is rows.source
    np.testing.assert_array_equal(few.load(), expected)
    np.testing.assert_array_equal(few.load(slice(start, stop)), expected[start:stop])


@pytest.mark.parametrize("chunk_bytes", [1, 96, 1000, BIG])
def test_parts_and_pieces_hold_every_row_once(chunk_bytes):
    X = draw()
    rows = LazyRows(X, float, chunk_bytes=chunk_bytes)
    for cut in (rows.parts(), rows.pieces()):
        np.testing.assert_array_equal(np.concatenate([rows.load(part) for part in cut]), X)
    longest = max(part.stop - part.start for part in rows.parts())
    # A part has at least a row; a few parts of more stay below the limit.
    assert longest == 1 or 4 * longest * X[0].nbytes <= chunk_bytes


def test_rows_are_read_into_an_array_that_is_given():
    X, out = draw(), np.full((4, 3), np.nan)
    assert LazyRows(X, float, chunk_bytes=100).load(slice(2, 6), out=out) is out
    np.testing.assert_array_equal(out, X[2:6])


@pytest.mark.parametrize("wrap", [np.asarray, sparse.csr_array])
def test_only_rows_that_are_read_must_be_finite(wrap):
    X = draw()
    X[7, 1] = np.inf
    rows = LazyRows(wrap(X), float, chunk_bytes=100)
    assert np.isfinite(rows.load(slice(0, 7))).all()
    with pytest.raises(ValueError, match="infinity"):
        rows.load(slice(5, 9))


def test_values_saturate_where_a_network_is_fitted_already():
    X = np.array([[1e300, -1e300, 2.0]])
    limit = as_precision(X, np.float32)[0, 0]
    assert np.isfinite(limit)
    fitted = LazyRows(X, np.float32, chunk_bytes=1, saturate=True)
    np.testing.assert_array_equal(fitted.load(), [[limit, -limit, 2.0]])
    np.testing.assert_array_equal(fitted[[0]].load(), fitted.load())
    with np.errstate(over="ignore", invalid="ignore"), pytest.raises(ValueError, match="too large"):
        LazyRows(X, np.float32, chunk_bytes=1).load()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_moments_in_pieces_are_those_of_the_whole(dtype, monkeypatch):
    monkeypatch.setattr("skconstrain._lazy_rows._PIECE_BYTES", 50)
    X, weight = (5 + draw()).astype(dtype), np.random.default_rng(1).random(40)
    rows = LazyRows(X, dtype, chunk_bytes=100)
    assert len(list(rows.pieces())) >= 10
    for found, expected in zip(moments(rows, weight), moments(X, weight), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    mean, spread = moments(X, weight)
    np.testing.assert_allclose(mean, np.average(X.astype(float), axis=0, weights=weight))
    # Repeated rows are rows of a larger weight.
    twice = moments(np.vstack([X, X[:1]]), np.append(weight, 0.3))
    weight[0] += 0.3
    np.testing.assert_allclose(twice, moments(X, weight), rtol=1e-12)
    assert (spread > 0).all()


def validated(X, chunk_bytes, **settings):
    settings = {"dtype": None, "reset": True, **settings}
    with chunks_of(chunk_bytes):
        return validate_rows(PositiveRegressor(), X, **settings)


@pytest.mark.parametrize("wrap", [np.asarray, sparse.csr_array, sparse.csc_array])
def test_rows_stay_where_they_are_only_if_they_are_large(wrap):
    X = draw()
    small, large = validated(wrap(X), X.nbytes), validated(wrap(X), X.nbytes - 1)
    assert isinstance(small, np.ndarray)
    assert isinstance(large, LazyRows)
    np.testing.assert_array_equal(small, X)
    np.testing.assert_array_equal(large.load(), X)
    if wrap is np.asarray:
        assert np.shares_memory(large.source, X)


def test_half_the_precision_is_half_the_memory():
    X = draw().astype(np.float32)
    assert isinstance(validated(X, X.nbytes), np.ndarray)
    # A fitted network of double precision reads them as such.
    wide = validated(X, X.nbytes, fitted_dtype="float64")
    assert isinstance(wide, LazyRows)
    assert wide.load().dtype == np.float64


def test_sparse_rows_are_refused_by_estimators_whose_tags_say_so():
    gate = GatedEnsembleClassifier([("neighbours", GaussianNB())])
    with chunks_of(1), pytest.raises(TypeError, match="Sparse data was passed"):
        validate_rows(gate, sparse.csr_array(draw()), dtype=None, reset=True)


def test_quantiles_of_equal_weights_are_those_of_weights_that_differ_by_rows_without_any():
    rng = np.random.default_rng(0)
    values, shares = rng.integers(0, 5, (37, 4)).astype("float32"), [0.05, 0.25, 0.5, 0.95]
    equal = weighted_quantiles(values, np.full(37, 0.3), shares)
    more = np.concatenate([values, rng.normal(size=(3, 4))]).astype("float32")
    weight = np.concatenate([np.full(37, 0.3), np.zeros(3)])
    np.testing.assert_array_equal(equal, weighted_quantiles(more, weight, shares))


@pytest.mark.parametrize("fill", [0.0, np.nan])
def test_a_table_of_sparse_columns_is_a_table(fill):
    X, y = positive_regression()
    X = np.where(X > 0, X, 0)
    columns = {f"x{j}": pd.arrays.SparseArray(X[:, j], fill_value=fill) for j in range(X.shape[1])}
    table, plain = pd.DataFrame(columns), pd.DataFrame(X, columns=list(columns))
    net = PositiveRegressor((4,), epochs=2, random_state=0)
    expected = net.fit(plain, y).predict(plain)
    np.testing.assert_array_equal(net.fit(table, y).predict(table), expected)
