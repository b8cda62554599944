"""The list of experts that an ensemble is given: names and estimators, some of them dropped."""

from collections.abc import Sequence

from sklearn.base import is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted


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
