"""Estimators without what the defaults add, which a reference in NumPy can follow."""

from functools import partial

import skconstrain

# One network on features as they are, at the optimizer's own constant rate.
PLAIN = {
    "activation": "relu",
    "standardize": False,
    "learning_rate": None,
    "learning_rate_schedule": "constant",
    "epochs": 200,
    "early_stopping": False,
    "n_iter_no_change": 10,
    "tol": 1e-4,
}

# Settings for estimators that weight features.
UNWEIGHTED = {**PLAIN, "n_frequencies": 0, "weight_features": False}

PositiveRegressor = partial(skconstrain.PositiveRegressor, n_networks=1, **UNWEIGHTED)
MultiLabelNetClassifier = partial(
    skconstrain.MultiLabelNetClassifier, n_networks=1, scoring="loss", **UNWEIGHTED
)
SparseConnectedNet = partial(skconstrain.SparseConnectedNet, **PLAIN)
SparseConnectedNetClassifier = partial(
    skconstrain.SparseConnectedNetClassifier, scoring="loss", **PLAIN
)
GatedEnsembleClassifier = partial(
    skconstrain.GatedEnsembleClassifier, n_networks=1, scoring="loss", n_frequencies=0, **PLAIN
)
