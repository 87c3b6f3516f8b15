import numba
import numpy as np
import pytest

from tsrnn.kernels import products
from tsrnn.kernels.compile import LEAF_OPTIONS
from tsrnn.kernels.threads import claim_threads

# Each: the exact product, and the shapes of its two factors and of its result for 7 rows.
CASES = {
    "apply": (lambda weights, x: weights @ x, (5, 3), (3, 7), (5, 7)),
    "apply_transposed": (lambda weights, x: weights.T @ x, (3, 5), (3, 7), (5, 7)),
    "outer": (lambda a, b: a @ b.T, (5, 7), (3, 7), (5, 3)),
}
WEIGHTS = {"apply": 0, "apply_transposed": 0, "outer": 2}  # which of them is 2-D


@pytest.mark.parametrize(
    ("name", "add"),
    [
        ("apply", False),
        ("apply_transposed", False),
        ("apply_transposed", True),
        ("outer", False),
        ("outer", True),
    ],
)
@pytest.mark.parametrize("wide", [False, True], ids=["whole", "block of wider weights"])
def test_against_numpy(name, add, wide, dtype):
    exact, *shapes = CASES[name]
    leaf = getattr(products, name)
    rng = np.random.default_rng(0)
    matrices = [rng.normal(size=shape).astype(dtype) for shape in shapes]
    expected = exact(*(m.astype(float) for m in matrices[:2])) + (matrices[2] if add else 0)

    def run(function):
        arguments = [m.ravel().copy() for m in matrices]
        weights = WEIGHTS[name]
        width = shapes[weights][1]
        whole = np.zeros((shapes[weights][0], width + 2 * wide), dtype)
        arguments[weights] = whole[:, 2 * wide : 2 * wide + width]
        arguments[weights][:] = matrices[weights]
        if name != "apply":
            arguments.insert(2, add)
        function(*arguments)
        return arguments[-1].reshape(shapes[2])

    compiled = numba.njit(**LEAF_OPTIONS)(
        (lambda a, b, add, out: leaf(a, b, add, out))
        if name != "apply"
        else (lambda a, b, out: leaf(a, b, out))
    )
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    with claim_threads(1):
        np.testing.assert_allclose(run(compiled), expected, rtol=tolerance)
    np.testing.assert_allclose(run(leaf), expected, rtol=tolerance)


def test_what_was_in_the_output_does_not_matter():
    compiled = numba.njit(**LEAF_OPTIONS)(lambda a, b, out: products.apply(a, b, out))
    out = np.full(15, np.nan)
    with claim_threads(1):
        compiled(np.ones((5, 7)), np.ones(21), out)
    np.testing.assert_array_equal(out, 7.0)
