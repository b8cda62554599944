"""The training loop: epochs, stopping, callbacks, interruption."""

import math

import keras
import numpy as np

from skconstrain._engine._chunks import make_feed, place_validation
from skconstrain._engine._interrupt import DeferredInterrupt
from skconstrain._engine._program import model_axis, names_of_measures
from skconstrain._engine._progress import progress
from skconstrain._engine._run import TrainingResult, TrainingRun
from skconstrain._engine._stopping import BestEpochs, Stopping
from skconstrain._warn import warn

_BATCH_HOOKS = (
    "on_batch_begin",
    "on_batch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
)


def train(program, run: TrainingRun) -> TrainingResult:
    """Train `program` as `run` says.

    Raises
    ------
    DivergenceError
        If the loss or the weights stop being finite.
    """
    loop = _Loop(program, run)
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

    def __init__(self, program, run: TrainingRun):
        self.program, self.data = program, run
        self.losses: list[float] = []
        self.validation_losses: list[float] = []
        self.interrupted = self.is_told_to_stop = False
        trained, held_out = run.weighted_rows(model_axis(program.model))
        n_watched = np.size(held_out[2][0]) if run.early_stopping else 1
        self.best = BestEpochs([Stopping(run.patience, run.tol) for _ in range(n_watched)])
        self.feed = make_feed(program, *trained, run.batch_size)
        self.validates = held_out is not None
        if self.validates and run.validate is None:
            self.validation = place_validation(program, *held_out)
            self.validation_weight = np.sum(held_out[2], axis=0, dtype=np.float64)
        self.base_rate = run.learning_rate
        self.used_rate, self.has_warned = None, False
        program.load(
            run.start,
            optimizer_state=run.optimizer_state,
            learning_rate=run.learning_rate,
            penalty=run.penalty(self.feed.batch_size, trained[2]),
            target_scale=run.target_scale,
            loss_numbers=run.loss_numbers,
        )

    def run(self, interrupt, report):
        """Run epochs until one of the reasons to stop."""
        run, hooks, self._report = self.data, self._callback_list(), report
        hooks.on_train_begin()
        epoch, end = run.first_epoch, run.first_epoch + run.epochs
        while epoch < end:
            n_epochs = self._n_at_once(epoch, end)
            self._follow_schedules(epoch)
            hooks.on_epoch_begin(epoch)  # callbacks see one epoch at a time
            self.used_rate = self._rate() if run.callbacks else None
            run.watcher.begin(self.program.snapshot)
            for sums in self._epoch_sums(epoch, n_epochs, hooks):
                logs = self._record(epoch, sums[0] / sums[1])
                hooks.on_epoch_end(epoch, logs)
                report.epoch(epoch, logs)
                self.is_told_to_stop |= run.watcher.end(self.program.snapshot)
                epoch += 1
            if self._is_stopped or interrupt.requested:
                break
        hooks.on_train_end(logs)

    def _n_at_once(self, epoch, end):
        """How many epochs one call trains: nothing may ask for the weights before its end.

        Patience, the next validation, a schedule of weights, lines on the screen and who watches
        each epoch would.
        """
        run = self.data
        sees_each = run.watcher.sees_each or run.verbose > 1
        if self.program.epochs_at_once == 1 or sees_each or run.schedules:
            return 1
        most = min(self.program.epochs_at_once, end - epoch, self.best.epochs_left)
        if not self.validates:
            return most
        first = epoch - self.data.first_epoch
        return next((n for n in range(1, most) if self._is_validated(first + n - 1)), most)

    @property
    def _is_stopped(self):
        """Whether training ends by a rule, a callback or a watcher."""
        return self.best.done or bool(self.program.model.stop_training) or self.is_told_to_stop

    def _epoch_sums(self, epoch, n_epochs, hooks):
        """Train epochs; return the sums of losses and weights of each."""
        if self.program.epochs_at_once == 1:
            return [self._steps(hooks)]
        run, rates = self.data, None
        if run.rate_schedule is not None:
            epochs = range(epoch, epoch + n_epochs)
            rates = [run.learning_rate_of(self.base_rate, e) for e in epochs]
        return self.feed.run_epochs(run.rng, n_epochs, rates)

    def _follow_schedules(self, epoch):
        run = self.data
        for path, schedule in run.schedules.items():
            self.program.assign(path, schedule(epoch))
        if run.rate_schedule is not None:
            self._warn_of_lost_rate(epoch)
            self.program.set_learning_rate(run.learning_rate_of(self.base_rate, epoch))

    def _warn_of_lost_rate(self, epoch):
        """Warn, once, where a callback has changed the rate that the schedule is about to set."""
        used = self.used_rate
        if used is None or self.has_warned or self._rate() == used:
            return
        self.has_warned = True
        warn(
            f"A callback changed the learning rate from {used:.3g} to {self._rate():.3g} after "
            f"epoch {epoch}, and learning_rate_schedule sets it again before every epoch. Use "
            'learning_rate_schedule="constant".'
        )

    def _rate(self):
        return float(self.program.optimizer.learning_rate)

    def _callback_list(self):
        run, model = self.data, self.program.model
        model.stop_training = False
        params = {
            "epochs": run.first_epoch + run.epochs,
            "steps": self.feed.n_steps,
            "verbose": 0,
        }
        return keras.callbacks.CallbackList(run.callbacks, model=model, **params)

    def _record(self, epoch, losses):
        """Note the losses of an epoch, and the best weights; return what callbacks see."""
        run = self.data
        # The mean over several networks is shown, their sum is lowered.
        loss = float(np.mean(losses))
        if not math.isfinite(loss):
            raise self._divergence(f"The training loss became {loss} in epoch {epoch + 1}.")
        self.losses.append(loss)
        logs = {"loss": loss}
        if self.validates:
            if self._is_validated(epoch - run.first_epoch):
                self.validated = self._validated()
            means = [float(np.mean(losses)) for losses in self.validated]
            logs |= zip(names_of_measures(self.program.model.loss), means, strict=True)
            self.validation_losses.append(means[-1])
        if run.early_stopping:
            self.best.update(self.validated[-1], self.program)
        else:
            self.best.update(loss)
        return logs

    def _validated(self):
        """Return the mean measures of the held-out rows, of each of several networks."""
        if self.data.validate is not None:
            return self.data.validate(self.program.weights())
        return self.program.evaluate(self.validation) / self.validation_weight

    def _is_validated(self, epoch):
        """Whether the validation loss is computed after an epoch of this run."""
        every = self.data.validate_every
        return epoch == 0 or (epoch + 1) % every == 0 or epoch + 1 == self.data.epochs

    def _steps(self, hooks):
        """Run the steps of an epoch in one call a chunk, or one by one if a callback watches."""
        sums, done = 0, 0
        watched = any(_watches_batches(callback) for callback in self.data.callbacks)
        for data, order, n_steps in self.feed.epoch(self.data.rng):
            if watched:
                sums = sums + self._watched_steps(data, order, n_steps, done, hooks)
            else:
                sums = sums + np.array(self.program.run(data, order, 0, n_steps))
            done += n_steps
            self._report.steps(done, self.feed.n_steps)
            del data, order  # a chunk goes before the one after the next is loaded
            if watched and self.program.model.stop_training:
                break
        return sums

    def _watched_steps(self, data, order, n_steps, done, hooks):
        sums = 0
        for step in range(n_steps):
            hooks.on_train_batch_begin(done + step)
            loss, weight = self.program.run(data, order, step, step + 1)
            sums = sums + np.array([loss, weight])
            # A step may be without weight for one of several networks.
            mean = float(np.mean(loss / np.where(weight > 0, weight, 1)))
            hooks.on_train_batch_end(done + step, {"loss": mean})
            if self.program.model.stop_training:
                break
        return sums

    def _divergence(self, what):
        return DivergenceError(
            f"{what} Lower learning_rate (it was {self._rate():.3g}), scale X (StandardScaler), "
            "or give the optimizer clipnorm=1.0."
        )

    def result(self) -> TrainingResult:
        """Collect what the run leaves."""
        weights = self.best.weights if self.best.weights is not None else self.program.weights()
        if not all(np.isfinite(array).all() for array in weights.values()):
            raise self._divergence("A weight became infinite or NaN.")
        return TrainingResult(
            weights,
            self.program.optimizer_state(),
            self.losses,
            self.validation_losses,
            self.interrupted,
            self._is_stopped,
        )


class DivergenceError(ValueError):
    """Losses or weights stopped being finite."""


def _watches_batches(callback):
    # LambdaCallback overrides hooks on the instance.
    hooks = [
        (getattr(callback, name), getattr(keras.callbacks.Callback, name)) for name in _BATCH_HOOKS
    ]
    return any(getattr(hook, "__func__", None) is not default for hook, default in hooks)
