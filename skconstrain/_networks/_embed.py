"""Embeddings: periodic functions of features that are numbers, and no categories."""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from skconstrain._formulas._grid import to_grid
from skconstrain._formulas._layers import waves
from skconstrain._formulas._numpy_ops import NUMPY_OPS
from skconstrain._formulas._recipe import EMBEDDING_SIZE, FREQUENCY_SCALE
from skconstrain._networks._stage import FrontStage
from skconstrain._networks._weight import Weight, kernel_on_grid

# Embeddings of more features would take most of the time of a training.
_MOST_COLUMNS = 500
_MANY_COLUMNS, _STEP_OF_MANY = 16, 8


@dataclass(frozen=True)
class Embed(FrontStage):
    """Periodic functions of some features, with `n_frequencies` each; see PeriodicEmbedding.

    `columns` are the positions of the features. They are weights, which are not trained: networks
    that embed as many others are equal, and train in the same program.
    """

    columns: tuple[int, ...] = field(compare=False)
    n_frequencies: int
    n_inputs: int
    n_models: int | None
    monotone: bool
    n_columns: int = field(init=False)
    name = "embedding"

    def __post_init__(self):
        object.__setattr__(self, "n_columns", len(self.columns))

    @classmethod
    def found(cls, network, summary, n_inputs):
        """Return the embedding of features that are numbers.

        Its values rise and fall with a feature, so that features with a sign have none, nor has any
        where signs of kernels are to be kept, or features are taken as they are, in any unit.
        """
        is_wanted = network.n_frequencies > 0 and network.standardized
        if not is_wanted or network.kernel_constraint is not None:
            return None
        columns, signs = summary.numerical_columns, network.monotonic_cst
        if signs is not None:
            columns = [column for column in columns if signs[summary.numbers[column]] == 0]
        if not 0 < len(columns) <= _MOST_COLUMNS:
            return None
        models = network.n_models
        return cls(_rounded(columns), network.n_frequencies, n_inputs, models, signs is not None)

    @property
    def n_values(self) -> int:
        """How many values they put in front of the features."""
        return self.n_columns * EMBEDDING_SIZE

    @property
    def n_outputs(self):
        return self.n_inputs + self.n_values

    @property
    def width(self):
        return (self.n_models or 1) * max(self.n_columns * self.n_frequencies, self.n_outputs)

    def signs(self, signs):
        return (0,) * self.n_values + signs

    def weights(self):
        shape = (*self.model_axis, self.n_columns, self.n_frequencies)
        bound = 1 / math.sqrt(self.n_frequencies)

        def uniform(bound):
            return lambda rng, shape, dtype: rng.uniform(-bound, bound, shape)

        return [
            Weight(
                "embedding/frequencies",
                shape,
                lambda rng, shape, dtype: rng.normal(0, FREQUENCY_SCALE, shape),
            ),
            Weight("embedding/phases", shape, uniform(math.pi)),
            Weight("embedding/projection", (*shape, EMBEDDING_SIZE), uniform(bound)),
            Weight("embedding/bias", (*shape[:-1], EMBEDDING_SIZE)),
            Weight("embedding/columns", (self.n_columns,), lambda *_: self.columns, False),
        ]

    def computed(self, named):
        projection = "embedding/projection"
        return {projection: kernel_on_grid(named[projection])} if self.monotone else {}

    def layer(self, dtype, kernels):
        from skconstrain import layers

        return layers.PeriodicEmbedding(
            self.n_frequencies,
            columns=self.columns,
            n_models=self.n_models,
            monotone=self.monotone,
            seed=0,  # the weights to start from are loaded
            dtype=dtype,
            name=self.name,
        )

    def forward(self, named, X):
        """Return embeddings of features, and behind them all features."""
        frequencies, phases, projection, bias = (
            named[f"embedding/{name}"] for name in ("frequencies", "phases", "projection", "bias")
        )
        columns = named["embedding/columns"].astype(int)
        if self.n_models is None and isinstance(X, np.ndarray) and X.dtype == np.float32:
            return _of_one_in_single(X, columns, frequencies, phases, projection, bias)
        x = X[:, columns].T[:, :, None]  # a matrix for each feature, as for each network
        weights = frequencies[..., None, :], phases[..., None, :]
        found = waves(NUMPY_OPS, x, *weights, X.dtype.name)
        found = to_grid(np, found) if self.monotone else found
        values = found @ projection + bias[..., None, :]
        if self.n_models is None:
            return np.concatenate([*values, X], axis=1)
        each = [values[:, i] for i in range(self.n_columns)]
        return np.concatenate([*each, X + np.zeros((len(bias), 1, 1), X.dtype)], axis=2)

    def rescaled(self, named, factor, shift):
        columns, frequencies = (
            named["embedding/columns"].astype(int),
            named["embedding/frequencies"],
        )
        turns = frequencies * shift[columns][:, None]
        changed = {
            "embedding/frequencies": frequencies * factor[columns][:, None],
            "embedding/phases": named["embedding/phases"] + 2 * math.pi * turns,
        }
        same = np.ones(self.n_values)
        return changed, np.append(same, factor), np.append(0 * same, shift)

    def of_one(self):
        return replace(self, n_models=None)


def _of_one_in_single(X, columns, frequencies, phases, projection, bias):
    """Return embeddings and features of one network, in a third of the time.

    Rows lie side by side, so that NumPy runs along them, and its cosine of float32 is vectorised.
    """
    found = frequencies[..., None] * X.T[columns][:, None, :]
    found *= np.float32(2 * math.pi)
    found += phases[..., None]
    np.cos(found, out=found)
    values = projection.transpose(0, 2, 1) @ found
    values += bias[..., None]
    n_values = values.shape[0] * values.shape[1]
    both = np.empty((len(X), n_values + X.shape[1]), X.dtype)
    both[:, :n_values] = values.reshape(n_values, -1).T
    both[:, n_values:] = X
    return both


def _rounded(columns):
    """Return the columns; if they are many, some twice, so that their number is a multiple of 8.

    Folds of a search that differ in a few columns then train in the same program.
    """
    n_more = -len(columns) % _STEP_OF_MANY if len(columns) > _MANY_COLUMNS else 0
    return (*columns, *columns[:n_more])
