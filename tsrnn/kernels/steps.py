"""One step of a cell for a chunk of rows, on the CPU: products, then the cell's pass.

``inputs``, flat, stacks [h, 1, x] of a step; most blocks of pre-activations see all of it, those of
a split cell's last two see h alone or x alone, and the 1 as well.
"""

import functools
from typing import NamedTuple

from tsrnn.kernels.gemm.products import apply, apply_transposed, outer_of_steps
from tsrnn.kernels.jit.compile import leaf
from tsrnn.kernels.layers import weights_of
from tsrnn.kernels.shapes import clear_matrix


class Steps(NamedTuple):
    """What a target does at a step of one cell; the arguments are told in ``compile_steps``.

    Attributes
    ----------
    late : bool
        Whether the gradients of weights and inputs are left until the walk back is over, and then
        made at once for all steps.
    hold, hold_back : callable
        The weights of a layer's direction as the target's steps take them, on the way there and
        back.
    forward, backward : callable
        A step, and a step back: the gates' gradient.
    blame : callable
        The gradient of h before a step, from that of the gates.
    charge, blame_inputs : callable
        The gradient of the weights, and of the inputs, of a range of steps.
    """

    late: bool
    hold: callable
    hold_back: callable
    forward: callable
    backward: callable
    blame: callable
    charge: callable
    blame_inputs: callable


@functools.cache
def compile_steps(cell) -> Steps:
    """Make the functions over a step of a cell (a module of ``kernels.cells``)."""
    cell_forward, cell_backward = cell.forward, cell.backward
    n_split = 1 if cell.SPLIT else 0  # blocks at the end that see h alone, and as many x alone

    @leaf
    def hold(parameters, sizes, layer, direction):
        """Weights, (blocks * hidden, width): read where they are."""
        return weights_of(parameters, sizes, layer, direction)

    @leaf
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

    @leaf
    def backward(gates, h, state, saved, dh, dstate, sizes, n_rows):
        """Overwrite the gates with the gradient of their pre-activations."""
        cell_backward(gates, h, state, saved, dh, dstate)

    @leaf
    def blame(weights, dgates, sizes, n_rows, add, dh):
        """Write the gradient of the h that the products saw, or add it, from the gates'."""
        n_hidden = sizes.n_hidden
        both = weights.shape[0] - 2 * n_split * n_hidden
        apply_transposed(weights[:both, :n_hidden], dgates[: both * n_rows], add, dh)
        if n_split:
            alone = both + n_hidden
            apply_transposed(weights[both:alone, :n_hidden],
                             dgates[both * n_rows : alone * n_rows], True, dh)  # fmt: skip

    @leaf
    def blame_inputs(weights, gates, first, last, shift, sizes, n_rows, inputs):
        """Write the gradient of the inputs x of steps, from that of the gates, over them."""
        n_hidden = sizes.n_hidden
        both = weights.shape[0] - 2 * n_split * n_hidden
        for t in range(first, last):
            dgates, dx = gates[t], inputs[t + shift, (n_hidden + 1) * n_rows :]
            apply_transposed(weights[:both, n_hidden + 1 :], dgates[: both * n_rows], False, dx)
            if n_split:
                alone = both + n_hidden
                apply_transposed(
                    weights[alone:, n_hidden + 1 :], dgates[alone * n_rows :], True, dx
                )

    @leaf
    def charge(gates, inputs, first, last, shift, sizes, n_rows, add, dweights):
        """Write the gradient of the weights from that of the gates of steps, or add it.

        The inputs of step t stand in slot t + shift.
        """
        n_hidden = sizes.n_hidden
        both = dweights.shape[0] - 2 * n_split * n_hidden
        dgates, seen = gates[first:last], inputs[first + shift : last + shift]
        outer_of_steps(dgates[:, : both * n_rows], seen, add, dweights[:both])
        if n_split:
            alone, past = both + n_hidden, (n_hidden + 1) * n_rows
            if not add:
                clear_matrix(dweights[both:])
            outer_of_steps(dgates[:, both * n_rows : alone * n_rows], seen[:, :past], True,
                           dweights[both:alone, : n_hidden + 1])  # fmt: skip
            outer_of_steps(dgates[:, alone * n_rows :], seen[:, n_hidden * n_rows :], True,
                           dweights[alone:, n_hidden:])  # fmt: skip

    return Steps(True, hold, hold, forward, backward, blame, charge, blame_inputs)
