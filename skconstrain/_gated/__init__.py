"""Experts under a gate."""

from skconstrain._gated._classifier import GatedEnsembleClassifier

__all__ = ["GatedEnsembleClassifier"]
