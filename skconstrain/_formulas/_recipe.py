"""Constants of the recipe: how features are standardised, embedded and weighed, and what saturates.

Those of embeddings and of factors of features are RealMLP's (Holzmüller, Grinsztajn and Steinwart,
2024), with half of its frequencies.
"""

import numpy as np

# Standardised features are clipped smoothly at the first; beyond the second, the clipped value no
# longer changes in float32, and its square is finite.
STANDARDIZED_LIMIT = 5.0
FARTHEST_STANDARDIZED = 1e6

# Where a flag is of gaps, and of no category: a code that no category has.
CODE_OF_GAPS = -1.0

# How fast the factors of features learn, relative to other weights.
FEATURE_RATE = 6.0

# Embeddings of numerical features: their frequencies, how far those spread at the start, and the
# values of each.
N_FREQUENCIES = 8
FREQUENCY_SCALE = 0.1
EMBEDDING_SIZE = 3

# The logit of a class that an expert does not know: its probability is zero in every precision, and
# the loss stays finite where no expert knows the class of a row, which minus infinity would not.
UNSEEN_LOGIT = -1e4


def saturation_limit(dtype) -> float:
    """Return the largest magnitude that a network of this precision is fed."""
    return 1e15 if np.dtype(dtype) == np.float32 else 1e150


def limit_of_features(dtype, standardized=True) -> float:
    """Return where features are saturated: where they are standardised, in any unit."""
    if not standardized:
        return saturation_limit(dtype)
    return 1e37 if np.dtype(dtype) == np.float32 else 1e307  # differences of two are finite
