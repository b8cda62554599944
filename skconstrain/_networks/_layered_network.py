"""Layers with kernels, each fed by the one before."""

from dataclasses import dataclass
from functools import cached_property

from skconstrain._networks._connected import Connected
from skconstrain._networks._dense import Dense
from skconstrain._networks._monotone_dense import MonotoneDense
from skconstrain._networks._network import Network, through
from skconstrain.connections._matrix import ConnectionMatrix


@dataclass(frozen=True, kw_only=True)
class LayeredNetwork(Network):
    """Connected layers, then dense ones, then the outputs "eta", each fed by the one before.

    Attributes
    ----------
    connections
        A matrix for each connected layer.
    output_connections
        The matrix of the outputs, or None where they are dense.
    kernels
        "dense" or "sparse" for each layer, outputs included; empty where all are dense.
    bias_connections
        Flags of the units or None for each layer, outputs included; empty where all are None.
    use_bias
        Whether layers have biases.
    monotonic_cst
        For each feature 1 where outputs must not fall, -1 where they must not rise, 0 where it is
        free; None for ordinary networks. Layers with signs have no given connections.
    """

    connections: tuple[ConnectionMatrix, ...] = ()
    output_connections: ConnectionMatrix | None = None
    kernels: tuple[str, ...] = ()
    bias_connections: tuple[tuple | None, ...] = ()
    use_bias: bool = True
    monotonic_cst: tuple[int, ...] | None = None

    @property
    def names_features(self):
        return bool(self.kernels)

    @property
    def predicts_in_single(self):
        return self.standardized and self.runs_in_numpy and not self.head.monotone

    @cached_property
    def layers(self) -> list[Dense]:
        """The stages with kernels, from the inputs to the outputs; the last one is "eta"."""
        sizes = self.hidden_layer_sizes
        names = [f"connected_{i}" for i in range(len(self.connections))]
        names += [f"hidden_{i}" for i in range(len(sizes))]
        activations = self.activation
        if not isinstance(activations, tuple):
            activations = (activations,) * len(names)
        n_layers = len(names) + 1
        columns = zip(
            [*names, "eta"],
            [*(matrix.shape[1] for matrix in self.connections), *sizes, self.n_outputs],
            [*activations, None],
            [*self.connections, *[None] * len(sizes), self.output_connections],
            self.kernels or ("dense",) * n_layers,
            self.bias_connections or (None,) * n_layers,
            strict=True,
        )
        found, n_inputs, signs = [], self.n_first_inputs, self.monotonic_cst
        for stage in self.front if signs is not None else ():
            signs = stage.signs(signs)
        for name, units, activation, *wiring in columns:
            settings = {"name": name, "n_inputs": n_inputs, "units": units}
            settings |= {"activation": activation, "starts_at_0": name == "eta"}
            layer = self._dense(signs, *wiring, **settings)
            found.append(layer)
            n_inputs, signs = units, None if signs is None else layer.output_cst
        return found

    def _dense(self, signs, matrix, kernel, flags, **settings):
        settings |= {"n_models": self.n_models, "use_bias": self.use_bias}
        if signs is not None:
            return MonotoneDense(monotonic_cst=signs, **settings)
        settings["constraint"] = self.kernel_constraint
        if matrix is None:
            return Dense(**settings)
        return Connected(connections=matrix, kernel=kernel, bias_connections=flags, **settings)

    @property
    def first_dense(self):
        return self.layers[:1]

    @cached_property
    def stages(self):
        *hidden, last = self.layers
        return (*self.first_stages, *self._hidden(hidden, "saturate", self.dropout), last)

    def walk(self, step, inputs):
        yield from through(self.stages, step, inputs)
