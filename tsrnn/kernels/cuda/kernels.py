"""The kernels: phases of a minibatch over a grid of chunks, and a whole training block by block.

A chunk is a block's. One model's minibatch is spread over the grid, phase by phase; of many models
each is trained by one block, all its minibatches in one launch.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

from tsrnn.kernels.chunks import compile_chunk_passes, read_sizes
from tsrnn.kernels.cuda.blocks import TileConfig, cuda, write_transposed
from tsrnn.kernels.cuda.layout import Item, arrays_of, gradient_of, layout_of, parameters_of
from tsrnn.kernels.cuda.phases import (
    compile_chunk_phases,
    compute_update,
    evaluate_chunk_loss,
    read_chunk,
    sum_over_block,
    update_parameter,
    write_chunk_outputs,
)
from tsrnn.kernels.cuda.steps import compile_steps
from tsrnn.kernels.heads import Head
from tsrnn.kernels.jit.compile import device_function, scalar
from tsrnn.kernels.outputs import head_offsets
from tsrnn.kernels.workers import barrier, worker_range


class CudaKernels(NamedTuple):
    """The kernels of one cell and dtype; all take the three long arrays and a step.

    After ``transpose_weights``, a minibatch of one model is the kernels from ``read_inputs`` to
    ``update_parameters``; a prediction is ``read_inputs``, ``forward`` and ``write_outputs``, or
    ``evaluate_loss`` where its loss alone is asked for; ``train`` is all of many models.
    ``forward`` and ``backward``, nearly all of the work, compute in the dtype only; the others use
    doubles.
    """

    transpose_weights: Callable
    read_inputs: Callable
    forward: Callable
    evaluate_loss: Callable
    backward: Callable
    sum_gradients: Callable
    update_parameters: Callable
    train: Callable
    write_outputs: Callable


def compile_kernels(cell, dtype: str, tile_config: TileConfig, head: Head) -> CudaKernels:
    """Make the kernels of a cell, a module of ``kernels.cells``, for a dtype and tile config.

    A set of kernels is for heads that pool, for those that take further steps of the last layer,
    which double the code, or for all others; for the rows of a chunk; and for one or two units that
    a thread computes at once. Whatever else a tile config and the sizes of a network say, hidden
    size and threads of a block above all, is read at run time.
    """
    tile = tile_config.n_rows, tile_config.n_units
    return _compile_kernels(cell, dtype, *tile, head.pools, head.needs_steps)


@functools.cache
def _compile_kernels(cell, dtype, n_rows, n_units, pools, needs_steps):
    def make_steps(cell):
        return compile_steps(cell, dtype, n_rows, n_units)

    passes = compile_chunk_passes(cell, make_steps, pools, needs_steps=needs_steps)
    forward_chunk, backward_chunk = compile_chunk_phases(passes)

    def forward(floats, ints, doubles, step):
        """Run all layers through time and the head; a chunk is a block's."""
        arrays = arrays_of(floats, ints, doubles)
        forward_chunk(arrays, item_of_block(arrays, step))

    def backward(floats, ints, doubles, step):
        """Run backward, to a gradient of the parameters for each chunk."""
        arrays = arrays_of(floats, ints, doubles)
        item = item_of_block(arrays, step)
        backward_chunk(arrays, item, item.worker)

    train = _compile_train(forward_chunk, backward_chunk)
    name = cell.__name__.rpartition(".")[2] + "-pools" * pools + "-steps" * needs_steps
    for function in (forward, backward, train):
        # Compiled kernels are kept on disk by this name.
        function.__qualname__ = f"{name}-{n_rows}-rows-{n_units}-units-{function.__name__}"
    return CudaKernels(
        transpose_weights,
        read_inputs,
        forward,
        evaluate_loss,
        backward,
        sum_gradients,
        update_parameters,
        train,
        write_outputs,
    )


