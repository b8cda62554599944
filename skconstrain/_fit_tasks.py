"""Tasks of a fit that callbacks of scikit-learn are told of: `sklearn.callback`, from 1.9 on.

It is experimental there, so nothing else in this package touches it.
"""

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

import sklearn
from sklearn.base import BaseEstimator

try:
    from sklearn.callback import CallbackSupportMixin as CallbackSupport
    from sklearn.callback import ProgressBar
except ImportError:  # before scikit-learn 1.9
    ProgressBar = None

    class CallbackSupport:
        """Stand-in before scikit-learn 1.9: refuses callbacks."""

        def set_callbacks(self, *callbacks):
            """Set callbacks of scikit-learn, which has them from version 1.9 on.

            Parameters
            ----------
            *callbacks : callback instances
                Callbacks.

            Raises
            ------
            ImportError
                With this version of scikit-learn.
            """
            raise ImportError(
                "set_callbacks needs scikit-learn 1.9 or later. Got scikit-learn "
                f"{sklearn.__version__}. Upgrade it, or use verbose=1 to see the progress."
            )


@dataclass(frozen=True)
class FitTask:
    """A task of a fit; without an estimator and a context, there is nobody to be told.

    Attributes
    ----------
    estimator
        The estimator whose callbacks are told, or None.
    context
        The task in scikit-learn's tree of tasks, or None.
    """

    estimator: BaseEstimator | None = None
    context: object = None

    @classmethod
    def root(cls, estimator, n_subtasks: int):
        """Set the callbacks of `estimator` up, and return the task that is its whole fit.

        Its subtasks come one after the other. The decorator of `fit` tears the callbacks down.
        """
        given = vars(estimator)
        if "_skl_callbacks" not in given and "_parent_callback_ctx" not in given:
            return NOT_TOLD
        return cls(estimator, estimator._init_callback_context(max_subtasks=n_subtasks))

    def subtask(self, name: str, n_subtasks: int = 0, *, number: int | None = None, in_order=True):
        """Return a part of this task.

        `number` tells those apart that do not come in order; `in_order` says whether its own do.
        """
        if self.context is None:
            return self
        settings = {"max_subtasks": n_subtasks, "sequential_subtasks": in_order}
        return FitTask(self.estimator, self.context.subcontext(name, task_id=number, **settings))

    def parts(self, names) -> "list[FitTask]":
        """Return parts of this task, which come in any order."""
        return [self.subtask(name, number=number) for number, name in enumerate(names)]

    @contextmanager
    def as_current(self):
        """Make this the current task inside, in this thread."""
        token = _TASK.set(self)
        try:
            yield
        finally:
            _TASK.reset(token)

    def begin(self, **data) -> None:
        """Tell the callbacks that the task begins; `data` are what they may ask for."""
        if self.context is not None:
            self.context.call_on_fit_task_begin(estimator=self.estimator, **data)

    def end(self, **data) -> bool:
        """Tell the callbacks that the task has ended; return whether one asks to stop."""
        if self.context is None:
            return False
        return self.context.call_on_fit_task_end(estimator=self.estimator, **data)

    def fit(self, estimator, X, y, params: dict):
        """Fit another estimator, whose fit is this task; return it."""
        if self.context is None:
            return estimator.fit(X, y, **params)
        with self.context.propagate_callback_context(estimator):
            self.begin(X=X, y=y)
            estimator.fit(X, y, **params)
            self.end(X=X, y=y)
        return estimator


NOT_TOLD = FitTask()
_TASK = ContextVar("the task of scikit-learn's callbacks that runs", default=NOT_TOLD)


def current_task() -> FitTask:
    """Return the innermost task that was made current around; one that nobody is told of without.

    The code between a public method and the fits that it comes to knows nothing of callbacks.
    """
    return _TASK.get()


