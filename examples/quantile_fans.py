"""Predict intervals by quantiles that do not cross, inside a range.

Waiting times that this script makes: longer in the evening, and less certain. A network predicts
five quantiles at once, in order and above zero for every hour. Boosting needs a model for each, and
its intervals are too narrow.

Run with ``python examples/quantile_fans.py``; it prints scores on held-out rows and writes
``examples/quantile_fans.png``.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import mean_pinball_loss

from skconstrain import QuantileNetRegressor
from skconstrain.inspection import QuantileDisplay

PICTURE = Path(__file__).with_suffix(".png")
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def make_waiting_times(n_rows, random_state):
    """Return hours of the day, and minutes of waiting."""
    rng = np.random.default_rng(random_state)
    hour = rng.uniform(6, 24, n_rows)
    typical = 4 + 3 * np.sin((hour - 6) / 3) ** 2 + 12 / (1 + np.exp(18 - hour))
    return hour[:, None], typical * rng.gamma(5 - hour / 6, 1, n_rows) / (5 - hour / 6)


# %%
# Boosting needs a model for each level, which knows nothing of the others.


class Boosting:
    """A model for each level."""

    quantiles = LEVELS

    def fit(self, X, y):
        """Fit all of them."""
        self.models_ = [
            HistGradientBoostingRegressor(loss="quantile", quantile=level, random_state=0).fit(X, y)
            for level in LEVELS
        ]
        return self

    def predict_quantiles(self, X):
        """Predict a column for each level."""
        return np.column_stack([model.predict(X) for model in self.models_])


# %%
# An interval of 90 % should have 90 % of the waiting times of the test.


def report(name, y, quantiles):
    """Print the scores of one model."""
    columns = zip(LEVELS, quantiles.T, strict=True)
    loss = np.mean([mean_pinball_loss(y, column, alpha=level) for level, column in columns])
    inside = np.mean((quantiles[:, 0] <= y) & (y <= quantiles[:, -1]))
    crossed = (np.diff(quantiles, axis=1) < 0).any(axis=1).mean()
    print(f"{name:24} {loss:12.3f} {inside:22.1%} {crossed:18.1%}")


if __name__ == "__main__":
    X, y = make_waiting_times(1000, random_state=0)
    X_test, y_test = make_waiting_times(5000, random_state=1)
    models: dict = {
        "boosting, level by level": Boosting(),
        "QuantileNetRegressor": QuantileNetRegressor(quantiles=LEVELS, lower=0, random_state=0),
    }
    print(f"{'':24} {'pinball loss':>12} {'in 90 % intervals':>22} {'rows that cross':>18}")
    figure, axes = plt.subplots(2, 1, figsize=(10, 7.5), layout="constrained")
    for ax, (name, model) in zip(axes, models.items(), strict=True):
        predicted = model.fit(X, y).predict_quantiles(X_test)
        report(name, y_test, predicted)
        display = QuantileDisplay.from_predictions(
            y_test[:800],  # more would hide what is predicted
            predicted[:800],
            quantiles=LEVELS,
            x=X_test[:800, 0],
            x_name="hour of the day",
            ax=ax,
        )
        display.axes_[0].set(title=name, ylabel="minutes of waiting", ylim=(-3, 60))
    print("an interval of 80 %, of levels in between:", end=" ")
    print(models["QuantileNetRegressor"].predict_interval([[22.0]], coverage=0.8).round(1)[0])
    figure.savefig(PICTURE, dpi=110)
    print("picture:", PICTURE.name)
