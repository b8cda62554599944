"""GatedEnsembleClassifier in the place of StackingClassifier: the same data, names and metadata."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.datasets import load_iris, make_classification
from sklearn.ensemble import StackingClassifier
from sklearn.exceptions import DataConversionWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import check_estimator

from skconstrain import GatedEnsembleClassifier

FAST = {"epochs": 5, "tol": None, "random_state": 0, "gate_hidden_layer_sizes": (8,), "cv": 3}
X, Y = make_classification(120, 6, random_state=0)
IRIS = load_iris(return_X_y=True)


def gate(pairs=None, **params):
    if pairs is None:
        pairs = [("linear", LogisticRegression()), ("tree", DecisionTreeClassifier(random_state=0))]
    return GatedEnsembleClassifier(pairs, **{**FAST, **params})


@pytest.mark.parametrize("model", [gate(), GatedEnsembleClassifier(**FAST)], ids=["given", "nets"])
@pytest.mark.parametrize("names", [[0, 1], [1, 2], ["no", "yes"]])
def test_a_column_of_classes_is_taken_with_a_warning(model, names):
    y = np.array(names)[Y]
    expected = model.fit(X, y).predict_proba(X)
    with pytest.warns(DataConversionWarning, match="column-vector y was passed"):
        model.fit(X, y[:, None])
    np.testing.assert_array_equal(model.predict_proba(X), expected)
    assert model.predict(X).shape == (len(X),)


@pytest.mark.slow
def test_check_estimator_of_a_gate_over_classifiers():
    pair = [("a", LogisticRegression()), ("b", LogisticRegression())]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_estimator(GatedEnsembleClassifier(pair, epochs=20))


def test_a_dropped_expert_is_as_if_it_were_not_there():
    pairs = [("linear", LogisticRegression()), ("bayes", GaussianNB()), ("machine", SVC())]
    dropped = gate(pairs).set_params(bayes="drop").fit(X, Y)
    without = gate([pairs[0], pairs[2]]).fit(X, Y)
    np.testing.assert_array_equal(dropped.predict_proba(X), without.predict_proba(X))
    assert dropped.expert_names_ == ["linear", "machine"]
    assert len(dropped.estimators_) == 2
    assert dropped.named_estimators_["bayes"] == "drop"


@pytest.mark.parametrize("settings", [{}, {"entropy_penalty": 1.0}, {"gating": "hard"}])
def test_one_expert_is_enough(settings):
    model = gate([("linear", LogisticRegression())], **settings).fit(X, Y)
    alone = LogisticRegression().fit(X, Y)
    np.testing.assert_array_equal(model.gate_proba(X), np.ones((len(X), 1)))
    np.testing.assert_allclose(model.predict_proba(X), alone.predict_proba(X), rtol=1e-6)


class SparseOnly(LogisticRegression):
    def fit(self, X, y):
        assert sparse.issparse(X)
        return super().fit(X, y)

    def predict_proba(self, X):
        assert sparse.issparse(X)
        return super().predict_proba(X)


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.coo_matrix])
@pytest.mark.parametrize("settings", [{}, {"gating": "hard"}, {"n_rounds": 2}])
def test_sparse_rows_reach_experts_as_they_are(container, settings):
    rows = container(X * (np.abs(X) > 0.5))
    pairs = [("sparse", SparseOnly()), ("linear", LogisticRegression())]
    model = gate(pairs, **settings).fit(rows, Y)
    dense = gate([("a", LogisticRegression()), ("b", LogisticRegression())], **settings)
    dense.fit(rows.toarray(), Y)
    np.testing.assert_allclose(model.predict_proba(rows), dense.predict_proba(rows), atol=1e-6)
    with pytest.raises(TypeError, match=r"Sparse data was passed.*but dense data is required"):
        gate([("sparse", SparseOnly()), ("bayes", GaussianNB())]).fit(rows, Y)


@pytest.mark.parametrize("data", [(X, Y), IRIS], ids=["two", "three"])
def test_transform_gives_the_probabilities_of_each_expert_under_the_names_of_stacking(data):
    rows, y = data
    pairs = [("linear", LogisticRegression(max_iter=1000)), ("bayes", GaussianNB())]
    model, stacked = gate(pairs).fit(rows, y), StackingClassifier(pairs).fit(rows, y)
    np.testing.assert_allclose(model.transform(rows), stacked.transform(rows), atol=1e-9)
    names = [name.removeprefix("stackingclassifier") for name in stacked.get_feature_names_out()]
    expected = [f"gatedensembleclassifier{name}" for name in names]
    assert model.get_feature_names_out().tolist() == expected
    frame = model.set_output(transform="pandas").transform(rows)
    assert isinstance(frame, pd.DataFrame)
    assert frame.columns.tolist() == expected


class Noting(GaussianNB):
    def fit(self, X, y, sample_weight=None, metadata=None):
        self.weight_, self.metadata_ = sample_weight, metadata
        assert metadata is None or len(metadata) == len(y)
        return super().fit(X, y, sample_weight)


@pytest.mark.parametrize("settings", [{}, {"n_rounds": 2}])
def test_metadata_reach_experts_that_request_it(settings):
    weight = np.where(np.arange(len(Y)) % 5 == 0, 0.0, 2.0)
    metadata = np.arange(len(Y))
    with config_context(enable_metadata_routing=True):
        asks = Noting().set_fit_request(sample_weight="importance", metadata=True)
        refuses = Noting().set_fit_request(sample_weight=False, metadata=False)
        weighted = Noting().set_fit_request(sample_weight=True, metadata=False)
        pairs = [("asks", asks), ("refuses", refuses), ("weighted", weighted)]
        given = {"metadata": metadata, "importance": np.ones(len(Y))}
        model = gate(pairs, **settings).fit(X, Y, weight, **given)
        experts = model.named_estimators_
        assert set(experts["asks"].metadata_) <= set(metadata[weight > 0])
        assert set(experts["asks"].weight_) == {1.0}
        assert experts["refuses"].weight_ is experts["refuses"].metadata_ is None
        assert set(experts["weighted"].weight_) == {2.0}
        if not settings:
            np.testing.assert_array_equal(experts["asks"].metadata_, metadata[weight > 0])
        with pytest.raises(ValueError, match="are not explicitly set as requested or not"):
            gate([("a", Noting()), ("b", Noting())]).fit(X, Y, metadata=metadata)
        with pytest.raises(TypeError, match="unexpected argument"):
            GatedEnsembleClassifier(**FAST).fit(X, Y, metadata=metadata)
    with pytest.raises(ValueError, match="only supported if enable_metadata_routing=True"):
        gate().fit(X, Y, metadata=metadata)


def test_folds_that_are_listed_are_those_of_the_rows_given():
    weight = np.where(np.arange(len(Y)) % 4 == 0, 0.0, 1.0)
    folds = list(KFold(3).split(X))
    masks = [tuple(np.isin(np.arange(len(Y)), part) for part in pair) for pair in folds]
    kept = weight > 0
    inner = [
        tuple(np.flatnonzero(np.isin(np.flatnonzero(kept), part)) for part in pair)
        for pair in folds
    ]
    expected = gate(cv=inner).fit(X[kept], Y[kept]).predict_proba(X)
    for cv in (folds, masks):
        found = gate(cv=cv).fit(X, Y, weight).predict_proba(X)
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_weights_of_classes_reach_experts():
    model = gate(class_weight={0: 1000.0, 1: 1e-4}).fit(X, Y)
    assert (model.predict(X) == 0).mean() > 0.87
    with pytest.warns(UserWarning, match="near take no sample_weight"):
        gate([("near", KNeighborsClassifier())], class_weight="balanced").fit(X, Y)
