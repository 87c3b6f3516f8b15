"""An attention layer in place of a recurrent one: the Transformer of Vaswani et al. (2017).

A step's stream ``e`` is a projection of its input plus its position; a layer adds to it what its
heads attend to in the steps up to its own, and a feed-forward network of the result::

    u = norm(e)                    q, k, v = W_q u + b_q, W_k u + b_k, W_v u + b_v
    e = e + W_o attended(q, k, v) + b_o                   see ``scaled_dot_product``
    e = e + W_2 max(0, W_1 norm(e) + b_1) + b_2

Inputs are normed, not outputs ("pre-norm", Xiong et al. 2020), as is what the head reads; the
product after a norm takes in its gain and bias. Positions are sines and cosines of the number of
steps still to come, as sequences end together; for a target at every step, of the number of steps
before, so that no output depends on what follows. The h of a step is the stream that leaves the
layer; in the last layer it is NaN for steps that the head does not read, which are not computed.
"""

import math
from typing import Any, NamedTuple

from tsrnn.kernels.arrays import clear, copy, earliest, latest
from tsrnn.kernels.elementary import exp, sine_cosine
from tsrnn.kernels.gemm.products import add_product, apply, apply_transposed, outer
from tsrnn.kernels.jit.compile import device_function, like, matrix
from tsrnn.kernels.layers import Layer, layer_arrays
from tsrnn.kernels.layers.norm import (
    BEFORE_ATTENTION,
    BEFORE_FFN,
    BEFORE_HEAD,
    accumulate_grad_bias,
    add_bias,
    norm,
    norm_backward,
)
from tsrnn.kernels.layers.scaled_dot_product import (
    ATTENDED,
    EXPANSION,
    NORMED,
    NORMED_AGAIN,
    Scratch,
    attend,
    attend_backward,
)
from tsrnn.kernels.layout import (
    FFN_EXPANSION,
    QUERIES,
    attention_space,
    layer_offset,
    layer_space,
    separates_hidden,
)

# What is stored of a step, in blocks of n_hidden: see ``scaled_dot_product``.
BLOCKS = (
    "query",
    "key",
    "value",
    "attended",
    "normed",
    "normed_again",
    *["expansion"] * FFN_EXPANSION,
)
N_SAVED = 5  # blocks of n_hidden, in which the sums of norms have room
_LOG_10000 = math.log(10000.0)


class Weights(NamedTuple):
    """Weights, or biases, of a layer, or their gradients."""

    query_key_value: Any  # (3 * n_hidden, n_hidden)
    projection: Any  # (n_hidden, n_hidden), of what is attended to
    ffn_up: Any  # (4 * n_hidden, n_hidden)
    ffn_down: Any  # (n_hidden, 4 * n_hidden)


@device_function
def layer_weights(parameters, sizes, layer):
    """The ``Weights`` of a layer."""
    d = sizes.n_hidden
    a = layer_offset(sizes, layer, 0) + (d * (1 + sizes.n_in) if layer == 0 else 0)
    b = a + 3 * d * d
    c = b + d * d
    e = c + FFN_EXPANSION * d * d
    return Weights(
        matrix(parameters, a, 3 * d, d),
        matrix(parameters, b, d, d),
        matrix(parameters, c, FFN_EXPANSION * d, d),
        matrix(parameters, e, d, FFN_EXPANSION * d),
    )


@device_function
def layer_biases(parameters, sizes, layer):
    """The biases of a layer, as ``Weights``."""
    d = sizes.n_hidden
    a = layer_offset(sizes, layer + 1, 0) - (5 + FFN_EXPANSION) * d
    b, c = a + 3 * d, a + 4 * d
    e = c + FFN_EXPANSION * d
    return Weights(parameters[a:b], parameters[b:c], parameters[c:e], parameters[e : e + d])


@device_function
def input_projection(parameters, sizes):
    """Weights of [1, x] in the first layer's stream, (n_hidden, 1 + n_in), in a tuple."""
    return (matrix(parameters, layer_offset(sizes, 0, 0), sizes.n_hidden, 1 + sizes.n_in),)


@device_function
def scratch_of(work, chunk, layer):
    """The layer's ``Scratch``, at the end of its workspace."""
    sizes, n_rows = chunk.sizes, chunk.first_steps.size
    end, n = 0, sizes.n_time
    for below in range(layer + 1):
        end += layer_space(sizes, n_rows, below, chunk.training, separates_hidden(chunk))
    a, b = end - attention_space(sizes, n_rows), QUERIES * n
    return Scratch(
        matrix(work, a, QUERIES, n), matrix(work, a + b, QUERIES, n), work[a + 2 * b : end]
    )


@device_function
def first_query_of(sizes, layer, first):
    """The first step whose h is read: of the last layer by the head, of others by the next."""
    return first if layer < sizes.n_layers - 1 else max(first, sizes.first_step_read)


