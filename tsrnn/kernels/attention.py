"""Layers that attend in place of layers that recur: the Transformer of Vaswani et al. (2017).

A step's stream ``e`` is a projection of its input and its position; a layer adds to it what the
step reads of the steps up to its own, and a small network of what came of it::

    u = norm(e)                    q, k, v = W_q u + b_q, W_k u + b_k, W_v u + b_v
    p_ts = softmax_s(q_t . k_s / sqrt(n_hidden / n_heads)),  s <= t, for each head
    e = e + W_o [sum_s p_ts v_s of each head] + b_o
    e = e + W_2 max(0, W_1 norm(e) + b_1) + b_2

Layers norm what they read, not what they say ("pre-norm", Xiong et al. 2020), and what the head
reads is normed too. ``norm`` takes the mean away and divides by the deviation (Ba, Kiros & Hinton
2016); a product follows each, which takes in its gain and bias. Positions are sines and cosines of
the number of steps that are still to come, as sequences end together.

To drivers this is a cell that walks through its layers by itself: see ``LAYERS``. Arrays are as of
``tsrnn.kernels.layers``: the h of step t, in slot t + 1, is the stream that leaves the layer.
Weights p are computed anew on the way back, of one row and head and some steps at a time, so that
memory grows with the number of steps and not with its square (Dao et al. 2022). Of the last layer
only those steps are walked whose h the head reads; h of the others is NaN.
"""

import math

from tsrnn.kernels.elementary import exp, sine_cosine
from tsrnn.kernels.gemm.products import add_product, apply, apply_transposed, multiply, outer
from tsrnn.kernels.jit.compile import device_function, like, matrix
from tsrnn.kernels.layers import Layers, arrays_of
from tsrnn.kernels.shapes import (
    EVERY,
    EXPANSION,
    QUERIES,
    attention_space,
    cell_place,
    clear,
    clear_matrix,
    copy,
    earliest,
    latest,
    layer_space,
)

# What is kept of a step, in blocks of n_hidden: later the gradients of q, k and v stand in those of
# the expansion, and that of what was read of other steps in its own.
BLOCKS = ("query", "key", "value", "read", "normed", "normed_again", *["expansion"] * EXPANSION)
_QUERY, _KEY, _VALUE, _READ, _NORMED, _AGAIN, _EXPANDED = range(7)
# A value a row: of norms one over the deviation, and two sums.
_FIRST, _SECOND, _LAST, _SUM, _DOT = range(5)
SPLIT = False
N_STATE = 0
N_SAVED = 5  # blocks of n_hidden, which have room for these
KEEPS_H = False
OPEN_AT_START = None
MEMORY = {}
GATES = ()
_LOG_10000 = math.log(10000.0)
EPSILON = 1e-5  # that norms add to variances, as PyTorch's do


@device_function
def weights_of(parameters, sizes, layer):
    """Weights of queries, keys and values, of what was read, of the expansion and back from it."""
    d = sizes.n_hidden
    a = cell_place(sizes, layer, 0) + (d * (1 + sizes.n_in) if layer == 0 else 0)
    b = a + 3 * d * d
    c = b + d * d
    e = c + EXPANSION * d * d
    return (
        matrix(parameters, a, 3 * d, d),
        matrix(parameters, b, d, d),
        matrix(parameters, c, EXPANSION * d, d),
        matrix(parameters, e, d, EXPANSION * d),
    )


@device_function
def biases_of(parameters, sizes, layer):
    """Their biases."""
    d = sizes.n_hidden
    a = cell_place(sizes, layer + 1, 0) - (5 + EXPANSION) * d
    return (
        parameters[a : a + 3 * d],
        parameters[a + 3 * d : a + 4 * d],
        parameters[a + 4 * d : a + (4 + EXPANSION) * d],
        parameters[a + (4 + EXPANSION) * d : a + (5 + EXPANSION) * d],
    )


@device_function
def embedding_of(parameters, sizes):
    """What makes a stream of the first layer's [1, x], (n_hidden, 1 + n_in)."""
    return (matrix(parameters, cell_place(sizes, 0, 0), sizes.n_hidden, 1 + sizes.n_in),)


@device_function
def tables_of(work, sizes, n_rows, layer, training):
    """Two tables of weights, (QUERIES, n_time), of one row's and head's queries; and the rest.

    That has room for seven parts of a head.
    """
    end, n = 0, sizes.n_time
    for below in range(layer + 1):
        end += layer_space(sizes, n_rows, below, training, False)
    a, b = end - attention_space(sizes, n_rows), QUERIES * n
    return matrix(work, a, QUERIES, n), matrix(work, a + b, QUERIES, n), work[a + 2 * b : end]


