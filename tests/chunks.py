"""Small data in chunks, as if they were large."""

from sklearn import config_context


def chunks_of(n_bytes):
    """Return a context in which so many bytes of X, and no more, are read at once."""
    return config_context(working_memory=4 * n_bytes / 2**20)
