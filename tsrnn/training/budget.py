"""A budget of seconds: how it is shared, and the pace at which a training keeps within it."""

from __future__ import annotations

import dataclasses
import math
import time

import numpy as np

_LEAST_STEP_SECONDS = 1e-5  # no minibatch takes less: a bound for schedules too long to be made
_N_UNMEASURED = 3  # first blocks of minibatches, which may include a compilation


@dataclasses.dataclass(frozen=True)
class Budget:
    """Time that a fit may take, up to ``end`` on the clock ``time.perf_counter``."""

    end: float = math.inf

    @classmethod
    def of(cls, seconds: float | None) -> Budget:
        """A budget that starts now; None is for one without a limit."""
        return cls() if seconds is None else cls(time.perf_counter() + seconds)

    @property
    def is_limited(self) -> bool:
        """Whether there is a limit."""
        return self.end < math.inf

    @property
    def seconds_left(self) -> float:
        """Seconds that are left, 0 if none are."""
        return max(0.0, self.end - time.perf_counter())

    def part(self, seconds: float) -> Budget:
        """The next so many seconds of the budget."""
        return Budget(min(self.end, time.perf_counter() + max(0.0, seconds)))

    def share(self, fraction: float) -> Budget:
        """The next part of the budget, as a fraction of what is left."""
        return self.part(fraction * self.seconds_left) if self.is_limited else self

    def longest(self, n_epochs: int, n_steps: int) -> int:
        """At most ``n_epochs`` of ``n_steps`` minibatches, and not far more than time allows."""
        if not self.is_limited:
            return n_epochs
        possible = math.ceil(self.seconds_left / _LEAST_STEP_SECONDS / n_steps)
        return max(1, min(n_epochs, possible))


class Pace:
    """How fast a training goes through its schedule, so that it comes to an end within a budget.

    Where time allows for all epochs, each epoch of training is one of the schedule. Else it is
    more of them: learning rates rise and fall as they would over all epochs, in fewer minibatches
    (budgeted training, Li, Yumer & Ramanan 2020).
    """

    def __init__(self, budget: Budget, overhead: float):
        self.budget = budget
        self.rate = 1.0  # epochs of the schedule for each that is trained
        self.skipped = 0.0  # epochs of the schedule so far that were not trained
        self.is_over = False  # for want of time
        self._overhead = overhead  # seconds of an epoch besides its minibatches
        self._step_seconds = 0.0  # of a minibatch of one model
        self._block_seconds = 0.0  # of all blocks since the epoch began
        self._n_blocks = 0
        self._began = time.perf_counter()

    def end_block(self, seconds: float, n_steps: int, share: float) -> None:
        """Count a block: ``n_steps`` minibatches of all models, a ``share`` of the epoch."""
        self.skipped += (self.rate - 1) * share
        self._n_blocks += 1
        self._block_seconds += seconds
        if self._n_blocks <= _N_UNMEASURED or not n_steps:
            return
        measured = seconds / n_steps
        before = self._step_seconds or measured
        self._step_seconds = 0.8 * before + 0.2 * measured

    def plan(self, epochs_left: np.ndarray, steps_per_epoch: np.ndarray) -> None:
        """Set the rate by the epochs of the schedule that running models have left."""
        if not self.budget.is_limited:
            return
        available = self.budget.end - time.perf_counter() - self._overhead
        self.is_over = available <= 0
        epochs_left = np.maximum(epochs_left, 0)
        needed = self._step_seconds * float((epochs_left * steps_per_epoch).sum())
        needed += self._overhead * float(epochs_left.max())
        if self._step_seconds and not self.is_over:
            self.rate = max(1.0, needed / available)

    def end_epoch(self) -> None:
        """Measure what the epoch took besides its minibatches."""
        now = time.perf_counter()
        if self._n_blocks > _N_UNMEASURED:
            self._overhead = max(0.0, now - self._began - self._block_seconds)
        self._began, self._block_seconds = now, 0.0
