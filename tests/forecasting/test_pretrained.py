"""The pretrained network: its file and outputs, forecasts of it alone, and with others."""

import dataclasses
import json
import pickle
import shutil
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

import tsrnn
from tsrnn import RNNForecaster, backtest
from tsrnn.datasets import load_airline
from tsrnn.forecasting.encoders import FeatureEncoder
from tsrnn.forecasting.inputs import read_series
from tsrnn.forecasting.predictor import best_share
from tsrnn.forecasting.pretrained import (
    LEVELS,
    MixedOutputs,
    PretrainedOutputs,
    load_pretrained,
    longer_season,
    network,
    training,
)
from tsrnn.forecasting.zero_shot import prefers_zero_shot
from tsrnn.inspection import diagnose, input_sensitivity, states
from tsrnn.plotting import ForecastDisplay, GateDisplay, LossCurveDisplay
from tsrnn.training import Moments

AIRLINE = load_airline()
HISTORY, FUTURE = AIRLINE[:-24], AIRLINE[-24:]


def zero_shot(**options):
    return RNNForecaster(**({"max_iter": 0} | options))


def mixed(**options):
    return RNNForecaster(**({"horizon": 6, "hidden_size": 4, "max_iter": 3} | options))


def panel(lengths=(1, 2, 7, 30, 90), **columns):
    """A long frame of series of months that end together."""
    rng, last = np.random.default_rng(0), pd.Timestamp("2020-12-01")
    parts = []
    for k, n in enumerate(lengths):
        t = np.arange(n)
        values = 20 + 3 * np.sin(t * np.pi / 6) + 0.1 * t + 0.3 * rng.standard_normal(n)
        index = pd.date_range(end=last, periods=n, freq="MS")
        parts.append(pd.DataFrame({"unique_id": f"s{k}", "ds": index, "y": values}))
    return pd.concat(parts, ignore_index=True).assign(**columns)


@pytest.fixture(scope="module")
def fitted():
    return zero_shot().fit(HISTORY)


# The file


def test_the_network_that_is_installed():
    loaded, card = load_pretrained(), network.read_card()
    parameters = loaded.network.parameters
    assert loaded is load_pretrained()
    assert card["sha256"] == network.checksum(parameters)
    assert card["n_parameters"] == parameters.size <= 300_000
    assert (network.FOLDER / "network.npz").stat().st_size < 1_000_000
    assert {"version", "seed", "tasks"} <= card.keys()


@pytest.mark.parametrize("damage", ["weights", "card"])
def test_a_damaged_file_is_refused(damage, tmp_path, monkeypatch):
    for name in ("network.npz", "card.json"):
        shutil.copy(network.FOLDER / name, tmp_path)
    if damage == "weights":
        parameters = load_pretrained().network.parameters.copy()
        parameters[3] += 1e-3
        np.savez(tmp_path / "network.npz", parameters=parameters)
    else:
        card = network.read_card() | {"sha256": "0" * 64}
        (tmp_path / "card.json").write_text(json.dumps(card))
    monkeypatch.setattr(network, "FOLDER", tmp_path)
    load_pretrained.cache_clear()
    with pytest.raises(RuntimeError, match=r"network\.npz is damaged: its checksum"):
        load_pretrained()
    monkeypatch.undo()
    load_pretrained()


def test_longer_seasons():
    assert [longer_season(season) for season in (1, 7, 12, 24, 48, 96, 144, 288, 52)] == [
        *(1, 364, 12, 168, 336, 672, 1008, 2016, 52)
    ]


# Outputs


def outputs_of(n=5, horizon=4):
    quantiles = np.random.default_rng(0).standard_normal((n, horizon, len(LEVELS)))
    return PretrainedOutputs(np.sort(quantiles, axis=2))


def test_quantiles_go_through_those_known_and_never_cross():
    outputs = outputs_of()
    for k, level in enumerate(LEVELS):
        assert_allclose(outputs.quantile(level), outputs.quantiles[:, :, k], rtol=1e-9)
    assert_array_equal(outputs.point, outputs.quantiles[:, :, LEVELS.index(0.5)])
    levels = [1e-6, 0.001, 0.01, 0.03, 0.25, 0.5, 0.6, 0.96, 0.99, 1 - 1e-6]
    found = np.array([outputs.quantile(level) for level in levels])
    assert (np.diff(found, axis=0) > 0).all()
    low, high = (np.searchsorted(LEVELS, 0.25) + k for k in (-1, 0))
    assert (found[4] > outputs.quantiles[:, :, low]).all()
    assert (found[4] < outputs.quantiles[:, :, high]).all()


