"""What nothing set is worth: default estimators on raw tables, beside those of scikit-learn.

Usage::

    python -m tests.benchmarks.defaults                    # all sets
    python -m tests.benchmarks.defaults concrete phoneme   # some of them
    python -m tests.benchmarks.defaults --splits 20        # of the sets that have several
    python -m tests.benchmarks.defaults --seeds 1          # one random state, where two are default
    python -m tests.benchmarks.defaults claims --models linear boosting ours  # freMTPL2, all rows

CatBoost stands beside them where it is installed, RealMLP and TabM where pytabkit is. "scatter" is
the range of the errors of random states over their mean, of ours: smaller differences say nothing.

Nothing is set but `random_state`; for counts, output and loss as well, and exposures are weights.
Features are raw, except for MLP and linear models, which have a scaler. An error is the root mean
squared error, one minus the accuracy, one minus the macro average precision of labels, or one minus
the D2 of the Poisson deviance. Seconds are those of the second of two fits, so that nothing
compiles in them.

Settings of the package were chosen on training parts of wine, auto_mpg, protein, phoneme, digits,
emotions and on synthetic sets; the others are marked with a star and were looked at once.

Data is read from ``../shared/data`` beside the repository, or from the folder that the environment
variable SKCONSTRAIN_DATA names.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, PoissonRegressor
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    d2_tweedie_score,
    root_mean_squared_error,
)
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit, TimeSeriesSplit
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    StandardScaler,
)
from sklearn.svm import SVC

from skconstrain import GatedEnsembleClassifier, MultiLabelNetClassifier, PositiveRegressor
from tests.benchmarks._data import load_readers

TIME_COLUMNS = ["season", "yr", "mnth", "hr", "weekday", "weathersit"]
LARGEST_COUNT = 977  # scikit-learn's protocol divides the rentals by it


@dataclass(frozen=True)
class Table:
    """A data set, its splits into rows to train on and to test on, and its kind."""

    kind: str
    X: np.ndarray
    y: np.ndarray
    splits: list
    weight: np.ndarray | None = None


def _shuffled(n_rows, n_splits=5, test_size=0.2):
    return list(ShuffleSplit(n_splits, test_size=test_size, random_state=0).split(np.zeros(n_rows)))


def _parts(train, test):
    """Return the rows of a set that is split already, and the split."""
    n_train, n_test = len(train), len(test)
    return [(np.arange(n_train), np.arange(n_train, n_train + n_test))]


def _with_splits(kind, data):
    X, y, splits = data
    return Table(kind, np.asarray(X, float), np.asarray(y), splits)


def _protein(readers):
    X, y, splits = readers.protein()
    return Table("regression", X, y, [(train[:8000], test) for train, test in splits])


def _diabetes(readers):
    X, y = load_diabetes(return_X_y=True)
    return Table("regression", X, y, _shuffled(len(y)))


def _auto_mpg(readers):
    X, y, X_test, y_test = readers.auto_mpg()
    return Table(
        "regression", np.vstack([X, X_test]).astype(float), np.r_[y, y_test], _parts(y, y_test)
    )


def _bike(readers):
    X, y = readers.bike()
    one_hot = pd.get_dummies(X, columns=[name for name in TIME_COLUMNS if name in X])
    splitter = TimeSeriesSplit(5, gap=48, max_train_size=10000, test_size=1000)
    return Table("regression", one_hot.to_numpy(float), y / LARGEST_COUNT, list(splitter.split(X)))


def _claims(readers, sample=True):
    """Return frequencies of claims; few and extreme ones are cut as in scikit-learn's example."""
    data = readers.fremtpl(sample)
    categories = pd.get_dummies(data[["Area", "VehBrand", "VehGas", "Region"]])
    numbers = data[["VehPower", "VehAge", "DrivAge", "BonusMalus", "Density"]]
    X = np.hstack([numbers.to_numpy(float), categories.to_numpy(float)])
    exposure = data["Exposure"].clip(upper=1).to_numpy(float)
    frequency = data["ClaimNb"].clip(upper=4).to_numpy(float) / exposure
    return Table("counts", X, frequency, _shuffled(len(X), test_size=0.25), exposure)


def _features_of_a_tariff():
    """Return what scikit-learn's example of claims makes of the columns, for its linear model."""
    bins = KBinsDiscretizer(10, subsample=200_000, random_state=0)
    logarithm = make_pipeline(FunctionTransformer(np.log), StandardScaler())
    columns = [("age", bins, [1, 2]), ("power", OneHotEncoder(), [0]), ("density", logarithm, [4])]
    return ColumnTransformer(columns, remainder="passthrough")


def _labels(name):
    def read(readers):
        (X, Y), (X_test, Y_test) = (
            _label_arrays(readers.mulan(name, p)) for p in ("train", "test")
        )
        return Table("labels", np.vstack([X, X_test]), np.vstack([Y, Y_test]), _parts(X, X_test))

    return read


