"""The networks behind the estimators: frozen specifications, which build Keras models."""

from skconstrain._networks._heads import AffineHead, BoundedOutputHead, ProbabilityHead
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
    "GatedNetwork",
    "Gating",
    "LayeredNetwork",
    "MonotonicNetwork",
    "Network",
    "ProbabilityHead",
    "ScoreColumns",
    "TemperatureSchedule",
]
