"""What a run of the benchmark of the GPU is asked for, and its clocks."""

import dataclasses
import time
from pathlib import Path

import numpy as np

SECONDS = 0.4  # of a round


@dataclasses.dataclass
class Run:
    """Options of a run."""

    data: Path | None  # folder of the data; without it M4 is left out
    rounds: int
    minutes: float  # after which no further row is begun
    dry: bool = False  # small sizes in the simulator, whose figures mean nothing
    started: float = dataclasses.field(default_factory=time.perf_counter)
    first_calls: float = 0.0  # seconds so far

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.started

    def has_time_for(self, row) -> bool:
        """Whether a row is to be begun; if not, a line says so."""
        if self.seconds < 60 * self.minutes:
            return True
        print(f"Not begun after {self.minutes:g} minutes: {row}", flush=True)
        return False

    def first_call(self, call) -> float:
        """Seconds of the first call of its kind: nearly all are compiling or loading kernels."""
        started = time.perf_counter()
        call()
        seconds = time.perf_counter() - started
        self.first_calls += seconds
        return seconds


class Clock:
    """Milliseconds of a call by CUDA events, or by the clock where there is no GPU."""

    def __init__(self, dry):
        import torch

        self.torch = None if dry else torch

    def __call__(self, call):
        if self.torch is None:
            started = time.perf_counter()
            call()
            return (time.perf_counter() - started) * 1e3
        first, last = (self.torch.cuda.Event(enable_timing=True) for _ in range(2))
        self.torch.cuda.synchronize()
        first.record()
        call()
        last.record()
        self.torch.cuda.synchronize()
        return first.elapsed_time(last)

    def each(self, call, most=50):
        """Milliseconds a step of ``call(n_steps)``, for about a round's time."""
        call(1)
        once = self(lambda: call(2)) / 2
        n = int(np.clip(SECONDS * 1e3 / once, 2, most))
        return self(lambda: call(n)) / n
