"""The fit template that every network estimator follows."""

import warnings
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn import get_config
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skconstrain._base._budget import FEW_ROWS, MANY_ROWS, choose_budget
from skconstrain._base._copies import CopiedNet
from skconstrain._base._embeddings import choose_embedding, kept_embedding
from skconstrain._base._folds import deal, deal_few
from skconstrain._base._monotonic import check_monotonic_settings, checked_signs, monotonic_network
from skconstrain._base._parts import Parts, split
from skconstrain._base._rows import (
    Given,
    Rows,
    check_representable,
    checked_weight,
    column_names,
    unit_of_loss,
)
from skconstrain._base._runs import train_network, training_run
from skconstrain._base._schedules import AUTOMATIC_RATE, SCHEDULES
from skconstrain._base._sizes import checked_sizes
from skconstrain._base._validation_rows import check_same_features, warn_of_other_units
from skconstrain._fit_tasks import CallbackSupport, NetworkFit
from skconstrain._lazy_rows import LazyRows, center_and_scale, validate_rows
from skconstrain._networks import LayeredNetwork, Network
from skconstrain._sklearn_compat import (
    HasMethods,
    Interval,
    StrOptions,
    fit_context,
)

if TYPE_CHECKING:
    from skconstrain._engine import TrainingResult, TrainingRun
    from skconstrain._networks._heads import Head

_OPTIMIZERS = {
    "adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw",
    "ftrl", "lion", "nadam", "rmsprop", "sgd",
}  # fmt: skip


# Of scikit-learn's working memory a chunk is a quarter: a training holds four or five at a time.
_CHUNKS_HELD = 4


class Trained(NamedTuple):
    """A trained network, what its training left, and the scale of the targets."""

    network: Network
    result: "TrainingResult"
    target_scale: np.ndarray | float | None


