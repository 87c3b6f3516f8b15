import numpy as np
import pandas as pd
import pytest

from tsrnn import RNNForecaster, backtest, drift, seasonal_naive
from tsrnn.datasets import load_airline, load_sunspots

pytestmark = pytest.mark.slow

Y = load_airline()
WIDE = pd.DataFrame({"a": Y, "b": 300 - Y[::-1].to_numpy() / 4})


def quick(**kwargs):
    return RNNForecaster(**({"max_iter": 3, "hidden_size": 4, "horizon": 6} | kwargs))


def test_origins_and_actual_values():
    result = backtest(quick(), Y, n_windows=3, step=4, refit=False).forecasts
    cutoffs = result["cutoff"].unique()
    assert cutoffs.tolist() == [Y.index[-15], Y.index[-11], Y.index[-7]]
    assert len(result) == 18
    np.testing.assert_array_equal(result["y"], Y[result["ds"]])
    months = (result["ds"].dt.to_period("M") - result["cutoff"].dt.to_period("M")).map(
        lambda d: d.n
    )
    assert months.tolist() == [1, 2, 3, 4, 5, 6] * 3


def test_one_fit_forecasts_from_all_origins_as_separate_fits_do():
    result = backtest(quick(refit=False), Y, n_windows=3, refit=False, coverage=0.8).forecasts
    first = result["cutoff"].iloc[0]
    forecaster = quick(refit=False).fit(Y[:first])
    series_forecasts = result[result["cutoff"] == first]
    np.testing.assert_array_equal(series_forecasts["RNNForecaster"], forecaster.predict())
    intervals = forecaster.predict_interval(coverage=0.8)
    np.testing.assert_array_equal(series_forecasts[["lower_80", "upper_80"]], intervals)


def test_a_fit_at_each_origin_sees_what_was_known_then_alone():
    result = backtest(quick(), WIDE, n_windows=2).forecasts
    changed = WIDE.copy()
    changed.iloc[-6:] *= 3
    again = backtest(quick(), changed, n_windows=2).forecasts
    np.testing.assert_array_equal(result["RNNForecaster"], again["RNNForecaster"])
    last = result[result["cutoff"] == WIDE.index[-7]]
    forecast = quick().fit(WIDE[:-6]).predict()
    np.testing.assert_array_equal(
        last["RNNForecaster"].to_numpy().reshape(2, 6), forecast.to_numpy().T
    )


@pytest.mark.parametrize("refit", [False, True])
def test_baselines(refit):
    result = backtest(quick(season=12), WIDE, n_windows=2, refit=refit).forecasts
    for (name, cutoff), series_forecasts in result.groupby(["unique_id", "cutoff"]):
        history = WIDE[name][:cutoff]
        naive = seasonal_naive(history, 6, season=12)
        np.testing.assert_allclose(series_forecasts["seasonal_naive"], naive)
        np.testing.assert_allclose(series_forecasts["drift"], drift(history, 6))


def test_metrics_by_hand():
    result = backtest(quick(season=12), WIDE, n_windows=2, coverage=[0.5, 0.9], refit=False)
    table, frame = result.metrics(), result.forecasts
    assert table.index.tolist() == ["RNNForecaster", "seasonal_naive", "drift"]
    error = (frame["seasonal_naive"] - frame["y"]).abs()
    assert table.loc["seasonal_naive", "MAE"] == pytest.approx(error.mean())
    scaled = []
    for name, series_forecasts in frame.groupby("unique_id"):
        history = WIDE[name][: series_forecasts["cutoff"].min()]
        scale = history.diff(12).abs().mean()
        scaled.append(
            (series_forecasts["RNNForecaster"] - series_forecasts["y"]).abs().mean() / scale
        )
    assert table.loc["RNNForecaster", "MASE"] == pytest.approx(np.mean(scaled))
    inside = frame["y"].between(frame["lower_90"], frame["upper_90"]).mean()
    assert table.loc["RNNForecaster", "coverage_90"] == pytest.approx(inside)
    assert table.loc["RNNForecaster", "interval_score_90"] > 0
    assert table.loc["RNNForecaster", "MAPE"] == pytest.approx(
        100 * ((frame["RNNForecaster"] - frame["y"]) / frame["y"]).abs().mean()
    )


