"""Shares of targets in intervals of 50, 80, 90 and 95 %, before and after calibration.

Usage::

    python -m tests.benchmarks.coverage                        # all sets
    python -m tests.benchmarks.coverage concrete --splits 3    # one of them, fewer splits

A line is a set: the mean share over random splits, three quarters of the rows to train on, and the
mean pinball loss and the mean width of the intervals after calibration, as ratios to before. The
last column is the standard error of the share in 90 % intervals. Nothing is set but levels and
`random_state`. Two sets are made up: one of heavy tails, one whose spread changes.

Data is read from ``../shared/data`` beside the repository, or from the folder that the environment
variable SKCONSTRAIN_DATA names.
"""

import argparse

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.metrics import mean_pinball_loss
from sklearn.model_selection import train_test_split

from skconstrain import QuantileNetRegressor
from tests.benchmarks._data import load_readers

SHARES = (0.5, 0.8, 0.9, 0.95)
LEVELS = (*(round((1 - share) / 2, 3) for share in SHARES[::-1]), 0.5)
LEVELS = (*LEVELS, *(round(1 - level, 3) for level in LEVELS[-2::-1]))


def _made(noise):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(800, 5))
    return X, X[:, 0] + np.sin(3 * X[:, 1]) + noise(rng, X)


def _concrete():
    readers = load_readers()
    return None if readers is None else readers.concrete()[:2]


SETS = {
    "concrete": _concrete,
    "diabetes": lambda: load_diabetes(return_X_y=True),
    "heavy tails": lambda: _made(lambda rng, X: 0.3 * rng.standard_t(2, len(X))),
    "changing spread": lambda: _made(lambda rng, X: np.exp(X[:, 2]) * rng.normal(size=len(X))),
}


def measure(X, y, seed):
    """Return shares, pinball loss and widths, (2, 4), (2,), (2,): before and after."""
    X, X_test, y, y_test = train_test_split(X, y, random_state=seed)
    net = QuantileNetRegressor(quantiles=LEVELS, random_state=seed).fit(X, y)
    shares, losses, widths = [], [], []
    for calibrated in (False, True):
        found = net.predict_quantiles(X_test, calibrated=calibrated)
        ends = zip(found.T[:4][::-1], found.T[-4:], strict=True)
        shares.append([np.mean((low <= y_test) & (y_test <= high)) for low, high in ends])
        columns = zip(LEVELS, found.T, strict=True)
        losses.append(np.mean([mean_pinball_loss(y_test, q, alpha=level) for level, q in columns]))
        widths.append(np.mean([found[:, -1 - k] - found[:, k] for k in range(4)]))
    return shares, losses, widths


def main():
    """Print a line for each set."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sets", nargs="*", help=f"some of {', '.join(SETS)}")
    parser.add_argument("--splits", type=int, default=20)
    given = parser.parse_args()
    print(f"{'':16} {'before':>24} {'after':>24}  loss  width  error")
    for name in given.sets or SETS:
        rows = SETS[name]()
        if rows is None:
            continue
        X, y = map(np.asarray, rows)
        found = [measure(X, y, seed) for seed in range(given.splits)]
        shares, losses, widths = (np.array(part) for part in zip(*found, strict=True))
        lines = [" ".join(f"{share:.3f}" for share in part) for part in shares.mean(axis=0)]
        ratios = [part.mean(axis=0)[1] / part.mean(axis=0)[0] for part in (losses, widths)]
        error = shares[:, 1, 2].std(ddof=1) / np.sqrt(len(found)) if len(found) > 1 else np.nan
        line = f"{name:16} {lines[0]:>24} {lines[1]:>24} {ratios[0]:5.3f} {ratios[1]:6.3f}"
        print(f"{line} {error:6.3f}", flush=True)


if __name__ == "__main__":
    main()
