"""Uniform numbers: the published generator, evenly spread, and unlike each other."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

from skconstrain.layers._uniform import threefry, uniform

# Numbers of the authors' own tests (Random123, kat_vectors, "threefry2x32 13").
KNOWN = [
    ((0, 0), (0, 0), (0x9D1C5EC6, 0x8BD50731)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0xFD36D048, 0x2D17272C)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xBA3E4725, 0xF27D669E)),
]


def draw(shape, seed, dtype="float64", n_before=0):
    generator = keras.random.SeedGenerator(seed)
    for _ in range(n_before):
        generator.next()
    return np.asarray(uniform(shape, generator, dtype))


@pytest.mark.parametrize(("key", "counters", "expected"), KNOWN)
def test_the_generator_is_the_published_one(key, counters, expected):
    key = [ops.convert_to_tensor(np.uint32(word)) for word in key]
    counters = [ops.convert_to_tensor(np.array([word], np.uint32)) for word in counters]
    found = [int(words[0]) for words in threefry(key, counters)]
    assert found == list(expected)


def test_numbers_are_even_and_inside():
    numbers = draw((333, 301), 7).ravel()
    assert numbers.min() > 0
    assert numbers.max() < 1
    assert stats.kstest(numbers, "uniform").pvalue > 1e-3
    # The other half of each counter's words, and the next numbers.
    for shifted in (numbers[1:], numbers[len(numbers) // 2 :]):
        assert abs(np.corrcoef(numbers[: len(shifted)], shifted)[0, 1]) < 5 / np.sqrt(len(shifted))


def test_calls_and_seeds_do_not_resemble_each_other():
    draws = [draw((200, 100), 7), draw((200, 100), 8), draw((200, 100), 7, n_before=1)]
    correlations = np.corrcoef([numbers.ravel() for numbers in draws])
    assert np.abs(correlations - np.eye(3)).max() < 5 / np.sqrt(20_000)


def test_the_same_numbers_in_both_precisions():
    np.testing.assert_array_equal(draw((50, 3), 0, "float32"), draw((50, 3), 0, "float64"))
