"""Functions of NumPy arrays that round the same on every processor.

NumPy's logarithm, exponential, sine and cosine and the BLAS differ by processor in the last bits;
elementwise products, sums, roots and comparisons do not. Formulas as in ``kernels.elementary``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from tsrnn.kernels.elementary import LN2_HIGH, LN2_LOW, LOG_SERIES
from tsrnn.kernels.jit.compile import Kernel, kernel_factory

_EXP = [1.0 / math.factorial(k) for k in range(2, 14)]
# pi / 2 in parts; products of all but the last with small integers are exact.
_HALF_PI = 1.57079632673412561417, 6.07710050630396597660e-11, 2.02226624879595063154e-21
_SINE = [(-1.0) ** (k // 2) / math.factorial(k) for k in range(3, 18, 2)]
_COSINE = [(-1.0) ** (k // 2) / math.factorial(k) for k in range(2, 17, 2)]


def _polynomial(x, coefficients):
    value = np.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value *= x
        value += coefficient
    return value


def log(x: ArrayLike) -> np.ndarray:
    """Natural logarithm, as ``np.log``: -inf of 0, NaN below."""
    x = np.asarray(x, float)
    is_regular = (x > 0) & (x < np.inf)
    fraction, n = np.frexp(np.where(is_regular, x, 1.0))
    low = fraction < math.sqrt(0.5)
    fraction, n = np.where(low, 2 * fraction, fraction), n - low
    f = fraction - 1
    s = f / (2 + f)
    z = s * s
    half = 0.5 * f * f
    rest = z * _polynomial(z, LOG_SERIES)
    value = n * LN2_HIGH - ((half - (s * (half + rest) + n * LN2_LOW)) - f)
    special_value = np.where(x == 0, -np.inf, np.where(x > 0, x, np.nan))
    return np.where(is_regular, value, special_value)


def exp(x: ArrayLike) -> np.ndarray:
    """Exponential, as ``np.exp``."""
    x = np.asarray(x, float)
    is_regular = np.abs(x) < 750
    inside = np.where(is_regular, x, 0.0)
    n = np.rint(inside * 1.44269504088896341)
    r = (inside - n * LN2_HIGH) - n * LN2_LOW
    value = np.ldexp(1 + (r + r * r * _polynomial(r, _EXP)), n.astype(int))
    return np.where(is_regular, value, np.where(x > 0, np.inf, np.where(x < 0, 0.0, x)))


def log1p_exp(x: ArrayLike) -> np.ndarray:
    """``log(1 + exp(x))``, the softplus, without overflow or loss of small values."""
    x = np.asarray(x, float)
    small = exp(-np.abs(x))
    u = 1 + small
    return np.maximum(x, 0) + (log(u) + (small - (u - 1)) / u)


def power(x: ArrayLike, exponent: float) -> np.ndarray:
    """Positive numbers to the power of a real exponent."""
    x = np.asarray(x, float)
    if exponent in (0.0, 1.0):
        return x if exponent else np.ones_like(x)
    return exp(exponent * log(x))


def sine_cosine(x: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Sine and cosine of angles in radians, up to 10^6."""
    x = np.asarray(x, float)
    n = np.rint(x * (2 / math.pi))
    r = x
    for part in _HALF_PI:
        r = r - n * part
    s = r * r
    sine, cosine = r + r * s * _polynomial(s, _SINE), 1 + s * _polynomial(s, _COSINE)
    quarter = n.astype(np.int64) & 3
    odd, negative = quarter & 1 == 1, quarter & 2 == 2
    sine, cosine = np.where(odd, cosine, sine), np.where(odd, -sine, cosine)
    return np.where(negative, -sine, sine), np.where(negative, -cosine, cosine)


def cosine(x: ArrayLike) -> np.ndarray:
    """Cosine of angles in radians, up to 10^6."""
    return sine_cosine(x)[1]


def orthonormal_rows(rows: np.ndarray) -> np.ndarray:
    """Make the rows of a square float64 matrix orthonormal, in order and in place."""
    _gram_schmidt()(1, rows)
    return rows


@kernel_factory
def _gram_schmidt():
    def gram_schmidt(n_tasks, rows):
        n = rows.shape[0]
        n_fours = n // 4 * 4
        for i in range(n):
            row = rows[i]
            for _ in range(2):  # twice, for the error that rounding left
                for j in range(i + 1):
                    other = rows[j]
                    a = b = c = d = 0.0  # four independent sums
                    for k in range(0, n_fours, 4):
                        a += row[k] * other[k]
                        b += row[k + 1] * other[k + 1]
                        c += row[k + 2] * other[k + 2]
                        d += row[k + 3] * other[k + 3]
                    for k in range(n_fours, n):
                        a += row[k] * other[k]
                    product = (a + b) + (c + d)
                    if i == j:
                        scale = 1.0 / math.sqrt(product)
                        for k in range(n):
                            row[k] *= scale
                    else:
                        for k in range(n):
                            row[k] -= product * other[k]

    return Kernel(gram_schmidt, "gram-schmidt")
