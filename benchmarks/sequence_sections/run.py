"""What a run of the benchmark of sequences is asked for, and its workers."""

import contextlib
import dataclasses
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from sklearn.base import clone
from speed import Race


@dataclasses.dataclass
class Run:
    """Options of a run."""

    data: Path | None  # folder of the data; without it, sections that need it print a word
    libraries: tuple[str, ...]  # "tsrnn", and "PyTorch" where it is installed
    minutes: list[int]  # settings to train, by their budget
    seeds: int = 5
    rounds: int = 5
    dry: bool = False  # small sizes, whose figures mean nothing

    @contextlib.contextmanager
    def race(self, names=None):
        """The libraries, or others by name, in turns, each in a process of its own."""
        with contextlib.ExitStack() as stack:
            workers = {name: stack.enter_context(new_worker()) for name in names or self.libraries}
            yield Race(workers, self.rounds, 0.0)

    def each(self, call, *arguments):
        """``call(library, *arguments)`` of each library, in a process that ends with it."""
        results = {}
        for name in self.libraries:
            with new_worker() as worker:
                results[name] = worker.submit(call, name, *arguments).result()
        return results


def new_worker():
    """A process that works by itself."""
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))


def compile_fit(model, X, y):
    """Fit a copy for an epoch, so that the model's fit compiles nothing."""
    clone(model).set_params(max_iter=1).fit(X, y)


def timed(call, *arguments):
    """Seconds of a call by the clock, and of all its threads by the processor."""
    started, cpu_started = time.perf_counter(), time.process_time()
    call(*arguments)
    return time.perf_counter() - started, time.process_time() - cpu_started
