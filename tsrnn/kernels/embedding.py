"""The embedding of tokens: a row of weights for each, which are the first inputs of a step.

A token's row replaces the product of the input weights with a one-hot vector. In training a
minibatch's gradient is held for the rows that it reads alone, and the optimiser changes no other
row (as TensorFlow's "lazy" Adam). A tied embedding is the output layer's weights, whose gradient
all rows have (Press & Wolf 2017, arXiv 1608.05859).
"""

from typing import Any, NamedTuple

from tsrnn.kernels.arrays import earliest
from tsrnn.kernels.jit.compile import device_function, matrix
from tsrnn.kernels.layers import layer_arrays
from tsrnn.kernels.optimizers import apply_update, sum_of_squares, update_average
from tsrnn.kernels.outputs import head_offsets, head_weights
from tsrnn.kernels.sources import previous_step


class TokenGrads(NamedTuple):
    """Gradients of a minibatch's embedded inputs, and which tokens they are of."""

    values: Any  # (n_chunks * n_time * n_rows, n_embedding)
    places: Any  # (n_tokens,) int64: row of ``values`` where a token's are summed, -1 elsewhere
    seen: Any  # (n_chunks * n_time * n_rows + 1,) int64: tokens in order of appearance, then -1


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
def embed(token, embedding, sizes, row, n_rows, inputs):
    """Write a token's embedding, zeros for -1, to ``row`` of a step's inputs, (n_in * n_rows,)."""
    for k in range(sizes.n_embedding):
        inputs[k * n_rows + row] = embedding[token, k] if token >= 0 else 0


@device_function
def embed_windows(source, batch, parameters, chunk, work):
    """Write the embedding of the tokens of windows to the first layer's inputs, zeros for none."""
    sizes, n_rows = chunk.sizes, chunk.first_steps.size
    (embedding,) = embedding_of(parameters, sizes)
    inputs = layer_arrays(work, chunk, 0, 0).inputs[:, (sizes.n_hidden + 1) * n_rows :]
    for row in range(n_rows):
        t, index = sizes.n_time, 0
        while t > 0:
            t, index = previous_step(source, batch[row], sizes, t, index)
            token = source.tokens[index] if index >= 0 else -1
            embed(token, embedding, sizes, row, n_rows, inputs[t])


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
def sum_appearances(source, sizes, batch, token_grads):
    """Sum the gradients of each token's appearances in a minibatch, and note which were seen.

    In order of the windows, and in each from the last step to the first.
    """
    values, places, seen = token_grads
    n_seen = 0
    while seen[n_seen] >= 0:  # in the minibatch before
        places[seen[n_seen]] = -1
        n_seen += 1
    n_seen = 0
    for number in range(batch.size):
        first = number // sizes.n_rows * sizes.n_rows
        n_rows = min(sizes.n_rows, batch.size - first)
        t, index = sizes.n_time, 0
        while t > 0:
            t, index = previous_step(source, batch[number], sizes, t, index)
            token = source.tokens[index] if index >= 0 else -1
            place = first * sizes.n_time + t * n_rows + number - first
            if token >= 0 and places[token] < 0:
                places[token], seen[n_seen] = place, token
                n_seen += 1
            elif token >= 0:
                total, other = values[places[token]], values[place]
                for k in range(total.size):
                    total[k] += other[k]
    seen[n_seen] = -1


@device_function
def sum_token_grads(source, sizes, batch, token_grads, gradient):
    """Sum the gradient of the embedding over a minibatch; return the sum of its squares.

    That of a tied embedding is added to ``gradient``, (n,), the output layer's, and 0 is returned.
    """
    values, places, seen = token_grads
    sum_appearances(source, sizes, batch, token_grads)
    squares, n = 0.0, 0
    if sizes.tied:
        (rows,) = embedding_of(gradient, sizes)
        while seen[n] >= 0:
            row, total = rows[seen[n]], values[places[seen[n]]]
            for k in range(total.size):
                row[k] += total[k]
            n += 1
        return squares
    while seen[n] >= 0:
        squares += sum_of_squares(values[places[seen[n]]])
        n += 1
    return squares


@device_function
def update_tokens(parameters, moments, token_grads, sizes, update, first_parameter):
    """Update the rows of an embedding that a minibatch has seen, if it is not tied.

    The network's parameters begin at ``first_parameter``.
    """
    values, places, seen = token_grads
    if sizes.tied:
        return
    n_before, n = first_parameter + head_offsets(sizes)[3], 0
    end = n_before + sizes.n_tokens * sizes.n_embedding
    while seen[n] >= 0:
        first = n_before + seen[n] * sizes.n_embedding
        last = first + sizes.n_embedding
        weights, gradient = parameters[first:last], values[places[seen[n]]]
        apply_update(weights, moments[0, first:last], moments[1, first:last], gradient, update)
        n += 1
    update_average(parameters[n_before:end], moments[2, n_before:end], update.rule)
