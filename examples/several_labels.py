"""Several labels at once: a probability and a threshold for each, tuned out of fold.

The digits of scikit-learn with labels that overlap: has a loop, is even, is prime, is a multiple of
three, is above six, is a seven. Noise makes them hard to read. A grid search over single networks
chooses loss and dropout. Five networks are then fitted with them, and
thresholds are tuned on the out-of-fold predictions that these made in training, with one fit. The
curves are flat on top: here 0.5 was as good already.

Run with ``python examples/several_labels.py``; it prints scores on held-out digits and writes
``examples/several_labels.png``.
"""

import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, hamming_loss
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skconstrain import MultiLabelNetClassifier, TunedThresholdMultiLabelClassifierCV
from skconstrain.inspection import ThresholdCurveDisplay

PICTURE = Path(__file__).with_suffix(".png")
GRID = {"loss": ["log_loss", "focal"], "dropout": [0.0, 0.25]}


def load_data():
    """Return noisy digits, their labels, and the labels' names."""
    X, digit = load_digits(return_X_y=True)
    X = X + np.random.default_rng(0).normal(scale=6.0, size=X.shape)  # hard to read
    labels = {
        "has a loop": np.isin(digit, [0, 6, 8, 9]),
        "is even": digit % 2 == 0,
        "is prime": np.isin(digit, [2, 3, 5, 7]),
        "is a multiple of 3": digit % 3 == 0,
        "is above 6": digit > 6,
        "is a seven": digit == 7,
    }
    return X, np.column_stack(list(labels.values())).astype(int), list(labels)


def report(name, seconds, y, predicted):
    """Print the scores of one model."""
    f1 = [f1_score(y, predicted, average=kind) for kind in ("macro", "micro")]
    loss = hamming_loss(y, predicted)
    print(f"{name:32} {f1[0]:8.3f} {f1[1]:8.3f} {loss:8.3f} {seconds:8.1f}")


def fit_all(X, y, names):
    """Fit the contestants on a half, print scores on the other; return the tuned one."""
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.5, random_state=0)
    start = time.perf_counter()
    net = MultiLabelNetClassifier(n_frequencies=0, random_state=0)  # pixels need no embeddings
    one = clone(net).set_params(n_networks=1)
    search = GridSearchCV(one, GRID, scoring="f1_macro", cv=3, refit=False).fit(X, y)
    net.set_params(**search.best_params_)
    print(f"chosen in {time.perf_counter() - start:.1f} s: {search.best_params_}")
    logistic = OneVsRestClassifier(LogisticRegression(max_iter=1000))
    tuner = TunedThresholdMultiLabelClassifierCV(net, random_state=0)
    contestants = {
        "logistic, one against the rest": make_pipeline(StandardScaler(), logistic),
        "networks, thresholds of 0.5": net,
        "networks, tuned thresholds": tuner,
    }
    print(
        f"{'on held-out digits':32} {'macro-F1':>8} {'micro-F1':>8} {'Hamming':>8} {'seconds':>8}"
    )
    for name, model in contestants.items():
        start = time.perf_counter()
        model.fit(X, y)
        report(name, time.perf_counter() - start, y_test, model.predict(X_test))
    for label, threshold in zip(names, tuner.thresholds_, strict=True):
        print(f"  {label:20} {threshold:.3f}")
    return tuner, X_test, y_test


if __name__ == "__main__":
    digits, indicator, label_names = load_data()
    tuned, X_test, y_test = fit_all(digits, indicator, label_names)
    display = ThresholdCurveDisplay.from_estimator(tuned, X_test, y_test, label_names=label_names)
    display.figure_.savefig(PICTURE, dpi=110)
    print("picture:", PICTURE.name)
