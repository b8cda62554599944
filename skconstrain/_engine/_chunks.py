"""What an epoch trains on: data that are on the device once, or chunks that come and go."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from skconstrain._engine._batching import Batches, pad_rows
from skconstrain._lazy_rows import LazyRows, loaded

# A chunk is drawn from so many places of the data. Each is read in one go, so that a disk is not
# asked for single rows; data that lie in order of their class are mixed all the same.
_PLACES = 64


class ChunkPlan:
    """The chunks of an epoch over `n_rows` rows, of which `rows_at_once` may be held at once.

    A chunk holds whole batches, at least one, so that an epoch has the steps that it would have
    without chunks: only the last batch of the epoch may be short. All chunks have the shapes of
    `batches`, and train in one program.
    """

    def __init__(self, n_rows: int, batch_size: int, rows_at_once: int):
        self.n_rows = n_rows
        self.batch_size = min(batch_size, n_rows)
        self.n_steps = -(-n_rows // self.batch_size)
        fits = rows_at_once >= n_rows
        n_chunks = 1 if fits else -(-self.n_steps // max(1, rows_at_once // self.batch_size))
        # Chunks are as equal as whole batches allow.
        steps = -(-self.n_steps // n_chunks)
        self.n_chunks = -(-self.n_steps // steps)
        self.rows_per_chunk = min(n_rows, steps * self.batch_size)
        self.batches = Batches(self.rows_per_chunk, batch_size)

    def epoch(self, rng: np.random.Generator) -> Iterator[tuple[list[slice], np.ndarray, int]]:
        """Draw an epoch: for each chunk its slices of rows, their order, and the number of steps.

        Every row is in one chunk. The slices are in the order of the data; the order counts rows
        of the chunk, and has the shape of `Batches.order`.
        """
        length = max(1, self.rows_per_chunk // _PLACES)
        starts = rng.permutation(np.arange(0, self.n_rows, length))
        stops = np.minimum(starts + length, self.n_rows)
        # The blocks' beginnings and ends, one behind the other.
        ends = np.cumsum(stops - starts)
        begins = ends - (stops - starts)
        for first in range(0, self.n_rows, self.rows_per_chunk):
            last = min(first + self.rows_per_chunk, self.n_rows)
            inside = (ends > first) & (begins < last)
            low = starts[inside] + np.maximum(first - begins[inside], 0)
            high = stops[inside] - np.maximum(ends[inside] - last, 0)
            slices = [
                slice(*ends) for ends in sorted(zip(low.tolist(), high.tolist(), strict=True))
            ]
            yield slices, self._order(last - first, rng), -(-(last - first) // self.batch_size)

    def _order(self, n_rows, rng):
        # Row `n_rows` is a padded one of weight zero: a chunk has room for one at least.
        order = np.full(self.batches.padded_steps * self.batches.width, n_rows, np.int32)
        order[:n_rows] = rng.permutation(n_rows)
        return order


def plan_chunks(X, batch_size: int) -> ChunkPlan:
    """Plan the chunks of an epoch; rows that are held already are one chunk."""
    return ChunkPlan(len(X), batch_size, getattr(X, "rows_at_once", len(X)))


def make_feed(program, X, y, weight, batch_size: int):
    """Return what feeds `program`: all at once, unless `X` are more rows than may be held."""
    plan = plan_chunks(X, batch_size)
    if plan.n_chunks > 1:
        return ChunkedFeed(program, X, y, weight, plan)
    return WholeFeed(program, loaded(X), y, weight, batch_size)


class WholeFeed:
    """Rows that are on the device once, and train in a new order each epoch."""

    def __init__(self, program, X, y, weight, batch_size: int):
        self._program = program
        self._batches = Batches(len(X), batch_size)
        self.n_steps, self.batch_size = self._batches.n_steps, self._batches.batch_size
        rows = self._batches.padded_rows
        self._data = [
            program.to_device(pad_rows(X, rows)),
            program.to_device(pad_rows(y, rows)),
            program.to_device(pad_rows(weight, rows, zero=True)),
        ]

    def epoch(self, rng):
        """Yield the data on the device, an order of their rows, and the number of steps."""
        yield self._data, self._program.to_device(self._batches.order(rng)), self.n_steps

    def run_epochs(self, rng, n_epochs: int, rates: list[float] | None):
        """Train epochs in one call of the program; return the sums of each."""
        orders = [self._batches.order(rng) for _ in range(n_epochs)]
        return self._program.run_epochs(self._data, orders, self.n_steps, rates)


class ChunkedFeed:
    """Rows that come to the device chunk by chunk, the next one while one trains."""

    def __init__(self, program, X: LazyRows, y, weight, plan: ChunkPlan):
        self._program, self._X, self._y, self._weight = program, X, y, weight
        self._plan = plan
        self.n_steps, self.batch_size = plan.n_steps, plan.batch_size

    def epoch(self, rng):
        """Yield each chunk on the device, an order of its rows, and the number of its steps."""
        # The epoch is drawn here, not in the thread: what it draws depends on nothing else.
        yield from ahead(partial(self._load, *chunk) for chunk in self._plan.epoch(rng))

    def _load(self, slices, order, n_steps):
        n_rows, loaded = self._plan.batches.padded_rows, 0
        X = np.empty((n_rows, self._X.shape[1]), self._X.dtype)
        for part in slices:
            first, loaded = loaded, loaded + part.stop - part.start
            self._X.load(part, out=X[first:loaded])
        X[loaded:] = X[0]
        y = np.concatenate([self._y[part] for part in slices])
        weight = np.concatenate([self._weight[part] for part in slices])
        arrays = X, pad_rows(y, n_rows), pad_rows(weight, n_rows, zero=True), order
        del X
        *data, order = map(self._program.to_device, arrays)
        return data, order, n_steps


def place_validation(program, X, y, weight):
    """Return blocks of validation data: on the device, or brought there whenever they are read."""
    if isinstance(X, LazyRows) and X.rows_at_once < len(X):
        return _LazyBlocks(program, X, y, weight)
    return program.to_device_blocks(loaded(X), y, weight)


class _LazyBlocks:
    def __init__(self, program, X: LazyRows, y, weight):
        self._program, self._arrays = program, (X, y, weight)

    def __iter__(self):
        X, y, weight = self._arrays
        cuts = X.parts()
        for part, rows in zip(
            ahead(partial(X.load, rows) for rows in X.parts()), cuts, strict=True
        ):
            yield from self._program.to_device_blocks(part, y[rows], weight[rows])


def predict_parts(program, weights, X: LazyRows) -> np.ndarray:
    """Return the outputs of `program` for rows that are read part by part."""
    parts = ahead(partial(X.load, rows) for rows in X.parts())
    return np.concatenate([program.predict(weights, part) for part in parts])


def ahead(tasks: Iterable[Callable]) -> Iterator:
    """Yield the results of `tasks`, each of which runs while its forerunner's result is used."""
    with ThreadPoolExecutor(1, "skconstrain-load") as pool:
        coming = None
        for task in tasks:
            ready, coming = coming, pool.submit(task)
            if ready is not None:
                yield ready.result()
        if coming is not None:
            yield coming.result()
