"""PositiveRegressor: starts with a gradient, learns with every output and loss, refuses errors."""

import copy
import pickle

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, make_regression
from sklearn.dummy import DummyRegressor
from sklearn.exceptions import DataConversionWarning
from sklearn.linear_model import LinearRegression, PoissonRegressor
from sklearn.metrics import mean_poisson_deviance, mean_squared_error, r2_score
from sklearn.preprocessing import StandardScaler

from skconstrain import PositiveRegressor, QuantileNetRegressor, SparseConnectedNet
from skconstrain._formulas._links import LINKS
from skconstrain.losses._regression import REGRESSION_LOSSES
from tests.registry import positive_regression

OUTPUTS = sorted(LINKS)


def upper_for(output, y):
    return 1.2 * float(np.max(y)) if LINKS[output].two_sided else None


def rates(n_rows):
    """Rates in (0, 1), which follow one feature."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 5))
    return X, 1 / (1 + np.exp(-X[:, 0] - 0.3 * rng.normal(size=n_rows)))


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("shift", [0.0, 1000.0])
def test_learns_what_a_constant_cannot_and_is_not_stuck(output, shift):
    X, y = positive_regression()
    y = y + shift
    model = PositiveRegressor(
        (20,),
        output=output,
        upper=upper_for(output, y),
        learning_rate=0.01,
        epochs=300,
        random_state=0,
    ).fit(X, y)
    baseline = mean_squared_error(y, DummyRegressor().fit(X, y).predict(X))
    assert mean_squared_error(y, model.predict(X)) < 0.5 * baseline
    assert np.ptp(model.predict(X)) > 0


@pytest.mark.parametrize("output", ["relu", "abs", "square"])
def test_unscaled_features_do_not_kill_an_output(output):
    X, y = positive_regression()
    model = PositiveRegressor((20,), output=output, epochs=400, random_state=0).fit(100 * X, y)
    assert (model.predict(100 * X) > 0).mean() > 0.5


@pytest.mark.parametrize("output", OUTPUTS)
def test_starts_at_the_weighted_mean(output):
    X, y = positive_regression()
    weight = np.linspace(0.1, 2, len(y))
    model = PositiveRegressor(
        (20,), output=output, lower=-0.5, upper=upper_for(output, y), learning_rate=1e-12, epochs=1
    ).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(model.predict(X), np.average(y, weights=weight), rtol=1e-6)


@pytest.mark.parametrize("regressor", [PositiveRegressor, QuantileNetRegressor])
def test_targets_that_equal_an_end_but_for_rounding_are_at_the_end(regressor):
    X = np.random.default_rng(0).normal(size=(20, 2))
    output = {"output": "sigmoid"} if regressor is PositiveRegressor else {}
    net = regressor(n_networks=1, epochs=2, lower=-0.7, upper=0.1, **output)
    for end in (np.float32(0.1), np.float32(-0.7), np.nextafter(0.1, 1)):
        y = np.full(20, end)
        predicted = net.fit(X, y).predict(X)
        assert ((predicted > -0.7) & (predicted < 0.1)).all()
    net.fit(X, y, X_val=X, y_val=y.astype(np.float16))
    with pytest.raises(ValueError, match=r"needs y <= 0\.1\. Got 0\.1000001 at row 0"):
        net.fit(X, np.full(20, 0.1000001))


def test_targets_at_the_end_of_the_range_start_inside():
    X, _ = positive_regression()
    model = PositiveRegressor((4,), epochs=2).fit(X, np.zeros(len(X)))
    assert (model.predict(X) > 0).all()
    assert (model.predict(X) < 0.1).all()


@pytest.mark.parametrize(("n_networks", "sign"), [(1, None), (5, None), (1, 1), (5, 1)])
@pytest.mark.parametrize("output", ["sigmoid", "tanh"])
def test_targets_close_to_an_end_of_a_range_are_learnt_as_in_a_range_that_fits(
    output, n_networks, sign
):
    X, rate = rates(210)
    net = PositiveRegressor((10,), output=output, n_networks=n_networks, epochs=80, random_state=0)
    net.set_params(lower=-1, monotonic_cst=sign and [sign, 0, 0, 0, 0])
    expected = net.set_params(upper=1).fit(X, rate).score(X, rate)
    assert expected > 0.8
    rising = [(1, 1e-4 * rate - 1), (0, -1e-10 * (1 - rate))]
    for upper, y in rising:
        found = net.set_params(upper=upper).fit(X, y).score(X, y)
        assert found == pytest.approx(expected, abs=0.02)


def test_a_tiny_output_in_a_range_takes_nothing_from_the_one_beside_it():
    X, rate = rates(210)
    net = PositiveRegressor((10,), output="sigmoid", upper=1, epochs=120, random_state=0)
    both = net.fit(X, np.column_stack([rate, rate])).predict(X)
    units = np.array([1.0, 1e-6])
    tiny = net.fit(X, rate[:, None] * units).predict(X) / units
    for j in range(2):
        assert r2_score(rate, tiny[:, j]) == pytest.approx(r2_score(rate, both[:, j]), abs=0.02)


def test_relu_reaches_exact_zeros():
    X, y = positive_regression()
    y = np.maximum(y - np.median(y), 0)
    settings = {"n_networks": 1, "learning_rate": 0.01, "epochs": 300, "random_state": 0}
    model = PositiveRegressor((30,), output="relu", **settings)
    predictions = model.fit(X, y).predict(X)
    assert (predictions[y == 0] == 0).mean() > 0.5
    assert (predictions[y > np.quantile(y, 0.8)] > 0).all()


@pytest.mark.parametrize("loss", sorted(REGRESSION_LOSSES))
@pytest.mark.parametrize("output", ["softplus", "square"])
def test_every_loss_beats_a_constant(loss, output):
    X, y = positive_regression()
    model = PositiveRegressor(
        (20,), loss=loss, output=output, learning_rate=0.01, random_state=0
    ).fit(X, y)
    constant = DummyRegressor(
        strategy="median" if loss in ("absolute_error", "quantile") else "mean"
    )
    error = np.abs(constant.fit(X, y).predict(X) - y).mean()
    assert np.abs(model.predict(X) - y).mean() < 0.7 * error


def test_the_loss_curve_is_in_units_of_the_loss():
    X, y = positive_regression()
    for loss, n_outputs in (("squared_error", 1), ("poisson", 1), ("squared_error", 2)):
        target = 100 * (y if n_outputs == 1 else np.column_stack([y, 3 * y]))
        model = PositiveRegressor((4,), loss=loss, epochs=1, learning_rate=1e-12).fit(X, target)
        metric = mean_poisson_deviance if loss == "poisson" else mean_squared_error
        np.testing.assert_allclose(
            model.loss_curve_[0], metric(target, model.predict(X)), rtol=1e-5
        )


@pytest.mark.parametrize("estimator", [PositiveRegressor, SparseConnectedNet])
@pytest.mark.parametrize("ratio", [1e3, 1e6])
def test_every_output_trains_on_its_own_scale(estimator, ratio):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    y = np.exp(X @ rng.normal(size=(4, 2)) / 4)
    model = estimator(
        hidden_layer_sizes=(20,), learning_rate=0.01, epochs=80, tol=None, random_state=0
    )
    equal = model.fit(X, y).predict(X)
    other = model.fit(X, y * [1, ratio]).predict(X)
    assert r2_score(y[:, 0], other[:, 0]) > 0.9
    np.testing.assert_allclose(other, equal * [1, ratio], rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("estimator", [PositiveRegressor, SparseConnectedNet])
@pytest.mark.parametrize("loss", ["absolute_error", "huber", "quantile"])
def test_robust_losses_do_not_follow_one_outlier(estimator, loss):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 5))
    y = np.exp(X @ rng.normal(size=5) / 3)
    with_outlier = np.where(np.arange(400) == 0, 1e4 * y.max(), y)
    model = estimator(
        hidden_layer_sizes=(20,),
        loss=loss,
        learning_rate=0.01,
        epochs=150,
        tol=None,
        random_state=0,
    )
    clean, other = (model.fit(X, given).predict(X[1:]) for given in (y, with_outlier))
    assert r2_score(y[1:], other) > r2_score(y[1:], clean) - 0.05


@pytest.mark.parametrize("estimator", [PositiveRegressor, SparseConnectedNet])
@pytest.mark.parametrize("loss", ["absolute_error", "huber", "quantile"])
def test_robust_losses_do_not_depend_on_the_unit_of_y(estimator, loss):
    X, y = positive_regression()
    model = estimator(hidden_layer_sizes=(6,), loss=loss, epochs=10, tol=None, random_state=0)
    expected = model.fit(X, y).predict(X)
    for unit in (1e-30, 1e30):
        np.testing.assert_allclose(model.fit(X, unit * y).predict(X), unit * expected, rtol=1e-6)


def test_quantiles_cover_their_share():
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(2000, 1))
    y = rng.exponential(1 + X[:, 0])
    model = PositiveRegressor(
        (20,), loss="quantile", quantile=0.9, learning_rate=0.01, random_state=0
    )
    assert 0.85 < (y <= model.fit(X, y).predict(X)).mean() < 0.95


def test_poisson_with_exposure_equals_the_linear_model():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 3))
    exposure = rng.uniform(0.1, 1, len(X))
    counts = rng.poisson(exposure * np.exp(X @ [0.4, -0.3, 0.2] - 1))
    frequency = counts / exposure
    linear = PoissonRegressor(alpha=0).fit(X, frequency, sample_weight=exposure)
    net = PositiveRegressor(
        (),
        output="exp",
        loss="poisson",
        alpha=0,
        standardize=False,
        n_networks=1,
        early_stopping=False,
        learning_rate_schedule="constant",
        learning_rate=0.03,
        epochs=500,
        batch_size=len(X),
        tol=None,
    ).fit(X, frequency, sample_weight=exposure)
    np.testing.assert_allclose(net.predict(X), linear.predict(X), rtol=1e-3)


def test_several_outputs():
    X, y = make_regression(80, 4, n_targets=3, random_state=0)
    y = np.exp(y / 200) * [1, 10, 100]
    model = PositiveRegressor((30,), learning_rate=0.01, random_state=0).fit(X, y)
    assert model.predict(X).shape == y.shape
    assert model.n_outputs_ == 3
    assert model.score(X, y) > 0.5
    with pytest.raises(ValueError, match="y must have 3 outputs"):
        model.partial_fit(X, y[:, :2])


def test_a_column_is_one_output_and_warns():
    X, y = positive_regression()
    with pytest.warns(DataConversionWarning, match="column-vector"):
        model = PositiveRegressor((4,), epochs=2).fit(X, y[:, None])
    assert model.predict(X).shape == y.shape


def test_no_hidden_layer_is_a_linear_model():
    X, y = positive_regression()
    # Several networks stop early, and standardised features are bent where they are far out.
    alone = {"n_networks": 1, "standardize": False, "random_state": 0}
    model = PositiveRegressor((), output="abs", alpha=0, learning_rate=0.05, epochs=2000, **alone)
    linear = LinearRegression().fit(X, y + 10).predict(X)
    np.testing.assert_allclose(model.fit(X, y + 10).predict(X), linear, rtol=1e-5)


def test_beats_the_mean_on_real_data():
    X, y = load_diabetes(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    model = PositiveRegressor(early_stopping=True, random_state=0).fit(X[:300], y[:300])
    assert model.score(X[300:], y[300:]) > 0.3
    assert (model.predict(-100 * X) > 0).all()


class Custom(keras.losses.Loss):
    """A loss that Keras itself could not pickle."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, y_true, y_pred):
        return self.factor * keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


