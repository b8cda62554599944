"""Memory of fits on data that are too large for it: sparse text, and a memory map of 20 GB.

Run from the root of the repository::

    python -m tests.benchmarks.large [--part text|map ...] [--gigabytes 20] [--columns 1000]
                                     [--folder FOLDER] [--chunk-bytes N] [--json FILE]

text   Bibtex, 4,880 rows of 1,836 words and 159 labels, as a sparse matrix: held at once, the
       fit is that of the dense array to the last bit; then in chunks of 4 MB, with its memory.
map    A float32 map of so many gigabytes, written into a temporary folder and deleted afterwards,
       after a look at the free space: one epoch, then predictions, whose memory beyond the imports
       must stay below 2 GB.

Memory is that of processes which do nothing else. "peak" is the largest resident memory, pages of
the map included (VmHWM); "anonymous" leaves out what the system may drop at any time (RssAnon,
looked up every 10 ms).
"""

import argparse
import importlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.benchmarks._data import load_readers
from tests.benchmarks._memory import Watch, memory
from tests.chunks import chunks_of

MOST_GIGABYTES = 2.0
_BLOCK_ROWS = 10_000


def child(task, **options):
    """Run a task of this file in a process of its own; return what it prints."""
    command = [sys.executable, "-m", "tests.benchmarks.large", "--task", task, json.dumps(options)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def line(name, found):
    """Print a measurement."""
    print(
        f"{name:44} {found['seconds']:8.1f} s  peak {found['peak']:6.2f} GB  "
        f"anonymous {found['anonymous']:6.2f} GB",
        flush=True,
    )


def text(options):
    """Fit bibtex dense, sparse, and sparse in chunks."""
    if load_readers() is None:
        return None, True
    kinds = {
        "dense array": {"kind": "dense"},
        "sparse, made dense at once": {"kind": "sparse"},
        "sparse, in chunks of 4 MB": {"kind": "sparse", "chunk_bytes": 2**22},
    }
    results = {name: child("fit_text", **settings) for name, settings in kinds.items()}
    for name, found in results.items():
        line(f"{name} ({found['megabytes']:.1f} MB)", found)
    dense, whole, chunks = results.values()
    equal = dense["curve"] == whole["curve"] and dense["sum"] == whole["sum"]
    print(f"sparse equals dense to the last bit: {equal}")
    print(f"training loss, whole {dense['curve'][-1]:.4f}, in chunks {chunks['curve'][-1]:.4f}")
    return results, equal


def fit_text(kind, chunk_bytes=2**28):
    """Fit bibtex in this process."""
    from scipy import sparse

    from skconstrain import MultiLabelNetClassifier

    X, y, _, _ = load_readers().mulan("bibtex", "train")
    csr = sparse.csr_array(X)
    given = X if kind == "dense" else csr
    held = X.nbytes if kind == "dense" else csr.data.nbytes + csr.indices.nbytes + csr.indptr.nbytes
    del X, csr
    settings = {"epochs": 10, "batch_size": 64, "tol": None, "random_state": 0}
    net = MultiLabelNetClassifier(**settings)
    MultiLabelNetClassifier(**{**settings, "epochs": 1}).fit(given[:300], y[:300])  # compiles
    with chunks_of(chunk_bytes):
        with Watch() as watch:
            net.fit(given, y)
        total = float(np.sum(net.predict_proba(given)))
    return {**watch.report(), "curve": net.loss_curve_, "sum": total, "megabytes": held / 1e6}


def large_map(options):
    """Write a map, fit and predict in another process, delete it."""
    n_rows = int(options.gigabytes * 1e9 / 4 / options.columns)
    size = 4 * n_rows * options.columns
    free = shutil.disk_usage(options.folder or tempfile.gettempdir()).free
    if free < 1.2 * size:
        print(f"{size / 1e9:.1f} GB do not fit: {free / 1e9:.1f} GB are free. Use --folder.")
        return None, False
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        start = time.perf_counter()
        write_map(folder, n_rows, options.columns)
        seconds = time.perf_counter() - start
        print(f"{n_rows:,} x {options.columns:,} float32, written in {seconds:.0f} s", flush=True)
        found = child("fit_map", folder=folder, chunk_bytes=options.chunk_bytes)
    line("reading the map once", found["read"])
    line("one epoch", found["fit"])
    line("predicting all rows", found["predict"])
    print(f"R2 {found['score']:.3f}; {found['imports']:.2f} GB were held after the imports")
    peak = max(found[name]["peak"] for name in ("fit", "predict"))
    print(f"{peak:.2f} GB beyond the imports (below {MOST_GIGABYTES:g} GB wanted)")
    return found, peak < MOST_GIGABYTES


def write_map(folder, n_rows, n_columns):
    """Write random rows, and a positive target that some of the columns decide."""
    rng = np.random.default_rng(0)
    target = np.empty(n_rows, np.float32)
    with open(Path(folder) / "X.npy", "wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (n_rows, n_columns)}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, n_rows, _BLOCK_ROWS):
            length = min(_BLOCK_ROWS, n_rows - start)
            block = rng.random((length, n_columns), dtype=np.float32)
            target[start : start + length] = 1 + block[:, :10].sum(axis=1)
            block.tofile(file)
    np.save(Path(folder) / "y.npy", target)


def fit_map(folder, chunk_bytes):
    """Fit and predict the map in this process."""
    importlib.import_module("skconstrain._keras_wrapper")  # TensorFlow with it
    from skconstrain import PositiveRegressor
    from skconstrain._lazy_rows import LazyRows

    imports = memory("VmRSS")
    X = np.load(Path(folder) / "X.npy", mmap_mode="r")
    y = np.load(Path(folder) / "y.npy")
    rows = LazyRows(X, X.dtype, chunk_bytes=chunk_bytes)
    with Watch() as read:
        for part in rows.parts():
            rows.load(part)
    net = PositiveRegressor(epochs=1, batch_size=1000, tol=None, random_state=0)
    with chunks_of(chunk_bytes):
        with Watch() as fit:
            net.fit(X, y)
        with Watch() as predict:
            predicted = net.predict(X)
    return {
        "imports": imports,
        "score": 1 - float(np.mean((predicted - y) ** 2) / np.var(y)),
        **{name: watch.report() for name, watch in (("read", read), ("fit", fit))},
        "predict": predict.report(),
    }


PARTS = {"text": text, "map": large_map}
TASKS = {"fit_text": fit_text, "fit_map": fit_map}


def main():
    """Run the parts, print them, and fail where one misses its limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--gigabytes", type=float, default=20, help="size of the map")
    parser.add_argument("--columns", type=int, default=1000)
    parser.add_argument("--folder", help="where the map is written; the system's own by default")
    parser.add_argument("--chunk-bytes", type=int, default=2**28)
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    parser.add_argument("--task", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        name, settings = options.task
        print(json.dumps(TASKS[name](**json.loads(settings))))
        return 0
    results, reached = {}, []
    for part in options.part:
        results[part], good = PARTS[part](options)
        reached.append(good)
        print(flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
