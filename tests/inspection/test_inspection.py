"""What is seen inside of a network, against the slow twin and its central differences."""

import naive
import numpy as np
import pandas as pd
import pytest

from tsrnn import RNNClassifier, RNNForecaster, RNNRegressor
from tsrnn.inspection import (
    gates,
    gradient_flow,
    input_sensitivity,
    jacobian_spectrum,
    memory_half_life,
    saturation,
    states,
)
from tsrnn.kernels import cells

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(3)
X, N_TIME, N_HIDDEN = RNG.normal(size=(12, 5)), 5, 3
Y = X[:, 0] - X[:, -1]
E = 1e-6


def fitted(cell, n_layers=2, n_hidden=N_HIDDEN, **options):
    regressor = RNNRegressor(
        cell=cell,
        hidden_size=n_hidden,
        n_layers=n_layers,
        max_iter=20,
        batch_size=4,
        dtype="float64",
        loss="squared_error",
        learning_rate_init=0.02,
        **options,
    )
    return regressor.fit(X, Y)


def weights_of(network, layer):
    views = network.views()
    names = "weight_hidden", "bias", "weight_input"
    return {name: views[f"{name}_l{layer}"].copy() for name in names}


def run_naive(network, x, nudge=lambda layer, t, weights: weights):
    """h and c of every layer and step, and the output; ``nudge`` may change weights at a step."""
    rows, result = x.reshape(N_TIME, -1), []
    for layer in range(network.n_layers):
        h = c = np.zeros(network.n_hidden)
        own, outputs = [], []
        for t, row in enumerate(rows):
            weights = nudge(layer, t, weights_of(network, layer))
            h, c = naive.CELLS[network.cell](weights, h, h, c, row)
            own.append((h, c))
            outputs.append(h)
        result.append(own)
        rows = outputs
    views = network.views()
    return result, views["head_weight"] @ rows[-1] + views["head_bias"]


def scaled(regressor, row):
    return (X[row] - regressor.X_mean_) / regressor.X_scale_


@pytest.mark.parametrize("cell", cells.NAMES)
def test_states(cell):
    regressor = fitted(cell)
    frame = states(regressor, X)
    assert list(frame.index.names) == ["row", "step"]
    for row in (0, 7):
        result, _ = run_naive(regressor.network_, scaled(regressor, row))
        for layer, own in enumerate(result):
            hidden = frame.loc[row][f"l{layer}", "hidden"]
            np.testing.assert_allclose(hidden, [h for h, _ in own], rtol=1e-9, atol=1e-12)
            if cell == "lstm":
                held = frame.loc[row][f"l{layer}", "cell"]
                np.testing.assert_allclose(held, [c for _, c in own], rtol=1e-9, atol=1e-12)
    assert ("cell" in frame.columns.get_level_values("state")) == (cell == "lstm")


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_gates_and_how_long_they_keep(cell):
    regressor = fitted(cell)
    frame, network = gates(regressor, X[:1]), regressor.network_
    x, keep = scaled(regressor, 0), {"lstm": "forget", "gru": "update"}[cell]
    result, _ = run_naive(network, x)
    rows = x.reshape(N_TIME, 1)
    blocks = cells.find(cell).BLOCKS
    for layer, own in enumerate(result):
        h = np.zeros(N_HIDDEN)
        for t, row in enumerate(rows):
            parts = naive.products(weights_of(network, layer), h, row)
            for gate in cells.find(cell).GATES:
                expected = naive.sigmoid(sum(parts[blocks.index(gate)]))
                np.testing.assert_allclose(frame.iloc[t][f"l{layer}", gate], expected, rtol=1e-9)
            h = own[t][0]
        rows = [h for h, _ in own]
    lives = memory_half_life(regressor, X[:1])
    kept = frame.xs(keep, axis=1, level="gate")
    for (layer, unit), life in lives.items():
        share = kept[layer, unit].prod()  # after all steps
        assert share == pytest.approx(0.5 ** (N_TIME / life))
    shares = saturation(regressor, X[:1])
    low = (frame.xs(keep, axis=1, level="gate")["l0"] < 0.05).to_numpy().mean()
    assert shares.loc[("l0", keep), "shut"] == low
    assert ((shares >= 0) & (shares <= 1)).all(axis=None)


def test_a_shut_and_an_open_gate():
    regressor = fitted("lstm", n_layers=1)
    bias = regressor.network_.views()["bias_l0"]
    bias[1], bias[3] = 30, -30
    lives, shares = memory_half_life(regressor, X), saturation(regressor, X)
    assert (lives > 1e6).all()
    assert shares.loc[("l0", "forget"), "open"] == 1
    assert shares.loc[("l0", "output"), "shut"] == 1


