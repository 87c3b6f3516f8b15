"""Everything that kernels borrow from Numba's undocumented parts.

``tests/kernels/test_numba_internals.py`` tests it, and pyproject.toml bounds Numba by the versions
that pass. What CUDA alone needs is in ``cuda_internals``.
"""

import contextlib
import functools
import gc
import hashlib
from unittest import mock

import llvmlite.binding
from numba import _dynfunc
from numba.core import cgutils, typed_passes, untyped_passes
from numba.core.codegen import CPUCodeLibrary
from numba.core.compiler import CompileResult, DefaultPassBuilder
from numba.core.cpu import CPUContext
from numba.core.extending import _Intrinsic
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys
from numba.np.arrayobj import populate_array
from numba.np.ufunc import parallel as numba_threads
from numba.parfors.parfor import Parfor

# The processor that is compiled for.


def cpu_context() -> CPUContext:
    """The context in which functions are compiled for this machine's CPU."""
    return cpu_target.target_context


def is_cpu_context(context) -> bool:
    """Whether a context compiles for a CPU, not for a GPU."""
    return isinstance(context, CPUContext)


def target_machine(context):
    """The llvmlite ``TargetMachine`` of a CPU context."""
    return context.codegen()._tm


def target_key(context) -> tuple:
    """The triple, processor name and features that a context compiles for."""
    return context.codegen().magic_tuple()


def thread_pool_is_running() -> bool:
    """Whether this process has started Numba's threads, which do not survive a fork."""
    return numba_threads._is_initialized


# Intrinsics.


def callable_intrinsic(python_function):
    """Decorate the definition of an intrinsic, in whose place Python calls ``python_function``."""

    class CallableIntrinsic(_Intrinsic):  # type: ignore[misc]
        def __call__(self, *args):
            return python_function(*args)

    def decorate(definition):
        intrinsic = CallableIntrinsic(definition.__name__, definition)
        intrinsic._register()
        return intrinsic

    return decorate


def array_view(context, builder, array_type, data, shape, strides):
    """Emit an array over memory that it does not own; shape and strides are LLVM integers."""
    array = context.make_array(array_type)(context, builder)
    itemsize = strides[-1]
    populate_array(array, data=data, shape=shape, strides=strides, itemsize=itemsize, meminfo=None)
    return array._getvalue()


def declare_function(module, function_type, name):
    """The function of that name in an LLVM module, declared if it is not there yet."""
    return cgutils.get_or_insert_function(module, function_type, name)


# Compiled signatures on disk.


def set_cache(dispatcher, cache) -> None:
    """Let a dispatcher look up and save its compiled signatures in ``cache``.

    A signature that another process is compiling is waited for.
    """
    dispatcher._cache = cache
    compiler, context = dispatcher._compiler, dispatcher.targetctx
    compile_signature = compiler.compile

    def compile_once(args, return_type):
        with cache.compiling(args, context) as compiled:
            if compiled is None:
                compiled = compile_signature(args, return_type)
                cache.save_overload(args, compiled)
            else:
                library = [compiled.library]
                context.insert_user_function(compiled.entry_point, compiled.fndesc, library)
        return compiled

    compiler.compile = compile_once


def can_be_saved(compiled: CompileResult) -> bool:
    """Whether a compiled signature holds no addresses of this process."""
    return not (compiled.lifted or compiled.library.has_dynamic_globals)


def reduce_compiled(compiled: CompileResult) -> tuple:
    """A compiled signature as a tuple that can be pickled: the names it links to, and Numba's own.

    Numba keeps the code of LLVM too, two thirds of the whole, to inline it elsewhere. Nothing
    inlines a kernel: the names that it defines are enough. Its list of types is left out as well,
    which is for ``inspect_types`` and says where the sources are.
    """
    library, *rest = compiled._reduce()
    name, kind, (machine_code, bitcode) = library
    rest[_TYPES - 1] = ""
    module = llvmlite.binding.parse_bitcode(bitcode)
    return _names_linked(module), ((name, kind, (machine_code, _names_alone(module))), *rest)


