"""GateNet: what estimators have in common whose network is a gate over experts."""

from dataclasses import replace
from numbers import Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skconstrain._base import NetEstimator
from skconstrain._base._sizes import checked_sizes
from skconstrain._networks import FittedNetwork, GatedNetwork, Gating, TemperatureSchedule


class GateNet(NetEstimator):
    """Build, start and train a gate over experts.

    A subclass is a classifier or a regressor, too, and says in `_specify` what the gate is over.

    Attributes
    ----------
    expert_usage_ : ndarray of shape (L,)
        Mean weight of each expert over the training rows.
    """

    # Trains the gate of the next fit several times, over other experts each time; None for once.
    _rounds = None

    @property
    def gate_loss_curve_(self):
        """Mean training loss of each epoch of the gate."""
        return self.loss_curve_

    def gate_proba(self, X):
        """Compute how much the gate trusts each expert.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite data.

        Returns
        -------
        weights : ndarray of shape (n_samples, L)
            Weights of the experts, not negative, which sum to 1 in each row: a one-hot of a hard
            gate. The mean of several gates.
        """
        check_is_fitted(self)
        return mean_gate(self._fitted.layer(self._validated_input(X), "gate"))

    @property
    def _n_networks(self):
        # A gate over given experts says 1.
        if self.n_networks != "auto":
            return self.n_networks
        return 5 if self._may_be_several else 1

    @property
    def _may_be_several(self):
        # Networks end at epochs of their own, which had other temperatures.
        return self.gating == "soft" and np.ndim(self.temperature) == 0

    def _check_gate(self, n_experts):
        """Raise ``ValueError`` where the parameters of a gate over `n_experts` are not usable."""
        if self.gating == "top_k" and self.k > n_experts:
            raise ValueError(f"k must not exceed the number of experts, {n_experts}. Got {self.k}.")
        if np.ndim(self.temperature) > 0 and not (
            len(self.temperature) == 2
            and all(isinstance(number, Real) and 0 < number < np.inf for number in self.temperature)
        ):
            raise ValueError(
                "temperature must be a positive number, or two for the first and the last epoch. "
                f"Got {self.temperature}."
            )
        if self._n_networks > 1 and not self._may_be_several:
            raise ValueError(
                'n_networks > 1 needs gating="soft", for the mean of others asks more experts, and '
                f"one temperature. Got gating={self.gating!r}, temperature={self.temperature} and "
                f"n_networks={self.n_networks}. Set n_networks=1."
            )

    def _network_over(self, n_experts, rows, **settings):
        """Return the network of a gate over `n_experts` experts."""
        gate = Gating(
            n_experts=n_experts,
            hidden_layer_sizes=checked_sizes(
                self.gate_hidden_layer_sizes, "gate_hidden_layer_sizes"
            ),
            gating=self.gating,
            k=int(self.k),
            gumbel=bool(self.gumbel),
            # The weight of a single expert is 1, whatever penalties there are.
            is_penalised=n_experts > 1 and (self.load_balance > 0 or self.entropy_penalty > 0),
        )
        settings |= {**self._common_settings(rows), "n_networks": self._n_networks}
        return GatedNetwork(gate=gate, **settings)

    def _start(self, rows):
        """Start the gate at its temperature."""
        known, target_scale = super()._start(rows)
        known |= {
            "gate/temperature": np.ravel(self.temperature)[0],
            "gate/load_balance": self.load_balance,
            "gate/entropy_penalty": self.entropy_penalty,
        }
        return known, target_scale

    def _train(self, network, run):
        """Train the gate, and note how much it uses each expert."""
        if np.ndim(self.temperature) > 0:
            schedule = TemperatureSchedule(*map(float, self.temperature), run.epochs)
            run = replace(run, schedules={"gate/temperature": schedule})
        rounds, self._rounds = self._rounds, None  # they hold the training data
        train = super()._train
        result = train(network, run) if rounds is None else rounds.run(network, run, train)
        usage = mean_gate(FittedNetwork(network, result.weights).layer(run.X, "gate"))
        self.expert_usage_ = np.average(usage, axis=0, weights=run.weight)
        return result


def mean_gate(weights):
    """Return the weights of a gate, (n_rows, L): the mean of several gates, (n_rows, K, L)."""
    return weights if weights.ndim == 2 else weights.mean(axis=1)
