"""The passes of one step of a cell by the threads of a block.

Shared memory holds what a step reads many times, then as much of the layer's weights as fits ("on
chip"). A thread works on ``ROWS`` rows at a time: row r of thread ``lane`` is row lane + r *
n_across of the chunk, so that neighbouring threads write adjacent values; on chip, a thread's own
rows are adjacent.
"""

from collections.abc import Callable

import numba
import numpy as np

from tsrnn.kernels.cuda.blocks import (
    ALIGNMENT,
    DEPTH,
    ROWS,
    SPLIT,
    TILE,
    cuda,
    padded_units,
    panel_of,
)
from tsrnn.kernels.jit.compile import device_function, like, matrix, scalar
from tsrnn.kernels.layout import layer_offset, weights_width
from tsrnn.kernels.outputs import head_offsets
from tsrnn.kernels.steps import Steps, recurrent_weights
from tsrnn.kernels.workers import worker_range

_u8 = np.uint64  # an index that can't be negative: a signed one is checked at every use


def compile_steps(cell, dtype: str, rows: int, n_units: int) -> Steps:
    """Make the passes of a step of a cell (a module of ``kernels.cells``).

    ``rows`` of a chunk, and ``n_units`` whose gates a thread computes at once, are constants in
    them; the hidden size and the number of threads are not.
    """
    real = numba.from_dtype(np.dtype(dtype))
    n_wide = 4 * n_units  # units that a thread works on in the backward pass
    return Steps(
        _compile_load_weights(real, rows),
        _compile_load_weights_backward(real, rows, n_wide),
        _compile_forward(cell, real, rows, n_units),
        _compile_backward(cell, real, rows),
        _compile_grad_hidden(real, rows, n_units, n_wide),
        _compile_grad_weights(cell, real, rows),
        _compile_grad_inputs(real, rows, n_wide),
    )


