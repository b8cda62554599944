"""The fit template for regressors: targets of one column or several."""

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import check_array

from skconstrain._base._estimator import NetEstimator
from skconstrain._base._rows import onto_ends
from skconstrain._targets import warn_of_column


class NetRegressor(RegressorMixin, NetEstimator):
    """Encode numbers, and give predictions in the shape of the targets.

    Subclasses declare the hooks of `NetEstimator` that are not defined here, and `_check_values`
    where their parameters limit the targets.
    """

    # The range of regressors that lack these parameters.
    lower = upper = None

    def _check_values(self, target) -> None:
        """Raise ``ValueError`` where targets contradict the parameters."""

    def predict(self, X):
        """Predict targets.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite data, however far from the training data.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions in the precision of the network.
        """
        return self._oof_prediction(self._outputs(X))

    def _oof_prediction(self, outputs):
        return outputs[:, 0] if self._y_is_1d else outputs

    def _encode_target(self, y, *, names, reset, classes=None, name="y"):
        target, is_1d = self._columns(y, name)
        if not reset and target.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y must have {self.n_outputs_} outputs, as in fit. Got {target.shape[1]}."
            )
        self._check_values(target)
        if reset:
            self.n_outputs_, self._y_is_1d = target.shape[1], is_1d
        return target

    def _columns(self, y, name="y"):
        """Return y as columns of floats, and whether predictions have one dimension."""
        given = y
        if np.asarray(y).dtype.kind in "mM":
            raise ValueError(f"{name} must hold numbers. Got dates or times. Give days, or hours.")
        y = check_array(y, ensure_2d=False, dtype=np.float64, input_name=name, estimator=self)
        is_1d = y.ndim == 1
        if y.ndim == 2 and y.shape[1] == 1:
            warn_of_column(name)
            is_1d = True
        return onto_ends(y.reshape(len(y), -1), given, (self.lower, self.upper)), is_1d

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
