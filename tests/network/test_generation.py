"""Tokens that a recurrent network draws, against stepping by hand, to the bit."""

import naive
import numpy as np
import pytest
from conftest import random_network

from tsrnn.kernels import cells
from tsrnn.kernels.sampling import Sampling
from tsrnn.network import Memory

pytestmark = pytest.mark.slow

N_TOKENS = 11
SHAPES = {
    "plain": {"n_embedding": 3},
    "layers": {"n_embedding": 2, "n_layers": 2, "residual": True},
    "tied": {"n_embedding": 6, "tied": True},
    "tied hidden head": {"n_embedding": 4, "tied": True, "n_head": 4, "head": "every"},
}
HOW = [Sampling(), Sampling(0.0), Sampling(0.6, 4), Sampling(1.3, 0, 0.8), Sampling(1.0, 5, 0.7)]


def language_model(cell, shape=SHAPES["plain"], dtype="float32", n_hidden=6):
    return random_network(cell, 0, n_hidden, N_TOKENS, dtype, n_tokens=N_TOKENS, **shape)


def by_hand(memory, tokens, uniforms, how):
    """Tokens drawn one after another, from the outputs for the one before."""
    network, drawn = memory.network, []
    for column in tokens.T[:-1]:
        memory.step(network.embed(column))
    last = tokens[:, -1]
    for column in uniforms.T:
        scores = memory.step(network.embed(last))
        last = np.array(
            [naive.draw(row, uniform, *how) for row, uniform in zip(scores, column, strict=True)]
        )
        drawn.append(last)
    return np.stack(drawn, axis=1)


@pytest.mark.parametrize("n_series", [1, 5, 37])
@pytest.mark.parametrize(
    ("cell", "shape", "how"),
    [(cell, "plain", HOW[0]) for cell in cells.NAMES]
    + [("gru", shape, HOW[0]) for shape in SHAPES if shape != "plain"]
    + [("lstm", "layers", how) for how in HOW],
    ids=str,
)
def test_bits_are_those_of_steps_by_hand(cell, shape, how, n_series):
    network, rng = language_model(cell, SHAPES[shape]), np.random.default_rng(n_series)
    states = rng.normal(size=(n_series, network.state_width))
    memory, twin = Memory(network, n_series, states), Memory(network, n_series, states)
    for n_read, n in ((1, 15), (4, 9), (2, 1)):  # each goes on from the one before
        tokens, uniforms = rng.integers(0, N_TOKENS, (n_series, n_read)), rng.random((n_series, n))
        drawn = memory.generate(tokens, uniforms, how)
        np.testing.assert_array_equal(drawn, by_hand(twin, tokens, uniforms, how))
        np.testing.assert_array_equal(memory.states, twin.states)
    assert how.temperature == 0 or len(np.unique(drawn)) > 1 or n_series == 1


def test_outputs_are_those_of_plain_loops():
    network = language_model("lstm", SHAPES["layers"], "float64")
    tokens, uniforms = np.array([[2, 7, 1]]), np.random.default_rng(0).random((1, 12))
    text = list(tokens[0])
    for uniform in uniforms[0]:
        x = naive.embedded(network.views(), text, np.empty((len(text), 0)))
        scores = naive.network("lstm", network.views(), x, {"residual": True})[0][0]
        text.append(naive.draw(scores, uniform))
    drawn = Memory(network).generate(tokens, uniforms, Sampling())
    assert drawn[0].tolist() == text[3:]


def test_nothing_drawn_reads_all_but_the_last_token():
    network = language_model("gru")
    memory, twin = Memory(network, 2), Memory(network, 2)
    tokens = np.array([[1, 2, 3], [4, 5, 6]])
    assert memory.generate(tokens, np.empty((2, 0)), Sampling()).shape == (2, 0)
    for column in tokens.T[:-1]:
        twin.step(network.embed(column))
    np.testing.assert_array_equal(memory.states, twin.states)


def test_thousands_of_streams_on_any_number_of_threads():
    network = language_model("gru", n_hidden=100)
    n_series, rng = 2**17 // 100 + 5, np.random.default_rng(0)
    tokens, uniforms = rng.integers(0, N_TOKENS, (n_series, 2)), rng.random((n_series, 4))
    one, two = (Memory(network, n_series, n_jobs=n_jobs) for n_jobs in (1, 2))
    drawn = one.generate(tokens, uniforms, HOW[2])
    np.testing.assert_array_equal(two.generate(tokens, uniforms, HOW[2]), drawn)
    np.testing.assert_array_equal(one.states, two.states)
    few = Memory(network, 20)  # in chunks of fewer rows
    np.testing.assert_array_equal(few.generate(tokens[:20], uniforms[:20], HOW[2]), drawn[:20])


# What can not be drawn


@pytest.mark.parametrize("tokens", [[-1], [N_TOKENS], [3, N_TOKENS], [[-1, 0]]], ids=str)
def test_tokens_that_are_none(tokens):
    memory = Memory(language_model("lstm"))
    with pytest.raises(ValueError, match="tokens must be from 0 to 10"):
        memory.generate(np.array(tokens), np.empty((1, 2)), Sampling())


@pytest.mark.parametrize(
    "shape",
    [
        {"n_in": 1, "n_out": 5, "n_tokens": 5, "n_embedding": 2},
        {"n_in": 0, "n_out": 4, "n_tokens": 5, "n_embedding": 2},
        {"n_in": 5, "n_out": 5},
    ],
    ids=str,
)
def test_networks_that_write_no_tokens(shape):
    memory = Memory(random_network("lstm", **shape))
    with pytest.raises(ValueError, match="reads tokens alone and has an output for each"):
        memory.generate(np.array([1]), np.empty((1, 2)), Sampling())


@pytest.mark.parametrize("head", ["mean", "max", "attend"])
def test_networks_that_pool_do_not_go_on(head):
    with pytest.raises(ValueError, match=f"head='{head}' pools the steps"):
        Memory(random_network(head=head))
