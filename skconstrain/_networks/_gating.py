"""The choice of a gate, and the mixture of experts that it weighs."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from skconstrain._formulas._layers import log_mixture, logits_of_mean, softmax_over
from skconstrain._formulas._numpy_ops import NUMPY_OPS, largest, softmax
from skconstrain._networks._stage import Stage
from skconstrain._networks._weight import Weight, draw_seed, fixed


@dataclass(frozen=True, kw_only=True)
class Gating(Stage):
    """How a gate over `n_experts` experts chooses, from logits.

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
    name = "gate"

    def weights(self):
        found = fixed(self.name, (), temperature=1.0, load_balance=0.0, entropy_penalty=0.0)
        draws = self.gating == "hard" and self.gumbel
        return [*found, Weight("gate/seed", (2,), draw_seed, False)] if draws else found

    def layer(self, dtype, kernels):
        from skconstrain.layers._gate import Gate

        names = {name: getattr(self, name) for name in ("gating", "k", "gumbel")}
        return Gate(**names, penalised=self.is_penalised, dtype=dtype, name=self.name)

    def forward(self, named, logits):
        """Return the weights of the experts, (n_rows, L)."""
        if self.n_experts == 1:
            return np.ones_like(logits)
        scaled = logits / named["gate/temperature"]
        if self.gating == "soft":
            return softmax(scaled)
        chosen = largest(scaled, 1 if self.gating == "hard" else self.k)
        if self.gating == "hard":
            return chosen.astype(scaled.dtype)
        return softmax_over(NUMPY_OPS, chosen, scaled)


@dataclass(frozen=True)
class Mixture(Stage):
    """The logits of the mixture of experts, from the gate's weights and the experts' logits.

    `probability` is what makes probabilities of logits. `floored` bounds the gradient in training.
    """

    probability: str
    floored: bool
    name = "mixture"

    def layer(self, dtype, kernels):
        from skconstrain.layers import _mixture

        settings = {"floored": self.floored, "dtype": dtype, "name": self.name}
        return _mixture.Mixture(self.probability, **settings)

    def forward(self, named, weights, logits):
        """Return logits, (n_rows, C), of weights (n_rows, L) and logits (L, n_rows, C).

        All have a leading axis of several networks.
        """
        weights = np.moveaxis(weights, -1, -2)[..., None]
        log_mean = partial(log_mixture, NUMPY_OPS, weights, axis=-3)
        return logits_of_mean(NUMPY_OPS, self.probability, logits, log_mean)


@dataclass(frozen=True)
class TemperatureSchedule:
    """Temperature of the gate: lowered geometrically, from the first of `n_epochs` to the last."""

    start: float
    end: float
    n_epochs: int

    def __call__(self, epoch: int) -> float:
        """Return the temperature of an epoch, the first of which is 0."""
        share = min(epoch / max(self.n_epochs - 1, 1), 1.0)
        return self.start * (self.end / self.start) ** share
