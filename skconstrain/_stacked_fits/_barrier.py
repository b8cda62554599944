"""A barrier for fits in threads: equal networks that wait there train as one stack.

Each task of a parallel call runs its own code up to the point where it would train. There it waits
until all threads do; one of them trains every group of equal requests, and each task goes on with
its own result. The tasks of a nested call wait at the barrier of the task that makes it, whose
thread does not count meanwhile.
"""

import threading
import warnings
from collections.abc import Callable, Hashable
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Integral

from joblib.parallel import ThreadingBackend
from sklearn.utils.parallel import delayed

from skconstrain._progress import Bar
from skconstrain._stacked_fits._parallel import CountingParallel
from skconstrain._stacked_fits._request import ALONE, Request

MAX_STACK_BYTES = 2**28

# Fits that run at once: threads, most of which wait.
MOST_FITS = 256

# Networks of one stack are as wide as the widest: what is lost is less than another compilation.
_WIDER, _A_FEW = 1.25, 4

_LOCAL = threading.local()


@dataclass(eq=False)
class ParallelCall:
    """The tasks of one parallel call.

    Attributes
    ----------
    n_left
        How many have not ended.
    n_threads
        How many run at once.
    caller
        The task that makes the call, if it belongs to the same barrier.
    has_ended
        Whether all tasks have, or an error has ended the call.
    """

    n_left: int
    n_threads: int
    caller: "Task | None"
    has_ended: bool = False

    @property
    def is_wanted(self) -> bool:
        """Whether somebody still waits for the results."""
        return not self.has_ended and (self.caller is None or self.caller.call.is_wanted)

    @property
    def n_running(self) -> int:
        """Number of its threads; the caller's, which waits for them, is counted by another call."""
        return min(self.n_left, self.n_threads) - (self.caller is not None and self.n_left > 0)


@dataclass(eq=False)
class Task:
    """A task of a parallel call; its place orders the members of a stack, so that they repeat."""

    barrier: "Barrier"
    call: ParallelCall
    place: tuple[int, ...]


