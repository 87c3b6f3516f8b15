"""Backtests of several forecasters, and their errors in groups."""

import sys
import types
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import median_absolute_error

from tsrnn import RNNForecaster, backtest
from tsrnn.datasets import load_airline
from tsrnn.forecasting import RegressionForecaster

Y = load_airline()
WIDE = pd.DataFrame({"b": Y, "a": 1000 - 1.5 * Y, "c": Y[::-1].to_numpy() ** 0.5})
STATIC = pd.DataFrame({"kind": ["up", "down", "down"]}, ["b", "a", "c"])


def zero_shot(horizon=4, **kwargs):
    return RNNForecaster(horizon=horizon, max_iter=0, **kwargs)


def quick(horizon=4, **kwargs):
    return RNNForecaster(**({"horizon": horizon, "max_iter": 2, "hidden_size": 4} | kwargs))


FIVE = {
    "net": quick(),
    "zero-shot": zero_shot(),
    "ridge": Ridge(),
    "direct": RegressionForecaster(LinearRegression(), lookback=12, strategy="direct"),
    "naive": "naive",
}


@pytest.fixture(scope="module")
def five():
    """Five forecasters, twenty origins, a fit at every fifth of them."""
    options = {"n_windows": 20, "refit": 5, "step": 2, "static": STATIC, "baselines": ()}
    return backtest(FIVE, WIDE, coverage=0.8, **options)


def test_columns_and_one_table(five):
    names = list(FIVE)
    assert five.forecasters == tuple(names)
    spreads = [f"{name}_{side}_80" for name in names[:2] for side in ("lower", "upper")]
    assert five.forecasts.columns.tolist() == ["unique_id", "cutoff", "ds", "y", *names, *spreads]
    assert len(five.forecasts) == 3 * 20 * 4
    assert five.forecasts.notna().all(axis=None)
    table = five.metrics()
    assert table.index.tolist() == names
    assert table["coverage_80"].notna().tolist() == [True, True, False, False, False]
    inside = five.forecasts.eval("`zero-shot_lower_80` <= y <= `zero-shot_upper_80`").mean()
    assert table.loc["zero-shot", "coverage_80"] == pytest.approx(inside)
    assert set(five.seconds) == set(names)


def errors_by_hand(part, name, history):
    """Errors of the rows of one series."""
    actual, forecast = part["y"].to_numpy(), part[name].to_numpy()
    errors = [f - y for f, y in zip(forecast, actual, strict=True)]
    sizes = [abs(error) for error in errors]
    changes = [abs(b - a) for a, b in zip(history[:-12], history[12:], strict=True)]
    return {
        "MAE": sum(sizes) / len(sizes),
        "RMSE": (sum(e**2 for e in errors) / len(errors)) ** 0.5,
        "MAPE": 100 * sum(s / abs(y) for s, y in zip(sizes, actual, strict=True)) / len(sizes),
        "MASE": sum(sizes) / len(sizes) / (sum(changes) / len(changes)),
        "WAPE": 100 * sum(sizes) / sum(abs(y) for y in actual),
        "bias": sum(errors) / len(errors),
    }


def test_metrics_by_series_are_those_of_a_loop(five):
    table = five.metrics(by="unique_id")
    assert table.index.names == ["unique_id", "forecaster"]
    assert len(table) == 15
    for series in WIDE:
        part = five.forecasts[five.forecasts["unique_id"] == series]
        history = WIDE[series][: part["cutoff"].iloc[0]].tolist()
        for name in FIVE:
            for metric, wanted in errors_by_hand(part, name, history).items():
                assert table.loc[(series, name), metric] == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(
    ("by", "n"), [("cutoff", 20), ("horizon", 4), ("kind", 2), (["kind", "horizon"], 8)]
)
def test_metrics_of_groups_are_means_over_their_series(by, n, five):
    frame = five.forecasts.assign(
        horizon=np.arange(240) % 4 + 1, kind=STATIC["kind"].loc[five.forecasts["unique_id"]].array
    )
    table = five.metrics(by=by, metrics=["MAE", "RMSE", "WAPE"])
    assert len(table) == 5 * n
    for label, group in frame.groupby(by):
        for name in FIVE:
            rows = [
                errors_by_hand(part, name, [0.0] * 12 + [1.0])
                for _, part in group.groupby("unique_id")
            ]
            key = (*label, name) if isinstance(label, tuple) else (label, name)
            for metric in ("MAE", "RMSE"):
                wanted = np.mean([row[metric] for row in rows])
                assert table.loc[key, metric] == pytest.approx(wanted)
            wanted = 100 * (group[name] - group["y"]).abs().sum() / group["y"].abs().sum()
            assert table.loc[key, "WAPE"] == pytest.approx(wanted)


