"""PeriodicEmbedding: what it computes, for which features, and what it learns in plain Keras."""

import keras
import numpy as np
import pytest
from sklearn.metrics import r2_score

from skconstrain.layers import PeriodicEmbedding
from tests.refusals import refuses


def reference(weights, x):
    """Return the embedding of one feature by its formula."""
    frequencies, phases, projection, bias = weights
    waves = np.cos(2 * np.pi * x[:, None] * frequencies + phases)
    return (waves[:, :, None] * projection).sum(axis=1) + bias


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-6), ("float64", 1e-14)])
@pytest.mark.parametrize("n_models", [None, 2])
def test_sums_of_cosines_come_first_and_behind_them_the_features(n_models, dtype, tolerance):
    layer = PeriodicEmbedding(5, 2, columns=[3, 1], n_models=n_models, dtype=dtype)
    X = np.random.default_rng(0).normal(size=(7, 4)).astype(dtype)
    found = np.asarray(layer(X))
    weights = [np.asarray(array) for array in layer.trainable_variables]
    for model in range(n_models or 1):
        one = weights if n_models is None else [array[model] for array in weights]
        values = found if n_models is None else found[:, model]
        parts = [reference([w[i] for w in one], X[:, column]) for i, column in enumerate([3, 1])]
        np.testing.assert_allclose(values, np.hstack([*parts, X]), atol=tolerance)
    assert tuple(layer.compute_output_shape(X.shape)) == found.shape


def test_far_values_have_the_cosine_of_their_angle():
    layer = PeriodicEmbedding(1, 1, dtype="float64")
    layer.build((None, 1))
    frequencies, phases, projection, bias = ([[1.0]], [[0.5]], [[[1.0]]], [[0.0]])
    layer.set_weights([np.array(w) for w in (frequencies, phases, projection, bias, [0.0])])
    x = np.linspace(-1000, 1000, 9999)[:, None]
    np.testing.assert_allclose(np.asarray(layer(x))[:, :1], np.cos(2 * np.pi * x + 0.5), atol=1e-11)


def test_all_features_are_embedded_where_no_columns_are_named():
    assert PeriodicEmbedding(4)(np.ones((5, 3))).shape == (5, 3 + 3 * 3)


def test_a_linear_model_learns_a_wave_with_it_and_not_without():
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, size=(400, 1)).astype("float32")
    y, r2 = np.sin(3 * x), []
    for first in (keras.layers.Identity(), PeriodicEmbedding(frequency_scale=0.5)):
        model = keras.Sequential([keras.Input((1,)), first, keras.layers.Dense(1)])
        model.compile(keras.optimizers.Adam(0.02), "mse")
        for _ in range(500):
            model.train_on_batch(x[:300], y[:300])
        r2.append(r2_score(y[300:], model.predict(x[300:], verbose=0)))
    assert r2[0] < 0.5
    assert r2[1] > 0.95


def test_it_is_saved_with_its_settings(tmp_path):
    layer = PeriodicEmbedding(4, 2, columns=(0, 2), frequency_scale=0.3, n_models=2)
    model = keras.Sequential([keras.Input((3,)), layer])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[-1].get_config() == layer.get_config()
    X = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(np.asarray(loaded(X)), np.asarray(model(X)))


@pytest.mark.parametrize("n_frequencies", [0, 2.5, "many"])
def test_a_number_of_frequencies_that_is_not_positive_is_refused(n_frequencies):
    with refuses("n_frequencies must be an integer of at least 1", repr(n_frequencies)):
        PeriodicEmbedding(n_frequencies)


def test_a_scale_of_frequencies_that_is_not_positive_is_refused():
    with refuses("frequency_scale must be a positive number", "0"):
        PeriodicEmbedding(frequency_scale=0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equal_rows_have_equal_embeddings_wherever_they_stand(dtype):
    rng = np.random.default_rng(0)
    layer = PeriodicEmbedding(frequency_scale=2.0, n_models=3, monotone=True, dtype=dtype)
    X = rng.normal(size=(1000, 5)).astype(dtype)
    whole = np.asarray(layer(X))
    for n_rows in (1, 3, 7):
        np.testing.assert_array_equal(np.asarray(layer(X[-n_rows:])), whole[-n_rows:])
    in_training = np.asarray(layer(X, training=True))
    np.testing.assert_allclose(whole, in_training, atol=1e-5)
