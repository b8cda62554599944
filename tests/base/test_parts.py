"""Rows that are held out, and what says so."""

import warnings

import pytest

from skconstrain import PositiveRegressor
from tests.registry import positive_regression

FAST = {"hidden_layer_sizes": (4,), "epochs": 2, "tol": None, "random_state": 0}


def test_a_fraction_that_several_networks_do_not_use_warns_where_it_was_set():
    X, y = positive_regression()
    message = (
        r"validation_fraction is for one network.*Got validation_fraction=0\.3 and n_networks=5"
    )
    with pytest.warns(UserWarning, match=message) as caught:
        PositiveRegressor(validation_fraction=0.3, **FAST).fit(X, y)
    assert [found.filename for found in caught] == [__file__]


@pytest.mark.parametrize("params", [{}, {"validation_fraction": 0.3, "n_networks": 1}])
def test_a_fraction_that_is_used_or_was_not_set_does_not_warn(params):
    X, y = positive_regression()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        PositiveRegressor(early_stopping=True, **FAST, **params).fit(X, y)
