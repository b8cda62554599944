"""Stopping: patience and tolerance, as in scikit-learn's MLP."""

import math

from hypothesis import given
from hypothesis import strategies as st

from skconstrain._engine._stopping import Stopping

losses = st.lists(st.floats(0, 10), min_size=1, max_size=60)


@given(losses=losses, patience=st.integers(1, 5), tol=st.floats(0, 1))
def test_stops_where_scikit_learn_would(losses, patience, tol):
    stopping, best, count, expected = Stopping(patience, tol), math.inf, 0, None
    for epoch, loss in enumerate(losses):  # the rule of sklearn.neural_network._fit_stochastic
        count = count + 1 if loss > best - tol else 0
        best = min(best, loss)
        stopping.update(loss)
        assert stopping.done == (count > patience)
        if stopping.done:
            expected = epoch
            break
    assert stopping.best == best
    assert expected is None or stopping.epoch == expected


@given(losses=losses)
def test_remembers_the_first_best_epoch(losses):
    stopping = Stopping(1000, None)
    improved = [stopping.update(loss) for loss in losses]
    assert stopping.best_epoch == losses.index(min(losses))
    assert improved[stopping.best_epoch]
    assert not any(improved[stopping.best_epoch + 1 :])


def test_no_tolerance_never_stops():
    stopping = Stopping(1, None)
    for _ in range(100):
        stopping.update(1.0)
    assert not stopping.done


def test_a_loss_that_is_not_a_number_is_no_improvement():
    stopping = Stopping(1, 1e-4)
    assert stopping.update(1.0)
    assert not stopping.update(math.nan)
    assert stopping.best == 1.0
