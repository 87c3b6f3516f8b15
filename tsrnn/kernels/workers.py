"""Who works on a chunk of rows: on a CPU one worker alone, on a GPU the threads of a block.

Kernels are written once for both. A loop over ``worker_range(n)`` is the part of ``range(n)`` that falls
to a worker; after it, ``barrier()`` waits until all are done, so that each sees what the others wrote.
Alone there is nothing to share, and nobody to wait for. A target says what these mean there.
"""

from numba.extending import overload

from tsrnn.kernels.jit.compile import DEVICE_FUNCTION_OPTIONS


def worker_range(n):
    """The part of ``range(n)`` that falls to this worker."""
    return in_python["worker_range"](n)


def barrier():
    """Wait for the other workers, and see what they wrote."""
    in_python["barrier"]()


# What these are where nothing is compiled, as in a simulator.
in_python = {"worker_range": range, "barrier": lambda: None}


@overload(worker_range, jit_options=DEVICE_FUNCTION_OPTIONS)
def _worker_range_alone(n):
    return lambda n: range(n)


@overload(barrier, jit_options=DEVICE_FUNCTION_OPTIONS)
def _barrier_alone():
    return lambda: None
