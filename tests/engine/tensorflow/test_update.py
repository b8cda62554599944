"""Adam in one pass: the same numbers as Keras' own update, and only where it applies."""

import keras
import numpy as np
import pytest

from skconstrain._engine._tensorflow._update import make_update
from tests.backends import tensorflow_only

pytestmark = tensorflow_only

SHAPES = [(3, 2), (4,)]


def variables():
    rng = np.random.default_rng(0)
    return [keras.Variable(rng.normal(size=shape), dtype="float64") for shape in SHAPES]


def run(update, optimizer, trained):
    rng = np.random.default_rng(1)
    for _ in range(10):
        gradients = [keras.ops.convert_to_tensor(rng.normal(size=shape)) for shape in SHAPES]
        update(gradients, trained)
    state = [np.asarray(v.value) for v in [*trained, *optimizer.variables]]
    return state, int(optimizer.iterations.value)


@pytest.mark.parametrize("beta_1", [0.9, 0.5])
def test_equals_keras(beta_1):
    results = []
    for fused in (True, False):
        trained, optimizer = variables(), keras.optimizers.Adam(0.1, beta_1=beta_1, epsilon=1e-3)
        optimizer.build(trained)
        update = make_update(optimizer, jit_compile=not fused)
        assert (update == optimizer.apply) is not fused
        results.append(run(update, optimizer, trained))
    (ours, our_steps), (theirs, their_steps) = results
    assert our_steps == their_steps == 10
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize(
    "optimizer",
    [
        keras.optimizers.Adam(amsgrad=True),
        keras.optimizers.Adam(weight_decay=0.1),
        keras.optimizers.Adam(clipvalue=1.0),
        keras.optimizers.Adam(use_ema=True),
        keras.optimizers.AdamW(),
        keras.optimizers.SGD(),
    ],
    ids=lambda optimizer: optimizer.name,
)
def test_other_optimizers_are_left_to_keras(optimizer):
    assert make_update(optimizer, jit_compile=False) == optimizer.apply
