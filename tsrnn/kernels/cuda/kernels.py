"""The kernels: phases of a minibatch over a grid of chunks, and a whole training block by block.

Launching costs time by the argument, so all arrays lie in three long ones, of the network's dtype,
of whole numbers and of doubles, and where they lie is said at the beginning of the whole numbers,
as a ``LaunchLayout``. A chunk is a block's; one model's minibatch is spread over the grid, phase by phase;
of many models each is trained by one block, all its minibatches in one launch.
"""

import functools
from typing import NamedTuple

from numba import cuda, float64

from tsrnn.kernels.chunks import (
    compile_chunk_passes,
    read_sizes,
    read_targets,
    read_windows,
    workspace_of,
    write_predictions,
)
from tsrnn.kernels.cuda.blocks import SIMULATED, TileConfig, compile_steps, turn
from tsrnn.kernels.jit.compile import device_function, matrix, scalar
from tsrnn.kernels.jit.numba_internals import simulated_array
from tsrnn.kernels.layout import Chunk
from tsrnn.kernels.losses import apply_loss
from tsrnn.kernels.noise import Dropout, Noise, scramble, unsigned
from tsrnn.kernels.optimizers import Update, adam_corrections, apply_update, clip_scale, rule_of
from tsrnn.kernels.outputs import head_arrays, head_offsets
from tsrnn.kernels.windows import Source
from tsrnn.kernels.workers import barrier, worker_range

N_SIZES, N_RULE = 15, 12


class LaunchLayout(NamedTuple):
    """Numbers of a run, and where in the three long arrays its arrays begin.

    Attributes
    ----------
    n_models, n_chunks, n_steps : int
        Models; chunks of a minibatch, or of a prediction; minibatches.
    training, separate_hidden, evaluate, loss : int
        Whether there is a way back; whether h is kept apart from what is dropped of it; whether
        the loss is wanted; place of the loss in ``tsrnn.kernels.losses.LOSSES``.
    n_work : int
        Values of the workspace of a chunk.
    n_sequences : int
        Sequences whose states are carried; 0 for none.
    n_loss_params : int
        Levels of the loss.
    n_values, n_channels, n_targets, n_each, n_weights, n_windows : int
        Shapes of the source's arrays.
    lookback, season, missing, ahead, n_known : int
        Of the source.
    values, targets, parameters, moments, gradients, work, scales, states, out : int
        Where they begin in the array of reals.
    firsts, lengths, order, first_steps, first_updates, limits : int
        Where they begin in the array of whole numbers.
    weights, least_scale, loss_params, rules, rates, sums, losses, squares : int
        Where they begin in the array of doubles.
    """

    n_models: int
    n_chunks: int
    n_steps: int
    training: int
    separate_hidden: int
    evaluate: int
    loss: int
    n_work: int
    n_sequences: int
    n_loss_params: int
    n_values: int
    n_channels: int
    n_targets: int
    n_each: int
    n_weights: int
    n_windows: int
    lookback: int
    season: int
    missing: int
    ahead: int
    n_known: int
    values: int
    targets: int
    parameters: int
    moments: int
    gradients: int
    work: int
    scales: int
    states: int
    out: int
    firsts: int
    lengths: int
    order: int
    first_steps: int
    first_updates: int
    limits: int
    weights: int
    least_scale: int
    loss_params: int
    rules: int
    rates: int
    sums: int
    losses: int
    squares: int


HEADER = N_SIZES + len(LaunchLayout._fields)  # whole numbers that come before the arrays


class CudaKernels(NamedTuple):
    """The kernels of one cell and dtype, which take the three long arrays and a step.

    ``read``, ``forward``, ``judge``, ``backward``, ``collect`` and ``finish`` are a minibatch of
    one model, after ``begin``; ``train`` is all of many; ``begin``, ``read``, ``forward`` and
    ``answer`` a prediction. ``forward`` and ``backward``, nearly all of the work, compute in the
    dtype alone; the others hold doubles: scales of windows, and sums of losses and squares.
    """

    begin: callable
    read: callable
    forward: callable
    judge: callable
    backward: callable
    collect: callable
    finish: callable
    train: callable
    answer: callable


@device_function
def _as_it_is(array):
    return array


