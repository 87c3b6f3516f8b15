"""Forecasters of series with missing values: what is held out, intervals, and trained networks."""

import numpy as np
import pandas as pd
import pytest

from tsrnn import RNNForecaster, backtest
from tsrnn.data import DataError
from tsrnn.forecasting.uncertainty import ConformalWidths, HeldOutErrors

NAN = np.nan
LOSSES = "absolute_error", "squared_error", "huber", "quantile", "gaussian", "student_t"
SCOPES = "global", "local", "fine_tuned"
N, HORIZON = 160, 6


def quick(**kwargs):
    fixed = {"horizon": HORIZON, "missing": "mask", "season": 1, "lookback": 12, "max_iter": 2}
    return RNNForecaster(**fixed | {"hidden_size": 4} | kwargs)


def series(phase=0.0, hidden=slice(0)):
    """A noisy wave, missing at the places of ``hidden``."""
    rng = np.random.default_rng(int(10 * phase))
    values = 20 + 3 * np.sin(np.arange(N) / 4 + phase) + rng.normal(scale=0.3, size=N)
    values[hidden] = NAN
    return pd.Series(values, pd.date_range("2024-01-01", periods=N), name="y")


def in_form(form, columns):
    """Series by name, as a Series (the first of them), or as a frame of that form."""
    wide = pd.DataFrame(columns)
    if form == "series":
        return wide.iloc[:, 0]
    if form == "wide":
        return wide
    long = wide.rename_axis("ds").reset_index().melt("ds", var_name="unique_id", value_name="y")
    return long if form == "long" else long.set_index(["unique_id", "ds"])["y"]


def widths_of(forecaster, coverage=0.99):
    """Widths of intervals, one row a series."""
    interval = forecaster.predict_interval(coverage=coverage)
    values = interval.select_dtypes("number").to_numpy()
    widths = values[:, 1::2] - values[:, ::2]
    return widths[~np.isnan(widths)]


