"""ExpertProbabilities: what each expert of an ensemble predicts, as features of other models."""

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skconstrain._gated._calibration import probability_of
from skconstrain._gated._expert_rows import indexable_rows
from skconstrain._sklearn_compat import check_feature_names_in


class ExpertProbabilities(TransformerMixin):
    """Predict by each expert of an ensemble for itself."""

    def expert_predict_proba(self, X):
        """Predict probabilities by every expert for itself.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite data.

        Returns
        -------
        probability : ndarray of shape (n_samples, L, n_classes)
            Probability of each class by each expert: what the gate weighs. Decisions and votes went
            through the scale and the shift that were learnt. Of several networks it is the mean,
            weighted by their gates.
        """
        check_is_fitted(self)
        features, gate = self._validated_input(X), self._fitted
        if self._experts is None:
            each = probability_of(gate.layer(features, "eta"))
            return each if each.ndim == 3 else mean_experts(gate.layer(features, "gate"), each)
        return probability_of(self._experts.logits(gate, indexable_rows(X), n_jobs=self.n_jobs))

    def transform(self, X):
        """Compute what the gate weighs: the probabilities of each expert.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite data.

        Returns
        -------
        X_trans : ndarray of shape (n_samples, L) or (n_samples, L * n_classes)
            The probability of the second of two classes by each expert; else of every class by the
            first expert, by the second and so on.
        """
        probability = self.expert_predict_proba(X)
        if len(self.classes_) == 2:
            probability = probability[..., 1:]
        return probability.reshape(len(probability), -1)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns of `transform`.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Only checked: they must be `feature_names_in_`, where these are known.

        Returns
        -------
        feature_names_out : ndarray of str objects
            Name of the class and of the expert, followed by the number of the class where there are
            more than two; as in StackingClassifier.
        """
        check_is_fitted(self)
        check_feature_names_in(self, input_features, generate_names=False)
        n_classes = len(self.classes_)
        numbers = [""] if n_classes == 2 else range(n_classes)
        prefix = type(self).__name__.lower()
        names = [f"{prefix}_{name}{number}" for name in self.expert_names_ for number in numbers]
        return np.asarray(names, dtype=object)


def mean_experts(weights, probability):
    """Return probabilities of experts, (n_rows, L, C): means over K networks, weighted by gates.

    They have shapes (n_rows, K, L) and (n_rows, K, L, C). Weighted by the mean of the gates, the
    result sums to the mean of the K mixtures. Where no gate has a weight, all networks count.
    """
    total = weights.sum(axis=1, keepdims=True)
    equal = np.full_like(weights, 1 / weights.shape[1])
    shares = np.divide(weights, total, out=equal, where=total > 0)
    return np.einsum("nkl,nklc->nlc", shares, probability)
