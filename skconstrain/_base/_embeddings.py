"""Which features have an embedding: those that are numbers, and no categories."""

from dataclasses import replace

import numpy as np

from skconstrain._lazy_rows import sample_rows, weighted_quantiles
from skconstrain._networks import Embedding

# A feature of fewer values is a category, or like one: any function of it is a sum of few steps.
_FEWEST_VALUES = 10
# Embeddings of more features would take most of the time of a training.
_MOST_COLUMNS = 500
_MANY_COLUMNS, _STEP_OF_MANY = 16, 8
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
    columns = _numerical_columns(*sample_rows(rows.X, rows.weight))
    if signs is not None:
        columns = [column for column in columns if signs[column] == 0]
    if not 0 < len(columns) <= _MOST_COLUMNS:
        return None
    return Embedding(tuple(_rounded(columns)), int(estimator.n_frequencies))


def _rounded(columns):
    """Return the columns; if they are many, some twice, so that their number is a multiple of 8.

    Folds of a search that differ in a few columns then share a compiled program all the same.
    """
    n_more = -len(columns) % _STEP_OF_MANY if len(columns) > _MANY_COLUMNS else 0
    return [*columns, *columns[:n_more]]


def _numerical_columns(X, weight):
    """Return the positions of columns of many values, of which not half of the rows have one."""
    low, high = weighted_quantiles(X, weight, [0.25, 0.75])
    # Most columns are decided by the first rows.
    return [
        int(column)
        for column in np.flatnonzero(low < high)
        if _has_many(X[:_FIRST_ROWS, column]) or _has_many(X[:, column])
    ]


def _has_many(values):
    return len(np.unique(values)) >= _FEWEST_VALUES
