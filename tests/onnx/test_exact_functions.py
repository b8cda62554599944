"""The functions that graphs of monotone networks are made of, with NumPy's arrays."""

import numpy as np
import pytest
from scipy.special import erfc

from skconstrain._formulas._grid import FARTHEST_ACTIVATED, GRID

exact = pytest.importorskip("skconstrain.onnx._exact_functions")

RNG = np.random.default_rng(0)
SIGN = RNG.choice([-1.0, 1.0], 10_000)
SIZE = 10.0 ** RNG.uniform(-12, 6, 10_000)
ARGUMENTS = {
    "exp": RNG.uniform(-700, 700, 10_000),
    "log": 10.0 ** RNG.uniform(-34, 34, 10_000),
    "log1p": 10.0 ** RNG.uniform(-20, 0, 10_000),
    "arcsinh": SIGN * SIZE,
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_all_digits_but_the_last_are_right(name):
    x = ARGUMENTS[name]
    np.testing.assert_allclose(getattr(exact, name)(x), getattr(np, name)(x), rtol=2e-15)


@pytest.mark.parametrize("name", ["expm1", "tanh"])
def test_those_that_are_rounded_to_a_grid_have_a_small_error(name):
    x = -SIZE if name == "expm1" else SIGN * SIZE
    np.testing.assert_allclose(getattr(exact, name)(x), getattr(np, name)(x), rtol=0, atol=3e-16)


def test_special_numbers():
    assert exact.exp(np.zeros(1)) == 1
    assert exact.exp(np.array([-1e300])) < 1e-300
    assert 1e300 < exact.exp(np.array([1e300])) < np.inf
    for name in ("arcsinh", "tanh", "log1p"):
        assert getattr(exact, name)(np.zeros(1)) == 0
    assert exact.log(np.ones(1)) == 0


def test_neighbours_on_the_grid_keep_their_order():
    x = np.sort(np.clip(SIGN * SIZE, -FARTHEST_ACTIVATED, FARTHEST_ACTIVATED - 1))
    x = np.round(x / GRID) * GRID
    assert (exact.arcsinh(x + GRID) > exact.arcsinh(x)).all()


def test_the_error_function_is_close():
    functions = pytest.importorskip("skconstrain.onnx._functions")
    x = np.linspace(-6, 12, 10_000)
    np.testing.assert_allclose(functions._erfc_of_double(x), erfc(x), rtol=1e-12, atol=1e-14)
