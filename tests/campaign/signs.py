"""Pairs of rows through monotone networks: how often a prediction moves against a sign.

Usage::

    python -m tests.campaign.signs                  # a million pairs in each precision
    python -m tests.campaign.signs --pairs 30000

Pairs differ in features with a sign, by one float up to 1e30. The first row of each is predicted in
a batch of 1,000, the other one in batches of 1, 7 and 1,000, a third of the pairs each. The exit
status is 1 if a prediction moves against a sign.
"""

import argparse
import os
import sys
from functools import partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from tests.campaign.rows import BATCH_SIZES, PRECISIONS
from tests.campaign.subjects import subjects
from tests.monotone import in_batches, n_broken, pairs, rising


def count(subject, dtype, n_pairs, size, rng) -> int:
    """Return in how many pairs a prediction moves against a sign."""
    model = subject.fitted
    X, further = pairs(rng, n_pairs, dtype, subject.data[0], model.monotonic_cst)
    predict = partial(rising, model)
    return n_broken(in_batches(predict, X, 1000), in_batches(predict, further, size))


def main() -> int:
    """Count; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.campaign.signs",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--pairs", type=int, default=1_000_000, help="in each precision")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng, total = np.random.default_rng(options.seed), 0
    asked = [s for s in subjects() if getattr(s.estimator, "monotonic_cst", None) is not None]
    print(f"{'':60}{'rows of a batch':>16}{'pairs':>10}{'violations':>12}")
    for dtype in PRECISIONS:
        of_precision = [s for s in asked if s.estimator.dtype == dtype]
        for subject in of_precision:
            n_pairs = -(-options.pairs // (len(of_precision) * len(BATCH_SIZES)))
            for size in BATCH_SIZES:
                found = count(subject, dtype, n_pairs, size, rng)
                total += found
                name = f"{subject.name}, {dtype}"
                print(f"{name:60}{size:>16,}{n_pairs:>10,}{found:>12,}", flush=True)
    print(f"{total} violations")
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
