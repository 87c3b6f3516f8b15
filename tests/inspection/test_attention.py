"""What is seen inside of a Transformer, against the slow twin and its central differences."""

import naive
import numpy as np
import pytest

from tsrnn import RNNForecaster, RNNRegressor
from tsrnn.datasets import load_airline
from tsrnn.inspection import (
    attention_weights,
    gates,
    gradient_flow,
    input_sensitivity,
    jacobian_spectrum,
    memory_half_life,
    states,
)

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(3)
X, N_TIME, N_HEADS, N_LAYERS = RNG.normal(size=(12, 5)), 5, 2, 2
Y = X[:, 0] - X[:, -1]
E = 1e-6


@pytest.fixture(scope="module")
def regressor():
    return RNNRegressor(
        cell="attention",
        hidden_size=4,
        n_heads=N_HEADS,
        n_layers=N_LAYERS,
        max_iter=20,
        batch_size=4,
        dtype="float64",
        learning_rate_init=0.02,
    ).fit(X, Y)


def run_naive(regressor, row, nudge=None):
    """Streams before and after each layer, and the output."""
    x = ((X[row] - regressor.X_mean_) / regressor.X_scale_)[:, None]
    views = regressor.network_.views()
    result = naive.attention(views, x, N_HEADS, nudge=nudge)
    return result, views["head_weight"] @ result[-1][-1] + views["head_bias"]


def test_states_are_what_leaves_each_layer(regressor):
    frame = states(regressor, X)
    for row in (0, 7):
        result, _ = run_naive(regressor, row)
        own = frame.loc[row]
        np.testing.assert_allclose(own["l0", "hidden"], result[1], rtol=1e-9)
        np.testing.assert_allclose(own["l1", "hidden"].iloc[-1], result[2][-1], rtol=1e-9)
        assert own["l1", "hidden"].iloc[:-1].isna().all(axis=None)


def test_gradient_flow(regressor):
    """Norms of central differences, by a nudge of what comes into a layer at a step."""
    frame = gradient_flow(regressor, X[:1], Y[:1])
    target = (Y[0] - regressor.y_mean_) / regressor.y_scale_
    for layer in range(N_LAYERS):
        for t in range(N_TIME):
            ends = [
                [((run_naive(regressor, 0, (layer, t, e))[1] - target) ** 2).sum() for e in (e, -e)]
                for e in E * np.eye(4)
            ]
            slopes = [(a - b) / (2 * E) for a, b in ends]
            result = frame.loc[N_TIME - 1 - t, (f"l{layer}", "hidden")]
            assert result == pytest.approx(np.linalg.norm(slopes), rel=1e-6, abs=1e-9)
    norms = {"hidden", "hidden_lower", "hidden_upper"}
    assert set(frame.columns.get_level_values("norm")) == norms


def test_input_sensitivity(regressor):
    frame = input_sensitivity(regressor, X[:2])
    for row in (0, 1):
        for t in range(N_TIME):
            moved = []
            for e in (E, -E):
                near = X[:2].copy()
                near[row, t] += e * regressor.X_scale_[0]
                moved.append(regressor._outputs(near)[0][row, 0])
            slope = (moved[0] - moved[1]) / (2 * E)
            result = frame.loc[(row, t + 1, N_TIME - 1 - t), 0]
            assert result == pytest.approx(slope, rel=1e-6, abs=1e-9)


def test_attention_weights(regressor):
    """By what each step's value is worth to the first layer's last step: the slow twin's shares."""
    frame = attention_weights(regressor, X[:1])
    assert frame.columns.tolist() == [(f"l{k}", h) for k in range(N_LAYERS) for h in range(N_HEADS)]
    np.testing.assert_allclose(frame.sum(), 1)
    result, _ = run_naive(regressor, 0)
    views = regressor.network_.views()
    for layer in range(N_LAYERS):
        normed = [naive.norm(e) for e in result[layer]]
        query, *_ = (views[f"query_weight_l{layer}"] @ normed[-1] + views[f"query_bias_l{layer}"],)
        keys = [views[f"key_weight_l{layer}"] @ u + views[f"key_bias_l{layer}"] for u in normed]
        for head in range(N_HEADS):
            own = slice(2 * head, 2 * head + 2)
            shares = np.exp([query[own] @ key[own] / np.sqrt(2) for key in keys])
            np.testing.assert_allclose(frame[f"l{layer}", head], shares / shares.sum(), rtol=1e-9)


def test_attention_weights_of_every_step(regressor):
    frame = attention_weights(regressor, X[:2], every_step=True)
    last = attention_weights(regressor, X[:2])
    assert frame.columns.names == ["layer", "head", "attended"]
    for row in (0, 1):
        result, _ = run_naive(regressor, row)
        views = regressor.network_.views()
        normed = np.array([naive.norm(e) for e in result[0]])
        query, keys = (
            normed @ views[f"{name}_weight_l0"].T + views[f"{name}_bias_l0"]
            for name in ("query", "key")
        )
        for head in range(N_HEADS):
            own = slice(2 * head, 2 * head + 2)
            shares = np.tril(np.exp(query[:, own] @ keys[:, own].T / np.sqrt(2)))
            shares /= shares.sum(axis=1, keepdims=True)
            shares[np.triu_indices(N_TIME, 1)] = np.nan
            np.testing.assert_allclose(frame.loc[row]["l0", head], shares, rtol=1e-9)
            for layer in ("l0", "l1"):
                np.testing.assert_array_equal(
                    frame.loc[row][layer, head].iloc[-1], last.loc[row][layer, head]
                )
        assert frame.loc[row]["l1"].iloc[:-1].isna().all(axis=None)  # is not computed


def test_attention_weights_of_shorter_sequences_begin_at_their_first_step(regressor):
    rows = [X[0][:, None], X[1][:3, None]]
    frame = attention_weights(regressor, rows, every_step=True)["l0", 1]
    alone = attention_weights(regressor, rows[1:], every_step=True)["l0", 1]
    shorter = frame.loc[1]
    assert shorter.shape == (3, 5)
    np.testing.assert_allclose(shorter.iloc[:, :3], alone, rtol=1e-12)
    assert shorter.iloc[:, 3:].isna().all(axis=None)


def test_what_a_transformer_does_not_have(regressor):
    for function in (gates, memory_half_life):
        with pytest.raises(ValueError, match="cell='attention' has no gates"):
            function(regressor, X)
    with pytest.raises(ValueError, match="do not depend on those of the step before"):
        jacobian_spectrum(regressor, X)
    recurrent = RNNRegressor(hidden_size=2, max_iter=1).fit(X, Y)
    with pytest.raises(ValueError, match="cell='lstm' does not attend"):
        attention_weights(recurrent, X)


def test_a_forecaster_attends_to_its_own_months():
    y = load_airline()
    forecaster = RNNForecaster(12, cell="attention", hidden_size=8, n_heads=2, max_iter=3).fit(y)
    frame = attention_weights(forecaster)
    assert frame.index.equals(y.index[-forecaster.lookback_ :])
    np.testing.assert_allclose(frame.sum(), 1, rtol=1e-6)
