"""The trained weights of a model as the optimizer sees them."""

import keras
import numpy as np

# Keras' name of the state of a generator.
_SEED = "seed_generator_state"


class Parameters:
    """The model's own trainable variables, which callbacks may read and write while it trains.

    A backend may train other variables in their place, by a subclass.

    Attributes
    ----------
    variables
        What the optimizer trains.
    is_kernel
        For each trainable variable of the model, whether the L2 penalty applies: not to biases.
    """

    def __init__(self, model: keras.Model):
        self.variables = model.trainable_variables
        self.is_kernel = [variable.name.endswith("kernel") for variable in self.variables]

    def assign(self, arrays: list[np.ndarray]) -> None:
        """Set all trained weights, in the model's order."""
        assign(self.variables, arrays)

    def arrays(self) -> list[np.ndarray]:
        """Return copies of all trained weights, in the model's order."""
        return to_arrays(self.variables)


def named_variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Return a model's variables, trained ones first, by the names of their layers and their own.

    As in ``"hidden_0/kernel"``; the state of a generator is called ``"dropout_0/seed"``: Keras
    counts them for their names.
    """
    names = {
        id(variable): f"{layer.name}/{'seed' if variable.name == _SEED else variable.name}"
        for layer in model.layers
        for variable in layer.variables
    }
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    return {names[id(variable)]: variable for variable in variables}


def assign(variables, arrays) -> None:
    """Set variables to arrays."""
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def to_arrays(variables) -> list[np.ndarray]:
    """Return copies of the values of variables."""
    # JAX and torch share memory, TensorFlow has copied already.
    return [np.require(np.asarray(v), requirements=["OWNDATA", "WRITEABLE"]) for v in variables]
