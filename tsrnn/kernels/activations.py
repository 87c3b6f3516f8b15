"""Activation functions as scalar maths that every target can compile.

Numba has no vectorised ``exp`` or ``tanh``, so the float32 hyperbolic tangent is a clamped
rational function (degree 13 over 6, the coefficients of Eigen's ``ptanh_float``), and the
exponential a polynomial (those of Cephes' ``expf``) times a power of two: loops over them become
vector instructions. In float64 accuracy comes first and ``math.tanh`` and ``math.exp`` are called.
"""

import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from tsrnn.kernels.compile import SCALAR_OPTIONS, has_fma, like, scalar

_f4 = np.float32
# Beyond this bound the float32 tangent is 1 to the last bit but one.
_BOUND = _f4(7.90531110763549805)
_P1, _P3, _P5 = _f4(4.89352455891786e-03), _f4(6.37261928875436e-04), _f4(1.48572235717979e-05)
_P7, _P9, _P11 = _f4(5.12229709037114e-08), _f4(-8.60467152213735e-11), _f4(2.00018790482477e-13)
_P13 = _f4(-2.76076847742355e-16)
_Q0, _Q2 = _f4(4.89352518554385e-03), _f4(2.26843463243900e-03)
_Q4, _Q6 = _f4(1.18534705686654e-04), _f4(1.19825839466702e-06)


_LEAST, _MOST = _f4(-87.0), _f4(88.0)  # below the exponential is 0, above 2^127
_LOG2_E = _f4(1.44269504088896341)
# Added to a number below 2^22, its last bits are the whole number next to it.
_ROUNDER = _f4(12582912.0)
_LN_2, _LN_2_REST = _f4(0.693359375), _f4(-2.12194440e-4)  # so that a product with n is exact
_E2, _E3, _E4 = _f4(5.0000001201e-1), _f4(1.6666665459e-1), _f4(4.1665795894e-2)
_E5, _E6, _E7 = _f4(8.3334519073e-3), _f4(1.3981999507e-3), _f4(1.9875691500e-4)


def fma(a, b, c):
    """``a * b + c``, by one instruction and with one rounding where the processor has it."""
    return a * b + c


@overload(fma, jit_options=SCALAR_OPTIONS)
def _fma_compiled(a, b, c):
    if has_fma():
        return lambda a, b, c: _fma_instruction(a, b, c)
    return lambda a, b, c: a * b + c


@intrinsic
def _fma_instruction(typing, a, b, c):
    # Not left to LLVM, which may contract a product and a sum here and not there.
    return a(a, a, a), lambda context, builder, signature, args: builder.fma(*args)


def _tanh_rational(x):
    # A NaN must stay one: both comparisons are false for it.
    if x > _BOUND:
        x = _BOUND
    if x < -_BOUND:
        x = -_BOUND
    s = x * x
    p = fma(s, fma(s, fma(s, fma(s, fma(s, fma(s, _P13, _P11), _P9), _P7), _P5), _P3), _P1)
    q = fma(s, fma(s, fma(s, _Q6, _Q4), _Q2), _Q0)
    return x * p / q


def tanh(x):
    """Hyperbolic tangent of a float32 (to about 3e-7) or float64 (to the last bits) scalar."""
    return _tanh_rational(x) if isinstance(x, np.float32) else math.tanh(x)


@overload(tanh, jit_options=SCALAR_OPTIONS)
def _tanh_compiled(x):
    if x == types.float32:
        return _tanh_rational
    return lambda x: math.tanh(x)


@scalar
def sigmoid(x):
    """Logistic function 1 / (1 + exp(-x)) of a scalar, by way of the hyperbolic tangent."""
    half = like(x, 0.5)
    return fma(half, tanh(half * x), half)


def _power_of_two(rounded):
    """2^n as float32, of n plus the rounder."""
    return np.ldexp(_f4(1.0), int(rounded - _ROUNDER))


@overload(_power_of_two, jit_options=SCALAR_OPTIONS)
def _power_of_two_compiled(rounded):
    return lambda rounded: _power_of_two_by_bits(rounded)


@intrinsic
def _power_of_two_by_bits(typing, rounded):
    def generate(context, builder, signature, args):
        word = ir.IntType(32)
        zero = ir.Constant(word, int(_ROUNDER.view(np.int32)) - 127)
        exponent = builder.sub(builder.bitcast(args[0], word), zero)
        bits = builder.shl(exponent, ir.Constant(word, 23))
        return builder.bitcast(bits, ir.FloatType())

    return rounded(rounded), generate


def _exp_polynomial(x):
    # A NaN must stay one: all comparisons are false for it.
    if x > _MOST:
        x = _MOST
    small = x < _LEAST
    if small:
        x = _LEAST
    rounded = fma(x, _LOG2_E, _ROUNDER)
    n = rounded - _ROUNDER
    r = fma(n, -_LN_2_REST, fma(n, -_LN_2, x))
    p = fma(r, fma(r, fma(r, fma(r, fma(r, _E7, _E6), _E5), _E4), _E3), _E2)
    found = fma(r * r, p, r + _f4(1.0)) * _power_of_two(rounded)
    return _f4(0.0) if small else found


def exp(x):
    """Exponential of a float32 (to about 1e-7 of it, 0 below 1e-38) or float64 scalar."""
    return _exp_polynomial(x) if isinstance(x, np.float32) else math.exp(x)


@overload(exp, jit_options=SCALAR_OPTIONS)
def _exp_compiled(x):
    if x == types.float32:
        return _exp_polynomial
    return lambda x: math.exp(x)
