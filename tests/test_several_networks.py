"""n_networks: several networks in one estimator, and their out-of-fold predictions."""

import pickle

import keras
import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification, make_regression
from sklearn.model_selection import GridSearchCV

from skconstrain import (
    MultiLabelNetClassifier,
    PositiveRegressor,
    TunedThresholdMultiLabelClassifierCV,
)
from skconstrain._base._folds import deal

FAST = {"hidden_layer_sizes": (8,), "epochs": 10, "batch_size": 16, "tol": None, "random_state": 0}
STOPPED = {"n_networks": 3, "early_stopping": True, **FAST}


def regression():
    X, y = make_regression(120, 5, noise=5.0, random_state=0)
    return X, np.exp(y / np.abs(y).max())


def labels():
    return make_multilabel_classification(150, n_classes=4, n_labels=2, random_state=0)


TARGETS = {
    "labels": lambda Y: Y,
    "binary": lambda Y: Y[:, 0],
    "multiclass": lambda Y: Y.sum(axis=1),
}


def test_out_of_fold_predictions_are_those_of_the_network_that_lacks_the_row():
    X, y = regression()
    model = PositiveRegressor(**STOPPED).fit(X, y)
    each = model._fitted.predict_each(X)
    expected = each[np.arange(len(X)), model._oof_folds, 0]
    # Single precision: fewer rows may be added up in another order.
    np.testing.assert_allclose(model.oof_prediction_, expected, rtol=1e-6)


def test_a_row_has_no_influence_on_its_out_of_fold_prediction():
    X, y = regression()
    model = PositiveRegressor(**{**STOPPED, "early_stopping": True}).fit(X, y)
    held_out = model._oof_folds == 1
    changed = y.copy()
    # The start and the unit of targets stay: their mean and their spread do.
    changed[held_out] = np.random.default_rng(0).permutation(y[held_out])
    without_validation = PositiveRegressor(**{**STOPPED, "epochs": 1}).fit(X, y)
    other = PositiveRegressor(**{**STOPPED, "epochs": 1}).fit(X, changed)
    same = without_validation.oof_prediction_ == other.oof_prediction_
    np.testing.assert_allclose(
        other.oof_prediction_[held_out], without_validation.oof_prediction_[held_out], rtol=1e-9
    )
    assert not same[~held_out].any()


@pytest.mark.parametrize("kind", TARGETS)
def test_classifiers_give_the_mean_of_probabilities(kind):
    X, Y = labels()
    y = TARGETS[kind](Y)
    model = MultiLabelNetClassifier(**STOPPED).fit(X, y)
    logits = model._fitted.predict_each(X)
    mean = model._probability_of(logits.reshape(-1, logits.shape[2])).reshape(logits.shape)
    shown = model.predict_proba(X)
    shown = shown[:, 1:] if kind == "binary" else shown
    np.testing.assert_allclose(shown, mean.mean(axis=1), rtol=1e-9)
    assert model.oof_prediction_.shape == model.predict_proba(X).shape
    assert model.score(X, y) > 0.2
    keras_says = model.model_.predict(X, verbose=0)
    np.testing.assert_allclose(keras_says, shown, rtol=1e-4)


def test_pickles_hold_no_rows():
    X, y = regression()
    model = PositiveRegressor(**STOPPED).fit(X, y)
    long = PositiveRegressor(**STOPPED).fit(np.tile(X, (50, 1)), np.tile(y, 50))
    assert len(pickle.dumps(long)) < 1.2 * len(pickle.dumps(model))
    again = pickle.loads(pickle.dumps(model))
    assert not hasattr(again, "oof_prediction_")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_zero_weight_removes_a_row():
    X, y = regression()
    used = np.arange(len(X)) % 7 != 0
    weighted = PositiveRegressor(**STOPPED).fit(X, y, sample_weight=used.astype(float))
    fewer = PositiveRegressor(**STOPPED).fit(X[used], y[used])
    np.testing.assert_array_equal(weighted.predict(X), fewer.predict(X))
    np.testing.assert_array_equal(weighted.oof_prediction_[used], fewer.oof_prediction_)
    assert np.isnan(weighted.oof_prediction_[~used]).all()


def test_without_folds_all_networks_train_on_all_rows():
    X, y = regression()
    given = PositiveRegressor(**STOPPED).fit(X[:90], y[:90], X_val=X[90:], y_val=y[90:])
    assert not hasattr(given, "oof_prediction_")
    assert len(given.validation_scores_) == given.n_iter_
    model = PositiveRegressor(**{**STOPPED, "early_stopping": False}).fit(X, y)
    assert not hasattr(model, "oof_prediction_")
    # One step of all rows, twice each or with weight two.
    settings = {**STOPPED, "early_stopping": False, "batch_size": 500}
    twice = PositiveRegressor(**settings).fit(np.tile(X, (2, 1)), np.tile(y, 2))
    weighted = PositiveRegressor(**settings).fit(X, y, sample_weight=np.full(len(X), 2.0))
    np.testing.assert_allclose(twice.predict(X), weighted.predict(X), rtol=1e-9)


