"""How long to train, where the user has not said it: steps that fit the number of rows."""

import math
from dataclasses import dataclass

# Rows up to which a step takes all of them, so that their order does not matter, and none is held
# out.
FEW_ROWS = 200

# Above this many rows a single network holds some out, as HistGradientBoosting does. Regressors do
# so above FEW_ROWS; classifiers are more accurate trained on all.
MANY_ROWS = 10_000

# Chosen on training parts of concrete, wine, auto_mpg, diabetes and synthetic sets. Where held-out
# rows end training, twice the steps took off 6 to 11 % of the error of smooth targets, and noisy
# ones stop before.
_PASSES = 80
_FEWEST_STEPS, _MOST_STEPS = 1_000, 4_000
_FACTOR_OF_VALIDATED = 2
# More steps gained nothing on 120 and 180 rows of the same sets.
_FEWEST_STEPS_OF_FEW_ROWS = 300
_SMALLEST_BATCH, _LARGEST_BATCH = 64, 1_024
_BATCHES = 50

# Training is over after a plateau of a fifth of the budget.
_SHARE_OF_PATIENCE = 0.2
_LEAST_PATIENCE = 5

_MOST_VALIDATIONS = 60


@dataclass(frozen=True)
class Budget:
    """How long to train.

    Attributes
    ----------
    epochs, batch_size
        Passes over the rows; rows of a step.
    patience
        Epochs without improvement after which training stops.
    validate_every
        Epochs after which several networks are validated: on as many rows as they train on.
    """

    epochs: int
    batch_size: int
    patience: int
    validate_every: int


def choose_budget(n_rows: int, *, epochs, batch_size, patience, validates: bool) -> Budget:
    """Return the budget of a training on `n_rows` rows; "auto" is what is to be chosen.

    `validates` says whether rows that are held out decide when to stop: the loss of rows that are
    trained on falls to the end, and stops nothing.
    """
    if batch_size == "auto":
        batch_size = n_rows if n_rows <= FEW_ROWS else _batch_size(n_rows)
    validate_every = 1
    if epochs == "auto":
        epochs = _epochs(n_rows, min(batch_size, n_rows), validates)
        validate_every = max(1, epochs // _MOST_VALIDATIONS)
    if patience == "auto":
        share = max(_LEAST_PATIENCE, math.ceil(_SHARE_OF_PATIENCE * epochs))
        patience = share if validates else epochs
    return Budget(int(epochs), int(batch_size), int(patience), validate_every)


def _batch_size(n_rows):
    """Return a power of two, so that sets of similar size share a compiled program."""
    share = 2 ** int(math.log2(max(n_rows / _BATCHES, 1)))
    return min(max(share, _SMALLEST_BATCH), _LARGEST_BATCH)


def _epochs(n_rows, batch_size, validates):
    """Return the epochs of the steps that `n_rows` rows ask for; the fewest where a step is all."""
    are_few = n_rows <= FEW_ROWS
    fewest = _FEWEST_STEPS_OF_FEW_ROWS if are_few else _FEWEST_STEPS
    factor = _FACTOR_OF_VALIDATED if validates and not are_few else 1
    steps = min(factor * max(_PASSES * n_rows / batch_size, fewest), _MOST_STEPS)
    return math.ceil(steps / math.ceil(n_rows / batch_size))
