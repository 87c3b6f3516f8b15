"""The one place that knows how kernels are compiled.

* ``scalar`` marks scalar maths and ``device_function`` passes over arrays: plain Python that is compiled into
  whatever kernel calls it.
* ``Kernel`` compiles one source twice on first use, serial and parallel, and keeps both on disk.
"""

import contextlib
import functools
import gc
import threading
from unittest import mock

import numba
import numpy as np
from numba import _dynfunc, types
from numba.core.codegen import CPUCodeLibrary
from numba.core.cpu import CPUContext
from numba.core.extending import _Intrinsic
from numba.extending import overload, register_jitable
from numba.np.arrayobj import populate_array

from tsrnn.kernels.jit.cache import KernelCache, has_file

# No fast-math flag: how far LLVM uses its freedom depends on what is inlined where, so a serial, a
# parallel and a reloaded binary would round apart. The numpy error model saves a check a division.
NUMERICS = {"error_model": "numpy"}
# Only explicit prange loops: looking for others costs compile time and finds nothing here.
_PRANGE_ONLY = dict.fromkeys(
    ("comprehension", "reduction", "inplace_binop", "setitem", "numpy", "stencil", "fusion"), False
) | {"prange": True}

# A leaf is called by kernels alone, which hold the arrays: it needs no wrapper for C and counts no
# references, which would be a third of its instructions. So it may allocate nothing.
DEVICE_FUNCTION_OPTIONS = NUMERICS | {"no_cfunc_wrapper": True, "_nrt": False}
# It returns arrays, views made by ``matrix``, in tuples only: no target then asks who owns them.
device_function = register_jitable(**DEVICE_FUNCTION_OPTIONS)
# Left to itself LLVM keeps a cell's equations a call, and a loop around a call is not vectorised.
SCALAR_OPTIONS = DEVICE_FUNCTION_OPTIONS | {"forceinline": True}
scalar = register_jitable(**SCALAR_OPTIONS)


def like(x, value):
    """``value`` in the type of the scalar ``x``; a bare literal makes float32 maths float64."""
    return type(x)(value)


@overload(like, jit_options=SCALAR_OPTIONS)
def _like_compiled(x, value):
    dtype = np.float32 if x == types.float32 else np.float64
    return lambda x, value: dtype(value)


class _Matrix(_Intrinsic):
    """Compiled in place, as no function on a GPU may return an array; Python calls it too."""

    def __call__(self, values, first, n_rows, n_columns):
        return values[first : first + n_rows * n_columns].reshape(n_rows, n_columns)


def _matrix(typing, values, first, n_rows, n_columns):
    """The (n_rows, n_columns) array that begins at ``first`` of a flat one.

    It refers to no owner: whoever calls the kernel holds the memory.
    """
    result = types.Array(values.dtype, 2, "C")

    def generate(context, builder, signature, args):
        values, first, n_rows, n_columns = args
        flat = context.make_array(signature.args[0])(context, builder, values)
        made = context.make_array(result)(context, builder)
        size = context.get_constant(types.intp, context.get_abi_sizeof(flat.data.type.pointee))
        populate_array(
            made,
            data=builder.gep(flat.data, [first]),
            shape=(n_rows, n_columns),
            strides=(builder.mul(n_columns, size), size),
            itemsize=size,
            meminfo=None,
        )
        return made._getvalue()

    intp = types.intp
    return result(values, intp, intp, intp), generate


matrix = _Matrix("matrix", _matrix)
matrix._register()


class Kernel:
    """A compiled function with a serial and a parallel binary from one source.

    Parameters
    ----------
    function : callable
        Plain Python over arrays and scalars, with ``numba.prange`` over its tasks. Its closure may
        hold leaf functions, which ``name`` must tell apart.
    name : str
        Unique name of the kernel; part of the names of its cache files.
    """

    def __init__(self, function, name: str):
        self.name = name
        self._function = function
        self._dispatchers = {}
        self._lock = threading.Lock()

    def __call__(self, n_tasks: int, *args):
        """Run the serial binary for one task, the parallel one for more."""
        return self.dispatcher(parallel=n_tasks > 1)(n_tasks, *args)

    def is_compiled(self, parallel: bool) -> bool:
        """Whether this process or a file on disk has one of the two binaries."""
        return parallel in self._dispatchers or has_file(self._binary(parallel))

    def _binary(self, parallel):
        return f"{self.name}-{'parallel' if parallel else 'serial'}"

    def dispatcher(self, parallel: bool):
        """Numba's dispatcher of one of the two binaries, made on first use."""
        with self._lock:
            if parallel not in self._dispatchers:
                name = self._binary(parallel)
                source = self._function
                function = type(source)(
                    source.__code__, source.__globals__, closure=source.__closure__
                )
                # Machine code is found by this name: no other kernel's may be the same.
                function.__qualname__ = "tsrnn_" + name.replace("-", "_")
                dispatcher = numba.njit(
                    parallel=_PRANGE_ONLY if parallel else False, nogil=True, **NUMERICS
                )(function)
                _compile_as_one_module(dispatcher, function.__qualname__)
                dispatcher._cache = KernelCache(name)
                self._dispatchers[parallel] = dispatcher
            return self._dispatchers[parallel]