def test_training_goes_on():
    X, y = regression()
    model = PositiveRegressor(**{**STOPPED, "warm_start": True}).fit(X, y)
    folds, n_iter = model._oof_folds, model.n_iter_
    model.fit(X, y)
    assert model.n_iter_ == 2 * n_iter
    np.testing.assert_array_equal(model._oof_folds, folds)  # rows held out stay so
    model.set_params(early_stopping="auto").partial_fit(X, y)
    assert model.n_iter_ == 2 * n_iter + 1
    assert not hasattr(model, "oof_prediction_")
    with pytest.raises(ValueError, match="n_networks must stay 3"):
        model.set_params(n_networks=2).fit(X, y)


@pytest.mark.parametrize("kind", TARGETS)
def test_folds_are_of_equal_size_and_keep_shares(kind):
    X, Y = labels()
    y = TARGETS[kind](Y)
    model = MultiLabelNetClassifier(**STOPPED).fit(X, y)
    shares = [y[model._oof_folds == k].mean(axis=0) for k in range(3)]
    np.testing.assert_allclose(shares, np.broadcast_to(y.mean(axis=0), np.shape(shares)), atol=0.1)


def test_too_few_rows_for_the_folds():
    with pytest.raises(ValueError, match="n_networks=5 needs a row in each fold"):
        deal(4, 5, None, 0)
    assert sorted(deal(5, 5, None, 0)) == [0, 1, 2, 3, 4]


def test_callbacks_see_one_model():
    class Shapes(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            shapes.append((self.model.count_params(), sorted(logs)))

    shapes = []
    X, y = regression()
    model = PositiveRegressor(**{**STOPPED, "callbacks": [Shapes()], "epochs": 2}).fit(X, y)
    assert shapes == [(model.model_.count_params(), ["loss", "val_loss"])] * 2


def test_dropout_penalty_and_repeats():
    X, y = regression()
    settings = {**STOPPED, "dropout": 0.3, "alpha": 1.0, "kernel_constraint": "non_neg"}
    one = PositiveRegressor(**settings).fit(X, y)
    again = clone(one).fit(X, y)
    np.testing.assert_array_equal(one.predict(X), again.predict(X))
    kernels = [w for name, w in one._fitted.weights.items() if name.endswith("/kernel")]
    assert all((kernel >= 0).all() for kernel in kernels)


class Counting(MultiLabelNetClassifier):
    """Counts its fits."""

    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        Counting.n_fits += 1
        return super().fit(X, y, sample_weight)


@pytest.mark.parametrize("kind", ["labels", "binary"])
def test_thresholds_are_tuned_with_one_fit(kind):
    X, Y = labels()
    y = TARGETS[kind](Y)
    Counting.n_fits = 0
    weight = (np.arange(len(X)) % 10 > 0).astype(float)
    tuned = TunedThresholdMultiLabelClassifierCV(Counting(**STOPPED))
    tuned.fit(X, y, sample_weight=weight)
    assert Counting.n_fits == 1
    # The same thresholds as of the same scores, given as those of a single split.
    scores = tuned.estimator_.oof_prediction_
    scores = scores if kind == "labels" else scores[:, 1:]
    predicted = (scores >= tuned.thresholds_)[weight > 0]
    truth = y.reshape(len(y), -1)[weight > 0] == 1
    f1 = 2 * (predicted & truth).sum(0) / (predicted.sum(0) + truth.sum(0))
    np.testing.assert_allclose(tuned.best_score_, f1.mean(), rtol=1e-12)
    assert tuned.cv_thresholds_.shape == (3, truth.shape[1])


def test_thresholds_are_tuned_on_folds_of_their_own_where_there_are_none():
    X, Y = labels()
    Counting.n_fits = 0
    unstopped = Counting(**{**STOPPED, "early_stopping": False})
    tuned = TunedThresholdMultiLabelClassifierCV(unstopped, random_state=0).fit(X, Y)
    assert Counting.n_fits == 6
    assert tuned.cv_thresholds_.shape == (5, 4)
    Counting.n_fits = 0
    TunedThresholdMultiLabelClassifierCV(Counting(**STOPPED), cv=2).fit(X, Y)
    assert Counting.n_fits == 3


def test_sparse_features():
    X, Y = labels()
    dense = MultiLabelNetClassifier(**STOPPED).fit(X, Y)
    thin = MultiLabelNetClassifier(**STOPPED).fit(sparse.csr_array(X), Y)
    np.testing.assert_array_equal(dense.oof_prediction_, thin.oof_prediction_)


def test_a_warning_in_a_search_points_to_the_line_of_the_user():
    X, y = regression()
    net = PositiveRegressor((4,), epochs=1, validation_fraction=0.3)
    with pytest.warns(UserWarning, match="validation_fraction is for one network") as told:
        GridSearchCV(net, {"alpha": [0.0]}, cv=2).fit(X, y)
    assert {one.filename for one in told if one.category is UserWarning} == {__file__}