def test_quantiles_of_a_normal_distribution_are_exact():
    normal = NormalDist(3, 2)
    outputs = PretrainedOutputs(np.array([[[normal.inv_cdf(level) for level in LEVELS]]]))
    for level in (1e-5, 0.004, 0.4, 0.6, 0.9999):
        assert outputs.quantile(level).item() == pytest.approx(normal.inv_cdf(level))


def test_units_are_distances_to_the_outer_deciles():
    outputs = outputs_of()
    below, above = outputs.units()
    assert_allclose(below, outputs.quantile(0.5) - outputs.quantile(0.1))
    assert_allclose(above, outputs.quantile(0.9) - outputs.quantile(0.5))
    flat = PretrainedOutputs(np.zeros((1, 2, len(LEVELS))))
    assert all((unit > 0).all() for unit in flat.units())


def test_draws_have_the_quantiles_and_depend_on_each_other():
    one = outputs_of(1, 4).quantiles
    outputs = PretrainedOutputs(np.repeat(one, 20_000, axis=0))
    paths = outputs.draw(np.random.default_rng(0))
    for level in (0.1, 0.5, 0.9):
        share = (paths < outputs.quantile(level)).mean(axis=0)
        assert_allclose(share, level, atol=0.015)
    ranks = paths.argsort(axis=0).argsort(axis=0)
    correlations = np.corrcoef(ranks.T)
    assert 0.2 < correlations[0, 3] < correlations[0, 1] < 0.5


def test_mixed_outputs():
    pretrained, others = outputs_of(), np.random.default_rng(1).standard_normal((5, 4))
    outputs = MixedOutputs(others, pretrained, 0.25)
    assert_allclose(outputs.point, 0.75 * others + 0.25 * pretrained.point)
    assert_array_equal(outputs.units(), pretrained.units())
    shift = outputs.point - pretrained.point
    assert_allclose(outputs.quantile(0.9), pretrained.quantile(0.9) + shift)
    draws = [each.draw(np.random.default_rng(2)) for each in (outputs, pretrained)]
    assert_allclose(draws[0], draws[1] + shift)


def share_of(best, first, n=40):
    """The share by windows that a certain one would forecast without error."""
    others, pretrained = np.random.default_rng(0).standard_normal((2, n, 6))
    future = others + best * (pretrained - others)
    future[3, 2] = np.nan
    series = np.repeat([0, 1], [n - 10, 10])
    return best_share(future, others, pretrained, series, first)


def test_the_share_is_nearer_to_the_first_for_few_windows():
    due = share_of(1.0, 0.0)  # to the windows
    assert 0.3 < due < 0.9
    assert share_of(0.0, 0.0) == 0
    for best in (0.0, 0.4, 1.0):
        assert share_of(best, 0.5) == pytest.approx(due * best + (1 - due) * 0.5)
    assert share_of(1.0, 0.0, n=20) < due < 0.99 < share_of(1.0, 0.0, n=4000) < 1


def test_series_count_the_same_for_the_share():
    others, pretrained = np.zeros((41, 2)), np.ones((41, 2))
    future, series = np.zeros((41, 2)), np.repeat([0, 1], [40, 1])
    future[36:] = 1.5  # of the one series few windows, and the only one of the other
    assert best_share(future, others, pretrained, series) > 0.5
    assert best_share(future, others, pretrained, np.zeros(41, int)) < 0.5


def test_what_covariates_tell_is_not_diluted():
    """The pretrained network's share may be 0 where it does not read what the other does."""
    rng = np.random.default_rng(0)
    days = pd.date_range("2020", periods=300)
    x = pd.DataFrame({"sale": rng.random(300) < 0.3}, days)
    y = 10 + 5 * x["sale"] + 0.1 * pd.Series(rng.standard_normal(300), days)
    options = {"lookback": 14, "season": 1, "hidden_size": 16, "max_iter": 40, "horizon": 6}
    told = mixed(**options).fit(y[:-6], x[:-6])
    kept = told.fitted_.pretrained  # None where the share is 0
    assert kept is None or kept.share < 0.2
    assert np.abs(told.predict(X=x[-6:]) - y[-6:]).mean() < 1


