"""A cache of fitted transformers, shared by the clones of a Pipeline."""

import inspect
import threading

import joblib


class TransformerCache:
    """A memory for Pipelines: fits equal transformers on equal rows once, within one process."""

    def __init__(self):
        self._lock, self._entries = threading.Lock(), {}

    def cache(self, func, ignore=()):
        """Return `func` with a memory for its results; arguments of the names `ignore` are none."""
        names = inspect.signature(func)

        def remembering(*args, **kwargs):
            given = names.bind(*args, **kwargs).arguments
            key = joblib.hash({name: given[name] for name in given if name not in (ignore or ())})
            with self._lock:
                entry = self._entries.setdefault(key, [threading.Lock(), None])
            with entry[0]:
                if entry[1] is None:
                    entry[1] = func(*args, **kwargs)
            return entry[1]

        return remembering

    def __deepcopy__(self, memo):
        return self  # clones of a Pipeline share it: that is what it is for

    def __reduce__(self):
        return TransformerCache, ()  # one for each group of fits elsewhere
