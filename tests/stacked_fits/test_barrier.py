"""A barrier: every fit is trained once, with those it may be, and none waits for ever."""

import threading
import time
from functools import partial

import numpy as np
import pytest
from sklearn import config_context, get_config

from skconstrain._stacked_fits import _barrier
from skconstrain._stacked_fits._barrier import Barrier, current_barrier
from skconstrain._stacked_fits._request import ALONE, Request


def in_time(task, seconds=60):
    """Run `task` in a thread; fail where it does not end."""
    outcome = []
    thread = threading.Thread(target=lambda: outcome.append(task()), daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "fits wait for each other for ever"
    return outcome[0]


def double(requests):
    return [2 * request.payload for request in requests]


def ask(barrier, number, key="key", n_bytes=1):
    return barrier.train(Request(key, double, n_bytes, number))


def test_equal_requests_share_a_stack():
    barrier = Barrier(256, 2**20)
    tasks = [lambda i=i: ask(barrier, i, key=i % 2) for i in range(10)]
    assert in_time(lambda: barrier.run(tasks)) == [2 * i for i in range(10)]
    assert barrier.stack_sizes == [5, 5]
    assert current_barrier() is None


def test_members_keep_the_order_of_the_calls():
    seen = []

    def note(requests):
        seen.append([request.payload for request in requests])
        return double(requests)

    def task(i):
        time.sleep(0.01 * (5 - i))
        return barrier.train(Request("key", note, 1, i))

    barrier = Barrier(256, 2**20)
    in_time(lambda: barrier.run([lambda i=i: task(i) for i in range(5)]))
    assert seen == [[0, 1, 2, 3, 4]]


def test_more_fits_than_threads():
    barrier = Barrier(4, 2**20)
    tasks = [lambda i=i: ask(barrier, i) for i in range(10)]
    assert in_time(lambda: barrier.run(tasks)) == [2 * i for i in range(10)]
    assert barrier.stack_sizes == [4, 4, 2]


@pytest.mark.parametrize("n_tasks", [0, 1])
def test_fewer_fits_than_two(n_tasks):
    barrier = Barrier(256, 2**20)
    found = in_time(lambda: barrier.run([lambda: ask(barrier, 1)] * n_tasks))
    assert found == [ALONE] * n_tasks
    assert barrier.stack_sizes == []


def test_where_joblib_starts_no_threads(monkeypatch):
    class NoThreads:
        def effective_n_jobs(self, n_jobs):
            return 1

    monkeypatch.setattr(_barrier, "ThreadingBackend", NoThreads)
    barrier = Barrier(256, 2**20)
    assert in_time(lambda: barrier.run([lambda: ask(barrier, 1)] * 3)) == [ALONE] * 3


def test_fits_of_fits_wait_at_the_same_barrier():
    barrier = Barrier(256, 2**20)

    def outer(i):
        return barrier.run([lambda j=j: ask(barrier, 10 * i + j) for j in range(3)])

    found = in_time(lambda: barrier.run([lambda i=i: outer(i) for i in range(4)]))
    assert found == [[2 * (10 * i + j) for j in range(3)] for i in range(4)]
    assert barrier.stack_sizes == [12]


def test_a_caller_counts_again_as_soon_as_its_fits_have_ended():
    barrier = Barrier(256, 2**20)

    def outer(i):
        barrier.run([lambda: time.sleep(0.01 * i)] * 2)
        return ask(barrier, i)

    assert in_time(lambda: barrier.run([partial(outer, i) for i in range(5)])) == [0, 2, 4, 6, 8]
    assert barrier.stack_sizes == [5]


def test_a_fit_at_another_barrier_does_not_wait_for_the_first():
    first, second = Barrier(256, 2**20), Barrier(256, 2**20)

    def outer(i):
        inner = second.run([lambda j=j: ask(second, j) for j in range(3)]) if i == 0 else []
        return inner, ask(first, i)

    found = in_time(lambda: first.run([lambda i=i: outer(i) for i in range(4)]))
    assert found == [([0, 2, 4], 0), ([], 2), ([], 4), ([], 6)]
    assert (first.stack_sizes, second.stack_sizes) == ([4], [3])


@pytest.mark.parametrize("seed", range(20))
def test_no_order_of_events_makes_fits_wait_for_ever(seed):
    rng = np.random.default_rng(seed)
    barrier = Barrier(int(rng.integers(1, 9)), int(rng.integers(1, 9)))
    plan = [
        [(int(rng.integers(0, 3)), rng.random() * 0.003) for _ in range(rng.integers(0, 5))]
        for _ in range(rng.integers(1, 12))
    ]

    def inner(n_trainings, seconds):
        for k in range(n_trainings):
            time.sleep(seconds)
            assert ask(barrier, k, key=k) in (ALONE, 2 * k)
        return n_trainings

    def outer(parts):
        if parts:
            ask(barrier, 1)
        return barrier.run([lambda part=part: inner(*part) for part in parts])

    found = in_time(lambda: barrier.run([lambda parts=parts: outer(parts) for parts in plan]))
    assert found == [[n for n, _ in parts] for parts in plan]


@pytest.mark.parametrize("nested", [False, True])
def test_an_error_of_a_task_ends_its_call(nested):
    barrier, ended = Barrier(256, 2**20), []

    def wait():
        with pytest.raises(RuntimeError, match="has ended"):
            ask(barrier, 0)
        with pytest.raises(RuntimeError, match="has ended"):
            ask(barrier, 0)
        ended.append(True)

    def fail():
        time.sleep(0.05)
        raise ZeroDivisionError

    def task():
        with pytest.raises(ZeroDivisionError):
            barrier.run([wait, wait, fail])
        return ask(barrier, 1) if nested else None

    if nested:
        assert in_time(lambda: barrier.run([task, task])) == [2, 2]
    else:
        in_time(task)
    for _ in range(100):  # the threads of a call that has ended go on for a moment
        if len(ended) < (4 if nested else 2):
            time.sleep(0.05)
    assert len(ended) == (4 if nested else 2)
    assert barrier.stack_sizes == ([2] if nested else [])


def test_an_error_ends_the_calls_of_its_fits_too():
    barrier, ended = Barrier(256, 2**20), threading.Event()

    def wait():
        try:
            ask(barrier, 0)
        except RuntimeError:
            ended.set()

    def fail():
        time.sleep(0.05)
        raise ZeroDivisionError

    def task():
        with pytest.raises(ZeroDivisionError):
            barrier.run([lambda: barrier.run([wait, wait]), fail])

    in_time(task)
    assert ended.wait(60)


def test_an_error_reaches_its_own_fits_only():
    def fail(requests):
        raise ZeroDivisionError

    def task(i):
        if i > 1:
            return ask(barrier, i)
        with pytest.raises(ZeroDivisionError):
            barrier.train(Request("other", fail, 1, i))
        return None

    barrier = Barrier(256, 2**20)
    assert in_time(lambda: barrier.run([lambda i=i: task(i) for i in range(4)])) == [
        None,
        None,
        4,
        6,
    ]


def test_what_cannot_be_stacked_is_no_stack():
    def refuse(requests):
        return [ALONE] * len(requests)

    barrier = Barrier(256, 2**20)
    tasks = [lambda: barrier.train(Request("key", refuse, 1, None))] * 3
    assert in_time(lambda: barrier.run(tasks)) == [ALONE] * 3
    assert barrier.stack_sizes == []


def test_stacks_keep_to_their_memory():
    barrier = Barrier(256, 10)
    tasks = [lambda i=i: ask(barrier, i, n_bytes=3) for i in range(7)]
    assert in_time(lambda: barrier.run(tasks)) == [2 * i for i in range(6)] + [ALONE]
    assert barrier.stack_sizes == [3, 3]


def test_threads_have_the_configuration_of_scikit_learn():
    with config_context(assume_finite=True):
        found = Barrier().run([lambda: get_config()["assume_finite"]] * 2)
    assert found == [True, True]