def test_the_forecaster_given_stays_as_it_is():
    forecaster = quick()
    before = dict(vars(forecaster))
    backtest(forecaster, Y, n_windows=2)
    assert vars(forecaster) == before


def test_series_of_different_ends_have_different_origins():
    frame = WIDE.copy()
    frame.iloc[-10:, 1] = np.nan
    result = backtest(quick(), frame, n_windows=2, refit=False).forecasts
    last = result.groupby("unique_id")["ds"].max()
    assert last["a"] == WIDE.index[-1]
    assert last["b"] == WIDE.index[-11]


def test_too_many_origins_name_the_series():
    with pytest.raises(ValueError, match="y has 309 observations, too few for n_windows=60"):
        backtest(quick(), load_sunspots(), n_windows=60)
    with pytest.raises(ValueError, match="Series 'a' of y has 144"):
        backtest(quick(), WIDE, n_windows=60)


@pytest.mark.parametrize("bad", [{"n_windows": 0}, {"step": 0}, {"step": 1.5}, {"n_windows": True}])
def test_bad_parameters(bad):
    with pytest.raises(ValueError, match="must be a whole number from 1"):
        backtest(quick(), Y, **bad)
    with pytest.raises(ValueError, match=r"coverage must be .* between 0 and 1"):
        backtest(quick(), Y, n_windows=1, coverage=80)


def test_a_series_that_is_no_longer_positive_is_refused_by_place():
    """The fit takes logarithms of the values before the first origin, which are positive."""
    y = load_airline().astype(float)
    y.iloc[-20] = 0
    quick = RNNForecaster(horizon=6, max_iter=2, hidden_size=4, n_jobs=1)
    with pytest.raises(ValueError, match="is 0 at 1959-05-01"):
        backtest(quick, y, n_windows=4, refit=False)
    y = load_airline().astype(float)
    y.iloc[-2] = 0  # after the last origin: not an input, and a forecast is made
    result = backtest(quick, y, n_windows=3, refit=False)
    assert result.forecasts["RNNForecaster"].notna().all()


def test_forecasts_are_on_the_level_of_the_series():
    """A network that says nothing repeats the season, beyond the trained horizon too."""
    y = load_airline().astype(float)
    silent = {"max_iter": 1, "learning_rate_init": 1e-30, "refit": False, "pretrained": None}
    silent = RNNForecaster(horizon=6, **silent)
    result = backtest(silent, y, n_windows=3, refit=False).forecasts
    np.testing.assert_allclose(result["RNNForecaster"], result["seasonal_naive"], rtol=1e-9)
    forecast = silent.fit(y).predict(30)
    np.testing.assert_allclose(forecast, np.tile(y[-12:], 3)[:30], rtol=1e-9)


def test_scales_of_histories_that_have_one_and_that_have_none():
    rng = np.random.default_rng(0)
    wide = pd.DataFrame(rng.normal(10, 1, (60, 3)), pd.RangeIndex(60), ["moves", "holes", "still"])
    wide.loc[20:25, "holes"] = np.nan
    wide.loc[:56, "still"] = 7.0
    kwargs = {"horizon": 3, "season": 4, "lookback": 8, "max_iter": 1, "missing": "mask"}
    result = backtest(RNNForecaster(**kwargs, hidden_size=4), wide, n_windows=1)
    changes = (wide.shift(-4) - wide)[:53]  # within the 57 before the first origin
    np.testing.assert_allclose(result.scales[:2], changes.abs().mean()[:2])
    np.testing.assert_allclose(result.squared_scales[:2], (changes**2).mean()[:2])
    assert np.isnan([result.scales[2], result.squared_scales[2]]).all()
