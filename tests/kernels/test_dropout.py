import naive
import numba
import numpy as np
import pytest
from conftest import random_network, training_steps

from tsrnn.kernels import dropout
from tsrnn.kernels.jit.compile import DEVICE_FUNCTION_OPTIONS
from tsrnn.kernels.sources import sequence_source
from tsrnn.training import Settings


@numba.njit(**DEVICE_FUNCTION_OPTIONS)
def apply_dropout(probability, seed, key, first_row, n_rows, values):
    of_values = dropout.dropout_of(probability, values[0])
    dropout.apply_dropout(of_values, seed, key, first_row, n_rows, values)


@numba.njit(**DEVICE_FUNCTION_OPTIONS)
def _hash_all(x, out):
    for k in range(x.size):
        out[k] = dropout.hash_bits(x[k])


def dropped(probability=0.3, seed=5, key=7, first_row=0, n_rows=40, n=50, dtype=np.float64):
    """Ones (n, n_rows) after dropout."""
    values = np.ones(n * n_rows, dtype)
    apply_dropout(probability, seed, key, first_row, n_rows, values)
    return values.reshape(n, n_rows)


def numbers(kind):
    """The first, the last and some other numbers below 2^32, or below 2^64."""
    rng = np.random.default_rng(0)
    top = 2**32 if kind == "int64" else 2**64
    return np.array([0, 1, 2, top - 1, *rng.integers(0, top, 100, "uint64")], kind)


@pytest.mark.parametrize("kind", ["int64", "uint64"])
def test_hash_against_naive(kind):
    x = numbers(kind)
    out = np.empty(x.size, np.uint64)
    _hash_all(x, out)
    np.testing.assert_array_equal(out, [naive.scramble(int(each)) for each in x])


def test_plain_python_hashes_the_same():
    for x in numbers("int64"):
        assert dropout.hash_bits(np.uint64(x)) == naive.scramble(int(x))


def test_every_bit_changes_every_other_half_the_time():
    x = np.random.default_rng(0).integers(0, 2**32, 2000)
    flipped = x ^ 2 ** np.arange(32)[:, None]
    out = np.empty(flipped.size, np.uint64), np.empty(flipped.size, np.uint64)
    _hash_all(np.tile(x, 32), out[0])
    _hash_all(flipped.ravel(), out[1])
    changed = (out[0] ^ out[1])[:, None] >> np.arange(32, dtype=np.uint64) & np.uint64(1)
    shares = changed.reshape(32, x.size, 32).mean(axis=1)  # by input bit and output bit
    np.testing.assert_allclose(shares, 0.5, atol=0.07)


@pytest.mark.parametrize("seed", [0, 5, 2**32 - 1])
@pytest.mark.parametrize("key", [0, 7, -1, -3])
def test_dropout_against_naive(seed, key):
    values = dropped(0.3, seed, key, first_row=32, n_rows=3)
    for row in range(3):
        expected = naive.kept(0.3, seed, key, 32 + row, len(values))
        np.testing.assert_allclose(values[:, row], expected, rtol=1e-15)


@pytest.mark.parametrize("probability", [0.05, 0.5, 0.9])
def test_drops_with_the_probability_and_keeps_the_mean(probability, dtype):
    values = dropped(probability, n_rows=100, n=400, dtype=dtype)
    assert values.dtype == dtype
    n = values.size
    deviation = np.sqrt(probability * (1 - probability) / n)
    assert abs((values == 0).mean() - probability) < 4 * deviation
    assert abs(values.mean() - 1) < 4 * deviation / (1 - probability)
    np.testing.assert_allclose(values[values != 0], 1 / (1 - probability), rtol=1e-6)


@pytest.mark.parametrize("axis", [0, 1], ids=["rows", "units"])
def test_neighbours_are_dropped_independently(axis):
    gone = (dropped(0.3, n_rows=100, n=400) == 0).astype(float)
    one, other = (np.delete(gone, end, axis).ravel() for end in (0, -1))
    assert abs(np.corrcoef(one, other)[0, 1]) < 4 / np.sqrt(gone.size)


def test_the_same_in_any_chunking():
    whole = dropped(n_rows=40)
    for size in (1, 16, 39):
        chunks = [
            dropped(first_row=first, n_rows=min(size, 40 - first)) for first in range(0, 40, size)
        ]
        np.testing.assert_array_equal(np.hstack(chunks), whole)


@pytest.mark.parametrize("changed", [{"seed": 6}, {"key": 8}, {"key": -7}, {"first_row": 40}])
def test_other_seeds_keys_and_rows_drop_others(changed):
    one, other = dropped() == 0, dropped(**changed) == 0
    both = (one & other).mean()
    assert abs(both - 0.3**2) < 4 * np.sqrt(0.09 * 0.91 / one.size)


@pytest.mark.parametrize("seed", [1, 2**32 - 1])
@pytest.mark.slow
def test_the_dropout_of_each_step_of_training(seed, workers):
    """The seed of a step is the hashed seed of the model plus the number of the step."""
    rng = np.random.default_rng(0)
    values, targets = rng.normal(size=(12, 2)), rng.normal(size=(3, 2))
    source = sequence_source(values, [0, 4, 8], [4, 4, 4], targets)
    network = random_network(n_in=2, n_out=2, n_layers=2)
    settings = Settings(loss="squared_error", dropout=0.4, recurrent_dropout=0.2)
    order = np.tile(np.arange(3), 3)
    _, _, losses = training_steps(
        network, source, order, settings, workers, rates=[0.0] * 3, seed=seed, n_batch=3
    )
    for step, (loss, _) in enumerate(losses, start=1):
        outputs = [
            naive.network(
                "lstm",
                network.views(),
                values[4 * row : 4 * row + 4],
                noise=(0.4, 0.2, naive.scramble(seed) + step, row),
            )[0]
            for row in range(3)
        ]
        expected = naive.mean_loss("squared_error", outputs, targets[:, None])
        assert loss == pytest.approx(expected, rel=1e-10)
