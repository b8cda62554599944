"""Functions of TensorFlow whose names say what they compute, in every process."""

import hashlib
import threading

from tensorflow.core.framework.function_pb2 import FunctionDef, FunctionDefLibrary
from tensorflow.python.eager import context
from tensorflow.python.eager.polymorphic_function.atomic_function import AtomicFunction

_NAMING = threading.Lock()


class NamedByContent:
    """A function whose name is a digest of what it computes.

    TensorFlow counts up names of functions, of loops too, over all that a process traces. XLA's
    cache on disk compares names: a program would be found there only by a process that has traced
    the same functions before it. There is no public way to name a function.

    Parameters
    ----------
    definitions : list of FunctionDef
        What `definitions_of` has found: the function, which returns one tensor, and those it calls.
    captured : list of tf.Tensor
        Its last arguments: what was captured when it was traced.
    """

    def __init__(self, definitions, captured):
        self._captured = captured
        digest = hashlib.sha256(_serialized(definitions)).hexdigest()[:32]
        here = context.context()
        with _NAMING:
            # Another program of equal content may be in use.
            number = 0
            while here.has_function(_name(digest, number, 0).encode()):
                number += 1
            _rename(definitions, lambda place: _name(digest, number, place))
            for definition in reversed(definitions):  # a loop before the function that calls it
                here.add_function_def(definition)
            # They remove the definitions when this object goes.
            self._functions = [
                AtomicFunction(definition.signature.name, here, function_type=None)
                for definition in definitions
            ]
        self._name = self._functions[0].name

    def __call__(self, *tensors):
        inputs = [*tensors, *self._captured]
        return context.context().call_function(self._name, inputs, 1)[0]


def _name(digest, number, place):
    return f"skconstrain_{digest}_{number}_{place}"


def _serialized(definitions):
    """Return bytes that are equal for functions which compute the same."""
    return FunctionDefLibrary(function=definitions).SerializeToString(deterministic=True)


def definitions_of(traced) -> list[FunctionDef]:
    """Return copies of the definitions of a function and of those it calls, named by places."""
    known = {d.signature.name: d for d in traced.graph.as_graph_def().library.function}
    found, names = [traced.function_def], {traced.function_def.signature.name}
    for definition in found:
        for function in _called(definition):
            if function.name in known and function.name not in names:
                names.add(function.name)
                found.append(known[function.name])
    copies = [FunctionDef.FromString(d.SerializeToString()) for d in found]
    for copy in copies:
        for node in copy.node_def:
            # Counted up as well; nobody asks for gradients of what is compiled.
            node.attr.pop("_gradient_op_type", None)
        _rename_signature(copy)
    _rename(copies, str)
    return copies


def _rename_signature(definition):
    """Name arguments and outputs of a function by their places: those of loops have counters."""
    names = {a.name: f"argument_{i}" for i, a in enumerate(definition.signature.input_arg)}
    for argument in definition.signature.input_arg:
        argument.name = names[argument.name]
    for node in definition.node_def:
        node.input[:] = [names.get(name, name) for name in node.input]
    outputs = definition.signature.output_arg
    values = [definition.ret.pop(output.name) for output in outputs]
    for i, (output, value) in enumerate(zip(outputs, values, strict=True)):
        output.name = f"output_{i}"
        definition.ret[output.name] = names.get(value, value)


def _rename(definitions, name_of):
    """Name definitions by their places, and change the calls of one by another."""
    names = {d.signature.name: name_of(place) for place, d in enumerate(definitions)}
    for definition in definitions:
        definition.signature.name = names[definition.signature.name]
        for function in _called(definition):
            function.name = names.get(function.name, function.name)


def _called(definition):
    """Yield what says which functions a function calls, in its order of operations."""
    for node in definition.node_def:
        for name in sorted(node.attr):
            value = node.attr[name]
            if value.HasField("func"):
                yield value.func
            yield from value.list.func
