"""ScoreGate: the network that an ensemble over given classifiers holds."""

import numpy as np

from skconstrain._base import NetClassifier
from skconstrain._base._schedules import AUTOMATIC_RATE
from skconstrain._gated._calibration import best_calibration
from skconstrain._gated._gate_net import GateNet
from skconstrain._networks import ScoreColumns

_KNOWN_OF_TARGET = ("classes_", "n_outputs_", "_target_kind", "_encoder")


class ScoreGate(GateNet, NetClassifier):
    """A gate that is trained on features, and on scores of classifiers that stand behind them.

    It has the parameters of the ensemble that holds it, and is neither cloned nor searched.
    """

    # A gate over fitted experts has little to learn; at a higher rate, it learns noise.
    _automatic_rate = AUTOMATIC_RATE / 10

    def follow(self, ensemble, columns: ScoreColumns, rounds, **params) -> "ScoreGate":
        """Take over what an ensemble was set to and what it knows of its target, for one fit.

        Parameters
        ----------
        ensemble : GatedEnsembleClassifier
            What holds this gate.
        columns : ScoreColumns
            How scores stand behind the features.
        rounds : Rounds or None
            Rounds of experts, if they are fitted in rounds.
        **params
            Parameters that differ from those of the ensemble.
        """
        settings = ensemble.get_params(deep=False)
        del settings["estimators"]
        known = {name: getattr(ensemble, name) for name in _KNOWN_OF_TARGET}
        vars(self).update({**settings, **params, **known, "n_networks": 1})
        self._columns, self._rounds = columns, rounds
        return self

    def _specify(self, rows, continues):
        return self._network_over(len(self._columns.trained), rows, scores=self._columns)

    def _start(self, rows):
        """Start each expert at its best scale and shift: the gate leaves a badly scaled one."""
        features, scores = parted(rows.X, self._columns)
        known, target_scale = super()._start(rows._replace(X=features))
        scale, shift = best_calibration(scores, rows.target, rows.weight, self._columns)
        return known | {"eta/scale": scale, "eta/shift": shift}, target_scale


def with_scores(X, scores) -> np.ndarray:
    """Put scores of shape (n_rows, L, C) behind features of shape (n_rows, n_features)."""
    return np.hstack([X, scores.reshape(len(X), -1).astype(X.dtype)])


def parted(X, columns: ScoreColumns) -> tuple[np.ndarray, np.ndarray]:
    """Return the features, and behind them the scores of shape (n_rows, L, C)."""
    n_features = X.shape[1] - np.size(columns.seen)
    return X[:, :n_features], X[:, n_features:].reshape(len(X), *np.shape(columns.seen))
