"""ConnectedDense: exactly the given connections, whichever kernel computes them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import sparse

from skconstrain.layers import ConnectedDense
from skconstrain.layers._connected_dense import choose_kernel
from tests.backends import tensorflow_only

KERNELS = ["dense", "sparse"]
A = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 0], [0, 0, 1], [1, 0, 0]])


def rows(n=7, seed=0, dtype="float64"):
    return np.random.default_rng(seed).normal(size=(n, len(A))).astype(dtype)


def built(kernel, dtype="float64", **settings):
    keras.utils.set_random_seed(0)
    layer = ConnectedDense(A, kernel=kernel, dtype=dtype, **settings)
    layer.build((None, len(A)))
    return layer


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_output_is_that_of_a_dense_layer_with_zeros(kernel):
    layer = built(kernel, activation="tanh", bias_initializer="ones")
    weights = layer.connection_weights()
    assert weights.nnz == A.sum()
    assert (weights.toarray()[A == 0] == 0.0).all()
    expected = np.tanh(rows() @ weights.toarray() + 1)
    np.testing.assert_allclose(layer(rows()), expected, rtol=1e-12)


@tensorflow_only
def test_both_kernels_start_equal_and_have_the_same_gradients():
    layers = [built(kernel, kernel_regularizer="l2") for kernel in KERNELS]
    found = []
    for layer in layers:
        x = tf.constant(rows())
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x) ** 3) + sum(layer.losses)
        of_x, of_kernel, of_bias = tape.gradient(loss, [x, *map(_value, layer.trainable_weights)])
        of_kernel = of_kernel.numpy()
        if layer.kernel_type == "dense":
            assert (of_kernel[A == 0] == 0.0).all()
        found.append([layer.values_of(of_kernel), of_x, of_bias, layer.connection_weights().data])
    for dense, of_sparse in zip(*found, strict=True):
        np.testing.assert_allclose(dense, of_sparse, rtol=1e-10)


def _value(variable):
    return variable.value


def test_both_kernels_train_alike():
    curves = []
    y = np.random.default_rng(1).normal(size=(40, 3))
    for kernel in KERNELS:
        keras.utils.set_random_seed(0)
        layer = ConnectedDense(A, kernel=kernel, dtype="float64", bias_connections=[1, 0, 1])
        model = keras.Sequential([keras.Input((5,), dtype="float64"), layer])
        model.compile(keras.optimizers.AdamW(0.05, weight_decay=0.1), "mse")
        history = model.fit(rows(40), y, epochs=8, batch_size=16, shuffle=False, verbose=0)
        curves.append(history.history["loss"])
        assert (layer.connection_weights().toarray()[A == 0] == 0.0).all()
        assert np.asarray(layer.bias)[1] == 0.0
        assert (np.delete(np.asarray(layer.bias), 1) != 0).all()
    np.testing.assert_allclose(*curves, rtol=1e-6)
    assert curves[0][-1] < curves[0][0]


@pytest.mark.parametrize("kernel", KERNELS)
def test_it_is_saved_and_restored(kernel, tmp_path):
    layer = ConnectedDense(
        A, "relu", kernel=kernel, bias_connections=[0, 1, 1], kernel_constraint="non_neg"
    )
    model = keras.Sequential([keras.Input((5,)), layer, ConnectedDense(np.eye(3), kernel=kernel)])
    path = tmp_path / "model.keras"
    model.save(path)
    again = keras.models.load_model(path)
    x = rows(dtype="float32")
    np.testing.assert_array_equal(again(x), model(x))
    assert again.layers[0].connections == layer.connections
    assert (again.layers[0].connection_weights().toarray()[A == 0] == 0.0).all()


def test_the_mask_is_no_weight_and_a_sparse_kernel_no_matrix():
    for kernel, size in (("dense", A.size), ("sparse", A.sum())):
        layer = built(kernel)
        assert [weight.name for weight in layer.weights] == ["kernel", "bias"]
        assert int(np.prod(layer.weights[0].shape)) == size


@pytest.mark.parametrize("kernel", KERNELS)
def test_weights_that_are_put_where_no_connection_is_do_nothing(kernel):
    layer = built(kernel, use_bias=False)
    layer.set_weights([np.ones(layer.weights[0].shape)])
    np.testing.assert_allclose(layer(rows()), rows() @ A)
    assert (layer.connection_weights().toarray() == A).all()


def test_every_form_of_the_matrix_is_taken():
    forms = [A.astype(bool), A.tolist(), A.astype(float), sparse.csr_matrix(A), sparse.coo_array(A)]
    for form in forms:
        assert (ConnectedDense(form).connections.toarray() == A).all()


def test_the_kernel_is_chosen_by_size_and_density():
    large = sparse.random_array((2000, 1000), density=0.005, rng=0) != 0
    assert ConnectedDense(large).kernel_type == "sparse"
    assert ConnectedDense(A).kernel_type == "dense"
    assert ConnectedDense(large, kernel_constraint="unit_norm").kernel_type == "dense"
    full = np.ones((1000, 1000))
    assert choose_kernel(ConnectedDense(full).connections) == "dense"


@pytest.mark.parametrize("dtype", ["float32", "float64", "mixed_float16"])
def test_precisions(dtype):
    for kernel in KERNELS:
        if dtype == "mixed_float16" and kernel == "sparse":
            continue  # TensorFlow has no such product
        layer = ConnectedDense(A, kernel=kernel, dtype=dtype)
        expected = "float16" if dtype == "mixed_float16" else dtype
        assert keras.backend.standardize_dtype(layer(rows()).dtype) == expected


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"connections": [[1, 2]]}, "0 and 1 only. Got 2 in row 0, column 1"),
        ({"connections": [1, 0]}, "must be a matrix of shape"),
        ({"connections": A, "kernel": "csr"}, "'auto', 'dense' or 'sparse'. Got 'csr'"),
        ({"connections": A, "bias_connections": [1, 0]}, r"shape \(3,\)"),
        ({"connections": A, "kernel": "sparse", "kernel_constraint": "unit_norm"}, "NonNeg"),
        (
            {
                "connections": A,
                "kernel": "sparse",
                "kernel_regularizer": keras.regularizers.OrthogonalRegularizer(),
            },
            "L1, L2 and L1L2",
        ),
    ],
)
def test_wrong_use_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        ConnectedDense(**settings)


def test_initializers_that_depend_on_the_shape_are_refused():
    layer = ConnectedDense(A, kernel_initializer="he_normal")
    with pytest.raises(ValueError, match="HeNormal"):
        layer.build((None, 5))
    with pytest.raises(ValueError, match="expected axis -1"):
        ConnectedDense(A)(np.ones((2, 4)))
