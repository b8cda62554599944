"""SparseConnectedNet and its classifier: structure by matrix and by name, and what is read."""

import copy
import pickle
import re
import warnings

import joblib
import keras
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris, make_classification, make_regression
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import skconstrain
from skconstrain import SparseConnectedNet, SparseConnectedNetClassifier
from skconstrain._engine import precision
from skconstrain.connections import ConnectionMatrix
from tests.registry import WIRING

KERNELS = ["dense", "sparse"]
A = np.array([[1, 0, 0, 1], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0], [1, 0, 1, 1]])
B = np.array([[1, 0], [1, 1], [0, 1], [0, 1]])
FAST = {"epochs": 5, "tol": None, "standardize": False, "random_state": 0}


def regression():
    return make_regression(60, 5, noise=5.0, random_state=0)


def named_data():
    X, y = regression()
    return pd.DataFrame(X, columns=list("abcde")), y


def named(matrix=A, index="abcde", columns="uvwx"):
    return pd.DataFrame(matrix, index=list(index), columns=list(columns))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("kind", [SparseConnectedNet, SparseConnectedNetClassifier])
def test_coefs_and_intercepts_are_the_network(kernel, kind):
    X, y = regression()
    y = y if kind is SparseConnectedNet else np.digitize(y, [-50, 50])
    net = kind(
        [A, B], hidden_layer_sizes=(3,), activation=["relu", "tanh", "relu"], kernel=kernel, **FAST
    ).fit(X, y)
    values = X
    functions = [lambda v: np.maximum(v, 0), np.tanh, lambda v: np.maximum(v, 0), lambda v: v]
    for kernel_, bias, function in zip(net.coefs_, net.intercepts_, functions, strict=True):
        values = function(values @ kernel_ + bias)
    found = net.predict(X)[:, None] if kind is SparseConnectedNet else net.decision_function(X)
    np.testing.assert_allclose(values, found, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [SparseConnectedNet, SparseConnectedNetClassifier])
def test_coefs_and_intercepts_have_the_precision_of_the_network(kind, dtype):
    X, y = make_classification(60, 5, n_redundant=0, random_state=0)
    for kernel in ("dense", "sparse"):
        settings = {"kernel": kernel, "hidden_layer_sizes": (4,), "epochs": 2, "tol": None}
        model = kind(WIRING, **settings).fit(X.astype(dtype), y)
        assert {array.dtype.name for array in [*model.coefs_, *model.intercepts_]} == {dtype}


def test_both_kernels_fit_the_same_network():
    X, y = regression()
    nets = [SparseConnectedNet([A, B], kernel=kernel, **FAST).fit(X, y) for kernel in KERNELS]
    np.testing.assert_allclose(*(net.predict(X) for net in nets), rtol=1e-9)
    np.testing.assert_allclose(*(net.loss_curve_ for net in nets), rtol=1e-9)
    for first, second in zip(*(net.connection_weights_ for net in nets), strict=True):
        np.testing.assert_allclose(first.data, second.data, rtol=1e-8)


@pytest.mark.slow
def test_connections_are_learnt_better_than_by_a_constant_and_by_wrong_ones():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 6))
    y = np.maximum(X[:, 0] + X[:, 1], 0) - np.maximum(X[:, 2] - X[:, 3], 0)
    right = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [0, 0], [0, 0]])
    settings = {"learning_rate": 0.02, "batch_size": 50, "random_state": 0}
    scores = []
    for matrix in (right, right[::-1]):
        net = SparseConnectedNet(np.repeat(matrix, 3, axis=1), **settings)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scores.append(cross_val_score(net, X, y, cv=3).mean())
    assert scores[0] > 0.9  # of a constant: 0
    assert scores[1] < scores[0] - 0.3


def test_no_connections_are_a_dense_network():
    X, y = regression()
    net = SparseConnectedNet(hidden_layer_sizes=(4,), **FAST).fit(X, y)
    assert [kernel.shape for kernel in net.coefs_] == [(5, 4), (4, 1)]
    assert net.connection_weights_ == []
    assert net.unit_names_ == [None, None]


@pytest.mark.parametrize(
    "form",
    [
        sparse.csr_matrix,
        sparse.csc_array,
        sparse.lil_matrix,
        np.ndarray.tolist,
        ConnectionMatrix,
        lambda matrix: matrix.astype(bool),
        lambda matrix: [matrix],
        lambda matrix: (sparse.dok_array(matrix),),
        lambda matrix: np.array([matrix]),
    ],
)
def test_every_form_of_a_matrix_gives_the_same_network(form):
    X, y = regression()
    expected = SparseConnectedNet(A, **FAST).fit(X, y).predict(X)
    given = form(A)
    before = copy.deepcopy(given)
    np.testing.assert_array_equal(SparseConnectedNet(given, **FAST).fit(X, y).predict(X), expected)
    assert joblib.hash(_entries(given)) == joblib.hash(_entries(before))