def _label_arrays(data):
    X, Y = data[:2]
    return np.asarray(X, float), np.asarray(Y, int)


def _satimage(readers):
    X, y, X_test, y_test = readers.satimage()
    return Table(
        "classes", np.vstack([X, X_test]).astype(float), np.r_[y, y_test], _parts(y, y_test)
    )


def _classes(X, y, n_train=None, test_size=0.3):
    size = (
        {"test_size": test_size}
        if n_train is None
        else {"train_size": n_train, "test_size": n_train}
    )
    splitter = StratifiedShuffleSplit(3, random_state=0, **size)
    return Table("classes", np.asarray(X, float), np.asarray(y), list(splitter.split(X, y)))


SETS: dict[str, Callable] = {
    "concrete*": lambda readers: _with_splits("regression", readers.concrete()),
    "wine": lambda readers: _with_splits("regression", readers.wine()),
    "protein": _protein,
    "diabetes*": _diabetes,
    "auto_mpg": _auto_mpg,
    "bike*": _bike,
    "freMTPL2*": _claims,
    "claims*": lambda readers: _claims(readers, sample=False),
    "emotions": _labels("emotions"),
    "scene*": _labels("scene"),
    "flags*": _labels("flags"),
    "medical*": _labels("medical"),
    "satimage*": _satimage,
    "phoneme": lambda readers: _classes(*readers.phoneme()[:2]),
    "covertype*": lambda readers: _classes(*readers.covertype()[:2], n_train=10000),
    "cancer*": lambda readers: _classes(*load_breast_cancer(return_X_y=True)),
    "digits": lambda readers: _classes(*load_digits(return_X_y=True)),
}


# All claims take minutes: they are measured where they are named.
DEFAULT_SETS = [name.rstrip("*") for name in SETS if name != "claims*"]


def models(kind):
    """Return default estimators for a kind of targets; errors are divided by the first one's."""
    if kind == "regression":
        return {
            "boosting": HistGradientBoostingRegressor(random_state=0),
            "forest": RandomForestRegressor(random_state=0),
            "MLP": make_pipeline(StandardScaler(), MLPRegressor(random_state=0)),
            "ours": PositiveRegressor(random_state=0),
            "one network": PositiveRegressor(n_networks=1, random_state=0),
            **_installed("Regressor"),
        }
    if kind == "counts":
        ours = PositiveRegressor(output="exp", loss="poisson", random_state=0)
        return {
            "linear": make_pipeline(
                _features_of_a_tariff(), PoissonRegressor(alpha=1e-12, solver="newton-cholesky")
            ),
            "boosting": HistGradientBoostingRegressor(loss="poisson", random_state=0),
            "MLP": make_pipeline(StandardScaler(), MLPRegressor(loss="poisson", random_state=0)),
            "ours": ours,
            "one network": clone(ours).set_params(n_networks=1),
            **_installed("Regressor", of_pytabkit=(), loss_function="Poisson"),
        }
    if kind == "labels":
        logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        return {
            "logistic": MultiOutputClassifier(logistic),
            "forest": RandomForestClassifier(300, random_state=0),
            "MLP": make_pipeline(StandardScaler(), MLPClassifier(random_state=0)),
            "ours": MultiLabelNetClassifier(random_state=0),
            "one network": MultiLabelNetClassifier(n_networks=1, random_state=0),
        }
    return {
        "boosting": HistGradientBoostingClassifier(random_state=0),
        "SVC": make_pipeline(StandardScaler(), SVC()),
        "MLP": make_pipeline(StandardScaler(), MLPClassifier(random_state=0)),
        "ours": MultiLabelNetClassifier(random_state=0),
        "one network": MultiLabelNetClassifier(n_networks=1, random_state=0),
        "gate": GatedEnsembleClassifier(random_state=0),
        **_installed("Classifier"),
    }


def _installed(kind, of_pytabkit=("RealMLP-TD", "TabM-D"), **settings):
    """Return those models of other packages that are installed."""
    found = {}
    if find_spec("catboost"):
        import catboost

        quiet = {"verbose": 0, "allow_writing_files": False, "random_state": 0}
        found["CatBoost"] = getattr(catboost, f"CatBoost{kind}")(**quiet, **settings)
    if find_spec("pytabkit"):
        import pytabkit

        for name in of_pytabkit:
            made = getattr(pytabkit, f"{name.replace('-', '_')}_{kind}")
            found[name] = made(device="cpu", random_state=0)
    return found


def with_seed(model, seed):
    """Return a clone all of whose parts have this random state."""
    model = clone(model)
    names = [name for name in model.get_params() if name.split("__")[-1] == "random_state"]
    return model.set_params(**dict.fromkeys(names, seed))


