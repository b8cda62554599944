"""Fits of a parallel call in groups: a worker elsewhere trains each group as stacks."""

from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs, parallel_config
from joblib.parallel import ParallelBackendBase, get_active_backend

from skconstrain._stacked_fits._meetings import MOST_FITS, make_meeting, meeting_fits


def n_workers(n_jobs):
    """Return how many workers outside this process the user gave to a call; 1 for none."""
    backend, _ = get_active_backend()
    return 1 if getattr(backend, "uses_threads", False) else effective_n_jobs(n_jobs)


class GroupingBackend(ParallelBackendBase):
    """Joblib backend that sends the tasks of a call in groups, through the backend of the user.

    All tasks must be dispatched at once. They are sent when the first result is asked for, by a
    parallel call of its own, so that the backend does whatever it does with arrays, lost workers
    and progress.

    Parameters
    ----------
    n_jobs : int or None
        What the user asked for.
    n_workers : int
        How many workers there are.
    max_stack_bytes : int
        Memory of a stack, on each worker.

    Attributes
    ----------
    stack_sizes : list of int
        How many networks each stack trained.
    """

    def __init__(self, n_jobs=None, n_workers=2, max_stack_bytes=None, **kwargs):
        super().__init__(**kwargs)
        self._n_jobs, self._n_workers = n_jobs, n_workers
        self._max_stack_bytes = max_stack_bytes
        self._jobs = []
        self.stack_sizes = []

    def effective_n_jobs(self, n_jobs):
        """Return the number of workers."""
        return self._n_workers

    def submit(self, func, callback=None):
        """Keep a batch of tasks for later."""
        self._jobs.append(_Job(self, func, callback))
        return self._jobs[-1]

    def apply_async(self, func, callback=None):
        """Keep a batch of tasks for later: the name of `submit` before joblib 1.5."""
        return self.submit(func, callback)

    def retrieve_result(self, out, timeout=None):
        """Return the results of a batch, after all were sent."""
        if self._jobs:
            self._send()
        out.callback(None)  # counts it as done
        return out.results

    def _send(self):
        jobs, self._jobs = self._jobs, []
        groups = np.array_split(np.arange(len(jobs)), self._n_groups(len(jobs)))
        calls = [[call for i in group for call in jobs[i].batch.items] for group in groups]
        send = Parallel(n_jobs=self._n_jobs, batch_size=1, pre_dispatch="all")
        done = send(_job_of(group, self._max_stack_bytes) for group in calls)
        results = iter([result for found, _ in done for result in found])
        for job in jobs:
            job.results = [next(results) for _ in job.batch.items]
        self.stack_sizes += [size for _, sizes in done for size in sizes]

    def _n_groups(self, n_fits):
        """As many for each worker, none with more fits than run at once."""
        rounds = -(-n_fits // (self._n_workers * MOST_FITS))
        return min(n_fits, rounds * self._n_workers)


@contextmanager
def grouped_fits(backend):
    """Let the next parallel call collect its tasks; yield joblib's configuration.

    It must be unregistered before the tasks are dispatched: the backend of the user sends them.
    """
    config = parallel_config(backend=backend, n_jobs=None, verbose=0)
    try:
        yield config
    finally:
        config.unregister()


@dataclass(eq=False)
class _Job:
    """A batch of tasks, and its results in their time."""

    backend: GroupingBackend
    batch: object
    callback: object
    results: list | None = None

    def get(self, timeout=None):
        """Return the results: what joblib before 1.5 asks for."""
        return self.backend.retrieve_result(self, timeout)


@dataclass(frozen=True)
class _Place:
    """Stands for an array in the arguments of a call."""

    number: int


def _job_of(calls, max_stack_bytes):
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

    packed = [_replaced(call, without) for call in calls]
    return delayed(_run_group)(packed, max_stack_bytes, *arrays)


def _replaced(call, replacement):
    func, args, kwargs = call
    args = [replacement(value) for value in args]
    return func, args, {name: replacement(value) for name, value in kwargs.items()}


def _run_group(calls, max_stack_bytes, *arrays):
    """Run the fits of a group at a meeting; return their results, and the sizes of its stacks."""

    def restored(value):
        return arrays[value.number] if isinstance(value, _Place) else value

    calls = [_replaced(call, restored) for call in calls]
    meeting = make_meeting(max_stack_bytes)
    with meeting_fits(meeting, len(calls)) as config:
        if config is None:
            results = [func(*args, **kwargs) for func, args, kwargs in calls]
        else:
            results = Parallel(pre_dispatch="all", verbose=0)(calls)
    return results, list(meeting.stack_sizes)