@device_function
def item_of_block(arrays, step):
    """The chunk of a minibatch or prediction that belongs to this block."""
    n_chunks = layout_of(arrays.ints).n_chunks
    return Item(cuda.blockIdx.x // n_chunks, cuda.blockIdx.x % n_chunks, step, cuda.blockIdx.x)


@device_function
def transpose_model(arrays, model):
    """Write the transposed weights of a model, by this block."""
    sizes, layout = read_sizes(arrays.ints), layout_of(arrays.ints)
    for k in worker_range(head_offsets(sizes)[3]):
        (parameters,) = parameters_of(layout, sizes, arrays.floats, model)
        write_transposed(parameters, sizes, k)


def transpose_weights(floats, ints, doubles, step):
    """Write the transposed weights of all models; a model is a block's."""
    arrays = arrays_of(floats, ints, doubles)
    for model in range(cuda.blockIdx.x, layout_of(arrays.ints).n_models, cuda.gridDim.x):
        transpose_model(arrays, model)


def read_inputs(floats, ints, doubles, step):
    """Read the windows of all chunks; a chunk is a block's."""
    arrays = arrays_of(floats, ints, doubles)
    read_chunk(arrays, item_of_block(arrays, step))


def evaluate_loss(floats, ints, doubles, step):
    """Overwrite outputs with the gradient of the loss; a chunk is a block's."""
    arrays = arrays_of(floats, ints, doubles)
    item = item_of_block(arrays, step)
    evaluate_chunk_loss(arrays, item, item.worker)


def sum_gradients(floats, ints, doubles, step):
    """Sum the chunks' gradients in order into the first; sums of squares, one per block."""
    floats, ints, doubles = arrays_of(floats, ints, doubles)
    sizes, layout = read_sizes(ints), layout_of(ints)
    n, n_threads = head_offsets(sizes)[3], cuda.blockDim.x
    first = cuda.blockIdx.x * n_threads + cuda.threadIdx.x
    squares = 0.0
    for k in range(first, n, cuda.gridDim.x * n_threads):
        total = floats[layout.gradients + k]
        for chunk in range(1, layout.n_chunks):
            total += floats[layout.gradients + chunk * n + k]
        floats[layout.gradients + k] = total
        squares += float(total) * float(total)
    sum_over_block(squares, doubles, layout.squares + cuda.blockIdx.x)


def update_parameters(floats, ints, doubles, step):
    """Update the parameters by the mean gradient; a parameter is a thread's."""
    arrays = arrays_of(floats, ints, doubles)
    squares = 0, cuda.gridDim.x
    update, any_weight = compute_update(arrays, 0, step, 0, squares, cuda.blockIdx.x == 0)
    n, n_threads = head_offsets(read_sizes(arrays.ints))[3], cuda.blockDim.x
    first = cuda.blockIdx.x * n_threads + cuda.threadIdx.x
    if any_weight:
        for k in range(first, n, cuda.gridDim.x * n_threads):
            update_parameter(arrays, 0, 0, k, update)


def write_outputs(floats, ints, doubles, step):
    """Write predictions of all windows; a chunk is a block's."""
    arrays = arrays_of(floats, ints, doubles)
    write_chunk_outputs(arrays, item_of_block(arrays, step))


def _compile_train(forward_chunk, backward_chunk):
    @scalar
    def train_minibatch(arrays, model, step):
        """Sum a minibatch's gradient, chunk by chunk, to this block's first slot."""
        sizes, layout = read_sizes(arrays.ints), layout_of(arrays.ints)
        worker, n = cuda.blockIdx.x, head_offsets(sizes)[3]
        (summed,) = gradient_of(layout, sizes, arrays.floats, 2 * worker)
        for chunk in range(layout.n_chunks):
            item = Item(model, chunk, step, worker)
            slot = 2 * worker + (1 if chunk > 0 else 0)
            read_chunk(arrays, item)
            forward_chunk(arrays, item)
            evaluate_chunk_loss(arrays, item, worker * layout.n_chunks + chunk)
            backward_chunk(arrays, item, slot)
            if chunk > 0:
                (gradient,) = gradient_of(layout, sizes, arrays.floats, slot)
                for k in worker_range(n):
                    summed[k] += gradient[k]
                barrier()
        squares = 0.0
        for k in worker_range(n):
            squares += float(summed[k]) * float(summed[k])
        sum_over_block(squares, arrays.doubles, layout.squares + worker)

    def train(floats, ints, doubles, step):
        """All minibatches of many models, each a block's from beginning to end."""
        arrays = arrays_of(floats, ints, doubles)
        sizes, layout = read_sizes(arrays.ints), layout_of(arrays.ints)
        n, worker = head_offsets(sizes)[3], cuda.blockIdx.x
        first_sum = worker * layout.n_chunks
        for model in range(worker, layout.n_models, cuda.gridDim.x):
            transpose_model(arrays, model)
            barrier()
            for step in range(layout.n_steps):
                train_minibatch(arrays, model, step)
                squares = worker, 1
                update, any_weight = compute_update(arrays, model, step, first_sum, squares, True)
                if any_weight:
                    for k in worker_range(n):
                        update_parameter(arrays, model, 2 * worker, k, update)
                barrier()

    return train
