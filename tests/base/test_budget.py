"""Budgets that fit the rows, and a rule of stopping that a bump does not fool."""

import pytest

from skconstrain._base._budget import FEW_ROWS, choose_budget
from skconstrain._engine._stopping import Stopping

AUTO = {"epochs": "auto", "batch_size": "auto", "patience": "auto"}


def n_steps(n_rows, budget):
    return budget.epochs * -(-n_rows // budget.batch_size)


@pytest.mark.parametrize("n_rows", [201, 442, 3_300, 20_000, 678_000])
def test_steps_stay_within_the_budget_whatever_the_number_of_rows(n_rows):
    budget = choose_budget(n_rows, **AUTO, validates=True)
    # Epochs are whole: the last one may go beyond.
    assert 1_000 <= n_steps(n_rows, budget) <= 4_000 + -(-n_rows // budget.batch_size)
    assert 64 <= budget.batch_size <= 1_024


@pytest.mark.parametrize("n_rows", [300, 1_030, 1_500])
def test_held_out_rows_that_end_training_get_it_twice_the_steps(n_rows):
    without, with_them = (choose_budget(n_rows, **AUTO, validates=v) for v in (False, True))
    assert with_them.epochs == pytest.approx(2 * without.epochs, abs=1)
    few = [choose_budget(FEW_ROWS, **AUTO, validates=v).epochs for v in (False, True)]
    assert few == [300, 300]


def test_few_rows_train_in_one_batch_for_a_number_of_epochs_that_they_do_not_change():
    budgets = {choose_budget(n, **AUTO, validates=False).epochs for n in (2, 20, FEW_ROWS)}
    assert len(budgets) == 1
    assert choose_budget(20, **AUTO, validates=False).batch_size == 20


def test_a_bump_in_the_validation_loss_does_not_end_training():
    # Counts from 1 to 29: .55, .69 for some epochs, and down again. A patience of 10 ended there.
    losses = [0.6, 0.55, *[0.69] * 12, 0.5, 0.45]
    stops = {}
    for patience in (10, "auto"):
        settings = {**AUTO, "patience": patience}
        rule = Stopping(choose_budget(3_300, **settings, validates=True).patience, 0.0)
        stops[patience] = next(
            (i for i, v in enumerate(losses) if (rule.update(v), rule.done)[1]), None
        )
    assert stops == {10: 12, "auto": None}


def test_the_loss_of_training_stops_nothing_where_nothing_is_set():
    budget = choose_budget(3_300, **AUTO, validates=False)
    assert budget.patience == budget.epochs


def test_what_the_user_sets_is_kept():
    budget = choose_budget(3_300, epochs=7, batch_size=33, patience=3, validates=True)
    assert (budget.epochs, budget.batch_size, budget.patience, budget.validate_every) == (
        7,
        33,
        3,
        1,
    )
