"""Files that one process locks while others wait, so that each kernel is compiled once."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

if os.name == "nt":
    import msvcrt

    def _lock(descriptor, wait):
        while True:
            try:
                return msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
            except OSError as error:  # it waits for ten seconds at most
                if not wait:
                    raise BlockingIOError from error
else:
    import fcntl

    def _lock(descriptor, wait):
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold the lock of a file, which is made and removed; whether another process held it before.

    Where it can't be made, nothing is locked.

    The system releases the lock of a process that dies.
    """
    try:
        descriptor, waited = _open_locked(path)
    except OSError:
        yield False
        return
    try:
        yield waited
    finally:
        with contextlib.suppress(OSError):  # on Windows while another process waits for it
            path.unlink()
        os.close(descriptor)


def _open_locked(path):
    """The locked file, and whether another process held it; its last holder may remove it."""
    waited = False
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                _lock(descriptor, wait=False)
            except BlockingIOError:
                waited = True
                _lock(descriptor, wait=True)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                    return descriptor, waited
            waited = True
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
