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
import hashlib
import math
import os
import pickle
import re
import sys
import tempfile
import threading
import warnings
from pathlib import Path

import llvmlite
import numba
import numpy as np
import scipy.linalg.cython_blas  # noqa: F401  Numba's products run in it: load it before its threads are held
from numba import types
from numba.core.compiler import CompileResult
from numba.extending import overload, register_jitable
from numba.np.ufunc import parallel as numba_threads
from threadpoolctl import ThreadpoolController

# No fast-math flag: how far LLVM uses its freedom depends on what is inlined where, so a serial, a
# parallel and a reloaded binary would round apart. The numpy error model saves a check a division.
LEAF_OPTIONS = {"error_model": "numpy"}
# Only explicit prange loops: looking for others costs compile time and finds nothing here.
_PRANGE_ONLY = dict.fromkeys(
    ("comprehension", "reduction", "inplace_binop", "setitem", "numpy", "stencil", "fusion"), False
) | {"prange": True}

leaf = register_jitable(**LEAF_OPTIONS)
# Left to itself LLVM keeps a cell's equations a call, and a loop around a call is not vectorised.
SCALAR_OPTIONS = LEAF_OPTIONS | {"forceinline": True}
scalar = register_jitable(**SCALAR_OPTIONS)


def like(x, value):
    """``value`` in the type of the scalar ``x``; a bare literal makes float32 maths float64."""
    return type(x)(value)


@overload(like, jit_options=SCALAR_OPTIONS)
def _like_compiled(x, value):
    dtype = np.float32 if x == types.float32 else np.float64
    return lambda x, value: dtype(value)


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
                dispatcher = numba.njit(
                    parallel=_PRANGE_ONLY if parallel else False, nogil=True, **LEAF_OPTIONS
                )(self._function)
                target = "parallel" if parallel else "serial"
                dispatcher._cache = KernelCache(f"{self.name}-{target}")
                self._dispatchers[parallel] = dispatcher
            return self._dispatchers[parallel]


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
    array = np.require(values, dtype=dtype, requirements=["C", "A"]).view(np.ndarray)
    return array if array.flags.writeable else array.copy()
