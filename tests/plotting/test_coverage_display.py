"""CoverageDisplay draws the share that intervals hold against the share they promise."""

import dataclasses

import matplotlib
import numpy as np
import pandas as pd
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from tsrnn import RNNForecaster, backtest
from tsrnn.datasets import load_airline
from tsrnn.plotting import CoverageDisplay

pytestmark = pytest.mark.slow

Y = load_airline()
LEVELS = (0.95, 0.3, 0.57)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def quick(y, coverage=LEVELS):
    forecaster = RNNForecaster(horizon=6, max_iter=1, hidden_size=4, n_jobs=1)
    return backtest(forecaster, y, n_windows=3, refit=False, coverage=coverage)


@pytest.fixture(scope="module")
def panel():
    """Values put so that intervals hold some, of "a" fewer."""
    result = quick(pd.DataFrame({"b": Y, "a": 900 - Y}))
    width = result.forecasts["upper_95"] - result.forecasts["lower_95"]
    spread = np.where(result.forecasts["unique_id"] == "a", 0.6, 0.2)
    y = result.forecasts["RNNForecaster"] + width * np.random.default_rng(0).normal(scale=spread)
    return dataclasses.replace(result, forecasts=result.forecasts.assign(y=y))


def test_shares_of_a_backtest_and_of_each_series(panel):
    display = CoverageDisplay.from_backtest(panel)
    np.testing.assert_allclose(display.line_.get_xdata(), [30, 57, 95])
    table = panel.metrics().loc["RNNForecaster"]
    wanted = [table[f"coverage_{level}"] for level in (30, 57, 95)]
    np.testing.assert_allclose(display.line_.get_ydata(), 100 * np.array(wanted))
    for k, label in enumerate(["b", "a"]):
        own = panel.forecasts[panel.forecasts["unique_id"] == label]
        held = [own["y"].between(own[f"lower_{c}"], own[f"upper_{c}"]).mean() for c in (30, 57, 95)]
        drawn = display.series_line_.get_ydata().reshape(2, 3)[k]
        np.testing.assert_allclose(drawn, 100 * np.array(held))
        assert 0 < held[0] < held[1] < held[2]
    np.testing.assert_allclose(display.series_line_.get_xdata(), [30, 57, 95] * 2)


def test_levels_are_chosen(panel):
    display = CoverageDisplay.from_backtest(panel, coverage=0.57)
    np.testing.assert_allclose(display.nominal, [0.57])
    assert display.series_line_.get_ydata().size == 2


def test_one_series_has_no_dots_of_series():
    display = CoverageDisplay.from_backtest(quick(Y))
    assert display.series_line_ is None
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == [
        "as promised",
        "observed",
    ]


def test_shares_of_predictions():
    index = pd.date_range("2024", periods=4, freq="D")
    y = pd.Series([1.0, 2, 3, 4, 5], index.union([index[-1] + pd.Timedelta("1D")]))
    bounds = pd.DataFrame({"lower_50": y[:4], "upper_50": [1, 1.9, 9, 9]}, index)
    bounds["lower_50"] = [0, 0, 3.0, 4.5]
    bounds["lower_90"], bounds["upper_90"] = -9.0, [9, 9, 9, 3]
    display = CoverageDisplay.from_predictions(y[::-1], bounds)
    assert display.line_.get_xdata().tolist() == [50, 90]
    assert display.line_.get_ydata().tolist() == [50, 75]


def test_the_diagonal_ends_at_the_corners_and_all_is_within():
    for observed in ([0.0, 0.1], [0.81, 0.97], [1.0, 1.0]):
        display = CoverageDisplay([0.8, 0.95], observed, [observed, [0.4, 0.99]]).plot()
        ax = display.ax_
        assert ax.get_xlim() == ax.get_ylim()
        x, y = display.diagonal_.get_data()
        assert list(x) == list(y) == list(ax.get_xlim())
        shown = np.r_[display.line_.get_ydata(), display.series_line_.get_ydata()]
        assert (ax.get_ylim()[0] < shown).all()
        assert (shown < ax.get_ylim()[1]).all()
        assert ax.get_xlim()[0] < 80
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("nominal coverage (%)", "observed coverage (%)")


def test_what_is_missing_is_neither_held_nor_missed(panel):
    frame = panel.forecasts.copy()
    frame.loc[frame["ds"] > frame["cutoff"].max(), "y"] = np.nan
    with_gaps = CoverageDisplay.from_backtest(dataclasses.replace(panel, forecasts=frame))
    known = dataclasses.replace(panel, forecasts=frame.dropna())
    np.testing.assert_allclose(with_gaps.observed, CoverageDisplay.from_backtest(known).observed)


def test_axes_and_styles_are_the_callers():
    _, ax = plt.subplots()
    display = CoverageDisplay([0.9, 0.5], [0.7, 0.6]).plot(ax, color="red")
    assert display.ax_ is ax
    assert display.line_.get_color() == "red"
    assert display.line_.get_ydata().tolist() == [60, 70]


def test_what_does_not_fit_is_refused(panel):
    with pytest.raises(ValueError, match=r"has no intervals. Ask .*coverage=\[0.5, 0.8, 0.95\]"):
        CoverageDisplay.from_backtest(quick(Y, ()))
    with pytest.raises(ValueError, match=r"coverage 0.8 is not in the backtest, which has 0.95"):
        CoverageDisplay.from_backtest(panel, coverage=0.8)
    with pytest.raises(ValueError, match=r"backtest must be what tsrnn.backtest"):
        CoverageDisplay.from_backtest(Y)
    with pytest.raises(ValueError, match="observed must be shares from 0 to 1 of shape"):
        CoverageDisplay([0.5, 0.8], [50, 80])
    with pytest.raises(ValueError, match="nominal must be shares from 0 to 1"):
        CoverageDisplay([50], [0.5])
    bounds = pd.DataFrame({"lower_80": 0.0, "upper_80": Y})
    with pytest.raises(ValueError, match=r"actual .* lacks 6 time stamps .*, 1960-07"):
        CoverageDisplay.from_predictions(Y[:-6], bounds)
    with pytest.raises(ValueError, match="pairs of columns"):
        CoverageDisplay.from_predictions(Y, bounds[["lower_80"]])
    assert plt.get_fignums() == []
