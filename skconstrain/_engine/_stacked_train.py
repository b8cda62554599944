"""The training loop of a stack: every model has its own data, stopping rule and result."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from skconstrain._engine._batching import Batches, pad_rows, padded, seconds_of_step
from skconstrain._engine._run import TrainingResult, TrainingRun
from skconstrain._engine._stopping import Stopping
from skconstrain._engine._train import abandoned, divergence

# What a program for fewer models costs.
_SECONDS_TO_COMPILE = 2.0


@dataclass
class _Member:
    """One model of a stack while it trains: `start` and `optimizer_state` are where it goes on."""

    run: TrainingRun
    batches: Batches
    rate: float
    start: list[np.ndarray]
    optimizer_state: list[np.ndarray] | None
    stopping: Stopping
    losses: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    best_weights: list[np.ndarray] | None = None
    outcome: TrainingResult | BaseException | None = None

    @property
    def epoch(self):
        return self.run.first_epoch + len(self.losses)

    @property
    def rate_of_epoch(self):
        """Return the learning rate of the next epoch, in single precision, as Keras holds it."""
        return float(np.float32(self.run.learning_rate_of(self.rate, self.epoch)))

    def begin(self, program, place):
        """Tell who watches that an epoch begins."""
        try:
            self.run.watcher.begin(partial(program.weights, place))
        except BaseException as error:  # of this fit alone, in whose thread it is raised again
            self.outcome = error

    def end(self, program, place):
        """Tell who watches that an epoch has ended; stop where that is the answer."""
        try:
            is_told_to_stop = self.run.watcher.end(partial(program.weights, place))
        except BaseException as error:  # as above
            self.outcome = error
            return
        is_last = len(self.losses) == self.run.epochs
        if is_told_to_stop or self.stopping.done or is_last:
            stopped = is_told_to_stop or self.stopping.done
            self.outcome = self._result(program, place, stopped)

    def record(self, loss, validation_loss, program, place):
        """Note an epoch's losses, and the best weights."""
        if not np.isfinite(loss):
            what = f"The training loss became {loss} in epoch {self.epoch + 1}."
            self.outcome = divergence(what, self.rate)
            return
        self.losses.append(float(loss))
        watched = loss
        if validation_loss is not None:
            self.validation_losses.append(float(validation_loss))
            watched = validation_loss if self.run.early_stopping else loss
        improved = self.stopping.update(float(watched))
        if self.run.early_stopping and improved:
            self.best_weights = program.weights(place)

    def _result(self, program, place, stopped):
        weights = self.best_weights or program.weights(place)
        if not all(np.isfinite(array).all() for array in weights):
            return divergence("A weight became infinite or NaN.", self.rate)
        state = program.optimizer_state(place)
        return TrainingResult(weights, state, self.losses, self.validation_losses, False, stopped)

    def leave(self, program, place):
        """Note where to go on in another program."""
        self.start = program.weights(place)
        self.optimizer_state = program.optimizer_state(place)


def n_validation_rows(runs: list[TrainingRun]) -> int:
    """Return the padded number of validation rows of a stack; 0 without."""
    return max((padded(len(run.validation[0])) for run in runs if run.validation), default=0)


def train_stack(
    lend: Callable,
    runs: list[TrainingRun],
    is_wanted: Callable[[], bool],
    report: Callable[[int, int], None] = lambda epoch, epochs: None,
) -> list[TrainingResult | BaseException]:
    """Train all runs at once; return the result of each one, or the error that ended it.

    Parameters
    ----------
    lend
        ``lend(runs)`` lends a program with room for those runs: when enough models have ended, the
        others go on in a smaller one.
    runs
        Trainings of equal shapes after padding, without callbacks.
    is_wanted
        Says before each epoch whether anybody waits for the results.
    report
        Is told how many epochs are done, and how many there are at most.

    Raises
    ------
    RuntimeError
        If nobody does any more.
    """
    with lend(runs) as program:
        members = [_member(run, program) for run in runs]
        _Stack(program, members).train(is_wanted, report)
    while left := [member for member in members if member.outcome is None]:
        with lend([member.run for member in left]) as program:
            _Stack(program, left).train(is_wanted, report)
    return [member.outcome for member in members]


