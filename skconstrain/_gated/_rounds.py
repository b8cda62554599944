"""Rounds of the parallel mixture: experts on disjoint parts of the rows, and a gate over them."""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import log_softmax

from skconstrain._gated._calibration import best_calibration
from skconstrain._gated._expert import Expert, all_scores, make_experts
from skconstrain._gated._expert_fits import fit_parts
from skconstrain._gated._expert_rows import ExpertRows
from skconstrain._gated._partition import capped_assignment, make_folds, starting_parts
from skconstrain._gated._score_gate import parted, with_scores
from skconstrain._networks import FittedNetwork
from skconstrain._progress import progress_bar
from skconstrain._sklearn_compat import safe_indexing

# Rows that an expert may get in a round, in units of its equal share.
_CAP = 1.3


@dataclass
class Rounds:
    """Experts that are fitted on disjoint parts of the rows, and given other rows between rounds.

    Attributes
    ----------
    n_rounds
        Number of rounds, among which the epochs of the gate are shared.
    estimators
        Names and unfitted classifiers.
    responses
        The method that each of them is asked by, whatever classes its part lacks.
    classes
        All classes.
    cv
        Number of folds inside the parts, or a splitter.
    rows
        The rows that experts are fitted on.
    n_jobs
        Experts fitted in parallel.
    verbose
        1 shows progress bars.
    owner
        The position of the expert of each row, shape (n_rows,): those of the last round.
    """

    n_rounds: int
    estimators: list
    responses: list[str]
    classes: np.ndarray
    cv: object
    rows: ExpertRows
    n_jobs: int | None
    verbose: int
    owner: np.ndarray | None = None

    def run(self, network, run, train):
        """Fit experts on parts, train the gate, give rows to the experts it prefers; repeat.

        Parameters
        ----------
        network : GatedNetwork
            The gate over scores.
        run : TrainingRun
            Its epochs are shared among the rounds; its X ends in scores, which are replaced.
        train : callable
            Returns a TrainingResult for a network and a run.

        Returns
        -------
        result : TrainingResult
            What the last round left, with the losses of all.
        """
        features, _ = parted(run.X, network.scores)
        n_experts = len(self.estimators)
        cap = math.ceil(_CAP * len(features) / n_experts)
        known = run.known_weights if run.start is None else run.start
        complete = FittedNetwork(network, known).complete(features)
        self.owner = starting_parts(complete, n_experts, cap, int(run.rng.integers(2**31)))
        losses, first_epoch = [], run.first_epoch
        shares = _shares(run.epochs, self.n_rounds)
        for number, epochs in enumerate(shares):
            scores = self.scores(
                run.rng, f"experts out of fold, round {number + 1} of {len(shares)}"
            )
            X = with_scores(features, scores)
            run = replace(run, X=X, epochs=epochs, first_epoch=first_epoch + len(losses))
            if run.start is None:
                _, scores = parted(X, network.scores)  # in the precision of the network
                scale, shift = best_calibration(scores, run.y, run.weight, network.scores)
                known = {**run.known_weights, "eta/scale": scale, "eta/shift": shift}
                run = replace(run, known_weights=known)
            result = train(network, run)
            losses += result.losses
            if result.interrupted:
                break
            run = replace(run, start=result.weights, optimizer_state=result.optimizer_state)
            if number + 1 < len(shares):
                preference = FittedNetwork(network, result.weights).layer(features, "gate_logits")
                self.owner = capped_assignment(log_softmax(preference, axis=1), cap)
        return replace(result, losses=losses)

    def fit_all(self) -> list[Expert]:
        """Fit each expert on all of its own rows: see `fit`."""
        with progress_bar(self.verbose == 1) as bar:
            bar.begin("experts", len(self.estimators))
            return self.fit()

    def fit(self, training=None) -> list[Expert]:
        """Fit each expert on its own rows, among those of `training`."""
        used = np.ones(len(self.owner), bool)
        if training is not None:
            used[:] = False
            used[training] = True
        parts = [np.flatnonzero(used & (self.owner == i)) for i in range(len(self.estimators))]
        fitted = fit_parts(self.estimators, *self.rows, parts, n_jobs=self.n_jobs)
        names = [name for name, _ in self.estimators]
        return make_experts(names, fitted, self.responses, self.classes, self.rows.X)

    def scores(self, rng, name) -> np.ndarray:
        """Return scores of every row by experts that were fitted without it, (n_rows, L, C).

        `name` says of the progress bar what it is for.
        """
        y = self.rows.y
        folds = list(make_folds(self.cv, y, rng).split(np.zeros(len(y)), y))
        with progress_bar(self.verbose == 1) as bar:
            bar.begin(name, len(folds) * len(self.estimators))
            return self._scores_of(folds)

    def _scores_of(self, folds):
        X, scores = self.rows.X, None
        for training, rest in folds:
            found = all_scores(self.fit(training), safe_indexing(X, rest), n_jobs=self.n_jobs)
            if scores is None:
                scores = np.zeros((len(self.owner), *found.shape[1:]))
            scores[rest] = found
        return scores


def _shares(epochs, n_rounds):
    """Share epochs among rounds, at least one for each; the last rounds get what is left over."""
    return [max(1, (epochs + number) // n_rounds) for number in range(n_rounds)]
