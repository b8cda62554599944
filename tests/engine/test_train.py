"""Training: exact against NumPy, the same in every mode, obedient to callbacks."""

import warnings

import keras
import numpy as np
import pytest
from scipy.special import expit
from sklearn.datasets import make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import brier_score_loss, log_loss

from skconstrain import MultiLabelNetClassifier
from tests.backends import compiled
from tests.plain import PositiveRegressor
from tests.refusals import refuses
from tests.registry import positive_regression


def linear(**params):
    """Return a linear model in double precision, so that NumPy can follow it."""
    settings = {"output": "relu", "hidden_layer_sizes": (), "lower": -1e3, "tol": None}
    settings |= {"optimizer": "sgd", "learning_rate": 0.1, "random_state": 3}
    return PositiveRegressor(**{**settings, **params})


def data(n_rows=23):
    X, y = make_regression(n_rows, 4, noise=1.0, random_state=0)
    return X, y / 10


def numpy_sgd(model, X, y, weight, epochs, batch_size, alpha):
    """Do the same training in NumPy: the same orders of rows, scaled targets."""
    rng = np.random.default_rng([3, 0])
    mean = np.average(y, weights=weight)
    scale = np.sqrt(np.average((y - mean) ** 2, weights=weight))
    kernel, bias = np.zeros(X.shape[1]), mean / scale
    penalty = alpha / (batch_size * weight.mean())
    rate = float(np.float32(0.1))  # Keras keeps learning rates in single precision
    losses = []
    for _ in range(epochs):
        order = rng.permutation(len(X)) if batch_size < len(X) else np.arange(len(X))
        total = 0.0
        for start in range(0, len(X), batch_size):
            rows = order[start : start + batch_size]
            error = X[rows] @ kernel + bias - y[rows] / scale
            share = weight[rows] / weight[rows].sum()
            total += (weight[rows] * error**2).sum()
            kernel = kernel - rate * (2 * (share * error) @ X[rows] + penalty * kernel)
            bias -= rate * 2 * (share * error).sum()
        losses.append(total / weight.sum() * scale**2)
    return kernel * scale, bias * scale, losses


@pytest.mark.parametrize("by_xla", [True, False])
@pytest.mark.parametrize("batch_size", [5, 8, 22, 23, 100])
def test_equals_numpy_with_weights_penalty_and_a_short_last_batch(by_xla, batch_size):
    X, y = data()
    weight = np.random.default_rng(1).uniform(0.1, 3, len(X))
    model = linear(batch_size=batch_size, epochs=7, alpha=0.3)
    with compiled(by_xla):
        model.fit(X, y, sample_weight=weight)
    kernel, bias, losses = numpy_sgd(model, X, y, weight, 7, min(batch_size, len(X)), 0.3)
    np.testing.assert_allclose(model.predict(X), X @ kernel + bias, rtol=1e-9)
    np.testing.assert_allclose(model.loss_curve_, losses, rtol=1e-9)


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop", "adamw", "lion", "nadam"])
def test_one_flat_vector_trains_as_the_model_s_variables_do(optimizer):
    X, y = positive_regression()
    settings = {"optimizer": optimizer, "epochs": 5, "batch_size": 16, "random_state": 0}
    flat = PositiveRegressor((6, 4), **settings)
    by_variable = PositiveRegressor((6, 4), callbacks=[keras.callbacks.Callback()], **settings)
    with compiled(False):
        flat.fit(X, y)
        by_variable.fit(X, y)
    np.testing.assert_allclose(flat.loss_curve_, by_variable.loss_curve_, rtol=1e-10)


def test_xla_and_graph_agree():
    X, y = positive_regression()

    def curve(by_xla, dropout):
        settings = {"epochs": 10, "batch_size": 16, "random_state": 0, "dropout": dropout}
        with compiled(by_xla):
            return PositiveRegressor((6,), **settings).fit(X, y).loss_curve_

    curves = [curve(by_xla, dropout=0.2) for by_xla in (True, False)]
    # The same arithmetic; dropout draws from different generators.
    assert abs(curves[0][0] - curves[1][0]) < 0.2 * curves[1][0]
    curves = [curve(by_xla, dropout=0.0) for by_xla in (True, False)]
    np.testing.assert_allclose(curves[0], curves[1], rtol=1e-9)


