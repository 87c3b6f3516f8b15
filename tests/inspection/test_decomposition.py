"""Decompositions of series whose parts are known, and effects against forecasts by hand."""

import copy
import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from tsrnn import RNNForecaster
from tsrnn.inspection import decompose

RNG = np.random.default_rng(0)
PROFILE = np.array([4.0, 1, -2, -5, 0, 3, 6, 2, -1, -4, -3, -1])
N = 90
T = np.arange(N)
MONTHS = pd.date_range("2010-03-01", periods=N, freq="MS")
LINE = 50 + 0.5 * T
ADDED = pd.Series(LINE + PROFILE[T % 12], MONTHS, name="sold")


def zero_shot(y, horizon=12, **kwargs):
    """The pretrained network, which is not trained, by default without logarithms."""
    kwargs = {"transform": None} | kwargs
    return RNNForecaster(horizon=horizon, max_iter=0, **kwargs).fit(y)


def parts_of(frame):
    return frame.drop(columns=["y", "is_forecast"])


def test_a_line_and_a_season_are_found():
    forecaster = zero_shot(ADDED)
    frame = decompose(forecaster)
    assert frame.columns.tolist() == ["y", "trend", "season_12", "remainder", "is_forecast"]
    assert frame.index.equals(pd.date_range("2010-03-01", periods=N + 12, freq="MS"))
    assert frame["is_forecast"].tolist() == [False] * N + [True] * 12
    history, forecast = frame[:N], frame[N:]
    np.testing.assert_array_equal(history["y"], ADDED)
    np.testing.assert_array_equal(forecast["y"], forecaster.predict())
    np.testing.assert_allclose(frame["season_12"], PROFILE[np.arange(N + 12) % 12], atol=1e-9)
    # The window of the trend is 13 steps: the first 84 means hold no forecast.
    np.testing.assert_allclose(history["trend"][:84], LINE[:84], atol=1e-9)
    np.testing.assert_allclose(history["remainder"][:84], 0, atol=1e-9)
    np.testing.assert_allclose(parts_of(frame).sum(axis=1), frame["y"], rtol=1e-13)
    left = frame["y"] - frame["season_12"]
    assert frame["trend"].iloc[90] == pytest.approx(left[84:97].mean())
    slope, level = np.polyfit(np.arange(89, 102), left[89:], 1)
    np.testing.assert_allclose(frame["trend"][96:], level + slope * np.arange(96, 102))


def test_logarithms_give_a_product():
    y = np.exp(0.1 * ADDED)
    forecaster = zero_shot(y, transform="log")
    frame = decompose(forecaster)
    season = np.exp(0.1 * PROFILE[np.arange(N + 12) % 12])
    np.testing.assert_allclose(frame["season_12"], season, rtol=1e-9)
    np.testing.assert_allclose(frame["trend"][:84], np.exp(0.1 * LINE[:84]), rtol=1e-9)
    np.testing.assert_allclose(parts_of(frame).prod(axis=1), frame["y"], rtol=1e-12)
    np.testing.assert_array_equal(frame["y"][N:], forecaster.predict())


def test_several_seasons_and_a_window():
    short, long = np.array([3.0, 0, -3]), PROFILE
    y = pd.Series(LINE + short[T % 3] + long[T % 12], MONTHS)
    frame = decompose(zero_shot(y, season=[12, 3]), 5)
    assert frame.columns.tolist()[1:4] == ["trend", "season_3", "season_12"]
    # What the shorter one leaves of itself is in the longer one, which it divides.
    both = frame["season_3"] + frame["season_12"]
    steps = np.arange(N + 5)
    np.testing.assert_allclose(both, short[steps % 3] + long[steps % 12], atol=1e-9)
    np.testing.assert_allclose(frame["remainder"][:84], 0, atol=1e-9)
    wide = decompose(zero_shot(ADDED), window=30)  # made odd
    left = wide["y"] - wide["season_12"]
    assert wide["trend"].iloc[40] == pytest.approx(left[25:56].mean())


