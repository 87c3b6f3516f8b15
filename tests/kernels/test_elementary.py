"""Elementary functions, compiled and of NumPy arrays, against the C library's and SciPy's."""

import numba
import numpy as np
import pytest
from scipy import special

from tsrnn.kernels import elementary, portable
from tsrnn.kernels.jit.compile import NUMERICS

RNG = np.random.default_rng(0)
POSITIVE = np.concatenate(
    [
        10 ** RNG.uniform(-300, 300, 20_000),
        RNG.uniform(0.4, 3, 20_000),
        [5e-324, 1e-310, 1.0],
    ]
)
ANGLES = np.concatenate([RNG.uniform(-1e6, 1e6, 20_000), RNG.normal(size=20_000), [0.0]])


def mapped(function):
    """A compiled loop of a scalar function over an array."""

    @numba.njit(**NUMERICS)
    def loop(x):
        out = np.empty_like(x)
        for k in range(x.size):
            out[k] = function(x[k])
        return out

    return loop


@pytest.fixture(scope="module")
def compiled_log():
    return mapped(elementary.log)


@pytest.mark.parametrize("name", ["compiled", "portable"])
def test_logarithm(name, compiled_log):
    log = compiled_log if name == "compiled" else portable.log
    exact = np.log(POSITIVE.astype(np.longdouble)).astype(float)
    np.testing.assert_allclose(log(POSITIVE), exact, rtol=3e-16, atol=0)
    special_values = np.array([0.0, -1.0, -np.inf, np.inf, np.nan])
    np.testing.assert_array_equal(log(special_values), [-np.inf, np.nan, np.nan, np.inf, np.nan])


def test_logarithm_of_float32(compiled_log):
    x = POSITIVE[(POSITIVE > 1e-37) & (POSITIVE < 1e37)].astype(np.float32)
    assert compiled_log(x).dtype == np.float32
    np.testing.assert_allclose(compiled_log(x), np.log(x.astype(float)), rtol=1e-7)


def test_log1p_and_log_gamma():
    x = np.concatenate([10 ** RNG.uniform(-20, 0, 10_000), RNG.uniform(0, 3, 10_000), [0.0]])
    np.testing.assert_allclose(mapped(elementary.log1p)(x), np.log1p(x), rtol=4e-16)
    x = np.concatenate([RNG.uniform(0.1, 30, 10_000), 10 ** RNG.uniform(0, 8, 10_000)])
    np.testing.assert_allclose(
        mapped(elementary.log_gamma)(x), special.gammaln(x), rtol=1e-14, atol=2e-14
    )


def test_sine_and_cosine():
    @numba.njit(**NUMERICS)
    def loop(x):
        sine, cosine = np.empty_like(x), np.empty_like(x)
        for k in range(x.size):
            sine[k], cosine[k] = elementary.sine_cosine(x[k])
        return sine, cosine

    exact = np.stack([np.sin(ANGLES), np.cos(ANGLES)])
    np.testing.assert_allclose(loop(ANGLES), exact, rtol=0, atol=3e-16)
    np.testing.assert_allclose(portable.sine_cosine(ANGLES), exact, rtol=0, atol=3e-16)
    np.testing.assert_array_equal(portable.cosine(ANGLES), portable.sine_cosine(ANGLES)[1])


def test_power_by_squaring():
    power = numba.njit(**NUMERICS)(lambda base, n: elementary.power(base, n))
    for base in (0.9, 0.999, 1.5):
        for n in (0, 1, 2, 7, 1000):
            assert power(base, n) == pytest.approx(base**n, rel=1e-13)


def test_portable_exponential():
    x = np.concatenate([RNG.uniform(-700, 709, 20_000), RNG.normal(size=20_000)])
    exact = np.exp(x.astype(np.longdouble)).astype(float)
    np.testing.assert_allclose(portable.exp(x), exact, rtol=3e-16)
    far = np.array([np.inf, -np.inf, np.nan, -746.0, 0.0])
    np.testing.assert_array_equal(portable.exp(far), [np.inf, 0, np.nan, 0, 1])


def test_portable_softplus_and_power():
    x = np.concatenate([RNG.uniform(-600, 600, 1000), RNG.normal(size=1000)])
    np.testing.assert_allclose(portable.log1p_exp(x), np.logaddexp(0, x), rtol=1e-15)
    x = RNG.uniform(1e-3, 1e3, 1000)
    for exponent in (0.0, 0.3, 1.0, -0.7):
        np.testing.assert_allclose(portable.power(x, exponent), x**exponent, rtol=1e-14)


@pytest.mark.parametrize("n", [1, 2, 5, 16, 33])
def test_orthonormal_rows(n):
    rows = RNG.normal(size=(n, n))
    made = portable.orthonormal_rows(rows.copy())
    np.testing.assert_allclose(made @ made.T, np.eye(n), atol=1e-14)
    q, r = np.linalg.qr(rows.T)  # unique but for signs
    np.testing.assert_allclose(made, (q * np.sign(np.diag(r))).T, atol=1e-11)
