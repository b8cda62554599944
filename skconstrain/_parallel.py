"""Parallel calls that tell the current progress bar and the callbacks of scikit-learn."""

from sklearn.utils.parallel import Parallel, delayed

from skconstrain._fit_tasks import NOT_TOLD
from skconstrain._progress import current_bar


def in_parallel(function, arguments, parts=None, **settings) -> list:
    """Call a function with each tuple of arguments, in parallel; return the results.

    The current bar counts the calls that are done, after those of the parallel call before.

    Parameters
    ----------
    function : callable
        What is called.
    arguments : list of tuple
        Its arguments.
    parts : list of FitTask, default=None
        The current task within each call; none is told of by default.
    **settings
        Those of :class:`joblib.Parallel`.
    """
    parts = [NOT_TOLD] * len(arguments) if parts is None else parts
    pairs = zip(parts, arguments, strict=True)
    call = _CountingParallel(**settings)
    return call(delayed(_run)(part, function, given) for part, given in pairs)


def _run(task, function, arguments):
    with task.as_current():
        return function(*arguments)


class _CountingParallel(Parallel):
    """A parallel call that tells a bar of its tasks, whatever backend runs them."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self._bar = current_bar()
        self._bar.go_on()

    def print_progress(self):
        """Show how many tasks are done: joblib calls this after each of them."""
        super().print_progress()
        self._bar.done(self.n_completed_tasks)
