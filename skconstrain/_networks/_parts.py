"""What users name, as Keras knows it."""

import keras
from keras import initializers

from skconstrain._links import limit_of_features
from skconstrain.layers._feature_weighting import FeatureWeighting
from skconstrain.layers._periodic_embedding import PeriodicEmbedding
from skconstrain.layers._saturate import Saturate

# scikit-learn's names for what Keras calls otherwise.
_ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid"}
_CONSTRAINTS = {"non_neg": keras.constraints.NonNeg}


def activation(name):
    """Return the activation for a name of scikit-learn or Keras, or a function as it is."""
    if isinstance(name, keras.layers.Layer):
        _check_without_weights(name)
    if not isinstance(name, str):
        return name
    try:
        return keras.activations.get(_ACTIVATIONS.get(name, name))
    except ValueError as error:
        raise ValueError(
            f"activation={name!r} is not known. Use one of scikit-learn's names (identity, "
            "logistic, tanh, relu), a name from keras.activations, or a callable."
        ) from error


def _check_without_weights(layer):
    twin = type(layer).from_config(layer.get_config())
    twin.build((None, 1))
    if twin.variables:
        raise ValueError(
            "activation must be a function without weights or random numbers of its own. "
            f"Got {layer!r}. Use dropout= for noise, or a name of keras.activations."
        )


def constraint(given):
    """Return the constraint for a name, or what was given as it is."""
    return _CONSTRAINTS[given]() if isinstance(given, str) else given


def saturated_features(network):
    """Return the first layer, which keeps what follows finite for all finite features."""
    limit = limit_of_features(network.dtype) if network.standardized else None
    return Saturate(limit, dtype=network.dtype, name="saturate_features")


def embedding(network):
    """Return the layer of embeddings of features."""
    return PeriodicEmbedding(
        network.embedding.n_frequencies,
        columns=network.embedding.columns,
        n_models=None if network.n_networks == 1 else network.n_networks,
        monotone=network.monotonic_cst is not None,
        seed=0,  # the weights to start from are loaded
        dtype=network.dtype,
        name="embedding",
    )


def feature_weighting(network):
    """Return the layer of factors of features: positive ones, where signs are to be kept."""
    return FeatureWeighting(
        None if network.n_networks == 1 else network.n_networks,
        non_negative=network.keeps_signs,
        dtype=network.dtype,
        name="feature_weights",
    )


def kernel_initializer(initialized):
    """Return what draws kernels of the model that users see; programs are given theirs.

    JAX compiles a generator for every shape that is drawn, which takes as long as many fits.
    """
    return initializers.GlorotUniform(seed=0) if initialized else "zeros"
