"""Layer: what the layers of this package have in common."""

import keras


class Layer(keras.layers.Layer):
    """A layer of Keras whose outputs have the shape of its inputs, unless it says otherwise.

    Its configuration is made of attributes: `_settings` are names of those that are numbers, flags
    or text, and `_objects` of those that are objects of Keras.
    """

    n_models = None  # the number of several models, where there is an axis for them
    _settings: tuple[str, ...] = ()
    _objects: tuple[str, ...] = ()

    @property
    def _model_axis(self) -> tuple[int, ...]:
        """The leading axis of weights, and the second one of outputs."""
        return () if self.n_models is None else (self.n_models,)

    def _add_fixed(self, shape, **starts):
        """Give the layer weights of a shape that are not trained, by their names and starts."""
        for name, start in starts.items():
            # JAX computes, and so compiles, any other constant for each shape.
            start = {0.0: "zeros", 1.0: "ones"}.get(start) or keras.initializers.Constant(start)
            weight = self.add_weight(name=name, shape=shape, initializer=start, trainable=False)
            setattr(self, name, weight)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        settings = {name: getattr(self, name) for name in self._settings}
        serialize = keras.saving.serialize_keras_object
        objects = {name: serialize(getattr(self, name)) for name in self._objects}
        return {**super().get_config(), **settings, **objects}
