"""Decisions by matrix products, against the decision_function that they replace."""

import timeit
import tracemalloc

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import make_blobs, make_classification
from sklearn.svm import SVC, SVR, LinearSVC, NuSVC

from skconstrain._gated import _svc_decisions
from skconstrain._gated._svc_decisions import KERNELS, decisions, decisions_of_all, serves

SETTINGS = {
    "linear": {},
    "poly": {"degree": 3, "coef0": 0.7},
    "poly_even": {"kernel": "poly", "degree": 4, "coef0": 1.0, "gamma": 0.1},
    "poly_constant": {"kernel": "poly", "degree": 0},
    "poly_straight": {"kernel": "poly", "degree": 1},
    "rbf": {"gamma": 0.3, "C": 10.0},
    "rbf_auto": {"kernel": "rbf", "gamma": "auto"},
    "sigmoid": {"coef0": -0.5, "gamma": 0.05},
}


def machine(setting, **kwargs):
    return SVC(**{"kernel": setting, **SETTINGS[setting], **kwargs})


def data(n_classes, n=180, seed=0):
    return make_classification(
        n, 6, n_informative=5, n_redundant=0, n_classes=n_classes, random_state=seed, class_sep=0.8
    )


def assert_same(estimator, X, rtol=1e-9):
    """Equal up to `rtol` of the largest terms, where a sum of opposite terms comes near zero."""
    expected = estimator.decision_function(X)
    got = decisions(estimator, X)
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=1e-10 * np.abs(expected).max())


@pytest.mark.parametrize("shape", ["ovr", "ovo"])
@pytest.mark.parametrize("n_classes", [2, 3, 10])
@pytest.mark.parametrize("setting", SETTINGS)
def test_equal_to_decision_function(setting, n_classes, shape):
    X, y = data(n_classes)
    svc = machine(setting, decision_function_shape=shape).fit(X[:120], y[:120])
    assert serves(svc)
    assert_same(svc, X)


@pytest.mark.parametrize("labels", [["yes", "no"], [7, -3, 2], [True, False]])
def test_labels_of_any_kind(labels):
    X, y = data(len(labels))
    assert_same(SVC(break_ties=len(labels) > 2).fit(X, np.array(labels)[y]), X)


def test_options_that_do_not_change_the_decision():
    X, y = data(3)
    assert_same(NuSVC(nu=0.2).fit(X, y), X)
    assert_same(SVC(class_weight={0: 1, 1: 5, 2: 1}, shrinking=False).fit(X, y), X)
    assert_same(SVC().fit(X, y, sample_weight=np.linspace(0.1, 3, len(y))), X)


def test_one_support_vector_a_class():
    X, y = np.array([[0.0, 0], [2, 2], [9, 0]]), [0, 1, 2]
    assert_same(SVC().fit(X, y), X + 0.1)
    assert_same(SVC().fit(X[:2], y[:2]), X)


def test_settings_are_read_when_the_decision_is_made_as_in_libsvm():
    X, y = data(3)
    svc = SVC(kernel="poly", gamma=0.2).fit(X, y)
    assert_same(svc.set_params(gamma=99.0, degree=2, coef0=0.1, decision_function_shape="ovo"), X)


@pytest.mark.parametrize("kernel", KERNELS)
def test_float32_and_integers_become_float64_as_in_libsvm(kernel):
    X, y = data(2)
    X = (10 * X).round()
    svc = SVC(kernel=kernel).fit(X.astype(np.float32), y)
    assert_same(svc, X.astype(np.float32))
    assert_same(svc, X.astype(int))
    assert_same(svc, np.asfortranarray(X)[::-1])
    assert_same(svc, X.tolist())


def test_far_from_the_origin(monkeypatch):
    # A time stamp as a feature: distances are small, squares are 1e16. Taken from the centre they
    # are small too, and the slower way by subtraction is not needed.
    monkeypatch.delattr(_svc_decisions, "cdist")
    X, y = data(2)
    moved = X + 1e8
    assert_same(SVC(gamma=1.0).fit(moved, y), moved[::-1])


