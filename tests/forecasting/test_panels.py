"""RNNForecaster on panels: one network for all series, in every form, on every scale."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from tsrnn import RNNForecaster
from tsrnn.datasets import load_airline, load_co2, load_melbourne
from tsrnn.forecasting.inputs import read_series

pytestmark = pytest.mark.slow

MONTHS = pd.date_range("2000-01-01", periods=240, freq="MS")

NOT_POSITIVE = r"Series 's2' of y needs positive values .* is -1 at 2000-05-01"


def season_and_noise(level, seed, n=96):
    """A year's season around a level, on an index of months."""
    rng = np.random.default_rng(seed)
    season = np.sin(np.arange(n) * np.pi / 6)
    return pd.Series(level * (5 + season + 0.1 * rng.normal(size=n)), MONTHS[:n])


WIDE = pd.DataFrame({f"s{k}": season_and_noise(10.0 ** (k - 2), k) for k in range(5)})
LONG = WIDE.rename_axis("ds").reset_index().melt("ds", var_name="unique_id", value_name="y")


def quick(**kwargs):
    """A forecaster that trains in a moment."""
    return RNNForecaster(**({"max_iter": 5, "hidden_size": 8, "horizon": 6} | kwargs))


def test_wide_and_long_frames_and_a_multiindex_give_the_same_numbers():
    wide = quick().fit(WIDE).predict()
    assert wide.columns.tolist() == WIDE.columns.tolist()
    assert wide.index.tolist() == pd.date_range("2008-01-01", periods=6, freq="MS").tolist()
    long = quick().fit(LONG).predict()
    assert long.columns.tolist() == ["unique_id", "ds", "y"]
    np.testing.assert_array_equal(long["y"].to_numpy().reshape(5, 6), wide.to_numpy().T)
    levels = quick().fit(LONG.set_index(["unique_id", "ds"])["y"]).predict()
    np.testing.assert_array_equal(levels.to_numpy(), long["y"].to_numpy())


def test_other_names_of_columns():
    renamed = LONG.rename(columns={"unique_id": "shop", "ds": "month", "y": "sales"})
    names = {"id_column": "shop", "time_column": "month", "target_column": "sales"}
    forecast = quick(**names).fit(renamed).predict()
    assert forecast.columns.tolist() == ["shop", "month", "sales"]


def test_one_network_beats_the_naive_forecast():
    names = {f"s{k}": season_and_noise(10.0**k, k + 10, 240) for k in range(-10, 10, 2)}
    frame = pd.DataFrame(names)
    history, truth = frame[:-12], frame[-12:]
    forecast = RNNForecaster(horizon=12).fit(history).predict()
    naive = history[-12:].set_axis(truth.index)
    errors = (forecast - truth).abs().mean() / (naive - truth).abs().mean()
    assert errors.mean() < 0.85  # of a perfect one about 0.7


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_series_of_any_scale_are_forecast_alike(scale):
    plain = quick(transform=None).fit(WIDE).predict()
    mixed = WIDE * np.where(np.arange(5) == 2, scale, 1.0)
    forecast = quick(transform=None).fit(mixed).predict()
    forecast["s2"] /= scale
    np.testing.assert_allclose(forecast, plain, rtol=1e-4)


def test_a_constant_series_is_forecast_as_it_is():
    frame = WIDE.assign(flat=7.25)
    forecast = quick(transform=None).fit(frame).predict()
    np.testing.assert_allclose(forecast["flat"], 7.25, rtol=1e-6)


def test_series_of_different_starts_and_ends():
    frame = WIDE.copy()
    frame.iloc[:30, 1] = np.nan
    frame.iloc[-7:, 2] = np.nan
    forecaster = quick().fit(frame)
    forecast = forecaster.predict(3)
    assert forecast["s2"].first_valid_index() == pd.Timestamp("2007-06-01")
    assert forecast["s1"].first_valid_index() == pd.Timestamp("2008-01-01")
    assert forecast.count().tolist() == [3] * 5


def test_no_series_sees_another_but_through_the_network():
    """With the same weights, the forecast of a series does not depend on the others."""
    one = quick(max_iter=1, learning_rate_init=1e-30, transform=None)
    both = one.fit(WIDE).predict()
    swapped = one.fit(WIDE[WIDE.columns[::-1]]).predict()
    np.testing.assert_allclose(both, swapped[both.columns], rtol=1e-6)


def test_a_series_too_short_among_many_is_named():
    frame = WIDE.copy()
    frame.iloc[:-5, 3] = np.nan
    with pytest.raises(ValueError, match=r"Series 's3' of y has 5 observations.*lookback=\d+"):
        quick(lookback=12, short="raise").fit(frame)


