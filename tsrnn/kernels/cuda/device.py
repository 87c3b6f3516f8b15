"""The GPU: whether there is one, its memory, and launches of kernels."""

import functools
import importlib.util
import itertools
import warnings

import numba
import numpy as np

from tsrnn.kernels.cuda.compiling import compile_kernel


def require() -> None:
    """Raise a RuntimeError if there is no GPU or simulator, or what it needs is not installed."""
    if numba.config.ENABLE_CUDASIM:
        return
    if importlib.util.find_spec("numba_cuda") is None:
        raise RuntimeError(
            "device='cuda' needs numba-cuda, which is not installed. Install it for the CUDA "
            "version of your driver, by pip install 'tsrnn[cuda12]' or pip install "
            "'tsrnn[cuda13]', or use device='cpu'."
        )
    from numba import cuda

    if not cuda.is_available():
        raise RuntimeError(
            "device='cuda' found no NVIDIA GPU that works. If there is one, nvidia-smi must show "
            "it: install NVIDIA's driver, and tsrnn[cuda12] or tsrnn[cuda13] for its CUDA "
            "version. Else use device='cpu'."
        )


def launcher(function, dtype: str, n_blocks: int, n_threads: int, shared_bytes: int):
    """A compiled kernel for a grid of blocks: a function of its arguments."""
    dispatcher = _compiled(function, dtype)
    if numba.config.ENABLE_CUDASIM:  # has only one launcher per kernel
        return dispatcher[n_blocks, n_threads, 0, shared_bytes]
    return _cached_launcher(dispatcher, n_blocks, n_threads, shared_bytes)


@functools.lru_cache(1024)
def _cached_launcher(dispatcher, n_blocks, n_threads, shared_bytes):
    with warnings.catch_warnings():
        # Numba warns of a small grid, which is what a small network needs.
        warnings.simplefilter("ignore")
        return dispatcher[n_blocks, n_threads, 0, shared_bytes]


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


def free_bytes() -> float:
    """Bytes of the GPU's memory that are free."""
    from numba import cuda

    return cuda.current_context().get_memory_info().free


class DeviceArray:
    """A long array on the GPU, allocated on first use; ``sizes`` of its named parts, in order."""

    def __init__(self, dtype, sizes: dict[str, int]):
        self.dtype, self._array = np.dtype(dtype), None
        *firsts, self.size = itertools.accumulate(sizes.values(), initial=0)
        self.offsets = dict(zip(sizes, firsts, strict=True))
        self._sizes = sizes

    @property
    def n_bytes(self) -> int:
        """Bytes of the array."""
        return self.size * self.dtype.itemsize

    @property
    def array(self):
        """The array on the GPU."""
        from numba import cuda

        if self._array is None:
            self._array = cuda.device_array(max(self.size, 1), self.dtype)
        return self._array

    def write(self, name: str, values) -> None:
        """Copy values to the beginning of a part."""
        values = np.ascontiguousarray(values, self.dtype).ravel()
        if values.size:
            first = self.offsets[name]
            self.array[first : first + values.size].copy_to_device(values)

    def read(self, name: str, size: int | None = None) -> np.ndarray:
        """Copy a part, or its first ``size`` values, to the host."""
        first, size = self.offsets[name], self._sizes[name] if size is None else size
        return self.array[first : first + size].copy_to_host() if size else np.empty(0, self.dtype)
