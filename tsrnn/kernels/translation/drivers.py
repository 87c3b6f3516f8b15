"""The compiled drivers of encoder-decoders on the CPU."""

import functools
from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

from numba import prange

from tsrnn.kernels.chunks import read_sizes
from tsrnn.kernels.cpu.updates import Minibatch, sum_blocks
from tsrnn.kernels.dropout import ChunkDropout, dropout_of, hash_bits, no_dropout
from tsrnn.kernels.embedding import TokenGrads
from tsrnn.kernels.jit.compile import Kernel, device_function
from tsrnn.kernels.optimizers import rule_of
from tsrnn.kernels.problem import problem_of
from tsrnn.kernels.translation import parts_of
from tsrnn.kernels.translation.cross_arrays import kind_of
from tsrnn.kernels.translation.passes import (
    Pair,
    PairPasses,
    TokenParts,
    chunks_of,
    compile_pair_passes,
    memory_of,
)
from tsrnn.kernels.translation.updates import (
    PairGradients,
    sum_tokens_of_pair,
    update_embeddings,
    update_pair_blocks,
)


class PairKernels(NamedTuple):
    """The compiled drivers of a cell and a kind of attention."""

    train: Kernel  # distributes the chunks of a minibatch over tasks
    evaluate: Kernel


@functools.cache
def pair_drivers(cell: ModuleType, attention: str | None) -> PairKernels:
    """The drivers of encoder-decoders of a cell and a kind of attention, or none."""
    passes = compile_pair_passes(cell, attention)
    kind = kind_of(attention)
    name = f"{cell.__name__.rpartition('.')[2]}-{attention or 'no-attention'}"
    return PairKernels(
        Kernel(_compile_train(passes, kind), f"{name}-train"),
        Kernel(_compile_evaluate(passes), f"{name}-evaluate"),
    )


@device_function
def pair_of(rows):
    """The ``Pair`` of both networks' arguments: (sources, sizes, losses)."""
    sources, sizes, loss = rows
    return Pair(problem_of((sources[0], sizes[0], loss)), problem_of((sources[1], sizes[1], loss)))


@device_function
def gradients_of(buffers):
    """The ``PairGradients`` in buffers: of chunks, of the tokens of both networks, of squares."""
    chunks, encoder, decoder, squares = buffers
    return PairGradients(
        chunks,
        TokenGrads(encoder[0], encoder[1], encoder[2]),
        TokenGrads(decoder[0], decoder[1], decoder[2]),
        squares,
    )


