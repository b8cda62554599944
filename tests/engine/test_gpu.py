"""What the engine does about GPUs, on machines that have none."""

import subprocess
import sys
from dataclasses import replace

import pytest

from skconstrain import PositiveRegressor
from skconstrain._engine import _lending
from tests.backends import tensorflow_only
from tests.registry import positive_regression


class Gpu:
    """A stand-in for a GPU, and what is known of it."""

    def __init__(self, growth=None, divided=None, busy=False):
        self.growth, self.divided, self.busy = growth, divided, busy

    def set_growth(self, growth):
        if self.busy:
            raise RuntimeError("Physical devices cannot be modified after being initialized")
        self.growth = growth


@pytest.fixture
def gpus(monkeypatch):
    import tensorflow as tf

    found = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: found)
    experimental = tf.config.experimental
    monkeypatch.setattr(experimental, "get_memory_growth", lambda gpu: gpu.growth)
    monkeypatch.setattr(experimental, "set_memory_growth", lambda gpu, on: gpu.set_growth(on))
    monkeypatch.setattr(tf.config, "get_logical_device_configuration", lambda gpu: gpu.divided)
    return found


@tensorflow_only
def test_processes_can_share_a_gpu_and_decisions_of_the_user_stay(gpus):
    gpus += [Gpu(), Gpu(growth=False), Gpu(divided=["two halves"]), Gpu(busy=True)]
    _lending.BACKEND.prepare()
    assert [gpu.growth for gpu in gpus] == [True, False, None, None]


def test_double_precision_on_a_gpu_warns(monkeypatch):
    X, y = positive_regression(0)
    net = PositiveRegressor((3,), epochs=1)
    on_gpu = replace(_lending.BACKEND, trains_on_gpu=lambda: True)
    monkeypatch.setattr(_lending, "BACKEND", on_gpu)
    with pytest.warns(UserWarning, match="float64 trains slowly on a GPU. Use dtype='float32'"):
        net.fit(X, y)


@pytest.mark.filterwarnings("error:float64 trains slowly")
def test_single_precision_and_cpus_do_not(monkeypatch):
    X, y = positive_regression(0)
    PositiveRegressor((3,), epochs=1).fit(X, y)
    on_gpu = replace(_lending.BACKEND, trains_on_gpu=lambda: True)
    monkeypatch.setattr(_lending, "BACKEND", on_gpu)
    PositiveRegressor((3,), epochs=1, dtype="float32").fit(X, y)


@tensorflow_only
def test_memory_is_decided_before_anything_is_computed():
    code = (
        "import tensorflow as tf\n"
        "from skconstrain import _engine\n"
        "from tensorflow.python.eager import context\n"
        "assert context.context()._context_handle is None\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
