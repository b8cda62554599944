"""scikeras, held and not inherited: builds and compiles Keras models from parameters.

The only file that knows scikeras. What trains and predicts is the engine.
"""

from functools import cache, partial

import keras
import numpy as np

from skconstrain import _engine
from skconstrain._engine._batching import padded
from skconstrain._loss_numbers import numbers_of, with_numbers
from skconstrain._networks import (
    architecture,
    build_network,
    build_part,
    initial_weights,
    kernel_size,
    n_units,
    supports_xla,
)
from skconstrain._stacked_fits._barrier import current_barrier
from skconstrain._stacked_fits._request import ALONE, Request


def _import_wrapper():
    """Import scikeras' BaseWrapper, and leave Keras as it was.

    scikeras replaces how Keras' models, losses, metrics and optimizers are pickled, for everybody
    in the process. Nothing here needs that.
    """
    places = [
        (owner, name)
        for owner in (
            keras.Model,
            keras.losses.Loss,
            keras.metrics.Metric,
            keras.optimizers.Optimizer,
        )
        for name in ("__reduce__", "__deepcopy__")
    ]
    before = [vars(owner).get(name) for owner, name in places]
    from scikeras.wrappers import BaseWrapper

    for (owner, name), method in zip(places, before, strict=True):
        if method is not None:
            setattr(owner, name, method)
        elif name in vars(owner):
            delattr(owner, name)
    return BaseWrapper


class NetWrapper(_import_wrapper()):
    """Keras network under scikeras' life cycle, trained by the engine.

    Parameters
    ----------
    network : dict
        What :func:`skconstrain._networks.build_network` builds.
    loss : keras.losses.Loss
        Loss to minimise.
    optimizer : str, class or instance
        As scikeras takes it; an instance is copied, never used.
    callbacks : list of keras.callbacks.Callback, dict or None
        As scikeras takes them.
    jit_compile : "auto" or bool
        Whether XLA compiles the epoch.

    Attributes
    ----------
    result_ : TrainingResult
        Weights and losses of the last training.
    """

    def __init__(self, network, *, loss=None, optimizer="adam", callbacks=None, jit_compile="auto"):
        super().__init__(loss=loss, optimizer=optimizer, callbacks=callbacks, verbose=0)
        self.network = network
        self.jit_compile = jit_compile
        self._random_state = None  # scikeras would seed global generators with one

    def train(
        self, X, y, weight, *, epochs, batch_size, rng, start=None, known_weights=None, **run
    ):
        """Train on validated rows, from `start` or from `known_weights` and drawn ones.

        `run` are the further attributes of :class:`skconstrain._engine.TrainingRun`.
        """
        _engine.warn_of_double_precision(self.network["dtype"])
        run |= {"weight": weight, "rng": rng, "batch_size": batch_size, "epochs": epochs}
        run["loss_numbers"] = numbers_of(self.loss)
        together = self._train_in_stack(X, y, start=start, known_weights=known_weights, **run)
        if together is not None:
            return together
        plan = _engine.plan_chunks(X, batch_size)
        lent = _engine.lend_program(
            self._key(),
            super()._build_keras_model,
            n_rows=plan.rows_per_chunk,
            batch_size=batch_size,
            epochs=epochs * plan.n_chunks,
            kernel_size=kernel_size(self.network),
            jit_compile=self.jit_compile if supports_xla(self.network) else False,
            has_callbacks=bool(self.callbacks),
        )
        with lent as self._program, _engine.precision():
            if start is None:
                start = initial_weights(self._program.model, rng, known_weights)
            self.fit(X, y, epochs=epochs, run={**run, "start": start})
        return self.result_

    def _train_in_stack(self, X, y, *, start, known_weights, **run):
        """Train together with equal networks that are fitted at the same time, if there are any."""
        barrier = current_barrier()
        held_out = run.get("validation")
        # Rows that are read in chunks stay where they are.
        is_read = isinstance(X, np.ndarray) and (
            held_out is None or isinstance(held_out[0], np.ndarray)
        )
        if barrier is None or not is_read or not self._may_be_stacked(run):
            return None
        batches = _engine.Batches(len(X), run["batch_size"])
        n_validation = 0 if held_out is None else padded(len(held_out[0]))
        shapes = (batches.width, batches.padded_rows, batches.padded_steps, n_validation)
        request = Request(
            key=(self._key(), shapes, self.jit_compile, tuple(run["schedules"])),
            train_together=_train_together,
            n_bytes=_bytes_in_stack(self.network, X.dtype.itemsize, shapes),
            payload=(self, {"X": X, "y": y, "start": start, **run}, known_weights),
        )
        outcome = barrier.train(request)
        if outcome is ALONE:
            return None
        self.result_ = outcome
        return outcome

    def _may_be_stacked(self, run):
        """Whether a stack trains the network as it trains alone."""
        network = self.network
        small = kernel_size(network) <= _engine.MAX_STACKED_SIZE and supports_xla(network)
        watched = self.callbacks or run.get("verbose")
        return small and not watched and _is_stackable(self.optimizer)

    def _key(self):
        optimizer = self.optimizer
        if isinstance(optimizer, keras.optimizers.Optimizer):
            optimizer = [type(optimizer), _optimizer_config(optimizer)]
        loss = with_numbers(self.loss, dict.fromkeys(numbers_of(self.loss)))
        return _engine.freeze([architecture(self.network), loss, optimizer])

    def _build_keras_model(self):
        # The lent program has built its model through scikeras, once for all clones.
        return self._program.model

    def _keras_build_fn(self, compile_kwargs):
        model = build_network(self.network)
        given = compile_kwargs["optimizer"]
        if given is self.optimizer:
            given = type(given).from_config(given.get_config())
        model.compile(optimizer=given, loss=compile_kwargs["loss"], jit_compile=False)
        return model

    def _validate_data(self, X=None, y=None, reset=False, y_numeric=False):
        return X, y  # the estimator has validated them

    def _fit_keras_model(self, X, y, sample_weight, warm_start, epochs, initial_epoch, *, run):
        callbacks = keras.tree.flatten(self._fit_callbacks)
        run = _engine.TrainingRun(X=X, y=y, callbacks=callbacks, **run)
        self.result_ = _engine.train(self._program, run)
        self.history_ = {"loss": self.result_.losses, "val_loss": self.result_.validation_losses}


