"""How layers are stacked: outputs become the inputs of the layer above, and gradients return."""

from tsrnn.kernels.arrays import earliest
from tsrnn.kernels.dropout import apply_dropout
from tsrnn.kernels.jit.compile import device_function
from tsrnn.kernels.layers import hidden_at, layer_arrays
from tsrnn.kernels.workers import barrier, worker_range


@device_function
def copy_inputs_to_reverse(work, chunk):
    """Give the first layer's reverse direction the inputs of its forward direction."""
    sizes = chunk.sizes
    inputs = layer_arrays(work, chunk, 0, 0).inputs
    reverse_inputs = layer_arrays(work, chunk, 0, 1).inputs
    x = (sizes.n_hidden + 1) * chunk.first_steps.size
    for t in range(sizes.n_time):
        for k in worker_range(inputs.shape[1] - x):
            reverse_inputs[t + 1, x + k] = inputs[t, x + k]
    barrier()


@device_function
def write_inputs_above(work, chunk, layer):
    """Write a layer's outputs to the inputs of the layer above, with dropout."""
    sizes, n_rows = chunk.sizes, chunk.first_steps.size
    n_hidden = sizes.n_hidden * n_rows
    x = n_hidden + n_rows  # where the inputs of a step begin
    for direction in range(sizes.n_directions):
        arrays = layer_arrays(work, chunk, layer, direction)
        block = x + direction * n_hidden
        for reader in range(sizes.n_directions):
            above = layer_arrays(work, chunk, layer + 1, reader).inputs
            for t in range(sizes.n_time):
                (h,) = hidden_at(arrays, n_hidden, t + 1 - direction)
                out = above[t + reader, block : block + n_hidden]
                for k in worker_range(n_hidden):
                    out[k] = h[k]
                    if sizes.residual and layer > 0:
                        out[k] += arrays.inputs[t + direction, block + k]
                if chunk.dropout.between_layers.limit > 0:
                    barrier()
                    drop_outputs(out, t, chunk, layer, direction)
    barrier()


@device_function
def drop_outputs(values, t, chunk, layer, direction):
    """Apply dropout to the outputs of a layer's direction at a step, or to their gradient."""
    sizes, dropout = chunk.sizes, chunk.dropout
    place = (layer * sizes.n_directions + direction) * sizes.n_time + t
    apply_dropout(
        dropout.between_layers,
        dropout.seed,
        place,
        dropout.first_row,
        chunk.first_steps.size,
        values,
    )


@device_function
def write_grad_outputs(work, chunk, layer, grad_outputs):
    """Write the gradient of a layer's outputs from that of the inputs of the layer above."""
    sizes, n_rows = chunk.sizes, chunk.first_steps.size
    first, n_hidden = earliest(chunk.first_steps), sizes.n_hidden * n_rows
    x = n_hidden + n_rows
    for direction in range(sizes.n_directions):
        block = x + direction * n_hidden
        for reader in range(sizes.n_directions):
            grad_inputs = layer_arrays(work, chunk, layer + 1, reader).inputs
            for t in range(first, sizes.n_time):
                out = grad_outputs[direction * sizes.n_time + t]
                for k in worker_range(n_hidden):
                    if reader == 0 and not sizes.residual:
                        out[k] = 0
                    out[k] += grad_inputs[t + reader, block + k]
        if chunk.dropout.between_layers.limit > 0:
            barrier()
            for t in range(first, sizes.n_time):
                out = grad_outputs[direction * sizes.n_time + t]
                drop_outputs(out, t, chunk, layer, direction)
    barrier()
