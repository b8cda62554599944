"""FittedNetwork: a network and its weights, which predict."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from skconstrain._lazy_rows import loaded
from skconstrain._networks._blocks import of_blocks
from skconstrain._networks._network import Network

if TYPE_CHECKING:
    import keras

# A block of rows has at most so many rows, and values in its widest layer: they stay in a
# processor's cache.
_BLOCK_ROWS = 4096
_BLOCK_VALUES = 2**18
_BLOCK_ROWS_IN_SINGLE = 1024
_FEWEST_ROWS_IN_SINGLE = 16


@dataclass(frozen=True, eq=False)
class FittedNetwork:
    """A network and its weights by name, trained ones first.

    NumPy predicts, without Keras, where all activations are known by name.
    """

    network: Network
    weights: dict[str, np.ndarray]

    def __getstate__(self):
        return {"network": self.network, "weights": self.weights}

    def predict(self, X) -> np.ndarray:
        """Return the network's outputs, shape (n_rows, n_outputs)."""
        return self._predicted(X, "mean", self.outputs)

    def predict_each(self, X) -> np.ndarray:
        """Return the outputs of each of several networks: (n_rows, n_networks, n_outputs)."""
        return self._predicted(X, None, self._each)

    def before_head(self, X) -> np.ndarray:
        """Return what the head is given: (n_rows, n_networks, units), or without the second."""
        return self._predicted(X, "eta", self._values)

    def member(self, k: int) -> "FittedNetwork":
        """Return one of several networks."""
        trained = {weight.name for weight in self.network.weights if weight.is_trained}
        weights = {
            name: array[k] if name in trained else array for name, array in self.weights.items()
        }
        return FittedNetwork(self.network.one, weights)

    def layer(self, X, name: str) -> np.ndarray:
        """Return the outputs of one layer, a row each; features are enough without scores."""
        missing = self.network.n_features - X.shape[1]
        if missing:
            X = np.hstack([loaded(X), np.zeros((len(X), missing), X.dtype)])
        return self._predicted(X, name, lambda part: self._layer(part, name))

    def complete(self, X) -> np.ndarray:
        """Return rows whose gaps are filled, and whose categories are flags."""
        X = self.network.without_gaps(X, self.weights)
        encode = self.network.encode
        return X if encode is None else encode.forward(self.weights, X)

    def features(self, X) -> np.ndarray:
        """Return what the first layer with a kernel gets."""
        X = self.network.without_gaps(X, self.weights)
        for stage in self.network.first_stages:
            X = stage.forward(self._computed, X)
        return X

    def outputs(self, X) -> np.ndarray:
        """Return the outputs for one block of rows, in NumPy; or of a traced array."""
        each = self._each(X)
        return each if each.ndim == 2 else self.network.head.forward_mean(each)

    def kernels_and_biases(self) -> list[tuple]:
        """Return kernel and bias of each layer of a layered network.

        The kernel is a csr_array where the layer has given connections, with a stored entry for
        each; biases are zeros where there are none.
        """
        return [layer.kernel_and_bias(self.weights) for layer in self.network.layers]

    def model(self) -> "keras.Model":
        """Build the model as users see it: with its weights, and probabilities for logits."""
        import keras

        from skconstrain import _engine
        from skconstrain._networks._own_precision import with_own_precision

        head, dtype = self.network.head, self.network.dtype
        with _engine.precision():
            model = self._built_to("mean", initialized=True)
            for name, variable in _engine.named_variables(model).items():
                variable.assign(self.weights[name])
            outputs = head.build_fitted(model.outputs[0], dtype)
            if outputs is not model.outputs[0]:
                model = keras.Model(model.inputs[0], outputs, name="network")
            return with_own_precision(model)

    def _predicted(self, X, end, outputs):
        """Return what `outputs` returns for blocks of rows; or Keras, at an end of the model."""
        X = self.network.without_gaps(X, self.weights)
        return self._of_blocks(X, outputs) if self.network.runs_in_numpy else self._by_keras(X, end)

    def _by_keras(self, X, end):
        from skconstrain import _engine

        key = _engine.freeze([self.network.architecture(), end])
        return _engine.predict(key, lambda: self._built_to(end), self.weights, X)

    def _built_to(self, end, **settings):
        """Build the model up to a layer, the outputs of each network (None), or their "mean"."""
        import keras

        model = self.network.build(**settings)
        outputs = model.outputs[0]
        if end is None or (end == "mean" and len(outputs.shape) == 2):
            return model
        if end == "mean":
            found = self.network.head.build_mean(outputs, self.network.dtype)
        else:
            found = model.get_layer(end).output
        return keras.Model(model.inputs[0], found, name="network")

    def _of_blocks(self, X, outputs):
        network = self.network
        values = max(1, min(_BLOCK_ROWS, _BLOCK_VALUES // network.widest))
        length = _BLOCK_ROWS_IN_SINGLE if self._is_single else values

        def of_block(rows):
            return np.moveaxis(outputs(rows), -2, 0)

        return of_blocks(X, length, of_block, network.dtype)

    @cached_property
    def _is_single(self) -> bool:
        """Whether the layers compute in single precision, one network after the other.

        They do where they trained in it, which shows in their weights. Features are standardised,
        and outputs leave the network, in its own precision.
        """
        network = self.network
        if not network.predicts_in_single or network.dtype == "float32":
            return network.predicts_in_single
        trained = (self.weights[weight.name] for weight in network.weights if weight.is_trained)
        return all((array.astype(np.float32) == array).all() for array in trained)

    @cached_property
    def _members(self) -> list[dict]:
        """The weights of each network as they are used in single precision."""
        is_one = self.network.n_networks == 1
        members = [self] if is_one else map(self.member, range(self.network.n_networks))
        return [
            {name: _in_single(array) for name, array in member._computed.items()}
            for member in members
        ]

    @cached_property
    def _stages_of_one(self):
        """The stages up to standardisation, which all networks share, and the others of one."""
        stages = self.network.one.stages
        n_shared = [stage.name for stage in stages].index("standardize") + 1
        return stages[:n_shared], stages[n_shared:]

    def _each_in_single(self, X):
        shared, own = self._stages_of_one
        for stage in shared:
            X = stage.forward(self._computed, X)
        X, found = X.astype(np.float32, copy=False), []
        for named in self._members:
            values = X
            for stage in own:
                values = stage.forward(named, values)
            found.append(values)
        found = np.stack(found) if len(found) > 1 else found[0]
        return found.astype(self.network.dtype, copy=False)

    @cached_property
    def _computed(self):
        """Weights as the forward pass uses them: for a single row, this takes longer than it."""
        found = dict(self.weights)
        for stage in self.network.stages:
            found |= stage.computed(self.weights)
        return found

    def _walk(self, X):
        named = self._computed
        return self.network.walk(lambda stage, *values: stage.forward(named, *values), X)

    def _layer(self, X, name):
        for layer, values in self._walk(X):
            if layer == name:
                return values
        raise KeyError(name)

    def _each(self, X):
        return self.network.head.forward(self._computed, self._values(X))

    def _values(self, X):
        # All networks at once take less time for few rows; and a traced array has no length.
        if isinstance(X, np.ndarray) and len(X) >= _FEWEST_ROWS_IN_SINGLE and self._is_single:
            return self._each_in_single(X)
        *_, (_, values) = self._walk(X)
        return values


def _in_single(array):
    is_double = isinstance(array, np.ndarray) and array.dtype == np.float64
    return array.astype(np.float32) if is_double else array
