"""Settings of the test run."""

import os

# Workers of pytest-xdist share the cores: with threads of their own for each, a fit of five small
# networks takes nearly twice as long.
if int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1:
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "NPROC"):
        os.environ.setdefault(name, "1")