@pytest.mark.parametrize("make", ["mixed", "zero_shot"])
def test_a_shorter_horizon_is_the_beginning_of_the_whole(make):
    found = {"mixed": mixed, "zero_shot": zero_shot}[make](horizon=9).fit(HISTORY)
    pd.testing.assert_series_equal(found.predict(4), found.predict()[:4], check_freq=False)
    both = found.predict_interval(4), found.predict_interval()[:4]
    pd.testing.assert_frame_equal(*both, check_freq=False)


# Forecasts by the pretrained network alone


def test_forecasts_beat_the_seasonal_naive(fitted):
    forecast = fitted.predict(24)
    naive = np.tile(HISTORY[-12:], 2)
    errors = [np.abs(values - FUTURE).mean() for values in (forecast, naive)]
    assert errors[0] < errors[1]
    assert_array_equal(forecast.index, FUTURE.index)
    assert forecast.name == AIRLINE.name
    for longer in (13, 60):
        assert_array_equal(fitted.predict(longer)[:1].index, forecast[:1].index)
        assert np.isfinite(fitted.predict(longer)).all()


def test_nothing_is_below_zero_where_nothing_was():
    rng = np.random.default_rng(0)
    index = pd.date_range("2000", periods=60, freq="MS")
    counts = pd.Series(rng.poisson(np.maximum(0, 20 - 0.4 * np.arange(60))), index)
    short = pd.Series([100.0, 1.0], index[:2])
    growing = pd.Series(10 * 1.3 ** np.arange(36) * rng.lognormal(0, 0.1, 36), index[:36])
    for y in (counts, short, growing):
        forecaster = zero_shot(horizon=24).fit(y)
        assert (forecaster.predict() >= 0).all()
        assert (forecaster.predict_interval(coverage=[0.5, 0.99]) >= 0).all(axis=None)
        assert (forecaster.predict_samples(n_samples=50) >= 0).all(axis=None)
        below = zero_shot(horizon=24).fit(y - y.min() - 1e-3 * y.max())
        assert (below.predict_interval(coverage=0.99) < 0).any(axis=None)
    assert (zero_shot(horizon=24).fit(-growing).predict() < 0).all()


@pytest.mark.parametrize("level", [1e9, -1e12])
def test_levels_far_above_the_variation(level):
    values = np.round(64 * HISTORY.to_numpy()) / 64
    found = [
        zero_shot(horizon=24).fit(pd.Series(values + added, HISTORY.index)).predict() - added
        for added in (0.0, 1e6 * np.sign(level), level)
    ]
    shifted = zero_shot(horizon=24).fit(pd.Series(values - values[0], HISTORY.index)).predict()
    assert_allclose(found[2], shifted + values[0], atol=1e-3)  # additive, to the digits there are
    assert np.abs(found[2] - found[1]).max() < 0.1 * np.ptp(values)
    assert np.abs(found[2] - FUTURE).mean() < np.abs(np.tile(HISTORY[-12:], 2) - FUTURE).mean()


def test_what_is_known_of_a_fit(fitted):
    assert fitted.fitted_.is_zero_shot
    assert fitted.season_ == 12
    assert (fitted.n_iter_, fitted.best_iter_, fitted.loss_curve_) == (0, 0, [])
    assert fitted.validation_scores_ is None
    assert fitted.network_ is load_pretrained().network
    assert len(fitted.networks_) == len(fitted.networks_[0]) == 1
    assert_array_equal(fitted.networks_[0][0].parameters, fitted.network_.parameters)
    html = fitted._repr_html_()
    assert ">none<" in html
    assert f"{np.count_nonzero(fitted.network_.used()):,}" in html


