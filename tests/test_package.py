"""The package as a whole: what importing it costs, and what it shows."""

import subprocess
import sys

import skconstrain

SCRIPT = """
import sys, time
start = time.perf_counter()
import skconstrain
seconds = time.perf_counter() - start
net = skconstrain.PositiveRegressor()
repr(net), net.get_params(), net.set_params(epochs=3)
heavy = {"tensorflow", "keras", "scikeras", "matplotlib"} & set(sys.modules)
print(seconds < 0.2, sorted(heavy))
"""


def test_importing_is_quick_and_brings_no_tensorflow():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "True []"


def test_public_names_are_found():
    assert {"PositiveRegressor", "layers", "losses", "compile_cache_info"} <= set(dir(skconstrain))
    assert skconstrain.layers.BoundedOutput.__name__ == "BoundedOutput"
