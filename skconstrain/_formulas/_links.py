"""Output links: how an unconstrained number becomes one inside a range.

A new link is a row of `LINKS`: `skconstrain.layers.BoundedOutput` computes its formula, and
`PositiveRegressor` offers its name. Here the ends of a range also become numbers that a precision
can represent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from numbers import Real

import numpy as np
from scipy.special import logit

from skconstrain._formulas._grid import FINE_GRID, sigmoid, through_grid

# exp(30) is 1e13 times the target's scale: beyond any use, and far from overflow in float32.
EXP_CAP = 30.0

# A start that is asked for at an end of the range stands this far inside.
_START_MARGIN = 1e-3

# Double precision has no digits for targets that spread even less in a huge range.
_SMALLEST_GAIN = 1e-15


@dataclass(frozen=True)
class Link:
    """One way from an unconstrained ``eta`` to a unit range.

    One-sided links map to ``[0, inf)`` or ``(0, inf)``, two-sided links to ``(0, 1)``.

    Attributes
    ----------
    forward
        The link, of a namespace and ``eta``: written in the functions of ``keras.ops``, which is
        passed in, because this module does not need Keras.
    inverse
        The larger ``eta`` that the link maps to a number of the unit range, in NumPy.
    slope
        Derivative of the link where its value is the given number.
    two_sided
        Whether the range has an upper end.
    open_end
        Whether the ends of the range are excluded.
    is_monotone
        Whether it never falls.
    in_order
        The link in a form that never falls in floating point either, of numbers on a grid; None
        where `forward` is such a form.
    """

    forward: Callable
    inverse: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]
    two_sided: bool = False
    open_end: bool = False
    is_monotone: bool = True
    in_order: Callable | None = None

    def monotone(self, ops, eta):
        """Return the link of any `eta`, so that it falls nowhere, not in its last bit either."""
        return (self.in_order or self.forward)(ops, through_grid(ops, eta, FINE_GRID))


def _softabs(ops, eta):
    """``eta**2 / 2`` where ``abs(eta) < 1``, ``abs(eta) - 1/2`` elsewhere."""
    size = ops.abs(eta)
    inner = ops.minimum(size, 1)
    return inner * (size - inner / 2)


def _relu(ops, eta):
    # The forward pass is relu; backwards the negative part is a constant, so that the gradient is 1
    # everywhere. At the end of the range a loss only asks to go up: nothing gets stuck at 0.
    dtype = getattr(eta.dtype, "name", eta.dtype)  # an object of NumPy or TensorFlow, or its name
    largest = float(np.finfo(dtype).max)
    eta = ops.clip(eta, -largest, largest)  # inf - inf is not a number
    return eta - ops.stop_gradient(ops.minimum(eta, 0))


LINKS = {
    "softplus": Link(
        forward=lambda ops, eta: ops.softplus(eta),
        inverse=lambda z: z + np.log(-np.expm1(-z)),
        slope=lambda z: -np.expm1(-z),
        open_end=True,
    ),
    "exp": Link(
        forward=lambda ops, eta: ops.exp(ops.minimum(eta, EXP_CAP)),
        inverse=np.log,
        slope=lambda z: z,
        open_end=True,
    ),
    "square": Link(
        forward=lambda ops, eta: ops.square(eta),
        inverse=np.sqrt,
        slope=lambda z: 2 * np.sqrt(z),
        is_monotone=False,
    ),
    "abs": Link(
        forward=lambda ops, eta: ops.abs(eta),
        inverse=lambda z: z,
        slope=np.ones_like,
        is_monotone=False,
    ),
    "softabs": Link(
        forward=_softabs,
        inverse=lambda z: np.where(z < 0.5, np.sqrt(2 * z), z + 0.5),
        slope=lambda z: np.minimum(np.sqrt(2 * z), 1),
        is_monotone=False,
    ),
    "relu": Link(forward=_relu, inverse=lambda z: z, slope=np.ones_like),
    "sigmoid": Link(
        forward=lambda ops, eta: ops.sigmoid(eta),
        inverse=logit,
        slope=lambda z: z * (1 - z),
        two_sided=True,
        open_end=True,
        in_order=sigmoid,
    ),
    "tanh": Link(
        forward=lambda ops, eta: ops.sigmoid(2 * eta),  # tanh + 1 has no digits near the lower end
        inverse=lambda z: logit(z) / 2,
        slope=lambda z: 2 * z * (1 - z),
        two_sided=True,
        open_end=True,
        in_order=lambda ops, eta: sigmoid(ops, 2 * eta),
    ),
}


def check_range(output: str, lower: float, upper: float | None) -> None:
    """Raise ``ValueError`` unless `output` can serve the range from `lower` to `upper`."""
    if output not in LINKS:
        raise ValueError(f"output must be one of {sorted(LINKS)}. Got {output!r}.")
    for name, end in (("lower", lower), ("upper", upper)):
        if not (isinstance(end, Real) or (name == "upper" and end is None)):
            either = " or None" if name == "upper" else ""
            raise ValueError(f"{name} must be a number{either}. Got {end!r}.")
    if not np.isfinite(lower) or (upper is not None and not np.isfinite(upper)):
        raise ValueError(f"lower and upper must be finite. Got lower={lower}, upper={upper}.")
    if upper is not None and upper <= lower:
        raise ValueError(f"upper must be greater than lower. Got lower={lower}, upper={upper}.")
    two_sided = sorted(name for name, link in LINKS.items() if link.two_sided)
    if LINKS[output].two_sided and upper is None:
        raise ValueError(f"output={output!r} needs upper=, the other end of its range. Got None.")
    if upper is not None and not LINKS[output].two_sided:
        raise ValueError(
            f"output={output!r} has no upper end. Got upper={upper}. "
            f"Use upper=None, or one of output={two_sided}."
        )


def check_monotone(output: str) -> None:
    """Raise ``ValueError`` where the link falls somewhere."""
    if not LINKS[output].is_monotone:
        rising = sorted(name for name, link in LINKS.items() if link.is_monotone)
        raise ValueError(
            f"output={output!r} falls where eta is negative, so that no sign can be kept through "
            f"it. Use one of output={rising}."
        )


def unclipped(function, eta, output, *, lower, upper, gain, scale, smallest):
    """Return what lies between `lower` and `upper` up to rounding, by one form of a link."""
    factor = scale if upper is None else upper - lower
    # A closed end starts at its own smallest number: clipped there, the gradient would be 0.
    base = lower if LINKS[output].open_end else smallest
    return base + factor * function(gain * eta)


@lru_cache
def output_range(output: str, lower: float, upper: float | None, dtype) -> tuple[float, float]:
    """Smallest and largest number of `dtype` inside the range of `output`, as Python floats.

    An open end is excluded, a closed one included, both compared exactly, so that a float32
    prediction still lies inside the range after it has been widened to float64. Subnormal numbers
    do not count: TensorFlow flushes them to zero.
    """
    link, info = LINKS[output], np.finfo(dtype)
    smallest = _step_inside(lower, dtype, np.inf, link.open_end)
    if upper is None:
        return smallest, float(info.max)
    largest = _step_inside(upper, dtype, -np.inf, link.open_end)
    if smallest > largest:
        raise ValueError(
            f"No {np.dtype(dtype).name} number lies between lower={lower} and upper={upper}. "
            "Use dtype='float64' or a wider range."
        )
    return smallest, largest


def _step_inside(end, dtype, direction, is_open):
    number = np.dtype(dtype).type(end)
    tiny = np.finfo(dtype).tiny
    sign = 1 if direction > 0 else -1
    if sign * float(number) < sign * end or (is_open and float(number) == end):
        number = np.nextafter(number, number.dtype.type(direction))
    if 0 < abs(float(number)) < tiny:
        number = number.dtype.type(sign * tiny) if np.sign(number) == sign else number.dtype.type(0)
    return float(number)


def bias_and_gain(output, mean, spread, *, lower=0.0, upper=None, scale=1.0):
    """Return where training starts: at `mean`, moving by `spread` for a change of one.

    Parameters
    ----------
    output : str
        Name of the link.
    mean, spread : ndarray of shape (n_outputs,)
        Mean and standard deviation of the targets.
    lower, upper : float, float or None
        Ends of the range.
    scale : ndarray of shape (n_outputs,)
        Scale of a one-sided link.

    Returns
    -------
    bias, gain : ndarray of shape (n_outputs,)
        The output of ``eta = bias`` is `mean` if the link is applied to ``gain * eta``, and its
        derivative there is `spread`, or less where that would need a gain above 1. A mean at an end
        of the range has no such ``eta``; the start is then a thousandth inside.
    """
    link = LINKS[output]
    factor = scale if upper is None else upper - lower
    unit = _inside((np.asarray(mean, float) - lower) / factor, link.two_sided)
    relative = np.asarray(spread, float) / (factor * link.slope(unit))
    gain = np.where(relative > 0, np.clip(relative, _SMALLEST_GAIN, 1.0), 1.0)
    return link.inverse(unit) / gain, gain


def rescaled(ops, link: Link, used: tuple, new: tuple, bias):
    """Return factor and shift that bring an ``eta`` from one scale and gain to others.

    ``scale * link(gain * eta)`` then keeps value and slope where the new ``eta`` is `bias`. For the
    links that change no more than by a factor or a power with their scale, it stays everywhere.

    Parameters
    ----------
    ops : namespace
        Functions of NumPy, by the names of ``keras.ops``.
    link : Link
        The link.
    used, new : tuple of ndarray
        Scale and gain as they are, and as they will be.
    bias : ndarray
        Where value and slope stay.
    """
    (scale, gain), (new_scale, new_gain) = used, new
    value = link.forward(ops, new_gain * np.asarray(bias, float))
    before = value * (new_scale / scale)
    slopes = link.slope(before) / link.slope(value)
    factor = scale * gain * slopes / (new_scale * new_gain)
    return factor, bias - factor * link.inverse(before) / gain


def _inside(unit, two_sided):
    """Return numbers of a unit range, those at its ends moved inside."""
    unit = np.where(unit > 0, unit, _START_MARGIN)
    return np.where(unit < 1, unit, 1 - _START_MARGIN) if two_sided else unit


def smallest_share(dtype) -> float:
    """Return the smallest unit of targets in a range of 1: the square of the range is finite."""
    return float(np.finfo(dtype).max) ** -0.5
