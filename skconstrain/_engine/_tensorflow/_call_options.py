"""How TensorFlow calls our functions."""

from collections.abc import Iterator
from contextlib import contextmanager

from tensorflow.core.protobuf.config_pb2 import ConfigProto
from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig
from tensorflow.python.eager import context


@contextmanager
def without_remapping() -> Iterator[None]:
    """Let this thread's calls go without the remapper; all other options stay as they are.

    It replaces operations by fused ones, has none for float64, and prints a line on stderr for each
    operation that it passes over. TensorFlow's switch for it holds for the whole process; the
    options of a thread's calls have no public function.
    """
    here = context.context()
    before = here.function_call_options
    config = ConfigProto.FromString(before.config_proto_serialized)
    config.graph_options.rewrite_options.remapping = RewriterConfig.OFF
    here.function_call_options = context.FunctionCallOptions(before.executor_type, config)
    try:
        yield
    finally:
        here.function_call_options = before
