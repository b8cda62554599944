"""QuantilePredictions: quantiles, intervals and medians of a fitted network, and their score."""

from numbers import Real

import numpy as np
from sklearn.metrics import mean_pinball_loss
from sklearn.utils.validation import check_is_fitted

from skconstrain._base._regressor import NetRegressor
from skconstrain._formulas._quantile_levels import checked_levels, interpolated, is_outside
from skconstrain._lazy_rows import weighted_quantiles
from skconstrain._progress import long_work_shown
from skconstrain._quantiles._calibration import shifts_in_use, without_calibration
from skconstrain._sklearn_compat import check_sample_weight


class QuantilePredictions(NetRegressor):
    """Predict quantiles of levels, `quantiles`, from a network whose outputs they are."""

    def predict(self, X, quantiles=None, coverage=None):
        """Predict medians; or quantiles or intervals, as a Pipeline asks for them.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite data, however far from the training data.
        quantiles : array-like of float, default=None
            Levels, as in `predict_quantiles`.
        coverage : float, default=None
            Share of targets in central intervals, as in `predict_interval`.

        Returns
        -------
        y : ndarray of shape (n_samples,), (n_samples, n_quantiles) or (n_samples, 2)
            Medians, quantiles or ends of intervals, in the precision of the network.
        """
        if quantiles is not None and coverage is not None:
            raise ValueError(
                "predict takes quantiles or coverage, not both. Got "
                f"quantiles={quantiles!r} and coverage={coverage!r}."
            )
        if coverage is not None:
            return self.predict_interval(X, coverage)
        return super().predict(X) if quantiles is None else self.predict_quantiles(X, quantiles)

    def predict_quantiles(self, X, quantiles=None, *, calibrated=True):
        """Predict quantiles.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite data, however far from the training data.
        quantiles : array-like of float, default=None
            Levels, in any order, inside the range of those in `fit`; None stands for the parameter
            `quantiles`.
        calibrated : bool, default=True
            Whether they are calibrated: see the parameter `calibration`.

        Returns
        -------
        y : ndarray of shape (n_samples, n_quantiles)
            A column for each level.
        """
        check_is_fitted(self)
        asked = checked_levels(self.quantiles if quantiles is None else quantiles)
        levels = np.array(self._fitted.network.head.levels)
        outside = is_outside(levels, asked)
        if outside.any():
            raise ValueError(
                f"quantiles must lie between those of fit, {levels[0]:g} and {levels[-1]:g}. Got "
                f"{asked[outside][0]:g}. Fit with quantiles= that reach farther."
            )
        outputs = self._outputs(X) if calibrated else self._outputs_as_trained(X)
        return interpolated(levels, outputs, asked)

    def predict_interval(self, X, coverage=0.9):
        """Predict central intervals.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite data, however far from the training data.
        coverage : float, default=0.9
            Share of targets that lie inside: the ends are the quantiles of the levels
            ``(1 - coverage) / 2`` and ``(1 + coverage) / 2``.

        Returns
        -------
        y : ndarray of shape (n_samples, 2)
            The lower and the upper end for each row.
        """
        if not (isinstance(coverage, Real) and 0 < coverage < 1):
            raise ValueError(f"coverage must lie between 0 and 1. Got {coverage!r}.")
        return self.predict_quantiles(X, [(1 - coverage) / 2, (1 + coverage) / 2])

    def score(self, X, y, sample_weight=None):
        r"""Return D2, the share of the pinball loss that predictions save.

        It is :math:`1 - L / L_0`, where L is the mean pinball loss of the predicted `quantiles`
        over rows and levels, and :math:`L_0` that of constants, the weighted quantiles of y. For
        one level it is :func:`sklearn.metrics.d2_pinball_score`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite data.
        y : array-like of shape (n_samples,)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, not negative.

        Returns
        -------
        score : float
            1 is best; 0 is what constants have.
        """
        target, predicted = self._columns(y)[0], self.predict_quantiles(X)
        weight = check_sample_weight(sample_weight, target, dtype=np.float64)
        levels = checked_levels(self.quantiles)
        constants = np.tile(weighted_quantiles(target, weight, levels).T, (len(target), 1))
        loss, of_constants = (
            sum(
                mean_pinball_loss(target, column, sample_weight=weight, alpha=level)
                for level, column in zip(levels, columns.T, strict=True)
            )
            for columns in (predicted, constants)
        )
        if of_constants == 0:  # as in scikit-learn
            return 1.0 if loss == 0 else 0.0
        return float(1 - loss / of_constants)

    def _outputs_as_trained(self, X):
        with long_work_shown(self.verbose):
            return self._as_trained.predict(self._validated_input(X))

    @property
    def _as_trained(self):
        return without_calibration(self._fitted)

    @property
    def calibration_(self):
        """What each level is moved by before the link: see `calibration`."""
        check_is_fitted(self)
        return shifts_in_use(self._fitted)
