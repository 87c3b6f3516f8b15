"""A head's hidden and output layers, and its workspace: the same for every kind of head.

Outputs are computed, evaluated and run back by blocks of output steps, so that those of a large
vocabulary are never held for all steps at once.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from tsrnn.kernels.arrays import clear, clear_matrix
from tsrnn.kernels.gemm.products import apply, apply_transposed, outer_of_steps
from tsrnn.kernels.heads import compile_head, first_output_step
from tsrnn.kernels.jit.compile import device_function, matrix
from tsrnn.kernels.layers import Layer
from tsrnn.kernels.layout import layer_offset
from tsrnn.kernels.losses import LOSS_ROWS
from tsrnn.kernels.workers import barrier, worker_range

_CACHED_UNITS = 256  # outputs whose weights are in a product at a time


class HeadArrays(NamedTuple):
    """A head's workspace; matrices have a row for each output step."""

    inputs: Any  # (n_output_steps, (n_features + 1) * n_rows): what is read, and 1
    targets: Any  # (n_output_steps, n_targets * n_rows)
    hidden: Any  # (n_output_block, (n_head_units + 1) * n_rows)
    outputs: Any  # (n_output_block, n_out * n_rows)
    grad_hidden: Any  # (n_output_block, n_head_units * n_rows)
    loss: Any  # (LOSS_ROWS * n_rows + loss_space,): scratch of a loss
    extra: Any  # flat: of the head's kind


@device_function
def head_offsets(sizes):
    """Where the parameters of the head's kind, hidden and output layer begin, and where all end."""
    n_features = sizes.n_directions * sizes.n_hidden + 1
    first = layer_offset(sizes, sizes.n_layers, 0)
    hidden = first + sizes.n_head_parameters
    out = hidden + sizes.n_head_units * n_features
    end = out + sizes.n_out * (sizes.n_head_units + 1 if sizes.n_head_units else n_features)
    return first, hidden, out, end


@device_function
def head_weights(parameters, sizes):
    """Weights (units, inputs + 1) of the hidden and the output layer, or their gradients."""
    _, hidden, out, _ = head_offsets(sizes)
    n_features = sizes.n_directions * sizes.n_hidden + 1
    n_last = sizes.n_head_units + 1 if sizes.n_head_units else n_features
    return (
        matrix(parameters, hidden, sizes.n_head_units, n_features),
        matrix(parameters, out, sizes.n_out, n_last),
    )


@device_function
def head_space(sizes, n_rows):
    """Values of the workspace that the head takes."""
    n_features, n_units = sizes.n_directions * sizes.n_hidden, sizes.n_head_units
    per_step = sizes.n_output_steps * (n_features + 1 + sizes.n_targets)
    per_block = sizes.n_output_block * (2 * n_units + 1 + sizes.n_out)
    return (per_step + per_block + LOSS_ROWS + sizes.head_space) * n_rows + sizes.loss_space


@device_function
def head_arrays(space, sizes, n_rows):
    """The ``HeadArrays`` in a head's workspace."""
    n, n_block, n_out = sizes.n_output_steps, sizes.n_output_block, sizes.n_out * n_rows
    n_features = (sizes.n_directions * sizes.n_hidden + 1) * n_rows
    n_hidden = (sizes.n_head_units + 1) * n_rows
    targets = n * n_features
    hidden = targets + n * sizes.n_targets * n_rows
    outputs = hidden + n_block * n_hidden
    grad_hidden = outputs + n_block * n_out
    loss = grad_hidden + n_block * sizes.n_head_units * n_rows
    extra = loss + LOSS_ROWS * n_rows + sizes.loss_space
    return HeadArrays(
        matrix(space, 0, n, n_features),
        matrix(space, targets, n, sizes.n_targets * n_rows),
        matrix(space, hidden, n_block, n_hidden),
        matrix(space, outputs, n_block, n_out),
        matrix(space, grad_hidden, n_block, sizes.n_head_units * n_rows),
        space[loss:extra],
        space[extra:],
    )


@device_function
def n_grad_steps(sizes):
    """Steps whose outputs can have a gradient: all, or the last alone."""
    one_layer = sizes.n_layers == 1 and sizes.n_directions == 1 and not sizes.n_attention_heads
    return 1 if one_layer and sizes.last_step_only else sizes.n_time


@device_function
def first_written(sizes, first_steps, first):
    """The first output step of a block, from ``first`` on, whose outputs are computed.

    Empty sequences have outputs too, for the last step: those of their initial state.
    """
    return max(first, min(first_output_step(sizes, first_steps), sizes.n_output_steps - 1))


