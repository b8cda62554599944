"""How long the search for thresholds takes, beside sorting the same scores.

Run from the root of the repository::

    python -m tests.benchmarks.thresholds [--samples N] [--labels N] [--repeats N] [--json FILE]

The yardstick is one ``np.sort(scores, axis=0)``. The search looks at every cut-off of every label;
macro F1 may take twenty times as long as the sort, which the exit status says. The ratios of the
other metrics are printed beside it. Runs are interleaved; seconds are medians.
"""

import argparse
import json
import platform
import statistics
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np

from skconstrain._thresholds._search import (
    MicroObjective,
    SamplesObjective,
    f_beta,
    tune_each,
    tune_together,
)

LIMIT = 20


def make_scores(n_samples, n_labels, random_state=0):
    """Draw calibrated probabilities of labels with 2 to 30 positives in a hundred, and outcomes."""
    rng = np.random.default_rng(random_state)
    share = np.linspace(0.02, 0.3, n_labels)
    scores = rng.beta(2 * share, 2 * (1 - share), (n_samples, n_labels))
    return rng.random(scores.shape) < scores, scores


def contestants(y, scores):
    """Return what is timed, by name; the sort first."""
    metrics, weight = [f_beta()] * y.shape[1], np.linspace(0.5, 1.5, len(y))
    return {
        "np.sort, axis 0": partial(np.sort, scores, axis=0),
        "macro F1": partial(tune_each, y, scores, metrics),
        "macro F1, weighted": partial(tune_each, y, scores, metrics, weight=weight),
        "micro F1, ascent": partial(
            tune_together, y, scores, partial(MicroObjective, metric=f_beta())
        ),
        "samples F1, ascent": partial(
            tune_together, y, scores, partial(SamplesObjective, metric=f_beta())
        ),
    }


def race(runs, repeats):
    """Return the median seconds of every run, interleaved, after one warm-up."""
    seconds = {name: [] for name in runs}
    for repeat in range(repeats + 1):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            if repeat:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def main():
    """Time, print, and fail where macro F1 is over the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    options = parser.parse_args()
    runs = contestants(*make_scores(options.samples, options.labels))
    seconds = race(runs, options.repeats)
    sort = next(iter(seconds.values()))
    print(f"{options.samples} x {options.labels} scores, NumPy {np.__version__}")
    for name, value in seconds.items():
        print(f"{name:20} {value:8.3f} s  {value / sort:6.2f} x sort")
    within = seconds["macro F1"] <= LIMIT * sort
    print(f"macro F1 within {LIMIT} x sort: {'yes' if within else 'no'}")
    if options.json:
        result = {
            "samples": options.samples,
            "labels": options.labels,
            "numpy": np.__version__,
            "machine": platform.machine(),
            "seconds": seconds,
            "ratio": {name: value / sort for name, value in seconds.items()},
            "limit": LIMIT,
        }
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
