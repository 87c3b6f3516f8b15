"""What is borrowed from Numba's undocumented parts is there and does what kernels rely on.

A failure names the Numba version: adapt ``tsrnn/kernels/jit/numba_internals.py`` to it, or the
bound in pyproject.toml.
"""

import contextlib
import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import llvmlite.binding
import numba
import numpy as np
import pytest
from numba.core.codegen import CPUCodeLibrary
from numba.core.compiler import CompileResult
from numba.core.cpu import CPUContext
from numba.core.extending import _Intrinsic
from numba.np.arrayobj import populate_array
from numba.parfors import parfor_lowering
from packaging.requirements import Requirement

from tsrnn.kernels.jit import cuda_internals, numba_internals
from tsrnn.kernels.jit.compile import device_function, matrix

ROOT = Path(__file__).parents[2]


def expect(condition, expected):
    """Fail with a message that names the Numba version and what was expected of it."""
    assert condition, f"Numba {numba.__version__}: expected {expected}"


def expect_parameters(function, *names):
    found = tuple(inspect.signature(function).parameters)
    expect(
        found[: len(names)] == names,
        f"{function.__qualname__}{names}, not {function.__name__}{found}",
    )


@pytest.fixture(scope="module")
def compiled():
    """A dispatcher compiled for an int64, and its compiled signature."""
    dispatcher = numba.njit(lambda x: x + 1)
    dispatcher.compile((numba.int64,))
    return dispatcher, dispatcher.overloads[(numba.int64,)]


def test_the_version_is_within_the_tested_bounds():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (allowed,) = (Requirement(r) for r in project["dependencies"] if r.startswith("numba>"))
    version = numba.__version__
    expect(allowed.specifier.contains(version, prereleases=True), f"{allowed}, not {version}")
    assert {s.operator for s in allowed.specifier} == {">=", "<"}  # bounded on both sides


@pytest.mark.parametrize(
    "name",
    [
        "_finalize_dynamic_globals",
        "_get_module_for_linking",
        "_optimize_final_module",
        "finalize",
    ],
)
def test_code_library_methods(name):
    expect(hasattr(CPUCodeLibrary, name), f"a method CPUCodeLibrary.{name}")
    parameters = list(inspect.signature(getattr(CPUCodeLibrary, name)).parameters.values())
    given = [p for p in parameters[1:] if p.default is p.empty]
    expect(not given, f"CPUCodeLibrary.{name}() to need no arguments, not {given}")


def test_code_library_optimises_functions_of_a_module():
    expect(hasattr(CPUCodeLibrary, "_optimize_functions"), "CPUCodeLibrary._optimize_functions")
    expect_parameters(CPUCodeLibrary._optimize_functions, "self", "ll_module")


@pytest.mark.parametrize(
    "name", ["_final_module", "_finalized", "_linking_libraries", "_reload_init", "name", "codegen"]
)
def test_code_library_attributes(name, compiled):
    library = compiled[1].library
    expect(hasattr(library, name), f"an attribute {name} of code libraries")


def test_linked_libraries_can_be_iterated_and_replaced(compiled):
    library = compiled[1].library
    linked = library._linking_libraries
    expect(hasattr(linked, "__iter__"), "an iterable CodeLibrary._linking_libraries")
    library._linking_libraries = [library]
    expect(list(library._linking_libraries) == [library], "_linking_libraries that can be set")
    library._linking_libraries = linked


def test_code_generator(compiled):
    codegen = compiled[1].library.codegen
    expect(isinstance(codegen._data_layout, str), "codegen._data_layout, a str")
    passes, builder = codegen._module_pass_manager()
    expect(hasattr(passes, "run"), "(passes, builder) from codegen._module_pass_manager()")
    expect(builder is not None, "a pass builder from codegen._module_pass_manager()")
    expect(hasattr(codegen, "set_env"), "codegen.set_env")
    expect_parameters(codegen.set_env, "env_name", "env")


