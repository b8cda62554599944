"""GatedEnsembleClassifier: who decides where, and that the gate learns it."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_digits, load_iris, make_blobs, make_classification, make_moons
from sklearn.ensemble import StackingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Perceptron, Ridge
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skconstrain import GatedEnsembleClassifier, MultiLabelNetClassifier
from skconstrain._sklearn_compat import InvalidParameterError

GATINGS = ["soft", "hard", "top_k"]
FAST = {"epochs": 10, "tol": None, "random_state": 0, "gate_hidden_layer_sizes": (8,)}


def moons(n=120, seed=0):
    return make_moons(n, noise=0.2, random_state=seed)


def experts():
    return [
        ("linear", LogisticRegression()),
        ("svm", make_pipeline(StandardScaler(), SVC())),
        ("votes", Perceptron(random_state=0)),
    ]


def regions(n, seed):
    """Three regions of the first feature; in each, another rule for the classes."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    region = (X[:, 0] > -0.43).astype(int) + (X[:, 0] > 0.43)
    rules = np.array([[0, 1, 0, 0], [0, -1, 0, 0], [0, 0, 1, 1]])
    return X, (np.einsum("nd,nd->n", X, rules[region]) > 0).astype(int), region


@pytest.mark.parametrize("gating", GATINGS)
@pytest.mark.parametrize("given", [None, experts()], ids=["networks", "classifiers"])
@pytest.mark.parametrize("data", [moons(), load_iris(return_X_y=True)], ids=["two", "three"])
def test_the_prediction_is_the_mixture(gating, given, data):
    X, y = data
    model = GatedEnsembleClassifier(given, gating=gating, **FAST).fit(X, y)
    gate, parts = model.gate_proba(X), model.expert_predict_proba(X)
    assert gate.shape == (len(X), len(model.expert_names_))
    assert parts.shape == (*gate.shape, len(model.classes_))
    np.testing.assert_allclose(parts.sum(axis=-1), 1)
    mixture = np.einsum("nl,nlk->nk", gate, parts)
    np.testing.assert_allclose(model.predict_proba(X), mixture, atol=1e-12)
    np.testing.assert_allclose(model.expert_usage_.sum(), 1)
    np.testing.assert_allclose(model.expert_usage_, gate.mean(axis=0))
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("seed", range(10))
def test_the_hard_gate_learns_where_each_expert_is_right(seed):
    X, y, region = regions(2000, seed)
    X_test, y_test, region_test = regions(3000, seed + 100)
    fitted = [
        (f"expert {i}", LogisticRegression().fit(X[region == i], y[region == i])) for i in range(3)
    ]
    predicted = np.stack([expert.predict(X_test) for _, expert in fitted])
    best = (predicted[region_test, np.arange(3000)] == y_test).mean()
    single = max((each == y_test).mean() for each in predicted)
    gated = GatedEnsembleClassifier(fitted, gating="hard", cv="prefit", random_state=seed)
    score = gated.fit(X, y).score(X_test, y_test)
    assert score > best - 0.02
    assert score > single + 0.15


@pytest.mark.slow
def test_some_seed_collapses_without_a_balanced_load_and_none_with_it():
    X, y, _ = regions(600, 0)
    settings = {
        "gating": "hard",
        "hidden_layer_sizes": (),
        "learning_rate": 0.01,
        "epochs": 100,
        "batch_size": 64,
        "tol": None,
    }
    least = {
        balance: [
            GatedEnsembleClassifier(load_balance=balance, random_state=seed, **settings)
            .fit(X, y)
            .expert_usage_.min()
            for seed in range(10)
        ]
        for balance in (0.0, 0.1)
    }
    assert min(least[0.0]) < 0.02  # of an equal share of 0.25
    assert min(least[0.1]) > 0.08


class Counting(ClassifierMixin, BaseEstimator):
    """A classifier that says how many rows it was asked for."""

    asked: list = []

    def fit(self, X, y):
        self.classes_, self.constant_ = np.unique(y), y[0]
        return self

    def predict_proba(self, X):
        Counting.asked.append(len(X))
        return np.tile((self.classes_ == self.constant_).astype(float), (len(X), 1))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


