"""Heads: what follows the last layer with a kernel."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import log

import numpy as np

from skconstrain._grid import in_order, logit_of_mean
from skconstrain._links import LINKS, output_range
from skconstrain._networks._functions import LINK_FUNCTIONS, QUANTILE_FUNCTIONS, log_probability
from skconstrain._networks._weight import Weight
from skconstrain._quantile_levels import ends, increasing, into_range, running_maximum


class Head(ABC):
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

    @abstractmethod
    def build(self, outputs, dtype: str):
        """Return the outputs of the network that is trained."""

    def build_mean(self, outputs, dtype: str):
        """Return the mean of the outputs of several networks."""
        from skconstrain.layers._mean_of_networks import MeanOfNetworks

        mean = MeanOfNetworks(self._probability, self.monotone, dtype=dtype, name="mean")
        return mean(outputs)

    def forward(self, named: dict[str, np.ndarray], values: np.ndarray) -> np.ndarray:
        """Return what `build` computes, in NumPy; may write into `values`."""
        return values

    def forward_mean(self, values: np.ndarray) -> np.ndarray:
        """Return what `build_mean` computes, in NumPy, of values (n_networks, n_rows, units)."""
        if self.monotone:
            return self._mean_in_order(values)
        if self._probability == "softmax":
            return _log_mean(log_probability("softmax", values))
        if self._probability == "sigmoid":
            of_one, of_zero = log_probability("sigmoid", values)
            return _log_mean(of_one) - _log_mean(of_zero)
        mean = (values / len(values)).sum(axis=0)
        return np.clip(mean, values.min(axis=0), values.max(axis=0))

    def _mean_in_order(self, values):
        """Return the mean in float64 of values in float64."""
        if self._probability == "sigmoid":
            return logit_of_mean(LINK_FUNCTIONS, list(values))
        mean = in_order(values / len(values))
        return np.clip(mean, values.min(axis=0), values.max(axis=0))

    @property
    def _probability(self) -> str | None:
        """What makes probabilities of the outputs, where these are logits."""
        return None

    def build_fitted(self, outputs, dtype: str):
        """Return the outputs of the model that users see, from those of the trained network."""
        return outputs


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
        """Return the gain, and the scale of a range without an upper end."""
        names = ["gain"] if self.upper is not None else ["gain", "scale"]
        return [Weight(f"output/{name}", (n_outputs,), 1.0, is_trained=False) for name in names]

    def build(self, outputs, dtype):
        """Return predictions."""
        from skconstrain.layers import BoundedOutput

        settings = {"monotone": self.monotone, "dtype": dtype, "name": "output"}
        return BoundedOutput(self.output, self.lower, self.upper, **settings)(outputs)

    def forward(self, named, values):
        gain = named["output/gain"]
        # A monotone network computes in float64; its predictions are of its own precision.
        smallest, largest = output_range(self.output, self.lower, self.upper, gain.dtype)
        link = LINKS[self.output]
        function = link.monotone if self.monotone else link.forward
        unit = function(LINK_FUNCTIONS, gain * values)
        factor = named["output/scale"] if self.upper is None else self.upper - self.lower
        base = self.lower if link.open_end else smallest
        return np.clip(base + factor * unit, smallest, largest)


@dataclass(frozen=True)
class AffineHead(Head):
    """The unit and the origin of the targets."""

    def weights(self, n_outputs):
        """Return scale and shift."""
        starts = {"scale": 1.0, "shift": 0.0}
        return [
            Weight(f"output/{name}", (n_outputs,), start, is_trained=False)
            for name, start in starts.items()
        ]

    def build(self, outputs, dtype):
        """Return predictions."""
        from skconstrain.layers._affine import Affine

        return Affine(dtype=dtype, name="output")(outputs)

    def forward(self, named, values):
        return named["output/scale"] * values + named["output/shift"]


@dataclass(frozen=True)
class ProbabilityHead(Head):
    """Probabilities from logits: ``"sigmoid"`` of each, or ``"softmax"`` of all.

    Training takes logits; only the model that users see returns probabilities.
    """

    activation: str
    monotone: bool = False

    def build(self, outputs, dtype):
        """Return the logits."""
        return outputs

    @property
    def _probability(self):
        return self.activation

    def build_fitted(self, outputs, dtype):
        """Return probabilities."""
        import keras

        from skconstrain.layers._ordered_sigmoid import OrderedSigmoid

        if self.monotone:
            return OrderedSigmoid(dtype=dtype, name="probability")(outputs)
        return keras.layers.Activation(self.activation, dtype=dtype, name="probability")(outputs)


@dataclass(frozen=True)
class CompositionHead(Head):
    """Parts that sum to `total`. Training takes logits; the model that users see returns parts."""

    total: float

    def build(self, outputs, dtype):
        """Return the logits."""
        return outputs

    @property
    def _probability(self):
        return "softmax"

    def build_fitted(self, outputs, dtype):
        """Return the parts."""
        from skconstrain.layers._composition import Composition

        return Composition(self.total, dtype=dtype, name="parts")(outputs)


@dataclass(frozen=True)
class QuantileHead(Head):
    """Quantiles of increasing `levels`, which do not cross, from `lower` to `upper`."""

    levels: tuple[float, ...]
    lower: float | None
    upper: float | None
    monotone: bool = False

    @property
    def origin(self):
        return next((end for end in (self.lower, self.upper) if end is not None), 0.0)

    def weights(self, n_outputs):
        """Return factors of the steps between levels, if there are steps; and units of all."""
        starts = {"gain": 1.0, "scale": 1.0, "shift": 0.0}
        units = [
            Weight(f"output/{name}", (1,), start, is_trained=False)
            for name, start in starts.items()
        ]
        step = Weight("output/step", (n_outputs,), 1.0, is_trained=False)
        return units if self.monotone else [step, *units]

    def build(self, outputs, dtype):
        """Return the quantiles."""
        from skconstrain.layers._quantiles import Quantiles

        settings = {"monotone": self.monotone, "dtype": dtype, "name": "output"}
        return Quantiles(self.lower, self.upper, **settings)(outputs)

    def build_mean(self, outputs, dtype):
        """Return the mean, in which rounding does not let levels cross."""
        from skconstrain.layers._quantiles import RunningMaximum

        mean = super().build_mean(outputs, dtype)
        return RunningMaximum(dtype=dtype, name="ordered")(mean)

    def forward(self, named, values):
        names = ("gain", "scale", "shift")
        units = {name: named[f"output/{name}"] for name in names}
        if not self.monotone:
            values = increasing(QUANTILE_FUNCTIONS, values, named["output/step"])
        ends_of_range = {"lower": self.lower, "upper": self.upper}
        eta = into_range(LINK_FUNCTIONS, values, **ends_of_range, **units, monotone=self.monotone)
        # A monotone network computes in float64; its predictions are of its own precision.
        quantiles = np.clip(eta, *ends(**ends_of_range, dtype=units["gain"].dtype))
        return running_maximum(np, quantiles)

    def forward_mean(self, values):
        return running_maximum(np, super().forward_mean(values))


def _log_mean(log_p):
    """Return the logarithm of the mean of probabilities over networks, the first axis."""
    best = log_p.max(axis=0)
    return best + np.log(np.exp(log_p - best).sum(axis=0)) - log(len(log_p))
