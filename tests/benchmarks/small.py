"""Tables of 100 to 200 training rows: whether probabilities of one network can be relied on.

Usage::

    python -m tests.benchmarks.small                     # fourteen tables, two seeds
    python -m tests.benchmarks.small issue heart         # some of them
    python -m tests.benchmarks.small --models gate --seeds 1

Nothing is set but `random_state`. Of each model, the log loss of the rows that are not trained on
is divided by that of `MultiLabelNetClassifier()`, which is the mean of five networks, and wrong
rows by its wrong rows. A model whose log loss is above that of the shares of the classes is named.

Real tables but those of scikit-learn are read from ``../shared/data``: see `defaults.py`.
"""

import argparse
import warnings

import numpy as np
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_wine,
    make_classification,
    make_moons,
)
from sklearn.dummy import DummyClassifier
from sklearn.metrics import log_loss, zero_one_loss
from sklearn.model_selection import StratifiedShuffleSplit

from skconstrain import (
    GatedEnsembleClassifier,
    MultiLabelNetClassifier,
    SparseConnectedNetClassifier,
)
from skconstrain.connections import random as random_connections
from tests.benchmarks._data import load_readers

MOST_TEST_ROWS = 2000


def _made(n_rows, n_features, seed, **settings):
    return lambda readers: make_classification(n_rows, n_features, random_state=seed, **settings)


def _shipped(load):
    return lambda readers: load(return_X_y=True)


def _parted(name):
    """Return a reader of a set whose training and test rows are put together again."""

    def read(readers):
        X, y, X_test, y_test = getattr(readers, name)()
        return np.vstack([X, X_test]), np.r_[y, y_test]

    return read


# Readers, and numbers of training rows.
SETS = {
    "issue": (
        _made(220, 9, 1, n_informative=6, n_classes=5, n_clusters_per_class=1, flip_y=0.1),
        165,
    ),
    "wide": (_made(900, 60, 2, n_informative=8, flip_y=0.1), 195),
    "noisy": (_made(900, 8, 3, n_informative=3, n_redundant=0, flip_y=0.5), 130),
    "three": (_made(900, 12, 4, n_informative=5, n_classes=3, flip_y=0.05), 120),
    "moons": (lambda readers: make_moons(900, noise=0.35, random_state=0), 100),
    "wine": (_shipped(load_wine), 120),
    "iris": (_shipped(load_iris), 100),
    "cancer": (_shipped(load_breast_cancer), 150),
    "digits": (_shipped(load_digits), 200),
    "digits120": (_shipped(load_digits), 120),
    "phoneme": (lambda readers: readers.phoneme()[:2], 150),
    "satimage": (_parted("satimage"), 200),
    "banana": (lambda readers: readers.banana()[:2], 200),
    "heart": (_parted("heart"), 180),
}


def models(n_features):
    """Return the shares of classes, five networks, and what is compared with these."""
    wiring = random_connections(n_features, 32, density=0.5, random_state=0)
    return {
        "shares": DummyClassifier(),
        "five": MultiLabelNetClassifier(),
        "gate": GatedEnsembleClassifier(),
        "one": MultiLabelNetClassifier(n_networks=1),
        "wired": SparseConnectedNetClassifier([wiring]),
    }


def compare(X, y, n_train, seed, names):
    """Return the log loss and the share of wrong rows of each model."""
    n_test = min(MOST_TEST_ROWS, len(y) - n_train)
    splitter = StratifiedShuffleSplit(1, train_size=n_train, test_size=n_test, random_state=seed)
    train, test = next(splitter.split(X, y))
    found = {}
    for name, model in models(X.shape[1]).items():
        if name in names:
            model.set_params(random_state=seed).fit(X[train], y[train])
            loss = log_loss(y[test], model.predict_proba(X[test]), labels=model.classes_)
            found[name] = loss, zero_one_loss(y[test], model.predict(X[test]))
    return found


def report(results, names):
    """Print geometric means of ratios to five networks, and what is worse than shares."""
    for i, what in enumerate(("log loss", "wrong rows")):
        means = ", ".join(f"{name} {_mean_ratio(results, name, i):.3f}" for name in names)
        print(f"geometric mean of {what} over that of five networks: {means}")
    worse = [
        f"{name} on {table} ({seed})"
        for (table, seed), found in results.items()
        for name in names
        if found[name][0] > found["shares"][0]
    ]
    print(f"log loss above that of the shares of classes: {', '.join(worse) or 'none'}")


def _mean_ratio(results, name, i):
    # Half a percent of wrong rows is added, because some tables have none.
    least = (0, 0.005)[i]
    ratios = [(found[name][i] + least) / (found["five"][i] + least) for found in results.values()]
    return np.exp(np.mean(np.log(ratios)))


def main():
    """Read the command line, compare and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="*", help="names of tables; all by default")
    parser.add_argument("--models", nargs="*", default=["gate", "one", "wired"])
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    readers, results = load_readers(), {}
    if readers is None:
        return
    names = ["shares", "five", *options.models]
    print("log loss, wrong rows")
    print(f"{'':14}" + "".join(f"{name:>14}" for name in names))
    for table, (read, n_train) in SETS.items():
        if table not in (options.sets or SETS):
            continue
        X, y = (np.asarray(part) for part in read(readers))
        for seed in range(options.seeds):
            results[table, seed] = found = compare(X.astype(float), y, n_train, seed, names)
            shown = "".join(f"{found[name][0]:8.3f} {found[name][1]:5.3f}" for name in names)
            print(f"{table:11}{seed:3}{shown}", flush=True)
    report(results, options.models)


if __name__ == "__main__":
    main()
