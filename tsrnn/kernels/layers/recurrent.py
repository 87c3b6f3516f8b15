"""A recurrent layer: the steps of a cell over time, forward and backward."""

from collections.abc import Callable

from tsrnn.kernels.arrays import clear, clear_matrix, copy, earliest, latest
from tsrnn.kernels.dropout import apply_dropout
from tsrnn.kernels.jit.compile import device_function, like
from tsrnn.kernels.layers import Layer, hidden_at, layer_arrays
from tsrnn.kernels.layout import separates_hidden
from tsrnn.kernels.steps import StepArrays, Steps, recurrent_weights
from tsrnn.kernels.workers import barrier, worker_range


@device_function
def load_states(values, states, first_row, offset, n_rows):
    """Write initial states, of (state_width, n_sequences), to ``values``, (n_units * n_rows,)."""
    if states.size == 0:
        clear(values)
        return
    for unit in range(values.size // n_rows):
        initial = states[offset + unit, first_row : first_row + n_rows]
        copy(initial, values[unit * n_rows : (unit + 1) * n_rows])


@device_function
def store_states(values, states, first_row, offset, n_rows):
    """Write ``values``, (n_units * n_rows,), to the states that are carried on."""
    for unit in range(values.size // n_rows):
        final = states[offset + unit, first_row : first_row + n_rows]
        copy(values[unit * n_rows : (unit + 1) * n_rows], final)


@device_function
def keep_absent_rows(t, first_steps, before, after):
    """Copy the values (n_units * n_rows,) of rows that have not begun at step t."""
    for row in worker_range(first_steps.size):
        if t < first_steps[row]:
            for k in range(row, after.size, first_steps.size):
                after[k] = before[k]


@device_function
def clear_absent_rows(t, first_steps, values):
    """Set the values (n_units * n_rows,) of rows that have not begun at step t to zero."""
    for row in worker_range(first_steps.size):
        if t < first_steps[row]:
            for k in range(row, values.size, first_steps.size):
                values[k] = 0


@device_function
def add_final_gradient(t, direction, chunk, offset, final, grad_h, grad_state):
    """Add the gradient of the final states of the rows whose last step in a direction is t."""
    first_steps, n_rows = chunk.first_steps, chunk.first_steps.size
    n_hidden = grad_h.size // n_rows
    for row in worker_range(n_rows):
        last_step = first_steps[row] if direction else chunk.sizes.n_time - 1
        if t == last_step and t >= first_steps[row]:
            for unit in range(n_hidden):
                grad_h[unit * n_rows + row] += final[offset + unit, row]
            for unit in range(grad_state.size // n_rows):
                grad_state[unit * n_rows + row] += final[offset + n_hidden + unit, row]


@device_function
def write_initial_gradient(t, first_steps, offset, grad_h, grad_state, initial):
    """Write the gradient of the initial states of the rows whose first step is t."""
    n_rows = first_steps.size
    n_hidden = grad_h.size // n_rows
    for row in worker_range(n_rows):
        if t == first_steps[row]:
            for unit in range(n_hidden):
                initial[offset + unit, row] = grad_h[unit * n_rows + row]
            for unit in range(grad_state.size // n_rows):
                initial[offset + n_hidden + unit, row] = grad_state[unit * n_rows + row]


@device_function
def drop_hidden(chunk, arrays, slot, key):
    """Write the h of a slot to the inputs with recurrent dropout."""
    dropout, n_rows = chunk.dropout, chunk.first_steps.size
    n_hidden = chunk.sizes.n_hidden * n_rows
    inputs = arrays.inputs[slot, :n_hidden]
    copy(arrays.hidden[slot], inputs)
    barrier()
    apply_dropout(dropout.recurrent, dropout.seed, key, dropout.first_row, n_rows, inputs)
    barrier()


def compile_recurrent(cell, steps: Steps, with_ends: bool = False) -> Layer:
    """Make the layer of a cell (a module of ``kernels.cells``) from a target's passes of a step.

    ``with_ends``: with the gradients of initial and final states.
    """
    backward_hidden = _compile_backward_hidden(cell, steps)
    backward = _compile_backward(steps, backward_hidden, with_ends)
    return Layer(_compile_forward(steps), backward, steps, backward_hidden)


def _compile_forward(steps) -> Callable:
    load_weights, step_forward = steps.load_weights, steps.forward

    @device_function
    def forward(parameters, work, chunk, layer, direction, states):
        """Run one direction of a layer over time; see ``Layer``."""
        sizes, first_steps, dropout, training = chunk
        n_rows, n_time = first_steps.size, sizes.n_time
        n_hidden = sizes.n_hidden * n_rows
        arrays = layer_arrays(work, chunk, layer, direction)
        inputs, gates, state, saved, _ = arrays
        (weights,) = load_weights(parameters, sizes, layer, direction)
        number = layer * sizes.n_directions + direction
        # Offsets in the carried states.
        hidden_offset = number * (1 + sizes.n_state) * sizes.n_hidden
        state_offset = hidden_offset + sizes.n_hidden
        first, last = earliest(first_steps), latest(first_steps)
        for t in range(n_time + 1):
            for row in worker_range(n_rows):
                inputs[t, n_hidden + row] = 1
        slot = n_time if direction else first  # of h; the state's is the same, or one of two
        (h,) = hidden_at(arrays, n_hidden, slot)
        load_states(h, states, dropout.first_row, hidden_offset, n_rows)
        initial = state[slot if training else slot % 2]
        load_states(initial, states, dropout.first_row, state_offset, n_rows)
        barrier()
        for n in range(first, n_time + 1):
            (h,) = hidden_at(arrays, n_hidden, slot)
            if separates_hidden(chunk):
                drop_hidden(chunk, arrays, slot, -1 - number)
            if n == n_time:
                break
            next_slot = slot - 1 if direction else slot + 1
            t = slot - direction
            before, now, after = (slot, t, next_slot) if training else (slot % 2, 0, next_slot % 2)
            (h_next,) = hidden_at(arrays, n_hidden, next_slot)
            step = StepArrays(
                inputs[slot], gates[now], h, state[before], state[after], saved[now], h_next
            )
            step_forward(weights, step, sizes, n_rows)
            barrier()
            if t < last:
                keep_absent_rows(t, first_steps, h, h_next)
                keep_absent_rows(t, first_steps, state[before], state[after])
                barrier()
            slot = next_slot
        if states.size:
            final = state[slot if training else slot % 2]
            (h,) = hidden_at(arrays, n_hidden, slot)
            store_states(h, states, dropout.first_row, hidden_offset, n_rows)
            store_states(final, states, dropout.first_row, state_offset, n_rows)
            barrier()

    return forward


def _compile_backward_hidden(cell, steps) -> Callable:
    keeps_h, compute_grad_hidden = cell.KEEPS_H, steps.compute_grad_hidden

    @device_function
    def backward_hidden(weights, grad_gates, chunk, key, scratch, grad_h):
        """Write the gradient of the h before a step; ``grad_h`` holds the part past the gates."""
        sizes, dropout, n_rows = chunk.sizes, chunk.dropout, chunk.first_steps.size
        separate = separates_hidden(chunk)
        out = scratch if separate else grad_h
        compute_grad_hidden(weights, grad_gates, sizes, n_rows, keeps_h and not separate, out)
        if separate:
            barrier()
            apply_dropout(dropout.recurrent, dropout.seed, key, dropout.first_row, n_rows, scratch)
            barrier()
            for k in worker_range(grad_h.size):
                grad_h[k] = scratch[k] + (grad_h[k] if keeps_h else like(scratch[k], 0))

    return backward_hidden


def _compile_backward(steps, backward_hidden, with_ends) -> Callable:
    step_backward, load_weights_backward = steps.backward, steps.load_weights_backward
    accumulate_grad_weights = steps.accumulate_grad_weights
    compute_grad_inputs = steps.compute_grad_inputs

    @device_function
    def backward(parameters, gradient, work, chunk, layer, direction, grads, add):
        """Run one direction of a layer back through time; see ``Layer``."""
        sizes, first_steps, _, _ = chunk
        grad_outputs, grad_h, grad_state, scratch, grad_hidden_steps, initial, final = grads
        n_rows, n_time = first_steps.size, sizes.n_time
        n_hidden, n_grad_steps = (
            sizes.n_hidden * n_rows,
            grad_outputs.shape[0] // sizes.n_directions,
        )
        arrays = layer_arrays(work, chunk, layer, direction)
        inputs, gates, state, saved, _ = arrays
        (weights,) = load_weights_backward(parameters, sizes, layer, direction)
        (grad_weights,) = recurrent_weights(gradient, sizes, layer, direction)
        number = layer * sizes.n_directions + direction
        # Offset in the carried states.
        offset = number * (1 + sizes.n_state) * sizes.n_hidden
        first, last = earliest(first_steps), latest(first_steps)
        if first == n_time and not add:
            clear_matrix(grad_weights)
        clear(grad_h)
        barrier()
        for n in range(n_time - first):
            t = first + n if direction else n_time - 1 - n
            slot = t + direction
            if n_grad_steps == n_time or n == 0:
                grad_out = grad_outputs[direction * n_grad_steps + min(t, n_grad_steps - 1)]
                for k in worker_range(n_hidden):
                    grad_h[k] += grad_out[k]
            if t < last:
                barrier()
                if with_ends and initial.shape[0]:
                    write_initial_gradient(t + 1, first_steps, offset, grad_h, grad_state, initial)
                    barrier()
                clear_absent_rows(t, first_steps, grad_h)
                clear_absent_rows(t, first_steps, grad_state)
                barrier()
            if with_ends and final.shape[0]:
                add_final_gradient(t, direction, chunk, offset, final, grad_h, grad_state)
                barrier()
            if grad_hidden_steps.shape[0]:
                copy(grad_h, grad_hidden_steps[number * n_time + t])
            (h,) = hidden_at(arrays, n_hidden, slot)
            step_backward(gates[t], h, state[slot], saved[t], grad_h, grad_state, sizes, n_rows)
            barrier()
            if n < n_time - first - 1 or (with_ends and initial.shape[0]):
                backward_hidden(weights, gates[t], chunk, -1 - number, scratch, grad_h)
        if with_ends and initial.shape[0]:
            barrier()
            write_initial_gradient(first, first_steps, offset, grad_h, grad_state, initial)
        if first < n_time:
            barrier()
            grad_gates, inputs_read = gates[first:], inputs[first + direction : n_time + direction]
            accumulate_grad_weights(grad_gates, inputs_read, sizes, n_rows, add, grad_weights)
            barrier()
            if layer > 0 or sizes.n_tokens > 0:
                compute_grad_inputs(weights, grad_gates, sizes, n_rows, inputs_read)
        barrier()

    return backward
