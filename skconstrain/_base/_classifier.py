"""The fit template for classifiers: classes, labels, probabilities, thresholds."""

from collections.abc import Mapping
from numbers import Integral, Real

import numpy as np
from scipy import sparse
from scipy.special import expit, logit, softmax
from sklearn.base import ClassifierMixin

from skconstrain._base._class_weight import as_numbers
from skconstrain._base._estimator import NetEstimator
from skconstrain._formulas._decisions import decide
from skconstrain._formulas._grid import sigmoid
from skconstrain._networks import ProbabilityHead
from skconstrain._sklearn_compat import Interval, StrOptions, fit_context
from skconstrain._targets import ClassTarget, class_numbers, plain_target
from skconstrain._warn import warn

# A class or label that is missing starts at this share.
_SMALLEST_SHARE = 1e-4


class NetClassifier(ClassifierMixin, NetEstimator):
    """Encode classes or labels, start at their shares, turn logits into decisions.

    A target is "binary" (1-D, one sigmoid), "multiclass" (1-D, softmax) or "multilabel" (a matrix
    of 0 and 1, one sigmoid a label). Subclasses declare `_check_target` and the hooks of
    `NetEstimator` that are not defined here.
    """

    _parameter_constraints: dict = {
        **NetEstimator._parameter_constraints,
        "threshold": [Interval(Real, 0, 1, closed="both"), dict, "array-like"],
        "loss": [StrOptions({"log_loss", "focal", "asymmetric"}), callable],
        "scoring": [StrOptions({"brier", "loss"})],
        "class_weight": [StrOptions({"balanced"}), dict, "array-like", None],
    }

    # The value for classifiers that lack this parameter.
    min_labels = 0

    def _check_target(self) -> None:
        """Raise ``ValueError`` where parameters contradict the target, once it is known."""

    def _keras_loss(self):
        from skconstrain.losses._classification import classification_loss
        from skconstrain.losses._wrapped import ValidatedByBrier

        activation = "softmax" if self._target_kind == "multiclass" else "sigmoid"
        loss = classification_loss(self.loss, activation)
        if self.scoring == "brier":
            loss = ValidatedByBrier(loss, activation)
        return loss, None

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train one more epoch on the given data.

        The scales of features follow the rows of all calls, and the weights with them, so that
        predictions stay. Where training began with `fit`, its scales stay.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Training data; the first call decides about categories, and where gaps are learnt.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Targets.
        classes : array-like of shape (n_classes,), default=None
            All classes of a 1-D target; needed in the first call where `y` does not hold them all.
            They must be the same in every later call that gives them.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, not negative.

        Returns
        -------
        self : object
            The estimator, trained one epoch further.
        """
        settings = {"continues": hasattr(self, "_fitted"), "partial": True, "classes": classes}
        return self._fit(X, y, sample_weight, None, epochs=1, **settings)

    def predict(self, X):
        """Predict classes or labels.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite data.

        Returns
        -------
        y : ndarray of shape (n_samples,), or ndarray or csr_array of shape (n_samples, n_labels)
            The class; or 1 for each label whose probability reaches its threshold, sparse where the
            target of `fit` was.
        """
        probability = self._probability(X)
        if self._target_kind == "multiclass":
            return self.classes_[np.argmax(probability, axis=1)]
        threshold = self._checked_threshold()
        if self._target_kind == "binary":
            return self.classes_[(probability[:, 0] >= threshold).astype(int)]
        self._check_min_labels()  # set_params may have changed it
        return self._label_type(decide(probability, threshold, self.min_labels))

    def predict_proba(self, X):
        """Predict probabilities.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite data.

        Returns
        -------
        probability : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            Probability of each class of a 1-D target, in the order of `classes_`; of each label
            being 1.
        """
        return self._oof_prediction(self._outputs(X))

    def predict_log_proba(self, X):
        """Predict logarithms of probabilities.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite data.

        Returns
        -------
        log_probability : ndarray of the shape of `predict_proba`
            Logarithm of the probabilities.
        """
        return np.log(self.predict_proba(X))

    def decision_function(self, X):
        """Compute logits.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite data.

        Returns
        -------
        logits : ndarray of shape (n_samples,), (n_samples, n_classes) or (n_samples, n_labels)
            Logit of the second class of a binary target; of each class; of each label.
        """
        logits = self._outputs(X)
        return logits[:, 0] if self._target_kind == "binary" else logits

    def score(self, X, y, sample_weight=None):
        """Compute the share of rows that are predicted right.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite data.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            True classes, or labels, all of which must be right.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights.

        Returns
        -------
        score : float
            Accuracy; subset accuracy of several labels.
        """
        return super().score(X, plain_target(y)[0], sample_weight)

    def _oof_prediction(self, outputs):
        probability = self._probability_of(outputs)
        if self._target_kind == "binary":
            return np.hstack([1 - probability, probability])
        return probability

    def _probability(self, X):
        return self._probability_of(self._outputs(X))

    def _probability_of(self, logits):
        if self._target_kind == "multiclass":
            return softmax(logits, axis=1)
        if self._fitted.network.monotonic_cst is not None:
            # float64, exactly rounded behind exp: the probability never falls where logits rise.
            probability = sigmoid(np, logits.astype(np.float64)).astype(logits.dtype)
        else:
            probability = expit(logits)
        # Rounding makes no label certain, whose logarithm would be infinite.
        precision = np.finfo(logits.dtype)
        return np.clip(probability, precision.tiny, 1 - precision.epsneg)

    def _checked_threshold(self):
        """Return `threshold` as a number, or an array of one number a label."""
        if isinstance(self.threshold, Mapping):
            threshold = self._threshold_by_name()
        else:
            threshold = as_numbers(self.threshold, "threshold")
        n_labels = self.n_outputs_ if self._target_kind == "multilabel" else 1
        if threshold.ndim > 0 and threshold.shape != (n_labels,):
            raise ValueError(
                f"threshold must be a number or hold one number for each of {n_labels} labels. "
                f"Got shape {threshold.shape}."
            )
        if not ((threshold >= 0) & (threshold <= 1)).all():
            wrong = threshold[~((threshold >= 0) & (threshold <= 1))].flat[0]
            raise ValueError(f"threshold must lie in [0, 1], as probabilities do. Got {wrong:g}.")
        return threshold

    def _check_min_labels(self):
        is_count = isinstance(self.min_labels, Integral)
        if not (is_count and 0 <= self.min_labels <= self.n_outputs_):
            raise ValueError(
                f"min_labels must be at least 0 and at most the number of labels, "
                f"{self.n_outputs_}. Got {self.min_labels}."
            )

    def _threshold_by_name(self):
        if self._target_kind != "multilabel":
            raise ValueError(
                "threshold must be a number for a 1-D target. A dict of label -> threshold needs a "
                f"target of several labels. Got {self.threshold!r}."
            )
        threshold = np.full(self.n_outputs_, 0.5)
        for label, value in self.threshold.items():
            threshold[self._position(label, "threshold")] = as_numbers(value, "threshold")
        return threshold

    def _label_type(self, decided):
        """Return decisions in the type of the y of `fit`."""
        labels = decided.astype(self._label_dtype)
        return sparse.csr_array(labels) if self._labels_are_sparse else labels

    def _encode_target(self, y, *, names, reset, classes=None, name="y"):
        target = ClassTarget.of(y, names=names, name=name)
        if not reset:
            self._check_same_target(target, name)
        if target.n_labels is not None:
            kind, encoded = "multilabel", target.values.astype(np.float64)
            if reset:
                self._set_labels(target)
        else:
            self._set_classes(target, classes, reset)
            kind = "binary" if len(self.classes_) == 2 else "multiclass"
            encoded = self._encode_classes(target.values, name)
        if reset:
            self._target_kind, self.n_outputs_ = kind, encoded.shape[1]
            self._checked_threshold()
            self._check_target()
        return encoded

    def _check_same_target(self, target, name):
        """Raise where a target is of another kind than the first, or has other labels."""
        known = self.n_outputs_ if self._target_kind == "multilabel" else None
        if target.n_labels != known:
            expected, found = (
                "a vector of classes" if n is None else f"{n} columns, one for each label"
                for n in (known, target.n_labels)
            )
            raise ValueError(f"{name} must be {expected}, as in the first fit. Got {found}.")
        if target.names is not None and known and target.names != self._label_names:
            raise ValueError(
                f"{name} must have the labels of the first fit, {self._label_names}. Got "
                f"{target.names}."
            )

    def _set_labels(self, target):
        self._label_dtype, self._labels_are_sparse = target.dtype, target.container is not None
        self.classes_ = target.classes
        self.__dict__.pop("label_names_", None)
        self._label_names = list(range(target.n_labels)) if target.names is None else target.names
        if target.names is not None:
            self.label_names_ = np.asarray(target.names, dtype=object)
        missing = [self._label_names[j] for j in np.flatnonzero(~target.values.any(axis=0))]
        if missing:
            shown = ", ".join(map(str, missing[:5])) + (", ..." if len(missing) > 5 else "")
            warn(
                f"Labels without a positive sample, {len(missing)} of {target.n_labels}: {shown}. "
                "Their probability will stay near 0."
            )

    def _set_classes(self, target, classes, reset):
        """Keep the classes of a vector: `classes` of the user's, or those of the target."""
        if reset:
            self.__dict__.pop("label_names_", None)
            self.classes_ = target.classes if classes is None else np.unique(np.asarray(classes))
            if len(self.classes_) < 2:
                raise ValueError(
                    f"{type(self).__name__} needs at least 2 classes in y. "
                    f"Got 1 class: {self.classes_[0]}."
                )
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(
                f"classes must stay those of the first call, {self.classes_.tolist()}. Got "
                f"{np.unique(classes).tolist()}. Leave classes out, or start with a clone."
            )

    def _encode_classes(self, values, name):
        """Encode classes: a column of 0 and 1 for two of them, a column for each of more."""
        remedy = (
            "Give all of them in the first call: partial_fit(X, y, classes=...)."
            if name == "y"
            else f"Leave such rows out of X_val and {name}, or train on some of them, too."
        )
        number = class_numbers(values, self.classes_, name=name, remedy=remedy)
        if len(self.classes_) == 2:
            return number[:, None].astype(np.float64)
        return np.eye(len(self.classes_))[number]

    def _position(self, label, parameter):
        if label in self._label_names:
            return self._label_names.index(label)
        if isinstance(label, Integral) and 0 <= label < self.n_outputs_:
            return label
        raise ValueError(
            f"{parameter} must name labels of y, {self._label_names}, or positions. Got {label!r}."
        )

    def _head(self):
        return ProbabilityHead("softmax" if self._target_kind == "multiclass" else "sigmoid")

    def _start(self, rows):
        """Start at the weighted share of each class or label."""
        positive = rows.weight @ rows.target
        negative = rows.weight @ (rows.target == 0)
        share = np.clip(positive / (positive + negative), _SMALLEST_SHARE, 1 - _SMALLEST_SHARE)
        bias = np.log(share) if self._target_kind == "multiclass" else logit(share)
        return {"eta/bias": bias}, 1.0

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
