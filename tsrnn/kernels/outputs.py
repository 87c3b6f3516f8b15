"""A head's hidden and output layers, and its workspace: the same for every kind of head."""

from collections.abc import Callable
from typing import Any, NamedTuple

from tsrnn.kernels.arrays import clear, clear_matrix
from tsrnn.kernels.gemm.products import apply, apply_transposed, outer
from tsrnn.kernels.heads import (
    compile_head,
    extra_head_space,
    first_output_step,
    last_step_only,
    n_head_parameters,
)
from tsrnn.kernels.jit.compile import device_function, matrix
from tsrnn.kernels.layers import Layer
from tsrnn.kernels.layout import layer_offset
from tsrnn.kernels.workers import barrier, worker_range


class HeadArrays(NamedTuple):
    """A head's workspace; matrices have a row for each output step."""

    inputs: Any  # (n_output_steps, (n_features + 1) * n_rows): what is read, and 1
    hidden: Any  # (n_output_steps, (n_head_units + 1) * n_rows)
    outputs: Any  # (n_output_steps, n_out * n_rows); likewise targets
    targets: Any
    grad_hidden: Any  # (n_head_units * n_rows,)
    extra: Any  # flat: of the head's kind


@device_function
def head_offsets(sizes):
    """Where the parameters of the head's kind, hidden and output layer begin, and where all end."""
    n_features = sizes.n_directions * sizes.n_hidden + 1
    first = layer_offset(sizes, sizes.n_layers, 0)
    hidden = first + n_head_parameters(sizes)
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
    per_step = n_features + 1 + n_units + 1 + 2 * sizes.n_out
    return (sizes.n_output_steps * per_step + n_units) * n_rows + extra_head_space(sizes, n_rows)


@device_function
def head_arrays(space, sizes, n_rows):
    """The ``HeadArrays`` in a head's workspace."""
    n, n_out = sizes.n_output_steps, sizes.n_out * n_rows
    n_features = (sizes.n_directions * sizes.n_hidden + 1) * n_rows
    n_hidden = (sizes.n_head_units + 1) * n_rows
    outputs = n * (n_features + n_hidden)
    grad_hidden = outputs + 2 * n * n_out
    extra = grad_hidden + sizes.n_head_units * n_rows
    return HeadArrays(
        matrix(space, 0, n, n_features),
        matrix(space, n * n_features, n, n_hidden),
        matrix(space, outputs, n, n_out),
        matrix(space, outputs + n * n_out, n, n_out),
        space[grad_hidden:extra],
        space[extra:],
    )


@device_function
def n_grad_steps(sizes):
    """Steps whose outputs can have a gradient: all, or the last alone."""
    one_layer = sizes.n_layers == 1 and sizes.n_directions == 1 and not sizes.n_attention_heads
    return 1 if one_layer and last_step_only(sizes) else sizes.n_time


def compile_outputs(layer: Layer) -> tuple[Callable, Callable]:
    """Make the passes from the last layer of a kind to the outputs, and back."""
    kind_forward, kind_backward = compile_head(layer)
    return _compile_forward(kind_forward), _compile_backward(kind_backward)


def _compile_forward(kind_forward) -> Callable:
    @device_function
    def forward(parameters, layers, chunk, head):
        """Write the outputs, (n_output_steps, n_out * n_rows), once all layers have run."""
        sizes, n_rows = chunk.sizes, chunk.first_steps.size
        n_features = sizes.n_directions * sizes.n_hidden * n_rows
        inputs, hidden, outputs, _, _, extra = head_arrays(head, sizes, n_rows)
        hidden_weights, out_weights = head_weights(parameters, sizes)
        kind_forward(parameters, layers, chunk, extra, inputs)
        # Empty sequences still have outputs for the last step: those of their initial state.
        first = min(first_output_step(sizes, chunk.first_steps), sizes.n_output_steps - 1)
        for output_step in range(sizes.n_output_steps):
            for row in worker_range(n_rows):
                inputs[output_step, n_features + row] = 1
        barrier()
        for output_step in range(sizes.n_output_steps):
            if output_step < first:
                clear(outputs[output_step])
            elif sizes.n_head_units:
                n = sizes.n_head_units * n_rows
                apply(hidden_weights, inputs[output_step], hidden[output_step, :n])
                barrier()
                for k in worker_range(n):
                    if hidden[output_step, k] < 0:  # a rectifier; a NaN stays one
                        hidden[output_step, k] = 0
                for row in worker_range(n_rows):
                    hidden[output_step, n + row] = 1
                barrier()
                apply(out_weights, hidden[output_step], outputs[output_step])
            else:
                apply(out_weights, inputs[output_step], outputs[output_step])
        barrier()

    return forward


def _compile_backward(kind_backward) -> Callable:
    @device_function
    def backward(parameters, gradient, layers, chunk, head, grads):
        """Run the head back from the gradient of its outputs, which stands in their place.

        Writes the gradients of weights, of the last layer's outputs and of the last state.
        """
        sizes, n_rows = chunk.sizes, chunk.first_steps.size
        inputs, hidden, outputs, _, grad_hidden, extra = head_arrays(head, sizes, n_rows)
        hidden_weights, out_weights = head_weights(parameters, sizes)
        grad_hidden_weights, grad_out_weights = head_weights(gradient, sizes)
        n_features = sizes.n_directions * sizes.n_hidden
        clear_matrix(grads.outputs)
        clear(grads.state)
        first = first_output_step(sizes, chunk.first_steps)
        if first == sizes.n_output_steps:
            clear_matrix(grad_hidden_weights)
            clear_matrix(grad_out_weights)
        barrier()
        for output_step in range(first, sizes.n_output_steps):
            add = output_step > first
            grad_outputs = outputs[output_step]
            grad_inputs = inputs[output_step, : n_features * n_rows]
            if sizes.n_head_units:
                outer(grad_outputs, hidden[output_step], add, grad_out_weights)
                out_of_hidden = out_weights[:, : sizes.n_head_units]
                apply_transposed(out_of_hidden, grad_outputs, False, grad_hidden)
                barrier()
                for k in worker_range(grad_hidden.size):
                    if hidden[output_step, k] <= 0:
                        grad_hidden[k] = 0
                barrier()
                outer(grad_hidden, inputs[output_step], add, grad_hidden_weights)
                barrier()
                apply_transposed(hidden_weights[:, :n_features], grad_hidden, False, grad_inputs)
            else:
                outer(grad_outputs, inputs[output_step], add, grad_out_weights)
                barrier()
                apply_transposed(out_weights[:, :n_features], grad_outputs, False, grad_inputs)
            barrier()
        kind_backward(parameters, gradient, layers, chunk, extra, inputs, grads)
        barrier()

    return backward
