"""Matrix products, by the BLAS that Numba's ``np.dot`` calls, that can add to what is there.

``np.dot`` inside a kernel can neither accumulate nor take a block of a wider matrix; the routine
behind it can. Each matrix is a 2-D array whose rows are contiguous; rows may lie apart.
"""

import numpy as np
from numba import types
from numba.extending import overload
from numba.np.linalg import _BLAS, _dummy_liveness_func

from tsrnn.kernels.compile import LEAF_OPTIONS, leaf

_PLAIN, _TRANSPOSED = ord("n"), ord("t")


def _gemm(transpose_a, transpose_b, inner, a, b, add, out):
    """Out (rows, columns) = op(a) @ op(b), or + what is there; ``inner`` is the summed length."""
    product = (a.T if transpose_a else a) @ (b.T if transpose_b else b)
    out[...] = out + product if add else product


@overload(_gemm, jit_options=LEAF_OPTIONS)
def _gemm_compiled(transpose_a, transpose_b, inner, a, b, add, out):
    single = out.dtype == types.float32
    kind = ord("s" if single else "d")
    dtype = np.float32 if single else np.float64
    gemm = _BLAS.numba_xxgemm(out.dtype)

    def compiled(transpose_a, transpose_b, inner, a, b, add, out):
        # BLAS counts columns first: there the transposed of out is op(b)' @ op(a)'.
        scale = np.empty(2, dtype)
        scale[0], scale[1] = 1, 1 if add else 0
        gemm(
            kind,
            _TRANSPOSED if transpose_b else _PLAIN,
            _TRANSPOSED if transpose_a else _PLAIN,
            out.shape[1],
            out.shape[0],
            inner,
            scale.ctypes,
            b.ctypes,
            b.strides[0] // b.itemsize,
            a.ctypes,
            a.strides[0] // a.itemsize,
            scale[1:].ctypes,
            out.ctypes,
            out.strides[0] // out.itemsize,
        )
        _dummy_liveness_func([scale.size])  # scale must live until here

    return compiled


@leaf
def product(a, b, add, out):
    """Out (m, n) = a (m, k) @ b (k, n), plus what is there if ``add``."""
    _gemm(False, False, a.shape[1], a, b, add, out)


@leaf
def product_of_transposed(a, b, add, out):
    """Out (m, n) = a.T @ b with a (k, m) and b (k, n), plus what is there if ``add``."""
    _gemm(True, False, a.shape[0], a, b, add, out)


@leaf
def product_by_transposed(a, b, add, out):
    """Out (m, n) = a @ b.T with a (m, k) and b (n, k), plus what is there if ``add``."""
    _gemm(False, True, a.shape[1], a, b, add, out)
