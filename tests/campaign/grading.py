"""Whether an error tells a user what to do: graded, or the reason why it does not."""

import linecache
import re
import traceback
from pathlib import Path

import keras
import sklearn

import skconstrain

_OURS, _SKLEARN, _KERAS = (Path(module.__file__).parent for module in (skconstrain, sklearn, keras))

# Classes and functions that users do not know, and what Keras and TensorFlow put around a message.
_INTERNAL = re.compile(r"\b_(?!_)\w+|\bNet(Estimator|Classifier|Regressor|Wrapper)\b")
_WRAPPED = re.compile(r"\x1b|Exception encountered|Arguments received by|tensorflow/|node \{|/job:")

# NumPy's sentences about what is no number, and Python's about arguments, name what they received.
_PLAIN = re.compile(
    r"could not convert|real number, not '?\w+'?$|inhomogeneous shape|cannot cast|complex"
    r"|\(\) (got an unexpected keyword argument|missing \d+ required|takes \d+ positional)"
)


def ungraded_because(error: Exception, names: str) -> str | None:
    """Return why an error is not graded, or None if it is.

    A graded error is a ValueError or a TypeError (NotFittedError and InvalidParameterError are
    ValueErrors) that was raised on purpose, whose message matches `names`, what it was about, and
    holds no names of internals.
    """
    message = "\n".join([str(error), *getattr(error, "__notes__", [])])  # as Python shows it
    if not isinstance(error, ValueError | TypeError):
        return f"a bare {type(error).__name__}"
    if _WRAPPED.search(message):
        return "a message of TensorFlow or Keras around it"
    if _INTERNAL.search(message):
        return f"names an internal, {_INTERNAL.search(message).group()}"
    if not (_PLAIN.search(message) or _raised_on_purpose(error)):
        return "raised by accident"
    if not re.search(names, message, re.IGNORECASE):
        return f"does not name what it received ({names})"
    return None


def _raised_on_purpose(error):
    """Whether the innermost line raises, in a package whose errors are its users' business."""
    frames = [(Path(f.filename), f.line) for f in traceback.extract_tb(error.__traceback__)]
    if type(error.__cause__).__name__ == "_RemoteTraceback":  # joblib raised it again
        frames = [
            (Path(path), linecache.getline(path, int(number)))
            for path, number in re.findall(r'File "(.+?)", line (\d+)', str(error.__cause__))
        ]
    path, line = frames[-1]
    known = [_OURS, _SKLEARN]
    # Keras' errors about its own layers, not about what this package does with them.
    if not any(path.is_relative_to(_OURS) for path, _ in frames):
        known.append(_KERAS)
    return any(path.is_relative_to(package) for package in known) and line.lstrip().startswith(
        "raise"
    )
