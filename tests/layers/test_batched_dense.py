"""BatchedDense: L dense layers in one, from their first weights to their penalties."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from skconstrain.layers import BatchedDense
from tests.backends import tensorflow_only

N_MODELS, D, UNITS = 4, 6, 3
both_inputs = pytest.mark.parametrize("shape", [(8, D), (8, N_MODELS, D)], ids=["shared", "own"])


def data(shape, dtype="float32"):
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


def separate_layers(batched, **options):
    """L Keras layers with the weights of one of ours, as a function with the same shapes."""
    layers = [keras.layers.Dense(UNITS, **options) for _ in range(N_MODELS)]
    for i, layer in enumerate(layers):
        layer.build((None, D))
        layer.set_weights([weights[i] for weights in batched.get_weights()])

    def call(X):
        inputs = [X] * N_MODELS if len(X.shape) == 2 else keras.ops.unstack(X, axis=1)
        outputs = [layer(part) for layer, part in zip(layers, inputs, strict=True)]
        return keras.ops.stack(outputs, axis=1)

    return layers, call


@tensorflow_only
@both_inputs
@pytest.mark.parametrize("activation", [None, "relu", "softmax"])
@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-4), ("float64", 1e-12)])
def test_equals_separate_layers_and_their_gradients(shape, activation, use_bias, dtype, rtol):
    options = {"activation": activation, "use_bias": use_bias, "dtype": dtype}
    layer = BatchedDense(UNITS, N_MODELS, bias_initializer="glorot_uniform", **options)
    X = tf.constant(data(shape, dtype))
    layer(X)
    layers, call = separate_layers(layer, **options)
    upstream = data((8, N_MODELS, UNITS), dtype)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(X)
        ours, theirs = layer(X), call(X)
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol / 10)
    got = tape.gradient(ours, [X, *layer.trainable_variables], output_gradients=upstream)
    wanted = [tape.gradient(theirs, X, output_gradients=upstream)]
    for variables in zip(*(layer.trainable_variables for layer in layers), strict=True):
        parts = tape.gradient(theirs, list(variables), output_gradients=upstream)
        wanted.append(tf.stack(parts))
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol)


def test_shapes_and_names():
    layer = BatchedDense(UNITS, N_MODELS)
    assert layer.compute_output_shape((None, D)) == (None, N_MODELS, UNITS)
    assert layer.compute_output_shape((None, N_MODELS, D)) == (None, N_MODELS, UNITS)
    layer.build((None, D))
    shapes = {variable.name: tuple(variable.shape) for variable in layer.weights}
    assert shapes == {"kernel": (N_MODELS, D, UNITS), "bias": (N_MODELS, UNITS)}


@pytest.mark.parametrize("name", ["glorot_uniform", "he_uniform", "lecun_uniform"])
def test_each_layer_starts_as_one_of_its_own(name):
    layer = BatchedDense(60, 10, kernel_initializer=name)
    layer.build((None, 50))
    kernels = np.asarray(layer.kernel)
    limit = {"glorot_uniform": 6 / 110, "he_uniform": 6 / 50, "lecun_uniform": 3 / 50}[name] ** 0.5
    largest = np.abs(kernels).max(axis=(1, 2))
    assert (largest <= limit).all()
    assert (largest > 0.99 * limit).all()  # of 3,000 draws the largest is that close
    flat = kernels.reshape(10, -1)
    assert np.abs(np.corrcoef(flat) - np.eye(10)).max() < 6 / np.sqrt(flat.shape[1])


@pytest.mark.parametrize("seed", [7, keras.random.SeedGenerator(7)], ids=["number", "generator"])
def test_one_seed_starts_layers_differently(seed):
    start = keras.initializers.Orthogonal(seed=seed)
    kernels = []
    for _ in range(2):
        layer = BatchedDense(3, 3, kernel_initializer=start)
        layer.build((None, 3))
        kernels.append(np.asarray(layer.kernel))
    for kernel in kernels[0]:
        np.testing.assert_allclose(kernel @ kernel.T, np.eye(3), atol=1e-6)
    assert (kernels[0][0] != kernels[0][1]).any()
    assert (kernels[0] == kernels[1]).all() == (seed == 7)


def test_the_number_of_layers_does_not_change_the_first_one():
    kernels = []
    for n_models in (2, 5):
        start = keras.initializers.GlorotUniform(seed=0)
        layer = BatchedDense(UNITS, n_models, kernel_initializer=start)
        layer.build((None, D))
        kernels.append(np.asarray(layer.kernel))
    np.testing.assert_array_equal(kernels[0], kernels[1][:2])


def test_penalties_and_constraints_are_each_layer_s():
    options = {
        "kernel_regularizer": keras.regularizers.OrthogonalRegularizer(0.1),
        "bias_regularizer": "l2",
        "kernel_constraint": keras.constraints.MaxNorm(0.5),
        "bias_constraint": "non_neg",
    }
    layer = BatchedDense(UNITS, N_MODELS, bias_initializer="ones", **options)
    layer(data((8, D)))
    layers, _ = separate_layers(layer, **options)
    penalty = sum(float(loss) for one in layers for loss in one.losses)
    np.testing.assert_allclose(sum(float(loss) for loss in layer.losses), penalty, rtol=1e-5)
    for name in ("kernel", "bias"):
        variable = getattr(layer, name)
        negative = keras.ops.convert_to_tensor(data(variable.shape))
        wanted = [
            getattr(one, name).constraint(negative[i])
            if name == "bias"
            else one.kernel_constraint(negative[i])
            for i, one in enumerate(layers)
        ]
        np.testing.assert_allclose(variable.constraint(negative), np.stack(wanted), rtol=1e-6)


@tensorflow_only
@both_inputs
@pytest.mark.parametrize("jit_compile", [False, True])
def test_compiled_equals_eager(shape, jit_compile):
    layer, X = BatchedDense(UNITS, N_MODELS, activation="tanh"), data(shape)
    expected = np.asarray(layer(X))
    signature = [tf.TensorSpec((None, *shape[1:]))]
    compiled = tf.function(layer.__call__, jit_compile=jit_compile, input_signature=signature)
    np.testing.assert_allclose(compiled(X), expected, rtol=1e-5, atol=1e-6)


@both_inputs
def test_a_saved_model_is_the_same(shape, tmp_path):
    inputs = keras.Input(shape[1:])
    layer = BatchedDense(
        UNITS,
        N_MODELS,
        activation="softmax",
        kernel_initializer=keras.initializers.HeNormal(seed=1),
        kernel_regularizer=keras.regularizers.L2(0.25),
        kernel_constraint=keras.constraints.MaxNorm(2.0),
    )
    model = keras.Model(inputs, layer(inputs))
    assert model.output_shape == (None, N_MODELS, UNITS)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    X = data(shape)
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    assert loaded.layers[-1].get_config() == layer.get_config()
    assert float(loaded.losses[0]) == float(model.losses[0])


def test_wrong_use():
    with pytest.raises(ValueError, match=r"units must be an integer of at least 1. Got 0"):
        BatchedDense(0, 2)
    with pytest.raises(ValueError, match=r"n_models must be an integer of at least 1. Got 2.5"):
        BatchedDense(1, 2.5)
    layer = BatchedDense(2, n_models=4)
    for shape in ((5,), (5, 3, 2), (5, 4, 3, 2)):
        with pytest.raises(ValueError, match=r"or \(batch, 4, d\), one for each. Got \(5"):
            layer(np.ones(shape))
