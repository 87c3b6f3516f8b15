"""The kernels: phases of a minibatch over a grid of chunks, and a whole training block by block.

Launching costs time by the argument, so all arrays lie in three long ones, of the network's dtype,
of whole numbers and of doubles, and where they lie is said at the beginning of the whole numbers,
as a ``Deck``. A chunk is a block's; one model's minibatch is spread over the grid, phase by phase;
of many models each is trained by one block, all its minibatches in one launch.
"""

import functools
from typing import NamedTuple

from numba import cuda, float64

from tsrnn.kernels.chunks import (
    compile_chunks,
    parts_of,
    read_targets,
    read_windows,
    say,
    say_errors,
    sizes_of,
)
from tsrnn.kernels.cuda.blocks import SIMULATED, Way, compile_steps, turn
from tsrnn.kernels.heads import head_arrays_of
from tsrnn.kernels.jit.compile import leaf, matrix, scalar
from tsrnn.kernels.losses import charge_outputs
from tsrnn.kernels.noise import Dropout, Noise, scramble, unsigned
from tsrnn.kernels.shapes import head_places
from tsrnn.kernels.team import meet, share
from tsrnn.kernels.updates import adam_corrections, clipped, move, rule_of
from tsrnn.kernels.windows import Source

N_SIZES, N_RULE = 15, 12


class Deck(NamedTuple):
    """Numbers of a run, and where in the three long arrays its arrays begin.

    Attributes
    ----------
    n_models, n_chunks, n_steps : int
        Models; chunks of a minibatch, or of a prediction; minibatches.
    training, apart, compare, loss : int
        Whether there is a way back; whether h is kept apart from what is dropped of it; whether
        errors are wanted; place of the loss in ``tsrnn.kernels.losses.LOSSES``.
    n_work : int
        Values of the workspace of a chunk.
    n_sequences : int
        Sequences whose states are carried; 0 for none.
    n_levels : int
        Levels of the loss.
    n_values, n_channels, n_targets, n_each, n_weights, n_windows : int
        Shapes of the source's arrays.
    lookback, season, missing, ahead, n_known : int
        Of the source.
    values, targets, parameters, moments, gradients, work, scales, states, out : int
        Where they begin in the array of reals.
    firsts, lengths, order, begins, first_steps, limits : int
        Where they begin in the array of whole numbers.
    weights, least_scale, levels, rules, rates, sums, losses, squares : int
        Where they begin in the array of doubles.
    """

    n_models: int
    n_chunks: int
    n_steps: int
    training: int
    apart: int
    compare: int
    loss: int
    n_work: int
    n_sequences: int
    n_levels: int
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
    begins: int
    first_steps: int
    limits: int
    weights: int
    least_scale: int
    levels: int
    rules: int
    rates: int
    sums: int
    losses: int
    squares: int


HEADER = N_SIZES + len(Deck._fields)  # whole numbers that come before the arrays


class Grids(NamedTuple):
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


def _bare(array):
    """The array itself: the simulator wraps what a kernel is given."""
    return array._item._ary if hasattr(array, "_item") else array


@leaf
def _as_it_is(array):
    return array


bare = _bare if SIMULATED else _as_it_is


@leaf
def deck_of(w):
    """The deck that the whole numbers begin with."""
    n = N_SIZES
    return Deck(
        w[n], w[n + 1], w[n + 2], w[n + 3], w[n + 4], w[n + 5], w[n + 6], w[n + 7],
        w[n + 8], w[n + 9], w[n + 10], w[n + 11], w[n + 12], w[n + 13], w[n + 14], w[n + 15],
        w[n + 16], w[n + 17], w[n + 18], w[n + 19], w[n + 20], w[n + 21], w[n + 22], w[n + 23],
        w[n + 24], w[n + 25], w[n + 26], w[n + 27], w[n + 28], w[n + 29], w[n + 30], w[n + 31],
        w[n + 32], w[n + 33], w[n + 34], w[n + 35], w[n + 36], w[n + 37], w[n + 38], w[n + 39],
        w[n + 40], w[n + 41], w[n + 42], w[n + 43],
    )  # fmt: skip


