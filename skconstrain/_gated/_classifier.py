"""GatedEnsembleClassifier: experts under a gate that learns who is right where."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

from numpy.typing import ArrayLike

from skconstrain._base import NetClassifier
from skconstrain._base._parts import warn_of_unused_fraction
from skconstrain._gated._expert import RESPONSES
from skconstrain._gated._expert_params import params_of_experts
from skconstrain._gated._expert_probabilities import ExpertProbabilities
from skconstrain._gated._gate_net import GateNet
from skconstrain._gated._over_experts import OverExperts
from skconstrain._sklearn_compat import Interval, StrOptions, fit_context, raise_for_params


class GatedEnsembleClassifier(ExpertProbabilities, OverExperts, GateNet, NetClassifier):
    r"""Mixture of experts: classifiers under a gate that learns which of them to trust where.

    For when different models are right in different regions: with g(x) the gate over L experts and
    p_l(x) their class probabilities,

    .. math:: p(x) = \sum_{l=1}^{L} g_l(x)\, p_l(x),

    where g is a multi-layer perceptron with a softmax, and the experts are L networks trained
    jointly with the gate [1]_ or any classifiers of scikit-learn. The gate minimises the log loss
    of the mixture. Networks under a soft gate are trained five times, and the mean of the five
    mixtures is predicted: g_l is then the mean of the five gates, and p_l that of the five experts
    l, weighted by their gates. See `n_networks`.

    The weights of the gate are not negative and sum to 1; a hard gate uses exactly one expert for a
    row, and one of ``"top_k"`` at most k: all others have weight 0.0 and are not evaluated. It uses
    k wherever the softmax does not underflow: where one expert leads by far, the others of the k
    get 0.0 as well.

    Parameters
    ----------
    estimators : list of (str, classifier) or None, default=None
        Experts and their names, as in :class:`sklearn.ensemble.StackingClassifier`: classifiers or
        Pipelines, which see X as it was given. Their parameters are set as ``name__parameter``;
        ``"drop"`` in place of a classifier leaves it out. None trains `n_experts` networks jointly
        with the gate.
    n_experts : int, default=4
        Number of networks where `estimators` is None.
    gating : {"soft", "hard", "top_k"}, default="soft"
        ``"soft"`` weights all experts. ``"hard"`` gives each row to one: forward the one-hot of the
        largest, backward the gradient of the softmax over all experts, which does not vanish, as
        that of the one-hot does. ``"top_k"`` weights the `k` largest.
    k : int, default=2
        Largest number of experts a row of ``gating="top_k"``.
    gate_hidden_layer_sizes : int or array-like of int, default=(64,)
        Units of each hidden layer of the gate, which standardises its features by itself.
    cv : int, splitter, iterable or "prefit", default=5
        Folds of which the gate learns: it is trained on experts' outputs for rows that they were
        not fitted on; then experts are fitted on all rows. ``"prefit"`` takes fitted experts as
        they are, also when cloned; the gate should then see other rows than they did. A
        :class:`sklearn.frozen.FrozenEstimator` is taken as it is with every `cv`.
    stack_method : {"auto", "predict_proba", "decision_function", "predict"}, default="auto"
        What experts are asked for; ``"auto"`` is the first of them that each one has. Decisions
        and votes become logits by a scale and a shift of each expert, learnt with the gate.
    load_balance : float, default=0.0
        Weight of a penalty of uneven use of the experts, against collapse into one: the squared
        coefficient of variation of the importance of experts of a soft gate [2]_, the
        load-balancing loss of Fedus et al. [3]_ minus 1 for the others. 0.1 is a good start.
    entropy_penalty : float, default=0.0
        Weight of the negative mean entropy of the gate, in units of log(L): keeps rows undecided.
    temperature : float or tuple of two floats, default=1.0
        The gate's logits are divided by it before the softmax. Two numbers are those of the first
        and the last epoch, lowered geometrically between them.
    gumbel : bool, default=False
        Whether a hard gate is trained with Gumbel noise, so that experts are tried with their
        probability under the gate.
    n_rounds : int, default=0
        Rounds of the parallel mixture [4]_: experts are fitted on disjoint parts of the rows,
        starting from clusters; the gate is trained, and each row goes to the expert that the gate
        prefers, as long as that has less than 1.3 times its equal share. Every expert sees a part
        of the rows only, which makes kernel machines affordable on many. The `epochs` of the gate
        are shared among the rounds, and `cv` folds inside the parts; 2 are enough. 0 fits every
        expert on all rows.
    n_jobs : int or None, default=None
        Number of experts fitted in parallel, in threads.
    hidden_layer_sizes : int or array-like of int, default=(64, 64)
        Units of each hidden layer of each expert, where experts are networks.
    activation : str or callable, default="silu"
        Activation of all hidden layers, named as in scikit-learn or Keras.
    threshold : float, default=0.5
        Probability from which on the second of two classes is predicted. More than two classes have
        none: the largest probability is predicted.
    class_weight : None, "balanced" or dict, default=None
        Weights of classes in the loss of the gate and in the fits of experts: as `sample_weight`
        where they are given.
    loss : {"log_loss", "focal", "asymmetric"}, keras.losses.Loss or callable, default="log_loss"
        What the gate, and experts that are networks, minimise. The names are those of
        :class:`~skconstrain.losses.LogLoss`, :class:`~skconstrain.losses.CategoricalFocalLoss` and
        :class:`~skconstrain.losses.AsymmetricLoss` with their defaults; instances have other
        settings: ``LogLoss(label_smoothing=0.1)``. Another Keras loss, or a function of ``y_true``
        and ``y_pred``, gets probabilities, or logits if it says ``from_logits=True``.
    alpha : float, default=1e-4
        Strength of the L2 penalty ``alpha / 2 * sum(kernel**2)``, divided by the number of samples
        of a batch as in scikit-learn's MLP.
    dropout : float, default=0.0
        Fraction of the hidden units of experts that are networks, dropped in training.
    kernel_constraint : {"non_neg"}, keras.constraints.Constraint or None, default=None
        Constraint on the weights of experts that are networks, biases excepted.
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
        Where experts are networks, the number of frequencies of the embedding of each numerical
        feature: three trained sums of as many cosines of it stand beside it, for the gate and all
        experts. See :class:`skconstrain.layers.PeriodicEmbedding`. Numerical are features of ten or
        more distinct values whose quartiles differ. 0 is no embedding; nor is there one of more
        than 500 features, without `standardize`, or with `kernel_constraint`.
    n_networks : int or "auto", default="auto"
        Where experts are networks, the number of mixtures of these settings, whose mean is
        predicted. They train as one Keras model on the same batches. Their gates start from the
        same weights, so that their experts correspond, and experts from different ones. ``"auto"``
        is 5 of a soft gate of one temperature, and 1 of all others, which can only be one: the mean
        of hard gates asks several experts. With early stopping the training data are dealt to as
        many folds, which takes the place of `validation_fraction`: each trains on all folds but its
        own, on which it is validated, and keeps the weights of its own best epoch. Given `X_val`,
        and without early stopping, all train on all rows.
    optimizer : str or keras.optimizers.Optimizer, default="adam"
        Name or instance; an instance is copied, never changed.
    learning_rate : float, "auto" or None, default="auto"
        Learning rate before the schedule; None is the optimizer's own. ``"auto"`` is 0.01 for
        ``"adam"``, ``"adamw"``, ``"nadam"`` and ``"adamax"``, and the optimizer's own otherwise. A
        gate over given experts has 0.001 instead of 0.01.
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
        which their values choose and not their order, and none of fewer than 50 distinct ones. A
        gate over given experts does so up to 200 samples, and trains to the end on more.
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
    classes_ : ndarray of shape (n_classes,)
        Classes.
    expert_names_ : list of L str
        Names of the experts.
    expert_usage_ : ndarray of shape (L,)
        Mean weight of each expert over the training rows; sums to 1.
    estimators_ : list of L classifiers
        Fitted experts that are not dropped, where they are not networks of the gate.
    named_estimators_ : Bunch
        The same by name; ``"drop"`` for those dropped.
    gate_loss_curve_ : list of float
        Mean training loss of each epoch of the gate; the same as `loss_curve_`.
    categories_ : list of length `n_features_in_`
        For each feature the ndarray of its categories, None where it holds numbers. `model_` and
        graphs of ONNX take the place of a category in it as its code, one more for all others.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features, where X has names that are all strings.
    n_outputs_ : int
        Number of classes, or 1 for two.
    n_iter_ : int
        Number of epochs trained: of all calls of `fit` with ``warm_start=True``, and of
        `partial_fit`, together.
    loss_curve_ : list of float of length `n_iter_`
        Mean training loss of each epoch, without penalties.
    validation_scores_ : list of float or None
        Negative `scoring` of the validation data after each epoch. None without validation data.
    best_loss_ : float
        Smallest monitored loss.
    oof_prediction_ : ndarray of n_samples rows
        Out-of-fold predictions, or probabilities: of each training row by the network not trained
        on it, NaN for rows without weight. Only where ``n_networks`` networks were stopped on
        folds. It is left out of pickles.
    model_ : keras.Model
        The fitted gate, with experts that are networks: an ordinary Keras model that returns
        probabilities. Where experts are classifiers, their scores follow the features in its
        inputs.

    See Also
    --------
    sklearn.ensemble.StackingClassifier : One combination of experts for all rows.
    skconstrain.inspection.GateDisplay : Who decides where, and how well.
    skconstrain.layers.StraightThroughOneHot : The hard gate as a layer.
    skconstrain.layers.WeightedSum, skconstrain.layers.BatchedDense : Layers of a soft mixture.

    References
    ----------
    .. [1] Jacobs, Jordan, Nowlan and Hinton (1991). Adaptive mixtures of local experts. Neural
       Computation 3.
    .. [2] Shazeer et al. (2017). Outrageously large neural networks: the sparsely-gated
       mixture-of-experts layer. ICLR.
    .. [3] Fedus, Zoph and Shazeer (2022). Switch transformers. JMLR 23.
    .. [4] Collobert, Bengio and Bengio (2002). A parallel mixture of SVMs for very large scale
       problems. Neural Computation 14.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.svm import SVC
    >>> from skconstrain import GatedEnsembleClassifier
    >>> X, y = make_moons(200, noise=0.2, random_state=0)
    >>> experts = [("linear", LogisticRegression()), ("rbf", SVC())]
    >>> gated = GatedEnsembleClassifier(experts, gating="hard", random_state=0).fit(X, y)
    >>> gated.gate_proba(X[:2]).sum(axis=1)
    array([1., 1.])
    """

    _parameter_constraints: dict = {
        **NetClassifier._parameter_constraints,
        "estimators": [list, tuple, None],
        "n_experts": [Interval(Integral, 2, None, closed="left")],
        "gating": [StrOptions({"soft", "hard", "top_k"})],
        "k": [Interval(Integral, 1, None, closed="left")],
        "gate_hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "cv": ["cv_object", StrOptions({"prefit"})],
        "stack_method": [StrOptions({"auto", *RESPONSES})],
        "load_balance": [Interval(Real, 0, None, closed="left")],
        "entropy_penalty": [Interval(Real, 0, None, closed="left")],
        "temperature": [Interval(Real, 0, None, closed="neither"), tuple, list],
        "gumbel": ["boolean"],
        "n_rounds": [Interval(Integral, 0, None, closed="left")],
        "n_jobs": [Integral, None],
        "n_networks": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        estimators=None,
        *,
        n_experts=4,
        gating="soft",
        k=2,
        gate_hidden_layer_sizes: "int | ArrayLike" = (64,),
        cv: int | Any | str = 5,
        stack_method="auto",
        load_balance=0.0,
        entropy_penalty=0.0,
        temperature: float | tuple = 1.0,
        gumbel=False,
        n_rounds=0,
        n_jobs=None,
        hidden_layer_sizes: "int | ArrayLike" = (64, 64),
        activation: str | Callable = "silu",
        threshold=0.5,
        class_weight=None,
        loss: str | Any | Callable = "log_loss",
        alpha=1e-4,
        dropout=0.0,
        kernel_constraint=None,
        categorical_features: "str | ArrayLike | None" = "from_dtype",
        standardize=True,
        n_frequencies=8,
        n_networks: int | str = "auto",
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
        self.estimators = estimators
        self.n_experts = n_experts
        self.gating = gating
        self.k = k
        self.gate_hidden_layer_sizes = gate_hidden_layer_sizes
        self.cv = cv
        self.stack_method = stack_method
        self.load_balance = load_balance
        self.entropy_penalty = entropy_penalty
        self.temperature = temperature
        self.gumbel = gumbel
        self.n_rounds = n_rounds
        self.n_jobs = n_jobs
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.threshold = threshold
        self.class_weight = class_weight
        self.loss = loss
        self.alpha = alpha
        self.dropout = dropout
        self.kernel_constraint = kernel_constraint
        self.categorical_features = categorical_features
        self.standardize = standardize
        self.n_frequencies = n_frequencies
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

    # Experts are not validated yet.
    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
        **params,
    ):
        """Fit the experts and the gate.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Training data: numbers, none of them infinite, NaN for gaps; of a DataFrame also text,
            categories and booleans: see `categorical_features`. Given experts get all of it, as it
            is, and must take what it has; the gate reads it dense.
            Where all experts are networks, rows that take more than a quarter of scikit-learn's
            `working_memory` (256 MiB by default) are read in chunks of so much.
        y : array-like of shape (n_samples,)
            Classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, not negative. A weight of zero equals removing the row, a weight of two equals
            repeating it. Given experts get it where they take it; with metadata routing, where they
            request it.
        X_val : array-like or sparse matrix of shape (n_validation_samples, n_features), \
