"""Quantiles that do not cross: their levels, and how a network's outputs become them.

One output of a network is the quantile of a level in the middle; the others are steps from each
level to the next, away from the middle, of which none is negative. Outputs that rise with a feature
cannot be steps, because a quantile below falls where its step grows: then each is a quantile, and
the largest so far takes its place. NumPy only: what is also asked of Keras takes the namespace of
functions, as the links in `_links` do.
"""

from itertools import accumulate

import numpy as np
from scipy.special import ndtri

from skconstrain._formulas._links import (
    LINKS,
    bias_and_gain,
    output_range,
    rescaled,
    smallest_share,
)

# Levels that differ by less are the same: (1 - 0.9) / 2 is not 0.05.
_SAME = 1e-9

# softplus(UNIT_STEP) is 1.
UNIT_STEP = float(np.log(np.e - 1))

# Where many targets are equal, steps between levels start at this share of what they would be for
# normal targets: of steps much smaller, training could hardly make larger ones.
_SMALLEST_STEP = 0.1

# A quantile near one end of a range starts this far from it, in units of the targets: links have no
# gradient there, and the pinball loss does not grow with the distance.
_FROM_END = 0.3


def checked_levels(quantiles):
    """Return levels as an array of floats between 0 and 1."""
    try:
        levels = np.asarray(quantiles, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"quantiles must be numbers. Got {quantiles!r}.") from error
    if levels.ndim != 1 or len(levels) == 0 or not ((levels > 0) & (levels < 1)).all():
        raise ValueError(
            "quantiles must be a list of numbers between 0 and 1, both excluded. Got "
            f"{quantiles!r}."
        )
    return levels


def middle(n_levels: int) -> int:
    """Return the position of the level from which steps go up and down."""
    return n_levels // 2


def first_above(levels) -> int:
    """Return the position of the first of the levels that is not below one half."""
    return int(np.searchsorted(levels, 0.5 - _SAME))


def increasing(ops, values, step):
    """Return numbers that increase along the last axis, up to rounding.

    Parameters
    ----------
    ops : namespace
        ``keras.ops``, or functions of NumPy with these names.
    values : array of shape (..., n_levels)
        The middle one is taken as it is; softplus makes lengths of the others.
    step : array of shape (n_levels,)
        Factors of the lengths.
    """
    base = middle(values.shape[-1])
    center = values[..., base : base + 1]
    length = step * ops.softplus(values)
    below = ops.flip(ops.cumsum(ops.flip(length[..., :base], axis=-1), axis=-1), axis=-1)
    above = ops.cumsum(length[..., base + 1 :], axis=-1)
    return ops.concatenate([center - below, center, center + above], axis=-1)


def before_link(ops, outputs, step):
    """Return quantiles of a network's outputs before the link, up to rounding.

    Outputs are steps between levels; or the quantiles themselves, where `step` is None.
    """
    return running_maximum(ops, outputs) if step is None else increasing(ops, outputs, step)


def shifted(ops, eta, shift, first):
    """Return quantiles before the link, each moved by its own shift, in order.

    The order is restored away from position `first`: what lies above it only rises, what lies below
    only falls, so that no interval around it gets narrower. Nor does any of them then fall where
    all of `eta` rise.
    """
    columns = [eta[..., k] + shift[k] for k in range(eta.shape[-1])]
    above = list(accumulate(columns[first:], ops.maximum))
    below = list(accumulate(columns[first::-1], ops.minimum))
    return ops.stack([*below[:0:-1], *above], axis=-1)


def onto_far_ends(ops, values, beyond, *, lower, upper, dtype):
    """Return quantiles, of those levels at an end of the range that `beyond` has a sign for.

    Without an end they are infinite.
    """
    least, largest = ends(lower, upper, dtype)
    low, high = -np.inf if lower is None else least, np.inf if upper is None else largest
    return ops.where(beyond > 0, high, ops.where(beyond < 0, low, values))


def into_range(ops, eta, *, lower, upper, gain, scale, shift, monotone=False):
    """Return what lies between `lower` and `upper`, up to rounding, and increases with `eta`.

    With `monotone` it falls nowhere, not in its last bit either, of numbers in float64.
    """
    if lower is None and upper is None:
        return shift + scale * eta
    link = LINKS["softplus" if lower is None or upper is None else "sigmoid"]
    forward = link.monotone if monotone else link.forward
    if upper is None:
        return lower + scale * forward(ops, gain * eta)
    if lower is None:
        return upper - scale * forward(ops, -gain * eta)
    return lower + (upper - lower) * forward(ops, gain * eta)


def ends(lower, upper, dtype) -> tuple[float, float]:
    """Return the smallest and the largest number that is predicted."""
    if upper is not None and lower is not None:
        return output_range("sigmoid", lower, upper, dtype)
    if lower is not None:
        return output_range("softplus", lower, None, dtype)
    if upper is not None:
        smallest, largest = output_range("softplus", -upper, None, dtype)
        return -largest, -smallest
    largest = float(np.finfo(dtype).max)
    return -largest, largest


def running_maximum(ops, values):
    """Return the largest number so far along the last axis: rounding shall not let levels cross."""
    columns = [values[..., k] for k in range(values.shape[-1])]
    return ops.stack(list(accumulate(columns, ops.maximum)), axis=-1)