def test_intervals_quantiles_and_samples(fitted):
    forecast = fitted.predict()
    intervals = fitted.predict_interval(coverage=[0.5, 0.9])
    quantiles = fitted.predict_quantiles(quantiles=[0.05, 0.25, 0.5, 0.75, 0.95])
    names = ["lower_90", "lower_50", "upper_50", "upper_90"]
    assert_allclose(intervals[names], quantiles.drop(columns="quantile_50"))
    assert_allclose(quantiles["quantile_50"], forecast)
    assert (quantiles.diff(axis=1).iloc[:, 1:] > 0).to_numpy().all()
    samples = fitted.predict_samples(n_samples=2000)
    assert samples.shape == (12, 2000)
    spread = intervals["upper_50"] - intervals["lower_50"]
    assert_allclose(samples.median(axis=1), forecast, atol=0.2 * spread.max())
    inside = samples.gt(intervals["lower_90"], axis=0) & samples.lt(intervals["upper_90"], axis=0)
    assert 0.85 < inside.to_numpy().mean() < 0.95
    pd.testing.assert_frame_equal(fitted.predict_samples(n_samples=2000), samples)
    for conformal in (True, False):
        again = zero_shot(conformal=conformal, early_stopping=False).fit(HISTORY)
        pd.testing.assert_frame_equal(again.predict_interval(coverage=[0.5, 0.9]), intervals)


def forms():
    frame = panel()
    levels = frame.set_index(["unique_id", "ds"])["y"]
    wide = frame.pivot_table("y", "ds", "unique_id")
    return {"long": frame, "wide": wide, "levels": levels}


@pytest.mark.parametrize("form", ["long", "wide", "levels"])
def test_panels_of_ragged_series_in_all_forms(form):
    frame = panel()
    found = zero_shot(horizon=5).fit(forms()[form]).predict()
    values = found["y"] if form == "long" else found
    values = values.to_numpy().ravel("F") if form == "wide" else values.to_numpy()
    for k, (_, part) in enumerate(frame.groupby("unique_id")):
        series = part.set_index("ds")["y"].asfreq("MS")
        alone = zero_shot(horizon=5).fit(series).predict()
        assert_allclose(values[5 * k : 5 * k + 5], alone, rtol=1e-9)


def test_no_index_of_times_has_no_season():
    values = pd.Series(HISTORY.to_numpy())
    assert zero_shot().fit(values).season_ == 1
    given = zero_shot(season=12).fit(values)
    assert_allclose(given.predict(), zero_shot().fit(HISTORY).predict(), rtol=1e-9)
    assert np.isfinite(zero_shot(season=2**31 - 1).fit(values).predict()).all()


@pytest.mark.parametrize("n", [*range(1, 8), 13, 24, 25, 30])
def test_series_too_short_to_train_on(n):
    y = pd.Series(HISTORY[:n].to_numpy(), pd.period_range("2020-01", periods=n, freq="M"))
    found = RNNForecaster(horizon=18, max_iter=2).fit(y)
    assert found.fitted_.is_zero_shot
    assert_array_equal(found.predict(), zero_shot(horizon=18).fit(y).predict())
    assert np.isfinite(found.predict_interval()).to_numpy().all()
    for options in ({"pretrained": None}, {"lookback": 12}, {"calendar": ["month"]}):
        with pytest.raises(ValueError, match=r"observation|short|least"):
            RNNForecaster(horizon=18, max_iter=2, **options).fit(y)


def test_a_panel_with_a_series_that_is_too_short():
    """The others have a network of their own, and it is forecast nearly by the pretrained one."""
    frame = panel((60, 60, 1))
    with pytest.warns(UserWarning, match=r"1 series has fewer values than lookback=24.*: 's2'"):
        found = RNNForecaster(max_iter=2).fit(frame)
    assert not found.fitted_.is_zero_shot
    alone, both = (each.predict() for each in (zero_shot().fit(frame), found))
    is_short = alone["unique_id"] == "s2"
    assert_allclose(both["y"][is_short], alone["y"][is_short], rtol=0.05)