def test_fourier_terms_of_a_season_that_is_not_whole():
    steps = np.arange(320)
    waves = 5 * np.sin(2 * np.pi * steps / 90.5) + np.cos(4 * np.pi * steps / 90.5)
    days = pd.date_range("2024-01-01", periods=300)
    y = pd.Series(np.tile(PROFILE[:7] - PROFILE[:7].mean(), 43)[:300] + waves[:300], days)
    frame = decompose(zero_shot(y, season=[7, 90.5]), 20)
    np.testing.assert_allclose(frame["season_90.5"], waves, atol=0.1)
    np.testing.assert_allclose(frame["season_7"][:7], y[:7] - waves[:7], atol=0.3)
    trained = quick(season=[7, 90.5], max_iter=1, past_covariates=()).fit(y)
    assert trained.seasons_ == (7, 90.5)
    pd.testing.assert_series_equal(decompose(trained, 20)["season_90.5"], frame["season_90.5"])
    frame = decompose(zero_shot(y, season=[7, 200]), 20)
    assert [name for name in frame if "season" in name] == ["season_7"]


def test_no_season():
    frame = decompose(zero_shot(pd.Series(LINE), season=1), 10)
    assert frame.columns.tolist() == ["y", "trend", "remainder", "is_forecast"]
    assert frame["trend"].iloc[50] == pytest.approx(LINE[46:55].mean())  # a tenth is 10: 11 wide
    assert len(decompose(zero_shot(pd.Series([1.0, 2, 3])), 1)) == 4


def test_missing_values_have_no_remainder():
    y = ADDED.copy()
    y.iloc[[30, 31, 60]] = np.nan
    frame = decompose(zero_shot(y, missing="mask"))
    missing = frame["y"].isna().to_numpy()
    assert np.flatnonzero(missing).tolist() == [30, 31, 60]
    np.testing.assert_array_equal(frame["remainder"].isna(), missing)
    assert frame[["trend", "season_12"]].notna().all(axis=None)
    total = parts_of(frame).sum(axis=1)
    np.testing.assert_allclose(total[~missing], frame["y"][~missing], rtol=1e-13)
    # In their place the estimates read the last values of the season, a year lower on the line.
    np.testing.assert_allclose(frame["season_12"][:12], PROFILE, atol=0.15)


def test_the_history_goes_on_with_updates():
    forecaster = zero_shot(ADDED[:60])
    for end in (61, 90):
        forecaster.update(ADDED[len(forecaster.recent_) : end])
        frame = decompose(forecaster)
        pd.testing.assert_series_equal(
            frame["y"][:end], ADDED[:end], check_names=False, check_freq=False
        )
        np.testing.assert_array_equal(frame["y"][end:], forecaster.predict())


# Effects of covariates

DAYS = pd.date_range("2024-01-01", periods=84)
PAST = slice(None, 80)
X = pd.DataFrame(
    {
        "price": RNG.normal(5, 1, 84),
        "promotion": RNG.random(84) < 0.2,
        "weather": RNG.choice(["rain", "snow", "sun"], 84, p=[0.2, 0.2, 0.6]),
        "visits": RNG.normal(100, 9, 84),
    },
    DAYS,
)
Y = 50 - 4 * X["price"] + 6 * X["promotion"] + RNG.normal(0, 0.2, 84)
HELD = {"price": X["price"][PAST].mean(), "promotion": False, "weather": "sun"}


def quick(**kwargs):
    defaults = {"max_iter": 8, "hidden_size": 4, "horizon": 4, "lookback": 14, "season": 7}
    defaults |= {"refit": False, "transform": None, "past_covariates": ["visits"]}
    defaults |= {"learning_rate_init": 0.02}
    return RNNForecaster(**(defaults | kwargs))


@pytest.fixture(scope="module")
def forecaster():
    fitted = quick(calendar=["weekday"]).fit(Y[PAST], X[PAST])
    assert 0 < fitted.fitted_.pretrained.share < 1  # both networks forecast
    return fitted


@pytest.fixture(scope="module")
def frame(forecaster):
    return decompose(forecaster, X=X[80:])


