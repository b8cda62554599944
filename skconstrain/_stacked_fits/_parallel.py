"""Parallel calls whose progress is shown."""

import joblib
from sklearn.utils.parallel import Parallel

from skconstrain._progress import Bar


class _Counting:
    """Tells a bar how many tasks of a parallel call are done, whatever backend runs them.

    Parameters
    ----------
    bar : Bar
        Is told.
    weight : float, default=1.0
        For how many pieces of work a task counts.
    **settings
        Those of :class:`joblib.Parallel`.
    """

    def __init__(self, bar: Bar, weight: float = 1.0, **settings):
        super().__init__(**settings)
        self._bar, self._weight = bar, weight

    def print_progress(self):
        """Show how many tasks are done: joblib calls this after each of them."""
        super().print_progress()
        self._bar.done(self._weight * self.n_completed_tasks)


class CountingParallel(_Counting, Parallel):
    """A counting call of scikit-learn, whose tasks are made by its `delayed`."""


class CountingJoblibParallel(_Counting, joblib.Parallel):
    """A counting call of joblib, whose tasks are made by its `delayed`."""
