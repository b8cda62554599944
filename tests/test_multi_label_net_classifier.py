"""MultiLabelNetClassifier: probabilities and thresholds for labels, classes as well."""

import pickle
from functools import partial

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris, make_classification, make_multilabel_classification
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import StackingClassifier
from sklearn.inspection import PartialDependenceDisplay, partial_dependence
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    get_scorer,
    jaccard_score,
    log_loss,
    roc_auc_score,
)
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

from skconstrain import (
    MultiLabelNetClassifier,
    TunedThresholdMultiLabelClassifierCV,
    compile_cache_info,
)
from skconstrain._base import _plan
from skconstrain.losses import AsymmetricLoss, CategoricalFocalLoss, LogLoss
from tests.refusals import refuses


def labels(n_rows=200, n_labels=4, random_state=0):
    return make_multilabel_classification(
        n_rows, 10, n_classes=n_labels, n_labels=2, random_state=random_state
    )


def net(**params):
    settings = {"hidden_layer_sizes": (20,), "epochs": 60, "learning_rate": 0.01, "tol": None}
    return MultiLabelNetClassifier(**{**settings, "random_state": 0, **params})


def test_learns_labels_better_than_their_shares():
    X, y = labels()
    model = net().fit(X[:150], y[:150])
    constant = DummyClassifier().fit(X[:150], y[:150])
    assert f1_score(y[150:], model.predict(X[150:]), average="macro") > 0.1 + f1_score(
        y[150:], constant.predict(X[150:]), average="macro", zero_division=0
    )
    assert model.score(X[150:], y[150:]) == accuracy_score(y[150:], model.predict(X[150:]))


def test_probabilities_decisions_and_logits_agree():
    X, y = labels()
    model = net(threshold=[0.2, 0.4, 0.6, 0.8]).fit(X, y)
    probability = model.predict_proba(X)
    assert probability.shape == y.shape
    np.testing.assert_array_equal(model.predict(X), probability >= [0.2, 0.4, 0.6, 0.8])
    np.testing.assert_allclose(1 / (1 + np.exp(-model.decision_function(X))), probability)
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(probability))
    np.testing.assert_allclose(model.model_.predict(X, verbose=0), probability, rtol=1e-6)
    assert model.classes_.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("min_labels", [-1, 5])
def test_min_labels_out_of_range_are_refused_after_fit_too(min_labels):
    X, y = labels()
    model = net(epochs=1).fit(X, y).set_params(min_labels=min_labels)
    with refuses(
        "min_labels must be at least 0 and at most the number of labels, 4", f"Got {min_labels}"
    ):
        model.predict(X)


def test_training_starts_at_the_shares_of_labels():
    X, y = labels()
    weight = np.linspace(0.1, 1, len(X))
    model = net(epochs=1, learning_rate=1e-12).fit(X, y, sample_weight=weight)
    share = np.average(y, axis=0, weights=weight)
    np.testing.assert_allclose(model.predict_proba(X).mean(axis=0), share, atol=0.01)


@pytest.mark.parametrize("container", ["int64", "bool", "float32", "csr", "csc", "coo", "frame"])
def test_predictions_have_the_type_of_y(container):
    X, y = labels()
    expected = net(epochs=3).fit(X, y).predict(X)
    given = {
        "csr": sparse.csr_array,
        "csc": sparse.csc_array,
        "coo": sparse.coo_array,
        "frame": lambda y: pd.DataFrame(y, columns=list("wxyz")),
    }.get(container, lambda y: y.astype(container))(y)
    model = net(epochs=3).fit(X, given)
    predicted = model.predict(X)
    assert sparse.issparse(predicted) == sparse.issparse(given)
    np.testing.assert_array_equal(
        predicted.toarray() if sparse.issparse(given) else predicted, expected
    )
    if container in ("bool", "float32"):
        assert predicted.dtype == container
    assert hasattr(model, "label_names_") == (container == "frame")


def test_names_of_labels_are_kept_and_checked():
    X, y = labels()
    frame = pd.DataFrame(y, columns=["joy", "anger", "calm", "fear"])
    model = net(epochs=2).fit(X, frame)
    assert list(model.label_names_) == list(frame.columns)
    with pytest.raises(ValueError, match="y must have the labels of the first fit"):
        model.partial_fit(X, frame[["anger", "joy", "calm", "fear"]])
    with pytest.raises(ValueError, match="Got 2 at row 3, label anger"):
        net().fit(X, frame.assign(anger=np.where(np.arange(200) == 3, 2, frame["anger"])))


