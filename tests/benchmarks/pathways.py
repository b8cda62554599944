"""Proteins and pathways: a network wired by a database, beside dense ones and logistic regression.

Usage::

    python -m tests.benchmarks.pathways                # the three tables, in some minutes
    python -m tests.benchmarks.pathways --seeds 2 --draws 5    # quicker
    python -m tests.benchmarks.pathways --levels 3 --impute mean
    python -m tests.benchmarks.pathways --json FILE    # and their numbers

Data is read from ``../shared/data`` beside the repository, or from the folder that the environment
variable SKCONSTRAIN_DATA names: 554 protein intensities of 197 samples in two groups, 37 % missing,
and two tables of edges, protein -> pathway and pathway -> larger pathway.

**Accuracy is at its ceiling here**: logistic regression separates the groups, so no network can do
better on all samples. The tables show what is left to compare: parameters, training with 20, 40
and 80 samples, and how far importances agree between random states.

All but one row use the proteins that have a pathway. ``wired, shuffled`` is the control: the same
layers, but which unit feeds which pathway is permuted, so that only the sparsity is left. Missing
values are imputed and columns scaled within the training part. The learning rate of each network is
chosen from two by inner cross-validation, as dense layers want the smaller and wired ones the
larger; the other settings are the same for all networks. Logistic regression has scikit-learn's
default settings, with more iterations.

The importance of a unit is the sum, over all paths from a protein to the output through it, of the
product of the sizes of the weights. It depends on the wiring too: a pathway with many proteins has
many paths. So ``untrained`` says how far importances agree before there was any training, and
``shuffled`` how far they agree with a wiring that means nothing.
"""

import argparse
import itertools
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    RepeatedStratifiedKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skconstrain import SparseConnectedNetClassifier
from skconstrain.connections import ConnectionMatrix, from_edges
from tests.benchmarks._data import load_readers
from tests.benchmarks._settings import CONSTANT_RATE
from tests.benchmarks._timing import format_table, machine, progress, versions, write_json

RATES = [0.001, 0.01]
# The same for all networks, set by hand: enough steps for 20 samples, too.
FIXED = {
    **CONSTANT_RATE,
    "activation": "tanh",
    "batch_size": 16,
    "epochs": 30,
    "tol": None,
    "dtype": "float32",
}
# A missing intensity is mostly one too low to be seen: below all that were (13.6 and more).
IMPUTERS = {"zero": {"strategy": "constant", "fill_value": 0.0}, "mean": {"strategy": "mean"}}
TRAINING_SIZES = [20, 40, 80]
N_STATES = 5
ALL_PROTEINS = "logistic, all proteins"


class Benchmark:
    """The data, the layers, and the contestants.

    Attributes
    ----------
    X : DataFrame of shape (n_samples, n_proteins)
        Intensities of the proteins that have a pathway, NaN where missing.
    X_all : DataFrame of shape (n_samples, n_all_proteins)
        Those of all proteins.
    y : ndarray of shape (n_samples,)
        Groups.
    layers : list of ConnectionMatrix
        From the proteins to the largest pathways.
    """

    def __init__(self, loaders, n_levels, impute):
        self.X_all, self.y, proteins, pathways = loaders.proteomics()
        self.layers = from_edges(
            pathways,
            inputs=self.X_all.columns,
            mapping=proteins,
            mapping_columns=("input", "translation"),
            n_levels=n_levels,
        )
        self.X = self.X_all[list(self.layers[0].input_names)]
        self.impute = IMPUTERS[impute]

    def contestants(self):
        """Return functions from a random state to an unfitted classifier, by name."""
        return {
            ALL_PROTEINS: logistic,
            "logistic": logistic,
            "dense, same widths": lambda seed: tuned(self.dense(seed), seed),
            "wired, shuffled": lambda seed: tuned(self.shuffled(seed), seed),
            "wired": lambda seed: tuned(self.wired(seed), seed),
        }

    def wired(self, seed, **settings):
        """Return a network with the connections of the database."""
        return network(seed, connections=self.layers, **settings)

    def shuffled(self, seed, **settings):
        """Return one whose proteins and pathways feed those of others."""
        rng = np.random.default_rng(seed)
        return network(seed, connections=[permuted(m, rng) for m in self.layers], **settings)

    def dense(self, seed, **settings):
        """Return one with all connections."""
        widths = [layer.shape[1] for layer in self.layers]
        return network(seed, hidden_layer_sizes=widths, **settings)

    def pipeline(self, classifier):
        """Impute, standardise, classify; DataFrames keep the names by which rows are aligned."""
        imputer = SimpleImputer(**self.impute, keep_empty_features=True)
        pipeline = make_pipeline(imputer, StandardScaler(), classifier)
        return pipeline.set_output(transform="pandas")

    def score(self, make, splits, all_proteins=False):
        """Fit on every split; return accuracy, AUC, parameters and seconds of each."""
        X = self.X_all if all_proteins else self.X
        rows = []
        for seed, (train, test) in enumerate(splits):
            model, start = self.pipeline(make(seed)), time.perf_counter()
            model.fit(X.iloc[train], self.y[train])
            seconds = time.perf_counter() - start
            accuracy = accuracy_score(self.y[test], model.predict(X.iloc[test]))
            auc = roc_auc_score(self.y[test], model.predict_proba(X.iloc[test])[:, 1])
            fitted = getattr(model[-1], "best_estimator_", model[-1])
            rows.append([accuracy, auc, n_parameters(fitted), seconds])
        return np.array(rows, dtype=float)