def _train_together(requests):
    """Train requests of equal networks as one stack."""
    wrapper = requests[0].payload[0]
    runs = [_engine.TrainingRun(**{**request.payload[1], "start": []}) for request in requests]
    lend = partial(
        _engine.lend_stacked_program,
        wrapper._key(),
        super(NetWrapper, wrapper)._build_keras_model,
        kernel_size=kernel_size(wrapper.network),
        jit_compile=wrapper.jit_compile,
    )

    def begin(model, runs):
        for run, request in zip(runs, requests, strict=True):
            start, known = request.payload[1]["start"], request.payload[2]
            run.start = initial_weights(model, run.rng, known) if start is None else start

    def is_wanted():
        return any(request.is_wanted for request in requests)

    try:
        with _engine.precision():
            return _engine.train_stack(lend, runs, begin, is_wanted)
    except _engine.NotStackableError:
        return [ALONE] * len(requests)


def _bytes_in_stack(network, itemsize, shapes):
    """Return the memory of a model in a stack: its data, numbers, and units in a step."""
    width, n_rows, n_steps, n_validation = shapes
    columns = network["n_features"] + network["n_outputs"] + 1
    units = columns + n_units(network)
    numbers = (n_rows + n_validation) * columns + 12 * kernel_size(network) + 8 * width * units
    return numbers * itemsize + 4 * width * n_steps


def _is_stackable(optimizer):
    if isinstance(optimizer, str):
        return _is_stackable_name(optimizer)
    return _engine.is_stackable(keras.optimizers.get(optimizer))


@cache
def _is_stackable_name(optimizer):
    return _engine.is_stackable(keras.optimizers.get(optimizer))


def _optimizer_config(optimizer):
    """Return what tells optimizers apart once a constant learning rate is data."""
    config = optimizer.get_config()
    if isinstance(config["learning_rate"], float):
        del config["learning_rate"]
    return config


def constant_learning_rate(optimizer) -> float | None:
    """Return the learning rate of an optimizer instance, None where it is a schedule or a name."""
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        return None
    rate = optimizer.get_config()["learning_rate"]
    return rate if isinstance(rate, float) else None


def has_schedule(optimizer) -> bool:
    """Whether `optimizer` is an instance whose learning rate is a schedule."""
    is_instance = isinstance(optimizer, keras.optimizers.Optimizer)
    return is_instance and constant_learning_rate(optimizer) is None


def predict(network, weights, X):
    """Return the network's outputs, shape (n_rows, n_outputs)."""
    key = _engine.freeze(architecture(network))
    return _engine.predict(key, lambda: (build_network(network), None), weights, X)


def predict_part(network, weights, X, layer_name):
    """Return the outputs of one layer of the network, a row each."""
    key = _engine.freeze([architecture(network), layer_name])
    return _engine.predict(key, lambda: build_part(network, layer_name), weights, X)