def test_executables_are_made_by_the_cpu_context():
    expect_parameters(CPUContext.get_executable, "self", "library", "fndesc", "env")
    expect(hasattr(numba_internals._dynfunc, "make_function"), "numba._dynfunc.make_function")


def test_function_descriptors_know_module_and_name(compiled):
    descriptor = compiled[1].fndesc
    expect(hasattr(descriptor, "lookup_module"), "fndesc.lookup_module")
    expect(isinstance(descriptor.qualname, str), "fndesc.qualname, a str")


def test_environments_can_be_found(compiled):
    expect(
        hasattr(compiled[1], "_find_referenced_environments"),
        "CompileResult._find_referenced_environments",
    )


def test_parallel_loops_are_named_by_their_hash_and_numbered():
    source = inspect.getsource(parfor_lowering._create_gufunc_for_parfor_body)
    expect("hash(parfor)" in source, "functions of parallel loops named by hash(parfor)")
    source = inspect.getsource(numba_internals.Parfor.__init__)
    expect("self.id = " in source, "Parfor.id")


def test_dispatchers_compile_by_a_compiler_that_can_be_wrapped():
    dispatcher, calls = numba.njit(lambda x: x + 1), []
    compiler = dispatcher._compiler
    compile_signature = compiler.compile
    compiler.compile = lambda *args: calls.append(args) or compile_signature(*args)
    expect(
        dispatcher(1) == 2 and len(calls) == 1, "dispatcher._compiler.compile(args, return_type)"
    )
    expect(len(calls[0]) == 2, "dispatcher._compiler.compile(args, return_type)")


def test_a_kernel_is_compiled_as_one_module(monkeypatch):
    names, optimise = [], numba_internals.CPUCodeLibrary._optimize_functions

    @device_function
    def double(x):
        return 2 * x

    def borrowed_kernel(x):
        return double(x) + 1

    borrowed_kernel.__qualname__ = "borrowed_kernel"
    monkeypatch.setattr(
        CPUCodeLibrary,
        "_optimize_functions",
        lambda library, module: names.append(library.name) or optimise(library, module),
    )
    dispatcher = numba.njit(borrowed_kernel)
    numba_internals.compile_as_one_module(dispatcher, "borrowed_kernel")
    expect(dispatcher(3) == 7, "a kernel with a device function to compute 7")
    expect(set(names) == {"borrowed_kernel"}, f"one library to be optimised, not {names}")


def test_dispatchers_ask_their_cache():
    class Cache:
        def __init__(self):
            self.calls = []

        def load_overload(self, signature, target_context):
            self.calls.append("load")

        def save_overload(self, signature, compiled):
            self.calls.append("save")

        @contextlib.contextmanager
        def compiling(self, signature, target_context):
            self.calls.append("compile")
            yield self.compiled

        compiled = None

    dispatcher, cache = numba.njit(lambda x: x + 1), Cache()
    numba_internals.set_cache(dispatcher, cache)
    dispatcher(1)
    wanted = ["load", "compile", "save", "save"]  # the latter by the dispatcher
    expect(cache.calls == wanted, f"{wanted}, not {cache.calls}")
    (compiled,) = dispatcher.overloads.values()
    reduced = numba_internals.reduce_compiled(compiled)
    context = numba_internals.cpu_context()
    cache.compiled, cache.calls = numba_internals.rebuild_compiled(context, reduced), []
    other = numba.njit(lambda x: x + 2)
    numba_internals.set_cache(other, cache)
    expect(other(1) == 2, "what another process compiled, x + 1, to be taken")
    expect(cache.calls == ["load", "compile", "save"], f"no compilation, not {cache.calls}")


def test_compiled_signatures_can_be_reduced_and_rebuilt(compiled):
    _, result = compiled
    expect(numba_internals.can_be_saved(result), "a function without globals to be savable")
    reduced = numba_internals.reduce_compiled(result)
    expect(isinstance(reduced, tuple), "CompileResult._reduce() to return a tuple")
    fields = "libdata", "fndesc", "env", "signature", "objectmode", "lifted", "typeann"
    expect_parameters(CompileResult._rebuild, "target_context", *fields)
    names, rest = reduced
    expect(rest[6] == "" and __file__ not in repr(reduced), "no list of types, with this file")
    expect("PyErr_Format" in names or "PyErr_SetString" in names, f"names of Python in {names}")
    rebuilt = numba_internals.rebuild_compiled(numba_internals.cpu_context(), reduced)
    expect(rebuilt.entry_point(41) == 42, "a rebuilt function that computes 42")


