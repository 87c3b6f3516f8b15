"""A GPU that is none, to measure what the host does: numba-cuda with stubs below it.

Memory of the GPU is the host's, copies are copies there, and kernels are empty: numba-cuda's own
classes for arrays, streams and launches run above that as they are. It must be made before
``numba.cuda`` is used, in a process without the simulator.
"""

import ctypes
import functools
import types

import numpy as np

COMPUTE_CAPABILITY = (9, 0)
MAX_SHARED_BYTES = 232_448  # of a block, on an H100
N_BYTES = 80 * 10**9


class StubDriver:
    """The functions of the driver that arrays and streams need; ``calls`` lists those called."""

    def __init__(self, binding):
        self.binding, self._memory = binding, {}
        self.calls: list[str] = []

    def calls_in_order(self) -> list[str]:
        """Calls that do something; those that ask for the context are left out."""
        return [name for name in self.calls if not name.startswith("cuCtxGet")]

    def functions(self):
        """Each function by its name, as numba-cuda calls it."""
        names = [name for name in dir(self) if name.startswith("cu")]
        return {name: self._counted(name, getattr(self, name)) for name in names}

    def _counted(self, name, function):
        @functools.wraps(function)
        def call(*args):
            self.calls.append(name)
            return function(*args)

        return call

    def _allocate(self, size):
        array = np.empty(max(size, 1), np.uint8)
        self._memory[array.ctypes.data] = array
        return array.ctypes.data

    def cuMemAlloc(self, size):
        return self.binding.CUdeviceptr(self._allocate(size))

    def cuMemHostAlloc(self, size, flags):
        return self._allocate(size)

    def cuMemFree(self, pointer):
        del self._memory[int(pointer)]

    cuMemFreeHost = cuMemFree

    def cuMemcpyHtoD(self, target, source, size, stream=None):
        ctypes.memmove(target, source, size)

    cuMemcpyDtoH = cuMemcpyHtoDAsync = cuMemcpyDtoHAsync = cuMemcpyHtoD

    def cuMemGetInfo(self):
        return N_BYTES, N_BYTES

    def cuStreamCreate(self, flags):
        return self.binding.CUstream(2)

    def cuStreamDestroy(self, stream):
        pass

    def cuStreamSynchronize(self, stream):
        pass

    def cuCtxGetCurrent(self):
        return 1

    def cuCtxGetDevice(self):
        return 0


def make() -> StubDriver:
    """Put the stubs below numba-cuda, and empty kernels in the place of this library's."""
    from numba import cuda
    from numba.cuda import codegen, dispatcher
    from numba.cuda.cudadrv import devices, driver

    from tsrnn.kernels.cuda import device

    stub = StubDriver(driver.binding)
    driver._logger = driver.make_logger()
    driver.driver.is_initialized, driver.driver.initialization_error = True, None
    for name, function in stub.functions().items():
        setattr(driver.driver, name, function)
    gpu = types.SimpleNamespace(
        id=0,
        compute_capability=COMPUTE_CAPABILITY,
        MAX_SHARED_MEMORY_PER_BLOCK_OPTIN=MAX_SHARED_BYTES,
    )
    context = driver.Context(gpu, 1)
    gpu.get_primary_context = lambda: context
    devices._DeviceList.lst = [devices._DeviceContextManager(gpu)]
    no_kernel = types.SimpleNamespace(kernel=None, module=None)
    codegen.CUDACodeLibrary.get_cufunc = lambda library: no_kernel
    dispatcher._Kernel.initialize_once = lambda kernel, module: None
    dispatcher.launch = lambda *args: None
    cuda.is_available = lambda: True

    @functools.cache
    def compiled(function, dtype):
        def nothing(floats, ints, doubles, step):
            pass

        real = np.dtype(dtype).name
        kernel = cuda.jit(nothing)
        kernel.compile(f"void({real}[::1], int64[::1], float64[::1], int64)")
        return kernel

    device._compiled = compiled
    device.compile_elsewhere = lambda *args: None  # no other process takes a core
    device.max_shared_bytes = lambda: MAX_SHARED_BYTES
    return stub
