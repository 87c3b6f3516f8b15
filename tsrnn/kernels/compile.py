"""The one place that knows how kernels are compiled, cached and run on threads.

* ``scalar`` marks scalar maths and ``leaf`` passes over arrays: plain Python that is compiled into
  whatever kernel calls it.
* ``Kernel`` compiles one source twice on first use, serial and parallel, and keeps both on disk.
* ``claim_threads`` says how many tasks a kernel call may run at once, here and now, and holds the
  BLAS to one thread a task.

Numba's own file cache is not used: its key ignores ``parallel=`` and the sources of captured
functions, it raises where no folder can be written, and a damaged file ends in a crash. Here a
file holds one compiled signature; its name holds a digest of everything the machine code depends
on, its first bytes a digest of the rest, and whatever is wrong with it is a miss.
"""

import contextlib
import functools
import gc
import hashlib
import math
import os
import pickle
import platform
import re
import sys
import tempfile
import threading
import warnings
from pathlib import Path
from unittest import mock

import llvmlite.binding
import numba
import numpy as np
import scipy.linalg.cython_blas  # noqa: F401  Numba's products run in it: load it before its threads are held
from numba import _dynfunc, types
from numba.core.codegen import CPUCodeLibrary
from numba.core.compiler import CompileResult
from numba.core.cpu import CPUContext
from numba.extending import intrinsic, overload, register_jitable
from numba.np.arrayobj import populate_array
from numba.np.ufunc import parallel as numba_threads
from threadpoolctl import ThreadpoolController

# No fast-math flag: how far LLVM uses its freedom depends on what is inlined where, so a serial, a
# parallel and a reloaded binary would round apart. The numpy error model saves a check a division.
NUMERICS = {"error_model": "numpy"}
# Only explicit prange loops: looking for others costs compile time and finds nothing here.
_PRANGE_ONLY = dict.fromkeys(
    ("comprehension", "reduction", "inplace_binop", "setitem", "numpy", "stencil", "fusion"), False
) | {"prange": True}

# A leaf is called by kernels alone, which hold the arrays: it needs no wrapper for C and counts no
# references, which would be a third of its instructions. So it may allocate nothing.
LEAF_OPTIONS = NUMERICS | {"no_cfunc_wrapper": True, "_nrt": False}
leaf = register_jitable(**LEAF_OPTIONS)
# What returns an array must count: nothing, as it may only return views made by ``matrix``.
VIEW_OPTIONS = LEAF_OPTIONS | {"_nrt": True}
view = register_jitable(**VIEW_OPTIONS)
# Left to itself LLVM keeps a cell's equations a call, and a loop around a call is not vectorised.
SCALAR_OPTIONS = LEAF_OPTIONS | {"forceinline": True}
scalar = register_jitable(**SCALAR_OPTIONS)


@functools.cache
def has_fma() -> bool:
    """Whether the processor multiplies and adds in one instruction."""
    if platform.machine().lower() in ("arm64", "aarch64"):
        return True
    return bool(llvmlite.binding.get_host_cpu_features().get("fma"))


def like(x, value):
    """``value`` in the type of the scalar ``x``; a bare literal makes float32 maths float64."""
    return type(x)(value)


@overload(like, jit_options=SCALAR_OPTIONS)
def _like_compiled(x, value):
    dtype = np.float32 if x == types.float32 else np.float64
    return lambda x, value: dtype(value)


def matrix(values, first, n_rows, n_columns):
    """The (n_rows, n_columns) array that begins at ``first`` of a flat one."""
    return values[first : first + n_rows * n_columns].reshape(n_rows, n_columns)


@overload(matrix, jit_options=VIEW_OPTIONS)
def _matrix_compiled(values, first, n_rows, n_columns):
    return lambda values, first, n_rows, n_columns: _view(values, first, n_rows, n_columns)