@pytest.mark.parametrize("end", [80, 76, 36])
@pytest.mark.parametrize("name", list(X))
def test_effects_are_differences_of_forecasts(forecaster, frame, name, end):
    """In the history forecasts start a horizon apart, and those of a column of the past hold it."""
    held, first = X[: end + 4].copy(), 0 if name == "visits" else end
    held.iloc[first:, held.columns.get_loc(name)] = HELD.get(name, X["visits"][PAST].mean())
    forecast = forecaster.predict(y=Y[:end], X=X[: end + 4])
    other = forecaster.predict(y=Y[:end], X=held)
    found = frame[f"effect_{name}"].iloc[end : end + 4]
    np.testing.assert_allclose(found, forecast - other, rtol=1e-4, atol=1e-5)


def test_parts_with_effects_add_up(frame):
    effects = frame.filter(like="effect_")
    assert (effects.abs().mean() > 0.01).all()
    assert effects.columns.tolist() == [f"effect_{name}" for name in X]
    assert effects[:16].isna().all(axis=None)  # the first origin from 14 values is 16
    assert effects[16:].notna().all(axis=None)
    np.testing.assert_allclose(parts_of(frame).sum(axis=1), frame["y"], rtol=1e-13)
    # The trend takes those that are not known to be as on average.
    left = frame["y"] - frame["season_7"] - effects.fillna(effects.mean()).sum(axis=1)
    for step in (5, 17, 60):
        assert frame["trend"].iloc[step] == pytest.approx(left[step - 3 : step + 4].mean())


def test_the_end_of_long_updates():
    """Of updates 25 values are kept, a lookback and a horizon: to 70 they follow the first 45."""
    y = Y + 3 * PROFILE[np.arange(84) % 7]  # a profile, whose phase goes on
    forecaster = quick(lookback=21, pretrained=None, season=[2, 7])
    forecaster.fit(y[:45], X[["price", "visits"]][:45])
    for known, end, first in ((45, 66, 0), (66, 70, 0), (70, 71, 46)):
        forecaster.update(y[known:end], X[["price", "visits"]][known:end])
        ahead = X[["price"]][end : end + 4]
        frame = decompose(forecaster, X=ahead)
        np.testing.assert_array_equal(frame["y"][:-4], y[first:end])
        forecast = forecaster.predict(X=ahead)
        np.testing.assert_array_equal(frame["y"][-4:], forecast)
        held = forecaster.predict(X=ahead.assign(price=X["price"][first:end].mean()))
        np.testing.assert_allclose(frame["effect_price"][-4:], forecast - held, atol=1e-4)


def test_effects_that_are_known_are_found():
    t = np.arange(204)
    flags = np.random.default_rng(0).random(204) < 0.2
    X = pd.DataFrame({"flag": flags}, pd.date_range("2024-01-01", periods=204))
    y = 40 + PROFILE[t % 7] + 10 * X["flag"]
    forecaster = quick(max_iter=30, past_covariates=(), hidden_size=8).fit(y[:200], X[:200])
    means = decompose(forecaster, X=X[200:])["effect_flag"].groupby(flags).mean()
    assert means[True] == pytest.approx(10, abs=2)
    assert means[False] == pytest.approx(0, abs=0.3)


def test_effects_on_logarithms_are_factors():
    y = np.exp(Y / 10)
    forecaster = quick(transform="log", past_covariates=()).fit(y[PAST], X[["price"]][PAST])
    frame = decompose(forecaster, X=X[["price"]][80:])
    other = forecaster.predict(X=X[["price"]][80:].assign(price=HELD["price"]))
    ratio = frame["y"][80:] / other
    np.testing.assert_allclose(frame["effect_price"][80:], ratio, rtol=1e-4)
    np.testing.assert_allclose(parts_of(frame).prod(axis=1), frame["y"], rtol=1e-12)