@leaf
def source_of(deck, reals, wholes, doubles):
    """The source whose arrays lie there."""
    d = deck
    return Source(
        matrix(reals, d.values, d.n_values, d.n_channels),
        matrix(reals, d.targets, d.n_targets, d.n_each),
        doubles[d.weights : d.weights + d.n_weights],
        wholes[d.firsts : d.firsts + d.n_windows],
        wholes[d.lengths : d.lengths + d.n_windows],
        d.lookback, d.season, doubles[d.least_scale], d.missing, d.ahead, d.n_known,
    )  # fmt: skip


@leaf
def batch_of(deck, sizes, wholes, model, chunk, step):
    """The windows of a chunk of a model's minibatch."""
    first = deck.order + (model * deck.n_steps + step) * deck.n_chunks * sizes.n_rows
    first += chunk * sizes.n_rows
    return (wholes[first : first + sizes.n_rows],)


@leaf
def begins_of(deck, sizes, wholes, worker):
    """Where the rows of a worker's chunk begin."""
    first = deck.begins + worker * sizes.n_rows
    return (wholes[first : first + sizes.n_rows],)


@leaf
def parameters_of(deck, sizes, reals, model):
    """A model's parameters, and behind them its weights turned."""
    n = 2 * head_places(sizes)[3]
    return (reals[deck.parameters + model * n : deck.parameters + (model + 1) * n],)


@leaf
def gradient_of(deck, sizes, reals, worker):
    """The gradient that a worker's chunk writes."""
    n = head_places(sizes)[3]
    return (reals[deck.gradients + worker * n : deck.gradients + (worker + 1) * n],)


@leaf
def work_of(deck, sizes, reals, worker):
    """A worker's workspace: of the layers, of the head, the rows' weights, of the way back."""
    first = deck.work + worker * deck.n_work
    work = reals[first : first + deck.n_work]
    return parts_of(work, sizes, sizes.n_rows, deck.training == 1, deck.apart == 1)


@leaf
def states_of(deck, sizes, reals):
    """Carried states, (values of a state, sequences); empty for none."""
    n_values = sizes.n_layers * sizes.n_directions * (1 + sizes.n_state) * sizes.n_hidden
    return (matrix(reals, deck.states, n_values if deck.n_sequences else 0, deck.n_sequences),)


@leaf
def noise_of(deck, reals, wholes, model, step, first_row):
    """The dropout of a chunk; in a prediction its limits are zero."""
    limits, scales = deck.limits + 3 * model, deck.scales + 2 * model
    return Noise(
        Dropout(wholes[limits], reals[scales]),
        Dropout(wholes[limits + 1], reals[scales + 1]),
        scramble(unsigned(wholes[limits + 2])) + unsigned(wholes[deck.first_steps + model] + step),
        first_row,
    )


@leaf
def sum_over_block(value, doubles, place):
    """Write the sum of what the threads of a block have, in their order."""
    shared = cuda.shared.array(0, float64)
    shared[cuda.threadIdx.x] = value
    meet()
    if cuda.threadIdx.x == 0:
        total = 0.0
        for thread in range(cuda.blockDim.x):
            total += shared[thread]
        doubles[place] = total
    meet()


