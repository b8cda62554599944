"""The networks behind the estimators: frozen specifications, which build Keras models."""

from skconstrain._networks._embedding import Embedding
from skconstrain._networks._heads import (
    AffineHead,
    BoundedOutputHead,
    CompositionHead,
    ProbabilityHead,
    QuantileHead,
)
from skconstrain._networks._monotonic import MonotonicNetwork
from skconstrain._networks._schedules import TemperatureSchedule
from skconstrain._networks._spec import (
    GatedNetwork,
    Gating,
    LayeredNetwork,
    Network,
    ScoreColumns,
)

__all__ = [
    "AffineHead",
    "BoundedOutputHead",
    "CompositionHead",
    "Embedding",
    "GatedNetwork",
    "Gating",
    "LayeredNetwork",
    "MonotonicNetwork",
    "Network",
    "ProbabilityHead",
    "QuantileHead",
    "ScoreColumns",
    "TemperatureSchedule",
]