@intrinsic
def _view(typing, values, first, n_rows, n_columns):
    """A 2-D view that refers to no owner: whoever calls the kernel holds the memory."""
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

    def dispatcher(self, parallel: bool):
        """Numba's dispatcher of one of the two binaries, made on first use."""
        with self._lock:
            if parallel not in self._dispatchers:
                name = f"{self.name}-{'parallel' if parallel else 'serial'}"
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
    """Optimise and load only the library of that name; Numba's compiler lock is held meanwhile."""
    optimise_functions = CPUCodeLibrary._optimize_functions
    optimise, finalise = (
        CPUCodeLibrary._optimize_final_module,
        CPUCodeLibrary._finalize_final_module,
    )
    get_executable = CPUContext.get_executable

    def optimise_own_functions(library, module):
        if library.name == name:
            optimise_functions(library, module)
        else:
            module.data_layout = library.codegen._data_layout

    def optimise_whole(library):
        if library.name == name:
            # Names of leaves count from one in each process: those of two kernels that were cached
            # by two processes may be the same, and the second would call the first's.
            for function in library._final_module.functions:
                if not function.is_declaration and name not in function.name:
                    function.name = f"{name}.{function.name}"
            optimise(library)

    def finalise_whole(library):
        if library.name == name:
            finalise(library)
        else:
            library._finalize_dynamic_globals()
            library._finalized = True

    def get_whole(context, library, fndesc, env):
        if library.name == name:
            return get_executable(context, library, fndesc, env)
        module, short_name = fndesc.lookup_module(), fndesc.qualname.rpartition(".")[2]
        return _dynfunc.make_function(module, short_name, "", 0, env, (library,))

    with (
        mock.patch.object(CPUCodeLibrary, "_optimize_functions", optimise_own_functions),
        mock.patch.object(CPUCodeLibrary, "_optimize_final_module", optimise_whole),
        mock.patch.object(CPUCodeLibrary, "_finalize_final_module", finalise_whole),
        mock.patch.object(CPUContext, "get_executable", get_whole),
    ):
        yield


class KernelCache:
    """Compiled signatures of one kernel on disk, in the form a Numba dispatcher asks for.

    ``hits`` and ``misses`` count this process's look-ups. Nothing here raises: a folder that can't
    be written or a file that can't be read costs one warning a process and a compilation.
    """

    def __init__(self, name: str):
        self.name = name
        self.hits = self.misses = 0

    def load_overload(self, signature, target_context):
        """The compiled signature, or None."""
        target_context.refresh()  # registers the symbols that cached machine code links to
        file_name = self._file_name(signature, target_context)
        for folder in cache_folders():
            path = folder / file_name
            try:
                content = path.read_bytes()
            except OSError:
                continue
            try:
                digest, payload = content[:32], content[32:]
                if hashlib.sha256(payload).digest() != digest:
                    raise ValueError("its checksum does not match")
                compiled = CompileResult._rebuild(target_context, *pickle.loads(payload))
            except Exception as error:  # damaged in whatever way: compile again
                _warn_once(f"Compiling again: cached kernel {path} can't be read ({error}).")
                continue
            self.hits += 1
            return compiled
        self.misses += 1
        return None

    def save_overload(self, signature, compiled):
        """Write the compiled signature to the first folder that takes it."""
        if compiled.lifted or compiled.library.has_dynamic_globals:
            return
        payload = pickle.dumps(compiled._reduce(), protocol=pickle.HIGHEST_PROTOCOL)
        content = hashlib.sha256(payload).digest() + payload
        file_name = self._file_name(signature, compiled.target_context)
        failures = []
        for folder in cache_folders():
            try:
                self._replace(folder, file_name, content)
                return
            except OSError as error:
                failures.append(f"{folder}: {error.strerror or error}")
        _warn_once(
            "Compiled kernels can't be kept, so every process compiles its own "
            f"({'; '.join(failures)}). Set NUMBA_CACHE_DIR to a folder that can be written."
        )

    def _replace(self, folder, file_name, content):
        """Write a file in one piece, and drop the kernel's files of other sources."""
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f"{file_name}.{os.getpid()}-{threading.get_ident()}.tmp"
        try:
            temporary.write_bytes(content)
            os.replace(temporary, folder / file_name)
        finally:
            temporary.unlink(missing_ok=True)
        stale = re.compile(
            rf"tsrnn-{re.escape(self.name)}-(?!{SOURCES[:12]}-)\w{{12}}-\w{{24}}\.nbc"
        )
        for path in folder.iterdir():
            if stale.fullmatch(path.name):
                path.unlink(missing_ok=True)

    def _file_name(self, signature, target_context):
        codegen = target_context.codegen()
        depends_on = (
            self.name,
            str(signature),
            codegen.magic_tuple(),  # processor and its features
            SOURCES,
            numba.__version__,
            llvmlite.__version__,
            sys.version,
        )
        key = hashlib.sha256(repr(depends_on).encode()).hexdigest()
        return f"tsrnn-{self.name}-{SOURCES[:12]}-{key[:24]}.nbc"

    # What else a dispatcher may ask of a cache.
    cache_path = property(lambda self: str(cache_folders()[0]))

    def enable(self):
        """Do nothing: the cache is always on."""

    disable = flush = enable