def test_one_batch_an_epoch_does_not_depend_on_the_order_of_rows():
    X, y = positive_regression()
    order = np.random.default_rng(0).permutation(len(X))
    one = PositiveRegressor((6,), epochs=20, random_state=0).fit(X, y)
    other = PositiveRegressor((6,), epochs=20, random_state=0).fit(X[order], y[order])
    np.testing.assert_allclose(one.predict(X), other.predict(X), rtol=1e-9)


class Recorder(keras.callbacks.Callback):
    """Writes down what happens."""

    def __init__(self):
        super().__init__()
        self.events, self.models = [], []

    def on_train_begin(self, logs=None):
        self.events.append("begin")

    def on_epoch_end(self, epoch, logs=None):
        self.events.append((epoch, dict(logs)))
        self.models.append(self.model.get_weights()[0].copy())

    def on_train_end(self, logs=None):
        self.events.append("end")


def test_callbacks_see_the_live_model():
    X, y = positive_regression()
    recorder = Recorder()
    model = PositiveRegressor((6,), epochs=3, callbacks=[recorder], random_state=0)
    model.fit(X, y, X_val=X, y_val=y)
    assert recorder.events[0] == "begin"
    assert recorder.events[-1] == "end"
    epochs, logs = zip(*recorder.events[1:-1], strict=True)
    assert epochs == (0, 1, 2)
    assert all(set(log) == {"loss", "val_loss"} for log in logs)
    np.testing.assert_array_equal(recorder.models[-1], model._fitted.weights["hidden_0/kernel"])
    assert (recorder.models[0] != recorder.models[1]).any()
    assert recorder.model is None  # it goes on to the next fit


@pytest.mark.parametrize("n_networks", [1, 5])
def test_callbacks_see_the_loss_of_validation_data_and_the_brier_score_apart(n_networks):
    X, y = positive_regression()
    y, recorder = (y > np.median(y)).astype(int), Recorder()
    settings = {"n_networks": n_networks, "epochs": 3, "early_stopping": False}
    model = MultiLabelNetClassifier((6,), callbacks=[recorder], random_state=0, **settings)
    model.fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    logs = [event[1] for event in recorder.events[1:-1]]
    assert all(set(log) == {"loss", "val_loss", "val_brier"} for log in logs)
    assert [-log["val_brier"] for log in logs] == model.validation_scores_
    each = expit(model._fitted.predict_each(X[40:]).reshape(-1, n_networks))
    for name, measure in {"val_loss": log_loss, "val_brier": brier_score_loss}.items():
        expected = np.mean([measure(y[40:], probability) for probability in each.T])
        np.testing.assert_allclose(logs[-1][name], expected, rtol=1e-6)


def test_a_callback_is_told_that_the_schedule_sets_the_learning_rate_again():
    X, y = positive_regression()
    settings = {"monitor": "loss", "factor": 0.1, "patience": 1, "min_delta": 1e9}
    net = PositiveRegressor((6,), n_networks=1, epochs=6, tol=None, random_state=0)
    net.set_params(learning_rate=0.01, learning_rate_schedule="flat_cosine")
    net.set_params(callbacks=[keras.callbacks.ReduceLROnPlateau(**settings)])
    with pytest.warns(UserWarning, match="changed the learning rate from 0.01 to 0.001") as told:
        net.fit(X, y)
    (told,) = [one for one in told if one.category is UserWarning]
    assert told.filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        net.set_params(learning_rate_schedule="constant").fit(X, y)
        schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
        net.set_params(learning_rate_schedule="cosine", callbacks=[schedule]).fit(X, y)


