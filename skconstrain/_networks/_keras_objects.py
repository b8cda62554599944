"""Keras objects for the names that users give."""

import keras
from keras import initializers

# scikit-learn's names for what Keras calls otherwise.
_ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid"}
_CONSTRAINTS = {"non_neg": keras.constraints.NonNeg}


def activation_of(name):
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


def constraint_of(given):
    """Return the constraint for a name, or what was given as it is."""
    return _CONSTRAINTS[given]() if isinstance(given, str) else given


def kernel_initializer(initialized):
    """Return what draws kernels of the model that users see; programs are given theirs.

    JAX compiles a generator for every shape that is drawn, which takes as long as many fits.
    """
    return initializers.GlorotUniform(seed=0) if initialized else "zeros"