class Barrier:
    """Where the threads of one parallel call, and of the calls nested in it, wait for each other.

    Parameters
    ----------
    n_jobs : int
        How many tasks run at once at most.
    max_stack_bytes : int
        Memory of a stack: larger groups are trained one part after the other.
    bar : Bar or None
        Is told of the fits that are done; None shows nothing.

    Attributes
    ----------
    stack_sizes : list of int
        How many networks each stack trained.
    alone : context manager
        Where a fit trains by itself, one at a time: several at once would each compile a program.
    """

    def __init__(
        self,
        n_jobs: int = MOST_FITS,
        max_stack_bytes: int = MAX_STACK_BYTES,
        bar: Bar | None = None,
    ):
        if not (isinstance(max_stack_bytes, Integral) and max_stack_bytes > 0):
            raise ValueError(
                f"max_stack_bytes must be a positive integer. Got {max_stack_bytes!r}."
            )
        self.n_jobs, self._max_stack_bytes = n_jobs, max_stack_bytes
        self._change = threading.Condition()
        self._calls: list[ParallelCall] = []
        self._waiting: list[Request] = []
        self.stack_sizes: list[int] = []
        self._bar = Bar() if bar is None else bar
        # A callback may fit another network while it holds the lock.
        self.alone = threading.RLock()

    def run(self, functions: list[Callable]) -> list:
        """Run the tasks of a parallel call in threads; return their results in order."""
        # scikit-learn's tasks set the filters of warnings, which all threads share, and put back
        # what they found: maybe those of another task.
        with warnings.catch_warnings(), self._call(len(functions)) as call:
            place = () if call.caller is None else call.caller.place
            tasks = [Task(self, call, (*place, i)) for i in range(len(functions))]
            bar = self._bar if call.caller is None else Bar()
            bar.expect(len(functions))
            settings = {"backend": "threading", "pre_dispatch": "all"}
            # A batch of two tasks would be one thread that waits for itself.
            threads = CountingParallel(bar, n_jobs=call.n_threads, batch_size=1, **settings)
            return threads(map(delayed(self._run_task), tasks, functions))

    @contextmanager
    def _call(self, n_tasks):
        caller = _current_task()
        if caller is not None and caller.barrier is not self:
            caller = None
        with self._change:
            n_free = self.n_jobs - self._n_running + (caller is not None)
            # One, where joblib may not start threads.
            n_threads = ThreadingBackend().effective_n_jobs(max(1, min(n_tasks, n_free)))
            call = ParallelCall(n_tasks, n_threads, caller)
            self._calls.append(call)
        try:
            yield call
        finally:
            self._end(call)

    def _end(self, call):
        """End a call; where an error ended it, no fit of it waits any more."""
        with self._change:
            call.has_ended = True
            self._calls.remove(call)
            for request in [request for request in self._waiting if not request.is_wanted]:
                self._waiting.remove(request)
                request.outcome = _abandoned()
            self._change.notify_all()

    def _run_task(self, task, function):
        before, _LOCAL.task = _current_task(), task
        try:
            result = function()
        finally:
            _LOCAL.task = before
        # Not after an error, which ends the call: the others need no training.
        with self._change:
            task.call.n_left -= 1
        self._train_if_all_wait()
        return result

    def report(self, n_networks: int, epoch: int, epochs: int):
        """Show how far a stack is that trains now."""
        self._bar.note(f"{n_networks} networks: epoch {epoch}/{epochs}")
        # Each is a fit of a task, unless tasks make calls.
        if len(self._calls) == 1:
            self._bar.reach(sum(self.stack_sizes) + n_networks * epoch / epochs)

    def train(self, request: Request):
        """Wait for the others; return the result, `ALONE`, or raise the error of this request."""
        request.task = _current_task()
        with self._change:
            if not request.is_wanted:
                raise _abandoned()
            self._waiting.append(request)
        self._train_if_all_wait()
        with self._change:
            self._change.wait_for(lambda: request.outcome is not None)
        if isinstance(request.outcome, BaseException):
            raise request.outcome
        return request.outcome

    @property
    def _n_running(self):
        return sum(call.n_running for call in self._calls if call.is_wanted)

    def _train_if_all_wait(self):
        with self._change:
            if not self._waiting or len(self._waiting) < self._n_running:
                return
            requests, self._waiting = self._waiting, []
        requests.sort(key=lambda request: request.task.place)
        for group in self._groups(requests):
            self._train_group(group)

    def _groups(self, requests):
        """Group equal requests, and cut the groups to the memory of a stack."""
        equal: dict[Hashable, list[Request]] = {}
        for request in requests:
            equal.setdefault(request.key, []).append(request)
        groups = [part for group in equal.values() for part in _of_similar_width(group)]
        for group in groups:
            size = max(1, self._max_stack_bytes // max(request.n_bytes for request in group))
            n_parts = -(-len(group) // size)
            length = -(-len(group) // n_parts)
            yield from (group[i : i + length] for i in range(0, len(group), length))

    def _train_group(self, group):
        if not any(request.is_wanted for request in group):
            outcomes = [_abandoned()] * len(group)
        elif len(group) == 1:
            outcomes = [ALONE]
        else:
            try:
                outcomes = group[0].train_together(group)
            except Exception as error:  # belongs to every one of them
                outcomes = [error] * len(group)
            else:
                self.stack_sizes += [len(group)] if outcomes[0] is not ALONE else []
        with self._change:
            for request, outcome in zip(group, outcomes, strict=True):
                request.outcome = outcome
            self._change.notify_all()


def _of_similar_width(requests):
    """Cut requests into parts, none of which is more than a quarter wider than its narrowest."""
    parts = []
    for request in sorted(requests, key=lambda request: request.width):
        if not parts or request.width > _WIDER * parts[-1][0].width + _A_FEW:
            parts.append([])
        parts[-1].append(request)
    return parts


def _abandoned():
    return RuntimeError("The parallel call that this fit belongs to has ended.")


def _current_task() -> Task | None:
    return getattr(_LOCAL, "task", None)


def is_wanted() -> bool:
    """Whether somebody waits for the task that this thread runs; True outside of tasks."""
    task = _current_task()
    return task is None or task.call.is_wanted


def current_barrier() -> Barrier | None:
    """Return the barrier of the task that this thread runs, or None."""
    task = _current_task()
    return None if task is None else task.barrier
