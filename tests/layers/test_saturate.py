"""Saturate: a limit at inference, nothing in training."""

import keras
import numpy as np
import pytest

from skconstrain.layers import Saturate


@pytest.mark.parametrize(("dtype", "limit"), [("float32", 1e15), ("float64", 1e150)])
def test_clips_at_inference_only(dtype, limit):
    layer = Saturate(dtype=dtype)
    values = np.array([[-np.inf, -1.0, 0.0, 2.0, np.finfo(dtype).max]], dtype)
    expected = np.clip(values, np.dtype(dtype).type(-limit), np.dtype(dtype).type(limit))
    np.testing.assert_array_equal(np.asarray(layer(values)), expected)
    np.testing.assert_array_equal(np.asarray(layer(values, training=True)), values)


def test_rebuilds_from_its_config():
    assert keras.layers.deserialize(keras.layers.serialize(Saturate(3.0))).limit == 3.0


def test_wrong_use():
    with pytest.raises(ValueError, match=r"limit must be a positive number or None. Got 0"):
        Saturate(0)
    with pytest.raises(ValueError, match=r"limit must be a positive number or None. Got 'a'"):
        Saturate("a")