@pytest.mark.parametrize(("gating", "share"), [("hard", 1), ("top_k", 2), ("soft", 3)])
def test_only_the_experts_chosen_are_evaluated(gating, share):
    X, y = moons()
    model = GatedEnsembleClassifier(
        [(name, Counting()) for name in "abc"], gating=gating, k=2, **FAST
    ).fit(X, y)
    Counting.asked = []
    model.predict(X)
    assert sum(Counting.asked) == share * len(X)


def test_the_gate_learns_from_rows_that_experts_were_not_fitted_on():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 5))
    y = (X[:, 0] + 0.7 * rng.normal(size=300) > 0).astype(int)
    # One neighbour is right about every row it knows, and otherwise the worse expert.
    pair = [("one neighbour", KNeighborsClassifier(1)), ("linear", LogisticRegression())]
    usage = GatedEnsembleClassifier(pair, random_state=0).fit(X, y).expert_usage_
    assert usage[1] > 0.7
    fitted = [(name, expert.fit(X, y)) for name, expert in pair]
    fooled = GatedEnsembleClassifier(fitted, cv="prefit", random_state=0).fit(X, y).expert_usage_
    assert fooled[1] < 0.3


@pytest.mark.parametrize("wrap", [lambda expert: expert, FrozenEstimator], ids=["fitted", "frozen"])
def test_fitted_experts_survive_clone_and_search(wrap):
    X, y = moons(200)
    fitted = [(name, wrap(expert.fit(X[:100], y[:100]))) for name, expert in experts()]
    before = [expert.predict(X) for _, expert in fitted]
    cv = "prefit" if wrap is not FrozenEstimator else 3
    model = GatedEnsembleClassifier(fitted, cv=cv, **FAST)
    search = GridSearchCV(model, {"gating": ["soft", "hard"]}, cv=2).fit(X[100:], y[100:])
    assert search.best_score_ > 0.7
    for (_, expert), used in zip(fitted, search.best_estimator_.estimators_, strict=True):
        assert used is expert
    for (_, expert), old in zip(fitted, before, strict=True):
        np.testing.assert_array_equal(expert.predict(X), old)
    assert clone(clone(model)).fit(X[100:], y[100:]).score(X, y) > 0.7


def test_parameters_of_experts_are_searched():
    X, y = moons()
    model = GatedEnsembleClassifier([("svm", SVC()), ("linear", LogisticRegression())], **FAST)
    search = GridSearchCV(model, {"svm__C": [1e-3, 10.0], "gating": ["soft", "hard"]}, cv=2)
    search.fit(X, y)
    assert search.best_estimator_.named_estimators_["svm"].C in (1e-3, 10.0)
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    model.set_params(linear=GaussianNB())
    assert isinstance(model.get_params()["linear"], GaussianNB)
    assert not hasattr(model.estimators[0][1], "classes_")  # what was given is not fitted


def test_experts_that_know_some_classes_are_aligned():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    some = y > 0
    pair = [
        ("two", SVC().fit(X[some], names[some])),
        (
            "proba",
            LogisticRegression(max_iter=500).fit(X[~some | (y == 2)], names[~some | (y == 2)]),
        ),
        ("all", SVC().fit(X, names)),
        ("one against one", SVC(decision_function_shape="ovo").fit(X, names)),
    ]
    model = GatedEnsembleClassifier(pair, cv="prefit", random_state=0).fit(X, names)
    parts = model.expert_predict_proba(X)
    assert (parts[:, 0, 0] == 0).all()
    assert (parts[:, 1, 1] < 1e-9).all()
    assert model.score(X, names) > 0.95
    hard = model.set_params(gating="hard").fit(X, names)
    assert hard.score(X, names) > 0.95


def test_every_response_of_an_expert_serves():
    X, y = make_classification(200, 5, n_informative=4, n_redundant=0, n_classes=3, random_state=0)
    for method, kind in (
        ("predict_proba", GaussianNB()),
        ("decision_function", LogisticRegression()),
        ("predict", DecisionTreeClassifier(max_depth=4, random_state=0)),
    ):
        pair = [("first", kind), ("second", clone(kind))]
        settings = {"stack_method": method, "learning_rate": 0.01, "random_state": 0}
        model = GatedEnsembleClassifier(pair, **settings).fit(X, y)
        # The log loss was learnt from out-of-fold rows: better than the shares of classes.
        assert model.loss_curve_[-1] < 0.9 * np.log(3)
        assert model.score(X, y) > 0.5


