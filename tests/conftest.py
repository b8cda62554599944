"""Settings of the test run."""

import os

import pytest

# Workers of pytest-xdist share the cores: with threads of their own for each, a fit of five small
# networks takes nearly twice as long.
if int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1:
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "NPROC"):
        os.environ.setdefault(name, "1")


@pytest.fixture
def epochs_of_calls(monkeypatch):
    """Return a list of how many epochs each call of a program has trained."""
    from skconstrain._engine._program import Program  # TensorFlow reads what is set above

    calls, run = [], Program.run_epochs

    def spy(self, data, orders, *settings):
        calls.append(len(orders))
        return run(self, data, orders, *settings)

    monkeypatch.setattr(Program, "run_epochs", spy)
    return calls
