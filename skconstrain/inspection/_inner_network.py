"""The network inside a Pipeline or a search."""

from sklearn.utils.validation import check_is_fitted


def inner_network(estimator):
    """Return the last step of a Pipeline, the best estimator of a search, in any order; or itself.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If `estimator` is not fitted.
    """
    check_is_fitted(estimator)
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif hasattr(estimator, "steps"):
            estimator = estimator.steps[-1][1]
        else:
            return estimator
