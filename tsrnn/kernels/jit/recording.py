"""What work calls kernels with, found without compiling any: they run as the Python they are."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numba
import numpy as np

_local = threading.local()


class Recording:
    """Calls of kernels in a thread, that of ``recorded``, in the order of their first."""

    def __init__(self, n_tasks: int, runs: bool):
        self.n_tasks = n_tasks  # that every call is offered
        self._runs = runs
        self._calls: dict[tuple, None] = {}

    @property
    def calls(self) -> list[tuple]:
        """Of each call the kernel, whether its parallel binary, and the types of arguments."""
        return list(self._calls)

    def run(self, kernel: Any, parallel: bool, function: Callable, args: tuple) -> None:
        """Note a call, and run the kernel's function in Python if the recording runs any."""
        self._calls[kernel, parallel, tuple(map(numba.typeof, args))] = None
        if self._runs:
            with np.errstate(all="ignore"):  # as hashes overflow
                function(*args)


def current() -> Recording | None:
    """What records this thread's calls, or None."""
    return getattr(_local, "recording", None)


@contextlib.contextmanager
def recorded(n_tasks: int, runs: bool = True) -> Iterator[Recording]:
    """Run the kernels that this thread calls in Python, slowly, with so many tasks at once.

    Or not at all: then what they would write is missing.
    """
    before = current()
    _local.recording = Recording(n_tasks, runs)
    try:
        yield _local.recording
    finally:
        _local.recording = before
