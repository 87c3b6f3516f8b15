"""Reading one step of the last layer's outputs for each output step, as several heads do."""

from collections.abc import Callable

from tsrnn.kernels.arrays import copy
from tsrnn.kernels.jit.compile import device_function
from tsrnn.kernels.layers import hidden_at, layer_arrays
from tsrnn.kernels.workers import worker_range


@device_function
def output_of(arrays, chunk, t, direction, k):
    """Value k of a direction's outputs of the last layer at step t, with the residual."""
    sizes, n_rows = chunk.sizes, chunk.first_steps.size
    n_hidden = sizes.n_hidden * n_rows
    (h,) = hidden_at(arrays, n_hidden, t + 1 - direction)
    if sizes.residual and sizes.n_layers > 1 and t < sizes.n_time:
        return h[k] + arrays.inputs[t + direction, (1 + direction) * n_hidden + n_rows + k]
    return h[k]


def compile_step_selection(
    selected_step: Callable, first_output_step: Callable | None = None
) -> tuple[Callable, Callable]:
    """Make the passes of a head that reads a step for each output step; see ``Head``.

    The device function ``selected_step(sizes, first_steps, direction, output_step, row)`` gives a
    row's step; in the forward direction it is the same for all rows.
    """
    from_the_first = first_output_step is None

    @device_function
    def forward(parameters, layers, chunk, space, inputs):
        sizes, first_steps = chunk.sizes, chunk.first_steps
        n_rows, n_layers = first_steps.size, sizes.n_layers
        n_hidden = sizes.n_hidden * n_rows
        for direction in range(sizes.n_directions):
            arrays = layer_arrays(layers, chunk, n_layers - 1, direction)
            for output_step in range(inputs.shape[0]):
                out = inputs[output_step, direction * n_hidden : (direction + 1) * n_hidden]
                if direction == 0 and not (sizes.residual and n_layers > 1):
                    slot = selected_step(sizes, first_steps, 0, output_step, 0) + 1
                    copy(hidden_at(arrays, n_hidden, slot)[0], out)
                    continue
                for row in worker_range(n_rows):
                    t = selected_step(sizes, first_steps, direction, output_step, row)
                    for k in range(row, n_hidden, n_rows):
                        out[k] = output_of(arrays, chunk, t, direction, k)

    @device_function
    def backward(parameters, gradient, layers, chunk, space, grad_inputs, grads):
        sizes, first_steps, grad_outputs = chunk.sizes, chunk.first_steps, grads.outputs
        n_rows = first_steps.size
        n_hidden = sizes.n_hidden * n_rows
        n_steps = grad_outputs.shape[0] // sizes.n_directions
        first = 0 if from_the_first else first_output_step(sizes, first_steps)
        for output_step in range(first, grad_inputs.shape[0]):
            for direction in range(sizes.n_directions):
                grad_read = grad_inputs[output_step, direction * n_hidden :]
                for row in worker_range(n_rows):
                    t = selected_step(sizes, first_steps, direction, output_step, row)
                    grad_h = grad_outputs[direction * n_steps + min(t, n_steps - 1)]
                    for k in range(row, n_hidden, n_rows):
                        grad_h[k] += grad_read[k]

    return forward, backward