@pytest.mark.parametrize("missing", [[], ["no_such_function"]])
def test_what_is_missing_is_registered(compiled, monkeypatch, missing):
    names, rest = numba_internals.reduce_compiled(compiled[1])
    refreshed = []
    monkeypatch.setattr(CPUContext, "refresh", lambda context: refreshed.append(context))
    numba_internals.rebuild_compiled(numba_internals.cpu_context(), (names + missing, rest))
    expect(len(refreshed) == len(missing), f"{names} to be symbols of the process")


def test_the_context_knows_its_processor():
    context = numba_internals.cpu_context()
    expect(numba_internals.is_cpu_context(context), "cpu_target.target_context to be a CPUContext")
    machine = numba_internals.target_machine(context)
    expect(isinstance(machine, llvmlite.binding.TargetMachine), "codegen()._tm, a TargetMachine")
    key = numba_internals.target_key(context)
    expect(len(key) == 3, f"triple, processor and features from codegen().magic_tuple(), not {key}")


def test_the_thread_pool_tells_whether_it_runs():
    from numba.np.ufunc import parallel

    parallel._launch_threads()
    expect(numba_internals.thread_pool_is_running() is True, "parallel._is_initialized to be True")


def test_intrinsics_can_be_called_from_python():
    expect(hasattr(_Intrinsic, "_register"), "_Intrinsic._register")
    expect_parameters(_Intrinsic.__init__, "self", "name", "defn")
    expect_parameters(populate_array, "array", "data", "shape", "strides", "itemsize", "meminfo")
    values = np.arange(12.0)
    expect(np.array_equal(matrix(values, 2, 2, 3), values[2:8].reshape(2, 3)), "matrix in Python")
    total = numba.njit(lambda values: matrix(values, 2, 2, 3)[1, 2])
    expect(total(values) == 7.0, "a compiled intrinsic that returns a view of an array")


def test_functions_can_be_declared_in_a_module():
    from llvmlite import ir

    module = ir.Module("test")
    kind = ir.FunctionType(ir.VoidType(), [])
    first = numba_internals.declare_function(module, kind, "f")
    expect(first is numba_internals.declare_function(module, kind, "f"), "one declaration")


def test_the_simulator_gives_its_context_and_arrays(cuda):
    if not numba.config.ENABLE_CUDASIM:
        pytest.skip("there is a GPU: nothing is simulated")
    from numba import cuda as numba_cuda

    simulated = cuda_internals.SimulatedCuda()
    kinds, threads = [], []

    @numba_cuda.jit
    def kernel(x):
        kinds.append(type(cuda_internals.simulated_array(x)))
        threads.append(simulated.threadIdx.x)

    kernel[1, 1](np.zeros(3))
    expect(kinds == [np.ndarray], f"an ndarray in array._item._ary, not {kinds}")
    expect(threads == [0], "threadIdx of simulator.kernel._get_kernel_context()")


