"""Phases of a kernel: what a block does with one chunk, and what a thread does with a parameter."""

from collections.abc import Callable

from numba import float64

from tsrnn.kernels.chunks import (
    ChunkPasses,
    read_sizes,
    read_targets,
    read_windows,
    write_predictions,
)
from tsrnn.kernels.cuda.blocks import cuda, write_transposed
from tsrnn.kernels.cuda.layout import (
    batch_of,
    chunk_of,
    gradient_of,
    layout_of,
    loss_params_of,
    parameters_of,
    rule_of_model,
    source_of,
    states_of,
    workspace_at,
)
from tsrnn.kernels.jit.compile import device_function, matrix, scalar
from tsrnn.kernels.losses import apply_loss
from tsrnn.kernels.optimizers import (
    Update,
    adam_corrections,
    apply_update,
    clip_scale,
    update_average,
)
from tsrnn.kernels.outputs import (
    head_arrays,
    head_offsets,
    write_block,
    write_block_backward,
)
from tsrnn.kernels.workers import barrier, worker_range


@scalar
def read_chunk(arrays, item):
    """Write the windows of an item to the first layer's inputs."""
    sizes, layout = read_sizes(arrays.ints), layout_of(arrays.ints)
    chunk = chunk_of(layout, sizes, arrays, item)
    (batch,) = batch_of(layout, sizes, arrays.ints, item)
    workspace = workspace_at(layout, chunk, arrays.floats, item.worker)
    read_windows(source_of(layout, arrays), batch, chunk, workspace)


def compile_chunk_phases(passes: ChunkPasses) -> tuple[Callable, Callable]:
    """Make the forward and backward pass of an item."""
    forward, backward = passes.forward, passes.backward

    @scalar
    def forward_chunk(arrays, item):
        """Run all layers and the head."""
        sizes, layout = read_sizes(arrays.ints), layout_of(arrays.ints)
        chunk = chunk_of(layout, sizes, arrays, item)
        workspace = workspace_at(layout, chunk, arrays.floats, item.worker)
        (parameters,) = parameters_of(layout, sizes, arrays.floats, item.model)
        forward(parameters, chunk, workspace, states_of(layout, sizes, arrays.floats)[0])
        write_block(parameters, chunk, workspace.head, 0)

    @scalar
    def backward_chunk(arrays, item, slot):
        """Write the gradient of the parameters to ``slot``."""
        sizes, layout = read_sizes(arrays.ints), layout_of(arrays.ints)
        chunk = chunk_of(layout, sizes, arrays, item)
        workspace = workspace_at(layout, chunk, arrays.floats, item.worker)
        (parameters,) = parameters_of(layout, sizes, arrays.floats, item.model)
        (gradient,) = gradient_of(layout, sizes, arrays.floats, slot)
        write_block_backward(parameters, gradient, chunk, workspace.head, 0)
        backward(parameters, gradient, chunk, workspace, matrix(workspace.backward, 0, 0, 0))

    return forward_chunk, backward_chunk


@scalar
def evaluate_chunk_loss(arrays, item, slot):
    """Overwrite outputs with the loss's gradient; sums of losses and weights go to ``slot``."""
    sizes, layout = read_sizes(arrays.ints), layout_of(arrays.ints)
    n_rows, doubles = sizes.n_rows, arrays.doubles
    source, chunk = source_of(layout, arrays), chunk_of(layout, sizes, arrays, item)
    (batch,) = batch_of(layout, sizes, arrays.ints, item)
    workspace = workspace_at(layout, chunk, arrays.floats, item.worker)
    (loss_params,) = loss_params_of(layout, doubles)
    n_targets = read_targets(source, batch, layout.loss, loss_params, chunk, workspace)
    head, weights = head_arrays(workspace.head, sizes, n_rows), workspace.weights
    shared = cuda.shared.array(0, float64)
    for row in worker_range(n_rows):
        total = total_weight = 0.0
        for output_step in range(sizes.n_output_steps):
            row_outputs = head.outputs[output_step, row::n_rows]
            row_targets = head.targets[output_step, row:n_targets:n_rows]
            row_weight, row_unit = weights[row : row + 1], workspace.units[row : row + 1]
            value, weight = apply_loss(
                layout.loss,
                loss_params,
                row_outputs,
                row_targets,
                row_weight,
                row_unit,
                head.loss[row::n_rows],
            )
            total += value
            total_weight += weight
        shared[row], shared[n_rows + row] = total, total_weight
    barrier()
    if cuda.threadIdx.x == 0:
        total = total_weight = 0.0
        for row in range(n_rows):
            total += shared[row]
            total_weight += shared[n_rows + row]
        place = layout.sums + 2 * slot
        doubles[place], doubles[place + 1] = total, total_weight
    barrier()


