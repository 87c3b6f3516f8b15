import math

import numba
import numpy as np
import pytest

from tsrnn.kernels.activations import sigmoid, tanh
from tsrnn.kernels.elementary import exp
from tsrnn.kernels.jit.compile import NUMERICS

X = np.concatenate([np.linspace(-20, 20, 4001), [0.0, -0.0, 1e-30, 1e30, -1e30, np.inf, -np.inf]])


@numba.njit(**NUMERICS)
def _map_tanh(x):
    out = np.empty_like(x)
    for k in range(x.size):
        out[k] = tanh(x[k])
    return out


@numba.njit(**NUMERICS)
def _map_sigmoid(x):
    out = np.empty_like(x)
    for k in range(x.size):
        out[k] = sigmoid(x[k])
    return out


@numba.njit(**NUMERICS)
def _map_exp(x):
    out = np.empty_like(x)
    for k in range(x.size):
        out[k] = exp(x[k])
    return out


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-7), ("float64", 3e-16)])
def test_exponential(dtype, tolerance):
    x = np.linspace(-86, 87, 17_301).astype(dtype)
    assert _map_exp(x).dtype == dtype
    np.testing.assert_allclose(_map_exp(x), np.exp(x.astype(float)), rtol=tolerance)
    assert _map_exp(np.zeros(3, dtype)).tolist() == [1, 1, 1]
    far = np.array([-np.inf, -1e30, -200, np.nan], dtype)
    assert _map_exp(far)[:2].tolist() == [0, 0]
    assert float(_map_exp(far)[2]) < 1e-80
    assert np.isnan(_map_exp(far)[3])
    assert np.isfinite(_map_exp(np.full(9, 88, dtype))).all()
    plain = [exp(v) for v in x[::100]]
    np.testing.assert_allclose(plain, _map_exp(x[::100]), rtol=4e-7)
    assert type(plain[0]) is x.dtype.type


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 4e-7), ("float64", 3e-16)])
def test_close_to_the_exact_functions(dtype, tolerance):
    x = X.astype(dtype)
    exact = x.astype("float64")
    logistic = np.array([math.exp(min(v, 0.0)) / (1 + math.exp(-abs(v))) for v in exact])
    assert _map_tanh(x).dtype == _map_sigmoid(x).dtype == dtype
    np.testing.assert_allclose(_map_tanh(x), np.tanh(exact), rtol=0, atol=tolerance)
    np.testing.assert_allclose(_map_sigmoid(x), logistic, rtol=0, atol=tolerance)


def test_within_their_ranges(dtype):
    x = X.astype(dtype)
    assert (np.abs(_map_tanh(x)) <= 1).all()
    assert ((_map_sigmoid(x) >= 0) & (_map_sigmoid(x) <= 1)).all()


def test_nan_stays_nan(dtype):
    # A long array, so that the vectorised loop and its remainder are both met.
    x = np.full(67, np.nan, dtype)
    assert np.isnan(_map_tanh(x)).all()
    assert np.isnan(_map_sigmoid(x)).all()


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_plain_python_gives_the_same(kind):
    x = np.linspace(-9, 9, 101).astype(kind)
    # Compiled, a product and a sum round once, so both are as close as the test above asks.
    np.testing.assert_allclose([tanh(v) for v in x], _map_tanh(x), rtol=0, atol=4e-7)
    assert all(type(sigmoid(v)) is kind for v in x)


@numba.njit(**NUMERICS)
def _furthest(first, last, sign, errors):
    """Of the floats with these bits: how far each function is from its float64 formula.

    ``errors`` are those of tanh, of tanh relative to x or 1, of sigmoid, and of exp relative to it.
    """
    n = 4096
    x = np.empty(n, np.float32)
    bits = x.view(np.int32)
    for start in range(first, last, n):
        for k in range(n):
            bits[k] = start + k
        for k in range(n):
            x[k] = sign * x[k]
        a = b = c = d = 0.0
        for k in range(n):
            wide = np.float64(x[k])
            exact = tanh(wide)
            error = abs(np.float64(tanh(x[k])) - exact)
            a = max(a, error)
            b = max(b, error / min(abs(wide), 1.0))
            c = max(c, abs(np.float64(sigmoid(x[k])) - sigmoid(wide)))
            if abs(wide) < 86.0:
                d = max(d, abs(np.float64(exp(x[k])) / exp(wide) - 1.0))
        for k, value in enumerate((a, b, c, d)):
            errors[k] = max(errors[k], value)


@pytest.mark.slow
@pytest.mark.parametrize("sign", [1, -1])
def test_every_float32(sign):
    """All from 2^-14 to 2^7; below and beyond, where nothing is left to compute, some."""

    def bits(x):
        return int(np.float32(x).view(np.int32))

    errors = np.zeros(4)
    _furthest(bits(2.0**-14), bits(2.0**7), np.float32(sign), errors)
    assert errors[0] < 3.4e-7
    assert errors[1] < 3.4e-7
    assert errors[2] < 1.8e-7
    assert errors[3] < 1.2e-7
    small = np.arange(1, bits(2.0**-14), 1021, np.int32).view(np.float32) * np.float32(sign)
    np.testing.assert_allclose(_map_tanh(small), small, rtol=4e-7)
    np.testing.assert_allclose(_map_sigmoid(small), 0.5, atol=2.0**-15)
    np.testing.assert_allclose(_map_exp(small), 1.0, atol=2.0**-13)
    with np.errstate(invalid="ignore"):
        beyond = np.arange(bits(7.8), bits(np.inf) + 1, 65_537, np.int32).view(np.float32)
    assert (np.abs(_map_tanh(sign * beyond)) <= 1).all()
    assert ((_map_sigmoid(sign * beyond) >= 0) & (_map_sigmoid(sign * beyond) <= 1)).all()
