"""The embedding of tokens: a row of weights for each, which are the inputs of a step.

A token's row replaces the product of the input weights' first layer with a one-hot vector. In
training a minibatch's gradient is held for the rows that it reads alone, and the optimiser changes
no other row (as TensorFlow's "lazy" Adam). A tied embedding is the output layer's weights, whose
gradient all rows have (Press & Wolf 2017, arXiv 1608.05859).
"""

from typing import Any, NamedTuple

from tsrnn.kernels.arrays import earliest
from tsrnn.kernels.jit.compile import device_function, matrix
from tsrnn.kernels.layers import layer_arrays
from tsrnn.kernels.optimizers import (
    apply_update,
    make_update,
    sum_gradients,
    sum_of_squares,
    update_average,
)
from tsrnn.kernels.outputs import head_offsets, head_weights
from tsrnn.kernels.sources import previous_step


class TokenGrads(NamedTuple):
    """Gradients of a minibatch's embedded inputs, and which tokens they are of."""

    values: Any  # (n_chunks * n_time * n_rows, n_embedding)
    places: Any  # (n_tokens,) int64: row of ``values`` where a token's are summed, -1 elsewhere
    # (n_chunks * n_time * n_rows, 2) int64: the tokens in order of appearance, each with its row of
    # ``values``; then -1.
    seen: Any


@device_function
def count_parameters(sizes):
    """Length of the parameter vector: the layers, the head, and the embedding last."""
    n = head_offsets(sizes)[3]
    return n if sizes.tied else n + sizes.n_tokens * sizes.n_embedding


@device_function
def embedding_of(parameters, sizes):
    """The embedding in the first ``n_embedding`` columns of (n_tokens, columns), in a tuple."""
    if sizes.tied:
        return (head_weights(parameters, sizes)[1],)
    return (matrix(parameters, head_offsets(sizes)[3], sizes.n_tokens, sizes.n_embedding),)


@device_function
def write_embedded(source, window, sizes, row, n_rows, embedding, inputs):
    """Write the embedding of each step's token to ``row`` of a step's first inputs; 0 for none."""
    t, index = sizes.n_time, 0
    while t > 0:
        t, index = previous_step(source, window, sizes, t, index)
        token = source.tokens[index] if index >= 0 else -1
        for k in range(sizes.n_embedding):
            inputs[t, k * n_rows + row] = embedding[token, k] if token >= 0 else 0


@device_function
def write_token_grads(chunk, work, values):
    """Write the gradient of a chunk's embedded inputs, (n_time * n_rows, n_embedding).

    The backward pass has left it in the place of the inputs, in both directions.
    """
    sizes, n_rows = chunk.sizes, chunk.first_steps.size
    first = (sizes.n_hidden + 1) * n_rows
    for direction in range(sizes.n_directions):
        grads = layer_arrays(work, chunk, 0, direction).inputs
        for t in range(earliest(chunk.first_steps), sizes.n_time):
            grads_of_step = grads[t + direction, first:]
            for row in range(n_rows):
                out = values[t * n_rows + row]
                for k in range(sizes.n_embedding):
                    value = grads_of_step[k * n_rows + row]
                    out[k] = out[k] + value if direction else value


@device_function
def sum_token_grads(source, sizes, batch, token_grads):
    """Sum the gradients of each token's appearances in a minibatch; return the tokens seen.

    In order of the windows, and in each from the last step to the first.
    """
    values, places, seen = token_grads
    n_seen = 0
    for number in range(batch.size):
        first = number // sizes.n_rows * sizes.n_rows
        n_rows = min(sizes.n_rows, batch.size - first)
        t, index = sizes.n_time, 0
        while t > 0:
            t, index = previous_step(source, batch[number], sizes, t, index)
            if index < 0:
                break
            token, place = source.tokens[index], first * sizes.n_time + t * n_rows + number - first
            if token >= 0 and places[token] < 0:
                places[token] = place
                seen[n_seen, 0], seen[n_seen, 1] = token, place
                n_seen += 1
            elif token >= 0:
                total, other = values[places[token]], values[place]
                for k in range(total.size):
                    total[k] += other[k]
    if n_seen < seen.shape[0]:
        seen[n_seen, 0] = -1
    return n_seen


@device_function
def optimizer_step_of_tokens(problem, batch, parameters, moments, gradients, schedule, rule):
    """As ``optimizer_step``, for a network with an embedding.

    ``gradients`` has ``chunks``, (n_chunks, n), without the embedding, and ``tokens``;
    ``schedule`` holds the scale, step and rate.
    """
    sizes, (values, places, seen) = problem.sizes, gradients.tokens
    scale, step, rate = schedule
    sum_gradients(gradients.chunks)
    gradient, n = gradients.chunks[0], gradients.chunks.shape[1]
    n_seen = sum_token_grads(problem.source, sizes, batch, gradients.tokens)
    squares = 0.0
    if sizes.tied:
        (grad_embedding,) = embedding_of(gradient, sizes)
        for k in range(n_seen):
            total, grad = values[seen[k, 1]], grad_embedding[seen[k, 0]]
            for unit in range(total.size):
                grad[unit] += total[unit]
    else:
        for k in range(n_seen):
            squares += sum_of_squares(values[seen[k, 1]])
    update = make_update(rule, squares + sum_of_squares(gradient), scale, step, rate)
    apply_update(parameters[:n], moments[0, :n], moments[1, :n], gradient, update)
    for k in range(n_seen):
        if not sizes.tied:
            first = n + seen[k, 0] * sizes.n_embedding
            last = first + sizes.n_embedding
            apply_update(
                parameters[first:last],
                moments[0, first:last],
                moments[1, first:last],
                values[seen[k, 1]],
                update,
            )
        places[seen[k, 0]] = -1
    update_average(parameters, moments[2], rule)