def test_the_best_expert_is_used_although_its_scores_are_no_logits():
    X, y = load_digits(return_X_y=True)
    X = X + 6 * np.random.default_rng(0).normal(size=X.shape)
    X, X_test, y, y_test = X[:800], X[800:1200], y[:800], y[800:1200]
    pair = [("svm", SVC()), ("neighbours", KNeighborsClassifier())]
    model = GatedEnsembleClassifier(pair, random_state=0).fit(X, y)
    scores = [expert.score(X_test, y_test) for expert in model.estimators_]
    assert scores[0] > scores[1] + 0.05
    assert model.expert_usage_[0] > 0.5
    assert model.score(X_test, y_test) > scores[0] - 0.02


def test_columns_are_selected_by_name_in_experts():
    X, y = moons()
    frame = pd.DataFrame(X, columns=["a", "b"])
    pair = [
        (name, make_pipeline(make_column_transformer(("passthrough", [name])), GaussianNB()))
        for name in ("a", "b")
    ]
    pair = [(f"on {name}", expert) for name, expert in pair]
    model = GatedEnsembleClassifier(pair, gating="hard", **FAST).fit(frame, y)
    assert model.predict(frame).shape == (len(y),)
    assert list(model.feature_names_in_) == ["a", "b"]


def test_weights_reach_experts_that_take_them():
    X, y = moons()
    weight = np.where(y == 1, 20.0, 1.0)
    model = GatedEnsembleClassifier(experts()[:2], **FAST)
    assert (
        model.fit(X, y, weight).named_estimators_["linear"].intercept_
        > model.fit(X, y).named_estimators_["linear"].intercept_
    )
    neighbours = GatedEnsembleClassifier([*experts(), ("near", KNeighborsClassifier())], **FAST)
    with pytest.warns(UserWarning, match="near take no sample_weight"):
        neighbours.fit(X, y, weight)


def test_rounds_beat_a_single_part():
    X, y, _ = regions(1500, 0)
    X_test, y_test, _ = regions(2000, 1)
    machines = [(f"svm{i}", SVC(C=10)) for i in range(6)]
    settings = {"n_rounds": 3, "cv": 2, "epochs": 60, "tol": None, "learning_rate": 0.005}
    for gating in ("soft", "hard"):
        model = GatedEnsembleClassifier(machines, gating=gating, random_state=0, **settings)
        model.fit(X, y)
        # A part of one class has a constant, which supports nothing.
        sizes = [len(getattr(machine, "support_", ())) for machine in model.estimators_]
        assert sum(sizes) <= len(X)
        alone = max(machine.score(X_test, y_test) for machine in model.estimators_)
        assert model.score(X_test, y_test) > alone + 0.05
        assert model.n_iter_ == 60


def test_parts_of_one_class_have_an_expert_too():
    X, y = make_blobs(200, centers=[[0, 0], [0, 99], [99, 0], [99, 99]], random_state=0)
    machines = [(f"svm{i}", SVC()) for i in range(4)]
    model = GatedEnsembleClassifier(machines, n_rounds=1, cv=2, **FAST).fit(X, y)
    kinds = {type(machine).__name__ for machine in model.estimators_}
    assert kinds == {"DummyClassifier"}
    assert model.set_params(epochs=100, learning_rate=0.01).fit(X, y).score(X, y) > 0.9


@pytest.mark.parametrize("settings", [{}, {"n_rounds": 2, "cv": 2}])
def test_results_do_not_depend_on_jobs(settings):
    X, y = moons()
    fits = [
        GatedEnsembleClassifier(experts(), n_jobs=n_jobs, **FAST, **settings).fit(X, y)
        for n_jobs in (1, 2)
    ]
    np.testing.assert_array_equal(*(model.predict_proba(X) for model in fits))


