"""CompositionRegressor: a network whose predictions are shares of a total."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skconstrain._base._budget import FEW_ROWS
from skconstrain._base._regressor import NetRegressor
from skconstrain._base._rows import digits
from skconstrain._formulas._numpy_ops import softmax
from skconstrain._networks import CompositionHead
from skconstrain._sklearn_compat import Interval

# A row of y may miss the total by this share of it: float32, and numbers read from text, do.
_TOLERANCE = 1e-6

# A part that is missing starts at this share.
_SMALLEST_SHARE = 1e-4


class CompositionRegressor(NetRegressor):
    r"""Neural network regressor whose predictions are not negative and sum to `total`.

    For budgets, mixtures, market shares, land use, time of a day: parts of a whole that are known
    for each row. A multi-layer perceptron computes a number :math:`\eta_k(x)` for each of C parts,
    and softmax makes shares of them:

    .. math:: \hat y_k(x) = \text{total} \cdot
              \frac{\exp \eta_k(x)}{\sum_j \exp \eta_j(x)}

    It learns by the cross-entropy of shares :math:`-\sum_k s_k \log \hat s_k` with s = y / `total`,
    which is the Kullback-Leibler divergence but for a constant. Exact zeros need nothing special,
    as they would in models of log-ratios. Training starts with the weighted mean of y.

    For every finite X however far from the training data, predictions are finite, none is negative,
    and each row sums to `total` up to rounding: 1e-12 of it in float64, 1e-5 in float32.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(64, 64, 64)
        Units of each hidden layer; ``()`` is a multinomial logistic model of shares.
    activation : str or callable, default="silu"
        Activation of all hidden layers, named as in scikit-learn or Keras: ``"identity"``,
        ``"logistic"``, ``"tanh"``, ``"relu"``, any name of ``keras.activations``, or a function.
    total : float, default=1.0
        What rows of y and of predictions sum to: 100 for percentages.
    close : bool, default=False
        Whether each row of y is first divided by its sum, and multiplied by `total`: for amounts
        of money, time or area whose shares are to be predicted. `score` does the same. Without it,
        rows whose sum differs from `total` by more than a millionth of it are refused.
    alpha : float, default=1e-4
        Strength of the L2 penalty ``alpha / 2 * sum(kernel**2)``, divided by the number of samples
        of a batch as in scikit-learn's MLP.
    dropout : float, default=0.0
        Fraction of the units of each hidden layer that is dropped in training.
    kernel_constraint : {"non_neg"}, keras.constraints.Constraint or None, default=None
        Constraint on the weights of all layers, biases excepted.
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
        embedding; nor is there one of more than 500 features, without `standardize`, or with
        `kernel_constraint`.
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
        Number of outputs of the network. These are the parts.
    n_iter_ : int
        Number of epochs trained: of all calls of `fit` with ``warm_start=True``, and of
        `partial_fit`, together.
    loss_curve_ : list of float of length `n_iter_`
        Mean training loss of each epoch, without the penalty: the cross-entropy of shares, in nats.
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
    PositiveRegressor : Several outputs that are not negative, without a sum.
    MultiLabelNetClassifier : Classes and labels, where a row is one part or several.

    Notes
    -----
    A sample weight of zero equals removing the row, two equals repeating it; rows of a last,
    shorter batch count exactly as much as the others. `score` is the mean R2 of the parts.

    Some checks of :func:`sklearn.utils.estimator_checks.check_estimator` cannot apply: they fit a
    single column, which is no composition.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from skconstrain import CompositionRegressor
    >>> sizes = load_iris().data  # which share of its four sizes has each side of a flower?
    >>> X, Y = sizes.sum(axis=1, keepdims=True), sizes
    >>> net = CompositionRegressor(close=True, random_state=0).fit(X, Y)
    >>> shares = net.predict(-1000 * X)
    >>> bool((shares >= 0).all()), bool(np.allclose(shares.sum(axis=1), 1, rtol=1e-12))
    (True, True)
    """

    _parameter_constraints: dict = {
        **NetRegressor._parameter_constraints,
        "n_networks": [Interval(Integral, 1, None, closed="left")],
        "total": [Interval(Real, 0, None, closed="neither")],
        "close": ["boolean"],
    }

    _rows_to_split = FEW_ROWS

    def __init__(
        self,
        hidden_layer_sizes: "int | ArrayLike" = (64, 64, 64),
        *,
        activation: str | Callable = "silu",
        total=1.0,
        close=False,
        alpha=1e-4,
        dropout=0.0,
        kernel_constraint=None,
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
        self.total = total
        self.close = close
        self.alpha = alpha
        self.dropout = dropout
        self.kernel_constraint = kernel_constraint
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

    def score(self, X, y, sample_weight=None):
        """Return R2, the mean over the parts.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite data.
        y : array-like of shape (n_samples, n_outputs)
            Compositions; with ``close=True``, rows are divided by their sums as in `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, not negative.

        Returns
        -------
        score : float
            1 is best; 0 is what the mean of y has.
        """
        if self.close:
            y = self._fitted.network.head.total * self._encode_target(y, names=None, reset=False)
        return super().score(X, y, sample_weight)

    def _encode_target(self, y, *, names, reset, classes=None, name="y"):
        """Return shares, which sum to 1."""
        if np.ndim(y) < 2 or np.shape(y)[1] < 2:
            raise ValueError(
                "CompositionRegressor needs a y of two columns or more, one for each part. Got "
                f"shape {np.shape(y)}. Give the rest as another column: np.column_stack([y, "
                f"{self.total:g} - y])."
            )
        target = super()._encode_target(y, names=names, reset=reset, name=name)
        largest = target.max(axis=1, keepdims=True)  # whose sum cannot overflow
        return target / largest / (target / largest).sum(axis=1, keepdims=True)

    def _check_values(self, target):
        if (target < 0).any():
            row, column = np.argwhere(target < 0)[0]
            raise ValueError(
                f"CompositionRegressor needs y >= 0. Got {digits(target[row, column])} at row "
                f"{row}, column {column}. Parts of a whole are not negative: correct or remove "
                "such rows."
            )
        with np.errstate(over="ignore"):  # as in rows of 1e308, which may be closed
            sums = target.sum(axis=1)
        if not self.close and (np.abs(sums - self.total) > _TOLERANCE * self.total).any():
            row = np.argmax(np.abs(sums - self.total) > _TOLERANCE * self.total)
            raise ValueError(
                f"CompositionRegressor(total={self.total:g}) needs rows of y that sum to it. Got "
                f"{sums[row]:.10g} at row {row}. Set total=, or close=True, which divides each row "
                "by its sum."
            )
        if (sums == 0).any():
            raise ValueError(
                "CompositionRegressor(close=True) needs rows of y with a positive sum. Got 0 at "
                f"row {np.argmax(sums == 0)}. Remove such rows."
            )

    def _oof_prediction(self, outputs):
        return outputs.dtype.type(self._fitted.network.head.total) * softmax(outputs)

    def _head(self):
        return CompositionHead(float(self.total))

    def _start(self, rows):
        """Start at the mean shares."""
        limits = np.finfo(rows.X.dtype)
        if not float(limits.tiny) <= self.total <= float(limits.max):
            raise ValueError(
                f"total must be a number that {rows.X.dtype.name}, the precision of the network, "
                f"can represent. Got {self.total:g}. Use dtype='float64', or another unit of y."
            )
        share = np.average(rows.target, axis=0, weights=rows.weight)
        return {"eta/bias": np.log(np.maximum(share, _SMALLEST_SHARE))}, 1.0

    def _keras_loss(self):
        from skconstrain.losses import CategoricalFocalLoss

        # The focal loss without focusing is the cross-entropy, whose targets may be shares.
        return CategoricalFocalLoss(0.0, from_logits=True), None

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = False
        tags.target_tags.positive_only = True
        return tags
