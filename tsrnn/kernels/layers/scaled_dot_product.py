"""Causal attention of one head, row by row, and back (Vaswani et al. 2017, section 3.2.1)::

    p_ts = softmax_s(q_t . k_s / sqrt(n_hidden / n_heads)),  s <= t
    attended_t = sum_s p_ts v_s

The backward pass computes the weights p anew, ``QUERIES`` steps at a time, so that memory is linear
in the number of steps, not quadratic (Dao et al. 2022).
"""

import math
from typing import Any, NamedTuple

from tsrnn.kernels.arrays import clear, clear_matrix
from tsrnn.kernels.elementary import exp
from tsrnn.kernels.gemm.products import multiply
from tsrnn.kernels.jit.compile import device_function, like, matrix
from tsrnn.kernels.layout import QUERIES

# Blocks of n_hidden in what is stored of a step. In the backward pass the gradient of what was
# attended stands in its own block, those of query, key and value in the first of the expansion.
QUERY, KEY, VALUE, ATTENDED, NORMED, NORMED_AGAIN, EXPANSION = range(7)


class Scratch(NamedTuple):
    """Memory for one head."""

    weights: Any  # (QUERIES, n_time) attention weights
    grad_weights: Any  # their gradient
    parts: Any  # flat: seven tables (n_rows * n_time, n_hidden / n_heads)


@device_function
def part_of(parts, number, row, sizes, n_rows):
    """A row's part of a table, (n_time, n_hidden / n_heads), in a tuple."""
    n_time, size = sizes.n_time, sizes.n_hidden // sizes.n_attention_heads
    return (matrix(parts, (number * n_rows + row) * n_time * size, n_time, size),)


@device_function
def gather(stored, block, head, steps, sizes, n_rows, number, parts):
    """Copy a head's part of a block at steps ``steps[0]`` to ``steps[1] - 1`` to a table."""
    n_time, size = sizes.n_time, sizes.n_hidden // sizes.n_attention_heads
    offset = (block * sizes.n_hidden + head * size) * n_rows
    table = matrix(parts, number * n_rows * n_time * size, n_rows * n_time, size)
    for t in range(steps[0], steps[1]):
        for row in range(n_rows):
            for k in range(size):
                table[row * n_time + t, k] = stored[t, offset + k * n_rows + row]


@device_function
def scatter(number, parts, block, head, steps, first_steps, sizes, stored):
    """Copy a table to a head's part of a block; zeros where a row has not begun."""
    n_rows = first_steps.size
    n_time, size = sizes.n_time, sizes.n_hidden // sizes.n_attention_heads
    offset = (block * sizes.n_hidden + head * size) * n_rows
    table = matrix(parts, number * n_rows * n_time * size, n_rows * n_time, size)
    for t in range(steps[0], steps[1]):
        for row in range(n_rows):
            begun = t >= first_steps[row]
            for k in range(size):
                value = table[row * n_time + t, k] if begun else 0
                stored[t, offset + k * n_rows + row] = value


@device_function
def maximum(values):
    """The largest value, by four running maxima, which need not wait for each other."""
    a = b = c = d = values[0]
    whole = values.size // 4 * 4
    for k in range(0, whole, 4):
        a, b = max(a, values[k]), max(b, values[k + 1])
        c, d = max(c, values[k + 2]), max(d, values[k + 3])
    for k in range(whole, values.size):
        a = max(a, values[k])
    return max(max(a, b), max(c, d))


@device_function
def total(values):
    """The sum, by four running sums, which need not wait for each other."""
    a = b = c = d = like(values[0], 0.0)
    whole = values.size // 4 * 4
    for k in range(0, whole, 4):
        a, b = a + values[k], b + values[k + 1]
        c, d = c + values[k + 2], d + values[k + 3]
    for k in range(whole, values.size):
        a += values[k]
    return (a + b) + (c + d)


@device_function
def dot_product(a, b):
    """The sum of products, by two running sums."""
    even = odd = like(a[0], 0.0)
    whole = a.size // 2 * 2
    for k in range(0, whole, 2):
        even, odd = even + a[k] * b[k], odd + a[k + 1] * b[k + 1]
    for k in range(whole, a.size):
        even += a[k] * b[k]
    return even + odd


