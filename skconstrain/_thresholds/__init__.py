"""Thresholds chosen for each label."""

from skconstrain._thresholds._tuned import TunedThresholdMultiLabelClassifierCV

__all__ = ["TunedThresholdMultiLabelClassifierCV"]
