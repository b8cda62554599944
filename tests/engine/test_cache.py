"""The cache of programs: bounded, locked, counted; keys that tell settings apart."""

import threading
import time

import keras
import numpy as np
import pytest

from skconstrain import losses
from skconstrain._engine._cache import ProgramCache, freeze


def test_counts_and_bounds():
    cache = ProgramCache(maxsize=2)
    for key in "abacba":
        cache.get(key, object)
    # a and b are built, a is found, c drops b, b drops a, a is built again.
    assert cache.info() == (1, 5, 2, 2)
    cache.clear()
    assert cache.info() == (0, 0, 2, 0)


def test_the_same_key_gets_the_same_program():
    cache = ProgramCache(maxsize=2)
    assert cache.get("a", object) is cache.get("a", object)


def test_a_program_is_lent_to_one_thread_at_a_time():
    cache, inside, most = ProgramCache(maxsize=2), [], []

    def work():
        with cache.lend("a", object) as program:
            inside.append(program)
            most.append(len(inside))
            time.sleep(0.01)
            inside.remove(program)

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 5
    assert cache.info().misses == 1


def test_a_loan_inside_a_loan_gets_its_own_program():
    cache = ProgramCache(maxsize=2)
    with cache.lend("a", object) as outer, cache.lend("a", object) as inner:
        assert inner is not outer


def test_a_build_that_fails_is_tried_again():
    cache = ProgramCache(maxsize=2)
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 / 0)
    assert cache.get("a", lambda: "built") == "built"


class Custom(keras.losses.Loss):
    """A loss whose configuration leaves out what it does."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor


def test_equal_settings_have_equal_keys():
    def settings():
        return {
            "sizes": [3, (4, 5)],
            "loss": keras.losses.Huber(2.0),
            "power": losses.TweedieDeviance(1.3),
            "optimizer": keras.optimizers.Adam(0.01),
            "array": np.arange(3.0),
        }

    assert hash(freeze(settings())) == hash(freeze(settings()))
    assert freeze(settings()) == freeze(settings())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, True),
        ([1, 2], [2, 1]),
        ("relu", "tanh"),
        (keras.losses.Huber(1.0), keras.losses.Huber(2.0)),
        (keras.losses.Huber(1.0), keras.losses.LogCosh()),
        (Custom(1.0), Custom(2.0)),
        (np.zeros(2), np.zeros((1, 2))),
        (np.zeros(2, np.float32), np.zeros(2)),
        (lambda x: x, lambda x: 2 * x),
        (keras.optimizers.Adam(beta_1=0.8), keras.optimizers.Adam()),
        (keras.optimizers.Adam, keras.optimizers.SGD),
    ],
)
def test_different_settings_have_different_keys(one, other):
    assert freeze(one) == freeze(one)
    assert freeze(one) != freeze(other)
