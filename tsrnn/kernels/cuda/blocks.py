"""What the threads of a block do together with a chunk of rows.

The loops over layers, time and heads are those of every target; here is what they are made of: a
thread's share of a loop, products by register tiles, and the steps of a cell. Shared memory holds
what a step reads many times, at its beginning, and after it as much of the layer's weights as fits;
the rest of the weights is read from where it lies. Sums go in an order that the size of the chunks
and the number of threads decide, nothing else: the same bits come out each time.

Weights for the way there stand behind the parameters, turned to (width, hidden, blocks), and rows
of what they are multiplied by so that those of a thread are side by side: see ``turn`` and ``TileConfig``.
"""

import functools
from typing import NamedTuple

import numba
import numpy as np
from numba import cuda
from numba.extending import overload, register_jitable

from tsrnn.kernels import workers
from tsrnn.kernels.gemm import products
from tsrnn.kernels.jit.compile import DEVICE_FUNCTION_OPTIONS, device_function, matrix
from tsrnn.kernels.jit.numba_internals import SimulatedCuda
from tsrnn.kernels.layout import layer_offset, weights_width
from tsrnn.kernels.outputs import head_offsets
from tsrnn.kernels.steps import Steps, recurrent_weights

ROWS = 4  # of a chunk that a thread works on at once
SPLIT = 4  # threads that share a sum over the gates
TILE = 8  # units, and inputs, whose weights' gradients a thread sums
DEPTH = 32  # rows and steps whose gradients are summed between two meetings
# An index that can't be negative: a signed one is asked at every use.
_u8 = np.uint64
SIMULATED = bool(numba.config.ENABLE_CUDASIM)
_FEW = 4  # threads of a block in the simulator, where each is one of Python's


class TileConfig(NamedTuple):
    """How a block works: constants that kernels are compiled with.

    Attributes
    ----------
    n_rows : int
        Rows of a chunk: 4, 8, 16 or 32.
    n_units : int
        Units whose gates a thread makes at once: 1, or 2 where they are even in number.
    n_threads : int
        Threads of a block, a power of two.
    """

    n_rows: int
    n_units: int
    n_threads: int

    @property
    def panel(self) -> tuple[int, int]:
        """Threads across the inputs, and down the gates, of a panel of the weights' gradients."""
        across = 1
        while 4 * across * across <= self.n_threads:
            across *= 2
        return across, self.n_threads // across


def tile_config_of(n_rows: int, n_hidden: int, itemsize: int) -> TileConfig:
    """The way to work on chunks of so many rows: as many threads as have something to do."""
    n_units = 2 if n_hidden % 2 == 0 and n_hidden * n_rows >= 2048 else 1
    n_tiles = n_hidden * n_rows // (ROWS * n_units)
    most = 256 if itemsize == 4 else 64  # doubles take twice the registers and the shared memory
    n_threads = min(most, max(32, 1 << (n_tiles - 1).bit_length()))
    return TileConfig(n_rows, n_units, _FEW if SIMULATED else n_threads)


def thread_range(n):
    """The part of ``range(n)`` that falls to this thread of the block."""
    return range(cuda.threadIdx.x, n, cuda.blockDim.x)


def thread_barrier():
    """Wait for the other threads of the block."""
    cuda.syncthreads()


@register_jitable(**DEVICE_FUNCTION_OPTIONS)
def _at(values, row, column, row_width):
    if values.ndim == 2:
        return values[row, column]
    return values[row * row_width + column]


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


if SIMULATED:  # plain Python is run, by the simulator's threads and by others
    import threading

    cuda = SimulatedCuda()

    def _by_block(of_threads, alone):
        def either(*args):
            in_block = hasattr(threading.current_thread(), "threadIdx")
            return (of_threads if in_block else alone)(*args)

        return either

    workers.in_python["worker_range"] = _by_block(thread_range, range)
    workers.in_python["barrier"] = _by_block(thread_barrier, workers.in_python["barrier"])
    products.in_python["gemm"] = _by_block(gemm_by_threads, products.in_python["gemm"])
else:
    overload(workers.worker_range, target="cuda")(lambda n: thread_range)
    overload(workers.barrier, target="cuda")(lambda: thread_barrier)
    overload(products.gemm, target="cuda")(
        lambda transpose_a, transpose_b, shape, a, b, widths, add, out: gemm_by_threads
    )


@device_function
def turned_place(sizes, k):
    """Where a parameter stands turned, counted from the end of the parameters; -1 for nowhere."""
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
def turn(parameters, sizes, k):
    """Write a parameter anew behind them all, where weights are (width, hidden, blocks)."""
    place = turned_place(sizes, k)
    if place >= 0:
        parameters[head_offsets(sizes)[3] + place] = parameters[k]


