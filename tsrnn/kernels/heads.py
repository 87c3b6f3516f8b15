"""What a network says: the head over the last step, over every step, or over many horizons."""

import functools
from typing import NamedTuple

from tsrnn.kernels.gemm.products import apply, apply_transposed, outer
from tsrnn.kernels.jit.compile import device_function, matrix
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
from tsrnn.kernels.workers import barrier, worker_range


class Heads(NamedTuple):
    """Functions over the head of networks of one cell, to be compiled into drivers."""

    forward: callable
    backward: callable


@device_function
def head_weights_of(parameters, sizes):
    """Hidden layer (n_head, top + 1), or nothing, and output layer (n_out, hidden or top + 1)."""
    _, hidden, out, _ = head_places(sizes)
    n_top = sizes.n_directions * sizes.n_hidden + 1
    n_last = sizes.n_head + 1 if sizes.n_head else n_top
    return matrix(parameters, hidden, sizes.n_head, n_top), matrix(
        parameters, out, sizes.n_out, n_last
    )


@device_function
def embedding_of(parameters, sizes):
    """What each horizon is fed, (n_answers, inputs of the last layer)."""
    n_in = inputs_of(sizes, sizes.n_layers - 1)
    return (matrix(parameters, head_places(sizes)[0], sizes.n_output_steps, n_in),)


@device_function
def head_arrays_of(space, sizes, n_rows):
    """Arrays (answers, units * rows): what is read, hidden, outputs, targets; then the rest."""
    n = sizes.n_output_steps
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


@device_function
def step_arrays_of(space, sizes, n_rows):
    """Arrays of the one step that each horizon takes: inputs, gates, state, saved."""
    n = sizes.n_output_steps if sizes.reads == HORIZONS else 0
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


@device_function
def write_tops(work, sizes, first_steps, training, separate_hidden, tops):
    """Write what the head reads of the last layer's outputs, with the residual."""
    n_rows = first_steps.size
    n_hidden = sizes.n_hidden * n_rows
    residual = sizes.residual and sizes.n_layers > 1
    for direction in range(sizes.n_directions):
        arrays = arrays_of(
            work, sizes, n_rows, sizes.n_layers - 1, direction, training, separate_hidden
        )
        x = arrays[0][:, n_hidden + n_rows + direction * n_hidden :]
        for output_step in range(tops.shape[0]):
            out = tops[output_step, direction * n_hidden : (direction + 1) * n_hidden]
            if direction == 0 and not residual:  # all rows read the same step
                slot = last_step(sizes, first_steps, 0, output_step, 0) + 1
                copy(hidden_at(arrays, n_hidden, slot)[0], out)
                continue
            for row in worker_range(n_rows):
                t = last_step(sizes, first_steps, direction, output_step, row)
                (h,) = hidden_at(arrays, n_hidden, t + 1 - direction)
                for k in range(row, n_hidden, n_rows):
                    out[k] = h[k]
                    if residual and t < sizes.n_time:
                        out[k] += x[t + direction, k]


@device_function
def last_step(sizes, first_steps, direction, output_step, row):
    """The step of a row that an output_step reads: its own, or the last of a direction's way."""
    if sizes.reads == EVERY:
        return sizes.n_time - sizes.n_output_steps + output_step
    return first_steps[row] if direction else sizes.n_time - 1


@device_function
def first_output_step(sizes, first_steps):
    """The first output_step that some row has anything to say to; ``n_output_steps`` where none has."""
    if sizes.reads == EVERY:
        return max(0, earliest(first_steps) - sizes.n_time + sizes.n_output_steps)
    return 0


@device_function
def read_tops(sizes, first_steps, grad_top, output_step, above):
    """Add the gradient of what one output_step read to that of the last layer's outputs."""
    n_rows = first_steps.size
    n_hidden = sizes.n_hidden * n_rows
    n_steps = above.shape[0] // sizes.n_directions
    for direction in range(sizes.n_directions):
        part = grad_top[direction * n_hidden : (direction + 1) * n_hidden]
        for row in worker_range(n_rows):
            t = min(last_step(sizes, first_steps, direction, output_step, row), n_steps - 1)
            for k in range(row, n_hidden, n_rows):
                above[direction * n_steps + t, k] += part[k]


