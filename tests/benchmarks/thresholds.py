"""How long the search for thresholds takes: by scorer, and beside sorting the same scores.

Run from the root of the repository::

    python -m tests.benchmarks.thresholds [--samples N] [--labels N] [--repeats N] [--json FILE]
    python -m tests.benchmarks.thresholds --part scorers [--by-calls]

The yardstick of the first part is one ``np.sort(scores, axis=0)``. The search looks at every
cut-off of every label; macro F1 may take twenty times as long as the sort, which the exit status
says. The ratios of the other metrics are printed beside it. Runs are interleaved; seconds are
medians.

The second part prints CPU seconds of one search (a fit with five folds makes six), for six scorers
and three sizes, without a least number of labels and with one. ``--by-calls`` searches with
accuracy and Hamming loss as functions that are called for each cut-off too, the smallest size only,
and fails where thresholds differ.
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
from sklearn.metrics import accuracy_score, hamming_loss, make_scorer

from skconstrain._thresholds._scoring import resolve_scoring
from skconstrain._thresholds._search import tune_each

LIMIT = 20
OPTIONS = {"default": 0.5, "limits": (0.0, 1.0)}
SIZES = [(1_000, 20), (2_000, 50), (5_000, 300)]
SCORERS = {
    "f1_macro": "f1_macro",
    "f1_micro": "f1_micro",
    "f1_samples": "f1_samples",
    "balanced_accuracy": "balanced_accuracy",
    "accuracy": "accuracy",
    "hamming loss": make_scorer(hamming_loss, greater_is_better=False),
}


def called_accuracy(y_true, y_pred):
    """Return the same number from a function that the search does not know."""
    return accuracy_score(y_true, y_pred)


def called_hamming(y_true, y_pred):
    """Return minus the Hamming loss, likewise."""
    return -hamming_loss(y_true, y_pred)


CALLED = {
    "accuracy": make_scorer(called_accuracy),
    "hamming loss": make_scorer(called_hamming),
}


def make_scores(n_samples, n_labels, random_state=0):
    """Draw calibrated probabilities of labels with 2 to 30 positives in a hundred, and outcomes."""
    rng = np.random.default_rng(random_state)
    share = np.linspace(0.02, 0.3, n_labels)
    scores = rng.beta(2 * share, 2 * (1 - share), (n_samples, n_labels))
    return rng.random(scores.shape) < scores, scores


def search(y, scores, scorer, **settings):
    """Return the thresholds that a scorer chooses."""
    scoring = resolve_scoring(scorer, cost_matrix=None, n_labels=y.shape[1])
    return scoring.tune(y, scores, **OPTIONS, **settings)


def contestants(y, scores):
    """Return what is timed, by name; the sort first."""
    scoring = resolve_scoring("f1_macro", cost_matrix=None, n_labels=y.shape[1])
    weight = np.linspace(0.5, 1.5, len(y))
    return {
        "np.sort, axis 0": partial(np.sort, scores, axis=0),
        "macro F1": partial(tune_each, y, scores, scoring.metrics),
        "macro F1, weighted": partial(tune_each, y, scores, scoring.metrics, weight=weight),
        "micro F1, ascent": partial(search, y, scores, "f1_micro"),
        "samples F1, ascent": partial(search, y, scores, "f1_samples"),
    }


def print_scorers(by_calls):
    """Print CPU seconds by scorer and size; return 1 where calls choose other thresholds."""
    print("CPU seconds of one search     " + "".join(f"{n:>9,} x {k:<4}" for n, k in SIZES))
    problems = [make_scores(*size) for size in SIZES]
    for name, scorer in SCORERS.items():
        for least in (0, 1):
            found = [cpu_seconds(*problem, scorer, least=least)[0] for problem in problems]
            label = f"{name}, min_labels={least}"
            print(f"{label:30}" + "".join(f"{seconds:12.2f}    " for seconds in found), flush=True)
    differ = 0
    for name, scorer in CALLED.items() if by_calls else ():
        for least in (0, 1):
            seconds, called = cpu_seconds(*problems[0], scorer, least=least)
            same = np.array_equal(called, search(*problems[0], SCORERS[name], least=least))
            differ |= not same
            label = f"{name} by calls, min_labels={least}"
            print(f"{label:33}{seconds:9.2f}    equal thresholds: {'yes' if same else 'NO'}")
    return int(differ)


def cpu_seconds(y, scores, scorer, **settings):
    """Return the CPU seconds of one search, and its thresholds."""
    start = time.process_time()
    thresholds = search(y, scores, scorer, **settings)
    return time.process_time() - start, thresholds


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
    parser.add_argument("--part", choices=["sort", "scorers"], default="sort")
    parser.add_argument("--by-calls", action="store_true")
    options = parser.parse_args()
    if options.part == "scorers":
        return print_scorers(options.by_calls)
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
