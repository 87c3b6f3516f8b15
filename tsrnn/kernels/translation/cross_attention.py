"""Attention of a decoder to the steps of an encoder, and back (Luong et al. 2015)::

    a_ts = softmax_s(score(h_t, e_s)),  c_t = sum_s a_ts e_s,  h~_t = tanh(W [c_t, h_t, 1])

for outputs h_t of the decoder and e_s of the encoder. The score is ``h_t . e_s`` ("dot"),
``h_t . K e_s`` ("general"), or ``v . tanh(Q [h_t, 1] + K e_s)`` ("additive", Bahdanau et al. 2015).

It works on what the heads of both networks read (``tsrnn.kernels.outputs.HeadArrays.inputs``), all
steps at once: h~ takes the place of h, and on the way back gradients of h and e theirs. Sequences
end together; steps before a sequence begins are neither read nor written but with zeros.
"""

from collections.abc import Callable
from typing import NamedTuple

from tsrnn.kernels.activations import tanh
from tsrnn.kernels.arrays import clear_matrix, copy, earliest
from tsrnn.kernels.elementary import exp
from tsrnn.kernels.gemm.products import apply, apply_transposed, multiply, outer_of_steps
from tsrnn.kernels.jit.compile import device_function, like
from tsrnn.kernels.layers.scaled_dot_product import dot_product, maximum, total


@device_function
def gather(steps, offset, first, n_rows, table):
    """Copy units from ``offset`` on of (n_steps, units * n_rows) to a table, from a step on."""
    n_steps = table.shape[0] // n_rows
    for t in range(first, n_steps):
        for row in range(n_rows):
            out = table[row * n_steps + t]
            for k in range(out.size):
                out[k] = steps[t, (offset + k) * n_rows + row]


@device_function
def scatter(table, offset, first_steps, add, steps):
    """Copy a table to units of (n_steps, units * n_rows), or add it; zeros before a row begins.

    Steps before the first of all rows are left as they are.
    """
    n_rows = first_steps.size
    n_steps = table.shape[0] // n_rows
    for t in range(earliest(first_steps), n_steps):
        for row in range(n_rows):
            values, begun = table[row * n_steps + t], t >= first_steps[row]
            for k in range(values.size):
                before = steps[t, (offset + k) * n_rows + row] if add else 0
                steps[t, (offset + k) * n_rows + row] = before + (values[k] if begun else 0)


@device_function
def softmax(scores):
    """Overwrite scores by their softmax."""
    most = maximum(scores)
    for s in range(scores.size):
        scores[s] = exp(scores[s] - most)
    factor = scores.dtype.type(1) / total(scores)
    for s in range(scores.size):
        scores[s] *= factor


@device_function
def additive_scores(query, keys, v, scratch, scores):
    """Write ``v . tanh(query + key)`` for each row of ``keys``."""
    for s in range(scores.size):
        key = keys[s]
        for k in range(scratch.size):
            scratch[k] = v[k] * tanh(query[k] + key[k])
        scores[s] = total(scratch)


@device_function
def additive_scores_backward(query, keys, v, grad_scores, grad_v, grad_query, grad_keys):
    """Add the gradients of ``additive_scores`` of one query."""
    for s in range(grad_scores.size):
        key, grad_key, grad = keys[s], grad_keys[s], grad_scores[s]
        for k in range(grad_query.size):
            y = tanh(query[k] + key[k])
            grad_v[k] += grad * y
            g = grad * v[k] * (like(y, 1) - y * y)
            grad_query[k] += g
            grad_key[k] += g


class CrossPasses(NamedTuple):
    """The passes of a kind of attention; those of all steps, and those of one step at a time.

    ``forward(weights, sizes, firsts, encoded, hidden, arrays)``
        Replaces h, the first columns of ``hidden``, (n_time, (n_hidden + 1) * n_rows), by h~;
        ``encoded`` holds e, (n_read, (n_features + 1) * n_rows); ``firsts`` are the steps at which
        rows begin in the decoder and the encoder.
    ``backward(weights, gradient, sizes, firsts, encoded, hidden, arrays)``
        Reads the gradient of h~ there, and writes those of h and e over them and that of the
        weights to ``gradient``.
    ``write_tables(weights, sizes, first, encoded, projected, keys, values)``
        Writes the tables of ``CrossArrays`` that are read, from the first step of any row.
    ``step(weights, sizes, tables, rows, first_steps, hidden, arrays, shares)``
        As ``forward`` of a decoder's single step. ``tables`` are keys, values and the steps at
        which the sequences that are read begin; ``rows`` the numbers of those that rows read;
        ``first_steps`` zeros; and ``shares``, (n_rows, n_read), become the attention weights.
    """

    forward: Callable
    backward: Callable
    write_tables: Callable
    step: Callable