def cache_folders() -> list[Path]:
    """Folders that may hold compiled kernels, best first: NUMBA_CACHE_DIR alone where it is set."""
    if numba.config.CACHE_DIR:
        return [Path(numba.config.CACHE_DIR) / "tsrnn"]
    home = Path.home() if os.environ.get("HOME") or os.name == "nt" else Path(tempfile.gettempdir())
    user = {
        "win32": Path(os.environ.get("LOCALAPPDATA", home)),
        "darwin": home / "Library" / "Caches",
    }.get(sys.platform, Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache"))
    return [Path(__file__).parent / "__pycache__", user / "tsrnn"]


def _digest_of_sources() -> str:
    """Digest of every source file that can end up in a kernel."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


SOURCES = _digest_of_sources()


def _warn_once(message):
    if not _state.warned:
        _state.warned = True
        warnings.warn(message, RuntimeWarning, stacklevel=2)


class _State:
    """What this process knows of its threads; made anew in a forked child."""

    def __init__(self, warned=False, forked=False):
        self.warned = warned
        self.forked = forked  # from a parent whose thread pool did not survive the fork
        self.parallel = threading.Lock()  # held by the one caller that may run parallel kernels
        self.blas = threading.Lock()
        self.blas_holders = 0
        self.blas_before = None  # threads of each BLAS before the first holder came


_state = _State()
_blas_libraries = ThreadpoolController().select(user_api="blas").lib_controllers


def _after_fork():
    global _state
    before = _state.blas_before
    _state = _State(_state.warned, _state.forked or numba_threads._is_initialized)
    if before is not None:  # the parent's limit was copied with its memory; its holders were not
        _set_blas_threads(before)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def available_threads() -> int:
    """Threads that a parallel kernel may use: the processor's cores as Numba counts them."""
    return min(numba.config.NUMBA_NUM_THREADS, numba.config.NUMBA_DEFAULT_NUM_THREADS)


# Steps of hidden units below which threads save less than a second, and the parallel binary, twice
# as slow to compile, is not worth waiting for.
SMALL_WORK = 10**8


@contextlib.contextmanager
def claim_threads(n_jobs: int | None, work: float = math.inf):
    """Hold the BLAS to one thread and yield how many tasks a kernel may run at once.

    Parameters
    ----------
    n_jobs : int or None
        Threads asked for; None or -1 for all cores.
    work : float
        Steps of hidden units to be run: windows times time times units.

    Yields
    ------
    int
        1 (run the serial binary) where there is little work, or where threads would not survive:
        in a child forked after the parent ran parallel kernels, or while another Python thread
        runs them.
    """
    wanted = available_threads() if n_jobs in (None, -1) else min(n_jobs, available_threads())
    if work < SMALL_WORK:
        wanted = 1
    state = _state
    alone = wanted > 1 and not state.forked and state.parallel.acquire(blocking=False)
    try:
        with _single_threaded_blas(state):
            if not alone:
                yield 1
                return
            before = numba.get_num_threads()
            numba.set_num_threads(wanted)
            try:
                yield wanted
            finally:
                numba.set_num_threads(before)
    finally:
        if alone:
            state.parallel.release()


@contextlib.contextmanager
def _single_threaded_blas(state):
    """One BLAS thread while any caller is inside: first in sets the limit, last out lifts it."""
    with state.blas:
        if state.blas_holders == 0:
            state.blas_before = [library.get_num_threads() for library in _blas_libraries]
            _set_blas_threads([1] * len(_blas_libraries))
        state.blas_holders += 1
    try:
        yield
    finally:
        with state.blas:
            state.blas_holders -= 1
            if state.blas_holders == 0:
                _set_blas_threads(state.blas_before)
                state.blas_before = None


def _set_blas_threads(counts):
    for library, count in zip(_blas_libraries, counts, strict=True):
        # threadpoolctl lets only the Python thread that set a limit lift it; here the last holder
        # does, who need not be the first. 3.8 keeps the plain setter under another name.
        setter = getattr(library, "_real_set_num_threads", library.set_num_threads)
        setter(count)


def kernel_array(values, dtype=None) -> np.ndarray:
    """Turn an array of any origin (read-only, memory map, other order) into one kernels take.

    Returns a writable-typed, C-contiguous array of ``dtype``; copies only where it must.
    """
    if type(values) is np.ndarray and values.flags.carray and dtype in (None, values.dtype):
        return values
    array = np.require(values, dtype=dtype, requirements=["C", "A"]).view(np.ndarray)
    return array if array.flags.writeable else array.copy()
