"""Calibration: what quantiles need before the link to have the shares of targets of their levels.

Conformalised quantile regression: Romano, Patterson and Candes (2019), NeurIPS 32. The score of a
row is how far a quantile must be moved before the link to reach its target. The quantile is moved
by the score that the share of its level does not exceed: of rows that no network was trained on;
or of each training row by the network that lacks it, the cross-conformal way of Vovk (2015), Annals
of Mathematics and Artificial Intelligence 74.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from skconstrain._formulas._layers import mean_of_networks
from skconstrain._formulas._numpy_ops import NUMPY_OPS
from skconstrain._formulas._quantile_levels import ends, first_above
from skconstrain._networks import FittedNetwork
from skconstrain._warn import warn

if TYPE_CHECKING:
    from skconstrain._base._parts import Parts
    from skconstrain._base._rows import Rows

# No search for a shift goes farther, in the unit of what is before the link.
_FARTHEST = 2.0**64
_HALVINGS = 64

# Sums of weights are compared up to this share of them.
_ROUNDING = 1e-12


def out_of_fold(fitted: FittedNetwork, parts: "Parts") -> FittedNetwork:
    """Return the network, calibrated on each training row by the network that lacks the row."""
    X, target, weight = parts.rows
    values = np.empty((len(X), fitted.network.n_outputs), fitted.network.dtype)
    for k in range(fitted.network.n_networks):
        values[parts.folds == k] = fitted.member(k).before_head(X[parts.folds == k])
    return _calibrated(fitted, _shifts(fitted, values, target[:, 0], weight, extra=0))


def on_given_rows(fitted: FittedNetwork, rows: "Rows") -> FittedNetwork:
    """Return the network, calibrated on rows that it was not trained on, which have no weights.

    A new row counts as one more, of which nothing is known: exchangeable rows then have at least
    the share of their level, whatever their number.
    """
    values = fitted.before_head(rows.X)
    shifts = _shifts(fitted, values, rows.target[:, 0], rows.weight, extra=1)
    farthest = max(max(level, 1 - level) for level in fitted.network.head.levels)
    needed = int(np.ceil(farthest / (1 - farthest) - 1e-9))
    if len(rows.X) < needed:
        warn(
            f"X_cal must have {needed} rows to promise what the levels from {1 - farthest:g} to "
            f"{farthest:g} say. Got {len(rows.X)}: the first or last quantiles are the ends of the "
            "range, or infinite. Give more rows, or levels nearer to 0.5."
        )
    return _calibrated(fitted, shifts)


def without_calibration(fitted: FittedNetwork) -> FittedNetwork:
    """Return the network as it was trained."""
    head = replace(fitted.network.head, calibrated=False)
    network = replace(fitted.network, head=head)
    kept = {weight.name: fitted.weights[weight.name] for weight in network.weights}
    return FittedNetwork(network, kept)


def shifts_in_use(fitted: FittedNetwork) -> np.ndarray | None:
    """Return the shift of each level, infinite at the end of a range; None if there is none."""
    if not fitted.network.head.calibrated:
        return None
    shift, beyond = (fitted.weights[f"output/{name}"] for name in ("calibration", "beyond"))
    return np.select([beyond < 0, beyond > 0], [-np.inf, np.inf], shift)


def _calibrated(fitted, shifts):
    head = replace(fitted.network.head, calibrated=True)
    network, is_endless = replace(fitted.network, head=head), np.isinf(shifts)
    found = {
        "output/calibration": np.where(is_endless, 0, shifts),
        "output/beyond": np.where(is_endless, np.sign(shifts), 0),
    }
    found = {name: array.astype(network.dtype) for name, array in found.items()}
    return FittedNetwork(network, fitted.weights | found)


def _shifts(fitted, values, target, weight, *, extra):
    """Return the shift of each level, (n_levels,), from what the head is given.

    Levels below one half are shares of the targets at or above the quantile. The quantile is moved
    as little upwards, for the others downwards, as their share of the weights allows; `extra` is
    weight of rows that are on no side.
    """
    head, dtype = fitted.network.head, fitted.network.dtype
    levels = np.array(head.levels)
    low, high = ends(head.lower, head.upper, dtype)
    y, weight = np.clip(target, low, high)[:, None], weight.astype(float)
    is_above = np.arange(len(levels)) >= first_above(levels)
    sign, share = np.where(is_above, 1.0, -1.0), np.where(is_above, levels, 1 - levels)
    predict = _of_shift(fitted, values)
    shape = len(y), len(levels)
    distance = _smallest(lambda found: sign * predict(sign * found) >= sign * y, shape)
    # Nothing lies beyond a target at an end of the range. Such rows say nothing of how far a
    # quantile may be moved towards them: the others, which are within reach, decide.
    is_reached = y == np.where(is_above, low, high)
    found = np.array(
        [
            max(_reached(d, weight, q, extra), min(_reached(d[~out], weight[~out], q, extra), 0))
            for d, out, q in zip(distance.T, is_reached.T, share, strict=True)
        ]
    )
    return sign * found


def _reached(distance, weight, share, extra):
    """Return the smallest of the distances within which a share of the weights lies."""
    order = np.argsort(distance, kind="stable")
    total = weight.sum()
    within = np.cumsum(weight[order]) >= share * (total + extra) - _ROUNDING * total
    return distance[order][np.argmax(within)] if within.any() else np.inf


def _of_shift(fitted, values):
    """Return a function of shifts: quantiles of the mean of the networks, in no order."""
    network, weights = fitted.network, fitted.weights
    head = network.head
    # Networks with signs compute in float64.
    values = values.astype(np.float64) if head.monotone else values
    if values.ndim == 3:
        values = np.moveaxis(values, 1, 0)
    eta = head.eta(weights, values)

    def predict(shift):
        with np.errstate(over="ignore"):
            found = head.in_range(weights, eta + shift.astype(network.dtype))
        if found.ndim == 3:
            found = mean_of_networks(NUMPY_OPS, found, 0, monotone=head.monotone)
        return found.astype(network.dtype)

    return predict


def _smallest(is_enough, shape):
    """Return the smallest numbers for which a function that rises is true.

    They are infinite where it is nowhere true.
    """
    low, high = np.full(shape, -1.0), np.full(shape, 1.0)
    while (short := ~is_enough(high) & (high < _FARTHEST)).any():
        high = np.where(short, 2 * high, high)
    while (far := is_enough(low) & (low > -_FARTHEST)).any():
        low = np.where(far, 2 * low, low)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        enough = is_enough(middle)
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(is_enough(high), high, np.inf)
