"""Permutation importance, against forecasts from windows exchanged by hand."""

import numpy as np
import pandas as pd
import pytest
from sklearn.utils import check_random_state

from tsrnn import RNNForecaster, backtest
from tsrnn.data import DataError
from tsrnn.inspection import permutation_importance

RNG = np.random.default_rng(1)
DAYS = pd.date_range("2024-01-01", periods=80)
X = pd.DataFrame({"useful": RNG.normal(size=80), "noise": RNG.normal(size=80)}, DAYS)
Y = (10 + 3 * X["useful"] + 0.1 * RNG.normal(size=80)).rename("sold")
HORIZON, LOOKBACK, N_WINDOWS = 2, 6, 5


def quick(**kwargs):
    defaults = {"max_iter": 3, "hidden_size": 4, "horizon": HORIZON, "lookback": LOOKBACK}
    defaults |= {"season": 1, "segment": 1, "refit": False, "transform": None, "n_ahead": HORIZON}
    return RNNForecaster(**(defaults | kwargs))


def origins():
    return np.arange(80 - HORIZON - N_WINDOWS + 1, 80 - HORIZON + 1)


def draws(n, n_repeats):
    rng = np.random.default_rng(check_random_state(0).randint(2**31))
    return [rng.permutation(n) for _ in range(n_repeats)]


def errors_by_hand(forecaster, exchange):
    """Mean absolute errors of the repeats, with the data that ``exchange`` makes of two origins."""
    errors = []
    for donors in draws(N_WINDOWS, 2):
        parts = []
        for end, other in zip(origins(), origins()[donors], strict=True):
            y, covariates = Y[:end].copy(), X[: end + HORIZON].copy()
            exchange(y, covariates, end, other)
            forecast = forecaster.predict(y=y, X=covariates)
            parts.append(np.abs(forecast - Y[end : end + HORIZON]).mean())
        errors.append(np.mean(parts))
    return np.array(errors)


def exchange_useful(y, covariates, end, other):
    rows = X["useful"].iloc[other - LOOKBACK : other + HORIZON]
    covariates.iloc[end - LOOKBACK : end + HORIZON, 0] = rows.to_numpy()


def exchange_future(y, covariates, end, other):
    covariates.iloc[end, 0] = X["useful"].iloc[other]


def exchange_y(y, covariates, end, other):
    moved = Y.iloc[other - LOOKBACK : other].to_numpy()
    moved = moved - moved.mean() + Y.iloc[end - LOOKBACK : end].mean()
    y.iloc[end - LOOKBACK :] = moved


def exchange_second(y, covariates, end, other):
    own, its = Y.iloc[end - LOOKBACK : end], Y.iloc[other - LOOKBACK : other]
    y.iloc[end - 2] = its.iloc[-2] - its.mean() + own.mean()


def test_importance_by_hand():
    options = {"n_windows": N_WINDOWS, "step": 1, "n_repeats": 2, "metric": "mae"}
    forecaster = quick(pretrained=None)
    table = permutation_importance(forecaster, Y, X, **options)
    lags = permutation_importance(forecaster, Y, X, by="lag", **options)
    first = origins()[0]
    fitted = quick(pretrained=None).fit(Y[:first], X[:first])
    error = errors_by_hand(fitted, lambda *args: None).mean()
    cases = [
        (table.loc["useful"], exchange_useful),
        (table.loc["y"], exchange_y),
        (lags.loc[("useful", -1)], exchange_future),
        (lags.loc[("y", 1)], exchange_second),
    ]
    for row, exchange in cases:
        errors = errors_by_hand(fitted, exchange)
        assert row["importance_mean"] == pytest.approx(errors.mean() - error, abs=1e-5)
        assert row["importance_std"] == pytest.approx(errors.std(), abs=1e-5)
        assert row["relative"] == pytest.approx(errors.mean() / error - 1, abs=1e-5)
    expected = {("y", lag) for lag in range(LOOKBACK)}
    expected |= {(name, lag) for name in X for lag in range(-HORIZON, LOOKBACK)}
    assert set(lags.index) == expected


