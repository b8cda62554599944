"""OverExperts: an ensemble that fits the experts it is given, and a gate over them."""

from dataclasses import replace

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Bunch, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skconstrain._base._blame import tell_of_end
from skconstrain._base._budget import FEW_ROWS
from skconstrain._base._class_weight import weighted_by_class
from skconstrain._base._plan import generator
from skconstrain._base._validation_rows import given_rows
from skconstrain._fit_tasks import NetworkFit
from skconstrain._gated._expert import all_scores, choose_response, make_experts
from skconstrain._gated._expert_fits import fit_experts, out_of_fold_scores
from skconstrain._gated._expert_list import check_experts, check_prefit, kept_experts
from skconstrain._gated._expert_params import params_of_experts, warn_of_ignored_weight
from skconstrain._gated._expert_rows import ExpertRows, indexable_rows, used_folds
from skconstrain._gated._given_experts import GivenExperts
from skconstrain._gated._partition import make_folds
from skconstrain._gated._rounds import Rounds
from skconstrain._gated._score_gate import ScoreGate, with_scores
from skconstrain._lazy_rows import loaded
from skconstrain._progress import progress_bar
from skconstrain._sklearn_compat import BaseComposition, rows_of_params, safe_indexing

# Attributes of the fitted gate that the ensemble has, too.
_RECORDED = (
    *("_fitted", "expert_usage_", "n_iter_"),
    *("loss_curve_", "validation_scores_", "best_loss_"),
)


def _has_networks(self):
    if self.estimators is not None:
        raise AttributeError("partial_fit needs experts that are networks, estimators=None.")
    return True


