"""MultiLabelNetClassifier: a probability and a threshold for each label."""

from collections.abc import Callable
from dataclasses import replace
from numbers import Integral
from typing import Any

from numpy.typing import ArrayLike

from skconstrain._base._classifier import NetClassifier
from skconstrain._base._hidden_layers import HiddenLayers
from skconstrain._base._monotonic import MONOTONIC_CST
from skconstrain._sklearn_compat import Interval, StrOptions


class MultiLabelNetClassifier(NetClassifier):
    """Neural network classifier with a probability and a threshold for each label.

    For tags, findings and subjects that overlap: what replaces softmax and its single winner when
    any number of labels may be true at once. A multi-layer perceptron computes a logit for each
    label, whose sigmoid is the label's probability; the label is predicted where that reaches its
    threshold. 1-D targets work too, with one sigmoid for two classes and softmax for more, so that
    it is a complete classifier; a y of one column is 1-D. A single label is a target of two
    classes, whose probability is ``predict_proba(X)[:, 1]``.

    Every prediction of several labels has as many as `min_labels` asks for, and thresholds are the
    labels' own: :class:`TunedThresholdMultiLabelClassifierCV` chooses them out of fold. With
    `monotonic_cst`, no probability moves against the sign of a feature, all else equal: nowhere,
    not in its last bit, and not from one batch of rows to another.

    Parameters
    ----------
    hidden_layer_sizes : "auto", int or array-like of int, default="auto"
        Units of each hidden layer; ``()`` is a linear model for each label. ``"auto"`` is
        ``(256,)`` where X has more than 200 rows, and more features than rows, or more than a tenth
        as many features as rows and nine tenths of its values are zero; else ``(64, 64, 64)``.
        Training that continues, `partial_fit` too, keeps the layers of its first call.
    activation : str or callable, default="silu"
        Activation of all hidden layers, named as in scikit-learn or Keras.
    threshold : float, array-like of shape (n_labels,) or dict, default=0.5
        Probability from which on the second of two classes, or a label, is predicted. More than two
        classes have none: the largest probability is predicted. A number is that of all labels, an
        array has one for each, and a dict of label -> threshold goes by name or position, 0.5 for
        those left out.
    min_labels : int, default=0
        Least number of labels of every row: those with the largest margin over their threshold
        are predicted even below it. Only for a target of several labels.
    class_weight : None, "balanced", dict or array-like, default=None
        For a 1-D target, ``"balanced"`` or a dict of class -> weight, as in scikit-learn. For
        several labels, the weight of a positive: ``"balanced"`` (negatives per positive of each
        label), an array of one positive number a label, or a dict of label -> weight, by name or
        position, 1 for those left out; or a dict a label as in scikit-learn's forests, ``[{0: 1,
        1: 5}, ...]``, of which the weight of 1 over that of 0 counts.
    loss : {"log_loss", "focal", "asymmetric"}, keras.losses.Loss or callable, default="log_loss"
        What training minimises, in the weighted mean over samples and labels. The names are those
        of :class:`~skconstrain.losses.LogLoss`, :class:`~skconstrain.losses.CategoricalFocalLoss`
        and :class:`~skconstrain.losses.AsymmetricLoss` with their defaults. Instances have other
        settings: ``AsymmetricLoss(gamma_negative=2)``, ``LogLoss(label_smoothing=0.1)``; all three
        fit labels and classes. Another Keras loss, or a function of ``y_true`` and ``y_pred``, gets
        probabilities, or logits if it says ``from_logits=True``.
    alpha : float, default=1e-4
        Strength of the L2 penalty ``alpha / 2 * sum(kernel**2)``, divided by the number of samples
        of a batch as in scikit-learn's MLP.
    dropout : float or "auto", default="auto"
        Fraction of the units of each hidden layer that is dropped in training. ``"auto"`` is 0.5
        where `hidden_layer_sizes` is ``"auto"`` and a single layer, else 0.
    kernel_constraint : {"non_neg"}, keras.constraints.Constraint or None, default=None
        Constraint on the weights of all layers, biases excepted.
    monotonic_cst : array-like of int of shape (n_features,), dict or None, default=None
        Sign of each feature, as in HistGradientBoostingRegressor: 1 where predictions, or
        probabilities, must not fall when the feature rises, -1 where they must not rise, 0 where it
        is free. A dict goes by the names of the features, 0 for those left out. Hidden layers are
        then :class:`skconstrain.layers.MonotonicDense`, half of whose units only free features
        feed. Needs `standardize` and an `activation` with a name, and refuses `kernel_constraint`.
        More than two classes are refused.
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
    weight_features : bool, default=False
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
        ``"auto"`` does so with given validation data, and with more than 10,000 samples. Of fewer,
        where `epochs` is ``"auto"`` too and there is one network, it sets some aside to find the
        best epoch, and then trains anew on all samples for as many: a fifth of up to 200 samples,
        which their values choose and not their order, and none of fewer than 50 distinct ones.
        The split is such that every label (or class) keeps its share.
    scoring : {"brier", "loss"}, default="brier"
        What validation data are judged by: ``"brier"`` is the mean squared error of the
        probabilities, ``"loss"`` the loss that is trained.
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
        Called as in ``keras.Model.fit``.
    dtype : {"float32", "float64"} or None, default=None
        Precision of the network; ``None`` is that of X: float32 stays, everything else is float64.
        Networks of float64 then still train in float32 where batches are drawn at random, which
        takes half of the time; with ``"float64"`` they do not.
    random_state : int, RandomState instance or None, default=None
        Decides the result, to the last bit on a CPU. ``None`` differs from fit to fit.
    verbose : int, default=0
        0 prints nothing, 1 a progress bar in a terminal or notebook, 2 a line an epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or (n_labels,)
        Classes of a 1-D target; numbers of several labels, as objects.
    label_names_ : ndarray of shape (n_labels,)
        Names of the labels, where the target of `fit` was a DataFrame.
    categories_ : list of length `n_features_in_`
        For each feature the ndarray of its categories, None where it holds numbers. `model_` and
        graphs of ONNX take the place of a category in it as its code, one more for all others.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features, where X has names that are all strings.
    n_outputs_ : int
        Number of outputs of the network. These are labels, classes, or 1 for two classes.
    n_iter_ : int
        Number of epochs trained: of all calls of `fit` with ``warm_start=True``, and of
        `partial_fit`, together.
    loss_curve_ : list of float of length `n_iter_`
        Mean training loss of each epoch, without the penalty.
    validation_scores_ : list of float or None
        Negative `scoring` of the validation data after each epoch. None without validation data.
    best_loss_ : float
        Smallest monitored loss.
    oof_prediction_ : ndarray of n_samples rows
        Out-of-fold predictions, or probabilities: of each training row by the network not trained
        on it, NaN for rows without weight. Only where ``n_networks`` networks were stopped on
        folds. It is left out of pickles.
    model_ : keras.Model
        The fitted network as an ordinary Keras model that returns probabilities.

    See Also
    --------
    TunedThresholdMultiLabelClassifierCV : Chooses a threshold for each label, out of fold.
    skconstrain.losses.AsymmetricLoss : A loss with settings, also for Keras models of your own.

    Notes
    -----
    `score` is subset accuracy, as scikit-learn defines it: the share of rows all of whose labels
    are right. Training starts with the probability of every label at its share in the data.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from skconstrain import MultiLabelNetClassifier
    >>> X, y = make_multilabel_classification(random_state=0)
    >>> net = MultiLabelNetClassifier(threshold=[0.5, 0.4, 0.3, 0.4, 0.5], tol=None, random_state=0)
    >>> net.fit(X, y).predict(X[:2]).shape
    (2, 5)
    >>> net.predict_proba(X[:2]).shape
    (2, 5)
    """

    _parameter_constraints: dict = {
        **NetClassifier._parameter_constraints,
        "hidden_layer_sizes": [
            StrOptions({"auto"}),
            *NetClassifier._parameter_constraints["hidden_layer_sizes"],
        ],
        "dropout": [StrOptions({"auto"}), *NetClassifier._parameter_constraints["dropout"]],
        "monotonic_cst": MONOTONIC_CST,
        "n_networks": [Interval(Integral, 1, None, closed="left")],
        "min_labels": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(
        self,
        hidden_layer_sizes: "int | ArrayLike | str" = "auto",
        *,
        activation: str | Callable = "silu",
        threshold: "float | ArrayLike | dict" = 0.5,
        min_labels=0,
        class_weight=None,
        loss: str | Any | Callable = "log_loss",
        alpha=1e-4,
        dropout: float | str = "auto",
        kernel_constraint=None,
        monotonic_cst=None,
        categorical_features: "str | ArrayLike | None" = "from_dtype",
        standardize=True,
        n_frequencies=8,
        weight_features=False,
        n_networks=5,
        optimizer: str | Any = "adam",
        learning_rate: float | str | None = "auto",
        learning_rate_schedule: str | Callable = "flat_cosine",
        epochs: int | str = "auto",
        batch_size: int | str = "auto",
        early_stopping: bool | str = "auto",
        scoring="brier",
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
        self.threshold = threshold
        self.min_labels = min_labels
        self.class_weight = class_weight
        self.loss = loss
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
        self.scoring = scoring
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.dtype = dtype
        self.random_state = random_state
        self.verbose = verbose

    def _check_target(self):
        if self.monotonic_cst is not None and self._target_kind == "multiclass":
            raise ValueError(  # the text of HistGradientBoostingClassifier
                "monotonic constraints are not supported for multiclass classification."
            )
        if self._target_kind == "multilabel":
            self._check_min_labels()

    def _specify(self, rows, continues):
        network = super()._specify(rows, continues)
        if not continues:
            return network
        fitted = self._fitted.network
        is_auto = {name: isinstance(getattr(self, name), str) for name in HiddenLayers._fields}
        kept = {name: getattr(fitted, name) for name in is_auto if is_auto[name]}
        return replace(network, **kept)
