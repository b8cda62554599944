"""Three quantiles at once, beside a model for each of them and a forest.

Usage::

    python -m tests.benchmarks.quantiles                     # all sets
    python -m tests.benchmarks.quantiles concrete --splits 1 # one of them, fewer splits

The levels are 0.05, 0.5 and 0.95. A line is a model on all splits of a set: the mean pinball loss
of the three, the share of targets in the intervals between the first and the last, the share of
rows whose quantiles cross, and seconds. Nothing is set but levels and `random_state`. Protein is
trained on 8,000 rows. quantile-forest is measured where it is installed.

Data is read from ``../shared/data`` beside the repository, or from the folder that the environment
variable SKCONSTRAIN_DATA names.
"""

import argparse
import importlib.util
import time

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import mean_pinball_loss

from skconstrain import QuantileNetRegressor
from tests.benchmarks._data import load_readers
from tests.benchmarks.defaults import _bike, _protein, _with_splits

LEVELS = (0.05, 0.5, 0.95)
SETS = {
    "concrete": lambda readers: _with_splits("regression", readers.concrete()),
    "bike": _bike,
    "protein": _protein,
}


def network(X, y, X_test):
    """Return quantiles of one network."""
    net = QuantileNetRegressor(quantiles=LEVELS, random_state=0).fit(X, y)
    return net.predict_quantiles(X_test)


def boosting(X, y, X_test):
    """Return quantiles of three models."""
    models = (
        HistGradientBoostingRegressor(loss="quantile", quantile=level, random_state=0)
        for level in LEVELS
    )
    return np.column_stack([model.fit(X, y).predict(X_test) for model in models])


def forest(X, y, X_test):
    """Return quantiles of a quantile forest."""
    from quantile_forest import RandomForestQuantileRegressor

    fitted = RandomForestQuantileRegressor(random_state=0).fit(X, y)
    return fitted.predict(X_test, quantiles=list(LEVELS))


MODELS = {"QuantileNetRegressor": network, "boosting, level by level": boosting}
if importlib.util.find_spec("quantile_forest"):
    MODELS["quantile-forest"] = forest


def measure(table, predict, n_splits):
    """Return the mean pinball loss, the coverage, the share of crossed rows, and seconds."""
    found, start = [], time.perf_counter()
    for train, test in table.splits[:n_splits]:
        quantiles, y = predict(table.X[train], table.y[train], table.X[test]), table.y[test]
        columns = zip(LEVELS, quantiles.T, strict=True)
        loss = np.mean([mean_pinball_loss(y, column, alpha=level) for level, column in columns])
        inside = np.mean((quantiles[:, 0] <= y) & (y <= quantiles[:, -1]))
        found.append((loss, inside, (np.diff(quantiles, axis=1) < 0).any(axis=1).mean()))
    return (*np.mean(found, axis=0), time.perf_counter() - start)


def main():
    """Print a line for each set and model."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sets", nargs="*", help=f"some of {', '.join(SETS)}")
    parser.add_argument("--splits", type=int, default=5)
    settings = parser.parse_args()
    readers = load_readers()
    if readers is None:
        return
    print(f"{'':36}{'loss':>10}{'inside':>10}{'crossed':>10}{'seconds':>10}")
    for name in settings.sets or SETS:
        table = SETS[name](readers)
        for model, predict in MODELS.items():
            loss, inside, crossed, seconds = measure(table, predict, settings.splits)
            line = f"{loss:10.4f}{inside:10.1%}{crossed:10.1%}{seconds:10.1f}"
            print(f"{name:10}{model:26}{line}", flush=True)


if __name__ == "__main__":
    main()
