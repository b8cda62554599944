"""One row an estimator: what the common tests run on.

`ROWS` are for what a class can break: names, refusals, weights, precisions, its Keras model.
`TEMPLATE` are for what none overrides: copies, seeds, threads, metadata, validation data, searches.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.datasets import make_classification, make_regression

import skconstrain


@dataclass(frozen=True)
class Row:
    """An estimator under the common tests.

    Attributes
    ----------
    estimator
        The class.
    data
        Returns X of shape (60, 5) and y, one column or several, for a random state.
    fast
        Parameters that make fits short.
    kind
        "regressor" or "classifier".
    variant
        What sets the row apart from another one of the same class.
    """

    estimator: type[BaseEstimator]
    data: Callable[[int], tuple[np.ndarray, np.ndarray]]
    kind: str
    fast: dict = field(default_factory=lambda: {"hidden_layer_sizes": (8,), "epochs": 5})
    variant: str = ""

    @property
    def name(self):
        """Name of the class, and of the variant."""
        return f"{self.estimator.__name__}-{self.variant}".rstrip("-")

    @property
    def takes_a_column(self):
        """Whether a y of one column is a target."""
        return np.ndim(self.data(0)[1]) == 1

    def make(self, **params):
        """Return a fast estimator with a fixed random state."""
        return self.estimator(**{**self.fast, "random_state": 0, **params})


def positive_regression(random_state=0):
    """Return 60 rows whose targets are positive."""
    X, y = make_regression(60, 5, noise=5.0, random_state=random_state)
    return X, np.exp(y / np.abs(y).max())


def compositions(random_state=0):
    """Return 60 rows of three shares, some of which are exactly zero."""
    X, y = make_regression(60, 5, n_targets=3, noise=5.0, random_state=random_state)
    parts = np.maximum(np.exp(4 * y / np.abs(y).max()) - 1, 0)
    parts[:, 2] += 0.1
    return X, parts / parts.sum(axis=1, keepdims=True)


def two_classes(random_state=0):
    """Return 60 rows of two classes."""
    return make_classification(60, 5, n_redundant=0, random_state=random_state)


# Five features feed three units, no two of them the same.
WIRING = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1]])

# Several networks are PositiveRegressor's part.
ONE_NETWORK = {"hidden_layer_sizes": (8,), "epochs": 5, "n_networks": 1}

COMPOSITION = Row(skconstrain.CompositionRegressor, compositions, "regressor", ONE_NETWORK)
GATE = Row(
    skconstrain.GatedEnsembleClassifier,
    two_classes,
    "classifier",
    {**ONE_NETWORK, "gate_hidden_layer_sizes": (6,), "load_balance": 0.1},
)
LABELS = Row(skconstrain.MultiLabelNetClassifier, two_classes, "classifier", ONE_NETWORK)
POSITIVE = Row(skconstrain.PositiveRegressor, positive_regression, "regressor")
QUANTILES = Row(skconstrain.QuantileNetRegressor, positive_regression, "regressor", ONE_NETWORK)
CONNECTED = Row(skconstrain.SparseConnectedNet, positive_regression, "regressor")
WIRED = Row(
    skconstrain.SparseConnectedNet,
    positive_regression,
    "regressor",
    {"connections": WIRING, "kernel": "sparse", "hidden_layer_sizes": (4,), "epochs": 5},
    "wired",
)
CONNECTED_CLASSIFIER = Row(skconstrain.SparseConnectedNetClassifier, two_classes, "classifier")

ROWS = [COMPOSITION, GATE, LABELS, POSITIVE, QUANTILES, CONNECTED, WIRED, CONNECTED_CLASSIFIER]
# Five networks, a single one that classifies, and the only network that is a tree.
TEMPLATE = [POSITIVE, CONNECTED_CLASSIFIER, GATE]
