"""StraightThroughOneHot: exactly one 1 a row, and the gradient of a softmax."""

import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import softmax

from skconstrain.layers import StraightThroughOneHot
from tests.backends import output_and_gradients, tensorflow_only

every_precision = pytest.mark.parametrize("dtype", ["float32", "float64"])


def scores_of(dtype):
    """Rows with ties, infinities and the largest numbers; processors may round subnormal ones."""
    width = int(dtype[-2:])
    some = st.floats(width=width, allow_nan=False, allow_subnormal=False)
    often_tied = st.sampled_from([0.0, -0.0, 0.5, 1.0, np.inf, -np.inf])
    shapes = st.tuples(st.just(6), st.integers(1, 6))  # JAX compiles for each
    return arrays(np.dtype(dtype), shapes, elements=some | often_tied)


def first_largest(scores):
    return np.eye(scores.shape[1])[scores.argmax(axis=1)]


def output_and_gradient(layer, scores, upstream, **options):
    call = lambda scores: layer(scores, **options)  # noqa: E731
    output, gradients = output_and_gradients(call, scores, upstream=upstream)
    return output, gradients[0]


def test_rows_with_and_without_a_tie():
    rows = np.array([[0.1, 0.7, 0.8], [0.1, 0.5, 0.5]])
    output = np.asarray(StraightThroughOneHot()(rows))
    np.testing.assert_array_equal(output, [[0, 0, 1], [0, 1, 0]])


@every_precision
@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_exactly_one_1_a_row_the_first_on_ties(dtype, data):
    scores = data.draw(scores_of(dtype))
    layer = StraightThroughOneHot(temperature=0.3, dtype=dtype)
    output, gradient = output_and_gradient(layer, scores, np.ones_like(scores))
    assert output.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(output, first_largest(scores))
    assert np.isfinite(gradient).all()


@tensorflow_only
@pytest.mark.parametrize("jit_compile", [False, True])
def test_compiled_equals_eager(jit_compile):
    rng = np.random.default_rng(0)
    scores = np.round(rng.normal(size=(500, 5)), 1).astype(np.float32)
    scores[:3] = [[np.inf] * 5, [-np.inf] * 5, [0, np.inf, -np.inf, np.inf, 3e38]]
    upstream = rng.normal(size=scores.shape).astype(np.float32)
    layer = StraightThroughOneHot(temperature=0.7)

    @tf.function(jit_compile=jit_compile, input_signature=[tf.TensorSpec((None, 5))] * 2)
    def compiled(scores, upstream):
        with tf.GradientTape() as tape:
            tape.watch(scores)
            output = layer(scores)
        return output, tape.gradient(output, scores, output_gradients=upstream)

    output, gradient = compiled(scores, upstream)
    expected = output_and_gradient(layer, scores, upstream)
    np.testing.assert_array_equal(output.numpy(), first_largest(scores))
    np.testing.assert_array_equal(output.numpy(), expected[0])
    np.testing.assert_allclose(gradient.numpy(), expected[1], rtol=1e-5, atol=1e-6)


@settings(deadline=None, max_examples=50)
@given(
    scores=arrays(np.float64, (2, 4), elements=st.floats(-20, 20)),
    upstream=arrays(np.float64, (2, 4), elements=st.floats(-5, 5)),
    temperature=st.floats(0.1, 10),
)
def test_the_gradient_is_that_of_a_softmax(scores, upstream, temperature):
    layer = StraightThroughOneHot(temperature, dtype="float64")
    _, gradient = output_and_gradient(layer, scores, upstream)
    soft = softmax(scores / temperature, axis=1)
    expected = soft * (upstream - (soft * upstream).sum(axis=1, keepdims=True)) / temperature
    np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-12)


@tensorflow_only
def test_a_gradient_reaches_every_entry_where_an_argmax_has_none():
    scores = tf.constant([[0.1, 0.7, 0.8], [0.1, 0.5, 0.5]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(scores)
        naive = keras.ops.one_hot(keras.ops.argmax(scores, axis=-1), 3)
        ours = StraightThroughOneHot()(scores)
        naive, ours = (tf.reduce_sum(gate * [1.0, 2.0, 4.0]) for gate in (naive, ours))
    assert tape.gradient(naive, scores) is None
    assert (tape.gradient(ours, scores).numpy() != 0).all()


def test_the_gradient_lasts_until_the_softmax_underflows():
    upstream = np.array([[1.0, -1.0]], np.float32)
    for gap, learns in ((80.0, True), (120.0, False)):
        scores = np.array([[gap, 0.0]], np.float32)
        _, gradient = output_and_gradient(StraightThroughOneHot(), scores, upstream)
        assert (gradient != 0).any() == learns


def test_noise_chooses_with_the_softmax_s_probability_in_training_only():
    probability = np.array([0.1, 0.2, 0.7])
    scores = np.tile(0.2 * np.log(probability), (40_000, 1)).astype(np.float32)
    layer = StraightThroughOneHot(temperature=0.2, gumbel=True, seed=0)
    np.testing.assert_array_equal(np.asarray(layer(scores)), first_largest(scores))
    chosen = np.asarray(layer(scores, training=True))
    assert set(np.unique(chosen)) == {0, 1}
    np.testing.assert_array_equal(chosen.sum(axis=1), 1)
    # Six standard deviations of a share of 40,000.
    error = np.abs(chosen.mean(axis=0) - probability)
    assert (error < 6 * np.sqrt(probability * (1 - probability) / len(scores))).all()
    again = StraightThroughOneHot(temperature=0.2, gumbel=True, seed=0)(scores, training=True)
    np.testing.assert_array_equal(again, chosen)
    assert (np.asarray(layer(scores, training=True)) != chosen).any()


def test_noise_is_in_the_gradient():
    scores, upstream = np.zeros((1, 3)), np.array([[1.0, 2.0, 4.0]])
    layer = StraightThroughOneHot(gumbel=True, seed=0, dtype="float64")
    gradients = [output_and_gradient(layer, scores, upstream, training=t)[1] for t in (True, False)]
    assert (gradients[0] != gradients[1]).all()
    assert all((gradient != 0).all() for gradient in gradients)


def test_without_noise_nothing_is_drawn():
    random.seed(0)
    expected = random.random()
    random.seed(0)
    layer = StraightThroughOneHot()
    layer(np.zeros((1, 2)), training=True)
    assert random.random() == expected
    assert layer.variables == []


@pytest.mark.parametrize("shape", [(4,), (2, 3, 4)])
def test_any_number_of_axes(shape):
    scores = np.random.default_rng(0).normal(size=shape)
    output = np.asarray(StraightThroughOneHot()(scores))
    np.testing.assert_array_equal(output, np.eye(4)[scores.argmax(axis=-1)])


def test_a_saved_model_is_the_same(tmp_path):
    inputs = keras.Input((3,))
    layer = StraightThroughOneHot(temperature=0.5, gumbel=True, seed=3)
    model = keras.Model(inputs, layer(inputs))
    assert model.output_shape == (None, 3)
    X = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    config = loaded.layers[-1].get_config()
    assert [config[name] for name in ("temperature", "gumbel", "seed")] == [0.5, True, 3]


@pytest.mark.parametrize("temperature", [0, -1.0, np.inf, np.nan])
def test_wrong_use(temperature):
    with pytest.raises(ValueError, match=r"temperature must be a positive finite number. Got"):
        StraightThroughOneHot(temperature)