def test_panels_of_short_series_are_not_trained_on_unless_asked():
    frame = panel((60, 70, 300))
    found = RNNForecaster().fit(frame)
    assert found.fitted_.is_zero_shot
    pd.testing.assert_frame_equal(found.predict(), zero_shot().fit(frame).predict())
    short = read_series(found, frame)

    def prefers(collection=short, features=None, **options):
        features = FeatureEncoder() if features is None else features
        return prefers_zero_shot(RNNForecaster(**options), collection, features)

    assert prefers()
    assert prefers(season=4, horizon=3, random_state=1, conformal=False, n_jobs=1)
    for options in (
        {"pretrained": None},
        {"hidden_size": 8},
        {"max_iter": 3},
        {"lookback": 12},
        {"scope": "local"},
        {"loss": "quantile"},
        {"loss": "huber"},
        {"cell": "gru"},
        {"n_layers": 2},
        {"n_estimators": 3},
        {"transform": None},
        {"early_stopping": False},
        {"averaging": 0.9},
        {"features": FeatureEncoder(calendar=("month",))},
        {"collection": read_series(found, panel((60, 250, 300)))},
        {"collection": read_series(found, HISTORY)},
    ):
        assert not prefers(**options)


def test_missing_values():
    y = HISTORY.copy()
    y.iloc[[0, 1, 20, 50, -1]] = np.nan
    found = zero_shot(missing="mask").fit(y)
    assert_allclose(found.predict(), zero_shot().fit(HISTORY).predict(), rtol=0.2)
    assert found.cutoff_ == HISTORY.index[-1]
    first, rest = zero_shot(missing="mask").fit(y[:-30]), y[-30:]
    assert_allclose(first.update(rest).predict(), found.predict(), rtol=1e-9)
    with pytest.raises(ValueError, match="missing"):
        zero_shot().fit(y)


@pytest.mark.parametrize("transform", ["auto", "log", None])
def test_an_update_is_a_fit_on_the_longer_series(transform):
    options = {"transform": transform}
    whole = zero_shot(**options).fit(HISTORY)
    for n in (3, 60, 100):
        part = zero_shot(**options).fit(HISTORY[:n])
        part.update(HISTORY[n : n + 1]).update(HISTORY[n + 1 :])
        assert_allclose(part.predict(30), whole.predict(30), rtol=1e-9)
        interval = part.predict_interval(), whole.predict_interval()
        assert_allclose(*interval, rtol=1e-9)
        assert part.cutoff_ == whole.cutoff_


def test_logarithms_keep_forecasts_positive():
    y = pd.Series(np.linspace(100, 1, 30))
    found = zero_shot(transform="log", horizon=40).fit(y)
    assert found.transform_ == "log"
    assert (found.predict_interval(coverage=0.99) > 0).to_numpy().all()
    with pytest.raises(ValueError, match="positive values"):
        zero_shot(transform="log").fit(y - 1)


def test_bounds_of_logarithms_know_no_future():
    y = pd.Series(np.linspace(100, 1, 60))
    y[40:] *= np.where(np.arange(20) < 10, 1.0, 1e-6)
    options = {"n_windows": 2, "refit": False, "quantiles": [0.001]}
    forecaster = zero_shot(transform="log", horizon=10)
    found = [backtest(forecaster, each, **options).forecasts[:10] for each in (y, y.clip(1))]
    assert_array_equal(found[0]["RNNForecaster"], found[1]["RNNForecaster"])
    assert_array_equal(found[0]["quantile_0.1"], found[1]["quantile_0.1"])
    assert found[0]["quantile_0.1"].min() > 0


def test_other_series(fitted):
    other = 3 * HISTORY[:70] + 5
    expected = zero_shot().fit(other)
    assert_allclose(fitted.predict(y=other), expected.predict(), rtol=1e-9)
    short = pd.Series([1.0, 2.0], pd.date_range("2020-01", periods=2, freq="MS"))
    assert len(fitted.predict(y=short)) == 12
    intervals = fitted.predict_interval(y=other), expected.predict_interval()
    assert_allclose(*intervals, rtol=1e-9)
    with pytest.raises(ValueError, match="fitted on"):
        fitted.predict(y=pd.Series(1.0, pd.date_range("2020", periods=9, freq="h")))
    with pytest.raises(ValueError, match="without"):
        fitted.predict(X=pd.DataFrame({"a": 1.0}, FUTURE.index))


