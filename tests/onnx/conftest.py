"""Tests of graphs need the extra `onnx`: without it, none is collected."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("skl2onnx") and find_spec("onnxruntime") else ["*.py"]
