"""What a fitted network costs where it is used, beside scikit-learn's: a new process, rows, a fit.

Usage::

    python -m tests.benchmarks.serving
    python -m tests.benchmarks.serving --part process rows fit --repeats 7

process  A new process unpickles a model and predicts one row: seconds of the whole process, its
         largest memory (Linux only), and which of TensorFlow, Keras and scikeras it imported.
rows     One row, again and again, and 221,000 rows of 10 columns at once.
fit      The first fit of the process, 442 x 10 and 50 epochs in batches of 32, imports left out:
         without a compile cache, and with one that an earlier process filled.

One network, one hidden layer of 100, in float64, beside MLPRegressor of that size; in `process` and
`rows` also what is fitted with nothing set. Processes alternate; figures are medians.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
import warnings
from pathlib import Path

import joblib
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from tests.benchmarks._settings import ONE_NETWORK

SETTINGS = {**ONE_NETWORK, "epochs": 50, "batch_size": 32, "tol": None, "random_state": 0}
N_ROWS = 221_000
HEAVY = ("tensorflow", "keras", "scikeras")

SERVE = """
import sys
import joblib, numpy as np
joblib.load({file!r}).predict(np.zeros((1, 10)))
heavy = [name for name in {heavy!r} if name in sys.modules]
# Not ru_maxrss, which begins with that of the process that started this one.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) / 1024, *heavy)
"""
FIT = """
import time
import skconstrain
if {cache!r}:
    skconstrain.use_compile_cache({cache!r})
from tests.benchmarks.serving import first_fit
print(first_fit())
"""


def network():
    """Return the network that is compared with scikit-learn's."""
    from skconstrain import PositiveRegressor

    return PositiveRegressor((100,), **SETTINGS)


def perceptron():
    """Return scikit-learn's network of the same size."""
    return MLPRegressor(
        hidden_layer_sizes=(100,), max_iter=50, batch_size=32, tol=0.0, random_state=0
    )


def fitted():
    """Return fitted models by name, scikit-learn's first."""
    from skconstrain import PositiveRegressor

    models = {
        "MLPRegressor": perceptron(),
        "one network": network(),
        "nothing set": PositiveRegressor(random_state=0),
    }
    X, y = load_diabetes(return_X_y=True)
    return {name: model.fit(X, y) for name, model in models.items()}


def process(models, repeats):
    """Start processes that predict one row; print seconds, memory and imports."""
    found = {name: [] for name in models}
    with tempfile.TemporaryDirectory() as folder:
        files = {name: str(Path(folder) / f"{i}.joblib") for i, name in enumerate(models)}
        for name, model in models.items():
            joblib.dump(model, files[name])
        for i in range(repeats):
            for name in list(models)[:: 1 if i % 2 else -1]:
                start = time.perf_counter()
                printed = _python(SERVE.format(file=files[name], heavy=HEAVY)).split()
                found[name].append((time.perf_counter() - start, float(printed[0]), printed[1:]))
    base = None
    for name, runs in found.items():
        seconds, mebibytes = (statistics.median(run[i] for run in runs) for i in range(2))
        base = base or (seconds, mebibytes)
        print(
            f"{name:14} new process, first row {seconds:6.2f} s ({seconds / base[0]:.2f})   "
            f"{mebibytes:6.0f} MiB ({mebibytes - base[1]:+.0f})   imported: {runs[0][2] or 'none'}"
        )


def rows(models, repeats):
    """Print microseconds of a row alone, and seconds of many."""
    many = np.random.default_rng(0).standard_normal((N_ROWS, 10))
    for X, number in ((many[:1], 200), (many, 1)):
        found = {name: [] for name in models}
        for i in range(repeats + 1):
            for name in list(models)[:: 1 if i % 2 else -1]:
                seconds = timeit.timeit(lambda n=name, X=X: models[n].predict(X), number=number)
                found[name].append(seconds / number)
        medians = {name: statistics.median(runs[1:]) for name, runs in found.items()}
        base = medians["MLPRegressor"]
        for name, seconds in medians.items():
            print(f"{name:14} {len(X):7,} rows {seconds * 1e6:12,.0f} us ({seconds / base:.2f})")


def first_fit():
    """Return seconds of the network's first fit and scikit-learn's, without imports."""
    X, y = load_diabetes(return_X_y=True)
    import tensorflow as tf

    tf.reduce_sum(tf.ones(3))  # the runtime is not what is measured
    net, seconds = network(), []
    warnings.simplefilter("ignore", ConvergenceWarning)
    from skconstrain import _engine  # noqa: F401

    for model in (net, perceptron()):
        start = time.perf_counter()
        model.fit(X, y)
        seconds.append(time.perf_counter() - start)
    return json.dumps(seconds)


def fit(repeats):
    """Print seconds of first fits in new processes, with and without a cache on disk."""
    with tempfile.TemporaryDirectory() as folder:
        _python(FIT.format(cache=folder))  # fills it
        found = {"": [], folder: []}
        for _ in range(repeats):
            for cache in found:
                found[cache].append(json.loads(_python(FIT.format(cache=cache))))
    for cache, runs in found.items():
        ours, theirs = (statistics.median(run[i] for run in runs) for i in range(2))
        name = "with a cache on disk" if cache else "without"
        print(f"first fit {name:22} {ours:.2f} s, MLP {theirs:.2f} s ({ours / theirs:.2f})")


def _python(script):
    """Run a script in a process of its own; return the last line that it prints."""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[-1]


def main():
    """Read the command line, and measure."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.serving",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parts = ("process", "rows", "fit")
    parser.add_argument("--part", nargs="+", choices=parts, default=parts)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    if "process" in options.part or "rows" in options.part:
        models = fitted()
    if "process" in options.part:
        process(models, options.repeats)
    if "rows" in options.part:
        rows(models, options.repeats)
    if "fit" in options.part:
        fit(options.repeats)


if __name__ == "__main__":
    main()
