"""Outputs for the mean of a sequence's steps (mean pooling)."""

from tsrnn.kernels.heads import Head
from tsrnn.kernels.heads._steps import output_of
from tsrnn.kernels.jit.compile import device_function
from tsrnn.kernels.layers import layer_arrays
from tsrnn.kernels.workers import worker_range


@device_function
def forward(parameters, layers, chunk, space, inputs):
    """Write the mean of each row's steps, zeros for an empty sequence."""
    sizes, first_steps, typed = chunk.sizes, chunk.first_steps, inputs.dtype.type
    n_rows, n_hidden = first_steps.size, sizes.n_hidden * first_steps.size
    for direction in range(sizes.n_directions):
        arrays = layer_arrays(layers, chunk, sizes.n_layers - 1, direction)
        mean = inputs[0, direction * n_hidden : (direction + 1) * n_hidden]
        for row in worker_range(n_rows):
            n_steps = typed(max(sizes.n_time - first_steps[row], 1))
            for k in range(row, n_hidden, n_rows):
                mean[k] = 0
                for t in range(first_steps[row], sizes.n_time):
                    mean[k] += output_of(arrays, chunk, t, direction, k) / n_steps


@device_function
def backward(parameters, gradient, layers, chunk, space, grad_inputs, grads):
    """Add each step's part of the mean's gradient."""
    sizes, first_steps, typed = chunk.sizes, chunk.first_steps, grad_inputs.dtype.type
    n_rows, n_hidden = first_steps.size, sizes.n_hidden * first_steps.size
    for direction in range(sizes.n_directions):
        grad_mean = grad_inputs[0, direction * n_hidden : (direction + 1) * n_hidden]
        for row in worker_range(n_rows):
            n_steps = typed(max(sizes.n_time - first_steps[row], 1))
            for t in range(first_steps[row], sizes.n_time):
                for k in range(row, n_hidden, n_rows):
                    grads.outputs[direction * sizes.n_time + t, k] += grad_mean[k] / n_steps


HEAD = Head(
    n_output_steps=lambda n_time, n_horizons: 1,
    compile=lambda layer: (forward, backward),
    pools=True,
)
