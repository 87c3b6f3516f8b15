"""What passes through a network, against the slow twin and its central differences."""

import naive
import numpy as np
import pytest
from conftest import random_network

from tsrnn.kernels import cells
from tsrnn.kernels.sources import sequence_source
from tsrnn.network.trace import trace

pytestmark = pytest.mark.slow

LENGTHS = np.array([6, 4, 1])
FIRSTS = np.array([0, 6, 10])
RNG = np.random.default_rng(2)
VALUES, TARGETS = RNG.normal(size=(11, 2)), RNG.normal(size=(3, 2))
SOURCE = sequence_source(VALUES, FIRSTS, LENGTHS, TARGETS)
WINDOWS = np.arange(3)
SHAPES = {
    "plain": {},
    "layers": {"n_layers": 2},
    "residual": {"n_layers": 3, "residual": True},
    "bidirectional": {"n_layers": 2, "bidirectional": True},
}


def slow_walk(network, x, layer=0, nudge=None):
    """h and c after each step of a network of one direction, by the slow twin's cells.

    ``nudge`` is (layer, step, vector), which is added to that h.
    """
    views, n = network.views(), network.n_hidden
    step = naive.CELLS[network.cell]
    rows = x
    for k in range(network.n_layers):
        weights = {
            name: views[f"{name}_l{k}"] for name in ("weight_hidden", "bias", "weight_input")
        }
        h, c, states, said = np.zeros(n), np.zeros(n), [], []
        for t, row in enumerate(rows):
            h, c = step(weights, h, h, c, row)
            if nudge is not None and nudge[:2] == (k, t):
                h = h + nudge[2]
            states.append((h, c))
            said.append(h + row if network.residual and k > 0 else h)
        if k == layer:
            found = states
        rows = np.array(said)
    out = views["head_weight"] @ rows[-1] + views["head_bias"]
    return found, out


@pytest.mark.parametrize("shape", ["plain", "layers", "residual"])
@pytest.mark.parametrize("cell", cells.NAMES)
def test_states_of_every_layer_and_step(cell, shape):
    network = random_network(cell, n_in=2, n_hidden=3, n_out=2, **SHAPES[shape])
    found = trace(network, SOURCE, WINDOWS)
    for row, (first, length) in enumerate(zip(FIRSTS, LENGTHS, strict=True)):
        x = VALUES[first : first + length]
        assert found.first_steps[row] == 6 - length
        for layer in range(network.n_layers):
            (walk,) = found.layer_traces[layer]
            states, out = slow_walk(network, x, layer)
            hidden = np.array([h for h, _ in states])
            np.testing.assert_allclose(walk.hidden[row, 6 - length :], hidden, rtol=1e-10)
            np.testing.assert_allclose(walk.before[row, 7 - length :], hidden[:-1], rtol=1e-10)
            assert np.isnan(walk.hidden[row, : 6 - length]).all()
            if cells.find(cell).N_STATE:
                states = [c for _, c in states]
                np.testing.assert_allclose(walk.state[row, 6 - length :, 0], states, rtol=1e-10)
        np.testing.assert_array_equal(found.layer_traces[0][0].inputs[row, 6 - length :], x)
        np.testing.assert_allclose(found.outputs[row, 0], out, rtol=1e-10)


@pytest.mark.parametrize("shape", ["plain", "layers", "residual"])
@pytest.mark.parametrize("cell", cells.NAMES)
def test_the_gradient_of_each_h(cell, shape):
    """Central differences of the loss by a nudge of one h, whose gradient goes by all ways on."""
    network = random_network(cell, n_in=2, n_hidden=3, n_out=2, **SHAPES[shape])
    found = trace(network, SOURCE, WINDOWS, loss="squared_error")

    def loss(row, nudge):
        x = VALUES[FIRSTS[row] : FIRSTS[row] + LENGTHS[row]]
        return ((slow_walk(network, x, 0, nudge)[1] - TARGETS[row]) ** 2).sum()

    for row, length in enumerate(LENGTHS):
        for layer in range(network.n_layers):
            (walk,) = found.layer_traces[layer]
            assert np.isnan(walk.grad_hidden[row, : 6 - length]).all()
            for t in range(length):
                slopes = [
                    (loss(row, (layer, t, e)) - loss(row, (layer, t, -e))) / 2e-6
                    for e in 1e-6 * np.eye(3)
                ]
                np.testing.assert_allclose(
                    walk.grad_hidden[row, 6 - length + t], slopes, rtol=1e-6, atol=1e-8
                )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", cells.NAMES)
def test_a_given_gradient_goes_back(cell, shape):
    """Of one output; what comes to the inputs are central differences of predictions."""
    network = random_network(cell, n_in=2, n_hidden=3, n_out=2, **SHAPES[shape])
    grad_outputs = np.zeros((3, 1, 2))
    grad_outputs[:, 0, 1] = 1
    found = trace(network, SOURCE, WINDOWS, grad_outputs=grad_outputs)
    grad_x = 0
    for direction, walk in enumerate(found.layer_traces[0]):
        weights = network.views()["weight_input_l0" + ("_reverse" if direction else "")]
        grad_x = grad_x + np.einsum("ntbh,bhk->ntk", walk.grad_gates, weights)
    said = network.predict(SOURCE, WINDOWS).reshape(3, 2)
    np.testing.assert_allclose(found.outputs[:, 0], said, rtol=1e-12)
    for place in range(11):
        for channel in range(2):
            row = np.searchsorted(FIRSTS, place, side="right") - 1
            moved = []
            for e in (1e-6, -1e-6):
                values = VALUES.copy()
                values[place, channel] += e
                moved.append(
                    network.predict(sequence_source(values, FIRSTS, LENGTHS), WINDOWS)[row, 1]
                )
            t = 6 - LENGTHS[row] + place - FIRSTS[row]
            slope = (moved[0] - moved[1]) / 2e-6
            np.testing.assert_allclose(grad_x[row, t, channel], slope, rtol=1e-6, atol=1e-8)
