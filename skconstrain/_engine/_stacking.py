"""Fits that run in threads and meet: equal networks then train as one stack.

Each fit runs its own code, up to the point where it would train. There it waits until all others
that run have come as far, or have ended; one of the threads trains them all, and every fit goes on
with its own result. What cannot be stacked trains alone in its thread. Fits that a fit starts may
attend the same meeting: while it waits for them, they take its place.
"""

import threading
from collections.abc import Callable, Hashable
from contextlib import contextmanager
from dataclasses import dataclass, field

from skconstrain._engine._stacked_program import NotStackableError

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
    fit
        The fit that asks.
    """

    key: Hashable
    train_together: Callable
    n_bytes: int
    payload: object
    outcome: object = field(default=None)
    fit: "Fit | None" = field(default=None)

    @property
    def is_wanted(self) -> bool:
        """Whether the call that the fit belongs to still waits for it."""
        return not self.fit.gathering.is_over


class Gathering:
    """Fits of one parallel call: how many run at once at most, will come, came and went.

    Parameters
    ----------
    meeting
        What they attend.
    capacity
        How many run at once at most.
    n_expected
        How many will come.
    parent
        The fit that starts them, if it attends the same meeting.
    """

    def __init__(self, meeting: "Meeting", capacity: int, n_expected: int, parent: "Fit | None"):
        self.meeting, self.capacity, self.n_expected = meeting, capacity, n_expected
        self.parent = parent
        self.n_announced = self.n_started = self.n_finished = 0
        self.is_closed = False

    def announce(self) -> "Fit":
        """Return the next fit, in the order of the calls: stacks keep it, so that they repeat."""
        self.n_announced += 1
        place = () if self.parent is None else self.parent.place
        return Fit(self, (*place, self.n_announced))

    @property
    def is_over(self) -> bool:
        """Whether the call has ended, or the one in which it was made."""
        return self.is_closed or (self.parent is not None and self.parent.gathering.is_over)

    @property
    def is_complete(self) -> bool:
        """Whether no other fit starts before one of those that run has ended."""
        running = self.n_started - self.n_finished
        return self.n_started >= self.n_expected or running >= self.capacity


@dataclass(eq=False)
class Fit:
    """A fit that takes part in a meeting; its place orders the members of a stack."""

    gathering: Gathering
    place: tuple[int, ...]

    @contextmanager
    def attends(self):
        """Let what this thread trains be trained at the meeting."""
        gathering, before = self.gathering, getattr(_LOCAL, "fit", None)
        gathering.meeting.enter(gathering)
        _LOCAL.fit = self
        try:
            yield
        finally:
            _LOCAL.fit = before
            gathering.meeting.leave(gathering)


class Meeting:
    """Where the threads of simultaneous fits wait for each other.

    Parameters
    ----------
    most_fits
        How many fits run at once at most.
    max_stack_bytes
        Memory of a stack: larger groups are trained one part after the other.
    """

    def __init__(self, most_fits: int, max_stack_bytes: int):
        self._most_fits, self._max_stack_bytes = most_fits, max_stack_bytes
        self._change = threading.Condition()
        self._gatherings: list[Gathering] = []
        self._n_running = 0
        self._waiting: list[Request] = []
        self.stack_sizes: list[int] = []

    @contextmanager
    def gathering(self, n_fits: int):
        """Open for the fits of a parallel call; yield their gathering, or None where few can run.

        A fit that attends and starts others does not run meanwhile: it waits for them.
        """
        parent = current_fit()
        if parent is not None and parent.gathering.meeting is not self:
            parent = None
        with self._change:
            free = self._most_fits - self._n_running + (parent is not None)
            gathering = Gathering(self, min(n_fits, free), n_fits, parent)
            if gathering.capacity > 1:
                self._gatherings.append(gathering)
                self._n_running -= parent is not None
        if gathering.capacity <= 1:
            yield None
            return
        try:
            yield gathering
        finally:
            self._close(gathering)

    def _close(self, gathering):
        """Take leave of fits that nobody waits for any more: a parallel call ended by an error."""
        with self._change:
            gathering.is_closed = True
            self._gatherings.remove(gathering)
            self._n_running += gathering.parent is not None
            left = [request for request in self._waiting if request.fit.gathering is gathering]
            self._waiting = [request for request in self._waiting if request not in left]
            for request in left:
                request.outcome = _abandoned()
            self._change.notify_all()

    def enter(self, gathering: Gathering) -> None:
        """Count a fit that starts."""
        with self._change:
            gathering.n_started += 1
            self._n_running += 1

    def leave(self, gathering: Gathering) -> None:
        """Count a fit that has ended; the others may have waited for it."""
        with self._change:
            gathering.n_finished += 1
            self._n_running -= 1
        self._train_if_complete()

    def train(self, request: Request):
        """Wait for the others; return the result, `ALONE`, or raise the error of this request."""
        request.fit = current_fit()
        with self._change:
            if not request.is_wanted:
                raise _abandoned()
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
            all_wait = self._waiting and len(self._waiting) == self._n_running
            if not (all_wait and all(gathering.is_complete for gathering in self._gatherings)):
                return
            requests, self._waiting = self._waiting, []
        requests.sort(key=lambda request: request.fit.place)
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
        if not any(request.is_wanted for request in part):
            outcomes = [_abandoned()] * len(part)
        elif len(part) == 1:
            outcomes = [ALONE]
        else:
            try:
                outcomes = part[0].train_together(part)
                self.stack_sizes.append(len(part))
            except NotStackableError:
                outcomes = [ALONE] * len(part)
            except Exception as error:  # belongs to every one of them
                outcomes = [error] * len(part)
        with self._change:
            for request, outcome in zip(part, outcomes, strict=True):
                request.outcome = outcome
            self._change.notify_all()


def _abandoned():
    return RuntimeError("The parallel call that this fit belongs to has ended.")


def current_fit() -> Fit | None:
    """Return the fit of this thread that attends a meeting, or None."""
    return getattr(_LOCAL, "fit", None)


def current_meeting() -> Meeting | None:
    """Return the meeting that the fit of this thread attends, or None."""
    fit = current_fit()
    return None if fit is None else fit.gathering.meeting
