"""Layers of one cell over time, for a chunk of rows: forward, and back through time.

Arrays hold rows last, (time, units, rows): what a cell's pass touches is contiguous whatever the
sizes, and long enough to vectorise. ``inputs[t]`` stacks ``[h_{t-1}, 1, x_t]``, so that one product
with ``[W_h, b, W_x]`` gives all pre-activations, and one with the gates' gradients gives all of the
weights'.

Sequences end together: a row whose sequence is shorter begins later, at ``begins[row]``; at the
steps before, its state stays as it is. ``inputs`` and ``state`` have a slot more than there are
steps: a first direction's step t reads slot t and writes the h and state of slot t + 1, a second
direction's goes the other way, from slot t + 1 to slot t.
"""

import functools
from typing import NamedTuple

from tsrnn.kernels.compile import leaf, matrix, view
from tsrnn.kernels.noise import drop
from tsrnn.kernels.products import apply, apply_transposed, outer
from tsrnn.kernels.shapes import (
    cell_place,
    clear,
    clear_matrix,
    copy,
    earliest,
    latest,
    layer_space,
    width,
)


class Layers(NamedTuple):
    """Functions over the layers of one cell, to be compiled into drivers."""

    pre_activate: callable
    blame_hidden: callable
    charge: callable
    forward: callable
    backward: callable
    blame_inputs: callable


@view
def weights_of(parameters, sizes, layer, direction):
    """Weights (blocks * hidden, width) of a layer's direction, or the gradient laid out alike."""
    n_rows, n_columns = sizes.n_blocks * sizes.n_hidden, width(sizes, layer)
    return matrix(parameters, cell_place(sizes, layer, direction), n_rows, n_columns)


@leaf
def arrays_of(work, sizes, n_rows, layer, direction, training, apart):
    """A layer's direction's inputs, gates, state, saved and hidden, (slots or steps, units * rows).

    Where not ``training``, gates and saved have one step and state two; where not ``apart``, hidden
    is empty and h is found in the inputs.
    """
    n_hidden, n_time = sizes.n_hidden * n_rows, sizes.n_time
    n_steps = n_time if training else 1
    space = layer_space(sizes, n_rows, layer, training, apart)
    first = direction * space
    for below in range(layer):
        first += sizes.n_directions * layer_space(sizes, n_rows, below, training, apart)
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
        matrix(work, d, (n_time + 1) * apart, n_hidden),
    )


@view
def hidden_at(arrays, n_hidden, slot):
    """h of a slot, (n_hidden * n_rows,)."""
    inputs, hidden = arrays[0], arrays[4]
    return hidden[slot] if hidden.shape[0] else inputs[slot, :n_hidden]


@leaf
def copy_inputs(work, sizes, n_rows, training, apart):
    """Give the first layer's second direction the inputs of its first."""
    there = arrays_of(work, sizes, n_rows, 0, 0, training, apart)[0]
    back = arrays_of(work, sizes, n_rows, 0, 1, training, apart)[0]
    for t in range(sizes.n_time):
        for k in range((sizes.n_hidden + 1) * n_rows, there.shape[1]):
            back[t + 1, k] = there[t, k]


@leaf
def pass_up(work, sizes, layer, n_rows, noise, training):
    """Write a layer's outputs to the inputs of the layer above, with dropout."""
    n_hidden = sizes.n_hidden * n_rows
    x = n_hidden + n_rows  # where the inputs of a step begin
    apart = noise.recurrent > 0
    for direction in range(sizes.n_directions):
        arrays = arrays_of(work, sizes, n_rows, layer, direction, training, apart)
        block = x + direction * n_hidden
        for towards in range(sizes.n_directions):
            above = arrays_of(work, sizes, n_rows, layer + 1, towards, training, apart)[0]
            for t in range(sizes.n_time):
                h = hidden_at(arrays, n_hidden, t + 1 - direction)
                out = above[t + towards, block : block + n_hidden]
                for k in range(n_hidden):
                    out[k] = h[k]
                    if sizes.residual and layer > 0:
                        out[k] += arrays[0][t + direction, block + k]
                if noise.between > 0:
                    drop_block(out, t, direction, layer, sizes, n_rows, noise)


@leaf
def drop_block(values, t, direction, layer, sizes, n_rows, noise):
    """Dropout of what a layer's direction says at a step, or of its gradient."""
    place = (layer * sizes.n_directions + direction) * sizes.n_time + t
    drop(noise.between, noise.seed, place, noise.first_row, n_rows, values)


