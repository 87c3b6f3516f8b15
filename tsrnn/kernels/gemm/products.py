"""The matrix products of a step, of weights and activations, by ``gemm``.

Weights are 2-D with contiguous rows, which may be further apart than they are long. Activations are
flat: (units * n_rows) values, the rows of the minibatch last. Each output is one chain of fused
multiply-adds in order: its bits depend only on its own row and column of the factors.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from tsrnn.kernels.gemm.emit import GemmEmitter
from tsrnn.kernels.gemm.tiles import tile_of
from tsrnn.kernels.jit.compile import DEVICE_FUNCTION_OPTIONS, device_function
from tsrnn.kernels.jit.processor import processor_of


def gemm(transpose_a, transpose_b, shape, a, b, widths, add, out):
    """Write op(a) @ op(b), of ``shape`` (m, k, n), to ``out``, or add it.

    ``widths`` are the distances between rows of a, b and out.
    """
    in_python["gemm"](transpose_a, transpose_b, shape, a, b, widths, add, out)


def _gemm_by_numpy(transpose_a, transpose_b, shape, a, b, widths, add, out):
    m, k, n = shape
    a = _matrix(a, (k, m) if transpose_a else (m, k), widths[0])
    b = _matrix(b, (n, k) if transpose_b else (k, n), widths[1])
    out = _matrix(out, (m, n), widths[2])
    product = (a.T if transpose_a else a) @ (b.T if transpose_b else b)
    out[...] = out + product if add else product


# What the product is where nothing is compiled, as in a simulator.
in_python = {"gemm": _gemm_by_numpy}


def _matrix(values, shape, width):
    item = values.itemsize
    return np.lib.stride_tricks.as_strided(values, shape, (width * item, item))


@overload(gemm, jit_options=DEVICE_FUNCTION_OPTIONS, prefer_literal=True)
def _gemm_overload(transpose_a, transpose_b, shape, a, b, widths, add, out):
    if isinstance(transpose_b, types.BooleanLiteral):
        call = _call_transposed if transpose_b.literal_value else _call_in_place
    else:
        call = _call_either

    def compiled(transpose_a, transpose_b, shape, a, b, widths, add, out):
        m, k, n = shape
        width_a, width_b, width_out = widths
        strides_a = (1, width_a, 0) if transpose_a else (width_a, 1, 0)
        strides_b = (width_b, 1, 0) if transpose_b else (1, width_b, 0)
        call(transpose_b, (m, n, k, 1), a, b, (strides_a, strides_b, width_out), add, out)

    return compiled


@device_function
def _call_either(transpose_b, shape, a, b, strides, add, out):
    if transpose_b:
        _call_transposed(transpose_b, shape, a, b, strides, add, out)
    else:
        _call_in_place(transpose_b, shape, a, b, strides, add, out)


@intrinsic
def _call_in_place(typing, transpose_b, shape, a, b, strides, add, out):
    """Call ``gemm`` for columns of b that are adjacent in memory, ``shape`` (m, n, k, steps).

    ``strides`` are those of a and b, each along m or n, k and steps, and between rows of out.
    """
    return _call(False, (shape, a, b, strides, add, out), transpose_b)


@intrinsic
def _call_transposed(typing, transpose_b, shape, a, b, strides, add, out):
    """Call ``gemm`` for a ``b`` whose values along k, not along n, are adjacent in memory."""
    return _call(True, (shape, a, b, strides, add, out), transpose_b)


def _call(transposed, arg_types, flag_type):
    """The signature of a call of ``gemm``, and the function that emits it."""

    def generate(context, builder, signature, args):
        shape, a, b, strides, add, out = zip(arg_types, args[1:], strict=True)
        real = context.get_value_type(out[0].dtype)
        processor = processor_of(context)
        tile = tile_of(processor, 4 if isinstance(real, ir.FloatType) else 8)
        routine = GemmEmitter(builder.module, real, tile, processor.has_fma).gemm(transposed)

        def pointer(array):
            return context.make_array(array[0])(context, builder, array[1]).data

        def words(kind, value):
            """The integers of a nested tuple, in order."""
            if not isinstance(kind, types.BaseTuple):
                return [context.cast(builder, value, kind, types.int64)]
            parts = (words(part, builder.extract_value(value, i)) for i, part in enumerate(kind))
            return [word for part in parts for word in part]

        *ab_strides, width_out = words(*strides)
        factors = [pointer(a), *ab_strides[:3], pointer(b), *ab_strides[3:]]
        builder.call(routine, [*factors, pointer(out), width_out, *words(*shape), *words(*add)])
        return context.get_dummy_value()

    return types.void(flag_type, *arg_types), generate


@device_function
def apply(weights, x, out):
    """Write ``weights @ x``: (n_out, n_in) times (n_in * n_rows,) to (n_out * n_rows,)."""
    n_out, n_in = weights.shape
    n_rows = x.size // n_in
    widths = weights.strides[0] // weights.itemsize, n_rows, n_rows
    gemm(False, False, (n_out, n_in, n_rows), weights, x, widths, False, out)


@device_function
def add_product(weights, x, out):
    """Add ``weights @ x``, as in ``apply``."""
    n_out, n_in = weights.shape
    n_rows = x.size // n_in
    widths = weights.strides[0] // weights.itemsize, n_rows, n_rows
    gemm(False, False, (n_out, n_in, n_rows), weights, x, widths, True, out)


@device_function
def apply_transposed(weights, x, add, out):
    """Write ``weights.T @ x``, or add it: (n_in, n_out), (n_in * n_rows,) to (n_out * n_rows,)."""
    n_in, n_out = weights.shape
    n_rows = x.size // n_in
    widths = weights.strides[0] // weights.itemsize, n_rows, n_rows
    gemm(True, False, (n_out, n_in, n_rows), weights, x, widths, add, out)


@device_function
def multiply(a, transpose_a, b, transpose_b, add, out):
    """Write ``a @ b``, either of them transposed, or add it; rows may be further apart."""
    m = a.shape[1] if transpose_a else a.shape[0]
    k = a.shape[0] if transpose_a else a.shape[1]
    n = b.shape[0] if transpose_b else b.shape[1]
    widths = (
        a.strides[0] // a.itemsize,
        b.strides[0] // b.itemsize,
        out.strides[0] // out.itemsize,
    )
    gemm(transpose_a, transpose_b, (m, k, n), a, b, widths, add, out)


@device_function
def outer(a, b, add, out):
    """Write ``a @ b.T``, or add it: (m * n_rows,) and (n * n_rows,) to (m, n), summed over rows."""
    m, n = out.shape
    n_rows = a.size // m
    widths = n_rows, n_rows, out.strides[0] // out.itemsize
    gemm(False, True, (m, n_rows, n), a, b, widths, add, out)


def outer_of_steps(a, b, add, out):
    """As ``outer``, summed over steps too: (n_steps, m * n_rows) and (n_steps, n * n_rows)."""
    for step in range(a.shape[0]):
        outer(a[step], b[step], add or step > 0, out)


@overload(outer_of_steps, jit_options=DEVICE_FUNCTION_OPTIONS)
def _outer_of_steps_overload(a, b, add, out):
    return _outer_in_one_call


def _outer_in_one_call(a, b, add, out):
    m, n = out.shape
    n_steps, n_rows = a.shape[0], a.shape[1] // m
    strides_a = n_rows, 1, a.strides[0] // a.itemsize
    strides_b = n_rows, 1, b.strides[0] // b.itemsize
    strides = strides_a, strides_b, out.strides[0] // out.itemsize
    _call_transposed(True, (m, n, n_rows, n_steps), a, b, strides, add, out)
