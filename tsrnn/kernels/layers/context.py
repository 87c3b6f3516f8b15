"""Attention layers run step by step: a window whose keys and values are kept, and which goes on.

The window is a chunk's workspace for ``n_time`` steps, filled from the first on, from which
positions count. Once it is full, its last half is read again as the beginning of a new window.
"""

from tsrnn.kernels.arrays import copy
from tsrnn.kernels.jit.compile import device_function
from tsrnn.kernels.layers import layer_arrays
from tsrnn.kernels.layers.attention import add_to_stream, scratch_of, write_queries
from tsrnn.kernels.layers.scaled_dot_product import attend


@device_function
def forward_step(parameters, work, chunk, t):
    """Run all layers at step t, whose inputs are written, after the steps before it."""
    sizes, first_steps = chunk.sizes, chunk.first_steps
    n_rows = first_steps.size
    n = sizes.n_hidden * n_rows
    for layer in range(sizes.n_layers):
        arrays, scratch = layer_arrays(work, chunk, layer, 0), scratch_of(work, chunk, layer)
        if layer > 0:
            below = layer_arrays(work, chunk, layer - 1, 0).inputs
            copy(below[t + 1, :n], arrays.inputs[t, n + n_rows :])
        write_queries(parameters, arrays, chunk, layer, t, t)
        for head in range(sizes.n_attention_heads):
            attend(arrays.gates, head, first_steps, (0, t, t + 1), sizes, scratch)
        add_to_stream(parameters, arrays, chunk, layer, t)


@device_function
def next_step(parameters, work, chunk, t):
    """The step to be run after ``t`` steps of the window, t itself unless it is full."""
    sizes, n_rows = chunk.sizes, chunk.first_steps.size
    if t < sizes.n_time:
        return t
    first = (sizes.n_hidden + 1) * n_rows
    n_kept = sizes.n_time - max(sizes.n_time // 2, 1)
    inputs = layer_arrays(work, chunk, 0, 0).inputs
    for step in range(n_kept):
        copy(inputs[t - n_kept + step, first:], inputs[step, first:])
        forward_step(parameters, work, chunk, step)
    return n_kept