def test_wide_groups_of_near_rows():
    # Within a group the kernel is about a half, between groups zero: no centre is near to all.
    X, group = make_blobs(200, 3, centers=12, center_box=(-1e5, 1e5), random_state=0)
    y = (X[:, 0] > np.array([X[group == g, 0].mean() for g in range(12)])[group]).astype(int)
    assert_same(SVC(gamma=0.5).fit(X, y), X + 0.1)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("size", [1e3, 1e9, 1e200])
def test_rows_far_from_all_support_vectors(kernel, size):
    X, y = data(3)
    svc = SVC(kernel=kernel, decision_function_shape="ovo").fit(X, y)
    X[::2] *= size
    with np.errstate(all="ignore"):
        expected = svc.decision_function(X)
    got = decisions(svc, X)
    finite = np.isfinite(expected).all(axis=1) & np.isfinite(got).all(axis=1)
    near = np.arange(len(X)) % 2 == 1
    assert finite[near].all()
    if kernel in ("rbf", "sigmoid") or size < 1e100:
        assert finite.all()
    scale = np.abs(expected[finite]).max(axis=1, keepdims=True)
    np.testing.assert_allclose(got[finite] / scale, expected[finite] / scale, atol=1e-9)


def test_a_row_does_not_depend_on_the_rows_beside_it(monkeypatch):
    X, y = data(3)
    svc = SVC().fit(X, y)
    whole = decisions(svc, X)
    assert decisions(svc, X[:1]).shape == (1, 3)
    np.testing.assert_allclose(decisions(svc, X[:1]), whole[:1], rtol=1e-12)
    for n_bytes in (1, 5000, 50_000):
        monkeypatch.setattr(_svc_decisions, "BLOCK_BYTES", n_bytes)
        np.testing.assert_allclose(decisions(svc, X), whole, rtol=1e-12)


def test_several_machines():
    X, y = data(3)
    svcs = [machine(s).fit(X[i::8], y[i::8]) for i, s in enumerate(SETTINGS)]
    svcs.append(SVC(decision_function_shape="ovo").fit(X, y))
    svcs.append(SVC(gamma=50.0).fit(X[y < 2] + 3, y[y < 2]))
    for svc, got in zip(svcs, decisions_of_all(svcs, X), strict=True):
        np.testing.assert_allclose(got, svc.decision_function(X), rtol=1e-9, atol=1e-10)
    assert decisions_of_all([], X) == []


class Doubled(SVC):
    def decision_function(self, X):
        return 2 * super().decision_function(X)


def test_does_not_serve():
    X, y = data(2)
    gram = X @ X.T
    for estimator in (
        SVC(),
        SVC(kernel=lambda a, b: a @ b.T).fit(X, y),
        SVC().fit(sparse.csr_matrix(X), y),
        Doubled().fit(X, y),
        LinearSVC().fit(X, y),
        SVR().fit(X, y),
        SVC(kernel="precomputed").fit(gram, y),
        None,
    ):
        assert not serves(estimator)
        with pytest.raises(ValueError, match="Call its decision_function"):
            decisions(estimator, X)


def test_refuses_what_decision_function_refuses():
    X, y = data(2)
    svc = SVC().fit(X, y)
    with pytest.raises(ValueError, match="6 features"):
        decisions(svc, X[:, :5])
    with pytest.raises(ValueError, match="NaN"):
        decisions(svc, np.where(X > 1, np.nan, X))


def test_memory_is_bounded_by_the_block(monkeypatch):
    X, y = data(2, 3000)
    svc = SVC(gamma=5.0).fit(X[:600], y[:600])
    monkeypatch.setattr(_svc_decisions, "BLOCK_BYTES", 2**18)
    tracemalloc.start()
    decisions(svc, X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    kernel = 8 * len(X) * len(svc.support_)
    assert peak < 2**20 < kernel / 8


def test_faster_than_libsvm():
    X, y = make_classification(3000, 60, random_state=0)
    svc = SVC(gamma=0.1).fit(X[:1000], y[:1000])

    def seconds(call):
        return min(timeit.repeat(lambda: call(X), number=1, repeat=5))

    ours = seconds(lambda X: decisions(svc, X))
    assert 2 * ours < seconds(svc.decision_function)
