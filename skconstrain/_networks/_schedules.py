"""Schedules: functions of the epoch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TemperatureSchedule:
    """Temperature of the gate: lowered geometrically, from the first of `n_epochs` to the last."""

    start: float
    end: float
    n_epochs: int

    def __call__(self, epoch: int) -> float:
        """Return the temperature of an epoch, the first of which is 0."""
        share = min(epoch / max(self.n_epochs - 1, 1), 1.0)
        return self.start * (self.end / self.start) ** share
