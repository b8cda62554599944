"""What is inside a Pipeline, a search, a frozen estimator or a tuner of thresholds."""

from collections.abc import Iterator

from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline


def opened(estimator) -> Iterator:
    """Yield a fitted estimator, and what predicts inside of it, from the outside inwards."""
    while estimator is not None:
        yield estimator
        if isinstance(estimator, Pipeline):
            estimator = estimator.steps[-1][1]
        elif isinstance(estimator, FrozenEstimator):
            estimator = estimator.estimator
        elif hasattr(estimator, "cv_thresholds_"):
            estimator = estimator.estimator_
        else:
            estimator = getattr(estimator, "best_estimator_", None)
