"""Fits of experts: on all rows, on parts of them, and out of fold."""

import numpy as np
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import cross_val_predict

from skconstrain._fit_tasks import current_task
from skconstrain._gated._expert_params import NO_PARAMS
from skconstrain._parallel import in_parallel
from skconstrain._sklearn_compat import safe_indexing


def fit_experts(estimators, X, y, params, *, n_jobs, verbose=0) -> list:
    """Fit a clone of each expert on all rows, in parallel, as a part of the current task.

    `params` is a dict of ExpertParams by name; an expert that is not in it has none.
    """
    names = [name for name, _ in estimators]
    jobs = [
        (name, estimator, X, y, params.get(name, NO_PARAMS).fit) for name, estimator in estimators
    ]
    parts, verbose = current_task().parts(names), _lines(verbose)
    return in_parallel(_fit_one, jobs, parts, n_jobs=n_jobs, prefer="threads", verbose=verbose)


def fit_parts(estimators, X, y, params, parts, *, n_jobs) -> list:
    """Fit a clone of each expert on its rows; on rows of one class, a constant.

    `parts` holds the positions of each expert's rows. An expert without rows is a constant, too:
    the most frequent class of all.
    """
    jobs = [
        (name, estimator, X, y, params.get(name, NO_PARAMS), rows)
        for (name, estimator), rows in zip(estimators, parts, strict=True)
    ]
    return in_parallel(_fit_part, jobs, n_jobs=n_jobs, prefer="threads")


def _lines(verbose):
    """Return what joblib is told: 1 shows a bar instead of its lines."""
    return verbose if verbose > 1 else 0


def out_of_fold_scores(experts, X, y, params, *, cv, n_jobs, verbose=0) -> np.ndarray:
    """Return scores of every row by clones that were fitted without it, shape (n_rows, L, C).

    Those of each expert are a part of the current task.
    """
    splits = list(cv.split(X, y))
    jobs = [
        (expert, X, y, params.get(expert.name, NO_PARAMS).asked, splits, n_jobs, verbose)
        for expert in experts
    ]
    parts = current_task().parts([expert.name for expert in experts])
    # One expert after the other: folds are what runs in parallel.
    return np.stack(in_parallel(_held_out, jobs, parts, n_jobs=1), axis=1)


def _held_out(*arguments):
    """Return scores of every row by clones of one expert that were fitted without it."""
    task = current_task()
    task.begin()
    scores = _scores_held_out(*arguments)
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


def _fit_one(name, estimator, X, y, params):
    try:
        return current_task().fit(clone(estimator), X, y, params)
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