@pytest.mark.parametrize("cell", cells.NAMES)
def test_gradient_flow(cell):
    """Norms of central differences: by a nudge of one h, and of the weights of one step alone."""
    regressor = fitted(cell, n_hidden=2)
    network = regressor.network_
    frame = gradient_flow(regressor, X[:1], Y[:1])
    x, target = scaled(regressor, 0), (Y[0] - regressor.y_mean_) / regressor.y_scale_

    def slope(layer, t, name, place):
        losses = []
        for e in (E, -E):

            def nudge(at_layer, at_step, weights, e=e):
                if (at_layer, at_step) == (layer, t):
                    weights[name][place] += e
                return weights

            losses.append(((run_naive(network, x, nudge)[1] - target) ** 2).sum())
        return (losses[0] - losses[1]) / (2 * E)

    used = network.views(network.used())
    for layer in range(2):
        for t in range(N_TIME):
            lag = N_TIME - 1 - t
            slopes = [
                slope(layer, t, name, place)
                for name, values in weights_of(network, layer).items()
                for place in np.ndindex(*values.shape)
                if used[f"{name}_l{layer}"][place]
            ]
            result = frame.loc[lag, (f"l{layer}", "weights")]
            assert result == pytest.approx(np.linalg.norm(slopes), rel=1e-6, abs=1e-9)
    assert frame.index.tolist() == [0, 1, 2, 3, 4]
    head = network.views()["head_weight"]
    error = run_naive(network, x)[1] - target
    assert frame.loc[0, ("l1", "hidden")] == pytest.approx(np.linalg.norm(2 * error * head))


@pytest.mark.parametrize("cell", cells.NAMES)
def test_input_sensitivity(cell):
    regressor = fitted(cell)
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
    with pytest.raises(ValueError, match="output must lie between 0 and 0"):
        input_sensitivity(regressor, X, output=1)


@pytest.mark.parametrize("of", ["hidden", "state"])
@pytest.mark.parametrize("cell", cells.NAMES)
def test_jacobian_spectrum(cell, of):
    regressor = fitted(cell)
    network = regressor.network_
    frame = jacobian_spectrum(regressor, X[:1], n_values=2, of=of)
    x = scaled(regressor, 0)
    result, _ = run_naive(network, x)
    rows = x.reshape(N_TIME, 1)
    whole = of == "state" and cell == "lstm"
    for layer, own in enumerate(result):
        weights = weights_of(network, layer)
        before = np.zeros(2 * N_HIDDEN)
        for t, row in enumerate(rows):

            def step(state, row=row, weights=weights):
                h, c = naive.CELLS[cell](weights, state[:N_HIDDEN], *np.split(state, 2), row)
                return np.concatenate([h, c]) if whole else h

            n = (2 if whole else 1) * N_HIDDEN
            jacobian = np.column_stack(
                [
                    (step(before + e) - step(before - e)) / (2 * E)
                    for e in E * np.eye(2 * N_HIDDEN)[:n]
                ]
            )
            expected = np.linalg.svd(jacobian, compute_uv=False)[:2]
            np.testing.assert_allclose(frame.iloc[t][f"l{layer}"], expected, rtol=1e-6, atol=1e-8)
            before = np.concatenate(own[t])
        rows = [h for h, _ in own]


HOURS = pd.date_range("2024-01-01", periods=200, freq="h")


def test_a_forecaster_s_own_index():
    y = pd.Series(np.sin(np.arange(200) / 4) + RNG.normal(scale=0.1, size=200), HOURS, name="y")
    forecaster = RNNForecaster(6, lookback=48, season=24, segment=4, hidden_size=4, max_iter=3).fit(
        y
    )
    frame = states(forecaster)
    assert frame.index.equals(HOURS[-48:][3::4])
    assert states(forecaster, y[:100]).index.equals(HOURS[52:100][3::4])
    flow = gradient_flow(forecaster)
    assert flow.index.tolist() == list(range(0, 48, 4))
    assert (flow["l0", "weights"] >= 0).all()
    sensitivity = input_sensitivity(forecaster, output=5)
    assert sensitivity.columns.tolist() == ["y"]
    assert sensitivity.index.get_level_values("lag").tolist() == list(range(47, -1, -1))
    assert sensitivity.index.get_level_values(0).equals(HOURS[-48:])
    two = pd.DataFrame({"a": y, "b": -y})
    forecaster.fit(two)
    assert states(forecaster).index.get_level_values(0).unique().tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="fewer than the 54 that a window takes"):
        gradient_flow(forecaster, two[:50])


def test_inspection_needs_no_known_future_beyond_the_series():
    y = pd.Series(np.sin(np.arange(200) / 4), HOURS, name="y")
    known = pd.DataFrame({"x": np.cos(np.arange(200) / 4)}, HOURS)
    forecaster = RNNForecaster(6, lookback=24, season=1, segment=2, hidden_size=3, max_iter=1)
    forecaster.fit(y, known)
    assert gradient_flow(forecaster).index.max() == 28  # 24 values and 6 to come, by two
    assert states(forecaster).index.equals(HOURS[-30:][1::2])
    sensitivity = input_sensitivity(forecaster)
    assert sensitivity.columns.tolist() == ["y", "x", "step ahead", "change of x"]
    assert sensitivity.index.get_level_values("lag").tolist() == list(range(23, -7, -1))
    assert not sensitivity.loc[(slice(None), -6), :].isna().any(axis=None)


