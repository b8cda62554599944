"""Hostile calls of every estimator and function, and the grade of each error."""

import contextlib
import io
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field, replace

from tests.campaign.calls import calls_of
from tests.campaign.functions import function_calls
from tests.campaign.grading import ungraded_because
from tests.registry import ROWS


@dataclass
class CallReport:
    """Calls of each class, and errors that are not graded: of which class, and why."""

    calls: Counter = field(default_factory=Counter)
    ungraded: list[tuple[str, str]] = field(default_factory=list)


def all_calls():
    """Yield the class of each call, or "functions", and the call."""
    for row in ROWS:
        for call in calls_of(row):
            yield row.estimator.__name__, replace(call, name=f"{row.variant} {call.name}".strip())
    for call in function_calls():
        yield "functions", call


def run_calls(calls, *, seconds=float("inf")) -> CallReport:
    """Make the calls until time is up, and grade their errors."""
    report, end = CallReport(), time.monotonic() + seconds
    # Fits of one epoch warn that they are too short, those that prepare calls included.
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        for owner, call in calls:
            if time.monotonic() > end:
                break
            report.calls[owner] += 1
            fault = _fault(call)
            if fault:
                report.ungraded.append((owner, f"{owner}: {call.name}: {fault}"))
    return report


def _fault(call):
    """Return what is wrong with the outcome of a call, or None."""
    try:
        call.run()
    except Exception as error:  # whatever comes is graded
        told = f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
        if call.names is None:
            return f"refused, {told}"
        because = ungraded_because(error, call.names)
        return because and f"{because}, {told}"
    return None if call.names is None else "accepted silently"
