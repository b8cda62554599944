"""TensorFlow: graphs of fixed shapes, which XLA compiles where that pays."""

from contextlib import suppress

import tensorflow as tf

from skconstrain._engine._backend import Backend, XlaLimits
from skconstrain._engine._tensorflow._graphs import clear_kernels, without_remapping
from skconstrain._engine._tensorflow._parameters import MAX_FLAT_SIZE
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
    # Compiling takes half a second, which a search over such fits earns back from so many steps on;
    # of a large flat vector it takes up to eighty times as long.
    # Products of several networks are slower without XLA: 1.6 to 4.5 times, measured for 5 and 10
    # networks of 64 to 256 units, up to 15e7 operations a step.
    xla=XlaLimits(
        max_flops_per_step=12e6,
        max_kernel_size=MAX_FLAT_SIZE,
        min_steps=500,
        max_flops_of_several=2e9,
    ),
    precision=without_remapping,
    trains_on_gpu=lambda: bool(tf.config.list_logical_devices("GPU")),
    prepare=share_gpu_memory,
    release=clear_kernels,
)
