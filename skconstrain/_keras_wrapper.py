"""scikeras, held and not inherited: builds and compiles Keras models from parameters.

The only file that knows scikeras. What trains and predicts is the engine.
"""

import keras

from skconstrain import _engine
from skconstrain._engine._optimizers import class_of, config_without_rate
from skconstrain.losses._numbers import numbers_of, with_numbers


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
    """A network as scikeras builds and compiles it.

    Parameters
    ----------
    network : Network
        The specification.
    loss : keras.losses.Loss
        Loss to minimise.
    optimizer : str, class or instance
        As scikeras takes it; an instance is copied, never used.
    callbacks : list of keras.callbacks.Callback, dict or None
        As scikeras takes them.
    """

    def __init__(self, network, *, loss=None, optimizer="adam", callbacks=None):
        if isinstance(optimizer, str):
            optimizer = class_of(optimizer)  # scikeras would make one to see of which class it is
        super().__init__(loss=loss, optimizer=optimizer, callbacks=callbacks, verbose=0)
        self.network = network
        self._random_state = None  # scikeras would seed global generators with one

    @property
    def key(self):
        """Stands for everything that `build` builds: equal for equal models, across clones."""
        optimizer = self.optimizer
        if isinstance(optimizer, keras.optimizers.Optimizer):
            optimizer = [type(optimizer), config_without_rate(optimizer)]
        loss = with_numbers(self.loss, dict.fromkeys(numbers_of(self.loss)))
        return _engine.freeze([self.network.architecture(), loss, optimizer])

    def build(self):
        """Return a new compiled model."""
        return self._build_keras_model()  # scikeras compiles it by `_keras_build_fn`

    def build_callbacks(self):
        """Return the callbacks as instances, in one list."""
        self._initialize_callbacks()
        return keras.tree.flatten(self._fit_callbacks)

    def _keras_build_fn(self, compile_kwargs):
        model = self.network.build()
        given = compile_kwargs["optimizer"]
        if given is self.optimizer:
            given = type(given).from_config(given.get_config())
        # A global policy of Keras, mixed precision for one, would put another optimizer around it.
        settings = {"jit_compile": False, "auto_scale_loss": False}
        model.compile(optimizer=given, loss=compile_kwargs["loss"], **settings)
        return model