def test_a_log_of_a_series_below_zero_is_refused_by_name():
    frame = WIDE.copy()
    frame.iloc[4, 2] = -1
    with pytest.raises(ValueError, match=NOT_POSITIVE):
        quick(transform="log").fit(frame)
    quick().fit(frame)


def test_intervals_of_each_series():
    intervals = quick().fit(WIDE).predict_interval(coverage=[0.5, 0.9])
    assert intervals.columns.nlevels == 2
    for name in WIDE:
        own = intervals[name]
        assert own.columns.tolist() == ["lower_50", "upper_50", "lower_90", "upper_90"]
        assert (own["lower_90"] < own["lower_50"]).all()
        assert (own["upper_50"] < own["upper_90"]).all()
    long = quick().fit(LONG).predict_interval()
    assert long.columns.tolist() == ["unique_id", "ds", "lower_90", "upper_90"]


def test_large_panels_draw_windows_anew_for_each_epoch():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(200, 120)).cumsum(axis=0))
    small = {"horizon": 2, "hidden_size": 4, "lookback": 8, "pretrained": None}
    forecaster = RNNForecaster(**small).fit(frame)
    assert forecaster.n_iter_ <= 15
    full = RNNForecaster(max_iter=1, **small).fit(frame)
    assert full.n_iter_ == 1


def test_input_is_never_changed():
    for y in (WIDE, LONG, LONG.set_index(["unique_id", "ds"])["y"]):
        before = y.copy(deep=True)
        quick().fit(y).predict_interval()
        assert y.equals(before)


def test_the_history_of_a_panel_is_kept_by_series():
    history = quick().fit(LONG).history_
    np.testing.assert_array_equal(history["s3"], WIDE["s3"])
    assert history["s3"].index.equals(MONTHS[:96])


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_same_bits_on_any_number_of_threads(n_jobs, monkeypatch):
    from tsrnn.kernels.jit import threads

    monkeypatch.setattr(threads, "LONG", 0)
    forecast = quick(n_jobs=n_jobs).fit(WIDE).predict()
    pd.testing.assert_frame_equal(forecast, quick(n_jobs=1).fit(WIDE).predict(), check_exact=True)


class TestBeyondTheTrainedHorizon:
    def test_the_network_continues_from_its_own_forecasts(self):
        y = load_airline()
        own = {"transform": None, "refit": False, "pretrained": None}
        forecaster = RNNForecaster(horizon=12, max_iter=20, **own)
        first = forecaster.fit(y).predict()
        longer = forecaster.predict(20)
        pd.testing.assert_series_equal(longer[:12], first, check_freq=False)
        again = RNNForecaster(**forecaster.get_params())
        again.fit(y)
        state = again.fitted_
        values = np.concatenate([y.to_numpy(float), first.to_numpy()])
        scaled = (values - state.scaling.mean) / state.scaling.deviation
        recent = scaled[None, -again.lookback_ :]
        more, _ = state.ensemble().unroll(recent, None, np.array([0]), 8)
        expected = state.scaling.undo(more, np.array([0]), np.array([len(values)]))
        np.testing.assert_allclose(longer[12:], expected[0], rtol=1e-5)

    def test_four_years_of_passengers(self):
        y = load_airline()
        errors = []
        for seed in range(5):
            forecast = RNNForecaster(horizon=48, random_state=seed).fit(y[:-48]).predict()
            errors.append((forecast / y[-48:] - 1).abs().mean() * 100)
        assert np.mean(errors) <= 10.0

    def test_intervals_reach_as_far(self):
        intervals = quick().fit(load_co2()).predict_interval(15)
        width = intervals["upper_90"] - intervals["lower_90"]
        assert len(width) == 15
        assert (width > 0).all()


def test_segments_follow_the_season_in_a_panel():
    frame = pd.DataFrame({"a": load_melbourne()[:400], "b": load_melbourne()[:400] * 2})
    forecaster = quick(season=7).fit(frame)
    assert forecaster.segment_ == 7
    assert forecaster.lookback_ % 7 == 0
    assert quick(segment=2).fit(frame).segment_ == 2


