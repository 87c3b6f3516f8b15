"""How kernels are compiled: ``scalar`` maths and ``device_function`` passes become part of them."""

import functools
import importlib
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import types
from numba.extending import overload, register_jitable

from tsrnn.kernels.jit import recording
from tsrnn.kernels.jit.cache import KernelCache, has_file
from tsrnn.kernels.jit.numba_internals import (
    array_view,
    callable_intrinsic,
    compile_as_one_module,
    cpu_context,
    set_cache,
)

# No fast-math flag: how far LLVM uses its freedom depends on what is inlined where, so a serial, a
# parallel and a reloaded binary would round differently. The numpy error model saves a check per
# division.
NUMERICS = {"error_model": "numpy"}
# Only explicit prange loops: looking for others costs compile time and finds nothing here.
_PRANGE_ONLY = dict.fromkeys(
    ("comprehension", "reduction", "inplace_binop", "setitem", "numpy", "stencil", "fusion"), False
) | {"prange": True}

# Only kernels call a device function, and they hold the arrays: it needs no C wrapper and counts
# no references, which would be a third of its instructions. So it must not allocate.
DEVICE_FUNCTION_OPTIONS = NUMERICS | {"no_cfunc_wrapper": True, "_nrt": False}
# It returns arrays, which are views made by ``matrix``, inside tuples only: then no target asks
# who owns them.
device_function = register_jitable(**DEVICE_FUNCTION_OPTIONS)
# By default LLVM leaves a cell's equations a call, and a loop around a call is not vectorised.
SCALAR_OPTIONS = DEVICE_FUNCTION_OPTIONS | {"forceinline": True}
scalar = register_jitable(**SCALAR_OPTIONS)


def like(x, value):
    """``value`` in the type of the scalar ``x``; a bare literal makes float32 maths float64."""
    return type(x)(value)


@overload(like, jit_options=SCALAR_OPTIONS)
def _like_compiled(x, value):
    dtype = np.float32 if x == types.float32 else np.float64
    return lambda x, value: dtype(value)


def _reshape(values, first, n_rows, n_columns):
    return values[first : first + n_rows * n_columns].reshape(n_rows, n_columns)


@callable_intrinsic(_reshape)
def matrix(typing, values, first, n_rows, n_columns):
    """The part of a flat array from ``first`` on as an (n_rows, n_columns) array.

    An intrinsic, as no function on a GPU may return an array. It holds no reference to the memory,
    which belongs to the kernel's caller.
    """
    result = types.Array(values.dtype, 2, "C")

    def generate(context, builder, signature, args):
        values, first, n_rows, n_columns = args
        flat = context.make_array(signature.args[0])(context, builder, values)
        size = context.get_constant(types.intp, context.get_abi_sizeof(flat.data.type.pointee))
        data, strides = builder.gep(flat.data, [first]), (builder.mul(n_columns, size), size)
        return array_view(context, builder, result, data, (n_rows, n_columns), strides)

    intp = types.intp
    return result(values, intp, intp, intp), generate


class Origin(NamedTuple):
    """How another process makes a kernel: a function of ``kernel_factory`` and its arguments."""

    module: str
    function: str
    args: tuple  # a module, as a cell is, by its name with "module " before
    number: int  # of the kernel among those that it makes

    def make(self) -> "Kernel":
        """The kernel."""
        args = [
            importlib.import_module(arg.removeprefix(_MODULE)) if _is_module(arg) else arg
            for arg in self.args
        ]
        made = getattr(importlib.import_module(self.module), self.function)(*args)
        return made[self.number] if isinstance(made, tuple) else made


_MODULE = "module "


def _is_module(arg):
    return isinstance(arg, str) and arg.startswith(_MODULE)


def kernel_factory(function: Callable) -> Callable:
    """Decorate a function that makes a kernel, or a NamedTuple of them, and let it do so once.

    Its arguments are modules, strings, numbers or None.
    """

    @functools.cache
    @functools.wraps(function)
    def make(*args):
        made = function(*args)
        named = tuple(
            _MODULE + arg.__name__ if isinstance(arg, ModuleType) else arg for arg in args
        )
        for number, kernel in enumerate(made if isinstance(made, tuple) else (made,)):
            kernel.origin = Origin(function.__module__, function.__qualname__, named, number)
        return made

    return make


