"""Searches that train many small networks as one program."""

from collections.abc import Callable, Iterable
from functools import partial

import numpy as np
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV

from skconstrain._stacked_fits._barrier import MAX_STACK_BYTES, MOST_FITS, Barrier
from skconstrain._stacked_fits._search import BatchedSearch

__all__ = ["BatchedGridSearchCV", "BatchedRandomizedSearchCV", "fit_many"]


def __dir__():
    return __all__


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
    >>> seeds = [PositiveRegressor(n_networks=1, epochs=5, random_state=seed) for seed in range(8)]
    >>> len({net.best_loss_ for net in fit_many(seeds, X, y)})
    8
    """
    estimators = _checked(estimators)
    barrier = Barrier(MOST_FITS, max_stack_bytes)
    return barrier.run([partial(estimator.fit, X, y, **fit_params) for estimator in estimators])


def _checked(estimators):
    """Return the estimators as a list."""
    if hasattr(estimators, "fit") or not isinstance(estimators, Iterable):
        raise ValueError(
            f"estimators must be a list of estimators. Got {estimators!r}. Put it in a list."
        )
    estimators = list(estimators)
    for estimator in estimators:
        if isinstance(estimator, type) or not hasattr(estimator, "fit"):
            shown = estimator.__name__ if isinstance(estimator, type) else repr(estimator)
            raise ValueError(
                "estimators must hold instances of estimators, like PositiveRegressor(). "
                f"Got {shown}."
            )
    return estimators


class BatchedGridSearchCV(BatchedSearch, GridSearchCV):
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
        As in scikit-learn; 1 shows how many fits are done, too, in a terminal or notebook.
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
    a smaller stack. What a stack cannot train is fitted as usual: ``n_networks`` above 1, more than
    30,000 weights (300,000 under JAX), sparse kernels, Keras callbacks, `verbose`, optimizers other
    than SGD, Adam, AdamW and RMSprop (under JAX those of users only), and estimators of other
    packages.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skconstrain import PositiveRegressor
    >>> from skconstrain.model_selection import BatchedGridSearchCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> net = PositiveRegressor(n_networks=1, epochs=5, random_state=0)
    >>> grid = {"learning_rate": [0.001, 0.01], "alpha": [1e-4, 1e-2]}
    >>> BatchedGridSearchCV(net, grid, cv=3).fit(X, y).stack_sizes_
    [12]
    """

    _plain = GridSearchCV

    def __init__(
        self,
        estimator,
        param_grid,
        *,
        scoring=None,
        n_jobs=None,
        refit: bool | str | Callable = True,
        cv=None,
        verbose=0,
        pre_dispatch: int | str = "2*n_jobs",
        error_score: str | float = np.nan,
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


class BatchedRandomizedSearchCV(BatchedSearch, RandomizedSearchCV):
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
        As in scikit-learn; 1 shows how many fits are done, too, in a terminal or notebook.
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
    a smaller stack. What a stack cannot train is fitted as usual: ``n_networks`` above 1, more than
    30,000 weights (300,000 under JAX), sparse kernels, Keras callbacks, `verbose`, optimizers other
    than SGD, Adam, AdamW and RMSprop (under JAX those of users only), and estimators of other
    packages.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skconstrain import PositiveRegressor
    >>> from skconstrain.model_selection import BatchedRandomizedSearchCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> net = PositiveRegressor(n_networks=1, epochs=5, random_state=0)
    >>> grid = {"learning_rate": [0.001, 0.01], "alpha": [1e-4, 1e-2]}
    >>> search = BatchedRandomizedSearchCV(net, grid, n_iter=3, cv=3, random_state=0)
    >>> search.fit(X, y).stack_sizes_
    [9]
    """

    _plain = RandomizedSearchCV

    def __init__(
        self,
        estimator,
        param_distributions,
        *,
        n_iter=10,
        scoring=None,
        n_jobs=None,
        refit: bool | str | Callable = True,
        cv=None,
        verbose=0,
        pre_dispatch: int | str = "2*n_jobs",
        random_state=None,
        error_score: str | float = np.nan,
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
