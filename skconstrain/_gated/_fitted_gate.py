"""FittedGate: a gated network with its weights."""

from dataclasses import dataclass

import numpy as np

from skconstrain._lazy_rows import loaded
from skconstrain._networks import GatedNetwork


@dataclass(frozen=True)
class FittedGate:
    """A gated network and its weights, in the order of its `weight_names`."""

    network: GatedNetwork
    weights: list[np.ndarray]

    def proba(self, X) -> np.ndarray:
        """Return the weights of the experts for rows of features, shape (n_rows, L)."""
        return self.layer(X, "gate")

    def layer(self, X, name) -> np.ndarray:
        """Return the outputs of a layer; features are enough where it needs no scores."""
        missing = self.network.n_features - X.shape[1]
        if missing:
            X = np.hstack([loaded(X), np.zeros((len(X), missing), X.dtype)])
        return self.network.predict_layer(self.weights, X, name)

    def outputs(self, X) -> np.ndarray:
        """Return the outputs of the whole network, shape (n_rows, C)."""
        return self.network.predict(self.weights, X)

    @property
    def is_soft(self) -> bool:
        """Whether every expert has a weight for every row."""
        return self.network.gate.gating == "soft"

    @property
    def scale_and_shift(self) -> tuple[np.ndarray, np.ndarray]:
        """Scale (L, 1) and shift (L, C) of the experts' scores, in double precision."""
        named = self.network.named(self.weights)
        return tuple(named[f"eta/{name}"].astype(np.float64) for name in ("scale", "shift"))
