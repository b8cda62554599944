"""Experts: classifiers of scikit-learn under a gate, whatever they give and whichever classes."""

from dataclasses import dataclass

import numpy as np
from scipy.special import logit
from sklearn.base import BaseEstimator
from sklearn.utils.parallel import Parallel, delayed

from skconstrain._formulas._recipe import saturation_limit
from skconstrain._sklearn_compat import safe_indexing

RESPONSES = ("predict_proba", "decision_function", "predict")

# Probabilities are clipped here, so that logits stay finite.
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
        # Far outside its data an expert may overflow: it then prefers no class.
        with np.errstate(over="ignore", invalid="ignore"):
            return self.columns(getattr(self.estimator, self.response)(X))

    def columns(self, given) -> np.ndarray:
        """Return the scores of rows for which `given` is what the response returned."""
        if self.response == "predict":
            classes = np.asarray(self.estimator.classes_)
            given = np.eye(len(classes))[np.searchsorted(classes, given)]
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
    given = np.asarray(given, np.float64)
    # Where an expert overflows, it prefers no class.
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


def all_scores(experts, X, *, n_jobs=None) -> np.ndarray:
    """Return the scores of every expert for every row, shape (n_rows, L, C)."""
    jobs = (delayed(expert.scores)(X) for expert in experts)
    return np.stack(Parallel(n_jobs=n_jobs, prefer="threads")(jobs), axis=1)


def _n_rows(X):
    return X.shape[0] if hasattr(X, "shape") else len(X)
