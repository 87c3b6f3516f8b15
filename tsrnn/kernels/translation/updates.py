"""The update of an encoder-decoder by a minibatch, in parts for several tasks.

Blocks of parameters have a fixed size, so any number of tasks gives the same bits.
"""

from typing import NamedTuple

import numpy as np

from tsrnn.kernels.cpu.updates import BLOCK, count_blocks, mean_loss, update_of
from tsrnn.kernels.embedding import TokenGrads, sum_token_grads, update_tokens
from tsrnn.kernels.jit.compile import device_function
from tsrnn.kernels.optimizers import apply_update, update_average


class PairGradients(NamedTuple):
    """Gradients of a minibatch."""

    chunks: np.ndarray  # (n_chunks, n): of each chunk, without the embeddings
    encoder: TokenGrads
    decoder: TokenGrads
    squares: np.ndarray  # (n_blocks + 2,) float64: of each block, and of the embeddings


@device_function
def sum_tokens_of_pair(pair, parts, minibatch, gradients):
    """Sum the gradients of both embeddings, before those of other parameters are summed."""
    chunks, squares = gradients.chunks, gradients.squares
    _, of_decoder, rest = parts
    squares[squares.size - 2] = squares[squares.size - 1] = 0
    if pair.encoder.sizes.n_tokens:
        squares[squares.size - 2] = sum_token_grads(
            pair.encoder.source,
            pair.encoder.sizes,
            minibatch.windows,
            gradients.encoder,
            chunks[0, : of_decoder.gradient],
        )
    squares[squares.size - 1] = sum_token_grads(
        pair.decoder.source,
        pair.decoder.sizes,
        minibatch.windows,
        gradients.decoder,
        chunks[0, of_decoder.gradient : rest.gradient],
    )


@device_function
def update_pair_blocks(rule_row, minibatch, networks, chunks, squares, parts, task, n_tasks):
    """Update the parameters in a task's blocks of the gradient, all but the embeddings.

    ``networks`` are the parameters (n,) and the moments (3, n).
    """
    update, weight = update_of(rule_row, minibatch, squares)
    parameters, moments = networks
    n_blocks = count_blocks(chunks.shape[1]) if weight > 0 else 0
    begin, end = task * n_blocks // n_tasks, (task + 1) * n_blocks // n_tasks
    for part in parts:
        shift, stop = part.parameters - part.gradient, part.gradient + part.size
        first, last = max(part.gradient, begin * BLOCK), min(stop, end * BLOCK)
        if first < last:
            gradient = chunks[0, first:last]
            a, b = first + shift, last + shift
            weights = parameters[a:b]
            apply_update(weights, moments[0, a:b], moments[1, a:b], gradient, update)
            update_average(weights, moments[2, a:b], update.rule)


@device_function
def update_embeddings(rule_row, pair, parts, minibatch, networks, gradients):
    """Update both embeddings, unless the decoder's is tied."""
    update, weight = update_of(rule_row, minibatch, gradients.squares)
    parameters, moments = networks
    if weight > 0:
        if pair.encoder.sizes.n_tokens:
            update_tokens(parameters, moments, gradients.encoder, pair.encoder.sizes, update, 0)
        first = parts[1].parameters
        update_tokens(parameters, moments, gradients.decoder, pair.decoder.sizes, update, first)
    return mean_loss(minibatch)
