"""0/1 matrices and how they chain: the forms they take, and what is refused."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import sparse

from skconstrain.connections import ConnectionMatrix
from skconstrain.connections._chain import chain, idle
from skconstrain.connections._matrix import check_flags
from tests.references import as_given
from tests.refusals import refuses

matrices = arrays(
    np.int8, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.integers(0, 1)
)


@settings(max_examples=60, deadline=None)
@given(dense=matrices)
def test_every_form_of_a_matrix_is_the_same_connections(dense):
    matrix = ConnectionMatrix(dense)
    assert np.array_equal(matrix.toarray(), dense)
    assert np.array_equal(np.stack([matrix.rows, matrix.columns], axis=1), np.argwhere(dense))
    assert (matrix.shape, matrix.nnz) == (dense.shape, dense.sum())
    assert matrix.density == dense.mean()
    assert np.array_equal(matrix.fan_in, dense.sum(axis=0))
    assert np.array_equal(matrix.fan_out, dense.sum(axis=1))
    assert np.array_equal(matrix.T.toarray(), dense.T)
    same = [dense.astype(bool), dense.astype(float), dense.tolist(), matrix]
    same += [sparse.csc_array(dense), sparse.coo_matrix(dense), sparse.lil_array(dense)]
    for form in same:
        assert ConnectionMatrix(form) == matrix
        assert hash(ConnectionMatrix(form)) == hash(matrix)


def test_stored_zeros_and_values_keep_their_places():
    stored = sparse.coo_array(([0, 1], ([0, 1], [1, 0])), shape=(2, 2))
    matrix = ConnectionMatrix(stored)
    assert matrix.nnz == 1
    weights = matrix.tocsr([0.0])
    assert (weights.nnz, weights[1, 0]) == (1, 0.0)


def test_it_cannot_be_changed_and_survives_pickle_and_copy():
    matrix = ConnectionMatrix([[1, 0], [1, 1]], ["a", "b"], ["u", "v"])
    with pytest.raises(ValueError, match="read-only"):
        matrix.rows[0] = 1
    assert pickle.loads(pickle.dumps(matrix)) == copy.deepcopy(matrix) == matrix
    assert matrix != ConnectionMatrix(matrix, ["a", "c"])
    assert matrix.without_names() == ConnectionMatrix([[1, 0], [1, 1]])
    assert (matrix.T.input_names, matrix.T.unit_names) == (("u", "v"), ("a", "b"))


@pytest.mark.parametrize("is_sparse", [False, True])
def test_a_frame_names_inputs_and_units(is_sparse):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame([[1, 0], [1, 1]], index=["a", "b"], columns=["u", "v"])
    frame = frame.astype(pd.SparseDtype(int, 0)) if is_sparse else frame
    matrix = ConnectionMatrix(frame)
    assert (matrix.input_names, matrix.unit_names) == (("a", "b"), ("u", "v"))
    assert ConnectionMatrix(matrix.to_frame()) == matrix
    assert matrix.to_frame([2.0, 3.0, 4.0]).loc["b", "v"] == 4.0
    assert ConnectionMatrix(pd.DataFrame([[1, 0]])).input_names is None
    with refuses("index of connections", "7", "astype(str)"):
        ConnectionMatrix(pd.DataFrame([[1]], index=[7]))


@pytest.mark.parametrize("kind", ["Int64", "boolean", "Float32", "int64[pyarrow]", "object"])
def test_a_frame_of_nullable_columns_is_a_mask(kind):
    pd = pytest.importorskip("pandas")
    if "pyarrow" in kind:
        pytest.importorskip("pyarrow")
    frame = pd.DataFrame([[1, 0], [1, 1]], columns=["u", "v"]).astype(kind)
    assert ConnectionMatrix(frame) == ConnectionMatrix([[1, 0], [1, 1]], unit_names=["u", "v"])
    frame.iloc[1, 0] = None
    with refuses("0 and 1 only", "nan", "row 1, column 0"):
        ConnectionMatrix(frame)


@pytest.mark.parametrize(
    ("matrix", "names", "parts"),
    [
        ([[1, 2]], {}, ["0 and 1 only", "2", "row 0, column 1", "matrix != 0"]),
        (sparse.csr_array([[0.5]]), {}, ["0 and 1 only", "0.5"]),
        ([[np.nan]], {}, ["0 and 1 only", "nan"]),
        ([1, 0], {}, ["(n_inputs, n_units)", "(2,)"]),
        (np.ones((0, 3)), {}, ["(n_inputs, n_units)", "(0, 3)"]),
        ([[1], [1, 0]], {}, ["rows of equal length"]),
        ([["a"]], {}, ["numbers 0 and 1", "<U1"]),
        ([[1, 1]], {"unit_names": ["u", "u"]}, ["unit names", "unique", "u"]),
        ([[1], [1]], {"input_names": ["a", "a"]}, ["input names", "unique", "a"]),
        ([[1, 1]], {"unit_names": ["u"]}, ["has 2 units", "1 unit names"]),
        ([[1]], {"unit_names": [3]}, ["unit names", "strings", "3"]),
    ],
)
def test_what_is_no_matrix_of_connections_is_refused(matrix, names, parts):
    with refuses(*parts):
        ConnectionMatrix(matrix, **names)


def test_flags_are_one_for_each_unit():
    assert check_flags([1, 0], 2, name="bias_connections").tolist() == [True, False]
    with refuses("bias_connections", "(2,)", "(1,)"):
        check_flags([1], 2, name="bias_connections")
    with refuses("bias_connections", "0 and 1 only", "2"):
        check_flags([1, 2], 2, name="bias_connections")


def test_rows_are_aligned_with_features_and_units_by_name():
    first = ConnectionMatrix([[1, 0], [0, 1]], ["c", "a"], ["u", "v"])
    second = ConnectionMatrix([[1], [0]], ["v", "u"], ["top"])
    layers = chain([first, second], 3, ["a", "b", "c"])
    assert layers[0].matrix.toarray().tolist() == [[0, 1], [0, 0], [1, 0]]
    assert layers[1].matrix.toarray().tolist() == [[0], [1]]
    # Back in the order of the user's rows, zeros stored.
    assert as_given(layers[0], [7.0, 0.0]).toarray().tolist() == [[0.0, 0.0], [0.0, 7.0]]
    assert as_given(layers[0], [7.0, 0.0]).nnz == 2


@pytest.mark.parametrize(
    ("given_", "features", "parts"),
    [
        ([np.eye(3), np.ones((2, 4))], 3, ["connections[1]", "(3, n_units)", "layer 0", "(2, 4)"]),
        (np.ones((3, 2)), 4, ["connections must", "(4, n_units)", "X has 4", "(3, 2)"]),
        (np.ones((2, 4)), 4, ["(4, n_units)", "(2, 4)", "Transpose it?"]),
        ([np.eye(2), np.zeros((2, 1))], 2, ["connections[1]", "at least one 1", "zeros only"]),
        ([np.eye(2), [[3], [1]]], 2, ["connections[1]", "0 and 1 only", "3"]),
        (ConnectionMatrix([[1]], ["a"]), 1, ["X has no feature names", "'a'", "DataFrame"]),
        (ConnectionMatrix([[1]], ["a"]), ["b"], ["do not exist: a", "X has 1", "transpose it"]),
        (
            [ConnectionMatrix([[1]], ["a"], ["u"]), ConnectionMatrix([[1]], ["w"])],
            ["a"],
            ["connections[1]", "do not exist: w", "layer 0 has 1 units", "'u'"],
        ),
    ],
)
def test_matrices_that_do_not_fit_are_refused(given_, features, parts):
    names = features if isinstance(features, list) else None
    with refuses(*parts):
        chain(given_, len(names) if names else features, names)


def test_idle_units_and_inputs_are_named_and_counted():
    first = ConnectionMatrix([[1, 0], [0, 0]], unit_names=["u", "v"])
    layers = chain([first, [[1, 0], [0, 0]]], 2, ["a", "b"])
    assert idle(layers, ["a", "b"]) == [
        "1 features feed nothing: b.",
        "1 units of layer 0 have no input: v.",
        "1 units of layer 0 feed nothing: v.",
        "1 units of layer 1 have no input: 1.",
    ]
    many = idle(chain(np.eye(7)[:, :1], 7))
    assert many == ["6 features feed nothing: 1, 2, 3, 4, 5 and others."]
    assert idle(chain(np.ones((2, 3)), 2)) == []
