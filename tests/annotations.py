"""The annotation that follows from a type in a docstring."""

import inspect
import re
from collections.abc import Callable, Sequence
from functools import reduce
from operator import or_
from typing import Any

from numpy.typing import ArrayLike
from numpydoc.docscrape import ClassDoc, FunctionDoc

WORDS = {
    **{kind.__name__: kind for kind in (int, float, bool, str, dict, list, tuple)},
    "None": None,
    "numeric": float,
    "callable": Callable,
    "scorer": Callable,
    "array-like": ArrayLike,
    "sequence": Sequence,
}


def annotation(text):
    """Return ``int | str`` for ``'int or "auto", default="auto"'``."""
    text = re.sub(r", default=.*", "", text)
    text = re.sub(r"\{.*\}", "str", re.sub(r"\([^)]*\)", "", text))
    kinds = re.split(r" or |, ", re.sub(r'"[^"]*"', "str", text))
    return reduce(or_, [WORDS.get(kind.split()[0], Any) for kind in kinds])


def functions(item):
    """Yield the public functions of a class or function, each with its documented types."""
    if not inspect.isclass(item):
        yield item, FunctionDoc(item)
        return
    if "__init__" in vars(item):
        yield item.__init__, ClassDoc(item)
    for kind in item.__mro__:
        for name, member in vars(kind).items() if kind.__module__.startswith("skconstrain") else ():
            function = getattr(member, "__func__", member)
            if inspect.isfunction(function) and not name.startswith("_"):
                yield function, FunctionDoc(function)


def needed(item):
    """Yield function, parameter and annotation wherever a default is of one of several types.

    pyright takes the type of the default for that of the parameter.
    """
    for function, doc in functions(item):
        types = {name: entry.type for entry in doc["Parameters"] for name in entry.name.split(", ")}
        for name, parameter in inspect.signature(function).parameters.items():
            default = parameter.default
            if default is not None and default is not parameter.empty and name in types:
                wanted = annotation(types[name])
                if wanted is not type(default):
                    yield function, name, wanted
