"""Tables as they come: categories and gaps, nothing set, beside boosting.

Usage::

    python -m tests.benchmarks.tables                    # all tables
    python -m tests.benchmarks.tables cmc anneal         # some of them
    python -m tests.benchmarks.tables --splits 3 --models ours boosting

Nothing is set but `random_state`. "one-hot" is ours behind OneHotEncoder, and SimpleImputer of
medians with indicators. Errors are the root mean squared error, or the log loss and the share of
wrong rows; seconds are those of the processor.

Settings of the package were chosen on cholesterol, anneal and cmc; the others are marked with a
star.

Data is read from ``../shared/data`` beside the repository, or from the folder that the environment
variable SKCONSTRAIN_DATA names.
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.metrics import accuracy_score, log_loss, root_mean_squared_error
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skconstrain import MultiLabelNetClassifier, PositiveRegressor
from tests.benchmarks._data import load_readers

REGRESSION = ("autohorse*", "meta*", "pbc*", "cholesterol", "sensory*")
CLASSES = ("credit_g*", "cmc", "hypothyroid*", "anneal", "car*")
MEASURES = {"regression": ["RMSE"], "classes": ["log loss", "wrong rows"]}


def encoded_in_front(net):
    """Return the network behind what a table needed before it was taken as it comes."""
    category = make_column_selector(dtype_include="category")
    number = make_column_selector(dtype_exclude="category")
    return make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore", sparse_output=False), category),
            (SimpleImputer(strategy="median", add_indicator=True), number),
        ),
        net,
    )


class CatBoost:
    """CatBoost with its defaults: its categories are text, gaps of them too."""

    def __init__(self, kind):
        import catboost

        types = {"regression": catboost.CatBoostRegressor, "classes": catboost.CatBoostClassifier}
        settings = {"random_state": 0, "verbose": 0, "allow_writing_files": False}
        self.model = types[kind](**settings, thread_count=1)

    def _as_taken(self, X):
        names = list(X.select_dtypes("category"))
        return X.assign(**{name: X[name].astype(object).fillna("none") for name in names}), names

    def fit(self, X, y):
        """Fit."""
        X, names = self._as_taken(X)
        self.model.fit(X, y, cat_features=names)
        return self

    def predict(self, X):
        """Predict."""
        return np.ravel(self.model.predict(self._as_taken(X)[0]))

    def predict_proba(self, X):
        """Predict probabilities."""
        return self.model.predict_proba(self._as_taken(X)[0])


def models(kind):
    """Return new default models by name."""
    net = PositiveRegressor if kind == "regression" else MultiLabelNetClassifier
    boosting = {
        "regression": HistGradientBoostingRegressor,
        "classes": HistGradientBoostingClassifier,
    }
    found = {
        "boosting": boosting[kind](random_state=0),
        "ours": net(random_state=0),
        "one-hot": encoded_in_front(net(random_state=0)),
    }
    try:
        found["CatBoost"] = CatBoost(kind)
    except ModuleNotFoundError:
        print("CatBoost is not installed.")
    return found


def errors(kind, model, X, y, classes):
    """Return the errors of a fitted model on test rows."""
    if kind == "regression":
        return [root_mean_squared_error(y, model.predict(X))]
    probability = np.clip(model.predict_proba(X), 1e-6, 1)
    probability /= probability.sum(axis=1, keepdims=True)
    return [
        log_loss(y, probability, labels=classes),
        max(1 - accuracy_score(y, model.predict(X)), 0.5 / len(y)),
    ]


def splits(kind, y, n_splits):
    """Return splits into rows to train on and to test on."""
    splitter = ShuffleSplit if kind == "regression" else StratifiedShuffleSplit
    return splitter(n_splits, test_size=0.25, random_state=0).split(np.zeros(len(y)), y)


def compare(kind, X, y, n_splits, names):
    """Return errors and seconds of each model: means over splits."""
    found = {}
    if kind == "classes":
        labels, counts = np.unique(y, return_counts=True)
        X, y = X[np.isin(y, labels[counts > 3])], y[np.isin(y, labels[counts > 3])]
    for train, test in splits(kind, y, n_splits):
        for name, model in models(kind).items():
            if names and name not in names:
                continue
            model = clone(model) if hasattr(model, "get_params") else model
            start = time.process_time()
            model.fit(X.iloc[train], y[train])
            seconds = time.process_time() - start
            found_errors = errors(kind, model, X.iloc[test], y[test], np.unique(y))
            found.setdefault(name, []).append([*found_errors, seconds])
    return {name: np.mean(values, axis=0) for name, values in found.items()}


def shown(found):
    """Return the errors and seconds of each model as text."""
    numbers = {name: " ".join(f"{number:.4g}" for number in v[:-1]) for name, v in found.items()}
    return ", ".join(f"{name} {numbers[name]} ({v[-1]:.1f} s)" for name, v in found.items())


def report(kind, tables, results, title):
    """Print geometric means of ratios to boosting's errors, over tables."""
    columns = [results[table] for table in tables if table in results]
    if not columns:
        return
    for i, measure in enumerate([*MEASURES[kind], "CPU seconds"]):
        for base in ("boosting", "CatBoost", "one-hot"):
            if not all(base in column for column in columns):
                continue
            ratios = {
                name: np.exp(np.mean([np.log(c[name][i] / c[base][i]) for c in columns]))
                for name in columns[0]
            }
            text = ", ".join(f"{name} {ratio:.3f}" for name, ratio in ratios.items())
            print(f"{kind}, {title}, {measure} over {base}'s: {text}")


def main():
    """Read the command line, compare and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", help="names, without stars; all by default")
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--models", nargs="*", help="names of models")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    readers = load_readers()
    if readers is None:
        return
    for kind, tables in {"regression": REGRESSION, "classes": CLASSES}.items():
        results = {}
        for table in tables:
            name = table.rstrip("*")
            if options.tables and name not in options.tables:
                continue
            X, y = readers.table(name)
            X = X.dropna(axis="columns", how="all")  # which boosting does not take
            results[table] = compare(kind, X, y, options.splits, options.models)
            print(f"{table}: {shown(results[table])}", flush=True)
        starred = [table for table in tables if table.endswith("*")]
        report(kind, tables, results, "all")
        report(kind, starred, results, "not chosen on")


if __name__ == "__main__":
    main()
