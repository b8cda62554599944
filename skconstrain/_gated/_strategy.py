"""ExpertStrategy: where the experts under a gate come from."""

from abc import ABC, abstractmethod

import numpy as np

from skconstrain._networks import ScoreColumns


class ExpertStrategy(ABC):
    """Fit, start and ask experts; the gate over them is the same for every strategy.

    The methods are listed in the order in which they are called: `fit`, `inputs` (of validation
    data), `known_weights` and `learn` in a fit, `inputs`, `logits` and `outputs` afterwards.

    Attributes
    ----------
    names : list of L str
        Names of the experts.
    columns : ScoreColumns or None
        How the network takes the experts' scores; None if there are none in its inputs.
    """

    names: list[str]
    columns: ScoreColumns | None

    @abstractmethod
    def fit(self, rows, given, new_generator, *, n_jobs, verbose, tasks):
        """Fit what is fitted before the gate.

        Parameters
        ----------
        rows : Rows
            Validated rows to train on.
        given : ExpertRows
            The same rows as the user gave them.
        new_generator : callable
            Returns a generator that decides about folds.
        n_jobs : int or None
            Experts fitted in parallel.
        verbose : int
            Passed on to joblib.
        tasks : NetworkFit
            Tells callbacks what is fitted.

        Returns
        -------
        rows : Rows
            What the network is trained on.
        """

    @abstractmethod
    def inputs(self, X, X_given, *, n_jobs) -> np.ndarray:
        """Return the network's inputs for checked rows that were not trained on."""

    @abstractmethod
    def features(self, X) -> np.ndarray:
        """Return the features among the network's inputs."""

    @abstractmethod
    def known_weights(self, X, target, weight) -> dict:
        """Return weights of the experts' part that are known before training, by name."""

    @abstractmethod
    def learn(self, network, run, rows, train, *, n_jobs):
        """Train the network by ``train(network, run)``, once or several times; return a result.

        `rows` are ExpertRows, as in `fit`, or None where there are no rounds.
        """

    @abstractmethod
    def logits(self, gate, X, X_given, *, n_jobs) -> np.ndarray:
        """Return logits of every expert, shape (n_rows, L, C); C is 1 for two classes.

        `gate` is the :class:`FittedGate`, `X` are checked rows, `X_given` the same as given.
        """

    @abstractmethod
    def outputs(self, gate, X, X_given, *, n_jobs) -> np.ndarray:
        """Return logits of the mixture, shape (n_rows, C)."""
