"""The template: its hooks are listed in the order of the calls, and nothing else is overridden."""

import re

import pytest

from skconstrain import MultiLabelNetClassifier, PositiveRegressor
from skconstrain._base import NetClassifier, NetEstimator, NetRegressor
from skconstrain._gated._score_gate import ScoreGate
from tests.registry import ROWS, positive_regression, two_classes

CLASSES = [NetClassifier, NetRegressor, ScoreGate, *dict.fromkeys(row.estimator for row in ROWS)]
HOOKS = [
    name
    for name in dict.fromkeys(re.findall(r"`(_[a-z_]+)`", NetEstimator.__doc__))
    if callable(getattr(NetEstimator, name, None))
]


def methods(kind):
    """Return the private methods that a class defines itself; Python's own are not meant."""
    return {
        name for name in vars(kind) if re.match("_[a-z]", name) and callable(getattr(kind, name))
    }


def test_hooks_are_few():
    assert len(HOOKS) <= 10


@pytest.mark.parametrize("kind", CLASSES)
def test_only_hooks_are_overridden(kind):
    template = {name for base in NetEstimator.__mro__ for name in methods(base)}
    own = {
        name for base in kind.__mro__ if base not in NetEstimator.__mro__ for name in methods(base)
    }
    assert own & template <= set(HOOKS)


@pytest.mark.parametrize("kind", [MultiLabelNetClassifier, PositiveRegressor])
def test_hooks_are_called_in_the_order_in_which_they_are_listed(kind, monkeypatch):
    called = []

    def noting(name, method):
        def hook(*args, **kwargs):
            called.append(name)
            return method(*args, **kwargs)

        return hook

    for name in HOOKS:
        monkeypatch.setattr(kind, name, noting(name, getattr(kind, name)))
    X, y = positive_regression() if kind is PositiveRegressor else two_classes()
    net = kind((3,), epochs=1, tol=None, early_stopping=True).fit(X, y)
    getattr(net, "predict_proba", net.predict)(X)
    seen = list(dict.fromkeys(called))
    assert seen == HOOKS
