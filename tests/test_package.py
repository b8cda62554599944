"""The package as a whole: what importing it costs, and what it shows."""

import ast
import subprocess
import sys
from pathlib import Path

import skconstrain

SCRIPT = """
import sys
import skconstrain
print(sorted({"numpy", "scipy", "sklearn", "tensorflow", "jax", "keras"} & set(sys.modules)))
net = skconstrain.PositiveRegressor()
repr(net), net.get_params(), net.set_params(epochs=3)
print(sorted({"tensorflow", "jax", "keras", "scikeras", "matplotlib"} & set(sys.modules)))
"""


def test_importing_brings_nothing_and_an_estimator_no_tensorflow():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["[]", "[]"]


def test_public_names_are_found():
    assert {"PositiveRegressor", "layers", "losses", "compile_cache_info"} <= set(dir(skconstrain))
    assert skconstrain.layers.BoundedOutput.__name__ == "BoundedOutput"


def test_editors_and_type_checkers_find_every_public_name():
    package = Path(skconstrain.__file__).parent
    stub = ast.parse((package / "__init__.pyi").read_text(encoding="utf-8"))
    aliases = [
        alias for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names
    ]
    imported = [alias.name for alias in aliases]
    assert imported == [alias.asname for alias in aliases]
    listed = next(node.value for node in stub.body if isinstance(node, ast.Assign))
    assert sorted(imported) == sorted(ast.literal_eval(listed)) == sorted(skconstrain.__all__)
    for name in skconstrain.__all__:
        assert getattr(skconstrain, name).__name__.endswith(name)
    assert (package / "py.typed").is_file()
