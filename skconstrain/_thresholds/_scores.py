"""One score per label, out of the several forms in which classifiers answer for several labels."""

from typing import NamedTuple

import numpy as np

from skconstrain._fit_tasks import current_task
from skconstrain._sklearn_compat import rows_of_params, safe_split


def response_method(estimator, wanted: str) -> str:
    """Return the method of a fitted classifier that gives the scores."""
    names = ["predict_proba", "decision_function"] if wanted == "auto" else [wanted]
    found = [name for name in names if hasattr(estimator, name)]
    if not found:
        raise AttributeError(
            f"estimator must have {' or '.join(names)}. {type(estimator).__name__} has not. "
            "Use another response_method or another classifier."
        )
    return found[0]


def label_scores(estimator, X, method: str, n_labels: int | None):
    """Score of every label, larger where it is more likely.

    Parameters
    ----------
    estimator : fitted classifier
    X : array-like of shape (n_samples, n_features)
    method : str
        "predict_proba", "predict_log_proba" or "decision_function". The answer may be an array of
        shape (n_samples, n_labels), a list of n_labels arrays of shape (n_samples, n_classes), as
        forests and MultiOutputClassifier give it, or, of a binary classifier, of shape (n_samples,)
        or (n_samples, 2).
    n_labels : int, or None
        How many labels there must be; None for a binary target.

    Returns
    -------
    ndarray of shape (n_samples, n_labels), or (n_samples, 1) for a binary target
    """
    answer = getattr(estimator, method)(X)
    if n_labels is None:
        answer = np.asarray(answer)
        if answer.ndim == 2 and answer.shape[1] != 2:
            raise ValueError(
                "A binary target needs scores for two classes. "
                f"{type(estimator).__name__} gives {answer.shape[1]}. If a training part has one "
                "class only, use a stratified cv."
            )
        return answer.reshape(-1, 1) if answer.ndim == 1 else answer[:, 1:]
    if isinstance(answer, list) or np.ndim(answer) == 3:
        classes = _classes_by_label(estimator, len(answer))
        floor = -np.inf if method == "predict_log_proba" else 0.0
        answer = np.column_stack(
            [_positive_column(part, c, floor) for part, c in zip(answer, classes, strict=True)]
        )
    answer = np.asarray(answer)
    answer = answer.reshape(-1, 1) if answer.ndim == 1 else answer
    if answer.shape[1] != n_labels:
        raise ValueError(
            f"The estimator must give scores for the {n_labels} labels of y. "
            f"{type(estimator).__name__} gives {answer.shape[1]}. Fit it with the same labels."
        )
    return answer


def _classes_by_label(estimator, n_answers):
    classes = getattr(estimator, "classes_", None)
    if isinstance(classes, list) and len(classes) == n_answers:
        return classes
    return [None] * n_answers


def _positive_column(part, classes, floor):
    """Score of class 1 out of an array (n_samples,) or (n_samples, n_classes)."""
    part = np.asarray(part)
    if part.ndim == 1:
        return part
    if part.shape[1] == 1 and classes is not None and not classes[0]:
        return np.full(len(part), floor, part.dtype)  # fitted on rows that all lack the label
    return part[:, -1]


def fit_and_score(estimator, X, y, train, test, fit_params, *, wanted, n_labels, keep):
    """Fit on some rows; return the classifier, if it is kept, and its scores on the others."""
    X_train, y_train = safe_split(estimator, X, y, train)
    try:
        current_task().fit(estimator, X_train, y_train, rows_of_params(X, fit_params, train))
    except ValueError as error:
        if n_labels is None or "1d array" not in str(error):
            raise
        raise ValueError(
            f"estimator must take the {n_labels} labels of y. "
            f"{type(estimator).__name__} takes one. Use OneVsRestClassifier(estimator), "
            "or another classifier of several labels."
        ) from error
    if test is None:
        return estimator, None
    X_test, _ = safe_split(estimator, X, y, test, train)
    scores = label_scores(estimator, X_test, response_method(estimator, wanted), n_labels)
    return estimator if keep else None, scores


class HeldOut(NamedTuple):
    """Rows held out, without those that have no weight, and the labels they are used for."""

    y_true: np.ndarray
    y_score: np.ndarray
    weight: np.ndarray | None
    labels: np.ndarray

    @classmethod
    def of(cls, positive, weight, rows, scores, *, trained, limits):
        """Take the rows of one split with their scores, which are put inside the limits.

        Scores of a label that the training part has no positive of are noise: `trained` tells.
        """
        if not np.isfinite(scores).all():
            raise ValueError(
                "The estimator's scores must be finite. Got NaN or infinity for a row held out. "
                "Scale the features, or use another response_method."
            )
        if limits is not None:
            scores = np.clip(scores, *limits)  # means over trees exceed 1 by a rounding
        if weight is not None:
            counts = weight[rows] > 0
            rows, scores = rows[counts], scores[counts]
        y_true = positive[rows]
        own = None if weight is None else weight[rows]
        return cls(y_true, scores, own, y_true.any(axis=0) & trained)

    @classmethod
    def joined(cls, by_split):
        """Put the rows of all splits together; return those of a single one as they are."""
        y_true, y_score, weight, labels = zip(*by_split, strict=True)
        if not any(map(len, y_true)):
            raise ValueError(
                "sample_weight must be positive for some row held out. Got only zeros."
            )
        if len(by_split) == 1:
            return by_split[0]
        return cls(
            np.concatenate(y_true),
            np.concatenate(y_score),
            None if weight[0] is None else np.concatenate(weight),
            np.any(labels, axis=0),
        )