def test_groups_of_unknown_names_are_refused(five):
    with pytest.raises(
        ValueError, match="by has 'region', and groups are by 'unique_id', 'cutoff'"
    ):
        five.metrics(by="region")


def test_metrics_of_ones_own(five):
    def largest(actual, forecast):
        return np.abs(actual - forecast).max()

    table = five.metrics(by="unique_id", metrics=["MAE", largest, median_absolute_error])
    assert table.columns.tolist() == ["MAE", "largest", "median_absolute_error"]
    part = five.forecasts[five.forecasts["unique_id"] == "a"]
    assert table.loc[("a", "ridge"), "largest"] == (part["ridge"] - part["y"]).abs().max()
    wanted = (part["naive"] - part["y"]).abs().median()
    assert table.loc[("a", "naive"), "median_absolute_error"] == pytest.approx(wanted)
    of_all = five.metrics(metrics={"worst": largest})
    by_series = five.metrics(by="unique_id", metrics=largest)["largest"]
    assert of_all.loc["net", "worst"] == by_series.xs("net", level=1).mean()


def test_worst(five):
    worst = five.worst(2, by="cutoff", forecaster="ridge")
    errors = five.metrics(by="cutoff", metrics="MAE")["MAE"].xs("ridge", level="forecaster")
    pd.testing.assert_series_equal(worst["ridge"], errors.nlargest(2), check_names=False)
    assert worst.columns.tolist() == list(FIVE)
    biased = five.worst(1, "bias")
    table = five.metrics(by="unique_id", metrics="bias")["bias"].xs("net", level=1)
    assert biased.index[0] == table.abs().idxmax()
    with pytest.raises(ValueError, match=r"forecaster must be one of .net., .* got .nets."):
        five.worst(forecaster="nets")


def test_between_fits_forecasts_are_those_after_updates():
    result = backtest({"net": quick(), "other": zero_shot()}, WIDE, n_windows=4, refit=2).forecasts
    for first in (0, 2):
        end = len(WIDE) - 4 * (4 - first)
        forecaster = quick().fit(WIDE[:end])
        for k in (0, 1):
            if k:
                forecaster.update(WIDE[end : end + 4])
            rows = result[result["cutoff"] == WIDE.index[end + 4 * k - 1]]
            wanted = forecaster.predict().to_numpy().T.ravel()
            np.testing.assert_allclose(rows["net"], wanted, rtol=1e-6)


