"""Forecasters of several seasons: profiles of longer ones, and Fourier terms."""

import numpy as np
import pandas as pd
import pytest

import tsrnn
from tsrnn import RNNForecaster, backtest
from tsrnn.data import collection_from
from tsrnn.forecasting.encoders import FeatureEncoder
from tsrnn.forecasting.seasons import Seasons, seasonal_profiles
from tsrnn.parameters import ParameterError

HOURS = pd.date_range("2024-01-01", periods=240, freq="h")
STEPS = np.arange(240)
NOISE = np.random.default_rng(0).normal(0, 0.1, 240)
# Four steps of a day, three days of a week, of which each has a shape and a level of its own.
DAYS = np.array([[0, 1, 4, 2], [5, 3, 2, 9], [1, 8, 0, 4]]).ravel()
Y = pd.Series(DAYS[STEPS % 12] + NOISE, HOURS, name="load")


def quick(**kwargs):
    return RNNForecaster(
        **{"horizon": 4, "season": [4, 12], "max_iter": 2, "hidden_size": 4} | kwargs
    )


@pytest.mark.parametrize(
    ("season", "length", "expected"),
    [
        ("auto", 240, ("auto", (), ())),
        (24, 240, (24, (), ())),
        ([24], 240, (24, (), ())),
        ([12, 4.0, 1], 48, (4, (12,), ())),
        (np.array([4, 12]), 47, (4, (), (12.0,))),  # not four times in the series
        ([4, 12, 24], 240, (4, (12, 24), ())),
        ([7, 365.25], 10_000, (7, (), (365.25,))),
        (365.25, 10_000, (1, (), (365.25,))),
    ],
)
def test_what_becomes_of_each_season(season, length, expected):
    seasons = Seasons.of(season, np.array([length]))
    assert (seasons.base, seasons.profiles, seasons.fourier) == expected


@pytest.mark.parametrize("season", [0, 0.5, [], [24, 0], [24, np.nan], [[24, 168]], ["auto"], True])
def test_what_is_no_season(season):
    with pytest.raises(ParameterError, match=r"'season' parameter of RNNForecaster must be"):
        quick(season=season).fit(Y)


def test_a_profile_by_hand():
    """The pattern of three days, on a trend, and beside an outlier."""
    steps = np.arange(120)
    values = DAYS[steps % 12] + 0.5 * steps
    expected = DAYS - DAYS.mean()
    np.testing.assert_allclose(seasonal_profiles(values, (4, 12))[0], expected, atol=1e-9)
    values[30] += 1000
    np.testing.assert_allclose(seasonal_profiles(values, (4, 12))[0], expected, atol=1e-9)


def test_a_profile_of_a_season_that_no_shorter_one_divides():
    values = DAYS[STEPS % 12] + 0.5 * STEPS
    expected = DAYS - DAYS.mean()
    np.testing.assert_allclose(seasonal_profiles(values, (5, 12))[0], expected, atol=1e-9)


def test_a_season_that_is_not_there_is_not_taken_out():
    rng = np.random.default_rng(1)
    profiles = [seasonal_profiles(rng.normal(0, 1, 240), (4, 12))[0].std() for _ in range(20)]
    assert np.mean(profiles) < 0.1
    assert not seasonal_profiles(np.full(240, 3.0), (4, 12))[0].any()
    assert not seasonal_profiles(np.arange(30.0), (4, 12))[0].any()  # too short to average
    assert not seasonal_profiles(np.arange(30.0), (5, 12))[0].any()
    huge = seasonal_profiles(1e300 * Y.to_numpy(), (4, 12))[0]
    np.testing.assert_allclose(huge, 1e300 * seasonal_profiles(Y.to_numpy(), (4, 12))[0])


def test_days_alike_have_a_profile_of_a_day():
    """They do not differ by what chance alone would make of a longer season."""
    day = np.array([-10.0, 5, 15, -10])
    rng = np.random.default_rng(1)
    errors = []
    for _ in range(20):
        values = day[STEPS % 4] + rng.normal(0, 1, 240)
        profile = seasonal_profiles(values, (4, 12))[0]
        errors.append(profile - np.tile(profile.reshape(3, 4).mean(axis=0), 3))
        np.testing.assert_allclose(profile[:4], day, atol=1)
    assert np.std(errors) < 0.1


def test_a_series_too_short_for_a_week_has_the_profile_of_its_days():
    day = np.array([-10.0, 5, 15, -10])
    profile = seasonal_profiles(day[np.arange(30) % 4], (4, 12))[0]
    np.testing.assert_allclose(profile, np.tile(day, 3), atol=1e-9)


def test_fourier_terms_go_on_from_the_past_by_the_time_stamps():
    features = {}
    for first, n in ((0, 200), (200, 40)):
        y = collection_from(Y[first : first + n])
        encoder = FeatureEncoder.fit(
            y, None, None, past=(), calendar=(), holidays=None, fourier=(12.0, 100.5)
        )
        features[first] = encoder.channels(y, [], np.empty((1, 0)), False)
        if first == 0:
            ahead = encoder.after(y, 40, [], False)[0]
    np.testing.assert_array_equal(ahead, features[200])
    # 2024-01-01 is a Monday, as the origin 1970-01-05 of hours is
    n_hours = (HOURS[0] - pd.Timestamp("1970-01-05")) // pd.Timedelta("1h")
    expected = [
        wave(2 * np.pi * k * (n_hours + STEPS[:200]) / season)
        for season in (12, 100.5)
        for k in (1, 2, 3)
        for wave in (np.sin, np.cos)
    ]
    np.testing.assert_allclose(features[0], np.array(expected).T, atol=1e-7)


