"""Units of y: whether the same targets in another unit, or near an end of a range, are learnt.

Usage::

    python -m tests.benchmarks.units                     # some minutes
    KERAS_BACKEND=jax python -m tests.benchmarks.units
    python -m tests.benchmarks.units --rows 30 200 --epochs 20

For each link, class, number of rows and networks, and precision: R2 of training rows with y of
about 1, and by how much it differs in other units. The last line is the largest difference. Links
with two ends have the range from 0 to 8, in which another unit means targets closer to 0.
"""

import argparse
import warnings
from itertools import product

import numpy as np
from sklearn.metrics import r2_score

from skconstrain import PositiveRegressor, QuantileNetRegressor, SparseConnectedNet

UNITS = (1e-30, 1e-4, 1e30)
SHARES = (1e-4,)
WIRED = np.ones((3, 8), int)


def models():
    """Return for each name a function of settings, and the units that are compared."""
    one_sided = ("softplus", "exp", "square", "abs", "softabs", "relu")
    found = {
        output: (
            lambda output=output, **settings: PositiveRegressor(output=output, **settings),
            UNITS,
        )
        for output in one_sided
    }
    for output in ("sigmoid", "tanh"):
        settings = {"output": output, "upper": 8.0}
        found[output] = (lambda kept=settings, **more: PositiveRegressor(**kept, **more), SHARES)
    found["quantiles"] = (QuantileNetRegressor, UNITS)
    found["quantiles, lower=0"] = (
        lambda **settings: QuantileNetRegressor(lower=0, **settings),
        UNITS,
    )
    found["wired"] = (
        lambda n_networks, **settings: SparseConnectedNet(WIRED, **settings),
        UNITS,
    )
    return found


def rows(n_rows):
    """Return features, and targets of about 1 that are at most 8."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 3))
    return X, np.minimum(np.exp(0.5 * X[:, 0] + 0.1 * rng.normal(size=n_rows)), 8.0)


def score(make, n_rows, unit, dtype, **settings):
    """Return R2 of targets in a unit."""
    X, y = rows(n_rows)
    net = make(random_state=0, hidden_layer_sizes=(16,), **settings)
    predicted = net.fit(X.astype(dtype), y * unit).predict(X.astype(dtype))
    return r2_score(y, predicted.astype(float) / unit)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[30, 200, 600, 3000])
    parser.add_argument("--epochs", type=int, default=60)
    options, largest = parser.parse_args(), 0.0
    warnings.simplefilter("ignore")
    print(f"{'':24}{'rows':>6}{'networks':>10}{'precision':>11}{'R2':>8}  differences by unit")
    for name, (make, units) in models().items():
        networks = (1,) if name == "wired" else (1, 5)
        for n_rows, n_networks, dtype in product(options.rows, networks, ("float32", "float64")):
            settings = {"n_networks": n_networks, "epochs": options.epochs}
            friendly = score(make, n_rows, 1.0, dtype, **settings)
            found = {u: score(make, n_rows, u, dtype, **settings) - friendly for u in units}
            largest = max([largest, *map(abs, found.values())])
            told = "  ".join(f"{unit:g}: {difference:+.3f}" for unit, difference in found.items())
            print(
                f"{name:24}{n_rows:6}{n_networks:10}{dtype:>11}{friendly:8.3f}  {told}", flush=True
            )
    print(f"largest difference: {largest:.3f}")


if __name__ == "__main__":
    main()