def test_a_regressor_by_hand():
    """Lags of one series in its units, recursively and directly."""
    y = Y.astype(float)
    forecasters = {
        "net": zero_shot(3),
        "recursive": RegressionForecaster(LinearRegression(), lookback=5, scale=False),
        "direct": RegressionForecaster(
            LinearRegression(), lookback=5, strategy="direct", scale=False
        ),
    }
    result = backtest(forecasters, y, n_windows=4, refit=2, step=1).forecasts
    values = y.to_numpy()
    for k, cutoff in enumerate(y.index[-7:-3]):
        n = len(y) - 6 + k  # values known at the origin
        n_fit = len(y) - 6 + 2 * (k // 2)
        known = values[:n_fit]
        lags = np.array([known[i : i + 5] for i in range(len(known) - 4)])
        rows = result[result["cutoff"] == cutoff]
        window = list(values[n - 5 : n])
        one = LinearRegression().fit(lags[: n_fit - 5], known[5:])
        for step in range(3):
            window.append(one.predict([window[-5:]])[0])
            target = known[5 + step :]
            direct = LinearRegression().fit(lags[: len(target)], target)
            wanted = direct.predict([values[n - 5 : n]])[0]
            assert rows["direct"].iloc[step] == pytest.approx(wanted)
        np.testing.assert_allclose(rows["recursive"], window[-3:])


def test_a_regressor_reads_what_the_network_reads():
    """Values that a covariate known in the future explains, after a past one that does not."""
    rng = np.random.default_rng(0)
    index = pd.date_range("2024-01-01", periods=120)
    X = pd.DataFrame(rng.normal(size=(120, 2)), index, ["price", "past"])
    y = pd.Series(5 + 3 * X["price"] + 0.01 * rng.normal(size=120), index, name="sold")
    network = quick(2, past_covariates=["past"], season=1, lookback=8)
    regressor = RegressionForecaster(LinearRegression(), lookback=3, scale=False)
    result = backtest({"net": network, "line": regressor}, y, X, n_windows=5, refit=5)
    table = result.metrics()
    assert table.loc["line", "MAE"] < 0.05
    changed = X.copy()
    changed.iloc[-2:, 1] = 1e3  # not known at any origin
    again = backtest({"net": network, "line": regressor}, y, changed, n_windows=5, refit=5)
    np.testing.assert_array_equal(again.forecasts["line"], result.forecasts["line"])


def test_scaled_windows_serve_series_of_all_levels():
    values = np.tile([1.0, 4.0, 2.0, 8.0], 12)
    wide = pd.DataFrame({"low": values, "high": 1e6 + 1e3 * values})
    forecasters = [zero_shot(season=4), RegressionForecaster(LinearRegression(), lookback=8)]
    result = backtest(forecasters, wide, n_windows=2)
    assert result.forecasters[1] == "LinearRegression"
    np.testing.assert_allclose(result.forecasts["LinearRegression"], result.forecasts["y"])


def test_simple_baselines():
    forecasters = [zero_shot(), "mean", "naive"]
    result = backtest(forecasters, WIDE, n_windows=2, refit=2).forecasts
    assert result.columns[4:].tolist() == [
        "RNNForecaster",
        "mean",
        "naive",
        "seasonal_naive",
        "drift",
    ]
    for (series, cutoff), rows in result.groupby(["unique_id", "cutoff"]):
        history = WIDE[series][:cutoff]
        np.testing.assert_allclose(rows["mean"], history.mean())
        np.testing.assert_allclose(rows["naive"], history.iloc[-1])


def test_the_mean_is_of_observed_values():
    y = pd.Series([1.0, np.nan, 5.0, 3.0, 3.0, 9.0], pd.date_range("2024-01-01", periods=6))
    network = zero_shot(1, missing="mask")
    result = backtest([network, "mean"], y, n_windows=3).forecasts
    np.testing.assert_allclose(result["mean"], [3, 3, 3])


def test_names():
    forecasters = [zero_shot(), zero_shot(season=1), Ridge(), Ridge(2.0)]
    result = backtest(forecasters, Y, n_windows=1, baselines=["drift"])
    assert result.forecasters == (
        *("RNNForecaster", "RNNForecaster_2", "Ridge", "Ridge_2"),
        "drift",
    )
    one = backtest({"mine": zero_shot()}, Y, n_windows=1, coverage=0.5)
    assert "mine_lower_50" in one.forecasts
    assert one.metrics()["coverage_50"].notna().sum() == 1


@pytest.mark.parametrize(
    ("forecaster", "message"),
    [
        ([Ridge()], "forecaster has no RNNForecaster"),
        ("drift", r"got the name 'drift' alone.*or baselines=\['drift'\]"),
        (
            [zero_shot(3), zero_shot(5)],
            "'RNNForecaster_2' has horizon=5, and 'RNNForecaster' has 3",
        ),
        ([zero_shot(), "prophet"], "forecaster 1 is 'prophet', which is no name of one"),
        ([], "forecaster must be an RNNForecaster"),
        ({"y": zero_shot()}, "'y' would be the name of two columns"),
    ],
)
def test_forecasters_that_cannot_be_compared(forecaster, message):
    with pytest.raises(ValueError, match=message):
        backtest(forecaster, Y)


def test_errors_name_the_forecaster():
    short = RegressionForecaster(Ridge(), lookback=140)
    with pytest.raises(ValueError, match="has 140 observations before") as raised:
        backtest({"net": zero_shot(), "long": short}, Y, n_windows=1)
    assert raised.value.__notes__ == ["This is of the forecaster 'long' of the backtest."]


def test_mape_says_where_zeros_are():
    y = Y.astype(float)
    y.iloc[-2] = 0
    frame = pd.DataFrame({"a": y, "b": Y})
    result = backtest(zero_shot(), frame, n_windows=2)
    with pytest.warns(UserWarning, match=r"where y is 0.* at 1 of its values of the series 'a'"):
        table = result.metrics(by="unique_id", metrics=["MAE", "MAPE"])
    assert np.isnan(table.loc[("a", "drift"), "MAPE"])
    assert table.loc[("b", "drift"), "MAPE"] > 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert result.metrics().drop(columns="MAPE").notna().all(axis=None)
    assert "MAPE is not defined (NaN) where y is 0" in repr(result)
    assert "MAPE is not defined (NaN) where y is 0" in result._repr_html_()


@pytest.mark.parametrize("library", ["pandas", "polars", "levels"])
def test_names_and_library_of_the_users(library):
    long = pd.DataFrame({"shop": np.repeat(["x", "y"], 40), "day": [*range(40)] * 2})
    long["day"] = pd.date_range("2024-01-01", periods=40)[long["day"]]
    long["sold"] = np.arange(80.0) % 7 + 1
    names = {"id_column": "shop", "time_column": "day", "target_column": "sold"}
    static = pd.DataFrame({"shop": ["x", "y"], "size": [1, 2]})
    y = long
    if library == "polars":
        y = pytest.importorskip("polars").DataFrame(long.to_dict("list"))
    elif library == "levels":
        y, names = long.set_index(["shop", "day"]), {"id_column": "shop"}
    network = zero_shot(season=7, **names)
    result = backtest([network, "mean"], y, None, static, n_windows=2, coverage=0.8)
    columns = list(result.forecasts.columns)
    assert columns[:5] == ["shop", "cutoff", "day", "sold", "RNNForecaster"]
    table, worst = result.metrics(by=["shop", "size"], metrics="MAE"), result.worst(1)
    if library == "polars":
        assert {type(each) for each in (result.forecasts, table, worst)} == {type(y)}
        assert table.columns == ["shop", "size", "forecaster", "MAE"]
        assert result.forecasts["day"].dtype == result.forecasts["cutoff"].dtype == y["day"].dtype
        assert result.metrics().columns[0] == "forecaster"
    else:
        assert table.index.names == ["shop", "size", "forecaster"]
        assert worst.index.name == "shop"
    frame = result.to_pandas()
    actual = long.set_index(["shop", "day"])["sold"]
    keys = pd.MultiIndex.from_frame(frame[["unique_id", "ds"]])
    np.testing.assert_array_equal(frame["y"], actual.loc[keys])


def test_ids_that_are_tuples():
    wide = WIDE.set_axis(pd.MultiIndex.from_tuples([("x", 1), ("x", 2), ("y", 1)]), axis=1)
    result = backtest(zero_shot(), wide, n_windows=1)
    table = result.metrics(by="unique_id", metrics="MAE")
    assert table.index.nlevels == 2
    assert result.worst(3).index.tolist()[0] in list(wide.columns)


def test_tables_in_notebooks_and_on_terminals(five):
    page = five._repr_html_()
    assert "5 forecasters, 3 series, 20 origins, horizon=4" in page
    best = five.metrics()["MAE"].min()
    assert f"<td><b>{best:.4g}</b></td>" in page
    assert repr(five).startswith("Backtest of 5 forecasters, 3 series, 20 origins")
    named = backtest({"<b>": zero_shot()}, Y, n_windows=1)
    assert "&lt;b&gt;" in named._repr_html_()


class Twice:
    """A forecaster with the interface of statsforecast: the last value, times what it fitted."""

    def fit(self, y, X=None):
        self.n_fitted = len(y)
        return self

    def predict(self, h, X=None, level=None):
        return self._result(self.last, h, level)

    def forward(self, y, h, X=None, X_future=None, level=None, fitted=False):
        return self._result(y[-1], h, level)

    def _result(self, last, h, level):
        result = {"mean": np.full(h, last + self.n_fitted / 1000)}
        for percent in level or ():
            result |= {f"lo-{percent}": result["mean"] - percent}
            result |= {f"hi-{percent}": result["mean"] + percent}
        return result


class AutoETS(Twice):
    def __init__(self, season_length=1):
        self.season_length = season_length

    def fit(self, y, X=None):
        self.last = y[-1]
        return super().fit(y)


@pytest.fixture
def fake_library(monkeypatch):
    """Statsforecast with one model, so that what is asked of it is seen."""
    module = types.ModuleType("statsforecast.models")
    for cls in (AutoETS, Twice):
        monkeypatch.setattr(cls, "__module__", "statsforecast.models")
    module.AutoETS = AutoETS
    monkeypatch.setitem(sys.modules, "statsforecast", types.ModuleType("statsforecast"))
    monkeypatch.setitem(sys.modules, "statsforecast.models", module)


@pytest.mark.parametrize("given", ["ets", AutoETS(12)])
def test_models_of_statsforecast_are_fitted_and_read_on(given, fake_library):
    options = {"n_windows": 4, "refit": 2, "coverage": 0.8, "quantiles": [0.25, 0.5]}
    result = backtest({"net": zero_shot(), "ets": given}, WIDE, **options)
    frame = result.forecasts
    for (series, cutoff), rows in frame.groupby(["unique_id", "cutoff"]):
        n = WIDE.index.get_loc(cutoff) + 1
        n_fitted = n - 4 * ((n - (len(WIDE) - 16)) // 4 % 2)
        wanted = WIDE[series][cutoff] + n_fitted / 1000
        np.testing.assert_allclose(rows["ets"], wanted)
        np.testing.assert_allclose(rows["ets_lower_80"], wanted - 80)
        np.testing.assert_allclose(rows["ets_upper_80"], wanted + 80)
        np.testing.assert_allclose(rows["ets_quantile_25"], wanted - 50)
        np.testing.assert_allclose(rows["ets_quantile_50"], wanted)
    assert result.metrics().loc["ets"].notna().all()


class Last:
    """A forecaster with the interface of sktime: the last value that it was fitted to."""

    def get_tag(self, name):
        assert name == "capability:pred_int"
        return True

    def fit(self, y, fh):
        self.last, self.steps = y.iloc[-1], fh

    def predict(self, fh):
        return pd.Series(self.last, fh)

    def predict_quantiles(self, fh, alpha):
        return pd.DataFrame({level: self.last + np.array(fh) * level for level in alpha})


def test_forecasters_of_sktime_are_fitted_at_each_origin(monkeypatch):
    monkeypatch.setattr(Last, "__module__", "sktime.forecasting.naive")
    given = Last()
    options = {"n_windows": 3, "step": 2, "refit": False, "coverage": 0.8}
    frame = backtest({"net": zero_shot(), "last": given}, WIDE, **options).forecasts
    for (series, cutoff), rows in frame.groupby(["unique_id", "cutoff"]):
        last, steps = WIDE[series][cutoff], np.arange(1, 5)
        np.testing.assert_allclose(rows["last"], last)
        np.testing.assert_allclose(rows["last_lower_80"], last + 0.1 * steps)
        np.testing.assert_allclose(rows["last_upper_80"], last + 0.9 * steps)
    assert vars(given) == {}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (Ridge, r"is a class: give an object of it, Ridge\(\)"),
        (3, "is of type int, no forecaster"),
        ("nave", "is 'nave', which is no name of one: .*'naive'"),
    ],
)
def test_an_entry_that_is_no_forecaster_is_named(entry, message):
    with pytest.raises(ValueError, match=f"forecaster 'b' {message}"):
        backtest({"a": zero_shot(), "b": entry}, Y)
    with pytest.raises(ValueError, match=f"forecaster 1 {message}"):
        backtest([zero_shot(), entry], Y)


def test_baselines_of_libraries_that_are_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsforecast.models", None)
    monkeypatch.setitem(sys.modules, "sktime.forecasting.ets", None)
    with pytest.raises(
        ImportError, match=r"'ets' is a forecaster of statsforecast or sktime, .*pip"
    ):
        backtest([zero_shot(), "ets"], Y)


@pytest.mark.parametrize("name", ["ets", "theta"])
def test_real_libraries(name):
    pytest.importorskip("statsforecast")
    result = backtest([zero_shot(), name], Y, n_windows=3, step=6, refit=False, coverage=0.8)
    table = result.metrics()
    assert table.loc[name, "MASE"] < table.loc["seasonal_naive", "MASE"]
    assert 0 < table.loc[name, "interval_score_80"] < 200
