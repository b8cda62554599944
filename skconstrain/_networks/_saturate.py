"""Saturation: what follows stays finite for all finite features."""

from dataclasses import dataclass

import numpy as np

from skconstrain._formulas._recipe import limit_of_features
from skconstrain._networks._stage import Stage


@dataclass(frozen=True)
class Saturate(Stage):
    """Keep activations finite; in NumPy dense stages do so, together with their activation."""

    name: str

    def layer(self, dtype, kernels):
        from skconstrain import layers

        return layers.Saturate(dtype=dtype, name=self.name)

    def forward(self, named, values):
        return values


@dataclass(frozen=True)
class SaturateFeatures(Stage):
    """Keep differences of features finite, or products where they are not standardised."""

    standardized: bool
    name = "saturate_features"

    def layer(self, dtype, kernels):
        from skconstrain import layers

        limit = limit_of_features(dtype) if self.standardized else None
        return layers.Saturate(limit, dtype=dtype, name=self.name)

    def forward(self, named, X):
        limit = limit_of_features(X.dtype, self.standardized)
        return np.clip(X, -limit, limit)
