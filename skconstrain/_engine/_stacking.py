"""Fits that run in threads and meet: equal networks then train as one stack.

Each fit runs its own code, up to the point where it would train. There it waits until all others
that run have come as far, or have ended; one of the threads trains them all, and every fit goes on
with its own result. What cannot be stacked trains alone in its thread.
"""

import threading
from collections.abc import Callable, Hashable
from contextlib import contextmanager
from dataclasses import dataclass, field

_LOCAL = threading.local()

ALONE = "alone"


@dataclass(eq=False)
class Request:
    """One training that could be part of a stack.

    Attributes
    ----------
    key
        Requests of equal keys may share a stack.
    train_together
        ``train_together(requests)`` returns a result or an error for each of some requests of the
        same key.
    n_bytes
        Memory that the request needs in a stack.
    payload
        What `train_together` needs to know.
    outcome
        The result, an error to raise, or `ALONE`.
    """

    key: Hashable
    train_together: Callable
    n_bytes: int
    payload: object
    outcome: object = field(default=None)


class Meeting:
    """Where the threads of `capacity` simultaneous fits wait for each other.

    Parameters
    ----------
    capacity
        How many fits run at once at most.
    max_stack_bytes
        Memory of a stack: larger groups are trained one part after the other.
    """

    def __init__(self, capacity: int, max_stack_bytes: int):
        self._capacity, self._max_stack_bytes = capacity, max_stack_bytes
        self._change = threading.Condition()
        self._expected = self._started = self._finished = 0
        self._waiting: list[Request] = []
        self.stack_sizes: list[int] = []

    def expect(self, n_fits: int) -> None:
        """Announce fits, so that the first ones wait for the others."""
        with self._change:
            self._expected += n_fits

    @contextmanager
    def attended(self):
        """Let the fit of this thread take part."""
        with self._change:
            self._started += 1
        _LOCAL.meeting = self
        try:
            yield
        finally:
            _LOCAL.meeting = None
            with self._change:
                self._finished += 1
            self._train_if_complete()

    def train(self, request: Request):
        """Wait for the others; return the result, `ALONE`, or raise the error of this request."""
        with self._change:
            self._waiting.append(request)
        self._train_if_complete()
        with self._change:
            self._change.wait_for(lambda: request.outcome is not None)
        if isinstance(request.outcome, Exception):
            raise request.outcome
        return request.outcome

    def _train_if_complete(self):
        """Train all that wait, where nobody else is still to come."""
        with self._change:
            running = self._started - self._finished
            all_started = self._started >= self._expected or running >= self._capacity
            if not (self._waiting and all_started and len(self._waiting) == running):
                return
            requests, self._waiting = self._waiting, []
        for part in self._parts(requests):
            self._train_part(part)

    def _parts(self, requests):
        """Group equal requests, and cut the groups to the budget."""
        groups: dict[Hashable, list[Request]] = {}
        for request in requests:
            groups.setdefault(request.key, []).append(request)
        for group in groups.values():
            size = max(1, self._max_stack_bytes // max(request.n_bytes for request in group))
            n_parts = -(-len(group) // size)
            length = -(-len(group) // n_parts)
            yield from (group[i : i + length] for i in range(0, len(group), length))

    def _train_part(self, part):
        if len(part) == 1:
            outcomes = [ALONE]
        else:
            try:
                outcomes = part[0].train_together(part)
                self.stack_sizes.append(len(part))
            except Exception as error:  # belongs to every one of them
                outcomes = [error] * len(part)
        with self._change:
            for request, outcome in zip(part, outcomes, strict=True):
                request.outcome = outcome
            self._change.notify_all()


def current_meeting() -> Meeting | None:
    """Return the meeting that the fit of this thread attends, or None."""
    return getattr(_LOCAL, "meeting", None)