@pytest.mark.parametrize(
    ("n_series", "parameters", "expected"),
    [
        (2, {}, 0.5),
        (40, {}, 0.25),
        (200, {}, 0.0),
        (2, {"hidden_size": 63}, 0.0),
        (2, {"recurrent_dropout": 0.1, "hidden_size": 8}, 0.1),
        (2, {"recurrent_dropout": 0.0}, 0.0),
        (2, {"scope": "fine_tuned"}, 0.5),
        (2, {"scope": "local", "hidden_size": 128}, 0.0),
        (2, {"cell": "attention"}, 0.0),
        (1, {"hidden_size": 128}, 0.0),
    ],
)
def test_recurrent_dropout_by_the_number_of_windows(n_series, parameters, expected, monkeypatch):
    from tsrnn.forecasting import fitter

    class SettingsSeenError(Exception):
        pass

    def spy(networks, source, windows, validation, settings, rngs, **options):
        raise SettingsSeenError(settings[0].recurrent_dropout)

    monkeypatch.setattr(fitter, "train_many", spy)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(200, n_series)).cumsum(axis=0))
    forecaster = RNNForecaster(**({"horizon": 4, "lookback": 16} | parameters))
    with pytest.raises(SettingsSeenError) as seen:
        forecaster.fit(frame)
    assert seen.value.args == (expected,)


class TestSeriesNeverSeen:
    def test_the_fitted_series_again_give_the_same_forecasts(self):
        forecaster = quick().fit(WIDE)
        again = forecaster.predict(8, y=WIDE)
        np.testing.assert_allclose(again, forecaster.predict(8), rtol=1e-6)
        intervals = forecaster.predict_interval(y=LONG)
        assert intervals.columns.tolist() == ["unique_id", "ds", "lower_90", "upper_90"]

    def test_another_series_by_its_own_history(self):
        forecaster = RNNForecaster(horizon=12, max_iter=30).fit(WIDE)
        other = season_and_noise(3e4, 77, 96).rename("other")
        forecast = forecaster.predict(y=other[:-12])
        assert forecast.name == "other"
        assert forecast.index.equals(other.index[-12:])
        error = (forecast - other[-12:]).abs().mean()
        naive = np.abs(other[-24:-12].to_numpy() - other[-12:].to_numpy()).mean()
        assert error < 1.1 * naive
        assert forecaster.predict().columns.tolist() == WIDE.columns.tolist()  # as before

    def test_another_series_has_its_own_trend(self):
        y = load_airline().astype(float)
        forecaster = RNNForecaster(horizon=48, max_iter=5).fit(y[:-48])
        assert forecaster.fitted_.scaling.slope.any()
        flat = pd.Series(np.tile(y[:12], 8), y.index[:96])
        forecast = forecaster.predict(48, y=flat)
        assert (forecast[-12:].mean() / flat.mean() - 1) < 0.1

    def test_what_is_refused(self):
        forecaster = quick(transform="log", short="raise").fit(WIDE)
        with pytest.raises(ValueError, match=r"Series 's1' of y has 4 observations.*lookback=\d+"):
            forecaster.predict(y=WIDE.assign(s1=WIDE["s1"].where(WIDE.index < "2000-05")))
        weeks = WIDE.set_axis(pd.date_range("2000-01-02", periods=96, freq="W"))
        with pytest.raises(ValueError, match=r"frequency W.*fitted on frequency MS"):
            forecaster.predict(y=weeks)
        with pytest.raises(ValueError, match=NOT_POSITIVE):
            forecaster.predict(y=WIDE.assign(s2=WIDE["s2"].where(WIDE.index != "2000-05-01", -1)))


class TestScore:
    def test_it_is_minus_the_scaled_error_of_rolling_forecasts(self):
        history, later = WIDE[:-14], WIDE[-14:]
        forecaster = quick().fit(history)
        errors = []
        for name in WIDE:
            forecasts = [
                forecaster.predict(y=WIDE[: 82 + done])[name].to_numpy() for done in (0, 6, 12)
            ]
            result = np.abs(np.concatenate(forecasts)[:14] - later[name]).mean()
            scale = history[name].diff(forecaster.season_).abs().mean()
            errors.append(result / scale)
        assert forecaster.score(later) == pytest.approx(-np.mean(errors), rel=1e-4)

    def test_a_search_over_splits_of_time(self):
        from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

        grid = {"hidden_size": [2, 8], "cell": ["gru", "lstm"]}
        search = GridSearchCV(quick(), grid, cv=TimeSeriesSplit(2)).fit(load_airline())
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
        assert search.best_score_ < 0
        assert len(search.best_estimator_.history_) == 144

    def test_what_does_not_follow_is_refused(self):
        forecaster = quick().fit(WIDE[:-14])
        with pytest.raises(ValueError, match=r"has 2007-01-01 where 2006-11-01 follows"):
            forecaster.score(WIDE[-12:])
        with pytest.raises(ValueError, match="'s4' is in only one of the two"):
            forecaster.score(WIDE[-14:].drop(columns="s4"))
        with pytest.raises(ValueError, match="constant"):
            quick(transform=None).fit(WIDE[["s1"]][:-6] * 0).score(WIDE[["s1"]][-6:])


