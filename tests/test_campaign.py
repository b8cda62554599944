"""A small part of the hostile campaign, and that the campaign finds what it looks for."""

from itertools import islice

import numpy as np
import pytest

from skconstrain import (
    CompositionRegressor,
    GatedEnsembleClassifier,
    MultiLabelNetClassifier,
    PositiveRegressor,
    QuantileNetRegressor,
    SparseConnectedNet,
)
from tests.campaign.call_campaign import all_calls, run_calls
from tests.campaign.calls import Call
from tests.campaign.grading import ungraded_because
from tests.campaign.row_campaign import kind_of, run_rows
from tests.campaign.rows import CONTAINERS, PRECISIONS, hostile_rows
from tests.campaign.subjects import Subject, labels, subjects
from tests.campaign.targets import target_faults
from tests.registry import WIRING, compositions, positive_regression, two_classes


def few_subjects():
    """Return every eighth subject, and the last of each class."""
    every = subjects()
    kinds = {kind_of(subject): subject for subject in every}
    return list({subject.name: subject for subject in [*every[::8], *kinds.values()]}.values())


@pytest.mark.slow
def test_hostile_rows_break_no_promise():
    found = few_subjects()
    report = run_rows(found, rows=3_000, seconds=60, seed=0)
    assert set(report.rows) == {kind_of(subject) for subject in subjects()}
    assert report.violations == []


@pytest.mark.slow
def test_errors_of_hostile_calls_are_graded():
    report = run_calls(islice(all_calls(), 0, None, 7))
    assert report.calls.total() > 200
    assert [text for _, text in report.ungraded] == []


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_hostile_rows_are_finite_and_reach_the_ends_of_a_precision(dtype):
    near = np.random.default_rng(0).normal(size=(60, 5))
    X = hostile_rows(np.random.default_rng(0), 2_000, near, dtype)
    assert X.dtype == dtype
    assert np.isfinite(X).all()
    sizes = np.abs(X[X != 0])
    assert sizes.max() == np.finfo(dtype).max
    assert sizes.min() < np.finfo(dtype).tiny  # subnormal
    for container in CONTAINERS.values():
        given = container(X)
        given = given.toarray() if hasattr(given, "toarray") else np.asarray(given, dtype)
        np.testing.assert_array_equal(given, X)


class BelowItsRange(PositiveRegressor):
    def predict(self, X):
        return super().predict(X) - 10


class UnevenGate(GatedEnsembleClassifier):
    def gate_proba(self, X):
        return 0.9 * super().gate_proba(X)


class Crossing(QuantileNetRegressor):
    def predict_quantiles(self, X, quantiles=None):
        return super().predict_quantiles(X, quantiles)[:, ::-1] - 10


class Incomplete(CompositionRegressor):
    def predict(self, X):
        return super().predict(X) - 0.5


class FewLabels(MultiLabelNetClassifier):
    def predict(self, X):
        return np.zeros_like(super().predict(X))


class Leaking(SparseConnectedNet):
    @property
    def coefs_(self):
        connected, *others = super().coefs_
        return [connected.toarray() + 1e-30, *others]

    def activations(self, X, layer=-1):
        return super().activations(X, layer) + np.sum(X, axis=1, keepdims=True)


BROKEN = [
    (BelowItsRange, {}, positive_regression(), {"predictions lie inside the range"}),
    (UnevenGate, {"gating": "hard"}, two_classes(), {"they sum to 1", "a hard gate uses one"}),
    (
        Crossing,
        {"lower": 0},
        positive_regression(),
        {"quantiles do not cross", "those between do not cross", "quantiles lie inside the range"},
    ),
    (
        Incomplete,
        {},
        compositions(),
        {"predictions are not negative", "predictions sum to the total"},
    ),
    (FewLabels, {"min_labels": 2}, labels(), {"there are min_labels of them"}),
    (
        Leaking,
        {"connections": WIRING},
        positive_regression(),
        {"absent connections are zero in coefs_, after fit", "features without a connection"},
    ),
]


@pytest.mark.parametrize(("broken", "params", "data", "expected"), BROKEN)
def test_a_broken_promise_is_found(broken, params, data, expected):
    subject = Subject("broken", broken(epochs=1, random_state=0, **params), data)
    report = run_rows([subject], rows=1, seconds=0, seed=0)
    found = " ".join(text for _, text in report.violations)
    assert [promise for promise in expected if promise not in found] == []


class Fragile(PositiveRegressor):
    def predict(self, X):
        raise KeyError("fragile")


def test_rows_that_are_refused_are_a_violation():
    subject = Subject("fragile", Fragile(epochs=1), positive_regression())
    report = run_rows([subject], rows=1, seconds=0, seed=0)
    assert all("KeyError: 'fragile'" in text for _, text in report.violations)
    assert len(report.violations) == 3


def raised_by(run):
    try:
        run()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


X, Y = positive_regression()
GRADES = [
    (lambda: PositiveRegressor(alpha=-1).fit(X, Y), "alpha", None),
    (lambda: PositiveRegressor().fit(X, Y[:-1]), "59", None),
    (lambda: PositiveRegressor().predict(X), "not fitted", None),
    (lambda: PositiveRegressor(nope=1), "nope", None),
    (lambda: PositiveRegressor(alpha=-1).fit(X, Y), "epochs", "does not name"),
    (lambda: {}["a"], "a", "a bare KeyError"),
    (lambda: np.ones(3) @ np.ones(4), "3", "raised by accident"),
]


@pytest.mark.parametrize(("run", "names", "expected"), GRADES)
def test_an_error_is_graded_if_it_says_what_was_received(run, names, expected):
    grade = ungraded_because(raised_by(run), names)
    assert grade is None if expected is None else expected in grade


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("\x1b[1mException encountered when calling Dense\x1b[0m", "TensorFlow or Keras"),
        ("The 'cv' parameter of _PlainGrid must be an int. Got 1.", "internal, _PlainGrid"),
        ("NetEstimator.fit() got an unexpected keyword argument 'a'", "internal, NetEstimator"),
    ],
)
def test_messages_of_internals_are_not_graded(message, expected):
    assert expected in ungraded_because(ValueError(message), ".")


def test_calls_that_are_accepted_or_refused_by_mistake_are_found():
    calls = [
        ("a", Call("accepts", lambda: None, "anything")),
        ("a", Call("refuses", lambda: PositiveRegressor(alpha=-1).fit(X, Y), None)),
        ("a", Call("works", lambda: None, None)),
    ]
    report = run_calls(calls)
    assert [text.split(":")[1].strip() for _, text in report.ungraded] == ["accepts", "refuses"]
    assert report.calls == {"a": 3}


@pytest.mark.slow
def test_targets_are_learnt_in_every_unit_and_container():
    assert target_faults(5, seed=0) == []