def test_two_classes_and_more():
    X, y = make_classification(200, 5, random_state=0)
    names = np.array(["no", "yes"])[y]
    model = net().fit(X, names)
    assert model.predict_proba(X).shape == (200, 2)
    assert model.decision_function(X).shape == (200,)
    assert set(model.predict(X)) == {"no", "yes"}
    assert (net(threshold=0.9).fit(X, names).predict(X) == "yes").mean() < (y == 1).mean()
    X, y = load_iris(return_X_y=True)
    model = net().fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    assert model.score(X, y) > 0.9


def test_every_row_gets_its_least_number_of_labels():
    X, y = labels()
    thresholds = np.array([0.9, 0.9, 0.99, 0.9])
    plain, forced = (
        net(threshold=thresholds).fit(X, y),
        net(threshold=thresholds, min_labels=2).fit(X, y),
    )
    chosen, before = forced.predict(X), plain.predict(X)
    assert (chosen.sum(axis=1) >= 2).all()
    assert (chosen >= before).all()
    np.testing.assert_array_equal(chosen[before.sum(axis=1) >= 2], before[before.sum(axis=1) >= 2])
    row = int(np.argmin(before.sum(axis=1)))
    margin = forced.predict_proba(X)[row] - thresholds
    assert set(np.flatnonzero(chosen[row])) == set(np.argsort(-margin)[:2])


def test_labels_and_rows_without_a_positive():
    X, y = labels()
    y = y.copy()
    y[:, 1] = 0
    y[:20] = 0
    with pytest.warns(UserWarning, match="without a positive sample, 1 of 4: 1"):
        model = net(early_stopping=True).fit(X, y)
    assert model.predict_proba(X)[:, 1].max() < 0.1
    assert np.isfinite(model.predict_proba(X)).all()


def test_159_labels():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 20))
    y = (X @ rng.normal(size=(20, 159)) > 8).astype(int)
    model = net(epochs=5).fit(X, y)
    assert model.predict(X).shape == (300, 159)


def test_rare_labels_stay_in_the_training_part(monkeypatch):
    X, y = labels()
    y = np.zeros_like(y)
    y[5, 0] = 1
    y[:40, 1] = 1
    seen = []

    class Spy(keras.callbacks.Callback):
        pass

    settings = {"n_networks": 1, "early_stopping": True, "validation_fraction": 0.25}
    model = net(epochs=1, callbacks=[Spy()], **settings)
    split = _plan.split

    def spy(*args):
        parts = split(*args)
        seen.extend(parts)
        return parts

    monkeypatch.setattr(_plan, "split", spy)
    with pytest.warns(UserWarning, match="without a positive sample"):
        model.fit(X, y)
    trained, held_out = (rows.target.sum(axis=0) for rows in seen[:2])
    assert trained[0] == 1
    assert held_out[1] == 10


NAMED = {"log_loss": LogLoss, "focal": CategoricalFocalLoss, "asymmetric": AsymmetricLoss}
KINDS = pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])


def target(kind):
    if kind == "multilabel":
        return labels()
    n_classes = 2 if kind == "binary" else 3
    return make_classification(200, 10, n_informative=5, n_classes=n_classes, random_state=0)


@KINDS
@pytest.mark.parametrize("loss", [*NAMED, *(kind(label_smoothing=0.1) for kind in NAMED.values())])
def test_every_loss_learns_every_target(loss, kind):
    X, y = target(kind)
    model = net(loss=loss).fit(X, y)
    indicator = y if kind == "multilabel" else np.eye(len(model.classes_))[y]
    score = average_precision_score(indicator, model.predict_proba(X))
    assert score > 0.2 + average_precision_score(indicator, np.zeros(indicator.shape))


@KINDS
@pytest.mark.parametrize("name", NAMED)
def test_names_are_losses_with_their_defaults(name, kind):
    X, y = target(kind)
    named, given = (net(epochs=3, loss=loss).fit(X, y) for loss in (name, NAMED[name]()))
    assert named.loss_curve_ == given.loss_curve_
    np.testing.assert_array_equal(named.predict_proba(X), given.predict_proba(X))


