"""The training loop: epochs, stopping, callbacks, interruption."""

import math
from collections.abc import Callable

import keras
import numpy as np

from skconstrain._engine._chunks import make_feed, place_validation
from skconstrain._engine._interrupt import DeferredInterrupt
from skconstrain._engine._progress import progress
from skconstrain._engine._run import TrainingResult, TrainingRun
from skconstrain._engine._stopping import Stopping

_BATCH_HOOKS = (
    "on_batch_begin",
    "on_batch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
)


def train(
    program, run: TrainingRun, is_wanted: Callable[[], bool] = lambda: True
) -> TrainingResult:
    """Train `program` as `run` says.

    `is_wanted` says after each epoch whether anybody waits for the result.

    Raises
    ------
    ValueError
        If the loss or the weights stop being finite.
    RuntimeError
        If nobody waits for the result any more.
    """
    loop = _Loop(program, run, is_wanted)
    try:
        with (
            DeferredInterrupt() as interrupt,
            progress(run.verbose, run.epochs, run.first_epoch) as report,
        ):
            loop.run(interrupt, report)
        # Also where it came after the last epoch.
        loop.interrupted = interrupt.requested
    except KeyboardInterrupt:
        if not loop.losses:
            raise  # nothing was trained that could be kept
        loop.interrupted = True
    finally:
        # The model goes on to the next fit; a callback that kept it would see that one.
        for callback in run.callbacks:
            callback.set_model(None)
    return loop.result()


class _Loop:
    """State of one run."""

    def __init__(self, program, run: TrainingRun, is_wanted):
        self.program, self.data, self._is_wanted = program, run, is_wanted
        self.losses: list[float] = []
        self.validation_losses: list[float] = []
        self.best_weights: list[np.ndarray] | None = None
        self.interrupted = False
        self.stopping = Stopping(run.patience, run.tol)
        self.feed = make_feed(program, run.X, run.y, run.weight, run.batch_size)
        self.validation = None
        if run.validation is not None:
            self.validation = place_validation(program, *run.validation)
            self.validation_weight = float(np.sum(run.validation[2], dtype=np.float64))
        program.load(
            run.start,
            optimizer_state=run.optimizer_state,
            learning_rate=run.learning_rate,
            # Of a batch's share of the rows, whatever the unit of weights.
            penalty=run.alpha / (self.feed.batch_size * np.mean(run.weight, dtype=np.float64)),
            target_scale=run.target_scale,
            loss_numbers=run.loss_numbers,
        )

    def run(self, interrupt, report):
        """Run epochs until one of the reasons to stop."""
        run, hooks = self.data, self._callback_list()
        hooks.on_train_begin()
        for epoch in range(run.first_epoch, run.first_epoch + run.epochs):
            for path, schedule in run.schedules.items():
                self.program.assign(path, schedule(epoch))
            hooks.on_epoch_begin(epoch)
            logs = self._epoch(epoch, hooks)
            hooks.on_epoch_end(epoch, logs)
            report(epoch, logs)
            if not self._is_wanted():
                raise abandoned()
            if self.stopping.done or self.program.model.stop_training or interrupt.requested:
                break
        hooks.on_train_end(logs)

    def _callback_list(self):
        run, model = self.data, self.program.model
        model.stop_training = False
        params = {
            "epochs": run.first_epoch + run.epochs,
            "steps": self.feed.n_steps,
            "verbose": 0,
        }
        return keras.callbacks.CallbackList(run.callbacks, model=model, **params)

    def _epoch(self, epoch, hooks):
        run = self.data
        loss = self._steps(hooks)
        if not math.isfinite(loss):
            raise self._divergence(f"The training loss became {loss} in epoch {epoch + 1}.")
        self.losses.append(loss)
        logs = {"loss": loss}
        if self.validation is not None:
            logs["val_loss"] = self.program.evaluate(self.validation) / self.validation_weight
            self.validation_losses.append(logs["val_loss"])
        improved = self.stopping.update(logs["val_loss"] if run.early_stopping else loss)
        if run.early_stopping and improved:
            self.best_weights = self.program.snapshot()
        return logs

    def _steps(self, hooks):
        """Run the steps of an epoch in one call a chunk, or one by one if a callback watches."""
        sums, done = np.zeros(2), 0
        watched = any(_watches_batches(callback) for callback in self.data.callbacks)
        for data, order, n_steps in self.feed.epoch(self.data.rng):
            if watched:
                sums += self._watched_steps(data, order, n_steps, done, hooks)
            else:
                sums += self.program.run(data, order, 0, n_steps)
            done += n_steps
            del data, order  # a chunk goes before the one after the next is loaded
            if watched and self.program.model.stop_training:
                break
        return float(sums[0] / sums[1])

    def _watched_steps(self, data, order, n_steps, done, hooks):
        sums = np.zeros(2)
        for step in range(n_steps):
            hooks.on_train_batch_begin(done + step)
            loss, weight = self.program.run(data, order, step, step + 1)
            sums += loss, weight
            hooks.on_train_batch_end(done + step, {"loss": loss / weight})
            if self.program.model.stop_training:
                break
        return sums

    def _divergence(self, what):
        return divergence(what, float(self.program.optimizer.learning_rate))

    def result(self) -> TrainingResult:
        """Collect what the run leaves."""
        weights = self.best_weights if self.best_weights is not None else self.program.weights()
        if not all(np.isfinite(array).all() for array in weights):
            raise self._divergence("A weight became infinite or NaN.")
        return TrainingResult(
            weights,
            self.program.optimizer_state(),
            self.losses,
            self.validation_losses,
            self.interrupted,
            self.stopping.done or bool(self.program.model.stop_training),
        )


def divergence(what: str, rate: float) -> ValueError:
    """Return the error of a training that diverged, and what to try."""
    return ValueError(
        f"{what} Lower learning_rate (it was {rate:.3g}), scale X (StandardScaler), "
        "or give the optimizer clipnorm=1.0."
    )


def abandoned() -> RuntimeError:
    """Return the error of a training that nobody waits for."""
    return RuntimeError("The parallel call that this fit belongs to has ended.")


def _watches_batches(callback):
    # On the instance: LambdaCallback overrides hooks there.
    hooks = [
        (getattr(callback, name), getattr(keras.callbacks.Callback, name)) for name in _BATCH_HOOKS
    ]
    return any(getattr(hook, "__func__", None) is not default for hook, default in hooks)
