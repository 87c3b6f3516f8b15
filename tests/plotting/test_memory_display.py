import matplotlib
import numpy as np
import pandas as pd
import pytest

from tsrnn import RNNForecaster, RNNRegressor
from tsrnn.datasets import load_airline
from tsrnn.inspection import memory_half_life
from tsrnn.plotting import MemoryDisplay

pytestmark = pytest.mark.slow

matplotlib.use("Agg")
X = np.random.default_rng(0).normal(size=(12, 8))


@pytest.fixture(autouse=True)
def closed():
    yield
    matplotlib.pyplot.close("all")


def regressor(cell="lstm", **options):
    return RNNRegressor(cell=cell, hidden_size=4, max_iter=1, **options).fit(X, X[:, 0])


def lives(*values):
    index = pd.MultiIndex.from_product([["l0"], range(len(values))], names=["layer", "unit"])
    return pd.Series(values, index, dtype=float)


def test_dots_are_the_half_lives_of_each_layer():
    fitted = regressor(n_layers=2)
    display = MemoryDisplay.from_estimator(fitted, X)
    result = memory_half_life(fitted, X)
    assert list(display.dots_) == [("LSTM", "l0"), ("LSTM", "l1")]
    for (_, layer), dots in display.dots_.items():
        np.testing.assert_array_equal(dots.get_xdata(), np.sort(result[layer]))
        for life, share in zip(*dots.get_data(), strict=True):
            assert share == 100 * (result[layer] >= life).mean()
    assert display.ax_.get_xscale() == "log"
    low, high = display.ax_.get_xlim()
    assert low < result.min() < 8 < high
    assert display.window_line_.get_xdata()[0] == 8


def test_the_window_of_a_forecaster_and_several_of_them():
    options = {"lookback": 12, "horizon": 3, "hidden_size": 3, "max_iter": 1}
    options |= {"early_stopping": False, "segment": 2}
    fitted = [RNNForecaster(cell=cell, **options).fit(load_airline()) for cell in ("lstm", "gru")]
    display = MemoryDisplay.from_estimators(fitted)
    assert display.window == 12
    assert list(display.dots_) == [("LSTM", "l0"), ("GRU", "l0")]
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["LSTM", "GRU"]
    np.testing.assert_array_equal(
        display.dots_["GRU", "l0"].get_xdata(), np.sort(memory_half_life(fitted[1]))
    )


def test_units_that_never_forget_stand_at_the_end():
    display = MemoryDisplay.from_half_lives(lives(np.inf, 2, 1e9, 50), window=10)
    x, shares = display.dots_["units", "l0"].get_data()
    np.testing.assert_array_equal(x, [2, 50, display.endless_, display.endless_])
    np.testing.assert_array_equal(shares, [100, 75, 50, 25])
    assert display.endless_ > 50
    assert r"$\infty$" in {text.get_text() for text in display.ax_.texts}
    ticks = display.ax_.get_xticks()
    assert max(ticks) <= 50 < display.ax_.get_xlim()[1]
    assert MemoryDisplay.from_half_lives(lives(1, 2)).endless_ is None


@pytest.mark.parametrize("values", [(np.inf, np.inf), (0, 3), (5, 5)])
def test_half_lives_at_their_ends(values):
    display = MemoryDisplay.from_half_lives(lives(*values))
    display.figure_.canvas.draw()
    assert np.isfinite(display.dots_["units", "l0"].get_xdata()).all()


def test_given_axes():
    figure, ax = matplotlib.pyplot.subplots()
    assert MemoryDisplay(lives(1, 2)).plot(ax).ax_ is ax
    assert matplotlib.pyplot.get_fignums() == [figure.number]


def test_rows_are_needed_but_of_a_forecaster():
    with pytest.raises(ValueError, match="X is needed: an RNNRegressor keeps no sequences"):
        MemoryDisplay.from_estimator(regressor())
    with pytest.raises(ValueError, match="X is needed"):
        MemoryDisplay.from_estimators({"LSTM": regressor()})
    forecaster = RNNForecaster(horizon=3, lookback=12, hidden_size=3, max_iter=1)
    forecaster.set_params(early_stopping=False).fit(load_airline())
    assert MemoryDisplay.from_estimator(forecaster).window == 12


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="cell='rnn' has no gates"):
        MemoryDisplay.from_estimator(regressor("rnn"), X)
    with pytest.raises(ValueError, match="Half-lives 'units' must be what"):
        MemoryDisplay.from_half_lives(pd.Series([1.0]))
    with pytest.raises(ValueError, match="must be numbers from 0"):
        MemoryDisplay.from_half_lives(lives(np.nan, 1))
    with pytest.raises(ValueError, match="half_lives is empty"):
        MemoryDisplay.from_half_lives({})
    assert not matplotlib.pyplot.get_fignums()
