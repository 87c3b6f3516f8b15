"""Compiled kernels on disk.

Numba's file cache ignores ``parallel=`` and the sources of captured functions, raises if no folder
is writable, and crashes on a damaged file. Here a file holds one compiled signature; its name has a
digest of everything the machine code depends on, it begins with a digest of its content, and
whatever is wrong with it counts as a cache miss.
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

from tsrnn.kernels.jit.numba_internals import (
    can_be_saved,
    rebuild_compiled,
    reduce_compiled,
    target_key,
)


class KernelCache:
    """Compiled signatures of one kernel on disk, with the interface of a dispatcher's cache.

    ``hits`` and ``misses`` count this process's look-ups. Nothing here raises: a folder or file
    that can't be used costs one warning per process and a compilation.
    """

    def __init__(self, name: str):
        self.name = name
        self.hits = self.misses = 0

    def load_overload(self, signature, target_context):
        """The compiled signature, or None if no file holds it."""
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
                compiled = rebuild_compiled(target_context, pickle.loads(payload))
            except Exception as error:  # damaged in some way: compile again
                _warn_once(f"Compiling again: cached kernel {path} can't be read ({error}).")
                continue
            self.hits += 1
            return compiled
        self.misses += 1
        return None

    def save_overload(self, signature, compiled):
        """Write the compiled signature to the first writable folder."""
        if not can_be_saved(compiled):
            return
        payload = pickle.dumps(reduce_compiled(compiled), protocol=pickle.HIGHEST_PROTOCOL)
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
            "Compiled kernels can't be cached, so every process compiles its own "
            f"({'; '.join(failures)}). Set NUMBA_CACHE_DIR to a folder that can be written."
        )

    def _replace(self, folder, file_name, content):
        """Write a file atomically, and delete the kernel's files made from other sources."""
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
        depends_on = (
            self.name,
            str(signature),
            target_key(target_context),
            SOURCES,
            numba.__version__,
            llvmlite.__version__,
            sys.version,
        )
        key = hashlib.sha256(repr(depends_on).encode()).hexdigest()
        return f"tsrnn-{self.name}-{SOURCES[:12]}-{key[:24]}.nbc"

    # The rest of the interface that a dispatcher expects.
    cache_path = property(lambda self: str(cache_folders()[0]))

    def enable(self):
        """Do nothing: the cache is always on."""

    disable = flush = enable


def cache_folders() -> list[Path]:
    """Folders for compiled kernels in order of preference; NUMBA_CACHE_DIR alone if it is set."""
    if numba.config.CACHE_DIR:
        return [Path(numba.config.CACHE_DIR) / "tsrnn"]
    home = Path.home() if os.environ.get("HOME") or os.name == "nt" else Path(tempfile.gettempdir())
    user = {
        "win32": Path(os.environ.get("LOCALAPPDATA", home)),
        "darwin": home / "Library" / "Caches",
    }.get(sys.platform, Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache"))
    return [Path(__file__).parents[1] / "__pycache__", user / "tsrnn"]


def has_file(name: str) -> bool:
    """Whether a compiled signature of a kernel, made from the present sources, is on disk."""
    pattern = f"tsrnn-{name}-{SOURCES[:12]}-*.nbc"
    return any(next(folder.glob(pattern), None) for folder in cache_folders())


def _digest_of_sources() -> str:
    """Digest of all source files that kernels may be compiled from."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


SOURCES = _digest_of_sources()


_warned = False  # whether this process has warned about the cache


def _warn_once(message):
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(message, RuntimeWarning, stacklevel=2)
