"""Receptive fields: units that see a window of an image, beside dense ones.

The digits of scikit-learn, images of 8 x 8 pixels. Each unit of the first layer sees a window of
3 x 3 pixels: 36 windows with four units each. A second layer of the same kind sees 2 x 2 of those
windows. Dense networks of the same width have four to six times as many parameters; one dense
network has as many. Units that see nine pixels at random tell what sparsity alone does.

Run with ``python examples/receptive_fields.py``; it prints accuracies in 5-fold cross-validation
and after training with 100 images only, and writes ``examples/receptive_fields.png``: what each
window learned, and what it sees in one digit. The settings are the same for all networks.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skconstrain import SparseConnectedNetClassifier
from skconstrain.connections import random, receptive_fields

PICTURE = Path(__file__).with_suffix(".png")
FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)
DRAWS = StratifiedShuffleSplit(10, train_size=100, random_state=0)
SIZE = 3  # pixels of a window, each way
FIELDS = receptive_fields((8, 8), SIZE, n_maps=4)
UPPER = receptive_fields(FIELDS, 2, stride=2, n_maps=4)  # windows of windows


def network(connections=None, hidden_layer_sizes=()):
    """Scale pixels to [0, 1], then classify."""
    net = SparseConnectedNetClassifier(
        connections,
        hidden_layer_sizes=hidden_layer_sizes,
        learning_rate=0.01,
        batch_size=32,
        epochs=40,
        tol=None,
        dtype="float32",
        random_state=0,
    )
    return make_pipeline(MinMaxScaler(), net)


def models():
    """Return the contestants by name."""
    n_units, n_upper = FIELDS.shape[1], UPPER.shape[1]
    nine = random(64, n_units, fan_in=SIZE**2, random_state=0)
    return {
        "logistic regression": make_pipeline(MinMaxScaler(), LogisticRegression(max_iter=1000)),
        "dense, as many parameters": network(hidden_layer_sizes=(38,)),
        "dense, same width": network(hidden_layer_sizes=(n_units,)),
        "nine pixels at random": network(nine),
        "receptive fields": network(FIELDS),
        "dense, two layers, same widths": network(hidden_layer_sizes=(n_units, n_upper)),
        "receptive fields, two layers": network([FIELDS, UPPER]),
    }


def n_parameters(model):
    """Count the weights and biases of a fitted Pipeline's last step."""
    last = model[-1]
    if isinstance(last, LogisticRegression):
        return last.coef_.size + last.intercept_.size
    weights = sum(getattr(kernel, "nnz", kernel.size) for kernel in last.coefs_)
    return weights + sum(bias.size for bias in last.intercepts_)


def measure(X, y):
    """Print the accuracies of all contestants."""
    print(f"{'accuracy':30} {'parameters':>10} {'5 folds':>15} {'100 images':>15}")
    for name, model in models().items():
        scores = [cross_val_score(model, X, y, cv=splits) for splits in (FOLDS, DRAWS)]
        figures = "  ".join(f"{score.mean():.3f} +- {score.std():.3f}" for score in scores)
        print(f"{name:30} {n_parameters(model.fit(X, y)):10d}  {figures}")


def weights_of_windows(net):
    """Return an image for each map: the weights of each window, side by side."""
    rows, columns, n_maps = FIELDS.grid_shape
    kernel = net.coefs_[0].toarray().reshape(8, 8, rows, columns, n_maps)
    step = SIZE + 1
    images = np.full((n_maps, rows * step - 1, columns * step - 1), np.nan)
    for r in range(rows):
        for c in range(columns):
            window = kernel[r : r + SIZE, c : c + SIZE, r, c]  # (SIZE, SIZE, n_maps)
            top, left = r * step, c * step
            images[:, top : top + SIZE, left : left + SIZE] = np.moveaxis(window, -1, 0)
    return images


def draw(X, y, digit=3):
    """Draw the weights of all windows, and what they make of one digit."""
    model = network(FIELDS).fit(X, y)
    scaler, net = model
    image = X[np.flatnonzero(y == digit)[:1]]
    seen = np.asarray(net.activations(scaler.transform(image), layer=0))
    seen = np.moveaxis(seen.reshape(FIELDS.grid_shape), -1, 0)
    weights = weights_of_windows(net)
    limit = np.nanmax(np.abs(weights))
    figure, axes = plt.subplots(2, 5, figsize=(13, 5.4), layout="constrained")
    axes[0, 0].imshow(image.reshape(8, 8), cmap="gray_r")
    axes[0, 0].set_title("a digit")
    axes[1, 0].bar(net.classes_, model.predict_proba(image)[0])
    axes[1, 0].set(title="probability of classes", xticks=net.classes_)
    for m, (top, below) in enumerate(axes[:, 1:].T):
        top.imshow(weights[m], cmap="coolwarm", vmin=-limit, vmax=limit)
        top.set_title(f"map {m}: weights")
        below.imshow(seen[m], cmap="viridis", vmin=0, vmax=seen.max())
        below.set_title(f"map {m}: activations")
    figure.colorbar(axes[0, -1].images[0], ax=axes[0, -1])
    figure.colorbar(axes[1, -1].images[0], ax=axes[1, -1])
    for ax in [axes[0, 0], *axes[:, 1:].flat]:
        ax.set_axis_off()
    figure.savefig(PICTURE, dpi=110)
    print("picture:", PICTURE.name)


if __name__ == "__main__":
    images, digits = load_digits(return_X_y=True)
    measure(images, digits)
    draw(images, digits)
