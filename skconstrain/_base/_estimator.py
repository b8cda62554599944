"""The fit template that every network estimator follows."""

from abc import abstractmethod
from dataclasses import replace
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skconstrain._base._blame import check_continues, require_keras, tell_of_end
from skconstrain._base._budget import MANY_ROWS
from skconstrain._base._class_weight import weighted_by_class
from skconstrain._base._copies import CopiedNet
from skconstrain._base._folds import among_all, outputs_out_of_fold
from skconstrain._base._hidden_layers import hidden_layers
from skconstrain._base._monotonic import check_monotonic_settings, checked_signs
from skconstrain._base._parts import Parts, warn_of_unused_fraction
from skconstrain._base._plan import Plan, best_epochs, generator, make_plan
from skconstrain._base._rows import (
    Rows,
    check_representable,
    checked_weight,
    unit_of_loss,
    warn_of_few_digits,
)
from skconstrain._base._runs import Outcome, make_run, partial_attributes, train_network
from skconstrain._base._schedules import AUTOMATIC_RATE, OPTIMIZERS, SCHEDULES
from skconstrain._base._stream import Stream, followed
from skconstrain._base._validation_rows import given_rows
from skconstrain._fit_tasks import CallbackSupport, NetworkFit
from skconstrain._lazy_rows import validate_rows
from skconstrain._networks import FittedNetwork, LayeredNetwork, Network
from skconstrain._progress import long_work_shown
from skconstrain._sklearn_compat import (
    HasMethods,
    Interval,
    StrOptions,
    fit_context,
)
from skconstrain._table_encoder import TableEncoder
from skconstrain._targets import plain_target

if TYPE_CHECKING:
    from skconstrain._engine import TrainingResult, TrainingRun
    from skconstrain._networks._heads import Head


