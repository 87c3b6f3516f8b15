"""Drawing classes from scores, against a plain loop."""

import naive
import numba
import numpy as np
import pytest

from tsrnn.kernels import sampling
from tsrnn.kernels.jit.compile import DEVICE_FUNCTION_OPTIONS
from tsrnn.kernels.sampling import Sampling, sampling_of


@numba.njit(**DEVICE_FUNCTION_OPTIONS)
def draw_all(scores, uniforms, row, probabilities, order, drawn):
    for k in range(uniforms.size):
        drawn[k] = sampling.draw(scores, uniforms[k], sampling_of(row), probabilities, order)


PLAIN = Sampling()


def draw(scores, uniforms, how=PLAIN):
    """The classes that numbers draw; what is in working memory does not matter."""
    scores, uniforms = np.asarray(scores), np.atleast_1d(np.asarray(uniforms, float))
    row = float(how.temperature), int(how.top_k), float(how.top_p)
    probabilities, order = np.full(scores.size, np.nan), np.full(scores.size, -1)
    drawn = np.empty(uniforms.size, np.int64)
    draw_all(scores, uniforms, row, probabilities, order, drawn)
    return drawn


def even(n):
    """Numbers of which every part of 0 to 1 has its share."""
    return (np.arange(n) + 0.5) / n


HOW = [
    Sampling(),
    Sampling(0.0),
    Sampling(0.3),
    Sampling(2.5),
    Sampling(1.0, 1),
    Sampling(0.8, 3),
    Sampling(1.0, 100),
    Sampling(1.0, 0, 0.7),
    Sampling(1.0, 0, 1e-9),
    Sampling(1.4, 0, 0.999),
    Sampling(1.0, 5, 0.8),
    Sampling(0.6, 2, 0.2),
]


@pytest.mark.parametrize("n", [1, 2, 3, 7, 32, 33])
@pytest.mark.parametrize("how", HOW, ids=str)
def test_draws_against_naive(how, n, dtype):
    rng = np.random.default_rng(n)
    for _ in range(5):
        scores = 3 * rng.normal(size=n).astype(dtype)
        scores[rng.random(n) < 0.3] = 0.5  # as probable as others
        expected = [naive.draw(scores, uniform, *how) for uniform in even(200)]
        np.testing.assert_array_equal(draw(scores, even(200), how), expected)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_classes_are_drawn_by_their_probabilities(temperature):
    scores = np.array([0.3, -1.0, 2.0, 0.0, 1.5])
    shares = np.exp(scores / temperature)
    shares /= shares.sum()
    counts = np.bincount(draw(scores, even(10000), Sampling(temperature)), minlength=5)
    np.testing.assert_allclose(counts / 10000, shares, atol=2e-4)


@pytest.mark.parametrize(
    ("how", "kept"),
    [
        (Sampling(1.0, 2), [4, 2]),
        (Sampling(1.0, 0, 0.35), [4]),
        (Sampling(1.0, 0, 0.45), [4, 2]),
        (Sampling(1.0, 0, 0.75), [4, 2, 0]),
        (Sampling(1.0, 3, 0.82), [4, 2]),  # which have 0.83 of what the three have
        (Sampling(1.0, 3, 0.85), [4, 2, 0]),
    ],
    ids=str,
)
def test_the_most_probable_share_the_numbers_out(how, kept):
    shares = np.array([0.14, 0.06, 0.3, 0.1, 0.4])
    counts = np.bincount(draw(np.log(shares), even(7000), how), minlength=5)
    of_kept = np.where(np.isin(np.arange(5), kept), shares, 0)
    np.testing.assert_allclose(counts / 7000, of_kept / of_kept.sum(), atol=3e-4)


def test_equally_probable_classes_come_in_their_order():
    np.testing.assert_array_equal(
        np.unique(draw(np.zeros(6), even(90), Sampling(1.0, 4))), range(4)
    )
    kept = draw(np.zeros(6), even(90), Sampling(1.0, 0, 0.5))
    np.testing.assert_array_equal(kept, np.repeat(range(3), 30))
    assert draw([1.0, 2.0, 2.0], 0.9, Sampling(0.0)) == [1]


@pytest.mark.parametrize("how", HOW, ids=str)
def test_what_can_not_be_is_not_drawn(how, dtype):
    """A score of minus infinity."""
    scores = np.array([-np.inf, 0.1, -np.inf, 0.2, 0.1, -np.inf], dtype)
    drawn = draw(scores, [0.0, *even(50)], how)
    assert set(drawn) <= {1, 3, 4}
    few = np.full(5, -np.inf)
    few[3] = -7.0
    np.testing.assert_array_equal(draw(few, even(20), how), 3)


@pytest.mark.parametrize("how", HOW, ids=str)
def test_rounding_draws_nothing_that_can_not_be(how):
    """The largest number below 1 may be beyond the sum of all probabilities."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        scores = rng.normal(size=50)
        scores[[0, 20, 49]] = -np.inf
        (drawn,) = draw(scores, np.nextafter(1.0, 0.0), how)
        assert np.isfinite(scores[drawn])


@pytest.mark.parametrize("how", HOW, ids=str)
def test_scores_of_any_size(how, dtype):
    """Only differences count, however large the scores are."""
    scores = np.array([0.5, -2.0, 1.0, 3.0, 0.0], dtype)
    expected = draw(scores, even(100), how)
    for shift in (-4096.0, 4096.0):  # which rounds none of them
        np.testing.assert_array_equal(
            draw(scores + scores.dtype.type(shift), even(100), how), expected
        )
    far = draw(np.array([1e30, -1e30, 0.0], dtype), even(100), how)
    np.testing.assert_array_equal(far, 0)


def test_a_large_vocabulary():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=5000).astype("float32")
    for how in (Sampling(), Sampling(0.7, 40), Sampling(1.0, 0, 0.9)):
        uniforms = rng.random(20)
        expected = [naive.draw(scores, uniform, *how) for uniform in uniforms[:3]]
        np.testing.assert_array_equal(draw(scores, uniforms, how)[:3], expected)
