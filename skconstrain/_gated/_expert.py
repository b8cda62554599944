"""Experts: classifiers of scikit-learn under a gate, whatever they give and whichever classes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logit
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import cross_val_predict
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from skconstrain._fit_tasks import NOT_TOLD
from skconstrain._gated._expert_params import NO_PARAMS
from skconstrain._links import saturation_limit
from skconstrain._progress import Bar, CountingParallel
from skconstrain._sklearn_compat import InvalidParameterError, safe_indexing

RESPONSES = ("predict_proba", "decision_function", "predict")

# The largest logit that a probability of 0 or 1 becomes.
_SMALLEST = 1e-15


@dataclass(frozen=True)
class Expert:
    """A fitted classifier, and how it is asked.

    Attributes
    ----------
    name
        Its name.
    estimator
        The fitted classifier.
    response
        The method that is asked: one of `RESPONSES`.
    known
        Positions of its classes among all classes.
    n_classes
        Number of all classes.
    """

    name: str
    estimator: BaseEstimator
    response: str
    known: np.ndarray
    n_classes: int

    @property
    def is_calibrated(self) -> bool:
        """Whether its scores are logits already."""
        return self.response == "predict_proba"

    @property
    def seen(self) -> np.ndarray:
        """Which columns of its scores mean something, shape (C,)."""
        if self.n_classes == 2:
            return np.ones(1, bool)
        return np.isin(np.arange(self.n_classes), self.known)

    def scores(self, X) -> np.ndarray:
        """Return logits, or what a scale and a shift make logits, shape (n_rows, C).

        C is 1 for two classes: the logit of the second. Columns of classes that the expert does
        not know hold less than its others.
        """
        if len(self.known) == 1:
            always = np.ones((_n_rows(X), 1))
            return columns_of(always, self.response, self.known, self.n_classes)
        given = _respond(self.estimator, X, self.response)
        return columns_of(given, self.response, self.known, self.n_classes)


def make_expert(name, estimator, wanted, classes, X) -> Expert:
    """Wrap a fitted classifier; of `X`, only a row is used.

    It is asked by the method `wanted`, or the first of `RESPONSES` that it has ("auto"); decisions
    that have no column for each class (one against one) are replaced by votes.

    Raises
    ------
    ValueError
        If it knows a class that is not among `classes`.
    """
    own = np.asarray(estimator.classes_)
    unknown = np.setdiff1d(own, classes)
    if len(unknown):
        raise ValueError(
            f"Expert {name!r} was fitted on the class {unknown[0]}, which is not in y; y has "
            f"{classes.tolist()}. Use experts of the same classes, or some of them."
        )
    response, known = choose_response(name, estimator, wanted), np.searchsorted(classes, own)
    if response == "decision_function" and len(own) > 2:
        columns = estimator.decision_function(safe_indexing(X, [0])).shape[1]
        response = response if columns == len(own) else "predict"
    return Expert(name, estimator, response, known, len(classes))


def make_experts(names, fitted, wanted, classes, X) -> list[Expert]:
    """Wrap fitted classifiers, each of which is asked by the method that is wanted of it."""
    return [
        make_expert(name, estimator, response, classes, X)
        for name, estimator, response in zip(names, fitted, wanted, strict=True)
    ]


def columns_of(given, response, known, n_classes) -> np.ndarray:
    """Bring what a classifier gives into the columns of all classes, shape (n_rows, C)."""
    # An expert that overflows far outside its data prefers no class there.
    no_preference = 1 / len(known) if response == "predict_proba" else 0.0
    overflows = ~np.isfinite(given)
    overflows = overflows.any(axis=1, keepdims=True) if given.ndim > 1 else overflows
    # Larger scores would overflow in the scale and shift that make them logits.
    limit = saturation_limit(np.float64)
    given = np.clip(np.where(overflows, no_preference, given), -limit, limit)
    if response == "predict_proba":
        probability = np.zeros((len(given), n_classes))
        probability[:, known] = given
        return logits_of(probability)
    if given.ndim == 1:
        given = np.stack([-given / 2, given / 2], axis=1)
    # Below all others, where an expert does not know a class.
    scores = np.repeat(given.min(axis=1, keepdims=True) - 1, n_classes, axis=1)
    scores[:, known] = given
    return scores[:, 1:] - scores[:, :1] if n_classes == 2 else scores


def logits_of(probability) -> np.ndarray:
    """Return finite logits of probabilities of shape (n_rows, n_classes)."""
    probability = np.clip(probability, _SMALLEST, 1 - _SMALLEST)
    return logit(probability[:, 1:]) if probability.shape[1] == 2 else np.log(probability)


def choose_response(name, estimator, wanted) -> str:
    """Return the method to ask: `wanted`, or the first of `RESPONSES` that there is."""
    if len(getattr(estimator, "classes_", ())) == 1 and wanted != "auto":
        return wanted  # a constant: nothing is asked
    if wanted == "auto":
        return next(method for method in RESPONSES if hasattr(estimator, method))
    if not hasattr(estimator, wanted):
        raise ValueError(
            f"stack_method={wanted!r} needs experts that have it. Got {name!r}, a "
            f"{type(estimator).__name__} without. Use stack_method='auto'."
        )
    return wanted


def is_dropped(estimator) -> bool:
    """Whether "drop" stands in place of an expert, as in StackingClassifier."""
    return isinstance(estimator, str) and estimator == "drop"


def kept_experts(estimators) -> list:
    """Return the pairs of a name and a classifier that are not dropped."""
    return [pair for pair in estimators if _is_pair(pair) and not is_dropped(pair[1])]


def _is_pair(item):
    return isinstance(item, tuple) and len(item) == 2


def check_experts(estimators, taken_names) -> None:
    """Raise ``ValueError`` where the list of experts is not usable."""
    is_list = isinstance(estimators, Sequence) and not isinstance(estimators, str)
    if not (is_list and all(map(_is_pair, estimators))):
        raise ValueError(
            "estimators must be a list of (name, classifier) pairs, as in StackingClassifier. "
            f"Got {estimators!r:.100}."
        )
    names = [name for name, _ in estimators]
    if not kept_experts(estimators):
        found = f"{len(names)}, all of them dropped" if names else "0"
        raise ValueError(f"A gate over classifiers needs at least one expert. Got {found}.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"Names of experts must be unique. Got {twice[0]!r} more than once.")
    for name, estimator in estimators:
        if not isinstance(name, str) or "__" in name or name in taken_names:
            raise ValueError(
                "Names of experts must be strings without '__', and not a parameter's. Got "
                f"{name!r}."
            )
        if is_dropped(estimator):
            continue
        if not (hasattr(estimator, "fit") and is_classifier(estimator)):
            raise ValueError(
                "Experts must be classifiers, or 'drop'. "
                f"Got {name!r}, a {type(estimator).__name__}. "
                "A gate over regressors is not supported."
            )


def check_prefit(name, estimator, n_features) -> None:
    """Raise where a fitted expert is none, or was fitted on other features."""
    try:
        check_is_fitted(estimator)
    except Exception as error:
        raise NotFittedError(
            f"cv='prefit' needs fitted experts. {name!r}, a {type(estimator).__name__}, is not. "
            "Fit it first, or use cv=5."
        ) from error
    own = getattr(estimator, "n_features_in_", n_features)
    if own != n_features:
        raise ValueError(
            f"Expert {name!r} was fitted on {own} features. Got X with {n_features}. "
            "Use experts of the same features; a Pipeline can select columns."
        )


def fit_experts(estimators, X, y, params, *, n_jobs, verbose=0, task=NOT_TOLD, bar=None) -> list:
    """Fit a clone of each expert on all rows, in parallel.

    `params` is a dict of ExpertParams by name; an expert that is not in it has none. Each fit is a
    part of `task`, which callbacks are told of; so is `bar`.
    """
    parts = [task.subtask(name, number=i) for i, (name, _) in enumerate(estimators)]
    jobs = (
        delayed(_fit_one)(name, estimator, X, y, params.get(name, NO_PARAMS).fit, part)
        for (name, estimator), part in zip(estimators, parts, strict=True)
    )
    return _in_parallel(jobs, n_jobs, bar, verbose=_lines(verbose))


def fit_parts(estimators, X, y, params, parts, *, n_jobs, bar=None) -> list:
    """Fit a clone of each expert on its rows; on rows of one class, a constant.

    `parts` holds the positions of each expert's rows. An expert without rows is a constant, too:
    the most frequent class of all. `bar` is told of each fit.
    """
    jobs = (
        delayed(_fit_part)(name, estimator, X, y, params.get(name, NO_PARAMS), rows)
        for (name, estimator), rows in zip(estimators, parts, strict=True)
    )
    return _in_parallel(jobs, n_jobs, bar)


def _in_parallel(jobs, n_jobs, bar, **settings):
    bar = Bar() if bar is None else bar
    bar.go_on()
    return CountingParallel(bar, n_jobs=n_jobs, prefer="threads", **settings)(jobs)


def _lines(verbose):
    """Return what joblib is told: 1 shows a bar instead of its lines."""
    return verbose if verbose > 1 else 0


def out_of_fold_scores(
    experts, X, y, params, *, cv, n_jobs, verbose=0, task=NOT_TOLD, bar=None
) -> np.ndarray:
    """Return scores of every row by clones that were fitted without it, shape (n_rows, L, C).

    Those of each expert are a part of `task`, which callbacks are told of; so is `bar`.
    """
    splits = list(cv.split(X, y))
    parts = [task.subtask(expert.name, number=i) for i, expert in enumerate(experts)]
    jobs = (
        delayed(_held_out)(
            expert, X, y, params.get(expert.name, NO_PARAMS).asked, splits, n_jobs, verbose, part
        )
        for expert, part in zip(experts, parts, strict=True)
    )
    # One expert after the other: folds are what runs in parallel.
    return np.stack(_in_parallel(jobs, 1, bar), axis=1)


def _held_out(expert, X, y, params, splits, n_jobs, verbose, task):
    """Return scores of every row by clones of one expert that were fitted without it."""
    task.begin()
    scores = _scores_held_out(expert, X, y, params, splits, n_jobs, verbose)
    task.end()
    return scores


def _scores_held_out(expert, X, y, params, splits, n_jobs, verbose):
    if isinstance(expert.estimator, FrozenEstimator):
        return expert.scores(X)
    try:
        given = cross_val_predict(
            expert.estimator,
            X,
            y,
            cv=splits,
            n_jobs=n_jobs,
            method=expert.response,
            params=params,
            verbose=_lines(verbose),
        )
    except Exception as error:
        raise _failure(expert.name, error) from error
    if expert.response == "predict":
        given = _votes(given, expert)
    return columns_of(given, expert.response, expert.known, expert.n_classes)


def all_scores(experts, X, *, n_jobs=None) -> np.ndarray:
    """Return the scores of every expert for every row, shape (n_rows, L, C)."""
    jobs = (delayed(expert.scores)(X) for expert in experts)
    return np.stack(Parallel(n_jobs=n_jobs, prefer="threads")(jobs), axis=1)


def _respond(estimator, X, response):
    if response == "predict":
        classes = estimator.classes_
        return _one_hot(np.searchsorted(classes, estimator.predict(X)), len(classes))
    return getattr(estimator, response)(X)


def _votes(predicted, expert):
    # All classes are known out of fold: experts are fitted on y.
    classes = np.asarray(expert.estimator.classes_)
    return _one_hot(np.searchsorted(classes, predicted), len(classes))


def _one_hot(positions, n_classes):
    return np.eye(n_classes)[positions]


def _fit_one(name, estimator, X, y, params, task=NOT_TOLD):
    try:
        return task.fit(clone(estimator), X, y, params)
    except Exception as error:
        raise _failure(name, error) from error


def _fit_part(name, estimator, X, y, params, rows):
    labels = y[rows]
    if len(rows) == 0:
        classes, counts = np.unique(y, return_counts=True)
        labels = classes[[np.argmax(counts)]]
    if (labels == labels[0]).all():
        return DummyClassifier(strategy="prior").fit(safe_indexing(X, [0]), labels[:1])
    return _fit_one(name, estimator, safe_indexing(X, rows), labels, params.of_rows(X, rows))


def _failure(name, error):
    # As StackingClassifier, where it is the value of a parameter.
    kind = InvalidParameterError if isinstance(error, InvalidParameterError) else ValueError
    return kind(f"Expert {name!r} failed to fit: {type(error).__name__}: {error}")


def _n_rows(X):
    return X.shape[0] if hasattr(X, "shape") else len(X)
