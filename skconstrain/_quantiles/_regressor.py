"""QuantileNetRegressor: a network whose quantiles do not cross."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skconstrain._base._budget import FEW_ROWS
from skconstrain._base._monotonic import MONOTONIC_CST, checked_signs
from skconstrain._base._parts import warn_of_unused_fraction
from skconstrain._base._rows import digits
from skconstrain._base._spread import BESIDE, center_and_spread
from skconstrain._formulas._quantile_levels import (
    checked_levels,
    interpolated,
    known_start,
    middle,
    unit,
)
from skconstrain._lazy_rows import weighted_quantiles
from skconstrain._networks import QuantileHead
from skconstrain._quantiles._calibration import on_given_rows, out_of_fold
from skconstrain._quantiles._predictions import QuantilePredictions
from skconstrain._sklearn_compat import Interval, StrOptions, fit_context


class QuantileNetRegressor(QuantilePredictions):
    r"""Neural network regressor of quantiles that do not cross, for every input.

    For intervals around a prediction, reserves and stocks, and wherever the spread of y differs
    from row to row. One multi-layer perceptron computes all levels: the quantile of a level in the
    middle, and from each level to the next a step that is not negative,

    .. math:: \eta_k(x) = \eta_{k-1}(x) + c_k \log(1 + \exp h_k(x)),

    where :math:`c_k` is such that training starts at the quantiles of y. It learns by the mean
    pinball loss of all levels. With `lower` or `upper` a link that increases maps :math:`\eta` into
    the range: softplus from one end, the logistic function between two.

    For every finite X however far from the training data, quantiles are finite, increase with their
    level and lie inside the range, in float32 and float64: rounding does not let them cross, nor
    reach an end of the range. With `monotonic_cst`, no quantile moves against the sign of a
    feature, all else equal, not in its last bit: each output is then a quantile before the link,
    and the largest so far takes its place.

    Calibrated on `X_cal`, whose rows are exchangeable with a new one, the interval between two
    fitted levels on either side of 0.5 has the target of the new row with a probability of at least
    the distance of the levels.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(64, 64, 64)
        Units of each hidden layer; ``()`` is a linear model.
    activation : str or callable, default="silu"
        Activation of all hidden layers, named as in scikit-learn or Keras: ``"identity"``,
        ``"logistic"``, ``"tanh"``, ``"relu"``, any name of ``keras.activations``, or a function.
    quantiles : array-like of float, default=(0.05, 0.5, 0.95)
        Levels that are fitted, increasing, between 0 and 1. They must reach from 0.5 or below to
        0.5 or above, because `predict` returns the median. Any level between the first and the last
        may be asked for after the fit: it is interpolated.
    lower : float or None, default=None
        Lower end of the range.
    upper : float or None, default=None
        Upper end of the range.
    calibration : {"auto"} or None, default="auto"
        What moves the quantile of each level before the link, so that its share of the targets is
        that of the level. ``"auto"`` takes the rows `X_cal` of `fit`; else those of the folds, if
        they are more than 200, each as the network without it predicts it. Without either, as of
        one network or after `partial_fit`, quantiles stay as they are; and so they do with None.
    alpha : float, default=1e-4
        Strength of the L2 penalty ``alpha / 2 * sum(kernel**2)``, divided by the number of samples
        of a batch as in scikit-learn's MLP.
    dropout : float, default=0.0
        Fraction of the units of each hidden layer that is dropped in training.
    kernel_constraint : {"non_neg"}, keras.constraints.Constraint or None, default=None
        Constraint on the weights of all layers, biases excepted.
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
        Number of outputs of the network. These are the levels.
    n_iter_ : int
        Number of epochs trained: of all calls of `fit` with ``warm_start=True``, and of
        `partial_fit`, together.
    loss_curve_ : list of float of length `n_iter_`
        Mean training loss of each epoch, without the penalty: the mean pinball loss of the levels,
        in the unit of y.
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
    calibration_ : ndarray of shape (n_quantiles,) or None
        What each level is moved by before the link; infinite where `X_cal` has too few rows for it.
        None where quantiles are as they were trained.
    model_ : keras.Model
        The fitted network as an ordinary Keras model with the same predictions. It is a copy, built
        when first asked for: training it further does not change the estimator.

    See Also
    --------
    PositiveRegressor : One quantile, with ``loss="quantile"``.
    skconstrain.inspection.QuantileDisplay : The quantiles as a picture, and their coverage.
    sklearn.ensemble.HistGradientBoostingRegressor : A model for each level, whose quantiles may
        cross.

    Notes
    -----
    Calibration is conformalised quantile regression [1]_, with a score for each level. On `X_cal`
    the probability is over its rows and the new one, not for each X; levels that were not fitted
    are interpolated, without a promise. A level of 0.99 needs 99 rows, one of 0.95 needs 19: with
    fewer its quantile is the end of the range, or infinite, and `fit` warns. Where an end of the
    range is a target, the number next to it inside counts as the target. Rows of the folds
    are weighted, and calibrate the cross-conformal way [2]_: in practice intervals hold their share
    or some more, because one network errs more than the mean of all; it is not promised.
    `oof_prediction_` is not calibrated.

    Between two levels that were fitted, a quantile is interpolated linearly in the quantile of the
    normal distribution, which is exact for normal targets. Levels that matter are better fitted;
    many in the middle make those at the ends worse, because the loss is the mean over all.

    A sample weight of zero equals removing the row, two equals repeating it; rows of a last,
    shorter batch count exactly as much as the others.

    References
    ----------
    .. [1] Romano, Patterson and Candes (2019). Conformalized quantile regression. NeurIPS 32.
    .. [2] Vovk (2015). Cross-conformal predictors. Annals of Mathematics and Artificial
       Intelligence 74.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skconstrain import QuantileNetRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> net = QuantileNetRegressor(lower=0, random_state=0).fit(X, y)
    >>> low, median, high = net.predict_quantiles(-1000 * X).T
    >>> bool(((0 < low) & (low <= median) & (median <= high)).all())
    True
    """

    _parameter_constraints: dict = {
        **QuantilePredictions._parameter_constraints,
        "n_networks": [Interval(Integral, 1, None, closed="left")],
        "monotonic_cst": MONOTONIC_CST,
        "quantiles": ["array-like"],
        "lower": [Interval(Real, None, None, closed="neither"), None],
        "upper": [Interval(Real, None, None, closed="neither"), None],
        "calibration": [StrOptions({"auto"}), None],
    }

    _rows_to_split = FEW_ROWS

    def __init__(
        self,
        hidden_layer_sizes: "int | ArrayLike" = (64, 64, 64),
        *,
        activation: str | Callable = "silu",
        quantiles: "ArrayLike" = (0.05, 0.5, 0.95),
        lower=None,
        upper=None,
        calibration: str | None = "auto",
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
        self.quantiles = quantiles
        self.lower = lower
        self.upper = upper
        self.calibration = calibration
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

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
        X_cal=None,
        y_cal=None,
    ):
        """Fit the network.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Training data: numbers, none of them infinite, NaN for gaps; of a DataFrame also text,
            categories and booleans: see `categorical_features`. Rows of more than a quarter of
            scikit-learn's `working_memory` (256 MiB by default) are read in chunks of so much.
        y : array-like of shape (n_samples,)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, not negative. A weight of zero equals removing the row, a weight of two equals
            repeating it.
        X_val : array-like or sparse matrix of shape (n_validation_samples, n_features), \
