"""The GPU: whether there is one, its memory, and launches of kernels."""

import functools
import importlib.metadata
import importlib.util
import logging
import warnings

import numba
import numpy as np

from tsrnn.kernels.cuda.compiling import KernelCall, compile_kernel
from tsrnn.kernels.jit.cuda_internals import cuda_error, flush_deallocations, import_compiler
from tsrnn.kernels.jit.elsewhere import compile_calls_elsewhere

USABLE = 0.9  # of the free memory
MAX_PINNED_BYTES = 2**28  # of the host's memory at once: the system can't move it
_NUMPY_TOO_NEW = "2.5"  # for the versions of numba-cuda that pyproject.toml allows
_NUMPY_IS_TOO_NEW = np.lib.NumpyVersion(np.__version__) >= f"{_NUMPY_TOO_NEW}.0"
_log = logging.getLogger("tsrnn")


def require() -> None:
    """Raise a RuntimeError if there is no GPU or simulator, or what it needs is not installed."""
    if numba.config.ENABLE_CUDASIM:
        _import_cuda()
        return
    if importlib.util.find_spec("numba_cuda") is None:
        raise RuntimeError(
            "device='cuda' needs numba-cuda, which is not installed. Install it for the CUDA "
            "version of your driver, by pip install 'tsrnn[cuda12]' or pip install "
            "'tsrnn[cuda13]', or use device='cpu'."
        )
    if not _import_cuda().is_available():
        raise RuntimeError(
            "device='cuda' found no NVIDIA GPU that works. If there is one, nvidia-smi must show "
            "it: install NVIDIA's driver, and tsrnn[cuda12] or tsrnn[cuda13] for its CUDA "
            "version. Else use device='cpu'."
        )


def _import_cuda():
    """``numba.cuda``; a RuntimeError that says what to install where it can't be imported."""
    try:
        cuda = importlib.import_module("numba.cuda")
        if _NUMPY_IS_TOO_NEW and not numba.config.ENABLE_CUDASIM:
            import_compiler()  # fails if no later version has made it fit
        return cuda
    except Exception as error:  # e.g. a function of NumPy that is no longer there
        raise RuntimeError(
            f"device='cuda' can't import numba-cuda {_version('numba-cuda')} with NumPy "
            f"{np.__version__} and numba {_version('numba')} ({type(error).__name__}: {error}): "
            f"pip install 'tsrnn[cuda13]' 'numpy<{_NUMPY_TOO_NEW}' (or tsrnn[cuda12], as your "
            "driver's CUDA version is), or use device='cpu'."
        ) from error


def _version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


def launcher(function, dtype: str, n_blocks: int, n_threads: int, shared_bytes: int, stream=0):
    """A compiled kernel for a grid of blocks: a function of its arguments."""
    dispatcher = _compiled(function, dtype)
    launch = n_blocks, n_threads, stream, shared_bytes
    if numba.config.ENABLE_CUDASIM:  # has only one launcher per kernel
        return lambda *args: dispatcher[launch](*args)
    with warnings.catch_warnings():
        # Numba warns of a small grid, which is what a small network needs.
        warnings.simplefilter("ignore")
        return dispatcher[launch]


@functools.cache
def max_shared_bytes() -> int:
    """Bytes of shared memory that a block may have."""
    if numba.config.ENABLE_CUDASIM:
        return 48 * 1024
    from numba import cuda

    return cuda.get_current_device().MAX_SHARED_MEMORY_PER_BLOCK_OPTIN


@functools.cache
def _compiled(function, dtype):
    """The dispatcher of a kernel, compiled for its types and allowed all shared memory."""
    if numba.config.ENABLE_CUDASIM:
        from numba import cuda

        return cuda.jit(function)
    return compile_kernel(function, dtype, max_shared_bytes())


def compile_elsewhere(cell: str, head: str, tile_config, names, dtype: str) -> None:
    """Let another process compile kernels of these names for the GPU; see ``KernelCall``."""
    if numba.config.ENABLE_CUDASIM:
        return
    from numba import cuda

    gpu = tuple(cuda.get_current_device().compute_capability)
    calls = [KernelCall(cell, head, tile_config, name, dtype, gpu) for name in names]
    compile_calls_elsewhere(tuple(calls), lambda: calls)


class OutOfMemory(MemoryError):
    """The GPU has ``free`` bytes of memory that can be used, and ``needed`` are needed."""

    def __init__(self, needed: float, free: float):
        super().__init__(f"The GPU has {free:,.0f} bytes of memory free, of {needed:,.0f}.")
        self.needed, self.free = needed, free


def current_context():
    """What identifies the GPU in use and what is allocated on it, compared by identity."""
    if numba.config.ENABLE_CUDASIM:  # makes a new one each time
        return None
    from numba import cuda

    return cuda.current_context()


def new_stream():
    """A stream of copies and launches, which come one after another."""
    from numba import cuda

    return cuda.stream()


def free_bytes() -> float:
    """Bytes of the GPU's memory that are free."""
    from numba import cuda

    context = cuda.current_context()
    if not numba.config.ENABLE_CUDASIM:
        flush_deallocations(context)
    return context.get_memory_info().free


def total_bytes() -> float:
    """Bytes of the GPU's memory."""
    from numba import cuda

    return cuda.current_context().get_memory_info().total


def allocate(n_bytes: int):
    """New memory of the GPU as an array of int64, of a little more than so many bytes.

    Raises
    ------
    OutOfMemory
        If so much is not free.
    """
    from numba import cuda

    free = USABLE * free_bytes()
    if n_bytes > free:
        raise OutOfMemory(n_bytes, free)
    more = n_bytes + n_bytes // 8  # so that a call that needs a little more needs no other
    try:
        return cuda.device_array(-(-(more if more < free else n_bytes) // 8), np.int64)
    except (MemoryError, cuda_error()) as error:  # free, but not in one piece
        if not isinstance(error, MemoryError) and "OUT_OF_MEMORY" not in str(error):
            raise
        raise OutOfMemory(n_bytes, min(free, n_bytes / 2)) from error  # half of it may be


def host_memory(n_bytes: int) -> np.ndarray:
    """An array of int64 of the host, pinned if it is not too long."""
    from numba import cuda

    n_words = -(-(n_bytes + n_bytes // 8) // 8)
    if 8 * n_words <= MAX_PINNED_BYTES:
        try:
            return cuda.pinned_array(n_words, np.int64)
        except (MemoryError, cuda_error()) as error:  # copies are slower without
            _log.info("no pinned memory of %d bytes: %s", 8 * n_words, error)
    return np.empty(n_words, np.int64)