def _entries(form):
    matrices = form if isinstance(form, list | tuple) else [form]
    return [matrix.toarray() if hasattr(matrix, "toarray") else matrix for matrix in matrices]


def test_rows_are_found_by_name():
    X, y = named_data()
    plain = SparseConnectedNet(A, **FAST).fit(X.to_numpy(), y)
    order = [3, 1, 4, 0, 2]
    shuffled = named().iloc[order]
    net = SparseConnectedNet([shuffled, named(B, "xvuw", "pq").loc[list("wxuv")]], **FAST)
    net.fit(X, y)
    first, second = net.connection_weights_
    assert list(first.index) == list(shuffled.index)
    assert list(first.columns) == list("uvwx")
    assert ((first != 0).to_numpy() <= shuffled.to_numpy().astype(bool)).all()
    assert list(second.index) == list("wxuv")
    alone = SparseConnectedNet(shuffled, **FAST).fit(X, y)
    np.testing.assert_array_equal(alone.predict(X), plain.predict(X.to_numpy()))


def test_features_without_a_row_are_not_connected():
    X, y = named_data()
    with pytest.warns(UserWarning, match=r"2 features feed nothing: b, d\."):
        net = SparseConnectedNet(named().loc[["e", "a", "c"]], **FAST).fit(X, y)
    moved = X.assign(b=1e6, d=-1e6)
    np.testing.assert_array_equal(net.predict(moved), net.predict(X))
    assert (net.coefs_[0].toarray()[[1, 3]] == 0.0).all()
    assert net.connection_weights_[0].shape == (3, 4)


def test_names_of_units_are_attributes():
    X, y = named_data()
    out = pd.DataFrame([[1], [0], [1], [1]], index=list("uvwx"), columns=["price"])
    with pytest.warns(UserWarning, match=r"1 units of layer 0 feed nothing: v\."):
        net = SparseConnectedNet(named(), output_connections=out, **FAST).fit(X, y)
    assert net.unit_names_ == [tuple("uvwx"), ("price",)]
    last = net.connection_weights_[-1]
    assert last.loc["v", "price"] == 0.0
    assert list(last.columns) == ["price"]
    iris = load_iris(as_frame=True)
    classifier = SparseConnectedNetClassifier(hidden_layer_sizes=(3,), **FAST)
    classifier.fit(iris.data, iris.target_names[iris.target])
    assert classifier.unit_names_[-1] == ("setosa", "versicolor", "virginica")


def test_activations_are_units_by_name():
    X, y = named_data()
    net = SparseConnectedNet([named(), B], hidden_layer_sizes=(3,), dropout=0.2, **FAST).fit(X, y)
    first = net.activations(X, 0)
    assert list(first.columns) == list("uvwx")
    assert first.index.equals(X.index)
    expected = np.maximum(X.to_numpy() @ net.coefs_[0] + net.intercepts_[0], 0)
    np.testing.assert_allclose(first, expected, rtol=1e-9, atol=1e-12)
    assert net.activations(X.to_numpy()).shape == (60, 3)
    np.testing.assert_array_equal(net.activations(X, -2), net.activations(X, 1))
    with pytest.raises(ValueError, match="one of 3 hidden layers, from -3 to 2"):
        net.activations(X, 3)
    with pytest.raises(ValueError, match="activations needs a hidden layer"):
        SparseConnectedNet(**FAST).fit(X, y).activations(X)


def test_graph():
    networkx = pytest.importorskip("networkx")
    X, y = named_data()
    net = SparseConnectedNet([named(), B], **FAST).fit(X, y)
    graph = net.to_networkx()
    assert graph.number_of_edges() == A.sum() + B.sum() + 2
    weights = net.connection_weights_[0]
    assert graph.edges[(0, "a"), (1, "x")]["weight"] == weights.loc["a", "x"]
    assert graph.nodes[(1, "u")]["bias"] == net.intercepts_[0][0]
    assert networkx.is_directed_acyclic_graph(graph)


