"""Attention step by step: kept keys and values give the bits of whole windows read again."""

import pickle

import numpy as np
import pytest
from conftest import random_network

from tsrnn.kernels.sampling import Sampling
from tsrnn.kernels.sources import sequence_source
from tsrnn.network import Context, Transformer

N_TOKENS = 9
SHAPES = {
    "one layer": {"n_heads": 2},
    "deep": {"n_layers": 3, "n_heads": 4, "n_head": 5},
}
every_shape = pytest.mark.parametrize("shape", SHAPES)


def language_network(shape="one layer", dtype="float32"):
    return random_network(
        "attention",
        n_in=0,
        n_hidden=8,
        n_out=N_TOKENS,
        dtype=dtype,
        head="every",
        n_tokens=N_TOKENS,
        n_embedding=3,
        **SHAPES[shape],
    )


def first_of_window(t, n_steps):
    """Where the window of step t begins: windows begin every half of their length."""
    first = 0
    while t - first >= n_steps:
        first += max(n_steps // 2, 1)
    return first


def reread(network, text, t, n_steps):
    """Outputs for step t of series of tokens (n_series, n), all of its window read at once."""
    first = first_of_window(t, n_steps)
    window = text[:, first : t + 1]
    n_series, n = window.shape
    source = sequence_source(
        np.zeros((window.size, 0), network.parameters.dtype),
        n * np.arange(n_series),
        np.full(n_series, n),
        tokens=window.ravel(),
    )
    return network.predict(source, np.arange(n_series)).reshape(n_series, n, -1)[:, -1]


@every_shape
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_steps", [1, 2, 5, 8])
@pytest.mark.parametrize("n_series", [1, 20])
def test_steps_are_those_of_whole_windows(shape, dtype, n_steps, n_series):
    network = language_network(shape, dtype)
    text = np.random.default_rng(0).integers(0, N_TOKENS, (n_series, 19))
    context = Context(network, n_steps, n_series)
    for t in range(text.shape[1]):
        found = context.step(network.embed(text[:, t]))
        np.testing.assert_array_equal(found, reread(network, text, t, n_steps))


def test_no_output_depends_on_what_follows():
    network = language_network("deep")
    text = np.random.default_rng(0).integers(0, N_TOKENS, (3, 12))
    for n in (1, 4, 7):
        np.testing.assert_array_equal(
            reread(network, text, n - 1, 12), reread(network, text[:, :n], n - 1, 12)
        )


@pytest.mark.parametrize("n_steps", [1, 4, 7, 64])
@pytest.mark.parametrize("n_read", [1, 6])
def test_tokens_are_drawn_as_by_steps(n_steps, n_read):
    network, rng = language_network("deep"), np.random.default_rng(1)
    text, uniforms = rng.integers(0, N_TOKENS, (3, n_read)), rng.random((3, 25))
    drawn = Context(network, n_steps, 3).generate(text, uniforms, Sampling(temperature=0.8))
    context = Context(network, n_steps, 3)
    for token in text.T:
        scores = context.step(network.embed(token))
    for tokens, uniform in zip(drawn.T, uniforms.T, strict=True):
        shares = np.exp(scores.astype(float) / 0.8)
        shares = np.cumsum(shares, axis=1) / shares.sum(axis=1, keepdims=True)
        expected = [
            np.searchsorted(s, u, side="right") for s, u in zip(shares, uniform, strict=True)
        ]
        np.testing.assert_array_equal(tokens, expected)
        scores = context.step(network.embed(tokens))


@pytest.mark.parametrize("n_steps", [1, 2, 5, 8])
def test_what_is_read_last_is_enough(n_steps):
    network = language_network()
    text = np.random.default_rng(0).integers(0, N_TOKENS, (1, 30))
    whole = Context(network, n_steps)
    for n in range(1, 29):
        whole.step(network.embed(text[:, n - 1]))
        n_needed = Context.n_needed(n, n_steps)
        assert n_needed <= n_steps
        late = Context(network, n_steps)
        for t in range(n - n_needed, n):
            late.step(network.embed(text[:, t]))
        goes_on = pickle.loads(pickle.dumps(whole))
        x = network.embed(text[:, n])
        np.testing.assert_array_equal(late.step(x), goes_on.step(x))


def test_a_pickled_context_goes_on():
    network, rng = language_network(), np.random.default_rng(0)
    context = Context(network, 6, 2)
    rows = network.embed(rng.integers(0, N_TOKENS, (9, 2)))
    for row in rows[:4]:
        context.step(row)
    twin = pickle.loads(pickle.dumps(context))
    for row in rows[4:]:
        np.testing.assert_array_equal(context.step(row), twin.step(row))


def test_what_cannot_be_stepped():
    with pytest.raises(ValueError, match="head='last' counts positions from a sequence's end"):
        Context(Transformer(1, 8, 1), 4)
    context = Context(language_network(), 4)
    with pytest.raises(ValueError, match="must not be missing"):
        context.step(np.full((1, 3), np.nan))
    with pytest.raises(ValueError, match="tokens must be from 0 to 8"):
        context.generate([N_TOKENS], np.zeros((1, 1)), Sampling())
