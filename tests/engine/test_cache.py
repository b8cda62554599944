"""The cache of programs: bounded, locked, counted; keys that tell settings apart."""

import gc
import os
import subprocess
import sys
import threading
import time
import weakref

import keras
import numpy as np
import pytest

from skconstrain import GatedEnsembleClassifier, PositiveRegressor, compile_cache_info, losses
from skconstrain._engine._cache import ProgramCache, freeze
from tests.registry import positive_regression, two_classes


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


class Cyclic:
    """A program that holds itself, as compiled ones do."""

    def __init__(self):
        self.itself = self


def test_programs_that_leave_give_their_memory_back():
    released, living = [], weakref.WeakSet()
    cache = ProgramCache(maxsize=2, release=lambda: released.append(len(living)))

    def build():
        living.add(program := Cyclic())
        return program

    gc.disable()
    try:
        for key in range(30):
            cache.get(key, build)
        assert released == [1]  # all but the one that is kept, while the next is built
        cache.clear()
    finally:
        gc.enable()
    assert released == [1, 0]


FORK = """
import multiprocessing, warnings
from skconstrain import PositiveRegressor
from tests.registry import positive_regression

warnings.simplefilter("ignore")
X, y = positive_regression()
net = PositiveRegressor((3,), epochs=2, tol=None).fit(X, y)

def call(name, results):
    try:
        if name == "fit":
            net.fit(X, y)
        results.put(repr(net.predict(X).tolist()))
    except RuntimeError as error:
        results.put(str(error))

def forked(name):
    results = multiprocessing.get_context("fork").SimpleQueue()
    process = multiprocessing.get_context("fork").Process(target=call, args=(name, results))
    process.start()
    process.join(60)
    found = "hangs" if process.is_alive() else results.get()
    process.kill()
    return found

print(forked("predict") == repr(net.predict(X).tolist()))
print(forked("fit"))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_process_forked_after_a_fit_predicts_and_says_what_to_fit_in():
    done = subprocess.run(
        [sys.executable, "-c", FORK], capture_output=True, text=True, check=True, timeout=300
    )
    equal, said = done.stdout.splitlines()
    assert equal == "True"
    assert all(word in said for word in ("forked", "'loky'", "'spawn'"))


GATE = {"n_experts": 2, "hidden_layer_sizes": (4,), "gating": "hard", "gumbel": True}
NUMBERS = {
    "dropout": (PositiveRegressor, {}, {"dropout": [0.1, 0.5]}),
    "quantile": (PositiveRegressor, {"loss": "quantile"}, {"quantile": [0.1, 0.9]}),
    "power": (PositiveRegressor, {"loss": "tweedie"}, {"power": [1.2, 2.5]}),
    "temperature": (GatedEnsembleClassifier, GATE, {"temperature": [(2.0, 0.5), (1.0, 0.1)]}),
    "load_balance": (GatedEnsembleClassifier, GATE, {"load_balance": [0.1, 1.0]}),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_networks_that_differ_in_a_number_share_a_program(name):
    kind, settings, values = NUMBERS[name]
    X, y = positive_regression() if kind is PositiveRegressor else two_classes()
    losses_of, misses = [], []
    for value in values[name]:
        net = kind(epochs=3, random_state=0, **settings, **{name: value}).fit(X, y)
        losses_of.append(net.loss_curve_)
        misses.append(compile_cache_info().misses)
    assert misses[0] == misses[1]
    assert losses_of[0] != losses_of[1]  # it matters