def test_biases():
    X, y = regression()
    flags = [[1, 0, 1, 0], None]
    net = SparseConnectedNet([A, B], bias_connections=flags, **FAST).fit(X, y)
    assert (net.intercepts_[0][[1, 3]] == 0.0).all()
    assert (net.intercepts_[0][[0, 2]] != 0.0).all()
    assert (net.intercepts_[1] != 0.0).any()
    single = SparseConnectedNet(A, bias_connections=[1, 0, 1, 0], **FAST).fit(X, y)
    assert (single.intercepts_[0][[1, 3]] == 0.0).all()
    with_last = SparseConnectedNetClassifier(
        A, output_connections=np.ones((4, 3)), bias_connections=[None, [1, 0, 1]], **FAST
    )
    with_last.fit(X, np.digitize(y, [-50, 50]))
    assert with_last.intercepts_[-1][1] == 0.0
    without = SparseConnectedNet([A, B], use_bias=False, **FAST).fit(X, y)
    assert all((bias == 0).all() for bias in without.intercepts_)
    np.testing.assert_array_equal(without.predict(np.zeros((1, 5))), [0.0])


def test_classifiers_of_all_kinds():
    X, y = make_classification(120, 5, n_informative=4, n_redundant=0, random_state=0)
    settings = {"epochs": 150, "tol": None, "learning_rate": 0.02, "random_state": 0}
    labels = np.stack([y, X[:, 0] > 0], axis=1).astype(int)
    for target, shape in ((y, (120, 2)), (y + 2 * labels[:, 1], (120, 4)), (labels, (120, 2))):
        net = SparseConnectedNetClassifier([A, np.ones((4, 4))], **settings).fit(X, target)
        assert net.predict_proba(X).shape == shape
        majority = max(np.unique(target, axis=0, return_counts=True)[1]) / 120
        assert net.score(X, target) > majority + 0.15
    weighted = SparseConnectedNetClassifier(A, class_weight={0: 1, 1: 20}, **settings).fit(X, y)
    plain = SparseConnectedNetClassifier(A, **settings).fit(X, y)
    assert weighted.predict(X).mean() > plain.predict(X).mean()


def test_structures_are_searched():
    X, y = named_data()
    pipe = make_pipeline(StandardScaler(), SparseConnectedNet(**FAST)).set_output(
        transform="pandas"
    )
    grid = {"sparseconnectednet__connections": [None, named(), [named(), B]]}
    search = GridSearchCV(pipe, grid, cv=3).fit(X, y)
    assert len(search.cv_results_["params"]) == 3
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_clones_share_one_program():
    X, y = regression()
    net = SparseConnectedNet([A, B], kernel="sparse", **FAST).fit(X, y)
    before = skconstrain.compile_cache_info().misses
    clone(net).fit(X, y)
    assert skconstrain.compile_cache_info().misses == before


def test_a_sparse_kernel_is_pickled_by_its_connections():
    rng = np.random.default_rng(0)
    matrix = sparse.random_array((3000, 200), density=0.001, rng=rng) != 0
    X = rng.normal(size=(20, 3000))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = SparseConnectedNet(matrix, **FAST).fit(X, X[:, 0])
    assert net._fitted.weights["connected_0/kernel"].shape == (600,)
    assert len(pickle.dumps(net)) < 60_000  # the matrix would be 4.8 MB


def test_idle_units_are_warned_of():
    X, y = regression()
    starved = A.copy()
    starved[:, 2] = 0
    starved[3] = 0
    with pytest.warns(UserWarning, match="nothing|no input") as caught:
        SparseConnectedNet(starved, **FAST).fit(X, y)
    messages = [str(warning.message) for warning in caught]
    assert "1 features feed nothing: 3." in messages
    assert "1 units of layer 0 have no input: 2." in messages


WRONG = [
    ({"connections": [A, np.ones((3, 2))]}, r"connections\[1\] must have shape \(4, n_units\): "
     r"layer 0 has 4 units. Got \(3, 2\)"),
    ({"connections": A.T}, r"\(5, n_units\): X has 5 features. Got \(4, 5\). Transpose it\?"),
    ({"connections": [A, B.T]}, r"layer 0 has 4 units. Got \(2, 4\). Transpose it\?"),
    ({"connections": A * 2}, "connections must hold 0 and 1 only. Got 2 in row 0, column 0"),
    ({"connections": A * 0.5}, "0 and 1 only. Got 0.5"),
    ({"connections": A * np.nan}, "0 and 1 only. Got nan"),
    ({"connections": A * 0}, "at least one 1"),
    ({"connections": [[1, 0], [1]]}, "rows of equal length|0 and 1"),
    ({"connections": named()}, "X has no feature names"),
    ({"connections": A, "output_connections": np.ones((4, 2))}, r"\(4, 1\): the network has 1"),
    ({"connections": A, "output_connections": np.ones((3, 1))}, "last hidden layer has 4 units"),
    ({"connections": A, "bias_connections": [[1, 0]]}, r"bias_connections\[0\].*\(4,\)"),
    ({"connections": A, "bias_connections": [None] * 3}, "for each of 1 connections"),
    ({"connections": A, "bias_connections": [1, 0, 2, 1]}, "0 and 1 only. Got 2 at 2"),
    ({"connections": A, "bias_connections": [None], "use_bias": False}, "use_bias=True"),
    ({"connections": A, "activation": ["relu", "tanh"]}, "each of 1 hidden layers"),
    ({"connections": A, "kernel": "csr"}, "kernel"),
]  # fmt: skip


