"""Products of weights and activations, by the BLAS that Numba's ``np.dot`` calls.

``np.dot`` inside a kernel can neither add to what is there nor take a block of a wider matrix; the
routine behind it can. Weights are 2-D with contiguous rows, which may lie apart. Activations are
flat: (units * rows) values, the rows of the minibatch last; their number follows from the sizes.
"""

import numpy as np
from numba import types
from numba.extending import overload
from numba.np.linalg import _BLAS, _dummy_liveness_func

from tsrnn.kernels.compile import LEAF_OPTIONS, leaf

_PLAIN, _TRANSPOSED = ord("n"), ord("t")


def _gemm(flip_a, flip_b, shape, a, width_a, b, width_b, add, out, width_out):
    """Write op(a) @ op(b), m x k times k x n, to out, or add it; widths are lengths of rows."""
    m, k, n = shape
    a = _matrix(a, (k, m) if flip_a else (m, k), width_a)
    b = _matrix(b, (n, k) if flip_b else (k, n), width_b)
    out = _matrix(out, (m, n), width_out)
    found = (a.T if flip_a else a) @ (b.T if flip_b else b)
    out[...] = out + found if add else found


def _matrix(values, shape, width):
    item = values.itemsize
    return np.lib.stride_tricks.as_strided(values, shape, (width * item, item))


@overload(_gemm, jit_options=LEAF_OPTIONS)
def _gemm_compiled(flip_a, flip_b, shape, a, width_a, b, width_b, add, out, width_out):
    single = out.dtype == types.float32
    kind = ord("s" if single else "d")
    dtype = np.float32 if single else np.float64
    gemm = _BLAS.numba_xxgemm(out.dtype)

    def compiled(flip_a, flip_b, shape, a, width_a, b, width_b, add, out, width_out):
        # BLAS counts columns first: there the transposed of out is op(b)' @ op(a)'.
        m, k, n = shape
        scale = np.empty(2, dtype)
        scale[0], scale[1] = 1, 1 if add else 0
        gemm(
            kind, _TRANSPOSED if flip_b else _PLAIN, _TRANSPOSED if flip_a else _PLAIN, n, m, k,
            scale.ctypes, b.ctypes, width_b, a.ctypes, width_a,
            scale[1:].ctypes, out.ctypes, width_out,
        )  # fmt: skip
        _dummy_liveness_func([scale.size])  # scale must live until here

    return compiled


@leaf
def apply(weights, x, out):
    """Write ``weights @ x``: (n_out, n_in) times (n_in * n_rows,) to (n_out * n_rows,)."""
    n_out, n_in = weights.shape
    n_rows = x.size // n_in
    width = weights.strides[0] // weights.itemsize
    _gemm(False, False, (n_out, n_in, n_rows), weights, width, x, n_rows, False, out, n_rows)


@leaf
def apply_transposed(weights, x, add, out):
    """Write ``weights.T @ x``, or add it: (n_in, n_out), (n_in * n_rows,) to (n_out * n_rows,)."""
    n_in, n_out = weights.shape
    n_rows = x.size // n_in
    width = weights.strides[0] // weights.itemsize
    _gemm(True, False, (n_out, n_in, n_rows), weights, width, x, n_rows, add, out, n_rows)


@leaf
def outer(a, b, add, out):
    """Write ``a @ b.T``, or add it: (m * n_rows,) and (n * n_rows,) to (m, n), summed over rows."""
    m, n = out.shape
    n_rows = a.size // m
    width = out.strides[0] // out.itemsize
    _gemm(False, True, (m, n_rows, n), a, n_rows, b, n_rows, add, out, width)