def shared_values(sizes, tile_config: TileConfig) -> tuple[int, int]:
    """Values of shared memory that a block cannot do without, and those it would like to have.

    With those all weights of a layer are held on chip.
    """
    columns = max(weights_width(sizes, layer) for layer in range(sizes.n_layers))
    m, n_hidden = sizes.n_blocks * sizes.n_hidden, sizes.n_hidden
    there, back = columns * tile_config.n_rows, (m + SPLIT * n_hidden) * tile_config.n_rows
    charged = TILE * sum(tile_config.panel) * (DEPTH + 1)
    held = there + columns * m, back + m * n_hidden + 4 * tile_config.n_units
    return max(there, back, charged), max(*held, charged)


@functools.cache
def compile_steps(cell, dtype: str, tile_config: TileConfig) -> Steps:
    """Make the functions over a step of a cell for blocks that work in a way.

    As ``tsrnn.kernels.steps.compile_steps``, whose functions say what the arguments are.
    """
    cell_forward, cell_backward = cell.forward, cell.backward
    n_blocks, n_split = len(cell.BLOCKS), 1 if cell.SPLIT else 0
    n_state, n_saved = cell.N_STATE, cell.N_SAVED
    any_state, any_saved = max(n_state, 1), max(n_saved, 1)
    real, zero = numba.from_dtype(np.dtype(dtype)), np.dtype(dtype).type(0)
    rows, n_units, n_threads = tile_config.n_rows, tile_config.n_units, tile_config.n_threads
    n_across = rows // ROWS
    n_sums = n_blocks * n_units * ROWS
    n_wide = 4 * n_units  # units of the way back
    side_by_side = n_units > 1  # or apart, where many threads read weights of as many units
    n_wide_sums = n_wide * ROWS
    across, down = tile_config.panel
    n_tile, pitch = TILE * TILE, DEPTH + 1
    lanes = min(DEPTH, n_threads)

    # Row r of a thread's own is row lane + r * n_across of the chunk, so that what threads beside
    # each other write lies together; on chip, a thread's own rows do.

    @device_function
    def place_on_chip(k):
        row = k % rows
        return k - row + row % n_across * ROWS + row // n_across

    @device_function
    def unit_of(first, u, n_down):
        return first * n_wide + u if side_by_side else first + u * n_down

    @device_function
    def load_weights(parameters, sizes, layer, direction):
        """Turned weights, (width, hidden * blocks), the first rows of which are held on chip."""
        columns, m = weights_width(sizes, layer), sizes.n_blocks * sizes.n_hidden
        first = head_offsets(sizes)[3] + layer_offset(sizes, layer, direction)
        shared = cuda.shared.array(0, real)
        place = columns * rows
        for k in workers.worker_range(n_held(shared.size - place, m, columns) * m):
            shared[place + k] = parameters[first + k]
        return (matrix(parameters, first, columns, m),)

    @device_function
    def load_weights_backward(parameters, sizes, layer, direction):
        """Weights, (blocks * hidden, width), the recurrent part of which is held on chip."""
        (weights,) = recurrent_weights(parameters, sizes, layer, direction)
        m, n_hidden = weights.shape[0], sizes.n_hidden
        shared = cuda.shared.array(0, real)
        place = (m + SPLIT * n_hidden) * rows
        for k in workers.worker_range(n_held(shared.size - place - n_wide, n_hidden, m) * n_hidden):
            shared[place + k] = weights[k // n_hidden, k % n_hidden]
        return (weights,)

    @device_function
    def n_held(space, size, n):
        return min(max(space, 0) // size, n)

    @device_function
    def forward(weights, step, sizes, n_rows):
        """Each thread makes all gates of some units of some rows, and their new state."""
        inputs, gates, h, state, state_after, saved, h_next = step
        n_hidden = sizes.n_hidden
        n = n_hidden * rows
        columns, m = weights.shape
        shared = cuda.shared.array(0, real)
        place = columns * rows
        held = n_held(shared.size - place, m, columns)
        for k in workers.worker_range(place):
            shared[place_on_chip(k)] = inputs[k]
        cuda.syncthreads()
        sums = cuda.local.array(n_sums, real)
        x = cuda.local.array(ROWS, real)
        z = cuda.local.array(n_blocks, real)
        own_h, own_next = cuda.local.array(1, real), cuda.local.array(1, real)
        before, after = cuda.local.array(any_state, real), cuda.local.array(any_state, real)
        kept = cuda.local.array(any_saved, real)
        for tile in workers.worker_range(n_across * n_hidden // n_units):
            lane, first = tile % n_across, tile // n_across * n_units
            for a in range(n_sums):
                sums[a] = 0
            for k in range(held):
                for r in range(ROWS):
                    x[r] = shared[_u8(k * rows + lane * ROWS + r)]
                for b in range(n_units * n_blocks):
                    w = shared[_u8(place + k * m + first * n_blocks + b)]
                    for r in range(ROWS):
                        sums[b * ROWS + r] += w * x[r]
            for k in range(held, columns):
                for r in range(ROWS):
                    x[r] = shared[_u8(k * rows + lane * ROWS + r)]
                for b in range(n_units * n_blocks):
                    w = weights[_u8(k), _u8(first * n_blocks + b)]
                    for r in range(ROWS):
                        sums[b * ROWS + r] += w * x[r]
            for u in range(n_units):
                for r in range(ROWS):
                    k = (first + u) * rows + lane + r * n_across
                    for b in range(n_blocks):
                        z[b] = sums[(u * n_blocks + b) * ROWS + r]
                    own_h[0] = h[k]
                    for s in range(n_state):
                        before[s] = state[s * n + k]
                    cell_forward(z, own_h, before, after, kept, own_next)
                    for b in range(n_blocks):
                        gates[b * n + k] = z[b]
                    for s in range(n_state):
                        state_after[s * n + k] = after[s]
                    for s in range(n_saved):
                        saved[s * n + k] = kept[s]
                    h_next[k] = own_next[0]

    @device_function
    def backward(gates, h, state, saved, grad_h, grad_state, sizes, n_rows):
        """Each thread takes units of rows one by one; the gates' gradient is held on chip too."""
        n = sizes.n_hidden * rows
        shared = cuda.shared.array(0, real)
        z = cuda.local.array(n_blocks, real)
        own_h, grad_h_unit = cuda.local.array(1, real), cuda.local.array(1, real)
        before, grad_state_unit = (
            cuda.local.array(any_state, real),
            cuda.local.array(any_state, real),
        )
        kept = cuda.local.array(any_saved, real)
        for k in workers.worker_range(n):
            for b in range(n_blocks):
                z[b] = gates[b * n + k]
            own_h[0], grad_h_unit[0] = h[k], grad_h[k]
            for s in range(n_state):
                before[s], grad_state_unit[s] = state[s * n + k], grad_state[s * n + k]
            for s in range(n_saved):
                kept[s] = saved[s * n + k]
            cell_backward(z, own_h, before, kept, grad_h_unit, grad_state_unit)
            on_chip = place_on_chip(k)
            for b in range(n_blocks):
                gates[b * n + k] = shared[b * n + on_chip] = z[b]
            for s in range(n_state):
                grad_state[s * n + k] = grad_state_unit[s]
            grad_h[k] = grad_h_unit[0]

    @device_function
    def compute_grad_hidden(weights, grad_gates, sizes, n_rows, add, grad_h):
        """Products of the gates' gradient, held since ``backward``, by parts of the gates."""
        n_hidden = sizes.n_hidden
        m, n = weights.shape[0], n_hidden * rows
        shared = cuda.shared.array(0, real)
        parts, place = m * rows, (m + SPLIT * n_hidden) * rows
        held = n_held(shared.size - place - n_wide, n_hidden, m)  # read beyond the last unit
        n_down = (n_hidden + n_wide - 1) // n_wide
        sums = cuda.local.array(n_wide_sums, real)
        x = cuda.local.array(ROWS, real)
        for tile in workers.worker_range(n_across * n_down * SPLIT):
            lane, first = tile % n_across, tile // n_across % n_down
            part = tile // (n_across * n_down)
            begin, end = part * m // SPLIT, (part + 1) * m // SPLIT
            for a in range(n_wide_sums):
                sums[a] = 0
            for q in range(begin, min(end, held)):
                for r in range(ROWS):
                    x[r] = shared[_u8(q * rows + lane * ROWS + r)]
                for u in range(n_wide):
                    w = shared[_u8(place + q * n_hidden + unit_of(first, u, n_down))]
                    for r in range(ROWS):
                        sums[u * ROWS + r] += w * x[r]
            for q in range(max(begin, held), end):
                for r in range(ROWS):
                    x[r] = shared[_u8(q * rows + lane * ROWS + r)]
                for u in range(n_wide):
                    w = weights[_u8(q), _u8(min(unit_of(first, u, n_down), n_hidden - 1))]
                    for r in range(ROWS):
                        sums[u * ROWS + r] += w * x[r]
            for u in range(n_wide):
                unit = unit_of(first, u, n_down)
                if unit < n_hidden:
                    for r in range(ROWS):
                        k = unit * rows + lane + r * n_across
                        shared[parts + part * n + k] = sums[u * ROWS + r]
        cuda.syncthreads()
        for k in workers.worker_range(n):
            total = grad_h[k] if add else zero
            for part in range(SPLIT):
                total += shared[parts + part * n + k]
            grad_h[k] = total

    @device_function
    def compute_grad_inputs(weights, gates, sizes, n_rows, inputs):
        """One product for all steps; a thread takes some inputs of some rows of a step."""
        m, x_place = weights.shape[0], sizes.n_hidden + 1
        n_in = weights.shape[1] - x_place
        n_down = (n_in + n_wide - 1) // n_wide
        n_tiles = n_across * n_down
        sums = cuda.local.array(n_wide_sums, real)
        x = cuda.local.array(ROWS, real)
        for job in workers.worker_range(gates.shape[0] * n_tiles):
            t, tile = job // n_tiles, job % n_tiles
            lane, own = tile % n_across, tile // n_across
            for a in range(n_wide_sums):
                sums[a] = 0
            for q in range(m):
                for r in range(ROWS):
                    x[r] = gates[_u8(t), _u8(q * rows + lane + r * n_across)]
                for u in range(n_wide):
                    w = weights[_u8(q), _u8(x_place + min(own * n_wide + u, n_in - 1))]
                    for r in range(ROWS):
                        sums[u * ROWS + r] += w * x[r]
            for u in range(n_wide):
                unit = own * n_wide + u
                if unit < n_in:
                    for r in range(ROWS):
                        inputs[t, (x_place + unit) * rows + lane + r * n_across] = sums[
                            u * ROWS + r
                        ]

    @device_function
    def accumulate_grad_weights(gates, inputs, sizes, n_rows, add, grad_weights):
        """One product for all steps, panel by panel of the weights, rows and steps summed in order.

        A thread has a tile of the panel in its registers; what all need is staged on chip.
        """
        n_steps = gates.shape[0]
        m, columns = grad_weights.shape
        n_hidden, both = sizes.n_hidden, m - 2 * n_split * sizes.n_hidden
        me = cuda.threadIdx.x
        own_row, own_column = me // across, me % across
        shared = cuda.shared.array(0, real)
        place = TILE * down * pitch
        sums = cuda.local.array(n_tile, real)
        x = cuda.local.array(TILE, real)
        for i0 in range(0, m, TILE * down):
            for c0 in range(0, columns, TILE * across):
                n_own = (columns - c0 - own_column + across - 1) // across
                for a in range(n_tile):
                    sums[a] = 0
                for t0 in range(0, n_steps, DEPTH // rows):
                    for d in range(me % lanes, DEPTH, lanes):
                        t, row = t0 + d // rows, d % rows
                        there, seen = min(t, n_steps - 1), t < n_steps
                        for i in range(me // lanes, min(TILE * down, m - i0), n_threads // lanes):
                            value = gates[there, (i0 + i) * rows + row]
                            shared[i * pitch + d] = value if seen else zero
                        for c in range(
                            me // lanes, min(TILE * across, columns - c0), n_threads // lanes
                        ):
                            value = inputs[there, (c0 + c) * rows + row]
                            shared[place + c * pitch + d] = value if seen else zero
                    cuda.syncthreads()
                    for d in range(DEPTH):
                        for i in range(TILE):
                            x[i] = shared[_u8((own_row + i * down) * pitch + d)]
                        for c in range(TILE):
                            if c < n_own:
                                w = shared[_u8(place + (own_column + c * across) * pitch + d)]
                                for i in range(TILE):
                                    sums[c * TILE + i] += w * x[i]
                    cuda.syncthreads()
                for c in range(TILE):
                    for i in range(TILE):
                        column, line = c0 + own_column + c * across, i0 + own_row + i * down
                        if column < columns and line < m:
                            value = sums[c * TILE + i]
                            # The last two blocks of a split cell see h alone and x alone.
                            if line >= both + n_hidden:
                                value = value if column >= n_hidden else zero
                            elif line >= both:
                                value = value if column <= n_hidden else zero
                            if add:
                                value += grad_weights[line, column]
                            grad_weights[line, column] = value

    return Steps(
        load_weights,
        load_weights_backward,
        forward,
        backward,
        compute_grad_hidden,
        accumulate_grad_weights,
        compute_grad_inputs,
    )
