import numba
import numpy as np
import pytest

from tsrnn.kernels import products
from tsrnn.kernels.compile import LEAF_OPTIONS, claim_threads

CASES = {
    "product": (lambda a, b: a @ b, (5, 7), (7, 3)),
    "product_of_transposed": (lambda a, b: a.T @ b, (7, 5), (7, 3)),
    "product_by_transposed": (lambda a, b: a @ b.T, (5, 7), (3, 7)),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("wide", [False, True], ids=["whole", "block of a wider matrix"])
@pytest.mark.parametrize("add", [False, True])
def test_against_numpy(name, wide, add, dtype):
    exact, *shapes = CASES[name]
    leaf = getattr(products, name)
    compiled = numba.njit(**LEAF_OPTIONS)(lambda a, b, add, out: leaf(a, b, add, out))
    rng = np.random.default_rng(0)

    def matrix(shape):
        extra = 2 * wide
        whole = rng.normal(size=(shape[0], shape[1] + extra)).astype(dtype)
        return whole[:, extra : extra + shape[1]]

    a, b, out = matrix(shapes[0]), matrix(shapes[1]), matrix((5, 3))
    out[0, 0] = 7.0
    in_python = out.copy()
    expected = exact(a.astype(float), b.astype(float)) + (out if add else 0)
    with claim_threads(1):
        compiled(a, b, add, out)
    leaf(a, b, add, in_python)
    np.testing.assert_allclose(out, expected, rtol=1e-5 if dtype == "float32" else 1e-12)
    np.testing.assert_allclose(in_python, expected, rtol=1e-5 if dtype == "float32" else 1e-12)


def test_what_was_in_the_output_does_not_matter():
    compiled = numba.njit(**LEAF_OPTIONS)(lambda a, b, out: products.product(a, b, False, out))
    out = np.full((5, 3), np.nan)
    with claim_threads(1):
        compiled(np.ones((5, 7)), np.ones((7, 3)), out)
    np.testing.assert_array_equal(out, 7.0)
