"""Errors and ends of a training, in terms of what the user can change."""

from contextlib import contextmanager

from sklearn.exceptions import ConvergenceWarning

from skconstrain._warn import warn

_FUNCTIONS = ("activation", "loss", "kernel_constraint")


def require_keras() -> None:
    """Raise ``ModuleNotFoundError`` that says what to do, where training is not installed."""
    try:
        from skconstrain import _engine, _keras_wrapper  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"Fitting needs {error.name}, unlike predictions of a fitted estimator. Got no such "
            f"module. Install it: pip install {error.name}.",
            name=error.name,
        ) from error


@contextmanager
def explained(estimator):
    """Name what the user gave and training cannot use, instead of the operation that failed."""
    from skconstrain._engine import DivergenceError

    try:
        yield
    except DivergenceError as error:
        loss = getattr(estimator, "loss", "")
        if isinstance(loss, str) or type(loss).__module__.startswith("skconstrain."):
            raise
        raise ValueError(
            f"loss={_name(loss)} must be finite wherever y_true and y_pred are. {error} "
            "Check the loss first: where its gradient or value is not a number, nothing else "
            "helps."
        ) from error
    except (AttributeError, RuntimeError, TypeError) as error:  # of backends and of Keras
        message = _explanation(_texts(error), estimator)
        if message is None:
            raise
        raise ValueError(message) from error


def check_continues(fitted, network) -> None:
    """Raise ``ValueError`` where training would continue another network than `network`."""
    name = network.first_difference(fitted)
    if name is not None:
        raise ValueError(
            f"Training continues the network fitted before, so {name} must stay "
            f"{getattr(fitted, name)!r}. Got {getattr(network, name)!r}. Fit a clone instead."
        )


def tell_of_end(estimator, result, expects_convergence: bool) -> None:
    """Tell the user, and whatever calls `fit`, of an early or a late end."""
    if result.interrupted:
        # After all is recorded: the estimator is fitted, and a search that calls it ends.
        raise KeyboardInterrupt(
            f"Training was interrupted after epoch {estimator.n_iter_}. Its weights are kept: the "
            "estimator is fitted."
        )
    may_stop = estimator.tol is not None and estimator.n_iter_no_change != "auto"
    if expects_convergence and may_stop and not result.stopped:
        warn(
            f"Training ended at epochs={estimator.epochs} while its loss still fell. Raise epochs "
            "or learning_rate, or set tol=None to train for a fixed number of epochs.",
            ConvergenceWarning,
        )


def _explanation(text, estimator):
    functions, optimizer = _objects_of(estimator, _FUNCTIONS), _objects_of(estimator, ["optimizer"])
    if functions and "numpy" in text.lower():
        return (
            "Networks train by functions of keras.ops; those of NumPy have no gradient. "
            f"Got {' and '.join(functions)}. Write it with keras.ops, or use a name."
        )
    if (functions or optimizer) and "float32" in text and "float64" in text:
        return (
            "Networks train in one precision. "
            f"Got {' and '.join([*functions, *optimizer])} that computes in float32, and a network "
            'in float64. Set dtype="float32", or use another one.'
        )
    return None


def _texts(error):
    """Return what an error says, and those that it came from: Keras cannot wrap those of JAX."""
    return "" if error is None else f"{error} {_texts(error.__context__)}"


def _objects_of(estimator, names):
    """Return those of the parameters that hold objects of the user."""
    values = {name: getattr(estimator, name, None) for name in names}
    return [f"{name}={_name(value)}" for name, value in values.items() if not _is_named(value)]


def _name(value):
    return getattr(value, "__name__", type(value).__name__)


def _is_named(value):
    parts = value if isinstance(value, list | tuple) else [value]
    return all(isinstance(part, str | None) for part in parts)
