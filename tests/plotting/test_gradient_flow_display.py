import matplotlib
import numpy as np
import pandas as pd
import pytest

from tsrnn import RNNForecaster, RNNRegressor
from tsrnn.datasets import load_airline
from tsrnn.inspection import gradient_flow
from tsrnn.plotting import GradientFlowDisplay

pytestmark = pytest.mark.slow

matplotlib.use("Agg")
X = np.random.default_rng(0).normal(size=(12, 8))
Y = X[:, 0]


@pytest.fixture(autouse=True)
def closed():
    yield
    matplotlib.pyplot.close("all")


def regressor(cell="lstm", **options):
    return RNNRegressor(cell=cell, hidden_size=3, max_iter=1, **options).fit(X, Y)


def flow(norms, layer="l0"):
    """Norms of one layer, equal of h and of the weights."""
    columns = pd.MultiIndex.from_product([[layer], ["hidden", "weights"]], names=["layer", "norm"])
    lags = pd.RangeIndex(len(norms), name="lag")
    return pd.DataFrame(np.column_stack([norms, norms]), lags, columns)


def test_lines_are_the_norms_relative_to_the_first_lag():
    fitted = {cell.upper(): regressor(cell, n_layers=2) for cell in ("rnn", "gru", "lstm")}
    display = GradientFlowDisplay.from_estimators(fitted, X, Y)
    for name, one in fitted.items():
        expected = gradient_flow(one, X, Y)["l1", "hidden"]
        lags, norms = display.lines_["hidden", name].get_data()
        np.testing.assert_array_equal(lags, range(8))
        np.testing.assert_allclose(norms, expected / expected[0])
    ax = display.axes_["hidden"]
    assert ax.get_yscale() == "log"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["RNN", "GRU", "LSTM"]


def exploding_in_a_few(n=25, n_exploding=2, n_time=8):
    """A network that forgets but in a few sequences, one that remembers, and the sequences.

    A rectifier's third unit is off, and its recurrent weight counts, only where a sequence begins
    with a large value.
    """
    sequences = np.random.default_rng(0).uniform(-1, 1, size=(n, n_time))
    sequences[:n_exploding, 0] = 50
    fitted = {}
    for name, weights in {"forgets": [0.5, 0.5, 3.0], "remembers": [0.95] * 3}.items():
        fitted[name] = RNNRegressor(
            cell="rnn_relu", hidden_size=3, max_iter=1, standardize=False
        ).fit(sequences, sequences[:, 1])
        views = fitted[name].network_.views()
        views["weight_hidden_l0"][:] = np.diag(weights)
        views["weight_input_l0"].reshape(3)[:] = 0.1
        views["bias_l0"].reshape(3)[:] = [1, 1, -1 if name == "forgets" else 1]
        views["head_weight"][:] = 1
    return fitted, sequences


def test_a_few_sequences_that_explode_do_not_hide_what_most_do():
    fitted, sequences = exploding_in_a_few()
    targets = sequences[:, 1]
    display = GradientFlowDisplay.from_estimators(fitted, sequences, targets)
    forgotten, kept = (display.lines_["hidden", name].get_ydata() for name in fitted)
    assert (forgotten[1:] < kept[1:]).all()
    np.testing.assert_allclose(forgotten[2:] / forgotten[1:-1], 0.5, rtol=1e-2)
    explosion = gradient_flow(fitted["forgets"], sequences[:2], targets[:2])["l0", "hidden"]
    assert explosion.iloc[-1] > 1000 * explosion.iloc[0]
    assert "median and 80 % band" in display.axes_["hidden"].get_title(loc="left")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n_time", [70, 120])  # the gradient overflows; the output does too
def test_sequences_whose_gradients_overflow(n_time):
    fitted, sequences = exploding_in_a_few(11, 1, n_time)
    display = GradientFlowDisplay.from_estimators(fitted, sequences, sequences[:, 1])
    for line in display.lines_.values():
        assert np.isfinite(line.get_ydata()).all()
    alone = GradientFlowDisplay.from_estimators(fitted, sequences[:1], sequences[:1, 1])
    alone.figure_.canvas.draw()
    assert np.isfinite(alone.lines_["hidden", "remembers"].get_ydata()).all()
    assert np.isnan(alone.lines_["hidden", "forgets"].get_ydata()[-1])


