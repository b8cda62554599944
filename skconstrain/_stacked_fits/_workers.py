"""Workers outside this process: each gets groups of the tasks of a parallel call."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from joblib import delayed, effective_n_jobs
from joblib.parallel import get_active_backend

from skconstrain._stacked_fits._barrier import MOST_FITS, Barrier
from skconstrain._stacked_fits._parallel import CountingJoblibParallel


class Workers:
    """The workers of the active backend; each runs a group of tasks in threads at a barrier.

    Groups are sent by a parallel call of its own, so that the backend does whatever it does with
    arrays, lost workers and progress.

    Parameters
    ----------
    n_jobs : int or None
        What the user asked for.
    max_stack_bytes : int
        Memory of a stack, on each worker.
    bar : Bar
        Is told of the fits that are done, a group at a time.

    Attributes
    ----------
    n_jobs : int
        How many workers there are; 1 where tasks would stay in this process.
    stack_sizes : list of int
        How many networks each stack trained.
    """

    def __init__(self, n_jobs, max_stack_bytes, bar):
        self._bar = bar
        backend, _ = get_active_backend()
        self._asked, self._max_stack_bytes = n_jobs, max_stack_bytes
        is_here = getattr(backend, "uses_threads", False)
        self.n_jobs = 1 if is_here else effective_n_jobs(n_jobs)
        self.stack_sizes = []

    def run(self, batches):
        """Run batches of calls; return a list of results for each of them."""
        places = np.array_split(np.arange(len(batches)), self._n_groups(len(batches)))
        groups = [[batches[i].items for i in group] for group in places]
        settings = {"n_jobs": self._asked, "batch_size": 1, "pre_dispatch": "all"}
        self._bar.expect(len(batches))
        send = CountingJoblibParallel(self._bar, len(batches) / len(groups), **settings)
        done = send(_task_of(group, self._max_stack_bytes) for group in groups)
        self.stack_sizes += [size for _, sizes in done for size in sizes]
        return [results for found, _ in done for results in found]

    def _n_groups(self, n_batches):
        """As many for each worker, none with more fits than run at once."""
        rounds = -(-n_batches // (self.n_jobs * MOST_FITS))
        return min(n_batches, rounds * self.n_jobs)


@dataclass(frozen=True)
class _Place:
    """Stands for an array in the arguments of a call."""

    number: int


def _task_of(group, max_stack_bytes):
    """Return a group as a task of joblib.

    Arrays are arguments of their own: a backend recognises them, and sends each of them once.
    """
    arrays, places = [], {}

    def without(value):
        if not hasattr(value, "shape"):
            return value
        if id(value) not in places:
            places[id(value)] = _Place(len(arrays))
            arrays.append(value)
        return places[id(value)]

    packed = [[_replaced(call, without) for call in batch] for batch in group]
    return delayed(_run_group)(packed, max_stack_bytes, *arrays)


def _replaced(call, replacement):
    func, args, kwargs = call
    args = [replacement(value) for value in args]
    return func, args, {name: replacement(value) for name, value in kwargs.items()}


def _run_group(group, max_stack_bytes, *arrays):
    """Run the batches of a group; return their results, and the sizes of the stacks."""

    def restored(value):
        return arrays[value.number] if isinstance(value, _Place) else value

    barrier = Barrier(MOST_FITS, max_stack_bytes)
    batches = [[_replaced(call, restored) for call in batch] for batch in group]
    results = barrier.run([partial(_run_batch, batch) for batch in batches])
    return results, barrier.stack_sizes


def _run_batch(calls):
    return [func(*args, **kwargs) for func, args, kwargs in calls]
