"""Compiled kernels of the CUDA target: made for the GPU's architecture, and kept on disk.

A file holds a kernel as numba-cuda's own cache would write it; where it lies, who may read it and
what its name depends on is as for the CPU's (``tsrnn.kernels.jit.cache``).
"""

import contextlib
import importlib
import pickle
import zlib
from typing import NamedTuple

from numba import types

from tsrnn.kernels import heads
from tsrnn.kernels.cuda.blocks import TileConfig
from tsrnn.kernels.jit.cache import KernelCache, file_name
from tsrnn.kernels.jit.cuda_internals import (
    allow_shared_memory,
    cuda_context,
    pickle_kernel,
    quick_compilation,
    rebuild_kernel,
    reduce_kernel,
    set_kernel_cache,
    target_key,
    without_gpu,
)
from tsrnn.kernels.jit.folders import readable_folders


class CudaKernelCache(KernelCache):
    """Compiled kernels on disk, by the architecture that they are for.

    A kernel counts as found only once it is loaded on the GPU.
    """

    target = "this GPU"

    def _paths(self, signature, target_context):
        """Files that may hold a signature."""
        name = self._file_name(signature, target_context)
        return [folder / name for folder in readable_folders()]

    def _file_name(self, signature, target_context):
        return file_name(self.name, signature, target_key(target_context))

    def _rebuild(self, target_context, payload):
        kernel = rebuild_kernel(pickle.loads(zlib.decompress(payload)))
        kernel.bind()
        return kernel

    def _reduce(self, compiled):
        return zlib.compress(pickle_kernel(reduce_kernel(compiled)), level=1)


def compile_kernel(function, dtype: str, shared_bytes: int):
    """The dispatcher of a kernel, on the GPU and allowed so much shared memory."""
    dispatcher, kernel = load_or_compile(function, dtype)
    allow_shared_memory(kernel, shared_bytes)
    return dispatcher


class KernelCall(NamedTuple):
    """A kernel such that another process can compile it beforehand, which needs no GPU."""

    cell: str  # its module
    head: str
    tile_config: TileConfig
    name: str  # in ``CudaKernels``
    dtype: str
    compute_capability: tuple[int, int]

    def compile(self) -> None:
        """Compile the kernel, and store it."""
        with without_gpu(self.compute_capability):
            load_or_compile(self._function(), self.dtype)

    @property
    def is_compiled(self) -> bool:
        """Whether a file holds the kernel."""
        cache = CudaKernelCache(_file_name(self._function()))
        with without_gpu(self.compute_capability):
            return cache.has_file(_signature(self.dtype), cuda_context())

    def _function(self):
        from tsrnn.kernels.cuda.kernels import compile_kernels

        cell, head = importlib.import_module(self.cell), heads.find(self.head)
        return getattr(compile_kernels(cell, self.dtype, self.tile_config, head), self.name)


def dispatcher_of(function):
    """A dispatcher of a kernel's function that has compiled nothing yet.

    Without optimisation at link time: by default numba-cuda compiles everything twice, to PTX and
    for that. It takes no account of the option in a call without the function.
    """
    from numba import cuda

    return cuda.jit(function, lto=False)


def load_or_compile(function, dtype: str) -> tuple:
    """A kernel's dispatcher, and its kernel for a dtype: from disk, or compiled and stored.

    Its file is named by the function's ``__qualname__``, which no kernel of other code may have.
    """
    dispatcher, signature = dispatcher_of(function), _signature(dtype)
    cache = CudaKernelCache(_file_name(function))
    set_kernel_cache(dispatcher, cache)
    with contextlib.ExitStack() as stack:
        if not cache.has_file(signature, dispatcher.targetctx):
            stack.enter_context(cache.compiling(signature, dispatcher.targetctx))
        stack.enter_context(quick_compilation())
        return dispatcher, dispatcher.compile(signature)


def _file_name(function):
    return f"cuda-{function.__qualname__}"


def _signature(dtype):
    """The types of a kernel's arguments."""
    real = types.float32 if dtype == "float32" else types.float64
    return types.void(real[::1], types.int64[::1], types.float64[::1], types.int64)
