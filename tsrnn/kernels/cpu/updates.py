"""The update of a network by a minibatch; of one with an embedding in parts, for several tasks.

The parts are blocks of parameters of a fixed size: any number of tasks gives the same bits.
"""

from typing import NamedTuple

import numpy as np

from tsrnn.kernels.embedding import TokenGrads, sum_token_grads, update_tokens
from tsrnn.kernels.jit.compile import device_function
from tsrnn.kernels.optimizers import (
    apply_update,
    make_update,
    optimizer_step,
    rule_of,
    sum_gradients,
    sum_of_squares,
    update_average,
)
from tsrnn.kernels.problem import problem_of

BLOCK = 2**16  # parameters


class Gradients(NamedTuple):
    """Gradients of a minibatch."""

    chunks: np.ndarray  # (n_chunks, n): of each chunk, without the embedding
    tokens: TokenGrads
    squares: np.ndarray  # (n_blocks + 1,) float64: of each block, and of the embedding


class Minibatch(NamedTuple):
    """A minibatch's windows, number from 1 and learning rate; its sums of losses and weights."""

    windows: np.ndarray
    number: int
    rate: float
    sums: np.ndarray  # (n_chunks, 2) float64


@device_function
def count_blocks(n):
    """Blocks of n parameters."""
    return (n + BLOCK - 1) // BLOCK


@device_function
def mean_loss(minibatch):
    """Mean loss of a minibatch, and its weight."""
    total = weight = 0.0
    for chunk in range(minibatch.sums.shape[0]):
        total += minibatch.sums[chunk, 0]
        weight += minibatch.sums[chunk, 1]
    return (total / weight if weight > 0 else 0.0), weight


@device_function
def update_model(rule_row, minibatch, parameters, moments, gradients):
    """Update a network by the mean gradient of a minibatch; its mean loss and weight."""
    loss, weight = mean_loss(minibatch)
    if weight > 0:
        optimizer_step(
            parameters,
            moments,
            gradients.chunks,
            1.0 / weight,
            minibatch.number,
            minibatch.rate,
            rule_of(rule_row),
        )
    return loss, weight


@device_function
def sum_tokens(problem_row, minibatch, gradients):
    """Sum the gradient of the embedding, before those of the other parameters are summed."""
    problem = problem_of(problem_row)
    gradients.squares[gradients.squares.size - 1] = sum_token_grads(
        problem.source, problem.sizes, minibatch.windows, gradients.tokens, gradients.chunks[0]
    )


@device_function
def sum_blocks(chunks, squares, task, n_tasks):
    """Sum ``Gradients.chunks`` to the first of them in a task's blocks, and the sums' squares."""
    n = chunks.shape[1]
    n_blocks = count_blocks(n)
    for block in range(task * n_blocks // n_tasks, (task + 1) * n_blocks // n_tasks):
        first, last = block * BLOCK, min((block + 1) * BLOCK, n)
        sum_gradients(chunks, first, last)
        squares[block] = sum_of_squares(chunks[0, first:last])


@device_function
def update_of(rule_row, minibatch, squares):
    """The ``Update`` of a minibatch once all squares are summed, and the minibatch's weight."""
    _, weight = mean_loss(minibatch)
    total = 0.0
    for block in range(squares.size):
        total += squares[block]
    scale = 1.0 / weight if weight > 0 else 0.0
    rule, number, rate = rule_of(rule_row), minibatch.number, minibatch.rate
    return make_update(rule, total, scale, number, rate), weight


@device_function
def update_blocks(rule_row, minibatch, parameters, moments, chunks, squares, task, n_tasks):
    """Update the parameters in a task's blocks, all but the embedding."""
    update, weight = update_of(rule_row, minibatch, squares)
    n = chunks.shape[1]
    n_blocks = count_blocks(n) if weight > 0 else 0
    for block in range(task * n_blocks // n_tasks, (task + 1) * n_blocks // n_tasks):
        first, last = block * BLOCK, min((block + 1) * BLOCK, n)
        part, gradient = parameters[first:last], chunks[0, first:last]
        apply_update(part, moments[0, first:last], moments[1, first:last], gradient, update)
        update_average(part, moments[2, first:last], update.rule)


@device_function
def update_embedding(problem_row, rule_row, minibatch, parameters, moments, gradients):
    """Update the embedding, unless it is tied."""
    update, weight = update_of(rule_row, minibatch, gradients.squares)
    if weight > 0:
        sizes = problem_of(problem_row).sizes
        update_tokens(parameters, moments, gradients.tokens, sizes, update, 0)


@device_function
def update_model_and_embedding(problem_row, rule_row, minibatch, parameters, moments, gradients):
    """As ``update_model``, of a network with an embedding: all parts, one after another."""
    if minibatch.windows.size:
        sum_tokens(problem_row, minibatch, gradients)
        chunks, squares = gradients.chunks, gradients.squares
        sum_blocks(chunks, squares, 0, 1)
        update_blocks(rule_row, minibatch, parameters, moments, chunks, squares, 0, 1)
        update_embedding(problem_row, rule_row, minibatch, parameters, moments, gradients)
    return mean_loss(minibatch)
