"""The compiled drivers of decoding: sequences are read once, and others written by single steps.

What a step writes for a row depends on no other row, so any rows may be stepped together.
"""

import functools
import math
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

from numba import prange

from tsrnn.kernels.arrays import copy, earliest
from tsrnn.kernels.chunks import read_sizes, workspace_of
from tsrnn.kernels.dropout import no_dropout
from tsrnn.kernels.elementary import exp, log
from tsrnn.kernels.embedding import embed, embedding_of
from tsrnn.kernels.jit.compile import Kernel, device_function, matrix
from tsrnn.kernels.layers import layer_arrays
from tsrnn.kernels.layout import Chunk, state_width
from tsrnn.kernels.outputs import head_arrays, write_block
from tsrnn.kernels.problem import problem_of
from tsrnn.kernels.translation import cross_sizes
from tsrnn.kernels.translation.cross_arrays import CrossSizes, cross_arrays, kind_of, weights_of
from tsrnn.kernels.translation.passes import (
    Pair,
    PairPasses,
    chunks_of,
    compile_pair_passes,
    head_of,
    memory_of,
    split_parameters,
    states_of,
)

_PART = 256  # classes whose exponentials are summed apart, for precision


class DecodingKernels(NamedTuple):
    """The compiled drivers of a cell and a kind of attention."""

    encode: Kernel  # distributes chunks of sequences over tasks
    step: Kernel  # of rows


class StepRows(NamedTuple):
    """Rows of a step: what they read, and what is written."""

    tokens: Any  # (n_rows,) int64: the last of each
    sequences: Any  # (n_rows,) int64: numbers of those that are attended to
    best: Any  # (n_rows, n_best) int64, written: most probable tokens
    log_probs: Any  # (n_rows, n_best) float64, written
    shares: Any  # (n_rows, n_read), written: attention weights


@functools.cache
def decoding_drivers(cell: ModuleType, attention: str | None) -> DecodingKernels:
    """The drivers of decoding for a cell and a kind of attention, or none."""
    passes = compile_pair_passes(cell, attention)
    kind = kind_of(attention)
    name = f"{cell.__name__.rpartition('.')[2]}-{attention or 'no-attention'}"
    return DecodingKernels(
        Kernel(_compile_encode(passes, kind), f"{name}-encode"),
        Kernel(_compile_step(passes, kind), f"{name}-decode"),
    )


