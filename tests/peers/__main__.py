"""scikit-learn's own tests, with the classes of this package in place of its own.

Usage::

    python -m tests.peers                     # the four files
    python -m tests.peers mlp stacking        # those whose names hold a word

The files are those of the installed scikit-learn, each in a process of its own. For every file it
prints how many tests passed and failed, and why they fail: deliberate differences are listed in
`_differences.py`. A failure that is not listed is unexplained and makes the exit status 1.

MLPClassifier is played by SparseConnectedNetClassifier and MLPRegressor by SparseConnectedNet, both
without connections; TunedThresholdClassifierCV by TunedThresholdMultiLabelClassifierCV;
StackingClassifier by GatedEnsembleClassifier; MultiOutputClassifier and ClassifierChain by
MultiLabelNetClassifier. `_adapters.py` translates parameters.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree

import sklearn

from tests.peers._differences import DIFFERENCES, reason_of

_FOLDER = Path(__file__).parent
_ROOT = _FOLDER.parents[1]
_SKLEARN = Path(sklearn.__file__).parent


@dataclass(frozen=True)
class Outcome:
    """What became of a test; `error` is None if it passed, `reason` if nobody explains it."""

    test: str
    error: str | None
    reason: str | None


def run(module: str) -> list[Outcome]:
    """Run a test module of scikit-learn with our classes."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = ["-c", _FOLDER / "sklearn.ini", "--rootdir", _SKLEARN, "--confcutdir", _SKLEARN]
        command = [sys.executable, "-m", "pytest", *options, "--junitxml", report, "--pyargs"]
        paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        ran = subprocess.run(
            [*map(str, command), module],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            capture_output=True,
            text=True,
        )
        if ran.returncode not in (0, 1):  # neither passed nor failed: the tests did not run
            raise RuntimeError(f"pytest ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}")
        cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    return [_outcome(module, case) for case in cases if case.find("skipped") is None]


def _outcome(module, case):
    test, failure = case.get("name"), case.find("failure")
    failure = case.find("error") if failure is None else failure
    if failure is None:
        return Outcome(test, None, None)
    error = failure.get("message")
    return Outcome(test, error, reason_of(module, test, error))


def describe(module: str, outcomes: list[Outcome]) -> int:
    """Print what became of the tests of a module; return how many failures are unexplained."""
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    unexplained = [outcome for outcome in failed if outcome.reason is None]
    print(
        f"\n{module}: {len(outcomes) - len(failed)} of {len(outcomes)} passed, {len(failed)} "
        f"failed, {len(unexplained)} of them unexplained"
    )
    explained = sorted((o for o in failed if o.reason is not None), key=lambda o: o.reason)
    for reason, group in groupby(explained, key=lambda o: o.reason):
        print(f"  {reason}")
        for outcome in group:
            print(f"    {outcome.test}")
    if unexplained:
        print("  unexplained")
        for outcome in unexplained:
            print(f"    {outcome.test}\n      {' '.join(outcome.error.split())[:200]}")
    return len(unexplained)


def main() -> int:
    """Run the files that are asked for; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("words", nargs="*", help="parts of names of files; all by default")
    words = parser.parse_args().words or [""]
    modules = [name for name in DIFFERENCES if any(word in name for word in words)]
    if not modules:
        parser.error(f"no file is named so. Got {words}; there are {list(DIFFERENCES)}.")
    print(f"scikit-learn {sklearn.__version__}")
    return 1 if sum([describe(module, run(module)) for module in modules]) else 0


if __name__ == "__main__":
    sys.exit(main())
