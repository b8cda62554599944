"""Scaling of features for a gate whose experts take them as they are."""

from dataclasses import dataclass

import numpy as np

from skconstrain._networks._stage import Stage
from skconstrain._networks._weight import fixed


@dataclass(frozen=True)
class ScaleFeatures(Stage):
    """Center and scale features by their mean and standard deviation."""

    n_features: int
    name = "gate_scale"

    def weights(self):
        return fixed(self.name, (self.n_features,), scale=1.0, shift=0.0)

    def known(self, summary):
        mean, spread = summary.moments
        scale = 1 / np.where(spread > 1e-9 * np.abs(mean), spread, 1)
        return {"gate_scale/scale": scale, "gate_scale/shift": -mean * scale}

    def layer(self, dtype, kernels):
        from skconstrain.layers._heads import Affine

        return Affine(dtype=dtype, name=self.name)

    def forward(self, named, values):
        return named["gate_scale/scale"] * values + named["gate_scale/shift"]
