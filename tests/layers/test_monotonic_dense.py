"""MonotonicDense: signs of the kernel, exact products, and the layer in plain Keras models."""

import math

import keras
import numpy as np
import pytest

from skconstrain import layers
from skconstrain._formulas._grid import (
    GRID,
    LARGEST,
    kernel_to_grid,
    logit_of_mean,
    power_above,
    to_grid,
)
from skconstrain._formulas._numpy_ops import NUMPY_OPS
from skconstrain.layers import MonotonicDense
from skconstrain.layers._heads import MeanOfNetworks, OrderedSigmoid
from tests.backends import output_and_gradients
from tests.monotone import CST, in_batches, n_broken, pairs
from tests.refusals import refuses

several_models = pytest.mark.parametrize("n_models", [None, 3])
precisions = pytest.mark.parametrize("dtype", ["float32", "float64"])


def drawn(layer, size=1.0):
    """Give a built layer weights of any sign."""
    rng = np.random.default_rng(0)
    layer.set_weights([size * rng.normal(size=w.shape) for w in layer.get_weights()])
    return layer


def model(dtype="float64", n_models=None, size=1.0):
    """Return a network of three layers, with standardisation and weights of any sign."""
    settings = {"n_models": n_models, "dtype": dtype}
    hidden = MonotonicDense(9, CST, 4, **settings)
    second = MonotonicDense(7, hidden.output_cst, 3, **settings)
    last = MonotonicDense(2, second.output_cst, activation="linear", **settings)
    standardize = layers.Standardize(monotone=True, dtype=dtype)
    found = keras.Sequential([keras.Input((5,), dtype=dtype), standardize, hidden, second, last])
    for layer in (hidden, second, last):
        drawn(layer, size)
    return found


@several_models
@precisions
def test_outputs_never_move_against_a_sign(dtype, n_models):
    net, rng = model(dtype, n_models), np.random.default_rng(1)
    X, further = pairs(rng, 3000, dtype, np.zeros((1, 5)))
    outputs = [np.asarray(net(rows)) for rows in (X, further)]
    assert n_broken(*outputs) == 0
    assert (outputs[0] != outputs[1]).any()


@precisions
def test_outputs_do_not_depend_on_the_batch(dtype):
    net, X = model(dtype), np.random.default_rng(1).normal(size=(1000, 5)).astype(dtype)
    whole = np.asarray(net(X))
    for size in (1, 7):
        np.testing.assert_array_equal(
            in_batches(lambda rows: np.asarray(net(rows)), X[:140], size), whole[:140]
        )


def test_free_inputs_have_any_effect():
    net, rng = model(), np.random.default_rng(2)
    X, moved = rng.normal(size=(2, 200, 5))
    moved[:, [0, 1, 4]] = X[:, [0, 1, 4]]
    change = np.asarray(net(moved)) - np.asarray(net(X))
    assert (change > 0).any()
    assert (change < 0).any()


def test_signs_are_kept_in_training_by_projection():
    net = model()
    net.compile("sgd", "mse")
    rng = np.random.default_rng(0)
    net.fit(rng.normal(size=(50, 5)), rng.normal(size=(50, 2)), epochs=1, verbose=0)
    first = np.asarray(net.layers[1].kernel)
    assert (first[[0, 4], 4:] >= 0).all()
    assert (first[1, 4:] <= 0).all()
    assert (first[[0, 1, 4], :4] == 0).all()
    assert (first[2:4] < 0).any()
    assert (first[2:4] > 0).any()


def test_a_new_kernel_has_the_signs():
    layer = MonotonicDense(200, CST, 100)
    layer.build((None, 5))
    kernel = np.asarray(layer.kernel)
    np.testing.assert_array_equal(kernel, np.asarray(layer.kernel.constraint(layer.kernel)))
    assert (kernel[0, 100:] > 0).all()


@several_models
def test_products_are_exact_in_any_order(n_models):
    """What the guarantee rests on: another order of the inputs gives the same sums, bit for bit."""
    rng = np.random.default_rng(0)
    several = () if n_models is None else (n_models,)
    kernel = kernel_to_grid(np, rng.normal(size=(*several, 300, 8)) * 1e3, power_above)
    X = to_grid(np, np.clip(rng.normal(size=(50, 300)) * 30, -LARGEST, LARGEST))
    order = rng.permutation(300)
    np.testing.assert_array_equal(X @ kernel, X[:, order] @ kernel[..., order, :])
    terms = X[:, None, :] * kernel.reshape(-1, 300, 8)[0].T
    exact = [[math.fsum(sums) for sums in row] for row in terms]
    np.testing.assert_array_equal((X @ kernel).reshape(-1, 50, 8)[0], exact)


