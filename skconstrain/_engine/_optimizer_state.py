"""What an optimizer starts from."""

import numpy as np


def state_to_start_from(
    fresh: list[np.ndarray], given: list[np.ndarray] | None
) -> list[np.ndarray]:
    """Return the given state of an optimizer; a fresh one where there is none that fits.

    One that does not fit is of another kind of program: with a vector of all weights, or without.
    """
    if given is None or [a.shape for a in given] != [a.shape for a in fresh]:
        return fresh
    return given