def test_backtests_and_scores(fitted):
    options = {"n_windows": 2, "coverage": 0.8, "quantiles": [0.1, 0.9]}
    result = backtest(zero_shot(), AIRLINE, **options)
    once = backtest(zero_shot(), AIRLINE, refit=False, **options)
    pd.testing.assert_frame_equal(result.forecasts, once.forecasts, rtol=1e-9)
    assert result.season == 12
    table = result.metrics()
    assert table.loc["RNNForecaster", "MASE"] < table.loc["seasonal_naive", "MASE"]
    forecasts = result.forecasts["RNNForecaster"]
    assert_allclose(forecasts[:12], fitted.predict(), rtol=1e-9)
    errors = np.abs(forecasts.to_numpy() - FUTURE.to_numpy())
    scale = np.abs(HISTORY.to_numpy()[12:] - HISTORY.to_numpy()[:-12]).mean()
    assert fitted.score(FUTURE) == pytest.approx(-errors.mean() / scale)


def test_clones_and_pickles(fitted):
    again = clone(fitted)
    assert (again.pretrained, again.max_iter) == ("auto", 0)
    for other in (again.fit(HISTORY), pickle.loads(pickle.dumps(fitted))):
        pd.testing.assert_series_equal(other.predict(), fitted.predict())


def test_threads_do_not_change_forecasts():
    frame = panel((150,) * 60)
    one, two = (zero_shot(n_jobs=n).fit(frame).predict() for n in (1, 2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


@pytest.mark.parametrize("unit", [1e-310, 1e-150, 1e147])
def test_extreme_sizes(unit):
    y = pd.Series(np.round(HISTORY.to_numpy()) / 100 * unit)
    assert np.isfinite(zero_shot().fit(y).predict()).all()
    for value in (0.0, unit):
        constant = zero_shot().fit(pd.Series(value, range(20)))
        assert_allclose(constant.predict(), value, rtol=1e-9)


@pytest.mark.parametrize(
    ("options", "X", "message"),
    [
        ({"pretrained": None}, None, r"max_iter=0 trains nothing, and with pretrained=None"),
        ({"calendar": ["month"]}, None, "reads no covariates, calendar, holidays or static"),
        ({}, pd.DataFrame({"a": 1.0}, HISTORY.index), "reads no covariates"),
    ],
)
def test_what_needs_a_trained_network_is_refused(options, X, message):
    with pytest.raises(ValueError, match=message):
        zero_shot(**options).fit(HISTORY, X)


def test_static_values_are_refused():
    static = pd.DataFrame({"size": [1.0, 2.0]}, ["s0", "s1"])
    with pytest.raises(ValueError, match="static values"):
        zero_shot().fit(panel((20, 30)), static=static)


def test_no_training_goes_on(fitted):
    before = fitted.predict()
    with pytest.raises(ValueError, match="no network of its own"):
        fitted.partial_fit(FUTURE)
    pd.testing.assert_series_equal(fitted.predict(), before)
    assert zero_shot().partial_fit(HISTORY).fitted_.is_zero_shot


@pytest.mark.parametrize(
    "look",
    [diagnose, input_sensitivity, GateDisplay.from_estimator, states],
)
def test_there_is_no_network_to_look_into(fitted, look):
    with pytest.raises(ValueError, match="no network of its own"):
        look(fitted)


def test_displays(fitted):
    with pytest.raises(ValueError, match="Nothing was trained"):
        LossCurveDisplay.from_estimator(fitted)
    display = ForecastDisplay.from_estimator(fitted, coverage=[0.8])
    assert_allclose(display.forecast, fitted.predict())


# Forecasts of both


@pytest.mark.parametrize("loss", ["gaussian", "student_t", "quantile"])
@pytest.mark.parametrize("horizon", [4, 6, 14])
def test_a_loss_that_learns_the_spread_gives_that_of_a_mixture(loss, horizon):
    both = mixed(loss=loss, conformal=False).fit(HISTORY)
    own = mixed(loss=loss, conformal=False, pretrained=None).fit(HISTORY)
    transform = np.log if both.transform_ == "log" else np.asarray
    widths = []
    for forecaster in (both, own):
        interval = transform(forecaster.predict_interval(horizon, coverage=0.8))
        widths.append(interval["upper_80"] - interval["lower_80"])
        point = transform(forecaster.predict(horizon))
        assert ((interval["lower_80"] <= point) & (point <= interval["upper_80"])).all()
    n = min(horizon, 6)  # beyond these the networks read other forecasts
    assert_allclose(widths[0][:n], widths[1][:n], rtol=1e-6)
    assert both.predict_samples(horizon, n_samples=3, random_state=0).shape == (horizon, 3)
    if loss == "quantile":
        with pytest.raises(ValueError, match="Quantiles from"):
            both.predict_interval(coverage=0.99)


def test_a_mixture_lies_between_both():
    both = mixed().fit(HISTORY)
    own = mixed(pretrained=None).fit(HISTORY)
    state = both.fitted_
    assert 0 < state.pretrained.share < 1
    assert own.fitted_.pretrained is None
    assert_array_equal(both.network_.parameters, own.network_.parameters)
    alone = zero_shot(horizon=8).fit(HISTORY).predict()
    transform = np.log if both.transform_ == "log" else np.asarray
    share = state.pretrained.share
    expected = (1 - share) * transform(own.predict(8)) + share * transform(alone)
    assert_allclose(transform(both.predict(8)), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"early_stopping": False},
        {"conformal": False},
        {"loss": "quantile"},
        {"loss": "student_t", "conformal": False},
        {"n_estimators": 2},
        {"transform": None, "n_ahead": 3},
        {"calendar": ["month"]},
        {"missing": "mask"},
    ],
    ids=str,
)
def test_intervals_and_samples_of_a_mixture(options):
    both = mixed(**options).fit(HISTORY)
    forecast, interval = both.predict(8), both.predict_interval(8, coverage=[0.5, 0.9])
    assert (interval["lower_90"] < interval["lower_50"]).all()
    assert (interval["lower_50"] < forecast).all()
    assert (forecast < interval["upper_50"]).all()
    samples = both.predict_samples(8, n_samples=50)
    assert samples.shape == (8, 50)
    assert np.isfinite(samples.to_numpy()).all()
    both.update(FUTURE[:3])
    assert both.predict().index[0] == FUTURE.index[3]


