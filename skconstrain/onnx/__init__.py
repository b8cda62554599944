"""Conversion to ONNX: `skl2onnx.to_onnx` takes the estimators of this package."""

from skconstrain.onnx._converters import register_converters

__all__ = ["register_converters"]
