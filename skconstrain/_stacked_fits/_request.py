"""What a fit asks of a barrier: to be trained with others."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skconstrain._stacked_fits._barrier import Task

ALONE = "alone"


@dataclass(eq=False)
class Request:
    """One training that may be part of a stack.

    Attributes
    ----------
    key
        Requests of equal keys may share a stack.
    train_together
        ``train_together(requests)`` returns for each of some requests of the same key a result, an
        error, or `ALONE`.
    n_bytes
        Memory that the request needs in a stack.
    payload
        What `train_together` needs to know.
    width
        Requests of equal keys share a stack where their widths are similar, too.
    outcome
        The result, an error to raise, or `ALONE`: the fit trains by itself. None while it waits.
    task
        The task that asks.
    """

    key: Hashable
    train_together: Callable
    n_bytes: int
    payload: object
    width: int = 0
    outcome: object = None
    task: "Task | None" = None

    @property
    def is_wanted(self) -> bool:
        """Whether the parallel call of the task still waits for results."""
        return self.task.call.is_wanted
