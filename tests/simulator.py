"""Numba's CUDA simulator, made quick: its threads meet at a barrier.

As it comes, the simulator asks each thread of a block in turn and without pause where it is, which
takes most of the processor's time.
"""

import contextlib
import math
import threading

import numpy as np
import pytest
from numba import cuda
from numba.cuda.simulator.kernel import BlockManager, BlockThread


def _run(self, place, *args):
    """Run the threads of a block; the first error is raised."""
    self.barrier = threading.Barrier(math.prod(self._block_dim))
    threads = [
        BlockThread(lambda: self._f(*args), self, place, thread, self._debug)
        for thread in np.ndindex(*self._block_dim)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    errors = [thread.exception for thread in threads if thread.exception]
    if errors:
        first = next(
            (e for e in errors if not isinstance(e[0], threading.BrokenBarrierError)), errors[0]
        )
        raise first[0].with_traceback(first[1])


def _run_thread(self):
    run_as_it_comes(self)
    if self.exception:
        self._manager.barrier.abort()  # let the others not wait for this one


run_as_it_comes = BlockThread.run


def _nothing_there(shape, dtype):
    """New memory of the GPU: what happens to be in it must not matter."""
    assert dtype is np.int64
    # Not a number in both float dtypes, and no window or place as an int.
    return cuda.to_device(np.full(shape, 0xFFF8FFF8FFF8FFF8, np.uint64).view(np.int64))


@contextlib.contextmanager
def quick():
    """Make the simulator quick for a while."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BlockManager, "run", _run)
        patch.setattr(BlockThread, "run", _run_thread)
        patch.setattr(BlockThread, "syncthreads", lambda self: self._manager.barrier.wait())
        patch.setattr(cuda, "device_array", _nothing_there)
        yield
