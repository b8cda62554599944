"""Monotone prices: no flat may become cheaper because it is larger, or because it is more central.

A town has a cheap suburb of large flats, which the table of sales does not record. A network learns
that a flat of 90 square metres loses value when it grows, and says so to a customer who asks. With
`monotonic_cst` such an answer is impossible: for every flat, sold or not, prices never fall with
the area and never rise with the distance to the centre. The year stays free, because old houses and
new ones are dear.

Run with ``python examples/monotone_prices.py``. It prints errors on flats that were not sold, and
for how many of them ten square metres more, or a kilometre less, cost less. Signs are not free: the
dip is there in the mean of such sales, and only wrong for each single flat. It writes
``examples/monotone_prices.png``.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import root_mean_squared_error

from skconstrain import PositiveRegressor

PICTURE = Path(__file__).with_suffix(".png")
SIGNS = [1, -1, 0]  # area, distance, year
AREA, DISTANCE = 0, 1

# %%
# The larger a flat, the more often it lies in the suburb, where prices are half of those elsewhere.


def make_sales(n_flats, rng):
    """Return flats, a row each (area, distance, year), and their prices in thousands."""
    area = rng.lognormal(4.3, 0.35, n_flats).clip(25, 180)
    distance = rng.gamma(2.0, 3.0, n_flats).clip(0.2, 25)
    year = rng.choice([1905, 1965, 2010], n_flats) + rng.normal(0, 8, n_flats)
    is_suburb = rng.random(n_flats) < 1 / (1 + np.exp((95 - area) / 6))
    style = 0.2 * ((year - 1965) / 45) ** 2
    price = 4.0 * area * np.exp(style - distance / 12) * np.where(is_suburb, 0.5, 1.0)
    return np.column_stack([area, distance, year]), price * rng.lognormal(-0.005, 0.1, n_flats)


# %%
# Networks and boosting, without and with signs.


def contestants():
    """Return models by name."""
    return {
        "boosting": HistGradientBoostingRegressor(random_state=0),
        "boosting with signs": HistGradientBoostingRegressor(monotonic_cst=SIGNS, random_state=0),
        "network": PositiveRegressor(random_state=0),
        "network with signs": PositiveRegressor(monotonic_cst=SIGNS, random_state=0),
    }


def share_cheaper(model, flats, column, step):
    """Return the share of flats whose price falls by a step that must not lower it."""
    moved = flats.copy()
    moved[:, column] += step
    return (model.predict(moved) < model.predict(flats)).mean()


def compare(models, flats, prices):
    """Print error and contradictions of each model on flats that it has not seen."""
    print(f"{'':20} {'RMSE':>7} {'+10 m2 cheaper':>15} {'-1 km cheaper':>15}")
    for name, model in models.items():
        error = root_mean_squared_error(prices, model.predict(flats))
        cheaper = [share_cheaper(model, flats, AREA, 10), share_cheaper(model, flats, DISTANCE, -1)]
        print(f"{name:20} {error:7.1f} " + " ".join(f"{share:15.1%}" for share in cheaper))


# %%
# Prices of three flats, if they were smaller or larger. They are red where more area costs less.


def draw(models, flats, prices):
    """Draw prices by area, of a network without and of one with signs, over the sales."""
    plt.rcParams["font.size"] = 13
    figure, axes = plt.subplots(1, 2, figsize=(10, 5), sharey=True, layout="constrained")
    area = np.linspace(35, 150, 200)
    for ax, name in zip(axes, ["network", "network with signs"], strict=True):
        ax.plot(flats[:, AREA], prices, ".", color="lightgray", markersize=5, label="sales")
        for distance in (1, 6, 14):
            rows = np.column_stack([area, np.full(200, distance), np.full(200, 1965)])
            price = models[name].predict(rows)
            falls = np.append(np.diff(price) < 0, False)
            ax.plot(area, price, color="tab:blue", linewidth=3)
            ax.plot(area, np.where(falls, price, np.nan), color="tab:red", linewidth=5)
            ax.text(152, price[-1], f"{distance} km", va="center")
        ax.set(title=name, xlabel="area, square metres", xlim=(30, 165), ylim=(0, 500))
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].plot([], [], color="tab:red", linewidth=5, label="larger is cheaper")
    axes[0].set_ylabel("price, thousands")
    axes[0].legend(loc="upper left", frameon=False)
    figure.savefig(PICTURE, dpi=100)
    print("picture:", PICTURE.name)


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    (sold, paid), (unsold, values) = make_sales(600, rng), make_sales(5000, rng)
    models = {name: model.fit(sold, paid) for name, model in contestants().items()}
    compare(models, unsold, values)
    draw(models, sold, paid)
