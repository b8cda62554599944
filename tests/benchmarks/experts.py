"""Experts under a gate on real data: error and seconds, beside one machine and other ensembles.

Run from the root of the repository::

    python -m tests.benchmarks.experts [--part covertype|speed|sets ...] [--rows N ...]
                                       [--seeds N] [--repeats N] [--json FILE]

Data is read from ``../shared/data`` beside the repository, or from the folder that the environment
variable SKCONSTRAIN_DATA names.

covertype  Class 2 against the rest, 5,000 to 40,000 training rows, 20,000 held out, of which
           nothing was chosen: a mixture of 20 RBF SVMs fitted on parts of the rows, four rounds,
           beside one SVC on all rows and histogram boosting. At 40,000 rows the error of the soft
           gate must lie half a point below the SVC's, in at most half the time of its fit. Argmax
           asks the soft gate's favourite only; the hard gate was trained as one.
speed      Prediction through 20 fitted SVMs: a hard gate must be five times faster than a soft one.
sets       satimage, its own test part, and phoneme, cross-validated: a gate over four experts
           beside StackingClassifier, VotingClassifier and each expert alone.

TensorFlow is imported, and a small fit made, before any clock starts. Each data set's first fit
compiles the gate's training within its time.
"""

import argparse
import itertools
import json
import statistics
import sys
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skconstrain import GatedEnsembleClassifier
from tests.benchmarks._data import load_readers
from tests.benchmarks._settings import CONSTANT_RATE
from tests.benchmarks._timing import format_table, progress

SIZES = [5_000, 10_000, 20_000, 40_000]
N_TRAINING, N_HELD_OUT, N_EXPERTS = 40_000, 20_000, 20
LEAST_GAIN, MOST_TIME, LEAST_SPEED_UP = 0.5, 0.5, 5.0

# Chosen on the second 20,000 rows of `covertype_rows`, which are not those held out here.
ROUNDS = {
    **CONSTANT_RATE,
    "activation": "relu",
    "n_rounds": 4,
    "cv": 2,
    "gate_hidden_layer_sizes": (150,),
    "learning_rate": 3e-3,
    "batch_size": 512,
    "epochs": 80,
    "tol": None,
}


def machine():
    """Return the kernel machine of covertype, alone or one of many."""
    return SVC(C=10, gamma=6)


def machines():
    """Return names and machines, not fitted."""
    return [(f"svm{i}", machine()) for i in range(N_EXPERTS)]


def mixture(seed, gating="soft"):
    """Return a gated mixture of machines on parts of the rows."""
    settings = {**ROUNDS, "gating": gating, "n_jobs": 2, "random_state": seed}
    return GatedEnsembleClassifier(machines(), **settings)


def covertype_rows(loaders):
    """Return X and y of class 2 against the rest: to train, to choose settings, held out."""
    X, y = loaders.covertype()
    order = np.random.default_rng(0).permutation(len(y))
    y = (y == 2).astype(int)
    ends = np.cumsum([0, N_TRAINING, N_HELD_OUT, N_HELD_OUT])
    cuts = [order[first:last] for first, last in itertools.pairwise(ends)]
    return [(X[rows], y[rows]) for rows in cuts]


def warm_up():
    """Import TensorFlow, and compile something small."""
    rng = np.random.default_rng(0)
    GatedEnsembleClassifier(epochs=1, tol=None).fit(rng.random((50, 3)), np.arange(50) % 2)


def timed(run):
    """Return what `run` returns, and its seconds."""
    start = time.perf_counter()
    result = run()
    return result, time.perf_counter() - start


def argmax_predict(model, X):
    """Predict by the expert that a soft gate trusts most."""
    favourite = model.gate_proba(X).argmax(axis=1)
    probability = model.expert_predict_proba(X)[np.arange(len(X)), favourite]
    return model.classes_[probability.argmax(axis=1)]


