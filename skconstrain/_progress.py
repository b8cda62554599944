"""Progress on the screen: what is done of what, where somebody looks at it."""

import sys
import threading
from contextlib import contextmanager
from contextvars import ContextVar

# Two bars on one screen would write over each other: fits inside of what is shown show none.
_SHOWN = threading.Lock()


class Bar:
    """Takes notes of work that is done; this one shows nothing."""

    def begin(self, what: str, total: int) -> None:
        """Begin some work of `total` pieces."""

    def go_on(self) -> None:
        """Count the pieces to come after those that are done."""

    def done(self, n: int) -> None:
        """Say how many pieces are done; fewer than before are ignored."""

    def reach(self, n: float) -> None:
        """Set the progress in pieces, fractions included."""

    def note(self, text: str) -> None:
        """Say something about the work."""


class _ShownBar(Bar):
    """Shows a bar for each kind of work, one below the other."""

    def __init__(self, shown):
        self._shown, self._lock = shown, threading.Lock()

    def begin(self, what, total):
        self._total = total
        self._first = self._n_done = self._reached = 0
        self._task = self._shown.add_task(what, total=total, count=self._count, note="")

    def go_on(self):
        self._first = self._n_done

    def done(self, n):
        with self._lock:
            self._n_done = max(self._n_done, min(self._first + int(n), self._total))
            self._shown.update(self._task, count=self._count)
        self.reach(n)

    def reach(self, n):
        with self._lock:
            self._reached = max(self._reached, min(self._first + n, self._total))
            self._shown.update(self._task, completed=self._reached)

    @property
    def _count(self):
        return f"{self._n_done}/{self._total}"

    def note(self, text):
        self._shown.update(self._task, note=text)


_SILENT = Bar()
_BAR = ContextVar("the bar that is told of work", default=_SILENT)
_SHOWS_LONG_WORK = ContextVar("whether work of seconds shows a bar", default=False)
# Work that takes less time than this shows none.
_SECONDS_OF_LONG_WORK = 3


def current_bar() -> Bar:
    """Return the bar of the innermost `progress_bar` around; one that shows nothing without."""
    return _BAR.get()


@contextmanager
def progress_bar(is_wanted: bool):
    """Yield a `Bar`, which is shown in a terminal or a notebook, and where no other one is.

    It is the current one inside, in this thread.
    """
    with _shown_bar(is_wanted) as bar:
        token = _BAR.set(bar)
        try:
            yield bar
        finally:
            _BAR.reset(token)


@contextmanager
def long_work_shown(is_wanted: bool):
    """Let `bar_of_long_work` show bars inside, in this thread."""
    token = _SHOWS_LONG_WORK.set(bool(is_wanted))
    try:
        yield
    finally:
        _SHOWS_LONG_WORK.reset(token)


def bar_of_long_work(seconds: float):
    """Return a `progress_bar` that is shown if the work will take some seconds."""
    return progress_bar(_SHOWS_LONG_WORK.get() and seconds > _SECONDS_OF_LONG_WORK)


@contextmanager
def _shown_bar(is_wanted):
    if not is_wanted:
        yield Bar()
        return
    from rich.console import Console

    console = Console(file=sys.stdout)  # what it is now: notebooks and tests replace it
    is_seen = console.is_terminal or console.is_jupyter
    if not (is_seen and _SHOWN.acquire(blocking=False)):
        yield Bar()
        return
    try:
        with _rich_progress(console) as shown:
            yield _ShownBar(shown)
    finally:
        _SHOWN.release()


def _rich_progress(console):
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        TextColumn("{task.fields[count]}"),
        BarColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
        console=console,
    )
