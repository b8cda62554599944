"""Searches that train many small networks as one program."""

import inspect
import threading

import joblib
import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone, is_classifier
from sklearn.model_selection import (
    GridSearchCV,
    ParameterGrid,
    ParameterSampler,
    RandomizedSearchCV,
    check_cv,
)
from sklearn.pipeline import Pipeline

from skconstrain._stacked_fits._groups import GroupingBackend, grouped_fits, n_workers
from skconstrain._stacked_fits._meetings import MAX_STACK_BYTES, make_meeting, meeting_fits

__all__ = ["BatchedGridSearchCV", "BatchedRandomizedSearchCV", "fit_many"]


def fit_many(estimators, X, y, *, max_stack_bytes=MAX_STACK_BYTES, **fit_params):
    """Fit estimators on the same data, equal networks among them as one program.

    Parameters
    ----------
    estimators : list of estimators
        Networks of this package, or Pipelines that end in one; others are fitted as usual.
    X : array-like of shape (n_samples, n_features)
        Training data.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    max_stack_bytes : int, default=2**28
        Memory of the networks that train at once.
    **fit_params
        Passed to every `fit`, for example `sample_weight`.

    Returns
    -------
    estimators : list of estimators
        The same estimators, fitted: each one as by its own `fit`, to rounding.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skconstrain import PositiveRegressor
    >>> from skconstrain.model_selection import fit_many
    >>> X, y = load_diabetes(return_X_y=True)
    >>> seeds = [PositiveRegressor(epochs=5, tol=None, random_state=seed) for seed in range(8)]
    >>> len({net.best_loss_ for net in fit_many(seeds, X, y)})
    8
    """
    estimators = list(estimators)
    if not estimators:
        return estimators
    with meeting_fits(make_meeting(max_stack_bytes), len(estimators)):
        jobs = (delayed(estimator.fit)(X, y, **fit_params) for estimator in estimators)
        return Parallel(pre_dispatch="all")(jobs)


class _Once:
    """A memory for Pipelines: fits equal transformers on equal rows once, within one process."""

    def __init__(self):
        self._lock, self._entries = threading.Lock(), {}

    def cache(self, func, ignore=()):
        """Return `func` with a memory for its results; arguments of the names `ignore` are none."""
        names = inspect.signature(func)

        def remembering(*args, **kwargs):
            given = names.bind(*args, **kwargs).arguments
            key = joblib.hash({name: given[name] for name in given if name not in (ignore or ())})
            with self._lock:
                entry = self._entries.setdefault(key, [threading.Lock(), None])
            with entry[0]:
                if entry[1] is None:
                    entry[1] = func(*args, **kwargs)
            return entry[1]

        return remembering

    def __deepcopy__(self, memo):
        return self  # clones of a Pipeline share it: that is what it is for

    def __reduce__(self):
        return _Once, ()  # one for each group of fits elsewhere


class _CountedSplits:
    """A splitter that yields as many splits as it says: fits that never come are waited for."""

    def __init__(self, splitter):
        self._splitter = splitter

    def __getattr__(self, name):
        if name.startswith("__") or name == "_splitter":
            raise AttributeError(name)
        return getattr(self._splitter, name)

    def split(self, X, y=None, groups=None):
        """Return all splits."""
        splits = list(self._splitter.split(X, y, groups))
        expected = self._splitter.get_n_splits(X, y, groups)
        if len(splits) != expected:
            raise ValueError(
                "cv.split and cv.get_n_splits must agree. Expected "
                f"{expected} splits, got {len(splits)}. Mend the splitter, or pass a list."
            )
        return splits


class _Prepared:
    """A search of scikit-learn whose candidates and folds are known before its fits start."""

    def prepare(self, X, y, params):
        """Find the candidates and the splitter; return the number of fits."""
        self._validate_params()
        self.cv = _CountedSplits(check_cv(self.cv, y, classifier=is_classifier(self.estimator)))
        self.candidates = list(self._find_candidates())
        return len(self.candidates) * self.cv.get_n_splits(X, y, params.get("groups"))

    def __getstate__(self):
        # scikit-learn from 1.9 on sends the search along with each fit.
        return {**super().__getstate__(), "config": None, "candidates": None}

    def _run_search(self, evaluate_candidates):
        if self.config is not None:
            self.config.unregister()  # what is fitted at the end does not meet
        evaluate_candidates(self.candidates)


class _PlainGrid(_Prepared, GridSearchCV):
    """Grid search whose fits meet."""

    def _find_candidates(self):
        return ParameterGrid(self.param_grid)