def covertype(loaders, options):
    """Compare the mixture with one machine on more and more rows."""
    training, _, held_out = covertype_rows(loaders)
    results = {}
    for n_rows in options.rows:
        X, y = training[0][:n_rows], training[1][:n_rows]
        results[n_rows] = _covertype_scores(X, y, *held_out, options)
        print(_covertype_table(n_rows, results[n_rows]), flush=True)
    last = results[options.rows[-1]]
    soft, alone = last["mixture, soft"], last["SVC"]
    gain, share = alone["error"] - soft["error"], soft["fit"] / alone["fit"]
    print(
        f"{options.rows[-1]:,} rows: the mixture's error is {gain:.2f} points lower (at least "
        f"{LEAST_GAIN:g} wanted), in {share:.2f} of the time (at most {MOST_TIME:g})"
    )
    return results, gain >= LEAST_GAIN and share <= MOST_TIME


def _covertype_scores(X, y, X_test, y_test, options):
    """Errors in percent, and seconds, of all contestants by name."""
    seeds = range(options.seeds)
    found = {
        "SVC": [_fit_score(machine(), X, y, X_test, y_test)],
        "boosting": [
            _fit_score(HistGradientBoostingClassifier(random_state=seed), X, y, X_test, y_test)
            for seed in seeds
        ],
        "mixture, soft": [],
        "mixture, argmax": [],
        "mixture, hard": [],
    }
    for seed in seeds:
        soft = mixture(seed)
        found["mixture, soft"].append(_fit_score(soft, X, y, X_test, y_test))
        predicted, seconds = timed(partial(argmax_predict, soft, X_test))
        same = {**found["mixture, soft"][-1], "predict": seconds}
        found["mixture, argmax"].append({**same, "error": _error(predicted, y_test)})
        found["mixture, hard"].append(_fit_score(mixture(seed, "hard"), X, y, X_test, y_test))
    return {name: _summary(runs) for name, runs in found.items()}


def _fit_score(model, X, y, X_test, y_test):
    start = time.process_time()
    _, fit_seconds = timed(partial(model.fit, X, y))
    cpu_seconds = time.process_time() - start
    predicted, seconds = timed(partial(model.predict, X_test))
    progress(f"  {type(model).__name__:30} {fit_seconds:6.1f} s")
    error = _error(predicted, y_test)
    return {"error": error, "fit": fit_seconds, "cpu": cpu_seconds, "predict": seconds}


def _error(predicted, y):
    return 100 * float(np.mean(predicted != y))


def _summary(runs):
    """Mean and all errors; median seconds."""
    errors = [run["error"] for run in runs]
    keys = ("fit", "cpu", "predict")
    seconds = {key: statistics.median(run[key] for run in runs) for key in keys}
    return {"error": statistics.mean(errors), "errors": errors, **seconds}


def _covertype_table(n_rows, scores):
    rows = [
        [
            name,
            f"{score['error']:.2f}",
            f"{min(score['errors']):.2f}-{max(score['errors']):.2f}",
            f"{score['fit']:.1f}",
            f"{score['fit'] + score['predict']:.1f}",
            f"{score['cpu']:.1f}",
        ]
        for name, score in scores.items()
    ]
    header = [f"{n_rows:,} rows", "error %", "range", "fit s", "fit+predict s", "CPU s of fit"]
    return format_table(header, rows)