unwrap = simulated_array if SIMULATED else _as_it_is


@device_function
def layout_of(w):
    """The deck that the whole numbers begin with."""
    n = N_SIZES
    return LaunchLayout(
        w[n], w[n + 1], w[n + 2], w[n + 3], w[n + 4], w[n + 5], w[n + 6], w[n + 7],
        w[n + 8], w[n + 9], w[n + 10], w[n + 11], w[n + 12], w[n + 13], w[n + 14], w[n + 15],
        w[n + 16], w[n + 17], w[n + 18], w[n + 19], w[n + 20], w[n + 21], w[n + 22], w[n + 23],
        w[n + 24], w[n + 25], w[n + 26], w[n + 27], w[n + 28], w[n + 29], w[n + 30], w[n + 31],
        w[n + 32], w[n + 33], w[n + 34], w[n + 35], w[n + 36], w[n + 37], w[n + 38], w[n + 39],
        w[n + 40], w[n + 41], w[n + 42], w[n + 43],
    )  # fmt: skip


@device_function
def source_of(layout, floats, ints, doubles):
    """The source whose arrays lie there."""
    d = layout
    return Source(
        matrix(floats, d.values, d.n_values, d.n_channels),
        matrix(floats, d.targets, d.n_targets, d.n_each),
        doubles[d.weights : d.weights + d.n_weights],
        ints[d.firsts : d.firsts + d.n_windows],
        ints[d.lengths : d.lengths + d.n_windows],
        d.lookback, d.season, doubles[d.least_scale], d.missing, d.ahead, d.n_known,
    )  # fmt: skip


@device_function
def batch_of(layout, sizes, ints, model, chunk, step):
    """The windows of a chunk of a model's minibatch."""
    first = layout.order + (model * layout.n_steps + step) * layout.n_chunks * sizes.n_rows
    first += chunk * sizes.n_rows
    return (ints[first : first + sizes.n_rows],)


@device_function
def first_steps_of(layout, sizes, ints, worker):
    """Where the rows of a worker's chunk begin."""
    first = layout.first_steps + worker * sizes.n_rows
    return (ints[first : first + sizes.n_rows],)


@device_function
def parameters_of(layout, sizes, floats, model):
    """A model's parameters, and behind them its weights turned."""
    n = 2 * head_offsets(sizes)[3]
    return (floats[layout.parameters + model * n : layout.parameters + (model + 1) * n],)


@device_function
def gradient_of(layout, sizes, floats, worker):
    """The gradient that a worker's chunk writes."""
    n = head_offsets(sizes)[3]
    return (floats[layout.gradients + worker * n : layout.gradients + (worker + 1) * n],)


@device_function
def chunk_of(layout, sizes, floats, ints, model, number, step, worker):
    """A chunk of a model's minibatch, which a worker has."""
    return Chunk(
        sizes,
        first_steps_of(layout, sizes, ints, worker)[0],
        noise_of(layout, floats, ints, model, step, number * sizes.n_rows),
        layout.training == 1,
    )


@device_function
def workspace_at(layout, chunk, floats, worker):
    """The ``Workspace`` of a worker."""
    first = layout.work + worker * layout.n_work
    return workspace_of(floats[first : first + layout.n_work], chunk)


@device_function
def states_of(layout, sizes, floats):
    """Carried states, (values of a state, sequences); empty for none."""
    n_values = sizes.n_layers * sizes.n_directions * (1 + sizes.n_state) * sizes.n_hidden
    return (
        matrix(floats, layout.states, n_values if layout.n_sequences else 0, layout.n_sequences),
    )


@device_function
def noise_of(layout, floats, ints, model, step, first_row):
    """The dropout of a chunk; in a prediction its limits are zero."""
    limits, scales = layout.limits + 3 * model, layout.scales + 2 * model
    return Noise(
        Dropout(ints[limits], floats[scales]),
        Dropout(ints[limits + 1], floats[scales + 1]),
        scramble(unsigned(ints[limits + 2])) + unsigned(ints[layout.first_updates + model] + step),
        first_row,
    )


