"""Which features have an embedding: those with many values."""

from dataclasses import replace

import numpy as np

from skconstrain._lazy_rows import sample_rows
from skconstrain._networks import Embedding

# A feature of fewer values is a category, or like one: any function of it is a sum of few steps.
_FEWEST_VALUES = 10
_FIRST_ROWS = 1_000


def kept_embedding(estimator) -> Embedding | None:
    """Return the embedding of a training that goes on: of the same columns, whatever they hold."""
    embedding = estimator._network.embedding
    if embedding is None or estimator.n_frequencies == 0:
        return None
    return replace(embedding, n_frequencies=int(estimator.n_frequencies))


def choose_embedding(estimator, rows, signs=None) -> Embedding | None:
    """Return the embedding for training rows, None where there is none.

    Its values rise and fall with a feature, so that features with a sign have none, nor has any
    where signs of kernels are to be kept, or features are taken as they are, in any unit.
    """
    is_wanted = getattr(estimator, "n_frequencies", 0) > 0 and estimator.standardize
    if not is_wanted or estimator.kernel_constraint is not None:
        return None
    columns = _columns_of_many_values(sample_rows(rows.X, rows.weight)[0])
    if signs is not None:
        columns = tuple(column for column in columns if signs[column] == 0)
    return Embedding(columns, int(estimator.n_frequencies)) if columns else None


def _columns_of_many_values(X):
    """Return the positions of columns with many distinct values."""
    few = np.flatnonzero([_has_few(column) for column in X[:_FIRST_ROWS].T])
    few = {column for column in few if _has_few(X[:, column])}
    return tuple(column for column in range(X.shape[1]) if column not in few)


def _has_few(values):
    return len(np.unique(values)) < _FEWEST_VALUES
