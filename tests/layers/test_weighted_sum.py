"""WeightedSum: the formula, distributions stay distributions, weight 0 silences an expert."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import softmax

from skconstrain.layers import WeightedSum
from tests.backends import output_and_gradients, tensorflow_only

logits = st.floats(-1e3, 1e3)


@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-5), ("float64", 1e-13)])
def test_equals_the_formula(dtype, rtol):
    rng = np.random.default_rng(0)
    gate, values = rng.random((6, 4)), rng.random((6, 4, 3))
    output = np.asarray(WeightedSum(dtype=dtype)([gate, values]))
    assert output.dtype == np.dtype(dtype)
    np.testing.assert_allclose(output, np.einsum("bl,blk->bk", gate, values), rtol=rtol)


def test_one_number_an_expert_is_keras_dot():
    rng = np.random.default_rng(0)
    gate, values = rng.random((2, 6, 4)).astype(np.float32)
    output = np.asarray(WeightedSum()([gate, values]))
    assert output.shape == (6, 1)
    np.testing.assert_allclose(output, keras.layers.Dot(axes=1)([gate, values]), rtol=1e-6)


@settings(deadline=None, max_examples=100)
@given(
    gate=arrays(np.float64, (2, 4), elements=logits),
    values=arrays(np.float64, (2, 4, 3), elements=logits),
)
def test_distributions_stay_distributions(gate, values):
    gate, values = softmax(gate, axis=1), softmax(values, axis=2)
    output = np.asarray(WeightedSum(dtype="float64")([gate, values]))
    assert (output >= 0).all()
    np.testing.assert_allclose(output.sum(axis=1), 1, rtol=1e-14)


@settings(deadline=None, max_examples=100)
@given(values=arrays(np.float64, (4, 4, 3), elements=st.floats(allow_subnormal=False)))
def test_a_chosen_expert_is_passed_on_exactly_whatever_the_others_say(values):
    output = np.asarray(WeightedSum(dtype="float64")([np.eye(4), values]))
    np.testing.assert_array_equal(output, values[np.arange(4), np.arange(4)])


def test_gradients_are_the_formula_s():
    rng = np.random.default_rng(0)
    gate, values = rng.random((5, 4)), rng.normal(size=(5, 4, 3))
    gate = np.where(gate > 0.5, gate, 0)  # weights that are 0 have a gradient too
    upstream, layer = rng.normal(size=(5, 3)), WeightedSum(dtype="float64")
    call = lambda *inputs: layer(list(inputs))  # noqa: E731
    _, (of_gate, of_values) = output_and_gradients(call, gate, values, upstream=upstream)
    np.testing.assert_allclose(of_gate, np.einsum("bk,blk->bl", upstream, values), rtol=1e-12)
    np.testing.assert_allclose(of_values, np.einsum("bk,bl->blk", upstream, gate), rtol=1e-12)
    assert (of_gate != 0).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_gradients_are_finite_where_a_silent_expert_is_not(bad):
    gate, values = np.array([[1.0, 0.0]]), np.array([[[2.0, 3.0], [bad, 4.0]]])
    layer = WeightedSum(dtype="float64")
    call = lambda *inputs: layer(list(inputs))  # noqa: E731
    _, (of_gate, of_values) = output_and_gradients(call, gate, values)
    np.testing.assert_array_equal(of_gate, [[5, 4]])
    np.testing.assert_array_equal(of_values, [[[1, 1], [0, 0]]])


@tensorflow_only
@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("shape", [(6, 4), (6, 4, 3)])
def test_compiled_equals_eager(jit_compile, shape):
    rng = np.random.default_rng(0)
    gate, values = rng.random(shape[:2]).astype(np.float32), rng.normal(size=shape)
    gate[0], values[0, 0] = [0, 0, 0, 1], np.nan
    layer = WeightedSum()
    values = values.astype(np.float32)
    compiled = tf.function(lambda *inputs: layer(inputs), jit_compile=jit_compile)
    got, wanted = compiled(gate, values).numpy(), np.asarray(layer([gate, values]))
    assert np.isfinite(got).all()
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("shape", "units"), [((4,), 1), ((4, 3), 3)])
def test_a_saved_model_is_the_same(shape, units, tmp_path):
    inputs = [keras.Input((4,)), keras.Input(shape)]
    model = keras.Model(inputs, WeightedSum()(inputs))
    assert model.output_shape == (None, units)
    rng = np.random.default_rng(0)
    X = [rng.random((5, 4)).astype(np.float32), rng.random((5, *shape)).astype(np.float32)]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))


def test_wrong_use():
    gate, values = np.ones((2, 3)), np.ones((2, 3, 4))
    for inputs, received in [(gate, 1), ([gate], 1), ([gate, values, values], 3)]:
        with pytest.raises(ValueError, match=rf"\[gate, values\]. Got {received}"):
            WeightedSum()(inputs)
    for inputs in ([values, gate], [gate, np.ones((2, 5, 4))], [gate, np.ones((2, 4))]):
        with pytest.raises(ValueError, match=r"with the same L. Got .* The gate comes first"):
            WeightedSum()(inputs)
