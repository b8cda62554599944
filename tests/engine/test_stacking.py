"""Fits that meet: everyone is trained once, with whom it may, and nobody waits for ever."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from skconstrain._engine import ALONE, Meeting, Request, current_meeting


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


def ask(meeting, number, key="key", n_bytes=1):
    return meeting.train(Request(key, double, n_bytes, number))


def run(meeting, tasks):
    """Run tasks as joblib does: in as many threads as the gathering allows, in order."""
    with meeting.gathering(len(tasks)) as gathering:
        if gathering is None:
            return [task() for task in tasks]

        def attend(pair):
            fit, task = pair
            with fit.attends():
                return task()

        with ThreadPoolExecutor(gathering.capacity) as pool:
            return list(pool.map(attend, [(gathering.announce(), task) for task in tasks]))


def test_equal_requests_share_a_stack():
    meeting = Meeting(256, 2**20)
    tasks = [lambda i=i: ask(meeting, i, key=i % 2) for i in range(10)]
    assert in_time(lambda: run(meeting, tasks)) == [2 * i for i in range(10)]
    assert meeting.stack_sizes == [5, 5]
    assert current_meeting() is None


def test_members_keep_the_order_of_the_calls():
    seen = []

    def note(requests):
        seen.append([request.payload for request in requests])
        return double(requests)

    def task(i):
        time.sleep(0.01 * (5 - i))
        return meeting.train(Request("key", note, 1, i))

    meeting = Meeting(256, 2**20)
    in_time(lambda: run(meeting, [lambda i=i: task(i) for i in range(5)]))
    assert seen == [[0, 1, 2, 3, 4]]


def test_more_fits_than_threads():
    meeting = Meeting(4, 2**20)
    tasks = [lambda i=i: ask(meeting, i) for i in range(10)]
    found = in_time(lambda: run(meeting, tasks))
    assert [i if doubled is ALONE else doubled // 2 for i, doubled in enumerate(found)] == [
        *range(10)
    ]
    assert max(meeting.stack_sizes) <= 4


def test_fits_of_fits_meet():
    meeting = Meeting(256, 2**20)

    def outer(i):
        return run(meeting, [lambda j=j: ask(meeting, 10 * i + j) for j in range(3)])

    found = in_time(lambda: run(meeting, [lambda i=i: outer(i) for i in range(4)]))
    assert found == [[2 * (10 * i + j) for j in range(3)] for i in range(4)]
    assert meeting.stack_sizes == [12]


def test_a_fit_of_another_meeting_does_not_wait_for_the_first():
    first, second = Meeting(256, 2**20), Meeting(256, 2**20)

    def outer(i):
        inner = run(second, [lambda j=j: ask(second, j) for j in range(3)]) if i == 0 else []
        return inner, ask(first, i)

    found = in_time(lambda: run(first, [lambda i=i: outer(i) for i in range(4)]))
    assert found == [([0, 2, 4], 0), ([], 2), ([], 4), ([], 6)]
    assert (first.stack_sizes, second.stack_sizes) == ([4], [3])


@pytest.mark.parametrize("seed", range(20))
def test_no_order_of_events_makes_fits_wait_for_ever(seed):
    rng = np.random.default_rng(seed)
    meeting = Meeting(int(rng.integers(1, 9)), int(rng.integers(1, 9)))
    plan = [
        [(int(rng.integers(0, 3)), rng.random() * 0.003) for _ in range(rng.integers(0, 5))]
        for _ in range(rng.integers(1, 12))
    ]

    def inner(n_trainings, seconds):
        for k in range(n_trainings):
            time.sleep(seconds)
            assert ask(meeting, k, key=k) in (ALONE, 2 * k)
        return n_trainings

    def outer(parts):
        if parts and current_meeting() is not None:
            ask(meeting, 1)
        tasks = [lambda part=part: inner(*part) for part in parts]
        return run(meeting, tasks) if current_meeting() is not None else []

    if meeting._most_fits > 1 and len(plan) > 1:
        found = in_time(lambda: run(meeting, [lambda parts=parts: outer(parts) for parts in plan]))
        assert found == [[n for n, _ in parts] for parts in plan]


def test_fits_of_a_call_that_ended_are_let_go():
    meeting = Meeting(256, 2**20)

    def waiting(fit):
        with fit.attends(), pytest.raises(RuntimeError, match="has ended"):
            ask(meeting, 0)
        return True

    def task():
        with meeting.gathering(3) as gathering:
            fits = [gathering.announce() for _ in range(2)]  # the third never starts
            pool = ThreadPoolExecutor(2)
            done = [pool.submit(waiting, fit) for fit in fits]
            time.sleep(0.05)
        return [future.result() for future in done]

    assert in_time(task) == [True, True]
    assert meeting._n_running == 0


def test_an_error_reaches_its_own_fits_only():
    def fail(requests):
        raise ZeroDivisionError

    def task(i):
        if i > 1:
            return ask(meeting, i)
        with pytest.raises(ZeroDivisionError):
            meeting.train(Request("other", fail, 1, i))
        return None

    meeting = Meeting(256, 2**20)
    assert in_time(lambda: run(meeting, [lambda i=i: task(i) for i in range(4)])) == [
        None,
        None,
        4,
        6,
    ]


def test_stacks_keep_to_their_memory():
    meeting = Meeting(256, 10)
    tasks = [lambda i=i: ask(meeting, i, n_bytes=3) for i in range(7)]
    assert in_time(lambda: run(meeting, tasks)) == [2 * i for i in range(6)] + [ALONE]
    assert meeting.stack_sizes == [3, 3]
