"""Formulas, each written once: for Keras layers, for predictions in NumPy, for ONNX."""
