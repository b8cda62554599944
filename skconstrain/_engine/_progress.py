"""Progress of a training on the screen."""

from contextlib import contextmanager

from skconstrain._progress import progress_bar


@contextmanager
def progress(verbose: int, epochs: int, first_epoch: int = 0):
    """Yield what is told of epochs: `report.epoch` and `report.steps`.

    `verbose` is 0 for nothing, 1 for a progress bar, 2 or more for a line an epoch.
    """
    if verbose > 1:
        yield _Lines(first_epoch + epochs)
        return
    with progress_bar(verbose == 1) as bar:
        yield _EpochsBar(bar, epochs, first_epoch)


class _EpochsBar:
    def __init__(self, bar, epochs, first_epoch):
        self._bar, self._first, self._n_done, self._losses = bar, first_epoch, 0, ""
        bar.begin("epochs", epochs)

    def epoch(self, epoch, losses):
        """Show a finished epoch; `losses` maps names to numbers."""
        self._n_done, self._losses = epoch - self._first + 1, _text(losses)
        self._bar.done(self._n_done)
        self._bar.note(self._losses)

    def steps(self, n_done, n_steps):
        """Show a part of an epoch whose rows come in chunks."""
        if n_done < n_steps:
            self._bar.reach(self._n_done + n_done / n_steps)
            self._bar.note(f"{self._losses} step {n_done}/{n_steps}".strip())


class _Lines:
    def __init__(self, last):
        self._last = last

    def epoch(self, epoch, losses):
        print(f"Epoch {epoch + 1}/{self._last}: {_text(losses)}")

    def steps(self, n_done, n_steps):
        """Show nothing: there is a line an epoch."""


def _text(losses):
    return ", ".join(f"{name}={value:.5g}" for name, value in losses.items())
