"""Networks: nothing is drawn from global state, every start value has a reason."""

import random

import keras
import numpy as np
import pytest

from skconstrain._engine import precision
from skconstrain._networks import build_network, initial_weights, kernel_size

NETWORK = {
    "n_features": 4,
    "hidden_layer_sizes": (6, 5),
    "activation": "relu",
    "dropout": 0.5,
    "kernel_constraint": None,
    "n_outputs": 2,
    "head": ("BoundedOutput", {"output": "softplus", "lower": 0.0, "upper": None}),
    "dtype": "float64",
}


@pytest.fixture(autouse=True)
def _own_precision():
    with precision():
        yield


def test_building_draws_nothing_and_names_everything():
    random.seed(0)
    drawn = random.random()
    random.seed(0)
    names = [[v.path for v in build_network(NETWORK).trainable_variables] for _ in range(2)]
    assert random.random() == drawn
    assert names[0] == names[1]


def test_all_variables_are_in_the_precision_asked_for():
    for dtype in ("float32", "float64"):
        model = build_network({**NETWORK, "dtype": dtype})
        floats = [v.dtype for v in model.variables if "float" in v.dtype]
        assert set(floats) == {dtype}
        assert keras.backend.standardize_dtype(model(np.zeros((1, 4))).dtype) == dtype


def test_start_weights():
    model = build_network(NETWORK)
    known = {"eta/bias": [1.0, 2.0], "output/scale": 7.0}
    weights = initial_weights(model, np.random.default_rng(0), known)
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    start = {v.path: w for v, w in zip(variables, weights, strict=True)}
    bound = np.sqrt(6 / (4 + 6))
    assert 0 < np.abs(start["hidden_0/kernel"]).max() <= bound
    assert (start["hidden_0/bias"] == 0).all()
    assert (start["eta/kernel"] == 0).all()
    np.testing.assert_array_equal(start["eta/bias"], [1, 2])
    np.testing.assert_array_equal(start["output/scale"], [7, 7])
    assert all(w.shape == tuple(v.shape) for v, w in zip(variables, weights, strict=True))


def test_kernel_size_is_that_of_the_model():
    kernels = [v for v in build_network(NETWORK).trainable_variables if v.name == "kernel"]
    assert kernel_size(NETWORK) == sum(int(np.prod(v.shape)) for v in kernels)
