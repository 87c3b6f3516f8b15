"""Outputs for the largest value of each unit over a sequence's steps (max pooling)."""

from tsrnn.kernels.heads import Head
from tsrnn.kernels.heads._steps import output_of
from tsrnn.kernels.jit.compile import device_function
from tsrnn.kernels.layers import layer_arrays
from tsrnn.kernels.workers import worker_range


@device_function
def forward(parameters, layers, chunk, space, inputs):
    """Write the largest value of each row's steps, zeros for an empty sequence, and its step."""
    sizes, first_steps = chunk.sizes, chunk.first_steps
    n_rows, n_hidden = first_steps.size, sizes.n_hidden * first_steps.size
    for direction in range(sizes.n_directions):
        arrays = layer_arrays(layers, chunk, sizes.n_layers - 1, direction)
        highest = inputs[0, direction * n_hidden : (direction + 1) * n_hidden]
        steps = space[direction * n_hidden : (direction + 1) * n_hidden]
        for row in worker_range(n_rows):
            for k in range(row, n_hidden, n_rows):
                highest[k], steps[k] = 0, sizes.n_time
                for t in range(first_steps[row], sizes.n_time):
                    value = output_of(arrays, chunk, t, direction, k)
                    if t == first_steps[row] or value > highest[k]:
                        highest[k], steps[k] = value, t


@device_function
def backward(parameters, gradient, layers, chunk, space, grad_inputs, grads):
    """Add the gradient at the step where each unit was largest."""
    sizes = chunk.sizes
    n_hidden = sizes.n_hidden * chunk.first_steps.size
    for direction in range(sizes.n_directions):
        for k in worker_range(n_hidden):
            t = int(space[direction * n_hidden + k])
            if t < sizes.n_time:
                grad_outputs = grads.outputs[direction * sizes.n_time + t]
                grad_outputs[k] += grad_inputs[0, direction * n_hidden + k]


HEAD = Head(
    n_output_steps=lambda n_time, n_horizons: 1,
    compile=lambda layer: (forward, backward),
    space=lambda sizes: sizes.n_directions * sizes.n_hidden,
    pools=True,
)
