"""Where the CPU seconds of fits go: what trains and validates is timed from outside."""

import time
from collections import defaultdict
from contextlib import ExitStack
from functools import wraps
from unittest.mock import patch

PARTS = ["import", "tracing", "compiling", "steps", "validation", "out of fold", "others"]


def parts_of_fits(fits):
    """Return for each of some fits, in the order of their calls, its CPU seconds by part.

    Compiling is what the first call of a program takes longer than the others. The import of
    TensorFlow and Keras counts for the first fit.
    """
    before = time.process_time()
    watched = _watched()
    imported, found = time.process_time() - before, []
    for fit in fits:
        calls = defaultdict(list)
        with ExitStack() as patches:
            for part, owner, name in watched:
                timed = _timed(getattr(owner, name), calls[part])
                patches.enter_context(patch.object(owner, name, timed))
            before = time.process_time()
            fit()
            total = time.process_time() - before
        found.append(_by_part(calls, total, 0.0 if found else imported))
    return found


def _watched():
    """Return the functions that are timed, with their part."""
    from skconstrain._base._estimator import NetEstimator
    from skconstrain._engine._lending import BACKEND
    from skconstrain._engine._train import _Loop
    from skconstrain._keras_wrapper import NetWrapper

    return [
        ("tracing", NetWrapper, "build"),
        ("tracing", BACKEND.program, "__init__"),
        ("steps", BACKEND.program, "run"),
        ("steps", BACKEND.program, "run_epochs"),
        ("validation", _Loop, "_validated"),
        ("out of fold", NetEstimator, "_record_folds"),
    ]


def _timed(function, seconds):
    @wraps(function)
    def timed(*args, **kwargs):
        before = time.process_time()
        result = function(*args, **kwargs)
        seconds.append(time.process_time() - before)
        return result

    return timed


def _by_part(calls, total, imported):
    first, *others = calls["steps"]
    compiling = max(0.0, first - max(others, default=first))
    seconds = {part: sum(calls[part]) for part in PARTS}
    seconds["steps"] -= compiling
    seconds |= {"import": imported, "compiling": compiling}
    inside = sum(seconds[part] for part in PARTS[1:])
    return [seconds[part] for part in PARTS[:-1]] + [total - inside]
