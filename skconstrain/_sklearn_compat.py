"""The only file that imports private names of scikit-learn."""

from dataclasses import dataclass

from sklearn.base import _fit_context
from sklearn.metrics._scorer import _BaseScorer
from sklearn.utils import _safe_indexing
from sklearn.utils._metadata_requests import _raise_for_params
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    Options,
    RealNotInt,
    StrOptions,
)
from sklearn.utils.metaestimators import _BaseComposition, _safe_split
from sklearn.utils.multiclass import _ovr_decision_function
from sklearn.utils.validation import (
    _check_feature_names_in,
    _check_method_params,
    _check_monotonic_cst,
    _check_sample_weight,
    validate_data,
)

__all__ = [
    "BaseComposition",
    "HasMethods",
    "Interval",
    "InvalidParameterError",
    "Options",
    "RealNotInt",
    "ScorerCall",
    "StrOptions",
    "check_feature_names_in",
    "check_monotonic_cst",
    "check_sample_weight",
    "fit_context",
    "ovr_decision_function",
    "raise_for_params",
    "rows_of_params",
    "safe_indexing",
    "safe_split",
    "scorer_call",
    "validate_data",
]

check_feature_names_in = _check_feature_names_in
check_monotonic_cst = _check_monotonic_cst
check_sample_weight = _check_sample_weight
ovr_decision_function = _ovr_decision_function
raise_for_params = _raise_for_params
rows_of_params = _check_method_params
safe_indexing = _safe_indexing
safe_split = _safe_split
BaseComposition = _BaseComposition


def fit_context(*, prefer_skip_nested_validation):
    """Return scikit-learn's decorator of `fit` and `partial_fit`.

    Python's messages about wrong arguments name the class in which a method is written. For our
    base classes, which users do not know, they give the method's name only.
    """
    decorate = _fit_context(prefer_skip_nested_validation=prefer_skip_nested_validation)

    def decorate_plainly_named(method):
        method.__qualname__ = method.__name__
        return decorate(method)

    return decorate_plainly_named


@dataclass(frozen=True)
class ScorerCall:
    """What `sklearn.metrics.make_scorer` was given."""

    function: object
    sign: int
    kwargs: dict
    response_method: object


def scorer_call(scorer):
    """Take a scorer of scikit-learn apart; None for any other callable."""
    if not isinstance(scorer, _BaseScorer):
        return None
    return ScorerCall(scorer._score_func, scorer._sign, scorer._kwargs, scorer._response_method)