@device_function
def write_block(parameters, chunk, head, first):
    """Write the outputs of a block of output steps, which begins at ``first``."""
    sizes, n_rows = chunk.sizes, chunk.first_steps.size
    arrays, last = (
        head_arrays(head, sizes, n_rows),
        min(first + sizes.n_output_block, sizes.n_output_steps),
    )
    hidden_weights, out_weights = head_weights(parameters, sizes)
    written, n = first_written(sizes, chunk.first_steps, first), sizes.n_head_units * n_rows
    for output_step in range(first, min(written, last)):
        clear(arrays.outputs[output_step - first])
    if sizes.n_head_units:
        for output_step in range(written, last):
            hidden = arrays.hidden[output_step - first]
            apply(hidden_weights, arrays.inputs[output_step], hidden[:n])
            barrier()
            for k in worker_range(n):
                if hidden[k] < 0:  # a rectifier; a NaN stays one
                    hidden[k] = 0
            for row in worker_range(n_rows):
                hidden[n + row] = 1
            barrier()
    # A part of the weights stays in a cache for all steps.
    for unit in range(0, sizes.n_out, _CACHED_UNITS):
        end = min(unit + _CACHED_UNITS, sizes.n_out)
        weights = out_weights[unit:end]
        for output_step in range(written, last):
            out = arrays.outputs[output_step - first, unit * n_rows : end * n_rows]
            hidden = arrays.hidden[output_step - first]
            apply(weights, hidden if sizes.n_head_units else arrays.inputs[output_step], out)
    barrier()


@device_function
def write_block_backward(parameters, gradient, chunk, head, first):
    """Run a block of output steps back from the gradient of its outputs, which is in their place.

    Writes, and from the second block on adds, the gradient of the weights; the gradient of what
    was read comes in its place.
    """
    sizes, n_rows = chunk.sizes, chunk.first_steps.size
    arrays, last = (
        head_arrays(head, sizes, n_rows),
        min(first + sizes.n_output_block, sizes.n_output_steps),
    )
    hidden_weights, out_weights = head_weights(parameters, sizes)
    grad_hidden_weights, grad_out_weights = head_weights(gradient, sizes)
    n_features, n_units = sizes.n_directions * sizes.n_hidden, sizes.n_head_units
    very_first = first_output_step(sizes, chunk.first_steps)
    begin, add = max(first, very_first), first > very_first
    if very_first == sizes.n_output_steps and first == 0:
        clear_matrix(grad_hidden_weights)
        clear_matrix(grad_out_weights)
    if begin >= last:
        return
    barrier()
    block = slice(begin - first, last - first)
    grad_outputs, hidden = arrays.outputs[block], arrays.hidden[block]
    inputs, grad_hidden = arrays.inputs[begin:last], arrays.grad_hidden[block]
    for unit in range(0, sizes.n_out, _CACHED_UNITS):
        end = min(unit + _CACHED_UNITS, sizes.n_out)
        grad_part = grad_outputs[:, unit * n_rows : end * n_rows]
        outer_of_steps(grad_part, hidden if n_units else inputs, add, grad_out_weights[unit:end])
    barrier()
    n_read = n_units if n_units else n_features
    for unit in range(0, sizes.n_out, _CACHED_UNITS):
        end = min(unit + _CACHED_UNITS, sizes.n_out)
        weights = out_weights[unit:end, :n_read]
        for k in range(last - begin):
            grad_part = grad_outputs[k, unit * n_rows : end * n_rows]
            grad_read = grad_hidden[k] if n_units else inputs[k, : n_features * n_rows]
            apply_transposed(weights, grad_part, unit > 0, grad_read)
    barrier()
    if n_units:
        rectify_backward(hidden, grad_hidden)
        barrier()
        outer_of_steps(grad_hidden[:, :], inputs, add, grad_hidden_weights)
        barrier()
        weights = hidden_weights[:, :n_features]
        for k in range(last - begin):
            apply_transposed(weights, grad_hidden[k], False, inputs[k, : n_features * n_rows])
        barrier()


@device_function
def rectify_backward(hidden, grad_hidden):
    """Clear the gradient (n_steps, n) where the rectifier's output is zero."""
    for step in range(grad_hidden.shape[0]):
        for k in worker_range(grad_hidden.shape[1]):
            if hidden[step, k] <= 0:
                grad_hidden[step, k] = 0


def compile_outputs(
    layer: Layer, pools: bool, needs_steps: bool | None = None
) -> tuple[Callable, Callable]:
    """Make the passes from the last layer of a kind to what the head reads, and back.

    ``pools`` and ``needs_steps`` say for which heads, see ``compile_head``.
    """
    kind_forward, kind_backward = compile_head(layer, pools, needs_steps)

    @device_function
    def forward(parameters, layers, chunk, head):
        """Write what the head reads, once all layers have run."""
        sizes, n_rows = chunk.sizes, chunk.first_steps.size
        arrays, n = head_arrays(head, sizes, n_rows), sizes.n_directions * sizes.n_hidden * n_rows
        kind_forward(parameters, layers, chunk, arrays.extra, arrays.inputs)
        for output_step in range(sizes.n_output_steps):
            for row in worker_range(n_rows):
                arrays.inputs[output_step, n + row] = 1
        barrier()

    @device_function
    def backward(parameters, gradient, layers, chunk, head, grads):
        """Write the gradients of the last layer's outputs and of the last state.

        Those of what the head read are in its place.
        """
        arrays = head_arrays(head, chunk.sizes, chunk.first_steps.size)
        clear_matrix(grads.outputs)
        clear(grads.state)
        barrier()
        extra, inputs = arrays.extra, arrays.inputs
        kind_backward(parameters, gradient, layers, chunk, extra, inputs, grads)
        barrier()

    return forward, backward
