"""A search over small networks: one by one, together, and with scikit-learn's own network.

Run from the root of the repository::

    python -m tests.benchmarks.search [--part search|stacks|memory ...] [--repeats N]
                                      [--only NAME ...] [--plot FILE] [--json FILE]

search  GridSearchCV of 12 candidates (learning rate x alpha), 5 folds and 50 epochs on 442 x 10,
        one hidden layer of 100, batches of 32, float32. BatchedGridSearchCV, its first search in
        the process, may take a quarter of the time of the same search over MLPRegressor, and
        ordinary GridSearchCV over PositiveRegressor 0.6 of it.
stacks  Time and memory where 1 to 256 of these networks train as one stack, beside one after the
        other, each size in a process of its own; `--plot` draws them.
memory  A search of 1,000 networks: its memory at two budgets of a stack.
table   Ten searches of different kinds (`_searches.py`), 3 folds, each batched and plain in a
        process of its own: none may take longer batched, `--only` chooses some of them.

TensorFlow is imported, and another network fitted, before any clock starts. Runs are interleaved;
seconds are medians. Memory is what the process takes beyond that (RssAnon, every 10 ms).
"""

import argparse
import json
import subprocess
import sys
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPRegressor

import skconstrain
from skconstrain import PositiveRegressor
from skconstrain.model_selection import BatchedGridSearchCV, fit_many
from tests.benchmarks._memory import Watch
from tests.benchmarks._searches import searches
from tests.benchmarks._settings import ONE_NETWORK
from tests.benchmarks._timing import Contestant, race

RATES, ALPHAS = [0.001, 0.003, 0.01], [1e-4, 1e-3, 1e-2, 1e-1]
MOST_BATCHED, MOST_PLAIN, MOST_OF_PLAIN = 0.25, 0.6, 1.05
SETTINGS = {**ONE_NETWORK, "epochs": 50, "tol": None, "batch_size": 32}


def data():
    """Return 442 rows of float32, and targets."""
    X, y = load_diabetes(return_X_y=True)
    return X.astype(np.float32), y.astype(np.float32)


def search(repeats):
    """Time the searches; return ratios to scikit-learn's network, and whether they suffice."""
    X, y = data()
    net = PositiveRegressor((100,), random_state=0, **SETTINGS)
    grid = {"learning_rate": RATES, "alpha": ALPHAS}
    mlp = MLPRegressor(
        hidden_layer_sizes=(100,), max_iter=50, batch_size=32, random_state=0, tol=0.0
    )
    searches = {
        "MLPRegressor, GridSearchCV": GridSearchCV(
            mlp, {"learning_rate_init": RATES, "alpha": ALPHAS}, cv=5
        ),
        "PositiveRegressor, GridSearchCV": GridSearchCV(net, grid, cv=5),
        "PositiveRegressor, Batched": BatchedGridSearchCV(net, grid, cv=5),
    }
    contestants = [
        Contestant(name, partial(each.fit, X, y), skconstrain.clear_compile_cache)
        for name, each in searches.items()
    ]
    timings = race(contestants, repeats)
    base, plain, batched = timings
    table = {}
    for timing in timings:
        table[timing.name] = {"first": timing.cold, "later": timing.median}
        print(
            f"{timing.name:34} first {timing.cold:7.2f} s ({timing.cold / base.median:5.2f})   "
            f"later {timing.median:7.2f} s ({timing.median / base.median:5.2f})"
        )
    good = batched.cold <= MOST_BATCHED * base.median and plain.median <= MOST_PLAIN * base.median
    print(f"first batched search within {MOST_BATCHED}, plain within {MOST_PLAIN}: {good}")
    return table, good


def stacks(repeats, plot=None):
    """Time stacks of 1 to 256 networks; return seconds a network, and memory."""
    table = {}
    print("networks  ms a network: first   later  one by one   MB of memory")
    for n_models in (1, 2, 4, 8, 16, 32, 64, 128, 256):
        row = table[n_models] = _child("stack", n_models=n_models, repeats=repeats)
        times = [row[name] * 1e3 for name in ("first", "later", "alone")]
        print(
            f"{n_models:8} {times[0]:20.1f} {times[1]:7.1f} {times[2]:11.1f} {row['mb']:14.0f}",
            flush=True,
        )
    if plot is not None:
        _draw(table, plot)
    return table, True


def _stack(n_models, repeats):
    """Train so many networks together and one by one: seconds a network, and megabytes."""
    X, y = _started()
    nets = [PositiveRegressor((100,), random_state=i, **SETTINGS) for i in range(n_models)]
    with Watch() as watch:
        first = _seconds(fit_many, nets, X, y)
    few = nets[:16]
    _fit_each(few[:1], X, y)
    later, alone = [], []
    for _ in range(repeats):
        later.append(_seconds(fit_many, nets, X, y))
        alone.append(_seconds(_fit_each, few, X, y))
    return {
        "first": first / n_models,
        "later": np.median(later) / n_models,
        "alone": np.median(alone) / len(few),
        "mb": watch.anonymous * 1e3,
    }