def _member(run, program):
    default = float(program.optimizer.get_config()["learning_rate"])
    # In single precision, as Keras holds it.
    rate = float(np.float32(default if run.learning_rate is None else run.learning_rate))
    batches = Batches(len(run.X), run.batch_size)
    stopping = Stopping(run.patience, run.tol)
    return _Member(run, batches, rate, run.start, run.optimizer_state, stopping)


class _Stack:
    """Models that train in one program, as long as that pays."""

    def __init__(self, program, members: list[_Member]):
        self.program, self.members = program, members
        # The first one stands where there is room for more, and is not trained there.
        room = program.n_models - len(members)
        self._filled = [*members, *[members[0]] * room]
        runs = [member.run for member in self._filled]
        program.load(
            [member.start for member in self._filled],
            optimizer_states=[member.optimizer_state for member in self._filled],
            learning_rates=[member.rate for member in self._filled],
            penalties=[m.run.penalty(m.batches.batch_size, m.run.weight) for m in self._filled],
            target_scales=[run.target_scale for run in runs],
            loss_numbers=[run.loss_numbers for run in runs],
        )
        self._data = self._on_device(
            [(run.X, run.y, run.weight) for run in runs], members[0].batches.padded_rows
        )
        self._validation = None
        if n_rows := n_validation_rows(runs):
            self._validation = self._on_device([run.validation for run in runs], n_rows)

    def _on_device(self, rows_of_models, n_rows):
        """Copy rows of all models to the device: arrays with a leading axis of models."""
        columns = [
            [pad_rows(rows[i], n_rows, zero=i == 2) for rows in rows_of_models] for i in range(3)
        ]
        dtype = self.program.dtype
        return [self.program.to_device(np.stack(arrays).astype(dtype)) for arrays in columns]

    def train(self, is_wanted, report):
        """Run epochs until all models are done, or are too few for the program."""
        wasted = 0.0
        while running := [i for i, m in enumerate(self.members) if m.outcome is None]:
            fits_half = 2 * padded(len(running)) <= self.program.n_models
            if fits_half and wasted > _SECONDS_TO_COMPILE:
                for i in running:
                    self.members[i].leave(self.program, i)
                return
            if not is_wanted():
                raise abandoned()
            self._epoch(running)
            n_done = max(len(member.losses) for member in self.members)
            report(n_done, max(member.run.epochs for member in self.members))
            standing = self.program.n_models - len(running)
            wasted += standing * self.members[running[0]].batches.n_steps * self._step_seconds()

    def _epoch(self, running):
        program, members = self.program, self.members
        self._follow_schedules()
        for i in running:
            members[i].begin(program, i)
        batches = members[0].batches
        n_steps = np.zeros(program.n_models, np.int32)
        orders = np.zeros((program.n_models, batches.padded_steps * batches.width), np.int32)
        for i in running:
            orders[i] = members[i].batches.order(members[i].run.rng)
            n_steps[i] = members[i].batches.n_steps
        loss, weight = program.run(self._data, program.to_device(orders), n_steps)
        validation_losses = self._validation_losses(running)
        for i in running:
            if members[i].outcome is None:
                members[i].record(loss[i] / weight[i], validation_losses.get(i), program, i)
            if members[i].outcome is None:
                members[i].end(program, i)

    def _validation_losses(self, running):
        if self._validation is None:
            return {}
        sums = self.program.evaluate(self._validation)
        weights = {i: self.members[i].run.validation[2] for i in running}
        return {i: sums[i] / np.sum(weight, dtype=np.float64) for i, weight in weights.items()}

    def _follow_schedules(self):
        for path in self.members[0].run.schedules:
            values = [member.run.schedules[path](member.epoch) for member in self._filled]
            self.program.assign(path, values)
        if any(member.run.rate_schedule is not None for member in self._filled):
            self.program.set_learning_rates([member.rate_of_epoch for member in self._filled])

    def _step_seconds(self):
        n_weights = sum(array.size for array in self.members[0].start)
        return seconds_of_step(n_weights, self.members[0].batches.width)
