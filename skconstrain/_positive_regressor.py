"""PositiveRegressor: a network whose predictions cannot leave their range."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skconstrain._base._budget import FEW_ROWS
from skconstrain._base._monotonic import MONOTONIC_CST
from skconstrain._base._regressor import NetRegressor
from skconstrain._base._rows import digits
from skconstrain._base._spread import center_and_spread
from skconstrain._formulas._links import (
    LINKS,
    bias_and_gain,
    check_monotone,
    check_range,
    smallest_share,
)
from skconstrain._networks import BoundedOutputHead
from skconstrain._sklearn_compat import Interval, Options, StrOptions

# The scale of a link is at least this share of the distance between its end and the targets.
_SMALLEST_SCALE = 1e-9


class PositiveRegressor(NetRegressor):
    r"""Neural network regressor whose predictions lie in ``[lower, upper)``, for every input.

    For prices, counts, durations and doses that must not go negative, or rates that must stay
    between two ends. A multi-layer perceptron computes an unconstrained number
    :math:`\eta(x)`; a link f maps it into the range, and the network learns through the link:

    .. math:: \hat y(x) = \text{lower} + s\,f(g\,\eta(x)) \quad\text{or}\quad
              \hat y(x) = \text{lower} + (\text{upper} - \text{lower})\,f(g\,\eta(x))

    where s is the scale of each output's targets, found in `fit`: their standard deviation, or
    their mean above `lower` if that is smaller. Targets are scaled by multiplication only, so that
    `lower` keeps its meaning. Training starts where links have a gradient: before the first step
    every prediction equals the weighted mean of y. The gain g, at most 1, is such that a change of
    one in :math:`\eta` moves that start by no more than one standard deviation of y, whatever the
    link. With ``loss="absolute_error"``, ``"huber"`` or ``"quantile"`` the median, or the
    `quantile`, takes the place of the mean, and the interquartile range divided by 1.349 that of
    the standard deviation: a few far values of y change neither.

    Every prediction lies inside the range and is finite, for every finite X however far from the
    training data, in float32 and float64. An open end is never reached, not even by rounding. With
    `monotonic_cst`, no prediction moves against the sign of a feature, all else equal: nowhere, not
    in its last bit, and not from one batch of rows to another.

    ============  ==================  =================  =========================================
    output        f(eta)              predictions        gradient, and when to choose it
    ============  ==================  =================  =========================================
    "softplus"    log(1 + exp(eta))   (lower, inf)       fades far below 0; the default: smooth,
                                                         and linear for large values
    "exp"         exp(min(eta, 30))   (lower, inf)       grows with the value; targets over orders
                                                         of magnitude, with a deviance loss. Its
                                                         cap is exp(30) = 1e13 times the scale
    "square"      eta**2              [lower, inf)       vanishes at 0, grows above; smooth
                                                         targets of one order of magnitude
    "abs"         abs(eta)            [lower, inf)       jumps at 0; keeps magnitudes, give the
                                                         optimizer ``clipnorm`` if it oscillates
    "softabs"     eta**2/2 below 1,   [lower, inf)       vanishes at 0, constant for large values;
                  abs(eta)-1/2 above                     smooth and linear at once
    "relu"        max(eta, 0)         [lower, inf)       that of the identity (straight-through),
                                                         so that an output at `lower` can rise
                                                         again; targets with exact zeros
    "sigmoid"     1/(1 + exp(-eta))   (lower, upper)     fades at both ends; targets in a range
    "tanh"        (1 + tanh(eta))/2   (lower, upper)     as sigmoid, twice as steep
    ============  ==================  =================  =========================================

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(64, 64, 64)
        Units of each hidden layer; ``()`` is a (generalised) linear model.
    activation : str or callable, default="silu"
        Activation of all hidden layers, named as in scikit-learn or Keras: ``"identity"``,
        ``"logistic"``, ``"tanh"``, ``"relu"``, any name of ``keras.activations``, or a function.
    output : str, default="softplus"
        The link f, by its name in the table above. `monotonic_cst` refuses those that fall
        somewhere: ``"square"``, ``"abs"`` and ``"softabs"``.
    lower : float, default=0.0
        Lower end of the range.
    upper : float or None, default=None
        Upper end of the range; needed by ``"sigmoid"`` and ``"tanh"``, refused by the others.
    loss : str, keras.losses.Loss or callable, default="squared_error"
        What training minimises, in the weighted mean over samples: ``"squared_error"``,
        ``"absolute_error"``, ``"huber"``, ``"squared_log_error"``, ``"poisson"``, ``"gamma"``,
        ``"tweedie"`` or ``"quantile"``. The names are those of the metrics of scikit-learn,
        deviances included; ``"huber"`` is quadratic up to a deviation of one scale s and linear
        beyond. A Keras loss, or a function of ``y_true`` and ``y_pred`` that returns a loss for
        each sample, is computed on y in its own units.
    power : float, default=1.5
        Power of the Tweedie deviance, 0 or at least 1. Only used by ``loss="tweedie"``.
    quantile : float, default=0.5
        Quantile to predict, between 0 and 1. Only used by ``loss="quantile"``.
    alpha : float, default=1e-4
        Strength of the L2 penalty ``alpha / 2 * sum(kernel**2)``, divided by the number of samples
        of a batch as in scikit-learn's MLP. It is added to the loss of targets divided by s.
    dropout : float, default=0.0
        Fraction of the units of each hidden layer that is dropped in training.
    kernel_constraint : {"non_neg"}, keras.constraints.Constraint or None, default=None
        Constraint on the weights of all layers, biases excepted. It is kept after every step: for
        when weights, not outputs, must be positive. ``"non_neg"`` with a monotone `activation`
        makes the prediction non-decreasing in every feature where the link is monotone.
    monotonic_cst : array-like of int of shape (n_features,), dict or None, default=None
        Sign of each feature, as in HistGradientBoostingRegressor: 1 where predictions, or
        probabilities, must not fall when the feature rises, -1 where they must not rise, 0 where it
        is free. A dict goes by the names of the features, 0 for those left out. Hidden layers are
        then :class:`skconstrain.layers.MonotonicDense`, half of whose units only free features
        feed. Needs `standardize` and an `activation` with a name, and refuses `kernel_constraint`.
    categorical_features : "from_dtype", array-like or None, default="from_dtype"
        Which features hold categories: a mask, positions, or names of columns. ``"from_dtype"`` are
        the columns of a DataFrame that hold text, categories or booleans; of an array, none. Each
        category has a flag of its own; rare ones share one with those that `fit` has not seen.
        Gaps, NaN in numbers and missing categories, are learnt where the training rows have some;
        where these have none, a gap is the center of its feature, or 0 without `standardize`.
        Columns of a DataFrame with categories may come in any order.
    standardize : bool, default=True
        Whether a fixed first layer centers, scales and smoothly clips the features, by medians and
        spreads of the weighted training rows: see :class:`skconstrain.layers.Standardize`. With it,
        units do not matter, and `partial_fit` follows the rows of all its calls.
    n_frequencies : int, default=8
        Number of frequencies of the embedding of each numerical feature: three trained sums of as
        many cosines of it stand beside it. See :class:`skconstrain.layers.PeriodicEmbedding`.
        Numerical are features of ten or more distinct values whose quartiles differ. 0 is no
        embedding; nor is there one of more than 500 features, without `standardize`, with
        `kernel_constraint`, or for features with a sign.
    weight_features : bool, default=True
        Whether a trained layer multiplies each feature by a factor of its own, which learns six
        times as fast as other weights: features of little use soon have small ones. See
        :class:`skconstrain.layers.FeatureWeighting`.
    n_networks : int, default=5
        Number of networks of these settings, whose mean is predicted: of predictions, or of
        probabilities. They train as one Keras model on the same batches, and start from different
        weights. With early stopping the training data are dealt to as many folds, which takes the
        place of `validation_fraction`: each network trains on all folds but its own, on which it is
        validated, and keeps the weights of its own best epoch. Given `X_val`, and without early
        stopping, all train on all rows.
    optimizer : str or keras.optimizers.Optimizer, default="adam"
        Name or instance; an instance is copied, never changed.
    learning_rate : float, "auto" or None, default="auto"
        Learning rate before the schedule; None is the optimizer's own. ``"auto"`` is 0.01 for
        ``"adam"``, ``"adamw"``, ``"nadam"`` and ``"adamax"``, and the optimizer's own otherwise.
    learning_rate_schedule : str or callable, default="flat_cosine"
        Factor of the learning rate in each epoch: ``"constant"`` is 1, ``"cosine"`` falls from 1 to
        0 along half a cosine, ``"flat_cosine"`` does so in the second half of the training; a
        function gives it for the fraction of the training that is done, in [0, 1). Each `fit` goes
        through all of it, also with `warm_start`; `partial_fit` has a factor of 1. An optimizer
        with a schedule of its own follows that alone; callbacks that change the learning rate need
        ``"constant"``.
    epochs : int or "auto", default="auto"
        Largest number of passes over the training data. ``"auto"`` is a budget of steps: 80 passes,
        but at least 1,000 steps; twice that where held-out samples end training early; 300 steps of
        up to 200 samples; and at most 4,000.
    batch_size : int or "auto", default="auto"
        Samples of a step. ``"auto"`` is all of up to 200, else a power of two near a fiftieth of
        the samples, from 64 to 1,024.
    early_stopping : bool or "auto", default="auto"
        Whether to stop on validation data and keep the weights of its best epoch.
        The data are `X_val` and `y_val` of `fit`, or `validation_fraction` of the training data.
        ``"auto"`` does so with given validation data, and with more than 200 samples.
    validation_fraction : float, default=0.1
        Fraction of the training data set aside for early stopping. Without effect where several
        networks are fitted, which have folds in its place; set there, it warns.
    n_iter_no_change : int or "auto", default="auto"
        Training stops after more than this many epochs without improvement by `tol`. ``"auto"`` is
        a fifth of the epochs, at least 5, on validation data; the loss of training stops nothing.
    tol : float or None, default=0.0
        Smallest improvement of the monitored loss that counts. ``None`` trains for all `epochs`.
        The loss is that of targets divided by s; a ``ConvergenceWarning`` tells of training that
        ended with the last of `epochs`.
    warm_start : bool, default=False
        Whether `fit` continues from the weights of the previous `fit`.
    callbacks : list of keras.callbacks.Callback or None, default=None
        Called as in ``keras.Model.fit``. A callback that overrides a batch hook makes training run
        step by step, which is slower.
    dtype : {"float32", "float64"} or None, default=None
        Precision of the network; ``None`` is that of X: float32 stays, everything else is float64.
        Networks of float64 then still train in float32 where batches are drawn at random, which
        takes half of the time; with ``"float64"`` they do not.
    random_state : int, RandomState instance or None, default=None
        Decides the result, to the last bit on a CPU. ``None`` differs from fit to fit. It is used
        for initial weights, shuffling, dropout and the validation split.
    verbose : int, default=0
        0 prints nothing, 1 a progress bar in a terminal or notebook, 2 a line an epoch.

    Attributes
    ----------
    categories_ : list of length `n_features_in_`
        For each feature the ndarray of its categories, None where it holds numbers. `model_` and
        graphs of ONNX take the place of a category in it as its code, one more for all others.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features, where X has names that are all strings.
    n_outputs_ : int
        Number of outputs of the network.
    n_iter_ : int
        Number of epochs trained: of all calls of `fit` with ``warm_start=True``, and of
        `partial_fit`, together.
    loss_curve_ : list of float of length `n_iter_`
        Mean training loss of each epoch, without the penalty. It is in the units of the loss. With
        several outputs, it is the mean of their losses, each relative to its scale s, times the
        mean of the units that these scales give the loss.
    validation_scores_ : list of float or None
        Negative loss of the validation data after each epoch. None without validation data. Larger
        is better.
    best_loss_ : float
        Smallest monitored loss. It is that of the validation data with early stopping, else that of
        training.
    oof_prediction_ : ndarray of n_samples rows
        Out-of-fold predictions, or probabilities: of each training row by the network not trained
        on it, NaN for rows without weight. Only where ``n_networks`` networks were stopped on
        folds. It is left out of pickles.
    model_ : keras.Model
        The fitted network as an ordinary Keras model with the same predictions. It is a copy, built
        when first asked for: training it further does not change the estimator.

    See Also
    --------
    skconstrain.layers.BoundedOutput : The link as a layer for other Keras models.
    sklearn.compose.TransformedTargetRegressor : Transforms y instead; the mean is then that of the
        transformed target, and an offset in the transformer undoes a range.
    sklearn.linear_model.PoissonRegressor : The linear model that ``output="exp"``,
        ``loss="poisson"`` and ``hidden_layer_sizes=()`` fits.

    Notes
    -----
    A sample weight of zero equals removing the row, two equals repeating it; rows of a last,
    shorter batch count exactly as much as the others. Counts with exposure are fitted as rates,
    with the exposure as `sample_weight` and ``loss="poisson"``.

    Where inputs are so large that a hidden unit would overflow, units saturate at 1e15 (float32) or
    1e150 (float64) instead.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skconstrain import PositiveRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> net = PositiveRegressor(random_state=0).fit(X, y)
    >>> bool((net.predict(-1000 * X) > 0).all())
    True
    """

    _parameter_constraints: dict = {
        **NetRegressor._parameter_constraints,
        "monotonic_cst": MONOTONIC_CST,
        "n_networks": [Interval(Integral, 1, None, closed="left")],
        "output": [StrOptions(set(LINKS))],
        "lower": [Interval(Real, None, None, closed="neither")],
        "upper": [Interval(Real, None, None, closed="neither"), None],
        "loss": [str, callable],  # `losses` knows the names, and needs Keras
        "power": [Interval(Real, 1, None, closed="left"), Options(Real, {0})],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
    }

    _rows_to_split = FEW_ROWS

    def __init__(
        self,
        hidden_layer_sizes: "int | ArrayLike" = (64, 64, 64),
        *,
        activation: str | Callable = "silu",
        output="softplus",
        lower=0.0,
        upper=None,
        loss: str | Any | Callable = "squared_error",
        power=1.5,
        quantile=0.5,
        alpha=1e-4,
        dropout=0.0,
        kernel_constraint=None,
        monotonic_cst=None,
        categorical_features: "str | ArrayLike | None" = "from_dtype",
        standardize=True,
        n_frequencies=8,
        weight_features=True,
        n_networks=5,
        optimizer: str | Any = "adam",
        learning_rate: float | str | None = "auto",
        learning_rate_schedule: str | Callable = "flat_cosine",
        epochs: int | str = "auto",
        batch_size: int | str = "auto",
        early_stopping: bool | str = "auto",
        validation_fraction=0.1,
        n_iter_no_change: int | str = "auto",
        tol: float | None = 0.0,
        warm_start=False,
        callbacks=None,
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
        self.alpha = alpha
        self.dropout = dropout
        self.kernel_constraint = kernel_constraint
        self.monotonic_cst = monotonic_cst
        self.categorical_features = categorical_features
        self.standardize = standardize
        self.n_frequencies = n_frequencies
        self.weight_features = weight_features
        self.n_networks = n_networks
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.epochs = epochs
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.dtype = dtype
        self.random_state = random_state
        self.verbose = verbose

    def _check_settings(self):
        check_range(self.output, self.lower, self.upper)
        if self.monotonic_cst is not None:
            check_monotone(self.output)
        if self._loss().needs_positive_predictions and self.lower < 0:
            raise ValueError(
                f"loss={self.loss!r} needs lower >= 0, because it is defined for positive "
                f"predictions. Got lower={self.lower}."
            )

    def _loss(self):
        from skconstrain.losses._regression import regression_loss

        return regression_loss(self.loss, power=self.power, quantile=self.quantile)

    def _check_values(self, target):
        below, above = target < self.lower, np.zeros(target.shape, bool)
        if self.upper is not None:
            above = target > self.upper
        if below.any() or above.any():
            row, column = np.argwhere(below | above)[0]
            name, relation = ("lower", ">=") if below[row, column] else ("upper", "<=")
            end = digits(getattr(self, name))
            raise ValueError(
                f"PositiveRegressor({name}={end}) needs y {relation} {end}. "
                f"Got {digits(target[row, column])} at row {row}. Set {name}=, or shift y."
            )
        if self._loss().needs_positive_targets and (target <= 0).any():
            row, column = np.argwhere(target <= 0)[0]
            raise ValueError(
                f"loss={self.loss!r} needs y > 0. Got {digits(target[row, column])} at row {row}. "
                "Use loss='poisson' or a tweedie power below 2, or remove such rows."
            )

    def _head(self):
        upper = None if self.upper is None else float(self.upper)
        return BoundedOutputHead(self.output, float(self.lower), upper)

    def _start(self, rows):
        """Start at the center of y; scale each output by its spread.

        The scale is the center above `lower` if that is smaller: the spread gives targets far from
        `lower` a resolution, the center keeps skewed ones from starting in the flat part of a link.
        """
        center, spread = self._center_and_spread(rows)
        above = center - self.lower
        scale = np.where(spread > 0, np.minimum(spread, above), above)
        width = 1.0 if self.upper is None else self.upper - self.lower
        scale = np.where(scale > 0, scale, width)
        if self.upper is not None:
            # Squares of gradients would overflow in a much smaller unit than the range.
            scale = np.maximum(scale, smallest_share(rows.X.dtype) * width)
        # A link reaches targets far from the end in units of their spread: "exp" does.
        of_link = np.maximum(scale, _SMALLEST_SCALE * above)
        ends = {"lower": self.lower, "upper": self.upper}
        bias, gain = bias_and_gain(self.output, center, spread, scale=of_link, **ends)
        known = {"eta/bias": bias, "output/gain": gain, "output/scale": of_link}
        return known, scale

    def _center_and_spread(self, rows):
        """Return center and spread of y; those of all targets where a quantile is an end of it."""
        mean, deviation = center_and_spread(rows)
        center, spread = center_and_spread(rows, self._loss().quantile)
        upper = np.inf if self.upper is None else self.upper
        is_inside = (self.lower < center) & (center < upper)
        return np.where(is_inside, center, mean), np.where(is_inside, spread, deviation)

    def _keras_loss(self):
        loss = self._loss()
        return loss.loss, loss.exponent

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # Several outputs work, but the tag would ask for check_regressor_multioutput, which draws
        # negative y whatever positive_only says. Nothing else in scikit-learn reads it.
        tags.target_tags.multi_output = False
        tags.target_tags.positive_only = bool(self.lower >= 0)
        return tags