@device_function
def clear_absent(t, last, first_steps, values):
    """Clear the rows that have not begun at a step, as heads read empty ones too."""
    if t < last:
        for row in range(first_steps.size):
            if t < first_steps[row]:
                for k in range(row, values.size, first_steps.size):
                    values[k] = 0


@device_function
def place_of(t, row, chunk):
    """What a row's position at a step counts: steps before it, or those still to come."""
    sizes = chunk.sizes
    return t - chunk.first_steps[row] if sizes.step_targets else sizes.n_time - 1 - t


@device_function
def add_positions(t, chunk, out):
    """Add the positions of a step's rows: Vaswani et al. (2017), section 3.5."""
    n, n_rows = chunk.sizes.n_hidden, chunk.first_steps.size
    for unit in range(n):
        frequency, position, last = exp(-_LOG_10000 * (unit // 2 * 2) / n), out[0], -1
        for row in range(n_rows):
            place = max(place_of(t, row, chunk), 0)  # of a row that has begun
            if place != last:
                sine, cosine = sine_cosine(place * frequency)
                position, last = like(out[0], cosine if unit % 2 else sine), place
            out[unit * n_rows + row] += position


@device_function
def write_queries(parameters, arrays, chunk, layer, t, first_query):
    """Write a step's stream, its norm, and query, key and value."""
    sizes, n_rows = chunk.sizes, chunk.first_steps.size
    d, n = sizes.n_hidden, sizes.n_hidden * n_rows
    weights = layer_weights(parameters, sizes, layer).query_key_value
    bias = layer_biases(parameters, sizes, layer).query_key_value
    inputs, stream, stored = arrays.inputs[t], arrays.inputs[t + 1, :n], arrays.gates[t]
    if layer == 0:
        for row in range(n_rows):
            inputs[n + row] = 1
        apply(input_projection(parameters, sizes)[0], inputs[n:], stream)
        add_positions(t, chunk, stream)
    else:
        copy(inputs[n + n_rows :], stream)
    normed = stored[NORMED * n : (NORMED + 1) * n]
    norm(stream, arrays.saved[t], n_rows, BEFORE_ATTENTION, normed)
    skip = 0 if t >= first_query else d  # steps that are only attended to have no query
    apply(weights[skip:], normed, stored[skip * n_rows : 3 * n])
    add_bias(bias[skip:], n_rows, stored[skip * n_rows : 3 * n])
    if t < first_query:
        for k in range(n):
            stream[k] = math.nan


@device_function
def add_to_stream(parameters, arrays, chunk, layer, t):
    """Add to a step's stream what it attended to, and the feed-forward network of the result."""
    sizes, n_rows = chunk.sizes, chunk.first_steps.size
    n = sizes.n_hidden * n_rows
    _, projection, ffn_up, ffn_down = layer_weights(parameters, sizes, layer)
    _, projection_bias, up_bias, down_bias = layer_biases(parameters, sizes, layer)
    stream, stored, sums = arrays.inputs[t + 1, :n], arrays.gates[t], arrays.saved[t]
    add_bias(projection_bias, n_rows, stream)
    add_product(projection, stored[ATTENDED * n : (ATTENDED + 1) * n], stream)
    normed, expanded = stored[NORMED_AGAIN * n : (NORMED_AGAIN + 1) * n], stored[EXPANSION * n :]
    norm(stream, sums, n_rows, BEFORE_FFN, normed)
    apply(ffn_up, normed, expanded)
    add_bias(up_bias, n_rows, expanded)
    for k in range(expanded.size):
        expanded[k] = like(expanded[k], 0.0) if expanded[k] <= 0 else expanded[k]
    add_bias(down_bias, n_rows, stream)
    add_product(ffn_down, expanded, stream)
    if layer == sizes.n_layers - 1:
        norm(stream, sums, n_rows, BEFORE_HEAD, stream)
        clear_absent(t, latest(chunk.first_steps), chunk.first_steps, stream)


@device_function
def forward(parameters, work, chunk, layer, direction, states):
    """Run a layer; see ``Layer``. There are no states."""
    sizes, first_steps = chunk.sizes, chunk.first_steps
    n_time, n = sizes.n_time, sizes.n_hidden * first_steps.size
    arrays, scratch = layer_arrays(work, chunk, layer, 0), scratch_of(work, chunk, layer)
    first = earliest(first_steps)
    first_query = first_query_of(sizes, layer, first)
    if first == n_time:  # all rows are empty, and the head reads the last step
        clear(arrays.inputs[n_time, :n])
    for t in range(first, n_time):
        write_queries(parameters, arrays, chunk, layer, t, first_query)
    for head in range(sizes.n_attention_heads):
        attend(arrays.gates, head, first_steps, (first, first_query, n_time), sizes, scratch)
    for t in range(first_query, n_time):
        add_to_stream(parameters, arrays, chunk, layer, t)


@device_function
def stream_backward(parameters, gradient, arrays, chunk, layer, t, grads):
    """Back to the stream before the layer added to it, and to what was attended to."""
    sizes, n_rows, grad_stream = chunk.sizes, chunk.first_steps.size, grads.outputs[t]
    d, n = sizes.n_hidden, sizes.n_hidden * n_rows
    _, projection, ffn_up, ffn_down = layer_weights(parameters, sizes, layer)
    _, grad_projection, grad_ffn_up, grad_ffn_down = layer_weights(gradient, sizes, layer)
    _, grad_projection_bias, grad_up_bias, grad_down_bias = layer_biases(gradient, sizes, layer)
    stored, sums, grad_normed = arrays.gates[t], arrays.saved[t], grads.hidden
    expanded = stored[EXPANSION * n :]
    if layer == sizes.n_layers - 1:
        clear_absent(t, latest(chunk.first_steps), chunk.first_steps, grad_stream)
        stream = arrays.inputs[t + 1, :n]
        norm_backward(stream, grad_stream, sums, n_rows, BEFORE_HEAD, False, grad_stream)
    outer(grad_stream, expanded, True, grad_ffn_down)
    accumulate_grad_bias(grad_stream, n_rows, grad_down_bias)
    for block in range(FFN_EXPANSION):
        part = expanded[block * n : (block + 1) * n]
        down_of_part = ffn_down[:, block * d : (block + 1) * d]
        apply_transposed(down_of_part, grad_stream, False, grads.hidden)
        for k in range(n):
            part[k] = like(part[k], 0.0) if part[k] <= 0 else grads.hidden[k]
    normed = stored[NORMED_AGAIN * n : (NORMED_AGAIN + 1) * n]
    outer(expanded, normed, True, grad_ffn_up)
    accumulate_grad_bias(expanded, n_rows, grad_up_bias)
    apply_transposed(ffn_up, expanded, False, grad_normed)
    norm_backward(normed, grad_normed, sums, n_rows, BEFORE_FFN, True, grad_stream)
    attended = stored[ATTENDED * n : (ATTENDED + 1) * n]
    outer(grad_stream, attended, True, grad_projection)
    accumulate_grad_bias(grad_stream, n_rows, grad_projection_bias)
    apply_transposed(projection, grad_stream, False, attended)


@device_function
def queries_backward(parameters, gradient, arrays, chunk, layer, t, skip, grads):
    """Back from query, key and value, less the first ``skip`` values, to the layer's inputs."""
    sizes, n_rows, grad_stream = chunk.sizes, chunk.first_steps.size, grads.outputs[t]
    n = sizes.n_hidden * n_rows
    weights = layer_weights(parameters, sizes, layer).query_key_value
    grad_weights = layer_weights(gradient, sizes, layer).query_key_value
    grad_bias = layer_biases(gradient, sizes, layer).query_key_value
    inputs, stored, grad_normed = arrays.inputs[t], arrays.gates[t], grads.hidden
    grad_queries = stored[EXPANSION * n + skip * n_rows : (EXPANSION + 3) * n]
    normed = stored[NORMED * n : (NORMED + 1) * n]
    outer(grad_queries, normed, True, grad_weights[skip:])
    accumulate_grad_bias(grad_queries, n_rows, grad_bias[skip:])
    apply_transposed(weights[skip:], grad_queries, False, grad_normed)
    sums = arrays.saved[t]
    norm_backward(normed, grad_normed, sums, n_rows, BEFORE_ATTENTION, True, grad_stream)
    if grads.hidden_steps.shape[0]:
        copy(grad_stream, grads.hidden_steps[layer * sizes.n_time + t])
    if layer > 0:
        copy(grad_stream, inputs[n + n_rows :])
    else:
        outer(grad_stream, inputs[n:], True, input_projection(gradient, sizes)[0])
        if sizes.n_tokens:
            weights_of_inputs = input_projection(parameters, sizes)[0][:, 1:]
            apply_transposed(weights_of_inputs, grad_stream, False, inputs[n + n_rows :])


@device_function
def backward(parameters, gradient, work, chunk, layer, direction, grads, add):
    """Run a layer back; see ``Layer``. ``grads.outputs`` becomes the gradient of its inputs."""
    sizes, first_steps = chunk.sizes, chunk.first_steps
    n_time, d, n = sizes.n_time, sizes.n_hidden, sizes.n_hidden * first_steps.size
    arrays, scratch = layer_arrays(work, chunk, layer, 0), scratch_of(work, chunk, layer)
    clear(gradient[layer_offset(sizes, layer, 0) : layer_offset(sizes, layer + 1, 0)])
    first = earliest(first_steps)
    first_query = first_query_of(sizes, layer, first)
    for t in range(first, n_time):
        if t >= first_query:
            stream_backward(parameters, gradient, arrays, chunk, layer, t, grads)
        clear(arrays.gates[t, EXPANSION * n : (EXPANSION + 3) * n])
    for head in range(sizes.n_attention_heads):
        attend_backward(arrays.gates, head, first_steps, first, first_query, sizes, scratch)
    for t in range(first, n_time):
        skip = 0 if t >= first_query else d
        queries_backward(parameters, gradient, arrays, chunk, layer, t, skip, grads)


LAYER = Layer(forward, backward)
