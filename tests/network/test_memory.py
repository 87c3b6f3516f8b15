import numpy as np
import pytest
from conftest import random_network

from tsrnn.kernels import cells
from tsrnn.kernels.jit.threads import available_threads
from tsrnn.kernels.sources import sequence_source
from tsrnn.network import Memory

pytestmark = pytest.mark.slow

SHAPES = {
    "last": {},
    "every": {"head": "every"},
    "layers": {"n_layers": 3, "residual": True, "n_head": 3},
    "horizons": {"head": "horizons", "n_horizons": 3},
}


def observations(n_series, n_time, dtype="float64"):
    return np.random.default_rng(1).normal(size=(n_series, n_time, 2)).astype(dtype)


def predict(network, x):
    """What the network says of whole series, and their final states."""
    n_series, n_time, _ = x.shape
    values = x.reshape(-1, 2)
    source = sequence_source(values, np.arange(n_series) * n_time, np.full(n_series, n_time))
    states = np.zeros((n_series, network.state_width), network.parameters.dtype)
    return network.predict(source, np.arange(n_series), states=states), states


def walk(memory, x):
    """What the memory says at each time, (n_series, n_time, outputs)."""
    return np.stack([memory.step(x[:, t]).copy() for t in range(x.shape[1])], axis=1)


@pytest.mark.parametrize("cell", cells.NAMES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n_series", [1, 37])
def test_steps_over_a_sequence_are_the_whole_sequence(cell, shape, n_series):
    network = random_network(cell, n_in=2, n_hidden=4, **SHAPES[shape])
    x = observations(n_series, 6)
    expected, states = predict(network, x)
    memory = Memory(network, n_series)
    said = walk(memory, x)
    found = said if shape == "every" else said[:, -1]
    np.testing.assert_allclose(found.reshape(n_series, -1), expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(memory.states, states, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32"])
@pytest.mark.parametrize("n_hidden", [8, 150])
def test_thousands_of_series_on_any_number_of_threads(n_hidden, dtype):
    network = random_network("gru", n_in=2, n_hidden=n_hidden, dtype=dtype)
    n_series = 2**17 // n_hidden + 5
    x = observations(n_series, 3, dtype)
    one, two = (Memory(network, n_series, n_jobs=n_jobs) for n_jobs in (1, 2))
    assert (len(one._work), len(two._work)) == (1, min(2, available_threads()))
    expected, states = predict(network, x)
    said = walk(one, x)
    np.testing.assert_array_equal(walk(two, x), said)
    np.testing.assert_array_equal(one.states, two.states)
    np.testing.assert_allclose(said[:, -1], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(one.states, states, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_missing_observation_keeps_the_state(cell, shape):
    """Of its own series alone; what is said is what was said before."""
    network = random_network(cell, n_in=2, n_hidden=4, **SHAPES[shape])
    x = observations(37, 5)
    memory, twin = Memory(network, 37), Memory(network, 37)
    said, _ = walk(memory, x[:, :4]), walk(twin, x[:, :4])
    before = memory.states.copy()
    gone = np.zeros(37, bool)
    gone[[0, 3, *range(16, 32)]] = True  # some of one chunk, all of the next
    x[gone, 4, 1] = np.nan
    again = memory.step(x[:, 4])
    np.testing.assert_array_equal(memory.states[gone], before[gone])
    np.testing.assert_allclose(again[gone], said[gone, -1], rtol=1e-12)
    untouched = twin.step(np.nan_to_num(x[:, 4]))
    np.testing.assert_array_equal(again[~gone], untouched[~gone])
    np.testing.assert_array_equal(memory.states[~gone], twin.states[~gone])
    assert np.isfinite(memory.states).all()


def test_a_memory_goes_on_from_states():
    network = random_network(n_in=2)
    x = observations(3, 7)
    _, states = predict(network, x[:, :4])
    begin = states.copy()
    memory = Memory(network, 3, states)
    np.testing.assert_allclose(walk(memory, x[:, 4:])[:, -1], predict(network, x)[0], rtol=1e-10)
    np.testing.assert_array_equal(states, begin)  # copied


def test_states_may_be_written_to():
    """A series that begins anew."""
    network = random_network(n_in=2)
    x = observations(20, 5)
    memory, new = Memory(network, 20), Memory(network, 20)
    walk(memory, x[:, :3])
    others = np.arange(20) != 4
    untouched = memory.states[others].copy()
    memory.states[4] = 0
    np.testing.assert_array_equal(memory.states[others], untouched)
    said, expected = walk(memory, x[:, 3:]), walk(new, x[:, 3:])
    np.testing.assert_allclose(said[4], expected[4], rtol=1e-12)
    assert (said[others] != expected[others]).any(axis=(1, 2)).all()


def test_observations_are_not_touched():
    x = observations(3, 1)[:, 0]
    x[1, 0] = np.nan
    before = x.copy()
    x.flags.writeable = False
    Memory(random_network(n_in=2), 3).step(x)
    np.testing.assert_array_equal(x, before)


def test_single_series_of_lists_and_integers():
    network = random_network(n_in=2)
    expected, _ = predict(network, np.ones((1, 1, 2)))
    for x in ([[1, 1]], [1.0, 1.0], np.ones((1, 2), int)):
        np.testing.assert_allclose(Memory(network).step(x), expected)


def test_bidirectional_networks_have_no_memory():
    with pytest.raises(ValueError, match="bidirectional"):
        Memory(random_network(bidirectional=True))


@pytest.mark.parametrize("shape", [(2, 10), (3, 9), (10,)])
def test_states_of_another_shape(shape):
    network = random_network(n_hidden=5)
    assert network.state_width == 10
    with pytest.raises(ValueError, match=r"\(3, 10\)"):
        Memory(network, 3, np.zeros(shape))
