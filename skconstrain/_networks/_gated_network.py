"""Experts under a gate: networks that train together with it, or given scores."""

from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest

from skconstrain._networks._columns import Columns
from skconstrain._networks._dense import Dense
from skconstrain._networks._gating import Gating, Mixture
from skconstrain._networks._heads import ProbabilityHead
from skconstrain._networks._network import Network, through
from skconstrain._networks._scale_features import ScaleFeatures
from skconstrain._networks._score_columns import ScoreColumns
from skconstrain._networks._stage import Stage


@dataclass(frozen=True, kw_only=True)
class GatedNetwork(Network):
    """A gate over experts, and the logits of their mixture.

    It is a small tree: features feed the gate and the experts, both feed the mixture. Its layers
    are called "gate", "eta" (the experts' logits) and "mixture".

    Attributes
    ----------
    gate
        How the gate chooses.
    scores
        None where experts are networks that train together with the gate; else what is known of
        the scores of given experts, in which the inputs end.
    """

    head: ProbabilityHead
    gate: Gating
    scores: ScoreColumns | None = None

    @property
    def n_seen(self):
        """How many columns of the inputs are features: not the scores of given experts."""
        n_scores = 0 if self.scores is None else self.gate.n_experts * self.n_outputs
        return self.n_features - n_scores

    @cached_property
    def stages(self):
        # The deepest come first, a gate's before the experts' of the same depth.
        branches = reversed(self._gate_stages), reversed(self._expert_stages)
        pairs = reversed(list(zip_longest(*branches)))
        both = [stage for pair in pairs for stage in pair if stage is not None]
        return (*self.first_stages, *both, self._mixture)

    def walk(self, step, inputs):
        features, n_seen = inputs, self.n_seen
        if self.scores is not None:
            columns = Columns("gate_features", 0, n_seen, (n_seen,))
            features = yield from through([columns], step, inputs)
        features = yield from through(self.first_stages, step, features)
        weights = yield from through(self._gate_stages, step, features)
        experts_inputs = features if self.scores is None else inputs
        logits = yield from through(self._expert_stages, step, experts_inputs)
        yield "mixture", step(self._mixture, weights, logits)

    @property
    def first_dense(self):
        branches = [self._gate_stages] + ([self._expert_stages] if self.scores is None else [])
        return [next(stage for stage in of if isinstance(stage, Dense)) for of in branches]

    @cached_property
    def _gate_stages(self) -> list[Stage]:
        """Stages from the features to the weights of the experts."""
        # Experts may bring their own preprocessing; the gate has this one.
        scaled = [] if self.standardized else [ScaleFeatures(self.n_first_inputs)]
        sizes = self.gate.hidden_layer_sizes
        settings = {"n_models": self.n_models}
        *hidden, logits = self._dense(
            "gate_hidden", sizes, "gate_logits", self.gate.n_experts, **settings
        )
        return [*scaled, *self._hidden(hidden, "gate_saturate"), logits, self.gate]

    @cached_property
    def _expert_stages(self) -> list[Stage]:
        """Stages from the features, or from the inputs' scores, to the experts' logits."""
        n_experts = self.gate.n_experts
        if self.scores is not None:
            shape = (n_experts, self.n_outputs)
            return [Columns("scores", self.n_seen, self.n_features, shape), self.scores]
        models = n_experts if self.n_models is None else (self.n_models, n_experts)
        settings = {"n_models": models, "constraint": self.kernel_constraint}
        sizes = self.hidden_layer_sizes
        *hidden, last = self._dense("expert", sizes, "eta", self.n_outputs, **settings)
        return [*self._hidden(hidden, "saturate", self.dropout), last]

    def _dense(self, name, sizes, last, n_outputs, **settings):
        """Return hidden layers, called by a name and a number, and the last layer."""
        found, n_inputs = [], self.n_first_inputs
        for i, units in enumerate(sizes):
            settings |= {"name": f"{name}_{i}", "n_inputs": n_inputs, "units": units}
            found.append(Dense(activation=self.activation, **settings))
            n_inputs = units
        settings |= {"name": last, "n_inputs": n_inputs, "units": n_outputs}
        return [*found, Dense(starts_at_0=last == "eta", **settings)]

    @property
    def _mixture(self):
        return Mixture(self.head.activation, floored=self.gate.gating != "soft")

    def initial_weights(self, rng, known):
        """Return weights to start from: several gates start as one, so that experts correspond."""
        weights = super().initial_weights(rng, known)
        if self.n_networks > 1:
            for stage in self._gate_stages:
                for weight in stage.weights():
                    if weight.is_trained:
                        weights[weight.name][:] = weights[weight.name][0]
        return weights
