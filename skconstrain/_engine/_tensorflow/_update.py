"""Adam's update in one pass over memory, where XLA does not make it one anyway."""

import keras
import tensorflow as tf


def make_update(optimizer: keras.optimizers.Optimizer, jit_compile: bool):
    """Return the function ``update(gradients, variables)`` of a built `optimizer`.

    Keras writes Adam as a dozen operations, each of which reads and writes all parameters: for a
    million of them that is half of a step. TensorFlow has the same arithmetic as one kernel.
    """
    if jit_compile or not _is_plain_adam(optimizer):
        return optimizer.apply
    return lambda gradients, variables: _adam(optimizer, gradients, variables)


def _is_plain_adam(optimizer):
    is_adam = type(optimizer) is keras.optimizers.Adam
    return is_adam and not (optimizer.amsgrad or optimizer.weight_decay or has_extras(optimizer))


def has_extras(optimizer: keras.optimizers.Optimizer) -> bool:
    """Whether a step is more than the formula of `optimizer` on each gradient."""
    extras = (
        optimizer.clipnorm,
        optimizer.clipvalue,
        optimizer.global_clipnorm,
        optimizer.use_ema,
        optimizer.loss_scale_factor,
        optimizer.gradient_accumulation_steps,
    )
    return any(extras)


def _adam(optimizer, gradients, variables):
    """Kingma and Ba (2015), section 2, in the order in which Keras does it."""
    dtype = gradients[0].dtype
    step = tf.cast(optimizer.iterations.value + 1, dtype)
    settings = {
        "beta1": tf.constant(optimizer.beta_1, dtype),
        "beta2": tf.constant(optimizer.beta_2, dtype),
        # Cast as Keras does it: by way of float32.
        "beta1_power": tf.pow(keras.ops.cast(optimizer.beta_1, dtype.name), step),
        "beta2_power": tf.pow(keras.ops.cast(optimizer.beta_2, dtype.name), step),
        "lr": tf.cast(keras.ops.convert_to_tensor(optimizer.learning_rate), dtype),
        "epsilon": tf.constant(optimizer.epsilon, dtype),
    }
    moments = zip(optimizer._momentums, optimizer._velocities, strict=True)
    for gradient, variable, (m, v) in zip(gradients, variables, moments, strict=True):
        handles = {"var": variable.value.handle, "m": m.value.handle, "v": v.value.handle}
        tf.raw_ops.ResourceApplyAdam(**handles, grad=gradient, **settings)
        if variable.constraint is not None:
            variable.assign(variable.constraint(variable))
    optimizer.iterations.assign_add(1)
