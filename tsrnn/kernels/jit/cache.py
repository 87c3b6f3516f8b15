"""Compiled kernels on disk.

Numba's own file cache is not used: its key ignores ``parallel=`` and the sources of captured
functions, it raises where no folder can be written, and a damaged file ends in a crash. Here a
file holds one compiled signature; its name holds a digest of everything the machine code depends
on, its first bytes a digest of the rest, and whatever is wrong with it is a miss.
"""

import hashlib
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
from numba.core.compiler import CompileResult


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
    return [Path(__file__).parents[1] / "__pycache__", user / "tsrnn"]


def has_file(name: str) -> bool:
    """Whether some signature of a kernel, made from these sources, is on disk."""
    pattern = f"tsrnn-{name}-{SOURCES[:12]}-*.nbc"
    return any(next(folder.glob(pattern), None) for folder in cache_folders())


def _digest_of_sources() -> str:
    """Digest of every source file that can end up in a kernel."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


SOURCES = _digest_of_sources()


_warned = False  # of the cache, in this process


def _warn_once(message):
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(message, RuntimeWarning, stacklevel=2)