class _PlainRandomized(_Prepared, RandomizedSearchCV):
    """Randomized search whose fits meet."""

    def _find_candidates(self):
        settings = {"random_state": self.random_state}
        return ParameterSampler(self.param_distributions, self.n_iter, **settings)


class _BatchedSearch:
    """What the two searches share: everything but the training is scikit-learn's own."""

    def fit(self, X, y=None, **params):
        """Run fit with all sets of parameters.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Targets.
        **params : dict
            Parameters passed to the `fit` of the estimator, the scorer and the splitter.

        Returns
        -------
        self : object
            The fitted search.
        """
        # Not above: importing this module costs no TensorFlow.
        from skconstrain._engine import lone_fits

        meeting, plain = make_meeting(self.max_stack_bytes), self._make_plain()
        n_fits = plain.prepare(X, y, params)
        once = isinstance(self.estimator, Pipeline) and self.estimator.memory is None
        if once:
            plain.estimator = clone(self.estimator).set_params(memory=_Once())
        workers = n_workers(self.n_jobs)
        if workers > 1 < n_fits:
            # Each group of fits has a meeting where it runs.
            meeting = GroupingBackend(self.n_jobs, workers, self.max_stack_bytes)
            fits = grouped_fits(meeting)
        else:
            fits = meeting_fits(meeting, n_fits)
        # What this thread fits is the best one, in the end.
        with fits as plain.config, lone_fits():
            plain.fit(X, y, **params)
        fitted = {name: value for name, value in vars(plain).items() if name.endswith("_")}
        vars(self).update(fitted)
        if once and hasattr(self, "best_estimator_"):
            self.best_estimator_.set_params(memory=None)
        self.stack_sizes_ = list(meeting.stack_sizes)
        return self

    def _make_plain(self):
        """Make the search of scikit-learn that does everything but train."""
        params = self.get_params(deep=False)
        del params["max_stack_bytes"]
        plain = self._plain(**{**params, "n_jobs": None, "pre_dispatch": "all"})
        if "_metadata_request" in vars(self):
            plain._metadata_request = self._metadata_request
        return plain


