"""Calls of our functions print nothing, and change no option that is not theirs."""

import subprocess
import sys

import pytest

from skconstrain._engine import precision
from tests.backends import tensorflow_only

pytestmark = tensorflow_only

# Everything that trains or predicts, in float64. Starting XLA is a matter of TensorFlow, which
# prints about it once in a process.
FITS = """
import numpy as np
from skconstrain import GatedEnsembleClassifier, PositiveRegressor

X = np.random.default_rng(0).normal(size=(60, 4))
y = np.exp(X[:, 0])
common = {"epochs": 600 if JIT else 2, "tol": None, "random_state": 0}  # 600 are enough for XLA
net = PositiveRegressor((8,), early_stopping=True, **common)
net.fit(X, y).predict(X)
PositiveRegressor((8,), activation=lambda x: x * x, **common).fit(X, y).predict(X)
GatedEnsembleClassifier(n_experts=2, **common).fit(X, X[:, 0] > 0).predict(X)
net.set_params(n_networks=1).fit(X, y).predict(X)
"""
START = "import tensorflow as tf; tf.function(lambda x: x + 1, jit_compile=JIT)(tf.ones(2))"


def lines_of(script, jit):
    """Return the lines that a process prints on stderr."""
    done = subprocess.run(
        [sys.executable, "-c", f"JIT = {jit}\n{script}"], capture_output=True, text=True, check=True
    )
    return done.stderr.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("jit", [False, True])
def test_fits_print_no_more_than_the_start_of_tensorflow(jit):
    # TensorFlow's remapper prints a line for each operation in float64: hundreds in a search.
    found, start = lines_of(FITS, jit), lines_of(START, jit)
    assert len(found) <= len(start), "\n".join(found)


def test_options_of_calls_come_back_and_keep_what_was_set_before():
    from tensorflow.core.protobuf.config_pb2 import ConfigProto
    from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig
    from tensorflow.python.eager import context

    def rewriting():
        config = ConfigProto.FromString(here.function_call_options.config_proto_serialized)
        return config.graph_options.rewrite_options

    here = context.context()
    before, given = here.function_call_options, ConfigProto()
    given.graph_options.rewrite_options.constant_folding = RewriterConfig.OFF
    here.function_call_options = context.FunctionCallOptions(config_proto=given)
    try:
        with precision():
            assert rewriting().remapping == RewriterConfig.OFF
            assert rewriting().constant_folding == RewriterConfig.OFF
        assert rewriting() == given.graph_options.rewrite_options
    finally:
        here.function_call_options = before
