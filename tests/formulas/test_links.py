"""Links: mathematics of the ranges, checked in exact arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from skconstrain._formulas._links import LINKS, bias_and_gain, check_range, output_range
from tests.references import apply_link

bounded = st.floats(-1e6, 1e6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(lower=bounded, width=st.floats(1e-3, 1e6), output=st.sampled_from(["sigmoid", "tanh"]))
def test_ends_are_the_outermost_numbers_inside(dtype, lower, width, output):
    upper = lower + width
    assume(upper > lower)
    try:
        smallest, largest = output_range(output, lower, upper, dtype)
    except ValueError:
        assert dtype == "float32"
        return
    number = np.dtype(dtype).type
    assert float(number(smallest)) == smallest
    assert float(number(largest)) == largest
    assert Fraction(lower) < Fraction(smallest) <= Fraction(largest) < Fraction(upper)
    one_out = float(np.nextafter(number(smallest), number(-np.inf)))
    assert Fraction(one_out) <= Fraction(lower) or abs(one_out) < np.finfo(dtype).tiny


@pytest.mark.parametrize("output", [name for name in LINKS if not LINKS[name].two_sided])
def test_zero_as_lower_end(output):
    smallest, largest = output_range(output, 0.0, None, "float32")
    assert smallest == (float(np.finfo("float32").tiny) if LINKS[output].open_end else 0.0)
    assert largest == float(np.finfo("float32").max)


@pytest.mark.parametrize("output", sorted(LINKS))
@given(unit=st.floats(1e-5, 1 - 1e-5), lower=st.floats(-10, 10), spread=st.floats(1e-3, 10))
def test_training_starts_at_the_mean_and_moves_by_the_spread(output, unit, lower, spread):
    upper = lower + 2.0 if LINKS[output].two_sided else None
    options = {"lower": lower, "upper": upper, "scale": 3.0}
    mean = lower + (3.0 if upper is None else 2.0) * unit
    bias, gain = bias_and_gain(output, np.array([mean]), np.array([spread]), **options)
    result = apply_link(output, bias, gain=gain, **options)
    np.testing.assert_allclose(result, mean, rtol=1e-9, atol=1e-9)
    step = 1e-6
    moved = apply_link(output, bias + np.array([[-step], [step]]), gain=gain, **options)
    slope = (moved[1] - moved[0]) / (2 * step)
    assert gain == 1 or abs(slope / spread - 1) < 1e-3
    assert slope <= spread * 1.001


@pytest.mark.parametrize("output", ["sigmoid", "tanh"])
@pytest.mark.parametrize("unit", [1e-4, 1e-30, 1 - 1e-12])
def test_a_mean_close_to_an_end_is_the_start_all_the_same(output, unit):
    bias, gain = bias_and_gain(
        output, np.array([unit]), np.array([0.3 * min(unit, 1 - unit)]), upper=1.0
    )
    result = apply_link(output, bias, gain=gain, upper=1.0)
    np.testing.assert_allclose([result, 1 - result], [[unit], [1 - unit]], rtol=1e-3)


@pytest.mark.parametrize("output", sorted(LINKS))
def test_a_mean_at_the_end_starts_inside(output):
    upper = 1.0 if LINKS[output].two_sided else None
    bias, gain = bias_and_gain(output, 0.0, 0.0, upper=upper)
    assert np.isfinite(bias)
    assert gain == 1


def test_softabs_is_quadratic_inside_and_linear_outside():
    x = np.array([-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0])
    expected = np.where(np.abs(x) < 1, x**2 / 2, np.abs(x) - 0.5)
    np.testing.assert_array_equal(apply_link("softabs", x), expected)


def test_exp_grows_until_its_cap():
    etas = np.array([29.0, 30.0, 31.0, 1e300])
    values = apply_link("exp", etas)
    assert values[0] < values[1] == values[2] == values[3] == np.exp(30.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sigmoid", 0.0, None), "needs upper="),
        (("sigmoid", 1.0, 1.0), "upper must be greater than lower. Got lower=1.0, upper=1.0"),
        (("softplus", 0.0, 1.0), "has no upper end. Got upper=1.0. Use upper=None"),
        (("softmax", 0.0, None), "output must be one of"),
        (("exp", -np.inf, None), "must be finite"),
    ],
)
def test_ranges_that_cannot_be_served(arguments, message):
    with pytest.raises(ValueError, match=message):
        check_range(*arguments)


def test_a_range_without_numbers():
    with pytest.raises(ValueError, match="No float32 number lies between"):
        output_range("sigmoid", 1.0, 1.0 + 1e-12, "float32")