@functools.cache
def compile_grids(cell, dtype: str, way: Way) -> Grids:
    """Make the kernels of a cell, a module of ``kernels.cells``, for a dtype and a way to work."""
    chunks = compile_chunks(cell, compile_steps(cell, dtype, way))
    chunk_forward, chunk_backward = chunks.forward, chunks.backward

    # Each phase reads the deck anew: kept from one to the next it would fill all registers.

    @scalar
    def read_chunk(reals, wholes, doubles, model, chunk, step, worker):
        sizes, deck = sizes_of(wholes), deck_of(wholes)
        layers = work_of(deck, sizes, reals, worker)[0]
        read_windows(
            source_of(deck, reals, wholes, doubles), sizes,
            batch_of(deck, sizes, wholes, model, chunk, step)[0], deck.apart == 1,
            deck.training == 1, layers, begins_of(deck, sizes, wholes, worker)[0],
        )  # fmt: skip

    @scalar
    def walk_chunk(reals, wholes, model, chunk, step, worker):
        sizes, deck = sizes_of(wholes), deck_of(wholes)
        layers, head, _, _ = work_of(deck, sizes, reals, worker)
        noise = noise_of(deck, reals, wholes, model, step, chunk * sizes.n_rows)
        chunk_forward(
            parameters_of(deck, sizes, reals, model)[0], sizes,
            begins_of(deck, sizes, wholes, worker)[0], noise, deck.training == 1, layers, head,
            states_of(deck, sizes, reals)[0],
        )  # fmt: skip

    @scalar
    def judge_chunk(reals, wholes, doubles, model, chunk, step, worker, place):
        """Outputs become the gradient of the loss; sums of losses and weights go to ``place``."""
        sizes, deck = sizes_of(wholes), deck_of(wholes)
        n_rows = sizes.n_rows
        source = source_of(deck, reals, wholes, doubles)
        batch = batch_of(deck, sizes, wholes, model, chunk, step)[0]
        _, head, weights, _ = work_of(deck, sizes, reals, worker)
        levels = doubles[deck.levels : deck.levels + deck.n_levels]
        n_targets = read_targets(source, sizes, batch, deck.loss, levels, head, weights)
        _, _, outputs, targets, _ = head_arrays_of(head, sizes, n_rows)
        shared = cuda.shared.array(0, float64)
        for row in share(n_rows):
            total = weight = 0.0
            for answer in range(sizes.n_answers):
                one, its_weight = charge_outputs(
                    deck.loss, levels, outputs[answer, row::n_rows],
                    targets[answer, row:n_targets:n_rows], weights[row : row + 1], 1,
                )  # fmt: skip
                total += one
                weight += its_weight
            shared[row], shared[n_rows + row] = total, weight
        meet()
        if cuda.threadIdx.x == 0:
            total = weight = 0.0
            for row in range(n_rows):
                total += shared[row]
                weight += shared[n_rows + row]
            doubles[deck.sums + 2 * place], doubles[deck.sums + 2 * place + 1] = total, weight
        meet()

    @scalar
    def walk_chunk_back(reals, wholes, model, chunk, step, worker, slot):
        """The gradient of the weights goes to ``slot``."""
        sizes, deck = sizes_of(wholes), deck_of(wholes)
        layers, head, _, rest = work_of(deck, sizes, reals, worker)
        noise = noise_of(deck, reals, wholes, model, step, chunk * sizes.n_rows)
        chunk_backward(
            parameters_of(deck, sizes, reals, model)[0], gradient_of(deck, sizes, reals, slot)[0],
            sizes, begins_of(deck, sizes, wholes, worker)[0], noise, layers, head, rest,
            matrix(rest, 0, 0, 0),
        )  # fmt: skip

    @leaf
    def settle(doubles, wholes, model, step, first_sum, first_square, n_squares, final):
        """How far to move, by the first thread of a block, from sums of losses and of squares."""
        deck = deck_of(wholes)
        sums, squares = deck.sums + 2 * first_sum, deck.squares + first_square
        rule_first = deck.rules + N_RULE * model
        rule = rule_of(doubles[rule_first : rule_first + N_RULE])
        rate = doubles[deck.rates + model * deck.n_steps + step]
        shared = cuda.shared.array(0, float64)
        if cuda.threadIdx.x == 0:
            total = weight = square = 0.0
            for chunk in range(deck.n_chunks):
                total += doubles[sums + 2 * chunk]
                weight += doubles[sums + 2 * chunk + 1]
            for k in range(n_squares):
                square += doubles[squares + k]
            mean, scale = 0.0, 0.0
            if weight > 0:
                mean, scale = total / weight, clipped(1.0 / weight, square, rule)
            if final:
                place = deck.losses + 2 * (model * deck.n_steps + step)
                doubles[place], doubles[place + 1] = mean, weight
            correct, divisor = adam_corrections(rule, wholes[deck.first_steps + model] + step, rate)
            shared[0], shared[1], shared[2], shared[3] = scale, correct, divisor, weight
        meet()
        scale, correct, divisor, weight = shared[0], shared[1], shared[2], shared[3]
        meet()
        return rule, rate, scale, correct, divisor, weight > 0

    @leaf
    def move_one(reals, wholes, model, slot, k, scale, rate, correct, divisor, rule):
        """Step one parameter of a model along the gradient in ``slot``."""
        sizes, deck = sizes_of(wholes), deck_of(wholes)
        n = head_places(sizes)[3]
        own = parameters_of(deck, sizes, reals, model)[0]
        moments = deck.moments + 3 * n * model + k
        gradient = gradient_of(deck, sizes, reals, slot)[0]
        move(
            own[k : k + 1], reals[moments : moments + 1], reals[moments + n : moments + n + 1],
            reals[moments + 2 * n : moments + 2 * n + 1], gradient[k : k + 1], scale, rate,
            correct, divisor, rule,
        )  # fmt: skip
        turn(own, sizes, k)

    def begin(reals, wholes, doubles, step):
        """Turn the weights of all models; a model is a block's."""
        reals, wholes = bare(reals), bare(wholes)
        sizes, deck = sizes_of(wholes), deck_of(wholes)
        for model in range(cuda.blockIdx.x, deck.n_models, cuda.gridDim.x):
            for k in share(head_places(sizes)[3]):
                turn(parameters_of(deck, sizes, reals, model)[0], sizes, k)

    def read(reals, wholes, doubles, step):
        """Gather the windows of all chunks; a chunk is a block's, here and below."""
        reals, wholes, doubles = bare(reals), bare(wholes), bare(doubles)
        item, n_chunks = cuda.blockIdx.x, deck_of(wholes).n_chunks
        model, chunk = item // n_chunks, item % n_chunks
        read_chunk(reals, wholes, doubles, model, chunk, step, item)

    def forward(reals, wholes, doubles, step):
        """Walk through all layers and time, and let the head speak."""
        reals, wholes = bare(reals), bare(wholes)
        item, n_chunks = cuda.blockIdx.x, deck_of(wholes).n_chunks
        model, chunk = item // n_chunks, item % n_chunks
        walk_chunk(reals, wholes, model, chunk, step, item)

    def judge(reals, wholes, doubles, step):
        """Charge what was said by the loss."""
        reals, wholes, doubles = bare(reals), bare(wholes), bare(doubles)
        item, n_chunks = cuda.blockIdx.x, deck_of(wholes).n_chunks
        model, chunk = item // n_chunks, item % n_chunks
        judge_chunk(reals, wholes, doubles, model, chunk, step, item, item)

    def backward(reals, wholes, doubles, step):
        """Walk back, to a gradient of the weights for each chunk."""
        reals, wholes = bare(reals), bare(wholes)
        item, n_chunks = cuda.blockIdx.x, deck_of(wholes).n_chunks
        model, chunk = item // n_chunks, item % n_chunks
        walk_chunk_back(reals, wholes, model, chunk, step, item, item)

    def collect(reals, wholes, doubles, step):
        """Sum the chunks' gradients in order into the first; sums of squares, one a block."""
        reals, wholes, doubles = bare(reals), bare(wholes), bare(doubles)
        sizes, deck = sizes_of(wholes), deck_of(wholes)
        n = head_places(sizes)[3]
        n_threads = cuda.blockDim.x
        squares = 0.0
        for k in range(cuda.blockIdx.x * n_threads + cuda.threadIdx.x, n,
                       cuda.gridDim.x * n_threads):  # fmt: skip
            total = reals[deck.gradients + k]
            for chunk in range(1, deck.n_chunks):
                total += reals[deck.gradients + chunk * n + k]
            reals[deck.gradients + k] = total
            squares += float(total) * float(total)
        sum_over_block(squares, doubles, deck.squares + cuda.blockIdx.x)

    def finish(reals, wholes, doubles, step):
        """Step along the mean gradient; a parameter is a thread's."""
        reals, wholes, doubles = bare(reals), bare(wholes), bare(doubles)
        sizes = sizes_of(wholes)
        rule, rate, scale, correct, divisor, moves = settle(
            doubles, wholes, 0, step, 0, 0, cuda.gridDim.x, cuda.blockIdx.x == 0
        )
        n, n_threads = head_places(sizes)[3], cuda.blockDim.x
        if moves:
            for k in range(cuda.blockIdx.x * n_threads + cuda.threadIdx.x, n,
                           cuda.gridDim.x * n_threads):  # fmt: skip
                move_one(reals, wholes, 0, 0, k, scale, rate, correct, divisor, rule)

    def train(reals, wholes, doubles, step):
        """All minibatches of many models, each a block's from beginning to end."""
        reals, wholes, doubles = bare(reals), bare(wholes), bare(doubles)
        sizes, deck = sizes_of(wholes), deck_of(wholes)
        n, worker = head_places(sizes)[3], cuda.blockIdx.x
        n_chunks, sums, first_slot = deck.n_chunks, worker * deck.n_chunks, 2 * worker
        for model in range(worker, deck.n_models, cuda.gridDim.x):
            for k in share(n):
                turn(parameters_of(deck, sizes, reals, model)[0], sizes, k)
            meet()
            for step in range(deck.n_steps):
                summed = gradient_of(deck, sizes, reals, first_slot)[0]
                for chunk in range(n_chunks):
                    slot = first_slot + (1 if chunk > 0 else 0)
                    read_chunk(reals, wholes, doubles, model, chunk, step, worker)
                    walk_chunk(reals, wholes, model, chunk, step, worker)
                    judge_chunk(reals, wholes, doubles, model, chunk, step, worker,
                                sums + chunk)  # fmt: skip
                    walk_chunk_back(reals, wholes, model, chunk, step, worker, slot)
                    if chunk > 0:
                        own = gradient_of(deck, sizes, reals, slot)[0]
                        for k in share(n):
                            summed[k] += own[k]
                        meet()
                squares = 0.0
                for k in share(n):
                    squares += float(summed[k]) * float(summed[k])
                sum_over_block(squares, doubles, deck.squares + worker)
                rule, rate, scale, correct, divisor, moves = settle(
                    doubles, wholes, model, step, sums, worker, 1, True
                )
                if moves:
                    for k in share(n):
                        move_one(
                            reals, wholes, model, first_slot, k, scale, rate, correct, divisor, rule
                        )
                meet()

    def answer(reals, wholes, doubles, step):
        """Write what is said of all windows; where errors are wanted, these, and the loss."""
        reals, wholes, doubles = bare(reals), bare(wholes), bare(doubles)
        sizes, deck = sizes_of(wholes), deck_of(wholes)
        item = cuda.blockIdx.x
        model, chunk = item // deck.n_chunks, item % deck.n_chunks
        source = source_of(deck, reals, wholes, doubles)
        batch = batch_of(deck, sizes, wholes, model, chunk, step)[0]
        head = work_of(deck, sizes, reals, item)[1]
        n_out = sizes.n_answers * sizes.n_out
        out = matrix(reals, deck.out + item * sizes.n_rows * n_out, sizes.n_rows, n_out)
        say(source, sizes, batch, head, out)
        if deck.compare:
            judge_chunk(reals, wholes, doubles, model, chunk, step, item, item)
            levels = doubles[deck.levels : deck.levels + deck.n_levels]
            say_errors(source, sizes, batch, deck.loss, levels, head, out)

    return Grids(begin, read, forward, judge, backward, collect, finish, train, answer)
