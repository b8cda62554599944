"""Predict a positive target with nothing set, and draw the result.

The breast cancer data of scikit-learn: the concavity of cell nuclei, between 0 and 0.43 and exactly
0 for some, from eight other measurements of the same 569 images. They are given as they are: no
scaler, no Pipeline. A plain network does not know that its predictions cannot be negative.

Run with ``python examples/quickstart.py``. It prints scores of out-of-fold predictions beside those
of a constant, plain networks and boosting. It draws them to ``examples/quickstart.png``, and then
compares links by a grid search over single networks.
"""

import os
from contextlib import contextmanager
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skconstrain import PositiveRegressor

PICTURE = Path(__file__).with_suffix(".png")
FOLDS = KFold(5, shuffle=True, random_state=0)
PLAIN = make_pipeline(
    StandardScaler(), MLPRegressor(learning_rate_init=0.01, max_iter=1000, random_state=0)
)
MODELS = {
    "mean of y": DummyRegressor(),
    "plain network": PLAIN,
    "plain network, y standardised": TransformedTargetRegressor(
        PLAIN, transformer=StandardScaler()
    ),
    "gradient boosting": HistGradientBoostingRegressor(random_state=0),
    "PositiveRegressor": PositiveRegressor(random_state=0),
}

# %%
# Eight measurements of 569 images, and the concavity that is to be predicted.


def load_data():
    """Return the measurements other than concavity, and the concavity."""
    data = load_breast_cancer()
    names = list(data.feature_names)
    others = [i for i, name in enumerate(names) if name.startswith("mean") and "concav" not in name]
    return data.data[:, others], data.data[:, names.index("mean concavity")]


# %%
# Every model predicts each image from the others. Boosting and plain networks predict less than 0.


def measure(X, y):
    """Print scores of out-of-fold predictions, and return these."""
    print(f"{'5-fold cross-validation':30} {'RMSE':>6} {'R2':>6} {'negative':>11}")
    predictions = {}
    for name, model in MODELS.items():
        predicted = predictions[name] = cross_val_predict(model, X, y, cv=FOLDS)
        error, r2 = root_mean_squared_error(y, predicted), r2_score(y, predicted)
        below = f"{(predicted < 0).sum():4d} of {len(y)}"
        print(f"{name:30} {error:6.4f} {r2:6.2f} {below}", flush=True)
    return predictions


# %%
# Links are a parameter like any other.


def compare_links(X, y):
    """Print what a grid search over the link says."""
    print("comparing links in 20 fits ...", flush=True)
    grid = {"output": ["softplus", "exp", "square", "relu"]}
    search = GridSearchCV(PositiveRegressor(n_networks=1, random_state=0), grid, cv=FOLDS)
    found = search.fit(X, y).cv_results_
    scores = zip(grid["output"], found["mean_test_score"], strict=True)
    listed = ", ".join(f"{name} {score:.3f}" for name, score in scores)
    print("R2 of links, one network each:", listed)


# %%
# The picture: predictions of small concavities, some of which are below 0 for a plain network.


def draw(predictions, y):
    """Draw predictions of small targets, from a plain network and from ours."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.5), sharey=True, layout="constrained")
    for ax, name in zip(axes, ["plain network, y standardised", "PositiveRegressor"], strict=True):
        negative = predictions[name] < 0
        ax.scatter(y[~negative], predictions[name][~negative], s=12, alpha=0.5)
        ax.scatter(
            y[negative], predictions[name][negative], s=25, color="tab:red", label="negative"
        )
        ax.axhspan(-1, 0, color="tab:red", alpha=0.1)
        ax.axline((0, 0), slope=1, color="black", linewidth=1)
        ax.set(xlim=(-0.004, 0.2), ylim=(-0.05, 0.25), xlabel="concavity")
        ax.set_title(f"{name}: {negative.sum()} of {len(y)} below zero")
    axes[0].set_ylabel("out-of-fold prediction")
    figure.savefig(PICTURE, dpi=120)
    print("picture:", os.path.relpath(PICTURE), flush=True)


# %%
# TensorFlow looks for graphics cards when it is first used, and prints several lines where there
# are none. A first small fit hides them.


@contextmanager
def without_standard_error():
    """Send what is written to the standard error nowhere."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def start_backend(X, y):
    """Import what trains, which takes some seconds once a process."""
    print("importing TensorFlow, or JAX ...", flush=True)
    with without_standard_error():
        PositiveRegressor(n_networks=1, epochs=1, tol=None, random_state=0).fit(X[:20], y[:20])


if __name__ == "__main__":
    features, target = load_data()
    start_backend(features, target)
    draw(measure(features, target), target)
    compare_links(features, target)