def compile_cross_attention(kind: str) -> CrossPasses:
    """Make the passes of a kind of attention, a name in ``cross_arrays.KINDS``."""
    has_keys, additive = kind != "dot", kind == "additive"

    @device_function
    def write_tables(weights, sizes, first, encoded, projected, keys, values):
        n_rows, n_encoded = sizes.n_rows, sizes.n_features * sizes.n_rows
        gather(encoded, 0, first, n_rows, values)
        if has_keys:
            for s in range(first, sizes.n_read):
                apply(weights.key, encoded[s, :n_encoded], projected[s])
            gather(projected, 0, first, n_rows, keys)
        else:
            gather(encoded, 0, first, n_rows, keys)

    @device_function
    def write_queries(weights, sizes, first, hidden, arrays):
        """Write h and 1 to ``combined``, and the queries of all rows, from a step on."""
        n_h = sizes.n_features * sizes.n_rows
        for t in range(first, sizes.n_time):
            copy(hidden[t, : (sizes.n_hidden + 1) * sizes.n_rows], arrays.combined[t, n_h:])
        if additive:
            for t in range(first, sizes.n_time):
                apply(weights.query, arrays.combined[t, n_h:], arrays.projected[t])
            gather(arrays.projected, 0, first, sizes.n_rows, arrays.queries)
        else:
            gather(arrays.combined, sizes.n_features, first, sizes.n_rows, arrays.queries)

    @device_function
    def attend_row(score, queries, keys, values, scratch, a, contexts):
        """Write the attention weights and the contexts of queries."""
        if additive:
            for t in range(a.shape[0]):
                additive_scores(queries[t], keys, score[0], scratch, a[t])
        else:
            multiply(queries, False, keys, True, False, a)
        for t in range(a.shape[0]):
            softmax(a[t])
        multiply(a, False, values, False, False, contexts)

    @device_function
    def combine(weights, sizes, first_steps, hidden, arrays):
        """Replace h by h~ of the contexts."""
        n = sizes.n_hidden * sizes.n_rows
        scatter(arrays.contexts, 0, first_steps, False, arrays.combined)
        for t in range(earliest(first_steps), sizes.n_time):
            attended = arrays.attended[t]
            apply(weights.combine, arrays.combined[t], attended)
            for k in range(n):
                attended[k] = tanh(attended[k])
            copy(attended, hidden[t, :n])

    @device_function
    def forward(weights, sizes, firsts, encoded, hidden, arrays):
        n_time, n_read = sizes.n_time, sizes.n_read
        keys, values = arrays.keys, arrays.values
        first_read = earliest(firsts[1])
        write_tables(weights, sizes, first_read, encoded, arrays.projected, keys, values)
        write_queries(weights, sizes, earliest(firsts[0]), hidden, arrays)
        for row in range(sizes.n_rows):
            first, begin = firsts[0][row], firsts[1][row]
            query_steps = slice(row * n_time + first, (row + 1) * n_time)
            key_steps = slice(row * n_read + begin, (row + 1) * n_read)
            if first < n_time and begin < n_read:
                attend_row(
                    weights.score,
                    arrays.queries[query_steps],
                    keys[key_steps],
                    values[key_steps],
                    arrays.scratch,
                    arrays.weights[query_steps, begin:],
                    arrays.contexts[query_steps],
                )
            else:  # nothing to read, or nothing to write
                clear_matrix(arrays.contexts[row * n_time : (row + 1) * n_time])
        combine(weights, sizes, firsts[0], hidden, arrays)

    @device_function
    def step(weights, sizes, tables, rows, first_steps, hidden, arrays, shares):
        keys, values, source_first_steps = tables
        n_read = shares.shape[1]
        write_queries(weights, sizes, 0, hidden, arrays)
        for row in range(sizes.n_rows):
            begin = source_first_steps[rows[row]]
            key_steps = slice(rows[row] * n_read + begin, (rows[row] + 1) * n_read)
            own = slice(row, row + 1)
            clear_matrix(shares[own, :begin])
            if begin < n_read:
                attend_row(
                    weights.score,
                    arrays.queries[own],
                    keys[key_steps],
                    values[key_steps],
                    arrays.scratch,
                    shares[own, begin:],
                    arrays.contexts[own],
                )
            else:
                clear_matrix(arrays.contexts[own])
        combine(weights, sizes, first_steps, hidden, arrays)

    @device_function
    def attend_row_backward(weights, gradient, sizes, row, firsts, arrays):
        """Write the gradients of a row's queries, keys and values."""
        n_time, n_read = sizes.n_time, sizes.n_read
        first, begin = firsts[0][row], firsts[1][row]
        query_steps = slice(row * n_time + first, (row + 1) * n_time)
        key_steps = slice(row * n_read + begin, (row + 1) * n_read)
        queries, grad_queries = arrays.queries[query_steps], arrays.grad_queries[query_steps]
        keys, grad_keys = arrays.keys[key_steps], arrays.grad_keys[key_steps]
        values, grad_values = arrays.values[key_steps], arrays.grad_values[key_steps]
        a, grad_contexts = arrays.weights[query_steps, begin:], arrays.contexts[query_steps]
        grad_a = arrays.grad_weights[first:, begin:]
        multiply(grad_contexts, False, values, True, False, grad_a)
        multiply(a, True, grad_contexts, False, False, grad_values)
        for t in range(a.shape[0]):
            line, grad_line = a[t], grad_a[t]
            dot = dot_product(line, grad_line)
            for s in range(line.size):
                grad_line[s] = line[s] * (grad_line[s] - dot)
        if additive:
            clear_matrix(grad_queries)
            clear_matrix(grad_keys)
            for t in range(a.shape[0]):
                additive_scores_backward(
                    queries[t],
                    keys,
                    weights.score[0],
                    grad_a[t],
                    gradient.score[0],
                    grad_queries[t],
                    grad_keys,
                )
        else:
            multiply(grad_a, False, keys, False, False, grad_queries)
            multiply(grad_a, True, queries, False, False, grad_keys)

    @device_function
    def combine_backward(weights, gradient, sizes, first_steps, hidden, arrays):
        """Write the gradients of c and h to ``grad_combined`` from that of h~ in ``hidden``."""
        n_rows, n_read = sizes.n_rows, sizes.n_features + sizes.n_hidden
        n, one, first = sizes.n_hidden * n_rows, hidden.dtype.type(1), earliest(first_steps)
        for t in range(first, sizes.n_time):
            grad, attended = hidden[t], arrays.attended[t]
            for row in range(n_rows):
                begun = t >= first_steps[row]
                for k in range(row, n, n_rows):
                    grad[k] = grad[k] * (one - attended[k] * attended[k]) if begun else 0
        clear_matrix(gradient.combine)
        outer_of_steps(hidden[first:, :n], arrays.combined[first:], True, gradient.combine)
        for t in range(first, sizes.n_time):
            grad_combined = arrays.grad_combined[t]
            apply_transposed(weights.combine[:, :n_read], hidden[t, :n], False, grad_combined)

    @device_function
    def queries_backward(weights, gradient, sizes, first_steps, arrays):
        """Add the gradient of h by the queries to that in ``grad_combined``."""
        n_h, first = sizes.n_features * sizes.n_rows, earliest(first_steps)
        if not additive:
            scatter(arrays.grad_queries, sizes.n_features, first_steps, True, arrays.grad_combined)
            return
        grads = arrays.projected[: sizes.n_time]
        scatter(arrays.grad_queries, 0, first_steps, False, grads)
        clear_matrix(gradient.query)
        outer_of_steps(grads[first:], arrays.combined[first:, n_h:], True, gradient.query)
        for t in range(first, sizes.n_time):
            of_h = weights.query[:, : sizes.n_hidden]
            apply_transposed(of_h, grads[t], True, arrays.grad_combined[t, n_h:])

    @device_function
    def encoded_backward(weights, gradient, sizes, first_steps, encoded, arrays):
        """Write the gradient of e over it, of its values and keys."""
        n_encoded, grads = sizes.n_features * sizes.n_rows, arrays.projected[: sizes.n_read]
        first = earliest(first_steps)
        if has_keys:
            scatter(arrays.grad_keys, 0, first_steps, False, grads)
            clear_matrix(gradient.key)
            outer_of_steps(grads[first:], encoded[first:, :n_encoded], True, gradient.key)
        scatter(arrays.grad_values, 0, first_steps, False, encoded)
        if has_keys:
            for s in range(first, sizes.n_read):
                apply_transposed(weights.key, grads[s], True, encoded[s, :n_encoded])
        else:
            scatter(arrays.grad_keys, 0, first_steps, True, encoded)

    @device_function
    def backward(weights, gradient, sizes, firsts, encoded, hidden, arrays):
        n_rows, n_time, n_read = sizes.n_rows, sizes.n_time, sizes.n_read
        combine_backward(weights, gradient, sizes, firsts[0], hidden, arrays)
        first = earliest(firsts[0])
        gather(arrays.grad_combined, 0, first, n_rows, arrays.contexts)
        clear_matrix(gradient.score)
        for row in range(n_rows):
            if firsts[0][row] < n_time and firsts[1][row] < n_read:
                attend_row_backward(weights, gradient, sizes, row, firsts, arrays)
            else:
                clear_matrix(arrays.grad_queries[row * n_time : (row + 1) * n_time])
                clear_matrix(arrays.grad_keys[row * n_read : (row + 1) * n_read])
                clear_matrix(arrays.grad_values[row * n_read : (row + 1) * n_read])
        queries_backward(weights, gradient, sizes, firsts[0], arrays)
        encoded_backward(weights, gradient, sizes, firsts[1], encoded, arrays)
        n, n_h = sizes.n_hidden * n_rows, sizes.n_features * n_rows
        for t in range(first, n_time):
            copy(arrays.grad_combined[t, n_h:], hidden[t, :n])

    return CrossPasses(forward, backward, write_tables, step)
