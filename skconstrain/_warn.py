"""Warnings that point to the line of the user's that asked for what they are about."""

import sys
import warnings

_LIBRARIES = {"contextlib", "joblib", "sklearn", "skconstrain"}


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the nearest caller that is neither this package nor scikit-learn.

    Python shows a warning of the same text once for each line that it points to: once for all fits
    of a search.
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _name(frame) in _LIBRARIES:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _name(frame):
    return frame.f_globals.get("__name__", "").partition(".")[0]