def test_the_temperature_is_lowered():
    X, y = moons()
    settings = {**FAST, "epochs": 200, "learning_rate": 0.01}
    entropy = {}
    for temperature in (1.0, (1.0, 0.05)):
        model = GatedEnsembleClassifier(
            experts()[:2], temperature=temperature, random_state=0
        ).set_params(**settings)
        gate = np.clip(model.fit(X, y).gate_proba(X), 1e-12, 1)
        entropy[temperature] = -(gate * np.log(gate)).sum(axis=1).mean()
    assert float(model.model_.get_layer("gate").temperature.value) == pytest.approx(0.05)
    assert entropy[(1.0, 0.05)] < 0.5 * entropy[1.0]


@pytest.mark.slow
def test_entropy_is_kept_by_its_penalty():
    X, y, _ = regions(300, 0)
    settings = {"learning_rate": 0.01, "epochs": 100, "tol": None, "random_state": 0}
    entropy = []
    for penalty in (0.0, 1.0):
        gate = GatedEnsembleClassifier(entropy_penalty=penalty, **settings).fit(X, y).gate_proba(X)
        entropy.append(-(gate * np.log(np.clip(gate, 1e-12, 1))).sum(axis=1).mean())
    assert entropy[1] > entropy[0] + 0.2


def test_partial_fit_is_for_networks():
    X, y = moons()
    model = GatedEnsembleClassifier(**FAST)
    model.partial_fit(X, y, classes=[0, 1]).partial_fit(X, y)
    assert model.n_iter_ == 2
    assert not hasattr(GatedEnsembleClassifier(experts()), "partial_fit")


def test_validation_data_reach_the_gate():
    X, y = moons(200)
    model = GatedEnsembleClassifier(experts(), early_stopping=True, **FAST)
    model.fit(X[:100], y[:100], X_val=X[100:], y_val=y[100:])
    assert len(model.validation_scores_) == model.n_iter_


class OutOfLuck(Exception):
    pass


class Failing(ClassifierMixin, BaseEstimator):
    def __init__(self, fewest=0):
        self.fewest = fewest

    def fit(self, X, y):
        if len(X) < self.fewest or self.fewest == 0:
            raise OutOfLuck(f"{len(X)} rows")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def fitted_on(X, y, expert=None):
    return (LogisticRegression() if expert is None else expert).fit(X, y)


X, Y = moons()
WRONG = [
    ({"estimators": []}, "at least one expert. Got 0"),
    ({"estimators": [("a", "drop")]}, "at least one expert. Got 1, all of them dropped"),
    ({"estimators": [("a", SVC()), ("a", SVC())]}, "unique. Got 'a' more than once"),
    (
        {"estimators": [("a", SVC()), ("b", Ridge())]},
        "or 'drop'. Got 'b', a Ridge",
    ),
    ({"estimators": [SVC(), SVC()]}, r"list of \(name, classifier\) pairs"),
    ({"estimators": [("a__b", SVC()), ("c", SVC())]}, "strings without '__'"),
    ({"estimators": [("gating", SVC()), ("c", SVC())]}, "not a parameter's. Got 'gating'"),
    ({"gating": "top_k", "k": 5}, "k must not exceed the number of experts, 4. Got 5"),
    ({"estimators": [("a", SVC()), ("b", SVC())], "cv": "prefit"}, "'a', a SVC, is not"),
    (
        {"estimators": [(n, fitted_on(X[:, :1], Y)) for n in "ab"], "cv": "prefit"},
        "'a' was fitted on 1 features. Got X with 2",
    ),
    (
        {"estimators": [(n, fitted_on(X, Y + 5)) for n in "ab"], "cv": "prefit"},
        "'a' was fitted on the class 5, which is not in y",
    ),
    ({"gating": "hard", "n_networks": 2}, "needs gating=.soft.*Got gating='hard'.*n_networks=2"),
    ({"temperature": (2.0, 1.0), "n_networks": 2}, r"one temperature. Got.*\(2.0, 1.0\)"),
    ({"n_rounds": 2}, "n_rounds > 0 fits given experts.*estimators=None"),
    ({"estimators": experts(), "n_rounds": 2, "early_stopping": True}, "early_stopping=False"),
    ({"temperature": (1.0, 0.0)}, "temperature must be a positive number"),
    ({"temperature": (1.0, np.nan)}, "temperature must be a positive number"),
    ({"gate_hidden_layer_sizes": (0,)}, "gate_hidden_layer_sizes"),
    (
        {"estimators": experts(), "stack_method": "predict_proba"},
        "stack_method='predict_proba' needs experts that have it. Got 'svm'",
    ),
]


