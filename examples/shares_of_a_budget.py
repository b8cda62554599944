"""Predict shares of a budget: never negative, and with a sum of one.

Households that this script makes spend their money on food, housing, travel and savings, by income,
size and age. The poorest save nothing: exact zeros, which log-ratios do not take. Least squares
predicts shares below zero; boosting, an output at a time, predicts sums other than one.

Run with ``python examples/shares_of_a_budget.py``; it prints scores on held-out households and
writes ``examples/shares_of_a_budget.png``.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.multioutput import MultiOutputRegressor

from skconstrain import CompositionRegressor

PICTURE = Path(__file__).with_suffix(".png")
PARTS = ["food", "housing", "travel", "savings"]
COLORS = ["#55a868", "#4c72b0", "#dd8452", "#8172b3"]
MODELS = {
    "least squares": LinearRegression(),
    "boosting, a part at a time": MultiOutputRegressor(
        HistGradientBoostingRegressor(random_state=0)
    ),
    "CompositionRegressor": CompositionRegressor(random_state=0),
}

# %%
# Four parts of what a household spends. Poor ones save nothing.


def make_households(n_rows=3000):
    """Return income (thousands a year), persons and age, and the shares of what is spent."""
    rng = np.random.default_rng(0)
    income = np.exp(rng.normal(3.4, 0.6, n_rows))
    persons, age = rng.integers(1, 7, n_rows), rng.uniform(18, 90, n_rows)
    food = 3 + 1.8 * persons + 0.05 * income
    housing = 4 + 0.22 * income + 0.8 * persons
    travel = 0.12 * income * np.exp(-(((age - 45) / 25) ** 2))
    rest = income - food - housing - travel
    amounts = np.column_stack([food, housing, travel, np.maximum(rest, 0)])
    amounts *= rng.gamma(8, 1 / 8, size=amounts.shape)  # every household is different
    shares = amounts / amounts.sum(axis=1, keepdims=True)
    return np.column_stack([income, persons, age]), shares


# %%
# A share below zero, or a sum other than one, is an answer that nobody can use.


def measure(X, shares):
    """Fit all models on a half of the households; print scores on the others."""
    X, X_test, shares, shares_test = train_test_split(X, shares, test_size=0.5, random_state=0)
    print(f"{len(shares)} households, {np.mean(shares[:, 3] == 0):.0%} of them save nothing")
    print(f"{'on held-out households':28} {'RMSE':>7} {'negative':>9} {'sums off by':>12}")
    for name, model in MODELS.items():
        predicted = model.fit(X, shares).predict(X_test)
        error = root_mean_squared_error(shares_test.ravel(), predicted.ravel())
        negative = (predicted < 0).any(axis=1).sum()
        off = np.abs(predicted.sum(axis=1) - 1).max()
        print(f"{name:28} {error:7.4f} {negative:9d} {off:12.1e}")


def draw():
    """Draw predicted shares along the income of a family, beyond the incomes of training."""
    income = np.geomspace(2, 600, 300)
    family = np.column_stack([income, np.full(300, 4.0), np.full(300, 40.0)])
    plt.rcParams["font.size"] = 13
    figure, axes = plt.subplots(1, len(MODELS), figsize=(12, 5), sharey=True, layout="constrained")
    for ax, (name, model) in zip(axes, MODELS.items(), strict=True):
        predicted = model.predict(family)
        for part, values, color in zip(PARTS, predicted.T, COLORS, strict=True):
            ax.plot(income, values, color=color, label=part, linewidth=3)
        total = predicted.sum(axis=1)
        ax.plot(income, total, color="black", linestyle=":", label="sum", linewidth=3)
        ax.axhspan(-1, 0, color="tab:red", alpha=0.1)
        ax.set(xscale="log", ylim=(-0.3, 1.3), xlabel="income, thousands a year", title=name)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("predicted share, family of four")
    axes[1].legend(loc="center", bbox_to_anchor=(0.5, 0.66), ncols=2, frameon=False, fontsize=12)
    figure.savefig(PICTURE, dpi=110)
    print("picture:", PICTURE.name)


if __name__ == "__main__":
    measure(*make_households())
    draw()
