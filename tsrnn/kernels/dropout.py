"""Dropout by a hash of a seed and a value's position.

No state is needed: the backward pass, any order of chunks and any number of threads drop the same.
"""

from typing import NamedTuple

import numpy as np
from numba.extending import overload

from tsrnn.kernels.jit.compile import SCALAR_OPTIONS, device_function, like, scalar
from tsrnn.kernels.workers import worker_range

_u8 = np.uint64


class Dropout(NamedTuple):
    """A dropout probability."""

    limit: int  # 2^32 times the probability
    scale: float  # of the values that are not dropped


class ChunkDropout(NamedTuple):
    """Dropout of a chunk of rows."""

    between_layers: Dropout  # of values at each step (Srivastava et al. 2014)
    recurrent: Dropout  # of units, for the whole sequence (Gal & Ghahramani 2016)
    seed: int  # of the minibatch
    first_row: int  # position of the chunk's first row in the minibatch


@device_function
def dropout_of(probability, zero):
    """The ``Dropout`` of a probability, with the type of the scalar ``zero``."""
    return Dropout(int(probability * 4294967296.0), like(zero, 1.0 / (1.0 - probability)))


@device_function
def no_dropout(zero, first_row):
    """The ``ChunkDropout`` that drops nothing."""
    none = Dropout(0, like(zero, 1.0))
    return ChunkDropout(none, none, hash_bits(0), first_row)


def as_uint64(x):
    """An integer as an unsigned 64-bit one, negative ones as their two's complement."""
    return _u8(int(x) % 2**64)


@overload(as_uint64, jit_options=SCALAR_OPTIONS)
def _as_uint64_compiled(x):
    return lambda x: _u8(x)


@scalar
def hash_bits(x):
    """32 bits, each depending on all bits of x, as uint64: "lowbias32" of Wellons (2018)."""
    mask = _u8(0xFFFFFFFF)
    x = ((x ^ (x >> _u8(16))) & mask) * _u8(0x7FEB352D) & mask
    x = (x ^ (x >> _u8(15))) * _u8(0x846CA68B) & mask
    return x ^ (x >> _u8(16))


@device_function
def apply_dropout(dropout, seed, key, first_row, n_rows, values):
    """Drop some of ``values``, (n * n_rows,), and scale the others so that the mean is preserved.

    Which are dropped depends only on ``seed``, ``key``, the unit and the row of the minibatch.
    """
    limit = as_uint64(dropout.limit)
    hashed_key = hash_bits(as_uint64(seed) ^ hash_bits(as_uint64(key)))
    for unit in worker_range(values.size // n_rows):
        unit_key = hash_bits(hashed_key ^ as_uint64(unit))
        for row in range(n_rows):
            if hash_bits(unit_key ^ as_uint64(first_row + row)) < limit:
                values[unit * n_rows + row] = 0
            else:
                values[unit * n_rows + row] *= dropout.scale
