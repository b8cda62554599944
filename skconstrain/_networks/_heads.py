"""Heads: what follows the last layer with a kernel."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from skconstrain._formulas._layers import mean_of_networks
from skconstrain._formulas._links import LINKS, output_range, rescaled, unclipped
from skconstrain._formulas._numpy_ops import NUMPY_OPS
from skconstrain._formulas._quantile_levels import (
    before_link,
    ends,
    first_above,
    into_range,
    onto_far_ends,
    rescaled_quantiles,
    running_maximum,
    shifted,
)
from skconstrain._networks._weight import Weight, fixed


class Head:
    """What follows the last layer with a kernel: in training, and in the model that users see.

    If it is `monotone`, its outputs never move against its inputs, not in their last bit either.
    """

    monotone: bool = False  # not a field here

    @property
    def origin(self) -> float:
        """The number from which outputs are counted: digits are those of the distance from it."""
        return 0.0

    def weights(self, n_outputs: int) -> list[Weight]:
        """Return its weights, none of which is trained."""
        return []

    def build(self, outputs, dtype: str):
        """Return the outputs of the network that is trained: logits, unless it has a layer."""
        return outputs

    def build_mean(self, outputs, dtype: str):
        """Return the mean of the outputs of several networks."""
        from skconstrain.layers._heads import MeanOfNetworks

        mean = MeanOfNetworks(self._probability, self.monotone, dtype=dtype, name="mean")
        return mean(outputs)

    def forward(self, named: dict[str, np.ndarray], values: np.ndarray) -> np.ndarray:
        """Return what `build` computes, in NumPy; may write into `values`."""
        return values

    def forward_mean(self, values: np.ndarray) -> np.ndarray:
        """Return what `build_mean` computes, in NumPy, of values (n_networks, n_rows, units)."""
        return mean_of_networks(NUMPY_OPS, values, 0, self._probability, self.monotone)

    @property
    def _probability(self) -> str | None:
        """What makes probabilities of the outputs, where these are logits."""
        return None

    def build_fitted(self, outputs, dtype: str):
        """Return the outputs of the model that users see, from those of the trained network."""
        return outputs

    def rescaled(self, named: dict, known: dict) -> tuple:
        """Return factor and shift of inputs with which outputs stay, for the weights `known`."""
        # Not abstract: only heads with weights are asked.
        raise NotImplementedError(f"{type(self).__name__} has no weights.")


@dataclass(frozen=True)
class BoundedOutputHead(Head):
    """A link into the range from `lower` to `upper`."""

    output: str
    lower: float
    upper: float | None
    monotone: bool = False

    @property
    def origin(self):
        return self.lower

    def weights(self, n_outputs):
        names = ["gain"] if self.upper is not None else ["gain", "scale"]
        return fixed("output", (n_outputs,), **dict.fromkeys(names, 1.0))

    def build(self, outputs, dtype):
        from skconstrain.layers import BoundedOutput

        settings = {"monotone": self.monotone, "dtype": dtype, "name": "output"}
        return BoundedOutput(self.output, self.lower, self.upper, **settings)(outputs)

    def forward(self, named, values):
        gain, scale = named["output/gain"], named.get("output/scale")
        # A monotone network computes in float64; its predictions are of its own precision.
        smallest, largest = output_range(self.output, self.lower, self.upper, gain.dtype)
        link = LINKS[self.output]
        function = partial(link.monotone if self.monotone else link.forward, NUMPY_OPS)
        settings = {"lower": self.lower, "upper": self.upper, "smallest": smallest}
        unit = unclipped(function, values, self.output, gain=gain, scale=scale, **settings)
        return np.clip(unit, smallest, largest)

    def rescaled(self, named, known):
        used, new = (
            (1.0 if self.upper is not None else weights["output/scale"], weights["output/gain"])
            for weights in (named, known)
        )
        return rescaled(NUMPY_OPS, LINKS[self.output], used, new, known["eta/bias"])


@dataclass(frozen=True)
class AffineHead(Head):
    """The unit and the origin of the targets."""

    def weights(self, n_outputs):
        return fixed("output", (n_outputs,), scale=1.0, shift=0.0)

    def build(self, outputs, dtype):
        from skconstrain.layers._heads import Affine

        return Affine(dtype=dtype, name="output")(outputs)

    def forward(self, named, values):
        return named["output/scale"] * values + named["output/shift"]

    def rescaled(self, named, known):
        (scale, shift), (new_scale, new_shift) = (
            (weights["output/scale"], weights["output/shift"]) for weights in (named, known)
        )
        return scale / new_scale, (shift - new_shift) / new_scale


@dataclass(frozen=True)
class ProbabilityHead(Head):
    """Probabilities from logits: ``"sigmoid"`` of each, or ``"softmax"`` of all.

    Training takes logits; only the model that users see returns probabilities.
    """

    activation: str
    monotone: bool = False

    @property
    def _probability(self):
        return self.activation

    def build_fitted(self, outputs, dtype):
        import keras

        from skconstrain.layers._heads import OrderedSigmoid

        if self.monotone:
            return OrderedSigmoid(dtype=dtype, name="probability")(outputs)
        return keras.layers.Activation(self.activation, dtype=dtype, name="probability")(outputs)


@dataclass(frozen=True)
class CompositionHead(Head):
    """Parts that sum to `total`. Training takes logits; the model that users see returns parts."""

    total: float

    @property
    def _probability(self):
        return "softmax"

    def build_fitted(self, outputs, dtype):
        from skconstrain.layers._heads import Composition

        return Composition(self.total, dtype=dtype, name="parts")(outputs)


@dataclass(frozen=True)
class QuantileHead(Head):
    """Quantiles of increasing `levels`, which do not cross, from `lower` to `upper`.

    If they are `calibrated`, the quantile of each level is moved before the link, or is the end of
    the range. In training they are not.
    """

    levels: tuple[float, ...]
    lower: float | None
    upper: float | None
    monotone: bool = False
    calibrated: bool = False

    @property
    def origin(self):
        return next((end for end in (self.lower, self.upper) if end is not None), 0.0)

    @property
    def _range(self):
        return {"lower": self.lower, "upper": self.upper}

    def weights(self, n_outputs):
        found = [] if self.monotone else fixed("output", (n_outputs,), step=1.0)
        found += fixed("output", (1,), gain=1.0, scale=1.0, shift=0.0)
        if self.calibrated:
            found += fixed("output", (n_outputs,), calibration=0.0, beyond=0.0)
        return found

    def build(self, outputs, dtype):
        from skconstrain.layers._heads import Quantiles

        first = first_above(self.levels) if self.calibrated else None
        settings = {"monotone": self.monotone, "calibrated_from": first}
        return Quantiles(**self._range, **settings, dtype=dtype, name="output")(outputs)

    def build_mean(self, outputs, dtype):
        """Return the mean, in which rounding does not let levels cross."""
        from skconstrain.layers._heads import RunningMaximum

        mean = super().build_mean(outputs, dtype)
        return RunningMaximum(dtype=dtype, name="ordered")(mean)

    def forward(self, named, values):
        eta = self.eta(named, values)
        if not self.calibrated:
            return running_maximum(np, self.in_range(named, eta))
        eta = shifted(np, eta, named["output/calibration"], first_above(self.levels))
        found, beyond = self.in_range(named, eta), named["output/beyond"]
        found = onto_far_ends(np, found, beyond, **self._range, dtype=beyond.dtype)
        return running_maximum(np, found)

    def eta(self, named, values):
        """Return the quantiles of a network before the link."""
        return before_link(NUMPY_OPS, values, named.get("output/step"))

    def in_range(self, named, eta):
        """Return quantiles from what they are before the link, up to rounding in order."""
        units = {name: named[f"output/{name}"] for name in ("gain", "scale", "shift")}
        found = into_range(NUMPY_OPS, eta, **self._range, **units, monotone=self.monotone)
        # A monotone network computes in float64; its predictions are of its own precision.
        return np.clip(found, *ends(**self._range, dtype=units["gain"].dtype))

    def forward_mean(self, values):
        return running_maximum(np, super().forward_mean(values))

    def rescaled(self, named, known):
        settings = {**self._range, "monotone": self.monotone}
        return rescaled_quantiles(NUMPY_OPS, named, known, **settings)
