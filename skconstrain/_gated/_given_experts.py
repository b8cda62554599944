"""GivenExperts: fitted classifiers, and what a gate over their scores makes of them."""

from dataclasses import dataclass

import numpy as np

from skconstrain._formulas._layers import calibrated
from skconstrain._formulas._numpy_ops import NUMPY_OPS
from skconstrain._gated._calibration import probability_of
from skconstrain._gated._expert import Expert, all_scores
from skconstrain._networks import FittedNetwork, ScoreColumns
from skconstrain._sklearn_compat import safe_indexing


@dataclass(frozen=True)
class GivenExperts:
    """Fitted classifiers under a gate.

    Attributes
    ----------
    experts
        The L experts; none before rounds have fitted them.
    columns
        How a network takes their scores.
    """

    experts: list[Expert]
    columns: ScoreColumns

    @classmethod
    def of(cls, experts: list[Expert]) -> "GivenExperts":
        """Return experts that know all of their classes."""
        trained = tuple(not expert.is_calibrated for expert in experts)
        seen = tuple(tuple(map(bool, expert.seen)) for expert in experts)
        return cls(experts, ScoreColumns(trained, seen))

    @classmethod
    def expected(cls, responses: list[str], n_classes: int) -> "GivenExperts":
        """Return what is known of experts that rounds will fit, which `responses` are asked for.

        A part may lack classes that another part has: of a round's experts all columns count.
        """
        n_columns = 1 if n_classes == 2 else n_classes
        trained = tuple(response != "predict_proba" for response in responses)
        return cls([], ScoreColumns(trained, ((True,) * n_columns,) * len(responses)))

    def logits(self, gate: FittedNetwork, X, *, n_jobs) -> np.ndarray:
        """Return calibrated scores for rows as they were given, shape (n_rows, L, C)."""
        return self._calibrated(gate, all_scores(self.experts, X, n_jobs=n_jobs))

    def outputs(self, gate: FittedNetwork, features, X, *, n_jobs) -> np.ndarray:
        """Return logits of the mixture, shape (n_rows, C), for rows X whose features are checked.

        An expert without weight for a row does not see it.
        """
        weights = gate.layer(features, "gate")
        if gate.network.gate.gating == "soft":
            logits = self.logits(gate, X, n_jobs=n_jobs)
            probability = np.einsum("nl,nlk->nk", weights, probability_of(logits))
        else:
            probability = self._mixture_of_chosen(gate, weights, X)
        logs = np.log(np.maximum(probability, np.finfo(np.float64).tiny))
        return logs[:, 1:] - logs[:, :1] if logs.shape[1] == 2 else logs

    def _mixture_of_chosen(self, gate, weights, X):
        mixture = np.zeros((len(weights), self.experts[0].n_classes))
        for i, expert in enumerate(self.experts):
            rows = np.flatnonzero(weights[:, i])
            if len(rows):
                scores = expert.scores(safe_indexing(X, rows))[:, None]
                logits = self._calibrated(gate, scores, [i])[:, 0]
                mixture[rows] += weights[rows, i : i + 1] * probability_of(logits)
        return mixture

    def _calibrated(self, gate, scores, chosen=slice(None)):
        """Return logits for the scores of chosen experts, shape (n_rows, n_chosen, C)."""
        # Scores are in double precision.
        scale, shift = (
            gate.weights[f"eta/{name}"].astype(np.float64) for name in ("scale", "shift")
        )
        trained, seen = np.asarray(self.columns.trained)[:, None], np.asarray(self.columns.seen)
        learnt = (part[chosen] for part in (scale, shift, trained, seen))
        return calibrated(NUMPY_OPS, scores, *learnt)
