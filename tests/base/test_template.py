"""The template: its hooks are listed in the order of the calls, and nothing else is overridden."""

import re

import pytest

from skconstrain import MultiLabelNetClassifier, PositiveRegressor
from skconstrain._base import NetClassifier, NetEstimator, NetRegressor
from tests.registry import ROWS, positive_regression, two_classes

CLASSES = dict.fromkeys([NetClassifier, NetRegressor, *(row.estimator for row in ROWS)])
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


@pytest.mark.parametrize("kind", CLASSES)
def test_only_hooks_are_overridden(kind):
    template = {name for base in NetEstimator.__mro__ for name in methods(base)}
    own = {
        name for base in kind.__mro__ if base not in NetEstimator.__mro__ for name in methods(base)
    }
    assert own & template <= set(HOOKS)


@pytest.mark.parametrize("is_given", [True, False])
@pytest.mark.parametrize("kind", [MultiLabelNetClassifier, PositiveRegressor])
def test_hooks_are_called_in_the_order_in_which_they_are_listed(kind, is_given, monkeypatch):
    called = []

    def noting(name, method):
        def hook(*args, **kwargs):
            called.append(name)
            return method(*args, **kwargs)

        return hook

    for name in HOOKS:
        monkeypatch.setattr(kind, name, noting(name, getattr(kind, name)))
    X, y = positive_regression() if kind is PositiveRegressor else two_classes()
    validation = {"X_val": X, "y_val": y} if is_given else {}
    net = kind((3,), n_networks=1, epochs=1, tol=None, early_stopping=True)
    net.fit(X, y, **validation)
    getattr(net, "predict_proba", net.predict)(X)
    seen = list(dict.fromkeys(called))
    assert seen == [name for name in HOOKS if name in seen]
    left_out = {"_strata", "_splits"} if is_given else {"_network_input"}
    # It is asked where nothing else says how long to train.
    left_out |= {"_finds_epochs", "_params_shared_by_clones"}
    assert set(HOOKS) - set(seen) == left_out
