import numpy as np
import pandas as pd
import pytest

from tsrnn.anomaly.seasonality import (
    default_seasons,
    phase_features,
    seasonal_features,
)
from tsrnn.data import Location
from tsrnn.data.step_numbers import step_numbers
from tsrnn.data.time_axis import sorted_axis

FREQUENCIES = [
    "s",
    "15min",
    "h",
    "6h",
    "D",
    "B",
    "W-WED",
    "SMS",
    "SME-10",
    "2SMS-20",
    "MS",
    "2MS",
    "ME",
    "QS",
    "QE-FEB",
    "YS",
    "YE",
]


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_steps_are_counted(frequency):
    index = pd.date_range("2023-11-29", periods=60, freq=frequency)
    axis = sorted_axis(index, Location())[0]
    np.testing.assert_array_equal(np.diff(step_numbers(axis.index, axis.step)), 1)


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_counts_do_not_depend_on_the_start_of_a_series(frequency):
    index = pd.date_range("2023-11-29", periods=60, freq=frequency)
    step = sorted_axis(index, Location())[0].step
    np.testing.assert_array_equal(step_numbers(index, step)[20:], step_numbers(index[20:], step))


def test_a_day_starts_at_midnight_and_a_week_on_monday():
    index = pd.date_range("2024-05-13", periods=24 * 14, freq="h")  # a Monday
    result = seasonal_features(index, index.freq, (24, 168))
    turn = 2 * np.pi * np.arange(24 * 14)
    expected = [np.sin(turn / 24), np.cos(turn / 24), np.sin(turn / 168), np.cos(turn / 168)]
    np.testing.assert_allclose(result, np.transpose(expected), atol=1e-9)


def test_a_day_is_that_of_the_clock_on_the_wall():
    index = pd.date_range("2024-03-30", periods=72, freq="h", tz="Europe/Paris")
    result = seasonal_features(index, index.freq, (24,))
    expected = phase_features(index.hour.to_numpy(float), (24,))
    np.testing.assert_allclose(result, expected, atol=1e-9)


def test_a_week_of_business_days_starts_on_monday():
    index = pd.date_range("2024-05-13", periods=20, freq="B")
    np.testing.assert_array_equal(step_numbers(index, index.freq) % 5, index.day_of_week)


def test_stamps_off_the_hour_have_the_same_place_each_day():
    index = pd.date_range("2024-05-13 00:05", periods=48, freq="h")
    result = seasonal_features(index, index.freq, (24,))
    np.testing.assert_allclose(result[:24], result[24:], atol=1e-9)


def test_whole_numbers_and_periods():
    np.testing.assert_array_equal(step_numbers(pd.RangeIndex(6, 30, 3), 3), np.arange(2, 10))
    months = pd.period_range("2024-01", periods=5, freq="M")
    np.testing.assert_array_equal(step_numbers(months, months.freq) % 12, np.arange(5))


@pytest.mark.parametrize(
    ("frequency", "n", "seasons"),
    [
        ("h", 1000, (24, 168)),
        ("h", 335, (24,)),
        ("h", 47, ()),
        ("30min", 1000, (48, 336)),
        ("D", 1000, (7,)),
        ("MS", 1000, (12,)),
        ("YS", 100, ()),
    ],
)
def test_default_seasons_fit_twice(frequency, n, seasons):
    axis = sorted_axis(pd.date_range("1990-01-01", periods=10, freq=frequency), Location())[0]
    assert default_seasons(axis, n) == seasons


def test_no_season_has_no_place():
    assert seasonal_features(pd.RangeIndex(5), 1, ()).shape == (5, 0)
