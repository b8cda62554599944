"""Which rows train in which step: permutations and padding."""

from collections.abc import Iterator

import numpy as np

# Values of the widest layer that a block of rows may hold in prediction: 32 MiB in float64.
_BLOCK_VALUES = 2**22

# Time of a step, measured on two cores. Estimates, not clocks, decide, so that a
# training is the same whenever it is repeated.
_SECONDS_OF_STEP, _FLOPS_PER_SECOND = 5e-6, 15e9
# How long a call of several epochs may take, and how many it may have.
_SECONDS_OF_CALL, _MOST_DOUBLINGS = 0.05, 5


def padded(n_rows: int) -> int:
    """Round a number of rows up, by a sixteenth at most, so that folds of similar size agree.

    Programs are compiled for fixed shapes. Folds that differ by a row share one.
    """
    grain = 2 ** max(2, n_rows.bit_length() - 5)
    return -(-n_rows // grain) * grain


def pad_rows(array: np.ndarray, n_rows: int, *, zero: bool = False) -> np.ndarray:
    """Append copies of the first row (or zeros) up to `n_rows` rows."""
    missing = n_rows - len(array)
    if missing == 0:
        return array
    row = np.zeros_like(array[:1]) if zero else array[:1]
    return np.concatenate([array, np.repeat(row, missing, axis=0)])


def blocks(n_rows: int, n_values: int) -> Iterator[slice]:
    """Cut `n_rows` rows, each of which needs `n_values` values, into blocks of bounded memory."""
    length = max(1, _BLOCK_VALUES // n_values)
    return (slice(start, start + length) for start in range(0, max(n_rows, 1), length))


class Batches:
    """The steps of an epoch over `n_rows` rows.

    `width` is the length of every step in the compiled program. With more than one step it is the
    batch size; a single step holds all rows, padded like the data. The rows that fill up the last
    step are row `n_rows`, the first padded one, which has weight zero.
    """

    def __init__(self, n_rows: int, batch_size: int):
        self.n_rows = n_rows
        self.padded_rows = padded(n_rows + 1)
        self.batch_size = min(batch_size, n_rows)
        self.single = batch_size >= n_rows
        self.width = self.padded_rows if self.single else batch_size
        self.n_steps = 1 if self.single else -(-n_rows // batch_size)
        self.padded_steps = 1 if self.single else -(-self.padded_rows // batch_size)

    def order(self, rng: np.random.Generator) -> np.ndarray:
        """Row numbers of one epoch, of shape (padded_steps * width,).

        A single step is not shuffled, so that its result does not depend on the order of rows.
        """
        order = np.full(self.padded_steps * self.width, self.n_rows, np.int32)
        order[: self.n_rows] = (
            np.arange(self.n_rows) if self.single else rng.permutation(self.n_rows)
        )
        return order


def epochs_at_once(batches: Batches, n_weights: int) -> int:
    """Return for how many epochs a call has space: a power of two, so that similar fits agree.

    A call costs some tenths of a millisecond. Ctrl-C waits for its end, a parallel call too. A step
    takes six operations for each weight and row.
    """
    seconds_of_step = _SECONDS_OF_STEP + 6 * n_weights * batches.width / _FLOPS_PER_SECOND
    seconds = batches.padded_steps * seconds_of_step
    return 2 ** min(_MOST_DOUBLINGS, max(0, int(np.log2(_SECONDS_OF_CALL / seconds))))
