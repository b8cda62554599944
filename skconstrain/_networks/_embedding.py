"""Periodic functions of numerical features: which ones, and their weights."""

import math
from dataclasses import dataclass, field

from skconstrain._links import EMBEDDING_SIZE, FREQUENCY_SCALE
from skconstrain._networks._weight import Given, Normal, Uniform, Weight


@dataclass(frozen=True)
class Embedding:
    """Periodic functions of some features, with `n_frequencies` each; see PeriodicEmbedding.

    `columns` are the positions of the features. They are weights, which are not trained: networks
    that embed as many others are equal, and share a compiled program.
    """

    columns: tuple[int, ...] = field(compare=False)
    n_frequencies: int
    n_columns: int = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "n_columns", len(self.columns))

    @property
    def n_values(self) -> int:
        """How many values they put in front of the features."""
        return self.n_columns * EMBEDDING_SIZE

    def weights(self, several: tuple[int, ...]) -> list[Weight]:
        """Return the weights of the layer; `several` is the leading axis of several networks."""
        shape = (*several, self.n_columns, self.n_frequencies)
        bound = 1 / math.sqrt(self.n_frequencies)
        return [
            Weight("embedding/frequencies", shape, Normal(FREQUENCY_SCALE)),
            Weight("embedding/phases", shape, Uniform(math.pi)),
            Weight("embedding/projection", (*shape, EMBEDDING_SIZE), Uniform(bound)),
            Weight("embedding/bias", (*shape[:-1], EMBEDDING_SIZE)),
            Weight("embedding/columns", (self.n_columns,), Given(self.columns), is_trained=False),
        ]
