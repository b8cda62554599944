"""Chunks: every row once an epoch, in the steps of an ordinary one, and few of them held."""

import threading
import weakref

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skconstrain import compile_cache_info
from skconstrain._engine._chunks import ChunkedFeed, ChunkPlan, ahead, make_feed, plan_chunks
from skconstrain._lazy_rows import LazyRows
from tests.backends import compiled
from tests.chunks import chunks_of
from tests.engine.test_train import data, linear
from tests.plain import PositiveRegressor


@settings(deadline=None, max_examples=200)
@given(
    n_rows=st.integers(1, 3000),
    batch_size=st.integers(1, 400),
    rows_at_once=st.integers(1, 3000),
    seed=st.integers(0, 100),
)
def test_an_epoch_has_every_row_once_in_whole_batches(n_rows, batch_size, rows_at_once, seed):
    plan = ChunkPlan(n_rows, batch_size, rows_at_once)
    seen, steps = [], []
    for slices, order, n_steps in plan.epoch(np.random.default_rng(seed)):
        rows = np.concatenate([np.arange(part.start, part.stop) for part in slices])
        assert (np.diff(rows) > 0).all()  # read in the order in which they lie
        assert len(rows) <= max(rows_at_once, plan.batch_size)
        assert len(rows) < plan.batches.padded_rows
        assert len(order) == plan.batches.padded_steps * plan.batches.width
        assert sorted(order[: len(rows)]) == list(range(len(rows)))
        assert (order[len(rows) :] == len(rows)).all()  # a padded row, of weight zero
        assert n_steps <= plan.batches.padded_steps
        assert len(rows) <= n_steps * plan.batches.width
        seen.append(rows)
        steps.append(n_steps)
    assert sorted(np.concatenate(seen)) == list(range(n_rows))
    assert len(steps) == plan.n_chunks
    assert sum(steps) == plan.n_steps == -(-n_rows // min(batch_size, n_rows))
    assert all(len(rows) % plan.batch_size == 0 for rows in seen[:-1])


def test_a_chunk_is_drawn_from_many_places():
    plan = ChunkPlan(100_000, 10, 10_000)
    first, second = (
        next(plan.epoch(np.random.default_rng(seed)))[0] for seed in (0, 1)
    )  # fmt: skip
    assert first != second
    rows = np.concatenate([np.arange(part.start, part.stop) for part in first])
    # A chunk has all classes in fair shares, though rows are in the order of their class.
    shares = np.bincount(rows // 25_000, minlength=4) / len(rows)
    assert (abs(shares - 0.25) < 0.2).all()
    assert len(first) >= 50


def test_rows_that_are_held_are_one_chunk():
    assert plan_chunks(np.zeros((442, 3)), 32).n_chunks == 1
    assert plan_chunks(np.zeros((442, 3)), 32).rows_per_chunk == 442
    rows = LazyRows(np.zeros((442, 3)), float, chunk_bytes=442 * 24)
    assert plan_chunks(rows, 32).n_chunks == 1
    assert plan_chunks(LazyRows(rows.source, float, chunk_bytes=442 * 24 - 1), 32).n_chunks == 2


@pytest.mark.parametrize("by_xla", [True, False])
@pytest.mark.parametrize(("batch_size", "rows_at_once"), [(5, 10), (4, 4), (3, 20), (7, 1)])
def test_chunks_train_as_numpy_does(by_xla, batch_size, rows_at_once):
    X, y = data()
    weight = np.random.default_rng(1).uniform(0.1, 3, len(X))
    model = linear(batch_size=batch_size, epochs=7, alpha=0.3)
    with compiled(by_xla), chunks_of(rows_at_once * X[0].nbytes):
        model.fit(X, y, sample_weight=weight)
    kernel, bias, losses = numpy_sgd_in_chunks(X, y, weight, 7, batch_size, rows_at_once)
    np.testing.assert_allclose(model.predict(X), X @ kernel + bias, rtol=1e-9)
    np.testing.assert_allclose(model.loss_curve_, losses, rtol=1e-9)


def numpy_sgd_in_chunks(X, y, weight, epochs, batch_size, rows_at_once):
    """Do the training of `test_train.numpy_sgd` on the rows of each chunk in turn."""
    rng = np.random.default_rng([3, 0])
    plan = ChunkPlan(len(X), batch_size, rows_at_once)
    assert plan.n_chunks > 1
    mean = np.average(y, weights=weight)
    scale = np.sqrt(np.average((y - mean) ** 2, weights=weight))
    kernel, bias = np.zeros(X.shape[1]), mean / scale
    rate, penalty = float(np.float32(0.1)), 0.3 / (batch_size * weight.mean())
    losses = []
    for _ in range(epochs):
        total = 0.0
        for slices, order, n_steps in plan.epoch(rng):
            chunk = np.concatenate([np.arange(part.start, part.stop) for part in slices])
            for step in range(n_steps):
                numbers = order[step * plan.batches.width : (step + 1) * plan.batches.width]
                rows = chunk[numbers[numbers < len(chunk)]]
                error = X[rows] @ kernel + bias - y[rows] / scale
                share = weight[rows] / weight[rows].sum()
                total += (weight[rows] * error**2).sum()
                kernel = kernel - rate * (2 * (share * error) @ X[rows] + penalty * kernel)
                bias -= rate * 2 * (share * error).sum()
        losses.append(total / weight.sum() * scale**2)
    return kernel * scale, bias * scale, losses


def test_all_chunks_train_in_one_program():
    X = np.random.default_rng(0).uniform(1, 2, (1000, 4))
    model = PositiveRegressor((3,), epochs=2, batch_size=16)
    before = compile_cache_info()
    with chunks_of(100 * X[0].nbytes):
        model.fit(X, X[:, 0])
        model.fit(X[:-1], X[:-1, 0])  # a fold that differs by a row
    after = compile_cache_info()
    assert after.misses - before.misses == 1
    assert after.hits - before.hits == 1


class StepWatcher(keras.callbacks.Callback):
    """Writes down the numbers of the steps."""

    def __init__(self, stop_at=None):
        super().__init__()
        self.steps, self.stop_at = [], stop_at

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append(batch)
        self.model.stop_training = batch == self.stop_at


def test_callbacks_count_the_steps_of_all_chunks():
    X, y = data(100)
    settings = {"batch_size": 8, "epochs": 2}
    watcher, stopped = StepWatcher(), StepWatcher(stop_at=5)
    with chunks_of(20 * X[0].nbytes):
        watched = linear(callbacks=[watcher], **settings).fit(X, y)
        plain = linear(callbacks=[keras.callbacks.Callback()], **settings).fit(X, y)
        linear(callbacks=[stopped], **settings).fit(X, y)
    assert watcher.steps == [*range(13)] * 2
    assert watcher.params["steps"] == 13
    np.testing.assert_array_equal(watched.predict(X), plain.predict(X))
    assert stopped.steps == [*range(6)]


class Tracked(np.ndarray):
    """An array whose instances are counted while they live."""

    live, most = 0, 0

    @classmethod
    def of(cls, array):
        copy = array.copy().view(cls)
        cls.live += 1
        cls.most = max(cls.most, cls.live)
        weakref.finalize(copy, cls.forget)
        return copy

    @classmethod
    def forget(cls):
        cls.live -= 1


class FakeProgram:
    """Puts float matrices (not orders, targets and weights) under count."""

    def to_device(self, array):
        return Tracked.of(array) if array.ndim == 2 and array.shape[1] == 3 else array


def test_two_chunks_are_on_the_device_at_most():
    Tracked.live = Tracked.most = 0
    X = LazyRows(np.zeros((1000, 3)), float, chunk_bytes=100 * 24)
    feed = make_feed(FakeProgram(), X, np.zeros((1000, 1)), np.ones(1000), 10)
    assert isinstance(feed, ChunkedFeed)
    for chunk, order, _ in feed.epoch(np.random.default_rng(0)):
        assert chunk[0].shape[0] <= 108
        del chunk, order
    assert Tracked.live == 0
    assert Tracked.most <= 2


def test_the_next_task_runs_while_a_result_is_used():
    started = [threading.Event() for _ in range(4)]
    results = ahead([lambda i=i: started[i].set() or i for i in range(4)])
    assert next(results) == 0
    assert started[1].wait(10)
    assert not started[2].is_set()
    assert list(results) == [1, 2, 3]
    assert list(ahead([])) == []


def test_an_error_of_a_task_is_the_caller_s():
    def fail():
        raise OSError("the disk is gone")

    results = ahead([lambda: 1, fail, lambda: 3])
    assert next(results) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(results)
