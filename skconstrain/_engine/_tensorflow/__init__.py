"""Programs under TensorFlow."""
