"""Predict prices from a table as it comes: text, booleans and gaps, nothing in front.

A made-up table of 1,500 flats: towns and heatings are text, a lift is true or false, and every
sixth age is missing, mostly of old houses.

Run with ``python examples/house_prices.py``. It prints scores of cross-validation, of a search and
of intervals. It draws which columns count, and the intervals, to ``examples/house_prices.png``.
"""

import pickle
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split

from skconstrain import PositiveRegressor, QuantileNetRegressor

PICTURE = Path(__file__).with_suffix(".png")
FACTORS = {"Aalen": 1.0, "Brel": 1.5, "Cleve": 0.7, "Dorn": 1.2}

# %%
# The flats, and their prices.


def load_data(n_rows=1500):
    """Return a table of text, booleans, categories and numbers with gaps, and prices."""
    rng = np.random.default_rng(0)
    age = rng.gamma(2, 25, n_rows)
    flats = pd.DataFrame(
        {
            "town": rng.choice(list(FACTORS), n_rows),
            "heating": pd.Categorical(rng.choice(["gas", "district", "pump"], n_rows)),
            "lift": rng.random(n_rows) < 0.4,
            "area": rng.gamma(6, 14, n_rows),
            "floor": rng.integers(0, 8, n_rows),
            "age": age,
        }
    )
    price = 2.5 * flats["area"] * flats["town"].map(FACTORS) * np.exp(-age / 120)
    price *= np.where(flats["heating"] == "pump", 1.15, 1)
    price *= 1 + 0.03 * flats["floor"] * np.where(flats["lift"], 1, -1)
    price *= rng.gamma(60, 1 / 60, n_rows)
    flats.loc[rng.random(n_rows) < age / 300, "age"] = np.nan
    flats.loc[rng.random(n_rows) < 0.05, "town"] = None
    return flats, price


# %%
# Nothing is encoded, imputed or scaled. Boosting takes categories, but no text.


def compare(flats, prices):
    """Print scores of cross-validation."""
    as_categories = flats.assign(town=flats["town"].astype("category"))
    models = {
        "boosting": (HistGradientBoostingRegressor(random_state=0), as_categories),
        "PositiveRegressor": (PositiveRegressor(random_state=0), flats),
    }
    print("R2 in 3-fold cross-validation")
    for name, (model, X) in models.items():
        print(f"{name:20} {cross_val_score(model, X, prices, cv=3).mean():.3f}", flush=True)


# %%
# A search is over one network, which takes a fifth of the time.


def search(flats, prices):
    """Print which sizes of layers are best."""
    net = PositiveRegressor(n_networks=1, random_state=0)
    found = GridSearchCV(net, {"hidden_layer_sizes": [(64,), (64, 64, 64)]}, cv=3)
    print("\nbest of a search:", found.fit(flats, prices).best_params_)


# %%
# A row of a served model is a dict. A town that training did not see is no error.


def serve(model):
    """Print predictions of a pickle for single rows, whose columns have any order."""
    served = pickle.loads(pickle.dumps(model))
    row = {"area": 80.0, "age": None, "floor": 3, "lift": True, "town": "Brel", "heating": "gas"}
    for town in ("Brel", "Cleve", "a town that is new"):
        price = served.predict(pd.DataFrame([{**row, "town": town}]))[0]
        print(f"{town:20} {price:5.0f}")


# %%
# Columns that count make predictions worse when they are shuffled.


def draw(model, intervals, flats, prices):
    """Draw importances of the columns, and intervals of some flats."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    found = permutation_importance(model, flats, prices, n_repeats=5, random_state=0)
    order = np.argsort(found.importances_mean)
    left.barh(flats.columns[order], found.importances_mean[order])
    left.set(xlabel="loss of R2 when the column is shuffled", title="what counts")
    low, high = intervals.T
    order = np.argsort(high + low)[::6]
    places = np.arange(len(order))
    right.vlines(places, low[order], high[order], alpha=0.6, label="80 % interval")
    right.plot(places, prices.to_numpy()[order], "k.", label="price")
    right.set(xlabel="flats, by the middle of their intervals", ylabel="price", title="how sure")
    right.legend()
    figure.savefig(PICTURE, dpi=120)
    plt.close(figure)


def main():
    """Compare, search, serve, and draw."""
    flats, prices = load_data()
    compare(flats, prices)
    search(flats, prices)
    train, test, y, y_test = train_test_split(flats, prices, random_state=0)
    model = PositiveRegressor(monotonic_cst={"area": 1}, random_state=0).fit(train, y)
    print(f"\nR2 of test rows, where no larger flat is cheaper: {model.score(test, y_test):.3f}")
    serve(model)
    quantiles = QuantileNetRegressor(quantiles=(0.1, 0.5, 0.9), lower=0, random_state=0)
    intervals = quantiles.fit(train, y).predict_quantiles(test)[:, [0, 2]]
    inside = (intervals[:, 0] <= y_test) & (y_test <= intervals[:, 1])
    print(f"80 % intervals hold {inside.mean():.0%} of the test prices")
    draw(model, intervals, test, y_test)


if __name__ == "__main__":
    main()
