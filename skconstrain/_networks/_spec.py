"""Specifications of networks: frozen, compared by value, and read without Keras."""

import itertools
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from skconstrain._links import FEATURE_RATE
from skconstrain._networks._embedding import Embedding
from skconstrain._networks._forward import (
    Forward,
    GatedForward,
    KerasForward,
    LayeredForward,
    is_supported,
)
from skconstrain._networks._heads import Head, ProbabilityHead
from skconstrain._networks._weight import GlorotUniform, Seed, Weight
from skconstrain.connections._matrix import ConnectionMatrix

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, kw_only=True)
class Network(ABC):
    """What a network is made of; part of an estimator's fitted state.

    Attributes
    ----------
    n_features, n_outputs
        Columns of the inputs and of the outputs.
    dtype
        Precision: "float32" or "float64".
    hidden_layer_sizes
        Units of the dense hidden layers.
    activation
        Of the hidden layers, by the names of scikit-learn or Keras, or a function.
    dropout
        Fraction of the hidden units that is dropped in training.
    standardized
        Whether a layer "standardize" is the first one.
    embedding
        Which features are embedded, by a layer "embedding" in front of all others but
        "standardize"; None where none is.
    kernel_constraint
        "non_neg", a constraint of Keras, or None.
    head
        What follows the last layer with a kernel.
    n_networks
        How many networks train as one. Only layered ones may be more than one.
    """

    n_networks = 1  # not a field here
    _several = ()  # the leading axis of weights of several networks
    monotonic_cst = None  # nor is this
    _forward_pass: ClassVar[type[Forward]]  # the class of its forward pass in NumPy

    n_features: int
    n_outputs: int
    dtype: str
    hidden_layer_sizes: tuple[int, ...]
    activation: object
    dropout: float
    kernel_constraint: object
    head: Head
    standardized: bool = False
    embedding: Embedding | None = None

    @abstractmethod
    def _build(self, initialized: bool) -> "keras.Model":
        """Build the model with a kernel of zeros, unless `initialized`, in each layer."""

    @abstractmethod
    def _layers_with_weights(self) -> list[list[Weight]]:
        """Return the weights of each layer that has some, in the model's order of layers."""

    @property
    @abstractmethod
    def n_units(self) -> int:
        """How many values the layers hold for a row."""

    @property
    @abstractmethod
    def supports_xla(self) -> bool:
        """Whether XLA can compile the network."""

    @property
    def n_standardized(self) -> int:
        """How many columns of the inputs the layer "standardize" takes: the first ones."""
        return self.n_features

    @property
    def n_first_inputs(self) -> int:
        """How many values of a row feed the first layer with a kernel."""
        return self.n_standardized + (0 if self.embedding is None else self.embedding.n_values)

    @property
    def weights(self) -> list[Weight]:
        """Its weights: trained ones first, in the model's order."""
        layers = [*self._weights_in_front(), *self._layers_with_weights()]
        found = list(itertools.chain.from_iterable(layers))
        return sorted(found, key=lambda weight: not weight.is_trained)

    @property
    def n_waves(self) -> int:
        """How many periodic functions of a row its embedding has."""
        embedding = self.embedding
        return 0 if embedding is None else embedding.n_columns * embedding.n_frequencies

    def _weights_in_front(self):
        """Return the weights of the layers that change features."""
        starts = {"center": 0.0, "scale": 1.0} if self.standardized else {}
        shape = (self.n_standardized,)
        found = [[Weight(f"standardize/{name}", shape, x, False) for name, x in starts.items()]]
        return found if self.embedding is None else [*found, self.embedding.weights(self._several)]

    @property
    def weight_names(self) -> list[str]:
        """Names of the weights: trained ones first, in the model's order."""
        return [weight.name for weight in self.weights]

    @property
    def kernel_size(self) -> int:
        """How many numbers the kernels hold."""
        return sum(weight.size for weight in self.weights if weight.is_kernel)

    def build(self, *, initialized: bool = False) -> "keras.Model":
        """Build the model that is trained.

        Every layer has a name and a seed of its own: Keras would otherwise draw them from global
        state. Kernels are zero unless `initialized`; those that train are given theirs.
        """
        model = self._build(initialized)
        n_variables = len(model.trainable_variables) + len(model.non_trainable_variables)
        if n_variables != len(self.weights):
            raise ValueError(
                "activation must be a function without weights or random numbers of its own. "
                f"Got {self.activation!r}. Use dropout= for noise, or a name of keras.activations."
            )
        return model

    def named(self, weights: list[np.ndarray]) -> dict[str, np.ndarray]:
        """Return fitted weights by name."""
        return dict(zip(self.weight_names, weights, strict=True))

    def initial_weights(self, rng: np.random.Generator, known: dict) -> list[np.ndarray]:
        """Return weights to start from, those in `known` by name, the others drawn.

        Hidden kernels are Glorot-uniform as in scikit-learn's MLP; the last kernel is zero, so that
        every output starts at its bias whatever the scale of the features. A known weight that the
        network does not have is ignored: a bias, where layers have none.
        """
        return [weight.initial(rng, known, self.dtype) for weight in self.weights]

    def architecture(self) -> dict:
        """Return what asks for a program of its own: the rate of dropout does not."""
        settings = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**settings, "kind": type(self).__name__, "dropout": self.dropout > 0}

    def first_difference(self, other: "Network") -> str | None:
        """Return the first setting in which `other` differs, None where it equals."""
        names = ["monotonic_cst", *(field.name for field in fields(self))]
        return next((name for name in names if getattr(self, name) != getattr(other, name)), None)

    def build_fitted(self, weights: list[np.ndarray]) -> "keras.Model":
        """Build the model as users see it: with its weights, and probabilities for logits."""
        from skconstrain._networks._models import build_fitted

        return build_fitted(self, weights)

    @property
    def _predictor(self):
        """What predicts: NumPy where it knows the network, Keras elsewhere."""
        found = self.__dict__.get("_forward")
        if found is None:
            found = self._forward_pass(self) if is_supported(self) else KerasForward(self)
            self.__dict__["_forward"] = found  # no field, which could not be set
        return found

    def __getstate__(self):
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def predict(self, weights: list[np.ndarray], X) -> np.ndarray:
        """Return the network's outputs, shape (n_rows, n_outputs)."""
        return self._predictor.predict(weights, X)

    def predict_each(self, weights: list[np.ndarray], X) -> np.ndarray:
        """Return the outputs of each of several networks: (n_rows, n_networks, n_outputs)."""
        return self._predictor.predict_each(weights, X)

    def features(self, weights: list[np.ndarray], X) -> np.ndarray:
        """Return what the first layer gets: saturated features, standardised where it is so."""
        return self._forward_pass(self)._features(self.named(weights), X)

    def predict_layer(self, weights: list[np.ndarray], X, name: str) -> np.ndarray:
        """Return the outputs of one layer of the network, a row each."""
        return self._predictor.predict_layer(weights, X, name)


