"""Batches: every row once an epoch, one shape for folds of similar size."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skconstrain._engine._batching import Batches, blocks, pad_rows, padded

sizes = st.integers(1, 5000)


@given(n_rows=sizes, batch_size=st.integers(1, 600))
def test_every_row_trains_once_an_epoch(n_rows, batch_size):
    batches = Batches(n_rows, batch_size)
    order = batches.order(np.random.default_rng(0))
    assert len(order) == batches.padded_steps * batches.width
    in_use = order[: batches.n_steps * batches.width]
    np.testing.assert_array_equal(np.sort(in_use[in_use < n_rows]), np.arange(n_rows))
    assert (order[order >= n_rows] == n_rows).all()  # the padded row, of weight zero
    assert batches.padded_rows > n_rows


@given(n_rows=sizes, batch_size=st.integers(1, 600))
def test_steps_have_the_batch_size(n_rows, batch_size):
    batches = Batches(n_rows, batch_size)
    assert batches.n_steps == -(-n_rows // batch_size)
    if batches.n_steps > 1:
        assert batches.width == batch_size


@given(n_rows=sizes)
def test_padding_is_small(n_rows):
    assert n_rows <= padded(n_rows) <= max(n_rows + 4, n_rows * 17 / 16)


def test_folds_that_differ_by_a_row_share_shapes():
    shapes = {
        (batches.width, batches.padded_rows, batches.padded_steps)
        for batches in (Batches(n_rows, 32) for n_rows in (353, 354))
    }
    assert len(shapes) == 1


def test_a_single_step_is_not_shuffled():
    order = Batches(7, 200).order(np.random.default_rng(0))
    np.testing.assert_array_equal(order[:7], np.arange(7))


def test_padding_copies_a_valid_row_or_zeros():
    rows = np.array([[1.0], [2.0]])
    np.testing.assert_array_equal(pad_rows(rows, 4), [[1], [2], [1], [1]])
    np.testing.assert_array_equal(pad_rows(rows[:, 0], 3, zero=True), [1, 2, 0])


@given(n_rows=st.integers(0, 10**4), width=st.integers(1, 10**7))
def test_blocks_cover_all_rows_within_bounded_memory(n_rows, width):
    cuts = list(blocks(n_rows, width))
    assert cuts[0].start == 0
    assert all(a.stop == b.start for a, b in pairwise(cuts))
    assert all(cut.stop - cut.start == 1 or (cut.stop - cut.start) * width <= 2**22 for cut in cuts)
