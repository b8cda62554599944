"""Several labels on real data: networks and binary relevance, at 0.5 and with tuned thresholds.

Usage::

    python -m tests.benchmarks.labels                       # the tables of the default sets
    python -m tests.benchmarks.labels --sets scene bibtex   # of these
    python -m tests.benchmarks.labels --models "MultiLabelNet, ours tuned"   # only this row
    python -m tests.benchmarks.labels --json FILE           # and their numbers
    python -m tests.benchmarks.labels --search              # choose the settings again

Data is read from ``../shared/data`` beside the repository, or from the folder that the environment
variable SKCONSTRAIN_DATA names: the standard Mulan split of each set into training and test part.

Settings of MultiLabelNetClassifier are chosen by cross-validation within the training part, by mean
average precision, which no threshold enters. Thresholds are chosen out of fold in the training part
as well. Each figure is the mean over several random states, which decide the weights and the folds.
The other models have scikit-learn's default settings, with more iterations for logistic
regression.
"""

import argparse
import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from iterstrat.ml_stratifiers import RepeatedMultilabelStratifiedKFold
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, hamming_loss
from sklearn.model_selection import RandomizedSearchCV, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skconstrain import MultiLabelNetClassifier, TunedThresholdMultiLabelClassifierCV
from skconstrain.losses import AsymmetricLoss, CategoricalFocalLoss, LogLoss
from tests.benchmarks._data import load_readers
from tests.benchmarks._settings import ONE_NETWORK

SETS = ["emotions", "scene", "flags", "medical", "bibtex"]
DEFAULT_SETS = ["emotions", "scene", "flags"]
# No random state changes these, so they are fitted once.
FITTED_ONCE = ["OneVsRest(Logistic)", "MultiOutput(TunedThreshold(Logistic))"]
# Macro-F1 on the test part that tuned thresholds should reach.
TARGETS = {"emotions": 0.700, "scene": 0.755}
TUNED = "MultiLabelNet, ours tuned"
DEFAULT = "MultiLabelNet, nothing set, ours tuned"
METRICS = ["hamming", "micro", "macro", "samples"]

# Chosen by `python -m tests.benchmarks.labels --search --sets ...`, in the training part.
SETTINGS = {
    "emotions": {
        "hidden_layer_sizes": (500,),
        "alpha": 0.1,
        "epochs": 50,
        "learning_rate": 3e-4,
    },
    "scene": {"hidden_layer_sizes": (200,), "dropout": 0.25, "alpha": 0.1, "epochs": 50},
    "flags": {"hidden_layer_sizes": (200,), "dropout": 0.25, "alpha": 0.1, "epochs": 50},
    "medical": {
        "hidden_layer_sizes": (200,),
        "alpha": 0.1,
        "epochs": 100,
        "learning_rate": 3e-4,
    },
    # Set by hand, before any run: its search takes long.
    "bibtex": {"hidden_layer_sizes": (200,), "dropout": 0.5, "epochs": 20},
}
GRID = {
    "hidden_layer_sizes": [(100,), (200,), (500,), (200, 100)],
    "dropout": [0.0, 0.25, 0.5, 0.7],
    "alpha": [1e-4, 0.1, 1.0],
    "epochs": [20, 50, 100],
    "learning_rate": [3e-4, 1e-3],
    "loss": [
        loss(label_smoothing=share)
        for loss in (LogLoss, CategoricalFocalLoss, AsymmetricLoss)
        for share in (0.0, 0.1)
    ],
}
# The same in every candidate.
FIXED = {**ONE_NETWORK, "batch_size": 32, "tol": None, "dtype": "float32"}
# Number of candidates and repetitions of 5 folds; fewer where a fit takes long.
BUDGET = {"bibtex": (6, 1), "medical": (12, 1)}
DEFAULT_BUDGET = (30, 2)


def scaled(classifier):
    """Standardise, then classify."""
    return make_pipeline(StandardScaler(), classifier)


def network(name, **settings):
    """Return our network with the settings of a data set."""
    return scaled(MultiLabelNetClassifier(**{**FIXED, **SETTINGS[name], **settings}))


def models(name):
    """Return models by their names in the table."""
    tuned = TunedThresholdMultiLabelClassifierCV
    logistic = LogisticRegression(max_iter=1000)
    relevance = scaled(OneVsRestClassifier(logistic))
    per_label = MultiOutputClassifier(TunedThresholdClassifierCV(logistic, scoring="f1"))
    plain = scaled(MLPClassifier())
    forest = RandomForestClassifier(300, random_state=0)
    return {
        "OneVsRest(Logistic)": relevance,
        "OneVsRest(Logistic), ours tuned": tuned(relevance),
        "MultiOutput(TunedThreshold(Logistic))": scaled(per_label),
        "MLPClassifier": plain,
        "MLPClassifier, ours tuned": tuned(plain),
        "RandomForest(300), ours tuned": tuned(forest),
        DEFAULT: tuned(MultiLabelNetClassifier(random_state=0)),
        "MultiLabelNet": network(name),
        TUNED: tuned(network(name)),
    }


