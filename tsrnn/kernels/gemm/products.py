"""The products that a step needs, of weights and activations, by ``gemm``.

Weights are 2-D with contiguous rows, which may lie apart. Activations are flat: (units * rows)
values, the rows of the minibatch last; their number follows from the sizes. Each output is one
chain of fused multiply-adds in the order of what is summed over: its bits depend on nothing but its
own row of the one factor and column of the other.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from tsrnn.kernels.gemm.emit import GemmEmitter
from tsrnn.kernels.gemm.tiles import tile_of
from tsrnn.kernels.jit.compile import DEVICE_FUNCTION_OPTIONS, device_function
from tsrnn.kernels.jit.processor import processor_of


def gemm(flip_a, flip_b, shape, a, width_a, b, width_b, add, out, width_out):
    """Write op(a) @ op(b), m x k times k x n, to out, or add it; widths are lengths of rows."""
    in_python["gemm"](flip_a, flip_b, shape, a, width_a, b, width_b, add, out, width_out)


def _gemm_by_numpy(flip_a, flip_b, shape, a, width_a, b, width_b, add, out, width_out):
    m, k, n = shape
    a = _matrix(a, (k, m) if flip_a else (m, k), width_a)
    b = _matrix(b, (n, k) if flip_b else (k, n), width_b)
    out = _matrix(out, (m, n), width_out)
    product = (a.T if flip_a else a) @ (b.T if flip_b else b)
    out[...] = out + product if add else product


# What the product is where nothing is compiled, as in a simulator.
in_python = {"gemm": _gemm_by_numpy}


def _matrix(values, shape, width):
    item = values.itemsize
    return np.lib.stride_tricks.as_strided(values, shape, (width * item, item))


@overload(gemm, jit_options=DEVICE_FUNCTION_OPTIONS, prefer_literal=True)
def _gemm_compiled(flip_a, flip_b, shape, a, width_a, b, width_b, add, out, width_out):
    if isinstance(flip_b, types.BooleanLiteral):
        call = _call_flipped if flip_b.literal_value else _call_in_place
    else:
        call = _call_either

    def compiled(flip_a, flip_b, shape, a, width_a, b, width_b, add, out, width_out):
        m, k, n = shape
        strides_a = (1, width_a, 0) if flip_a else (width_a, 1, 0)
        strides_b = (width_b, 1, 0) if flip_b else (1, width_b, 0)
        call(flip_b, (m, n, k, 1), a, strides_a, b, strides_b, add, out, width_out)

    return compiled


@device_function
def _call_either(flip_b, shape, a, strides_a, b, strides_b, add, out, width_out):
    if flip_b:
        _call_flipped(flip_b, shape, a, strides_a, b, strides_b, add, out, width_out)
    else:
        _call_in_place(flip_b, shape, a, strides_a, b, strides_b, add, out, width_out)


@intrinsic
def _call_in_place(typing, flip_b, shape, a, strides_a, b, strides_b, add, out, width_out):
    """Call ``gemm``: shape is (m, n, k, steps), strides (along m or n, along k, along steps)."""
    return _call(False, (flip_b, shape, a, strides_a, b, strides_b, add, out, width_out))


@intrinsic
def _call_flipped(typing, flip_b, shape, a, strides_a, b, strides_b, add, out, width_out):
    """The same where along k, not along n, the values of ``b`` lie side by side."""
    return _call(True, (flip_b, shape, a, strides_a, b, strides_b, add, out, width_out))


def _call(flipped, kinds):
    """The signature of such a call, and the function that writes it."""

    def generate(context, builder, signature, args):
        _, shape, a, strides_a, b, strides_b, add, out, width_out = args
        real = context.get_value_type(kinds[7].dtype)
        processor = processor_of(context)
        tile = tile_of(processor, 4 if isinstance(real, ir.FloatType) else 8)
        routine = GemmEmitter(builder.module, real, tile, processor.has_fma).gemm(flipped)

        def pointer(kind, value):
            return context.make_array(kind)(context, builder, value).data

        def word(kind, value):
            return context.cast(builder, value, kind, types.int64)

        def words(kind, value):
            parts = (builder.extract_value(value, i) for i in range(len(kind)))
            return [word(*part) for part in zip(kind, parts, strict=True)]

        builder.call(routine, [
            pointer(kinds[2], a), *words(kinds[3], strides_a),
            pointer(kinds[4], b), *words(kinds[5], strides_b),
            pointer(kinds[7], out), word(kinds[8], width_out), *words(kinds[1], shape),
            word(kinds[6], add),
        ])  # fmt: skip
        return context.get_dummy_value()

    return types.void(*kinds), generate


@device_function
def apply(weights, x, out):
    """Write ``weights @ x``: (n_out, n_in) times (n_in * n_rows,) to (n_out * n_rows,)."""
    n_out, n_in = weights.shape
    n_rows = x.size // n_in
    width = weights.strides[0] // weights.itemsize
    gemm(False, False, (n_out, n_in, n_rows), weights, width, x, n_rows, False, out, n_rows)


@device_function
def add_product(weights, x, out):
    """Add ``weights @ x``, as of ``apply``."""
    n_out, n_in = weights.shape
    n_rows = x.size // n_in
    width = weights.strides[0] // weights.itemsize
    gemm(False, False, (n_out, n_in, n_rows), weights, width, x, n_rows, True, out, n_rows)


@device_function
def apply_transposed(weights, x, add, out):
    """Write ``weights.T @ x``, or add it: (n_in, n_out), (n_in * n_rows,) to (n_out * n_rows,)."""
    n_in, n_out = weights.shape
    n_rows = x.size // n_in
    width = weights.strides[0] // weights.itemsize
    gemm(True, False, (n_out, n_in, n_rows), weights, width, x, n_rows, add, out, n_rows)


@device_function
def multiply(a, flip_a, b, flip_b, add, out):
    """Write ``a @ b``, or add it, either one transposed where said; rows may lie apart."""
    m = a.shape[1] if flip_a else a.shape[0]
    k = a.shape[0] if flip_a else a.shape[1]
    n = b.shape[0] if flip_b else b.shape[1]
    gemm(
        flip_a, flip_b, (m, k, n), a, a.strides[0] // a.itemsize, b, b.strides[0] // b.itemsize,
        add, out, out.strides[0] // out.itemsize,
    )  # fmt: skip


@device_function
def outer(a, b, add, out):
    """Write ``a @ b.T``, or add it: (m * n_rows,) and (n * n_rows,) to (m, n), summed over rows."""
    m, n = out.shape
    n_rows = a.size // m
    width = out.strides[0] // out.itemsize
    gemm(False, True, (m, n_rows, n), a, n_rows, b, n_rows, add, out, width)


@device_function
def outer_of_steps(a, b, add, out):
    """As ``outer``, summed over steps as well: (steps, m * n_rows) and (steps, n * n_rows)."""
    m, n = out.shape
    n_steps, n_rows = a.shape[0], a.shape[1] // m
    strides_a = n_rows, 1, a.strides[0] // a.itemsize
    strides_b = n_rows, 1, b.strides[0] // b.itemsize
    shape, width = (m, n, n_rows, n_steps), out.strides[0] // out.itemsize
    _call_flipped(True, shape, a, strides_a, b, strides_b, add, out, width)