@leaf
def pull_down(work, sizes, layer, first, n_rows, noise, above):
    """From the gradient of the inputs of the layer above, that of a layer's outputs.

    ``above``, (directions * time, units * rows), holds the gradient of the outputs of the layer
    above, and afterwards that of this one's.
    """
    n_hidden = sizes.n_hidden * n_rows
    x = n_hidden + n_rows
    apart = noise.recurrent > 0
    for direction in range(sizes.n_directions):
        block = x + direction * n_hidden
        for towards in range(sizes.n_directions):
            dinputs = arrays_of(work, sizes, n_rows, layer + 1, towards, True, apart)[0]
            for t in range(first, sizes.n_time):
                out = above[direction * sizes.n_time + t]
                for k in range(n_hidden):
                    old = out[k] if towards > 0 or sizes.residual else 0
                    out[k] = old + dinputs[t + towards, block + k]
        if noise.between > 0:
            for t in range(first, sizes.n_time):
                drop_block(above[direction * sizes.n_time + t], t, direction, layer, sizes, n_rows,
                           noise)  # fmt: skip


@leaf
def write_states(values, states, first_row, place, n_rows):
    """Write carried states, (values of a state, sequences), to ``values``, (units * n_rows,)."""
    if states.size == 0:
        clear(values)
        return
    for unit in range(values.size // n_rows):
        own = states[place + unit, first_row : first_row + n_rows]
        copy(own, values[unit * n_rows : (unit + 1) * n_rows])


@leaf
def keep_states(values, states, first_row, place, n_rows):
    """Keep ``values``, (units * n_rows,), in the carried states."""
    for unit in range(values.size // n_rows):
        own = states[place + unit, first_row : first_row + n_rows]
        copy(values[unit * n_rows : (unit + 1) * n_rows], own)


@functools.cache
def compile_layers(cell) -> Layers:
    """Make the functions over layers of a cell (a module of ``kernels.cells``)."""
    cell_forward, cell_backward, keeps_h = cell.forward, cell.backward, cell.KEEPS_H
    n_split = 1 if cell.SPLIT else 0  # blocks at the end that see h alone, and as many x alone

    # [h, 1, x] is what most blocks see; those that see h alone or x alone see the 1 as well.

    @leaf
    def pre_activate(weights, inputs, gates, n_hidden, n_rows):
        """Write the pre-activations of all blocks."""
        both = weights.shape[0] - 2 * n_split * n_hidden
        apply(weights[:both], inputs, gates[: both * n_rows])
        if n_split:
            alone, past = both + n_hidden, (n_hidden + 1) * n_rows
            apply(weights[both:alone, : n_hidden + 1], inputs[:past],
                  gates[both * n_rows : alone * n_rows])  # fmt: skip
            apply(weights[alone:, n_hidden:], inputs[n_hidden * n_rows :], gates[alone * n_rows :])

    @leaf
    def blame(weights, dgates, n_hidden, n_rows, add, dh):
        """Write the gradient of the h that the products saw, or add it, from the gates'."""
        both = weights.shape[0] - 2 * n_split * n_hidden
        apply_transposed(weights[:both, :n_hidden], dgates[: both * n_rows], add, dh)
        if n_split:
            alone = both + n_hidden
            apply_transposed(weights[both:alone, :n_hidden],
                             dgates[both * n_rows : alone * n_rows], True, dh)  # fmt: skip

    @leaf
    def blame_inputs(weights, dgates, n_hidden, n_rows, dx):
        """Write the gradient of a step's inputs from that of the gates."""
        both = weights.shape[0] - 2 * n_split * n_hidden
        apply_transposed(weights[:both, n_hidden + 1 :], dgates[: both * n_rows], False, dx)
        if n_split:
            alone = both + n_hidden
            apply_transposed(weights[alone:, n_hidden + 1 :], dgates[alone * n_rows :], True, dx)

    @leaf
    def charge(dgates, inputs, n_hidden, n_rows, add, dweights):
        """Write the gradient of the weights from that of the pre-activations, or add it."""
        both = dweights.shape[0] - 2 * n_split * n_hidden
        outer(dgates[: both * n_rows], inputs, add, dweights[:both])
        if n_split:
            alone, past = both + n_hidden, (n_hidden + 1) * n_rows
            if not add:
                clear_matrix(dweights[both:])
            outer(dgates[both * n_rows : alone * n_rows], inputs[:past], add,
                  dweights[both:alone, : n_hidden + 1])  # fmt: skip
            outer(dgates[alone * n_rows :], inputs[n_hidden * n_rows :], add,
                  dweights[alone:, n_hidden:])  # fmt: skip

    @leaf
    def blame_hidden(weights, dgates, n_hidden, n_rows, noise, key, scratch, dh):
        """Write the gradient of the h before a step; ``dh`` holds the cell's direct share of it."""
        if noise.recurrent > 0:
            blame(weights, dgates, n_hidden, n_rows, False, scratch)
            drop(noise.recurrent, noise.seed, key, noise.first_row, n_rows, scratch)
            for k in range(dh.size):
                dh[k] = scratch[k] + (dh[k] if keeps_h else 0)
        else:
            blame(weights, dgates, n_hidden, n_rows, keeps_h, dh)

    @leaf
    def layer_forward(parameters, work, sizes, layer, direction, begins, noise, training, states):
        """Walk one direction of a layer through time, its inputs being there."""
        n_rows, n_time = begins.size, sizes.n_time
        n_hidden = sizes.n_hidden * n_rows
        apart = noise.recurrent > 0
        arrays = arrays_of(work, sizes, n_rows, layer, direction, training, apart)
        inputs, gates, state, saved, _ = arrays
        weights = weights_of(parameters, sizes, layer, direction)
        number = layer * sizes.n_directions + direction
        key = -1 - number
        place = number * (1 + sizes.n_state) * sizes.n_hidden
        first, last = earliest(begins), latest(begins)
        for t in range(n_time + 1):
            for row in range(n_rows):
                inputs[t, n_hidden + row] = 1
        slot = n_time if direction else first  # of h; the state's is the same, or is taken in turns
        write_states(hidden_at(arrays, n_hidden, slot), states, noise.first_row, place, n_rows)
        write_states(state[slot if training else slot % 2], states, noise.first_row,
                   place + sizes.n_hidden, n_rows)  # fmt: skip
        for n in range(first, n_time + 1):
            h = hidden_at(arrays, n_hidden, slot)
            if apart:
                copy(h, inputs[slot, :n_hidden])
                drop(noise.recurrent, noise.seed, key, noise.first_row, n_rows,
                     inputs[slot, :n_hidden])  # fmt: skip
            if n == n_time:
                break
            then = slot - 1 if direction else slot + 1
            t = slot - direction
            before, now, after = (slot, t, then) if training else (slot % 2, 0, then % 2)
            h_next = hidden_at(arrays, n_hidden, then)
            pre_activate(weights, inputs[slot], gates[now], sizes.n_hidden, n_rows)
            cell_forward(gates[now], h, state[before], state[after], saved[now], h_next)
            if t < last:
                for row in range(n_rows):
                    if t < begins[row]:  # not there: everything stays
                        for k in range(row, n_hidden, n_rows):
                            h_next[k] = h[k]
                        for k in range(row, state.shape[1], n_rows):
                            state[after, k] = state[before, k]
            slot = then
        if states.size:
            end = slot if training else slot % 2
            keep_states(hidden_at(arrays, n_hidden, slot), states, noise.first_row, place, n_rows)
            keep_states(state[end], states, noise.first_row, place + sizes.n_hidden, n_rows)

    @leaf
    def layer_backward(
        parameters, gradient, work, sizes, layer, direction, begins, noise, above, add,
        dh, dstate, scratch,
    ):  # fmt: skip
        """Walk one direction of a layer back, against the order in which it went.

        ``above``, (time or 1, units * rows), holds the gradient of its outputs, of all steps or of
        the last alone; ``dstate`` that of the last state. Writes the gradient of the weights, or
        adds it, and above the first layer that of the inputs over the inputs.
        """
        n_rows, n_time = begins.size, sizes.n_time
        n_hidden = sizes.n_hidden * n_rows
        arrays = arrays_of(work, sizes, n_rows, layer, direction, True, noise.recurrent > 0)
        inputs, gates, state, saved, _ = arrays
        weights = weights_of(parameters, sizes, layer, direction)
        dweights = weights_of(gradient, sizes, layer, direction)
        key = -1 - (layer * sizes.n_directions + direction)
        first, last = earliest(begins), latest(begins)
        if first == n_time and not add:
            clear_matrix(dweights)
        clear(dh)
        for n in range(n_time - first):
            t = first + n if direction else n_time - 1 - n
            slot = t + direction
            if above.shape[0] == n_time or n == 0:
                dout = above[min(t, above.shape[0] - 1)]
                for k in range(n_hidden):
                    dh[k] += dout[k]
            if t < last:
                for row in range(n_rows):
                    if t < begins[row]:
                        for k in range(row, n_hidden, n_rows):
                            dh[k] = 0
                        for k in range(row, dstate.size, n_rows):
                            dstate[k] = 0
            h = hidden_at(arrays, n_hidden, slot)
            cell_backward(gates[t], h, state[slot], saved[t], dh, dstate)
            charge(gates[t], inputs[slot], sizes.n_hidden, n_rows, add or n > 0, dweights)
            if n < n_time - first - 1:
                blame_hidden(weights, gates[t], sizes.n_hidden, n_rows, noise, key, scratch, dh)
            if layer > 0:
                blame_inputs(weights, gates[t], sizes.n_hidden, n_rows,
                             inputs[slot, n_hidden + n_rows :])  # fmt: skip

    return Layers(pre_activate, blame_hidden, charge, layer_forward, layer_backward, blame_inputs)
