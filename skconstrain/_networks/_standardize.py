"""Standardisation: features of one size, whatever their units, and bounded."""

from dataclasses import dataclass

import numpy as np

from skconstrain._formulas._layers import standardized
from skconstrain._formulas._numpy_ops import NUMPY_OPS
from skconstrain._networks._stage import FrontStage
from skconstrain._networks._weight import fixed


@dataclass(frozen=True)
class Standardize(FrontStage):
    """Center, scale and smoothly clip the features.

    If `monotone`, values keep their order to the last bit, and all further ones are in float64.
    """

    n_outputs: int
    monotone: bool
    name = "standardize"

    @classmethod
    def found(cls, network, summary, n_inputs):
        return cls(n_inputs, network.monotonic_cst is not None) if network.standardized else None

    def weights(self):
        return fixed(self.name, (self.n_outputs,), center=0.0, scale=1.0)

    def known(self, summary):
        center, scale = summary.center_and_scale
        return {"standardize/center": center, "standardize/scale": scale}

    def layer(self, dtype, kernels):
        from skconstrain import layers

        return layers.Standardize(monotone=self.monotone, dtype=dtype, name=self.name)

    def forward(self, named, X):
        X = X.astype(np.float64) if self.monotone else X
        center, scale = named["standardize/center"], named["standardize/scale"]
        return standardized(NUMPY_OPS, X, center, scale, monotone=self.monotone)