class NetEstimator(CallbackSupport, CopiedNet):
    """Validate, encode the target, build, train, record: the life of a network estimator.

    Subclasses declare the hooks below; the other methods are final. `fit` calls the hooks in this
    order:

    1. `_check_settings`: do the parameters contradict each other?
    2. `_bytes_at_once`: how much of X may be read at once?
    3. `_encode_target`: y becomes columns of numbers.
    4. `_weigh`: weights of classes become weights of rows or targets.
    5. `_fit_inputs`: what is fitted before the network makes its inputs from X.
    6. `_network_input`: the same for the validation data that the user gave, or
       `_splits`: are rows set aside to stop on? `_finds_epochs`: or to find how long to train on
       all? and `_strata`: what the split keeps.
    7. `_specify`, which calls `_head`: the network.
    8. `_start`: weights that are known before training. Not where training continues.
    9. `_keras_loss` and `_schedules`: what else a run needs.
    10. `_fitted_attributes` and `_most_epochs`: what callbacks of scikit-learn see of the training.
    11. `_learn`: one training, or several.

    Predictions call `_bytes_at_once`, `_outputs` and `_oof_prediction`, which predicts out of fold
    as well; a clone calls `_params_shared_by_clones`.

    Fitted state is NumPy arrays and plain Python: `_network`, the specification of the network, and
    `_weights`, its weights in the order of the network's `weight_names`.
    """

    _parameter_constraints: dict = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [str, callable],
        "standardize": ["boolean"],
        "n_frequencies": [Interval(Integral, 0, None, closed="left")],
        "weight_features": ["boolean"],
        "kernel_constraint": [StrOptions({"non_neg"}), callable, None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "optimizer": [StrOptions(_OPTIMIZERS), HasMethods(["apply", "get_config"])],
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

    # None where nothing is held out. Type checkers shall not ask those for it who hold rows out.
    validation_scores_: Any

    # Rows from which on some are set aside to stop on, where early stopping is "auto".
    _rows_to_split = MANY_ROWS

    # The learning rate of "auto".
    _automatic_rate = AUTOMATIC_RATE

    # The hooks, in the order in which they are called.

    @abstractmethod
    def _check_settings(self) -> None:
        """Raise ``ValueError`` where parameters contradict each other."""

    def _bytes_at_once(self) -> float | None:
        """Return how much of X may be read at once; None if it must be all of it, and dense."""
        return get_config()["working_memory"] * 2**20 / _CHUNKS_HELD

    @abstractmethod
    def _encode_target(self, y, *, names: list | None, reset: bool, classes=None) -> np.ndarray:
        """Check `y`; return it as floats of shape (n_samples, n_outputs).

        `names` are the names of the columns of `y`, where it has names. `classes` are all classes
        of a classifier that is given its rows in parts, or None.
        """

    @abstractmethod
    def _weigh(self, rows: Rows) -> Rows:
        """Bring the weights of classes into the training rows."""

    def _fit_inputs(self, rows: Rows, given: Given) -> Rows:
        """Fit what makes the network's inputs from X, and return the rows to train on.

        Nothing, unless a subclass has something: X are the inputs.
        """
        return rows

    def _network_input(self, X, X_given):
        """Return the network's inputs for checked rows that are not trained on."""
        return X

    @abstractmethod
    def _strata(self, target) -> np.ndarray | None:
        """Return indicators, shape (n_samples, n_strata), whose shares a split keeps; or None."""

    def _specify(self, rows: Rows, continues: bool) -> Network:
        """Return the network: dense layers, unless a subclass has others."""
        signs = checked_signs(self)
        embedding = kept_embedding(self) if continues else choose_embedding(self, rows, signs)
        settings = {
            **self._common_settings(rows),
            "n_networks": self._n_networks,
            "embedding": embedding,
            "weighted": bool(getattr(self, "weight_features", False)),
        }
        return LayeredNetwork(**settings) if signs is None else monotonic_network(signs, settings)

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

    def _schedules(self, epochs: int) -> dict[str, Callable[[int], float]]:
        """Return functions of the epoch that give weights of the network, by their names.

        `epochs` is the largest number of epochs of the training.
        """
        return {}

    def _fitted_attributes(self, network, first_epoch):
        """Return a function of weights and a number of epochs: what to predict with them needs.

        None where nothing can be predicted before the training has ended.
        """
        return lambda weights, n: {
            "_network": network,
            "_weights": weights,
            "n_iter_": first_epoch + n,
        }

    def _most_epochs(self, run):
        """Return the largest number of epochs of `_learn`."""
        return run.epochs

    def _learn(self, network: Network, run: "TrainingRun", given: Given) -> "TrainingResult":
        """Train the network: once, unless a subclass does it in rounds."""
        return self._train(network, run)

    @abstractmethod
    def _oof_prediction(self, outputs: np.ndarray) -> np.ndarray:
        """Return predictions of outputs for rows that their network was not trained on."""

    def _outputs(self, X):
        """Return the network's outputs, shape (n_samples, n_outputs), for any finite X."""
        check_is_fitted(self)
        return self._network.predict(self._weights, self._validated_input(X))

    # The experts of a gate are not validated yet.
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Fit the network.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Training data, finite. Where they take more than a quarter of scikit-learn's
            `working_memory` as dense rows (256 MiB by default: see :func:`sklearn.set_config`) they
            are not copied, but an epoch reads them in chunks of so much, each drawn from many
            places of X: a memory map may be larger than the memory.
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
        continues = self.warm_start and hasattr(self, "_weights")
        validation = (X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, validation, continues=continues, epochs=self.epochs)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """Train one more epoch on the given data.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Training data, finite.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, not negative.

        Returns
        -------
        self : object
            The estimator, trained one epoch further.
        """
        continues = hasattr(self, "_weights")
        return self._fit(X, y, sample_weight, None, continues=continues, epochs=1, partial=True)

    def _fit(
        self,
        X,
        y,
        sample_weight,
        validation,
        *,
        continues,
        epochs,
        partial=False,
        classes=None,
        metadata=None,
    ):
        self._check_settings()
        check_monotonic_settings(self)
        if partial and self.early_stopping not in ("auto", False):
            raise ValueError(
                "partial_fit trains one epoch and cannot stop early. Got early_stopping=True. Use "
                '"auto" or False.'
            )
        settings = {"reset": not continues, "partial": partial, "classes": classes}
        rows, given = self._training_rows(X, y, sample_weight, **settings)
        given = given._replace(metadata=metadata or {}, tasks=NetworkFit(self, X, y, sample_weight))
        features, rows = rows.X, self._fit_inputs(self._weigh(rows), given)
        rng = self._generator(self.n_iter_ if continues else 0)
        held_out = folds = trained = None
        if any(part is not None for part in validation or ()):
            held_out = self._given_validation(*validation, features)
        elif self._deals() and not partial:
            folds = self._deal(rows, rng, continues)
        elif self._splits(len(rows.X)) and not partial:
            rows, held_out, _ = self._split(rows, rng)
        elif self._finds_epochs(len(rows.X)) and not (partial or continues):
            trained, epochs = self._trained_on_part(rows, given, rng)
            rng = self._generator(0)
        if trained is None or not trained.result.interrupted:
            settings = {"continues": continues, "partial": partial, "epochs": epochs}
            trained = self._trained(Parts(rows, held_out, folds), given, rng, **settings)
        self._record(*trained, continues, keep=partial or self.warm_start)
        self._record_folds(rows, folds, given)
        given.tasks.end()
        expects_convergence = not partial and held_out is None and folds is None
        self._warn(trained.result, expects_convergence)
        return self

    def _trained(
        self,
        parts,
        given,
        rng,
        *,
        continues=False,
        partial=False,
        epochs,
        batch_size=None,
        watched=True,
    ):
        """Train on parts of the rows."""
        network = self._specify(parts.rows, continues)
        known, target_scale = {}, None
        if continues:
            self._check_same_network(network)
            target_scale = self._target_scale
        else:
            known, target_scale = self._start(parts.rows)
            known |= _standardization(network, parts.rows)
        run = training_run(
            self,
            parts,
            target_scale,
            rng=rng,
            epochs=epochs,
            batch_size=batch_size or self.batch_size,
            partial=partial,
            known_weights=known,
            continues=continues,
        )
        if not watched:
            run = replace(run, callbacks=[])
        elif not partial:
            fitted = self._fitted_attributes(network, run.first_epoch)
            run = given.tasks.watched(run, self._most_epochs(run), fitted)
        return Trained(network, self._learn(network, run, given), target_scale)

    def _trained_on_part(self, rows, given, rng):
        """Hold rows out; return what trained without them, and after how many epochs it was best.

        For so many all rows are to be trained on: algorithm 7.2 of Goodfellow, Bengio and
        Courville (2016), Deep learning. MIT Press.
        """
        settings = {"epochs": "auto", "batch_size": self.batch_size, "patience": "auto"}
        budget = choose_budget(len(rows.X), **settings, validates=False)
        sizes = {"epochs": budget.epochs, "batch_size": budget.batch_size}
        trained = self._trained(self._split(rows, rng), given, rng, **sizes, watched=False)
        return trained, int(np.argmin(trained.result.validation_losses)) + 1

    def _training_rows(self, X, y, sample_weight, *, reset, partial, classes):
        """Return validated rows, and the same as they were given; those without weight are gone."""
        given, names = Given(X, y), column_names(y)
        X, y = validate_rows(
            self,
            X,
            y,
            chunk_bytes=self._bytes_at_once(),
            dtype=self.dtype,
            # Training that goes on keeps its precision.
            fitted_dtype=None if reset else self._network.dtype,
            reset=reset,
            multi_output=True,
            y_numeric=False,
            ensure_min_samples=1 if partial else 2,
        )
        weight = np.ones(len(X), X.dtype)
        if sample_weight is not None:
            weight = checked_weight(sample_weight, X)
            used = weight > 0
            if not used.all():
                X, y, weight = X[used], y[used], weight[used]
                given = given._replace(used=np.flatnonzero(used))
            given = given._replace(weight=weight)
        target = self._encode_target(y, names=names, reset=reset, classes=classes)
        check_representable(target, X.dtype)
        return Rows(X, target, weight), given._replace(y=y)

    def _generator(self, first_epoch):
        """Random numbers that depend on `random_state` and on how far training is, only."""
        if self.random_state is None:
            return np.random.default_rng()
        seed = self.random_state
        if not isinstance(seed, Integral):
            seed = check_random_state(seed).randint(np.iinfo(np.int32).max)
        return np.random.default_rng([int(seed), first_epoch])

    def _given_validation(self, X_val, y_val, weight, features):
        """Check the validation data that the user gave; `features` are those of training."""
        if X_val is None or y_val is None:
            missing = "X_val" if X_val is None else "y_val"
            raise ValueError(f"X_val and y_val must be given together. Got {missing}=None.")
        check_same_features(self, X_val)
        checked = self._new_rows(X_val, features.dtype)
        warn_of_other_units(checked, features)
        check_consistent_length(checked, y_val)
        target = self._encode_target(y_val, names=column_names(y_val), reset=False)
        weight = np.ones(len(checked), checked.dtype) if weight is None else weight
        weight = checked_weight(weight, checked, name="sample_weight_val")
        return Rows(self._network_input(checked, X_val), target, weight)

    def _deals(self):
        """Whether each network is stopped on a fold of its own."""
        return self._n_networks > 1 and bool(self.early_stopping)

    def _splits(self, n_rows):
        """Whether some of the training rows are set aside to stop on."""
        alone = self._n_networks == 1
        return alone and (
            n_rows > self._rows_to_split if self.early_stopping == "auto" else self.early_stopping
        )

    def _finds_epochs(self, n_rows):
        """Whether rows are held out of a first training to find how long to train on all."""
        is_auto = self._n_networks == 1 and self.early_stopping == self.epochs == "auto"
        return is_auto and self.tol is not None and n_rows > FEW_ROWS

    def _split(self, rows, rng):
        """Set a fraction of the training rows aside."""
        return split(rows, self.validation_fraction, self._strata(rows.target), rng)

    def _deal(self, rows, rng, continues):
        """Deal the training rows to the networks: each is stopped on those that it lacks."""
        seed = int(rng.integers(2**31))
        if not continues:
            self._fold_seed = seed  # so that training that goes on holds out the same rows
        n_rows, strata = len(rows.X), self._strata(rows.target)
        if n_rows <= FEW_ROWS:
            X = rows.X.load() if isinstance(rows.X, LazyRows) else rows.X
            folds = deal_few(X, rows.target, self._n_networks, strata, self._fold_seed)
            if folds is not None or self.early_stopping == "auto":
                return folds
        return deal(n_rows, self._n_networks, strata, self._fold_seed)

    def _common_settings(self, rows):
        """Return the settings that all networks have."""
        sizes = checked_sizes(self.hidden_layer_sizes)
        return {
            "n_features": rows.X.shape[1],
            "n_outputs": rows.target.shape[1],
            "dtype": rows.X.dtype.name,
            "hidden_layer_sizes": sizes,
            "activation": self.activation,
            "dropout": float(self.dropout),
            "standardized": bool(self.standardize),
            "kernel_constraint": self.kernel_constraint,
            "head": self._head(),
        }

    def _check_same_network(self, network):
        name = network.first_difference(self._network)
        if name is not None:
            raise ValueError(
                f"Training continues the network fitted before, so {name} must stay "
                f"{getattr(self._network, name)!r}. Got {getattr(network, name)!r}. "
                "Fit a clone instead."
            )

    def _train(self, network, run):
        """Train the network as the run says."""
        return train_network(self, network, run)

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
        self._network, self._weights = network, result.weights
        self._target_scale = target_scale
        # Twice the size of the weights: kept only where training is meant to go on.
        self._optimizer_state = result.optimizer_state if keep else None
        self.__dict__.pop("_model", None)

    def _record_folds(self, rows, folds, given):
        """Keep what each network predicts for the rows that it was not trained on."""
        for name in ("oof_prediction_", "_oof_folds"):
            self.__dict__.pop(name, None)
        if folds is None:
            return
        outputs = np.empty((len(folds), self.n_outputs_), self._network.dtype)
        for k in range(self._n_networks):
            held_out = folds == k
            each = self._network.predict_each(self._weights, rows.X[held_out])
            outputs[held_out] = each[:, k]
        prediction = self._oof_prediction(outputs)
        self.oof_prediction_, self._oof_folds = prediction, folds
        if given.used is not None:
            n_rows = given.X.shape[0] if hasattr(given.X, "shape") else len(given.X)
            self.oof_prediction_ = np.full((n_rows, *prediction.shape[1:]), np.nan, outputs.dtype)
            self._oof_folds = np.full(n_rows, -1)
            self.oof_prediction_[given.used], self._oof_folds[given.used] = prediction, folds

    def _warn(self, result, expects_convergence):
        """Tell the user, and whatever calls `fit`, of an early or a late end."""
        if result.interrupted:
            # After all is recorded: the estimator is fitted, and a search that calls it ends.
            raise KeyboardInterrupt(
                f"Training was interrupted after epoch {self.n_iter_}. Its weights are kept: the "
                "estimator is fitted."
            )
        if expects_convergence and self._may_stop_on_training_loss() and not result.stopped:
            warnings.warn(
                f"Training ended at epochs={self.epochs} while its loss still fell. Raise epochs "
                "or learning_rate, or set tol=None to train for a fixed number of epochs.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _may_stop_on_training_loss(self):
        return self.tol is not None and self.n_iter_no_change != "auto"

    @property
    def _n_networks(self):
        """How many networks are fitted: one, where there is no such parameter."""
        return getattr(self, "n_networks", 1)

    def _validated_input(self, X):
        """Return X as the fitted network takes it."""
        return self._new_rows(X, self._network.dtype)

    def _new_rows(self, X, dtype):
        """Validate rows that are not trained on, and bring them to the network's precision."""
        limit = self._bytes_at_once()
        return validate_rows(
            self, X, chunk_bytes=limit, dtype=None, fitted_dtype=dtype, reset=False
        )

    @property
    def model_(self):
        """The fitted network as an ordinary Keras model, built when first asked for."""
        check_is_fitted(self)
        if "_model" not in self.__dict__:
            self._model = self._network.build_fitted(self._weights)
        return self._model

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_weights")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self._bytes_at_once() is not None
        return tags


def _standardization(network, rows):
    """Return the center and scale of the features that the network standardises, by name."""
    if not network.standardized:
        return {}
    n = network.n_standardized
    X = rows.X if n == rows.X.shape[1] else rows.X[:, :n]
    center, scale = center_and_scale(X, rows.weight)
    return {"standardize/center": center, "standardize/scale": scale}
