"""How TensorFlow traces and calls our functions: what it has no public function for."""

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf
from tensorflow.core.protobuf.config_pb2 import ConfigProto
from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig
from tensorflow.python.eager import context
from tensorflow.python.framework.ops import gradient_registry


def traced(function, arguments: list, jit_compile: bool | None = None):
    """Return `function` as a graph for arguments of these shapes.

    Called as a function of TensorFlow instead, programs one after the other would count as one
    that is traced again and again, and TensorFlow would warn of it.
    """
    function = tf.function(function, jit_compile=jit_compile, autograph=False)
    concrete = function.get_concrete_function(*arguments)
    _forget_gradients(concrete.graph)
    return concrete


def _forget_gradients(graph):
    """Drop gradients that the operations of `graph` define: they are in it where they are needed.

    TensorFlow keeps them, and by them the graph, as long as the process lives.
    """
    graph = graph.as_graph_def()
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    for node in nodes:
        name = node.attr["_gradient_op_type"].s.decode()
        if name.startswith("CustomGradient-"):
            gradient_registry._registry.pop(name, None)


def clear_kernels() -> None:
    """Drop TensorFlow's kernels, which keep the graphs of functions that nobody has any more.

    What is called again makes its own once more.
    """
    context.context().clear_kernel_cache()


@contextmanager
def without_remapping() -> Iterator[None]:
    """Let this thread's calls go without the remapper; all other options stay as they are.

    It replaces operations by fused ones, has none for float64, and prints a line on stderr for each
    operation that it passes over. TensorFlow's switch for it holds for the whole process.
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