@pytest.mark.parametrize(("params", "message"), WRONG)
def test_wrong_use_is_refused(params, message):
    X, y = regression()
    with pytest.raises(ValueError, match=message):
        SparseConnectedNet(**params, **FAST).fit(X, y)


def test_names_that_end_in_a_transformer_are_missed_with_a_remedy_that_works():
    X, y = named_data()
    model = make_pipeline(StandardScaler(), SparseConnectedNet(named(), **FAST))
    with pytest.raises(ValueError, match=re.escape('.set_output(transform="pandas")')):
        model.fit(X, y)
    assert model.set_output(transform="pandas").fit(X, y).predict(X).shape == (len(X),)


def test_a_layer_is_asked_for_by_its_number():
    X, y = regression()
    net = SparseConnectedNet(A, **FAST).fit(X, y)
    with pytest.raises(ValueError, match=r"layer must be the number of one of 1 .* Got 'u'"):
        net.activations(X, layer="u")


def test_wrong_names_are_refused():
    X, y = named_data()
    for table, message in (
        (named(index="abcdz"), "names 1 inputs that do not exist: z"),
        (named(index="abcda"), "must be unique. Got 1 of them more than once: a"),
        (named(columns="uvwu"), "must be unique"),
        (named().T, "transpose it if its columns are the inputs"),
        (named().set_axis([7, 8, 9, 10, 11]), "must hold names"),
    ):
        with pytest.raises(ValueError, match=message):
            SparseConnectedNet(table, **FAST).fit(X, y)


def test_training_goes_on_only_with_the_same_connections():
    X, y = regression()
    net = SparseConnectedNet(A, **FAST).fit(X, y)
    weights = [kernel.toarray() for kernel in net.connection_weights_]
    net.set_params(connections=A[:, ::-1].copy())
    with pytest.raises(ValueError, match="connections must stay"):
        net.partial_fit(X, y)
    np.testing.assert_array_equal(net.connection_weights_[0].toarray(), weights[0])


def test_losses_of_positive_predictions_are_refused():
    X, y = regression()
    with pytest.raises(ValueError, match=r"loss='poisson' is defined for positive .*Positive"):
        SparseConnectedNet(A, loss="poisson").fit(X, y)
    with pytest.raises(ValueError, match=r"loss must be one of .*Got 'mse'"):
        SparseConnectedNet(A, loss="mse").fit(X, y)


def test_unfitted_networks_say_so():
    with pytest.raises(NotFittedError):
        _ = SparseConnectedNet(A).coefs_


def test_the_keras_model_has_the_public_layer(tmp_path):
    X, y = regression()
    net = SparseConnectedNet([A, B], kernel="sparse", **FAST).fit(X, y)
    net.model_.save(tmp_path / "net.keras")
    with precision():  # under JAX, what Keras loads is float32 unless JAX's own switch is on
        again = keras.models.load_model(tmp_path / "net.keras")
        np.testing.assert_allclose(np.asarray(again(X))[:, 0], net.predict(X), rtol=1e-9)
    weights = again.get_layer("connected_0").connection_weights()
    np.testing.assert_array_equal(weights.toarray(), net.connection_weights_[0].toarray())


@pytest.mark.slow
@pytest.mark.parametrize("kind", [SparseConnectedNet, SparseConnectedNetClassifier])
def test_check_estimator_with_connections_where_the_data_allow_it(kind):
    """Checks draw data of other widths too; those must be refused for that, and nothing else."""
    matrix = np.tile([[1, 0], [1, 1]], 5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(kind(matrix, epochs=200), on_fail=None, on_skip=None)
    failed = [result for result in results if result["status"] == "failed"]
    wrong = [result for result in failed if not _of_width(result["exception"])]
    assert [(result["check_name"], result["exception"]) for result in wrong] == []
    assert sum(result["status"] == "passed" for result in results) >= 25


def _of_width(exception):
    """Whether an exception, or one that led to it, is the refusal of data of another width."""
    while exception is not None:
        if "must have shape" in str(exception) and "X has" in str(exception):
            return True
        exception = exception.__cause__ or exception.__context__
    return False