def permuted(matrix, rng):
    """Return the same connections with the inputs permuted, and their names in place."""
    rows = matrix.tocsr()[rng.permutation(matrix.shape[0])]
    return ConnectionMatrix(rows, matrix.input_names, matrix.unit_names)


def network(seed, **settings):
    """Return an unfitted network."""
    return SparseConnectedNetClassifier(**{**FIXED, "random_state": seed, **settings})


def logistic(seed):
    """Return logistic regression, which no random state changes."""
    return LogisticRegression(max_iter=1000, random_state=seed)


def tuned(classifier, seed):
    """Choose the learning rate by the log loss of inner folds; AUC is often 1 for both."""
    folds = StratifiedKFold(3, shuffle=True, random_state=seed)
    return GridSearchCV(classifier, {"learning_rate": RATES}, scoring="neg_log_loss", cv=folds)


def n_parameters(model):
    """Count the weights and biases of a fitted classifier."""
    if isinstance(model, LogisticRegression):
        return model.coef_.size + model.intercept_.size
    weights = sum(getattr(kernel, "nnz", kernel.size) for kernel in model.coefs_)
    return weights + sum(bias.size for bias in model.intercepts_)


def cross_validate(benchmark, seeds):
    """Print and return scores of repeated cross-validation."""
    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=seeds, random_state=0)
    splits = list(folds.split(benchmark.X, benchmark.y))
    result = {}
    for name, make in benchmark.contestants().items():
        result[name] = benchmark.score(make, splits, name == ALL_PROTEINS)
        progress(f"  5 folds, {name}: {result[name][:, 3].sum():.0f} s")
    rows = []
    for name, scores in result.items():
        accuracy, auc, parameters, seconds = scores.T
        figures = [f"{parameters.mean():.0f}", spread(accuracy), spread(auc, 4)]
        rows.append([name, *figures, f"{seconds.mean():.2f}"])
    title = f"{seeds} x 5 folds"
    print(format_table([title, "parameters", "accuracy", "AUC", "seconds"], rows))
    print("Accuracy is at its ceiling here: no network can do better than logistic regression.\n")
    return {name: scores.tolist() for name, scores in result.items()}


def train_on_few(benchmark, sizes, draws):
    """Print and return scores where few samples are used and all others are predicted."""
    result, accuracies, aucs = {}, [], []
    for name, make in benchmark.contestants().items():
        scores = []
        for size in sizes:
            shuffle = StratifiedShuffleSplit(draws, train_size=size, random_state=size)
            splits = shuffle.split(benchmark.X, benchmark.y)
            scores.append(benchmark.score(make, splits, name == ALL_PROTEINS))
            progress(f"  {size} samples, {name}: {scores[-1][:, 3].sum():.0f} s")
        accuracies.append([name, *(spread(score[:, 0]) for score in scores)])
        aucs.append([name, *(spread(score[:, 1]) for score in scores)])
        result[name] = {size: score.tolist() for size, score in zip(sizes, scores, strict=True)}
    head = [f"{size} samples" for size in sizes]
    print(format_table([f"accuracy, {draws} draws", *head], accuracies) + "\n")
    print(format_table([f"AUC, {draws} draws", *head], aucs) + "\n")
    return result


