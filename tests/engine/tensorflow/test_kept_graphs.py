"""Graphs on disk: read in place of tracing, and traced where they cannot be."""

import os

import numpy as np
import pytest

from skconstrain import MultiLabelNetClassifier, PositiveRegressor, clear_compile_cache
from tests.backends import compiled, tensorflow_only
from tests.registry import positive_regression

pytestmark = tensorflow_only


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """Return an empty folder in which graphs are kept; XLA has decided before that it keeps none.

    Programs that other tests have left would not ask for graphs.
    """
    monkeypatch.setenv("TF_XLA_FLAGS", f'--tf_xla_persistent_cache_directory="{tmp_path}"')
    clear_compile_cache()
    yield tmp_path
    clear_compile_cache()


@pytest.fixture
def traces(monkeypatch):
    """Return the functions that are traced, as they are."""
    from skconstrain._engine._tensorflow import _kept_graphs

    seen, traced = [], _kept_graphs.traced

    def spy(function, *rest):
        seen.append(function.__name__)
        return traced(function, *rest)

    monkeypatch.setattr(_kept_graphs, "traced", spy)
    return seen


def fitted(**params):
    """Return weights, losses and predictions of a net that is stopped on rows of its own."""
    X, y = positive_regression()
    settings = {"epochs": 4, "early_stopping": True, "n_networks": 1, "random_state": 0}
    net = PositiveRegressor((5,), **{**settings, "warm_start": True, **params}).fit(X, y)
    return [*net._fitted.weights.values(), *net._optimizer_state, net.loss_curve_, net.predict(X)]


def assert_equal(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("jit_compile", [True, False])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_graph_that_is_read_trains_to_the_same_bits(folder, traces, jit_compile, optimizer):
    with compiled(jit_compile):
        first = fitted(optimizer=optimizer)
        assert sorted(traces) == ["_block_loss", "_epochs"]
        clear_compile_cache()
        assert_equal(fitted(optimizer=optimizer), first)
    assert len(traces) == len(list(folder.iterdir())) == 2


def test_a_damaged_file_is_written_anew(folder, traces):
    first = fitted()
    whole = {file: file.read_bytes() for file in folder.iterdir()}
    for content in (b"", b"no graph", next(iter(whole.values()))[:100]):
        for file in whole:
            file.write_bytes(content)
        clear_compile_cache()
        assert_equal(fitted(), first)
        assert {file: file.read_bytes() for file in folder.iterdir()} == whole
    assert len(traces) == 8


def test_what_only_this_process_knows_is_not_kept(folder):
    fitted(activation=lambda x: x * x)
    assert not list(folder.iterdir())


def test_changed_settings_and_changed_code_have_graphs_of_their_own(folder, monkeypatch):
    import keras

    from skconstrain._engine._tensorflow import _kept_graphs

    X, y = positive_regression()
    y = (y > np.median(y)).astype(int)

    def n_files():
        clear_compile_cache()
        MultiLabelNetClassifier((5,), epochs=2, n_networks=1, random_state=0).fit(X, y)
        return len(list(folder.iterdir()))

    first = n_files()
    assert n_files() == first
    monkeypatch.setattr(keras.config, "epsilon", lambda: 1e-5)
    assert n_files() == 2 * first
    monkeypatch.setattr(_kept_graphs, "_code", lambda: "other")
    assert n_files() == 3 * first


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes anywhere")
def test_a_folder_that_cannot_be_written_to_is_one_without_graphs(folder):
    folder.chmod(0o500)
    fitted()
    folder.chmod(0o700)
    assert not list(folder.iterdir())