def test_a_search_over_settings_of_losses_compiles_one_program_and_says_which_is_best():
    X, y = labels()
    given = [AsymmetricLoss(a, b, c) for a in (2, 4) for b in (0.5, 1) for c in (0.05, 0.2)]
    model = net(epochs=3, n_networks=1, batch_size=40, loss=AsymmetricLoss())
    model.fit(X[:100], y[:100])
    before = compile_cache_info()
    search = GridSearchCV(model, {"loss": given}, cv=KFold(2)).fit(X, y)
    # One of folds; that of the refit on all rows has another size.
    assert compile_cache_info().misses - before.misses <= 1
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    assert repr(search.best_params_["loss"]).startswith("AsymmetricLoss(gamma_negative=")
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    assert again.loss.get_config() == search.best_params_["loss"].get_config()
    np.testing.assert_array_equal(clone(again).fit(X, y).predict_proba(X), again.predict_proba(X))


def test_the_loss_curve_is_log_loss():
    X, y = make_classification(200, 5, random_state=0)
    model = net(epochs=1, learning_rate=1e-12, alpha=0).fit(X, y)
    np.testing.assert_allclose(model.loss_curve_[0], log_loss(y, model.predict_proba(X)), rtol=1e-9)
    X, y = load_iris(return_X_y=True)
    model = net(epochs=1, learning_rate=1e-12, alpha=0).fit(X, y)
    np.testing.assert_allclose(model.loss_curve_[0], log_loss(y, model.predict_proba(X)), rtol=1e-9)


def test_keras_losses_get_probabilities_or_logits():
    X, y = labels()
    curves = [
        net(epochs=3, loss=loss).fit(X, y).loss_curve_
        for loss in (
            "log_loss",
            keras.losses.BinaryCrossentropy(from_logits=True),
            keras.losses.BinaryCrossentropy(),
        )
    ]
    np.testing.assert_allclose(curves[1], curves[0], rtol=1e-6)
    np.testing.assert_allclose(curves[2], curves[0], rtol=1e-4)


def test_class_weight_of_classes_equals_sample_weight():
    X, y = make_classification(200, 5, weights=[0.9], random_state=0)
    for class_weight in ("balanced", {0: 0.5, 1: 3.0}):
        weighted = net(class_weight=class_weight, epochs=5).fit(X, y)
        by_sample = net(epochs=5).fit(X, y, sample_weight=compute_sample_weight(class_weight, y))
        np.testing.assert_allclose(weighted.predict_proba(X), by_sample.predict_proba(X), rtol=1e-9)


def test_weights_of_positives_raise_their_probability():
    X, y = labels()
    X_rare = X[(y[:, 2] == 0) | (np.arange(len(y)) % 5 == 0)]
    y_rare = y[(y[:, 2] == 0) | (np.arange(len(y)) % 5 == 0)]
    plain = net(epochs=20).fit(X_rare, y_rare).predict_proba(X_rare)[:, 2].mean()
    for class_weight in ("balanced", {2: 8.0}, [1.0, 1.0, 8.0, 1.0]):
        weighted = net(epochs=20, class_weight=class_weight).fit(X_rare, y_rare)
        assert weighted.predict_proba(X_rare)[:, 2].mean() > plain + 0.05
    named = net(epochs=20, class_weight={"calm": 8.0})
    named.fit(X_rare, pd.DataFrame(y_rare, columns=["joy", "anger", "calm", "fear"]))
    given = net(epochs=20, class_weight={2: 8.0}).fit(X_rare, y_rare)
    np.testing.assert_array_equal(named.predict_proba(X_rare), given.predict_proba(X_rare))


def test_thresholds_by_name_equal_those_by_position():
    X, Y = labels(60, 3)
    Y = pd.DataFrame(Y, columns=["a", "b", "c"])
    model = net(epochs=2).fit(X, Y)
    expected = model.set_params(threshold=[0.5, 0.2, 0.9]).predict(X)
    for threshold in ({"c": 0.9, "b": 0.2}, {2: 0.9, 1: 0.2}):
        np.testing.assert_array_equal(model.set_params(threshold=threshold).predict(X), expected)
    with refuses("threshold must name labels of y, ['a', 'b', 'c']", "Got 'd'"):
        model.set_params(threshold={"d": 0.1}).predict(X)
    with refuses("threshold must be a number for a 1-D target", "{'b': 0.2}"):
        MultiLabelNetClassifier(threshold={"b": 0.2}).fit(X, Y["a"])


