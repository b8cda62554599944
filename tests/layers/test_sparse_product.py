"""The product that stores connections only is the dense one, and so is its gradient."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skconstrain.connections._matrix import ConnectionMatrix
from skconstrain.layers._sparse_product import _GenericProduct, sparse_product
from tests.backends import output_and_gradients


def draw(seed, n_inputs, n_units, density, dtype="float64", batch=6):
    rng = np.random.default_rng(seed)
    ones = rng.random((n_inputs, n_units)) < density
    ones[rng.integers(n_inputs), rng.integers(n_units)] = True
    matrix = ConnectionMatrix(ones)
    arrays = [rng.normal(size=(batch, n_inputs)), rng.normal(size=matrix.nnz)]
    return matrix, *(array.astype(dtype) for array in arrays)


def product_and_gradients(product, x, values, upstream):
    y, gradients = output_and_gradients(product, x, values, upstream=upstream)
    return [y, *gradients]


@pytest.mark.parametrize("kind", [sparse_product, _GenericProduct])
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 99),
    n_inputs=st.integers(1, 9),
    n_units=st.integers(1, 9),
    density=st.floats(0, 1),
)
def test_product_and_gradients_are_those_of_the_dense_matrix(
    kind, seed, n_inputs, n_units, density
):
    matrix, x, values = draw(seed, n_inputs, n_units, density)
    upstream = np.random.default_rng(seed + 1).normal(size=(len(x), n_units))
    dense = matrix.tocsr(values).toarray()
    expected = [
        x @ dense,
        upstream @ dense.T,
        (x.T @ upstream)[matrix.rows, matrix.columns],
    ]
    found = product_and_gradients(kind(matrix), x, values, upstream)
    for array, reference in zip(found, expected, strict=True):
        np.testing.assert_allclose(array, reference, atol=1e-12)


@pytest.mark.parametrize("n_connections", [1024, 1025, 5000])
def test_many_connections_are_summed_in_pieces(n_connections):
    flags = np.arange(100 * 70) < n_connections
    matrix = ConnectionMatrix(np.random.default_rng(0).permutation(flags).reshape(100, 70))
    rng = np.random.default_rng(1)
    x, values, upstream = rng.normal(size=(4, 100)), rng.normal(size=matrix.nnz), np.ones((4, 70))
    found = product_and_gradients(sparse_product(matrix), x, values, upstream)[2]
    np.testing.assert_allclose(found, (x.T @ upstream)[matrix.rows, matrix.columns])


def test_results_do_not_depend_on_threads():
    matrix, x, values = draw(0, 400, 300, 0.1, "float32", batch=64)
    product, upstream = sparse_product(matrix), np.ones((64, 300), np.float32)
    first = product_and_gradients(product, x, values, upstream)
    for _ in range(20):
        again = product_and_gradients(product, x, values, upstream)
        for a, b in zip(first, again, strict=True):
            np.testing.assert_array_equal(a, b)


def test_what_is_not_connected_is_not_multiplied():
    matrix = ConnectionMatrix([[1, 0], [0, 1]])
    x = np.array([[np.inf, 2.0]])
    y, _ = output_and_gradients(sparse_product(matrix), x, np.ones(2))
    np.testing.assert_array_equal(y, [[np.inf, 2.0]])  # a product with zeros gives NaN
