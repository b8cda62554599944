"""Graphs on disk, beside what XLA has compiled of them: another process need not trace them."""

import hashlib
import os
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path

import keras
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.framework.function_pb2 import FunctionDef, FunctionDefLibrary

from skconstrain._compile_cache import folder_for_tensorflow
from skconstrain._engine._tensorflow._named_by_content import NamedByContent, definitions_of
from skconstrain._engine._tensorflow._tracing import traced

_PACKAGE = Path(__file__).parents[2]

# An attribute of the first function in a file: the places of what it captures.
_CAPTURED = "_skconstrain_captured"


def made_graph(function, arguments: list, jit_compile: bool, held: list, name: str | None):
    """Return `function` as a graph for arguments of these shapes.

    It is traced, unless the user keeps compiled programs on disk and a process has left its graph
    there: tracing is half of a first fit whose program XLA need not compile.

    Parameters
    ----------
    function
        Function of tensors that returns one tensor.
    arguments
        Shapes and types of its arguments.
    jit_compile
        Whether XLA compiles it.
    held
        Variables of Keras, and tensors, that it may capture; in an order that `name` stands for.
    name
        Stands for what it computes in every process. Without one it is not kept.
    """
    folder = folder_for_tensorflow()
    if folder is None:
        return traced(function, arguments, jit_compile)
    handles = [each.value.handle if isinstance(each, keras.Variable) else each for each in held]
    file = None if name is None else folder / f"{_digest(name)}.graph"
    if file is not None and (kept := _read(file)):
        definitions, places = kept
        return NamedByContent(definitions, [handles[place] for place in places])
    found = traced(function, arguments, jit_compile)
    definitions, captured = definitions_of(found), list(found.captured_inputs)
    place_of = {id(handle): place for place, handle in enumerate(handles)}
    places = [place_of.get(id(handle)) for handle in captured]
    # A tensor that a layer holds, such as a mask, is known in this process only.
    if file is not None and None not in places:
        _write(file, definitions, places)
    return NamedByContent(definitions, captured)


def _digest(name):
    """Return a digest of all that a graph depends on."""
    versions = tf.__version__, keras.__version__
    settings = keras.config.epsilon(), keras.config.floatx(), keras.config.dtype_policy().name
    return hashlib.sha256(repr((name, versions, settings, _code())).encode()).hexdigest()[:32]


@cache
def _code():
    """Return what changes with any file of the package: its version does not, for who edits it."""
    states = {str(file.relative_to(_PACKAGE)): file.stat() for file in _PACKAGE.rglob("*.py")}
    return sorted((file, state.st_size, state.st_mtime_ns) for file, state in states.items())


def _read(file):
    """Return the definitions in a file and the places of captures; None if there are none."""
    try:
        definitions = list(FunctionDefLibrary.FromString(file.read_bytes()).function)
    except (OSError, DecodeError):
        return None
    if not definitions:
        return None
    places = list(definitions[0].attr[_CAPTURED].list.i)
    del definitions[0].attr[_CAPTURED]
    return definitions, places


def _write(file, definitions: list[FunctionDef], places: list[int]):
    """Write a file that appears as a whole: other processes may be reading."""
    library = FunctionDefLibrary(function=definitions)
    library.function[0].attr[_CAPTURED].list.i[:] = places
    part = file.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
    # Where nothing can be written, XLA does without its files as well.
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(library.SerializeToString(deterministic=True))
        part.replace(file)