@device_function
def part_of(rest, number, row, sizes, n_rows):
    """A row's part of a head, of those gathered, (n_time, n_hidden / n_heads)."""
    n_time, size = sizes.n_time, sizes.n_hidden // sizes.n_heads
    return (matrix(rest, (number * n_rows + row) * n_time * size, n_time, size),)


@device_function
def first_read(sizes, layer, first):
    """The first step whose h is read: of the last layer by the head, of others by the next."""
    if layer < sizes.n_layers - 1:
        return first
    return max(first, sizes.n_time - (sizes.n_output_steps if sizes.reads == EVERY else 1))


@device_function
def clear_absent(t, last, first_steps, values):
    """Clear the rows that have not begun at a step: empty ones are read for all that."""
    if t < last:
        for row in range(first_steps.size):
            if t < first_steps[row]:
                for k in range(row, values.size, first_steps.size):
                    values[k] = 0


@device_function
def add_bias(bias, n_rows, out):
    """Add a bias, (n,), to (n * n_rows,) values."""
    for unit in range(bias.size):
        part = out[unit * n_rows : (unit + 1) * n_rows]
        for row in range(n_rows):
            part[row] += bias[unit]


@device_function
def accumulate_grad_bias(grad_out, n_rows, grad_bias):
    """Add the gradient of a bias, from that of what it was added to."""
    for unit in range(grad_bias.size):
        for row in range(n_rows):
            grad_bias[unit] += grad_out[unit * n_rows + row]


