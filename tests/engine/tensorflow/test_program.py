"""Programs: which compiler serves which size, and what is compiled."""

import logging
from itertools import pairwise

import pytest

from skconstrain import PositiveRegressor, clear_compile_cache
from skconstrain._engine._lending import BACKEND
from skconstrain._engine._parameters import Parameters
from tests.backends import compiled, tensorflow_only
from tests.registry import positive_regression


@tensorflow_only
@pytest.mark.parametrize(
    ("hidden", "batch", "n_steps", "expected"),
    [
        ((100,), 32, 700, True),
        ((100,), 32, 50, False),  # over before compiling pays
        ((256, 256), 256, 10_000, False),  # wide: oneDNN is faster
        ((200, 200), 32, 10_000, False),  # XLA takes eighty times as long on the flat vector
    ],
)
def test_the_compiler_is_chosen_by_work(hidden, batch, n_steps, expected):
    widths = [54, *hidden, 1]
    kernel_size = sum(rows * columns for rows, columns in pairwise(widths))
    assert BACKEND.choose_jit(6 * kernel_size * batch, n_steps, kernel_size) is expected


@tensorflow_only
@pytest.mark.parametrize("by_xla", [True, False])
def test_something_really_was_compiled(monkeypatch, by_xla):
    from skconstrain._engine._tensorflow import _program

    seen = []
    function = _program.tf.function

    def spy(*args, **options):
        seen.append(options.get("jit_compile"))
        return function(*args, **options)

    monkeypatch.setattr(_program.tf, "function", spy)
    X, y = positive_regression()
    with compiled(by_xla):
        PositiveRegressor((13,), epochs=2).fit(X, y)
    assert by_xla in seen


@pytest.mark.slow
@tensorflow_only
def test_large_kernels_are_not_flat(monkeypatch):
    flat = []
    original = Parameters.__init__

    def spy(self, model):
        flat.append(type(self).__name__ == "FlatParameters")
        original(self, model)

    monkeypatch.setattr(Parameters, "__init__", spy)
    X, y = positive_regression()
    for sizes, by_xla in {(150, 250): True, (151, 250): False, (15, 25): True}.items():
        with compiled(by_xla):
            PositiveRegressor(sizes, epochs=1).fit(X, y)
    assert flat == [False, False, True]


def graphs():
    """Return names of TensorFlow's functions that are alive, single operations excepted."""
    from tensorflow.python.eager import context

    names = context.context().list_function_names()
    return {name for name in names if not name.startswith("__wrapped__")}


@pytest.mark.slow
@tensorflow_only
@pytest.mark.parametrize("by_xla", [True, False])
def test_dropped_programs_leave_no_graphs(by_xla):
    X, y = positive_regression()
    clear_compile_cache()
    before = graphs()
    net = PositiveRegressor((7,), epochs=1, tol=None)
    with compiled(by_xla):
        net.fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:]).predict(X)
    assert graphs() - before
    clear_compile_cache()
    assert not graphs() - before


@pytest.mark.slow
@tensorflow_only
def test_tensorflow_does_not_warn_of_retracing_in_long_runs(caplog, monkeypatch):
    X, y = positive_regression()
    monkeypatch.setattr(logging.getLogger("tensorflow"), "propagate", True)
    for units in range(40, 52):  # as in a search over architectures
        net = PositiveRegressor((units,), epochs=1, tol=None)
        net.fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:]).predict(X)
    assert "retracing" not in caplog.text