_TYPES = 6  # the place of the list of types


def _names_linked(module):
    """What machine code is linked to: functions and variables of Python, Numba and C."""
    names = [
        value.name
        for value in (*module.functions, *module.global_variables)
        if value.is_declaration
    ]
    return [name for name in names if not name.startswith("llvm.")]


def _names_alone(module):
    """A module that defines the same names, as functions and variables without content."""
    lines = [
        f'define void @"{function.name}"() {{ ret void }}'
        for function in module.functions
        if not function.is_declaration
    ]
    lines += [
        f'@"{variable.name}" = global i8 0'
        for variable in module.global_variables
        if not variable.is_declaration
    ]
    return llvmlite.binding.parse_assembly("\n".join(lines)).as_bitcode()


def rebuild_compiled(context, reduced: tuple) -> CompileResult:
    """The compiled signature that ``reduce_compiled`` made the tuple of."""
    names, compiled = reduced
    rtsys.initialize(context)
    if not all(map(llvmlite.binding.address_of_symbol, names)):
        # Numba's list of all that it can compile, whose import registers the rest and takes longer
        # than all that a kernel needs to be loaded.
        context.refresh()
    return CompileResult._rebuild(context, *compiled)


# Compiling a kernel and the device functions that it calls as one LLVM module.


def compile_as_one_module(dispatcher, name: str) -> None:
    """Make a dispatcher optimise the device functions it calls as part of itself only.

    Numba optimises every function by itself and again in each that inlines it: five levels take
    five times as long. A device function is never called by itself.
    """
    compiler = dispatcher._compiler
    compile_signature = compiler.compile

    def compile_whole(args, return_type):
        with contextlib.ExitStack() as stack:
            stack.enter_context(_parallel_loops_named_by(f"{name} {args}"))
            stack.enter_context(_device_functions_left_raw(name))
            stack.enter_context(_few_passes())
            stack.enter_context(garbage_collection_off())
            compiled = compile_signature(args, return_type)
        for environment in compiled._find_referenced_environments():
            compiled.library.codegen.set_env(environment.env_name, environment)
        return compiled

    compiler.compile = compile_whole


@contextlib.contextmanager
def _parallel_loops_named_by(text):
    """Numba names the function of a parallel loop by an address: no two files would be the same."""

    def hash_of(loop):
        return int.from_bytes(hashlib.sha256(f"{text} {loop.id}".encode()).digest()[:7], "big")

    with mock.patch.object(Parfor, "__hash__", hash_of):
        yield


@contextlib.contextmanager
def _few_passes():
    """Leave out the passes over device functions that change nothing in them.

    They have no closures, ``with``, ``literally`` or ``literal_unroll``, and inline nothing before
    LLVM does.
    """
    original = DefaultPassBuilder.define_nopython_pipeline

    def define(state, name="nopython"):
        passes = original(state, name)
        if not state.flags.auto_parallel.enabled:
            passes.passes = [
                (kind, *rest) for kind, *rest in passes.passes if kind not in _SUPERFLUOUS_PASSES
            ]
        return passes

    with mock.patch.object(DefaultPassBuilder, "define_nopython_pipeline", staticmethod(define)):
        yield


_SUPERFLUOUS_PASSES = frozenset(
    [
        untyped_passes.WithLifting,
        untyped_passes.InlineClosureLikes,
        untyped_passes.MakeFunctionToJitFunction,
        untyped_passes.InlineInlinables,
        untyped_passes.FindLiterallyCalls,
        untyped_passes.LiteralUnroll,
        untyped_passes.LiteralPropagationSubPipelinePass,
        typed_passes.InlineOverloads,
        typed_passes.NoPythonSupportedFeatureValidation,
        typed_passes.DumpParforDiagnostics,
    ]
)