@scalar
def write_chunk_outputs(arrays, item):
    """Write the predictions of an item."""
    sizes, layout = read_sizes(arrays.ints), layout_of(arrays.ints)
    chunk = chunk_of(layout, sizes, arrays, item)
    (batch,) = batch_of(layout, sizes, arrays.ints, item)
    workspace = workspace_at(layout, chunk, arrays.floats, item.worker)
    n_rows, n_out = sizes.n_rows, sizes.n_output_steps * sizes.n_out
    out = matrix(arrays.floats, layout.out + item.worker * n_rows * n_out, n_rows, n_out)
    write_predictions(source_of(layout, arrays), batch, chunk, workspace, out)


@device_function
def sum_over_block(value, doubles, place):
    """Write the sum of a value that each thread of the block has, in the threads' order."""
    shared = cuda.shared.array(0, float64)
    shared[cuda.threadIdx.x] = value
    barrier()
    if cuda.threadIdx.x == 0:
        total = 0.0
        for thread in range(cuda.blockDim.x):
            total += shared[thread]
        doubles[place] = total
    barrier()


@device_function
def compute_update(arrays, model, step, first_sum, squares, writes_loss):
    """The ``Update`` of a model, and whether there is any, computed by the block's first thread.

    ``first_sum`` is the slot of the first chunk's sums of losses; ``squares``, (first, n), tells
    the slots of the sums of squares of the gradient.
    """
    ints, doubles = arrays.ints, arrays.doubles
    layout = layout_of(ints)
    sums, first_square = layout.sums + 2 * first_sum, layout.squares + squares[0]
    rule = rule_of_model(layout, doubles, model)
    rate = doubles[layout.rates + model * layout.n_steps + step]
    shared = cuda.shared.array(0, float64)
    if cuda.threadIdx.x == 0:
        total = weight = square = 0.0
        for chunk in range(layout.n_chunks):
            total += doubles[sums + 2 * chunk]
            weight += doubles[sums + 2 * chunk + 1]
        for k in range(squares[1]):
            square += doubles[first_square + k]
        mean, scale = 0.0, 0.0
        if weight > 0:
            mean, scale = total / weight, clip_scale(1.0 / weight, square, rule)
        if writes_loss:
            place = layout.losses + 2 * (model * layout.n_steps + step)
            doubles[place], doubles[place + 1] = mean, weight
        number = ints[layout.first_updates + model] + step
        corrected_rate, divisor = adam_corrections(rule, number, rate)
        shared[0], shared[1], shared[2], shared[3] = scale, corrected_rate, divisor, weight
    barrier()
    scale, corrected_rate, divisor, weight = shared[0], shared[1], shared[2], shared[3]
    barrier()
    return Update(rule, rate, scale, corrected_rate, divisor), weight > 0


@device_function
def update_parameter(arrays, model, slot, k, update):
    """Update parameter k of a model by the gradient in ``slot``."""
    floats, sizes, layout = arrays.floats, read_sizes(arrays.ints), layout_of(arrays.ints)
    n = head_offsets(sizes)[3]
    (parameters,) = parameters_of(layout, sizes, floats, model)
    moments = layout.moments + 3 * n * model + k
    (gradient,) = gradient_of(layout, sizes, floats, slot)
    apply_update(
        parameters[k : k + 1],
        floats[moments : moments + 1],
        floats[moments + n : moments + n + 1],
        gradient[k : k + 1],
        update,
    )
    average = floats[moments + 2 * n : moments + 2 * n + 1]
    update_average(parameters[k : k + 1], average, update.rule)
    write_transposed(parameters, sizes, k)
