"""Keras layers that keep a promise, for people who build their own models."""

from skconstrain.layers._bounded_output import BoundedOutput
from skconstrain.layers._connected_dense import ConnectedDense
from skconstrain.layers._saturate import Saturate

__all__ = ["BoundedOutput", "ConnectedDense", "Saturate"]
