"""Affine: the unit and the origin of targets, which are not trained."""

import keras


@keras.saving.register_keras_serializable(package="skconstrain")
class Affine(keras.layers.Layer):
    """Return ``scale * inputs + shift``, with weights that are not trained."""

    def build(self, input_shape):
        for name, value in (("scale", "ones"), ("shift", "zeros")):
            weight = self.add_weight(
                name=name, shape=(input_shape[-1],), initializer=value, trainable=False
            )
            setattr(self, name, weight)

    def call(self, inputs):
        return self.scale * inputs + self.shift

    def compute_output_shape(self, input_shape):
        return input_shape