def test_callbacks_can_stop_and_change_the_learning_rate():
    X, y = positive_regression()
    stop = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(stop.model, "stop_training", epoch == 4)
    )
    assert PositiveRegressor((6,), epochs=50, callbacks=[stop]).fit(X, y).n_iter_ == 5
    freeze = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate if epoch < 2 else 0.0)
    frozen = PositiveRegressor((6,), epochs=5, tol=None, callbacks=[freeze]).fit(X, y)
    assert frozen.loss_curve_[1] != frozen.loss_curve_[2]
    assert frozen.loss_curve_[2] == frozen.loss_curve_[3] == frozen.loss_curve_[4]
    again = PositiveRegressor((6,), epochs=5, tol=None).fit(X, y)
    assert len(set(again.loss_curve_)) == 5  # the next fit has its own learning rate


def test_keras_early_stopping_restores_the_best_weights():
    X, y = positive_regression()
    callback = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    model = PositiveRegressor((30,), epochs=300, learning_rate=0.05, tol=None, callbacks=[callback])
    model.set_params(random_state=0).fit(X[:20], y[:20], X_val=X[20:], y_val=y[20:])
    assert model.n_iter_ < 300
    loss = np.mean((model.predict(X[20:]) - y[20:]) ** 2)
    np.testing.assert_allclose(loss, -max(model.validation_scores_), rtol=1e-6)


class BatchWatcher(keras.callbacks.Callback):
    """Counts batches."""

    n_batches = 0

    def on_train_batch_end(self, batch, logs=None):
        self.n_batches += 1
        assert np.isfinite(logs["loss"])


def test_a_callback_that_watches_batches_changes_nothing():
    X, y = positive_regression()
    settings = {"epochs": 4, "batch_size": 16, "random_state": 0}
    watcher = BatchWatcher()
    slow = PositiveRegressor((6,), callbacks=[watcher], **settings).fit(X, y)
    fast = PositiveRegressor((6,), callbacks=[keras.callbacks.Callback()], **settings).fit(X, y)
    assert watcher.n_batches == 4 * 4
    np.testing.assert_array_equal(slow.predict(X), fast.predict(X))
    np.testing.assert_allclose(slow.loss_curve_, fast.loss_curve_, rtol=1e-12)


def test_callbacks_as_scikeras_takes_them():
    X, y = positive_regression()
    recorder = Recorder()
    PositiveRegressor((6,), epochs=2, callbacks=recorder).fit(X, y)
    assert len(recorder.models) == 2


def test_a_fit_inside_a_callback():
    X, y = positive_regression()
    inner = []

    def fit(epoch, logs):
        inner.append(PositiveRegressor((6,), epochs=3, random_state=1).fit(X, y).loss_curve_)

    settings = {"epochs": 3, "random_state": 0}
    callbacks = [keras.callbacks.LambdaCallback(on_epoch_end=fit)]
    outer = PositiveRegressor((6,), callbacks=callbacks, **settings).fit(X, y)
    plain = PositiveRegressor((6,), callbacks=[keras.callbacks.Callback()], **settings).fit(X, y)
    assert outer.loss_curve_ == plain.loss_curve_
    assert inner[0] == inner[1] == inner[2]


def test_early_stopping_keeps_the_best_weights():
    X, y = positive_regression()
    model = PositiveRegressor(
        (50,), early_stopping=True, learning_rate=0.05, epochs=500, random_state=0
    )
    model.fit(X[:20], y[:20], X_val=X[20:], y_val=y[20:])
    assert model.n_iter_ < 500
    assert len(model.validation_scores_) == model.n_iter_
    assert np.argmax(model.validation_scores_) < model.n_iter_ - 1
    loss = np.mean((model.predict(X[20:]) - y[20:]) ** 2)
    np.testing.assert_allclose(loss, model.best_loss_, rtol=1e-9)
    np.testing.assert_allclose(loss, -max(model.validation_scores_), rtol=1e-9)


def test_a_plateau_of_the_training_loss_stops():
    X, y = positive_regression()
    model = PositiveRegressor((6,), tol=1e9, n_iter_no_change=4, epochs=100).fit(X, y)
    assert model.n_iter_ == 6  # the first epoch always improves


