"""Parts are disjoint, capped, and go to whom they suit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skconstrain._gated._partition import capped_assignment, starting_parts


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 999), n_rows=st.integers(1, 60), n_experts=st.integers(1, 6))
def test_no_expert_gets_more_than_its_cap(seed, n_rows, n_experts):
    rng = np.random.default_rng(seed)
    cap = -(-n_rows // n_experts) + int(rng.integers(0, 3))
    score = rng.integers(0, 4, (n_rows, n_experts)).astype(float)
    before = score.copy()
    owner = capped_assignment(score, cap)
    np.testing.assert_array_equal(score, before)
    counts = np.bincount(owner, minlength=n_experts)
    assert counts.sum() == n_rows
    assert counts.max() <= cap
    # Stable: whoever would rather be elsewhere finds that one full, of rows that suit it as well.
    for row, mine in enumerate(owner):
        for other in np.flatnonzero(score[row] > score[row, mine]):
            assert counts[other] == cap
            assert score[owner == other, other].min() >= score[row, other]


def test_without_a_cap_everyone_gets_the_best():
    score = np.random.default_rng(0).normal(size=(50, 4))
    np.testing.assert_array_equal(capped_assignment(score, 50), score.argmax(axis=1))


def test_too_little_room_is_refused():
    with pytest.raises(ValueError, match="2 experts of at most 2 rows cannot take 5"):
        capped_assignment(np.zeros((5, 2)), 2)


def test_parts_start_as_neighbours():
    rng = np.random.default_rng(0)
    centres = np.array([[0, 0], [50, 0], [0, 5000]])
    X = np.repeat(centres, 30, axis=0) + rng.normal(size=(90, 2))
    owner = starting_parts(X, 3, 36, seed=0)
    for part in range(3):
        assert len(set(np.repeat(range(3), 30)[owner == part])) == 1
    np.testing.assert_array_equal(owner, starting_parts(X, 3, 36, seed=0))
