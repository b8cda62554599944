"""CompositionRegressor: learns shares, zeros included, and refuses what is no composition."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import cross_val_predict
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.estimator_checks import check_estimator

from skconstrain import CompositionRegressor
from tests.refusals import refuses
from tests.registry import compositions


def fast(**params):
    settings = {"hidden_layer_sizes": (8,), "epochs": 5, "random_state": 0}
    return CompositionRegressor(**{**settings, **params})


class OfOneColumn(CompositionRegressor):
    """The estimator with a target that scikit-learn's checks know: y >= 0 is the odds of a part."""

    def _encode_target(self, y, *, names, reset, classes=None):
        y = check_array(y, ensure_2d=False, dtype=float, input_name="y", estimator=self)
        share = column_or_1d(y, warn=True) / (1 + column_or_1d(y))
        parts = self.total * np.column_stack([share, 1 - share])
        return super()._encode_target(parts, names=names, reset=reset)

    def _oof_prediction(self, outputs):
        parts = super()._oof_prediction(outputs)
        return parts[:, 0] / parts[:, 1]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output, tags.target_tags.multi_output = True, False
        return tags


@pytest.mark.slow
def test_all_checks_of_scikit_learn_pass_with_a_target_that_they_know():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_estimator(OfOneColumn())


def test_shares_are_learnt_better_than_their_mean():
    X, Y = compositions()
    constant = DummyRegressor().fit(X, Y).predict(X)
    net = CompositionRegressor((20,), early_stopping=False, random_state=0).fit(X, Y)
    assert ((net.predict(X) - Y) ** 2).mean() < 0.2 * ((constant - Y) ** 2).mean()
    assert net.score(X, Y) == pytest.approx(r2_score(Y, net.predict(X)))


def test_training_starts_at_the_weighted_mean():
    X, Y = compositions()
    weight = np.linspace(0.1, 2, len(Y))
    net = fast(total=3.0, learning_rate=1e-12, epochs=1).fit(X, 3 * Y, sample_weight=weight)
    expected = np.tile(3 * np.average(Y, axis=0, weights=weight), (len(X), 1))
    np.testing.assert_allclose(net.predict(X), expected, rtol=1e-6)


def test_the_loss_is_the_cross_entropy_of_shares():
    X, Y = compositions()
    net = fast(total=100.0, n_networks=1, learning_rate=1e-12, epochs=1).fit(X, 100 * Y)
    cross_entropy = -(Y * np.log(net.predict(X) / 100)).sum(axis=1).mean()
    assert net.loss_curve_[0] == pytest.approx(cross_entropy, rel=1e-6)


def test_without_hidden_layers_it_is_the_logistic_model_of_shares():
    X, Y = compositions()
    # Each row once for each part, with the share as its weight, is the same likelihood.
    logistic = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000)
    logistic.fit(
        np.repeat(X, 3, axis=0), np.tile([0, 1, 2], len(X)), sample_weight=np.ravel(Y) + 1e-300
    )
    net = CompositionRegressor(
        (), alpha=0, standardize=False, n_networks=1, epochs=3000, early_stopping=False
    ).fit(X, Y)
    np.testing.assert_allclose(net.predict(X), logistic.predict_proba(X), atol=1e-4)


def test_a_part_that_is_always_zero_is_predicted_near_zero():
    X, Y = compositions()
    with_zeros = np.column_stack([Y, np.zeros(len(Y))])
    parts = fast(epochs=100).fit(X, with_zeros).predict(X)
    assert (parts[:, 3] >= 0).all()
    assert parts[:, 3].max() < 0.01


def test_closing_divides_rows_by_their_sums_in_fit_and_score():
    X, Y = compositions()
    size = np.geomspace(1e-300, 1e300, len(Y))[:, None]
    closed, expected = fast(close=True).fit(X, size * Y), fast().fit(X, Y)
    np.testing.assert_allclose(closed.predict(X), expected.predict(X), rtol=1e-6)
    assert closed.score(X, size * Y) == pytest.approx(expected.score(X, Y))
    percent = fast(close=True, total=100.0).fit(X, size * Y)
    np.testing.assert_allclose(percent.predict(X), 100 * closed.predict(X), rtol=1e-6)
    assert percent.score(X, size * Y) == pytest.approx(expected.score(X, Y))