@pytest.mark.parametrize(("params", "message"), WRONG)
def test_wrong_use_is_refused(params, message):
    with pytest.raises(ValueError, match=message):
        GatedEnsembleClassifier(**{**FAST, **params}).fit(X, Y)


@pytest.mark.parametrize("settings", [{}, {"n_rounds": 2, "cv": 2}])
@pytest.mark.parametrize(
    "wrong",
    [
        LogisticRegression(C=-1),
        DecisionTreeClassifier(max_depth=-3),
        MultiLabelNetClassifier(learning_rate=-1),
    ],
)
def test_parameters_of_experts_are_validated_as_in_stacking(wrong, settings):
    pairs = [("right", GaussianNB()), ("wrong", wrong)]
    with pytest.raises(InvalidParameterError):
        StackingClassifier(pairs).fit(X, Y)
    with pytest.raises(
        InvalidParameterError, match=r" must be .* Got -.*\n.*'wrong' failed to fit"
    ):
        GatedEnsembleClassifier(pairs, **settings, **FAST).fit(X, Y)


@pytest.mark.parametrize("settings", [{}, {"n_rounds": 2, "cv": 2}, {"n_jobs": 2}])
@pytest.mark.parametrize("fewest", [0, len(X)], ids=["on all rows", "on a fold"])
def test_an_error_of_an_expert_stays_what_it_is_and_says_whose_it_is(fewest, settings):
    pairs = [("right", GaussianNB()), ("wrong", Failing(fewest))]
    with pytest.raises(OutOfLuck, match=r"rows\nExpert 'wrong' failed to fit\."):
        GatedEnsembleClassifier(pairs, **settings, **FAST).fit(X, Y)


def test_rounds_take_no_validation_data():
    model = GatedEnsembleClassifier(experts(), n_rounds=2, cv=2, **FAST)
    with pytest.raises(ValueError, match="n_rounds > 0 takes no X_val and y_val"):
        model.fit(X, Y, X_val=X, y_val=Y)


def test_several_labels_are_refused():
    with pytest.raises(ValueError, match=r"one class a row.*MultiOutputClassifier"):
        GatedEnsembleClassifier(**FAST).fit(X, np.stack([Y, 1 - Y], axis=1))


def test_the_data_are_not_kept():
    rows = np.random.default_rng(0).normal(size=(3000, 2))
    labels = (rows[:, 0] > 0).astype(int)
    pair = [("a", LogisticRegression()), ("b", GaussianNB())]
    for settings in ({}, {"n_rounds": 2, "cv": 2}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = GatedEnsembleClassifier(pair, **settings, **FAST).fit(rows, labels)
        assert len(pickle.dumps(model)) < 20_000


@pytest.mark.slow
def test_a_mixture_of_networks_is_better_than_one_of_them():
    rows, labels, _ = regions(1500, 0)
    train, test, y_train, y_test = train_test_split(rows, labels, random_state=0)
    settings = {"hidden_layer_sizes": (), "learning_rate": 0.01, "random_state": 0}
    model = GatedEnsembleClassifier(n_experts=3, load_balance=0.1, **settings).fit(train, y_train)
    linear = LogisticRegression().fit(train, y_train)
    assert model.score(test, y_test) > linear.score(test, y_test) + 0.15


def test_top_k_uses_k_experts_and_fewer_only_where_the_softmax_underflows():
    X, y = moons()
    model = GatedEnsembleClassifier(gating="top_k", k=2, **FAST).fit(X, y)
    assert ((model.gate_proba(X) > 0).sum(axis=1) == 2).all()
    model._fitted.weights["gate_logits/kernel"][...] *= 1e4
    used = (model.gate_proba(X) > 0).sum(axis=1)
    assert set(used) == {1, 2}
    assert "at most k" in " ".join(GatedEnsembleClassifier.__doc__.split())
