"""The shape of attention of a decoder to an encoder, its weights, and its working memory."""

from typing import Any, NamedTuple

from tsrnn.kernels.jit.compile import device_function, matrix

KINDS = ("dot", "general", "additive")


def kind_of(attention: str | None) -> int:
    """The number of a kind in ``KINDS``, -1 for none."""
    return -1 if attention is None else KINDS.index(attention)


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


@device_function
def weights_of(parameters, first, sizes, kind):
    """The ``CrossWeights`` in a vector from ``first`` on; ``kind`` is a number of ``KINDS``."""
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
