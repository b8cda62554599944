"""The readers of the real data sets, which are no part of the package."""

import importlib.util
import os
from pathlib import Path


def load_readers():
    """Import the readers that lie beside the data; print where data belong if there are none.

    The folder is ``../shared/data`` beside the repository, or the one that the environment variable
    SKCONSTRAIN_DATA names.

    Returns
    -------
    module or None
    """
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    file = Path(os.environ.get("SKCONSTRAIN_DATA", beside)) / "loaders.py"
    if not file.exists():
        print("No data: put it into ../shared/data, or name its folder in SKCONSTRAIN_DATA.")
        return None
    spec = importlib.util.spec_from_file_location("loaders", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
