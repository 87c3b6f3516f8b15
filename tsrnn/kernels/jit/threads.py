"""How many tasks a kernel call may run at once."""

import contextlib
import os
import threading

import numba

from tsrnn.kernels.jit import recording
from tsrnn.kernels.jit.compile import Kernel
from tsrnn.kernels.jit.numba_internals import thread_pool_is_running


class _State:
    """The state of this process's threads; a forked child has a new one."""

    def __init__(self, forked=False):
        self.forked = forked  # from a parent whose thread pool did not survive the fork
        self.parallel = threading.Lock()  # held by the only caller that may run parallel kernels


_state = _State()


def _after_fork():
    global _state
    _state = _State(_state.forked or thread_pool_is_running())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def available_threads() -> int:
    """Threads that a parallel kernel may use: the number of cores as Numba counts them."""
    return min(numba.config.NUMBA_NUM_THREADS, numba.config.NUMBA_DEFAULT_NUM_THREADS)


# Seconds of work on one core: below SHORT nobody would notice what threads gain, from LONG on they
# gain more than compiling the parallel binary takes.
SHORT, LONG = 0.03, 1.0


def are_worth_it(seconds: float, serial: Kernel, parallel: Kernel) -> bool:
    """Whether work of so many seconds on one core should be distributed over threads.

    ``serial`` and ``parallel`` are the kernels that would do it on one core and on several, each
    by its binary of that name. Between SHORT and LONG threads are used if the parallel binary is
    compiled: compiling it takes longer than it saves.
    """
    if recording.current() is not None:
        return True
    if not SHORT <= seconds < LONG:
        return seconds >= LONG
    return parallel.is_compiled(parallel=True)


@contextlib.contextmanager
def claim_threads(n_jobs: int | None):
    """Yield how many tasks a kernel may run at once; ``n_jobs`` None or -1 means all cores.

    1 (run the serial binary) if threads would not work: in a child forked after the parent ran
    parallel kernels, or while another Python thread runs them.
    """
    record = recording.current()
    if record is not None:
        yield 1 if n_jobs == 1 else record.n_tasks
        return
    n_threads = available_threads() if n_jobs in (None, -1) else min(n_jobs, available_threads())
    state = _state
    acquired = n_threads > 1 and not state.forked and state.parallel.acquire(blocking=False)
    if not acquired:
        yield 1
        return
    try:
        n_before = numba.get_num_threads()
        numba.set_num_threads(n_threads)
        try:
            yield n_threads
        finally:
            numba.set_num_threads(n_before)
    finally:
        state.parallel.release()