@functools.cache
def compile_heads(cell, steps) -> Heads:
    """Make the head's functions for a cell (a module of ``kernels.cells``) and a target's steps."""
    load_weights, load_weights_backward, deferred = (
        steps.load_weights,
        steps.load_weights_backward,
        steps.deferred,
    )
    step_forward, step_backward = steps.forward, steps.backward
    accumulate_grad_weights, compute_grad_inputs = (
        steps.accumulate_grad_weights,
        steps.compute_grad_inputs,
    )
    backward_hidden = compile_layers(cell, steps).backward_hidden

    @device_function
    def step_horizons(parameters, work, sizes, n_rows, noise, training, space, tops):
        """One step more of the last layer for each horizon, all from the last state."""
        n_time, n_hidden = sizes.n_time, sizes.n_hidden * n_rows
        layer, separate_hidden = sizes.n_layers - 1, noise.recurrent.limit > 0
        arrays = arrays_of(work, sizes, n_rows, layer, 0, training, separate_hidden)
        (weights,) = load_weights(parameters, sizes, layer, 0)
        (embedding,) = embedding_of(parameters, sizes)
        inputs, gates, state, saved, _ = step_arrays_of(space, sizes, n_rows)
        end = n_time if training else n_time % 2
        (h,) = hidden_at(arrays, n_hidden, n_time)
        for output_step in range(sizes.n_output_steps):
            copy(arrays[0][n_time, :n_hidden], inputs[output_step, :n_hidden])
            for row in worker_range(n_rows):
                inputs[output_step, n_hidden + row] = 1
                for k in range(embedding.shape[1]):
                    inputs[output_step, n_hidden + (1 + k) * n_rows + row] = embedding[
                        output_step, k
                    ]
            barrier()
            step_forward(
                weights, inputs[output_step], gates[output_step], h, arrays[2][end], state[output_step],
                saved[output_step], tops[output_step, :n_hidden], sizes, n_rows,
            )  # fmt: skip
            barrier()

    @device_function
    def unstep_horizons(
        parameters,
        gradient,
        work,
        sizes,
        n_rows,
        noise,
        space,
        output_step,
        grad_h,
        grad_state,
        scratch,
    ):
        """Back through one horizon's step: ``grad_h`` of its h becomes that of the last h."""
        n_time, n_hidden = sizes.n_time, sizes.n_hidden * n_rows
        layer, separate_hidden = sizes.n_layers - 1, noise.recurrent.limit > 0
        arrays = arrays_of(work, sizes, n_rows, layer, 0, True, separate_hidden)
        (weights,) = weights_of(parameters, sizes, layer, 0)
        _, gates, _, saved, _ = step_arrays_of(space, sizes, n_rows)
        (h,) = hidden_at(arrays, n_hidden, n_time)
        step_backward(
            gates[output_step],
            h,
            arrays[2][n_time],
            saved[output_step],
            grad_h,
            grad_state,
            sizes,
            n_rows,
        )
        barrier()
        if not deferred:
            accumulate_grad_horizons(
                parameters, gradient, sizes, n_rows, space, output_step, output_step + 1
            )
        backward_hidden(
            weights, gates[output_step], sizes, n_rows, noise, -1 - layer, scratch, grad_h
        )
        barrier()
        if not deferred:
            compute_grad_embedding(
                parameters, gradient, sizes, n_rows, space, output_step, output_step + 1
            )

    @device_function
    def accumulate_grad_horizons(parameters, gradient, sizes, n_rows, space, first, last):
        """Write, for the first horizon, or add the gradient of the weights of horizons' steps."""
        (grad_weights,) = weights_of(gradient, sizes, sizes.n_layers - 1, 0)
        inputs, gates, _, _, _ = step_arrays_of(space, sizes, n_rows)
        accumulate_grad_weights(
            gates, inputs, first, last, 0, sizes, n_rows, first > 0, grad_weights
        )

    @device_function
    def compute_grad_embedding(parameters, gradient, sizes, n_rows, space, first, last):
        """Write the gradient of the embedding of horizons, over their inputs too."""
        (weights,) = weights_of(parameters, sizes, sizes.n_layers - 1, 0)
        (grad_embedding,) = embedding_of(gradient, sizes)
        inputs, gates, _, _, _ = step_arrays_of(space, sizes, n_rows)
        compute_grad_inputs(weights, gates, first, last, 0, sizes, n_rows, inputs)
        barrier()
        for output_step in range(first, last):
            grad_x = inputs[output_step, (sizes.n_hidden + 1) * n_rows :]
            for k in worker_range(grad_embedding.shape[1]):
                grad_embedding[output_step, k] = 0
                for row in range(n_rows):
                    grad_embedding[output_step, k] += grad_x[k * n_rows + row]

    @device_function
    def head_forward(parameters, work, sizes, first_steps, noise, training, space):
        """Write what the network says, (answers, n_out * rows), all layers having been walked."""
        n_rows = first_steps.size
        n_top = sizes.n_directions * sizes.n_hidden * n_rows
        tops, hidden, outputs, _, rest = head_arrays_of(space, sizes, n_rows)
        hidden_weights, out_weights = head_weights_of(parameters, sizes)
        if sizes.reads == HORIZONS:
            step_horizons(parameters, work, sizes, n_rows, noise, training, rest, tops)
        else:
            write_tops(work, sizes, first_steps, training, noise.recurrent.limit > 0, tops)
        # Of sequences that are empty the last output_step is what their initial state says.
        first = min(first_output_step(sizes, first_steps), sizes.n_output_steps - 1)
        for output_step in range(sizes.n_output_steps):
            for row in worker_range(n_rows):
                tops[output_step, n_top + row] = 1
        barrier()
        for output_step in range(sizes.n_output_steps):
            if output_step < first:
                clear(outputs[output_step])
            elif sizes.n_head:
                n = sizes.n_head * n_rows
                apply(hidden_weights, tops[output_step], hidden[output_step, :n])
                barrier()
                for k in worker_range(n):
                    if hidden[output_step, k] < 0:  # a rectifier; a NaN stays one
                        hidden[output_step, k] = 0
                for row in worker_range(n_rows):
                    hidden[output_step, n + row] = 1
                barrier()
                apply(out_weights, hidden[output_step], outputs[output_step])
            else:
                apply(out_weights, tops[output_step], outputs[output_step])
        barrier()

    @device_function
    def head_backward(
        parameters,
        gradient,
        work,
        sizes,
        first_steps,
        noise,
        space,
        above,
        grad_h,
        grad_state,
        scratch,
    ):
        """Back through the head: outputs hold their gradient, ``above`` is written.

        The state after the last step gets its gradient, the weights of the head, and where there
        are horizons those of the last layer, get theirs.
        """
        n_rows = first_steps.size
        tops, hidden, outputs, _, rest = head_arrays_of(space, sizes, n_rows)
        hidden_weights, out_weights = head_weights_of(parameters, sizes)
        grad_hidden_weights, grad_out_weights = head_weights_of(gradient, sizes)
        n_top = sizes.n_directions * sizes.n_hidden
        steps = step_arrays_of(rest, sizes, n_rows)
        grad_hidden = steps[4][: sizes.n_head * n_rows]
        grad_top = steps[4][sizes.n_head * n_rows :][: n_top * n_rows]
        grad_last_state = steps[4][(sizes.n_head + n_top) * n_rows :]
        clear_matrix(above)
        clear(grad_state)
        first = first_output_step(sizes, first_steps)
        if first == sizes.n_output_steps:
            clear_matrix(grad_hidden_weights)
            clear_matrix(grad_out_weights)
        if sizes.reads == HORIZONS:
            load_weights_backward(parameters, sizes, sizes.n_layers - 1, 0)
        barrier()
        for output_step in range(first, sizes.n_output_steps):
            add = output_step > first
            grad_outputs = outputs[output_step]
            if sizes.n_head:
                outer(grad_outputs, hidden[output_step], add, grad_out_weights)
                apply_transposed(out_weights[:, : sizes.n_head], grad_outputs, False, grad_hidden)
                barrier()
                for k in worker_range(grad_hidden.size):
                    if hidden[output_step, k] <= 0:
                        grad_hidden[k] = 0
                barrier()
                outer(grad_hidden, tops[output_step], add, grad_hidden_weights)
                apply_transposed(hidden_weights[:, :n_top], grad_hidden, False, grad_top)
            else:
                outer(grad_outputs, tops[output_step], add, grad_out_weights)
                apply_transposed(out_weights[:, :n_top], grad_outputs, False, grad_top)
            barrier()
            if sizes.reads == HORIZONS:
                grad_last_state = grad_last_state[: grad_state.size]
                clear(grad_last_state)
                barrier()
                unstep_horizons(parameters, gradient, work, sizes, n_rows, noise, rest, output_step,
                                grad_top, grad_last_state, scratch)  # fmt: skip
                for k in worker_range(grad_state.size):
                    grad_state[k] += grad_last_state[k]
            read_tops(sizes, first_steps, grad_top, output_step, above)
            barrier()
        if deferred and sizes.reads == HORIZONS:
            accumulate_grad_horizons(
                parameters, gradient, sizes, n_rows, rest, 0, sizes.n_output_steps
            )
            barrier()
            compute_grad_embedding(
                parameters, gradient, sizes, n_rows, rest, 0, sizes.n_output_steps
            )
            barrier()

    return Heads(head_forward, head_backward)
