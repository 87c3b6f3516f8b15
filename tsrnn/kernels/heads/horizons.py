"""Outputs for many horizons: each after one more step of the last layer, all from the same state.

That step reads a learned embedding of the horizon (SegRNN's parallel decoding, arXiv 2308.11200).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tsrnn.kernels.arrays import clear
from tsrnn.kernels.heads import Head, last
from tsrnn.kernels.jit.compile import device_function, matrix
from tsrnn.kernels.layers import hidden_at, layer_arrays
from tsrnn.kernels.layout import layer_inputs, layer_offset, weights_width
from tsrnn.kernels.steps import StepArrays, recurrent_weights
from tsrnn.kernels.workers import barrier, worker_range


class HorizonArrays(NamedTuple):
    """Matrices with a row, (units * n_rows,), for the step of each horizon; then a spare state."""

    inputs: Any
    gates: Any
    state: Any
    saved: Any
    grad_state: Any


def n_parameters(sizes):
    """Of the embeddings."""
    return sizes.n_output_steps * layer_inputs(sizes, sizes.n_layers - 1)


def space(sizes):
    """Of the horizons' steps, for each row."""
    n_units = sizes.n_hidden * (sizes.n_blocks + sizes.n_state + sizes.n_saved)
    n_units += weights_width(sizes, sizes.n_layers - 1)
    return sizes.n_output_steps * n_units + sizes.n_state * sizes.n_hidden


@device_function
def embedding_of(parameters, sizes):
    """The inputs of each horizon's step, (n_output_steps, inputs of the last layer), in a tuple."""
    first = layer_offset(sizes, sizes.n_layers, 0)
    n_in = layer_inputs(sizes, sizes.n_layers - 1)
    return (matrix(parameters, first, sizes.n_output_steps, n_in),)


@device_function
def horizon_arrays(space, sizes, n_rows):
    """The ``HorizonArrays`` in the head's workspace."""
    n, n_hidden = sizes.n_output_steps, sizes.n_hidden * n_rows
    n_input = weights_width(sizes, sizes.n_layers - 1) * n_rows
    gates = n * n_input
    state = gates + n * sizes.n_blocks * n_hidden
    saved = state + n * sizes.n_state * n_hidden
    spare = saved + n * sizes.n_saved * n_hidden
    return HorizonArrays(
        matrix(space, 0, n, n_input),
        matrix(space, gates, n, sizes.n_blocks * n_hidden),
        matrix(space, state, n, sizes.n_state * n_hidden),
        matrix(space, saved, n, sizes.n_saved * n_hidden),
        space[spare : spare + sizes.n_state * n_hidden],
    )


def _compile_forward(layer) -> Callable:
    load_weights, step_forward = layer.steps.load_weights, layer.steps.forward

    @device_function
    def forward(parameters, layers, chunk, space, inputs):
        sizes, n_rows = chunk.sizes, chunk.first_steps.size
        n_time, n_hidden, top = sizes.n_time, sizes.n_hidden * n_rows, sizes.n_layers - 1
        last_layer = layer_arrays(layers, chunk, top, 0)
        (weights,) = load_weights(parameters, sizes, top, 0)
        (embedding,) = embedding_of(parameters, sizes)
        arrays = horizon_arrays(space, sizes, n_rows)
        last_state = last_layer.state[n_time if chunk.training else n_time % 2]
        (h,) = hidden_at(last_layer, n_hidden, n_time)
        for n in range(sizes.n_output_steps):
            seen, h_seen = arrays.inputs[n], last_layer.inputs[n_time, :n_hidden]
            for k in worker_range(n_hidden):
                seen[k] = h_seen[k]
            for row in worker_range(n_rows):
                seen[n_hidden + row] = 1
                for k in range(embedding.shape[1]):
                    seen[n_hidden + (1 + k) * n_rows + row] = embedding[n, k]
            barrier()
            gates, state, saved, out = arrays.gates[n], arrays.state[n], arrays.saved[n], inputs[n]
            step = StepArrays(seen, gates, h, last_state, state, saved, out[:n_hidden])
            step_forward(weights, step, sizes, n_rows)
            barrier()

    return forward


def _compile_backward(layer) -> Callable:
    load_weights, step_backward = layer.steps.load_weights_backward, layer.steps.backward
    accumulate_grad_weights = layer.steps.accumulate_grad_weights
    compute_grad_inputs, backward_hidden = layer.steps.compute_grad_inputs, layer.backward_hidden
    add_grad_of_last = last.passes[1]

    @device_function
    def backward(parameters, gradient, layers, chunk, space, grad_inputs, grads):
        sizes, n_rows = chunk.sizes, chunk.first_steps.size
        n_time, n_hidden, top = sizes.n_time, sizes.n_hidden * n_rows, sizes.n_layers - 1
        last_layer = layer_arrays(layers, chunk, top, 0)
        (weights,) = load_weights(parameters, sizes, top, 0)
        (grad_weights,) = recurrent_weights(gradient, sizes, top, 0)
        arrays = horizon_arrays(space, sizes, n_rows)
        gates, grad_state = arrays.gates, arrays.grad_state
        (h,) = hidden_at(last_layer, n_hidden, n_time)
        last_state = last_layer.state[n_time]
        for n in range(sizes.n_output_steps):
            grad_h = grad_inputs[n, :n_hidden]
            clear(grad_state)
            barrier()
            step_backward(
                gates[n], h, last_state, arrays.saved[n], grad_h, grad_state, sizes, n_rows
            )
            barrier()
            backward_hidden(weights, gates[n], chunk, -1 - top, grads.scratch, grad_h)
            barrier()
            for k in worker_range(grad_state.size):
                grads.state[k] += grad_state[k]
        add_grad_of_last(parameters, gradient, layers, chunk, space, grad_inputs, grads)
        accumulate_grad_weights(gates, arrays.inputs, sizes, n_rows, False, grad_weights)
        barrier()
        compute_grad_inputs(weights, gates, sizes, n_rows, arrays.inputs)
        barrier()
        (grad_embedding,) = embedding_of(gradient, sizes)
        for n in range(sizes.n_output_steps):
            grad_x = arrays.inputs[n, (sizes.n_hidden + 1) * n_rows :]
            for k in worker_range(grad_embedding.shape[1]):
                grad_embedding[n, k] = 0
                for row in range(n_rows):
                    grad_embedding[n, k] += grad_x[k * n_rows + row]

    return backward


HEAD = Head(
    n_output_steps=lambda n_time, n_horizons: n_horizons,
    compile=lambda layer: (_compile_forward(layer), _compile_backward(layer)),
    first_step_read=last.HEAD.first_step_read,
    n_parameters=n_parameters,
    space=space,
    views=lambda vector, sizes: {"embedding": embedding_of(vector, sizes)[0]},
    initialise=lambda name, view, rng: np.copyto(view, rng.normal(size=view.shape)),
    last_step_only=True,
    needs_steps=True,
)
