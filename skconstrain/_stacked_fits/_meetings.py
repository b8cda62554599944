"""Fits of a parallel call that meet where they train, and then train as stacks."""

import warnings
from contextlib import contextmanager
from numbers import Integral

import numpy as np
from joblib import effective_n_jobs, parallel_config
from joblib.parallel import ThreadingBackend
from sklearn.pipeline import Pipeline
from sklearn.utils.parallel import Parallel

from skconstrain._base._estimator import NetEstimator

MAX_STACK_BYTES = 2**28

# Fits that run at once: threads, most of which wait.
MOST_FITS = 256


# Fits from which on a meeting of their own pays for a larger program. Of 500 x 20 with 100 units, 6
# take 1.1 times as long together as one by one, 1.5 times if they compile first; 11 take 0.7 times.
FEWEST_FITS = 8


class _MeetingBackend(ThreadingBackend):
    """Joblib's threads, whose tasks attend a meeting."""

    def __init__(self, gathering=None, **kwargs):
        super().__init__(**kwargs)
        self._gathering = gathering

    def submit(self, func, callback=None):
        """Run `func` in a thread."""
        return super().submit(self._attending(func), callback)

    def apply_async(self, func, callback=None):
        """Run `func` in a thread: the name of `submit` before joblib 1.5."""
        return super().apply_async(self._attending(func), callback)

    def compute_batch_size(self):
        """Give every fit a thread of its own: two of one thread would wait for each other."""
        return 1

    def _attending(self, func):
        if isinstance(func, _Attending):
            return func
        return _Attending(func, self._gathering.announce())


class _Attending:
    """A task that attends a meeting while it runs."""

    def __init__(self, func, fit):
        self.func, self.fit = func, fit

    def __call__(self, *args, **kwargs):
        with self.fit.attends():
            return self.func(*args, **kwargs)


def make_meeting(max_stack_bytes=MAX_STACK_BYTES, most_fits=MOST_FITS):
    """Return a meeting; it has no threads of its own."""
    # Not above: importing this module costs no TensorFlow.
    from skconstrain._engine import Meeting

    if not (isinstance(max_stack_bytes, Integral) and max_stack_bytes > 0):
        raise ValueError(f"max_stack_bytes must be a positive integer. Got {max_stack_bytes!r}.")
    return Meeting(most_fits, max_stack_bytes)


@contextmanager
def meeting_fits(meeting, n_fits):
    """Let the fits of one parallel call of ``n_jobs=None`` meet; yield joblib's configuration.

    The configuration may be unregistered before the end: it serves calls that were made before.
    """
    # scikit-learn's tasks set the filters of warnings, which all threads share, and put back what
    # they found: maybe those of another task.
    with warnings.catch_warnings(), meeting.gathering(n_fits) as gathering:
        if gathering is None:
            yield None
            return
        config = parallel_config(backend=_MeetingBackend(gathering), n_jobs=gathering.capacity)
        try:
            yield config
        finally:
            config.unregister()


def gains_by_meeting(estimator):
    """Whether `estimator` is a network of this package, or a Pipeline that ends in one.

    Not one that prints or calls back: these come in the order of ordinary fits.
    """
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    return isinstance(estimator, NetEstimator) and not (estimator.callbacks or estimator.verbose)


@contextmanager
def let_meet(estimators, X, n_fits, n_jobs, n_inner=1):
    """Let the fits of the next parallel call meet, if these are networks and nothing is in the way.

    What is in the way: a number of jobs or a backend that the user chose; rows of which a stack
    would hold more than its memory; too few fits, unless they are started by one that attends a
    meeting. Then the call is what it would be without.

    Parameters
    ----------
    estimators : list of estimators
        What is fitted.
    X : array-like of shape (n_samples, n_features)
        The rows, or most of them, that each fit reads.
    n_fits : int
        How many fits the call has.
    n_jobs : int or None
        What the user asked for.
    n_inner : int, default=1
        How many fits each of them starts, which meet as well.

    Yields
    ------
    n_jobs : int or None
        What the call is to be given.
    """
    most_fits = min(MOST_FITS, MAX_STACK_BYTES // max(_n_bytes(X), 1))
    worth_it = n_fits > 1 and most_fits > 1 and all(map(gains_by_meeting, estimators))
    if not worth_it or effective_n_jobs(n_jobs) > 1:
        yield n_jobs
        return
    from skconstrain._engine import current_meeting

    meeting = current_meeting()
    if meeting is None and n_fits * n_inner < FEWEST_FITS:
        yield n_jobs
        return
    meeting = meeting or make_meeting(most_fits=most_fits)
    with meeting_fits(meeting, n_fits) as config:
        yield n_jobs if config is None else None


def run_fits(jobs, estimators, X, n_jobs, n_inner=1, **settings):
    """Run jobs that fit one estimator each, networks among them together; return their results.

    `n_inner` is how many fits each of them starts, if they do; `settings` are those of
    :class:`joblib.Parallel` for all jobs.
    """
    jobs, results = list(jobs), {}
    gains = [gains_by_meeting(estimator) for estimator in estimators]
    for kind in (True, False):
        places = [i for i, gain in enumerate(gains) if gain == kind]
        if not places:
            continue
        chosen = [estimators[i] for i in places]
        with let_meet(chosen, X, len(places), n_jobs, n_inner) as n_given:
            done = Parallel(n_jobs=n_given, **settings)(jobs[i] for i in places)
        results |= dict(zip(places, done, strict=True))
    return [results[i] for i in range(len(jobs))]


def _n_bytes(X):
    """Return the memory of rows in double precision; 0 of a list, which is small."""
    return 8 * int(np.prod(getattr(X, "shape", 0)))
