"""Several labels at once: the two digits in a picture.

Two handwritten digits of scikit-learn lie on top of each other, and noise lies on both. Each of the
ten digits is a label, which a fifth of the pictures has. A network that is unsure gives both digits
a probability below 0.5, and then predicts neither. Thresholds that are tuned out of fold, one for
each label, find them.

Run with ``python examples/several_labels.py``; it prints scores on held-out pictures and writes
``examples/several_labels.png``.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, hamming_loss
from sklearn.model_selection import train_test_split
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skconstrain import MultiLabelNetClassifier, TunedThresholdMultiLabelClassifierCV

PICTURE = Path(__file__).with_suffix(".png")

# %%
# A picture is the darker one of two digits at each pixel. Pictures for training and pictures for
# the test are made of different digits.


def make_pictures(images, digits, n_pictures, seed):
    """Return pictures of two different digits, and a column of 0 and 1 for each digit."""
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, len(images), (2, 2 * n_pictures))
    differ = np.flatnonzero(digits[first] != digits[second])[:n_pictures]
    first, second = first[differ], second[differ]
    pictures = np.maximum(images[first], images[second])
    labels = np.zeros((n_pictures, 10), dtype=int)
    labels[np.arange(n_pictures), digits[first]] = 1
    labels[np.arange(n_pictures), digits[second]] = 1
    return pictures + rng.normal(scale=4.0, size=pictures.shape), labels


# %%
# Three contestants. The tuner chooses thresholds on the out-of-fold predictions that the networks
# leave, so it needs no fit beside theirs.


def contestants():
    """Return models by name."""
    net = MultiLabelNetClassifier(n_frequencies=0, random_state=0)  # pixels need no embeddings
    logistic = OneVsRestClassifier(LogisticRegression(max_iter=1000))
    return {
        "logistic, one against the rest": make_pipeline(StandardScaler(), logistic),
        "networks, thresholds of 0.5": net,
        "networks, tuned thresholds": TunedThresholdMultiLabelClassifierCV(net, random_state=0),
    }


def compare(models, X, labels, X_test, labels_test):
    """Fit all models, print their scores on held-out pictures; return the F1 of each label."""
    print(f"{'on held-out pictures':32} {'macro-F1':>8} {'both found':>11} {'Hamming':>8}")
    scores = {}
    for name, model in models.items():
        predicted = model.fit(X, labels).predict(X_test)
        scores[name] = f1_score(labels_test, predicted, average=None)
        found = (predicted >= labels_test).all(axis=1).mean()
        loss = hamming_loss(labels_test, predicted)
        print(f"{name:32} {scores[name].mean():8.3f} {found:11.1%} {loss:8.3f}")
    return scores


# %%
# Three pictures, and what tuning does for each digit.


def draw(scores, X, labels):
    """Draw three pictures, and the F1 of each digit before and after tuning."""
    plt.rcParams["font.size"] = 13
    figure = plt.figure(figsize=(9, 6.3), layout="constrained")
    grid = figure.add_gridspec(3, 2, width_ratios=[1, 3])
    for row in range(3):
        ax = figure.add_subplot(grid[row, 0])
        ax.imshow(X[row].reshape(8, 8), cmap="gray_r")
        ax.set_title(" and ".join(map(str, np.flatnonzero(labels[row]))))
        ax.set_axis_off()
    ax, digits = figure.add_subplot(grid[:, 1]), np.arange(10)
    before, after = list(scores.values())[1:]
    ax.hlines(digits, before, after, color="gray", linewidth=3)
    ax.plot(before, digits, "o", color="tab:red", markersize=12, label="threshold 0.5")
    ax.plot(after, digits, "o", color="tab:blue", markersize=12, label="tuned threshold")
    ax.set(xlabel="F1 on held-out pictures, higher is better", ylabel="digit", yticks=digits)
    ax.grid(axis="x", alpha=0.4)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    figure.savefig(PICTURE, dpi=100)
    print("picture:", PICTURE.name)


if __name__ == "__main__":
    images, digits = load_digits(return_X_y=True)
    parts = train_test_split(images, digits, test_size=0.5, random_state=0)
    X_train, labels_train = make_pictures(parts[0], parts[2], 2000, seed=0)
    X_test, labels_test = make_pictures(parts[1], parts[3], 2000, seed=1)
    models = contestants()
    scores = compare(models, X_train, labels_train, X_test, labels_test)
    for digit, threshold in enumerate(models["networks, tuned thresholds"].thresholds_):
        print(f"  threshold of {digit}: {threshold:.2f}")
    draw(scores, X_test, labels_test)
