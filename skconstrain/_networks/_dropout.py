"""Dropout, whose rate is a weight that is not trained."""

from dataclasses import dataclass

from skconstrain._networks._stage import Stage
from skconstrain._networks._weight import Weight, draw_seed


@dataclass(frozen=True)
class Dropout(Stage):
    """Dropout behind the hidden layer of a number, which is its seed."""

    number: int
    rate: float

    @property
    def name(self):
        return f"dropout_{self.number}"

    def weights(self):
        return [
            Weight(f"{self.name}/rate", (), self.rate, is_trained=False),
            Weight(f"{self.name}/seed", (2,), draw_seed, is_trained=False),
        ]

    def layer(self, dtype, kernels):
        from skconstrain.layers import _dropout

        return _dropout.Dropout(self.rate, seed=self.number, dtype=dtype, name=self.name)

    def forward(self, named, values):
        return values
