"""SparseConnectedNet: a regressor with exactly the connections it is given."""

from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skconstrain._base._regressor import NetRegressor
from skconstrain._base._spread import center_and_spread
from skconstrain._connected._mixin import ConnectedNetMixin
from skconstrain._networks import AffineHead
from skconstrain._sklearn_compat import Interval


class SparseConnectedNet(ConnectedNetMixin, NetRegressor):
    """Neural network regressor with exactly the connections it is given.

    For when a diagram says what may feed what: genes and pathways, sensors and subsystems, pixels
    and windows. A layer computes ``activation(x @ (W * A) + b)`` with A the matrix of zeros and
    ones that was given; the last layer is linear. Targets are standardised for training, and
    predictions are in their own units.

    A connection that is absent is exactly 0.0: in training, in `partial_fit`, after early stopping,
    with every optimizer, constraint and penalty, after pickling and in every report.

    Parameters
    ----------
    connections : matrix, list of matrices or None, default=None
        A 0/1 matrix A of shape (n_features, n_units), or a list of them for successive layers, the
        second of shape (units of the first, n_units) and so on: A[i, j] is 1 where input i feeds
        unit j. Arrays, scipy.sparse of any format, DataFrames, or what
        :mod:`skconstrain.connections` builds. The index of a DataFrame names the inputs and its
        columns name the units: rows are then found by name among the features, or the units of the
        layer below, in any order; what has no row is not connected. None is a network of dense
        layers.
    hidden_layer_sizes : int or array-like of int, default=()
        Units of dense layers between the connected ones and the output.
    activation : str, callable or list of them, default="relu"
        Activation of all hidden layers, named as in scikit-learn or Keras. A list has one for each
        of them, connected and dense.
    use_bias : bool, default=True
        Whether units and outputs have biases.
    bias_connections : list of array-like, default=None
        For each matrix of `connections` a vector of 0 and 1, 1 for each unit that has a bias, or
        None for all of them; and one more for `output_connections`, if wanted. A vector where
        `connections` is one matrix.
    output_connections : matrix or None, default=None
        A 0/1 matrix of shape (units of the last hidden layer, n_outputs) for the output layer,
        which is dense without it.
    kernel : {"auto", "dense", "sparse"}, default="auto"
        How connected layers are computed; results are the same to rounding. ``"dense"`` multiplies
        a whole kernel by A, ``"sparse"`` stores and trains the connections only, with memory and
        time in proportion to them. ``"auto"`` takes the faster one for each layer.
    loss : str, keras.losses.Loss or callable, default="squared_error"
        What training minimises, in the weighted mean over samples: ``"squared_error"``,
        ``"absolute_error"``, ``"huber"`` or ``"quantile"``. A Keras loss, or a function of
        ``y_true`` and ``y_pred`` that returns a loss for each sample, is computed on y in its own
        units.
    quantile : float, default=0.5
        Quantile to predict, between 0 and 1. Only used by ``loss="quantile"``.
    alpha : float, default=1e-4
        Strength of the L2 penalty ``alpha / 2 * sum(kernel**2)``, divided by the number of samples
        of a batch as in scikit-learn's MLP.
    dropout : float, default=0.0
        Fraction of the units of each hidden layer that is dropped in training.
    kernel_constraint : {"non_neg"}, keras.constraints.Constraint or None, default=None
        Constraint on the weights of all layers, biases excepted. Others than ``"non_neg"`` look at
        whole columns and need a dense kernel.
    standardize : bool, default=True
        Whether a fixed first layer centers, scales and smoothly clips the features, by medians and
        spreads of the weighted training rows: see :class:`skconstrain.layers.Standardize`. With it,
        units do not matter, and `partial_fit` follows the rows of all its calls. Weights
        of the first layer are then those of standardised features.
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
        ``"auto"`` does so with given validation data, and with more than 10,000 samples. Of 201 to
        10,000, where `epochs` is ``"auto"`` too, it sets them aside to find the best epoch,
        and then trains anew on all samples for as many.
    validation_fraction : float, default=0.1
        Fraction of the training data set aside for early stopping.
    n_iter_no_change : int or "auto", default="auto"
        Training stops after more than this many epochs without improvement by `tol`. ``"auto"`` is
        a fifth of the epochs, at least 5, on validation data; the loss of training stops nothing.
    tol : float or None, default=0.0
        Smallest improvement of the monitored loss that counts. ``None`` trains for all `epochs`.
    warm_start : bool, default=False
        Whether `fit` continues from the weights of the previous `fit`.
    callbacks : list of keras.callbacks.Callback or None, default=None
        Called as in ``keras.Model.fit``.
    dtype : {"float32", "float64"} or None, default=None
        Precision of the network; ``None`` is that of X: float32 stays, everything else is float64.
    random_state : int, RandomState instance or None, default=None
        Decides the result, to the last bit on a CPU. ``None`` differs from fit to fit.
    verbose : int, default=0
        0 prints nothing, 1 a progress bar in a terminal or notebook, 2 a line an epoch.

    Attributes
    ----------
    connection_weights_ : list of csr_array or DataFrame
        Weights of each matrix of `connections` (and of `output_connections`), of its shape, with an
        entry for each of its ones and no others. DataFrames with sparse columns where the matrix
        had names and pandas is installed.
    coefs_, intercepts_ : list of {csr_array, ndarray} and list of ndarray
        Weights and biases of all layers as in scikit-learn's MLP, in the order of the features;
        csr_array where connections are given. The last ones give predictions in the units of y.
    unit_names_ : list of (tuple of str or None)
        Names of the units of each layer; the outputs come last.
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
        Mean training loss of each epoch, without the penalty. With several outputs, it is the mean
        of their losses, each relative to the spread of its targets, times the mean of the units
        that these spreads give the loss.
    validation_scores_ : list of float or None
        Negative loss of the validation data after each epoch. None without validation data.
    best_loss_ : float
        Smallest monitored loss.
    model_ : keras.Model
        The fitted network as an ordinary Keras model with the same predictions.

    See Also
    --------
    SparseConnectedNetClassifier : The classifier.
    skconstrain.connections : Matrices from edges, bands, blocks and images.
    skconstrain.layers.ConnectedDense : The layer for other Keras models.
    skconstrain.inspection.ConnectionDisplay : The network as a picture.

    Notes
    -----
    Units without input and inputs that feed nothing are warned of, with their names. Initial
    weights are Glorot-uniform for the connections there are: unit j with few inputs starts with
    larger weights than one with many.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_diabetes
    >>> from skconstrain import SparseConnectedNet
    >>> X, y = load_diabetes(return_X_y=True)
    >>> A = np.repeat(np.eye(5, dtype=int), 2, axis=0)  # pairs of features feed a unit each
    >>> net = SparseConnectedNet(A, epochs=20, tol=None, random_state=0).fit(X, y)
    >>> net.connection_weights_[0].toarray()[A == 0].any()
    np.False_
    """

    _parameter_constraints: dict = {
        **NetRegressor._parameter_constraints,
        **ConnectedNetMixin._connection_constraints,
        "loss": [str, callable],  # `losses` knows the names, and needs Keras
        "quantile": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        connections=None,
        *,
        hidden_layer_sizes: "int | ArrayLike" = (),
        activation: str | Callable | list = "relu",
        use_bias=True,
        bias_connections=None,
        output_connections=None,
        kernel="auto",
        loss: str | Any | Callable = "squared_error",
        quantile=0.5,
        alpha=1e-4,
        dropout=0.0,
        kernel_constraint=None,
        standardize=True,
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
        self.connections = connections
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.use_bias = use_bias
        self.bias_connections = bias_connections
        self.output_connections = output_connections
        self.kernel = kernel
        self.loss = loss
        self.quantile = quantile
        self.alpha = alpha
        self.dropout = dropout
        self.kernel_constraint = kernel_constraint
        self.standardize = standardize
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
        """Refuse losses of positive predictions; `_specify` checks what depends on X and y."""
        if self._loss().needs_positive_predictions:
            raise ValueError(
                f"loss={self.loss!r} is defined for positive predictions, and those of "
                f"{type(self).__name__} may be negative. Use another loss, or PositiveRegressor."
            )

    def _loss(self):
        from skconstrain.losses._regression import regression_loss

        return regression_loss(self.loss, quantile=self.quantile)

    def _head(self):
        return AffineHead()

    def _start(self, rows):
        """Start at the center of y; give each output the unit of its spread."""
        center, spread = center_and_spread(rows, self._loss().quantile)
        scale = np.where(spread > 0, spread, 1.0)
        shift = center if self.use_bias else np.zeros_like(center)
        return {"output/scale": scale, "output/shift": shift}, scale

    def _keras_loss(self):
        loss = self._loss()
        return loss.loss, loss.exponent

    def _output_unit(self):
        weights = self._fitted.weights
        return weights["output/scale"], weights["output/shift"]
