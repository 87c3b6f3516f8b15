"""Forecasters of enormous and of tiny values: right to the bit, or refused by name."""

import warnings

import numpy as np
import pandas as pd
import pytest

from tsrnn import RNNForecaster, backtest
from tsrnn.data import DataError
from tsrnn.forecasting.scaling import recent_slope
from tsrnn.forecasting.seasonality import prefers_logarithm

N, HORIZON = 160, 6
DAYS = pd.date_range("2024-01-01", periods=N + 12)
LOSSES = "absolute_error", "squared_error", "huber", "quantile", "gaussian", "student_t"


def quick(**kwargs):
    fixed = {"horizon": HORIZON, "season": 1, "lookback": 12, "max_iter": 2, "hidden_size": 4}
    return RNNForecaster(**fixed | {"transform": None} | kwargs)


def wave(n=N, seed=0):
    noise = np.random.default_rng(seed).normal(scale=0.3, size=n)
    return pd.Series(20 + 3 * np.sin(np.arange(n) / 4) + noise, DAYS[:n])


def panel():
    return pd.DataFrame({"a": wave(), "b": 1000 * wave(seed=1)})


def times_two_to(y, exponent):
    return (
        y.apply(lambda column: np.ldexp(column, exponent)) if y.ndim > 1 else np.ldexp(y, exponent)
    )


def results_of(forecaster, **kwargs):
    """All that a forecaster predicts, as one array."""
    parts = [
        forecaster.predict(**kwargs),
        forecaster.predict_interval(coverage=0.95, **kwargs),
        forecaster.predict_samples(n_samples=4, **kwargs),
        forecaster.predict(20, **kwargs),
    ]
    return np.concatenate([np.ravel(part) for part in parts])


def widest_interval(forecaster):
    interval = forecaster.predict_interval(coverage=0.95)
    return (interval["upper_95"] - interval["lower_95"]).max()


@pytest.mark.parametrize("y", [wave(), panel()], ids=["series", "panel"])
@pytest.mark.parametrize("missing", ["raise", "mask"])
@pytest.mark.parametrize("exponent", [-1000, -700, -540, 300, 480])
def test_the_unit_makes_no_difference(y, missing, exponent):
    if missing == "mask":
        y = y.where(np.arange(N) % 11 > 0) if y.ndim == 1 else y.where(y > y.min())
    forecaster = quick(missing=missing)
    wanted = results_of(forecaster.fit(y))
    other = results_of(forecaster.fit(times_two_to(y, exponent)))
    np.testing.assert_array_equal(other, np.ldexp(wanted, exponent))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("exponent", [-1070, -1060, -1040])
def test_denormal_values(loss, exponent):
    """They have few digits, and forecasts are as good as these allow."""
    forecaster = quick(loss=loss)
    wanted, widest = results_of(forecaster.fit(wave())), widest_interval(forecaster)
    forecast = forecaster.predict(20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        forecaster.fit(np.ldexp(wave(), exponent))
        interval = forecaster.predict_interval()
        other = np.ldexp(results_of(forecaster), -exponent)
        other_forecast = np.ldexp(forecaster.predict(20), -exponent)
    assert (interval["upper_90"] > interval["lower_90"]).all()
    digit = 2.0 ** (-1074 - exponent)
    np.testing.assert_allclose(other_forecast, forecast, rtol=1e-3, atol=2 * digit)
    np.testing.assert_allclose(other, wanted, rtol=1e-3, atol=2 * digit + 0.05 * widest)


def test_a_constant_denormal_series():
    y = pd.Series(1e-320, DAYS[:N])
    assert (quick().fit(y).predict() == 1e-320).all()


def test_logarithm_and_trend_of_tiny_values():
    rng = np.random.default_rng(0)
    growing = np.exp(np.arange(96) / 20 + rng.normal(scale=0.2, size=96))
    for exponent in 0, -600, -1000:
        assert prefers_logarithm(np.ldexp(growing, exponent), 12)
        noise = np.ldexp(rng.normal(size=48), exponent)
        assert recent_slope(noise, 12) == 0
        line = np.ldexp(np.arange(48.0), exponent)
        assert recent_slope(line, 12) == np.ldexp(1.0, exponent)


LATER = wave(N + 12)[N:]
TOO_LARGE = r"is .* at 2024-06-09, .* deviations from the mean of what was fitted"


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("factor", [1e-300, 1e-20, 1e3, 1e13])
def test_new_values_of_another_size(loss, factor):
    later = LATER * factor
    forecaster = quick(loss=loss).fit(wave())
    assert np.isfinite(forecaster.score(later))
    assert np.isfinite(results_of(forecaster, y=wave() * factor)).all()
    assert np.isfinite(results_of(forecaster.update(later))).all()
    interval = forecaster.predict_interval()
    assert (interval["upper_90"] > interval["lower_90"]).all()


@pytest.mark.parametrize("factor", [1e16, 1e100, 1e148])
def test_new_values_that_dwarf_the_fitted_ones_are_refused(factor):
    y, later = wave() * 1e-3, LATER * 1e-3 * factor
    forecaster = quick().fit(y)
    for call in forecaster.update, forecaster.partial_fit, forecaster.score:
        with pytest.raises(DataError, match=TOO_LARGE):
            call(later)
    whole = pd.concat([y, later])
    with pytest.raises(DataError, match=TOO_LARGE):
        backtest(quick(), whole, n_windows=3, refit=False)
    assert np.isfinite(results_of(forecaster, y=whole)).all()  # scaled by their own deviation
    assert np.isfinite(results_of(quick().fit(whole))).all()
    assert forecaster.predict().equals(quick().fit(y).predict())


def test_the_series_that_is_too_large_is_named():
    later = pd.DataFrame({"a": LATER, "b": LATER * 1e20})
    with pytest.raises(DataError, match=f"Series 'b' of y {TOO_LARGE}") as caught:
        quick().fit(panel()).update(later)
    assert (caught.value.series, caught.value.row) == ("b", DAYS[N])


def test_a_constant_series_may_begin_to_move():
    forecaster = quick().fit(pd.Series(5.0, DAYS[:N]))
    assert np.isfinite(forecaster.update(LATER * 1e6).predict()).all()
    with pytest.raises(DataError, match="deviations from the mean"):
        quick().fit(pd.Series(5.0, DAYS[:N])).update(LATER * 1e100)


@pytest.mark.parametrize("loss", ["absolute_error", "gaussian", "quantile"])
def test_bounds_in_logarithms_stay_finite(loss):
    y = wave()
    y[-5:] *= 1e100
    forecaster = quick(transform="log", loss=loss, pretrained=None).fit(y)
    with pytest.warns(UserWarning, match=r"Some results exceed 1e\+300 and are set to it"):
        interval = forecaster.predict_interval(coverage=0.95)
    assert np.isfinite(interval).all(axis=None)
    assert (interval["upper_95"] > interval["lower_95"]).all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.isfinite(results_of(forecaster)).all()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("value", [1e40, -1e100, 1e149])
def test_new_covariates_of_another_size_are_refused(loss, value):
    x = pd.DataFrame({"price": np.arange(N + 12.0)}, DAYS)
    future = x[N : N + HORIZON].astype(float)
    forecaster = quick(loss=loss).fit(wave(), x[:N])
    assert np.isfinite(forecaster.predict(X=future * 1e10)).all()
    future.iloc[2] = value
    message = r"Column 'price' of X is .* at 2024-06-11, .* deviations from the mean"
    with pytest.raises(DataError, match=message):
        forecaster.predict(X=future)
    with pytest.raises(DataError, match=message):
        forecaster.update(LATER[:6], X=future)
