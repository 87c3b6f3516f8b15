"""Activation functions as scalar maths that every target can compile, the same bits on all.

float32 tanh is a clamped rational function ``x P(x^2) / Q(x^2)``, both of degree 4, a minimax fit
of the relative error (6e-9 before rounding), and the logistic function ``1/2 + tanh(x/2) / 2`` with
the halves absorbed in the coefficients. In float64 both use ``exp``; tanh near zero is Cephes'.
"""

import math

import numpy as np
from numba import types
from numba.extending import overload

from tsrnn.kernels.elementary import at_least, at_most, exp, fma
from tsrnn.kernels.jit.compile import SCALAR_OPTIONS

_f4 = np.float32
# Coefficients of P, then of Q, of the tangent.
_TANH = (
    (
        1.0,
        0.13450628519058228,
        0.003579001175239682,
        2.2023396013537422e-05,
        1.5428188504529317e-08,
    ),
    (1.0, 0.4678395688533783, 0.02619227208197117, 0.000342366547556594, 8.59886654325237e-07),
)
# Beyond this bound the tangent is the constant that it is there, 1 but for the last two bits.
_BOUND, _TWICE_BOUND = _f4(7.9), _f4(15.8)
_P0, _P2, _P4, _P6, _P8 = map(_f4, _TANH[0])
_Q0, _Q2, _Q4, _Q6, _Q8 = map(_f4, _TANH[1])
_A0, _A2, _A4, _A6, _A8 = (_f4(c / 4 / 4**k) for k, c in enumerate(_TANH[0]))
_B0, _B2, _B4, _B6, _B8 = (_f4(c / 4**k) for k, c in enumerate(_TANH[1]))
_HALF = _f4(0.5)


def _tanh4(x):
    x = at_least(-_BOUND, at_most(_BOUND, x))
    s = x * x
    p = fma(s, fma(s, fma(s, fma(s, _P8, _P6), _P4), _P2), _P0)
    q = fma(s, fma(s, fma(s, fma(s, _Q8, _Q6), _Q4), _Q2), _Q0)
    return x * p / q


def _sigmoid4(x):
    x = at_least(-_TWICE_BOUND, at_most(_TWICE_BOUND, x))
    s = x * x
    p = fma(s, fma(s, fma(s, fma(s, _A8, _A6), _A4), _A2), _A0)
    q = fma(s, fma(s, fma(s, fma(s, _B8, _B6), _B4), _B2), _B0)
    return x * p / q + _HALF


_U0, _U1, _U2 = -1614.68768441708447952, -99.2877231001918586564, -0.964399179425052238628
_V0, _V1, _V2 = 4844.06305325125486048, 2235.48839060100448583, 112.811678491632931402


def _tanh8(x):
    size = abs(x)
    s = x * x
    near = x * s * fma(s, fma(s, _U2, _U1), _U0) / fma(s, fma(s, s + _V2, _V1), _V0) + x
    far = 1.0 - 2.0 / (exp(size + size) + 1.0)
    far = -far if x < 0.0 else far
    return far if size > 0.625 else near


def _sigmoid8(x):
    return 1.0 / (1.0 + exp(-x))


def tanh(x):
    """Hyperbolic tangent of a float32 or float64 scalar, to 3e-7 or 3e-16."""
    return type(x)(math.tanh(x))


@overload(tanh, jit_options=SCALAR_OPTIONS)
def _tanh_compiled(x):
    return _tanh4 if x == types.float32 else _tanh8


def sigmoid(x):
    """Logistic function 1 / (1 + exp(-x)) of a float32 or float64 scalar, to 2e-7 or 3e-16."""
    return type(x)(0.5 + 0.5 * math.tanh(0.5 * x))


@overload(sigmoid, jit_options=SCALAR_OPTIONS)
def _sigmoid_compiled(x):
    return _sigmoid4 if x == types.float32 else _sigmoid8