IN_CUDA = """
import inspect, json
from numba.cuda import codegen, dispatcher
from numba.cuda.compiler import CUDACompiler
from numba.cuda.cudadrv import devices, driver
from tsrnn.kernels.jit import cuda_internals
attributes = driver.binding.CUfunction_attribute
print(json.dumps({
    "CUDADispatcher.compile": hasattr(dispatcher.CUDADispatcher, "compile"),
    "_Kernel._codelibrary": "self._codelibrary" in inspect.getsource(dispatcher._Kernel),
    "CUDACodeLibrary.get_cufunc": hasattr(codegen.CUDACodeLibrary, "get_cufunc"),
    "CUDACodeLibrary.add_ir_module": hasattr(codegen.CUDACodeLibrary, "add_ir_module"),
    "CUDACompiler.define_pipelines": hasattr(CUDACompiler, "define_pipelines"),
    "_Kernel._rebuild": set(inspect.signature(dispatcher._Kernel._rebuild).parameters)
    >= {"name", "signature", "codelibrary"},
    "_Kernel._reduce_states": hasattr(dispatcher._Kernel, "_reduce_states"),
    "CUDADispatcher._cache": all(
        f"self._cache.{name}_overload(sig, " in inspect.getsource(dispatcher.CUDADispatcher.compile)
        for name in ("load", "save")
    ),
    "dispatcher.get_current_device": hasattr(dispatcher, "get_current_device"),
    "devices.get_context": "devices.get_context()" in inspect.getsource(codegen),
    "driver.driver": hasattr(driver, "driver"),
    "driver.host_to_device": list(inspect.signature(cuda_internals.host_to_device()).parameters)
    == ["dst", "src", "size", "stream"],
    "driver.CudaAPIError": issubclass(driver.CudaAPIError, Exception),
    "np.arrayobj": cuda_internals.import_compiler() is None,
    "Context.deallocations": "self.deallocations" in inspect.getsource(driver.Context.__init__),
    "BaseCUDAMemoryManager.deallocations": "self.deallocations"
    in inspect.getsource(driver.HostOnlyCUDAMemoryManager.__init__),
    "_PendingDeallocs.clear": hasattr(driver._PendingDeallocs, "clear"),
    "driver.binding.cuKernelSetAttribute": hasattr(driver.binding, "cuKernelSetAttribute"),
    "MAX_DYNAMIC_SHARED_SIZE_BYTES": hasattr(
        attributes, "CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES"
    ),
}))
"""


def test_the_cuda_driver_takes_attributes_of_kernels():
    """In a process of its own, without the simulator; needs no GPU."""
    numba_cuda = pytest.importorskip("numba_cuda", reason="numba-cuda is not installed")
    done = subprocess.run(
        [sys.executable, "-c", IN_CUDA],
        capture_output=True,
        text=True,
        env=os.environ | {"NUMBA_ENABLE_CUDASIM": "0"},
    )
    version = f"numba-cuda {numba_cuda.__version__} and Numba {numba.__version__}"
    assert done.returncode == 0, f"{version}: {done.stderr[-1000:]}"
    missing = [name for name, there in json.loads(done.stdout).items() if not there]
    assert not missing, f"{version}: expected {missing}"


def test_passes_that_are_left_out_change_nothing(monkeypatch):
    def instructions(name):
        @device_function
        def add_to(values, pair, factor):
            for k in range(values.shape[0]):
                values[k] += pair[0] * factor if k % 2 else float(pair[1])

        def work(values, n):
            for _ in range(n):
                add_to(values, (2.0, n), values[0])

        work.__qualname__ = name
        dispatcher = numba.njit(error_model="numpy")(work)
        numba_internals.compile_as_one_module(dispatcher, name)
        dispatcher.compile((numba.float64[::1], numba.int64))
        (text,) = dispatcher.inspect_llvm().values()
        return re.findall(r"^  (?:%\S+ = )?(\w+)", text, flags=re.MULTILINE)

    lean = instructions("lean")
    assert lean.count("fmul") >= 1
    define, seen = numba_internals.DefaultPassBuilder.define_nopython_pipeline, []

    def define_and_see(state, name="nopython"):
        passes = define(state, name)
        seen.append({kind for kind, *_ in passes.passes})
        return passes

    builder = numba_internals.DefaultPassBuilder
    monkeypatch.setattr(builder, "define_nopython_pipeline", staticmethod(define_and_see))
    monkeypatch.setattr(numba_internals, "_few_passes", contextlib.nullcontext)
    assert instructions("full") == lean
    missing = numba_internals._SUPERFLUOUS_PASSES - set.intersection(*seen)
    expect(not missing, f"passes {missing} in its pipeline")
