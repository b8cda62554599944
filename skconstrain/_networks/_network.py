"""Networks: settings, from which stages follow; frozen, compared by value, read without Keras."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from skconstrain._lazy_rows import filled
from skconstrain._networks._dense import Dense
from skconstrain._networks._dropout import Dropout
from skconstrain._networks._embed import Embed
from skconstrain._networks._encode import Encode
from skconstrain._networks._feature_summary import FeatureSummary
from skconstrain._networks._heads import Head
from skconstrain._networks._saturate import Saturate, SaturateFeatures
from skconstrain._networks._stage import FrontStage, Stage
from skconstrain._networks._standardize import Standardize
from skconstrain._networks._weigh_features import WeighFeatures
from skconstrain._networks._weight import Weight

if TYPE_CHECKING:
    import keras

# The stages in front of the layers with kernels, in their order.
_FRONT: tuple[type[FrontStage], ...] = (Encode, Standardize, Embed, WeighFeatures)


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
        Activation of the hidden layers, by the names of scikit-learn or Keras, or a function.
    dropout
        Fraction of the hidden units that is dropped in training.
    kernel_constraint
        "non_neg", a constraint of Keras, or None.
    head
        What follows the last layer with a kernel.
    standardized
        Whether features are standardised.
    n_frequencies
        Frequencies of the embeddings of features, 0 for none.
    weight_features
        Whether features, and values of their embeddings, have trained factors.
    front
        The stages that the training rows have decided about: see `found`.
    n_networks
        Networks that train as one. With more than one, each trained weight has a leading axis of
        networks, and the output is their mean. Connections, and given experts, have only one.
    monotonic_cst
        Signs of features, which only layered networks have.
    """

    names_features = False  # whether connections name the features
    monotonic_cst = None  # not a field here
    predicts_in_single = False  # whether single precision is enough behind standardisation

    n_features: int
    n_outputs: int
    dtype: str
    hidden_layer_sizes: tuple[int, ...]
    activation: object
    dropout: float
    kernel_constraint: object
    head: Head
    standardized: bool = False
    n_frequencies: int = 0
    weight_features: bool = False
    front: tuple[FrontStage, ...] = ()
    n_networks: int = 1

    @property
    @abstractmethod
    def stages(self) -> tuple[Stage, ...]:
        """All steps but the head, in the order in which their weights are drawn."""

    @abstractmethod
    def walk(self, step: Callable, inputs) -> Iterator[tuple[str, object]]:
        """Send inputs through the stages; yield the name and the outputs of each.

        ``step(stage, *values)`` returns the outputs of a stage, in Keras or in NumPy. The last ones
        are what the head is given.
        """

    @property
    def n_seen(self) -> int:
        """How many columns of the inputs are features: the first ones."""
        return self.n_features

    @property
    def n_models(self) -> int | None:
        """The number of several networks; None for one, whose weights have no axis for it."""
        return None if self.n_networks == 1 else self.n_networks

    @cached_property
    def one(self) -> "Network":
        """One of the several networks."""
        front = tuple(stage.of_one() for stage in self.front)
        return replace(self, n_networks=1, front=front)

    @property
    def n_first_inputs(self) -> int:
        """How many values of a row feed the first layer with a kernel."""
        return self.front[-1].n_outputs if self.front else self.n_seen

    @property
    def keeps_signs(self) -> bool:
        """Whether factors of features must stay positive: kernels have signs to be kept."""
        return self.kernel_constraint is not None or self.monotonic_cst is not None

    def found(self, X, weight, n_codes=()) -> tuple["Network", dict[str, np.ndarray]]:
        """Return the network with the stages that training rows ask for, and what they start at.

        Parameters
        ----------
        X : ndarray or LazyRows of shape (n_rows, n_features)
            Inputs.
        weight : ndarray of shape (n_rows,)
            Their weights.
        n_codes : tuple of int
            For each feature how many codes of categories it has; 0, or nothing at all, for numbers.

        Returns
        -------
        network : Network
            With its `front`.
        known : dict of ndarray
            Weights that follow from the rows, by name.
        """
        n_values = self.n_seen
        X = X if n_values == X.shape[1] else X[:, :n_values]
        summary = FeatureSummary(X, weight, n_codes)
        front = []
        for kind in _FRONT:
            stage = kind.found(self, summary, n_values)
            if stage is not None:
                front.append(stage)
                n_values = stage.n_outputs
            if isinstance(stage, Encode):
                summary = summary.encoded(stage.numbers, stage.n_flags)
        network, known = replace(self, front=tuple(front)), {}
        for stage in network.stages:
            known |= stage.known(summary)
        return network, known

    @property
    def first_stages(self) -> tuple[Stage, ...]:
        """What changes features before the first layer with a kernel."""
        encode = [] if self.encode is None else [self.encode]
        return (*encode, SaturateFeatures(self.standardized), *self.front[len(encode) :])

    @cached_property
    def encode(self) -> Encode | None:
        """The stage that takes gaps and categories, where training rows had some."""
        return next((stage for stage in self.front if isinstance(stage, Encode)), None)

    def without_gaps(self, X, named):
        """Return rows as the network takes them: where no stage does so, gaps become centers."""
        if self.encode is not None:
            return X
        filling = np.zeros(self.n_features)
        filling[: self.n_seen] = named.get("standardize/center", 0.0)
        return filled(X, filling[: X.shape[1]])

    def _hidden(self, dense: list[Dense], saturated: str, dropout=0.0) -> list[Stage]:
        """Return hidden layers with dropout and saturation, whose names are given."""
        found = []
        for i, stage in enumerate(dense):
            dropped = [Dropout(i, dropout)] if dropout > 0 else []
            found += [stage, *dropped, Saturate(f"{saturated}_{i}")]
        return found

    @cached_property
    def weights(self) -> list[Weight]:
        """Its weights, trained ones first, in the order in which they are drawn."""
        found = [weight for stage in self.stages for weight in stage.weights()]
        found += self.head.weights(self.n_outputs)
        return sorted(found, key=lambda weight: not weight.is_trained)

    @property
    def kernel_size(self) -> int:
        """How many numbers the kernels hold."""
        kernels = (weight for weight in self.weights if weight.name.endswith("/kernel"))
        return sum(prod(kernel.shape) for kernel in kernels)

    @cached_property
    def widest(self) -> int:
        """How many values of a row the widest layer holds."""
        return max([self.n_features, *(stage.width for stage in self.stages)])

    @cached_property
    def runs_in_numpy(self) -> bool:
        """Whether NumPy predicts: all activations are known by name."""
        return all(stage.runs_in_numpy for stage in self.stages)

    @property
    def supports_xla(self) -> bool:
        """Whether XLA can compile the network: not the sparse kernels."""
        return all(stage.supports_xla for stage in self.stages)

    def build(self, *, initialized: bool = False) -> "keras.Model":
        """Build the model that is trained.

        Every layer has a name and a seed of its own: Keras would otherwise draw them from global
        state. Kernels are zero unless `initialized`; those that train are given theirs.
        """
        import keras

        from skconstrain._engine import named_variables
        from skconstrain._networks._keras_objects import kernel_initializer

        kernels = kernel_initializer(initialized)

        def step(stage, *values):
            layer = stage.layer(self.dtype, kernels)
            return layer(values[0] if len(values) == 1 else list(values))

        inputs = keras.Input((self.n_features,), dtype=self.dtype, name="features")
        *_, (_, outputs) = self.walk(step, inputs)
        model = keras.Model(inputs, self.head.build(outputs, self.dtype), name="network")
        if named_variables(model).keys() != {weight.name for weight in self.weights}:
            raise ValueError(
                "activation must be a function without weights or random numbers of its own. "
                f"Got {self.activation!r}. Use dropout= for noise, or a name of keras.activations."
            )
        return model

    @property
    @abstractmethod
    def first_dense(self) -> list[Dense]:
        """The layers with kernels that the features feed."""

    def with_scales(self, weights: dict, center, scale, kept) -> dict[str, np.ndarray]:
        """Return weights with which features have other centers and scales.

        Of the features that `kept` flags, predictions stay what they were, up to smooth clipping
        and as far as first layers have biases.
        """
        used = {name: weights[f"standardize/{name}"] for name in ("center", "scale")}
        factor = np.where(kept, scale / used["scale"], 1.0)
        shift = np.where(kept, (center - used["center"]) / used["scale"], 0.0)
        found = {"standardize/center": center, "standardize/scale": scale}
        if self.encode is not None:  # gaps stay centers
            found["encode/center"] = center[: self.encode.n_numbers]
        names = [stage.name for stage in self.front]
        for stage in self.front[names.index("standardize") + 1 :]:
            changed, factor, shift = stage.rescaled(weights, factor, shift)
            found |= changed
        for layer in self.first_dense:
            found |= layer.rescaled(weights, factor, shift)
        return _like(weights, found)

    def with_start(self, weights: dict, known: dict) -> dict[str, np.ndarray]:
        """Return weights with which outputs have the scales and origins of another start.

        Predictions stay what they were where the head can keep them, and else near the start.
        """
        factor, shift = self.head.rescaled(weights, known)
        own = {name: known[name] for name in weights if name.startswith("output/")}
        kernel, bias = weights["eta/kernel"], weights.get("eta/bias")
        own["eta/kernel"] = kernel * factor
        if bias is not None:
            own["eta/bias"] = bias * factor + shift
        return _like(weights, own)

    def initial_weights(self, rng: np.random.Generator, known: dict) -> dict[str, np.ndarray]:
        """Return weights to start from, by name: those in `known`, the others drawn.

        Hidden kernels are Glorot-uniform as in scikit-learn's MLP. A known weight that the network
        does not have is ignored: a bias, where layers have none.
        """
        return {weight.name: weight.initial(rng, known, self.dtype) for weight in self.weights}

    def architecture(self) -> dict:
        """Return what asks for a program of its own: the rate of dropout does not."""
        settings = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**settings, "kind": type(self).__name__, "dropout": self.dropout > 0}

    def first_difference(self, other: "Network") -> str | None:
        """Return the first setting in which `other` differs, None where it equals."""
        names = ["monotonic_cst", *(field.name for field in fields(self))]
        return next((name for name in names if getattr(self, name) != getattr(other, name)), None)

    def __getstate__(self):
        return {field.name: getattr(self, field.name) for field in fields(self)}


def _like(weights, changed):
    """Return weights, some of them changed, in the precision that they have."""
    return weights | {
        name: np.broadcast_to(value, weights[name].shape).astype(weights[name].dtype)
        for name, value in changed.items()
    }


def through(stages, step, values):
    """Send values through stages: yield the name and the outputs of each, return the last ones."""
    for stage in stages:
        values = step(stage, values)
        yield stage.name, values
    return values