def _compile_as_one_module(dispatcher, name):
    """Make a dispatcher optimise the functions that it calls with itself, and not one by one too.

    Numba optimises every function it compiles, and turns it into machine code, and does the same
    again to each function that calls it: five levels of leaf functions take five times as long. A
    leaf is never called by itself, so only the whole is worth the work.
    """
    compiler = dispatcher._compiler
    compile_signature = compiler.compile

    def compile_whole(args, return_type):
        with _leaves_left_raw(name), _no_garbage_collected():
            compiled = compile_signature(args, return_type)
        for environment in compiled._find_referenced_environments():
            compiled.library.codegen.set_env(environment.env_name, environment)
        return compiled

    compiler.compile = compile_whole


@contextlib.contextmanager
def _no_garbage_collected():
    """Python looks for garbage whenever objects pile up: an eighth of a compilation's time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextlib.contextmanager
def _leaves_left_raw(name):
    """Link, optimise and load only the library of that name; Numba's compiler lock is held."""
    optimise_functions, finalise = CPUCodeLibrary._optimize_functions, CPUCodeLibrary.finalize
    optimise, get_executable = CPUCodeLibrary._optimize_final_module, CPUContext.get_executable

    def optimise_own_functions(library, module):
        if library.name == name:
            optimise_functions(library, module)
        else:
            module.data_layout = library.codegen._data_layout

    def finalise_whole(library):
        if library.name == name:
            # What the leaves call was not linked to them.
            library._linking_libraries = [_Leaf(linked) for linked in _all_linked(library)]
            finalise(library)
        else:
            library._finalize_dynamic_globals()
            library._finalized = True
            # A function of somebody else's that calls the leaf takes what it calls along.
            library._get_module_for_linking = functools.partial(_module_with_all_linked, library)

    def optimise_whole(library):
        # Names of leaves count from one in each process: those of two kernels that were cached by
        # two processes may be the same, and the second would call the first's.
        for function in library._final_module.functions:
            if not function.is_declaration and name not in function.name:
                function.name = f"{name}.{function.name}"
        if library.name == name:
            # All passes once. Numba runs them twice, the first time to find references counted in
            # vain, which leaves do not have: a third of the optimiser's time.
            passes, builder = library.codegen._module_pass_manager()
            passes.run(library._final_module, builder)
        else:
            optimise(library)

    def get_whole(context, library, fndesc, env):
        if library.name == name:
            return get_executable(context, library, fndesc, env)
        module, short_name = fndesc.lookup_module(), fndesc.qualname.rpartition(".")[2]
        return _dynfunc.make_function(module, short_name, "", 0, env, (library,))

    with (
        mock.patch.object(CPUCodeLibrary, "_optimize_functions", optimise_own_functions),
        mock.patch.object(CPUCodeLibrary, "finalize", finalise_whole),
        mock.patch.object(CPUCodeLibrary, "_optimize_final_module", optimise_whole),
        mock.patch.object(CPUContext, "get_executable", get_whole),
    ):
        yield


class _Leaf:
    """A library as a kernel links it: by itself, as what it calls is linked too."""

    def __init__(self, library):
        self._library, self._reload_init = library, library._reload_init

    def _get_module_for_linking(self):
        return CPUCodeLibrary._get_module_for_linking(self._library)


def _module_with_all_linked(library):
    """The module of a library with those of all that it links."""
    module = _Leaf(library)._get_module_for_linking().clone()
    for linked in _all_linked(library):
        module.link_in(_Leaf(linked)._get_module_for_linking(), preserve=True)
    return module


def _all_linked(library):
    """The libraries that a library links, those that they link, and so on, callers first.

    The linker drops a leaf that nothing calls yet.
    """
    found = {}

    def visit(one):
        if one not in found:
            found[one] = None
            for other in one._linking_libraries:
                visit(other)
            found[one] = found.pop(one)  # after all that it links

    visit(library)
    return list(found)[-2::-1]  # but for the library itself


def kernel_array(values, dtype=None) -> np.ndarray:
    """Turn an array of any origin (read-only, memory map, other order) into one kernels take.

    Returns a writable-typed, C-contiguous array of ``dtype``; copies only where it must.
    """
    if type(values) is np.ndarray and values.flags.carray and dtype in (None, values.dtype):
        return values
    array = np.require(values, dtype=dtype, requirements=["C", "A"]).view(np.ndarray)
    return array if array.flags.writeable else array.copy()