@device_function
def add_position(lag, n_rows, out):
    """Add the position of the step ``lag`` steps before the last: Vaswani et al., section 3.5."""
    n = out.size // n_rows
    for unit in range(n):
        sine, cosine = sine_cosine(lag * exp(-_LOG_10000 * (unit // 2 * 2) / n))
        place = like(out[0], cosine if unit % 2 else sine)
        for row in range(n_rows):
            out[unit * n_rows + row] += place


@device_function
def norm(x, sums, n_rows, place, out):
    """Write what is normed; one over the deviation to ``place`` of the sums."""
    total, scale = sums[_SUM * n_rows :][:n_rows], sums[place * n_rows :][:n_rows]
    n = x.size // n_rows
    typed = x.dtype.type
    clear(total)
    clear(scale)
    for unit in range(n):
        part = x[unit * n_rows : (unit + 1) * n_rows]
        for row in range(n_rows):
            total[row] += part[row]
    for row in range(n_rows):
        total[row] /= typed(n)
    for unit in range(n):
        part = x[unit * n_rows : (unit + 1) * n_rows]
        for row in range(n_rows):
            scale[row] += (part[row] - total[row]) * (part[row] - total[row])
    for row in range(n_rows):
        scale[row] = typed(1) / math.sqrt(scale[row] / typed(n) + typed(EPSILON))
    for unit in range(n):
        part, result = x[unit * n_rows : (unit + 1) * n_rows], out[unit * n_rows :][:n_rows]
        for row in range(n_rows):
            result[row] = (part[row] - total[row]) * scale[row]


@device_function
def unnorm(normed, grad_normed, sums, n_rows, place, keep, out):
    """Write the gradient of what was normed, or where ``keep`` is one add it.

    ``out`` may be ``grad_normed``.
    """
    total, dot = sums[_SUM * n_rows :][:n_rows], sums[_DOT * n_rows :][:n_rows]
    scale = sums[place * n_rows :][:n_rows]
    n = normed.size // n_rows
    typed = normed.dtype.type
    clear(total)
    clear(dot)
    for unit in range(n):
        some = slice(unit * n_rows, (unit + 1) * n_rows)
        u, du = normed[some], grad_normed[some]
        for row in range(n_rows):
            total[row] += du[row]
            dot[row] += du[row] * u[row]
    for row in range(n_rows):
        total[row] /= typed(n)
        dot[row] /= typed(n)
    for unit in range(n):
        some = slice(unit * n_rows, (unit + 1) * n_rows)
        u, du, result = normed[some], grad_normed[some], out[some]
        for row in range(n_rows):
            found = scale[row] * (du[row] - total[row] - u[row] * dot[row])
            result[row] = typed(keep) * result[row] + found if keep else found


@device_function
def gather(kept, block, head, first, sizes, n_rows, number, rest):
    """Write a head's part of a block, steps ``first`` and on, one row after another."""
    n_time, size = sizes.n_time, sizes.n_hidden // sizes.n_heads
    place = (block * sizes.n_hidden + head * size) * n_rows
    table = matrix(rest, number * n_rows * n_time * size, n_rows * n_time, size)
    for t in range(first, n_time):
        for row in range(n_rows):
            for k in range(size):
                table[row * n_time + t, k] = kept[t, place + k * n_rows + row]


@device_function
def scatter(number, rest, block, head, first, first_steps, sizes, kept):
    """Write it back; zeros where a row has not begun."""
    n_rows = first_steps.size
    n_time, size = sizes.n_time, sizes.n_hidden // sizes.n_heads
    place = (block * sizes.n_hidden + head * size) * n_rows
    table = matrix(rest, number * n_rows * n_time * size, n_rows * n_time, size)
    for t in range(first, n_time):
        for row in range(n_rows):
            there = t >= first_steps[row]
            for k in range(size):
                value = table[row * n_time + t, k] if there else 0
                kept[t, place + k * n_rows + row] = value


@device_function
def highest_of(values):
    """The highest value, by four that do not wait for each other."""
    a = b = c = d = values[0]
    whole = values.size // 4 * 4
    for k in range(0, whole, 4):
        a, b = max(a, values[k]), max(b, values[k + 1])
        c, d = max(c, values[k + 2]), max(d, values[k + 3])
    for k in range(whole, values.size):
        a = max(a, values[k])
    return max(max(a, b), max(c, d))


@device_function
def total_of(values):
    """The sum, by four that do not wait for each other."""
    a = b = c = d = like(values[0], 0.0)
    whole = values.size // 4 * 4
    for k in range(0, whole, 4):
        a, b = a + values[k], b + values[k + 1]
        c, d = c + values[k + 2], d + values[k + 3]
    for k in range(whole, values.size):
        a += values[k]
    return (a + b) + (c + d)


@device_function
def dot_of(a, b):
    """The product of two arrays."""
    one = two = like(a[0], 0.0)
    whole = a.size // 2 * 2
    for k in range(0, whole, 2):
        one, two = one + a[k] * b[k], two + a[k + 1] * b[k + 1]
    for k in range(whole, a.size):
        one += a[k] * b[k]
    return one + two


@device_function
def share_out(query, key, begin, first, last, weights):
    """Write how much queries ``first`` to ``last`` read of each step from ``begin`` on."""
    typed, size = query.dtype.type, query.shape[1]
    scale = typed(1.0 / math.sqrt(size))
    multiply(query[first:last], False, key[begin:last], True, False, weights)
    for k in range(last - first):
        n = first + k + 1 - begin
        line, rest = weights[k, :n], weights[k, n : last - begin]
        most = highest_of(line)
        for s in range(line.size):
            line[s] = exp((line[s] - most) * scale)
        whole = typed(1) / total_of(line)
        for s in range(line.size):
            line[s] *= whole
        clear(rest)


@device_function
def attend(kept, head, first_steps, first, read, sizes, tables):
    """Write what a head reads at the steps from ``read`` on, each of those up to it."""
    weights, _, rest = tables
    n_rows = first_steps.size
    gather(kept, _QUERY, head, read, sizes, n_rows, 0, rest)
    gather(kept, _KEY, head, first, sizes, n_rows, 1, rest)
    gather(kept, _VALUE, head, first, sizes, n_rows, 2, rest)
    for row in range(n_rows):
        (query,) = part_of(rest, 0, row, sizes, n_rows)
        (key,) = part_of(rest, 1, row, sizes, n_rows)
        (value,) = part_of(rest, 2, row, sizes, n_rows)
        (found,) = part_of(rest, 3, row, sizes, n_rows)
        begin = first_steps[row]
        for one in range(max(read, begin), sizes.n_time, QUERIES):
            last = min(one + QUERIES, sizes.n_time)
            share_out(query, key, begin, one, last, weights)
            shares = weights[: last - one, : last - begin]
            multiply(shares, False, value[begin:last], False, False, found[one:last])
    scatter(3, rest, _READ, head, read, first_steps, sizes, kept)


@device_function
def unattend(kept, head, first_steps, first, read, sizes, tables):
    """Back through it: writes the gradients of q, k and v to the expansion's blocks.

    That of what was read stands in its own.
    """
    weights, grad_weights, rest = tables
    n_rows = first_steps.size
    gather(kept, _QUERY, head, read, sizes, n_rows, 0, rest)
    gather(kept, _KEY, head, first, sizes, n_rows, 1, rest)
    gather(kept, _VALUE, head, first, sizes, n_rows, 2, rest)
    gather(kept, _READ, head, read, sizes, n_rows, 3, rest)
    for row in range(n_rows):
        (query,) = part_of(rest, 0, row, sizes, n_rows)
        (key,) = part_of(rest, 1, row, sizes, n_rows)
        (value,) = part_of(rest, 2, row, sizes, n_rows)
        (grad_attended,) = part_of(rest, 3, row, sizes, n_rows)
        (grad_query,) = part_of(rest, 4, row, sizes, n_rows)
        (grad_key,) = part_of(rest, 5, row, sizes, n_rows)
        (grad_value,) = part_of(rest, 6, row, sizes, n_rows)
        begin = first_steps[row]
        clear_matrix(grad_key)
        clear_matrix(grad_value)
        for one in range(max(read, begin), sizes.n_time, QUERIES):
            last = min(one + QUERIES, sizes.n_time)
            some, seen = slice(one, last), slice(begin, last)
            share_out(query, key, begin, one, last, weights)
            shares = weights[: last - one, : last - begin]
            grad_attention_weights = grad_weights[: last - one, : last - begin]
            multiply(grad_attended[some], False, value[seen], True, False, grad_attention_weights)
            multiply(shares, True, grad_attended[some], False, True, grad_value[seen])
            unshare(shares, grad_attention_weights, query.shape[1])
            multiply(grad_attention_weights, False, key[seen], False, False, grad_query[some])
            multiply(grad_attention_weights, True, query[some], False, True, grad_key[seen])
    scatter(4, rest, _EXPANDED, head, read, first_steps, sizes, kept)
    scatter(5, rest, _EXPANDED + 1, head, first, first_steps, sizes, kept)
    scatter(6, rest, _EXPANDED + 2, head, first, first_steps, sizes, kept)


@device_function
def unshare(shares, grad_attention_weights, size):
    """Overwrite the gradient of weights with that of the products of queries and keys."""
    scale = shares.dtype.type(1.0 / math.sqrt(size))
    for k in range(shares.shape[0]):
        line, down = shares[k], grad_attention_weights[k]
        dot = dot_of(line, down)
        for s in range(line.size):
            down[s] = line[s] * (down[s] - dot) * scale


@device_function
def layer_forward(parameters, work, sizes, layer, direction, first_steps, noise, training, states):
    """Walk a layer, its inputs being there; no states are carried."""
    n_rows, n_time, d = first_steps.size, sizes.n_time, sizes.n_hidden
    n = d * n_rows
    inputs, kept, _, saved, _ = arrays_of(work, sizes, n_rows, layer, 0, training, False)
    tables = tables_of(work, sizes, n_rows, layer, training)
    asks, reads, expands, contracts = weights_of(parameters, sizes, layer)
    ask_bias, read_bias, expand_bias, contract_bias = biases_of(parameters, sizes, layer)
    first, last = earliest(first_steps), latest(first_steps)
    read = first_read(sizes, layer, first)
    if first == n_time:  # nothing to read: that is what the head reads
        clear(inputs[n_time, :n])
    for t in range(first, n_time):
        stream, own = inputs[t + 1, :n], kept[t]
        if layer == 0:
            for row in range(n_rows):
                inputs[t, n + row] = 1
            apply(embedding_of(parameters, sizes)[0], inputs[t, n:], stream)
            add_position(n_time - 1 - t, n_rows, stream)
        else:
            copy(inputs[t, n + n_rows :], stream)
        normed = own[_NORMED * n : (_NORMED + 1) * n]
        norm(stream, saved[t], n_rows, _FIRST, normed)
        skip = 0 if t >= read else d  # steps that are only read ask nothing
        apply(asks[skip:], normed, own[skip * n_rows : 3 * n])
        add_bias(ask_bias[skip:], n_rows, own[skip * n_rows : 3 * n])
        if t < read:
            for k in range(n):
                stream[k] = math.nan
    for head in range(sizes.n_heads):
        attend(kept, head, first_steps, first, read, sizes, tables)
    for t in range(read, n_time):
        stream, own = inputs[t + 1, :n], kept[t]
        add_bias(read_bias, n_rows, stream)
        add_product(reads, own[_READ * n : (_READ + 1) * n], stream)
        again, expanded = own[_AGAIN * n : (_AGAIN + 1) * n], own[_EXPANDED * n :]
        norm(stream, saved[t], n_rows, _SECOND, again)
        apply(expands, again, expanded)
        add_bias(expand_bias, n_rows, expanded)
        for k in range(expanded.size):
            expanded[k] = like(expanded[k], 0.0) if expanded[k] <= 0 else expanded[k]
        add_bias(contract_bias, n_rows, stream)
        add_product(contracts, expanded, stream)
        if layer == sizes.n_layers - 1:
            norm(stream, saved[t], n_rows, _LAST, stream)
            clear_absent(t, last, first_steps, stream)


@device_function
def layer_backward(
    parameters, gradient, work, sizes, layer, direction, first_steps, noise, above, add,
    grad_h, grad_state, scratch, flow,
):  # fmt: skip
    """Walk a layer back; ``above`` holds the gradient of its h, then that of what it read.

    That is also written to ``flow``, and above the first layer over the inputs.
    """
    n_rows, n_time, d = first_steps.size, sizes.n_time, sizes.n_hidden
    n = d * n_rows
    inputs, kept, _, saved, _ = arrays_of(work, sizes, n_rows, layer, 0, True, False)
    tables = tables_of(work, sizes, n_rows, layer, True)
    asks, reads, expands, contracts = weights_of(parameters, sizes, layer)
    dasks, dreads, dexpands, dcontracts = weights_of(gradient, sizes, layer)
    dask_bias, dread_bias, dexpand_bias, dcontract_bias = biases_of(gradient, sizes, layer)
    clear(gradient[cell_place(sizes, layer, 0) : cell_place(sizes, layer + 1, 0)])
    first, last = earliest(first_steps), latest(first_steps)
    read = first_read(sizes, layer, first)
    for t in range(first, n_time):
        own, grad_stream = kept[t], above[t]
        expanded = own[_EXPANDED * n :]
        if t >= read:
            if layer == sizes.n_layers - 1:
                clear_absent(t, last, first_steps, grad_stream)
                unnorm(inputs[t + 1, :n], grad_stream, saved[t], n_rows, _LAST, 0, grad_stream)
            outer(grad_stream, expanded, True, dcontracts)
            accumulate_grad_bias(grad_stream, n_rows, dcontract_bias)
            for block in range(EXPANSION):
                part = expanded[block * n : (block + 1) * n]
                apply_transposed(
                    contracts[:, block * d : (block + 1) * d], grad_stream, False, grad_h
                )
                for k in range(n):
                    part[k] = like(part[k], 0.0) if part[k] <= 0 else grad_h[k]
            again = own[_AGAIN * n : (_AGAIN + 1) * n]
            outer(expanded, again, True, dexpands)
            accumulate_grad_bias(expanded, n_rows, dexpand_bias)
            apply_transposed(expands, expanded, False, grad_h)
            unnorm(again, grad_h, saved[t], n_rows, _SECOND, 1, grad_stream)
            found = own[_READ * n : (_READ + 1) * n]
            outer(grad_stream, found, True, dreads)
            accumulate_grad_bias(grad_stream, n_rows, dread_bias)
            apply_transposed(reads, grad_stream, False, found)
        clear(expanded[: 3 * n])
    for head in range(sizes.n_heads):
        unattend(kept, head, first_steps, first, read, sizes, tables)
    for t in range(first, n_time):
        own, grad_stream = kept[t], above[t]
        skip = 0 if t >= read else d
        dasked = own[_EXPANDED * n + skip * n_rows : (_EXPANDED + 3) * n]
        normed = own[_NORMED * n : (_NORMED + 1) * n]
        outer(dasked, normed, True, dasks[skip:])
        accumulate_grad_bias(dasked, n_rows, dask_bias[skip:])
        apply_transposed(asks[skip:], dasked, False, grad_h)
        unnorm(normed, grad_h, saved[t], n_rows, _FIRST, 1, grad_stream)
        if flow.shape[0]:
            copy(grad_stream, flow[t])
        if layer > 0:
            copy(grad_stream, inputs[t, n + n_rows :])
        else:
            outer(grad_stream, inputs[t, n:], True, embedding_of(gradient, sizes)[0])


@device_function
def forward(gates, h_prev, state_prev, state, saved, h):
    """No step of a recurrence, which heads would take for horizons: there is none."""


@device_function
def backward(gates, h_prev, state_prev, saved, grad_h, grad_state):
    """No step back."""


@device_function
def _blame_nothing(weights, grad_gates, sizes, n_rows, noise, key, scratch, grad_h):
    """No h before."""


LAYERS = Layers(layer_forward, layer_backward, _blame_nothing)
