"""PositiveRegressor: a network whose predictions cannot leave their range."""

import warnings
from numbers import Real

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import check_array

from skconstrain._base import NetEstimator
from skconstrain._links import LINKS, check_range, start_bias
from skconstrain._sklearn_compat import Interval, Options, StrOptions

# Losses that are defined for a positive mean, by the smallest power of the Tweedie family.
_DEVIANCES = {"poisson": 1.0, "gamma": 2.0}
_LOSSES = {
    "squared_error", "absolute_error", "huber", "squared_log_error",
    "poisson", "gamma", "tweedie", "quantile",
}  # fmt: skip


class PositiveRegressor(RegressorMixin, NetEstimator):
    """Doc."""

    _parameter_constraints: dict = {
        **NetEstimator._parameter_constraints,
        "output": [StrOptions(set(LINKS))],
        "lower": [Interval(Real, None, None, closed="neither")],
        "upper": [Interval(Real, None, None, closed="neither"), None],
        "loss": [StrOptions(_LOSSES), callable],
        "power": [Interval(Real, 1, None, closed="left"), Options(Real, {0})],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        *,
        activation="relu",
        output="softplus",
        lower=0.0,
        upper=None,
        loss="squared_error",
        power=1.5,
        quantile=0.5,
        kernel_constraint=None,
        alpha=1e-4,
        dropout=0.0,
        optimizer="adam",
        learning_rate=None,
        epochs=200,
        batch_size="auto",
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-4,
        warm_start=False,
        callbacks=None,
        jit_compile="auto",
        dtype=None,
        random_state=None,
        verbose=0,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.output = output
        self.lower = lower
        self.upper = upper
        self.loss = loss
        self.power = power
        self.quantile = quantile
        self.kernel_constraint = kernel_constraint
        self.alpha = alpha
        self.dropout = dropout
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.jit_compile = jit_compile
        self.dtype = dtype
        self.random_state = random_state
        self.verbose = verbose

    def predict(self, X):
        """Predict targets inside the range, for every finite X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Finite data, however far from the training data.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions inside the range, in the precision of the network.
        """
        y = self._outputs(X)
        return y[:, 0] if self._y_is_1d else y

    def _check_settings(self):
        check_range(self.output, self.lower, self.upper)
        if self._power() is not None and self._power() >= 1 and self.lower < 0:
            raise ValueError(
                f"loss={self.loss!r} needs lower >= 0, because it is defined for positive "
                f"predictions. Got lower={self.lower}."
            )
        if self.loss == "squared_log_error" and self.lower < 0:
            raise ValueError(f"loss='squared_log_error' needs lower >= 0. Got lower={self.lower}.")

    def _power(self):
        """Power of the Tweedie family that the loss belongs to, or None."""
        if not isinstance(self.loss, str):
            return None
        return self.power if self.loss == "tweedie" else _DEVIANCES.get(self.loss)

    def _encode_target(self, y, *, reset):
        y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y", estimator=self)
        is_1d = y.ndim == 1
        if y.ndim == 2 and y.shape[1] == 1:
            warnings.warn(
                "A column-vector y was passed when a 1d array was expected. Change the shape of y to "
                "(n_samples,), for example with y.ravel().",
                DataConversionWarning,
                stacklevel=4,
            )
            is_1d = True
        target = y.reshape(len(y), -1)
        self._check_inside(target)
        if reset:
            self.n_outputs_, self._y_is_1d = target.shape[1], is_1d
        elif target.shape[1] != self.n_outputs_:
            raise ValueError(f"y must have {self.n_outputs_} outputs, as in fit. Got {target.shape[1]}.")
        return target

    def _check_inside(self, target):
        below, above = target < self.lower, np.zeros(target.shape, bool)
        if self.upper is not None:
            above = target > self.upper
        if below.any() or above.any():
            row, column = np.argwhere(below | above)[0]
            end = f"y >= {self.lower:g}" if below[row, column] else f"y <= {self.upper:g}"
            name = "lower" if below[row, column] else "upper"
            raise ValueError(
                f"PositiveRegressor({name}={getattr(self, name):g}) needs {end}. "
                f"Got {target[row, column]:g} at row {row}. Set {name}=, or shift y."
            )
        power = self._power()
        if power is not None and power >= 2 and (target <= 0).any():
            row, column = np.argwhere(target <= 0)[0]
            raise ValueError(
                f"loss={self.loss!r} needs y > 0. Got {target[row, column]:g} at row {row}. "
                "Use loss='poisson' or a tweedie power below 2, or remove such rows."
            )

    def _network_head(self):
        upper = None if self.upper is None else float(self.upper)
        return "BoundedOutput", {"output": self.output, "lower": float(self.lower), "upper": upper}

    def _output_scale(self, target, weight):
        """Scale of each output: its spread, or its mean above `lower` if that is smaller.

        y is only multiplied. The spread gives targets far from `lower` a resolution, the mean keeps
        skewed ones from starting in the flat part of a link.
        """
        mean = np.average(target, axis=0, weights=weight)
        spread = np.sqrt(np.average((target - mean) ** 2, axis=0, weights=weight))
        above = mean - self.lower
        # A constant target has no spread but that of rounding.
        scale = np.where(spread > 1e-9 * above, np.minimum(spread, above), above)
        return mean, np.where(scale > 0, scale, 1.0)

    def _start_values(self, target, weight):
        mean, scale = self._output_scale(target, weight)
        bias = start_bias(self.output, mean, lower=self.lower, upper=self.upper, scale=scale)
        return {"eta/bias": bias, "output/scale": scale}

    def _objective(self, target, weight):
        from skconstrain import losses

        scale = float(np.mean(self._output_scale(target, weight)[1]))
        loss, exponent = losses.named(self.loss, power=self.power, quantile=self.quantile)
        if exponent is None:  # not homogeneous: computed on y as it is
            return loss, 1.0, 1.0
        return loss, scale, scale**exponent

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # Several outputs work, but the tag would ask for check_regressor_multioutput, which draws
        # negative y whatever positive_only says. Nothing else in scikit-learn reads it.
        tags.target_tags.multi_output = False
        tags.target_tags.positive_only = bool(self.lower >= 0)
        return tags
