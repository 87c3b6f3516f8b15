"""HorizonErrorDisplay draws the error at each step ahead."""

import dataclasses

import matplotlib
import numpy as np
import pandas as pd
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from tsrnn import RNNForecaster, backtest
from tsrnn.datasets import load_airline
from tsrnn.plotting import HorizonErrorDisplay

pytestmark = pytest.mark.slow

Y = load_airline()
METHODS = ["RNNForecaster", "seasonal_naive", "drift"]


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def quick(y, horizon=4, n_windows=3, **parameters):
    forecaster = RNNForecaster(horizon, max_iter=1, hidden_size=4, n_jobs=1, **parameters)
    return backtest(
        forecaster, y, n_windows=n_windows, refit=False, coverage=0.8, quantiles=[0.1, 0.5]
    )


@pytest.fixture(scope="module")
def result():
    return quick(pd.DataFrame({"b": Y, "a": 900 - Y**1.1}))


def by_hand(result, metric, method):
    """The error at each step, series by series, from the rows."""
    frame = result.forecasts
    table = []
    for k, (_, own) in enumerate(frame.groupby("unique_id", sort=False)):
        steps = own.groupby("cutoff").cumcount().to_numpy()
        error = (own[method] - own["y"]).to_numpy()
        row = []
        for step in range(4):
            e, y, f = (
                x[steps == step] for x in (error, own["y"].to_numpy(), own[method].to_numpy())
            )
            row.append(
                {
                    "MAE": np.mean(abs(e)),
                    "RMSE": np.mean(e**2) ** 0.5,
                    "MAPE": 100 * np.mean(abs(e) / abs(y)),
                    "sMAPE": 200 * np.mean(abs(e) / (abs(y) + abs(f))),
                    "MASE": np.mean(abs(e)) / result.scales[k],
                    "RMSSE": (np.mean(e**2) / result.squared_scales[k]) ** 0.5,
                }[metric]
            )
        table.append(row)
    return np.mean(table, axis=0)


@pytest.mark.parametrize("metric", ["MAE", "RMSE", "MAPE", "sMAPE", "MASE", "RMSSE"])
def test_errors_are_averaged_over_origins_then_series(metric, result):
    display = HorizonErrorDisplay.from_backtest(result, metric)
    assert list(display.lines_) == METHODS
    for method, line in display.lines_.items():
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3, 4])
        np.testing.assert_allclose(line.get_ydata(), by_hand(result, metric, method))
    if metric not in ("RMSE", "RMSSE"):  # whose root is no mean of roots
        table = result.metrics()[metric]
        means = {name: line.get_ydata().mean() for name, line in display.lines_.items()}
        assert means == pytest.approx(table[METHODS].to_dict())
    unit = " (%)" if "APE" in metric else ""
    assert display.ax_.get_ylabel() == metric + unit


def test_labels_and_marks(result):
    display = HorizonErrorDisplay.from_backtest(result)
    ax = display.ax_
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step ahead", "MAE")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "RNNForecaster",
        "seasonal naive",
        "drift",
    ]
    lines = display.lines_.values()
    assert len({line.get_color() for line in lines}) == 3
    assert len({line.get_marker() for line in lines}) == 3
    assert ax.get_ylim()[0] == 0
    long = HorizonErrorDisplay.from_backtest(quick(Y, horizon=31, n_windows=1))
    assert {line.get_marker() for line in long.lines_.values()} == {"None"}
    one = HorizonErrorDisplay.from_backtest(quick(Y, horizon=1))
    assert [len(line.get_xdata()) for line in one.lines_.values()] == [1, 1, 1]


def test_what_is_missing_is_left_out(result):
    frame = result.forecasts.copy()
    last = frame["cutoff"] == frame["cutoff"].max()
    frame.loc[last, "y"] = np.nan
    display = HorizonErrorDisplay.from_backtest(dataclasses.replace(result, forecasts=frame))
    rest = dataclasses.replace(result, forecasts=frame[~last])
    wanted = HorizonErrorDisplay.from_backtest(rest)
    pd.testing.assert_frame_equal(display.errors, wanted.errors)
    assert np.isfinite(display.errors).all(axis=None)
    frame.loc[frame["unique_id"] == "a", "y"] = np.nan
    alone = HorizonErrorDisplay.from_backtest(dataclasses.replace(result, forecasts=frame))
    errors = (frame["drift"] - frame["y"]).abs().to_numpy().reshape(2, 3, 4)
    np.testing.assert_allclose(alone.errors["drift"], errors[0, :2].mean(axis=0))


def test_axes_and_styles_are_the_callers(result):
    _, ax = plt.subplots()
    display = HorizonErrorDisplay.from_backtest(result, ax=ax)
    assert display.ax_ is ax
    display.plot(linewidth=7)
    assert {line.get_linewidth() for line in display.lines_.values()} == {7}
    other = HorizonErrorDisplay(result.metrics()[["MAE"]].T.rename(columns=str.upper), "MAE").plot(
        ax
    )
    assert list(other.lines_) == [name.upper() for name in METHODS]


def test_metrics_that_are_not_defined_are_refused():
    zero = Y.copy()
    zero.iloc[-5] = 0
    still = Y.where(Y.index > Y.index[-13], 5.0)
    result = quick(pd.DataFrame({"good": Y, "zero": zero, "still": still}), transform=None)
    with pytest.raises(ValueError, match="MAPE is not defined: series 'zero' is 0 at times"):
        HorizonErrorDisplay.from_backtest(result, "MAPE")
    with pytest.raises(ValueError, match=r"MASE is not defined: series 'still' does .* Take MAE"):
        HorizonErrorDisplay.from_backtest(result, "MASE")
    assert plt.get_fignums() == []


def test_what_does_not_fit_is_refused(result):
    with pytest.raises(ValueError, match=r"metric must be one of 'MAE', .*got 'mae'"):
        HorizonErrorDisplay.from_backtest(result, "mae")
    with pytest.raises(ValueError, match=r"backtest must be what tsrnn.backtest.* DataFrame of"):
        HorizonErrorDisplay.from_backtest(result.forecasts)
    frame = result.forecasts.copy()
    frame.loc[len(frame) - 1, "drift"] = np.nan
    with pytest.raises(ValueError, match=r"drift is missing \(NaN\) for series 'a'"):
        HorizonErrorDisplay.from_backtest(dataclasses.replace(result, forecasts=frame))
    with pytest.raises(ValueError, match="errors must be a DataFrame with a column for each"):
        HorizonErrorDisplay([1.0, 2.0], "MAE")
    assert plt.get_fignums() == []


def test_other_forecasts_look_different():
    errors = pd.DataFrame({name: [1.0, 2.0] for name in ("RNNForecaster", "a", "b", "c", "d")})
    lines = HorizonErrorDisplay(errors, "MAE").plot().lines_
    assert len({(line.get_color(), line.get_marker()) for line in lines.values()}) == 5