@pytest.mark.parametrize(
    "twin",
    [clone, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))],
    ids=["clone", "deepcopy", "pickle"],
)
def test_keras_losses_keep_their_settings(twin):
    X, y = positive_regression()
    for loss in (keras.losses.Huber(delta=0.01), Custom(3.0)):
        model = PositiveRegressor((4,), loss=loss, epochs=3, random_state=0).fit(X, y)
        other = twin(model).fit(X, y)
        assert other.loss_curve_ == model.loss_curve_
        plain = PositiveRegressor((4,), loss=type(loss)(1.0), epochs=3, random_state=0).fit(X, y)
        assert plain.loss_curve_ != model.loss_curve_


def test_a_function_is_a_loss():
    X, y = positive_regression()

    def squared(y_true, y_pred):
        return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)

    model = PositiveRegressor((4,), loss=squared, epochs=3, random_state=0).fit(X, y)
    named = PositiveRegressor((4,), loss=keras.losses.MeanSquaredError(), epochs=3, random_state=0)
    np.testing.assert_allclose(model.loss_curve_, named.fit(X, y).loss_curve_)


def test_a_class_of_losses_stands_for_its_defaults():
    X, y = positive_regression()
    settings = {"epochs": 3, "random_state": 0}
    by_class = PositiveRegressor((4,), loss=keras.losses.Huber, **settings).fit(X, y)
    instance = PositiveRegressor((4,), loss=keras.losses.Huber(), **settings).fit(X, y)
    assert by_class.loss_curve_ == instance.loss_curve_
    for twin in (clone(by_class), pickle.loads(pickle.dumps(by_class))):
        assert twin.fit(X, y).loss_curve_ == instance.loss_curve_


