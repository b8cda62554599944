"""Hidden layers, where `hidden_layer_sizes` is "auto"."""

from typing import NamedTuple

from skconstrain._base._budget import FEW_ROWS
from skconstrain._base._rows import Rows
from skconstrain._base._sizes import checked_sizes
from skconstrain._networks._feature_summary import FeatureSummary


class HiddenLayers(NamedTuple):
    """Units of each hidden layer, and the fraction of them that is dropped in training."""

    hidden_layer_sizes: tuple[int, ...]
    dropout: float


_DEEP = HiddenLayers((64, 64, 64), 0.0)
# Few rows of many features are learnt by heart by several layers.
_WIDE = HiddenLayers((256,), 0.5)
_LEAST_SHARE_OF_SPARSE = 0.1


def hidden_layers(sizes, dropout, rows: Rows) -> HiddenLayers:
    """Return what the two parameters say; "auto" follows from the rows to train on."""
    is_auto = isinstance(sizes, str)
    found = _chosen(rows) if is_auto else HiddenLayers(checked_sizes(sizes), 0.0)
    return found if dropout == "auto" else found._replace(dropout=float(dropout))


def _chosen(rows: Rows) -> HiddenLayers:
    """Return one wide layer for features that are many, and deep ones for others.

    Features are many where they are more than the rows, or more than a tenth of the rows and nine
    tenths of their values are zero. Few rows have deep layers whatever they are: how many rows
    there are, and which units are dropped would tell a row of weight two from a repeated one.
    """
    n_rows, n_features = rows.X.shape
    if n_rows <= FEW_ROWS:
        return _DEEP
    share = n_features / n_rows
    is_sparse = share > _LEAST_SHARE_OF_SPARSE and FeatureSummary(rows.X, rows.weight).is_sparse
    return _WIDE if share > 1 or is_sparse else _DEEP