def test_strings_are_refused_with_what_was_given():
    X, Y = labels(60, 3)
    with refuses("threshold must hold numbers", "Got ['a', 'b', 'c']"):
        MultiLabelNetClassifier(threshold=["a", "b", "c"]).fit(X, Y)
    with refuses("must hold the numbers 0 and 1", "Got '0'", "y.astype(int)"):
        MultiLabelNetClassifier().fit(X, Y.astype(str))


def test_threshold_in_a_grid_search():
    X, y = labels()
    search = GridSearchCV(net(epochs=20), {"threshold": [0.05, 0.4]}, scoring="f1_macro", cv=2)
    search.fit(X, y)
    assert search.best_params_["threshold"] == 0.4
    assert cross_val_score(net(epochs=5), X, y, cv=2, scoring="roc_auc").min() > 0.5


def test_tuned_thresholds_around_the_net():
    X, y = labels(400)
    rare = y * (np.random.default_rng(0).uniform(size=y.shape) < 0.5)
    tuned = TunedThresholdMultiLabelClassifierCV(net(epochs=20), cv=3, random_state=0)
    tuned.fit(X[:300], rare[:300])
    plain = net(epochs=20).fit(X[:300], rare[:300])
    assert tuned.thresholds_.shape == (4,)
    tuned_f1 = f1_score(rare[300:], tuned.predict(X[300:]), average="macro")
    assert tuned_f1 > f1_score(rare[300:], plain.predict(X[300:]), average="macro", zero_division=0)


def test_partial_fit_needs_all_classes_first():
    X, y = load_iris(return_X_y=True)
    model = net().partial_fit(X[:110:10], y[:110:10], classes=[0, 1, 2])
    for _ in range(30):
        model.partial_fit(X, y)
    assert model.score(X, y) > 0.7
    with pytest.raises(ValueError, match=r"y must hold the classes \[0, 1\] only. Got .*2"):
        net().partial_fit(X[:100], y[:100]).partial_fit(X, y)
    with refuses("y must be a vector of classes, as in the first fit. Got 2 columns"):
        model.partial_fit(X, np.eye(3)[y][:, :2])


def test_partial_fit_keeps_the_classes_of_its_first_call():
    X, y = load_iris(return_X_y=True)
    model = net().partial_fit(X, y, classes=[0, 1, 2]).partial_fit(X, y, classes=[2, 1, 0])
    with refuses("classes must stay those of the first call, [0, 1, 2]", "Got [1, 2]"):
        model.partial_fit(X[y > 0], y[y > 0], classes=[1, 2])


def wrong(match, y=None, **params):
    X, good = labels()
    with pytest.raises(ValueError, match=match):
        net(epochs=2, **params).fit(X, good if y is None else y)


@pytest.mark.parametrize("loss", ["asymmetric", AsymmetricLoss(gamma_negative=2)])
def test_weights_of_labels_as_forests_take_them(loss):
    X, y = labels()
    given = [{0: 2, 1: 6}, {1: 2.0}, {0: 4}, {}]
    by_dicts = net(epochs=3, class_weight=given, loss=loss).fit(X, y)
    by_ratios = net(epochs=3, class_weight=[3.0, 2.0, 0.25, 1.0], loss=loss).fit(X, y)
    np.testing.assert_array_equal(by_dicts.predict_proba(X), by_ratios.predict_proba(X))
    balanced = [
        dict(enumerate(compute_class_weight("balanced", classes=np.arange(2), y=label)))
        for label in y.T
    ]
    by_dicts = net(epochs=3, class_weight=balanced, loss=loss).fit(X, y)
    by_name = net(epochs=3, class_weight="balanced", loss=loss).fit(X, y)
    np.testing.assert_allclose(by_dicts.predict_proba(X), by_name.predict_proba(X), rtol=1e-6)


@pytest.mark.parametrize("wrong", [{2: 1.0}, {"joy": 2.0}, {1: 0.0}, {0: -1, 1: 2}, {1: "a"}])
def test_wrong_weights_of_a_label_are_named(wrong):
    X, y = labels()
    with refuses("class_weight of a label must hold positive numbers for 0 and 1", f"Got {wrong}"):
        net(class_weight=[{1: 2.0}, wrong, {}, {}]).fit(X, y)


