"""BoundedOutput: equals the NumPy reference, keeps its range, passes gradients, saves."""

from functools import partial

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skconstrain import PositiveRegressor
from skconstrain._formulas._links import LINKS
from skconstrain.layers import BoundedOutput
from tests.backends import output_and_gradients
from tests.references import apply_link

every_output = pytest.mark.parametrize("output", sorted(LINKS))


def options(output):
    return {"lower": -0.5, "upper": 2.5} if LINKS[output].two_sided else {"lower": 0.25}


@every_output
@settings(deadline=None, max_examples=50)
@given(eta=arrays(np.float64, (3, 2), elements=st.floats(-1e300, 1e300)))
def test_equals_the_reference(output, eta):
    factors = {"gain": 0.5} if LINKS[output].two_sided else {"gain": 0.5, "scale": 3.0}
    layer = BoundedOutput(output, **options(output), **factors, dtype="float64")
    expected = apply_link(output, eta, **options(output), **factors)
    np.testing.assert_allclose(np.asarray(layer(eta)), expected, rtol=1e-12)


@settings(deadline=None, max_examples=50)
@given(eta=arrays(np.float64, (3, 2), elements=st.floats(-700, 1e300)))
def test_the_form_for_xla_has_the_same_values_and_gradients(eta):
    plain, prepared = BoundedOutput(dtype="float64"), BoundedOutput(dtype="float64")
    prepared.prepare_for_xla()
    results = []
    for layer in (plain, prepared):
        output, gradients = output_and_gradients(layer, eta)
        results.append((output, gradients[0]))
    np.testing.assert_allclose(results[1][0], results[0][0], rtol=1e-12)
    np.testing.assert_allclose(results[1][1], results[0][1], rtol=1e-12, atol=1e-300)


@every_output
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_infinities_stay_inside(output, dtype):
    layer = BoundedOutput(output, **options(output), dtype=dtype)
    eta = np.array([[-np.inf, np.inf, 0, -0.0, 1e38, -1e38, 1e-38]], dtype)
    y = np.asarray(layer(eta)).astype(float)
    assert np.isfinite(y).all()
    assert (y >= layer.lower).all()
    if LINKS[output].open_end:
        assert (y > layer.lower).all()
    if layer.upper is not None:
        assert (y < layer.upper).all()


@every_output
def test_gradients_equal_finite_differences(output):
    layer = BoundedOutput(output, **options(output), dtype="float64")
    eta = np.array([[-2.3, -0.4, 0.3, 0.9, 1.7, 4.0]])
    _, (gradient,) = output_and_gradients(layer, eta)
    step = 1e-6
    differences = np.asarray(layer(eta + step) - layer(eta - step)) / (2 * step)
    if output == "relu":  # straight-through: that of the identity
        differences = np.ones_like(differences)
    np.testing.assert_allclose(gradient, differences, rtol=1e-5, atol=1e-8)


def test_relu_rises_again_from_far_below():
    eta, layer = np.array([[-3.0]]), BoundedOutput("relu", dtype="float64")
    for _ in range(20):
        _, (gradient,) = output_and_gradients(lambda eta: (layer(eta) - 2.0) ** 2, eta)
        eta = eta - 0.5 * gradient
    assert abs(np.asarray(layer(eta)).item() - 2.0) < 1e-3


@every_output
def test_values_and_gradients_at_inference_are_those_of_training(output):
    layer = BoundedOutput(output, **options(output), dtype="float64")
    eta = np.array([[-1e9, -40.0, -1.0, 0.0, 0.3, 40.0, 1e9]])
    found = [output_and_gradients(partial(layer, training=kind), eta) for kind in (False, True)]
    (values, (gradient,)), (expected, (in_training,)) = found
    np.testing.assert_array_equal(values, expected)
    np.testing.assert_array_equal(gradient, in_training)


@every_output
def test_a_saved_model_is_the_same(output, tmp_path):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, BoundedOutput(output, **options(output), scale=4.0)(inputs))
    X = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))


def test_wrong_use():
    with pytest.raises(ValueError, match="needs upper="):
        BoundedOutput("tanh")
    with pytest.raises(ValueError, match=r"scale must be a positive finite number. Got -1"):
        BoundedOutput(scale=-1)
    with pytest.raises(ValueError, match=r"lower must be a number. Got 'a'"):
        BoundedOutput("softplus", "a")
    with pytest.raises(ValueError, match=r"upper must be a number or None. Got 'a'"):
        BoundedOutput("sigmoid", 0, "a")
    with pytest.raises(ValueError, match=r"scale must be a positive finite number. Got 'a'"):
        BoundedOutput(scale="a")


def test_an_empty_range_is_refused_in_our_words_only():
    model = PositiveRegressor(output="sigmoid", lower=1.0, upper=1 + 1e-9, dtype="float32")
    for use in (
        lambda: BoundedOutput("sigmoid", 1.0, 1 + 1e-9),
        lambda: model.fit(np.zeros((4, 1)), np.full(4, 1 + 5e-10)),
    ):
        with pytest.raises(ValueError, match=r"^No float32 number lies between") as caught:
            use()
        assert "\x1b" not in str(caught.value)
