"""Elementary functions as scalar maths that every target can compile, the same bits on all.

The C library's functions differ by system and processor and prevent vectorisation. These are
products and sums in one order, fused where they call ``fma``; in float64 where there is no float32
formula. Uncompiled (simulator, tests) they call Python's ``math``.

Sources: the exponential in float32 is Cephes' ``expf``, in float64 Taylor's series; the logarithm
is that of Sun's fdlibm (Ng 1993); ``log_gamma`` Stirling's series (A&S 6.1.41), ``sine`` and
``cosine`` Taylor's after a reduction by multiples of pi / 2 in three parts (Cody & Waite 1980).
"""

import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from tsrnn.kernels.jit.compile import DEVICE_FUNCTION_OPTIONS, SCALAR_OPTIONS, like
from tsrnn.kernels.jit.processor import fused_multiply_add, is_fused

_f4 = np.float32


def fma(a, b, c):
    """``a * b + c``, in one instruction with one rounding if the processor has it."""
    return a * b + c


@overload(fma, jit_options=SCALAR_OPTIONS)
def _fma_compiled(a, b, c):
    return lambda a, b, c: _fma_instruction(a, b, c)


@intrinsic
def _fma_instruction(typing, a, b, c):
    # Not left to LLVM, which may fuse a product and a sum in one place and not in another.
    def generate(context, builder, signature, args):
        if is_fused(context):
            return fused_multiply_add(builder, *args)
        return builder.fadd(builder.fmul(*args[:2]), args[2])

    return a(a, a, a), generate


@intrinsic
def at_most(typing, bound, x):
    """The smaller of the two, one instruction; x where it is NaN."""
    return _selected("<", x)


@intrinsic
def at_least(typing, bound, x):
    """The larger of the two, one instruction; x where it is NaN."""
    return _selected(">", x)


def _selected(comparison, kind):
    def generate(context, builder, signature, args):
        return builder.select(builder.fcmp_ordered(comparison, *args), *args)

    return kind(kind, kind), generate


@intrinsic
def bits_of(typing, x):
    """The bits of a float as an integer of the same size."""
    integer = types.int32 if x == types.float32 else types.int64
    return integer(x), lambda context, builder, signature, args: builder.bitcast(
        args[0], ir.IntType(integer.bitwidth)
    )


@intrinsic
def float_of(typing, bits):
    """The float with the bits of an integer."""
    real = types.float32 if bits == types.int32 else types.float64
    return real(bits), lambda context, builder, signature, args: builder.bitcast(
        args[0], ir.FloatType() if real == types.float32 else ir.DoubleType()
    )


_LOG2_E = 1.44269504088896341
# Added to a much smaller number, its last bits are that number rounded to an integer; the others
# are shifted out where the integer becomes an exponent.
_ROUNDER4, _ROUNDER8 = _f4(1.5 * 2**23), 1.5 * 2**52
_LOG2_E4 = _f4(_LOG2_E)
_LEAST4, _MOST4 = _f4(-87.0), _f4(88.0)  # below the exponential is 0, above 2^127
_LN2_4 = _f4(0.693359375)  # its product with n is exact
_LN2_REST4 = _f4(-2.12194440e-4)
_E2, _E3, _E4 = _f4(5.0000001201e-1), _f4(1.6666665459e-1), _f4(4.1665795894e-2)
_E5, _E6, _E7 = _f4(8.3334519073e-3), _f4(1.3981999507e-3), _f4(1.9875691500e-4)


def _exp4(x):
    x = at_most(_MOST4, x)
    small = x < _LEAST4
    x = at_least(_LEAST4, x)
    rounded = fma(x, _LOG2_E4, _ROUNDER4)
    n = rounded - _ROUNDER4
    r = fma(n, -_LN2_REST4, fma(n, -_LN2_4, x))
    p = fma(r, fma(r, fma(r, fma(r, fma(r, _E7, _E6), _E5), _E4), _E3), _E2)
    power = float_of(np.int32((bits_of(rounded) + np.int32(127)) << np.int32(23)))
    value = fma(r * r, p, r + _f4(1.0)) * power
    return _f4(0.0) if small else value


_LEAST8, _MOST8 = -708.0, 709.0  # below the exponential is 0, above it is that of the bound
_LN2, _LN2_REST = 0.6931471805599453, 2.3190468138462996e-17
_T2, _T3, _T4, _T5, _T6, _T7, _T8, _T9, _T10, _T11, _T12, _T13 = (
    1.0 / math.factorial(k) for k in range(2, 14)
)


def _exp8(x):
    x = at_most(_MOST8, x)
    small = x < _LEAST8
    x = at_least(_LEAST8, x)
    rounded = fma(x, _LOG2_E, _ROUNDER8)
    n = rounded - _ROUNDER8
    r = fma(n, -_LN2_REST, fma(n, -_LN2, x))
    p = fma(r, fma(r, fma(r, fma(r, fma(r, _T13, _T12), _T11), _T10), _T9), _T8)
    p = fma(r, fma(r, fma(r, fma(r, fma(r, fma(r, p, _T7), _T6), _T5), _T4), _T3), _T2)
    power = float_of((bits_of(rounded) + np.int64(1023)) << np.int64(52))
    value = (1.0 + fma(r * r, p, r)) * power
    return 0.0 if small else value


def exp(x):
    """Exponential of a scalar, to a relative 1e-7 in float32 (0 below 1e-38), 3e-16 in float64."""
    return type(x)(math.exp(min(x, 88.0 if isinstance(x, np.float32) else 709.0)))


@overload(exp, jit_options=SCALAR_OPTIONS)
def _exp_compiled(x):
    return _exp4 if x == types.float32 else _exp8


