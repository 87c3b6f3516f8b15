"""Attention of a decoder to the steps of an encoder, and back (Luong et al. 2015)::

    a_ts = softmax_s(score(h_t, e_s)),  c_t = sum_s a_ts e_s,  h~_t = tanh(W [c_t, h_t, 1])

for outputs h_t of the decoder and e_s of the encoder. The score is ``h_t . e_s`` ("dot"),
``h_t . K e_s`` ("general"), or ``v . tanh(Q [h_t, 1] + K e_s)`` ("additive", Bahdanau et al. 2015).

It works on what the heads of both networks read (``tsrnn.kernels.outputs.HeadArrays.inputs``), all
steps at once: h~ takes the place of h, and on the way back gradients of h and e theirs. Sequences
end together; steps before a sequence begins are neither read nor written but with zeros.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from tsrnn.kernels.activations import tanh
from tsrnn.kernels.arrays import clear_matrix, copy, earliest
from tsrnn.kernels.elementary import exp
from tsrnn.kernels.gemm.products import apply, apply_transposed, multiply, outer_of_steps
from tsrnn.kernels.jit.compile import device_function, like, matrix
from tsrnn.kernels.layers.scaled_dot_product import dot_product, maximum, total

KINDS = ("dot", "general", "additive")


class CrossSizes(NamedTuple):
    """Shape of an attention and its rows: a decoder's steps and units, an encoder's likewise."""

    n_time: int  # steps of the decoder
    n_hidden: int  # units of the decoder
    n_read: int  # steps of the encoder
    n_features: int  # its outputs, of both directions
    n_rows: int


class CrossWeights(NamedTuple):
    """Weights, or their gradients; those that a kind lacks have no rows."""

    combine: Any  # (n_hidden, n_features + n_hidden + 1): W
    key: Any  # (n_hidden, n_features): K
    query: Any  # (n_hidden, n_hidden + 1): Q
    score: Any  # (1, n_hidden): v


class CrossArrays(NamedTuple):
    """What is stored for the way back, and scratch. Tables have a part for each row."""

    combined: Any  # (n_time, (n_features + n_hidden + 1) * n_rows): c, h and 1
    attended: Any  # (n_time, n_hidden * n_rows): h~
    projected: Any  # (max(n_time, n_read), n_hidden * n_rows): scratch of K e and Q h
    weights: Any  # (n_rows * n_time, n_read): a
    queries: Any  # (n_rows * n_time, n_hidden)
    keys: Any  # (n_rows * n_read, n_hidden)
    values: Any  # (n_rows * n_read, n_features): e
    contexts: Any  # (n_rows * n_time, n_features): c, and then its gradient
    grad_combined: Any  # (n_time, (n_features + n_hidden) * n_rows), of c and h
    grad_weights: Any  # (n_time, n_read), of a row
    grad_queries: Any  # (n_rows * n_time, n_hidden)
    grad_keys: Any  # (n_rows * n_read, n_hidden)
    grad_values: Any  # (n_rows * n_read, n_features)
    scratch: Any  # (n_hidden,)


def weight_shapes(kind: str, n_hidden: int, n_features: int) -> CrossWeights:
    """Shapes of the weights of a kind of attention."""
    return CrossWeights(
        combine=(n_hidden, n_features + n_hidden + 1),
        key=(0 if kind == "dot" else n_hidden, n_features),
        query=(n_hidden if kind == "additive" else 0, n_hidden + 1),
        score=(1 if kind == "additive" else 0, n_hidden),
    )


@device_function
def weights_of(parameters, first, sizes, kind):
    """The ``CrossWeights`` in a flat vector from ``first`` on; ``kind`` is a number of ``KINDS``."""
    n, n_features = sizes.n_hidden, sizes.n_features
    n_key, n_query, n_score = n * (kind > 0), n * (kind == 2), 1 * (kind == 2)
    key = first + n * (n_features + n + 1)
    query = key + n_key * n_features
    score = query + n_query * (n + 1)
    return CrossWeights(
        matrix(parameters, first, n, n_features + n + 1),
        matrix(parameters, key, n_key, n_features),
        matrix(parameters, query, n_query, n + 1),
        matrix(parameters, score, n_score, n),
    )


@device_function
def cross_space(sizes):
    """Values of the workspace that attention takes."""
    n_time, n, n_read, n_features, n_rows = sizes
    steps = n_time * (2 * n_features + 3 * n + 1) + max(n_time, n_read) * n
    tables = n_time * (n_read + 2 * n + n_features) + n_read * (2 * n + 2 * n_features)
    return n_rows * (steps + tables) + n_time * n_read + n


@device_function
def cross_arrays(work, sizes):
    """The ``CrossArrays`` in a flat workspace."""
    n_time, n, n_read, n_features, n_rows = sizes
    n_combined, n_stored = (n_features + n + 1) * n_rows, n * n_rows
    n_projected, n_queries, n_keys = max(n_time, n_read), n_rows * n_time, n_rows * n_read
    attended = n_time * n_combined
    projected = attended + n_time * n_stored
    weights = projected + n_projected * n_stored
    queries = weights + n_queries * n_read
    keys = queries + n_queries * n
    values = keys + n_keys * n
    contexts = values + n_keys * n_features
    grad_combined = contexts + n_queries * n_features
    grad_weights = grad_combined + n_time * (n_features + n) * n_rows
    grad_queries = grad_weights + n_time * n_read
    grad_keys = grad_queries + n_queries * n
    grad_values = grad_keys + n_keys * n
    scratch = grad_values + n_keys * n_features
    return CrossArrays(
        matrix(work, 0, n_time, n_combined),
        matrix(work, attended, n_time, n_stored),
        matrix(work, projected, n_projected, n_stored),
        matrix(work, weights, n_queries, n_read),
        matrix(work, queries, n_queries, n),
        matrix(work, keys, n_keys, n),
        matrix(work, values, n_keys, n_features),
        matrix(work, contexts, n_queries, n_features),
        matrix(work, grad_combined, n_time, (n_features + n) * n_rows),
        matrix(work, grad_weights, n_time, n_read),
        matrix(work, grad_queries, n_queries, n),
        matrix(work, grad_keys, n_keys, n),
        matrix(work, grad_values, n_keys, n_features),
        work[scratch : scratch + n],
    )


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


def compile_cross_attention(kind: str) -> tuple[Callable, Callable]:
    """Make the passes of a kind of attention, a name in ``KINDS``.

    ``forward(weights, sizes, firsts, encoded, hidden, arrays)`` replaces h, the first columns of
    ``hidden``, (n_time, (n_hidden + 1) * n_rows), by h~; ``encoded`` holds e, (n_read, (n_features
    + 1) * n_rows); ``firsts`` are the steps at which rows begin in the decoder and the encoder.
    ``backward(weights, gradient, sizes, firsts, encoded, hidden, arrays)`` reads the gradient of h~
    there, and writes those of h and e over them and that of the weights to ``gradient``.
    """
    has_keys, additive = kind != "dot", kind == "additive"

    @device_function
    def write_tables(weights, sizes, first, encoded, arrays):
        """Write values and keys of all rows, from the first step of any."""
        n_rows, n_encoded = sizes.n_rows, sizes.n_features * sizes.n_rows
        gather(encoded, 0, first, n_rows, arrays.values)
        if has_keys:
            for s in range(first, sizes.n_read):
                apply(weights.key, encoded[s, :n_encoded], arrays.projected[s])
            gather(arrays.projected, 0, first, n_rows, arrays.keys)
        else:
            gather(encoded, 0, first, n_rows, arrays.keys)

    @device_function
    def write_queries(weights, sizes, first, arrays):
        """Write the queries of all rows from h in ``combined``, from the first step of any."""
        n_h = sizes.n_features * sizes.n_rows
        if additive:
            for t in range(first, sizes.n_time):
                apply(weights.query, arrays.combined[t, n_h:], arrays.projected[t])
            gather(arrays.projected, 0, first, sizes.n_rows, arrays.queries)
        else:
            gather(arrays.combined, sizes.n_features, first, sizes.n_rows, arrays.queries)

    @device_function
    def attend_row(weights, sizes, row, firsts, arrays):
        """Write the attention weights and the contexts of a row."""
        n_time, n_read = sizes.n_time, sizes.n_read
        first, begin = firsts[0][row], firsts[1][row]
        queries = arrays.queries[row * n_time + first : (row + 1) * n_time]
        keys = arrays.keys[row * n_read + begin : (row + 1) * n_read]
        values = arrays.values[row * n_read + begin : (row + 1) * n_read]
        a = arrays.weights[row * n_time + first : (row + 1) * n_time, begin:]
        contexts = arrays.contexts[row * n_time + first : (row + 1) * n_time]
        if additive:
            for t in range(a.shape[0]):
                additive_scores(queries[t], keys, weights.score[0], arrays.scratch, a[t])
        else:
            multiply(queries, False, keys, True, False, a)
        for t in range(a.shape[0]):
            softmax(a[t])
        multiply(a, False, values, False, False, contexts)

    @device_function
    def forward(weights, sizes, firsts, encoded, hidden, arrays):
        n_rows = sizes.n_rows
        n, n_h, first = sizes.n_hidden * n_rows, sizes.n_features * n_rows, earliest(firsts[0])
        write_tables(weights, sizes, earliest(firsts[1]), encoded, arrays)
        for t in range(first, sizes.n_time):
            copy(hidden[t, : n + n_rows], arrays.combined[t, n_h:])
        write_queries(weights, sizes, first, arrays)
        for row in range(n_rows):
            if firsts[0][row] < sizes.n_time and firsts[1][row] < sizes.n_read:
                attend_row(weights, sizes, row, firsts, arrays)
            else:  # nothing to read, or nothing to write
                clear_matrix(arrays.contexts[row * sizes.n_time : (row + 1) * sizes.n_time])
        scatter(arrays.contexts, 0, firsts[0], False, arrays.combined)
        for t in range(first, sizes.n_time):
            attended = arrays.attended[t]
            apply(weights.combine, arrays.combined[t], attended)
            for k in range(n):
                attended[k] = tanh(attended[k])
            copy(attended, hidden[t, :n])

    @device_function
    def attend_row_backward(weights, gradient, sizes, row, firsts, arrays):
        """Write the gradients of a row's queries, keys and values."""
        n_time, n_read = sizes.n_time, sizes.n_read
        first, begin = firsts[0][row], firsts[1][row]
        asks = slice(row * n_time + first, (row + 1) * n_time)
        reads = slice(row * n_read + begin, (row + 1) * n_read)
        queries, grad_queries = arrays.queries[asks], arrays.grad_queries[asks]
        keys, grad_keys = arrays.keys[reads], arrays.grad_keys[reads]
        values, grad_values = arrays.values[reads], arrays.grad_values[reads]
        a, grad_contexts = arrays.weights[asks, begin:], arrays.contexts[asks]
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

    return forward, backward
