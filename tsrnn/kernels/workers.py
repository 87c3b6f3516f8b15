"""Workers on a chunk of rows: a single one on a CPU, the threads of a block on a GPU.

A loop over ``worker_range(n)`` is one worker's part of ``range(n)``; ``barrier()`` after it makes
all workers' writes visible. Here for a single worker; other targets overload both.
"""

from numba.extending import overload

from tsrnn.kernels.jit.compile import DEVICE_FUNCTION_OPTIONS


def worker_range(n):
    """This worker's part of ``range(n)``."""
    return in_python["worker_range"](n)


def barrier():
    """Wait for all workers, whose writes are visible afterwards."""
    in_python["barrier"]()


# Uncompiled implementations, which a simulator replaces.
in_python = {"worker_range": range, "barrier": lambda: None}


@overload(worker_range, jit_options=DEVICE_FUNCTION_OPTIONS)
def _worker_range_alone(n):
    return lambda n: range(n)


@overload(barrier, jit_options=DEVICE_FUNCTION_OPTIONS)
def _barrier_alone():
    return lambda: None