default=None
            Validation data. Without it, ``early_stopping=True`` sets rows of the training data
            aside.
        y_val : array-like, default=None
            Targets of the validation data.
        sample_weight_val : array-like of shape (n_validation_samples,), default=None
            Weights of the validation data in the validation loss, not negative.
        X_cal : array-like or sparse matrix of shape (n_calibration_samples, n_features), \
default=None
            Rows to calibrate on, of which none is in X or X_val: see `calibration`. In a Pipeline
            they pass its transformers where it has ``transform_input=["X_cal"]`` and metadata
            routing is enabled.
        y_cal : array-like of shape (n_calibration_samples,), default=None
            Targets of these rows.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        if self.calibration is None and not (X_cal is None and y_cal is None):
            raise ValueError('X_cal needs calibration="auto". Got calibration=None.')
        warn_of_unused_fraction(self)
        return self._fit(
            X,
            y,
            sample_weight,
            (X_val, y_val, sample_weight_val),
            calibration=(X_cal, y_cal, None),
            continues=self.warm_start and hasattr(self, "_fitted"),
            epochs=self.epochs,
        )

    def _check_settings(self):
        levels = checked_levels(self.quantiles)
        if (np.diff(levels) <= 0).any():
            raise ValueError(f"quantiles must increase. Got {self.quantiles!r}.")
        if not levels[0] <= 0.5 <= levels[-1]:
            raise ValueError(
                "quantiles must reach from 0.5 or below to 0.5 or above, because predict returns "
                f"the median. Got {self.quantiles!r}. Add 0.5."
            )
        if self.lower is not None and self.upper is not None and self.upper <= self.lower:
            raise ValueError(
                f"upper must be greater than lower. Got lower={self.lower}, upper={self.upper}."
            )

    def _encode_target(self, y, *, names, reset, classes=None, name="y"):
        """Return the target once for each level."""
        target, _ = self._columns(y, name)
        if target.shape[1] > 1:
            raise ValueError(
                f"QuantileNetRegressor needs one target. Got y of {target.shape[1]} columns. Use "
                "sklearn.multioutput.MultiOutputRegressor, which fits a network for each."
            )
        self._check_values(target)
        if reset:
            self.n_outputs_, self._y_is_1d = len(self.quantiles), True
        return np.repeat(target, self.n_outputs_, axis=1)

    def _check_values(self, target):
        for name, is_beyond, relation in (("lower", np.less, ">="), ("upper", np.greater, "<=")):
            end = getattr(self, name)
            if end is not None and is_beyond(target, end).any():
                row = np.argmax(is_beyond(target[:, 0], end))
                raise ValueError(
                    f"QuantileNetRegressor({name}={digits(end)}) needs y {relation} {digits(end)}. "
                    f"Got {digits(target[row, 0])} at row {row}. Set {name}=, or shift y."
                )

    def _oof_prediction(self, outputs):
        levels = np.array(self._fitted.network.head.levels)
        return interpolated(levels, outputs, np.array([0.5]))[:, 0]

    def _calibrate(self, parts, given):
        if self.calibration is None:
            return
        if given is not None:
            self._fitted = on_given_rows(self._fitted, given)
        elif parts.folds is not None and len(parts.folds) > FEW_ROWS:
            self._fitted = out_of_fold(self._fitted, parts)

    def _head(self):
        ends = (None if end is None else float(end) for end in (self.lower, self.upper))
        return QuantileHead(tuple(checked_levels(self.quantiles).tolist()), *ends)

    def _start(self, rows):
        """Start at the quantiles of y, in the unit of its spread."""
        rows, levels = rows._replace(target=rows.target[:, :1]), checked_levels(self.quantiles)
        spread = float(center_and_spread(rows, 0.5)[1][0])
        quantiles = weighted_quantiles(rows.target, rows.weight, levels)[:, 0]
        ends = {"lower": self.lower, "upper": self.upper}
        center = quantiles[middle(len(levels))]
        if center in ends.values():
            center = np.average(rows.target[:, 0], weights=rows.weight)
        scale = unit(center, spread, **ends, dtype=rows.X.dtype)
        beside = quantiles + BESIDE * spread
        monotone = checked_signs(self) is not None
        return known_start(levels, beside, spread, scale=scale, **ends, monotone=monotone), scale

    def _keras_loss(self):
        from skconstrain.losses import PinballLoss

        return PinballLoss(checked_levels(self.quantiles).tolist()), 1.0

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = False
        tags.target_tags.positive_only = self.lower is not None and bool(self.lower >= 0)
        return tags
