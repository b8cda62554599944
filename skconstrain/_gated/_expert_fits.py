"""Fits of experts: on all rows, on parts of them, and out of fold."""

import numpy as np
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import cross_val_predict
from sklearn.utils.parallel import delayed

from skconstrain._fit_tasks import NOT_TOLD
from skconstrain._gated._expert_params import NO_PARAMS
from skconstrain._progress import Bar, CountingParallel
from skconstrain._sklearn_compat import safe_indexing


def fit_experts(estimators, X, y, params, *, n_jobs, verbose=0, task=NOT_TOLD, bar=None) -> list:
    """Fit a clone of each expert on all rows, in parallel.

    `params` is a dict of ExpertParams by name; an expert that is not in it has none. Each fit is a
    part of `task`, which callbacks are told of; so is `bar`.
    """
    parts = [task.subtask(name, number=i) for i, (name, _) in enumerate(estimators)]
    jobs = (
        delayed(_fit_one)(name, estimator, X, y, params.get(name, NO_PARAMS).fit, part)
        for (name, estimator), part in zip(estimators, parts, strict=True)
    )
    return _in_parallel(jobs, n_jobs, bar, verbose=_lines(verbose))


def fit_parts(estimators, X, y, params, parts, *, n_jobs, bar=None) -> list:
    """Fit a clone of each expert on its rows; on rows of one class, a constant.

    `parts` holds the positions of each expert's rows. An expert without rows is a constant, too:
    the most frequent class of all. `bar` is told of each fit.
    """
    jobs = (
        delayed(_fit_part)(name, estimator, X, y, params.get(name, NO_PARAMS), rows)
        for (name, estimator), rows in zip(estimators, parts, strict=True)
    )
    return _in_parallel(jobs, n_jobs, bar)


def _in_parallel(jobs, n_jobs, bar, **settings):
    bar = Bar() if bar is None else bar
    bar.go_on()
    return CountingParallel(bar, n_jobs=n_jobs, prefer="threads", **settings)(jobs)


def _lines(verbose):
    """Return what joblib is told: 1 shows a bar instead of its lines."""
    return verbose if verbose > 1 else 0


def out_of_fold_scores(
    experts, X, y, params, *, cv, n_jobs, verbose=0, task=NOT_TOLD, bar=None
) -> np.ndarray:
    """Return scores of every row by clones that were fitted without it, shape (n_rows, L, C).

    Those of each expert are a part of `task`, which callbacks are told of; so is `bar`.
    """
    splits = list(cv.split(X, y))
    parts = [task.subtask(expert.name, number=i) for i, expert in enumerate(experts)]
    jobs = (
        delayed(_held_out)(
            expert, X, y, params.get(expert.name, NO_PARAMS).asked, splits, n_jobs, verbose, part
        )
        for expert, part in zip(experts, parts, strict=True)
    )
    # One expert after the other: folds are what runs in parallel.
    return np.stack(_in_parallel(jobs, 1, bar), axis=1)


def _held_out(expert, X, y, params, splits, n_jobs, verbose, task):
    """Return scores of every row by clones of one expert that were fitted without it."""
    task.begin()
    scores = _scores_held_out(expert, X, y, params, splits, n_jobs, verbose)
    task.end()
    return scores


def _scores_held_out(expert, X, y, params, splits, n_jobs, verbose):
    if isinstance(expert.estimator, FrozenEstimator):
        return expert.scores(X)
    try:
        given = cross_val_predict(
            expert.estimator,
            X,
            y,
            cv=splits,
            n_jobs=n_jobs,
            method=expert.response,
            params=params,
            verbose=_lines(verbose),
        )
    except Exception as error:
        _note_failure(error, expert.name)
        raise
    return expert.columns(given)


def _fit_one(name, estimator, X, y, params, task=NOT_TOLD):
    try:
        return task.fit(clone(estimator), X, y, params)
    except Exception as error:
        _note_failure(error, name)
        raise


def _fit_part(name, estimator, X, y, params, rows):
    labels = y[rows]
    if len(rows) == 0:
        classes, counts = np.unique(y, return_counts=True)
        labels = classes[[np.argmax(counts)]]
    if (labels == labels[0]).all():
        return DummyClassifier(strategy="prior").fit(safe_indexing(X, [0]), labels[:1])
    return _fit_one(name, estimator, safe_indexing(X, rows), labels, params.of_rows(X, rows))


def _note_failure(error, name):
    # The error stays what it is, as in StackingClassifier: callers may wait for its type.
    error.add_note(f"Expert {name!r} failed to fit.")
