"""Products of weights and activations, by the BLAS that Numba's ``np.dot`` calls.

``np.dot`` inside a kernel can neither add to what is there nor take a block of a wider matrix; the
routine behind it can. Weights are 2-D with contiguous rows, which may lie apart. Activations are
flat: (units * rows) values, the rows of the minibatch last; their number follows from the sizes.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from tsrnn.kernels.compile import LEAF_OPTIONS, leaf

_PLAIN, _TRANSPOSED = ord("n"), ord("t")
# OpenBLAS multiplies small matrices without packing them first, up to so many multiplications:
# beyond, half the time of a product of a few rows goes into packing the weights.
_UNPACKED = 10**6


def _gemm(flip_a, flip_b, shape, a, width_a, b, width_b, add, out, width_out):
    """Write op(a) @ op(b), m x k times k x n, to out, or add it; widths are lengths of rows."""
    in_python["gemm"](flip_a, flip_b, shape, a, width_a, b, width_b, add, out, width_out)


def _gemm_by_numpy(flip_a, flip_b, shape, a, width_a, b, width_b, add, out, width_out):
    m, k, n = shape
    a = _matrix(a, (k, m) if flip_a else (m, k), width_a)
    b = _matrix(b, (n, k) if flip_b else (k, n), width_b)
    out = _matrix(out, (m, n), width_out)
    found = (a.T if flip_a else a) @ (b.T if flip_b else b)
    out[...] = out + found if add else found


# What the product is where nothing is compiled, as in a simulator.
in_python = {"gemm": _gemm_by_numpy}


def _matrix(values, shape, width):
    item = values.itemsize
    return np.lib.stride_tricks.as_strided(values, shape, (width * item, item))


@overload(_gemm, jit_options=LEAF_OPTIONS)
def _gemm_compiled(flip_a, flip_b, shape, a, width_a, b, width_b, add, out, width_out):
    def compiled(flip_a, flip_b, shape, a, width_a, b, width_b, add, out, width_out):
        m, k, n = shape
        n_parts = (m * k * n - 1) // _UNPACKED + 1
        for part in range(n_parts):
            first, last = part * m // n_parts, (part + 1) * m // n_parts
            # BLAS counts columns first: there the transposed of out is op(b)' @ op(a)'.
            _call_gemm(
                _TRANSPOSED if flip_b else _PLAIN, _TRANSPOSED if flip_a else _PLAIN,
                n, last - first, k, b, width_b, a, first if flip_a else first * width_a, width_a,
                1 if add else 0, out, first * width_out, width_out,
            )  # fmt: skip

    return compiled


@intrinsic
def _call_gemm(
    typing, flip_b, flip_a, n, m, k, b, width_b, a, first_a, width_a, add, out, first_out, width_out
):
    """Call SciPy's ``sgemm`` or ``dgemm`` by the helper that Numba's ``np.dot`` has for it."""
    intp = types.intp
    signature = types.void(
        types.int32, types.int32, intp, intp, intp, b, intp, a, intp, intp, intp, out, intp, intp
    )

    def generate(context, builder, signature, args):
        flip_b, flip_a, n, m, k, _, width_b, _, first_a, width_a, add, _, first_out, width_out = (
            args
        )
        dtype = signature.args[11].dtype
        real = context.get_value_type(dtype)
        byte, word, pointer = (
            ir.IntType(8),
            context.get_value_type(intp),
            ir.IntType(8).as_pointer(),
        )

        def at(place, first):
            array = context.make_array(signature.args[place])(context, builder, args[place])
            return builder.bitcast(builder.gep(array.data, [first]), pointer)

        one = cgutils.alloca_once_value(builder, ir.Constant(real, 1.0))
        scale = cgutils.alloca_once_value(builder, builder.sitofp(add, real))
        helper = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(
                ir.IntType(32),
                [byte, byte, byte, word, word, word, pointer, pointer, word, pointer, word,
                 pointer, pointer, word],
            ),
            "numba_xxgemm",
        )  # fmt: skip
        kind = ir.Constant(byte, ord("s" if dtype == types.float32 else "d"))
        builder.call(helper, [
            kind, builder.trunc(flip_b, byte), builder.trunc(flip_a, byte), n, m, k,
            builder.bitcast(one, pointer), at(5, word(0)), width_b, at(7, first_a), width_a,
            builder.bitcast(scale, pointer), at(11, first_out), width_out,
        ])  # fmt: skip
        return context.get_dummy_value()

    return signature, generate


@leaf
def apply(weights, x, out):
    """Write ``weights @ x``: (n_out, n_in) times (n_in * n_rows,) to (n_out * n_rows,)."""
    n_out, n_in = weights.shape
    n_rows = x.size // n_in
    width = weights.strides[0] // weights.itemsize
    _gemm(False, False, (n_out, n_in, n_rows), weights, width, x, n_rows, False, out, n_rows)


@leaf
def add_product(weights, x, out):
    """Add ``weights @ x``, as of ``apply``."""
    n_out, n_in = weights.shape
    n_rows = x.size // n_in
    width = weights.strides[0] // weights.itemsize
    _gemm(False, False, (n_out, n_in, n_rows), weights, width, x, n_rows, True, out, n_rows)


@leaf
def apply_transposed(weights, x, add, out):
    """Write ``weights.T @ x``, or add it: (n_in, n_out), (n_in * n_rows,) to (n_out * n_rows,)."""
    n_in, n_out = weights.shape
    n_rows = x.size // n_in
    width = weights.strides[0] // weights.itemsize
    _gemm(True, False, (n_out, n_in, n_rows), weights, width, x, n_rows, add, out, n_rows)


@leaf
def multiply(a, flip_a, b, flip_b, add, out):
    """Write ``a @ b``, or add it, either one transposed where said; rows may lie apart."""
    m = a.shape[1] if flip_a else a.shape[0]
    k = a.shape[0] if flip_a else a.shape[1]
    n = b.shape[0] if flip_b else b.shape[1]
    _gemm(
        flip_a, flip_b, (m, k, n), a, a.strides[0] // a.itemsize, b, b.strides[0] // b.itemsize,
        add, out, out.strides[0] // out.itemsize,
    )  # fmt: skip


@leaf
def outer(a, b, add, out):
    """Write ``a @ b.T``, or add it: (m * n_rows,) and (n * n_rows,) to (m, n), summed over rows."""
    m, n = out.shape
    n_rows = a.size // m
    width = out.strides[0] // out.itemsize
    _gemm(False, True, (m, n_rows, n), a, n_rows, b, n_rows, add, out, width)