def test_an_optimizer_instance_is_copied():
    X, y = positive_regression()
    optimizer = keras.optimizers.Adam(0.02)
    settings = {"epochs": 3, "random_state": 0}
    given = PositiveRegressor((4,), optimizer=optimizer, **settings).fit(X, y)
    assert not optimizer.built
    assert given.get_params()["optimizer"] is optimizer
    named = PositiveRegressor((4,), learning_rate=0.02, **settings).fit(X, y)
    np.testing.assert_array_equal(given.predict(X), named.predict(X))
    over = PositiveRegressor((4,), optimizer=optimizer, learning_rate=0.5, **settings).fit(X, y)
    assert over.loss_curve_ != given.loss_curve_


def test_optimizers_with_schedules_and_norms():
    X, y = positive_regression()
    schedule = keras.optimizers.schedules.ExponentialDecay(0.02, 10, 0.9)
    for optimizer in (keras.optimizers.SGD(schedule), keras.optimizers.Adam(clipnorm=1.0)):
        model = PositiveRegressor((4,), optimizer=optimizer, epochs=30, random_state=0).fit(X, y)
        assert model.loss_curve_[-1] < model.loss_curve_[0]
    model.set_params(optimizer=keras.optimizers.SGD(schedule), learning_rate=0.1)
    with pytest.raises(
        ValueError, match="learning_rate must be None or 'auto' when the optimizer has a sche"
    ):
        model.fit(X, y)


