"""ThresholdClassifier: a fitted classifier, and a threshold for each label."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skconstrain._formulas._decisions import decide
from skconstrain._targets import plain_target
from skconstrain._thresholds._scores import label_scores
from skconstrain._wrapped import opened


def _estimator_has(method):
    def check(self):
        return hasattr(getattr(self, "estimator_", self.estimator), method)

    return available_if(check)


class ThresholdClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Predict by the scores of `estimator_` and by `thresholds_`, which a subclass finds in `fit`.

    Attributes
    ----------
    _method : str
        The method of `estimator_` that gives the scores.
    _n_labels : int or None
        Number of labels; None for a 1-D target.
    _dtype, _container
        Type of labels, and of the sparse matrix that holds them, if one does.
    """

    # `Any`: None for a multiclass target. Declared optional, every reader would have to assert.
    thresholds_: Any

    def _min_labels(self):
        """Labels that every row has at least: one label is a binary target, and has none."""
        *_, innermost = opened(self.estimator_)
        return 0 if self._n_labels is None else getattr(innermost, "min_labels", 0)

    def _scores(self, X, method=None):
        """Scores of shape (n_samples, n_labels)."""
        return label_scores(self.estimator_, X, method or self._method, self._n_labels)

    def predict(self, X):
        """Predict labels: the scores that reach their thresholds.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y_pred : {ndarray, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
            Zeros and ones in the type of the y given to `fit`, or classes of a 1-D target.
        """
        check_is_fitted(self)
        if self.thresholds_ is None:
            scores = getattr(self.estimator_, self._method)(X)
            return self.classes_[np.argmax(scores, axis=1)]
        scores = self._scores(X)
        if scores.shape[1] != len(self.thresholds_):
            raise ValueError(
                f"thresholds_ must hold one threshold per label, {scores.shape[1]}. "
                f"Got {len(self.thresholds_)}."
            )
        predicted = decide(scores, self.thresholds_, self._min_labels())
        if self._n_labels is None:
            return self.classes_[predicted[:, 0].astype(int)]
        predicted = predicted.astype(self._dtype)
        return self._container(predicted) if self._container else predicted

    @_estimator_has("predict_proba")
    def predict_proba(self, X):
        """Compute probabilities by the fitted classifier; the thresholds do not change them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_labels) or (n_samples, n_classes)
            Probability of each label, or of each class of a 1-D target.
        """
        return self._delegated("predict_proba", X)

    @_estimator_has("predict_log_proba")
    def predict_log_proba(self, X):
        """Compute logarithms of probabilities by the fitted classifier.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_labels) or (n_samples, n_classes)
            Logarithm of the probability of each label, or of each class of a 1-D target.
        """
        return self._delegated("predict_log_proba", X)

    @_estimator_has("decision_function")
    def decision_function(self, X):
        """Compute scores by the fitted classifier; the thresholds do not change them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_labels), (n_samples, n_classes) or (n_samples,)
            Score of each label or class; of the second class of a binary target.
        """
        return self._delegated("decision_function", X)

    def _delegated(self, method, X):
        check_is_fitted(self)
        if self._n_labels is None:
            return getattr(self.estimator_, method)(X)
        return self._scores(X, method)

    def score(self, X, y, sample_weight=None):
        """Share of the rows whose labels are all predicted right.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
            True labels, the same as in `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights.

        Returns
        -------
        score : float
            Subset accuracy; accuracy of a 1-D target.
        """
        check_is_fitted(self)
        y, _ = plain_target(y)
        if self._n_labels is not None and np.shape(y)[1:] != (self._n_labels,):
            raise ValueError(
                f"y must have the {self._n_labels} labels seen in fit. Got shape {np.shape(y)}."
            )
        return super().score(X, y, sample_weight)

    def __sklearn_tags__(self):
        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator)
        for name in ("sparse", "allow_nan", "categorical", "string", "pairwise"):
            setattr(tags.input_tags, name, getattr(inner.input_tags, name))
        if inner.classifier_tags is not None:
            tags.classifier_tags.multi_class = inner.classifier_tags.multi_class
            tags.classifier_tags.multi_label = inner.classifier_tags.multi_label
            tags.classifier_tags.poor_score = inner.classifier_tags.poor_score
        return tags