@pytest.mark.parametrize("scope", ["global", "local", "fine_tuned"])
def test_mixtures_of_panels(scope):
    frame = panel((60, 70, 90))
    both = mixed(scope=scope, horizon=3, lookback=12).fit(frame)
    assert both.fitted_.pretrained.share < 1
    assert both.predict()["y"].notna().all()
    part = both.update(panel((1, 1, 1)).assign(ds=pd.Timestamp("2021-01-01"))).predict()
    assert (part["ds"].min(), len(part)) == (pd.Timestamp("2021-02-01"), 9)


@pytest.mark.parametrize("make", [mixed, zero_shot])
@pytest.mark.parametrize("updated", [False, True])
def test_saved_forecasters(make, updated, tmp_path):
    path, forecaster = tmp_path / "forecaster.tsrnn", make(horizon=6).fit(HISTORY)
    if updated:
        forecaster.update(FUTURE[:5])
    tsrnn.save(forecaster, path)
    loaded = tsrnn.load(path)
    assert loaded.get_params() == forecaster.get_params()
    assert loaded.fitted_.is_zero_shot == forecaster.fitted_.is_zero_shot
    assert loaded.fitted_.spec == forecaster.fitted_.spec
    pd.testing.assert_series_equal(loaded.predict(9), forecaster.predict(9))
    pd.testing.assert_frame_equal(loaded.predict_interval(), forecaster.predict_interval())
    more = FUTURE[5 * updated :][:4]
    pd.testing.assert_series_equal(loaded.update(more).predict(), forecaster.update(more).predict())


# Making it

TINY = training.Plan(seed=3, n_rounds=4, n_windows=60, hidden_size=3, batch_size=16)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pretrained") / "new"
    return folder, training.pretrain(folder, TINY)


