"""Layers of one cell over time, for a chunk of rows: forward, and back through time.

Arrays hold rows last, (time, units, rows): what a cell's pass touches is contiguous whatever the
sizes, and long enough to vectorise. ``inputs[t]`` stacks ``[h_{t-1}, 1, x_t]``, so that one product
with ``[W_h, b, W_x]`` gives all pre-activations, and one with the gates' gradients gives all of the
weights'.

Sequences end together: a row whose sequence is shorter begins later, at ``first_steps[row]``; at the
steps before, its state stays as it is. ``inputs`` and ``state`` have a slot more than there are
steps: a first direction's step t reads slot t and writes the h and state of slot t + 1, a second
direction's goes the other way, from slot t + 1 to slot t.
"""

import functools
from typing import NamedTuple

from tsrnn.kernels.jit.compile import device_function, like, matrix
from tsrnn.kernels.noise import drop
from tsrnn.kernels.shapes import (
    cell_place,
    clear,
    clear_matrix,
    copy,
    earliest,
    latest,
    layer_space,
    steps_kept,
    width,
)
from tsrnn.kernels.workers import barrier, worker_range


class Layers(NamedTuple):
    """Functions over the layers of one cell, to be compiled into drivers."""

    forward: callable
    backward: callable
    backward_hidden: callable


@device_function
def weights_of(parameters, sizes, layer, direction):
    """Weights (blocks * hidden, width) of a layer's direction, or the gradient laid out alike."""
    n_rows, n_columns = sizes.n_blocks * sizes.n_hidden, width(sizes, layer)
    return (matrix(parameters, cell_place(sizes, layer, direction), n_rows, n_columns),)


@device_function
def arrays_of(work, sizes, n_rows, layer, direction, training, separate_hidden):
    """A layer's direction's inputs, gates, state, saved and hidden, (slots or steps, units * rows).

    Where not ``training``, gates and saved have one step and state two; where not ``separate_hidden``, hidden
    is empty and h is found in the inputs.
    """
    n_hidden, n_time = sizes.n_hidden * n_rows, sizes.n_time
    n_steps = steps_kept(sizes, training)
    space = layer_space(sizes, n_rows, layer, training, separate_hidden)
    first = direction * space
    for below in range(layer):
        first += sizes.n_directions * layer_space(sizes, n_rows, below, training, separate_hidden)
    n_input = width(sizes, layer) * n_rows
    a = first + (n_time + 1) * n_input
    b = a + n_steps * sizes.n_blocks * n_hidden
    c = b + (n_steps + 1) * sizes.n_state * n_hidden
    d = c + n_steps * sizes.n_saved * n_hidden
    return (
        matrix(work, first, n_time + 1, n_input),
        matrix(work, a, n_steps, sizes.n_blocks * n_hidden),
        matrix(work, b, n_steps + 1, sizes.n_state * n_hidden),
        matrix(work, c, n_steps, sizes.n_saved * n_hidden),
        matrix(work, d, (n_time + 1) * separate_hidden, n_hidden),
    )


@device_function
def hidden_at(arrays, n_hidden, slot):
    """h of a slot, (n_hidden * n_rows,)."""
    inputs, hidden = arrays[0], arrays[4]
    return (hidden[slot] if hidden.shape[0] else inputs[slot, :n_hidden],)


@device_function
def copy_inputs(work, sizes, n_rows, training, separate_hidden):
    """Give the first layer's second direction the inputs of its first."""
    there = arrays_of(work, sizes, n_rows, 0, 0, training, separate_hidden)[0]
    back = arrays_of(work, sizes, n_rows, 0, 1, training, separate_hidden)[0]
    x = (sizes.n_hidden + 1) * n_rows
    for t in range(sizes.n_time):
        for k in worker_range(there.shape[1] - x):
            back[t + 1, x + k] = there[t, x + k]
    barrier()


@device_function
def pass_up(work, sizes, layer, n_rows, noise, training):
    """Write a layer's outputs to the inputs of the layer above, with dropout."""
    n_hidden = sizes.n_hidden * n_rows
    x = n_hidden + n_rows  # where the inputs of a step begin
    separate_hidden = noise.recurrent.limit > 0
    for direction in range(sizes.n_directions):
        arrays = arrays_of(work, sizes, n_rows, layer, direction, training, separate_hidden)
        block = x + direction * n_hidden
        for towards in range(sizes.n_directions):
            above = arrays_of(work, sizes, n_rows, layer + 1, towards, training, separate_hidden)[0]
            for t in range(sizes.n_time):
                (h,) = hidden_at(arrays, n_hidden, t + 1 - direction)
                out = above[t + towards, block : block + n_hidden]
                for k in worker_range(n_hidden):
                    out[k] = h[k]
                    if sizes.residual and layer > 0:
                        out[k] += arrays[0][t + direction, block + k]
                if noise.between.limit > 0:
                    barrier()
                    drop_block(out, t, direction, layer, sizes, n_rows, noise)
    barrier()


