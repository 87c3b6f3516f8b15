"""What a network says: the head over the last step, over every step, or over many horizons."""

import functools
from typing import NamedTuple

from tsrnn.kernels.gemm.products import apply, apply_transposed, outer
from tsrnn.kernels.jit.compile import leaf, matrix
from tsrnn.kernels.layers import arrays_of, compile_layers, hidden_at, weights_of
from tsrnn.kernels.shapes import (
    EVERY,
    HORIZONS,
    clear,
    clear_matrix,
    copy,
    earliest,
    head_places,
    inputs_of,
    width,
)
from tsrnn.kernels.team import meet, share


class Heads(NamedTuple):
    """Functions over the head of networks of one cell, to be compiled into drivers."""

    forward: callable
    backward: callable


@leaf
def head_weights_of(parameters, sizes):
    """Hidden layer (n_head, top + 1), or nothing, and output layer (n_out, hidden or top + 1)."""
    _, hidden, out, _ = head_places(sizes)
    n_top = sizes.n_directions * sizes.n_hidden + 1
    n_last = sizes.n_head + 1 if sizes.n_head else n_top
    return matrix(parameters, hidden, sizes.n_head, n_top), matrix(
        parameters, out, sizes.n_out, n_last
    )


@leaf
def embedding_of(parameters, sizes):
    """What each horizon is fed, (n_answers, inputs of the last layer)."""
    n_in = inputs_of(sizes, sizes.n_layers - 1)
    return (matrix(parameters, head_places(sizes)[0], sizes.n_answers, n_in),)


@leaf
def head_arrays_of(space, sizes, n_rows):
    """Arrays (answers, units * rows): what is read, hidden, outputs, targets; then the rest."""
    n = sizes.n_answers
    n_top = (sizes.n_directions * sizes.n_hidden + 1) * n_rows
    n_head, n_out = (sizes.n_head + 1) * n_rows, sizes.n_out * n_rows
    b = n * n_top
    c = b + n * n_head
    d = c + n * n_out
    return (
        matrix(space, 0, n, n_top),
        matrix(space, b, n, n_head),
        matrix(space, c, n, n_out),
        matrix(space, d, n, n_out),
        space[d + n * n_out :],
    )


@leaf
def step_arrays_of(space, sizes, n_rows):
    """Arrays of the one step that each horizon takes: inputs, gates, state, saved."""
    n = sizes.n_answers if sizes.reads == HORIZONS else 0
    n_hidden = sizes.n_hidden * n_rows
    n_input = width(sizes, sizes.n_layers - 1) * n_rows
    a = n * n_input
    b = a + n * sizes.n_blocks * n_hidden
    c = b + n * sizes.n_state * n_hidden
    d = c + n * sizes.n_saved * n_hidden
    return (
        matrix(space, 0, n, n_input),
        matrix(space, a, n, sizes.n_blocks * n_hidden),
        matrix(space, b, n, sizes.n_state * n_hidden),
        matrix(space, c, n, sizes.n_saved * n_hidden),
        space[d:],
    )


@leaf
def write_tops(work, sizes, begins, training, apart, tops):
    """Write what the head reads of the last layer's outputs, with the residual."""
    n_rows = begins.size
    n_hidden = sizes.n_hidden * n_rows
    residual = sizes.residual and sizes.n_layers > 1
    for direction in range(sizes.n_directions):
        arrays = arrays_of(work, sizes, n_rows, sizes.n_layers - 1, direction, training, apart)
        x = arrays[0][:, n_hidden + n_rows + direction * n_hidden :]
        for answer in range(tops.shape[0]):
            out = tops[answer, direction * n_hidden : (direction + 1) * n_hidden]
            if direction == 0 and not residual:  # all rows read the same step
                slot = last_step(sizes, begins, 0, answer, 0) + 1
                copy(hidden_at(arrays, n_hidden, slot)[0], out)
                continue
            for row in share(n_rows):
                t = last_step(sizes, begins, direction, answer, row)
                (h,) = hidden_at(arrays, n_hidden, t + 1 - direction)
                for k in range(row, n_hidden, n_rows):
                    out[k] = h[k]
                    if residual and t < sizes.n_time:
                        out[k] += x[t + direction, k]


@leaf
def last_step(sizes, begins, direction, answer, row):
    """The step of a row that an answer reads: its own, or the last of a direction's way."""
    if sizes.reads == EVERY:
        return sizes.n_time - sizes.n_answers + answer
    return begins[row] if direction else sizes.n_time - 1


