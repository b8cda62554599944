"""Fits with nothing set, beside those of boosting, forests and scikit-learn's network: CPU seconds.

Run from the root of the repository::

    python -m tests.benchmarks.default_fits [--sizes ROWSxCOLUMNS ...] [--targets NAME ...]
        [--parts]

*first* is the first fit of a new process, imports left out; *warm* is the second one, with another
seed. Each model of each size has a process of its own. CatBoost is left out where it is not
installed. The scaler in front of MLPRegressor and MLPClassifier is part of their fits. `--parts`
says instead where the time of our fits goes.
"""

import argparse
import importlib.util
import subprocess
import sys
import time
import warnings

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.benchmarks._parts_of_fits import PARTS, parts_of_fits
from tests.benchmarks._timing import format_table

SIZES = ["442x10", "4000x20", "20000x20", "40000x20"]


def data(target, n_rows, n_columns):
    """Draw features and positive numbers, three classes, or four labels."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, n_columns))
    score = np.sin(X[:, 0]) + X[:, 1] * X[:, 2] / 3 + rng.normal(scale=0.3, size=n_rows)
    if target == "numbers":
        return X, np.exp(score)
    if target == "classes":
        return X, np.digitize(score, np.quantile(score, [1 / 3, 2 / 3]))
    return X, (score[:, None] + 0.3 * X[:, 3:7] > [-0.5, 0, 0.5, 1]).astype(int)


def models(target):
    """Return what is compared, by name."""
    import skconstrain

    is_number = target == "numbers"
    ours = skconstrain.PositiveRegressor if is_number else skconstrain.MultiLabelNetClassifier
    network = MLPRegressor if is_number else MLPClassifier
    found = {"ours": ours(random_state=0)}
    if target == "classes":
        found["gate"] = skconstrain.GatedEnsembleClassifier(random_state=0)
    found["MLP, scaled"] = make_pipeline(StandardScaler(), network(random_state=0))
    forest = RandomForestRegressor if is_number else RandomForestClassifier
    found["forest"] = forest(random_state=0)
    if target != "labels":
        boosting = HistGradientBoostingRegressor if is_number else HistGradientBoostingClassifier
        found["boosting"] = boosting(random_state=0)
    if importlib.util.find_spec("catboost"):
        import catboost

        # Threads that wait for each other on a busy machine would count as CPU seconds.
        settings = {"verbose": False, "allow_writing_files": False, "random_state": 0}
        settings["thread_count"] = 1
        if target == "labels":
            settings["loss_function"] = "MultiLogloss"
        boosting = catboost.CatBoostRegressor if is_number else catboost.CatBoostClassifier
        found["CatBoost"] = boosting(**settings)
    return found


def fit_seconds(name, target, n_rows, n_columns):
    """Return CPU seconds of a first and of a second fit."""
    import keras  # noqa: F401, not part of a fit

    warnings.simplefilter("ignore")
    X, y = data(target, n_rows, n_columns)
    seconds = []
    for model in (models(target)[name], clone(models(target)[name])):
        start = time.process_time()
        model.fit(X, y)
        seconds.append(time.process_time() - start)
    return seconds


def part_seconds(target, n_rows, n_columns):
    """Return CPU seconds of the parts of a first fit, and behind them those of a second one."""
    warnings.simplefilter("ignore")
    X, y = data(target, n_rows, n_columns)
    model = models(target)["ours"]
    first, warm = parts_of_fits([lambda: clone(model).fit(X, y)] * 2)
    return first + warm


def in_a_process(call):
    """Return the numbers that a call of a function of this module returns in a new process."""
    code = f"from tests.benchmarks.default_fits import *; print(*{call})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return [float(number) for number in done.stdout.splitlines()[-1].split()]


def rows_of_models(target, size, n_rows, n_columns):
    """Yield a line of the table for each model."""
    for name in models(target):
        seconds = in_a_process(f"fit_seconds({name!r}, {target!r}, {n_rows}, {n_columns})")
        yield [f"{target} {size} {name}", *(f"{number:.2f}" for number in seconds)]


def rows_of_parts(target, size, n_rows, n_columns):
    """Yield a line of the table for the first and for the warm fit."""
    seconds = in_a_process(f"part_seconds({target!r}, {n_rows}, {n_columns})")
    for name, found in (("first", seconds[: len(PARTS)]), ("warm", seconds[len(PARTS) :])):
        yield [f"{target} {size} {name}", *(f"{number:.2f}" for number in found)]


def main():
    """Print a line for each model or fit, target and size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", default=SIZES)
    parser.add_argument("--targets", nargs="+", default=["numbers", "classes", "labels"])
    parser.add_argument("--parts", action="store_true", help="where the time of our fits goes")
    given, rows = parser.parse_args(), []
    rows_of = rows_of_parts if given.parts else rows_of_models
    for target in given.targets:
        for size in given.sizes:
            for row in rows_of(target, size, *map(int, size.split("x"))):
                rows.append(row)
                print(*row, file=sys.stderr, flush=True)
    print(format_table(["", *(PARTS if given.parts else ["first CPU s", "warm CPU s"])], rows))


if __name__ == "__main__":
    main()