@device_function
def drop_block(values, t, direction, layer, sizes, n_rows, noise):
    """Dropout of what a layer's direction says at a step, or of its gradient."""
    place = (layer * sizes.n_directions + direction) * sizes.n_time + t
    drop(noise.between, noise.seed, place, noise.first_row, n_rows, values)


@device_function
def pull_down(work, sizes, layer, first, n_rows, noise, above):
    """From the gradient of the inputs of the layer above, that of a layer's outputs.

    ``above``, (directions * time, units * rows), holds the gradient of the outputs of the layer
    above, and afterwards that of this one's.
    """
    n_hidden = sizes.n_hidden * n_rows
    x = n_hidden + n_rows
    separate_hidden = noise.recurrent.limit > 0
    for direction in range(sizes.n_directions):
        block = x + direction * n_hidden
        for towards in range(sizes.n_directions):
            grad_inputs = arrays_of(work, sizes, n_rows, layer + 1, towards, True, separate_hidden)[
                0
            ]
            for t in range(first, sizes.n_time):
                out = above[direction * sizes.n_time + t]
                for k in worker_range(n_hidden):
                    if towards == 0 and not sizes.residual:
                        out[k] = 0
                    out[k] += grad_inputs[t + towards, block + k]
        if noise.between.limit > 0:
            barrier()
            for t in range(first, sizes.n_time):
                drop_block(above[direction * sizes.n_time + t], t, direction, layer, sizes, n_rows,
                           noise)  # fmt: skip
    barrier()


