"""Settings that benchmarks of one network share.

They are written out, so that the defaults of the package, which train several networks, change
neither what is timed nor what was searched for. `defaults.py` measures the defaults.
"""

CONSTANT_RATE = {
    "standardize": False,
    "learning_rate": None,
    "learning_rate_schedule": "constant",
    "early_stopping": False,
}
ONE_NETWORK = {
    **CONSTANT_RATE,
    "n_frequencies": 0,
    "weight_features": False,
    "activation": "relu",
    "n_networks": 1,
}