def test_rounding_is_small():
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(64, 8))
    rounded = kernel_to_grid(np, kernel, power_above)
    assert np.abs(rounded - kernel).max() <= np.abs(kernel).sum(axis=0).max() * 2.0**-26
    assert np.abs(to_grid(np, kernel) - kernel).max() <= GRID / 2


def test_logits_of_means_keep_the_order():
    rng = np.random.default_rng(0)
    low = to_grid(np, rng.normal(size=(5, 20_000)) * rng.choice([0.1, 5, 50], 20_000))
    high = low + GRID * (rng.random(low.shape) < 0.3)
    before, after = (logit_of_mean(NUMPY_OPS, list(values)) for values in (low, high))
    assert (after >= before).all()
    share = 1 / (1 + np.exp(-np.clip(low, -78, 78)))
    near = np.abs(before) < 20
    mean = share.mean(axis=0)[near]
    np.testing.assert_allclose(before[near], np.log(mean / (1 - mean)), atol=1e-6)


def test_gradients_are_those_without_rounding():
    layer = drawn(MonotonicDense(6, CST, 3, dtype="float64"))
    layer.build((None, 5))
    drawn(layer)
    layer.kernel.assign(layer.kernel.constraint(layer.kernel))
    X = np.random.default_rng(0).normal(size=(4, 5))
    found = [
        output_and_gradients(lambda x, t=training: layer(x, training=t), X)[1][0]
        for training in (False, True)
    ]
    np.testing.assert_allclose(*found, atol=1e-5)


@pytest.mark.parametrize("probability", [None, "sigmoid"])
def test_gradients_pass_through_all_that_is_rounded(probability):
    rounding = [layers.Standardize(monotone=True, dtype="float64")]
    if probability is None:
        rounding.append(layers.BoundedOutput("tanh", -1, 2, monotone=True, dtype="float64"))
    else:
        rounding += [
            keras.layers.Reshape((2, 1), dtype="float64"),
            MeanOfNetworks("sigmoid", monotone=True, dtype="float64"),
            OrderedSigmoid(dtype="float64"),
        ]
    net = keras.Sequential(rounding)
    X = np.random.default_rng(0).normal(size=(4, 2))
    _, (gradient,) = output_and_gradients(net, X)
    assert (np.abs(gradient) > 0.01).all()


@several_models
def test_is_saved_with_its_signs(tmp_path, n_models):
    net, X = model(n_models=n_models), np.random.default_rng(0).normal(size=(9, 5))
    net.save(tmp_path / "net.keras")
    again = keras.saving.load_model(tmp_path / "net.keras")
    np.testing.assert_array_equal(np.asarray(net(X)), np.asarray(again(X)))
    np.testing.assert_array_equal(again.layers[1].output_cst, [0] * 4 + [1] * 5)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"monotonic_cst": [1, 2]}, ["monotonic_cst", "-1, 0 or 1", "[1, 2]"]),
        ({"monotonic_cst": 1}, ["monotonic_cst", "-1, 0 or 1", "1", "output_cst"]),
        ({"monotonic_cst": [1, -1], "n_free": 2}, ["n_free", "is 0", "n_free=2"]),
        ({"monotonic_cst": [0, -1], "n_free": 9}, ["n_free", "4 units", "n_free=9"]),
        ({"monotonic_cst": [1], "units": 0}, ["units", "at least 1", "0"]),
        ({"monotonic_cst": [1], "n_models": 0}, ["n_models", "at least 1", "0"]),
        ({"monotonic_cst": [1], "activation": "silu"}, ["never fall", "'silu'", "free_activation"]),
        ({"monotonic_cst": [1], "activation": abs}, ["never fall", "abs", "free_activation"]),
    ],
)
def test_what_is_refused(params, said):
    with refuses(*said):
        MonotonicDense(**{"units": 4, **params})


def test_other_shapes_are_refused():
    with refuses("signs of 2 inputs", "(batch, 2)", "(None, 3)"):
        MonotonicDense(4, [1, 0]).build((None, 3))
