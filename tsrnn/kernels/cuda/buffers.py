"""A buffer: memory of the GPU in one piece, named arrays in it, and the host's copy of the first.

What a call needs is written to the host's copy, in pinned memory, where a bit differs from what is
there; what has changed is then sent, in one copy where it is adjacent. So what did not change since
an earlier call stays on the GPU, and the host compares it with what it sent, not with what it
remembers of whom it belongs to.
"""

import contextlib
from typing import Any, NamedTuple

import numpy as np

from tsrnn.kernels.cuda import device
from tsrnn.kernels.jit.cuda_internals import host_to_device

_ALIGNMENT = 128  # bytes: threads of a warp read as many at once
_GAP = 2**16  # bytes: what lies between two changes is sent too if it is less
_BLOCK = 2**16  # values that are compared at a time
_MAX_SLICES = 64  # views of ranges, which are expensive to make


class Part(NamedTuple):
    """A named array in a buffer."""

    dtype: np.dtype
    size: int
    first_byte: int

    @property
    def n_bytes(self) -> int:
        """Bytes of the array."""
        return self.size * self.dtype.itemsize


class BufferLayout:
    """Where named arrays lie in a buffer: first those that the host has a copy of, in order.

    Parameters
    ----------
    mirrored, device_only : dict
        Dtype and number of values by name.
    """

    def __init__(self, mirrored: dict[str, tuple], device_only: dict[str, tuple]):
        self.parts: dict[str, Part] = {}
        self.mirrored = tuple(mirrored)
        self.n_bytes = self._place(mirrored, 0)
        self.n_mirrored_bytes = self.n_bytes
        self.n_bytes = self._place(device_only, self.n_bytes)

    def _place(self, sizes, end):
        for name, (dtype, size) in sizes.items():
            self.parts[name] = part = Part(np.dtype(dtype), int(size), end)
            end += -(-part.n_bytes // _ALIGNMENT) * _ALIGNMENT
        return max(end, _ALIGNMENT)

    def offset(self, name: str) -> int:
        """Where a part begins, in values of its dtype."""
        part = self.parts[name]
        return part.first_byte // part.dtype.itemsize


class Buffer:
    """Memory of the GPU that serves one call after another, of one thread at a time.

    ``use`` comes first in a call, then ``write`` and ``update``, ``send``, launches, and at last
    ``fetch``, which waits for all of them. After an error in between ``abandon`` must be called.
    """

    def __init__(self) -> None:
        self.context = device.current_context()
        self.max_bytes = device.total_bytes()  # of the GPU
        self.stream = device.new_stream()
        self.layout: BufferLayout | None = None
        self.launchers: dict[Any, Any] = {}  # of the layout's kernels
        self._known: dict[str, int] = {}  # values of a part that are the same here and there
        self._changed: dict[str, int] = {}  # values of a part to be sent
        self._device: Any = None
        self._mirror = np.empty(0, np.int64)
        self._views: dict[str, np.ndarray] = {}
        self._slices: dict[tuple[int, int], tuple[Any, np.ndarray]] = {}
        self._typed: dict[np.dtype, Any] = {}  # the whole buffer

    @property
    def n_bytes(self) -> int:
        """Bytes of the GPU's memory."""
        return 0 if self._device is None else 8 * self._device.size

    @property
    def n_host_bytes(self) -> int:
        """Bytes of the host's copy."""
        return self._mirror.nbytes

    def use(self, layout: BufferLayout) -> None:
        """Prepare for a call; of the call before nothing is known if its layout was another.

        Not even of parts in the same place: kernels may have derived others from them.

        Raises
        ------
        device.OutOfMemory
            If the GPU has too little memory; the buffer is empty then.
        """
        if layout is self.layout:
            return
        for cached in (self._known, self._changed, self._views, self._slices, self.launchers):
            cached.clear()
        self._reserve(layout)
        for name in layout.mirrored:
            dtype, size, _ = layout.parts[name]
            first = layout.offset(name)
            self._views[name] = self._mirror.view(dtype)[first : first + size]
        self.layout = layout

    def _reserve(self, layout):
        if self._device is None or layout.n_bytes > self.n_bytes:
            self.free()
            self._device = device.allocate(layout.n_bytes)
        if layout.n_mirrored_bytes > self._mirror.nbytes:
            self._mirror = device.host_memory(layout.n_mirrored_bytes)
            self._mirror[:] = 0

    def arrays(self, dtype: np.dtype) -> tuple:
        """The whole buffer as floats of a dtype, as ints and as doubles."""
        return self._as(dtype), self._as(np.dtype(np.int64)), self._as(np.dtype(float))

    def _as(self, dtype):
        if dtype not in self._typed:
            self._typed[dtype] = self._device.view(dtype)
        return self._typed[dtype]

    def mirror(self, name: str) -> np.ndarray:
        """The host's copy of a part, flat; it is changed by ``update`` alone."""
        return self._views[name]

    def write(self, name: str, values) -> bool:
        """Write values to the beginning of a part; whether any bit has changed."""
        values = np.asarray(values).reshape(-1)
        return self.update(name, self._views[name][: values.size], values, values.size)

    def update(self, name: str, place: np.ndarray, values: np.ndarray, size: int) -> bool:
        """Write values to a place among the first ``size`` of a part; whether any bit has changed.

        ``place`` is a view of ``mirror(name)`` in the shape of the values.
        """
        if not place.size or (self._known.get(name, 0) >= size and same_bits(place, values)):
            return False
        place[...] = values
        self._known.pop(name, None)
        self._changed[name] = max(size, self._changed.get(name, 0))
        return True

    def send(self, watched: str) -> bool:
        """Begin to copy what has changed to the GPU; whether the part ``watched`` is among it."""
        ranges = self._ranges(self._changed)
        for each in ranges:
            there, here = self._slice(each)
            host_to_device()(there, here, here.nbytes, stream=self.stream)
        self._known |= self._changed
        self._changed.clear()
        part = self._part(watched)
        return any(
            part.first_byte < last and first < part.first_byte + part.n_bytes
            for first, last in ranges
        )

    def forget(self, *names: str) -> None:
        """Say that launches change these parts: they are not known until they are fetched."""
        for name in names:
            self._known.pop(name, None)

    def fetch(self, sizes: dict[str, int]) -> None:
        """Copy the first values of parts to the host's copy, and wait until all is done."""
        for each in self._ranges(sizes):
            there, here = self._slice(each)
            there.copy_to_host(here, stream=self.stream)
        self.stream.synchronize()
        self._known |= sizes

    def read(self, name: str, size: int) -> np.ndarray:
        """A copy of the first values of any part, also of one that the host has no copy of."""
        dtype, _, first_byte = self._part(name)
        first = first_byte // dtype.itemsize
        return self._as(dtype)[first : first + size].copy_to_host()

    def _part(self, name) -> Part:
        if self.layout is None:
            raise RuntimeError("The buffer is not in use.")
        return self.layout.parts[name]

    def _ranges(self, sizes):
        """Ranges of bytes that hold the first values of parts; close ones are one range."""
        ranges: list[list[int]] = []
        for part, size in sorted(
            ((self._part(name), size) for name, size in sizes.items() if size),
            key=lambda pair: pair[0].first_byte,
        ):
            first = part.first_byte
            n_bytes = size * part.dtype.itemsize
            last = first + -(-n_bytes // _ALIGNMENT) * _ALIGNMENT  # parts are as long
            if ranges and first - ranges[-1][1] < _GAP:
                ranges[-1][1] = last
            else:
                ranges.append([first, last])
        return [(first, last) for first, last in ranges]

    def _slice(self, byte_range):
        if byte_range not in self._slices:
            if len(self._slices) == _MAX_SLICES:
                self._slices.clear()
            words = slice(byte_range[0] // 8, byte_range[1] // 8)
            self._slices[byte_range] = self._device[words], self._mirror[words]
        return self._slices[byte_range]

    def abandon(self) -> None:
        """Give up after an error: wait for copies that were begun, and free all memory."""
        with contextlib.suppress(Exception):  # what failed has been raised already
            self.stream.synchronize()
        self.free()

    def free(self) -> None:
        """Free the memory; ``use`` reserves it again."""
        self.layout = self._device = None
        self._mirror = np.empty(0, np.int64)
        self._typed.clear()
        for cached in (self._known, self._changed, self._views, self._slices, self.launchers):
            cached.clear()


def same_bits(held: np.ndarray, values: np.ndarray) -> bool:
    """Whether values, cast to the dtype of ``held``, have its bits; both of one shape."""
    bits = np.dtype(f"i{held.dtype.itemsize}")
    rows = max(1, _BLOCK * len(held) // held.size)
    for first in range(0, len(held), rows):
        block = np.ascontiguousarray(values[first : first + rows], held.dtype)
        if not (held[first : first + rows].view(bits) == block.view(bits)).all():
            return False
    return True
