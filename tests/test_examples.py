"""The examples run as a new user would run them, most without pandas, and write their pictures."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))
NEEDS = {"wired_measurements": "pandas", "house_prices": "pandas"}
# The extra `plot` does not bring pandas.
WITHOUT_PANDAS = """
import sys

class NoPandas:
    def find_spec(self, name, path=None, target=None):
        if name == "pandas":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, NoPandas())
"""
RUN = """
import runpy

runpy.run_path({!r}, run_name="__main__")
"""


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs_and_draws(example, tmp_path):
    needed = NEEDS.get(example.stem)
    if needed is not None:
        pytest.importorskip(needed)
    copy = tmp_path / example.name
    copy.write_text(example.read_text(encoding="utf-8"), encoding="utf-8")
    script = RUN.format(str(copy))
    if needed != "pandas":
        script = WITHOUT_PANDAS + script
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert copy.with_suffix(".png").stat().st_size > 10_000
