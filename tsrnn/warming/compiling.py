"""Compiling kernels before they are called, in this process or in several at once."""

import logging
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import NamedTuple

from tsrnn.kernels.jit.compile import Call


class Compiled(NamedTuple):
    """What compiling a kernel took."""

    name: str
    seconds: float
    is_new: bool  # whether it was compiled, not loaded from a file


def compile_call(call: Call) -> Compiled:
    """Compile a kernel for what it is called with, or load it from its file."""
    started = time.perf_counter()
    is_new = call.compile()
    return Compiled(call.name, time.perf_counter() - started, is_new)


def compile_calls(calls: Sequence[Call], n_jobs: int) -> Iterator[Compiled]:
    """Compile kernels in so many processes at once; what each took, in the order they are done."""
    # Not forked: a child has no threads to compile by that its parent has started.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_jobs, mp_context=context, initializer=_say_nothing) as pool:
        try:
            for future in as_completed([pool.submit(compile_call, call) for call in calls]):
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _say_nothing():
    logging.getLogger("tsrnn").setLevel(logging.ERROR)  # who called for it knows