def test_bands_hold_most_sequences():
    fitted = {"LSTM": regressor(), "GRU": regressor("gru")}
    display = GradientFlowDisplay.from_estimators(fitted, X, Y, norm=["hidden", "weights"])
    assert display.bands_.keys() == display.lines_.keys()
    for (norm, name), band in display.bands_.items():
        frame = (
            gradient_flow(fitted[name], X, Y)["l0"]
            / gradient_flow(fitted[name], X, Y)["l0"].iloc[0][norm]
        )
        bounds = frame[f"{norm}_lower"], frame[f"{norm}_upper"]
        assert (bounds[0] <= frame[norm]).all()
        assert (frame[norm] <= bounds[1]).all()
        low, high = (np.sort(np.concatenate(bounds))[[0, -1]]).tolist()
        heights = band.get_paths()[0].vertices[:, 1]
        assert heights.min() == pytest.approx(low)
        assert heights.max() == pytest.approx(high)
    alone = GradientFlowDisplay.from_estimator(fitted["LSTM"], X[:1], Y[:1])
    assert not alone.bands_
    assert "median" not in alone.axes_["hidden"].get_title(loc="left")
    assert not GradientFlowDisplay.from_flows(flow([1.0, 0.5])).bands_


def test_both_norms_of_a_layer_as_they_are():
    fitted = regressor(n_layers=2)
    display = GradientFlowDisplay.from_estimator(
        fitted, X, Y, layer="l0", norm=["hidden", "weights"], relative=False
    )
    frame = gradient_flow(fitted, X, Y)["l0"]
    for norm in ("hidden", "weights"):
        np.testing.assert_array_equal(display.lines_[norm, "LSTM"].get_ydata(), frame[norm])
    assert list(display.axes_) == ["hidden", "weights"]
    assert display.axes_["hidden"].get_legend() is None


def test_a_forecaster_by_lags_of_its_series():
    fitted = RNNForecaster(
        horizon=3, lookback=12, segment=4, hidden_size=3, max_iter=1, early_stopping=False
    ).fit(load_airline())
    display = GradientFlowDisplay.from_estimators([fitted, fitted])
    assert list(display.lines_) == [("hidden", "LSTM"), ("hidden", "LSTM 2")]
    np.testing.assert_array_equal(display.lines_["hidden", "LSTM"].get_xdata(), [0, 4, 8])


def test_a_norm_of_nothing_is_a_gap_and_rounding_is_marked():
    display = GradientFlowDisplay.from_flows({"fast": flow([2.0, 1e-8, 0]), "slow": flow([1, 1])})
    np.testing.assert_array_equal(display.lines_["hidden", "fast"].get_ydata(), [1, 5e-9, np.nan])
    mark = display.rounding_lines_["hidden"].get_ydata()[0]
    assert mark == np.finfo(np.float32).eps
    assert not GradientFlowDisplay.from_flows(flow([1.0, 0.1])).rounding_lines_


def test_given_axes():
    figure, axes = matplotlib.pyplot.subplots(2)
    display = GradientFlowDisplay(flow([1.0, 0.5]), norm=["weights", "hidden"])
    assert display.plot(axes).axes_["weights"] is axes[0]
    assert matplotlib.pyplot.get_fignums() == [figure.number]
    with pytest.raises(ValueError, match="one for each norm, 2 of them, got 1"):
        display.plot(axes[0])


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="layer is 'l7', and 'LSTM' has"):
        GradientFlowDisplay.from_estimator(regressor(), X, Y, layer="l7")
    with pytest.raises(ValueError, match="norm must be one of 'hidden', 'weights'"):
        GradientFlowDisplay.from_flows(flow([1.0]), norm="cell")
    with pytest.raises(ValueError, match="needs targets: give y"):
        GradientFlowDisplay.from_estimator(regressor(), X)
    with pytest.raises(ValueError, match="must be a dict of names and fitted estimators, got RNNR"):
        GradientFlowDisplay.from_estimators(regressor(), X, Y)
    with pytest.raises(ValueError, match="estimators is empty"):
        GradientFlowDisplay.from_estimators([], X, Y)
    with pytest.raises(ValueError, match="Flow 'gradient' must be what"):
        GradientFlowDisplay.from_flows(pd.DataFrame({"norm": [1.0]}))
    assert not matplotlib.pyplot.get_fignums()
