"""One grid search on a Dask cluster, with the results of the search alone.

The fits of a search know nothing of each other, so they may run anywhere: here in two worker
processes on this machine, elsewhere on as many machines as you have. The search stays as it is;
``joblib.parallel_config(backend="dask")`` around ``fit`` sends its fits to the cluster. Two more
lines let it survive the loss of a worker: see `search_on`.

Run with ``python examples/many_machines.py``, or with the address of a cluster that already runs,
``python examples/many_machines.py tcp://192.0.2.1:8786``. It prints progress and a table of times,
and writes ``examples/many_machines.png``: what each worker did when. It needs Dask:
``pip install "dask[distributed]"``.
"""

import sys
import time
from pathlib import Path

import joblib
import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from skconstrain import MultiLabelNetClassifier

try:
    from dask import distributed
except ModuleNotFoundError:
    print('Skipped: this example needs Dask, pip install "dask[distributed]".')
    sys.exit(0)

PICTURE = Path(__file__).with_suffix(".png")
GRID = {"learning_rate": [0.001, 0.003, 0.01], "alpha": [0.0, 1e-3]}


def make_search(X, y):
    """Return the search, its folds drawn beforehand, and the arrays that its fits read."""
    splits = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))
    net = MultiLabelNetClassifier(
        (100,), n_networks=1, n_frequencies=0, epochs=20, random_state=0
    )  # pixels need no embeddings
    arrays = [X, y, *(rows for split in splits for rows in split)]
    return GridSearchCV(net, GRID, cv=splits, refit=False), arrays


def connect():
    """Return a client of the cluster that the command line names, or of one on this machine."""
    if len(sys.argv) > 1:
        return distributed.Client(sys.argv[1])
    # Processes, not threads, one fit at a time in each; they are spawned, because TensorFlow
    # does not survive a fork. With bokeh installed, leave out dashboard_address=None and open
    # client.dashboard_link.
    return distributed.Client(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs="ERROR"
    )


def search_on(client, search, X, y, arrays):
    """Search on the cluster, showing progress; whichever worker dies, its fits are repeated."""
    # Every worker gets a copy of the arrays, once, and keeps it: without `scatter` joblib puts an
    # array on one worker only, and Dask's memory manager would drop copies after two seconds.
    client.amm.stop()
    with joblib.parallel_config(backend="dask", scatter=arrays, verbose=10):
        return search.fit(X, y)


def scores(search):
    """Return the results of a search, less the times that it took."""
    return [value for name, value in search.cv_results_.items() if name.endswith("test_score")]


def timed(label: str, run):
    """Return a label, the seconds that `run` took the second time, and its scores."""
    run()  # imports and compiles, here or on the workers
    start = time.perf_counter()
    found = run()
    return label, time.perf_counter() - start, scores(found)


def compare(client, X, y):
    """Print seconds of the search alone and on the cluster; return what the workers did."""
    search, arrays = make_search(X, y)
    rows: list[tuple[str, float, list]] = [timed("alone", lambda: search.fit(X, y))]
    with distributed.get_task_stream(client) as stream:
        label = f"{len(client.nthreads())} workers"
        rows.append(timed(label, lambda: search_on(client, search, X, y, arrays)))
    expected = rows[0][2]
    print(f"\n{'GridSearchCV':14} {'seconds':>8}   results")
    for name, seconds, found in rows:
        print(f"{name:14} {seconds:8.1f}   {difference(found, expected)}")
    return stream.data  # pyright: ignore[reportAttributeAccessIssue]  Dask types it as asynchronous


def difference(found, expected):
    """Say whether two lists of scores are equal."""
    same = all(np.array_equal(*pair) for pair in zip(found, expected, strict=True))
    return "equal to the last bit" if same else "DIFFERENT"


def draw(tasks):
    """Draw the fits that each worker computed, against time."""
    spans = [
        (task["worker"], span["start"], span["stop"])
        for task in tasks
        for span in task["startstops"]
        if span["action"] == "compute"
    ]
    workers, begin = sorted({worker for worker, *_ in spans}), min(start for _, start, _ in spans)
    figure, axes = plt.subplots(figsize=(9, 1.5 + 0.5 * len(workers)), layout="constrained")
    for worker, start, stop in spans:
        row = (workers.index(worker) - 0.4, 0.8)
        axes.broken_barh([(start - begin, stop - start)], row, edgecolor="white")
    axes.set_yticks(range(len(workers)), [f"worker {i + 1}" for i in range(len(workers))])
    axes.set(xlabel="seconds", title="Fits of a grid search, on the cluster")
    figure.savefig(PICTURE, dpi=120)
    print("picture:", PICTURE.name)


if __name__ == "__main__":
    features, digits = load_digits(return_X_y=True)
    with connect() as connected:
        draw(compare(connected, features / 16, digits))
