"""One step of a cell for a chunk of rows, on the CPU: products, then the cell's pass.

The inputs of a step, flat, stack [h, 1, x]; most blocks of pre-activations are products with all of
it, the last two of a split cell with [h, 1] and with [1, x].
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from tsrnn.kernels.arrays import clear_matrix
from tsrnn.kernels.gemm.products import apply, apply_transposed, outer_of_steps
from tsrnn.kernels.jit.compile import device_function, matrix
from tsrnn.kernels.layout import layer_offset, weights_width


class StepArrays(NamedTuple):
    """Flat arrays, (units * n_rows,), of one step forward; the step writes those marked."""

    inputs: Any
    gates: Any  # written
    hidden: Any
    state: Any
    state_after: Any  # written
    saved: Any  # written
    hidden_after: Any  # written


class Steps(NamedTuple):
    """A target's passes of one step of one cell.

    ``load_weights*(parameters, sizes, layer, direction)``
        The weights as the passes forward or backward take them, in a tuple.
    ``forward(weights, step_arrays, sizes, n_rows)``
    ``backward(gates, h, state, saved, grad_h, grad_state, sizes, n_rows)``
        Overwrites the gates with the gradient of their pre-activations.
    ``compute_grad_hidden(weights, grad_gates, sizes, n_rows, add, grad_h)``
        Writes or adds the gradient of the h that the products read.
    ``accumulate_grad_weights(grad_gates, inputs, sizes, n_rows, add, grad_weights)``
        Writes or adds the gradient of the weights from matrices of several steps.
    ``compute_grad_inputs(weights, grad_gates, sizes, n_rows, inputs)``
        Writes the gradient of the x of several steps over them.
    """

    load_weights: Callable
    load_weights_backward: Callable
    forward: Callable
    backward: Callable
    compute_grad_hidden: Callable
    accumulate_grad_weights: Callable
    compute_grad_inputs: Callable


@device_function
def recurrent_weights(parameters, sizes, layer, direction):
    """Weights (n_blocks * n_hidden, width) of a direction, or their gradient, in a tuple."""
    n_rows, n_columns = sizes.n_blocks * sizes.n_hidden, weights_width(sizes, layer)
    return (matrix(parameters, layer_offset(sizes, layer, direction), n_rows, n_columns),)


def compile_steps(cell) -> Steps:
    """Make the passes of a step of a cell (a module of ``kernels.cells``)."""
    n_split = 1 if cell.SPLIT else 0  # blocks at the end that read [h, 1], and as many [1, x]
    cell_backward = cell.backward

    @device_function
    def backward(gates, h, state, saved, grad_h, grad_state, sizes, n_rows):
        cell_backward(gates, h, state, saved, grad_h, grad_state)

    return Steps(
        recurrent_weights,
        recurrent_weights,
        _compile_forward(cell, n_split),
        backward,
        _compile_grad_hidden(n_split),
        _compile_grad_weights(n_split),
        _compile_grad_inputs(n_split),
    )


def _compile_forward(cell, n_split) -> Callable:
    cell_forward = cell.forward

    @device_function
    def forward(weights, step, sizes, n_rows):
        inputs, gates, h, state, state_after, saved, h_after = step
        n_hidden = sizes.n_hidden
        n_full = weights.shape[0] - 2 * n_split * n_hidden
        apply(weights[:n_full], inputs, gates[: n_full * n_rows])
        if n_split:
            h_end, n_h_columns = n_full + n_hidden, (n_hidden + 1) * n_rows
            h_gates = gates[n_full * n_rows : h_end * n_rows]
            apply(weights[n_full:h_end, : n_hidden + 1], inputs[:n_h_columns], h_gates)
            apply(weights[h_end:, n_hidden:], inputs[n_hidden * n_rows :], gates[h_end * n_rows :])
        cell_forward(gates, h, state, state_after, saved, h_after)

    return forward


def _compile_grad_hidden(n_split) -> Callable:
    @device_function
    def compute_grad_hidden(weights, grad_gates, sizes, n_rows, add, grad_h):
        n_hidden = sizes.n_hidden
        n_full = weights.shape[0] - 2 * n_split * n_hidden
        apply_transposed(weights[:n_full, :n_hidden], grad_gates[: n_full * n_rows], add, grad_h)
        if n_split:
            h_end = n_full + n_hidden
            grad_h_gates = grad_gates[n_full * n_rows : h_end * n_rows]
            apply_transposed(weights[n_full:h_end, :n_hidden], grad_h_gates, True, grad_h)

    return compute_grad_hidden


def _compile_grad_inputs(n_split) -> Callable:
    @device_function
    def compute_grad_inputs(weights, grad_gates, sizes, n_rows, inputs):
        x = sizes.n_hidden + 1
        n_full = weights.shape[0] - 2 * n_split * sizes.n_hidden
        for t in range(grad_gates.shape[0]):
            grad_full, grad_x = grad_gates[t, : n_full * n_rows], inputs[t, x * n_rows :]
            apply_transposed(weights[:n_full, x:], grad_full, False, grad_x)
            if n_split:
                h_end = n_full + sizes.n_hidden
                apply_transposed(weights[h_end:, x:], grad_gates[t, h_end * n_rows :], True, grad_x)

    return compute_grad_inputs


def _compile_grad_weights(n_split) -> Callable:
    @device_function
    def accumulate_grad_weights(grad_gates, inputs, sizes, n_rows, add, grad_weights):
        n_hidden = sizes.n_hidden
        n_full = grad_weights.shape[0] - 2 * n_split * n_hidden
        outer_of_steps(grad_gates[:, : n_full * n_rows], inputs, add, grad_weights[:n_full])
        if n_split:
            h_end, n_h_columns = n_full + n_hidden, (n_hidden + 1) * n_rows
            if not add:
                clear_matrix(grad_weights[n_full:])
            grad_h_gates, grad_x_gates = (
                grad_gates[:, n_full * n_rows : h_end * n_rows],
                grad_gates[:, h_end * n_rows :],
            )
            h_weights = grad_weights[n_full:h_end, : n_hidden + 1]
            outer_of_steps(grad_h_gates, inputs[:, :n_h_columns], True, h_weights)
            x_inputs = inputs[:, n_hidden * n_rows :]
            outer_of_steps(grad_x_gates, x_inputs, True, grad_weights[h_end:, n_hidden:])

    return accumulate_grad_weights
