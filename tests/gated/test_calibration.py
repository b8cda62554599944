"""Scale and shift are those of the smallest log loss."""

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from skconstrain import _engine
from skconstrain._formulas._layers import calibrated
from skconstrain._formulas._numpy_ops import NUMPY_OPS
from skconstrain._gated._calibration import best_calibration, probability_of, scale_and_shift
from skconstrain._networks import ScoreColumns
from skconstrain.layers._calibration import Calibration


def draw(n_classes, factor, seed=0):
    """Scores whose right scale is 1 / factor, and classes drawn from them."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(4000, 1 if n_classes == 2 else n_classes))
    if n_classes == 2:
        y = (rng.random(4000) < expit(logits[:, 0])).astype(int)
        return factor * logits, y[:, None].astype(float), y
    p = softmax(logits, axis=1)
    y = (rng.random((4000, 1)) > p.cumsum(axis=1)).sum(axis=1)
    return factor * logits, np.eye(n_classes)[y], y


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e3])
def test_two_classes_are_a_logistic_regression(factor):
    scores, target, y = draw(2, factor)
    weight = np.random.default_rng(1).random(4000)
    scale, shift = scale_and_shift(scores, target, weight)
    reference = LogisticRegression(C=1e6).fit(scores / factor, y, weight)
    assert scale * factor == pytest.approx(reference.coef_[0, 0], rel=0.02)
    assert shift[0] == pytest.approx(reference.intercept_[0], abs=0.02)


def test_more_classes_find_the_scale_they_were_drawn_with():
    scores, target, y = draw(4, 50.0)
    scale, shift = scale_and_shift(scores, target, np.ones(4000))
    assert scale * 50 == pytest.approx(1, rel=0.1)
    calibrated = log_loss(y, softmax(scale * scores + shift, axis=1))
    assert calibrated < log_loss(y, softmax(scores, axis=1))
    assert calibrated < np.log(4)


def test_perfect_scores_stay_finite():
    y = np.arange(100) % 2
    scale, shift = scale_and_shift((2.0 * y - 1)[:, None], y[:, None].astype(float), np.ones(100))
    assert 1 < scale < 100
    assert np.isfinite(shift).all()
    scale, _ = scale_and_shift(np.zeros((100, 1)), y[:, None].astype(float), np.ones(100))
    assert np.isfinite(scale)


def test_only_scores_that_are_no_logits_are_scaled():
    scores, target, _ = draw(3, 50.0)
    scores = np.stack([scores, scores / 50, scores], axis=1)
    columns = ScoreColumns((True, False, True), ((True,) * 3, (True,) * 3, (True, False, True)))
    scale, shift = best_calibration(scores, target, np.ones(4000), columns)
    one = scale_and_shift(scores[:, 0], target, np.ones(4000))
    np.testing.assert_allclose(scale[0, 0], one[0], rtol=1e-9)
    np.testing.assert_allclose(shift[0], one[1], rtol=1e-9)
    assert scale[1, 0] == 1
    assert (shift[1] == 0).all()
    # The third is scaled by the rows of its own classes; of the other class it says nothing.
    assert scale[2, 0] * 50 == pytest.approx(1, rel=0.2)
    assert shift[2, 1] == 0


@pytest.mark.parametrize("n_columns", [1, 3])
def test_the_layer_gives_the_probabilities_of_the_numpy_function(n_columns):
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(20, 2, n_columns))
    trained = np.array([True, False])
    seen = np.ones((2, n_columns), bool)
    seen[0, 1:2] = False
    scale, shift = rng.normal(size=(2, 1)), rng.normal(size=(2, n_columns))
    with _engine.precision():  # under JAX, else float32
        layer = Calibration(trained.tolist(), seen.tolist(), dtype="float64")
        layer.build(scores.shape)
        layer.set_weights([scale, shift])
        found = probability_of(np.asarray(layer(scores)))
    logits = calibrated(NUMPY_OPS, scores, scale, shift, trained[:, None], seen)
    np.testing.assert_allclose(found, probability_of(logits), rtol=1e-12)
    np.testing.assert_array_equal(logits[:, 1], scores[:, 1])
    if n_columns > 1:
        assert (found[:, 0, 1] == 0).all()