class NetEstimator(CallbackSupport, CopiedNet):
    """Validate, encode the target, build, train, record: the life of a network estimator.

    Subclasses declare the hooks below; the other methods are final. `fit` calls the hooks in this
    order:

    1. `_check_settings`: do the parameters contradict each other?
    2. `_encode_target`: y becomes columns of numbers.
    3. `_specify`, which calls `_head`: the network.
    4. `_start`: weights that are known before training. Where training continues, `partial_fit`
       asks for them when scales may have changed.
    5. `_keras_loss`: what is minimised.
    6. `_train`: one training of the network, or several.
    7. `_oof_prediction`: what the network predicts for rows that were held out.
    8. `_calibrate`: what follows from rows that networks were not trained on.

    Predictions call `_outputs`, and `_oof_prediction` again.

    Fitted state is NumPy arrays and plain Python: `_fitted` holds the network, and its weights by
    name.
    """

    _parameter_constraints: dict = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [str, callable],
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
        "standardize": ["boolean"],
        "n_frequencies": [Interval(Integral, 0, None, closed="left")],
        "weight_features": ["boolean"],
        "kernel_constraint": [StrOptions({"non_neg"}), callable, None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "optimizer": [StrOptions(OPTIMIZERS), HasMethods(["apply", "get_config"])],
        "learning_rate": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither"), None],
        "learning_rate_schedule": [StrOptions(set(SCHEDULES)), callable],
        "epochs": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "early_stopping": [StrOptions({"auto"}), "boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left"), None],
        "warm_start": ["boolean"],
        "callbacks": [list, HasMethods(["on_epoch_end"]), None],
        "dtype": [StrOptions({"float32", "float64"}), None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    # Values for estimators that lack these parameters.
    n_networks = 1
    n_frequencies = 0
    weight_features = False
    monotonic_cst = None
    class_weight: Any = None
    categorical_features: Any = None

    # Whether X may have categories: not where connections name its columns.
    _takes_categories = True

    # `Any`: None without held-out rows. Declared optional, every reader would have to assert.
    validation_scores_: Any

    # Rows from which on some are set aside to stop on, where early stopping is "auto".
    _rows_to_split = MANY_ROWS

    # The learning rate of "auto".
    _automatic_rate = AUTOMATIC_RATE

    # The hooks, in the order in which they are called.

    def _check_settings(self) -> None:
        """Raise ``ValueError`` where parameters contradict each other."""

    @abstractmethod
    def _encode_target(
        self, y, *, names: list | None, reset: bool, classes=None, name: str = "y"
    ) -> np.ndarray:
        """Check `y`; return it as floats of shape (n_samples, n_outputs).

        `names` are the names of the columns of `y`, where it has names. `classes` are all classes
        of a classifier that is given its rows in parts, or None. Messages call it `name`.
        """

    def _specify(self, rows: Rows, continues: bool) -> Network:
        """Return the network: dense layers, unless a subclass has others."""
        signs, settings = checked_signs(self), self._common_settings(rows)
        if signs is not None:
            settings["head"] = replace(settings["head"], monotone=True)
        return LayeredNetwork(
            **settings,
            n_networks=self._n_networks,
            n_frequencies=int(self.n_frequencies),
            weight_features=bool(self.weight_features),
            monotonic_cst=signs,
        )

    @abstractmethod
    def _head(self) -> "Head":
        """Return what follows the last layer with a kernel."""

    @abstractmethod
    def _start(self, rows: Rows) -> tuple[dict, np.ndarray | float]:
        """Return weights known before training, by name, and the scale of each output's targets."""

    @abstractmethod
    def _keras_loss(self):
        """Keras loss, and the power with which it grows with the unit of y; None if there is none.

        Where there is one, the loss is computed on targets divided by their scale.
        """

    def _train(self, network: Network, run: "TrainingRun") -> "TrainingResult":
        """Train the network as the run says: once, unless a subclass does it in rounds."""
        return train_network(self, network, run)

    def _outputs(self, X) -> np.ndarray:
        """Return the outputs, shape (n_samples, n_outputs), for any X without infinity."""
        check_is_fitted(self)
        with long_work_shown(self.verbose):
            return self._fitted.predict(self._validated_input(X))

    @abstractmethod
    def _oof_prediction(self, outputs: np.ndarray) -> np.ndarray:
        """Return predictions of outputs for rows that their network was not trained on."""

    def _calibrate(self, parts: Parts, given: Rows | None) -> None:
        """Change what is predicted by held-out rows: those of folds, or some that are given."""

    @property
    def _as_trained(self) -> FittedNetwork:
        """The fitted network, as training goes on with it."""
        return self._fitted

    # The experts of a gate are not validated yet.
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Fit the network.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Training data: numbers, none of them infinite, NaN for gaps; of a DataFrame also text,
            categories and booleans: see `categorical_features`. Where they take more than a quarter
            of scikit-learn's `working_memory` as dense rows (256 MiB by default: see
            :func:`sklearn.set_config`) they are not copied, but an epoch reads them in chunks of so
            much, each drawn from many places of X: a memory map may be larger than the memory.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, not negative. A weight of zero equals removing the row, a weight of two equals
            repeating it.
        X_val : array-like or sparse matrix of shape (n_validation_samples, n_features), \
