"""Progress of a fit on the screen."""

import sys
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def progress(verbose: int, epochs: int, first_epoch: int = 0):
    """Yield a function ``report(epoch, losses)`` that shows a finished epoch.

    `verbose` is 0 for nothing, 1 for a progress bar, 2 or more for a line an epoch. `losses` maps
    names to numbers.
    """
    if verbose <= 0:
        yield lambda epoch, losses: None
    elif verbose == 1:
        columns = (
            TextColumn("epoch"),
            MofNCompleteColumn(),
            BarColumn(),
            TextColumn("{task.fields[losses]}"),
            TimeRemainingColumn(),
        )
        # To what sys.stdout is now: notebooks and tests replace it.
        with Progress(*columns, console=Console(file=sys.stdout)) as bar:
            task = bar.add_task("", total=epochs, losses="")
            yield lambda epoch, losses: bar.update(
                task, completed=epoch - first_epoch + 1, losses=_text(losses)
            )
    else:
        yield lambda epoch, losses: print(
            f"Epoch {epoch + 1}/{first_epoch + epochs}: {_text(losses)}"
        )


def _text(losses):
    return ", ".join(f"{name}={value:.5g}" for name, value in losses.items())
