"""How the threads of a block work together on a chunk of rows: loops, products, transposed weights.

Sums go in an order that depends only on the size of the chunks and the number of threads: the same
bits come out each time. Weights for the forward pass stand behind the parameters, transposed to
(width, hidden, blocks), so that threads of a block read adjacent values.
"""

from typing import NamedTuple

import numba
import numpy as np
from numba import cuda
from numba.extending import overload, register_jitable

from tsrnn.kernels import workers
from tsrnn.kernels.gemm import products
from tsrnn.kernels.jit.compile import DEVICE_FUNCTION_OPTIONS, device_function
from tsrnn.kernels.jit.cuda_internals import SimulatedCuda
from tsrnn.kernels.layout import layer_offset, weights_width
from tsrnn.kernels.outputs import head_offsets

_u8 = np.uint64  # an index that can't be negative: a signed one is checked at every use
ROWS = 4  # of a chunk that a thread works on at once
SPLIT = 4  # threads that share a sum over the gates
TILE = 8  # units, and inputs, whose weights' gradients a thread sums
DEPTH = 32  # rows and steps whose gradients are summed between two barriers
SIMULATED = bool(numba.config.ENABLE_CUDASIM)
# Bytes of shared memory, so that adjacent values are read at once; the simulator takes none.
ALIGNMENT = None if SIMULATED else 16
_N_SIMULATED = 4  # threads of a block in the simulator, each a thread of Python


class TileConfig(NamedTuple):
    """How a block divides its work; kernels are compiled for its rows and units.

    The number of threads and the hidden size are known at run time only. One set of kernels serves
    all hidden sizes for which a thread computes one unit at once, another those for which it does
    two: for chunks of 32 rows these are the even sizes from 64 on.
    """

    n_rows: int  # of a chunk: 4, 8, 16 or 32
    n_units: int  # whose gates a thread computes at once: 1, or 2 if their number is even
    n_threads: int  # of a block, a power of two


@device_function
def panel_of(n_threads):
    """Threads across the inputs and down the gates of a panel of the weights' gradient."""
    across = 1
    while 4 * across * across <= n_threads:
        across *= 2
    return across, n_threads // across


def tile_config_of(n_rows: int, n_hidden: int, itemsize: int) -> TileConfig:
    """The tile config for chunks of so many rows: as many threads as have work to do."""
    n_units = 2 if n_hidden % 2 == 0 and n_hidden * n_rows >= 2048 else 1
    n_tiles = n_hidden * n_rows // (ROWS * n_units)
    # Doubles take twice the registers and the shared memory.
    max_threads = 256 if itemsize == 4 else 64
    n_threads = min(max_threads, max(32, 1 << (n_tiles - 1).bit_length()))
    return TileConfig(n_rows, n_units, _N_SIMULATED if SIMULATED else n_threads)


def thread_range(n):
    """The part of ``range(n)`` that falls to this thread of the block."""
    return range(cuda.threadIdx.x, n, cuda.blockDim.x)


def thread_barrier():
    """Wait for the other threads of the block."""
    cuda.syncthreads()


@register_jitable(**DEVICE_FUNCTION_OPTIONS)
def _at(values, row, column, row_width):
    if values.ndim == 2:
        return values[_u8(row), _u8(column)]
    return values[_u8(row * row_width + column)]


def gemm_by_threads(transpose_a, transpose_b, shape, a, b, widths, add, out):
    """``tsrnn.kernels.gemm.products.gemm`` by a block; each thread computes single elements."""
    m, k, n = shape
    width_a, width_b, width_out = widths
    zero = out.dtype.type(0)
    for place in workers.worker_range(m * n):
        i, j = place // n, place % n
        total = zero
        for q in range(k):
            left = _at(a, q, i, width_a) if transpose_a else _at(a, i, q, width_a)
            total += left * (_at(b, j, q, width_b) if transpose_b else _at(b, q, j, width_b))
        if out.ndim == 2:
            out[i, j] = total + (out[i, j] if add else zero)
        else:
            out[i * width_out + j] = total + (out[i * width_out + j] if add else zero)


if SIMULATED:  # plain Python runs, in the simulator's threads and in others
    import threading

    cuda = SimulatedCuda()

    def _dispatch(in_block, outside):
        def call(*args):
            is_in_block = hasattr(threading.current_thread(), "threadIdx")
            return (in_block if is_in_block else outside)(*args)

        return call

    workers.in_python["worker_range"] = _dispatch(thread_range, range)
    workers.in_python["barrier"] = _dispatch(thread_barrier, workers.in_python["barrier"])
    products.in_python["gemm"] = _dispatch(gemm_by_threads, products.in_python["gemm"])
else:
    overload(workers.worker_range, target="cuda")(lambda n: thread_range)
    overload(workers.barrier, target="cuda")(lambda: thread_barrier)
    overload(products.gemm, target="cuda")(
        lambda transpose_a, transpose_b, shape, a, b, widths, add, out: gemm_by_threads
    )

    def _outer_by_steps(a, b, add, out):
        for step in range(a.shape[0]):
            products.outer(a[step], b[step], add or step > 0, out)

    overload(products.outer_of_steps, target="cuda")(lambda a, b, add, out: _outer_by_steps)


@device_function
def padded_units(n_hidden):
    """Values of shared memory that a row of weights takes, of which four are read at once."""
    return (n_hidden + 3) & -4


@device_function
def transposed_offset(sizes, k):
    """Where parameter k stands in the transposed weights; -1 if it is no layer's weight."""
    n_hidden, m = sizes.n_hidden, sizes.n_blocks * sizes.n_hidden
    for layer in range(sizes.n_layers):
        columns = weights_width(sizes, layer)
        for direction in range(sizes.n_directions):
            first = layer_offset(sizes, layer, direction)
            if first <= k < first + m * columns:
                row, column = (k - first) // columns, (k - first) % columns
                return first + column * m + row % n_hidden * sizes.n_blocks + row // n_hidden
    return -1


@device_function
def write_transposed(parameters, sizes, k):
    """Copy parameter k to the transposed weights (width, hidden, blocks) behind the parameters."""
    offset = transposed_offset(sizes, k)
    if offset >= 0:
        parameters[head_offsets(sizes)[3] + offset] = parameters[k]


def shared_values(sizes, tile_config: TileConfig) -> tuple[int, int]:
    """Values of shared memory: what a block needs, and what holds all weights of a layer too."""
    columns = max(weights_width(sizes, layer) for layer in range(sizes.n_layers))
    m, n_hidden = sizes.n_blocks * sizes.n_hidden, sizes.n_hidden
    forward, backward = columns * tile_config.n_rows, (m + SPLIT * n_hidden) * tile_config.n_rows
    grad_weights = TILE * sum(panel_of(tile_config.n_threads)) * (DEPTH + 1)
    all_forward = forward + columns * m
    all_backward = backward + m * padded_units(n_hidden) + 4 * tile_config.n_units
    least = max(forward, backward, grad_weights)
    return least, max(all_forward, all_backward, grad_weights)
