"""Buffers that stay on the GPU between predictions.

A prediction borrows a buffer: the one that was last used with its layout, else a new one, or the
one that has not been used for longest. It is then that prediction's alone, so that threads do not
wait for each other, and comes back at its end. The process keeps at most ``MAX_BUFFERS``, an eighth
of the GPU's memory and ``MAX_HOST_BYTES`` of the host's; whatever is more is freed when a buffer
comes back. All are freed if memory runs short in a prediction or training, and at the end of the
process. A buffer is dropped after an error. A forked process begins with none, and frees none: it
must not touch the driver of the one it comes from. Nothing of this is pickled.
"""

import contextlib
import os
import threading
from collections.abc import Iterator

from tsrnn.kernels.cuda import device
from tsrnn.kernels.cuda.buffers import Buffer, BufferLayout

MAX_BUFFERS = 4
MAX_SHARE = 1 / 8  # of the GPU's memory
MAX_HOST_BYTES = 2**28

_lock = threading.Lock()
_idle: list[Buffer] = []  # the last one was used last
_of_parent: list[list[Buffer]] = []  # what a forked process must not free


@contextlib.contextmanager
def borrow(layout: BufferLayout) -> Iterator[Buffer]:
    """A buffer with a layout, for one call.

    Raises
    ------
    device.OutOfMemory
        If the GPU has too little memory though all idle buffers are freed.
    """
    buffer = _idle_or_new(layout)
    try:
        prepare(buffer, layout)
        yield buffer
    except BaseException:
        buffer.abandon()
        raise
    _put_back(buffer)


def prepare(buffer: Buffer, layout: BufferLayout) -> None:
    """Let a buffer use a layout; if memory is short, the idle ones are freed first."""
    try:
        buffer.use(layout)
    except device.OutOfMemory:
        clear()
        buffer.use(layout)


def clear() -> None:
    """Free the memory of all idle buffers."""
    with _lock:
        idle = _idle.copy()
        _idle.clear()
    for buffer in idle:
        buffer.free()


def _idle_or_new(layout):
    context = device.current_context()
    with _lock:
        idle = [buffer for buffer in _idle if buffer.context is context]
        best = next((buffer for buffer in reversed(idle) if buffer.layout is layout), None)
        if best is None and len(_idle) >= MAX_BUFFERS and idle:
            best = idle[0]
        if best is not None:
            _idle.remove(best)
    return Buffer() if best is None else best


def _put_back(buffer):
    dropped = []
    with _lock:
        _idle.append(buffer)
        while _idle and (
            len(_idle) > MAX_BUFFERS
            or sum(each.n_bytes for each in _idle) > MAX_SHARE * buffer.max_bytes
            or sum(each.n_host_bytes for each in _idle) > MAX_HOST_BYTES
        ):
            dropped.append(_idle.pop(0))
    for each in dropped:
        each.free()


def _begin_after_fork():
    global _lock
    _lock = threading.Lock()
    _of_parent.append(_idle.copy())
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_after_fork)
