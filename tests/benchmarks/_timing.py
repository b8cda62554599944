"""Timing side by side, for all benchmarks: interleaved repeats, medians, tables, JSON."""

import gc
import importlib.metadata
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Contestant:
    """Something to time.

    Attributes
    ----------
    name
        How tables call it.
    run
        The timed work, with all that its user would have to do again for another data set.
    forget
        Called, untimed, before the cold run: drops what an earlier run may have compiled.
    """

    name: str
    run: Callable[[], Any]
    forget: Callable[[], None] | None = None


@dataclass
class Timing:
    """Seconds of one contestant: the first run, and those after it.

    `result` is what the first run returned.
    """

    name: str
    cold: float
    result: Any
    warm: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Median of the warm runs."""
        return statistics.median(self.warm)


def race(contestants: list[Contestant], repeats: int) -> list[Timing]:
    """Time every contestant once cold, then `repeats` times warm.

    Warm runs are interleaved, and every second round runs in the opposite order: what disturbs the
    machine for a while, or what a contestant leaves behind for the next one, hits all of them.
    """
    timings = []
    for contestant in contestants:
        if contestant.forget is not None:
            contestant.forget()
        timings.append(Timing(contestant.name, *_timed(contestant, "cold")))
    pairs = list(zip(contestants, timings, strict=True))
    for i in range(repeats):
        for contestant, timing in pairs if i % 2 else reversed(pairs):
            timing.warm.append(_timed(contestant, f"warm {i + 1}/{repeats}")[0])
    return timings


def _timed(contestant, label):
    gc.collect()  # not at another contestant's expense
    start = time.perf_counter()
    result = contestant.run()
    seconds = time.perf_counter() - start
    progress(f"  {label:9} {contestant.name:28} {seconds:8.3f} s")
    return seconds, result


def matmul_rate(size: int = 2048, repeats: int = 7) -> float:
    """Return the machine's float32 matrix-product rate in FLOP/s: the best of several."""
    a = np.random.default_rng(0).standard_normal((size, size), dtype=np.float32)
    out = np.empty_like(a)
    np.matmul(a, a, out=out)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        np.matmul(a, a, out=out)
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds)


def versions(*distributions: str) -> dict[str, str]:
    """Return the versions of those of `distributions` that are installed."""
    found = {}
    for name in distributions:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """Return what tells machines apart, without naming this one."""
    return {
        "architecture": platform.machine(),
        "system": platform.system(),
        "cores": _usable_cores(),
        "python": platform.python_version(),
    }


def _usable_cores():
    if hasattr(os, "sched_getaffinity"):  # Linux: fewer where the process is pinned
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def format_table(header: list[str], rows: list[list[str]]) -> str:
    """Return text in columns, the first one left-aligned."""
    lines = [header, *rows]
    first, *others = (max(map(len, column)) for column in zip(*lines, strict=True))
    return "\n".join(
        "  ".join([line[0].ljust(first), *map(str.rjust, line[1:], others)]) for line in lines
    )


def write_json(file: str | os.PathLike, data: dict) -> None:
    """Write `data` to `file`, for machines to read."""
    Path(file).write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


def progress(message: str) -> None:
    """Tell the person who waits, on stderr."""
    print(message, file=sys.stderr, flush=True)
