"""Random numbers that depend on a layer's seed only, under every backend."""

import math

import keras
import numpy as np
from keras import ops

_KEY_PARITY = 0x1BD11BDA
_ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
_ROUNDS = 13


def uniform(shape, seed_generator: keras.random.SeedGenerator, dtype):
    """Draw numbers from the open interval (0, 1), odd multiples of 2**-24.

    Threefry2x32 with 13 rounds (Salmon, Moraes, Dror and Shaw, 2011, "Parallel random numbers: as
    easy as 1, 2, 3", the fewest rounds that pass TestU01's BigCrush): a function of a key and a
    counter in additions, shifts and exclusive ors. A network draws the same numbers alone, in a
    stack and under every backend. Keras' own generators cannot be vectorised over the networks of a
    stack under TensorFlow, and its generator of single precision takes 223 ns a number when XLA
    compiles it for a CPU. This one takes 0.9 ns there, 8.6 ns without XLA.

    Parameters
    ----------
    shape : tuple of int
        May hold a tensor of the number of rows.
    seed_generator
        Its state is the key: a seed, and a count that goes up with each call.
    dtype : str
        Precision of the result.
    """
    n_numbers = math.prod(shape)
    # Each counter gives two numbers.
    counters = ops.cast(ops.arange((n_numbers + 1) // 2, dtype="int32"), "uint32")
    key = ops.cast(seed_generator.next(ordered=False), "uint32")
    words = threefry((key[0], key[1]), (counters, ops.zeros_like(counters)))
    bits = ops.right_shift(ops.concatenate(words)[:n_numbers], _word(9))
    # 23 bits and a half are exact in single precision.
    numbers = (ops.cast(ops.cast(bits, "int32"), dtype) + 0.5) * 2.0**-23
    return ops.reshape(numbers, shape)


def threefry(key, counters):
    """Return two arrays of words of 32 bits; `key` and `counters` are two such arrays too."""
    keys = (*key, key[0] ^ key[1] ^ _word(_KEY_PARITY))
    left, right = counters[0] + keys[0], counters[1] + keys[1]
    for i in range(_ROUNDS):
        left = left + right
        right = _rotated(right, _ROTATIONS[i % 8]) ^ left
        if i % 4 == 3:
            turn = i // 4 + 1
            left = left + keys[turn % 3]
            right = right + keys[(turn + 1) % 3] + _word(turn)
    return left, right


def _rotated(words, n_bits):
    return ops.left_shift(words, _word(n_bits)) | ops.right_shift(words, _word(32 - n_bits))


def _word(number):
    return np.uint32(number)
