"""A cache on disk of what XLA has compiled, for a user who asks for one."""

import hashlib
import importlib.metadata
import os
import platform
import re
import sys
from pathlib import Path

_COMPILERS = ("jax", "jaxlib", "keras", "skconstrain", "tensorflow")
_FLAG_OF_CACHE = re.compile(r"""--tf_xla_persistent_cache_\w+=("[^"]*"|'[^']*'|\S+)\s*""")


def use_compile_cache(directory=None):
    """Keep what XLA compiles on disk, so that the next process need not compile it again.

    A first fit of an architecture compiles its training program, where that pays. With this, a
    later process loads it from a file. It is XLA's own cache, of TensorFlow and of JAX, switched on
    by environment variables; so it holds for processes that this one starts, such as workers of
    joblib and Dask, too. Nothing is written without it. Call it at the start of the program.

    Parameters
    ----------
    directory : str or path-like, default=None
        Where the files go. Default is ``~/.cache/skconstrain``. Programs of different versions and
        processors go into folders of their own below it, so that machines may share it. Whoever can
        write there can change what your processes run.

    Returns
    -------
    pathlib.Path
        The folder of this machine's programs.

    Raises
    ------
    RuntimeError
        If TensorFlow or JAX, whichever networks run on, has been imported: it reads its settings
        once.

    Notes
    -----
    TensorFlow keeps programs for CPUs only, and finds them by names that it counts up: in a process
    that fits the same networks in the same order, such as a script that runs again. It prints some
    lines on stderr about features of the processor for each program that it loads; where that
    disturbs, set the environment variable ``TF_CPP_MIN_LOG_LEVEL=3``. Nothing is ever removed from
    the folder; it can be deleted at any time.

    Examples
    --------
    >>> import skconstrain
    >>> folder = skconstrain.use_compile_cache("/var/cache/networks")  # doctest: +SKIP
    """
    directory = Path("~/.cache/skconstrain" if directory is None else directory)
    folder = directory.expanduser().absolute() / _fingerprint()
    settings = {
        "TF_XLA_FLAGS": _with_cache(os.environ.get("TF_XLA_FLAGS", ""), folder),
        "JAX_COMPILATION_CACHE_DIR": str(folder),
        # Ours take less than the second from which on JAX keeps a program.
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    is_set = all(os.environ.get(name) == value for name, value in settings.items())
    backend = _backend()
    if backend in sys.modules and not is_set:
        raise RuntimeError(
            f"use_compile_cache must be called before {backend} is imported, which a fit does. Got "
            f"{folder} after that. Call it at the start of the program."
        )
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.update(settings)
    return folder


def _backend():
    """Return the backend of Keras, which is its module as well."""
    keras = sys.modules.get("keras")
    return (
        os.environ.get("KERAS_BACKEND", "tensorflow") if keras is None else keras.config.backend()
    )


def _fingerprint():
    """Return a name that differs where programs may differ: by versions and processors."""
    versions = [f"{name} {_version(name)}" for name in _COMPILERS]
    text = "\n".join([*versions, platform.machine(), platform.system(), _processor_features()])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _processor_features():
    """Return what the processor can do, as far as the system says so."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return platform.processor()
    names = ("flags", "Features", "model name", "CPU part")  # x86 and ARM
    lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(sorted({line for line in lines if line.startswith(names)}))


def _with_cache(flags, folder):
    """Return flags of TensorFlow's XLA with the folder in place of one that was there."""
    of_cache = f'--tf_xla_persistent_cache_directory="{folder}"'
    types = "--tf_xla_persistent_cache_device_types=CPU"
    return " ".join([_FLAG_OF_CACHE.sub("", flags).strip(), of_cache, types]).strip()
