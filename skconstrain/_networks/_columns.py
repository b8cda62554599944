"""Columns of the inputs: the features, and the scores of given experts behind them."""

from dataclasses import dataclass

from skconstrain._networks._stage import Stage


@dataclass(frozen=True)
class Columns(Stage):
    """Columns `start` to `stop`, in the shape that a row of them has."""

    name: str
    start: int
    stop: int
    shape: tuple[int, ...]

    def layer(self, dtype, kernels):
        from skconstrain.layers import _columns

        shape = (self.start, self.stop, self.shape)
        return _columns.Columns(*shape, dtype=dtype, name=self.name)

    def forward(self, named, X):
        return X[:, self.start : self.stop].reshape(-1, *self.shape)