def unit(center, spread, *, lower, upper, dtype) -> float:
    """Return the unit of targets: their spread, less where they lie near an end of a range.

    Targets without spread, as the one row of a first `partial_fit`, have the unit of their size.
    """
    size = abs(center)
    if (lower is None) != (upper is None):
        size = abs(center - (upper if lower is None else lower))
        spread = min(spread, size)
    scale = spread if spread > 0 else size
    if lower is not None and upper is not None:
        # Squares of gradients would overflow in a much smaller unit than the range.
        scale = max(scale, smallest_share(dtype) * (upper - lower))
    return scale if scale > 0 else 1.0


def known_start(levels, quantiles, spread, *, lower, upper, scale, monotone=False):
    """Return the weights with which a network starts at given quantiles, by name.

    Parameters
    ----------
    levels, quantiles : ndarray of shape (n_levels,)
        Quantiles of the targets, and their levels.
    spread : float
        Spread of the targets.
    lower, upper : float or None
        Ends of the range.
    scale : float
        What a change of one in the network's output is, without a range or at a one-sided one.
    monotone : bool, default=False
        Whether outputs are the quantiles themselves, and not steps between them.
    """
    base, shift, gain = middle(len(quantiles)), quantiles[middle(len(quantiles))], 1.0
    if lower is None and upper is None:
        eta = (quantiles - shift) / scale
    else:
        sign = -1.0 if lower is None else 1.0
        output = "softplus" if lower is None or upper is None else "sigmoid"
        low, high = (-upper, None) if lower is None else (lower, upper)
        least, most = low + _FROM_END * scale, np.inf if high is None else high - _FROM_END * scale
        inside = np.clip(sign * quantiles, least, max(least, most))
        eta, gains = bias_and_gain(output, inside, spread, lower=low, upper=high, scale=scale)
        gain = gains[base]
        eta = sign * eta * gains / gain
    between = np.maximum(np.diff(eta), _SMALLEST_STEP * np.diff(ndtri(levels)))
    found = {"gain": gain, "scale": scale, "shift": shift}
    known = {f"output/{name}": np.atleast_1d(value) for name, value in found.items()}
    if monotone:
        distance = np.insert(np.cumsum(between), 0, 0.0)
        return {**known, "eta/bias": eta[base] + distance - distance[base]}
    step = np.insert(between, base, 1.0)  # that of the middle is not used
    bias = np.full(len(quantiles), UNIT_STEP)
    bias[base] = eta[base]
    return {**known, "eta/bias": bias, "output/step": step}


def rescaled_quantiles(ops, named, known, *, lower, upper, monotone):
    """Return factors and shifts of a network's outputs that keep quantiles: see `known_start`.

    `named` are its weights, `known` those of another start.
    """
    (scale, gain, shift), new = (
        [weights[f"output/{name}"] for name in ("scale", "gain", "shift")]
        for weights in (named, known)
    )
    bias = known["eta/bias"]
    base = middle(len(bias))
    if lower is None and upper is None:
        factor, moved = scale / new[0], (shift - new[2]) / new[0]
    elif lower is None or upper is None:
        sign, used = -1.0 if lower is None else 1.0, (scale, gain)
        factor, moved = rescaled(ops, LINKS["softplus"], used, new[:2], sign * bias[base])
        moved = sign * moved
    else:
        factor, moved = gain / new[1], np.zeros(1)
    if monotone:
        return factor, moved
    # Steps between levels stay where they are about what they are at the start.
    steps, one = (named["output/step"], known["output/step"]), np.ones(len(bias))
    used, of_steps = (factor * steps[0], one), (steps[1], one)
    start_of_steps = np.full(len(bias), UNIT_STEP)
    factors, shifts = rescaled(ops, LINKS["softplus"], used, of_steps, start_of_steps)
    factors[base], shifts[base] = factor[0], moved[0]
    return factors, shifts


def interpolated(levels, values, asked):
    """Return quantiles of levels between those that were fitted, shape (n_rows, n_asked).

    They are linear in the quantile of the normal distribution, so that they are exact for normal
    targets. In floating point too they increase with the level, and with what is given.

    Parameters
    ----------
    levels : ndarray of shape (n_levels,)
        Increasing.
    values : ndarray of shape (n_rows, n_levels)
        Quantiles, which increase along each row.
    asked : ndarray of shape (n_asked,)
        Between the first and the last level.
    """
    order = np.argsort(asked, kind="stable")
    columns = list(accumulate((_between(levels, values, asked[k]) for k in order), np.maximum))
    return np.stack([columns[k] for k in np.argsort(order)], axis=1)


def _between(levels, values, level):
    """Return the quantiles of one level, shape (n_rows,)."""
    nearest = int(np.argmin(np.abs(levels - level)))
    if abs(levels[nearest] - level) < _SAME:
        return values[:, nearest]
    above = int(np.searchsorted(levels, level))
    first, last, this = ndtri([levels[above - 1], levels[above], level])
    low, high = values[:, above - 1], values[:, above]
    share = values.dtype.type((this - first) / (last - first))
    return np.clip((1 - share) * low + share * high, low, high)


def is_outside(levels, asked):
    """Return for each level that is asked for whether it lies outside of those fitted."""
    return (asked < levels[0] - _SAME) | (asked > levels[-1] + _SAME)
