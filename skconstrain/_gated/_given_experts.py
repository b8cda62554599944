"""GivenExperts: classifiers that are fitted before the gate, which is trained on their scores."""

import numpy as np

from skconstrain._gated._calibration import best_calibration, probability_of
from skconstrain._gated._expert import (
    all_scores,
    check_prefit,
    choose_response,
    fit_experts,
    make_experts,
    out_of_fold_scores,
)
from skconstrain._gated._partition import make_folds
from skconstrain._gated._rounds import Parts, train_in_rounds
from skconstrain._gated._strategy import ExpertStrategy
from skconstrain._links import calibrated
from skconstrain._networks import ScoreColumns
from skconstrain._progress import progress_bar
from skconstrain._sklearn_compat import safe_indexing


class GivenExperts(ExpertStrategy):
    """Classifiers whose scores follow the features in the network's inputs.

    Parameters
    ----------
    estimators : list of (str, classifier)
        Experts and their names; fitted if `cv` is "prefit".
    classes : ndarray of shape (n_classes,)
        All classes.
    stack_method, cv, n_rounds
        Parameters of the estimator.

    Attributes
    ----------
    experts : list of L Expert
        The fitted experts.
    columns : ScoreColumns
        How the network takes their scores.
    """

    def __init__(self, estimators, classes, *, stack_method, cv, n_rounds):
        self.estimators, self.classes = list(estimators), classes
        self.stack_method, self.cv, self.n_rounds = stack_method, cv, n_rounds
        self.names = [name for name, _ in estimators]
        self.experts, self.columns = [], None

    @property
    def n_columns(self) -> int:
        """Number of an expert's scores for a row, C: one of two classes."""
        return 1 if len(self.classes) == 2 else len(self.classes)

    def fit(self, rows, given, new_generator, *, n_jobs, verbose, tasks):
        """Fit the experts; their scores for rows that they were not fitted on follow X.

        The generator is asked for only once the experts are fitted: they may be given the same
        RandomState as the gate.
        """
        if self.n_rounds > 0:
            scores = self._expect_rounds(len(given.y))
        elif self.cv == "prefit":
            for name, estimator in self.estimators:
                check_prefit(name, estimator, rows.X.shape[1])
            self._keep([estimator for _, estimator in self.estimators], given.X)
            scores = all_scores(self.experts, given.X, n_jobs=n_jobs)
        else:
            tasks.begin(3)
            with progress_bar(verbose == 1) as bar:
                settings = {"bar": bar, "n_jobs": n_jobs}
                self._fit_all(given, tasks, **settings, verbose=verbose)
                folds = make_folds(self.cv, given.y, new_generator())
                scores = self._out_of_fold(given, tasks, **settings, cv=folds)
        return rows._replace(X=self.with_scores(rows.X, scores))

    def _fit_all(self, given, tasks, *, bar, **settings):
        n_experts = len(self.names)
        bar.begin("experts", n_experts)
        with tasks.part("experts", n_experts) as task:
            settings |= {"task": task, "bar": bar}
            self._keep(fit_experts(self.estimators, *given, **settings), given.X)

    def _out_of_fold(self, given, tasks, *, bar, **settings):
        n_experts = len(self.names)
        bar.begin("experts out of fold", n_experts)
        with tasks.part("out-of-fold", n_experts) as task:
            settings |= {"task": task, "bar": bar}
            return out_of_fold_scores(self.experts, *given, **settings)

    def _keep(self, fitted, X):
        responses = [self.stack_method] * len(fitted)
        self.experts = make_experts(self.names, fitted, responses, self.classes, X)
        trained = tuple(not expert.is_calibrated for expert in self.experts)
        seen = tuple(tuple(map(bool, expert.seen)) for expert in self.experts)
        self.columns = ScoreColumns(trained, seen)

    def _expect_rounds(self, n_rows):
        """Return scores that every round replaces by those of its own experts."""
        # A part may lack classes that another part has: of a round's experts all columns count.
        trained = tuple(response != "predict_proba" for response in self._responses())
        self.columns = ScoreColumns(trained, ((True,) * self.n_columns,) * len(self.names))
        return np.zeros((n_rows, len(self.names), self.n_columns))

    def _responses(self):
        return [choose_response(*pair, self.stack_method) for pair in self.estimators]

    def inputs(self, X, X_given, *, n_jobs):
        """Put the scores of the fitted experts behind the features."""
        if not self.experts:
            raise ValueError("n_rounds > 0 takes no X_val and y_val: rounds change the experts.")
        return self.with_scores(X, all_scores(self.experts, X_given, n_jobs=n_jobs))

    def with_scores(self, X, scores) -> np.ndarray:
        """Put scores of shape (n_rows, L, C) behind the features."""
        return np.hstack([X, scores.reshape(len(X), -1).astype(X.dtype)])

    def features(self, X):
        """Return the columns before the scores."""
        return X[:, : X.shape[1] - len(self.names) * self.n_columns]

    def known_weights(self, X, target, weight):
        """Start each expert at its best scale and shift: the gate leaves a badly scaled one."""
        scores = X[:, self.features(X).shape[1] :].reshape(len(X), -1, self.n_columns)
        scale, shift = best_calibration(scores, target, weight, self.columns)
        return {"eta/scale": scale, "eta/shift": shift}

    def learn(self, network, run, rows, train, *, n_jobs):
        """Train the gate, in rounds if they are asked for."""
        if self.n_rounds == 0:
            return train(network, run)
        settings = {"cv": self.cv, "rows": rows, "n_jobs": n_jobs, "verbose": run.verbose}
        parts = Parts(self.estimators, self._responses(), self.classes, **settings)
        result, owner = train_in_rounds(network, run, self, parts, train)
        self.experts = parts.fit_all(owner)
        return result

    def logits(self, gate, X, X_given, *, n_jobs):
        """Return calibrated scores."""
        return self._calibrated(gate, all_scores(self.experts, X_given, n_jobs=n_jobs))

    def outputs(self, gate, X, X_given, *, n_jobs):
        """Return logits of the mixture; an expert without weight for a row does not see it."""
        weights = gate.proba(X)
        if gate.is_soft:
            logits = self.logits(gate, X, X_given, n_jobs=n_jobs)
            probability = np.einsum("nl,nlk->nk", weights, probability_of(logits))
        else:
            probability = self._mixture_of_chosen(gate, weights, X_given)
        logs = np.log(np.maximum(probability, np.finfo(np.float64).tiny))
        return logs[:, 1:] - logs[:, :1] if self.n_columns == 1 else logs

    def _mixture_of_chosen(self, gate, weights, X_given):
        mixture = np.zeros((len(weights), len(self.classes)))
        for i, expert in enumerate(self.experts):
            rows = np.flatnonzero(weights[:, i])
            if len(rows):
                scores = expert.scores(safe_indexing(X_given, rows))[:, None]
                logits = self._calibrated(gate, scores, [i])[:, 0]
                mixture[rows] += weights[rows, i : i + 1] * probability_of(logits)
        return mixture

    def _calibrated(self, gate, scores, chosen=slice(None)):
        """Return logits for the scores of chosen experts, shape (n_rows, n_chosen, C)."""
        scale, shift = gate.scale_and_shift
        trained, seen = np.asarray(self.columns.trained)[:, None], np.asarray(self.columns.seen)
        return calibrated(scores, scale[chosen], shift[chosen], trained[chosen], seen[chosen])