default=None
            Validation data. Without it, ``early_stopping=True`` sets `validation_fraction` of the
            training data aside. In a Pipeline they pass its transformers where it has
            ``transform_input=["X_val"]`` and metadata routing is enabled.
        y_val : array-like, default=None
            Targets of the validation data.
        sample_weight_val : array-like of shape (n_validation_samples,), default=None
            Weights of the validation data in the validation loss, not negative.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C, when the epoch in hand is done; a second Ctrl-C stops at once. The
            estimator is then fitted with the epochs trained so far, and whatever called `fit`, a
            search for example, stops.
        """
        warn_of_unused_fraction(self)
        continues = self.warm_start and hasattr(self, "_fitted")
        validation = (X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, validation, continues=continues, epochs=self.epochs)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """Train one more epoch on the given data.

        The scales of features and targets follow the rows of all calls, and the weights with them,
        so that predictions stay. Where training began with `fit`, its scales stay.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Training data; the first call decides about categories, and where gaps are learnt.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, not negative.

        Returns
        -------
        self : object
            The estimator, trained one epoch further.
        """
        continues = hasattr(self, "_fitted")
        return self._fit(X, y, sample_weight, None, continues=continues, epochs=1, partial=True)

    def _fit(self, X, y, sample_weight, validation, *, calibration=None, classes=None, **settings):
        require_keras()
        self._check_settings()
        check_monotonic_settings(self)
        partial = settings.get("partial", False)
        of_rows = {"reset": not settings["continues"], "partial": partial, "classes": classes}
        rows, _, used = self._training_rows(X, y, sample_weight, **of_rows)
        rows = weighted_by_class(self, rows)
        held_out = given_rows(self, validation, rows.X)
        calibration = given_rows(self, calibration, rows.X, "cal")
        with NetworkFit(self, X, y, sample_weight):
            outcome = self._fit_rows(rows, held_out, calibration, used=used, **settings)
        tell_of_end(self, *outcome)
        return self

    def _fit_rows(
        self, rows, held_out, calibration=None, *, continues, epochs, partial=False, used=None
    ):
        """Train on rows that are checked, and record what it left.

        Parameters
        ----------
        rows : Rows
            Rows to train on, some of which may be held out.
        held_out, calibration : Rows or None
            Validation data, and rows to calibrate on, that the user gave.
        continues, partial : bool
            Whether training goes on, and whether it is a call of `partial_fit`.
        epochs : int or "auto"
            Largest number of epochs.
        used : ndarray of bool or None
            Which of the user's rows `rows` are; None if they are all.

        Returns
        -------
        result : TrainingResult
            What training left.
        expects_convergence : bool
            Whether the loss of training is to stop it.
        """
        rng = generator(self.random_state, self.n_iter_ if continues else 0)
        settings = {"continues": continues, "partial": partial}
        plan = make_plan(self, rows, held_out, rng, epochs=epochs, **settings)
        settings["stream"] = stream = Stream.after(self, rows, **settings)
        if not continues:
            self._fold_seed = plan.fold_seed
        outcome = self._fitted_on(plan, rng, **settings)
        if plan.finds_epochs and not outcome.result.interrupted:
            plan = Plan(Parts(rows), best_epochs(outcome.result), self.batch_size)
            outcome = self._fitted_on(plan, generator(self.random_state, 0), **settings)
        self._record(*outcome, continues, keep=partial or self.warm_start)
        self._record_folds(plan.parts, used)
        self._calibrate(plan.parts, calibration)
        self._stream = None if stream is None else stream.judged
        return outcome.result, not partial and plan.parts.held_out is plan.parts.folds is None

    def _fitted_on(self, plan, rng, *, stream, continues, partial):
        """Build and start the network, and train it as planned."""
        network = self._specify(plan.parts.rows, continues)
        known, fitted = {}, self._as_trained if continues else None
        if continues:
            network = replace(network, front=fitted.network.front)
            check_continues(fitted.network, network)
            start, target_scale = fitted.weights, self._target_scale
            if stream is not None and stream.is_due:
                start, target_scale = followed(network, start, target_scale, stream, self._start)
        else:
            X, target, weight = plan.parts.rows
            warn_of_few_digits(target, network.head.origin, X.dtype)
            network, of_features = network.found(X, weight, self._encoder.n_codes)
            known, target_scale = self._start(plan.parts.rows)
            known |= of_features
        plan = plan.without_gaps(network, self._fitted.weights if continues else known)
        settings = {"continues": continues, "partial": partial}
        run = make_run(self, plan, target_scale, rng=rng, known_weights=known, **settings)
        if continues and start is not fitted.weights:
            # What the optimizer remembers of gradients has the unit that they had.
            run = replace(run, start=start, optimizer_state=None)
        if plan.finds_epochs:
            run = replace(run, callbacks=[])
        elif not partial:
            attributes = partial_attributes(network, run.first_epoch)
            run = NetworkFit.current().watched(run, attributes)
        return Outcome(network, self._train(network, run), target_scale)

    def _training_rows(self, X, y, sample_weight, *, reset, partial=False, classes=None):
        """Return validated rows, their targets as given, and which of all rows have weight."""
        y, names = plain_target(y)
        if reset:
            refusing = None if self._takes_categories else type(self).__name__
            given = X, self.categorical_features, sample_weight
            self._encoder = TableEncoder.of(*given, refusing=refusing)
        X, y = validate_rows(
            self,
            X,
            y,
            dtype=self.dtype,
            # Training that goes on keeps its precision.
            fitted_dtype=None if reset else self._fitted.network.dtype,
            encoder=self._encoder,
            reset=reset,
            multi_output=True,
            y_numeric=False,
            ensure_min_samples=1 if partial else 2,
        )
        weight, used = np.ones(len(X), X.dtype), None
        if sample_weight is not None:
            weight = checked_weight(sample_weight, X)
            if not (weight > 0).all():
                used = weight > 0
                X, y, weight = X[used], y[used], weight[used]
        target = self._encode_target(y, names=names, reset=reset, classes=classes)
        check_representable(target, X.dtype)
        return Rows(X, target, weight), y, used

    def _common_settings(self, rows):
        """Return the settings that all networks have."""
        sizes, dropout = hidden_layers(self.hidden_layer_sizes, self.dropout, rows)
        return {
            "n_features": rows.X.shape[1],
            "n_outputs": rows.target.shape[1],
            "dtype": rows.X.dtype.name,
            "hidden_layer_sizes": sizes,
            "activation": self.activation,
            "dropout": dropout,
            "standardized": bool(self.standardize),
            "kernel_constraint": self.kernel_constraint,
            "head": self._head(),
        }

    def _record(self, network, result, target_scale, continues, keep):
        """Keep what training left, in the units of the loss."""
        exponent = self._keras_loss()[1]
        unit = 1.0 if exponent is None else unit_of_loss(target_scale, exponent)
        losses = [loss * unit for loss in result.losses]
        scores = [-loss * unit for loss in result.validation_losses]
        monitored = [-score for score in scores] if self.early_stopping and scores else losses
        if not continues:
            self.loss_curve_, self.validation_scores_, self.best_loss_ = [], None, np.inf
        self.loss_curve_ = self.loss_curve_ + losses
        if scores:
            self.validation_scores_ = (self.validation_scores_ or []) + scores
        self.best_loss_ = min([self.best_loss_, *monitored])
        self.n_iter_ = len(self.loss_curve_)
        self._fitted = FittedNetwork(network, result.weights)
        self._target_scale = target_scale
        # Twice the size of the weights: kept only where training is meant to go on.
        self._optimizer_state = result.optimizer_state if keep else None
        self.__dict__.pop("_model", None)

    def _record_folds(self, parts, used):
        """Keep what each network predicts for the rows that it was not trained on."""
        for name in ("oof_prediction_", "_oof_folds"):
            self.__dict__.pop(name, None)
        if parts.folds is not None:
            outputs = outputs_out_of_fold(self._fitted, parts)
            self.oof_prediction_ = among_all(self._oof_prediction(outputs), used, np.nan)
            self._oof_folds = among_all(parts.folds, used, -1)

    def _validated_input(self, X):
        """Return X as the fitted network takes it."""
        return self._new_rows(X, self._fitted.network.dtype)

    def _new_rows(self, X, dtype):
        """Validate rows that are not trained on, and bring them to the network's precision."""
        settings = {"encoder": self._encoder, "fitted_dtype": dtype, "reset": False}
        return validate_rows(self, X, dtype=None, **settings)

    @property
    def _n_networks(self) -> int:
        """How many networks a fit trains."""
        return self.n_networks

    @property
    def categories_(self):
        """Categories of each feature, None where it holds numbers: see `categorical_features`."""
        check_is_fitted(self)
        return list(self._encoder.categories) or [None] * self.n_features_in_

    @property
    def model_(self):
        """The fitted network as an ordinary Keras model, built when first asked for."""
        check_is_fitted(self)
        if "_model" not in self.__dict__:
            self._model = self._fitted.model()
        return self._model

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_fitted")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.input_tags.allow_nan = True
        takes_categories = self._takes_categories and self.categorical_features is not None
        tags.input_tags.categorical = tags.input_tags.string = takes_categories
        return tags