@device_function
def n_on_chip(space, size, n):
    """Rows of weights, of n, that fit into so much shared memory."""
    return min(max(space, 0) // size, n)


@device_function
def on_chip_offset(k, rows):
    """Where value k of an array (units * rows,) stands on chip."""
    n_across, row = rows // ROWS, k % rows
    return k - row + row % n_across * ROWS + row // n_across


@scalar
def load_rows(shared, first, x):
    """Load a thread's rows of a value on chip."""
    for r in range(ROWS):
        x[r] = shared[_u8(first + r)]


@scalar
def add_products(w, x, first, sums):
    """Add a weight times a thread's rows to their sums."""
    for r in range(ROWS):
        sums[first + r] += w * x[r]


@scalar
def clear_sums(sums, n):
    """Set a thread's sums to zero."""
    for k in range(n):
        sums[k] = 0


def _compile_load_weights(real, rows) -> Callable:
    @device_function
    def load_weights(parameters, sizes, layer, direction):
        """Transposed weights, (width, hidden * blocks); the first rows are loaded on chip too."""
        columns, m = weights_width(sizes, layer), sizes.n_blocks * sizes.n_hidden
        first = head_offsets(sizes)[3] + layer_offset(sizes, layer, direction)
        shared = cuda.shared.array(0, real, ALIGNMENT)
        offset = columns * rows
        for k in worker_range(n_on_chip(shared.size - offset, m, columns) * m):
            shared[offset + k] = parameters[first + k]
        return (matrix(parameters, first, columns, m),)

    return load_weights


def _compile_load_weights_backward(real, rows, n_wide) -> Callable:
    @device_function
    def load_weights_backward(parameters, sizes, layer, direction):
        """Weights, (blocks * hidden, width), the first rows of whose recurrent part go on chip."""
        (weights,) = recurrent_weights(parameters, sizes, layer, direction)
        m, n_hidden = weights.shape[0], sizes.n_hidden
        shared = cuda.shared.array(0, real, ALIGNMENT)
        offset = (m + SPLIT * n_hidden) * rows
        pitch = padded_units(n_hidden)
        for k in worker_range(n_on_chip(shared.size - offset - n_wide, pitch, m) * n_hidden):
            row, unit = k // n_hidden, k % n_hidden
            shared[offset + row * pitch + unit] = weights[row, unit]
        return (weights,)

    return load_weights_backward


def _compile_forward(cell, real, rows, n_units) -> Callable:
    n_blocks, n_state, n_saved = len(cell.BLOCKS), cell.N_STATE, cell.N_SAVED
    cell_forward = cell.forward
    any_state, any_saved = max(n_state, 1), max(n_saved, 1)
    keeps_h, n_across, n_sums = cell.KEEPS_H, rows // ROWS, n_blocks * n_units * ROWS
    n_own = n_units * ROWS  # values of a tile
    n_own_state = n_own * any_state

    @device_function
    def forward(weights, step, sizes, n_rows):
        """Each thread computes all gates of some units and rows, and their new state."""
        inputs, gates, h, state, state_after, saved, h_after = step
        n_hidden, n = sizes.n_hidden, sizes.n_hidden * rows
        columns, m = weights.shape[0], n_blocks * n_hidden
        shared = cuda.shared.array(0, real, ALIGNMENT)
        offset = columns * rows
        n_loaded = n_on_chip(shared.size - offset, m, columns)
        for k in worker_range(offset):
            shared[on_chip_offset(k, rows)] = inputs[k]
        cuda.syncthreads()
        sums, x = cuda.local.array(n_sums, real), cuda.local.array(ROWS, real)
        z, cell_saved = cuda.local.array(n_blocks, real), cuda.local.array(any_saved, real)
        h_before, h_new = cuda.local.array(1, real), cuda.local.array(1, real)
        before, after = cuda.local.array(any_state, real), cuda.local.array(any_state, real)
        own_h, own_state = cuda.local.array(n_own, real), cuda.local.array(n_own_state, real)
        for tile in worker_range(n_across * n_hidden // n_units):
            lane, first = tile % n_across, tile // n_across * n_units
            # Read before the product, which takes as long as the memory.
            for j in range(n_own):
                k = (first + j // ROWS) * rows + lane + j % ROWS * n_across
                if keeps_h:
                    own_h[j] = h[_u8(k)]
                for s in range(n_state):
                    own_state[s * n_own + j] = state[_u8(s * n + k)]
            clear_sums(sums, n_sums)
            k, x_at, w_at = 0, lane * ROWS, offset + first * n_blocks
            while k < n_loaded:
                load_rows(shared, x_at, x)
                for b in range(n_units * n_blocks):
                    add_products(shared[_u8(w_at + b)], x, b * ROWS, sums)
                k, x_at, w_at = k + 1, x_at + rows, w_at + m
            x_at = k * rows + lane * ROWS
            while k < columns:
                load_rows(shared, x_at, x)
                for b in range(n_units * n_blocks):
                    add_products(weights[_u8(k), _u8(first * n_blocks + b)], x, b * ROWS, sums)
                k, x_at = k + 1, x_at + rows
            for j in range(n_own):
                k = (first + j // ROWS) * rows + lane + j % ROWS * n_across
                for b in range(n_blocks):
                    z[b] = sums[(j // ROWS * n_blocks + b) * ROWS + j % ROWS]
                if keeps_h:
                    h_before[0] = own_h[j]
                for s in range(n_state):
                    before[s] = own_state[s * n_own + j]
                cell_forward(z, h_before, before, after, cell_saved, h_new)
                for b in range(n_blocks):
                    gates[_u8(b * n + k)] = z[b]
                for s in range(n_state):
                    state_after[_u8(s * n + k)] = after[s]
                for s in range(n_saved):
                    saved[_u8(s * n + k)] = cell_saved[s]
                h_after[_u8(k)] = h_new[0]

    return forward


def _compile_backward(cell, real, rows) -> Callable:
    n_blocks, n_state, n_saved = len(cell.BLOCKS), cell.N_STATE, cell.N_SAVED
    cell_backward = cell.backward
    any_state, any_saved = max(n_state, 1), max(n_saved, 1)
    n_gates, n_own, n_own_saved = ROWS * n_blocks, ROWS * any_state, ROWS * any_saved

    @device_function
    def backward(gates, h, state, saved, grad_h, grad_state, sizes, n_rows):
        """A thread reads some values, then works on each; the gates' gradient goes on chip too."""
        n, n_threads = sizes.n_hidden * rows, cuda.blockDim.x
        shared = cuda.shared.array(0, real, ALIGNMENT)
        z, cell_saved = cuda.local.array(n_gates, real), cuda.local.array(n_own_saved, real)
        h_before, grad_unit = cuda.local.array(ROWS, real), cuda.local.array(ROWS, real)
        before, grad_before = cuda.local.array(n_own, real), cuda.local.array(n_own, real)
        for first in range(cuda.threadIdx.x, n, ROWS * n_threads):
            for j in range(ROWS):
                k = min(first + j * n_threads, n - 1)
                for b in range(n_blocks):
                    z[j * n_blocks + b] = gates[_u8(b * n + k)]
                h_before[j], grad_unit[j] = h[_u8(k)], grad_h[_u8(k)]
                for s in range(n_state):
                    before[j * any_state + s] = state[_u8(s * n + k)]
                    grad_before[j * any_state + s] = grad_state[_u8(s * n + k)]
                for s in range(n_saved):
                    cell_saved[j * any_saved + s] = saved[_u8(s * n + k)]
            for j in range(ROWS):
                k = first + j * n_threads
                if k < n:
                    own, own_state = slice(j, j + 1), slice(j * any_state, (j + 1) * any_state)
                    own_gates = z[j * n_blocks : (j + 1) * n_blocks]
                    own_saved = cell_saved[j * any_saved : (j + 1) * any_saved]
                    cell_backward(
                        own_gates,
                        h_before[own],
                        before[own_state],
                        own_saved,
                        grad_unit[own],
                        grad_before[own_state],
                    )
                    on_chip = on_chip_offset(k, rows)
                    for b in range(n_blocks):
                        gates[_u8(b * n + k)] = shared[_u8(b * n + on_chip)] = own_gates[b]
                    for s in range(n_state):
                        grad_state[_u8(s * n + k)] = grad_before[j * any_state + s]
                    grad_h[_u8(k)] = grad_unit[j]

    return backward


def _compile_grad_hidden(real, rows, n_units, n_wide) -> Callable:
    n_across, n_sums = rows // ROWS, n_wide * ROWS
    # A thread's units, which are read at once; spread where more threads than four read the same
    # rows of the weights.
    adjacent = n_units > 1 or n_across > 2
    span = n_wide if adjacent else 1

    @device_function
    def unit_of(first, u, n_down):
        return first * n_wide + u if adjacent else first + u * n_down

    @device_function
    def compute_grad_hidden(weights, grad_gates, sizes, n_rows, add, grad_h):
        """Products with the gates' gradient, on chip since ``backward``, by parts of the gates."""
        n_hidden, m, n = sizes.n_hidden, weights.shape[0], sizes.n_hidden * rows
        shared = cuda.shared.array(0, real, ALIGNMENT)
        parts, offset = m * rows, (m + SPLIT * n_hidden) * rows
        pitch = padded_units(n_hidden)
        n_loaded = n_on_chip(shared.size - offset - n_wide, pitch, m)  # read beyond the last
        n_down = (n_hidden + n_wide - 1) // n_wide
        sums, x = cuda.local.array(n_sums, real), cuda.local.array(ROWS, real)
        for tile in worker_range(n_across * n_down * SPLIT):
            lane, first = tile % n_across, tile // n_across % n_down
            part = tile // (n_across * n_down)
            begin, end = part * m // SPLIT, (part + 1) * m // SPLIT
            clear_sums(sums, n_sums)
            q, x_at = begin, begin * rows + lane * ROWS
            w_at = offset + begin * pitch + first * span
            while q < min(end, n_loaded):
                load_rows(shared, x_at, x)
                for u in range(n_wide):
                    w = shared[_u8(w_at + u if adjacent else w_at + u * n_down)]
                    add_products(w, x, u * ROWS, sums)
                q, x_at, w_at = q + 1, x_at + rows, w_at + pitch
            x_at = q * rows + lane * ROWS
            while q < end:
                load_rows(shared, x_at, x)
                for u in range(n_wide):
                    unit = min(unit_of(first, u, n_down), n_hidden - 1)
                    add_products(weights[_u8(q), _u8(unit)], x, u * ROWS, sums)
                q, x_at = q + 1, x_at + rows
            for u in range(n_wide):
                unit = unit_of(first, u, n_down)
                if unit < n_hidden:
                    for r in range(ROWS):
                        k = unit * rows + lane + r * n_across
                        shared[parts + part * n + k] = sums[u * ROWS + r]
        cuda.syncthreads()
        for k in worker_range(n):
            total = grad_h[k] if add else grad_h.dtype.type(0)
            for part in range(SPLIT):
                total += shared[parts + part * n + k]
            grad_h[k] = total

    return compute_grad_hidden


def _compile_grad_inputs(real, rows, n_wide) -> Callable:
    n_across, n_sums = rows // ROWS, n_wide * ROWS

    @device_function
    def compute_grad_inputs(weights, gates, sizes, n_rows, inputs):
        """One product for all steps; a thread computes some inputs of some rows of a step."""
        m, x_offset = weights.shape[0], sizes.n_hidden + 1
        n_in = weights.shape[1] - x_offset
        n_tiles = n_across * ((n_in + n_wide - 1) // n_wide)
        sums, x = cuda.local.array(n_sums, real), cuda.local.array(ROWS, real)
        for job in worker_range(gates.shape[0] * n_tiles):
            t, tile = job // n_tiles, job % n_tiles
            lane, first = tile % n_across, tile // n_across * n_wide
            clear_sums(sums, n_sums)
            for q in range(m):
                for r in range(ROWS):
                    x[r] = gates[_u8(t), _u8(q * rows + lane + r * n_across)]
                for u in range(n_wide):
                    w = weights[_u8(q), _u8(x_offset + min(first + u, n_in - 1))]
                    add_products(w, x, u * ROWS, sums)
            for u in range(n_wide):
                if first + u < n_in:
                    for r in range(ROWS):
                        k = (x_offset + first + u) * rows + lane + r * n_across
                        inputs[t, k] = sums[u * ROWS + r]

    return compute_grad_inputs


def _compile_grad_weights(cell, real, rows) -> Callable:
    n_split, n_sums, pitch = 1 if cell.SPLIT else 0, TILE * TILE, DEPTH + 1
    stage = _compile_stage(rows)

    @device_function
    def masked(value, line, column, both, n_hidden):
        """The gradient of a weight; of a split cell's last two blocks one sees h, one sees x."""
        if line >= both + n_hidden:
            return value if column >= n_hidden else like(value, 0)
        if line >= both:
            return value if column <= n_hidden else like(value, 0)
        return value

    @device_function
    def accumulate_grad_weights(gates, inputs, sizes, n_rows, add, grad_weights):
        """One product for all steps, panel by panel of the weights, operands staged on chip."""
        n_steps, (m, columns) = gates.shape[0], grad_weights.shape
        n_hidden, both = sizes.n_hidden, m - 2 * n_split * sizes.n_hidden
        across, down = panel_of(cuda.blockDim.x)
        staged_inputs = TILE * down * pitch
        tile_row, tile_column = cuda.threadIdx.x // across, cuda.threadIdx.x % across
        shared = cuda.shared.array(0, real, ALIGNMENT)
        sums, x = cuda.local.array(n_sums, real), cuda.local.array(TILE, real)
        for i0 in range(0, m, TILE * down):
            for c0 in range(0, columns, TILE * across):
                extent = min(TILE * down, m - i0), min(TILE * across, columns - c0)
                n_columns = (columns - c0 - tile_column + across - 1) // across
                clear_sums(sums, n_sums)
                for t0 in range(0, n_steps, DEPTH // rows):
                    panel_gates, panel_inputs = gates[:, i0 * rows :], inputs[:, c0 * rows :]
                    stage(panel_gates, panel_inputs, t0, extent, staged_inputs, shared)
                    cuda.syncthreads()
                    for d in range(DEPTH):
                        for i in range(TILE):
                            x[i] = shared[_u8((tile_row + i * down) * pitch + d)]
                        for c in range(TILE):
                            if c < n_columns:
                                column = tile_column + c * across
                                w = shared[_u8(staged_inputs + column * pitch + d)]
                                for i in range(TILE):
                                    sums[c * TILE + i] += w * x[i]
                    cuda.syncthreads()
                for c in range(min(TILE, n_columns)):
                    column = c0 + tile_column + c * across
                    for i in range(TILE):
                        line = i0 + tile_row + i * down
                        if line < m:
                            value = masked(sums[i], line, column, both, n_hidden)
                            if add:
                                value += grad_weights[_u8(line), _u8(column)]
                            grad_weights[_u8(line), _u8(column)] = value
                    for k in range(n_sums - TILE):  # the next column's come to the front
                        sums[k] = sums[k + TILE]

    return accumulate_grad_weights


def _compile_stage(rows) -> Callable:
    pitch = DEPTH + 1

    @scalar
    def stage(gates, inputs, t0, extent, staged_inputs, shared):
        """Load a panel's gates and inputs on chip, of ``DEPTH`` rows and steps from step t0 on."""
        n_steps, (n_gates, n_inputs), thread = gates.shape[0], extent, cuda.threadIdx.x
        n_threads = cuda.blockDim.x
        lanes = min(DEPTH, n_threads)
        for d in range(thread % lanes, DEPTH, lanes):
            t, row = t0 + d // rows, d % rows
            step, exists = min(t, n_steps - 1), t < n_steps
            for i in range(thread // lanes, n_gates, n_threads // lanes):
                value = gates[step, i * rows + row]
                shared[i * pitch + d] = value if exists else like(value, 0)
            for c in range(thread // lanes, n_inputs, n_threads // lanes):
                value = inputs[step, c * rows + row]
                shared[staged_inputs + c * pitch + d] = value if exists else like(value, 0)

    return stage
