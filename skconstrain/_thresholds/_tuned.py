"""TunedThresholdMultiLabelClassifierCV: one threshold per label, chosen out of fold."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import clone
from sklearn.metrics import get_scorer_names
from sklearn.utils import indexable

from skconstrain._fit_tasks import CallbackSupport, FitTask, current_task
from skconstrain._progress import progress_bar
from skconstrain._sklearn_compat import (
    HasMethods,
    Interval,
    RealNotInt,
    StrOptions,
    check_sample_weight,
    fit_context,
)
from skconstrain._targets import ClassTarget
from skconstrain._thresholds._choice import Choice
from skconstrain._thresholds._classifier import ThresholdClassifier
from skconstrain._thresholds._out_of_fold import OutOfFold, check_prefit
from skconstrain._thresholds._routing import metadata_router, routed_parameters
from skconstrain._thresholds._scores import HeldOut, response_method
from skconstrain._thresholds._scoring import resolve_scoring
from skconstrain._thresholds._search import score_cut_offs

# Threshold of an untuned classifier, and the range of the scores.
_DEFAULTS = {"predict_proba": (0.5, (0.0, 1.0)), "decision_function": (0.0, None)}


def _read(y):
    """Return the target, which has labels or at least two classes."""
    target = ClassTarget.of(y)
    if target.n_labels is None and len(target.classes) < 2:
        found = f"one class: {target.classes[0]!r}" if len(target.values) else "no samples"
        raise ValueError(f"y must have at least two classes. Got {found}.")
    return target


class TunedThresholdMultiLabelClassifierCV(CallbackSupport, ThresholdClassifier):
    """Classifier of several labels with one decision threshold per label, chosen out of fold.

    The counterpart of :class:`~sklearn.model_selection.TunedThresholdClassifierCV`, which refuses
    more than one label. The classifier is fitted once per fold and once on all data, however many
    labels there are. Every row is scored by the fold that has not seen it; on these scores every
    observed cut-off of every label is examined, by sorting. Label ``l`` is then predicted where
    ``score[l] >= thresholds_[l]``.

    The largest macro-averaged metric is found exactly, label by label; what is best for the rows at
    hand says little of new ones where a label is rare, so that its threshold is then drawn towards
    the one that is best for all labels: see `shrinkage`. A micro-averaged or
    sample-wise metric, and any other scorer, is raised by cyclic coordinate ascent over the labels
    [1]_, which never gets worse than the thresholds it starts from: those of the best F1 of each
    label by itself, or the default, whichever is better.

    Parameters
    ----------
    estimator : classifier
        Any classifier that takes an indicator matrix y, for instance OneVsRestClassifier,
        MultiOutputClassifier, ClassifierChain, a forest or a Pipeline of one. A Pipeline is fitted
        anew for each fold, so that no transformer sees the rows that are held out. Where that does
        not matter, as for a StandardScaler, the tuner may be the last step of the Pipeline: several
        networks of this package then need a single fit.
    scoring : str or scorer, default="f1_macro"
        What the thresholds are chosen for.

        - ``{"f1", "jaccard", "precision", "recall"}_{"macro", "weighted", "micro", "samples"}``;
        - `make_scorer` of the functions behind these names, and of `fbeta_score`, with one of
          these averages;
        - "balanced_accuracy", its mean over the labels;
        - "cost", minus the mean cost by `cost_matrix`;
        - "accuracy", which asks for whole rows, and `make_scorer` of `hamming_loss` or
          `zero_one_loss` with ``greater_is_better=False``, on `max_cut_offs` cut-offs of a label;
        - any other scorer of predicted labels. It is called for at most `max_cut_offs` cut-offs of
          each label in every sweep, which takes minutes from some hundred labels on.

        A label without a positive scores 0, as in scikit-learn.
    cost_matrix : array-like of shape (2, 2) or (n_labels, 2, 2), default=None
        Cost of ``[true, predicted]``, or of ``[label, true, predicted]``, for ``scoring="cost"``.
    response_method : {"auto", "predict_proba", "decision_function"}, default="auto"
        What gives the scores; "auto" takes the first of the two that `estimator` has.
    cv : int, float, splitter, iterable or "prefit", default=None
        - None: the folds of `estimator` itself, where it is several networks (`n_networks`) that
          are stopped on folds: their out-of-fold predictions need no further fit. Else 5 folds;
        - an int: as many folds. They are stratified over the labels by iterative stratification
          [2]_, so that the positives of a rare label lie in different folds;
        - a float: the share of one stratified split that is held out;
        - a splitter, or an iterable of (train, test) indices, as in scikit-learn. A row that is in
          several test parts counts as often;
        - "prefit": `estimator` is fitted already, and the thresholds are chosen on the data given
          to `fit`, which it must not have seen.
    fbr : float in (0, 1), default=None
        The fall-back of Fan and Lin [1]_ for rare labels: where the best score of a label is below
        `fbr`, its threshold is its highest out-of-fold score. For macro- and weighted averages of
        F1, F-beta and Jaccard.
    shrinkage : float, default=20.0
        For scores that are a mean over labels of the same metric: how many positives of a label
        weigh as much as the threshold that is best for all labels together. The threshold is the
        mean, of logits where scores are probabilities, of the label's own best, weighted by its
        positives, and of the common one, weighted by `shrinkage`. 0 is the label's own best.
    max_cut_offs : int, default=100
        How many cut-offs of a label are tried in each sweep by accuracy, losses and scorers that
        are called. The others examine all.
    refit : bool, default=True
        Whether to fit on all data at the end. False needs a single split and keeps its classifier.
        Not used with ``cv="prefit"``.
    n_jobs : int, default=None
        How many fits run at the same time.
    random_state : int, RandomState instance or None, default=None
        Decides the folds when `cv` is None, an int or a float.
    store_cv_results : bool, default=False
        Whether to keep the scores of all cut-offs that were examined, in `cv_results_`.
    verbose : int, default=0
        0 prints nothing, 1 a progress bar of the fits and searches, in a terminal or notebook.

    Attributes
    ----------
    thresholds_ : ndarray of shape (n_labels,), or None
        Threshold of every label, in [0, 1] for probabilities. None for a multiclass target.
    cv_thresholds_ : ndarray of shape (n_splits, n_labels), or None
        Thresholds that each fold by itself would choose; NaN where it holds out no positive of the
        label, or was trained without one.
    best_score_ : float, or None
        Score of the out-of-fold predictions at `thresholds_`. It was the aim of the choice, so it
        is somewhat better than the score on new data.
    cv_results_ : dict, or None
        Where ``store_cv_results=True``. Two lists with an array of shape (n_cut_offs,) for each
        label: "thresholds", which ascend, and "scores", of the out-of-fold predictions with the
        label's threshold there and the others at `thresholds_`. None for a multiclass target.
    estimator_ : classifier
        The fitted classifier.
    classes_ : ndarray of shape (n_labels,) or (n_classes,)
        Numbers of the labels, as objects; the classes of a 1-D target.
    label_names_ : ndarray of shape (n_labels,)
        Column names of y, where y is a DataFrame.
    n_features_in_ : int
        Number of features, where `estimator_` knows it.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where `estimator_` knows them.

    See Also
    --------
    sklearn.model_selection.TunedThresholdClassifierCV : For one binary target.
    skconstrain.inspection.ThresholdCurveDisplay : The metric against the threshold.

    Notes
    -----
    All thresholds between two neighbouring scores predict the same. The one kept is the default,
    0.5 for probabilities and 0 for `decision_function`, where it is among them, and the middle of
    the two scores elsewhere. Ties between cut-offs go to the threshold nearest to the default.

    A label without a positive keeps the default, with a warning. So does a label with a single
    one: while it is held out nothing is left to train on, and its score would be noise. With few
    more the best cut-off may be so low that the label is predicted far too often; that is what
    `fbr` is for.

    A 1-D binary target, or a column, is one label, whose positive class is ``classes_[1]``:
    "f1_macro" is then the F1 of that class. A multiclass target has no thresholds: the prediction
    is the class of the largest score, and nothing is tuned.

    A least number of labels is honoured: where `estimator`, or the last step of its Pipeline, is a
    :class:`MultiLabelNetClassifier` with `min_labels`, every prediction has as many, and thresholds
    are chosen by cyclic coordinate ascent on the score of these predictions. With `fbr` they are
    chosen as if there was no such number.

    ``sample_weight`` given to `fit` weights the fits and the search. With metadata routing it
    reaches the fits if `estimator` requests it; without, `estimator` must take it in its own `fit`.

    References
    ----------
    .. [1] R.-E. Fan, C.-J. Lin (2007), "A study on threshold selection for multi-label
       classification", National Taiwan University.
    .. [2] K. Sechidis, G. Tsoumakas, I. Vlahavas (2011), "On the stratification of multi-label
       data", ECML PKDD.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.metrics import f1_score
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.multiclass import OneVsRestClassifier
    >>> from skconstrain import TunedThresholdMultiLabelClassifierCV
    >>> X, y = make_multilabel_classification(2000, n_classes=8, n_labels=1, random_state=0)
    >>> X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    >>> untuned = OneVsRestClassifier(LogisticRegression(max_iter=1000))
    >>> tuned = TunedThresholdMultiLabelClassifierCV(untuned, random_state=0).fit(X, y)
    >>> tuned.thresholds_.round(2)
    array([0.32, 0.34, 0.43, 0.31, 0.35, 0.37, 0.39, 0.42])
    >>> round(f1_score(y_test, untuned.fit(X, y).predict(X_test), average="macro"), 3)
    0.602
    >>> round(f1_score(y_test, tuned.predict(X_test), average="macro"), 3)
    0.619
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": [
            HasMethods(["fit", "predict_proba"]),
            HasMethods(["fit", "decision_function"]),
        ],
        "scoring": [StrOptions({*get_scorer_names(), "cost"}), callable],
        "cost_matrix": ["array-like", None],
        "response_method": [StrOptions({"auto", "predict_proba", "decision_function"})],
        "cv": [
            "cv_object",
            StrOptions({"prefit"}),
            Interval(RealNotInt, 0.0, 1.0, closed="neither"),
        ],
        "fbr": [Interval(Real, 0, 1, closed="neither"), None],
        "shrinkage": [Interval(Real, 0, None, closed="left")],
        "max_cut_offs": [Interval(Integral, 2, None, closed="left")],
        "refit": ["boolean"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "store_cv_results": ["boolean"],
        "verbose": ["verbose"],
    }

    cv_thresholds_: Any
    best_score_: Any
    cv_results_: Any

    # The search is weighted by itself, whatever the classifier requests.
    __metadata_request__fit: ClassVar[dict] = {"sample_weight": True}

    def __init__(
        self,
        estimator,
        *,
        scoring: str | Callable = "f1_macro",
        cost_matrix=None,
        response_method="auto",
        cv=None,
        fbr=None,
        shrinkage=20.0,
        max_cut_offs=100,
        refit=True,
        n_jobs=None,
        random_state=None,
        store_cv_results=False,
        verbose=0,
    ):
        self.estimator = estimator
        self.scoring = scoring
        self.cost_matrix = cost_matrix
        self.response_method = response_method
        self.cv = cv
        self.fbr = fbr
        self.shrinkage = shrinkage
        self.max_cut_offs = max_cut_offs
        self.refit = refit
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.store_cv_results = store_cv_results
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False)  # `estimator` is not validated yet
    def fit(self, X, y, **params):
        """Fit the classifier and choose the thresholds.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data.
        y : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
            Indicator matrix of zeros and ones, or classes.
        **params : dict
            `sample_weight`, and with metadata routing whatever `estimator` and `cv` request.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        X, y = indexable(X, y)
        weight = params.get("sample_weight")
        given = {"X": X, "y": y, "metadata": None if weight is None else {"sample_weight": weight}}
        target = _read(y)
        self._record(target)
        fit_params, split_params = routed_parameters(self, params)
        if self.cv == "prefit":
            check_prefit(self.estimator, target)
        n_subtasks = 0 if self.cv == "prefit" else 1 + (target.positive is not None and self.refit)
        task = FitTask.root(self, n_subtasks)
        task.begin(**given)
        with task.as_current(), progress_bar(self.verbose == 1):
            if target.positive is None:
                self._fit_untuned(X, target.y, fit_params)
            else:
                if weight is not None:
                    weight = check_sample_weight(weight, X, ensure_non_negative=True)
                scoring = self._resolve_scoring(target)
                by_split = self._fit_out_of_fold(X, target, fit_params, split_params)
                self._tune(scoring, target.positive, weight, by_split)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        task.end(**given, reconstruction_attributes={})
        return self

    def _record(self, target):
        """Keep what predictions need of the target."""
        for name in ("label_names_", "cv_results_"):  # those of an earlier fit
            self.__dict__.pop(name, None)
        self.classes_ = target.classes
        if target.names is not None:
            self.label_names_ = np.asarray(target.names, dtype=object)
        self._n_labels, self._dtype = target.n_labels, target.dtype
        self._container = target.container

    def _fit_untuned(self, X, y, fit_params):
        """Fit for a multiclass target: the largest score decides, there is nothing to tune."""
        self.estimator_ = self.estimator
        if self.cv != "prefit":
            task = current_task().subtask("fit")
            self.estimator_ = task.fit(clone(self.estimator), X, y, fit_params)
        self._method = response_method(self.estimator_, self.response_method)
        self.thresholds_ = self.cv_thresholds_ = self.best_score_ = None
        if self.store_cv_results:
            self.cv_results_ = None

    def _resolve_scoring(self, target):
        return resolve_scoring(
            self.scoring,
            cost_matrix=self.cost_matrix,
            n_labels=target.positive.shape[1],
            classes=None if target.n_labels else target.classes,
            max_cut_offs=self.max_cut_offs,
            fbr=self.fbr,
        )

    def _fit_out_of_fold(self, X, target, fit_params, split_params):
        """Fit the classifier; return the scores of every split, as `OutOfFold.fit` does."""
        names = ("estimator", "response_method", "cv", "refit", "n_jobs", "random_state")
        fits = OutOfFold(**{name: getattr(self, name) for name in names})
        self.estimator_, by_split = fits.fit(X, target, fit_params, split_params)
        self._method = response_method(self.estimator_, self.response_method)
        return by_split

    def _tune(self, scoring, positive, weight, by_split):
        """Choose the thresholds on the scores of all splits together, and on each by itself."""
        default, limits = _DEFAULTS[self._method]
        options = {"default": default, "limits": limits, "least": self._min_labels()}
        held_out = [
            HeldOut.of(positive, weight, rows, scores, trained=trained, limits=limits)
            for rows, scores, trained in by_split
        ]
        drawn = {"fbr": self.fbr, "shrinkage": self.shrinkage}
        choice = Choice.on(held_out, scoring, **drawn, **options)
        self.thresholds_, self.cv_thresholds_ = choice.thresholds, choice.cv_thresholds
        self.best_score_ = choice.score
        if self.store_cv_results:
            held_out = choice.held_out
            self.cv_results_ = score_cut_offs(scoring, held_out, self.thresholds_, **options)
        choice.warn_of_untuned(getattr(self, "label_names_", None), default)

    def get_metadata_routing(self):
        """Return how metadata is routed: `fit` weights the search and hands on the rest.

        Returns
        -------
        routing : MetadataRouter
            Requests of this estimator, of `estimator` and of the splitter.
        """
        return metadata_router(self)