class Call(NamedTuple):
    """What a kernel is called with, such that another process can compile it beforehand."""

    origin: Origin
    parallel: bool
    signature: tuple  # types of arguments

    def compile(self) -> bool:
        """Compile the kernel for it, or load its file; whether it was compiled."""
        return self.origin.make().compile(self.parallel, self.signature)

    @property
    def is_compiled(self) -> bool:
        """Whether this process or a file on disk has what it calls."""
        return self.origin.make().has_compiled(self.parallel, self.signature)

    @property
    def name(self) -> str:
        """The name of the kernel's binary."""
        return self.origin.make().binary(self.parallel)


def recorded_calls(work: Callable[[], Any], n_tasks: int, runs: bool = True) -> list[Call]:
    """The kernels that work calls where so many tasks may run at once; none is compiled.

    It runs in Python, a thousand times slower: tiny work is enough, as types are all that counts.
    If nothing depends on what kernels write, they need not run (``runs=False``).
    """
    with recording.recorded(n_tasks, runs) as record:
        work()
    return [Call(kernel.origin, *rest) for kernel, *rest in record.calls if kernel.origin]


class Kernel:
    """A function with a serial and a parallel binary, each compiled on first use and cached.

    ``function`` is plain Python with ``numba.prange`` over its tasks. Kernels that capture
    different device functions need different names: files in the cache are named by them.
    """

    def __init__(self, function: Callable, name: str):
        self.name = name
        self.origin: Origin | None = None  # by ``kernel_factory``
        self._function = function
        self._dispatchers: dict[bool, Any] = {}
        self._caches: dict[bool, KernelCache] = {}
        self._lock = threading.Lock()

    def __call__(self, n_tasks: int, *args):
        """Run the serial binary for one task, the parallel one for more."""
        return self.dispatcher(parallel=n_tasks > 1)(n_tasks, *args)

    def is_compiled(self, parallel: bool) -> bool:
        """Whether this process or a file on disk has the serial or the parallel binary."""
        return parallel in self._dispatchers or has_file(self.binary(parallel))

    def has_compiled(self, parallel: bool, signature: tuple) -> bool:
        """Whether this process or a file has a binary for types of arguments."""
        dispatcher = self.dispatcher(parallel)
        cache = self._caches[parallel]
        return signature in dispatcher.overloads or cache.has_file(signature, cpu_context())

    def binary(self, parallel: bool) -> str:
        """The name of the serial or the parallel binary."""
        return f"{self.name}-{'parallel' if parallel else 'serial'}"

    def compile(self, parallel: bool, signature: tuple) -> bool:
        """Compile a binary for types of arguments, or load its file; whether it was compiled."""
        dispatcher = self.dispatcher(parallel)
        n_before = self._caches[parallel].n_compiled
        dispatcher.compile(signature)
        return self._caches[parallel].n_compiled > n_before

    def dispatcher(self, parallel: bool):
        """Numba's dispatcher of the serial or the parallel binary, made on first use."""
        record = recording.current()
        if record is not None:
            return lambda *args: record.run(self, parallel, self._function, args)
        with self._lock:
            if parallel not in self._dispatchers:
                self._dispatchers[parallel] = self._make_dispatcher(parallel)
            return self._dispatchers[parallel]

    def _make_dispatcher(self, parallel):
        name, source = self.binary(parallel), self._function
        code = source.__code__.replace(co_filename=_without_folder(source.__code__.co_filename))
        function = type(source)(code, source.__globals__, closure=source.__closure__)
        # Machine code is looked up by this name, which no other kernel may have.
        function.__qualname__ = "tsrnn_" + name.replace("-", "_")
        options = NUMERICS | {"parallel": _PRANGE_ONLY if parallel else False, "nogil": True}
        dispatcher = numba.njit(**options)(function)
        compile_as_one_module(dispatcher, function.__qualname__)
        self._caches[parallel] = KernelCache(name)
        set_cache(dispatcher, self._caches[parallel])
        return dispatcher


def _without_folder(file):
    """A file of the library without where that is: exceptions name the file in machine code."""
    root = Path(__file__).parents[3]
    return Path(file).relative_to(root).as_posix() if Path(file).is_relative_to(root) else file


def kernel_array(values, dtype=None) -> np.ndarray:
    """A writable, C-contiguous array of ``dtype`` for kernels; copies only if it must."""
    if type(values) is np.ndarray and values.flags.carray and dtype in (None, values.dtype):
        return values
    array = np.require(values, dtype=dtype, requirements=["C", "A"]).view(np.ndarray)
    return array if array.flags.writeable else array.copy()