@device_function
def sum_over_block(value, doubles, place):
    """Write the sum of what the threads of a block have, in their order."""
    shared = cuda.shared.array(0, float64)
    shared[cuda.threadIdx.x] = value
    barrier()
    if cuda.threadIdx.x == 0:
        total = 0.0
        for thread in range(cuda.blockDim.x):
            total += shared[thread]
        doubles[place] = total
    barrier()


@functools.cache
def compile_kernels(cell, dtype: str, tile_config: TileConfig) -> CudaKernels:
    """Make the kernels of a cell, a module of ``kernels.cells``, for a dtype and a way to work."""
    passes = compile_chunk_passes(cell, lambda cell: compile_steps(cell, dtype, tile_config))
    chunk_forward, chunk_backward = passes.forward, passes.backward

    # Each phase reads the deck anew: kept from one to the next it would fill all registers.

    @scalar
    def read_chunk(floats, ints, doubles, model, chunk, step, worker):
        sizes, layout = read_sizes(ints), layout_of(ints)
        rows = chunk_of(layout, sizes, floats, ints, model, chunk, step, worker)
        source = source_of(layout, floats, ints, doubles)
        batch = batch_of(layout, sizes, ints, model, chunk, step)[0]
        read_windows(source, batch, rows, workspace_at(layout, rows, floats, worker))

    @scalar
    def walk_chunk(floats, ints, model, chunk, step, worker):
        sizes, layout = read_sizes(ints), layout_of(ints)
        rows = chunk_of(layout, sizes, floats, ints, model, chunk, step, worker)
        workspace = workspace_at(layout, rows, floats, worker)
        parameters = parameters_of(layout, sizes, floats, model)[0]
        chunk_forward(parameters, rows, workspace, states_of(layout, sizes, floats)[0])

    @scalar
    def judge_chunk(floats, ints, doubles, model, chunk, step, worker, place):
        """Outputs become the gradient of the loss; sums of losses and weights go to ``place``."""
        sizes, layout = read_sizes(ints), layout_of(ints)
        n_rows = sizes.n_rows
        source = source_of(layout, floats, ints, doubles)
        batch = batch_of(layout, sizes, ints, model, chunk, step)[0]
        rows = chunk_of(layout, sizes, floats, ints, model, chunk, step, worker)
        workspace = workspace_at(layout, rows, floats, worker)
        loss_params = doubles[layout.loss_params : layout.loss_params + layout.n_loss_params]
        n_targets = read_targets(source, batch, layout.loss, loss_params, rows, workspace)
        arrays, weights = head_arrays(workspace.head, sizes, n_rows), workspace.weights
        outputs, targets = arrays.outputs, arrays.targets
        shared = cuda.shared.array(0, float64)
        for row in worker_range(n_rows):
            total = weight = 0.0
            for output_step in range(sizes.n_output_steps):
                one, its_weight = apply_loss(
                    layout.loss, loss_params, outputs[output_step, row::n_rows],
                    targets[output_step, row:n_targets:n_rows], weights[row : row + 1], 1,
                )  # fmt: skip
                total += one
                weight += its_weight
            shared[row], shared[n_rows + row] = total, weight
        barrier()
        if cuda.threadIdx.x == 0:
            total = weight = 0.0
            for row in range(n_rows):
                total += shared[row]
                weight += shared[n_rows + row]
            doubles[layout.sums + 2 * place], doubles[layout.sums + 2 * place + 1] = total, weight
        barrier()

    @scalar
    def walk_chunk_back(floats, ints, model, chunk, step, worker, slot):
        """The gradient of the weights goes to ``slot``."""
        sizes, layout = read_sizes(ints), layout_of(ints)
        rows = chunk_of(layout, sizes, floats, ints, model, chunk, step, worker)
        workspace = workspace_at(layout, rows, floats, worker)
        parameters = parameters_of(layout, sizes, floats, model)[0]
        gradient = gradient_of(layout, sizes, floats, slot)[0]
        nowhere = matrix(workspace.backward, 0, 0, 0)
        chunk_backward(parameters, gradient, rows, workspace, nowhere)

    @device_function
    def settle(doubles, ints, model, step, first_sum, first_square, n_squares, final):
        """How far to move, by the first thread of a block, from sums of losses and of squares."""
        layout = layout_of(ints)
        sums, squares = layout.sums + 2 * first_sum, layout.squares + first_square
        rule_first = layout.rules + N_RULE * model
        rule = rule_of(doubles[rule_first : rule_first + N_RULE])
        rate = doubles[layout.rates + model * layout.n_steps + step]
        shared = cuda.shared.array(0, float64)
        if cuda.threadIdx.x == 0:
            total = weight = square = 0.0
            for chunk in range(layout.n_chunks):
                total += doubles[sums + 2 * chunk]
                weight += doubles[sums + 2 * chunk + 1]
            for k in range(n_squares):
                square += doubles[squares + k]
            mean, scale = 0.0, 0.0
            if weight > 0:
                mean, scale = total / weight, clip_scale(1.0 / weight, square, rule)
            if final:
                place = layout.losses + 2 * (model * layout.n_steps + step)
                doubles[place], doubles[place + 1] = mean, weight
            correct, divisor = adam_corrections(
                rule, ints[layout.first_updates + model] + step, rate
            )
            shared[0], shared[1], shared[2], shared[3] = scale, correct, divisor, weight
        barrier()
        scale, correct, divisor, weight = shared[0], shared[1], shared[2], shared[3]
        barrier()
        return Update(rule, rate, scale, correct, divisor), weight > 0

    @device_function
    def move_one(floats, ints, model, slot, k, update):
        """Step one parameter of a model along the gradient in ``slot``."""
        sizes, layout = read_sizes(ints), layout_of(ints)
        n = head_offsets(sizes)[3]
        own = parameters_of(layout, sizes, floats, model)[0]
        moments = layout.moments + 3 * n * model + k
        gradient = gradient_of(layout, sizes, floats, slot)[0]
        apply_update(
            own[k : k + 1],
            floats[moments : moments + 1],
            floats[moments + n : moments + n + 1],
            floats[moments + 2 * n : moments + 2 * n + 1],
            gradient[k : k + 1],
            update,
        )
        turn(own, sizes, k)

    def begin(floats, ints, doubles, step):
        """Turn the weights of all models; a model is a block's."""
        floats, ints = unwrap(floats), unwrap(ints)
        sizes, layout = read_sizes(ints), layout_of(ints)
        for model in range(cuda.blockIdx.x, layout.n_models, cuda.gridDim.x):
            for k in worker_range(head_offsets(sizes)[3]):
                turn(parameters_of(layout, sizes, floats, model)[0], sizes, k)

    def read(floats, ints, doubles, step):
        """Gather the windows of all chunks; a chunk is a block's, here and below."""
        floats, ints, doubles = unwrap(floats), unwrap(ints), unwrap(doubles)
        item, n_chunks = cuda.blockIdx.x, layout_of(ints).n_chunks
        model, chunk = item // n_chunks, item % n_chunks
        read_chunk(floats, ints, doubles, model, chunk, step, item)

    def forward(floats, ints, doubles, step):
        """Walk through all layers and time, and let the head speak."""
        floats, ints = unwrap(floats), unwrap(ints)
        item, n_chunks = cuda.blockIdx.x, layout_of(ints).n_chunks
        model, chunk = item // n_chunks, item % n_chunks
        walk_chunk(floats, ints, model, chunk, step, item)

    def judge(floats, ints, doubles, step):
        """Charge what was said by the loss."""
        floats, ints, doubles = unwrap(floats), unwrap(ints), unwrap(doubles)
        item, n_chunks = cuda.blockIdx.x, layout_of(ints).n_chunks
        model, chunk = item // n_chunks, item % n_chunks
        judge_chunk(floats, ints, doubles, model, chunk, step, item, item)

    def backward(floats, ints, doubles, step):
        """Walk back, to a gradient of the weights for each chunk."""
        floats, ints = unwrap(floats), unwrap(ints)
        item, n_chunks = cuda.blockIdx.x, layout_of(ints).n_chunks
        model, chunk = item // n_chunks, item % n_chunks
        walk_chunk_back(floats, ints, model, chunk, step, item, item)

    def collect(floats, ints, doubles, step):
        """Sum the chunks' gradients in order into the first; sums of squares, one a block."""
        floats, ints, doubles = unwrap(floats), unwrap(ints), unwrap(doubles)
        sizes, layout = read_sizes(ints), layout_of(ints)
        n = head_offsets(sizes)[3]
        n_threads = cuda.blockDim.x
        squares = 0.0
        for k in range(cuda.blockIdx.x * n_threads + cuda.threadIdx.x, n,
                       cuda.gridDim.x * n_threads):  # fmt: skip
            total = floats[layout.gradients + k]
            for chunk in range(1, layout.n_chunks):
                total += floats[layout.gradients + chunk * n + k]
            floats[layout.gradients + k] = total
            squares += float(total) * float(total)
        sum_over_block(squares, doubles, layout.squares + cuda.blockIdx.x)

    def finish(floats, ints, doubles, step):
        """Step along the mean gradient; a parameter is a thread's."""
        floats, ints, doubles = unwrap(floats), unwrap(ints), unwrap(doubles)
        sizes = read_sizes(ints)
        update, moves = settle(
            doubles, ints, 0, step, 0, 0, cuda.gridDim.x, cuda.blockIdx.x == 0
        )
        n, n_threads = head_offsets(sizes)[3], cuda.blockDim.x
        if moves:
            for k in range(cuda.blockIdx.x * n_threads + cuda.threadIdx.x, n,
                           cuda.gridDim.x * n_threads):  # fmt: skip
                move_one(floats, ints, 0, 0, k, update)

    def train(floats, ints, doubles, step):
        """All minibatches of many models, each a block's from beginning to end."""
        floats, ints, doubles = unwrap(floats), unwrap(ints), unwrap(doubles)
        sizes, layout = read_sizes(ints), layout_of(ints)
        n, worker = head_offsets(sizes)[3], cuda.blockIdx.x
        n_chunks, sums, first_slot = layout.n_chunks, worker * layout.n_chunks, 2 * worker
        for model in range(worker, layout.n_models, cuda.gridDim.x):
            for k in worker_range(n):
                turn(parameters_of(layout, sizes, floats, model)[0], sizes, k)
            barrier()
            for step in range(layout.n_steps):
                summed = gradient_of(layout, sizes, floats, first_slot)[0]
                for chunk in range(n_chunks):
                    slot = first_slot + (1 if chunk > 0 else 0)
                    read_chunk(floats, ints, doubles, model, chunk, step, worker)
                    walk_chunk(floats, ints, model, chunk, step, worker)
                    judge_chunk(floats, ints, doubles, model, chunk, step, worker,
                                sums + chunk)  # fmt: skip
                    walk_chunk_back(floats, ints, model, chunk, step, worker, slot)
                    if chunk > 0:
                        own = gradient_of(layout, sizes, floats, slot)[0]
                        for k in worker_range(n):
                            summed[k] += own[k]
                        barrier()
                squares = 0.0
                for k in worker_range(n):
                    squares += float(summed[k]) * float(summed[k])
                sum_over_block(squares, doubles, layout.squares + worker)
                update, moves = settle(
                    doubles, ints, model, step, sums, worker, 1, True
                )
                if moves:
                    for k in worker_range(n):
                        move_one(floats, ints, model, first_slot, k, update)
                barrier()

    def answer(floats, ints, doubles, step):
        """Write the outputs of all windows, and where it is wanted their loss."""
        floats, ints, doubles = unwrap(floats), unwrap(ints), unwrap(doubles)
        sizes, layout = read_sizes(ints), layout_of(ints)
        item = cuda.blockIdx.x
        model, chunk = item // layout.n_chunks, item % layout.n_chunks
        source = source_of(layout, floats, ints, doubles)
        batch = batch_of(layout, sizes, ints, model, chunk, step)[0]
        rows = chunk_of(layout, sizes, floats, ints, model, chunk, step, item)
        workspace = workspace_at(layout, rows, floats, item)
        n_out = sizes.n_output_steps * sizes.n_out
        out = matrix(floats, layout.out + item * sizes.n_rows * n_out, sizes.n_rows, n_out)
        write_predictions(source, batch, rows, workspace, out)
        if layout.evaluate:
            judge_chunk(floats, ints, doubles, model, chunk, step, item, item)

    return CudaKernels(begin, read, forward, judge, backward, collect, finish, train, answer)