@device_function
def write_states(values, states, first_row, place, n_rows):
    """Write carried states, (values of a state, sequences), to ``values``, (units * n_rows,)."""
    if states.size == 0:
        clear(values)
        return
    for unit in range(values.size // n_rows):
        own = states[place + unit, first_row : first_row + n_rows]
        copy(own, values[unit * n_rows : (unit + 1) * n_rows])


@device_function
def keep_states(values, states, first_row, place, n_rows):
    """Keep ``values``, (units * n_rows,), in the carried states."""
    for unit in range(values.size // n_rows):
        own = states[place + unit, first_row : first_row + n_rows]
        copy(values[unit * n_rows : (unit + 1) * n_rows], own)


@functools.cache
def compile_layers(cell, steps) -> Layers:
    """Make the functions over layers of a cell (a module of ``kernels.cells``).

    ``steps`` are a target's functions over one step of that cell, see ``tsrnn.kernels.steps``.
    """
    if hasattr(cell, "LAYERS"):  # it walks by itself
        return cell.LAYERS
    keeps_h, deferred = cell.KEEPS_H, steps.deferred
    load_weights, load_weights_backward = steps.load_weights, steps.load_weights_backward
    step_forward, step_backward, compute_grad_hidden = (
        steps.forward,
        steps.backward,
        steps.compute_grad_hidden,
    )
    accumulate_grad_weights, compute_grad_inputs = (
        steps.accumulate_grad_weights,
        steps.compute_grad_inputs,
    )

    @device_function
    def backward_hidden(weights, grad_gates, sizes, n_rows, noise, key, scratch, grad_h):
        """Write the gradient of the h before a step; ``grad_h`` holds the cell's direct share of it."""
        separate_hidden = noise.recurrent.limit > 0
        out = scratch if separate_hidden else grad_h
        compute_grad_hidden(
            weights, grad_gates, sizes, n_rows, keeps_h and not separate_hidden, out
        )
        if separate_hidden:
            barrier()
            drop(noise.recurrent, noise.seed, key, noise.first_row, n_rows, scratch)
            barrier()
            for k in worker_range(grad_h.size):
                grad_h[k] = scratch[k] + (grad_h[k] if keeps_h else like(scratch[k], 0))

    @device_function
    def layer_forward(
        parameters, work, sizes, layer, direction, first_steps, noise, training, states
    ):
        """Walk one direction of a layer through time, its inputs being there."""
        n_rows, n_time = first_steps.size, sizes.n_time
        n_hidden = sizes.n_hidden * n_rows
        separate_hidden = noise.recurrent.limit > 0
        arrays = arrays_of(work, sizes, n_rows, layer, direction, training, separate_hidden)
        inputs, gates, state, saved, _ = arrays
        (weights,) = load_weights(parameters, sizes, layer, direction)
        number = layer * sizes.n_directions + direction
        key = -1 - number
        place = number * (1 + sizes.n_state) * sizes.n_hidden
        first, last = earliest(first_steps), latest(first_steps)
        for t in range(n_time + 1):
            for row in worker_range(n_rows):
                inputs[t, n_hidden + row] = 1
        slot = n_time if direction else first  # of h; the state's is the same, or is taken in turns
        write_states(hidden_at(arrays, n_hidden, slot)[0], states, noise.first_row, place, n_rows)
        write_states(state[slot if training else slot % 2], states, noise.first_row,
                   place + sizes.n_hidden, n_rows)  # fmt: skip
        barrier()
        for n in range(first, n_time + 1):
            (h,) = hidden_at(arrays, n_hidden, slot)
            if separate_hidden:
                copy(h, inputs[slot, :n_hidden])
                barrier()
                drop(noise.recurrent, noise.seed, key, noise.first_row, n_rows,
                     inputs[slot, :n_hidden])  # fmt: skip
                barrier()
            if n == n_time:
                break
            then = slot - 1 if direction else slot + 1
            t = slot - direction
            before, now, after = (slot, t, then) if training else (slot % 2, 0, then % 2)
            (h_next,) = hidden_at(arrays, n_hidden, then)
            step_forward(
                weights, inputs[slot], gates[now], h, state[before], state[after], saved[now],
                h_next, sizes, n_rows,
            )  # fmt: skip
            barrier()
            if t < last:
                for row in worker_range(n_rows):
                    if t < first_steps[row]:  # not there: everything stays
                        for k in range(row, n_hidden, n_rows):
                            h_next[k] = h[k]
                        for k in range(row, state.shape[1], n_rows):
                            state[after, k] = state[before, k]
                barrier()
            slot = then
        if states.size:
            end = slot if training else slot % 2
            keep_states(
                hidden_at(arrays, n_hidden, slot)[0], states, noise.first_row, place, n_rows
            )
            keep_states(state[end], states, noise.first_row, place + sizes.n_hidden, n_rows)
            barrier()

    @device_function
    def layer_backward(
        parameters, gradient, work, sizes, layer, direction, first_steps, noise, above, add,
        grad_h, grad_state, scratch, flow,
    ):  # fmt: skip
        """Walk one direction of a layer back, against the order in which it went.

        ``above``, (time or 1, units * rows), holds the gradient of its outputs, of all steps or of
        the last alone; ``grad_state`` that of the last state. Writes the gradient of the weights, or
        adds it, above the first layer that of the inputs over the inputs, and to ``flow``, (time or
        0, units * rows), that of each h.
        """
        n_rows, n_time = first_steps.size, sizes.n_time
        n_hidden = sizes.n_hidden * n_rows
        arrays = arrays_of(work, sizes, n_rows, layer, direction, True, noise.recurrent.limit > 0)
        inputs, gates, state, saved, _ = arrays
        (weights,) = load_weights_backward(parameters, sizes, layer, direction)
        (grad_weights,) = weights_of(gradient, sizes, layer, direction)
        key = -1 - (layer * sizes.n_directions + direction)
        first, last = earliest(first_steps), latest(first_steps)
        if first == n_time and not add:
            clear_matrix(grad_weights)
        clear(grad_h)
        barrier()
        for n in range(n_time - first):
            t = first + n if direction else n_time - 1 - n
            slot = t + direction
            if above.shape[0] == n_time or n == 0:
                grad_out = above[min(t, above.shape[0] - 1)]
                for k in worker_range(n_hidden):
                    grad_h[k] += grad_out[k]
            if t < last:
                barrier()
                for row in worker_range(n_rows):
                    if t < first_steps[row]:
                        for k in range(row, n_hidden, n_rows):
                            grad_h[k] = 0
                        for k in range(row, grad_state.size, n_rows):
                            grad_state[k] = 0
                barrier()
            if flow.shape[0]:
                copy(grad_h, flow[t])
            (h,) = hidden_at(arrays, n_hidden, slot)
            step_backward(gates[t], h, state[slot], saved[t], grad_h, grad_state, sizes, n_rows)
            barrier()
            if not deferred:
                accumulate_grad_weights(
                    gates, inputs, t, t + 1, direction, sizes, n_rows, add or n > 0, grad_weights
                )
            if n < n_time - first - 1:
                backward_hidden(weights, gates[t], sizes, n_rows, noise, key, scratch, grad_h)
            if not deferred and layer > 0:
                compute_grad_inputs(weights, gates, t, t + 1, direction, sizes, n_rows, inputs)
        if deferred and first < n_time:
            barrier()
            accumulate_grad_weights(
                gates, inputs, first, n_time, direction, sizes, n_rows, add, grad_weights
            )
            barrier()
            if layer > 0:
                compute_grad_inputs(weights, gates, first, n_time, direction, sizes, n_rows, inputs)
        barrier()

    return Layers(layer_forward, layer_backward, backward_hidden)
