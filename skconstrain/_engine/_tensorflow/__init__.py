"""TensorFlow: graphs of fixed shapes, which XLA compiles where that pays."""

from contextlib import suppress

import tensorflow as tf

from skconstrain._engine._backend import Backend, XlaLimits
from skconstrain._engine._tensorflow._graphs import clear_kernels, without_remapping
from skconstrain._engine._tensorflow._program import (
    TensorFlowPredictionProgram,
    TensorFlowProgram,
)


def share_gpu_memory() -> None:
    """Let TensorFlow take memory of a GPU as it needs it, so that processes can share one.

    What the user has decided stays as it is; so do devices that are in use already.
    """
    for gpu in tf.config.list_physical_devices("GPU"):
        undecided = tf.config.experimental.get_memory_growth(gpu) is None
        if undecided and tf.config.get_logical_device_configuration(gpu) is None:
            # Keras, or the user, has computed something: too late to change anything.
            with suppress(RuntimeError):
                tf.config.experimental.set_memory_growth(gpu, True)


BACKEND = Backend(
    program=TensorFlowProgram,
    prediction_program=TensorFlowPredictionProgram,
    # XLA wins on small steps, where launching operations is the cost: measured on two cores it
    # saves a third or more of the time up to so many operations a step, and nothing certain above.
    # Compiling takes one to three seconds, which a search over such fits earns back from so many
    # steps on; of a larger flat vector of one network it has taken up to eighty times as long.
    # Steps of several networks take 2.1 times as long without XLA: of 5 networks of 64 units, in
    # batches of 64 and of 512, with embeddings.
    xla=XlaLimits(
        max_flops_per_step=12e6,
        max_kernel_size=30_000,
        min_steps=500,
        max_flops_of_several=2e9,
    ),
    precision=without_remapping,
    trains_on_gpu=lambda: bool(tf.config.list_logical_devices("GPU")),
    prepare=share_gpu_memory,
    release=clear_kernels,
)