def test_wrong_use_is_refused_with_rule_value_and_remedy():
    _, y = labels()
    one = y[:, 0]
    wrong(r"threshold must lie in \[0, 1\].* Got 1\.5", threshold=[0.5, 0.5, 0.5, 1.5])
    wrong("'threshold' parameter", threshold=1.5)
    wrong(r"one number for each of 4 labels\. Got shape \(3,\)", threshold=[0.5] * 3)
    wrong(r"one number for each of 1 labels\. Got shape \(2,\)", y=one, threshold=[0.5, 0.5])
    wrong("min_labels must be at least 0 and at most the number of labels, 4. Got 5", min_labels=5)
    wrong("several columns of classes are not supported.* Use one estimator a column", y=y * 2 + 1)
    wrong("needs at least 2 classes in y. Got 1 class", y=np.zeros(200))
    wrong("class_weight must hold one number for each of 4 labels", class_weight=[1.0, 2.0])
    wrong("class_weight must be positive. Got 0 for 1", class_weight={1: 0.0})
    wrong("class_weight must name labels of y.* Got 'joy'", class_weight={"joy": 2.0})
    wrong("class_weight of a 1-D target must be None", y=one, class_weight=[1.0, 2.0])
    wrong(
        "needs a loss by its name, or one of LogLoss",
        class_weight="balanced",
        loss=keras.losses.BinaryCrossentropy(),
    )
    wrong("Unknown label type|continuous", y=one + 0.5 * np.random.default_rng(0).normal(size=200))
    X, _ = labels()
    model = net(epochs=2).fit(X, y).set_params(threshold=[0.5] * 3)
    with pytest.raises(ValueError, match="one number for each of 4 labels"):
        model.predict(X)
    assert clone(model).get_params()["threshold"] == [0.5] * 3


METRICS = {
    "accuracy": accuracy_score,
    "f1_macro": partial(f1_score, average="macro"),
    "jaccard_samples": partial(jaccard_score, average="samples"),
    "average_precision": average_precision_score,
    "roc_auc": roc_auc_score,
}


@pytest.mark.parametrize("n_labels", [2, 4])
@pytest.mark.parametrize("tuned", [False, True], ids=["net", "tuner"])
def test_scikit_learn_reads_the_classes_of_several_labels(tuned, n_labels):
    X, y = labels(n_labels=n_labels)
    model = net(epochs=5)
    if tuned:
        model = TunedThresholdMultiLabelClassifierCV(model, cv=2, random_state=0)
    folds = list(KFold(2).split(X))
    settings = {"cv": folds, "method": "predict_proba"}
    probability = cross_val_predict(model, X, y, **settings)
    assert probability.shape == y.shape
    (train, test), *_ = folds
    model.fit(X[train], y[train])
    np.testing.assert_allclose(probability[test], model.predict_proba(X[test]), rtol=1e-6)
    assert model.classes_.tolist() == list(range(n_labels))
    # Scorers give what the metrics give for the same predictions.
    for name, metric in METRICS.items():
        of_probability = name in ("average_precision", "roc_auc")
        predicted = model.predict_proba(X[test]) if of_probability else model.predict(X[test])
        assert get_scorer(name)(model, X[test], y[test]) == metric(y[test], predicted)
    # It takes two labels for two classes, and leaves the first out: as with MLPClassifier.
    stacked = StackingClassifier([("net", model)], KNeighborsClassifier(), cv=folds).fit(X, y)
    assert stacked.transform(X).shape == (len(X), 1 if n_labels == 2 else n_labels)
    assert stacked.predict(X).shape == y.shape
    # A curve for each label: the mean of its probability.
    dependence = partial_dependence(model, X, [0], grid_resolution=5)
    assert dependence["average"].shape == (n_labels, 5)
    shifted = X.copy()
    shifted[:, 0] = dependence["grid_values"][0][3]
    mean = model.predict_proba(shifted).mean(axis=0)
    np.testing.assert_allclose(dependence["average"][:, 3], mean, rtol=1e-6)
    display = PartialDependenceDisplay.from_estimator(model, X, [0], target=1, grid_resolution=5)
    shown = 0 if n_labels == 2 else 1  # of two labels scikit-learn draws the first
    np.testing.assert_allclose(display.lines_[0, 0].get_ydata()[3], mean[shown], rtol=1e-6)
    plt.close("all")