@pytest.mark.parametrize("constraint", ["non_neg", keras.constraints.UnitNorm()])
def test_constraints_hold_on_every_kernel(constraint):
    X, y = positive_regression()
    model = PositiveRegressor((6,), kernel_constraint=constraint, epochs=20, random_state=0).fit(
        X, y
    )
    named = model._fitted.weights
    for kernel in (array for name, array in named.items() if name.endswith("/kernel")):
        if constraint == "non_neg":
            assert (kernel >= 0).all()
        else:
            np.testing.assert_allclose(np.linalg.norm(kernel, axis=-2), 1.0, rtol=1e-6)


def test_partial_fit_may_begin_with_one_row():
    X, y = positive_regression()
    model = PositiveRegressor((8,), learning_rate=0.01, random_state=0)
    for _ in range(200):
        for rows in (slice(0, 1), slice(1, 30), slice(30, 60)):
            model.partial_fit(X[rows], y[rows])
    assert model.n_iter_ == 600
    assert model.score(X, y) > 0.5


def test_partial_fit_goes_on_after_a_pickle_as_without():
    X, y = positive_regression()
    here = PositiveRegressor((8,), random_state=0).partial_fit(X, y)
    there = pickle.loads(pickle.dumps(here))
    for model in (here, there):
        model.partial_fit(X, y).partial_fit(X, y)
    np.testing.assert_array_equal(here.predict(X), there.predict(X))


def test_partial_fit_keeps_its_precision():
    X, y = positive_regression()
    model = PositiveRegressor((4,)).partial_fit(X.astype(np.float32), y).partial_fit(X, y)
    assert model.n_iter_ == 2
    assert model.predict(X).dtype == np.float32