def speed(loaders, options):
    """Compare prediction through a soft and a hard gate over the same fitted machines."""
    training, further, held_out = covertype_rows(loaders)
    fitted = mixture(0).set_params(epochs=20).fit(*training)
    experts = list(zip(fitted.expert_names_, fitted.estimators_, strict=True))
    settings = {name: ROUNDS[name] for name in ("gate_hidden_layer_sizes", "learning_rate")}
    settings |= {"batch_size": 512, "epochs": 10, "tol": None, "random_state": 0}
    models = {
        gating: GatedEnsembleClassifier(experts, gating=gating, cv="prefit", **settings)
        for gating in ("soft", "hard")
    }
    seconds = {name: [] for name in models}
    for model in models.values():
        model.fit(*further).predict(held_out[0])  # compiles
    for repeat in range(options.repeats):
        for name in list(models) if repeat % 2 else reversed(list(models)):
            seconds[name].append(timed(partial(models[name].predict, held_out[0]))[1])
    median = {name: statistics.median(values) for name, values in seconds.items()}
    ratio = median["soft"] / median["hard"]
    n_vectors = [len(getattr(expert, "support_", ())) for _, expert in experts]
    print(f"{N_EXPERTS} machines of {min(n_vectors)} to {max(n_vectors)} support vectors")
    for name, value in median.items():
        print(f"{name} gate: {value:.3f} s for {len(held_out[0]):,} rows")
    print(f"the hard gate is {ratio:.1f} times faster (at least {LEAST_SPEED_UP:g} wanted)")
    return {"seconds": median, "ratio": ratio}, ratio >= LEAST_SPEED_UP


def scaled(classifier):
    """Put a classifier behind standardised features."""
    return make_pipeline(StandardScaler(), classifier)


def experts_of_sets(seed):
    """Return four different experts."""
    return [
        ("svc", scaled(SVC(C=10))),
        ("forest", RandomForestClassifier(random_state=seed)),
        ("logistic", scaled(LogisticRegression(max_iter=1000))),
        ("neighbors", scaled(KNeighborsClassifier())),
    ]


def contestants(seed):
    """Return all models by name; the experts alone come first."""
    experts = experts_of_sets(seed)
    gated = partial(GatedEnsembleClassifier, experts, random_state=seed)
    return {
        **dict(experts),
        "Voting, hard": VotingClassifier(experts),
        "Stacking": StackingClassifier(experts),
        "Gated, soft": gated(),
        "Gated, top 2": gated(gating="top_k"),
        "Gated, hard": gated(gating="hard"),
    }


def sets(loaders, options):
    """Compare a gate over different experts with other ensembles of them."""
    X, y, X_test, y_test = loaders.satimage()
    satimage = [((X, y), (X_test, y_test), seed) for seed in range(options.seeds)]
    X, y = loaders.phoneme()
    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=options.seeds, random_state=0)
    phoneme = [
        ((X[train], y[train]), (X[test], y[test]), i // 5)
        for i, (train, test) in enumerate(folds.split(X, y))
    ]
    results = {"satimage": _compare(satimage), "phoneme": _compare(phoneme)}
    for name, scores in results.items():
        rows = [
            [model, f"{score['accuracy']:.2f}", f"{score['std']:.2f}", f"{score['fit']:.1f}"]
            for model, score in scores.items()
        ]
        print(format_table([name, "accuracy %", "std", "fit s"], rows), flush=True)
    return results, True


def _compare(splits):
    """Accuracy in percent, its deviation over the splits, and median seconds of all models."""
    found = {}
    for train, test, seed in splits:
        for name, model in contestants(seed).items():
            model, seconds = timed(partial(clone(model).fit, *train))
            found.setdefault(name, []).append((100 * model.score(*test), seconds))
            progress(f"  {name:15} {found[name][-1][0]:6.2f} % {seconds:6.1f} s")
    return {
        name: {
            "accuracy": statistics.mean(score for score, _ in runs),
            "std": statistics.pstdev(score for score, _ in runs),
            "fit": statistics.median(seconds for _, seconds in runs),
        }
        for name, runs in found.items()
    }


PARTS = {"covertype": covertype, "speed": speed, "sets": sets}


def main():
    """Run the parts, print them, and fail where one misses its limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--rows", nargs="+", type=int, default=SIZES, help="of covertype")
    parser.add_argument("--seeds", type=int, default=3, help="random states, repeats of folds")
    parser.add_argument("--repeats", type=int, default=5, help="of timed predictions")
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    options = parser.parse_args()
    loaders = load_readers()
    if loaders is None:
        return 1
    warnings.simplefilter("ignore", ConvergenceWarning)
    warm_up()
    results, reached = {}, []
    for part in options.part:
        results[part], good = PARTS[part](loaders, options)
        reached.append(good)
        print(flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