@device_function
def softmax_rows(query, key, begin, first, last, weights):
    """Write the attention weights of queries ``first`` to ``last`` for keys from ``begin`` on."""
    typed, size = query.dtype.type, query.shape[1]
    scale = typed(1.0 / math.sqrt(size))
    multiply(query[first:last], False, key[begin:last], True, False, weights)
    for k in range(last - first):
        n = first + k + 1 - begin
        line, later = weights[k, :n], weights[k, n : last - begin]
        most = maximum(line)
        for s in range(line.size):
            line[s] = exp((line[s] - most) * scale)
        factor = typed(1) / total(line)
        for s in range(line.size):
            line[s] *= factor
        clear(later)


@device_function
def softmax_backward(weights, grad_weights, size):
    """Overwrite the gradient of attention weights with that of the products of query and key."""
    scale = weights.dtype.type(1.0 / math.sqrt(size))
    for k in range(weights.shape[0]):
        line, grad_line = weights[k], grad_weights[k]
        dot = dot_product(line, grad_line)
        for s in range(line.size):
            grad_line[s] = line[s] * (grad_line[s] - dot) * scale


@device_function
def attend(stored, head, first_steps, steps, sizes, scratch):
    """Write what a head attends to: ``steps`` are the first, the first that asks, and the end."""
    weights, _, parts = scratch
    n_rows, (first, first_query, end) = first_steps.size, steps
    keys, queries = (first, end), (first_query, end)
    gather(stored, QUERY, head, queries, sizes, n_rows, 0, parts)
    gather(stored, KEY, head, keys, sizes, n_rows, 1, parts)
    gather(stored, VALUE, head, keys, sizes, n_rows, 2, parts)
    for row in range(n_rows):
        (query,) = part_of(parts, 0, row, sizes, n_rows)
        (key,) = part_of(parts, 1, row, sizes, n_rows)
        (value,) = part_of(parts, 2, row, sizes, n_rows)
        (attended,) = part_of(parts, 3, row, sizes, n_rows)
        begin = first_steps[row]
        for t in range(max(first_query, begin), end, QUERIES):
            last = min(t + QUERIES, end)
            softmax_rows(query, key, begin, t, last, weights)
            p = weights[: last - t, : last - begin]
            multiply(p, False, value[begin:last], False, False, attended[t:last])
    scatter(3, parts, ATTENDED, head, queries, first_steps, sizes, stored)


@device_function
def attend_backward(stored, head, first_steps, first, first_query, sizes, scratch):
    """Write the gradients of query, key and value to the expansion's blocks."""
    weights, grad_weights, parts = scratch
    n_rows = first_steps.size
    all_keys, all_queries = (first, sizes.n_time), (first_query, sizes.n_time)
    gather(stored, QUERY, head, all_queries, sizes, n_rows, 0, parts)
    gather(stored, KEY, head, all_keys, sizes, n_rows, 1, parts)
    gather(stored, VALUE, head, all_keys, sizes, n_rows, 2, parts)
    gather(stored, ATTENDED, head, all_queries, sizes, n_rows, 3, parts)
    for row in range(n_rows):
        (query,) = part_of(parts, 0, row, sizes, n_rows)
        (key,) = part_of(parts, 1, row, sizes, n_rows)
        (value,) = part_of(parts, 2, row, sizes, n_rows)
        (grad_attended,) = part_of(parts, 3, row, sizes, n_rows)
        (grad_query,) = part_of(parts, 4, row, sizes, n_rows)
        (grad_key,) = part_of(parts, 5, row, sizes, n_rows)
        (grad_value,) = part_of(parts, 6, row, sizes, n_rows)
        begin = first_steps[row]
        clear_matrix(grad_key)
        clear_matrix(grad_value)
        for t in range(max(first_query, begin), sizes.n_time, QUERIES):
            last = min(t + QUERIES, sizes.n_time)
            queries, keys = slice(t, last), slice(begin, last)
            softmax_rows(query, key, begin, t, last, weights)
            p = weights[: last - t, : last - begin]
            grad_p = grad_weights[: last - t, : last - begin]
            multiply(grad_attended[queries], False, value[keys], True, False, grad_p)
            multiply(p, True, grad_attended[queries], False, True, grad_value[keys])
            softmax_backward(p, grad_p, query.shape[1])
            multiply(grad_p, False, key[keys], False, False, grad_query[queries])
            multiply(grad_p, True, query[queries], False, True, grad_key[keys])
    scatter(4, parts, EXPANSION, head, all_queries, first_steps, sizes, stored)
    scatter(5, parts, EXPANSION + 1, head, all_keys, first_steps, sizes, stored)
    scatter(6, parts, EXPANSION + 2, head, all_keys, first_steps, sizes, stored)
