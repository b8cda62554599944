"""Searches on a Dask cluster of worker processes, and training on Dask arrays block by block."""

import os
import signal
from pathlib import Path

import joblib
import keras
import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV, KFold, RandomizedSearchCV

from tests.plain import PositiveRegressor, SparseConnectedNet
from tests.registry import CONNECTED_CLASSIFIER, POSITIVE

distributed = pytest.importorskip("dask.distributed")
dask_array = pytest.importorskip("dask.array")

pytestmark = pytest.mark.slow

# Neither of the two is compiled, so that each process compiles one program an estimator.
GRID = {"learning_rate": [0.001, 0.01], "alpha": [0.0, 0.1]}

needs_sigkill = pytest.mark.skipif(
    not hasattr(signal, "SIGKILL"), reason="needs SIGKILL, which Windows lacks"
)


@pytest.fixture(scope="module")
def client():
    """Two worker processes of one thread each; a nanny restarts one that dies.

    They are spawned, as is Dask's default: a fork of a process whose TensorFlow has started its
    threads waits for them forever.
    """
    cluster = distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        silence_logs="CRITICAL",  # losing a worker on purpose is logged as an error
    )
    try:
        with distributed.Client(cluster) as client:
            # Dask's memory manager drops copies of data after two seconds, those of `scatter` too:
            # what is left on one worker only is lost with it, and the search fails.
            client.amm.stop()
            yield client
    finally:
        cluster.close()


def scores(search):
    """Return what a search found out, less the times it took."""
    return {name: value for name, value in search.cv_results_.items() if "_time" not in name}


def assert_same_search(search, alone, X):
    found, expected = scores(search), scores(alone)
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])
    np.testing.assert_array_equal(search.predict(X), alone.predict(X))


def test_a_search_on_the_cluster_equals_the_search_alone(client):
    X, y = POSITIVE.data(0)
    net = POSITIVE.make(tol=None)
    alone = GridSearchCV(net, GRID, cv=2).fit(X, y)
    with joblib.parallel_config(backend="dask"):
        search = GridSearchCV(net, GRID, cv=2).fit(X, y)
    assert_same_search(search, alone, X)


@pytest.mark.parametrize("row", [POSITIVE, CONNECTED_CLASSIFIER], ids=lambda row: row.name)
def test_incremental_trains_on_the_blocks_of_a_dask_array(row, client):
    wrappers = pytest.importorskip("dask_ml.wrappers")
    X, y = row.data(0)
    blocks = dask_array.from_array(X, chunks=(30, 5)), dask_array.from_array(y, chunks=30)
    # Not r2: Dask-ML's own fails on predictions, whose length Dask does not know.
    classifies = row.kind == "classifier"
    scoring, classes = (
        ("accuracy", {"classes": [0, 1]}) if classifies else ("neg_mean_squared_error", {})
    )
    model = wrappers.Incremental(row.make(), scoring=scoring, shuffle_blocks=False)
    model.fit(*blocks, **classes).partial_fit(*blocks, **classes)
    by_hand = row.make()
    for _ in range(2):
        for first in (0, 30):
            by_hand.partial_fit(X[first : first + 30], y[first : first + 30], **classes)
    predicted = np.concatenate([by_hand.predict(X[:30]), by_hand.predict(X[30:])])
    assert model.loss_curve_ == by_hand.loss_curve_
    np.testing.assert_array_equal(model.predict(blocks[0]).compute(), predicted)
    expected = np.mean(predicted == y) if classifies else -np.mean((predicted - y) ** 2)
    np.testing.assert_allclose(model.score(*blocks), expected)


class KillOnce:
    """Kill the process the fifth time that any process calls this, except the one `spared`.

    Every call draws a number, which is a file that it alone creates.
    """

    def __init__(self, folder, spared):
        self.folder, self.spared = folder, spared

    def __call__(self):
        if os.getpid() != self.spared and self._draw() == 5:
            os.kill(os.getpid(), signal.SIGKILL)

    def _draw(self):
        number = 1
        while True:
            try:
                Path(self.folder, str(number)).touch(exist_ok=False)
            except FileExistsError:
                number += 1
            else:
                return number


class KillingCallback(keras.callbacks.Callback):
    """Kill the process in the middle of a fit."""

    def __init__(self, kill):
        super().__init__()
        self.kill = kill

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 2:
            self.kill()


@needs_sigkill
def test_a_killed_worker_changes_no_result(client, tmp_path, capsys):
    X, y = load_diabetes(return_X_y=True)
    # joblib puts arrays above 1 kB on one worker, lost with it, unless `scatter` names them: copies
    # then lie on every worker. The rows of the folds are such arrays too, so they are drawn first.
    splits = list(KFold(3, shuffle=True, random_state=0).split(X))
    arrays = [X, y, *(rows for split in splits for rows in split)]
    net = PositiveRegressor(
        (20,),
        epochs=5,
        tol=None,
        random_state=0,
        callbacks=[KillingCallback(KillOnce(str(tmp_path), spared=os.getpid()))],
    )
    alone = GridSearchCV(net, GRID, cv=splits).fit(X, y)
    assert not list(tmp_path.iterdir())
    before = set(client.run(os.getpid).values())
    capsys.readouterr()
    with joblib.parallel_config(backend="dask", scatter=arrays, verbose=10):
        search = GridSearchCV(net, GRID, cv=splits).fit(X, y)
    assert_same_search(search, alone, X)
    assert len(list(tmp_path.iterdir())) > 4 * 3  # the fit that died was repeated
    client.wait_for_workers(2, timeout=30)
    assert len(before & set(client.run(os.getpid).values())) == 1  # and its worker replaced
    assert "Done  12 out of  12" in capsys.readouterr().err  # and progress was shown


def test_a_randomized_search_on_the_cluster(client):
    X, y = load_diabetes(return_X_y=True)
    net = PositiveRegressor((20,), epochs=5, tol=None, random_state=0)
    space = {"learning_rate": np.logspace(-4, -1, 20).tolist(), "hidden_layer_sizes": [(20,), (4,)]}
    settings = {"n_iter": 5, "cv": 2, "random_state": 0}
    alone = RandomizedSearchCV(net, space, **settings).fit(X, y)
    with joblib.parallel_config(backend="dask"):
        search = RandomizedSearchCV(net, space, **settings).fit(X, y)
    assert_same_search(search, alone, X)


def test_a_fit_that_fails_on_the_cluster(client):
    X, y = load_diabetes(return_X_y=True)
    net = SparseConnectedNet(optimizer="sgd", epochs=5, tol=None, random_state=0)
    grid = {"learning_rate": [0.001, 1e30, 0.01]}
    with joblib.parallel_config(backend="dask"):
        with pytest.warns(FitFailedWarning, match="Lower learning_rate"):
            search = GridSearchCV(net, grid, cv=2).fit(X, y)
        finite = np.isfinite(search.cv_results_["mean_test_score"])
        np.testing.assert_array_equal(finite, [True, False, True])
        with pytest.raises(ValueError, match="Lower learning_rate"):
            GridSearchCV(net, grid, cv=2, error_score="raise").fit(X, y)