def _draw(table, path):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    n_models = list(table)
    times, memory = figure.subplots(1, 2)
    lines = {"later": "together", "first": "together, with compiling", "alone": "one by one"}
    for name, label in lines.items():
        times.plot(n_models, [row[name] * 1e3 for row in table.values()], "o-", label=label)
    times.set(xscale="log", yscale="log", xlabel="networks", ylabel="milliseconds a network")
    times.legend()
    memory.plot(n_models, [row["mb"] for row in table.values()], "o-")
    memory.set(xscale="log", xlabel="networks", ylabel="megabytes", ylim=(0, None))
    for axes in (times, memory):
        axes.set_xticks(n_models, n_models)
        axes.minorticks_off()
    figure.savefig(path, dpi=110, metadata={"Date": None} if path.suffix == ".svg" else None)


def memory(repeats):
    """Search over 1,000 networks; return megabytes beyond those before it, and the stacks."""
    table = {}
    for budget in (2**28, 2**24):
        found = table[budget] = _child("searched", budget=budget)
        print(
            f"max_stack_bytes={budget / 2**20:4.0f} MiB: {found['mb']:6.0f} MB, "
            f"{len(found['sizes'])} stacks of up to {max(found['sizes'])}, {found['seconds']:.1f} s"
        )
    return table, True


def _searched(budget):
    """Search over 100 candidates and 10 folds."""
    X, y = _started()
    net = PositiveRegressor((100,), random_state=0, **{**SETTINGS, "epochs": 10})
    grid = {"learning_rate": np.logspace(-4, -2, 10), "alpha": np.logspace(-5, 0, 10)}
    search = BatchedGridSearchCV(net, grid, cv=10, refit=False, max_stack_bytes=budget)
    with Watch() as watch:
        search.fit(X, y)
    sizes = search.stack_sizes_
    return {"mb": watch.anonymous * 1e3, "seconds": watch.seconds, "sizes": sizes}


def table(repeats, only=None):
    """Time searches batched and plain, their first in a process each time."""
    found, names = {}, only or list(searches())
    print("                     batched s   plain s  ratio  stacks")
    for name in names:
        rows = {True: [], False: []}
        for i in range(repeats):
            for batched in (True, False) if i % 2 else (False, True):
                rows[batched].append(_child("searched_once", name=name, batched=batched))
        times = {kind: float(np.median([r["seconds"] for r in rows[kind]])) for kind in rows}
        sizes = rows[True][0]["sizes"]
        ratio = times[True] / times[False]
        found[name] = {"batched": times[True], "plain": times[False], "ratio": ratio}
        print(f"{name:20} {times[True]:9.2f} {times[False]:9.2f} {ratio:6.2f}  {sizes}", flush=True)
    good = all(row["ratio"] <= MOST_OF_PLAIN for row in found.values())
    print(f"no search takes more than {MOST_OF_PLAIN} of the plain one: {good}")
    return found, good


def _searched_once(name, batched):
    """Run one of the searches: its seconds, and the sizes of its stacks."""
    _started()
    estimator, grid, X, y = searches()[name]()
    search = (BatchedGridSearchCV if batched else GridSearchCV)(estimator, grid, cv=3)
    seconds = _seconds(search.fit, X, y)
    return {"seconds": seconds, "sizes": search.stack_sizes_ if batched else []}


def _child(task, **options):
    """Run a task of this file in a process of its own; return what it prints."""
    command = [sys.executable, "-m", "tests.benchmarks.search", "--task", task, json.dumps(options)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _started():
    """Import and start TensorFlow; return the data."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    X, y = data()
    PositiveRegressor((3,), epochs=2).fit(X, y)
    return X, y


def _fit_each(nets, X, y):
    for net in nets:
        net.fit(X, y)


def _seconds(function, *args):
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


PARTS = {"search": search, "stacks": stacks, "memory": memory, "table": table}
TASKS = {"stack": _stack, "searched": _searched, "searched_once": _searched_once}


def main():
    """Run the parts, print them, and fail where one misses its limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", nargs="+", choices=list(PARTS), default=list(PARTS)[:3])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=list(searches()), help="of the part table")
    parser.add_argument("--plot", type=Path, help="picture of the part stacks")
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    parser.add_argument("--task", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task is not None:
        print(json.dumps(TASKS[options.task[0]](**json.loads(options.task[1]))))
        return 0
    _started()
    results, reached = {}, []
    for part in options.part:
        settings = {"stacks": {"plot": options.plot}, "table": {"only": options.only}}.get(part, {})
        results[part], good = PARTS[part](options.repeats, **settings)
        reached.append(good)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