def test_attributes_and_forecasts_of_all_kinds():
    forecaster = quick(pretrained=None).fit(Y)
    assert (forecaster.season_, forecaster.seasons_) == (4, (4, 12))
    forecast = forecaster.predict(horizon=30)
    assert np.isfinite(forecast).all()
    pd.testing.assert_series_equal(forecaster.predict(), forecast[:4], check_freq=False)
    assert np.isfinite(forecaster.predict_interval(horizon=30)).all(axis=None)
    assert np.isfinite(forecaster.predict(y=Y + 10)).all()


def test_updates_go_on_in_the_longer_season():
    """In one go, and value by value, between which all but the end is dropped."""
    at_once, by_value = (quick(pretrained=None).fit(Y[:-40]) for _ in range(2))
    at_once.update(Y[-40:])
    for k in range(40):
        by_value.update(Y[len(Y) - 40 + k : len(Y) - 39 + k])
    assert by_value.fitted_.recent.panel.values.size < 40
    pd.testing.assert_series_equal(by_value.predict(30), at_once.predict(30), rtol=1e-12)


@pytest.mark.parametrize(("horizon", "n_ahead"), [(4, "auto"), (16, 4)])
def test_backtests_do_not_read_what_follows_an_origin(horizon, n_ahead):
    y, changed = Y.copy(), Y.copy()
    changed[-2 * horizon :] += 100  # after the first origin of three
    first = slice(0, horizon)
    results = [
        backtest(
            quick(horizon=horizon, n_ahead=n_ahead, pretrained=None), each, n_windows=2, refit=False
        ).forecasts
        for each in (y, changed)
    ]
    found, expected = (result["RNNForecaster"].to_numpy()[first] for result in results)
    np.testing.assert_array_equal(found, expected)
    fitted = quick(horizon=horizon, n_ahead=n_ahead, pretrained=None).fit(y[: -2 * horizon])
    np.testing.assert_allclose(found, fitted.predict(), rtol=1e-6)


def test_saved_and_loaded(tmp_path):
    forecaster = quick(season=[4, 12, 100.5]).fit(Y[:-1]).update(Y[-1:])
    tsrnn.save(forecaster, tmp_path / "seasons.tsrnn")
    loaded = tsrnn.load(tmp_path / "seasons.tsrnn")
    assert loaded.seasons_ == (4, 12, 100.5)
    pd.testing.assert_series_equal(loaded.predict(30), forecaster.predict(30))


def test_the_pretrained_network_takes_the_shortest():
    forecasts = [quick(season=season, max_iter=0).fit(Y).predict() for season in ([12, 4], 4)]
    pd.testing.assert_series_equal(*forecasts)


def test_a_panel_with_gaps_and_series_of_different_lengths():
    frame = pd.DataFrame({"a": Y, "b": 2 * Y.where(STEPS > 150)})
    frame.loc[HOURS[200:205], "a"] = np.nan
    forecaster = quick(missing="mask").fit(frame)
    assert np.isfinite(forecaster.predict(20)).all(axis=None)


def test_a_long_season_is_learned():
    """Days of three kinds in turn: which is next, values of the last day alone do not tell."""
    settings = {"max_iter": 30, "hidden_size": 8, "lookback": 4, "pretrained": None}
    errors = {}
    for name, season in (("both", [4, 12]), ("short", 4)):
        table = backtest(quick(season=season, **settings), Y, n_windows=6, refit=False).metrics()
        errors[name] = table.loc["RNNForecaster", "MAE"]
    assert errors["both"] < 0.2 * errors["short"]


@pytest.mark.parametrize(
    ("horizon", "season", "n_series", "expected"),
    [
        (13, 7, 2, 13),  # 13 is prime: 1 would take seven times the steps of 7
        (14, 7, 2, 7),
        (18, 12, 2, 9),
        (10, 4, 2, 5),
        (24, 24, 1, 4),
        (12, 12, 1, 1),
    ],
)
def test_segments_that_divide_the_horizon(horizon, season, n_series, expected):
    frame = pd.DataFrame(dict.fromkeys(range(n_series), Y)) if n_series > 1 else Y
    kwargs = {"horizon": horizon, "season": season, "calendar": ["hour"], "max_iter": 1}
    assert quick(**kwargs).fit(frame).segment_ == expected


def test_a_high_level_leaves_the_pattern_as_it_is():
    hours = np.arange(24 * 7 * 100)
    pattern = np.random.default_rng(0).normal(size=168)
    values = pattern[hours % 168] + np.random.default_rng(1).normal(scale=0.1, size=hours.size)
    (low,), (high,) = (seasonal_profiles(each, [24, 168]) for each in (values, values + 1e9))
    np.testing.assert_allclose(high, low, atol=1e-5)
