"""scikeras, held and not inherited: builds and compiles Keras models from parameters.

The only file that knows scikeras. What trains and predicts is the engine.
"""

import keras

from skconstrain import _engine
from skconstrain._networks import (
    build_network,
    build_part,
    initial_weights,
    kernel_size,
    supports_xla,
)


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
        """Train on validated arrays, from `start` or from `known_weights` and drawn ones.

        `run` are the further attributes of :class:`skconstrain._engine.TrainingRun`.
        """
        lent = _engine.lend_program(
            self._key(),
            super()._build_keras_model,
            n_rows=len(X),
            batch_size=batch_size,
            epochs=epochs,
            kernel_size=kernel_size(self.network),
            jit_compile=self.jit_compile if supports_xla(self.network) else False,
            has_callbacks=bool(self.callbacks),
        )
        with lent as self._program, _engine.precision():
            if start is None:
                start = initial_weights(self._program.model, rng, known_weights)
            run |= {"weight": weight, "start": start, "rng": rng}
            run |= {"batch_size": batch_size, "epochs": epochs}
            self.fit(X, y, epochs=epochs, run=run)
        return self.result_

    def _key(self):
        optimizer = self.optimizer
        if isinstance(optimizer, keras.optimizers.Optimizer):
            optimizer = [type(optimizer), _optimizer_config(optimizer)]
        return _engine.freeze([self.network, self.loss, optimizer])

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
    key = _engine.freeze(network)
    return _engine.predict(key, lambda: (build_network(network), None), weights, X)


def predict_part(network, weights, X, layer_name):
    """Return the outputs of one layer of the network, a row each."""
    key = _engine.freeze([network, layer_name])
    return _engine.predict(key, lambda: build_part(network, layer_name), weights, X)
