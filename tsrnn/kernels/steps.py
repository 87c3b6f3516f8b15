"""One step of a cell for a chunk of rows, on the CPU: products, then the cell's pass.

``inputs``, flat, stacks [h, 1, x] of a step; most blocks of pre-activations see all of it, those of
a split cell's last two see h alone or x alone, and the 1 as well.
"""

import functools
from typing import NamedTuple

from tsrnn.kernels.gemm.products import apply, apply_transposed, outer_of_steps
from tsrnn.kernels.jit.compile import device_function
from tsrnn.kernels.layers import weights_of
from tsrnn.kernels.shapes import clear_matrix


class Steps(NamedTuple):
    """What a target does at a step of one cell; the arguments are told in ``compile_steps``.

    Attributes
    ----------
    deferred : bool
        Whether the gradients of weights and inputs are left until the walk back is over, and then
        made at once for all steps.
    load_weights, load_weights_backward : callable
        The weights of a layer's direction as the target's steps take them, on the way there and
        back.
    forward, backward : callable
        A step, and a step back: the gates' gradient.
    compute_grad_hidden : callable
        The gradient of h before a step, from that of the gates.
    accumulate_grad_weights, compute_grad_inputs : callable
        The gradient of the weights, and of the inputs, of a range of steps.
    """

    deferred: bool
    load_weights: callable
    load_weights_backward: callable
    forward: callable
    backward: callable
    compute_grad_hidden: callable
    accumulate_grad_weights: callable
    compute_grad_inputs: callable


@functools.cache
def compile_steps(cell) -> Steps:
    """Make the functions over a step of a cell (a module of ``kernels.cells``)."""
    cell_forward, cell_backward = cell.forward, cell.backward
    n_split = 1 if cell.SPLIT else 0  # blocks at the end that see h alone, and as many x alone

    @device_function
    def load_weights(parameters, sizes, layer, direction):
        """Weights, (blocks * hidden, width): read where they are."""
        return weights_of(parameters, sizes, layer, direction)

    @device_function
    def forward(weights, inputs, gates, h, state, state_after, saved, h_next, sizes, n_rows):
        """Write gates, state, saved and h of a step."""
        n_hidden = sizes.n_hidden
        both = weights.shape[0] - 2 * n_split * n_hidden
        apply(weights[:both], inputs, gates[: both * n_rows])
        if n_split:
            alone, past = both + n_hidden, (n_hidden + 1) * n_rows
            apply(weights[both:alone, : n_hidden + 1], inputs[:past],
                  gates[both * n_rows : alone * n_rows])  # fmt: skip
            apply(weights[alone:, n_hidden:], inputs[n_hidden * n_rows :], gates[alone * n_rows :])
        cell_forward(gates, h, state, state_after, saved, h_next)

    @device_function
    def backward(gates, h, state, saved, grad_h, grad_state, sizes, n_rows):
        """Overwrite the gates with the gradient of their pre-activations."""
        cell_backward(gates, h, state, saved, grad_h, grad_state)

    @device_function
    def compute_grad_hidden(weights, grad_gates, sizes, n_rows, add, grad_h):
        """Write the gradient of the h that the products saw, or add it, from the gates'."""
        n_hidden = sizes.n_hidden
        both = weights.shape[0] - 2 * n_split * n_hidden
        apply_transposed(weights[:both, :n_hidden], grad_gates[: both * n_rows], add, grad_h)
        if n_split:
            alone = both + n_hidden
            apply_transposed(weights[both:alone, :n_hidden],
                             grad_gates[both * n_rows : alone * n_rows], True, grad_h)  # fmt: skip

    @device_function
    def compute_grad_inputs(weights, gates, first, last, shift, sizes, n_rows, inputs):
        """Write the gradient of the inputs x of steps, from that of the gates, over them."""
        n_hidden = sizes.n_hidden
        both = weights.shape[0] - 2 * n_split * n_hidden
        for t in range(first, last):
            grad_gates, grad_x = gates[t], inputs[t + shift, (n_hidden + 1) * n_rows :]
            apply_transposed(
                weights[:both, n_hidden + 1 :], grad_gates[: both * n_rows], False, grad_x
            )
            if n_split:
                alone = both + n_hidden
                apply_transposed(
                    weights[alone:, n_hidden + 1 :], grad_gates[alone * n_rows :], True, grad_x
                )

    @device_function
    def accumulate_grad_weights(
        gates, inputs, first, last, shift, sizes, n_rows, add, grad_weights
    ):
        """Write the gradient of the weights from that of the gates of steps, or add it.

        The inputs of step t stand in slot t + shift.
        """
        n_hidden = sizes.n_hidden
        both = grad_weights.shape[0] - 2 * n_split * n_hidden
        grad_gates, seen = gates[first:last], inputs[first + shift : last + shift]
        outer_of_steps(grad_gates[:, : both * n_rows], seen, add, grad_weights[:both])
        if n_split:
            alone, past = both + n_hidden, (n_hidden + 1) * n_rows
            if not add:
                clear_matrix(grad_weights[both:])
            outer_of_steps(grad_gates[:, both * n_rows : alone * n_rows], seen[:, :past], True,
                           grad_weights[both:alone, : n_hidden + 1])  # fmt: skip
            outer_of_steps(grad_gates[:, alone * n_rows :], seen[:, n_hidden * n_rows :], True,
                           grad_weights[alone:, n_hidden:])  # fmt: skip

    return Steps(
        True,
        load_weights,
        load_weights,
        forward,
        backward,
        compute_grad_hidden,
        accumulate_grad_weights,
        compute_grad_inputs,
    )