def with_seed(model, seed):
    """Return a clone all of whose parts have this random state."""
    model = clone(model)
    seeded = {name: seed for name in model.get_params() if name.split("__")[-1] == "random_state"}
    return model.set_params(**seeded)


def scores(Y, predicted):
    """Return the metrics of one prediction, in the order of METRICS."""
    averages = [f1_score(Y, predicted, average=a, zero_division=0) for a in METRICS[1:]]
    return [float(hamming_loss(Y, predicted)), *map(float, averages)]


def evaluate(name, model, train, test, seeds):
    """Fit with every random state; return one row of the table."""
    results, seconds = [], []
    for seed in range(1 if name in FITTED_ONCE else seeds):
        seeded, start = with_seed(model, seed), time.perf_counter()
        try:
            seeded.fit(*train)
        except ValueError as error:
            return {"model": name, "refused": str(error).splitlines()[0]}
        seconds.append(time.perf_counter() - start)
        results.append(scores(test[1], seeded.predict(test[0])))
    row = {"model": name, **dict(zip(METRICS, np.mean(results, axis=0).tolist(), strict=True))}
    return {**row, "macros": [r[2] for r in results], "seconds": float(np.mean(seconds))}


def print_row(row):
    """Print one line of the table."""
    if "refused" in row:
        print(f"{row['model']:38s} not fitted: {row['refused'][:58]}", flush=True)
        return
    figures = " ".join(f"{row[metric]:8.3f}" for metric in METRICS)
    spread = f"{min(row['macros']):.3f} to {max(row['macros']):.3f}"
    print(f"{row['model']:38s} {figures}  {spread:14s} {row['seconds']:8.2f}", flush=True)


def table(name, loaders, seeds, titles):
    """Print and return the rows of one data set, those of `titles` if there are any."""
    train, test = (loaders.mulan(name, part)[:2] for part in ("train", "test"))
    (n, features), labels = train[0].shape, train[1].shape[1]
    print(f"\n{name}: {n} + {len(test[0])} rows, {features} features, {labels} labels")
    heads = " ".join(f"{head:>8s}" for head in ["Hamming", "micro-F1", "macro-F1", "sample-F1"])
    print(f"{'mean of ' + str(seeds) + ' random states':38s} {heads}  macro-F1 of each  seconds")
    result = []
    chosen = {title: model for title, model in models(name).items() if title in (titles or [title])}
    for title, model in chosen.items():
        result.append(evaluate(title, model, train, test, seeds))
        print_row(result[-1])
    if name in TARGETS and TUNED in chosen:
        reached = result[-1]["macro"]
        verdict = "reached" if reached >= TARGETS[name] else "NOT reached"
        print(f"macro-F1 {TARGETS[name]:.3f} {verdict}: {reached:.4f}; each: ", end="")
        print(" ".join(f"{macro:.4f}" for macro in result[-1]["macros"]), flush=True)
    return result


def search(name, loaders):
    """Choose settings by cross-validation in the training part, and print them."""
    X, Y, _, _ = loaders.mulan(name, "train")
    n_iter, repeats = BUDGET.get(name, DEFAULT_BUDGET)
    folds = RepeatedMultilabelStratifiedKFold(n_splits=5, n_repeats=repeats, random_state=0)
    chosen = RandomizedSearchCV(
        scaled(MultiLabelNetClassifier(**FIXED, random_state=0)),
        {f"multilabelnetclassifier__{key}": values for key, values in GRID.items()},
        n_iter=n_iter, cv=list(folds.split(X, Y)), scoring="average_precision", refit=False,
        random_state=0, error_score="raise",
    )  # fmt: skip
    start = time.perf_counter()
    chosen.fit(X, Y)
    settings = {key.split("__")[1]: value for key, value in chosen.best_params_.items()}
    print(f"\n{name}: {settings}")
    seconds = time.perf_counter() - start
    print(f"mean average precision {chosen.best_score_:.4f}, {seconds:.0f} s", flush=True)
    return settings


def warm_up():
    """Import and start Keras, so that the first fit's seconds do not include it."""
    X, Y = np.eye(4), np.eye(4, dtype=int)[:, :2]
    MultiLabelNetClassifier(epochs=1, tol=None, random_state=0).fit(X, Y)


def main(arguments=None):
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=DEFAULT_SETS, metavar="SET")
    parser.add_argument("--seeds", type=int, default=5, help="number of random states")
    parser.add_argument("--models", nargs="+", metavar="TITLE", help="only these rows")
    parser.add_argument("--search", action="store_true", help="choose the settings again")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers here")
    options = parser.parse_args(arguments)
    loaders = load_readers()
    if loaders is None:
        return 0
    warnings.simplefilter("ignore")  # convergence, and labels without a positive
    # One thread: MLPClassifier's small products are several times slower where threads compete.
    with threadpool_limits(1, user_api="blas"):
        warm_up()
        if options.search:
            result = {name: search(name, loaders) for name in options.sets}
        else:
            arguments = loaders, options.seeds, options.models
            result = {name: table(name, *arguments) for name in options.sets}
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
