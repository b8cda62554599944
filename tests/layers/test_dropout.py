"""Dropout: drops its share, keeps the mean, and only in training."""

import numpy as np

from skconstrain.layers._dropout import Dropout


def test_drops_its_share_and_keeps_the_mean():
    ones = np.ones((400, 500), np.float32)
    dropped = np.asarray(Dropout(0.3, seed=0)(ones, training=True))
    assert dropped.dtype == np.float32
    # Six standard deviations of a share of 200,000.
    assert abs((dropped == 0).mean() - 0.3) < 6 * np.sqrt(0.21 / ones.size)
    np.testing.assert_allclose(dropped[dropped > 0], 1 / 0.7, rtol=1e-6)


def test_does_nothing_at_inference():
    values = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(np.asarray(Dropout(0.5, seed=0)(values)), values)