def test_the_precision_follows_x():
    X, y = positive_regression()
    for dtype, x_type, expected in (
        (None, np.float32, np.float32),
        (None, np.float64, np.float64),
        (None, int, np.float64),
        ("float32", np.float64, np.float32),
        ("float64", np.float32, np.float64),
    ):
        model = PositiveRegressor((4,), dtype=dtype, epochs=2).fit((10 * X).astype(x_type), y)
        assert model.predict(X).dtype == expected
        assert all(w.dtype == expected for w in model._fitted.weights.values())


def wrong(match, y=None, X=None, **params):
    good_X, good_y = positive_regression()
    X, y = good_X if X is None else X, good_y if y is None else y
    with pytest.raises(ValueError, match=match):
        PositiveRegressor((4,), epochs=2, **params).fit(X, y)


def test_wrong_use_is_refused_with_rule_value_and_remedy():
    X, y = positive_regression()
    below, zero = y.copy(), y.copy()
    below[17], zero[3] = -3.2, 0.0
    wrong(r"PositiveRegressor\(lower=0\) needs y >= 0\. Got -3\.2 at row 17\. Set lower=", y=below)
    wrong(r"\(upper=1\) needs y <= 1\. Got .* at row 0", y=y + 5, output="sigmoid", upper=1.0)
    wrong(r"loss='gamma' needs y > 0\. Got 0 at row 3\. Use loss='poisson'", y=zero, loss="gamma")
    wrong("loss='tweedie' needs y > 0", y=zero, loss="tweedie", power=2.5)
    wrong("loss='poisson' needs lower >= 0.* Got lower=-1", loss="poisson", lower=-1.0)
    wrong("loss='squared_log_error' needs lower >= 0", loss="squared_log_error", lower=-1.0)
    wrong(
        "upper must be greater than lower. Got lower=2.0, upper=1.0",
        output="tanh",
        lower=2.0,
        upper=1.0,
    )
    wrong("output='tanh' needs upper=", output="tanh")
    wrong("output='exp' has no upper end. Got upper=3", output="exp", upper=3.0)
    wrong("'output' parameter", output="softmax")
    wrong(r"loss must be one of .*'tweedie'.*, a Keras loss or a function\. Got 'mse'", loss="mse")
    wrong("'power' parameter", loss="tweedie", power=0.5)
    wrong("Input y contains NaN", y=np.where(np.arange(60) == 2, np.nan, y))
    wrong("Input y contains infinity", y=np.where(np.arange(60) == 2, np.inf, y))
    wrong("Input X contains infinity", X=np.where(np.arange(60)[:, None] == 2, np.inf, X))
    wrong("minimum of 2 is required", X=X[:1], y=y[:1])
    wrong("minimum of 2 is required", X=X[:0], y=y[:0])
    wrong("at least 2 are needed. Give X_val", X=X[:2], y=y[:2], early_stopping=True, n_networks=1)
    wrong("n_networks=5 needs a row in each fold", X=X[:2], y=y[:2], early_stopping=True)
    wrong(r"y must not exceed 1e\+150, because losses square it\. Got", y=y * 1e200)
    wrong(r"y must fit into float32.*Got 1e\+300", X=X.astype(np.float32), y=y * 1e300 / y.max())


def test_validation_data_must_be_whole():
    X, y = positive_regression()
    with pytest.raises(ValueError, match=r"must be given together\. Got y_val=None"):
        PositiveRegressor((4,)).fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        PositiveRegressor((4,)).fit(X, y, X_val=X, y_val=y[:-1])
    with pytest.raises(ValueError, match="needs y >= 0"):
        PositiveRegressor((4,)).fit(X, y, X_val=X, y_val=-y)


def test_prediction_in_blocks_equals_prediction_at_once(monkeypatch):
    from skconstrain._engine import _batching

    X, y = positive_regression()
    model = PositiveRegressor((8,), epochs=2).fit(X, y)
    expected = model.predict(X)
    monkeypatch.setattr(_batching, "_BLOCK_VALUES", 8 * 7)
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-12)
