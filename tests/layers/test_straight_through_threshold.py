"""StraightThroughThreshold: an exact step, and the gradient of the identity."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skconstrain.layers import StraightThroughThreshold
from tests.backends import output_and_gradients, tensorflow_only

both_kinds = pytest.mark.parametrize("binary", [True, False])
every_precision = pytest.mark.parametrize("dtype", ["float32", "float64"])


def reference(values, threshold, binary):
    return np.where(values >= threshold, 1.0 if binary else values, 0.0)


def output_and_gradient(layer, values, upstream):
    output, gradients = output_and_gradients(layer, values, upstream=upstream)
    return output, gradients[0]


def test_values_above_the_threshold_are_kept():
    values = np.array([[0.1, 0.7, 0.8], [0.1, 0.5, 0.5]], np.float32)
    step = np.asarray(StraightThroughThreshold()(values))
    np.testing.assert_array_equal(step, [[0, 1, 1], [0, 1, 1]])
    kept = np.asarray(StraightThroughThreshold(binary=False)(values))
    np.testing.assert_array_equal(kept, np.float32([[0, 0.7, 0.8], [0, 0.5, 0.5]]))


@both_kinds
@every_precision
@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_equals_the_reference_exactly_and_passes_the_gradient_on(binary, dtype, data):
    width = int(dtype[-2:])
    threshold = data.draw(st.sampled_from([0.5, 0.0, -2.0]))
    elements = st.floats(width=width, allow_nan=False, allow_subnormal=False)
    values = data.draw(arrays(dtype, (3, 4), elements=elements | st.just(threshold)))
    upstream = data.draw(arrays(dtype, (3, 4), elements=st.integers(-9, 9)))
    layer = StraightThroughThreshold(threshold, binary, dtype=dtype)
    output, gradient = output_and_gradient(layer, values, upstream)
    assert output.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(output, reference(values, threshold, binary))
    np.testing.assert_array_equal(gradient, upstream)


@tensorflow_only
def test_a_gradient_passes_where_a_step_has_none():
    values = tf.constant([[-100.0, 0.2, 0.9]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(values)
        naive = tf.reduce_sum(keras.ops.cast(values >= 0.5, "float32"))
        ours = tf.reduce_sum(StraightThroughThreshold()(values))
    assert tape.gradient(naive, values) is None
    assert (tape.gradient(ours, values).numpy() != 0).all()


@tensorflow_only
@both_kinds
@pytest.mark.parametrize("jit_compile", [False, True])
def test_compiled_equals_eager(binary, jit_compile):
    values = np.linspace(-1, 2, 31, dtype=np.float32).reshape(1, -1)
    values[0, :2] = [np.inf, -np.inf]
    upstream = np.arange(1, 32, dtype=np.float32).reshape(1, -1)
    layer = StraightThroughThreshold(binary=binary)

    @tf.function(jit_compile=jit_compile, input_signature=[tf.TensorSpec((None, 31))])
    def compiled(values):
        with tf.GradientTape() as tape:
            tape.watch(values)
            output = layer(values)
        return output, tape.gradient(output, values, output_gradients=upstream)

    output, gradient = compiled(values)
    np.testing.assert_array_equal(output.numpy(), reference(values, 0.5, binary))
    np.testing.assert_array_equal(gradient.numpy(), upstream)


def test_a_layer_in_front_of_it_learns():
    X = np.linspace(-1, 1, 200, dtype=np.float32).reshape(-1, 1)
    y = (X > 0.3).astype(np.float32)
    keras.utils.set_random_seed(0)
    sigmoid = keras.layers.Dense(1, "sigmoid", kernel_initializer="ones")
    model = keras.Sequential([keras.Input((1,)), sigmoid, StraightThroughThreshold()])
    model.compile(optimizer=keras.optimizers.Adam(0.05), loss="mse")
    before = model.evaluate(X, y, verbose=0)
    model.fit(X, y, epochs=20, verbose=0)
    assert before > 0.1
    assert model.evaluate(X, y, verbose=0) < 0.05


def test_a_saved_model_is_the_same(tmp_path):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, StraightThroughThreshold(0.25, binary=False)(inputs))
    assert model.output_shape == (None, 3)
    X = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), reference(X, 0.25, False))


@pytest.mark.parametrize("threshold", [np.inf, np.nan])
def test_wrong_use(threshold):
    with pytest.raises(ValueError, match=r"threshold must be a finite number. Got"):
        StraightThroughThreshold(threshold)
