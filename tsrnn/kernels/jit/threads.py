"""How many tasks a kernel call may run at once, here and now."""

import contextlib
import os
import threading

import numba
from numba.np.ufunc import parallel as numba_threads

from tsrnn.kernels.jit.compile import Kernel


class _State:
    """What this process knows of its threads; made anew in a forked child."""

    def __init__(self, forked=False):
        self.forked = forked  # from a parent whose thread pool did not survive the fork
        self.parallel = threading.Lock()  # held by the one caller that may run parallel kernels


_state = _State()


def _after_fork():
    global _state
    _state = _State(_state.forked or numba_threads._is_initialized)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def available_threads() -> int:
    """Threads that a parallel kernel may use: the processor's cores as Numba counts them."""
    return min(numba.config.NUMBA_NUM_THREADS, numba.config.NUMBA_DEFAULT_NUM_THREADS)


# Seconds of work on one core: below the one threads gain nothing that anybody would notice, from
# the other on they gain more than a binary of its own takes to compile.
SHORT, LONG = 0.03, 1.0


def are_worth_it(seconds: float, serial: Kernel, parallel: Kernel) -> bool:
    """Whether work of so many seconds on one core should be shared out among threads.

    Between short and long the binary that is there is run: compiling a second one takes longer
    than it saves. ``serial`` and ``parallel`` are the kernels that would do the work, each with the
    binary of that name.
    """
    if not SHORT <= seconds < LONG:
        return seconds >= LONG
    return parallel.is_compiled(parallel=True) or not serial.is_compiled(parallel=False)


@contextlib.contextmanager
def claim_threads(n_jobs: int | None):
    """Yield how many tasks a kernel may run at once.

    Parameters
    ----------
    n_jobs : int or None
        Threads asked for; None or -1 for all cores.

    Yields
    ------
    int
        1 (run the serial binary) where threads would not survive: in a child forked after the
        parent ran parallel kernels, or while another Python thread runs them.
    """
    wanted = available_threads() if n_jobs in (None, -1) else min(n_jobs, available_threads())
    state = _state
    alone = wanted > 1 and not state.forked and state.parallel.acquire(blocking=False)
    if not alone:
        yield 1
        return
    try:
        before = numba.get_num_threads()
        numba.set_num_threads(wanted)
        try:
            yield wanted
        finally:
            numba.set_num_threads(before)
    finally:
        state.parallel.release()
