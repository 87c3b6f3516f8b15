"""Everything that the CUDA target borrows from undocumented parts of numba-cuda and its simulator.

``tests/kernels/test_compiled_cuda.py`` and ``test_ptx.py`` test it, and pyproject.toml bounds
numba-cuda by the versions that pass. What needs numba-cuda is imported when it is called for.
"""

import contextlib
import functools
import importlib
from collections.abc import Iterator
from types import SimpleNamespace
from unittest import mock

from llvmlite import ir

from tsrnn.kernels.jit.numba_internals import garbage_collection_off

# The simulator.


class SimulatedCuda:
    """What ``numba.cuda`` is inside a kernel that the simulator runs."""

    def __getattr__(self, name):
        from numba.cuda.simulator import kernel

        return getattr(kernel._get_kernel_context(), name)


def simulated_array(array):
    """The NumPy array inside the wrapper that the simulator gives a kernel."""
    return array._item._ary if hasattr(array, "_item") else array


# What the driver does.


def cuda_error() -> type[Exception]:
    """What a call of the CUDA driver raises that fails."""
    from numba.cuda.cudadrv.driver import CudaAPIError

    return CudaAPIError


def import_compiler() -> None:
    """Import what numba-cuda imports as late as it compiles: it may not be made for this NumPy."""
    importlib.import_module("numba.cuda.np.arrayobj")


@functools.cache
def host_to_device():
    """A function (target, source, bytes, stream) that begins a copy to the GPU.

    Arrays of numba-cuda have a method for it, which first looks for twice as long at their shapes.
    """
    from numba.cuda.cudadrv import devices, driver

    return devices.require_context(driver.host_to_device)


def flush_deallocations(context) -> None:
    """Free what Numba has put off freeing of a GPU's memory, until there is more of it."""
    for owner in (context, context.memory_manager):  # others' managers may put off nothing
        if hasattr(owner, "deallocations"):
            owner.deallocations.clear()


# Compiled kernels.


def allow_shared_memory(kernel, n_bytes: int) -> None:
    """Load a compiled kernel, and let its blocks use more than 48 KB of shared memory."""
    from numba.cuda.cudadrv.driver import binding, driver

    function = kernel._codelibrary.get_cufunc()
    attribute = binding.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
    driver.cuKernelSetAttribute(attribute, n_bytes, function.handle, function.device.id)


def set_kernel_cache(dispatcher, cache) -> None:
    """Let a dispatcher look up and save its compiled kernels in ``cache``, as in numba-cuda's own.

    It calls ``cache.load_overload(signature, context)`` and, if that returns None, compiles, loads
    the kernel on the GPU and calls ``cache.save_overload(signature, kernel)``.
    """
    dispatcher._cache = cache


def cuda_context():
    """The context in which functions are compiled for GPUs."""
    from numba.cuda.descriptor import cuda_target

    return cuda_target.target_context


def target_key(context) -> tuple:
    """CUDA's and numba-cuda's version and the architecture that a context compiles for."""
    import numba_cuda

    return *context.codegen().magic_tuple(), numba_cuda.__version__


def reduce_kernel(kernel) -> dict:
    """A compiled kernel as what numba-cuda's own cache writes of it, PTX and machine code."""
    return kernel._reduce_states()


def rebuild_kernel(reduced: dict):
    """The compiled kernel that ``reduce_kernel`` took apart."""
    from numba.cuda.dispatcher import _Kernel

    return _Kernel._rebuild(**reduced)


def pickle_kernel(reduced: dict) -> bytes:
    """The bytes of a reduced kernel, which ``pickle.loads`` reads."""
    from numba.cuda.serialize import dumps

    return dumps(reduced)


# Compiling.


@contextlib.contextmanager
def without_gpu(compute_capability: tuple[int, int]) -> Iterator[list]:
    """Compile for GPUs of a compute capability without having one; no kernel can run.

    Yields a list of the machine code that would have been loaded on the GPU.
    """
    loaded: list = []
    device = SimpleNamespace(compute_capability=compute_capability, id=0)
    module = SimpleNamespace(initialized=True)
    module.get_function = lambda name: SimpleNamespace(module=module, name=name)

    def load(machine_code, *callbacks):
        loaded.append(machine_code.code)
        return module

    context = SimpleNamespace(device=device, create_module_image=load)
    patches = {
        "numba.cuda.dispatcher.get_current_device": lambda: device,
        "numba.cuda.cudadrv.devices.get_context": lambda *number: context,
    }
    with contextlib.ExitStack() as stack:
        for name, replacement in patches.items():
            stack.enter_context(mock.patch(name, replacement))
        yield loaded


@contextlib.contextmanager
def quick_compilation() -> Iterator[None]:
    """Compile kernels and their device functions in less time, as this library's allow.

    Without the passes over them that change nothing, and without copies of loops that LLVM makes
    for trip counts that it does not know, half of all machine code: but for the products, whose
    loops are where the time goes.
    """
    from numba.cuda.codegen import CUDACodeLibrary
    from numba.cuda.compiler import CUDACompiler
    from numba.cuda.core.compiler_lock import global_compiler_lock

    patches = {
        (CUDACompiler, "define_pipelines"): _fewer_passes(CUDACompiler.define_pipelines),
        (CUDACodeLibrary, "add_ir_module"): _loops_rolled(CUDACodeLibrary.add_ir_module),
    }
    with contextlib.ExitStack() as stack:
        stack.enter_context(global_compiler_lock)  # the patches are every thread's
        for (owner, method), replacement in patches.items():
            stack.enter_context(mock.patch.object(owner, method, replacement))
        stack.enter_context(garbage_collection_off())
        yield


def _fewer_passes(original):
    from numba.cuda.core import typed_passes, untyped_passes

    superfluous = {
        untyped_passes.WithLifting,
        untyped_passes.InlineClosureLikes,
        untyped_passes.MakeFunctionToJitFunction,
        untyped_passes.InlineInlinables,
        untyped_passes.FindLiterallyCalls,
        untyped_passes.LiteralUnroll,
        untyped_passes.LiteralPropagationSubPipelinePass,
        typed_passes.InlineOverloads,
    }

    def define_pipelines(compiler):
        pipelines = original(compiler)
        for passes in pipelines:
            passes.passes = [
                (kind, *rest) for kind, *rest in passes.passes if kind not in superfluous
            ]
        return pipelines

    return define_pipelines


# Functions whose loops LLVM may unroll by a number that it chooses.
_UNROLLED = ("kernels4cuda5steps", "15gemm_by_threads")
_RULE = "llvm.loop.unroll.runtime.disable"


def _loops_rolled(original):
    def add_ir_module(library, module):
        for function in module.functions:
            if not any(name in function.name for name in _UNROLLED):
                _roll_loops(module, function)
        original(library, module)

    return add_ir_module


def _roll_loops(module, function):
    """Forbid LLVM to unroll loops of a function whose trip count is known at run time only."""
    rule, seen = module.add_metadata([ir.MetaDataString(module, _RULE)]), set()
    for block in function.blocks:
        seen.add(block)
        if seen.intersection(block.terminator.operands):
            block.terminator.set_metadata("llvm.loop", _Loop(module, rule))


class _Loop(ir.MDValue):
    """A loop's metadata, which LLVM tells from others' by its reference to itself."""

    def __init__(self, module, rule):
        super().__init__(module, [], name=str(len(module.metadata)))
        self.operands = self, rule

    __eq__, __hash__ = object.__eq__, object.__hash__
