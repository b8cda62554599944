"""Factors of features, which are trained."""

from dataclasses import dataclass, replace

from skconstrain._formulas._recipe import FEATURE_RATE
from skconstrain._networks._stage import FrontStage
from skconstrain._networks._weight import Weight


@dataclass(frozen=True)
class WeighFeatures(FrontStage):
    """A factor for each value of a row, positive where kernels have signs to be kept."""

    n_outputs: int
    n_models: int | None
    non_negative: bool
    name = "feature_weights"

    @classmethod
    def found(cls, network, summary, n_inputs):
        return (
            cls(n_inputs, network.n_models, network.keeps_signs)
            if network.weight_features
            else None
        )

    @property
    def width(self):
        return (self.n_models or 1) * self.n_outputs

    def weights(self):
        return [
            Weight("feature_weights/weight", (*self.model_axis, self.n_outputs), 1 / FEATURE_RATE)
        ]

    def layer(self, dtype, kernels):
        from skconstrain import layers

        settings = {"non_negative": self.non_negative, "dtype": dtype, "name": self.name}
        return layers.FeatureWeighting(self.n_models, **settings)

    def forward(self, named, X):
        factors = FEATURE_RATE * named["feature_weights/weight"]
        return X * (factors if self.n_models is None else factors[:, None])

    def rescaled(self, named, factor, shift):
        return {}, factor, FEATURE_RATE * named["feature_weights/weight"] * shift

    def of_one(self):
        return replace(self, n_models=None)