default=None
            Validation data. Without it, ``early_stopping=True`` sets `validation_fraction` of the
            training data aside.
        y_val : array-like, default=None
            Classes of the validation data.
        sample_weight_val : array-like of shape (n_validation_samples,), default=None
            Weights of the validation data in the validation loss, not negative.
        **params : dict
            With metadata routing, whatever else the given experts request for their `fit`.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        raise_for_params(params, self, "fit")
        validation = (X_val, y_val, sample_weight_val)
        if self.estimators is not None:
            return self._fit_over_experts(X, y, sample_weight, validation, params)
        if params:
            params_of_experts(self, [], None, params)  # refuses them: no expert requests any
        warn_of_unused_fraction(self)
        continues = self.warm_start and hasattr(self, "_fitted")
        return self._fit(X, y, sample_weight, validation, continues=continues, epochs=self.epochs)

    def _check_settings(self):
        self._check_gate(self._check_experts())

    def _check_target(self):
        if self._target_kind == "multilabel":
            raise ValueError(
                "GatedEnsembleClassifier predicts one class a row. Got a y of several columns. Use "
                "MultiOutputClassifier around it, or MultiLabelNetClassifier."
            )

    def _specify(self, rows, continues):
        self.expert_names_ = [f"expert_{i}" for i in range(self.n_experts)]
        self._experts = self._held = None
        return self._network_over(self.n_experts, rows, n_frequencies=int(self.n_frequencies))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = False
        return tags
