"""TopKSoftmax: a softmax over the k largest, exactly 0 elsewhere, every entry learns."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import softmax

from skconstrain.layers import StraightThroughOneHot, TopKSoftmax
from tests.backends import output_and_gradients, tensorflow_only


def are_largest(scores, k):
    """Find the k largest of each row, the first on ties."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    chosen = np.zeros(scores.shape, bool)
    np.put_along_axis(chosen, order, True, axis=1)
    return chosen


def output_and_gradient(layer, scores, upstream):
    output, gradients = output_and_gradients(layer, scores, upstream=upstream)
    return output, gradients[0]


some_scores = arrays(
    np.float64, (3, 5), elements=st.floats(-30, 30, allow_subnormal=False) | st.integers(-2, 2)
)
any_scores = arrays(
    np.float64,
    (3, 5),
    elements=st.floats(allow_nan=False, allow_subnormal=False)
    | st.sampled_from([0.0, -0.0, 1.0, np.inf, -np.inf]),
)


@settings(deadline=None, max_examples=100)
@given(scores=some_scores, k=st.integers(1, 5), temperature=st.floats(0.2, 5))
def test_equals_the_reference(scores, k, temperature):
    chosen = are_largest(scores, k)
    expected = softmax(np.where(chosen, scores / temperature, -np.inf), axis=1)
    output = np.asarray(TopKSoftmax(k, temperature, dtype="float64")(scores))
    np.testing.assert_array_equal(output[~chosen], 0.0)
    assert (output[chosen] > 0).all()
    np.testing.assert_allclose(output, expected, rtol=1e-12)


@settings(deadline=None, max_examples=100)
@given(scores=any_scores, k=st.integers(1, 5))
def test_rows_sum_to_1_with_at_most_k_weights_for_every_input(scores, k):
    layer = TopKSoftmax(k, dtype="float64")
    output, gradient = output_and_gradient(layer, scores, np.ones_like(scores))
    assert ((output != 0).sum(axis=1) <= k).all()
    np.testing.assert_array_equal(output[~are_largest(scores, k)], 0.0)
    np.testing.assert_allclose(output.sum(axis=1), 1, rtol=1e-14)
    assert np.isfinite(gradient).all()


@settings(deadline=None, max_examples=50)
@given(
    scores=some_scores,
    upstream=arrays(np.float64, (3, 5), elements=st.floats(-5, 5)),
    k=st.integers(1, 5),
    temperature=st.floats(0.2, 5),
)
def test_the_gradient_is_that_of_the_softmax_over_all(scores, upstream, k, temperature):
    layer = TopKSoftmax(k, temperature, dtype="float64")
    _, gradient = output_and_gradient(layer, scores, upstream)
    soft = softmax(scores / temperature, axis=1)
    expected = soft * (upstream - (soft * upstream).sum(axis=1, keepdims=True)) / temperature
    np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-12)


def test_its_ends_are_the_one_hot_and_the_softmax():
    rng = np.random.default_rng(0)
    scores, upstream = rng.normal(size=(2, 20, 4)).astype(np.float32)
    pairs = [
        (TopKSoftmax(1, 0.5), StraightThroughOneHot(0.5)),
        (TopKSoftmax(4), keras.layers.Softmax()),
    ]
    for ours, other in pairs:
        got, wanted = (output_and_gradient(f, scores, upstream) for f in (ours, other))
        np.testing.assert_allclose(got[0], wanted[0], rtol=1e-6)
        np.testing.assert_allclose(got[1], wanted[1], rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(TopKSoftmax(1)(scores), StraightThroughOneHot()(scores))


def test_entries_that_were_not_chosen_learn():
    scores = np.array([[0.1, 0.7, 0.8]], np.float32)
    for k in (1, 2, 3):
        _, gradient = output_and_gradient(TopKSoftmax(k), scores, np.float32([[1, 2, 4]]))
        assert (gradient != 0).all()


@tensorflow_only
@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("k", [1, 2, 5])
def test_compiled_equals_eager(jit_compile, k):
    rng = np.random.default_rng(0)
    scores = np.round(rng.normal(size=(500, 5)), 1).astype(np.float32)  # ties, 0.0 and -0.0
    scores[:3] = [[np.inf] * 5, [-np.inf] * 5, [0, np.inf, -np.inf, np.inf, 3e38]]
    assert set(np.signbit(scores[scores == 0])) == {False, True}
    upstream = rng.normal(size=scores.shape).astype(np.float32)
    layer = TopKSoftmax(k)

    @tf.function(jit_compile=jit_compile, input_signature=[tf.TensorSpec((None, 5))] * 2)
    def compiled(scores, upstream):
        with tf.GradientTape() as tape:
            tape.watch(scores)
            output = layer(scores)
        return output, tape.gradient(output, scores, output_gradients=upstream)

    output, gradient = compiled(scores, upstream)
    expected = output_and_gradient(layer, scores, upstream)
    np.testing.assert_array_equal(output.numpy()[~are_largest(scores, k)], 0.0)
    np.testing.assert_allclose(output.numpy(), expected[0], rtol=1e-6)
    np.testing.assert_allclose(gradient.numpy(), expected[1], rtol=1e-5, atol=1e-6)


def test_a_saved_model_is_the_same(tmp_path):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, TopKSoftmax(2, temperature=0.5)(inputs))
    assert model.output_shape == (None, 4)
    X = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))


def test_wrong_use():
    with pytest.raises(ValueError, match=r"k must be an integer of at least 1. Got 0"):
        TopKSoftmax(0)
    with pytest.raises(ValueError, match=r"temperature must be a positive finite number"):
        TopKSoftmax(2, temperature=0.0)
    with pytest.raises(ValueError, match=r"k=5 must not exceed the 3 entries of a row"):
        TopKSoftmax(5)(np.zeros((2, 3)))
