"""Fits of a classifier, and its scores of rows that it has not seen."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from skconstrain._fit_tasks import current_task
from skconstrain._parallel import in_parallel
from skconstrain._progress import current_bar
from skconstrain._thresholds._folds import label_folds
from skconstrain._thresholds._scores import fit_and_score, label_scores, response_method


@dataclass(frozen=True, kw_only=True)
class OutOfFold:
    """How a classifier is fitted, and rows are scored out of fold.

    Attributes
    ----------
    estimator, response_method, cv, refit, n_jobs, random_state
        Parameters of `TunedThresholdMultiLabelClassifierCV`.
    """

    estimator: BaseEstimator
    response_method: str
    cv: Any
    refit: bool
    n_jobs: int | None
    random_state: Any

    def fit(self, X, target, fit_params, split_params):
        """Return the fitted classifier, and its out-of-fold scores; fits are parts of a task.

        Returns
        -------
        classifier
        by_split : list of (ndarray, ndarray, ndarray of bool)
            For every split the rows held out, their scores, and the labels with a positive that
            was trained on.
        """
        if self.cv == "prefit":
            method = response_method(self.estimator, self.response_method)
            scores = label_scores(self.estimator, X, method, target.n_labels)
            return self.estimator, [(np.arange(len(target.positive)), scores, True)]
        whole = None
        if self._may_have_folds():
            bar, task = current_bar(), current_task().subtask("fit")
            bar.begin("fits", 1)
            whole = task.fit(clone(self.estimator), X, target.y, fit_params)
            bar.done(1)
            if hasattr(whole, "oof_prediction_"):
                return whole, _of_own_folds(whole, target)
        splits = self._splits(X, target, split_params)
        refit = self.refit and whole is None
        fitted, scores = self._fit_all(X, target, splits, refit, fit_params)
        by_split = [
            (test, score, target.positive[train].any(axis=0))
            for (train, test), score in zip(splits, scores, strict=True)
        ]
        return (fitted if whole is None else whole), by_split

    def _may_have_folds(self):
        """Whether one fit of `estimator` may give the out-of-fold scores that are wanted."""
        return (
            self.cv is None
            and self.refit
            and self.response_method != "decision_function"
            and getattr(self.estimator, "_n_networks", 1) > 1
        )

    def _splits(self, X, target, split_params):
        options = {"random_state": self.random_state, "params": split_params}
        splits = label_folds(self.cv, X, target, **options)
        if not self.refit and len(splits) > 1:
            raise ValueError(
                f"refit=False needs a single split. Got {len(splits)} from cv={self.cv!r}. "
                "Use refit=True, or a float."
            )
        return splits

    def _fit_all(self, X, target, splits, refit, fit_params):
        """Fit on every training part, and on all rows if `refit`.

        Return the last classifier, if it is kept, and the scores of the rows held out.
        """
        rows = [*splits, (np.arange(len(target.positive)), None)] if refit else splits
        task = current_task()
        folds = task.subtask("out-of-fold", len(splits), in_order=False)
        parts = folds.parts(["fold"] * len(splits)) + [task.subtask("fit")] * refit
        folds.begin(X=X, y=target.y)
        current_bar().begin("fits", len(rows))
        settings = {"wanted": self.response_method, "n_labels": target.n_labels}
        fit = partial(fit_and_score, **settings, keep=not self.refit)
        jobs = [(clone(self.estimator), X, target.y, *pair, fit_params) for pair in rows]
        done = in_parallel(fit, jobs, parts, n_jobs=self.n_jobs)
        folds.end(X=X, y=target.y)
        return done[-1][0], [scores for _, scores in done[: len(splits)]]


def check_prefit(estimator, target):
    """Refuse a classifier that is not fitted, or with other classes."""
    try:
        check_is_fitted(estimator)
    except NotFittedError as error:
        raise NotFittedError(
            "cv='prefit' needs a fitted estimator. "
            f"Got an unfitted {type(estimator).__name__}. Fit it, or use another cv."
        ) from error
    known = getattr(estimator, "classes_", None)
    if target.n_labels is None and not np.array_equal(known, target.classes):
        raise ValueError(
            f"cv='prefit' needs y with the classes that estimator was fitted with, {known}. "
            f"Got {target.classes}."
        )


def _of_own_folds(fitted, target):
    """Return what each fold has held out that a fitted classifier has stopped its networks on."""
    scores, folds = fitted.oof_prediction_, fitted._oof_folds
    scores = scores[:, 1:] if target.n_labels is None else scores
    used, by_split = folds >= 0, []
    for k in np.unique(folds[used]):
        held_out = np.flatnonzero(folds == k)
        trained = target.positive[used & (folds != k)].any(axis=0)
        by_split.append((held_out, scores[held_out], trained))
    return by_split
