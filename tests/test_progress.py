"""Progress bars: what is done of what, in a terminal; nothing in files and pipes."""

import io
import re

import joblib
import numpy as np
import pytest
from rich.console import Console
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.tree import DecisionTreeClassifier

from skconstrain import (
    GatedEnsembleClassifier,
    MultiLabelNetClassifier,
    PositiveRegressor,
    TunedThresholdMultiLabelClassifierCV,
)
from skconstrain._engine import _progress
from skconstrain._progress import Bar, progress_bar
from tests.chunks import chunks_of
from tests.registry import positive_regression, two_classes

FAST = {"n_networks": 1, "epochs": 3, "tol": None, "random_state": 0}


class Terminal:
    """A terminal that remembers what was written."""

    def __init__(self):
        self._file = io.StringIO()
        self.console = Console(force_terminal=True, file=self._file, width=100)

    @property
    def text(self):
        """All that was shown, without the codes that move the cursor and colour."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._file.getvalue())

    def shows(self, what):
        """Whether a line has these words, whatever space is between them."""
        return re.search(r"\s+".join(map(re.escape, what.split())), self.text) is not None


@pytest.fixture
def terminal(monkeypatch):
    """Return a terminal in the place of the screen."""
    shown = Terminal()
    monkeypatch.setattr("rich.console.Console", lambda file: shown.console)
    return shown


def labels_of_two():
    X, y = two_classes()
    return X, np.stack([y, 1 - y], axis=1)


def gate(**params):
    experts = [("linear", LogisticRegression()), ("tree", DecisionTreeClassifier(random_state=0))]
    return GatedEnsembleClassifier(experts, cv=2, epochs=3, random_state=0, **params)


def tuner(**params):
    net = MultiLabelNetClassifier((4,), **FAST)
    return TunedThresholdMultiLabelClassifierCV(net, cv=2, random_state=0, **params)


class InChunks(PositiveRegressor):
    def fit(self, X, y):
        with chunks_of(20 * 5 * 8):
            return super().fit(X, y)


def chunked(**params):
    return InChunks((4,), batch_size=10, **FAST, **params)


WORKS = {
    "epochs": (PositiveRegressor((4,), **FAST), positive_regression, ["epochs 3/3", "loss="]),
    "chunks": (chunked(), positive_regression, ["epochs 3/3", "loss="]),
    "tuner": (tuner(), labels_of_two, ["fits 3/3", "thresholds 3/3"]),
    "tuner of any classifier": (
        TunedThresholdMultiLabelClassifierCV(
            OneVsRestClassifier(LogisticRegression()), cv=2, random_state=0
        ),
        labels_of_two,
        ["fits 3/3", "thresholds 3/3"],
    ),
    "search of thresholds": (
        tuner(scoring="accuracy"),
        labels_of_two,
        ["thresholds 3/3", "sweep 1, label 2 of 2"],
    ),
    "gate": (gate(), two_classes, ["experts 2/2", "experts out of fold 2/2", "epochs 3/3"]),
    "rounds": (
        gate(n_rounds=2),
        two_classes,
        ["experts out of fold, round 1 of 2 4/4", "round 2 of 2 4/4", "experts 2/2", "epochs 2/2"],
    ),
}
EACH = pytest.mark.parametrize(("model", "data", "lines"), WORKS.values(), ids=WORKS)


@EACH
def test_a_terminal_shows_what_is_done_of_what(terminal, model, data, lines):
    clone(model).set_params(verbose=1).fit(*data())
    for line in lines:
        assert terminal.shows(line), terminal.text


@EACH
def test_files_and_pipes_stay_empty_and_results_the_same(capfd, model, data, lines):
    X, y = data()
    watched = clone(model).set_params(verbose=1).fit(X, y)
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "Done" not in shown.err
    np.testing.assert_array_equal(watched.predict(X), clone(model).fit(X, y).predict(X))


def test_parts_of_an_epoch_are_shown_where_its_rows_come_in_chunks(monkeypatch):
    calls = []

    class Spy(Bar):
        def done(self, n):
            calls.append(n)

        def reach(self, n):
            calls.append(n)

    class Shown:
        def __enter__(self):
            return Spy()

        def __exit__(self, *error):
            pass

    monkeypatch.setattr(_progress, "progress_bar", lambda is_wanted: Shown())
    X, y = positive_regression()
    chunked(verbose=1).fit(X, y)
    np.testing.assert_allclose(calls, [1 / 3, 2 / 3, 1, 4 / 3, 5 / 3, 2, 7 / 3, 8 / 3, 3])


def test_one_bar_at_a_time(terminal):
    tuner(verbose=1).set_params(estimator__verbose=1).fit(*labels_of_two())
    assert terminal.shows("fits 3/3")
    assert "epochs" not in terminal.text
    with progress_bar(True) as bar:
        bar.begin("after all", 1)
        bar.done(1)
    assert terminal.shows("after all 1/1")


def test_tasks_of_threads_are_counted(terminal):
    model = WORKS["tuner of any classifier"][0]
    with joblib.parallel_config(backend="threading"):
        clone(model).set_params(verbose=1, n_jobs=2).fit(*labels_of_two())
    assert terminal.shows("fits 3/3")


def test_a_bar_does_not_outlive_an_error(terminal):
    def fail():
        with progress_bar(True) as bar:
            bar.begin("fails", 2)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert terminal.shows("fails 0/2")
    with progress_bar(True) as bar:
        bar.begin("works", 2)
        bar.done(2)
    assert terminal.shows("works 2/2")


@pytest.mark.parametrize("verbose", [0, 1])
def test_predictions_that_take_seconds_show_their_rows(terminal, monkeypatch, verbose):
    X, y = positive_regression()
    model = PositiveRegressor((4,), verbose=verbose, **{**FAST, "dtype": "float64"}).fit(X, y)
    many = np.tile(X, (9_000 // len(X), 1))
    expected = model.predict(many)
    assert not terminal.shows("rows")  # milliseconds are not worth a bar
    monkeypatch.setattr("skconstrain._progress._SECONDS_OF_LONG_WORK", 0)
    np.testing.assert_array_equal(model.predict(many), expected)
    assert terminal.shows(f"rows {len(many)}/{len(many)}") == bool(verbose)
