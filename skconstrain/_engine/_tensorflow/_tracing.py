"""Functions as graphs, which leave nothing behind when they go."""

import tensorflow as tf
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