def test_what_matters_is_told_from_what_does_not():
    days = pd.date_range("2023-01-01", periods=300)
    x = pd.DataFrame({"useful": RNG.normal(size=300), "noise": RNG.normal(size=300)}, days)
    y = 10 + 3 * x["useful"] + 0.1 * RNG.normal(size=300)
    forecaster = quick(pretrained=None, max_iter=60, learning_rate_init=0.02)
    table = permutation_importance(forecaster, y, x)
    assert table.index[0] == "useful"
    assert table.loc["useful", "relative"] > 1
    assert abs(table.loc["noise", "relative"]) < 0.5
    blocks = permutation_importance(forecaster, y, x, by="lag", lag_block=2)
    assert blocks.loc["noise"].index.tolist() == [-2, 0, 2, 4]
    # The covariate acts at once: what matters of it is the future.
    assert blocks["importance_mean"].idxmax() == ("useful", -2)
    pd.testing.assert_frame_equal(table, permutation_importance(forecaster, y, x))
    other = permutation_importance(forecaster, y, x, random_state=1)
    assert other.loc["useful", "importance_mean"] != table.loc["useful", "importance_mean"]


def test_origins_spread_over_the_phases_of_seasons():
    """Weather that changes from week to week, and hardly from hour to hour."""
    rng, hours = np.random.default_rng(0), pd.date_range("2024-01-01", periods=960, freq="h")
    weather = np.interp(np.arange(960), np.arange(11) * 96, rng.normal(size=11))
    x = pd.DataFrame({"weather": weather, "noise": rng.normal(size=960)}, hours)
    y = 10 + 3 * np.sin(np.arange(960) * np.pi / 12) + 2 * x["weather"] + 0.1 * rng.normal(size=960)
    forecaster = quick(horizon=24, n_ahead=24, lookback=24, season=24, pretrained=None, max_iter=20)
    table = permutation_importance(forecaster, y, x)
    spread = permutation_importance(forecaster, y, x, step=11)  # 12 has the divisor 2, as 24 has
    pd.testing.assert_frame_equal(table, spread)
    near = permutation_importance(forecaster, y, x, step=1)
    assert table.loc["weather", "relative"] > 3 * near.loc["weather", "relative"]


def test_error_without_exchange_is_that_of_the_backtest():
    """Of a panel with past, static and calendar inputs and the pretrained network."""
    y = pd.DataFrame({"a": Y, "b": 100 - 5 * Y.rolling(2).mean().bfill()})
    y.loc[DAYS[70], "a"] = np.nan
    covariates = X.assign(kind=["odd", "even"] * 40)
    static = pd.DataFrame({"size": [1.0, 2.0]}, ["a", "b"])
    forecaster = quick(past_covariates=["kind"], calendar=["weekday"], missing="mask", loss="huber")
    table = permutation_importance(
        forecaster, y, covariates, static, n_windows=4, step=1, n_repeats=2
    )
    assert set(table.index) == {"y", "useful", "noise", "kind", "weekday", "size"}
    result = backtest(forecaster, y, covariates, static, n_windows=4, step=1, refit=False)
    used = table[table["relative"] != 0]
    errors = used["importance_mean"] / used["relative"]
    np.testing.assert_allclose(errors, result.metrics().loc["RNNForecaster", "MASE"], rtol=1e-5)
    lags = permutation_importance(
        forecaster, y, covariates, static, by="lag", n_windows=4, n_repeats=1
    )
    assert "size" not in lags.index.get_level_values("input")
    assert lags.loc["kind"].index.min() == 0
    assert lags.loc["weekday"].index.min() == -HORIZON


def test_names_of_seasons_and_holidays():
    y = Y.set_axis(pd.date_range("2024-12-01", periods=80))
    holidays = ["2024-12-25", "2025-01-01"]
    forecaster = quick(season=[2, 7.5], holidays=holidays, pretrained=None)
    table = permutation_importance(forecaster, y, n_windows=3, n_repeats=1)
    assert set(table.index) == {"y", "holidays", "season 7.5"}
    fitted = forecaster.fit(y).fitted_
    assert len(fitted.features.channel_names) == fitted.features.n_channels


def test_errors():
    with pytest.raises(ValueError, match="One window alone"):
        permutation_importance(quick(), Y, n_windows=1)
    with pytest.raises(DataError, match="has 80 observations, too few for n_windows=90"):
        permutation_importance(quick(), Y, n_windows=90)
    with pytest.raises(ValueError, match="pretrained network alone"):
        permutation_importance(quick(max_iter=0), Y)
    with pytest.raises(ValueError, match="history that varies"):
        permutation_importance(quick(pretrained=None), Y * 0)