@leaf
def first_answer(sizes, begins):
    """The first answer that some row has anything to say to; ``n_answers`` where none has."""
    if sizes.reads == EVERY:
        return max(0, earliest(begins) - sizes.n_time + sizes.n_answers)
    return 0


@leaf
def read_tops(sizes, begins, dtop, answer, above):
    """Add the gradient of what one answer read to that of the last layer's outputs."""
    n_rows = begins.size
    n_hidden = sizes.n_hidden * n_rows
    n_steps = above.shape[0] // sizes.n_directions
    for direction in range(sizes.n_directions):
        part = dtop[direction * n_hidden : (direction + 1) * n_hidden]
        for row in share(n_rows):
            t = min(last_step(sizes, begins, direction, answer, row), n_steps - 1)
            for k in range(row, n_hidden, n_rows):
                above[direction * n_steps + t, k] += part[k]


@functools.cache
def compile_heads(cell, steps) -> Heads:
    """Make the head's functions for a cell (a module of ``kernels.cells``) and a target's steps."""
    hold, hold_back, late = steps.hold, steps.hold_back, steps.late
    step_forward, step_backward = steps.forward, steps.backward
    charge, blame_inputs = steps.charge, steps.blame_inputs
    blame_hidden = compile_layers(cell, steps).blame_hidden

    @leaf
    def step_horizons(parameters, work, sizes, n_rows, noise, training, space, tops):
        """One step more of the last layer for each horizon, all from the last state."""
        n_time, n_hidden = sizes.n_time, sizes.n_hidden * n_rows
        layer, apart = sizes.n_layers - 1, noise.recurrent.limit > 0
        arrays = arrays_of(work, sizes, n_rows, layer, 0, training, apart)
        (weights,) = hold(parameters, sizes, layer, 0)
        (embedding,) = embedding_of(parameters, sizes)
        inputs, gates, state, saved, _ = step_arrays_of(space, sizes, n_rows)
        end = n_time if training else n_time % 2
        (h,) = hidden_at(arrays, n_hidden, n_time)
        for answer in range(sizes.n_answers):
            copy(arrays[0][n_time, :n_hidden], inputs[answer, :n_hidden])
            for row in share(n_rows):
                inputs[answer, n_hidden + row] = 1
                for k in range(embedding.shape[1]):
                    inputs[answer, n_hidden + (1 + k) * n_rows + row] = embedding[answer, k]
            meet()
            step_forward(
                weights, inputs[answer], gates[answer], h, arrays[2][end], state[answer],
                saved[answer], tops[answer, :n_hidden], sizes, n_rows,
            )  # fmt: skip
            meet()

    @leaf
    def unstep_horizons(
        parameters, gradient, work, sizes, n_rows, noise, space, answer, dh, dstate, scratch
    ):
        """Back through one horizon's step: ``dh`` of its h becomes that of the last h."""
        n_time, n_hidden = sizes.n_time, sizes.n_hidden * n_rows
        layer, apart = sizes.n_layers - 1, noise.recurrent.limit > 0
        arrays = arrays_of(work, sizes, n_rows, layer, 0, True, apart)
        (weights,) = weights_of(parameters, sizes, layer, 0)
        _, gates, _, saved, _ = step_arrays_of(space, sizes, n_rows)
        (h,) = hidden_at(arrays, n_hidden, n_time)
        step_backward(gates[answer], h, arrays[2][n_time], saved[answer], dh, dstate, sizes, n_rows)
        meet()
        if not late:
            charge_horizons(parameters, gradient, sizes, n_rows, space, answer, answer + 1)
        blame_hidden(weights, gates[answer], sizes, n_rows, noise, -1 - layer, scratch, dh)
        meet()
        if not late:
            blame_horizons(parameters, gradient, sizes, n_rows, space, answer, answer + 1)

    @leaf
    def charge_horizons(parameters, gradient, sizes, n_rows, space, first, last):
        """Write, for the first horizon, or add the gradient of the weights of horizons' steps."""
        (dweights,) = weights_of(gradient, sizes, sizes.n_layers - 1, 0)
        inputs, gates, _, _, _ = step_arrays_of(space, sizes, n_rows)
        charge(gates, inputs, first, last, 0, sizes, n_rows, first > 0, dweights)

    @leaf
    def blame_horizons(parameters, gradient, sizes, n_rows, space, first, last):
        """Write the gradient of the embedding of horizons, over their inputs too."""
        (weights,) = weights_of(parameters, sizes, sizes.n_layers - 1, 0)
        (dembedding,) = embedding_of(gradient, sizes)
        inputs, gates, _, _, _ = step_arrays_of(space, sizes, n_rows)
        blame_inputs(weights, gates, first, last, 0, sizes, n_rows, inputs)
        meet()
        for answer in range(first, last):
            dx = inputs[answer, (sizes.n_hidden + 1) * n_rows :]
            for k in share(dembedding.shape[1]):
                dembedding[answer, k] = 0
                for row in range(n_rows):
                    dembedding[answer, k] += dx[k * n_rows + row]

    @leaf
    def head_forward(parameters, work, sizes, begins, noise, training, space):
        """Write what the network says, (answers, n_out * rows), all layers having been walked."""
        n_rows = begins.size
        n_top = sizes.n_directions * sizes.n_hidden * n_rows
        tops, hidden, outputs, _, rest = head_arrays_of(space, sizes, n_rows)
        hidden_weights, out_weights = head_weights_of(parameters, sizes)
        if sizes.reads == HORIZONS:
            step_horizons(parameters, work, sizes, n_rows, noise, training, rest, tops)
        else:
            write_tops(work, sizes, begins, training, noise.recurrent.limit > 0, tops)
        # Of sequences that are empty the last answer is what their initial state says.
        first = min(first_answer(sizes, begins), sizes.n_answers - 1)
        for answer in range(sizes.n_answers):
            for row in share(n_rows):
                tops[answer, n_top + row] = 1
        meet()
        for answer in range(sizes.n_answers):
            if answer < first:
                clear(outputs[answer])
            elif sizes.n_head:
                n = sizes.n_head * n_rows
                apply(hidden_weights, tops[answer], hidden[answer, :n])
                meet()
                for k in share(n):
                    if hidden[answer, k] < 0:  # a rectifier; a NaN stays one
                        hidden[answer, k] = 0
                for row in share(n_rows):
                    hidden[answer, n + row] = 1
                meet()
                apply(out_weights, hidden[answer], outputs[answer])
            else:
                apply(out_weights, tops[answer], outputs[answer])
        meet()

    @leaf
    def head_backward(
        parameters, gradient, work, sizes, begins, noise, space, above, dh, dstate, scratch
    ):
        """Back through the head: outputs hold their gradient, ``above`` is written.

        The state after the last step gets its gradient, the weights of the head, and where there
        are horizons those of the last layer, get theirs.
        """
        n_rows = begins.size
        tops, hidden, outputs, _, rest = head_arrays_of(space, sizes, n_rows)
        hidden_weights, out_weights = head_weights_of(parameters, sizes)
        dhidden_weights, dout_weights = head_weights_of(gradient, sizes)
        n_top = sizes.n_directions * sizes.n_hidden
        steps = step_arrays_of(rest, sizes, n_rows)
        dhidden = steps[4][: sizes.n_head * n_rows]
        dtop = steps[4][sizes.n_head * n_rows :][: n_top * n_rows]
        dlast = steps[4][(sizes.n_head + n_top) * n_rows :]
        clear_matrix(above)
        clear(dstate)
        first = first_answer(sizes, begins)
        if first == sizes.n_answers:
            clear_matrix(dhidden_weights)
            clear_matrix(dout_weights)
        if sizes.reads == HORIZONS:
            hold_back(parameters, sizes, sizes.n_layers - 1, 0)
        meet()
        for answer in range(first, sizes.n_answers):
            add = answer > first
            doutputs = outputs[answer]
            if sizes.n_head:
                outer(doutputs, hidden[answer], add, dout_weights)
                apply_transposed(out_weights[:, : sizes.n_head], doutputs, False, dhidden)
                meet()
                for k in share(dhidden.size):
                    if hidden[answer, k] <= 0:
                        dhidden[k] = 0
                meet()
                outer(dhidden, tops[answer], add, dhidden_weights)
                apply_transposed(hidden_weights[:, :n_top], dhidden, False, dtop)
            else:
                outer(doutputs, tops[answer], add, dout_weights)
                apply_transposed(out_weights[:, :n_top], doutputs, False, dtop)
            meet()
            if sizes.reads == HORIZONS:
                dlast = dlast[: dstate.size]
                clear(dlast)
                meet()
                unstep_horizons(parameters, gradient, work, sizes, n_rows, noise, rest, answer,
                                dtop, dlast, scratch)  # fmt: skip
                for k in share(dstate.size):
                    dstate[k] += dlast[k]
            read_tops(sizes, begins, dtop, answer, above)
            meet()
        if late and sizes.reads == HORIZONS:
            charge_horizons(parameters, gradient, sizes, n_rows, rest, 0, sizes.n_answers)
            meet()
            blame_horizons(parameters, gradient, sizes, n_rows, rest, 0, sizes.n_answers)
            meet()

    return Heads(head_forward, head_backward)
