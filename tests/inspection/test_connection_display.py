"""ConnectionDisplay: every connection drawn where it is, and nothing where there is none."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skconstrain.inspection import ConnectionDisplay
from skconstrain.inspection._layered_layout import (
    Edges,
    cells_of,
    important_units,
    sorted_units,
)

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

GENES = [f"gene {i}" for i in range(6)]
PATHWAYS = ["growth", "repair", "regulation of everything that has a very long name"]


class FakeNet(BaseEstimator):
    """Six genes, three pathways with given connections, one dense output."""

    def __sklearn_is_fitted__(self):
        return hasattr(self, "coefs_")

    def fit(self):
        wiring = [[1.0, 0, 0], [-2, 0, 0], [0, 3, 0], [0, -4, 0.5], [0, 0, 0.25], [0, 0, -1]]
        first = sparse.csr_array(np.array(wiring))
        first.data[0] = 0.0  # a connection whose weight is zero
        self.coefs_ = [first, np.array([[0.5], [-1.0], [2.0]])]
        self.intercepts_ = [np.array([0.1, -0.2, 0.3]), np.array([1.0])]
        self.unit_names_ = [tuple(PATHWAYS), None]
        self.feature_names_in_ = np.array(GENES, dtype=object)
        self.n_features_in_ = 6
        return self


def wiring(n_inputs, n_units, fan_in, seed=0):
    rng = np.random.default_rng(seed)
    rows = np.concatenate([rng.choice(n_inputs, fan_in, replace=False) for _ in range(n_units)])
    columns = np.repeat(np.arange(n_units), fan_in)
    return sparse.csr_array((rng.normal(size=len(rows)), (rows, columns)), (n_inputs, n_units))


def lines_of(display):
    """Return {(unit below, unit above): (weight, colour)} of each layer of a graph."""
    layers = []
    for i, lines in enumerate(display.axes_[0].collections[: len(display.units_) - 1]):
        below, above = display.units_[i : i + 2]
        colours = lines.to_rgba(lines.get_array())
        drawn = {}
        for path, weight, colour in zip(
            lines.get_segments(), lines.get_array(), colours, strict=True
        ):
            assert path[:, 0].tolist() == [i, i + 1]
            start, end = (
                units[round((1 - height) * len(units) - 0.5)]
                for units, height in zip((below, above), path[:, 1], strict=True)
            )
            drawn[int(start), int(end)] = (weight, colour)
        assert len(drawn) == len(lines.get_segments())
        layers.append(drawn)
    return layers


def texts_of(display):
    return [text.get_text() for axes in display.axes_ for text in axes.texts]


def title_of(panel):
    return " ".join(panel.get_title("left").split())


@pytest.mark.parametrize("sort", [True, False])
def test_a_graph_has_a_line_for_each_connection_and_no_other(sort):
    net = FakeNet().fit()
    display = ConnectionDisplay.from_estimator(net, sort=sort)
    assert display.kind_ == "graph"
    first, second = lines_of(display)
    stored = net.coefs_[0].tocoo()
    expected = dict(zip(zip(stored.row, stored.col, strict=True), stored.data, strict=True))
    assert {place: weight for place, (weight, _) in first.items()} == expected
    assert first[0, 0][0] == 0.0
    assert {place[0]: weight for place, (weight, _) in second.items()} == {0: 0.5, 1: -1.0, 2: 2.0}


def test_colour_says_the_sign_and_width_the_size():
    display = ConnectionDisplay.from_estimator(FakeNet().fit())
    for weight, (red, _, blue, _) in [one for layer in lines_of(display) for one in layer.values()]:
        assert np.sign(round(red - blue, 2)) == np.sign(weight)
    for lines in display.axes_[0].collections[:2]:
        sizes, widths = np.abs(lines.get_array()), lines.get_linewidths()
        assert np.all(np.diff(np.asarray(widths)[np.argsort(sizes)]) >= 0)
    assert len({lines.norm.vmax for lines in display.axes_[0].collections[:2]}) == 1


def test_weak_connections_differ_from_the_paper():
    display = ConnectionDisplay([np.zeros((2, 2))]).plot()
    lines = display.axes_[0].collections[0]
    on_white = 1 - lines.get_alpha() * (1 - lines.to_rgba(lines.get_array())[:, 0])
    assert on_white.max() < 0.93


def test_dots_show_intercepts_and_importance():
    net = FakeNet().fit()
    display = ConnectionDisplay.from_estimator(net, sort=False)
    hidden = display.axes_[0].collections[3]
    np.testing.assert_array_equal(hidden.get_array(), net.intercepts_[0])
    paths = [2 * 0.5, 7 * 1.0, 1.75 * 2.0]  # sums of |weight| in, times |weight| out
    assert np.argsort(hidden.get_sizes()).tolist() == np.argsort(paths).tolist()
    np.testing.assert_allclose(display.importances_[1], np.array(paths) / 7)
    # All units count, also those that a picture has no room for, and without one.
    few = ConnectionDisplay(net.coefs_).plot(max_units=1)
    assert [len(units) for units in few.units_] == [1] * 3
    for found, whole in zip(few.importances_, display.importances_, strict=True):
        np.testing.assert_array_equal(found, whole)


def test_names_are_shown_and_long_ones_cut():
    texts = texts_of(ConnectionDisplay.from_estimator(FakeNet().fit()))
    assert {*GENES, "growth", "repair", "inputs", "layer 0", "outputs"} <= set(texts)
    assert PATHWAYS[2] not in texts
    cut = next(text for text in texts if text.endswith("\N{HORIZONTAL ELLIPSIS}"))
    assert PATHWAYS[2].startswith(cut[:-1])
    assert "x3" in texts_of(ConnectionDisplay(FakeNet().fit().coefs_).plot())


def test_names_stay_inside_an_axes():
    figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    display = ConnectionDisplay.from_estimator(FakeNet().fit(), ax=axes[0])
    assert display.figure_ is figure
    figure.canvas.draw()
    box = axes[0].get_window_extent()
    for text in display.axes_[0].texts:
        extent = text.get_window_extent()
        assert box.x0 - 2 <= extent.x0
        assert extent.x1 <= box.x1 + 2


def test_a_large_graph_is_reduced_and_says_so():
    weights = [wiring(500, 100, 12), wiring(100, 20, 10), np.ones((20, 1))]
    display = ConnectionDisplay(weights).plot()
    assert [len(units) for units in display.units_] == [40, 40, 20, 1]
    texts = texts_of(display)
    assert "40 of 500 units shown" in texts
    assert "40 of 100 units shown" in texts
    assert "20 units" in texts
    assert not any("connections" in text for text in texts)
    for matrix, drawn in zip(weights, lines_of(display), strict=True):
        dense = matrix.toarray() if sparse.issparse(matrix) else matrix
        assert all(dense[place] == weight for place, (weight, _) in drawn.items())
    fewer = ConnectionDisplay(weights).plot(max_units=100, max_edges=7)
    total = np.count_nonzero(weights[1].toarray())
    assert f"7 of {total:,}\nconnections shown" in texts_of(fewer)
    strongest = np.sort(np.abs(weights[1].data))[-7:]
    shown = sorted(abs(weight) for weight, _ in lines_of(fewer)[1].values())
    np.testing.assert_array_equal(shown, strongest)


def test_units_that_are_kept_lead_somewhere():
    # Unit 0 of the middle has the largest weights below it, and feeds nothing that counts.
    first = np.array([[9.0, 1, 0], [9, 0, 1]])
    second = np.array([[0.0, 0.01], [1, 0], [2, 0]])
    assert [units.tolist() for units in important_units([first, second], 1)] == [[1], [2], [0]]
    for units, size in zip(important_units([first, second], 9), (2, 3, 2), strict=True):
        assert units.tolist() == list(range(size))


def test_sorting_undoes_a_shuffle():
    shuffle = np.random.default_rng(0).permutation(12)
    straight = Edges(np.arange(12), shuffle, np.ones(12))
    left, right = sorted_units([straight], [12, 12])
    np.testing.assert_array_equal(shuffle[left], right)
    assert [len(set(one)) for one in (left, right)] == [12, 12]


def test_layers_are_chosen():
    weights = [wiring(9, 5, 2), wiring(5, 4, 2), wiring(4, 2, 2)]
    display = ConnectionDisplay(weights)
    assert [len(units) for units in display.plot(layers=[1, 2]).units_] == [5, 4, 2]
    assert len(display.plot(layers=[0, 2]).axes_) == 2
    assert display.kind_ == "matrix"
    assert not hasattr(display, "units_")
    with pytest.raises(ValueError, match=r"layers of a graph must follow .* Got \[0, 2\]"):
        display.plot(layers=[0, 2], kind="graph")


def test_a_matrix_is_blank_where_nothing_is_connected():
    net = FakeNet().fit()
    display = ConnectionDisplay.from_estimator(net, kind="matrix")
    shown = display.axes_[0].images[0].get_array()
    stored = net.coefs_[0].tocoo()
    connected = np.zeros((6, 3), dtype=bool)
    connected[stored.row, stored.col] = True
    np.testing.assert_array_equal(np.ma.getmaskarray(shown), ~connected)
    np.testing.assert_array_equal(shown[connected], net.coefs_[0].toarray()[connected])
    assert display.axes_[0].images[0].cmap.get_bad()[3] == 0.0
    names = [label.get_text() for label in display.axes_[0].get_yticklabels()]
    assert names == GENES
    assert title_of(display.axes_[0]) == "7 connections, 39 % of the possible"


@pytest.mark.parametrize("shape", [(40, 31), (7, 64), (3, 3)])
def test_a_cell_is_the_strongest_of_its_weights(shape):
    rng = np.random.default_rng(0)
    dense = rng.normal(size=shape) * (rng.random(shape) < 0.1)
    cells = cells_of(sparse.csr_array(dense), (10, 8))
    expected = np.full((min(10, shape[0]), min(8, shape[1])), np.nan)
    for row, column in np.argwhere(dense):
        place = row * expected.shape[0] // shape[0], column * expected.shape[1] // shape[1]
        if not abs(expected[place]) >= abs(dense[row, column]):
            expected[place] = dense[row, column]
    np.testing.assert_array_equal(cells, expected)
    np.testing.assert_array_equal(cells_of(dense, (10, 8)), np.nan_to_num(expected))


def test_a_huge_layer_is_a_matrix_that_is_never_dense():
    rng = np.random.default_rng(0)
    shape, n_connections = (200_000, 20_000), 300_000
    places = tuple(rng.integers(0, size, n_connections) for size in shape)
    huge = sparse.coo_array((rng.normal(size=n_connections), places), shape).tocsr()
    tracemalloc.start()
    display = ConnectionDisplay([huge]).plot()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6  # dense, it would be 32e9 bytes
    assert display.kind_ == "matrix"
    assert max(display.axes_[0].images[0].get_array().shape) <= 500
    title = title_of(display.axes_[0])
    assert f"{huge.nnz:,} connections" in title
    assert "a cell shows the strongest of up to" in title
    assert len(ConnectionDisplay([huge]).plot(kind="graph").units_[0]) == 40


def test_matrices_divide_an_axes():
    figure, axes = plt.subplots(1, 2)
    display = ConnectionDisplay.from_estimator(FakeNet().fit(), kind="matrix", ax=axes[0])
    assert len(display.axes_) == 2
    figure.canvas.draw()
    assert all(panel.get_position().x1 <= axes[1].get_position().x0 for panel in display.axes_)
    one = ConnectionDisplay(FakeNet().fit().coefs_).plot(kind="matrix", layers=0, ax=axes[1])
    assert one.axes_[0] is axes[1]
    with pytest.raises(ValueError, match=r"ax must be part of a grid.*layers=0"):
        display.plot(kind="matrix", ax=figure.add_axes([0, 0, 1, 1]))


def test_networks_of_scikit_learn():
    X, y = load_iris(return_X_y=True, as_frame=True)
    fit = {"solver": "lbfgs", "max_iter": 5000, "random_state": 0}
    net = MLPClassifier((5,), **fit).fit(X, load_iris().target_names[y])
    texts = texts_of(ConnectionDisplay.from_estimator(net))
    assert {"setosa", "versicolor", "virginica", "petal length (cm)"} <= set(texts)
    two = MLPClassifier((5,), **fit).fit(X[:100], load_iris().target_names[y[:100]])
    texts = texts_of(ConnectionDisplay.from_estimator(two))
    assert "versicolor" in texts
    assert "setosa" not in texts
    net = MLPRegressor(hidden_layer_sizes=(5, 3), **fit).fit(X.to_numpy(), y)
    assert len(ConnectionDisplay.from_estimator(net).units_) == 4


@pytest.mark.parametrize("kind", ["graph", "matrix"])
def test_nothing_given_is_changed(kind):
    unsorted = sparse.csr_array((np.array([1.0, 2, 3]), [2, 0, 2], [0, 3]), shape=(1, 3))
    weights, names = [unsorted, np.ones((3, 2))], [["a"], None, ("b", "c")]
    before = [unsorted.data.copy(), unsorted.indices.copy(), weights[1].copy()]
    display = ConnectionDisplay(weights, names=names).plot(kind=kind)
    after = [unsorted.data, unsorted.indices, weights[1]]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)
    assert weights[0] is unsorted
    assert names == [["a"], None, ("b", "c")]
    assert display.weights[0].toarray().tolist() == [[2.0, 0.0, 4.0]]  # duplicates are summed


def test_layers_without_connections_and_other_formats_are_drawn():
    empty = sparse.csc_matrix((3, 2))
    for kind in ("graph", "matrix"):
        ConnectionDisplay([empty, [[1, 2], [3, 4]]]).plot(kind=kind).figure_.canvas.draw()
        ConnectionDisplay([empty]).plot(kind=kind).figure_.canvas.draw()
    frame = pd.DataFrame(np.ones((3, 2), np.float16))
    assert len(lines_of(ConnectionDisplay([frame]).plot())[0]) == 6


def test_wrong_estimators_are_refused_in_a_sentence():
    draw = ConnectionDisplay.from_estimator
    with pytest.raises(NotFittedError):
        draw(FakeNet())
    X, y = load_iris(return_X_y=True)
    with pytest.raises(TypeError, match=r"with coefs_.* Got RandomForestClassifier. Pass"):
        draw(RandomForestClassifier(2).fit(X, y))
    net = FakeNet().fit()
    net.unit_names_ = [("a", "b"), None]
    with pytest.raises(ValueError, match=r"names\[1\] must hold 3 names .*layer 0 has 3.*Got 2"):
        draw(net)


@pytest.mark.parametrize(
    ("weights", "error", "match"),
    [
        (np.ones((3, 2)), TypeError, r"must be a list of matrices.* Got ndarray. Pass \[matrix\]"),
        ([], TypeError, "must be a list of matrices"),
        ([np.ones((3, 2)), np.ones((3, 1))], ValueError, r"weights\[1\].*\(2, n.*Got \(3, 1\)"),
        ([np.ones(3)], ValueError, r"weights\[0\] must be a matrix .* Got shape \(3,\)"),
        ([np.array([["a"]])], ValueError, r"matrix of numbers .* Got shape \(1, 1\) of <U1"),
        ([np.array([[np.nan]])], ValueError, r"weights\[0\] must be finite"),
    ],
)
def test_wrong_weights_are_refused_in_a_sentence(weights, error, match):
    with pytest.raises(error, match=match):
        ConnectionDisplay(weights)


def test_wrong_names_and_intercepts_are_refused_in_a_sentence():
    weights = [np.ones((3, 2))]
    with pytest.raises(ValueError, match=r"names must have 2 entries: .* Got 3"):
        ConnectionDisplay(weights, names=["a", "b", "c"])
    with pytest.raises(ValueError, match=r"names\[0\] must hold 3 names .*3 inputs. Got 'abc'"):
        ConnectionDisplay(weights, names=["abc", "de"])
    with pytest.raises(ValueError, match=r"intercepts must have .* \[2\] units. Got .*\(3,\)"):
        ConnectionDisplay(weights, intercepts=[np.ones(3)])


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"kind": "tree"}, "kind must be 'auto', 'graph' or 'matrix'. Got 'tree'"),
        ({"layers": [1]}, r"layers must be numbers from 0 to 0. Got \[1\]"),
        ({"layers": []}, r"layers must be numbers from 0 to 0. Got \[\]"),
        ({"max_units": 0}, "max_units must be a whole number above 0. Got 0"),
        ({"max_edges": 1.5}, "max_edges must be a whole number above 0. Got 1.5"),
        ({"vmax": -1}, "vmax must be a number above 0. Got -1"),
    ],
)
def test_wrong_options_are_refused_in_a_sentence(wrong, match):
    with pytest.raises(ValueError, match=match):
        ConnectionDisplay([np.ones((3, 2))]).plot(**wrong)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda net: make_pipeline(StandardScaler(), net),
        lambda net: GridSearchCV(make_pipeline(StandardScaler(), net), {}, cv=2),
        lambda net: make_pipeline(StandardScaler(), GridSearchCV(net, {}, cv=2)),
    ],
    ids=["pipeline", "search over one", "search inside"],
)
def test_the_network_inside_a_pipeline_or_a_search_is_drawn(wrap):
    X, y = load_iris(return_X_y=True)
    model = wrap(MLPClassifier((3,), max_iter=500, tol=0.01, random_state=0)).fit(X, y)
    display = ConnectionDisplay.from_estimator(model)
    assert [matrix.shape for matrix in display.weights] == [(4, 3), (3, 3)]