def _compile_encode(passes: PairPasses, kind: int) -> Callable:
    encode_pair, write_tables = passes.encode, passes.cross.write_tables
    attends = kind >= 0

    @device_function
    def encode_chunk(rows, parameters, windows, part, memory, out):
        source, (encoder_sizes, decoder_sizes) = rows
        work, spaces, states, first_steps = memory
        source_first_steps, initial, keys, values = out
        first, last = part
        batch = windows[first:last]
        loss = (0, work[:0])
        pair = Pair(
            problem_of((source, encoder_sizes, loss)), problem_of((source, decoder_sizes, loss))
        )
        memory = memory_of(work, spaces, states)
        dropout = no_dropout(parameters[0], 0)
        chunks = chunks_of(pair, first_steps[:, : batch.size], dropout, False)
        encode_pair(pair, parameters, batch, chunks, memory)
        encoder, decoder = chunks
        copy(encoder.first_steps, source_first_steps[first:last])
        n_encoder, n_decoder = state_width(encoder.sizes), state_width(decoder.sizes)
        (states_read,) = states_of(memory, decoder, n_encoder, n_decoder)
        for k in range(n_decoder):
            copy(states_read[k], initial[k, first:last])
        if attends:
            sizes = cross_sizes(encoder.sizes, decoder.sizes, batch.size)
            _, _, of_cross, _ = split_parameters(parameters, encoder.sizes, decoder.sizes, kind)
            write_tables(
                weights_of(of_cross, 0, sizes, kind),
                sizes,
                earliest(encoder.first_steps),
                head_of(memory.encoder, encoder).inputs,
                matrix(memory.cross, 0, sizes.n_read, sizes.n_hidden * batch.size),
                keys[first * sizes.n_read : last * sizes.n_read],
                values[first * sizes.n_read : last * sizes.n_read],
            )

    def encode(n_tasks, source, sizes, parameters, windows, memory, out):
        work, spaces, states, first_steps = memory
        source_sizes, target_sizes = sizes
        source_first_steps, initial, keys, values = out
        n_rows = read_sizes(source_sizes).n_rows
        n_chunks = (windows.size + n_rows - 1) // n_rows
        for task in prange(n_tasks):
            for chunk in range(task * n_chunks // n_tasks, (task + 1) * n_chunks // n_tasks):
                encode_chunk(
                    (source, (source_sizes, target_sizes)),
                    parameters,
                    windows,
                    (chunk * n_rows, min((chunk + 1) * n_rows, windows.size)),
                    (work[task], spaces, states[task], first_steps[task]),
                    (source_first_steps, initial, keys, values),
                )

    return encode


def _compile_step(passes: PairPasses, kind: int) -> Callable:
    run_layers, attend = passes.run_layers, passes.cross.step
    attends = kind >= 0

    @device_function
    def step_chunk(sizes_rows, parameters, first, rows, states, tables, allowed, memory):
        """Step the rows of a chunk, which begin at ``first`` in the states."""
        encoder, sizes = read_sizes(sizes_rows[0]), read_sizes(sizes_rows[1])
        work, n_work, first_steps = memory
        n_rows = rows.tokens.size
        first_steps = first_steps[:n_rows]
        for row in range(n_rows):
            first_steps[row] = 0
        chunk = Chunk(sizes, first_steps, no_dropout(parameters[0], first), False)
        workspace = workspace_of(work[:n_work], chunk)
        _, of_decoder, of_cross, _ = split_parameters(parameters, encoder, sizes, kind)
        inputs = layer_arrays(workspace.layers, chunk, 0, 0).inputs
        inputs_of_step = inputs[0, (sizes.n_hidden + 1) * n_rows :]
        (embedding,) = embedding_of(of_decoder, sizes)
        for row in range(n_rows):
            embed(rows.tokens[row], embedding, sizes, row, n_rows, inputs_of_step)
        run_layers(of_decoder, chunk, workspace, states)
        head = head_arrays(workspace.head, sizes, n_rows)
        if attends:
            n_features = encoder.n_directions * encoder.n_hidden
            shape = CrossSizes(1, sizes.n_hidden, 0, n_features, n_rows)
            attend(
                weights_of(of_cross, 0, shape, kind),
                shape,
                tables,
                rows.sequences,
                first_steps,
                head.inputs,
                cross_arrays(work[n_work:], shape),
                rows.shares,
            )
        write_block(of_decoder, chunk, workspace.head, 0)
        write_best(head.outputs[0], allowed, head.loss, rows.best, rows.log_probs)

    def step(n_tasks, sizes, parameters, rows, states, tables, allowed, memory):
        tokens, sequences, best, log_probs, shares = rows
        work, n_work, first_steps = memory
        keys, values, source_first_steps = tables
        source_sizes, target_sizes = sizes
        n_rows = read_sizes(target_sizes).n_rows
        n_chunks = (tokens.size + n_rows - 1) // n_rows
        for task in prange(n_tasks):
            for chunk in range(task * n_chunks // n_tasks, (task + 1) * n_chunks // n_tasks):
                first, last = chunk * n_rows, (chunk + 1) * n_rows
                step_chunk(
                    (source_sizes, target_sizes),
                    parameters,
                    first,
                    StepRows(
                        tokens[first:last],
                        sequences[first:last],
                        best[first:last],
                        log_probs[first:last],
                        shares[first:last],
                    ),
                    states,
                    (keys, values, source_first_steps),
                    allowed,
                    (work[task], n_work, first_steps[task]),
                )

    return step


@device_function
def write_best(outputs, allowed, scratch, best, log_probs):
    """Write the most probable of the allowed classes of each row, the first of them first.

    ``outputs`` are scores, (n_classes * n_rows,); of two classes as probable the one of the lower
    number comes first. If fewer are allowed, the others have the logarithm minus infinity.
    """
    n_rows, n_best = best.shape
    highest, mass, part = scratch[:n_rows], scratch[n_rows : 2 * n_rows], scratch[2 * n_rows :]
    for row in range(n_rows):
        highest[row], mass[row], part[row] = outputs[row], 0, 0
        for k in range(n_best):
            best[row, k], log_probs[row, k] = 0, -math.inf
    for c in range(allowed.size):
        scores = outputs[c * n_rows : (c + 1) * n_rows]
        for row in range(n_rows):
            highest[row] = max(highest[row], scores[row])
        if allowed[c]:
            for row in range(n_rows):
                if scores[row] > log_probs[row, n_best - 1]:
                    insert(c, scores[row], best[row], log_probs[row])
    for c in range(allowed.size):
        scores = outputs[c * n_rows : (c + 1) * n_rows]
        for row in range(n_rows):
            part[row] += exp(scores[row] - highest[row])
        if (c + 1) % _PART == 0 or c == allowed.size - 1:
            for row in range(n_rows):
                mass[row] += part[row]
                part[row] = 0
    for row in range(n_rows):
        normaliser = float(highest[row]) + log(float(mass[row]))
        for k in range(n_best):
            log_probs[row, k] -= normaliser


@device_function
def insert(c, score, best, scores):
    """Insert a class and its score, which is higher than the last, into a descending order."""
    k = scores.size - 1
    while k > 0 and scores[k - 1] < score:
        best[k], scores[k] = best[k - 1], scores[k - 1]
        k -= 1
    best[k], scores[k] = c, score