@dataclass(frozen=True)
class WeightedLayer:
    """One layer with a kernel.

    Without `connections` it is dense; `kernel` is "dense" or "sparse"; `bias_connections` are flags
    of the units or None.
    """

    name: str
    n_inputs: int
    units: int
    activation: object
    connections: ConnectionMatrix | None
    kernel: str
    bias_connections: tuple | None

    @property
    def kernel_shape(self) -> tuple[int, ...]:
        """Shape of the trained kernel."""
        is_sparse = self.kernel == "sparse"
        return (self.connections.nnz,) if is_sparse else (self.n_inputs, self.units)

    def csr_kernel(self, kernel: np.ndarray):
        """Return the trained kernel of given connections as a csr_array, an entry for each one."""
        matrix = self.connections
        is_sparse = self.kernel == "sparse"
        return matrix.tocsr(kernel if is_sparse else kernel[matrix.rows, matrix.columns])


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
    weighted
        Whether a layer "feature_weights" with a factor for each feature, and for each value of
        their embeddings, is in front of the layers with kernels.
    n_networks
        Networks that train as one, all of whose layers are dense. With more than one, each trained
        weight has a leading axis of networks, and the output is their mean.
    """

    _forward_pass = LayeredForward

    connections: tuple[ConnectionMatrix, ...] = ()
    output_connections: ConnectionMatrix | None = None
    kernels: tuple[str, ...] = ()
    bias_connections: tuple[tuple | None, ...] = ()
    use_bias: bool = True
    weighted: bool = False
    n_networks: int = 1

    @property
    def layers(self) -> list[WeightedLayer]:
        """The layers with kernels, from the inputs to the outputs; the last one is "eta"."""
        sizes = self.hidden_layer_sizes
        names = [f"connected_{i}" for i in range(len(self.connections))]
        names += [f"hidden_{i}" for i in range(len(sizes))]
        widths = [self.n_first_inputs, *(matrix.shape[1] for matrix in self.connections), *sizes]
        shapes = itertools.pairwise([*widths, self.n_outputs])
        activations = self.activation
        if not isinstance(activations, tuple):
            activations = (activations,) * len(names)
        n_layers = len(names) + 1
        columns = zip(
            [*names, "eta"],
            shapes,
            [*activations, "linear"],
            [*self.connections, *[None] * len(sizes), self.output_connections],
            self.kernels or ("dense",) * n_layers,
            self.bias_connections or (None,) * n_layers,
            strict=True,
        )
        return [WeightedLayer(name, *shape, *rest) for name, shape, *rest in columns]

    def _build(self, initialized):
        from skconstrain._networks._layered import build_layered

        return build_layered(self, initialized)

    @property
    def n_units(self):
        """How many values the layers hold for a row."""
        return self.n_networks * (self.n_waves + sum(layer.units for layer in self.layers))

    @property
    def supports_xla(self):
        """Whether XLA can compile the network: not the sparse kernels."""
        return all(layer.kernel == "dense" for layer in self.layers)

    def kernels_and_biases(self, weights: list[np.ndarray]) -> list[tuple]:
        """Return kernel and bias of each layer.

        The kernel is a csr_array where the layer has given connections, with a stored entry for
        each; biases are zeros where there are none.
        """
        named, found = self.named(weights), []
        for layer in self.layers:
            kernel = named[f"{layer.name}/kernel"]
            if layer.connections is not None:
                kernel = layer.csr_kernel(kernel)
            bias = np.zeros(layer.units, kernel.dtype)
            if self.use_bias:
                bias = named[f"{layer.name}/bias"]
            if layer.bias_connections is not None:
                bias = bias * np.asarray(layer.bias_connections, bias.dtype)
            found.append((kernel, bias))
        return found

    @property
    def keeps_signs(self) -> bool:
        """Whether factors of features must stay positive: kernels have signs to be kept."""
        return self.kernel_constraint is not None or self.monotonic_cst is not None

    @property
    def _several(self):
        """The leading axis of weights of several networks."""
        return () if self.n_networks == 1 else (self.n_networks,)

    def _layers_with_weights(self):
        *hidden, last = self.layers
        found = []
        if self.weighted:
            shape = (*self._several, self.n_first_inputs)
            found.append([Weight("feature_weights/weight", shape, 1 / FEATURE_RATE)])
        for i, layer in enumerate(hidden):
            found.append(self._weights_of(layer, self._start_of(layer)))
            if self.dropout > 0:
                found.append(_dropout_weights(i, self.dropout))
        return [*found, self._weights_of(last, 0.0), self.head.weights(self.n_outputs)]

    def _start_of(self, layer):
        is_sparse = layer.kernel == "sparse"
        return GlorotUniform(layer.activation, self.kernel_constraint, layer.connections, is_sparse)

    def _weights_of(self, layer, start):
        kernel = Weight(f"{layer.name}/kernel", (*self._several, *layer.kernel_shape), start)
        bias = [Weight(f"{layer.name}/bias", (*self._several, layer.units))]
        return [kernel, *bias] if self.use_bias else [kernel]


@dataclass(frozen=True, kw_only=True)
class Gating:
    """How a gate over `n_experts` experts chooses.

    `gating` is "soft", "hard" or "top_k" with its `k`; a hard gate may be trained with `gumbel`
    noise; `is_penalised` says whether penalties are added to the loss. `hidden_layer_sizes` are
    those of the gate.
    """

    n_experts: int
    hidden_layer_sizes: tuple[int, ...]
    gating: str
    k: int
    gumbel: bool
    is_penalised: bool


@dataclass(frozen=True)
class ScoreColumns:
    """Scores of given experts behind the features: L experts, C columns for each.

    `trained` says for each expert whether a scale and a shift make its scores logits; `seen` for
    each expert and column whether the expert knows the class.
    """

    trained: tuple[bool, ...]
    seen: tuple[tuple[bool, ...], ...]


@dataclass(frozen=True, kw_only=True)
class GatedNetwork(Network):
    """A gate over experts, and the logits of their mixture.

    Its layers are called "gate", "eta" (the experts' logits) and "mixture".

    Attributes
    ----------
    gate
        How the gate chooses.
    scores
        None where experts are networks that train together with the gate; else what is known of
        the scores of given experts, in which the inputs end.
    """

    _forward_pass = GatedForward

    head: ProbabilityHead
    gate: Gating
    scores: ScoreColumns | None = None

    @property
    def n_gate_features(self) -> int:
        """Columns of the inputs that the gate sees."""
        if self.scores is None:
            return self.n_features
        return self.n_features - self.gate.n_experts * self.n_outputs

    @property
    def n_standardized(self):
        """How many columns the layer "standardize" takes: not the scores of given experts."""
        return self.n_gate_features

    def _build(self, initialized):
        from skconstrain._networks._gated import build_gated

        return build_gated(self, initialized)

    @property
    def n_units(self):
        """How many values the layers hold for a row."""
        of_expert = self.n_outputs
        if self.scores is None:
            of_expert += sum(self.hidden_layer_sizes)
        of_gate = sum(self.gate.hidden_layer_sizes)
        return self.n_waves + of_gate + self.gate.n_experts * (1 + of_expert)

    @property
    def supports_xla(self):
        """Whether XLA can compile the network: always."""
        return True

    def _layers_with_weights(self):
        # Keras orders layers by their distance from the outputs, the gate first.
        pairs = itertools.zip_longest(
            reversed(self._gate_layers()), reversed(self._expert_layers()), fillvalue=[]
        )
        return [layer for pair in reversed(list(pairs)) for layer in pair]

    def _gate_layers(self):
        """Return the weights of each layer of the gate, from the features to its choice."""
        shape = (self.n_gate_features,)
        scaling = [
            Weight("gate_scale/scale", shape, 1.0, is_trained=False),
            Weight("gate_scale/shift", shape, 0.0, is_trained=False),
        ]
        # One of the two standardises.
        found, below = [[] if self.standardized else scaling], self.n_first_inputs
        for i, units in enumerate(self.gate.hidden_layer_sizes):
            start = GlorotUniform(self.activation)
            found += [_dense_weights(f"gate_hidden_{i}", (below, units), start), []]  # saturated
            below = units
        logits = _dense_weights("gate_logits", (below, self.gate.n_experts), GlorotUniform())
        starts = {"temperature": 1.0, "load_balance": 0.0, "entropy_penalty": 0.0}
        choice = [Weight(f"gate/{name}", (), start, False) for name, start in starts.items()]
        if self.gate.gating == "hard" and self.gate.gumbel:
            choice.append(Weight("gate/seed", (2,), Seed(), is_trained=False))
        return [*found, logits, choice]

    def _expert_layers(self):
        """Return the weights of each layer of the experts, from the features to their logits."""
        n_experts = self.gate.n_experts
        if self.scores is not None:
            scale = Weight("eta/scale", (n_experts, 1), 1.0)
            return [[scale, Weight("eta/shift", (n_experts, self.n_outputs))]]
        found, below = [], self.n_first_inputs
        for i, units in enumerate(self.hidden_layer_sizes):
            start = GlorotUniform(self.activation, self.kernel_constraint)
            found.append(_dense_weights(f"expert_{i}", (n_experts, below, units), start))
            if self.dropout > 0:
                found.append(_dropout_weights(i, self.dropout))
            found.append([])  # saturated
            below = units
        return [*found, _dense_weights("eta", (n_experts, below, self.n_outputs), 0.0)]


def _dense_weights(name, shape, start):
    """Return kernel and bias of a dense layer, or of one for each of several models."""
    return [
        Weight(f"{name}/kernel", shape, start),
        Weight(f"{name}/bias", (*shape[:-2], shape[-1])),
    ]


def _dropout_weights(number, rate):
    name = f"dropout_{number}"
    return [
        Weight(f"{name}/rate", (), float(rate), is_trained=False),
        Weight(f"{name}/seed", (2,), Seed(), is_trained=False),
    ]
