"""Digits under a gate: a Pipeline of experts, and a search over the kind of gate and an expert's C.

Four classifiers, each with its own preprocessing, and a gate that learns from their out-of-fold
probabilities which of them to trust for which image. GridSearchCV searches over `gating` and, as
with any scikit-learn ensemble, over a parameter inside an expert. Held-out images say whether the
gate is worth it. The picture shows how many images of each digit an expert gets wrong, and how
often the gate leaves the digit to it: the expert that is wrong most often is not asked.

Run it with ``python examples/gate_search.py``; it takes less than a minute on two cores.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC

from skconstrain import GatedEnsembleClassifier

PICTURE = Path(__file__).with_name("gate_search.png")
EXPERTS = [
    ("svm", make_pipeline(MinMaxScaler(), SVC())),
    ("neighbours", KNeighborsClassifier(3)),
    ("logistic", make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))),
    ("bayes", make_pipeline(MinMaxScaler(), GaussianNB(var_smoothing=1e-2))),
]

# %%
# Each expert has its own preprocessing. The search changes the kind of gate, and one expert's C.


def main():
    """Search, compare on held-out images, draw."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.4, stratify=y, random_state=0)
    gated = GatedEnsembleClassifier(
        EXPERTS, cv=3, gate_hidden_layer_sizes=(30,), alpha=1.0, epochs=150, random_state=0
    )
    gated.set_params(tol=1e-3)
    grid = {"gating": ["soft", "hard"], "svm__svc__C": [0.1, 1.0, 10.0]}
    search = GridSearchCV(gated, grid, cv=3).fit(X, y)
    print(f"{'gating':8}{'C of the svm':>14}{'accuracy, 3 folds':>20}")
    for params, score in zip(
        search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
    ):
        print(f"{params['gating']:8}{params['svm__svc__C']:14g}{score:20.4f}")
    best = search.best_estimator_
    print(f"\n{'on held-out images':22}accuracy")
    for name, expert in EXPERTS:
        print(f"{name:22}{clone(expert).fit(X, y).score(X_test, y_test):8.4f}")
    print(f"{'gate, ' + best.gating:22}{best.score(X_test, y_test):8.4f}")
    draw(best, X_test, y_test)
    print(f"\n{PICTURE.name} shows who is right about which digit, and who decides.")


# %%
# Two tables: who is wrong about which digit, and who decides.


def draw(model, X, y):
    """Draw wrong images and weight of each expert, for each digit."""
    true = np.searchsorted(model.classes_, y)
    wrong = model.expert_predict_proba(X).argmax(axis=2) != true[:, None]
    weight = model.gate_proba(X)
    plt.rcParams["font.size"] = 13
    figure, axes = plt.subplots(2, 1, figsize=(9, 6), sharex=True, layout="constrained")
    digits = [y == digit for digit in model.classes_]
    counts = np.array([wrong[rows].sum(axis=0) for rows in digits]).T
    weights = np.array([weight[rows].mean(axis=0) for rows in digits]).T
    draw_table(axes[0], counts, "d", "Reds", "held-out images that the expert gets wrong")
    draw_table(axes[1], 100 * weights, ".0f", "Blues", "weight that the gate gives to it, per cent")
    for ax in axes:
        ax.set_yticks(range(len(model.expert_names_)), model.expert_names_)
    axes[1].set(xlabel="digit", xticks=model.classes_)
    figure.savefig(PICTURE, dpi=100)


def draw_table(ax, table, how, colors, title):
    """Draw numbers on their colors."""
    ax.imshow(table, cmap=colors, vmin=0, vmax=1.5 * table.max(), aspect="auto")
    for (row, column), value in np.ndenumerate(table):
        if value >= 0.5:
            ax.text(column, row, format(value, how), ha="center", va="center")
    ax.set_title(title)


if __name__ == "__main__":
    main()