class OverExperts(BaseComposition):
    """Fit given experts and a gate over what they give, as StackingClassifier fits an estimator.

    Attributes
    ----------
    _experts : GivenExperts or None
        The fitted experts; None where experts are networks of the gate.
    _held : ScoreGate or None
        The fitted gate over them.
    """

    _experts = _held = None

    def _check_experts(self) -> int:
        """Return how many experts the gate is over, once their list and rounds are checked."""
        if self.n_rounds > 0 and (self.estimators is None or isinstance(self.cv, str)):
            found = "estimators=None" if self.estimators is None else f"cv={self.cv}"
            raise ValueError(
                f"n_rounds > 0 fits given experts on parts of the rows. Got {found}. Set "
                "n_rounds=0, or give estimators and a number of folds as cv."
            )
        if self.n_rounds > 0 and self.early_stopping is True:
            raise ValueError("n_rounds > 0 needs early_stopping=False: rounds change the experts.")
        if self.estimators is None:
            return self.n_experts
        check_experts(self.estimators, self.get_params(deep=False))
        return len(self._kept_experts)

    def _fit_over_experts(self, X, y, sample_weight, validation, metadata):
        """Fit the experts, then a gate on what they give for rows that they were not fitted on."""
        continues = self.warm_start and hasattr(self, "_fitted")
        self._check_settings()
        if continues and self._held is None:
            raise ValueError(
                "Training continues the networks fitted before, so estimators must stay None. Got "
                f"{self.estimators!r:.100}. Fit a clone instead."
            )
        told = NetworkFit(self, X, y, sample_weight, predicts=self.n_rounds == 0)
        rows, y, used = self._training_rows(X, y, sample_weight, reset=not continues)
        rows = weighted_by_class(self, rows._replace(X=loaded(rows.X)))
        held_out = given_rows(self, validation, rows.X)
        is_weighted = sample_weight is not None or self.class_weight is not None
        weight = rows.weight if is_weighted else None
        given, cv = self._rows_of_experts(X, y, weight, used, metadata)
        with told:
            scores, rounds = self._fit_experts(given, cv)
            if held_out is not None:
                held_out = held_out._replace(X=self._inputs(held_out.X, validation[0]))
            self._held = gate = self._held if continues else ScoreGate()
            settings = self._settings_of_gate(len(rows.X), held_out)
            gate.follow(self, self._experts.columns, rounds, **settings)
            rows = rows._replace(X=with_scores(rows.X, scores))
            outcome = gate._fit_rows(rows, held_out, continues=continues, epochs=gate.epochs)
            self._record_gate(rounds)
        tell_of_end(self, *outcome)
        return self

    def _rows_of_experts(self, X, y, weight, used, metadata):
        """Return the rows that experts are fitted on, and `cv` where it lists rows among these."""
        X, cv = indexable_rows(X), self.cv
        if used is not None:
            used = np.flatnonzero(used)
            metadata = rows_of_params(X, metadata, used)
            X, cv = safe_indexing(X, used), used_folds(cv, used)
        params = params_of_experts(self, self._kept_experts, weight, metadata)
        if not isinstance(cv, str):
            warn_of_ignored_weight(self._kept_experts, weight, params)
        return ExpertRows(X, np.ravel(y), params), cv

    def _fit_experts(self, given, cv):
        """Fit the experts; return their scores for rows that they were not fitted on, and rounds.

        Rounds fit them when the gate is trained, and replace scores of zero.
        """
        self.expert_names_, estimators = map(list, zip(*self._kept_experts, strict=True))
        if self.n_rounds > 0:
            rounds = self._make_rounds(given, cv)
            self._experts = GivenExperts.expected(rounds.responses, len(self.classes_))
            return np.zeros((len(given.y), *np.shape(self._experts.columns.seen))), rounds
        if isinstance(cv, str):
            for name, estimator in self._kept_experts:
                check_prefit(name, estimator, self.n_features_in_)
            self._keep(estimators, given.X)
            return all_scores(self._experts.experts, given.X, n_jobs=self.n_jobs), None
        told = NetworkFit.current()
        told.begin(3)
        with progress_bar(self.verbose == 1) as bar:
            settings = {"n_jobs": self.n_jobs, "verbose": int(self.verbose)}
            bar.begin("experts", len(estimators))
            with told.part("experts", len(estimators)):
                self._keep(fit_experts(self._kept_experts, *given, **settings), given.X)
            # Asked for only now: experts may be given the same RandomState as the gate.
            settings["cv"] = make_folds(cv, given.y, generator(self.random_state, 0))
            bar.begin("experts out of fold", len(estimators))
            with told.part("out-of-fold", len(estimators)):
                return out_of_fold_scores(self._experts.experts, *given, **settings), None

    def _keep(self, fitted, X):
        wanted = [self.stack_method] * len(fitted)
        experts = make_experts(self.expert_names_, fitted, wanted, self.classes_, X)
        self._experts = GivenExperts.of(experts)

    def _make_rounds(self, given, cv):
        return Rounds(
            n_rounds=self.n_rounds,
            estimators=self._kept_experts,
            responses=[choose_response(*pair, self.stack_method) for pair in self._kept_experts],
            classes=self.classes_,
            cv=cv,
            rows=given,
            n_jobs=self.n_jobs,
            verbose=int(self.verbose),
        )

    def _inputs(self, features, X):
        """Put the scores of the fitted experts for X behind its features."""
        if not self._experts.experts:
            raise ValueError("n_rounds > 0 takes no X_val and y_val: rounds change the experts.")
        scores = all_scores(self._experts.experts, indexable_rows(X), n_jobs=self.n_jobs)
        return with_scores(loaded(features), scores)

    def _settings_of_gate(self, n_rows, held_out):
        """Return what the gate is set to where the ensemble says "auto", or has rounds."""
        if self.n_rounds > 0:  # rounds hold nothing out, and each of them has an epoch
            epochs = self.epochs if self.epochs == "auto" else max(self.epochs, self.n_rounds)
            return {"early_stopping": False, "epochs": epochs}
        # Few rows find their epochs on a fifth of them; more rows gained nothing by it.
        if self.early_stopping == "auto" and n_rows > FEW_ROWS:
            return {"early_stopping": held_out is not None or n_rows > self._rows_to_split}
        return {}

    def _record_gate(self, rounds):
        """Keep what the gate left, and what its rounds did."""
        if rounds is not None:
            self._experts = replace(self._experts, experts=rounds.fit_all())
        for name in _RECORDED:
            setattr(self, name, getattr(self._held, name))
        self.__dict__.pop("_model", None)
        self.estimators_ = [expert.estimator for expert in self._experts.experts]
        named = dict(zip(self.expert_names_, self.estimators_, strict=True))
        names = [name for name, _ in self.estimators]
        self.named_estimators_ = Bunch(**{name: named.get(name, "drop") for name in names})

    @available_if(_has_networks)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train one more epoch on the given data; only where experts are networks.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Training data; the first call decides about categories, and where gaps are learnt.
        y : array-like of shape (n_samples,)
            Classes.
        classes : array-like of shape (n_classes,), default=None
            All classes; needed in the first call where `y` does not hold them all.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, not negative.

        Returns
        -------
        self : object
            The estimator, trained one epoch further.
        """
        return super().partial_fit(X, y, classes=classes, sample_weight=sample_weight)

    def _outputs(self, X):
        check_is_fitted(self)
        if self._experts is None:
            return super()._outputs(X)
        features = self._validated_input(X)
        return self._experts.outputs(self._fitted, features, indexable_rows(X), n_jobs=self.n_jobs)

    @property
    def _kept_experts(self):
        """The given experts that are not dropped."""
        return [] if self.estimators is None else kept_experts(self.estimators)

    def get_metadata_routing(self):
        """Return how metadata is routed: `fit` hands to the experts what they request.

        Returns
        -------
        routing : MetadataRouter
            Requests of this estimator and of its experts.
        """
        router = MetadataRouter(owner=type(self).__name__).add_self_request(self)
        for name, expert in self._kept_experts:
            mapping = MethodMapping().add(caller="fit", callee="fit")
            router.add(**{name: expert}, method_mapping=mapping)
        return router

    def get_params(self, deep=True):
        """Get the parameters, those of the experts included.

        Parameters
        ----------
        deep : bool, default=True
            Whether to return the experts, and their parameters as ``name__parameter``, too.

        Returns
        -------
        params : dict
            Values by name.
        """
        return self._get_params("estimators", deep=deep)

    def set_params(self, **params):
        """Set parameters; those of an expert as ``name__parameter``, an expert by its name.

        Parameters
        ----------
        **params
            Values by name.

        Returns
        -------
        self : object
            The estimator.
        """
        return self._set_params("estimators", **params)

    def __sklearn_clone__(self):
        # A clone of fitted experts would not be fitted.
        return self._cloned(*(["estimators"] if isinstance(self.cv, str) else []))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # Given experts get X as it is. Tags are asked for before anything is checked.
        for name in ("sparse", "allow_nan"):
            taken = (
                isinstance(expert, BaseEstimator) and getattr(get_tags(expert).input_tags, name)
                for _, expert in self._kept_experts
            )
            setattr(tags.input_tags, name, all(taken))
        return tags