def test_training_that_ends_with_its_epochs_warns():
    X, y = positive_regression()
    with pytest.warns(ConvergenceWarning, match=r"ended at epochs=3 .* Raise epochs"):
        PositiveRegressor((6,), epochs=3).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # The same as in pyproject.toml: Keras under JAX warns, not this package.
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        PositiveRegressor((6,), epochs=3, tol=None).fit(X, y)
        PositiveRegressor((6,), epochs=3, early_stopping=True).fit(X, y)
        PositiveRegressor((6,), epochs=100, tol=1e9).fit(X, y)


def test_validation_data_without_early_stopping_are_recorded_only():
    X, y = positive_regression()
    settings = {"epochs": 5, "random_state": 0}
    watched = PositiveRegressor((6,), **settings).fit(X, y, X_val=X, y_val=y)
    plain = PositiveRegressor((6,), **settings).fit(X, y)
    np.testing.assert_array_equal(watched.predict(X), plain.predict(X))
    assert plain.validation_scores_ is None
    loss = np.mean((watched.predict(X) - y) ** 2)
    np.testing.assert_allclose(watched.validation_scores_[-1], -loss, rtol=1e-9)


def test_a_fit_that_diverges_says_what_to_try():
    X, y = positive_regression()
    model = PositiveRegressor((6,), optimizer="sgd", learning_rate=1e6, output="square", epochs=50)
    with pytest.raises(ValueError, match=r"Lower learning_rate \(it was 1e\+06\), scale X"):
        model.fit(X, y)


def test_targets_at_the_end_of_a_huge_range_do_not_diverge():
    X, _ = positive_regression()
    model = PositiveRegressor((4,), output="sigmoid", upper=3e38, dtype="float32", epochs=3)
    for end in (0.0, 1e-30):
        assert np.isfinite(model.fit(X, np.full(len(X), end)).loss_curve_).all()


@pytest.mark.parametrize(
    ("weight", "dtype", "said"),
    [
        (1e308, "float64", ("sum up to at most 1e+300", "Got weights up to 1e+308", "Divide")),
        (1e30, "float32", ("sum up to at most 1e+30", "Got weights up to 1e+30", "Divide")),
        (1e-50, "float32", ("float32 does not round to 0", "Got 1e-50", "Multiply")),
    ],
)
def test_weights_beyond_the_precision_are_blamed_themselves(weight, dtype, said):
    X, y = positive_regression()
    with refuses("sample_weight", *said):
        PositiveRegressor((4,), dtype=dtype).fit(X, y, sample_weight=np.full(len(X), weight))


def test_a_loss_of_the_user_that_is_not_a_number_is_named():
    X, y = positive_regression()

    def my_loss(y_true, y_pred):
        return keras.ops.mean(y_true * np.nan * y_pred, axis=-1)

    with refuses("loss=my_loss must be finite", "became nan in epoch 1", "Check the loss first"):
        PositiveRegressor((4,), loss=my_loss).fit(X, y)


@pytest.mark.parametrize("sizes", [True, {3: 4}, {3}, [True]])
def test_sizes_that_are_no_integers_are_refused(sizes):
    X, y = positive_regression()
    with refuses("hidden_layer_sizes must be a positive integer, or a list", f"Got {sizes}"):
        PositiveRegressor(sizes).fit(X, y)


def test_ctrl_c_raised_by_a_callback_keeps_the_epochs_before_it():
    X, y = positive_regression()

    def interrupt(epoch, logs):
        if epoch == 2:
            raise KeyboardInterrupt

    callbacks = [keras.callbacks.LambdaCallback(on_epoch_end=interrupt)]
    model = PositiveRegressor((6,), callbacks=callbacks, epochs=50)
    with pytest.raises(KeyboardInterrupt, match="interrupted after epoch 3"):
        model.fit(X, y)
    assert model.n_iter_ == 3
    assert np.isfinite(model.predict(X)).all()


def test_a_line_an_epoch(capsys):
    X, y = positive_regression()
    PositiveRegressor((6,), epochs=3, verbose=2).fit(X, y)
    assert "Epoch 3/3: loss=" in capsys.readouterr().out
