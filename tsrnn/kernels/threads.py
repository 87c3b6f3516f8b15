"""How many tasks a kernel call may run at once, here and now, with one thread of the BLAS each."""

import contextlib
import math
import os
import threading

import numba
import scipy.linalg.cython_blas  # noqa: F401  Numba's products run in it: load it before its threads are held
from numba.np.ufunc import parallel as numba_threads
from threadpoolctl import ThreadpoolController


class _State:
    """What this process knows of its threads; made anew in a forked child."""

    def __init__(self, forked=False):
        self.forked = forked  # from a parent whose thread pool did not survive the fork
        self.parallel = threading.Lock()  # held by the one caller that may run parallel kernels
        self.blas = threading.Lock()
        self.blas_holders = 0
        self.blas_before = None  # threads of each BLAS before the first holder came


_state = _State()
_blas_libraries = ThreadpoolController().select(user_api="blas").lib_controllers


def _after_fork():
    global _state
    before = _state.blas_before
    _state = _State(_state.forked or numba_threads._is_initialized)
    if before is not None:  # the parent's limit was copied with its memory; its holders were not
        _set_blas_threads(before)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def available_threads() -> int:
    """Threads that a parallel kernel may use: the processor's cores as Numba counts them."""
    return min(numba.config.NUMBA_NUM_THREADS, numba.config.NUMBA_DEFAULT_NUM_THREADS)


# Steps of hidden units below which threads save less than a second, and the parallel binary, twice
# as slow to compile, is not worth waiting for.
SMALL_WORK = 10**8


@contextlib.contextmanager
def claim_threads(n_jobs: int | None, work: float = math.inf):
    """Hold the BLAS to one thread and yield how many tasks a kernel may run at once.

    Parameters
    ----------
    n_jobs : int or None
        Threads asked for; None or -1 for all cores.
    work : float
        Steps of hidden units to be run: windows times time times units.

    Yields
    ------
    int
        1 (run the serial binary) where there is little work, or where threads would not survive:
        in a child forked after the parent ran parallel kernels, or while another Python thread
        runs them.
    """
    wanted = available_threads() if n_jobs in (None, -1) else min(n_jobs, available_threads())
    if work < SMALL_WORK:
        wanted = 1
    state = _state
    alone = wanted > 1 and not state.forked and state.parallel.acquire(blocking=False)
    try:
        with _single_threaded_blas(state):
            if not alone:
                yield 1
                return
            before = numba.get_num_threads()
            numba.set_num_threads(wanted)
            try:
                yield wanted
            finally:
                numba.set_num_threads(before)
    finally:
        if alone:
            state.parallel.release()


@contextlib.contextmanager
def _single_threaded_blas(state):
    """One BLAS thread while any caller is inside: first in sets the limit, last out lifts it."""
    with state.blas:
        if state.blas_holders == 0:
            state.blas_before = [library.get_num_threads() for library in _blas_libraries]
            _set_blas_threads([1] * len(_blas_libraries))
        state.blas_holders += 1
    try:
        yield
    finally:
        with state.blas:
            state.blas_holders -= 1
            if state.blas_holders == 0:
                _set_blas_threads(state.blas_before)
                state.blas_before = None


def _set_blas_threads(counts):
    for library, count in zip(_blas_libraries, counts, strict=True):
        # threadpoolctl lets only the Python thread that set a limit lift it; here the last holder
        # does, who need not be the first. 3.8 keeps the plain setter under another name.
        setter = getattr(library, "_real_set_num_threads", library.set_num_threads)
        setter(count)
