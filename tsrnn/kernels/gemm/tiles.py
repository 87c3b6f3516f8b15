"""The tile of an output that a product holds in registers, chosen for the target processor.

A tile is a few rows by a few vectors of columns. Each of its outputs is one chain of fused
multiply-adds along k, in order, so the choice changes the speed and never the bits.
"""

from __future__ import annotations

from typing import NamedTuple

from tsrnn.kernels.jit.processor import Processor


class Tile(NamedTuple):
    """The part of an output that is computed at once."""

    lanes: int  # numbers in a vector
    n_vectors: int  # of columns in a whole tile; the remaining ones are done one at a time
    heights: dict[int, tuple[int, ...]]  # of tiles, largest first, by the number of vectors

    @property
    def n_columns(self) -> int:
        """Columns of a whole tile."""
        return self.lanes * self.n_vectors


def tile_of(processor: Processor, itemsize: int) -> Tile:
    """The tile whose sums fill a processor's registers but for the operands."""
    lanes = processor.vector_bytes // itemsize
    if processor.n_registers == 16:
        return Tile(lanes, 2, {2: (6, 4, 1), 1: (12, 4, 1)})
    if processor.vector_bytes == 16:  # many short registers: columns for whole cache lines
        return Tile(lanes, 4, {4: (6, 4, 1), 1: (12, 4, 1)})
    return Tile(lanes, 2, {2: (12, 4, 1), 1: (12, 4, 1)})
