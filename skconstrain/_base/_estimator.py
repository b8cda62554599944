"""The fit template that every network estimator follows."""

import warnings
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import ShuffleSplit
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skconstrain._base._copies import CopiedNet
from skconstrain._base._rows import (
    Given,
    Rows,
    check_representable,
    column_names,
    scaled,
    unit_of_loss,
)
from skconstrain._lazy_rows import LazyRows, validate_rows
from skconstrain._networks import LayeredNetwork, Network
from skconstrain._sklearn_compat import (
    HasMethods,
    Interval,
    StrOptions,
    check_sample_weight,
    fit_context,
    safe_indexing,
)

if TYPE_CHECKING:
    from skconstrain._engine import TrainingResult, TrainingRun
    from skconstrain._networks._heads import Head

_OPTIMIZERS = {
    "adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw",
    "ftrl", "lion", "nadam", "rmsprop", "sgd",
}  # fmt: skip


class NetEstimator(CopiedNet):
    """Validate, encode the target, build, train, record: the life of a network estimator.

    Subclasses declare the hooks below; the other methods are final. `fit` calls the hooks in this
    order:

    1. `_check_settings`: do the parameters contradict each other?
    2. `_bytes_at_once`: how much of X may be read at once?
    3. `_encode_target`: y becomes columns of numbers.
    4. `_weigh`: weights of classes become weights of rows or targets.
    5. `_fit_inputs`: what is fitted before the network makes its inputs from X.
    6. `_network_input`: the same for the validation data that the user gave, or
       `_strata`: what a split for early stopping keeps.
    7. `_specify`, which calls `_head`: the network.
    8. `_start`: weights that are known before training. Not where training continues.
    9. `_keras_loss` and `_schedules`: what else a run needs.
    10. `_learn`: one training, or several.

    Predictions call `_bytes_at_once` and `_outputs`; a clone calls `_params_shared_by_clones`.

    Fitted state is NumPy arrays and plain Python: `_network`, the specification of the network, and
    `_weights`, its weights in the order of the network's `weight_names`.
    """

    _parameter_constraints: dict = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [str, callable],
        "kernel_constraint": [StrOptions({"non_neg"}), callable, None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "optimizer": [StrOptions(_OPTIMIZERS), HasMethods(["apply", "get_config"])],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), None],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left"), None],
        "warm_start": ["boolean"],
        "callbacks": [list, HasMethods(["on_epoch_end"]), None],
        "chunk_bytes": [Interval(Integral, 1, None, closed="left")],
        "jit_compile": [StrOptions({"auto"}), "boolean"],
        "dtype": [StrOptions({"float32", "float64"}), None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    # The hooks, in the order in which they are called.

    @abstractmethod
    def _check_settings(self) -> None:
        """Raise ``ValueError`` where parameters contradict each other."""

    def _bytes_at_once(self) -> int | None:
        """Return how much of X may be read at once; None if all of it must be, and be dense."""
        return self.chunk_bytes

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
        return LayeredNetwork(**self._common_settings(rows))

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

    def _schedules(self) -> dict[str, Callable[[int], float]]:
        """Return functions of the epoch that give weights of the network, by their names."""
        return {}

    def _learn(self, network: Network, run: "TrainingRun", given: Given) -> "TrainingResult":
        """Train the network: once, unless a subclass does it in rounds."""
        return self._train(network, run)

    def _outputs(self, X):
        """Return the network's outputs, shape (n_samples, n_outputs), for any finite X."""
        check_is_fitted(self)
        return self._network.predict(self._weights, self._validated_input(X))

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None):
        """Fit the network.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Training data, finite. Where they take more than `chunk_bytes` they are not copied, but
            read chunk by chunk: a memory map may be larger than the memory.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, not negative. A weight of zero equals removing the row, a weight of two equals
            repeating it.
        X_val : array-like or sparse matrix of shape (n_validation_samples, n_features), \
default=None
            Validation data. Without it, ``early_stopping=True`` sets `validation_fraction` of the
            training data aside.
        y_val : array-like, default=None
            Targets of the validation data.

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
        validation = None if X_val is None and y_val is None else (X_val, y_val)
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
        self, X, y, sample_weight, validation, *, continues, epochs, partial=False, classes=None
    ):
        self._check_settings()
        settings = {"reset": not continues, "partial": partial, "classes": classes}
        rows, given = self._training_rows(X, y, sample_weight, **settings)
        rows = self._fit_inputs(self._weigh(rows), given)
        rng = self._generator(self.n_iter_ if continues else 0)
        held_out = None
        if validation is not None:
            held_out = self._given_validation(*validation, dtype=rows.X.dtype)
        elif self.early_stopping and not partial:
            rows, held_out = self._split(rows, rng)
        network = self._specify(rows, continues)
        if continues:
            self._check_same_network(network)
        known, target_scale = ({}, self._target_scale) if continues else self._start(rows)
        run = self._training_run(
            rows,
            held_out,
            target_scale,
            rng=rng,
            epochs=epochs,
            tol=None if partial else self.tol,
            known_weights=known,
            continues=continues,
        )
        result = self._learn(network, run, given)
        self._record(network, result, target_scale, continues, keep=partial or self.warm_start)
        self._warn(result, expects_convergence=not partial and not self.early_stopping)
        return self

    def _training_rows(self, X, y, sample_weight, *, reset, partial, classes):
        """Return validated rows, and the same as they were given; those without weight are gone."""
        given, names = Given(X, y, None), column_names(y)
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
            weight = check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)
            used = weight > 0
            if not used.any():
                raise ValueError("sample_weight must have a positive entry. Got only zeros.")
            if not used.all():
                X, y, weight = X[used], y[used], weight[used]
                if self._bytes_at_once() is None:
                    given = given._replace(X=safe_indexing(given.X, np.flatnonzero(used)))
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

    def _given_validation(self, X_val, y_val, dtype):
        """Check the validation data that the user gave."""
        if X_val is None or y_val is None:
            missing = "X_val" if X_val is None else "y_val"
            raise ValueError(f"X_val and y_val must be given together. Got {missing}=None.")
        checked = self._new_rows(X_val, dtype)
        check_consistent_length(checked, y_val)
        target = self._encode_target(y_val, names=column_names(y_val), reset=False)
        X_val = self._network_input(checked, X_val)
        return Rows(X_val, target, np.ones(len(X_val), dtype))

    def _split(self, rows, rng):
        """Set a fraction of the training rows aside for early stopping."""
        n_rows = len(rows.X)
        n_held_out = int(np.ceil(self.validation_fraction * n_rows))
        if n_rows - n_held_out < 2:
            raise ValueError(
                f"early_stopping=True with validation_fraction={self.validation_fraction} leaves "
                f"{n_rows - n_held_out} of {n_rows} samples for training; at least 2 are needed. "
                "Give X_val and y_val, or more samples."
            )
        strata = self._strata(rows.target)
        splitter = ShuffleSplit if strata is None else MultilabelStratifiedShuffleSplit
        seed = int(rng.integers(2**31))
        splitter = splitter(1, test_size=n_held_out, random_state=seed)
        chosen = next(splitter.split(np.zeros((n_rows, 1)), strata))
        if isinstance(rows.X, LazyRows):  # read in the order in which they lie
            chosen = map(np.sort, chosen)
        return tuple(Rows(*(part[numbers] for part in rows)) for numbers in chosen)

    def _common_settings(self, rows):
        """Return the settings that all networks have."""
        sizes = layer_sizes(self.hidden_layer_sizes)
        if not all(isinstance(size, Integral) and size > 0 for size in sizes):
            raise ValueError(f"hidden_layer_sizes must hold positive integers. Got {sizes}.")
        return {
            "n_features": rows.X.shape[1],
            "n_outputs": rows.target.shape[1],
            "dtype": rows.X.dtype.name,
            "hidden_layer_sizes": tuple(int(size) for size in sizes),
            "activation": self.activation,
            "dropout": float(self.dropout),
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

    def _training_run(
        self, rows, held_out, target_scale, *, rng, epochs, tol, known_weights, continues
    ) -> "TrainingRun":
        """Return everything that training needs beside the network."""
        # Here, not above: constructing, cloning and searching over estimators costs no TensorFlow.
        from skconstrain._engine import TrainingRun
        from skconstrain.losses import numbers_of

        loss, exponent = self._keras_loss()
        scale = 1.0 if exponent is None else target_scale
        X, y, weight = scaled(rows, scale)
        return TrainingRun(
            X=X,
            y=y,
            weight=weight,
            validation=None if held_out is None else scaled(held_out, scale),
            rng=rng,
            epochs=epochs,
            batch_size=min(200, len(X)) if self.batch_size == "auto" else self.batch_size,
            first_epoch=self.n_iter_ if continues else 0,
            start=self._weights if continues else None,
            known_weights=known_weights,
            optimizer_state=self._optimizer_state if continues else None,
            alpha=self.alpha,
            learning_rate=self._learning_rate(),
            target_scale=scale,
            loss_numbers=numbers_of(loss),
            patience=self.n_iter_no_change,
            tol=tol,
            early_stopping=self.early_stopping and held_out is not None,
            schedules=self._schedules(),
            callbacks=_as_list(self.callbacks),
            verbose=int(self.verbose),
        )

    def _train(self, network, run):
        """Train the network as the run says."""
        from skconstrain._base._training import train
        from skconstrain._keras_wrapper import NetWrapper

        if run.start is None:
            run = replace(run, start=network.initial_weights(run.rng, run.known_weights))
        wrapper = NetWrapper(
            network,
            loss=self._keras_loss()[0],
            optimizer=self.optimizer,
            callbacks=run.callbacks or None,
        )
        run = replace(run, callbacks=wrapper.build_callbacks())
        return train(wrapper, run, self.jit_compile)

    def _learning_rate(self):
        from skconstrain._engine._optimizers import constant_learning_rate, has_schedule

        if self.learning_rate is None:
            return constant_learning_rate(self.optimizer)
        if has_schedule(self.optimizer):
            raise ValueError(
                "learning_rate must be None when the optimizer has a schedule of its own. "
                f"Got {self.learning_rate}."
            )
        return self.learning_rate

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

    def _warn(self, result, expects_convergence):
        """Tell the user, and whatever calls `fit`, of an early or a late end."""
        if result.interrupted:
            # After all is recorded: the estimator is fitted, and a search that calls it ends.
            raise KeyboardInterrupt(
                f"Training was interrupted after epoch {self.n_iter_}. Its weights are kept: the "
                "estimator is fitted."
            )
        if expects_convergence and self.tol is not None and not result.stopped:
            warnings.warn(
                f"Training ended at epochs={self.epochs} while its loss still fell. Raise epochs "
                "or learning_rate, or set tol=None to train for a fixed number of epochs.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _trains_in_stacks(self) -> bool:
        """Whether fits gain by training together: not where progress of each is to be seen."""
        return not (self.callbacks or self.verbose)

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


def layer_sizes(hidden_layer_sizes):
    """Return the numbers of units as a list."""
    if isinstance(hidden_layer_sizes, Integral):
        return [hidden_layer_sizes]
    return list(hidden_layer_sizes)


def _as_list(callbacks):
    if callbacks is None:
        return []
    return list(callbacks) if isinstance(callbacks, list) else [callbacks]
