"""Where compiled kernels lie on disk, and who may have put them there.

They are code, and files of the cache are pickles: what others can write is not read.
"""

import contextlib
import os
import sys
import tempfile
import warnings
from pathlib import Path

import numba

SHIPPED = Path(__file__).parents[1] / "compiled"  # what a wheel brings, trusted as its sources are


def cache_folders() -> list[Path]:
    """Folders for kernels compiled here, by preference; NUMBA_CACHE_DIR alone if it is set."""
    if numba.config.CACHE_DIR:
        return [Path(numba.config.CACHE_DIR) / "tsrnn"]
    home = Path.home() if os.environ.get("HOME") or os.name == "nt" else Path(tempfile.gettempdir())
    user = {
        "win32": Path(os.environ.get("LOCALAPPDATA", home)),
        "darwin": home / "Library" / "Caches",
    }.get(sys.platform, Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache"))
    return [Path(__file__).parents[1] / "__pycache__" / "compiled", user / "tsrnn"]


def readable_folders() -> list[Path]:
    """Those of ``cache_folders`` that exist, and that nobody else can write to."""
    return [folder for folder in cache_folders() if folder.is_dir() and is_private(folder)]


def writable_folder() -> Path:
    """The first of ``cache_folders`` that can be written to, or the first of all."""
    for folder in cache_folders():
        with contextlib.suppress(OSError):
            make_private(folder)
            if os.access(folder, os.W_OK):
                return folder
    return cache_folders()[0]


def make_private(folder: Path) -> None:
    """Make a folder that nobody else can write to.

    Raises
    ------
    OSError
        If it can't be made, or others can write to it.
    """
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    if not is_private(folder):
        raise PermissionError(f"others than you can write to it: chmod go-w {folder}")


def is_private(folder: Path) -> bool:
    """Whether a folder belongs to this user or root, and only its owner can write to it."""
    if os.name == "nt":  # folders of a user are private by their access lists
        return True
    status = folder.stat()
    if status.st_uid in (0, os.geteuid()) and not status.st_mode & 0o022:
        return True
    warn_once(
        f"Compiled kernels in {folder} are not used, as others than you could have written them. "
        f"Make the folder yours (chown) and yours alone to write to (chmod go-w), or remove it."
    )
    return False


_warned = False  # whether this process has warned about the cache


def warn_once(message: str) -> None:
    """Warn of the cache, once in a process."""
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(message, RuntimeWarning, stacklevel=2)
