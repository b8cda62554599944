"""What predicts inside of a Pipeline, a search or a tuner of thresholds."""

from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skconstrain._wrapped import opened


def inner_network(estimator):
    """Return what is innermost: behind Pipelines, searches and tuners, in any order; or itself.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If `estimator` is not fitted.
    """
    check_is_fitted(estimator)
    *_, innermost = opened(estimator)
    return innermost


def as_seen_inside(estimator, X):
    """Return X as what is innermost sees it: behind the transformers of Pipelines."""
    for outer in opened(estimator):
        if isinstance(outer, Pipeline) and len(outer) > 1:
            X = outer[:-1].transform(X)
    return X


def found_inside(estimator, name, otherwise=None):
    """Return the attribute that is outermost of those with this name, or the other value."""
    having = (getattr(one, name) for one in opened(estimator) if hasattr(one, name))
    return next(having, otherwise)
