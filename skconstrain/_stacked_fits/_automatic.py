"""Parallel calls whose fits train together though the user asked for nothing."""

from contextlib import nullcontext

import numpy as np
from joblib import effective_n_jobs
from sklearn.pipeline import Pipeline

from skconstrain._progress import Bar
from skconstrain._stacked_fits._backend import collected_call
from skconstrain._stacked_fits._barrier import (
    MAX_STACK_BYTES,
    MOST_FITS,
    Barrier,
    current_barrier,
)
from skconstrain._stacked_fits._parallel import CountingParallel

# Fits from which on a barrier of their own pays for a larger program. Of 500 x 20 with 100 units, 6
# take 1.1 times as long together as one by one, 1.5 times if they compile first; 11 take 0.7 times.
FEWEST_FITS = 8


def trains_in_stacks(estimator):
    """Whether `estimator` is a network of this package that gains, or a Pipeline that ends in one.

    The network says so itself, by a private method: its class is above this package.
    """
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    return getattr(estimator, "_trains_in_stacks", bool)()


def together_if_worthwhile(estimators, X, n_fits, n_jobs, bar=None):
    """Let the fits of the next parallel call train together, if these are networks and gain by it.

    Not where the user chose a number of jobs or a backend, where the rows take more memory than a
    stack may have, or where the fits are too few, unless a task that waits at a barrier starts
    them. Then the call is what it would be without.

    Parameters
    ----------
    estimators : list of estimators
        What is fitted.
    X : array-like of shape (n_samples, n_features)
        The rows, or most of them, that each fit reads.
    n_fits : int
        How many fits the call comes to, with those that its tasks start.
    n_jobs : int or None
        What the user asked for.
    bar : Bar or None
        Is told of the fits that are done.

    Returns
    -------
    context manager
    """
    most_fits = min(MOST_FITS, MAX_STACK_BYTES // max(_n_bytes(X), 1))
    barrier = current_barrier()
    are_enough = n_fits >= (FEWEST_FITS if barrier is None else 2)
    gain = are_enough and most_fits > 1 and all(map(trains_in_stacks, estimators))
    if not gain or effective_n_jobs(n_jobs) > 1:
        return nullcontext()
    return collected_call(barrier or Barrier(most_fits, bar=bar))


def run_fits(jobs, estimators, X, n_jobs, fits_per_job=1, bar=None, **settings):
    """Run jobs that fit one estimator each, networks among them together; return their results.

    `fits_per_job` is how many fits each of them comes to; `bar` is told of the jobs that are done;
    `settings` are those of :class:`joblib.Parallel`.
    """
    jobs, results = list(jobs), {}
    bar = Bar() if bar is None else bar
    kinds = [trains_in_stacks(estimator) for estimator in estimators]
    for kind in (True, False):
        places = [i for i in range(len(jobs)) if kinds[i] == kind]
        if not places:
            continue
        chosen = [estimators[i] for i in places]
        bar.go_on()
        with together_if_worthwhile(chosen, X, fits_per_job * len(places), n_jobs, bar):
            call = CountingParallel(bar, n_jobs=n_jobs, pre_dispatch="all", **settings)
            done = call(jobs[i] for i in places)
        results |= dict(zip(places, done, strict=True))
    return [results[i] for i in range(len(jobs))]


def _n_bytes(X):
    """Return the memory of rows in double precision; 0 of a list, which is small."""
    return 8 * int(np.prod(getattr(X, "shape", 0)))