def _compile_train(passes: PairPasses, kind: int) -> Callable:
    forward, evaluate, backward = passes.forward, passes.evaluate, passes.backward

    @device_function
    def train_chunks(rows, rule_row, minibatch, part, parameters, buffers, memory, first_steps):
        """Write the gradients of chunks ``part[0]`` to ``part[1] - 1``, and their sums of losses.

        ``memory`` is flat work, its spaces, and the states of all rows.
        """
        pair, rule, gradients = pair_of(rows), rule_of(rule_row), gradients_of(buffers)
        n_rows = pair.encoder.sizes.n_rows
        seed = hash_bits(int(rule.seed)) + minibatch.number
        between_layers = dropout_of(rule.dropout, parameters[0])
        recurrent = dropout_of(rule.recurrent_dropout, parameters[0])
        work, spaces, states = memory
        chunk_memory = memory_of(work, spaces, states)
        for number in range(part[0], part[1]):
            first = number * n_rows
            batch = minibatch.windows[first : first + n_rows]
            dropout = ChunkDropout(between_layers, recurrent, seed, first)
            chunks = chunks_of(pair, first_steps[:, : batch.size], dropout, True)
            gradient = gradients.chunks[number]
            tokens = TokenParts(
                gradients.encoder.values[first * pair.encoder.sizes.n_time :],
                gradients.decoder.values[first * pair.decoder.sizes.n_time :],
            )
            forward(pair, parameters, batch, chunks, chunk_memory)
            total, weight = evaluate(
                pair, parameters, gradient, batch, chunks, chunk_memory, states[:, :0]
            )
            backward(parameters, gradient, tokens, chunks, chunk_memory)
            minibatch.sums[number, 0], minibatch.sums[number, 1] = total, weight

    @device_function
    def sum_all_tokens(rows, minibatch, buffers):
        pair = pair_of(rows)
        parts = parts_of(pair.encoder.sizes, pair.decoder.sizes, kind)
        sum_tokens_of_pair(pair, parts, minibatch, gradients_of(buffers))

    @device_function
    def update_task(rows, rule, minibatch, networks, buffers, task, n_tasks):
        pair = pair_of(rows)
        parts = parts_of(pair.encoder.sizes, pair.decoder.sizes, kind)
        chunks, _, _, squares = buffers
        update_pair_blocks(rule, minibatch, networks, chunks, squares, parts, task, n_tasks)

    @device_function
    def update_tokens_of_both(rows, rule, minibatch, networks, buffers):
        pair = pair_of(rows)
        parts = parts_of(pair.encoder.sizes, pair.decoder.sizes, kind)
        gradients = gradients_of(buffers)
        return update_embeddings(rule, pair, parts, minibatch, networks, gradients)

    def train(n_tasks, sources, sizes, loss, models, schedule, buffers, memory):
        (source, target_source), (source_sizes, target_sizes) = sources, sizes
        parameters, moments, rules = models
        padded_windows, n_batch, first_update, rates, losses = schedule
        chunk_gradients, of_encoder, of_decoder, squares, sums = buffers
        work, spaces, states, first_steps = memory
        n_rows = read_sizes(source_sizes).n_rows
        for s in range(rates.size):
            batch = padded_windows[s * n_batch : (s + 1) * n_batch]
            n_chunks = (batch.size + n_rows - 1) // n_rows
            number, rate, chunk_sums = first_update + s, rates[s], sums[:n_chunks]
            chunks = chunk_gradients[:n_chunks]
            for task in prange(n_tasks):
                train_chunks(
                    ((source, target_source), (source_sizes, target_sizes), loss),
                    rules,
                    Minibatch(batch, number, rate, chunk_sums),
                    (task * n_chunks // n_tasks, (task + 1) * n_chunks // n_tasks),
                    parameters,
                    (chunks, of_encoder, of_decoder, squares),
                    (work[task], spaces, states),
                    first_steps[task],
                )
            rows, minibatch = (sources, sizes, loss), Minibatch(batch, number, rate, chunk_sums)
            all_buffers = chunks, of_encoder, of_decoder, squares
            sum_all_tokens(rows, minibatch, all_buffers)
            for task in prange(n_tasks):
                sum_blocks(chunks, squares[: squares.size - 1], task, n_tasks)
            for task in prange(n_tasks):
                update_task(
                    ((source, target_source), (source_sizes, target_sizes), loss),
                    rules,
                    Minibatch(batch, number, rate, chunk_sums),
                    (parameters, moments),
                    (chunks, of_encoder, of_decoder, squares),
                    task,
                    n_tasks,
                )
            losses[s, 0], losses[s, 1] = update_tokens_of_both(
                rows, rules, minibatch, (parameters, moments), all_buffers
            )

    return train


def _compile_evaluate(passes: PairPasses) -> Callable:
    forward, evaluate_outputs = passes.forward, passes.evaluate

    @device_function
    def evaluate_chunk(rows, parameters, batch, memory, first_steps, step_losses):
        pair = pair_of(rows)
        work, spaces, states = memory
        chunk_memory = memory_of(work, spaces, states)
        dropout = no_dropout(parameters[0], 0)
        chunks = chunks_of(pair, first_steps[:, : batch.size], dropout, False)
        forward(pair, parameters, batch, chunks, chunk_memory)
        return evaluate_outputs(
            pair, parameters, parameters[:0], batch, chunks, chunk_memory, step_losses
        )

    def evaluate(n_tasks, sources, sizes, loss, parameters, windows, memory, sums, step_losses):
        (source, target_source), (source_sizes, target_sizes) = sources, sizes
        work, spaces, states, first_steps = memory
        n_rows = read_sizes(source_sizes).n_rows
        n_chunks = (windows.size + n_rows - 1) // n_rows
        for task in prange(n_tasks):
            for chunk in range(task * n_chunks // n_tasks, (task + 1) * n_chunks // n_tasks):
                first = chunk * n_rows
                batch = windows[first : first + n_rows]
                sums[chunk, 0], sums[chunk, 1] = evaluate_chunk(
                    ((source, target_source), (source_sizes, target_sizes), loss),
                    parameters,
                    batch,
                    (work[task], spaces, states[task]),
                    first_steps[task],
                    step_losses[first : first + batch.size],
                )

    return evaluate
