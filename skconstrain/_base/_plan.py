"""Plans: what a fit trains on, what it holds out, and for how long it trains."""

from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import check_random_state

from skconstrain._base._budget import FEW_ROWS, choose_budget
from skconstrain._base._folds import deal, deal_few
from skconstrain._base._parts import Parts, split, strata_of
from skconstrain._base._rows import Rows
from skconstrain._lazy_rows import loaded

# A tenth of few rows is too few to judge by.
_FOLDS_OF_FEW_ROWS = 5


class Plan(NamedTuple):
    """The first training of a fit; there is a second one where the first only `finds_epochs`.

    Attributes
    ----------
    parts
        Rows to train on, and held-out ones.
    epochs, batch_size
        As the parameters of an estimator.
    finds_epochs
        Whether all rows are trained on afterwards, for as many epochs as were best for those held
        out: algorithm 7.2 of Goodfellow, Bengio and Courville (2016), Deep learning. MIT Press.
    fold_seed
        What decided about folds, if there are any.
    """

    parts: Parts
    epochs: object
    batch_size: object
    finds_epochs: bool = False
    fold_seed: int | None = None

    def without_gaps(self, network, named) -> "Plan":
        """Return the plan with rows as the network takes them, whose weights have names."""
        rows, held_out, folds = self.parts
        rows = rows._replace(X=network.without_gaps(rows.X, named))
        if held_out is not None:
            held_out = held_out._replace(X=network.without_gaps(held_out.X, named))
        return self._replace(parts=Parts(rows, held_out, folds))


def generator(random_state, first_epoch: int) -> np.random.Generator:
    """Return random numbers that depend on `random_state` and on how far training is, only."""
    if random_state is None:
        return np.random.default_rng()
    seed = random_state
    if not isinstance(seed, Integral):
        seed = check_random_state(seed).randint(np.iinfo(np.int32).max)
    return np.random.default_rng([int(seed), first_epoch])


def make_plan(estimator, rows: Rows, held_out, rng, *, epochs, continues, partial) -> Plan:
    """Return the plan of a fit.

    Parameters
    ----------
    estimator : NetEstimator
        Its parameters decide.
    rows : Rows
        All training rows.
    held_out : Rows or None
        Validation data that the user gave.
    rng : numpy.random.Generator
        Decides which rows are held out.
    epochs : int or "auto"
        Largest number of epochs.
    continues, partial : bool
        Whether training goes on, and whether it is a call of `partial_fit`.

    Raises
    ------
    ValueError
        If `partial_fit` is to stop early.
    """
    if partial and estimator.early_stopping not in ("auto", False):
        raise ValueError(
            "partial_fit trains one epoch and cannot stop early. Got early_stopping=True. Use "
            '"auto" or False.'
        )
    n_rows, batch_size = len(rows.X), estimator.batch_size
    if held_out is not None or partial:
        return Plan(Parts(rows, held_out), epochs, batch_size)
    if estimator._n_networks > 1 and estimator.early_stopping:
        seed = int(rng.integers(2**31))
        # Training that goes on holds out the same rows.
        seed = estimator._fold_seed if continues else seed
        return Plan(_dealt(estimator, rows, seed), epochs, batch_size, fold_seed=seed)
    if estimator._n_networks == 1 and _sets_aside(estimator, n_rows):
        return Plan(_split(estimator, rows, rng), epochs, batch_size)
    parts = Parts(rows)
    if _finds_epochs(estimator, n_rows) and not continues:
        parts = (_split if n_rows > FEW_ROWS else _split_few)(estimator, rows, rng)
    if parts.held_out is None:
        return Plan(parts, epochs, batch_size)
    settings = {"epochs": "auto", "batch_size": batch_size, "patience": "auto"}
    budget = choose_budget(n_rows, **settings, validates=False)
    return Plan(parts, budget.epochs, budget.batch_size, finds_epochs=True)


def best_epochs(result) -> int:
    """Return after how many epochs a training was best for the rows that were held out."""
    return int(np.argmin(result.validation_losses)) + 1


def _sets_aside(estimator, n_rows):
    """Whether some of the training rows are set aside to stop one network on."""
    if estimator.early_stopping == "auto":
        return n_rows > estimator._rows_to_split
    return estimator.early_stopping


def _finds_epochs(estimator, n_rows):
    """Whether rows are held out of a first training to find how long to train on all."""
    is_auto = estimator.early_stopping == estimator.epochs == "auto"
    # Few rows were measured for classifiers alone.
    is_meant = n_rows > FEW_ROWS or is_classifier(estimator)
    return estimator._n_networks == 1 and is_auto and estimator.tol is not None and is_meant


def _split(estimator, rows, rng):
    return split(rows, estimator.validation_fraction, _strata(estimator, rows), rng)


def _split_few(estimator, rows, rng):
    """Set a fifth of few rows aside, whatever their order; none where too few are distinct."""
    X, strata = loaded(rows.X), _strata(estimator, rows)
    folds = deal_few(X, rows.target, _FOLDS_OF_FEW_ROWS, strata, int(rng.integers(2**31)))
    if folds is None:
        return Parts(rows)
    rows, is_held_out = rows._replace(X=X), folds == 0
    return Parts(
        *(Rows(*(part[chosen] for part in rows)) for chosen in (~is_held_out, is_held_out))
    )


def _dealt(estimator, rows, seed):
    """Deal the training rows to the networks: each is stopped on those that it lacks."""
    n_rows, n_networks, strata = len(rows.X), estimator._n_networks, _strata(estimator, rows)
    if n_rows <= FEW_ROWS:
        folds = deal_few(loaded(rows.X), rows.target, n_networks, strata, seed)
        if folds is not None or estimator.early_stopping == "auto":
            return Parts(rows, folds=folds)
    return Parts(rows, folds=deal(n_rows, n_networks, strata, seed))


def _strata(estimator, rows):
    """Return indicators whose shares held-out rows keep: of classes and labels; else None."""
    return strata_of(rows.target) if is_classifier(estimator) else None
