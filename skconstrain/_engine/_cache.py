"""Which compiled program serves which key: bounded, locked, counted."""

import gc
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

# Programs that are dropped before their memory is freed: that takes some tenths of a second.
_DROPPED_AT_ONCE = 16


class CacheInfo(NamedTuple):
    """Counts of the cache of compiled programs, named as in :func:`functools.lru_cache`.

    `hits` and `misses` count requests, a miss being a compilation; `maxsize` and `currsize` count
    programs.
    """

    hits: int
    misses: int
    maxsize: int
    currsize: int


class ProgramCache:
    """Keep the most recently used programs, and lend each to one thread at a time.

    `release` is called after programs have been dropped.
    """

    def __init__(self, maxsize: int, release: Callable[[], None] = lambda: None):
        self._maxsize, self._release = maxsize, release
        self._n_dropped, self._process = 0, None
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._lock = threading.Lock()
        self._hits = self._misses = 0

    @contextmanager
    def lend(self, key: Hashable, build: Callable[[], Any]):
        """Yield the program of `key`, building it first where there is none.

        Other threads that ask for the same key wait. A thread that asks for a program which it
        already holds (a fit inside a callback of a fit) gets one of its own, which is not kept.
        """
        entry = self._entry(key)
        if entry.owner == threading.get_ident():
            yield build()
            return
        with entry.lock:
            entry.owner = threading.get_ident()
            try:
                if entry.program is None:
                    entry.program = build()
                yield entry.program
            finally:
                entry.owner = None

    def get(self, key: Hashable, build: Callable[[], Any]):
        """Return the program of `key` without lending it: for programs that hold no state."""
        entry = self._entry(key)
        with entry.lock:
            if entry.program is None:
                entry.program = build()
            return entry.program

    def check_process(self):
        """Raise ``RuntimeError`` where the process was forked from one that has built programs."""
        if self._process not in (None, os.getpid()):
            raise RuntimeError(
                "Networks cannot train in a process that was forked after its parent has trained "
                "some, because a fork has none of its threads and waits for them forever. Got "
                f"process {os.getpid()}, forked from {self._process}. Use joblib's backend 'loky', "
                "or multiprocessing.get_context('spawn')."
            )

    def _entry(self, key):
        self.check_process()
        self._process = os.getpid()
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                self._misses += 1
                entry = self._entries[key] = _Entry()
                if len(self._entries) > self._maxsize:
                    self._entries.popitem(last=False)
                    self._n_dropped += 1
            else:
                self._hits += 1
                self._entries.move_to_end(key)
            is_due = self._n_dropped >= _DROPPED_AT_ONCE
        if is_due:
            self._free()
        return entry

    def _free(self):
        """Free the memory of programs that were dropped."""
        self._n_dropped = 0
        gc.collect()  # programs and models hold each other
        self._release()

    def clear(self):
        """Forget all programs and counts; a program on loan lives until it is given back."""
        with self._lock:
            self._entries.clear()
            self._hits = self._misses = 0
        self._free()

    def info(self) -> CacheInfo:
        """Return counts of requests and programs."""
        with self._lock:
            return CacheInfo(self._hits, self._misses, self._maxsize, len(self._entries))


class _Entry:
    def __init__(self):
        self.program = None
        self.lock = threading.Lock()
        self.owner = None


def freeze(value) -> Hashable:
    """Turn a specification into a key: equal for equal settings, across clones and processes.

    Objects of Keras and of this package are compared by their configuration. Others, whose
    configuration may leave something out, are compared by identity.
    """
    if isinstance(value, str | bytes | bool | int | float | type | None):
        return type(value).__name__, value
    if isinstance(value, np.generic | np.ndarray):
        array = np.asarray(value)
        return "array", array.shape, array.dtype.str, array.tobytes()
    if isinstance(value, dict):
        return "dict", tuple(sorted((str(key), freeze(item)) for key, item in value.items()))
    if isinstance(value, list | tuple):
        return "sequence", tuple(freeze(item) for item in value)
    package = type(value).__module__.partition(".")[0]
    if package in ("keras", "skconstrain") and hasattr(value, "get_config"):
        # Keras' Huber keeps its delta in _fn_kwargs and leaves it out of its config.
        config = {
            **value.get_config(),
            "fn_kwargs": getattr(value, "_fn_kwargs", None),
            "name": None,
        }
        return type(value).__qualname__, freeze(config)
    if package == "skconstrain" and type(value).__hash__ is not object.__hash__:
        return value  # it says itself what it equals
    return "object", _Identity(value)


class _Identity:
    """Holds an object, so that its identity is not given to another one."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return isinstance(other, _Identity) and self.value is other.value

    def __hash__(self):
        return id(self.value)
