"""The training loop of a stack: every model has its own data, stopping rule and result."""

from dataclasses import dataclass, field

import numpy as np

from skconstrain._engine._batching import Batches, pad_rows, padded
from skconstrain._engine._train import TrainingResult, TrainingRun, divergence


@dataclass
class _Member:
    """One model of a stack while it trains."""

    place: int
    run: TrainingRun
    batches: Batches
    rate: float
    losses: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    best_weights: list[np.ndarray] | None = None
    error: ValueError | None = None
    done: bool = False

    @property
    def epoch(self):
        return self.run.first_epoch + len(self.losses)

    def record(self, loss, validation_loss, program):
        """Note an epoch's losses; decide whether it was the last one."""
        if not np.isfinite(loss):
            what = f"The training loss became {loss} in epoch {self.epoch + 1}."
            self.error, self.done = divergence(what, self.rate), True
            return
        self.losses.append(float(loss))
        watched = loss
        if validation_loss is not None:
            self.validation_losses.append(float(validation_loss))
            watched = validation_loss if self.run.early_stopping else loss
        improved = self.run.stopping.update(float(watched))
        if self.run.early_stopping and improved:
            self.best_weights = program.weights(self.place)
        self.done = self.run.stopping.done or len(self.losses) == self.run.epochs

    def result(self, program):
        """Collect what the model leaves, or the error that ended it."""
        if self.error is not None:
            return self.error
        weights = self.best_weights or program.weights(self.place)
        if not all(np.isfinite(array).all() for array in weights):
            return divergence("A weight became infinite or NaN.", self.rate)
        state = program.optimizer_state(self.place, self.rate)
        stopped = self.run.stopping.done
        return TrainingResult(weights, state, self.losses, self.validation_losses, False, stopped)


def n_validation_rows(runs: list[TrainingRun]) -> int:
    """Return the padded number of validation rows of a stack; 0 without."""
    return max((padded(len(run.validation[0])) for run in runs if run.validation), default=0)


def train_stack(program, runs: list[TrainingRun]) -> list[TrainingResult | ValueError]:
    """Train all runs at once; return the result of each one, or the error that ended it.

    `runs` have equal shapes after padding, no callbacks, and as many validation rows or none.
    """
    members = _members(program, runs)
    stack = _fill(members, program.n_models)
    program.load(
        [member.run.start for member in stack], [member.run.optimizer_state for member in stack]
    )
    data = _device_data(program, stack)
    settings = [
        program.to_device(np.array(values, program.dtype))
        for values in zip(*((m.rate, _penalty(m), m.run.target_scale) for m in stack), strict=True)
    ]
    validation = _device_validation(program, stack)
    while not all(member.done for member in members):
        n_steps = np.zeros(program.n_models, np.int32)
        orders = np.zeros((program.n_models, _order_length(members)), np.int32)
        for member in members:
            if not member.done:
                orders[member.place] = member.batches.order(member.run.rng)
                n_steps[member.place] = member.batches.n_steps
        loss, weight = program.run(data, program.to_device(orders), n_steps, settings)
        held_out = None if validation is None else program.evaluate(validation, settings[2])
        for member in members:
            if not member.done:
                i, of_validation = member.place, None
                if held_out is not None:
                    total = np.sum(member.run.validation[2], dtype=np.float64)
                    of_validation = held_out[i] / total
                member.record(loss[i] / weight[i], of_validation, program)
    return [member.result(program) for member in members]


def _members(program, runs):
    default = float(program.optimizer.get_config()["learning_rate"])
    return [
        _Member(
            place,
            run,
            Batches(len(run.X), run.batch_size),
            # In single precision, as Keras holds it.
            float(np.float32(default if run.learning_rate is None else run.learning_rate)),
        )
        for place, run in enumerate(runs)
    ]


def _fill(members, n_models):
    """Repeat the first member where the program has room for more models than there are."""
    return [*members, *[members[0]] * (n_models - len(members))]


def _order_length(members):
    return members[0].batches.padded_steps * members[0].batches.width


def _penalty(member):
    run = member.run
    return run.alpha / (member.batches.batch_size * np.mean(run.weight, dtype=np.float64))


def _device_data(program, stack):
    n_rows = stack[0].batches.padded_rows
    columns = [
        [pad_rows(getattr(m.run, name), n_rows, zero=name == "weight") for m in stack]
        for name in ("X", "y", "weight")
    ]
    return [program.to_device(np.stack(arrays)) for arrays in columns]


def _device_validation(program, stack):
    n_rows = n_validation_rows([member.run for member in stack])
    if not n_rows:
        return None
    columns = [
        [pad_rows(m.run.validation[i], n_rows, zero=i == 2) for m in stack] for i in range(3)
    ]
    return [program.to_device(np.stack(arrays).astype(program.dtype)) for arrays in columns]
