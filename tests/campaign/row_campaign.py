"""Hostile rows through every prediction method of every subject."""

import itertools
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from sklearn.utils import get_tags

from tests.campaign import promises
from tests.campaign.rows import BATCH_SIZES, CONTAINERS, PRECISIONS, SPARSE, hostile_rows, with_gaps


@dataclass
class RowReport:
    """Rows given to each class, and promises that were broken: by which class, and how."""

    rows: Counter = field(default_factory=Counter)
    violations: list[tuple[str, str]] = field(default_factory=list)


def kind_of(subject):
    """Return the name of the class of a subject."""
    return type(subject.estimator).__name__


def run_rows(subjects, *, rows, seconds, seed, sizes=BATCH_SIZES) -> RowReport:
    """Give batches of hostile rows to the subjects in turn, until there were enough or time is up.

    Every subject is asked at least once.
    """
    rng, report, end = np.random.default_rng(seed), RowReport(), time.monotonic() + seconds
    order = rng.permutation(len(subjects))
    for round_number in itertools.count():
        for subject in (subjects[i] for i in order):
            over = report.rows.total() >= rows or time.monotonic() > end
            if round_number and over:
                return report
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if not round_number:
                    _check_weights(subject, report)
                for size in sizes:
                    _check_rows(subject, size, rng, report)


def _check_weights(subject, report):
    """Check the weights after fitting, after pickling and after an epoch more."""
    stages = {"after fit": subject.fitted, "after pickling": subject.copy}
    if hasattr(subject.estimator, "partial_fit"):
        stages["after partial_fit"] = subject.copy.partial_fit(*subject.data)
    for stage, model in stages.items():
        for promise, holds in promises.of_weights(model):
            if not holds:
                _found(report, subject, f"{promise}, {stage}")


def _check_rows(subject, size, rng, report):
    names = [name for name in CONTAINERS if subject.takes_sparse or name not in SPARSE]
    container, dtype = rng.choice(names), rng.choice(PRECISIONS)
    dense = hostile_rows(rng, size, subject.data[0], dtype)
    if get_tags(subject.estimator).input_tags.allow_nan:
        dense = with_gaps(rng, dense)
    # A list has no precision of its own.
    seen = dense.astype(np.float64) if container == "list" else dense
    given = f"{size} rows, {dtype}, {container}"
    try:
        found = list(promises.of_rows(subject.fitted, CONTAINERS[container](dense), seen, rng))
    except Exception as error:  # no row without infinity is refused
        found = []
        _found(report, subject, f"{given}: {type(error).__name__}: {error}")
    for promise, holds in found:
        if not holds.all():
            row = dense[np.flatnonzero(~holds)[0]].tolist()
            text = f"{promise}; not for {(~holds).sum()} of {given}; first {row}"
            _found(report, subject, text)
    report.rows[kind_of(subject)] += size


def _found(report, subject, text):
    report.violations.append((kind_of(subject), f"{subject.name}: {text}"))
