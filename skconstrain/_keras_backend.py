"""The backend that Keras gets where nobody has named one and TensorFlow is not installed."""

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path


def choose_backend():
    """Set ``KERAS_BACKEND`` to JAX where Keras would look for a TensorFlow that is not there.

    Keras reads it once, when it is imported. What is chosen already stays: by the variable, by a
    ``keras.json`` that names another backend, or by an import of Keras.
    """
    if os.environ.get("KERAS_BACKEND") or "keras" in sys.modules or find_spec("tensorflow"):
        return
    if _configured() == "tensorflow" and find_spec("jax"):
        os.environ["KERAS_BACKEND"] = "jax"


def _configured():
    """Return the backend of ``keras.json``, which Keras writes with its default."""
    home = os.environ.get("KERAS_HOME", "~/.keras")
    try:
        text = Path(home, "keras.json").expanduser().read_text(encoding="utf-8")
        return json.loads(text).get("backend", "tensorflow")
    except (OSError, ValueError):
        return "tensorflow"
