"""What it costs to watch a fit: scikit-learn's callbacks, and verbose=1, beside a fit without.

Run from the root of the repository, with scikit-learn 1.9 or later::

    python -m tests.benchmarks.callbacks [--cases NAME ...] [--repeats N] [--json FILE]

All fits of a case give the same predictions, to the last bit; that is checked. What is drawn goes
to a terminal that is pretended, so that bars are drawn as for somebody who looks at them. Warm runs
are interleaved in both orders; a ratio is the median, over the rounds, of the ratio to the fit that
nobody watches. *each epoch* is a callback that does nothing, but might: it has one epoch a call.
"""

import argparse
import contextlib
import io
import os
import statistics

# Before rich makes a console: it draws nothing but the end of a bar into what is no terminal.
os.environ |= {"FORCE_COLOR": "1", "TTY_COMPATIBLE": "1"}
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.datasets import load_diabetes

from skconstrain import PositiveRegressor
from tests.benchmarks._timing import Contestant, format_table, machine, race, write_json

ONE = {"n_networks": 1, "epochs": 50, "batch_size": 32}
HEADER = ["", "cold s", "warm s", "ratio"]


class EachEpoch:
    """A callback that does nothing, of which nobody knows that."""

    max_propagation_depth = None

    def setup(self, estimator, context):
        """Do nothing."""

    on_fit_task_begin = on_fit_task_end = teardown = setup


CASES = {
    "defaults": lambda **params: PositiveRegressor(random_state=0, **params),
    "one network, 50 epochs of 14 steps": lambda **params: PositiveRegressor(
        random_state=0, **ONE, **params
    ),
}


def contestants(make, X, y):
    """Return the ways to watch a fit; each run returns predictions."""
    watched = {
        "nobody watches": make,
        "ProgressBar": lambda: make().set_callbacks(ProgressBar(max_propagation_depth=1)),
        "verbose=1": lambda: make(verbose=1),
        "each epoch": lambda: make().set_callbacks(EachEpoch()),
        "ScoringMonitor": lambda: make().set_callbacks(ScoringMonitor(scoring="r2")),
    }

    def run(build):
        with contextlib.redirect_stdout(io.StringIO()):
            return build().fit(X, y).predict(X)

    return [Contestant(name, lambda build=build: run(build)) for name, build in watched.items()]


def _ratio(timing, plain):
    return statistics.median(a / b for a, b in zip(timing.warm, plain.warm, strict=True))


def main():
    """Time all cases."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=list(CASES))
    parser.add_argument("--json")
    options = parser.parse_args()
    X, y = load_diabetes(return_X_y=True)
    found = {}
    for title in options.cases:
        make = CASES[title]
        timings = race(contestants(make, X, y), options.repeats)
        for timing in timings:
            np.testing.assert_array_equal(timing.result, timings[0].result)
        rows = [
            [t.name, f"{t.cold:.3f}", f"{t.median:.3f}", f"{_ratio(t, timings[0]):.2f}"]
            for t in timings
        ]
        print(f"\n{title}\n{format_table(HEADER, rows)}")
        found[title] = {t.name: {"cold": t.cold, "warm": t.warm} for t in timings}
    if options.json:
        write_json(options.json, {"machine": machine(), "seconds": found})


if __name__ == "__main__":
    main()