class BatchedGridSearchCV(_BatchedSearch, GridSearchCV):
    """Grid search that trains its networks together.

    Candidates, folds and random states of equal architecture train as one program with a leading
    axis of models, which leaves a machine less idle than one small network after the other.
    Parameters, attributes and results are those of scikit-learn's
    :class:`~sklearn.model_selection.GridSearchCV`, to rounding; the transformers of a Pipeline
    are fitted once for each fold and setting, on each worker.

    Parameters
    ----------
    estimator : estimator
        A network of this package, or a Pipeline that ends in one; others are fitted as usual.
    param_grid : dict or list of dicts
        As in scikit-learn.
    scoring : str, callable, list, tuple or dict, default=None
        As in scikit-learn.
    n_jobs : int, default=None
        How many workers of joblib's active backend share the fits. Each gets a group of them, which
        it trains as stacks; on a Dask cluster all workers do, whatever `n_jobs`. Where that is one,
        or threads, all fits train in this process.
    refit : bool, str or callable, default=True
        As in scikit-learn.
    cv : int, splitter or iterable, default=None
        As in scikit-learn.
    verbose : int, default=0
        As in scikit-learn.
    pre_dispatch : int or str, default="2*n_jobs"
        Not used.
    error_score : "raise" or numeric, default=np.nan
        As in scikit-learn.
    return_train_score : bool, default=False
        As in scikit-learn.
    max_stack_bytes : int, default=2**28
        Memory of the networks that train at once, with their rows: 256 MiB. Larger searches train
        one stack after the other.

    Attributes
    ----------
    cv_results_, best_estimator_, best_score_, best_params_, ...
        As in scikit-learn. The times of fits hold the waiting for each other.
    stack_sizes_ : list of int
        How many networks each stack trained.

    Notes
    -----
    Within a stack may differ: learning rate, `alpha`, the rate of dropout, quantile, power, gammas
    and smoothing of a loss, temperature and penalties of a gate, random states, weights, folds and
    early stopping. What changes the network, the kind of its loss or the size of its batches
    starts another stack. A network that has ended stands still; when most have, the others go on in
    a smaller stack. What a stack cannot train is fitted as usual: networks of more than 30,000
    weights (300,000 under JAX), sparse kernels, callbacks, `verbose`, optimizers other than SGD,
    Adam, AdamW and RMSprop (under JAX those of users only), and estimators of other packages.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skconstrain import PositiveRegressor
    >>> from skconstrain.model_selection import BatchedGridSearchCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> net = PositiveRegressor(epochs=5, tol=None, random_state=0)
    >>> grid = {"learning_rate": [0.001, 0.01], "alpha": [1e-4, 1e-2]}
    >>> BatchedGridSearchCV(net, grid, cv=3).fit(X, y).stack_sizes_
    [12]
    """

    _plain = _PlainGrid

    def __init__(
        self,
        estimator,
        param_grid,
        *,
        scoring=None,
        n_jobs=None,
        refit=True,
        cv=None,
        verbose=0,
        pre_dispatch="2*n_jobs",
        error_score=np.nan,
        return_train_score=False,
        max_stack_bytes=MAX_STACK_BYTES,
    ):
        super().__init__(
            estimator,
            param_grid=param_grid,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.max_stack_bytes = max_stack_bytes


class BatchedRandomizedSearchCV(_BatchedSearch, RandomizedSearchCV):
    """Randomized search that trains its networks together.

    Candidates, folds and random states of equal architecture train as one program with a leading
    axis of models, which leaves a machine less idle than one small network after the other.
    Parameters, attributes and results are those of scikit-learn's
    :class:`~sklearn.model_selection.RandomizedSearchCV`, to rounding; the transformers of a
    Pipeline are fitted once for each fold and setting, on each worker.

    Parameters
    ----------
    estimator : estimator
        A network of this package, or a Pipeline that ends in one; others are fitted as usual.
    param_distributions : dict or list of dicts
        As in scikit-learn.
    n_iter : int, default=10
        As in scikit-learn.
    scoring : str, callable, list, tuple or dict, default=None
        As in scikit-learn.
    n_jobs : int, default=None
        How many workers of joblib's active backend share the fits. Each gets a group of them, which
        it trains as stacks; on a Dask cluster all workers do, whatever `n_jobs`. Where that is one,
        or threads, all fits train in this process.
    refit : bool, str or callable, default=True
        As in scikit-learn.
    cv : int, splitter or iterable, default=None
        As in scikit-learn.
    verbose : int, default=0
        As in scikit-learn.
    pre_dispatch : int or str, default="2*n_jobs"
        Not used.
    random_state : int, RandomState instance or None, default=None
        Of the candidates, as in scikit-learn.
    error_score : "raise" or numeric, default=np.nan
        As in scikit-learn.
    return_train_score : bool, default=False
        As in scikit-learn.
    max_stack_bytes : int, default=2**28
        Memory of the networks that train at once, with their rows: 256 MiB. Larger searches train
        one stack after the other.

    Attributes
    ----------
    cv_results_, best_estimator_, best_score_, best_params_, ...
        As in scikit-learn. The times of fits hold the waiting for each other.
    stack_sizes_ : list of int
        How many networks each stack trained.

    Notes
    -----
    Within a stack may differ: learning rate, `alpha`, the rate of dropout, quantile, power, gammas
    and smoothing of a loss, temperature and penalties of a gate, random states, weights, folds and
    early stopping. What changes the network, the kind of its loss or the size of its batches
    starts another stack. A network that has ended stands still; when most have, the others go on in
    a smaller stack. What a stack cannot train is fitted as usual: networks of more than 30,000
    weights (300,000 under JAX), sparse kernels, callbacks, `verbose`, optimizers other than SGD,
    Adam, AdamW and RMSprop (under JAX those of users only), and estimators of other packages.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skconstrain import PositiveRegressor
    >>> from skconstrain.model_selection import BatchedRandomizedSearchCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> net = PositiveRegressor(epochs=5, tol=None, random_state=0)
    >>> grid = {"learning_rate": [0.001, 0.01], "alpha": [1e-4, 1e-2]}
    >>> search = BatchedRandomizedSearchCV(net, grid, n_iter=3, cv=3, random_state=0)
    >>> search.fit(X, y).stack_sizes_
    [9]
    """

    _plain = _PlainRandomized

    def __init__(
        self,
        estimator,
        param_distributions,
        *,
        n_iter=10,
        scoring=None,
        n_jobs=None,
        refit=True,
        cv=None,
        verbose=0,
        pre_dispatch="2*n_jobs",
        random_state=None,
        error_score=np.nan,
        return_train_score=False,
        max_stack_bytes=MAX_STACK_BYTES,
    ):
        super().__init__(
            estimator,
            param_distributions=param_distributions,
            n_iter=n_iter,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            random_state=random_state,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.max_stack_bytes = max_stack_bytes
