"""Fitted values and residuals, against forecasts from each value by itself."""

import numpy as np
import pandas as pd
import pytest

from tsrnn import RNNForecaster, backtest, load, reconcile, save

LOOKBACK = 6
DAYS = pd.date_range("2024-01-01", periods=60, name="ds")
WIDE = pd.DataFrame(
    {name: level + np.sin(np.arange(60.0) * 0.9) for name, level in {"b": 5.0, "a": 9.0}.items()},
    DAYS,
)
LONG = WIDE.reset_index().melt("ds", var_name="unique_id", value_name="y")
LONG = LONG[["unique_id", "ds", "y"]]


def as_polars(long):
    return pytest.importorskip("polars").DataFrame(long.to_dict("list"))


FORMS = {
    "series": lambda: WIDE["b"].rename("sold"),
    "periods": lambda: WIDE["b"].to_period("D"),
    "numbers": lambda: WIDE["b"].reset_index(drop=True),
    "wide": lambda: WIDE,
    "long": lambda: LONG,
    "levels": lambda: LONG.set_index(["unique_id", "ds"])["y"],
    "levels of a frame": lambda: LONG.set_index(["unique_id", "ds"]),
    "times and values": lambda: LONG.loc[LONG["unique_id"] == "b", ["ds", "y"]],
    "polars": lambda: as_polars(LONG),
}


def quick(**kwargs):
    """A forecaster that trains in a moment."""
    defaults = {"max_iter": 2, "hidden_size": 4, "horizon": 3, "lookback": 6, "season": 1}
    return RNNForecaster(**(defaults | {"segment": 1, "refit": False} | kwargs))


@pytest.mark.parametrize("form", FORMS)
def test_forms(form):
    y = FORMS[form]()
    forecaster = quick(pretrained=None).fit(y)
    for values in (forecaster.fitted_values_, forecaster.residuals_):
        assert type(values) is type(y)
        assert values.shape == y.shape
        if form == "polars":
            assert values.drop("y").equals(y.drop("y"))
        elif isinstance(y, pd.Series):
            assert values.index.equals(y.index)
            assert values.name == y.name
        elif "ds" in y:
            pd.testing.assert_frame_equal(values.drop(columns="y"), y.drop(columns="y"))
        else:
            assert values.index.equals(y.index)
            assert values.columns.equals(y.columns)


@pytest.mark.parametrize("options", [{}, {"pretrained": None, "n_ahead": 1}, {"max_iter": 0}])
def test_values_are_forecasts_from_those_before(options):
    ragged = WIDE.copy()
    ragged.loc[: DAYS[19], "a"] = np.nan
    forecaster = quick(**options).fit(ragged)
    fitted, lookback = forecaster.fitted_values_, forecaster.lookback_
    assert fitted["b"].isna().sum() == lookback
    assert fitted["a"].isna().sum() == lookback + 20
    for name, day in (("b", lookback), ("b", 31), ("b", 59), ("a", 20 + lookback), ("a", 59)):
        before = ragged[name].dropna()[: DAYS[day - 1]]
        if len(before) >= lookback:
            expected = forecaster.predict(1, y=before.rename(name)).iloc[0]
            assert fitted.loc[DAYS[day], name] == pytest.approx(expected, rel=1e-6)
    pd.testing.assert_frame_equal(forecaster.residuals_, ragged - fitted, check_freq=False)


def test_covariates_known_in_the_future():
    """The last horizon is forecast from the value before it."""
    X = pd.DataFrame({"x": np.random.default_rng(0).normal(size=60)}, DAYS)
    y = WIDE["b"].rename_axis(None)
    forecaster = quick(pretrained=None).fit(y, X)
    fitted = forecaster.fitted_values_
    other = forecaster.predict(y=y[:-3], X=X)
    pd.testing.assert_series_equal(fitted[-3:], other, check_freq=False, rtol=1e-6)
    at_20 = forecaster.predict(1, y=y[:20], X=X)
    assert fitted.iloc[20] == pytest.approx(at_20.iloc[0], rel=1e-6)


def test_missing_values_have_no_residual():
    y = WIDE["b"].copy()
    y.iloc[[30, 31, 45]] = np.nan
    residuals = quick(missing="mask", pretrained=None).fit(y).residuals_
    assert residuals.isna().sum() == LOOKBACK + 3
    assert residuals.iloc[[30, 31, 45]].isna().all()


def test_updates_change_neither_and_nothing_is_saved(tmp_path):
    forecaster = quick().fit(WIDE[:50])
    before = forecaster.residuals_
    before_copy = before.copy()
    before.iloc[:] = 0  # the caller's own
    pd.testing.assert_frame_equal(forecaster.residuals_, before_copy)
    save(forecaster, tmp_path / "model.tsrnn")
    size = (tmp_path / "model.tsrnn").stat().st_size
    save(quick().fit(WIDE[:50]), tmp_path / "model.tsrnn")
    assert size == (tmp_path / "model.tsrnn").stat().st_size
    pd.testing.assert_frame_equal(load(tmp_path / "model.tsrnn").residuals_, before_copy)
    pd.testing.assert_frame_equal(forecaster.update(WIDE[50:]).residuals_, before_copy)


def test_a_series_shorter_than_the_lookback_has_none():
    y = pd.DataFrame({"a": WIDE["a"], "b": WIDE["b"].where(WIDE.index >= DAYS[57])})
    forecaster = RNNForecaster(horizon=1, max_iter=0, season=1).fit(y)
    assert forecaster.residuals_["b"].notna().sum() == 2  # all but the first, by the pretrained


def test_residuals_of_a_backtest():
    wide = WIDE.assign(both=WIDE["a"] + WIDE["b"])
    result = backtest(quick(pretrained=None), wide, n_windows=4, refit=False, coverage=0.8)
    residuals, frame = result.residuals(), result.forecasts
    assert residuals.columns.tolist() == [
        *["unique_id", "cutoff", "ds"],
        *["RNNForecaster", "seasonal_naive", "drift"],
    ]
    np.testing.assert_allclose(residuals["drift"], frame["y"] - frame["drift"])
    np.testing.assert_allclose(residuals["RNNForecaster"], frame["y"] - frame["RNNForecaster"])
    forecasts = frame.drop(columns=["lower_80", "upper_80"])
    coherent = reconcile(forecasts, {"both": ["a", "b"]}, residuals=residuals)
    sums = coherent.pivot_table("RNNForecaster", ["cutoff", "ds"], "unique_id")
    np.testing.assert_allclose(sums["both"], sums["a"] + sums["b"], atol=1e-9)


def test_fitted_values_are_not_below_the_lower_bound():
    forecaster = quick(pretrained=None).fit(WIDE["a"])
    unbounded = forecaster.fitted_values_
    bounded = forecaster.set_params(lower=9.0).fitted_values_
    assert unbounded.min() < 9
    pd.testing.assert_series_equal(bounded, unbounded.clip(lower=9))