class TestUpdate:
    @pytest.mark.parametrize("trend", [False, True])
    def test_new_observations_of_one_series_one_at_a_time(self, trend):
        """As with all values from the start, with the scale and trend of the fit."""
        y = load_airline().astype(float)
        forecaster = RNNForecaster(48 if trend else 6, max_iter=4, pretrained=None).fit(y[:-30])
        assert forecaster.fitted_.scaling.slope.any() == trend
        whole = RNNForecaster(**forecaster.get_params()).fit(y[:-30])
        for k in range(30, 0, -1):
            new = y[-k : len(y) - k + 1]
            before = new.copy()
            forecaster.update(new)
            assert new.equals(before)
        history = read_series(whole, y)
        whole.fitted_ = dataclasses.replace(whole.fitted_, history=history, recent=history)
        pd.testing.assert_series_equal(forecaster.predict(20), whole.predict(20), rtol=1e-9)
        pd.testing.assert_frame_equal(
            forecaster.predict_interval(), whole.predict_interval(), rtol=1e-9
        )
        assert len(forecaster.history_) == len(y) - 30  # what was learnt from
        n_ahead = forecaster.network_.n_out
        assert forecaster.fitted_.recent.panel.values.size == forecaster.lookback_ + n_ahead
        again = forecaster.fit(y[:-30]).predict()
        assert again.index[0] == y.index[-30]

    @pytest.mark.parametrize("form", ["wide", "long", "levels"])
    def test_new_observations_of_some_series_of_a_panel(self, form):
        def formed(wide):
            long = wide.rename_axis("ds").reset_index()
            long = long.melt("ds", var_name="unique_id", value_name="y").dropna()
            levels = long.set_index(["unique_id", "ds"])["y"]
            return {"wide": wide, "long": long, "levels": levels}[form]

        forecaster = quick(transform="log").fit(formed(WIDE[:-5]))
        forecaster.update(formed(WIDE[["s3", "s1"]][-5:-3])).update(formed(WIDE[["s3"]][-3:-2]))
        known = WIDE.copy()
        known.loc[known.index[-5:], ["s0", "s2", "s4"]] = np.nan
        known.loc[known.index[-3:], "s1"] = np.nan
        known.loc[known.index[-2:], "s3"] = np.nan
        expected = forecaster.predict(y=formed(known))
        result = forecaster.predict()
        numbers = [frame.to_numpy()[..., -1].astype(float) for frame in (result, expected)]
        np.testing.assert_allclose(*numbers, rtol=1e-5)
        assert result.index.equals(expected.index)

    def test_the_state_is_saved(self, tmp_path):
        import tsrnn

        forecaster = quick().fit(WIDE[:-5]).update(WIDE[-5:])
        tsrnn.save(forecaster, tmp_path / "f.tsrnn")
        loaded = tsrnn.load(tmp_path / "f.tsrnn")
        pd.testing.assert_frame_equal(loaded.predict(), forecaster.predict(), check_exact=True)
        loaded.update(WIDE[-1:].set_axis(WIDE.index[-1:] + pd.offsets.MonthBegin()))
        assert loaded.predict().index[0] == pd.Timestamp("2008-02-01")

    def test_what_is_refused_leaves_the_state(self):
        forecaster = quick(transform="log").fit(WIDE[:-5])
        before = forecaster.predict()
        for y, match in (
            (WIDE[-4:], "Series 's0' of y has 2007-09-01 where 2007-08-01 follows"),
            (WIDE[-5:] * np.nan, "nothing but missing"),
            (WIDE[-5:] * np.inf, "infinite"),
            (-WIDE[-5:], "needs positive values"),
        ):
            with pytest.raises(ValueError, match=match):
                forecaster.update(y)
        pd.testing.assert_frame_equal(forecaster.predict(), before)

    def test_time_stamps_of_another_kind_are_refused(self):
        forecaster = quick().fit(WIDE[:-5])
        new = WIDE[-5:]
        for y in (new.tz_localize("UTC"), new.to_period("M"), new.reset_index(drop=True)):
            with pytest.raises(ValueError, match=r"time stamps of dtype .* those fitted are of"):
                forecaster.update(y)
        zoned = quick().fit(WIDE[:-5].tz_localize("Europe/Berlin"))
        zoned.update(WIDE[-5:].tz_localize("Europe/Berlin"))
        assert str(zoned.predict().index.tz) == "Europe/Berlin"