class NetworkFit:
    """Tells callbacks of the fit of a network, and of its epochs: a task each.

    A context: inside, :meth:`current` is this fit; where no error ends it, the estimator is fitted.

    Parameters
    ----------
    estimator
        The estimator that is fitted.
    X, y, sample_weight
        What its `fit` was given.
    predicts
        Whether the estimator can predict before its training ends.
    """

    def __init__(self, estimator, X, y, sample_weight, *, predicts=True):
        self._estimator, self._predicts = estimator, predicts
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._data = {"X": X, "y": y, "metadata": metadata}
        self._fit = self._training = None

    @staticmethod
    def current() -> "NetworkFit":
        """Return the innermost fit of a network around."""
        return _NETWORK.get()

    def __enter__(self):
        self._token = _NETWORK.set(self)
        return self

    def __exit__(self, error, *_):
        _NETWORK.reset(self._token)
        if error is None:
            for task in filter(None, [self._training, self._fit]):
                task.end(**self._data, reconstruction_attributes={})

    def begin(self, n_parts: int) -> None:
        """Set up the callbacks, and tell them of a fit with other parts than epochs."""
        self._fit = FitTask.root(self._estimator, n_parts)
        self._fit.begin(**self._data)

    @contextmanager
    def part(self, name: str, n_subtasks: int):
        """Make a part of the fit before the training the current task inside.

        Its subtasks come in any order.
        """
        task = self._fit.subtask(name, n_subtasks, in_order=False)
        task.begin(**self._data)
        with task.as_current():
            yield
        task.end(**self._data)

    def watched(self, run, fitted):
        """Return the training `run` such that callbacks are told of its epochs.

        Parameters
        ----------
        run : TrainingRun
            The training.
        fitted : callable
            ``fitted(weights, n)`` returns attributes of the estimator as if it was fitted for `n`
            epochs, with these weights.
        """
        if self._fit is None:
            self.begin(run.epochs)
        else:
            self._training = self._fit.subtask("training", run.epochs)
            self._training.begin(**self._data)
        if "_skl_callbacks" not in vars(self._estimator):
            return run
        fitted = fitted if self._predicts else None
        return replace(run, watcher=EpochTasks(self._training or self._fit, self._data, fitted))


_NETWORK: ContextVar[NetworkFit] = ContextVar("the fit of a network that runs")


class EpochTasks:
    """Tells callbacks of the epochs of a training: what the engine calls a watcher.

    Parameters
    ----------
    task : FitTask
        Whose parts the epochs are.
    data : dict
        What callbacks may ask for in every task.
    fitted : callable or None
        See :meth:`NetworkFit.watched`.

    Attributes
    ----------
    sees_each : bool
        Whether a callback may look at the estimator after an epoch, or stop the training there. A
        progress bar does neither, and is told of several epochs after a call that trained them.
    """

    def __init__(self, task, data, fitted):
        self._task, self._data, self._fitted = task, data, fitted
        self._epoch, self._n_epochs = None, 0
        callbacks = vars(task.estimator).get("_skl_callbacks", [])
        # Not those of a subclass: who knows what they do.
        self.sees_each = any(type(callback) is not ProgressBar for callback in callbacks)

    def begin(self, weights) -> None:
        """Tell of the beginning of an epoch; `weights()` are those of the network now."""
        self._epoch = self._task.subtask("epoch")
        self._epoch.begin(**self._data, reconstruction_attributes=self._attributes(weights))

    def end(self, weights) -> bool:
        """Tell of the end of an epoch, and of its beginning where it was not told of.

        Returns whether a callback asks to stop.
        """
        if self._epoch is None:
            self.begin(weights)
        epoch, self._epoch = self._epoch, None
        self._n_epochs += 1
        return epoch.end(**self._data, reconstruction_attributes=self._attributes(weights))

    def _attributes(self, weights):
        if self._fitted is None:
            return None
        return lambda: self._fitted(weights(), self._n_epochs)
