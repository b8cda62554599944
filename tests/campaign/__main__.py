"""A hostile campaign: rows that should break a guarantee, and calls that should be refused.

Usage::

    python -m tests.campaign                    # 2,000,000 rows or two minutes, and all calls
    python -m tests.campaign --rows 10000000 --seconds 3600 --seed 1 --tables 300

Rows of every scale, subnormal, huge, constant, far from the training data, in both precisions and
arrays of every kind, go through every prediction method of every estimator of `tests.registry`, of
its variants and of the tuner; `promises.py` says what must hold. Calls are misuse of every kind:
wrong parameters, data, order; and some that must work. An error is graded if it was raised on
purpose as a ValueError or TypeError that names what it received; see `grading.py`.

Random tables of text, categories and gaps go through every class that takes them; see `frames.py`.
Targets in random units, containers and order, near ends of ranges and in streams that begin badly,
are learnt as well as they are otherwise; see `targets.py`.

The exit status is 1 if a promise was broken or an error is not graded.
"""

import argparse
import os
import sys
from collections import Counter

# Before TensorFlow is imported: its notes would stand between the lines of the report.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")

from tests.campaign.call_campaign import all_calls, run_calls
from tests.campaign.frames import run_frames
from tests.campaign.row_campaign import run_rows
from tests.campaign.rows import BATCH_SIZES
from tests.campaign.subjects import subjects
from tests.campaign.targets import target_faults


def report(rows, calls) -> str:
    """Return a table: rows and violations, calls and ungraded errors, by class."""
    owners = list(dict.fromkeys([*rows.rows, *calls.calls]))
    lines = [f"{'':45}{'rows':>12}{'violations':>12}{'calls':>8}{'ungraded':>10}"]
    for owner in owners:
        counts = [
            rows.rows[owner],
            sum(found == owner for found, _ in rows.violations),
            calls.calls[owner],
            sum(found == owner for found, _ in calls.ungraded),
        ]
        lines.append(_line(owner, counts))
    totals = [
        rows.rows.total(),
        len(rows.violations),
        calls.calls.total(),
        len(calls.ungraded),
    ]
    lines.append(_line("all", totals))
    for title, found in (("violations", rows.violations), ("ungraded errors", calls.ungraded)):
        if found:
            lines += ["", title, *_listed(text for _, text in found)]
    return "\n".join(lines)


def _listed(texts):
    """Return the first text about each promise or call, and how many others there are."""
    first, counts = {}, Counter()
    for text in texts:
        about = text.partition(";")[0]
        first.setdefault(about, text)
        counts[about] += 1
    for about, text in first.items():
        others = counts[about] - 1
        yield f"  {text}" + (f" (and {others} more batches)" if others else "")


def _line(name, counts):
    widths = (12, 12, 8, 10)
    return f"{name:45}" + "".join(
        f"{count:>{width},}" for count, width in zip(counts, widths, strict=True)
    )


def main() -> int:
    """Run the campaign; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.campaign",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", type=int, default=2_000_000, help="stop after so many rows")
    parser.add_argument("--seconds", type=float, default=120, help="or after so many seconds")
    parser.add_argument("--seed", type=int, default=0, help="of the rows")
    parser.add_argument("--tables", type=int, default=24, help="how many random tables")
    parser.add_argument("--targets", type=int, default=25, help="how many random targets")
    options = parser.parse_args()
    calls = run_calls(all_calls())
    limits = {"rows": options.rows, "seconds": options.seconds, "seed": options.seed}
    rows = run_rows(subjects(), **limits, sizes=(*BATCH_SIZES, 10_000))
    print(report(rows, calls))
    faults = run_frames(options.tables, options.seed)
    print(f"\n{options.tables} tables, {len(faults)} faults", *faults, sep="\n  ")
    of_targets = target_faults(options.targets, options.seed)
    print(f"\n{options.targets} targets, {len(of_targets)} faults", *of_targets, sep="\n  ")
    return 1 if rows.violations or calls.ungraded or faults or of_targets else 0


if __name__ == "__main__":
    sys.exit(main())
