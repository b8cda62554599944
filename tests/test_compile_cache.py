"""A cache on disk of compiled programs: asked for, found again, kept apart."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from skconstrain import _compile_cache, use_compile_cache
from tests.backends import BACKEND

# Fits networks of the given sizes, and prints their predictions.
FITS = """
import json, os, sys, warnings
import numpy as np
import skconstrain

warnings.simplefilter("ignore")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
CALL
X = np.random.default_rng(0).normal(size=(60, 4))
y = np.exp(X[:, 0])
common = {"epochs": 600, "tol": None, "n_networks": 1, "random_state": 0}  # enough for XLA

def fit(task):
    net = skconstrain.PositiveRegressor((task,), **common)
    return net.fit(X, y).predict(X).tolist()

RUN
"""
HERE = "print(json.dumps([fit(task) for task in map(int, sys.argv[1:])]))"
WORKERS = """
from joblib import Parallel, delayed
print(json.dumps(Parallel(n_jobs=2)(delayed(fit)(int(task)) for task in sys.argv[1:])))
"""


def run(*tasks, call="", how=HERE, **environment):
    """Return what a process prints that fits networks in this order."""
    script = FITS.replace("CALL", call).replace("RUN", how)
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, tasks)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def files(folder):
    """Return names of all files below a folder, without JAX's notes of when each was read."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {path.name for path in found if not path.name.endswith("-atime")}


@pytest.mark.slow
def test_a_script_that_runs_again_finds_its_programs(tmp_path):
    folder = tmp_path / "with space"
    call = f"skconstrain.use_compile_cache({str(folder)!r})"
    plain = run(3, 5)
    first = run(3, 5, call=call)
    written = files(folder)
    assert len(written) >= 2
    again = run(3, 5, call=call)
    assert files(folder) == written
    assert plain == first == again
    run(2, call=call)
    assert files(folder) > written


def test_workers_use_the_cache_too(tmp_path):
    call = f"skconstrain.use_compile_cache({str(tmp_path)!r})"
    run(3, 4, call=call, how=WORKERS)
    assert len(files(tmp_path)) >= 2


def test_nothing_is_written_unless_asked_for(tmp_path):
    places = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "TMPDIR"), str(tmp_path))
    run(3, **places)
    assert not {name for name in files(tmp_path) if "cache" in name.lower()}


def test_versions_and_processors_have_folders_of_their_own(monkeypatch):
    here = _compile_cache._fingerprint()
    monkeypatch.setattr(_compile_cache, "_version", lambda name: "9.9")
    other = _compile_cache._fingerprint()
    monkeypatch.setattr(_compile_cache, "_processor_features", lambda: "flags: none")
    assert len({here, other, _compile_cache._fingerprint()}) == 3


def test_the_default_is_in_the_home_of_the_user(tmp_path):
    call = "print(json.dumps(str(skconstrain.use_compile_cache()))); sys.exit()"
    found = Path(run(call=call, HOME=str(tmp_path), USERPROFILE=str(tmp_path)))
    assert found.is_dir()
    assert found.parent == tmp_path / ".cache" / "skconstrain"


def test_flags_of_the_user_stay():
    flags = "--tf_xla_auto_jit=1 --tf_xla_persistent_cache_directory='a b' --other=2"
    found = _compile_cache._with_cache(flags, "/c d")
    assert found.startswith('--tf_xla_auto_jit=1 --other=2 --tf_xla_persistent_cache_directory="/c')
    assert "a b" not in found
    assert _compile_cache._with_cache(found, "/c d") == found


def test_asked_for_too_late(tmp_path):
    before = dict(os.environ)
    with pytest.raises(RuntimeError, match=f"before {BACKEND} is imported.*start of the program"):
        use_compile_cache(tmp_path)
    assert dict(os.environ) == before
    assert not list(tmp_path.iterdir())


def test_asked_for_twice(tmp_path):
    call = f"skconstrain.use_compile_cache({str(tmp_path)!r})"
    again = f"import keras; print(json.dumps({call} == {call})); sys.exit()"
    assert run(call=f"{call}; {again}") is True
