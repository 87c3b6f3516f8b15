import numpy as np
import pandas as pd
import pytest

from tsrnn.datasets import load_airline, load_nile
from tsrnn.forecasting import drift, seasonal_naive


def test_repeats_the_last_season():
    y = load_airline()
    forecast = seasonal_naive(y[:-24], 24)
    expected = pd.concat([y[-36:-24], y[-36:-24]]).to_numpy()
    pd.testing.assert_series_equal(
        forecast, pd.Series(expected, y.index[-24:], name="passengers"), check_freq=False
    )
    # The published figures, see benchmarks: 9.99 % over 12 months and 15.5 % over 24.
    assert (forecast / y[-24:] - 1).abs().mean() == pytest.approx(0.155, abs=5e-4)
    assert (seasonal_naive(y[:-12], 12) / y[-12:] - 1).abs().mean() == pytest.approx(
        0.0999, abs=5e-5
    )


def test_without_a_season_repeats_the_last_value():
    y = load_nile()
    assert seasonal_naive(y, 3).tolist() == [y.iloc[-1]] * 3
    assert seasonal_naive(y, 3, season=2).tolist() == [y.iloc[-2], y.iloc[-1], y.iloc[-2]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"horizon": 0}, "horizon must be a whole number from 1"),
        ({"season": 200}, "season=200 needs"),
    ],
)
def test_bad_parameters(change, message):
    with pytest.raises(ValueError, match=message):
        seasonal_naive(load_nile(), **({"horizon": 3} | change))


def test_bad_series():
    with pytest.raises(ValueError, match="missing"):
        seasonal_naive(pd.Series([1.0, np.nan]), 2)
    with pytest.raises(ValueError, match="missing"):
        drift(pd.Series([1.0, np.nan]), 2)


def test_drift_goes_on_with_the_line_through_first_and_last():
    y = load_airline()
    forecast = drift(y, 24)
    pd.testing.assert_index_equal(forecast.index, seasonal_naive(y, 24).index)
    assert forecast.name == "passengers"
    # The drift is the mean of the changes, and a line is its own forecast.
    np.testing.assert_allclose(forecast.diff()[1:], y.diff().mean())
    assert forecast.iloc[0] == pytest.approx(y.iloc[-1] + y.diff().mean())
    line = pd.Series(3.0 - 0.5 * np.arange(30), pd.period_range("2020-01", periods=30, freq="M"))
    pd.testing.assert_series_equal(drift(line[:20], 10), line[20:])
    assert drift(pd.Series([4, 7]), 3).tolist() == [10, 13, 16]


def test_drift_refuses_what_has_no_line():
    with pytest.raises(ValueError, match="drift needs two values for a line; y has 1"):
        drift(pd.Series([1.0]), 2)
    with pytest.raises(ValueError, match=r"horizon must be a whole number from 1 .*got 0"):
        drift(load_nile(), 0)
