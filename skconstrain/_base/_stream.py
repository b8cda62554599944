"""Scales that follow a stream: those of features and targets, over all calls of `partial_fit`."""

from dataclasses import dataclass, replace

import numpy as np

from skconstrain._base._rows import Rows
from skconstrain._lazy_rows import loaded
from skconstrain._networks import FeatureSummary, Network

# A sample has at most so many rows, and so many values if that leaves it a few rows.
_MOST_ROWS, _MOST_VALUES, _FEWEST_ROWS = 1024, 2**20, 64

# Scales are looked at again when there are so many times as many rows, and changed where they are
# so many times too large or too small.
_GROWTH, _FAR = 1.25, 1.5


@dataclass(frozen=True)
class Stream:
    """A sample of the rows that were given so far, all of the first ones.

    Attributes
    ----------
    rows
        The sample, drawn with equal chances.
    keys
        Random numbers of its rows: the largest ones stay.
    n_seen
        How many rows were given so far.
    n_judged
        How many they were when scales were looked at last.
    varied
        Which features had more than one value then.
    """

    rows: Rows
    keys: np.ndarray
    n_seen: int
    n_judged: int
    varied: np.ndarray

    @classmethod
    def after(cls, estimator, rows: Rows, *, continues, partial) -> "Stream | None":
        """Return the stream of the rows of all calls of `partial_fit`; None where `fit` began."""
        if not partial:
            return None
        if not continues:
            return cls.of(rows)
        return None if estimator._stream is None else estimator._stream.joined(rows)

    @classmethod
    def of(cls, rows: Rows) -> "Stream":
        """Return the stream that begins with these rows, by which scales are chosen."""
        X, *others = rows
        nothing = Rows(loaded(X[:0]), *(part[:0] for part in others))
        empty = cls(nothing, np.zeros(0), 0, 0, np.zeros(X.shape[1], bool))
        return empty.joined(rows)

    def joined(self, rows: Rows) -> "Stream":
        """Return the stream that goes on with these rows."""
        n_old, n_new, n_columns = len(self.keys), *rows.X.shape
        n_kept = min(_MOST_ROWS, max(_FEWEST_ROWS, _MOST_VALUES // n_columns))
        keys = np.append(self.keys, np.random.default_rng(self.n_seen).random(n_new))
        kept = np.sort(np.argsort(keys, kind="stable")[-n_kept:])
        old, new = kept[kept < n_old], kept[kept >= n_old] - n_old
        parts = zip(self.rows, rows, strict=True)
        sample = Rows(*(np.concatenate([a[old], loaded(b[new])]) for a, b in parts))
        return replace(self, rows=sample, keys=keys[kept], n_seen=self.n_seen + n_new)

    @property
    def judged(self) -> "Stream":
        """The stream after a look at the scales, where that was due."""
        if not self.is_due:
            return self
        return replace(self, n_judged=self.n_seen, varied=self._varies)

    @property
    def _varies(self):
        X = self.rows.X
        return np.fmax.reduce(X, axis=0) > np.fmin.reduce(X, axis=0)

    @property
    def is_due(self) -> bool:
        """Whether the rows are so many more that scales are looked at."""
        return self.n_seen >= _GROWTH * self.n_judged


def followed(network: Network, weights: dict, target_scale, stream: Stream, start):
    """Return weights and the scale of targets that a stream asks for; predictions stay about.

    Parameters
    ----------
    network, weights, target_scale
        As they are.
    stream
        With the rows to come.
    start : callable
        Returns for rows the weights to start from, and the scale of the targets.
    """
    moved = weights
    if network.standardized:
        moved = _features_followed(network, moved, stream)
    if network.head.weights(network.n_outputs):
        known, scale = start(stream.rows)
        if _is_far(np.asarray(scale), target_scale).any():
            moved, target_scale = network.with_start(moved, known), scale
    return moved, target_scale


def _features_followed(network, weights, stream):
    summary = FeatureSummary(stream.rows.X, stream.rows.weight)
    varied, varies = stream.varied, stream._varies
    if network.encode is not None:
        numbers, flags = list(network.encode.numbers), np.zeros(network.encode.n_flags, bool)
        summary = summary.encoded(numbers, len(flags))
        varied, varies = np.append(varied[numbers], flags), np.append(varies[numbers], flags)
    center, scale = summary.center_and_scale
    used_center, used_scale = (weights[f"standardize/{name}"] for name in ("center", "scale"))
    is_far = _is_far(scale, used_scale) & varies
    if not is_far.any():
        return weights
    center, scale = np.where(is_far, center, used_center), np.where(is_far, scale, used_scale)
    return network.with_scales(weights, center, scale, varied)


def _is_far(scale, used):
    return (scale > _FAR * used) | (scale * _FAR < used)
