"""Predict a positive target in a Pipeline, tuned by GridSearchCV, and draw the result.

The breast cancer data of scikit-learn: the concavity of cell nuclei, between 0 and 0.43 and exactly
0 for some, from eight other measurements of the same 569 images. A plain network does not know that
it cannot be negative.

Run with ``python examples/quickstart.py``; it prints cross-validated scores beside those of a
constant and of plain networks, and writes ``examples/quickstart.png``.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer
from sklearn.dummy import DummyRegressor
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skconstrain import PositiveRegressor

PICTURE = Path(__file__).with_suffix(".png")
OUTER, INNER = KFold(5, shuffle=True, random_state=0), KFold(3, shuffle=True, random_state=1)
GRID = {
    "positiveregressor__output": ["softplus", "exp", "square", "relu"],
    "positiveregressor__learning_rate": [0.003, 0.01, 0.03],
}


def load_data():
    """Return the measurements other than concavity, and the concavity."""
    data = load_breast_cancer()
    names = list(data.feature_names)
    others = [i for i, name in enumerate(names) if name.startswith("mean") and "concav" not in name]
    return data.data[:, others], data.data[:, names.index("mean concavity")]


def models():
    """Return the contestants: a constant, plain networks, ours, and ours tuned."""
    plain = MLPRegressor(
        hidden_layer_sizes=(50,), learning_rate_init=0.01, max_iter=1000, random_state=0
    )
    plain = make_pipeline(StandardScaler(), plain)
    positive = make_pipeline(StandardScaler(), PositiveRegressor((50,), tol=None, random_state=0))
    return {
        "mean of y": DummyRegressor(),
        "plain network": plain,
        "plain network, y standardised": TransformedTargetRegressor(
            plain, transformer=StandardScaler()
        ),
        "PositiveRegressor": positive,
        "PositiveRegressor, tuned": GridSearchCV(positive, GRID, cv=INNER),
    }


def measure(X, y):
    """Print scores of out-of-fold predictions; return those, and the search fitted on all data."""
    print(f"{'5-fold cross-validation':30} {'RMSE':>6} {'R2':>6} {'negative':>11}")
    predictions = {}
    for name, model in models().items():
        predicted = predictions[name] = cross_val_predict(model, X, y, cv=OUTER)
        error, r2 = root_mean_squared_error(y, predicted), r2_score(y, predicted)
        print(f"{name:30} {error:6.4f} {r2:6.2f} {(predicted < 0).sum():4d} of {len(y)}")
    search = model.fit(X, y)
    print("chosen:", search.best_params_)
    return predictions, search


def draw(predictions, search, y):
    """Draw predictions of small targets, and how each output fared in the search."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    for name, color in (("plain network", "tab:orange"), ("PositiveRegressor, tuned", "tab:blue")):
        left.scatter(y, predictions[name], s=12, alpha=0.6, color=color, label=name)
    left.axhspan(-1, 0, color="tab:red", alpha=0.1, label="impossible")
    left.axline((0, 0), slope=1, color="black", linewidth=1, label="perfect")
    left.set(xlim=(-0.004, 0.2), ylim=(-0.07, 0.25), xlabel="concavity")
    left.set(ylabel="out-of-fold prediction", title="Predictions stay in their range")
    left.legend(loc="upper left")
    draw_search(right, search.cv_results_)
    figure.savefig(PICTURE, dpi=120)
    print("picture:", PICTURE.name)


def draw_search(axes, results):
    """Draw the mean and deviation of the inner folds for each output and learning rate."""
    outputs, rates = GRID.values()
    for i, rate in enumerate(rates):
        chosen = results["param_positiveregressor__learning_rate"] == rate
        axes.errorbar(
            np.arange(len(outputs)) + (i - 1) * 0.18,
            results["mean_test_score"][chosen],
            results["std_test_score"][chosen],
            fmt="o",
            capsize=3,
            label=f"learning rate {rate}",
        )
    axes.set_xticks(range(len(outputs)), outputs)
    axes.set(xlabel="output", ylabel="R² of inner folds", title="What the grid search saw")
    axes.legend()


if __name__ == "__main__":
    features, target = load_data()
    draw(*measure(features, target), target)
