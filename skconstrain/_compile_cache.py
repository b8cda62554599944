"""A cache on disk of what XLA has compiled, for a user who asks for one."""

import hashlib
import importlib
import importlib.metadata
import os
import platform
import re
import sys
from pathlib import Path

_COMPILERS = ("jax", "jaxlib", "keras", "skconstrain", "tensorflow")
_DIRECTORY = "--tf_xla_persistent_cache_directory="


def use_compile_cache(directory=None):
    """Keep what XLA compiles on disk, so that the next process need not compile it again.

    A first fit of an architecture compiles its training program, where that pays. With this, a
    later process loads it from a file. Under TensorFlow it loads the graph of operations
    too, which every first fit has to trace otherwise. It holds for TensorFlow and for JAX, and for
    processes that this one starts, such as workers of joblib and Dask, because it is set in
    environment variables. Nothing is written without it. Call it before the first fit.

    Parameters
    ----------
    directory : str or path-like, default=None
        Where the files go. Default is the folder of the platform for caches. Programs of different
        versions and processors go into folders of their own below it, so that machines may share
        it. Whoever can write there can change what your processes run.

    Returns
    -------
    pathlib.Path
        The folder of this machine's programs.

    Raises
    ------
    RuntimeError
        If TensorFlow has been imported: it reads its settings once.

    Notes
    -----
    TensorFlow keeps programs for CPUs only. It prints some lines on stderr about features of the
    processor for each program that it loads; where that disturbs, set the environment variable
    ``TF_CPP_MIN_LOG_LEVEL=3``. Nothing is ever removed from the folder; it can be deleted at any
    time.

    Examples
    --------
    >>> import skconstrain
    >>> folder = skconstrain.use_compile_cache("/var/cache/networks")  # doctest: +SKIP
    """
    folder = _folder(directory)
    flags = _with_cache(os.environ.get("TF_XLA_FLAGS", ""), folder)
    if os.environ.get("TF_XLA_FLAGS") != flags and _has_started_tensorflow():
        raise RuntimeError(
            "use_compile_cache must be called before TensorFlow is imported, which a fit does. "
            f"Got {folder} after that. Call it at the start of the program, or set the environment "
            f"variable TF_XLA_FLAGS={flags!r} for it."
        )
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["TF_XLA_FLAGS"] = flags
    _use_for_jax(folder)
    return folder


def folder_for_tensorflow() -> Path | None:
    """Return the folder in which TensorFlow keeps what XLA compiles; None without one."""
    flags = _split(os.environ.get("TF_XLA_FLAGS", ""))
    found = [flag.removeprefix(_DIRECTORY) for flag in flags if flag.startswith(_DIRECTORY)]
    return Path(found[-1].strip("\"'")) if found else None


def _has_started_tensorflow():
    """Whether TensorFlow is imported, and is what networks run on."""
    keras = sys.modules.get("keras")
    is_other = keras is not None and keras.backend.backend() != "tensorflow"
    return "tensorflow" in sys.modules and not is_other


def _folder(directory):
    """Return the folder for these versions and this processor."""
    if directory is None:
        from platformdirs import user_cache_dir

        directory = user_cache_dir("skconstrain")
    return Path(directory).expanduser().absolute() / _fingerprint()


def _fingerprint():
    """Return a name that differs where programs may differ."""
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
    kept = [flag for flag in _split(flags) if not flag.startswith("--tf_xla_persistent_cache_")]
    types = "--tf_xla_persistent_cache_device_types=CPU"
    return " ".join([*kept, f'{_DIRECTORY}"{folder}"', types])


def _split(flags):
    return re.findall(r"""(?:[^\s"']|"[^"]*"|'[^']*')+""", flags)


def _use_for_jax(folder):
    settings = {
        "jax_compilation_cache_dir": str(folder),
        # Ours take less than the second from which on JAX keeps a program.
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    for name, value in settings.items():
        os.environ[name.upper()] = str(value)
    if "jax" not in sys.modules:
        return
    for name, value in settings.items():
        sys.modules["jax"].config.update(name, value)
    # JAX decides once whether there is a cache, when it compiles first.
    cache = "jax.experimental.compilation_cache.compilation_cache"
    importlib.import_module(cache).reset_cache()
