"""Keras layers with a guarantee, for people who build their own models.

Where two arguments of ``maximum``, ``minimum`` or ``clip`` are equal, JAX gives half of the
gradient to each of them, TensorFlow all of it to one. ``where`` is the same under both: layers use
it where such ties occur.

Importing this package registers all layers that a fitted `model_` can hold with Keras, so that
``keras.saving.load_model`` finds them.
"""

from skconstrain.layers import (  # noqa: F401  imported to be registered
    _calibration,
    _columns,
    _dropout,
    _encode,
    _gate,
    _heads,
    _mixture,
    _nested_dense,
)
from skconstrain.layers._batched_dense import BatchedDense
from skconstrain.layers._bounded_output import BoundedOutput
from skconstrain.layers._connected_dense import ConnectedDense
from skconstrain.layers._feature_weighting import FeatureWeighting
from skconstrain.layers._monotonic_dense import MonotonicDense
from skconstrain.layers._periodic_embedding import PeriodicEmbedding
from skconstrain.layers._saturate import Saturate
from skconstrain.layers._standardize import Standardize
from skconstrain.layers._straight_through_one_hot import StraightThroughOneHot
from skconstrain.layers._straight_through_threshold import StraightThroughThreshold
from skconstrain.layers._top_k_softmax import TopKSoftmax
from skconstrain.layers._weighted_sum import WeightedSum

__all__ = [
    "BatchedDense",
    "BoundedOutput",
    "ConnectedDense",
    "FeatureWeighting",
    "MonotonicDense",
    "PeriodicEmbedding",
    "Saturate",
    "Standardize",
    "StraightThroughOneHot",
    "StraightThroughThreshold",
    "TopKSoftmax",
    "WeightedSum",
]
