"""Tables as they come: categories, text, booleans and gaps, with nothing in front."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils import get_tags

from skconstrain import (
    GatedEnsembleClassifier,
    MultiLabelNetClassifier,
    PositiveRegressor,
    SparseConnectedNet,
    TunedThresholdMultiLabelClassifierCV,
    compile_cache_info,
)
from tests.campaign.frames import run_frames
from tests.refusals import refuses
from tests.registry import CONNECTED, GATE, LABELS, POSITIVE, ROWS, positive_regression

NET = POSITIVE.make(n_networks=1)
TAKES_CATEGORIES = [row for row in ROWS if row.estimator._takes_categories]


def houses(n_rows=120, random_state=0):
    """Return a table of all that people have, and prices that depend on most of it."""
    rng = np.random.default_rng(random_state)
    frame = pd.DataFrame(
        {
            "area": rng.gamma(4, 25, n_rows),
            "town": rng.choice(["north", "south", "east"], n_rows).astype(object),
            "kind": pd.Categorical(rng.choice(["1", "2"], n_rows)),
            "lift": rng.random(n_rows) < 0.4,
            "rooms": pd.array(rng.integers(1, 6, n_rows), dtype="Int64"),
        }
    )
    price = frame["area"] * (1 + (frame["town"] == "north")) * (1 + 0.5 * (frame["kind"] == "2"))
    for column, gap in (("area", np.nan), ("town", None), ("rooms", pd.NA)):
        frame.loc[rng.random(n_rows) < 0.1, column] = gap
    return frame, price.to_numpy()


def with_gaps(X, share=0.2, random_state=0):
    return np.where(np.random.default_rng(random_state).random(X.shape) < share, np.nan, X)


FRAME, PRICE = houses()
IS_DEAR = np.median(PRICE) < PRICE


def test_random_tables_break_no_promise():
    assert run_frames(len(ROWS)) == []


def test_a_table_is_learnt_from():
    frame, price = houses(400)
    net = PositiveRegressor(random_state=0).fit(frame[:300], price[:300])
    assert net.score(frame[300:], price[300:]) > 0.6


def test_columns_in_another_order_are_matched_by_their_names():
    net = clone(NET).fit(FRAME, PRICE)
    expected = net.predict(FRAME)
    np.testing.assert_array_equal(net.predict(FRAME[FRAME.columns[::-1]]), expected)
    one_row = pd.DataFrame([dict(reversed(FRAME.iloc[0].to_dict().items()))])
    np.testing.assert_allclose(net.predict(one_row), expected[:1], rtol=1e-6)


def test_polars_and_pandas_give_the_same_network():
    polars = pytest.importorskip("polars")
    columns = {name: FRAME[name].astype(object).where(FRAME[name].notna(), None) for name in FRAME}
    frame = polars.DataFrame({name: column.tolist() for name, column in columns.items()})
    expected = clone(NET).fit(FRAME, PRICE).predict(FRAME)
    found = clone(NET).fit(frame, PRICE)
    np.testing.assert_array_equal(found.predict(frame), expected)
    np.testing.assert_array_equal(found.predict(frame.select(frame.columns[::-1])), expected)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["town", "kind"], ["town", "kind"]),
        ([1, 2], ["town", "kind"]),
        ([False, True, True, True, False], ["town", "kind", "lift"]),
    ],
)
def test_categories_are_given_by_names_positions_or_a_mask(given, expected):
    net = clone(NET).set_params(categorical_features=given).fit(FRAME, PRICE)
    chosen = [name for name, one in zip(FRAME, net.categories_, strict=True) if one is not None]
    assert chosen == expected


def test_numbers_of_an_array_may_be_categories():
    X, y = positive_regression()
    X[:, 1] = np.arange(60) % 4
    net = clone(NET).set_params(categorical_features=[1]).fit(X, y)
    assert net.categories_[1].tolist() == [0, 1, 2, 3]
    unknown = X.copy()
    unknown[:, 1] = 7
    assert np.ptp(net.predict(np.repeat(unknown[:1], 5, axis=0))) == 0
    np.testing.assert_array_equal(net.predict(sparse.csr_array(X)), net.predict(X))


def test_booleans_are_numbers_where_nothing_is_a_category():
    frame = FRAME[["area", "lift", "rooms"]]
    net = clone(NET).set_params(categorical_features=None).fit(frame, PRICE)
    assert net.categories_ == [None] * 3
    as_numbers = frame.assign(lift=frame["lift"] * 1.0)
    np.testing.assert_array_equal(net.predict(as_numbers), net.predict(frame))


def test_rare_unknown_and_missing_categories_have_codes():
    X, y = positive_regression()
    text = pd.Series(np.tile(["a", "b", "c"], 20)).astype(object)
    text[:3] = ["rare", "rarer", None]
    net = clone(NET).fit(pd.DataFrame({"x": X[:, 0], "text": text}), y)
    assert net.categories_[1].tolist() == ["a", "b", "c"]
    rows = pd.DataFrame({"x": 0.0, "text": ["a", "c", "rare", "rarer", "unknown", None, pd.NA]})
    codes = net._validated_input(rows)[:, 1]
    np.testing.assert_array_equal(codes, [0, 2, 3, 3, 3, np.nan, np.nan])
    predicted = net.predict(rows)
    assert predicted[2] == predicted[3] == predicted[4]
    assert predicted[5] == predicted[6] != predicted[4]


def test_a_gap_that_was_not_there_in_fit_is_the_center_of_its_feature():
    X, y = positive_regression()
    net = clone(NET).fit(X, y)
    gap, center = X[:4].copy(), X[:4].copy()
    gap[:, 2], center[:, 2] = np.nan, net._fitted.weights["standardize/center"][2]
    np.testing.assert_array_equal(net.predict(gap), net.predict(center))


def test_a_gap_is_zero_where_nothing_is_standardized():
    X, y = positive_regression()
    net = clone(NET).set_params(standardize=False).fit(X, y)
    np.testing.assert_array_equal(
        net.predict(np.where(X > 1, np.nan, X)), net.predict(np.where(X > 1, 0, X))
    )


def test_what_gaps_tell_is_learnt():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    is_gap = rng.random(400) < 0.5
    X[is_gap, 0] = np.nan
    y = 1 + 4.0 * is_gap
    net = PositiveRegressor(random_state=0, n_networks=1).fit(X, y)
    assert net.score(X, y) > 0.95


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_gaps_of_every_container_are_the_same(row, tmp_path):
    X, y = row.data(0)
    X = with_gaps(X)
    net = row.make().fit(X, y)
    expected = net.predict(X)
    mapped = np.memmap(tmp_path / "X", X.dtype, "w+", shape=X.shape)
    mapped[:] = X
    as_objects = X.astype(object)
    as_objects[np.isnan(X)] = None
    for given in (sparse.csr_array(X), mapped, as_objects, X.tolist()):
        np.testing.assert_array_equal(row.make().fit(given, y).predict(given), expected)
    with config_context(working_memory=0.001):
        chunked = row.make().fit(mapped, y)
        np.testing.assert_allclose(chunked.predict(mapped), net.predict(X), rtol=0.5, atol=0.5)
        np.testing.assert_allclose(net.predict(mapped), expected, rtol=1e-6)


@pytest.mark.parametrize("row", [POSITIVE, LABELS, CONNECTED], ids=lambda row: row.name)
def test_weights_count_rows_with_gaps_and_categories(row):
    """A weight of zero equals removing the row, two equals repeating it."""
    _, y = row.data(0)
    frame = FRAME[:60].copy()
    frame.loc[0, "town"] = "seen in a row without weight alone"
    if row is CONNECTED:
        frame = frame[["area", "rooms"]]
    weight = np.r_[0, 2, np.ones(58)]
    weighted = row.make(early_stopping=False).fit(frame, y, sample_weight=weight)
    chosen = np.r_[1, 1:60]
    repeated = row.make(early_stopping=False).fit(frame.iloc[chosen], y[chosen])
    np.testing.assert_allclose(weighted.predict(frame), repeated.predict(frame), rtol=1e-4)


@pytest.mark.parametrize("row", TAKES_CATEGORIES, ids=lambda row: row.name)
def test_partial_fit_and_warm_starts_keep_the_categories(row):
    _, y = row.data(0)
    first, second = FRAME[:60], FRAME[:60].assign(town="unknown")
    net = row.make().partial_fit(first, y)
    known = net.categories_[1].tolist()
    assert net.partial_fit(second, y).categories_[1].tolist() == known
    warm = row.make(warm_start=True).fit(first, y).fit(second, y)
    assert warm.categories_[1].tolist() == known
    assert warm.n_iter_ > net.n_iter_


def test_gaps_may_come_later():
    X, y = positive_regression()
    net = clone(NET).partial_fit(X, y).partial_fit(with_gaps(X), y)
    assert np.isfinite(net.predict(with_gaps(X))).all()
    stopped = clone(NET).fit(X, y, X_val=with_gaps(X), y_val=y)
    assert np.isfinite(stopped.validation_scores_).all()


def test_gaps_stay_centers_where_scales_follow_a_stream():
    X, y = positive_regression()
    net = clone(NET).partial_fit(with_gaps(X)[:10], y[:10])
    for _ in range(3):
        weights = net.partial_fit(100 * with_gaps(X), y)._fitted.weights
    np.testing.assert_array_equal(weights["encode/center"], weights["standardize/center"][:5])


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_table_may_have_no_numbers():
    net = clone(NET).fit(FRAME[["town", "lift"]], PRICE)
    assert np.isfinite(net.predict(FRAME[["lift", "town"]])).all()


def test_validation_data_may_have_columns_in_another_order():
    parts = {"X_val": FRAME[FRAME.columns[::-1]], "y_val": PRICE}
    expected = clone(NET).fit(FRAME, PRICE, X_val=FRAME, y_val=PRICE).validation_scores_
    assert clone(NET).fit(FRAME, PRICE, **parts).validation_scores_ == expected


def test_searches_pickles_and_clones():
    search = GridSearchCV(NET, {"alpha": [1e-4, 1e-2]}, cv=2, error_score="raise")
    search.fit(FRAME, PRICE)
    found = pickle.loads(pickle.dumps(search)).predict(FRAME)
    np.testing.assert_array_equal(found, search.predict(FRAME))


def test_folds_with_as_many_categories_share_one_program():
    frame = pd.DataFrame({"x": np.arange(60.0), "text": np.tile(list("ab"), 30)})
    other = pd.DataFrame({"x": np.arange(60.0) ** 2, "text": np.tile(list("cd"), 30)})
    clone(NET).fit(frame, PRICE[:60])
    before = compile_cache_info().misses
    clone(NET).fit(other, PRICE[:60])
    assert compile_cache_info().misses == before


def test_thresholds_are_over_a_classifier_of_tables():
    Y = np.column_stack([IS_DEAR, FRAME["lift"]]).astype(int)
    net = MultiLabelNetClassifier((8,), epochs=5, n_networks=1, random_state=0)
    tuned = TunedThresholdMultiLabelClassifierCV(net, cv=2, random_state=0).fit(FRAME, Y)
    assert tuned.predict(FRAME).shape == Y.shape
    assert get_tags(tuned).input_tags.allow_nan


def test_given_experts_see_the_table_as_it_was_given():
    encoded = make_column_transformer((OneHotEncoder(), ["town", "kind"]))
    experts = [("linear", make_pipeline(encoded, LogisticRegression()))]
    gate = GATE.make(estimators=experts, cv=2).fit(FRAME, IS_DEAR)
    assert gate.predict(FRAME).shape == IS_DEAR.shape
    rounds = GATE.make(estimators=experts, cv=2, n_rounds=1, epochs=2).fit(FRAME, IS_DEAR)
    assert np.isfinite(rounds.predict_proba(FRAME)).all()


def test_signs_hold_beside_categories_and_gaps():
    net = clone(NET).set_params(monotonic_cst={"area": 1}, epochs=30).fit(FRAME, PRICE)
    for area in (5.0, 50.0, 500.0):
        less, more = FRAME.assign(area=area), FRAME.assign(area=1.5 * area)
        assert (net.predict(less) <= net.predict(more)).all()


def test_tags_say_what_is_taken():
    numbers_only = [PositiveRegressor(categorical_features=None), SparseConnectedNet()]
    for net in [PositiveRegressor(), *numbers_only]:
        tags, takes_categories = get_tags(net).input_tags, net not in numbers_only
        assert tags.allow_nan
        assert tags.categorical is tags.string is takes_categories
    over_linear = GatedEnsembleClassifier([("linear", LogisticRegression())])
    assert not get_tags(over_linear).input_tags.allow_nan


@pytest.mark.parametrize(
    ("column", "parts"),
    [
        (pd.date_range("2020", periods=120), ["datetime64", "'new'", "dt.year"]),
        ([[1]] * 120, ["list", "'new'", "columns"]),
        (np.full(120, 1j), ["complex", "'new'", "imaginary"]),
        (["a", 1] * 60, ["int and str", "'new'", "astype(str)"]),
        ([{"a": 1}] * 120, ["dict", "'new'"]),
    ],
)
def test_columns_of_anything_else_are_refused(column, parts):
    with refuses("Columns of X must hold numbers, text, categories or booleans", *parts):
        clone(NET).fit(FRAME.assign(new=pd.Series(column)), PRICE)


def test_what_is_no_table_is_refused():
    polars = pytest.importorskip("polars")
    with refuses("X must be in memory", "Got LazyFrame", "X.collect()"):
        NET.fit(polars.DataFrame({"area": PRICE}).lazy(), PRICE)
    for series in (FRAME["area"], polars.Series(PRICE)):
        with pytest.raises(ValueError, match=r"Expected (a 2-dimensional container|2D array)"):
            clone(NET).fit(series, PRICE)


def test_tables_of_pyarrow_are_taken():
    pyarrow = pytest.importorskip("pyarrow")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"area": rng.gamma(4, 25, 60), "town": rng.choice(["a", "b"], 60)})
    table = pyarrow.table({name: list(column) for name, column in frame.items()})
    expected = clone(NET).fit(frame, frame["area"]).predict(frame)
    np.testing.assert_array_equal(clone(NET).fit(table, frame["area"]).predict(table), expected)


def test_text_in_an_array_is_refused_with_what_to_do():
    array = np.array([[1.0, "alfa-romero"]] * 120, object)
    with refuses("An array X must hold numbers: could not", "alfa-romero", "categorical_features"):
        clone(NET).fit(array, PRICE)


def test_columns_must_hold_what_they_held_in_fit():
    net = clone(NET).fit(FRAME, PRICE)
    with refuses("Got numbers in column 'town', which held categories", "type that it had"):
        net.predict(FRAME.assign(town=1.0))
    with refuses("Got categories in column 'area', which held numbers"):
        net.predict(FRAME.assign(area="large"))
    with refuses("Feature names seen at fit time, yet now missing", "town"):
        net.predict(FRAME.drop(columns="town"))
    with refuses("Feature names unseen at fit time", "new"):
        net.predict(FRAME.assign(new=1))
    with refuses("numbers in column 1, which held categories"):
        net.predict(np.ones((3, 5)))


def test_wrong_choices_of_categories_are_refused():
    for given in (["nope"], [7], [True], [0.5], "nope"):
        with refuses("categorical_features", str(given).strip("[]'")):
            clone(NET).set_params(categorical_features=given).fit(FRAME, PRICE)
    with refuses("'town'", "hold numbers", "categorical_features"):
        clone(NET).set_params(categorical_features=None).fit(FRAME, PRICE)


def test_a_category_has_no_sign():
    with refuses("monotonic_cst must be 0 where a feature holds categories", "1 for 'town'"):
        clone(NET).set_params(monotonic_cst={"town": 1}).fit(FRAME, PRICE)


def test_connections_take_numbers():
    with refuses("SparseConnectedNet takes numbers", "'town'", "OneHotEncoder"):
        CONNECTED.make().fit(FRAME, PRICE)
