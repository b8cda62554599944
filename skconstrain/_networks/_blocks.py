"""Blocks of rows: predictions in a few threads, each of which has BLAS to itself."""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

import numpy as np
from joblib import effective_n_jobs
from threadpoolctl import ThreadpoolController

from skconstrain._lazy_rows import LazyRows
from skconstrain._progress import bar_of_long_work


def of_blocks(X, length: int, outputs: Callable, dtype) -> np.ndarray:
    """Return what `outputs` returns for blocks of rows, one below the other.

    Products of a block are so small that the threads of BLAS would mostly wait for each other, for
    milliseconds where other processes use the cores: blocks are shared among threads instead. The
    result does not depend on their number.

    Parameters
    ----------
    X : ndarray or LazyRows of shape (n_rows, n_features)
        Rows.
    length : int
        Rows of a block.
    outputs : callable
        Returns an array of shape (n_rows_of_a_block, ...) for a block.
    dtype : str
        Precision of the blocks and of what is returned.
    """
    starts = range(0, max(len(X), 1), length)

    def computed(start):
        # Values that overflow are saturated in the next step.
        with np.errstate(all="ignore"):
            return outputs(_rows(X, slice(start, start + length)).astype(dtype, copy=False))

    if len(starts) == 1:
        return computed(0).astype(dtype, copy=False)
    with _one_thread_of_blas() as n_threads:
        begun = time.monotonic()
        first = computed(0)
        seconds = time.monotonic() - begun
        found = np.empty((len(X), *first.shape[1:]), dtype)  # monotone networks return float64
        # Large rows are read in order, by one thread.
        n_threads = 1 if isinstance(X, LazyRows) else min(n_threads, len(starts))

        def fill(start):
            found[start : start + length] = first if start == 0 else computed(start)

        with bar_of_long_work(seconds * len(starts) / n_threads) as bar:
            bar.begin("rows", len(X))
            for start in _each_done(fill, starts, n_threads):
                bar.done(start + length)
    return found


def _each_done(call, items, n_threads):
    """Call with each item, in so many threads; yield the items, in order, when they are done."""
    if n_threads == 1:
        for item in items:
            call(item)
            yield item
        return
    with ThreadPoolExecutor(n_threads) as threads:
        for item, _ in zip(items, threads.map(call, items), strict=True):
            yield item


def _rows(X, rows):
    return X.load(rows) if isinstance(X, LazyRows) else X[rows]


class _Limit:
    """How many calls hold BLAS at one thread: the last one gives its threads back."""

    def __init__(self):
        self.lock, self.n_calls, self.limiter, self.n_threads = threading.Lock(), 0, None, 1


_limit = _Limit()
if hasattr(os, "register_at_fork"):  # a child has none of the calls that ran in its parent
    os.register_at_fork(after_in_child=_limit.__init__)


@cache
def _controller():
    return ThreadpoolController().select(user_api="blas")


@contextmanager
def _one_thread_of_blas():
    """Hold BLAS at one thread; return how many threads this process may use instead.

    A worker of joblib may use those that are its own, and where the user limits BLAS, by
    threadpoolctl or an environment variable, that holds here, too.
    """
    with _limit.lock:
        if _limit.n_calls == 0:
            threads = [library["num_threads"] for library in _controller().info()]
            _limit.n_threads = max(threads, default=1)
            _limit.limiter = _controller().limit(limits=1)
        _limit.n_calls += 1
    try:
        yield min(_limit.n_threads, effective_n_jobs(-1))
    finally:
        with _limit.lock:
            _limit.n_calls -= 1
            if _limit.n_calls == 0:
                _limit.limiter.restore_original_limits()
