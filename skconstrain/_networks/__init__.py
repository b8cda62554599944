"""The networks behind the estimators: settings and stages, which build Keras models and predict."""

from skconstrain._networks._feature_summary import FeatureSummary
from skconstrain._networks._fitted import FittedNetwork
from skconstrain._networks._gated_network import GatedNetwork
from skconstrain._networks._gating import Gating, TemperatureSchedule
from skconstrain._networks._heads import (
    AffineHead,
    BoundedOutputHead,
    CompositionHead,
    ProbabilityHead,
    QuantileHead,
)
from skconstrain._networks._layered_network import LayeredNetwork
from skconstrain._networks._network import Network
from skconstrain._networks._score_columns import ScoreColumns

__all__ = [
    "AffineHead",
    "BoundedOutputHead",
    "CompositionHead",
    "FeatureSummary",
    "FittedNetwork",
    "GatedNetwork",
    "Gating",
    "LayeredNetwork",
    "Network",
    "ProbabilityHead",
    "QuantileHead",
    "ScoreColumns",
    "TemperatureSchedule",
]