def without_days(forecaster, **features):
    """The forecaster with other holidays ahead: those of the history are marked already."""
    other = copy.copy(forecaster)
    state = forecaster.fitted_
    features = dataclasses.replace(state.features, **features)
    other.fitted_ = dataclasses.replace(state, features=features)
    return other


def test_holidays_by_date():
    days = ["2024-01-03", "2024-02-14", "2024-03-21"]
    forecaster = quick(past_covariates=(), holidays=days).fit(Y[PAST])
    frame = decompose(forecaster)
    kept = forecaster.fitted_.features.holidays[:2]
    other = without_days(forecaster, holidays=kept).predict()
    assert frame["holidays"][80:].abs().max() > 1e-4
    np.testing.assert_allclose(frame["holidays"][80:], frame["y"][80:] - other, atol=1e-4)


def test_holidays_by_name():
    """Two on one day, of which each is unmarked by itself, and a single one."""
    days = pd.date_range("2024-10-01", periods=84)
    y = Y.set_axis(days)
    forecaster = quick(past_covariates=(), holidays=["DE", "FR"]).fit(y[PAST])
    names = forecaster.holidays_
    assert names[:2] == ("All Saints' Day", "Armistice Day")
    columns = [f"holiday_{name}" for name in names]
    assert decompose(forecaster).columns.tolist()[3:-2] == columns

    def marked(*numbers):
        """The forecaster where the first day ahead is on these holidays."""
        countries = forecaster.fitted_.features.countries
        others, day = countries.days != days[80], np.datetime64(days[80], "D")
        countries = dataclasses.replace(
            countries,
            days=np.append(countries.days[others], np.full(len(numbers), day)),
            numbers=np.append(countries.numbers[others], np.array(numbers, int)),
        )
        return without_days(forecaster, countries=countries)

    two, one, none = marked(0, 1), marked(0), marked()
    effect = decompose(two)[columns[1]][80:]
    np.testing.assert_allclose(effect, two.predict() - one.predict(), atol=1e-5)
    effect = decompose(one)[columns[0]][80:]
    assert effect.abs().max() > 1e-3
    np.testing.assert_allclose(effect, one.predict() - none.predict(), atol=1e-5)
    assert (decompose(one)[columns[1]][80:] == 0).all()


# Which series, and what is refused

PANEL = pd.DataFrame({"a": ADDED, "b": 100 - ADDED, "ended": ADDED.where(T < 80)})


def test_a_series_of_a_panel():
    forecaster = zero_shot(PANEL, ended_after=3)
    pd.testing.assert_frame_equal(decompose(forecaster), decompose(forecaster, series="a"))
    frame = decompose(forecaster, series="b")
    np.testing.assert_array_equal(frame["y"][:N], PANEL["b"])
    np.testing.assert_array_equal(frame["y"][N:], forecaster.predict()["b"])
    np.testing.assert_allclose(frame["season_12"][:12], -PROFILE, atol=1e-9)
    with pytest.raises(ValueError, match="series='ended' has ended and is not forecast"):
        decompose(forecaster, series="ended")
    with pytest.raises(ValueError, match=r"series='c' is none .* Choose among \['a', 'b'"):
        decompose(forecaster, series="c")


def test_what_cannot_be_decomposed_is_refused():
    forecaster = zero_shot(ADDED)
    with pytest.raises(ValueError, match=r"series='sold' is none .* Leave series out"):
        decompose(forecaster, series="sold")
    with pytest.raises(ValueError, match="window=103 is longer than the 102 steps"):
        decompose(forecaster, window=102)
    with pytest.raises(ValueError, match="y has 30 values, too few to tell a season of 12 from"):
        decompose(zero_shot(ADDED[:30], season=12))
    with pytest.raises(ValueError, match="has 2 values, too few to decompose"):
        decompose(zero_shot(ADDED[:2]))
    with pytest.raises(NotFittedError):
        decompose(RNNForecaster())
    with pytest.raises(ValueError, match="forecaster must be"):
        decompose(ADDED)


def test_covariates_ahead_are_needed(forecaster):
    with pytest.raises(ValueError, match="X has no row at 2024-03-21"):
        decompose(forecaster)