def test_sensitivity_by_name_is_the_slope_by_that_input():
    """Of a forecaster without a season or a base that moves, by small changes of a covariate."""
    days = pd.date_range("2024-01-01", periods=90)
    y = pd.DataFrame(RNG.normal(size=(90, 2)).cumsum(axis=0), days, ["a", "b"])
    X = pd.DataFrame({"past": RNG.normal(size=90), 7: RNG.normal(size=90)}, days)
    static = pd.DataFrame({"size": [1.0, 4.0]}, ["a", "b"])
    forecaster = RNNForecaster(2, lookback=6, season=1, segment=2, hidden_size=3, max_iter=2)
    forecaster.set_params(past_covariates=["past", 7], pretrained=None, dtype="float64")
    forecaster.set_params(transform=None, calendar=["weekday"]).fit(y, X, static)
    frame = input_sensitivity(forecaster.set_params(n_ahead=2), output=1).loc["b"]
    assert frame.columns.tolist()[:3] == ["y", "weekday=0", "weekday=1"]
    state, deviations = forecaster.fitted_, X.std(ddof=0)
    recent = state.scaling.apply(state.history.panel)[-8:-2]  # before the known future
    unit = max((recent - recent[-1]).std(), 0.1) * state.scaling.deviation[1]
    for column, lag in (("past", 0), ("past", 3), (7, 1)):
        moved = []
        for e in (1e-5, -1e-5):
            near = X.copy()
            near.loc[days[-3 - lag], column] += e * deviations[column]
            moved.append(forecaster.predict(y=y[:-2], X=near, static=static)["b"].iloc[1])
        slope = (moved[0] - moved[1]) / 2e-5 / unit
        result = frame.xs(lag, level="lag")[column].item()
        assert result == pytest.approx(slope, rel=1e-4, abs=1e-7)


def test_a_classifier_with_missing_values_and_rows_of_several_lengths():
    rows = [X[0], X[1][2:], np.where(np.arange(5) == 2, np.nan, X[2])]
    classifier = RNNClassifier(hidden_size=2, max_iter=2).fit(rows, ["a", "b", "a"])
    frame = states(classifier, rows)
    assert frame.groupby(level=0).size().tolist() == [5, 3, 5]
    assert not frame.isna().any(axis=None)
    assert gradient_flow(classifier, rows, ["a", "b", "a"]).notna().all(axis=None)


def test_the_gradient_of_several_sequences_is_their_median():
    regressor = fitted("gru", n_layers=2)
    frame = gradient_flow(regressor, X, Y)
    each = np.stack([gradient_flow(regressor, X[k : k + 1], Y[k : k + 1]) for k in range(len(X))])
    for place, (layer, norm) in enumerate(frame.columns):
        level = {"lower": 0.1, "upper": 0.9}.get(norm.partition("_")[2], 0.5)
        expected = np.quantile(each[:, :, place], level, axis=0)
        np.testing.assert_allclose(frame[layer, norm], expected, rtol=1e-9)
    one = gradient_flow(regressor, X[:1], Y[:1])["l1"]
    np.testing.assert_array_equal(one["hidden_lower"], one["hidden_upper"])


@pytest.mark.parametrize("function", [states, gates, memory_half_life, saturation, gradient_flow])
@pytest.mark.parametrize("kind", [RNNRegressor, RNNClassifier])
def test_sequences_are_needed_but_of_a_forecaster(function, kind):
    estimator = kind(cell="gru", hidden_size=2, max_iter=1).fit(X, np.arange(len(X)) % 2)
    with pytest.raises(ValueError, match=f"X is needed: an {kind.__name__} keeps no sequences"):
        function(estimator)


def test_unsupported_estimators_are_refused():
    regressor = fitted("rnn", n_layers=1)
    with pytest.raises(ValueError, match="cell='rnn' has no gates"):
        gates(regressor, X)
    with pytest.raises(ValueError, match="needs targets: give y"):
        gradient_flow(regressor, X)
    with pytest.raises(ValueError, match="X has 12 and y has 5"):
        gradient_flow(regressor, X, Y[:5])
    with pytest.raises(ValueError, match="of must be one of 'hidden', 'state'"):
        jacobian_spectrum(regressor, X, of="cell")
    with pytest.raises(ValueError, match="not fitted"):
        states(RNNRegressor(), X)
    from sklearn.linear_model import Ridge

    with pytest.raises(ValueError, match="Ridge can't be inspected"):
        states(Ridge().fit(X, Y), X)