_TWO_54 = 2.0**54
_LEAST_NORMAL = 2.0**-1022
_HALF_ROOT = np.int64(0x3FE6A09E00000000)  # the first 32 bits of the square root of 1/2
_EXPONENT = np.int64(-(2**52))  # sign and exponent of a float64
# The part of log(2) whose products with exponents are exact, and the rest; and the coefficients of
# the logarithm's series in the square of f / (2 + f), fitted.
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
LOG_SERIES = (
    0.6666666666666735130,
    0.3999999999940941908,
    0.2857142874366239149,
    0.2222219843214978396,
    0.1818357216161805012,
    0.1531383769920937332,
    0.1479819860511658591,
)
_L1, _L2, _L3, _L4, _L5, _L6, _L7 = LOG_SERIES


def _log8(x):
    tiny = x < _LEAST_NORMAL
    bits = bits_of(x * _TWO_54 if tiny else x)
    # x is 2^n m, with m between the square roots of 1/2 and of 2.
    n = (bits - _HALF_ROOT) >> np.int64(52)
    f = float_of(bits - ((bits - _HALF_ROOT) & _EXPONENT)) - 1.0
    n_real = float(n) - (54.0 if tiny else 0.0)
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    rest = z * (_L1 + w * (_L3 + w * (_L5 + w * _L7))) + w * (_L2 + w * (_L4 + w * _L6))
    half = 0.5 * f * f
    value = n_real * LN2_HIGH - ((half - (s * (half + rest) + n_real * LN2_LOW)) - f)
    if x == np.inf:
        value = x
    if x <= 0.0:
        value = -np.inf if x == 0.0 else np.nan
    return value if x == x else x


def log(x):
    """Natural logarithm of a float32 or float64 scalar; -inf of 0, NaN below."""
    return type(x)(math.log(x) if x > 0 else -np.inf if x == 0 else np.nan)


@overload(log, jit_options=DEVICE_FUNCTION_OPTIONS)
def _log_compiled(x):
    if x == types.float32:
        return lambda x: _f4(log(np.float64(x)))
    return _log8


def log1p(x):
    """``log(1 + x)`` of a scalar x >= 0, exact near zero."""
    return type(x)(math.log1p(x))


@overload(log1p, jit_options=DEVICE_FUNCTION_OPTIONS)
def _log1p_compiled(x):
    def accurate(x):
        u = like(x, 1.0) + x
        return log(u) + (x - (u - like(x, 1.0))) / u

    return accurate


_HALF_LOG_2_PI = 0.9189385332046727
_G1, _G3, _G5, _G7 = 1 / 12, -1 / 360, 1 / 1260, -1 / 1680
_G9, _G11, _G13 = 1 / 1188, -691 / 360360, 1 / 156


def log_gamma(x):
    """Logarithm of the gamma function of a scalar x > 0."""
    return type(x)(math.lgamma(x))


@overload(log_gamma, jit_options=DEVICE_FUNCTION_OPTIONS)
def _log_gamma_compiled(x):
    kind = np.float32 if x == types.float32 else np.float64

    def stirling(x):
        big, product = float(x), 1.0
        while big < 10.0:
            product *= big
            big += 1.0
        s = 1.0 / (big * big)
        series = _G1 + s * (_G3 + s * (_G5 + s * (_G7 + s * (_G9 + s * (_G11 + s * _G13)))))
        value = (big - 0.5) * log(big) - big + _HALF_LOG_2_PI + series / big - log(product)
        return kind(value)

    return stirling


_PI_2, _PI_2_LOW, _PI_2_LEAST = 1.5707963267948966, 6.123233995736766e-17, -1.4973849048591833e-33
_2_PI = 2.0 / math.pi
_S3, _S5, _S7, _S9, _S11, _S13, _S15 = (
    (-1.0) ** (k // 2) / math.factorial(k) for k in range(3, 16, 2)
)
_C2, _C4, _C6, _C8, _C10, _C12, _C14, _C16 = (
    (-1.0) ** (k // 2) / math.factorial(k) for k in range(2, 17, 2)
)


def sine_cosine(x):
    """Sine and cosine of a float64 scalar, for |x| up to 10^6."""
    return math.sin(x), math.cos(x)


@overload(sine_cosine, jit_options=DEVICE_FUNCTION_OPTIONS)
def _sine_cosine_compiled(x):
    def reduced(x):
        n = fma(x, _2_PI, _ROUNDER8) - _ROUNDER8
        r = fma(n, -_PI_2_LEAST, fma(n, -_PI_2_LOW, fma(n, -_PI_2, x)))
        s = r * r
        p = fma(s, fma(s, fma(s, fma(s, fma(s, _S15, _S13), _S11), _S9), _S7), _S5)
        sine = fma(r * s, fma(s, p, _S3), r)
        p = fma(s, fma(s, fma(s, fma(s, fma(s, _C16, _C14), _C12), _C10), _C8), _C6)
        cosine = fma(s, fma(s, fma(s, p, _C4), _C2), 1.0)
        quarter = np.int64(n) & np.int64(3)
        if quarter & np.int64(1):
            sine, cosine = cosine, -sine
        return (-sine, -cosine) if quarter & np.int64(2) else (sine, cosine)

    return reduced


def power(base, n):
    """``base`` to the power of an integer n >= 0, by squaring."""
    return base**n


@overload(power, jit_options=DEVICE_FUNCTION_OPTIONS)
def _power_compiled(base, n):
    def by_squaring(base, n):
        value = 1.0
        while n > 0:
            if n & 1:
                value *= base
            base *= base
            n >>= 1
        return value

    return by_squaring
