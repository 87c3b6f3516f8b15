"""Random numbers that need no state: a hash of where they are used.

Dropout must be the same on the way back as on the way there, in any order of chunks and on any
number of threads, so whether a value is dropped is a function of a seed and the value's place.
"""

from typing import NamedTuple

import numpy as np
from numba.extending import overload

from tsrnn.kernels.jit.compile import SCALAR_OPTIONS, device_function, like, scalar
from tsrnn.kernels.workers import worker_range

_u4, _u8 = np.uint32, np.uint64


class Dropout(NamedTuple):
    """A share of values dropped, as 2^32 times the share, and what the others are scaled by."""

    limit: int
    scale: float


class Noise(NamedTuple):
    """Dropout of one minibatch, and its seed.

    ``between`` layers every value is drawn anew (Srivastava et al. 2014); on the way from one step
    to the next, ``recurrent``, a unit is dropped for the whole sequence (Gal & Ghahramani 2016).
    ``first_row`` is the place of a chunk's first row in its minibatch.
    """

    between: Dropout
    recurrent: Dropout
    seed: int
    first_row: int


@device_function
def dropout_of(share, zero):
    """The dropout of a share, in the type of the scalar ``zero``."""
    return Dropout(int(share * 4294967296.0), like(zero, 1.0 / (1.0 - share)))


@device_function
def silence(zero, first_row):
    """No dropout at all."""
    none = Dropout(0, like(zero, 1.0))
    return Noise(none, none, scramble(0), first_row)


def unsigned(x):
    """A whole number as an unsigned 64-bit one, a negative one as its two's complement."""
    return _u8(int(x) % 2**64)


@overload(unsigned, jit_options=SCALAR_OPTIONS)
def _unsigned_compiled(x):
    return lambda x: _u8(x)


@scalar
def scramble(x):
    """A 32-bit integer (in an unsigned 64-bit one) whose bits all depend on all of ``x``'s.

    The multiply-xorshift hash "lowbias32" of Wellons (2018).
    """
    mask = _u8(0xFFFFFFFF)
    x = ((x ^ (x >> _u8(16))) & mask) * _u8(0x7FEB352D) & mask
    x = (x ^ (x >> _u8(15))) * _u8(0x846CA68B) & mask
    return x ^ (x >> _u8(16))


@device_function
def drop(dropout, seed, place, first_row, n_rows, values):
    """Drop a share of ``values``, (n * n_rows,), and scale the others so that means stay.

    Which ones depends on ``seed``, ``place``, the unit and the row of the minibatch alone.
    """
    limit = unsigned(dropout.limit)
    key = scramble(unsigned(seed) ^ scramble(unsigned(place)))
    for unit in worker_range(values.size // n_rows):
        unit_key = scramble(key ^ unsigned(unit))
        for row in range(n_rows):
            if scramble(unit_key ^ unsigned(first_row + row)) < limit:
                values[unit * n_rows + row] = 0
            else:
                values[unit * n_rows + row] *= dropout.scale