def agreement(benchmark, n_states):
    """Print and return how far importances agree between random states, on all samples.

    The wiring is the same in all states: the shuffled one, too.
    """
    shuffled = benchmark.shuffled(0).connections
    rate = {"learning_rate": 0.01}
    still = {"learning_rate": 1e-12, "epochs": 1}
    makers = {
        "wired": lambda seed: benchmark.wired(seed, **rate),
        "wired, untrained": lambda seed: benchmark.wired(seed, **still),
        "wired, shuffled": lambda seed: network(seed, connections=shuffled, **rate),
        "dense, same widths": lambda seed: benchmark.dense(seed, learning_rate=0.001),
    }
    result, rows = {}, []
    for name, make in makers.items():
        fits = []
        for seed in range(n_states):
            model = benchmark.pipeline(make(seed)).fit(benchmark.X, benchmark.y)
            fits.append(importances(model[-1].coefs_))
        layers = [rank_correlation(layer) for layer in zip(*fits, strict=True)]
        if name.startswith("dense"):
            layers = layers[:1]  # its units have no names: nothing to compare
        result[name] = layers
        rows.append([name, *(f"{value:.2f}" for value in layers)])
        rows[-1] += ["-"] * (len(benchmark.layers) + 1 - len(layers))
    head = ["proteins", *(f"layer {i}" for i in range(len(benchmark.layers)))]
    print(format_table([f"rank correlation, {n_states} states", *head], rows))
    return result


def importances(coefs):
    """Return the importance of each input and hidden unit, layer by layer."""
    sizes = [abs(kernel) for kernel in coefs]
    below, above = [np.ones(sizes[0].shape[0])], [np.ones(sizes[-1].shape[1])]
    for size in sizes:
        below.append(below[-1] @ size)
    for size in reversed(sizes):
        above.append(size @ above[-1])
    pairs = zip(below[:-1], reversed(above[1:]), strict=True)
    return [down * up for down, up in pairs]


def rank_correlation(vectors):
    """Return the mean of Spearman's correlation over all pairs."""
    pairs = itertools.combinations(vectors, 2)
    return float(np.mean([spearmanr(*pair).statistic for pair in pairs]))


def spread(values, digits=3):
    """Format mean and standard deviation."""
    return f"{np.mean(values):.{digits}f} +- {np.std(values):.3f}"


def describe(benchmark):
    """Print what the data and the layers are."""
    n_samples, n_all = benchmark.X_all.shape
    widths = " -> ".join(str(layer.shape[1]) for layer in benchmark.layers)
    connections = sum(layer.nnz for layer in benchmark.layers)
    print(f"{n_samples} samples, {n_all} proteins, {benchmark.X.shape[1]} of them in pathways")
    print(f"layers: {benchmark.X.shape[1]} -> {widths} -> 1; {connections} connections\n")


def main(arguments=None):
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="repetitions of 5 folds")
    parser.add_argument("--draws", type=int, default=20, help="training sets of each size")
    parser.add_argument("--sizes", type=int, nargs="+", default=TRAINING_SIZES, metavar="N")
    parser.add_argument("--levels", type=int, default=4, help="levels of pathways, from the top")
    parser.add_argument("--impute", choices=list(IMPUTERS), default="zero")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers here")
    options = parser.parse_args(arguments)
    loaders = load_readers()
    if loaders is None:
        return 0
    warnings.simplefilter("ignore")  # lbfgs at its limit of iterations
    benchmark = Benchmark(loaders, options.levels, options.impute)
    describe(benchmark)
    result = {
        "machine": machine(),
        "versions": versions("numpy", "scikit-learn", "tensorflow", "keras"),
        "columns": ["accuracy", "AUC", "parameters", "seconds with the search"],
        "folds": cross_validate(benchmark, options.seeds),
        "few": train_on_few(benchmark, options.sizes, options.draws),
        "agreement": agreement(benchmark, N_STATES),
    }
    if options.json:
        write_json(options.json, result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