def test_float32_shares_are_taken_as_they_are():
    X, Y = compositions()
    Y = Y.astype(np.float32)
    net = fast().fit(X.astype(np.float32), Y)
    assert net.predict(X).dtype == np.float32


def test_predictions_out_of_fold_are_compositions_too():
    X, Y = compositions()
    net = fast(early_stopping=True).fit(X, Y)
    np.testing.assert_allclose(net.oof_prediction_.sum(axis=1), 1, rtol=1e-12)
    predicted = cross_val_predict(fast(), X, pd.DataFrame(Y), cv=3)
    np.testing.assert_allclose(predicted.sum(axis=1), 1, rtol=1e-12)


def test_partial_fit_and_warm_start_go_on_with_the_same_parts():
    X, Y = compositions()
    net = fast(early_stopping=False).partial_fit(X[:30], Y[:30]).partial_fit(X[30:], Y[30:])
    assert net.n_iter_ == 2
    twin = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(
        twin.partial_fit(X, Y).predict(X), net.partial_fit(X, Y).predict(X)
    )
    with refuses("y must have 3 outputs, as in fit. Got 2"):
        net.partial_fit(X, Y[:, :2])
    with refuses("head must stay CompositionHead(total=1.0)"):
        net.set_params(total=2.0).partial_fit(X, 2 * Y)


def test_the_keras_model_predicts_the_same():
    X, Y = compositions()
    for n_networks, total in ((1, 1e30), (5, 0.1)):
        net = fast(total=total, n_networks=n_networks).fit(X, total * Y)
        np.testing.assert_allclose(np.asarray(net.model_(X)), net.predict(X), rtol=1e-12)


def test_wrong_use_is_refused_with_rule_value_and_remedy():
    X, Y = compositions()
    short, negative, empty = Y.copy(), Y.copy(), Y.copy()
    short[17], negative[3, 1], empty[5] = [0.5, 0.25, 0.125], -0.25, 0.0
    with refuses("(total=1) needs rows of y that sum to it. Got 0.875 at row 17. Set total=", "cl"):
        fast().fit(X, short)
    with refuses("(total=100) needs rows", "Got 1 at row 0"):
        fast(total=100).fit(X, Y)
    with refuses("needs y >= 0. Got -0.25 at row 3, column 1"):
        fast(close=True).fit(X, negative)
    with refuses("positive sum. Got 0 at row 5. Remove such rows"):
        fast(close=True).fit(X, empty)
    for column in (Y[:, 0], Y[:, :1]):
        with refuses("y of two columns or more, one for each part. Got shape (60,"):
            fast().fit(X, column)
    for total in (0, np.inf, np.nan):
        with refuses("'total' parameter", f"Got {total}"):
            fast(total=total).fit(X, Y)
    with refuses("total must be a number that float32", "Got 1e+39", "dtype='float64'"):
        fast(total=1e39, close=True, dtype="float32").fit(X, Y)


def test_another_total_counts_from_the_next_fit_on():
    X, Y = compositions(0)
    net = fast().fit(X, Y)
    net.set_params(total=100.0)
    np.testing.assert_allclose(net.predict(X).sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(net.model_.predict(X, verbose=0).sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(net.fit(X, 100 * Y).predict(X).sum(axis=1), 100, rtol=1e-6)


def test_amounts_whose_sum_overflows_are_closed_without_a_warning():
    X, Y = compositions(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        huge = fast(close=True).fit(X, 1e308 * Y / Y.max()).predict(X)
    np.testing.assert_allclose(huge, fast(close=True).fit(X, Y).predict(X), rtol=1e-6)