def error(kind, model, X, y, weight=None):
    """Return the error of a fitted model on test rows."""
    if kind == "counts":
        return 1 - d2_tweedie_score(y, model.predict(X), sample_weight=weight, power=1)
    if kind == "regression":
        return root_mean_squared_error(y, model.predict(X))
    if kind == "classes":
        return 1 - accuracy_score(y, model.predict(X))
    probability = model.predict_proba(X)
    if isinstance(probability, list):  # a list of one array for each label
        probability = np.stack(
            [p[:, -1] if p.shape[1] == 2 else 0 * p[:, 0] for p in probability], 1
        )
    seen = y.any(axis=0)
    return 1 - average_precision_score(y[:, seen], probability[:, seen], average="macro")


def compare(table, n_splits, n_seeds, names):
    """Return error, seconds and scatter of each default model, or of some by name.

    Errors and seconds are means over splits and random states; the scatter is the range of the
    errors of random states, each the mean over splits, over their mean.
    """
    compared = {name: m for name, m in models(table.kind).items() if not names or name in names}
    found = {}
    for name, model in compared.items():
        fits = [
            [fit_and_measure(table, split, with_seed(model, seed), name) for seed in range(n_seeds)]
            for split in table.splits[:n_splits]
        ]
        errors, seconds = np.moveaxis(fits, 2, 0)
        of_seeds = errors.mean(axis=0)
        found[name] = errors.mean(), seconds.mean(), np.ptp(of_seeds) / of_seeds.mean()
    return found


def fit_and_measure(table, split, model, name):
    """Return the error of a model on the test rows of a split, and the seconds of its fit."""
    train, test = split
    y_train, y_test = table.y[train], table.y[test]
    if table.kind == "labels":
        # A label without a positive row has no classifier in scikit-learn.
        known = y_train.any(axis=0)
        y_train, y_test = y_train[:, known], y_test[:, known]
    weights, test_weight = {}, None
    if table.weight is not None:
        last = model.steps[-1][0] + "__" if hasattr(model, "steps") else ""
        weights = {f"{last}sample_weight": table.weight[train]}
        test_weight = table.weight[test]
    for _ in range(2 if name in ("ours", "one network", "gate") else 1):
        start = time.perf_counter()
        model.fit(table.X[train], y_train, **weights)
        seconds = time.perf_counter() - start
    return error(table.kind, model, table.X[test], y_test, test_weight), seconds


def report(results, kind):
    """Print the errors of one kind of targets and their ratios to the first model's."""
    rows = {name: found for (name, of_kind), found in results.items() if of_kind == kind}
    if not rows:
        return
    columns = list(next(iter(rows.values())))
    timed = "MLP" if "MLP" in columns else columns[0]
    print(f"\n{kind}: error (of {columns[0]}), ratio of errors to it; seconds over {timed}'s")
    print(
        f"{'':12}{columns[0]:>10}"
        + "".join(f"{name:>13}" for name in columns[1:])
        + "   scatter   seconds"
    )
    for name, found in rows.items():
        first, seconds = found[columns[0]][0], found[timed][1]
        ratios = "".join(f"{found[column][0] / first:13.3f}" for column in columns[1:])
        times = ", ".join(
            f"{c} {found[c][1] / seconds:.2f}" for c in columns if c not in (columns[0], timed)
        )
        scatter = found["ours" if "ours" in found else columns[0]][2]
        print(f"{name:12}{first:10.4f}{ratios}{scatter:10.3f}   {times} ({timed} {seconds:.2f} s)")
    for title, i in (("errors over the first's", 0), (f"seconds over {timed}'s", 1)):
        print(f"geometric mean of {title}: ", end="")
        base = columns[0] if i == 0 else timed
        means = {
            c: np.exp(np.mean([np.log(found[c][i] / found[base][i]) for found in rows.values()]))
            for c in columns
        }
        print(", ".join(f"{c} {value:.3f}" for c, value in means.items()))


def main():
    """Read the command line, compare and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="*", help="names of sets, without stars; all by default")
    parser.add_argument("--splits", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--models", nargs="*", help="names of models, as in the table")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    readers, results = load_readers(), {}
    if readers is None:
        return
    for name, read in SETS.items():
        if name.rstrip("*") not in (options.sets or DEFAULT_SETS):
            continue
        table = read(readers)
        results[name, table.kind] = compare(table, options.splits, options.seeds, options.models)
        scores = ", ".join(
            f"{k} {v[0]:.4g} ({v[1]:.1f} s)" for k, v in results[name, table.kind].items()
        )
        print(f"{name}: {scores}", flush=True)
    for kind in ("regression", "counts", "labels", "classes"):
        report(results, kind)


if __name__ == "__main__":
    main()
