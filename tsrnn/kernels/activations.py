"""Activation functions as scalar maths that every target can compile.

Numba has no vectorised ``exp`` or ``tanh``, so the float32 hyperbolic tangent is a clamped
rational function (degree 13 over 6, the coefficients of Eigen's ``ptanh_float``): a loop over it
becomes vector instructions. In float64 accuracy comes first and ``math.tanh`` is called.
"""

import math

import numpy as np
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
