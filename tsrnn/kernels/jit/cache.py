"""Compiled kernels on disk.

Numba's file cache ignores ``parallel=`` and the sources of captured functions, raises if no folder
is writable, and crashes on a damaged file. Here a file holds one compiled signature; its name has a
digest of everything the machine code depends on, it begins with a digest of its content, and
whatever is wrong with it counts as a cache miss.
"""

import contextlib
import hashlib
import importlib.util
import logging
import os
import pickle
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import llvmlite
import numba
import numpy as np

from tsrnn.kernels.jit.folders import (
    SHIPPED,
    cache_folders,
    make_private,
    readable_folders,
    warn_once,
    writable_folder,
)
from tsrnn.kernels.jit.levels import host_levels, level_key
from tsrnn.kernels.jit.locks import locked
from tsrnn.kernels.jit.numba_internals import (
    can_be_saved,
    rebuild_compiled,
    reduce_compiled,
    target_key,
)

_SAID_AFTER = 1.0  # seconds of compiling

_log = logging.getLogger("tsrnn")


class KernelCache:
    """Compiled signatures of one kernel on disk, with the interface of a dispatcher's cache.

    ``hits`` and ``misses`` count this process's look-ups, ``n_compiled`` what it compiled. Nothing
    here raises: a folder or file that can't be used costs one warning per process and a
    compilation.
    """

    target = "this processor"  # what is compiled for

    def __init__(self, name: str):
        self.name = name
        self.hits = self.misses = self.n_compiled = 0
        self._written: set[str] = set()  # files, by this process or another that it waited for

    def load_overload(self, signature, target_context):
        """The compiled signature, or None if no file holds it."""
        compiled = self._find(signature, target_context)
        self.hits += compiled is not None
        self.misses += compiled is None
        return compiled

    def has_file(self, signature, target_context) -> bool:
        """Whether a file holds a signature; it may be damaged."""
        return any(path.exists() for path in self._paths(signature, target_context))

    def _find(self, signature, target_context):
        for path in self._paths(signature, target_context):
            try:
                content = path.read_bytes()
            except OSError:
                continue
            try:
                digest, payload = content[:32], content[32:]
                if hashlib.sha256(payload).digest() != digest:
                    raise ValueError("its checksum does not match")
                return self._rebuild(target_context, payload)
            except Exception as error:  # damaged in some way: compile again
                warn_once(f"Compiling again: cached kernel {path} can't be read ({error}).")
        return None

    def _paths(self, signature, target_context):
        """Files that may hold a signature: of a wheel, the best level first; and compiled here."""
        for level in host_levels():
            yield SHIPPED / file_name(self.name, signature, level_key(level))
        name = self._file_name(signature, target_context)
        for folder in readable_folders():
            yield folder / name

    def _file_name(self, signature, target_context):
        """The file that a signature compiled here is written to."""
        return file_name(self.name, signature, target_key(target_context))

    def _rebuild(self, target_context, payload):
        """The compiled signature in a file."""
        return rebuild_compiled(target_context, pickle.loads(payload))

    def _reduce(self, compiled):
        """The bytes that ``_rebuild`` reads, or None if it can't be saved."""
        if not can_be_saved(compiled):
            return None
        return pickle.dumps(reduce_compiled(compiled), protocol=pickle.HIGHEST_PROTOCOL)

    @contextlib.contextmanager
    def compiling(self, signature, target_context) -> Iterator:
        """Hold a lock, and yield what another process compiled while this one waited, or None.

        A line is logged if the block takes long.
        """
        name = self._file_name(signature, target_context)
        said = threading.Timer(_SAID_AFTER, _say, [self.target])
        said.daemon = True
        said.start()
        try:
            with locked(writable_folder() / f"{name}.lock") as waited:
                found = self._find(signature, target_context) if waited else None
                if found is None:
                    self.n_compiled += 1
                else:
                    self._written.add(name)
                yield found
        finally:
            said.cancel()

    def save_overload(self, signature, compiled):
        """Write the compiled signature to the first writable folder."""
        name = self._file_name(signature, compiled.target_context)
        if name in self._written:
            return
        payload = self._reduce(compiled)
        if payload is None:
            return
        self._written.add(name)
        content = hashlib.sha256(payload).digest() + payload
        failures = []
        for folder in cache_folders():
            try:
                make_private(folder)
                self._replace(folder, name, content)
                return
            except OSError as error:
                failures.append(f"{folder}: {error.strerror or error}")
        warn_once(
            "Compiled kernels can't be cached, so every process compiles its own "
            f"({'; '.join(failures)}). Set NUMBA_CACHE_DIR to a folder that can be written."
        )

    def _replace(self, folder, file_name, content):
        """Write a file atomically, and delete the kernel's files made from other sources."""
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

    # The rest of the interface that a dispatcher expects.
    cache_path = property(lambda self: str(cache_folders()[0]))

    def enable(self):
        """Do nothing: the cache is always on."""

    disable = flush = enable


def file_name(kernel: str, signature: object, key: tuple) -> str:
    """The file of a kernel's compiled signature; ``key`` says what it is compiled for."""
    depends_on = (
        kernel,
        str(signature),
        key,
        SOURCES,
        numba.__version__,
        llvmlite.__version__,
        np.__version__.split(".")[:2],
        sys.implementation.cache_tag,
        getattr(sys, "abiflags", ""),
        importlib.util.MAGIC_NUMBER,
    )
    digest = hashlib.sha256(repr(depends_on).encode()).hexdigest()
    return f"tsrnn-{kernel}-{SOURCES[:12]}-{digest[:24]}.nbc"


_has_said = False


def _say(target):
    """Say, once in a process, what takes so long."""
    global _has_said
    if not _has_said:
        _has_said = True
        folder = writable_folder()
        kept = f", once; they are kept in {folder}" if os.access(folder, os.W_OK) else ""
        _log.warning("Compiling kernels for %s for half a minute or more%s.", target, kept)


def has_file(name: str) -> bool:
    """Whether a compiled signature of a kernel, made from the present sources, is on disk."""
    pattern = f"tsrnn-{name}-{SOURCES[:12]}-*.nbc"
    folders = [SHIPPED, *readable_folders()] if host_levels() else readable_folders()
    return any(next(folder.glob(pattern), None) for folder in folders)


def _digest_of_sources() -> str:
    """Digest of all source files that kernels may be compiled from."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


SOURCES = _digest_of_sources()