SILENT = slice(140, None)
OUTAGE = slice(140, 155)
HIDDEN = {
    "silent at the end": SILENT,
    "silent for a long time": slice(90, None),
    "outage in the held-out part": OUTAGE,
    "one value after an outage": slice(120, N - 1),
    "every tenth observed": np.arange(N) % 10 != 0,
    "every sixth observed": np.arange(N) % HORIZON != 0,
    "weekdays": np.arange(N) % 7 > 4,
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("pattern", HIDDEN)
def test_what_was_observed_last_is_held_out(pattern, loss):
    y = series(hidden=HIDDEN[pattern])
    given = y.copy()
    forecaster = quick(loss=loss).fit(y)
    pd.testing.assert_series_equal(y, given)
    assert (widths_of(forecaster) > 0).all()
    assert (forecaster.predict_samples(n_samples=30).std(axis=1) > 0).all()
    assert np.isfinite(forecaster.predict()).all()
    assert len(forecaster.validation_scores_) > 0


@pytest.mark.parametrize("form", ["wide", "long", "levels"])
@pytest.mark.parametrize("hidden", [SILENT, OUTAGE])
def test_all_series_of_a_panel_silent(form, hidden):
    y = in_form(form, {"a": series(0, hidden), "b": series(1, hidden)})
    given = y.copy()
    forecaster = quick().fit(y)
    assert y.equals(given)
    assert (widths_of(forecaster) > 0).all()
    assert np.isfinite(backtest(quick(), y, n_windows=2).forecasts["RNNForecaster"]).all()


def test_a_series_that_ends_in_silence_is_trained_as_without_that_end():
    """But for the windows that reach into the silence."""
    y = series()
    whole, cut = quick().fit(y.where(np.arange(N) < 140)), quick().fit(y[:140])
    assert whole.fitted_.widths.n_windows > cut.fitted_.widths.n_windows
    held_out = 140 - 0.1 * 140
    first = whole.fitted_.widths.errors[0]
    assert not np.isnan(first).any()
    assert len(cut.fitted_.widths.errors) == 140 - held_out - HORIZON + 1


@pytest.mark.parametrize("scope", ["local", "fine_tuned"])
@pytest.mark.parametrize("form", ["long", "levels"])
@pytest.mark.parametrize("hidden", [SILENT, OUTAGE, slice(110, None)])
def test_no_network_stays_as_it_was_drawn(scope, form, hidden):
    y = in_form(form, {"a": series(0), "quiet": series(1, hidden), "c": series(2)})
    few = {"scope": scope, "max_iter": 5}
    drawn = quick(early_stopping=False, learning_rate_init=1e-30, **few).fit(y).networks_
    trained = quick(**few).fit(y).networks_
    for before, after in zip(drawn, trained, strict=True):
        assert np.abs(before[0].parameters - after[0].parameters).max() > 1e-5


def test_a_series_that_nobody_can_learn_from_is_named():
    y = in_form("long", {"a": series(0), "quiet": series(1, slice(10, None))})
    with pytest.raises(DataError, match="Series 'quiet' of y has 10 time steps up to the last ob"):
        quick(scope="local").fit(y)
    forecaster = quick(scope="fine_tuned").fit(y)  # it keeps the network of all
    of_all, of_quiet = forecaster.networks_[2][0], forecaster.networks_[1][0]
    np.testing.assert_array_equal(of_all.parameters, of_quiet.parameters)
    assert (widths_of(forecaster) > 0).all()


@pytest.mark.parametrize("form", ["series", "long"])
@pytest.mark.parametrize("scope", SCOPES)
def test_without_enough_observed_values_there_are_no_intervals(form, scope):
    late = slice(1, N - (12 if form == "series" else 6))
    y = in_form(form, {"a": series(0, late), "b": series(1, late)})
    few = "So few values of y were observed that none are held out"
    with pytest.warns(UserWarning, match=f"{few}.* and there are no prediction intervals"):
        forecaster = quick(scope=scope, pretrained=None).fit(y)
    assert not forecaster.predict(2).isna().any(axis=None)
    assert len(forecaster.loss_curve_) == 2
    with pytest.raises(ValueError, match="with missing='mask' too few values may have been obs"):
        forecaster.predict_interval()
    with pytest.warns(UserWarning, match=f"{few}.* are the pretrained network's"):
        forecaster = quick(scope=scope).fit(y)
    assert not forecaster.predict_interval().isna().any(axis=None)


def test_too_few_windows_to_learn_from():
    with pytest.raises(DataError, match="y has 7 windows of 6 steps after lookback=12 in which a"):
        quick(pretrained=None).fit(series(hidden=slice(1, N - 7)))


def test_windows_that_nobody_saw_do_not_count():
    errors = np.array([[NAN, NAN, NAN], [NAN, 2.0, NAN], [NAN, -1.0, 3.0], [NAN, NAN, NAN]])
    for widths in ConformalWidths(errors), HeldOutErrors(errors):
        assert widths.n_windows == 2
        wanted = np.sqrt([2.5, 2.5, 9.0])  # the first step has the spread of the second
        np.testing.assert_allclose(widths.spread, wanted)
    paths = HeldOutErrors(errors).paths((200,), np.random.default_rng(0))
    rows = np.unique(paths, axis=0)
    np.testing.assert_allclose(rows, [[-1, -1, 3], [2, 2, 2 * wanted[2] / wanted[1]]])


def test_the_first_step_without_an_error_has_a_width():
    widths = ConformalWidths(np.array([[0.0, 1.0], [0.0, 2.0]]))
    assert (widths.half_width(0.9, 4) > 0).all()
    assert (ConformalWidths(np.zeros((3, 2))).half_width(0.9, 2) == 0).all()


@pytest.mark.parametrize("missing", ["raise", "mask"])
def test_a_stuck_end_is_no_constant_series(missing):
    y = series()
    y[-60:] = 20.0
    assert (widths_of(quick(missing=missing).fit(y)) > 0).all()
    constant = pd.Series(5.0, y.index)
    assert (widths_of(quick(missing=missing).fit(constant)) < 1e-9).all()


def test_scores_leave_out_series_of_which_nothing_was_observed():
    columns = {"a": series(0), "quiet": series(1, slice(140, None))}
    result = backtest(quick(), in_form("long", columns), n_windows=2, coverage=0.9, quantiles=0.3)
    scores = result.metrics()
    of_a = result.forecasts.query("unique_id == 'a'")
    error = (of_a["y"] - of_a["RNNForecaster"]).abs().mean()
    assert scores.loc["RNNForecaster", "MAE"] == pytest.approx(error)
    assert scores.loc["RNNForecaster"].notna().all()
    alone = backtest(quick(), columns["quiet"], n_windows=2, coverage=0.9)
    with pytest.raises(ValueError, match="No value of y was observed at the steps that were fore"):
        alone.metrics()


@pytest.mark.filterwarnings("error")
def test_a_series_of_zeros_has_no_percentage_error_and_no_warning():
    y = pd.DataFrame({"a": series(0), "zero": 0.0})
    scores = backtest(quick(missing="raise"), y, n_windows=2).metrics()
    assert np.isnan(scores.loc["seasonal_naive", "MAPE"])
    assert np.isfinite(scores.loc["seasonal_naive", "MAE"])


def test_two_values_at_least_are_held_out():
    """The samples of one would all be alike."""
    hidden = np.ones(N, bool)
    hidden[[0, 40, 70, 100, 130, 150]] = False
    forecaster = quick().fit(series(hidden=hidden))
    observed = ~np.isnan(forecaster.fitted_.widths.errors)
    assert observed.any(axis=1).sum() == 1 + HORIZON  # windows of the last; one begins at 130
    assert (forecaster.predict_samples(n_samples=30).std(axis=1) > 0).all()