@contextlib.contextmanager
def garbage_collection_off():
    """The collector runs whenever objects pile up: an eighth of a compilation's time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextlib.contextmanager
def _device_functions_left_raw(name):
    """Optimise and load only the library of that name; Numba's compiler lock is held."""
    patches = {
        (CPUCodeLibrary, "_optimize_functions"): _optimize_functions(name),
        (CPUCodeLibrary, "finalize"): _finalize(name),
        (CPUCodeLibrary, "_optimize_final_module"): _optimize_final_module(name),
        (CPUContext, "get_executable"): _get_executable(name),
    }
    with contextlib.ExitStack() as stack:
        for (owner, method), replacement in patches.items():
            stack.enter_context(mock.patch.object(owner, method, replacement))
        yield


def _optimize_functions(name):
    original = CPUCodeLibrary._optimize_functions

    def optimize(library, module):
        if library.name == name:
            original(library, module)
        else:
            module.data_layout = library.codegen._data_layout

    return optimize


def _finalize(name):
    original = CPUCodeLibrary.finalize

    def finalize(library):
        if library.name == name:
            # The device functions were not linked to what they call.
            library._linking_libraries = [_RawLibrary(linked) for linked in _all_linked(library)]
            original(library)
        else:
            library._finalize_dynamic_globals()
            library._finalized = True
            # A user's function that calls the device function must link what that calls, too.
            library._get_module_for_linking = functools.partial(_module_with_all_linked, library)

    return finalize


def _optimize_final_module(name):
    original = CPUCodeLibrary._optimize_final_module

    def optimize(library):
        # Numba numbers functions from one in each process: device functions of two kernels cached
        # by two processes may share a name, and the second kernel would call the first's.
        for function in library._final_module.functions:
            if not function.is_declaration and name not in function.name:
                function.name = f"{name}.{function.name}"
        if library.name == name:
            # All passes once. Numba runs them twice, first to find superfluous reference counts,
            # of which there are none here: a third of the optimiser's time.
            builder = _pass_builder(library.codegen._tm)
            builder.getModulePassManager().run(library._final_module, builder)
        else:
            original(library)

    return optimize


def _pass_builder(machine):
    """LLVM's second level, and of what lengthens loops only vectors.

    The third level, unrolled and interleaved loops take a third longer to compile, and no kernel is
    faster: products unroll their own (``tsrnn.kernels.gemm``), and are most of the time.
    """
    tuning = llvmlite.binding.create_pipeline_tuning_options(speed_level=2)
    tuning.loop_vectorization = True
    tuning.slp_vectorization = tuning.loop_unrolling = tuning.loop_interleaving = False
    return llvmlite.binding.create_pass_builder(machine, tuning)


def _get_executable(name):
    original = CPUContext.get_executable

    def get_executable(context, library, fndesc, env):
        if library.name == name:
            return original(context, library, fndesc, env)
        module, short_name = fndesc.lookup_module(), fndesc.qualname.rpartition(".")[2]
        return _dynfunc.make_function(module, short_name, "", 0, env, (library,))

    return get_executable


class _RawLibrary:
    """A library that links its own module only: what it calls is linked to the kernel directly."""

    def __init__(self, library):
        self._library, self._reload_init = library, library._reload_init

    def _get_module_for_linking(self):
        return CPUCodeLibrary._get_module_for_linking(self._library)


def _module_with_all_linked(library):
    """A library's module with those of all libraries that it links, directly or not."""
    module = _RawLibrary(library)._get_module_for_linking().clone()
    for linked in _all_linked(library):
        module.link_in(_RawLibrary(linked)._get_module_for_linking(), preserve=True)
    return module


def _all_linked(library):
    """All libraries that one links, callers first: the linker drops what nothing calls yet."""
    ordered = {}

    def visit(linked):
        if linked not in ordered:
            ordered[linked] = None
            for other in linked._linking_libraries:
                visit(other)
            ordered[linked] = ordered.pop(linked)  # after all that it links

    visit(library)
    return list(ordered)[-2::-1]  # without the library itself