@pytest.mark.slow
def test_files_of_a_training(trained, monkeypatch):
    folder, result = trained
    names = {"network.npz", "card.json", "log.csv", "state.npz", "kept.npz"}
    assert {path.name for path in folder.iterdir()} == names
    log = pd.read_csv(folder / "log.csv")
    assert log["round"].tolist() == [1, 2, 3, 4]
    monkeypatch.setattr(network, "FOLDER", folder)
    load_pretrained.cache_clear()
    assert_array_equal(load_pretrained().network.parameters, result.parameters)
    card = network.read_card()
    load_pretrained.cache_clear()
    assert card["loss"] == pytest.approx(log["loss"].iloc[-1], abs=1e-6)
    assert dataclasses.asdict(TINY).items() <= card.items()


@pytest.mark.slow
def test_an_interrupted_training_goes_on_to_the_bit(trained, tmp_path, monkeypatch):
    train_round, rounds = training.train_round, []

    def interrupted(plan, number, *args):
        if number == 2 and number not in rounds:
            rounds.append(number)
            raise KeyboardInterrupt
        return train_round(plan, number, *args)

    monkeypatch.setattr(training, "train_round", interrupted)
    with pytest.raises(KeyboardInterrupt):
        training.pretrain(tmp_path, TINY)
    assert not (tmp_path / "network.npz").exists()
    training.pretrain(tmp_path, TINY, n_jobs=2)
    for name in ("network.npz", "log.csv", "card.json", "state.npz"):
        assert_same_file(tmp_path / name, trained[0] / name)


@pytest.mark.slow
def test_the_end_of_a_training_can_be_repeated(trained, tmp_path):
    shutil.copy(trained[0] / "kept.npz", tmp_path / "state.npz")
    training.pretrain(tmp_path, TINY)
    assert_same_file(tmp_path / "network.npz", trained[0] / "network.npz")


def assert_same_file(path, other):
    if path.suffix != ".npz":
        assert path.read_bytes() == other.read_bytes()
        return
    with np.load(path) as one, np.load(other) as two:
        assert one.files == two.files
        for name in one.files:
            assert_array_equal(one[name], two[name])


@pytest.mark.slow
def test_the_state_of_another_training_is_refused(trained):
    other = dataclasses.replace(TINY, seed=4)
    with pytest.raises(ValueError, match="is of another training"):
        training.pretrain(trained[0], other)


def test_targets_are_errors_in_units_of_the_scale():
    rng = np.random.default_rng(0)
    for task in training.TASKS:
        stretches, horizons = training.simulate_stretches(task, 20, rng)
        least, most = task.lengths
        assert least <= stretches.lengths.min() <= stretches.lengths.max() <= most
        filled, targets = training.windows_of(stretches, horizons)
        _, exponents, _ = training.prepare(stretches, horizons)
        for k in range(20):
            first = filled.firsts[k] + filled.n_read[k]
            assert np.isnan(targets[filled.firsts[k] : first]).all()
            rows = slice(first, first + horizons[k])
            end = stretches.firsts[k] + stretches.lengths[k]
            truth = stretches.values[end : end + horizons[k]] / 2.0 ** exponents[k]
            if filled.scales[k] == 0:
                assert np.isnan(targets[rows]).all()
                continue
            errors = (truth - filled.base[rows]) / filled.scales[k]
            assert_allclose(targets[rows, 0], np.clip(errors, -30, 30), rtol=1e-5)


def test_learning_rates_fall():
    rates = [TINY.rate(number) for number in range(4)]
    assert rates[0] == pytest.approx(TINY.learning_rate / 2)
    assert rates[1] > rates[2] > rates[3] > 0


@pytest.mark.slow
def test_the_end_of_the_training_of_what_is_installed_is_reproduced():
    plan = training.Plan()
    trained = network.PretrainedNetwork.of_shape(plan.hidden_size, np.random.default_rng(0)).network
    moments = Moments(trained)
    kept = Path(__file__).with_name("pretrained_kept.npz")  # after 95 % of the rounds
    losses = training.read_state(kept, plan, trained, moments)
    assert len(losses) == round(0.95 * plan.n_rounds)
    for number in range(len(losses), plan.n_rounds):
        losses.append(training.train_round(plan, number, trained, moments))
    assert_array_equal(trained.parameters, network.load_pretrained().network.parameters)
    log = (network.FOLDER / "log.csv").read_text().split()
    assert log[1:] == [f"{k + 1},{loss:.6f}" for k, loss in enumerate(losses)]
