"""What y is: a vector of classes or an indicator matrix of labels, in whatever it is given."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import DataConversionWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier

from skconstrain import (
    GatedEnsembleClassifier,
    MultiLabelNetClassifier,
    PositiveRegressor,
    SparseConnectedNetClassifier,
    TunedThresholdMultiLabelClassifierCV,
)
from skconstrain._targets import ClassTarget
from tests.refusals import refuses

X = np.random.default_rng(0).normal(size=(90, 3))
VECTOR = (X[:, 0] > 0).astype(int)
LABELS = (X > 0.3).astype(int)
SETTINGS = {"epochs": 2, "random_state": 0}

CLASSIFIERS = {
    "net": lambda: MultiLabelNetClassifier((4,), n_networks=1, **SETTINGS),
    "connected": lambda: SparseConnectedNetClassifier(np.eye(3), **SETTINGS),
    "gate": lambda: GatedEnsembleClassifier(n_experts=2, **SETTINGS),
    "tuner": lambda: TunedThresholdMultiLabelClassifierCV(LogisticRegression(), cv=2),
}
LABELLERS = {
    "net": CLASSIFIERS["net"],
    "connected": CLASSIFIERS["connected"],
    "tuner": lambda: TunedThresholdMultiLabelClassifierCV(
        OneVsRestClassifier(LogisticRegression()), cv=2, random_state=0
    ),
    "tuned net": lambda: TunedThresholdMultiLabelClassifierCV(
        CLASSIFIERS["net"](), cv=2, random_state=0
    ),
}
NETS = pytest.mark.parametrize("name", ["net", "connected", "gate"])

COLUMNS = {
    "array": lambda y: y[:, None],
    "text": lambda y: np.array(["no", "yes"])[y][:, None],
    "sparse": lambda y: sparse.csr_array(y[:, None]),
    "list": lambda y: y[:, None].tolist(),
    "frame": lambda y: pd.DataFrame({"target": y}),
    "bool": lambda y: pd.DataFrame({"target": y == 1}),
    "nullable": lambda y: pd.DataFrame({"target": y}).convert_dtypes(),
    "nullable text": lambda y: pd.DataFrame({"t": np.array(["no", "yes"])[y]}).convert_dtypes(),
    "objects": lambda y: y[:, None].astype(object),
}


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_column_of_classes_is_a_vector(name, column):
    expected = CLASSIFIERS[name]().fit(X, VECTOR)
    given = COLUMNS[column](VECTOR)
    with pytest.warns(DataConversionWarning, match="column-vector y was passed") as caught:
        model = CLASSIFIERS[name]().fit(X, given)
    assert caught[0].filename == __file__
    predicted = model.predict(X)
    assert predicted.shape == VECTOR.shape
    np.testing.assert_array_equal(predicted == model.classes_[1], expected.predict(X))
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    assert predicted.dtype == model.classes_.dtype
    assert not hasattr(model, "label_names_")
    if column != "sparse":
        assert model.score(X, given) == expected.score(X, VECTOR)


@pytest.mark.parametrize("make", [lambda y: y, lambda y: y[:, None]], ids=["vector", "column"])
@pytest.mark.parametrize("n_classes", [2, 3])
@NETS
@pytest.mark.filterwarnings("ignore:A column-vector y was passed")
def test_what_y_is_does_not_depend_on_the_values_of_a_part(name, n_classes, make):
    y = np.arange(90) % n_classes
    first = y == 0
    model = CLASSIFIERS[name]()
    model.fit(X, make(y), X_val=X[first], y_val=make(y[first]))
    assert model.predict_proba(X).shape == (90, n_classes)
    model.set_params(warm_start=True).fit(X[first], make(y[first]))
    model.partial_fit(X[~first], make(y[~first]))
    assert model.predict_proba(X).shape == (90, n_classes)
    model = CLASSIFIERS[name]().partial_fit(X[first], make(y[first]), classes=range(n_classes))
    model.partial_fit(X[~first], make(y[~first]))
    assert model.predict_proba(X).shape == (90, n_classes)


def as_frame(kind):
    return lambda y: pd.DataFrame(y, columns=list("abc")).astype(kind)


MATRICES = {
    "Int64": (as_frame("Int64"), int),
    "Int8": (as_frame("Int8"), int),
    "boolean": (as_frame("boolean"), bool),
    "Float32": (as_frame("Float32"), float),
    "int64[pyarrow]": (as_frame("int64[pyarrow]"), int),
    "bool[pyarrow]": (as_frame("bool[pyarrow]"), bool),
    "bool beside int": (lambda y: as_frame(int)(y).astype({"a": bool}), int),
    "objects": (lambda y: y.astype(object), int),
    "frame of objects": (as_frame(object), int),
    "polars": (lambda y: pytest.importorskip("polars").DataFrame(y, schema=list("abc")), int),
}


@pytest.mark.parametrize("kind", MATRICES)
@pytest.mark.parametrize("name", LABELLERS)
def test_labels_in_any_columns_are_predicted_as_numbers(name, kind):
    if "pyarrow" in kind:
        pytest.importorskip("pyarrow")
    make, dtype = MATRICES[kind]
    given = make(LABELS)
    model = LABELLERS[name]().fit(X, given)
    predicted = model.predict(X)
    assert np.issubdtype(predicted.dtype, dtype if dtype is bool else np.dtype(dtype).type)
    plain = LABELLERS[name]().fit(X, LABELS).predict(X)
    np.testing.assert_array_equal(predicted, plain)
    f1_score(LABELS, predicted, average="macro")
    assert hasattr(model, "label_names_") == (kind != "objects")
    assert model.score(X, given) == (plain == LABELS).all(axis=1).mean()


def with_missing(value):
    y = LABELS.astype(object)
    y[7, 1] = value
    return pd.DataFrame(y, columns=list("abc"))


PAIRS = np.array([["red", "big"], ["red", "old"], ["new", "big"]] * 30)
BINARIZER = "MultiLabelBinarizer"
REFUSED = {
    "lists of tags": ([["red", "big"], ["red"], []] * 30, ["['red', 'big']", BINARIZER]),
    "sets of tags": ([{"red"}, {"red", "big"}, set()] * 30, ["{'red'}", BINARIZER]),
    "column of lists": (pd.Series([["red"], [], ["big"]] * 30), ["['red']", BINARIZER]),
    "pairs of tags": (PAIRS, ["0 and 1", "'red'", "astype(int)", BINARIZER]),
    "None": (with_missing(None), ["missing values", "None at row 7, label b", "Drop"]),
    "NA": (with_missing(pd.NA), ["missing values", "<NA> at row 7, label b", "Drop"]),
    "NaN": (with_missing(np.nan), ["missing values", "nan at row 7, label b", "Drop"]),
    "several classes": (LABELS + 1, ["hold 0 and 1", "Got 2 at row 0, label", "MultiOutput"]),
    "both kinds": (np.array([1, "a"] * 45, dtype=object), ["numbers, or text", "1", "'a'"]),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("name", LABELLERS)
def test_what_is_no_target_is_refused_with_its_remedy(name, case):
    y, parts = REFUSED[case]
    with refuses(*parts):
        LABELLERS[name]().fit(X, y)


def test_missing_labels_of_validation_data_are_refused_by_their_name():
    with refuses("y_val must not have missing values", "None at row 7, label b"):
        CLASSIFIERS["net"]().fit(X, LABELS, X_val=X, y_val=with_missing(None))
    with refuses("y must not have missing values", "None at row 3"):
        PositiveRegressor().fit(X, np.where(np.arange(90) == 3, None, X[:, 0] ** 2))


def test_dates_are_no_numbers():
    dates = pd.Series(pd.date_range("2020", periods=90))
    for y in (dates, dates - dates[0], dates.to_numpy()):
        with refuses("y must hold numbers", "dates or times"):
            PositiveRegressor().fit(X, y)


@NETS
def test_a_class_of_validation_data_that_y_lacks_is_refused(name):
    y = np.arange(90) % 3
    known = y < 2
    with refuses("y_val must hold the classes [0, 1] only", "Got 2 at row 2", "out of X_val"):
        CLASSIFIERS[name]().fit(X[known], y[known], X_val=X, y_val=y)
    with refuses("y must hold the classes [0, 1] only", "Got 2 at row 2", "classes=..."):
        CLASSIFIERS[name]().partial_fit(X[known], y[known]).partial_fit(X, y)


@NETS
def test_text_is_told_from_numbers(name):
    y = np.array([2, 10])[VECTOR]
    with refuses("y_val must hold numbers, as the classes [2, 10] are", "text: '"):
        CLASSIFIERS[name]().fit(X, y, X_val=X, y_val=y.astype(str))
    with refuses("y must hold text, as the classes ['10', '2'] are", "numbers: "):
        CLASSIFIERS[name]().partial_fit(X, y.astype(str).astype(object)).partial_fit(X, y)


def test_parts_of_another_kind_are_refused():
    model = CLASSIFIERS["net"]().fit(X, LABELS)
    with refuses("y must be 3 columns, one for each label", "Got a vector of classes"):
        model.partial_fit(X, VECTOR)
    with refuses("y must be 3 columns, one for each label", "Got 2 columns"):
        model.partial_fit(X, LABELS[:, :2])
    with refuses("y_val must be a vector of classes", "Got 3 columns"):
        CLASSIFIERS["net"]().fit(X, VECTOR, X_val=X, y_val=LABELS)


def test_classifiers_get_tables_of_labels_with_their_names():
    table = as_frame(int)(LABELS)
    assert ClassTarget.of(table).y is table
    plain = ClassTarget.of(table.convert_dtypes()).y
    assert plain.columns.tolist() == ["a", "b", "c"]
    assert plain.dtypes.tolist() == [np.dtype(int)] * 3
    matrix = sparse.csr_array(LABELS)
    assert ClassTarget.of(matrix).y is matrix
