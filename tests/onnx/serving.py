"""Estimators as onnxruntime serves them."""

import onnxruntime as runtime
from skl2onnx import to_onnx

from skconstrain import onnx

# Largest relative differences from an estimator's own predictions.
CLOSE = {"float32": 1e-6, "float64": 1e-12}


def served(model, X, level="ORT_ENABLE_ALL"):
    """Return what onnxruntime computes for rows like those of X: a function to outputs by name.

    `level` is how far it optimises the graph, its own default if not given.
    """
    onnx.register_converters()
    options = runtime.SessionOptions()
    options.graph_optimization_level = getattr(runtime.GraphOptimizationLevel, level)
    session = runtime.InferenceSession(
        to_onnx(model, X[:1]).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    (given,) = session.get_inputs()
    return lambda X: dict(zip(names, session.run(None, {given.name: X}), strict=True))


def run(model, X):
    """Return the outputs that onnxruntime computes for X, by name."""
    return served(model, X)(X)
