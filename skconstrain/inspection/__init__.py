"""Pictures of what was fitted. Needs matplotlib: ``pip install skconstrain[plot]``."""

from skconstrain.inspection._connection_display import ConnectionDisplay
from skconstrain.inspection._contribution_display import ContributionDisplay
from skconstrain.inspection._gate_display import GateDisplay
from skconstrain.inspection._loss_curve_display import LossCurveDisplay
from skconstrain.inspection._quantile_display import QuantileDisplay
from skconstrain.inspection._reliability_display import ReliabilityDisplay
from skconstrain.inspection._threshold_curve_display import ThresholdCurveDisplay

__all__ = [
    "ConnectionDisplay",
    "ContributionDisplay",
    "GateDisplay",
    "LossCurveDisplay",
    "QuantileDisplay",
    "ReliabilityDisplay",
    "ThresholdCurveDisplay",
]
