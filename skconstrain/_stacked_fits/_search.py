"""What the batched searches share."""

from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skconstrain._documentation import Documented
from skconstrain._fit_tasks import CallbackSupport
from skconstrain._progress import progress_bar
from skconstrain._stacked_fits._backend import collected_call
from skconstrain._stacked_fits._barrier import MOST_FITS, Barrier
from skconstrain._stacked_fits._transformer_cache import TransformerCache
from skconstrain._stacked_fits._workers import Workers

# What a search is given beside its parameters: by set_fit_request and its like, by set_callbacks,
# and by a meta-estimator that hands its callbacks down.
_GIVEN_BY_METHODS = {"_metadata_request", "_skl_callbacks", "_parent_callback_ctx"}


class BatchedSearch(CallbackSupport, Documented):
    """A search that is scikit-learn's own in everything but who runs its fits.

    Subclasses name the class of scikit-learn that searches: `_plain`.
    """

    def fit(self, X, y=None, **params):
        """Run fit with all sets of parameters.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Targets.
        **params : dict
            Parameters passed to the `fit` of the estimator, the scorer and the splitter.

        Returns
        -------
        self : object
            The fitted search.
        """
        # Not above: importing this module costs no TensorFlow.
        from skconstrain._engine import lone_fits

        plain = self._make_plain()
        plain._validate_params()  # of which joblib is told n_jobs before the search checks it
        caches = isinstance(self.estimator, Pipeline) and self.estimator.memory is None
        # A callback of scikit-learn is told of every fit, also of a transformer.
        caches = caches and not hasattr(plain, "_skl_callbacks")
        if caches:
            plain.estimator = clone(self.estimator).set_params(memory=TransformerCache())
        with progress_bar(self.verbose == 1) as bar:
            bar.begin("fits", extra=int(self.refit is not False))
            runner = Barrier(MOST_FITS, self.max_stack_bytes, bar)
            workers = Workers(self.n_jobs, self.max_stack_bytes, bar)
            if workers.n_jobs > 1:
                runner = workers
            # What this thread fits is the best estimator, once: XLA takes longer to compile it than
            # it saves (442 x 10, 50 epochs: 3.1 s instead of 1.0).
            with collected_call(runner), lone_fits():
                plain.fit(X, y, **params)
            bar.done(plain.n_splits_ * len(plain.cv_results_["params"]) + 1)
        fitted = {name: value for name, value in vars(plain).items() if name.endswith("_")}
        vars(self).update(fitted)
        if caches and hasattr(self, "best_estimator_"):
            self.best_estimator_.set_params(memory=None)
        self.stack_sizes_ = list(runner.stack_sizes)
        return self

    def _make_plain(self):
        """Make the search of scikit-learn; all of its fits are dispatched at once."""
        params = self.get_params(deep=False)
        del params["max_stack_bytes"]
        plain = self._plain(**{**params, "pre_dispatch": "all"})
        given = {name: value for name, value in vars(self).items() if name in _GIVEN_BY_METHODS}
        vars(plain).update(given)
        return plain
