"""Outputs for a weighted mean of a sequence's steps, by learned attention (attention pooling).

A step's weight is the softmax over steps of ``query @ h / sqrt(units)``, where h are the outputs of
all directions and the query is learned: the dot score of Luong et al. (2015, arXiv 1508.04025) with
a query that is the same for all sequences, as in Yang et al. (2016), "Hierarchical attention
networks".
"""

import math

import numpy as np

from tsrnn.kernels.elementary import exp
from tsrnn.kernels.heads import Head
from tsrnn.kernels.heads._steps import output_of
from tsrnn.kernels.jit.compile import device_function, like, matrix
from tsrnn.kernels.layers import layer_arrays
from tsrnn.kernels.layout import layer_offset
from tsrnn.kernels.workers import barrier, worker_range


@device_function
def query_of(parameters, sizes):
    """The query, (n_directions, n_hidden), in a tuple."""
    first = layer_offset(sizes, sizes.n_layers, 0)
    return (matrix(parameters, first, sizes.n_directions, sizes.n_hidden),)


@device_function
def weights_of(space, sizes, n_rows):
    """The weights of steps and their gradient, each (n_time, n_rows)."""
    n = sizes.n_time * n_rows
    return matrix(space, 0, sizes.n_time, n_rows), matrix(space, n, sizes.n_time, n_rows)


@device_function
def write_weights(scores, first):
    """Overwrite the scores of a row's steps, from ``first`` on, by their softmax."""
    highest = scores[first]
    for t in range(first + 1, scores.size):
        highest = max(highest, scores[t])
    mass = like(highest, 0)
    for t in range(first, scores.size):
        scores[t] = exp(scores[t] - highest)
        mass += scores[t]
    for t in range(first, scores.size):
        scores[t] /= mass


@device_function
def forward(parameters, layers, chunk, space, inputs):
    """Write the weighted mean of each row's steps, zeros for an empty sequence."""
    sizes, first_steps, typed = chunk.sizes, chunk.first_steps, inputs.dtype.type
    n_rows, n_hidden, top = first_steps.size, sizes.n_hidden * first_steps.size, sizes.n_layers - 1
    (query,) = query_of(parameters, sizes)
    weights, _ = weights_of(space, sizes, n_rows)
    scale = typed(1) / typed(math.sqrt(typed(query.size)))
    for row in worker_range(n_rows):
        first = first_steps[row]
        for t in range(first, sizes.n_time):
            weights[t, row] = 0
        for direction in range(sizes.n_directions):
            arrays = layer_arrays(layers, chunk, top, direction)
            for t in range(first, sizes.n_time):
                for unit in range(sizes.n_hidden):
                    h = output_of(arrays, chunk, t, direction, unit * n_rows + row)
                    weights[t, row] += scale * query[direction, unit] * h
        if first < sizes.n_time:
            write_weights(weights[:, row], first)
        for direction in range(sizes.n_directions):
            arrays = layer_arrays(layers, chunk, top, direction)
            mean = inputs[0, direction * n_hidden : (direction + 1) * n_hidden]
            for k in range(row, n_hidden, n_rows):
                mean[k] = 0
                for t in range(first, sizes.n_time):
                    mean[k] += weights[t, row] * output_of(arrays, chunk, t, direction, k)


@device_function
def add_grad_of_row(layers, chunk, row, query, grad_mean, space, grads):
    """Add the gradient of a row's steps; write that of its scores."""
    sizes, first, n_rows = chunk.sizes, chunk.first_steps[row], chunk.first_steps.size
    weights, grad_scores = weights_of(space, sizes, n_rows)
    n_hidden, typed = sizes.n_hidden * n_rows, grad_mean.dtype.type
    scale = typed(1) / typed(math.sqrt(typed(query.size)))
    total = typed(0)
    for t in range(sizes.n_time):
        grad_scores[t, row] = 0
    for t in range(first, sizes.n_time):
        for direction in range(sizes.n_directions):
            arrays = layer_arrays(layers, chunk, sizes.n_layers - 1, direction)
            for k in range(row, n_hidden, n_rows):
                h = output_of(arrays, chunk, t, direction, k)
                grad_scores[t, row] += grad_mean[direction * n_hidden + k] * h
        total += weights[t, row] * grad_scores[t, row]
    for t in range(first, sizes.n_time):
        grad_scores[t, row] = weights[t, row] * (grad_scores[t, row] - total) * scale
        for direction in range(sizes.n_directions):
            grad_h = grads.outputs[direction * sizes.n_time + t]
            for unit in range(sizes.n_hidden):
                k = unit * n_rows + row
                grad_h[k] += weights[t, row] * grad_mean[direction * n_hidden + k]
                grad_h[k] += grad_scores[t, row] * query[direction, unit]


@device_function
def backward(parameters, gradient, layers, chunk, space, grad_inputs, grads):
    """Add the gradient of the steps; write that of the query."""
    sizes, first_steps = chunk.sizes, chunk.first_steps
    n_rows = first_steps.size
    (query,) = query_of(parameters, sizes)
    (grad_query,) = query_of(gradient, sizes)
    for row in worker_range(n_rows):
        add_grad_of_row(layers, chunk, row, query, grad_inputs[0], space, grads)
    barrier()
    _, grad_scores = weights_of(space, sizes, n_rows)
    for direction in range(sizes.n_directions):
        arrays = layer_arrays(layers, chunk, sizes.n_layers - 1, direction)
        for unit in worker_range(sizes.n_hidden):
            total = grad_inputs.dtype.type(0)
            for row in range(n_rows):
                for t in range(first_steps[row], sizes.n_time):
                    h = output_of(arrays, chunk, t, direction, unit * n_rows + row)
                    total += grad_scores[t, row] * h
            grad_query[direction, unit] = total


HEAD = Head(
    n_output_steps=lambda n_time, n_horizons: 1,
    compile=lambda layer: (forward, backward),
    n_parameters=lambda sizes: sizes.n_directions * sizes.n_hidden,
    space=lambda sizes: 2 * sizes.n_time,
    views=lambda vector, sizes: {"query": query_of(vector, sizes)[0]},
    initialise=lambda name, view, rng: np.copyto(view, rng.normal(size=view.shape)),
    pools=True,
)
