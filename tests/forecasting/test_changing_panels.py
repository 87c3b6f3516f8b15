"""Panels that change: short, new and ended series, and values that are corrected later."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tsrnn
from tsrnn import RNNForecaster, backtest
from tsrnn.data import DataError, MissingDataError, Panel, collection_from
from tsrnn.forecasting.short import is_padding, padded_windows, with_padded_windows

N = 80
DAYS = pd.date_range("2024-01-01", periods=N)
LOOKBACK, SEASON, HORIZON = 21, 7, 5


def week(level, seed, n=N):
    """The last ``n`` days of a series with a season of a week."""
    rng = np.random.default_rng(seed)
    values = level * (5 + np.sin(np.arange(N) * 2 * np.pi / 7) + 0.3 * rng.normal(size=N))
    return pd.Series(values, DAYS)[N - n :]


LONG_ONES = pd.DataFrame({name: week(10, k) for k, name in enumerate("abc")})
PANEL = LONG_ONES.assign(new=week(1000, 7, n=16), tiny=week(10, 8, n=4))


def quick(**options):
    """A forecaster that trains in a moment, by its own network alone."""
    sizes = {"horizon": HORIZON, "lookback": LOOKBACK, "season": SEASON, "hidden_size": 8}
    training = {"max_iter": 5, "learning_rate_init": 0.02, "refit": False}
    training |= {"pretrained": None, "transform": None}
    return RNNForecaster(**(sizes | training | options))


def melted(frame, value="y"):
    """A wide frame as a long one."""
    long = frame.rename_axis("ds").reset_index().melt("ds", var_name="unique_id", value_name=value)
    return long.dropna().reset_index(drop=True)


def fitted(y, **options):
    """A fitted forecaster, and the warnings of that."""
    X, static = options.pop("X", None), options.pop("static", None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        forecaster = quick(**options).fit(y, X, static)
    return forecaster, [str(warning.message) for warning in caught]


class TestShortSeries:
    def test_places_before_repeat_the_first_whole_seasons(self):
        panel = Panel.from_arrays([np.arange(3.0), np.arange(10.0, 19.0)])
        series, ends = np.array([1, 1, 1]), np.array([9, 5, 3])
        places = panel.places_before(series, ends, n=9, season=4)
        assert panel.values[places].tolist() == [
            [10, 11, 12, 13, 14, 15, 16, 17, 18],
            [10, 11, 12, 13, 10, 11, 12, 13, 14],  # one whole season of four is known
            [10, 11, 12, 10, 11, 12, 10, 11, 12],  # none
        ]
        assert is_padding(ends, 9).sum(axis=1).tolist() == [0, 4, 6]

    def test_one_warning_lists_them_and_all_are_forecast(self):
        forecaster, messages = fitted(melted(PANEL))
        assert messages == [
            "2 series have fewer values than lookback=21, so what the network reads of them is "
            "padded in front (short='pad'): 'new', 'tiny'"
        ]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            forecast = forecaster.predict()
            intervals = forecaster.predict_interval()
            samples = forecaster.predict_samples(n_samples=2)
        assert forecast["unique_id"].unique().tolist() == ["a", "b", "c", "new", "tiny"]
        for frame in (forecast, intervals, samples):
            assert np.isfinite(frame.select_dtypes("number")).to_numpy().all()
        assert forecaster.history_.loc["tiny"].tolist() == PANEL["tiny"].dropna().tolist()

    def test_they_are_forecast_as_if_padding_were_known(self):
        forecaster, _ = fitted(LONG_ONES, early_stopping=False)
        values = PANEL["new"].dropna().to_numpy()
        by_hand = np.concatenate([np.tile(values[:14], 2)[-12:], values])
        index = pd.date_range(end=DAYS[-1], periods=by_hand.size)
        expected = forecaster.predict(y=pd.Series(by_hand, index))
        with pytest.warns(UserWarning, match=r"y has fewer values than lookback=21, so what the"):
            forecast = forecaster.predict(y=PANEL["new"].dropna())
        assert_allclose(forecast, expected, rtol=1e-5)
        assert np.abs(forecast / values[9:14] - 1).max() > 1e-3  # it is not the naive forecast

    def test_they_do_not_poison_the_scaling(self):
        scaling = fitted(PANEL)[0].fitted_.scaling
        alone = fitted(LONG_ONES)[0].fitted_.scaling
        assert_allclose(scaling.mean[:3], alone.mean, rtol=1e-12)
        assert_allclose(scaling.deviation[:3], alone.deviation, rtol=1e-12)
        assert_allclose(scaling.mean[3:], [PANEL[k].mean() for k in ("new", "tiny")], rtol=1e-12)
        spread = [PANEL[k].std(ddof=0) for k in ("new", "tiny")]
        assert_allclose(scaling.deviation[3:], spread, rtol=1e-12)

    def test_padded_windows_to_train_on(self):
        collection = collection_from(PANEL)
        series, ends = padded_windows(collection, LOOKBACK, HORIZON, SEASON)
        assert series.tolist() == [3] * 5  # of 16 values 5 to forecast, and a season before
        assert ends.tolist() == [7, 8, 9, 10, 11]
        source = quick().fit(LONG_ONES).fitted_.spec.source(collection.panel.values)
        weights = np.arange(collection.panel.values.size, dtype=float)
        source = source._replace(weights=np.ones_like(weights))
        more, starts = with_padded_windows(
            source, collection, series, ends, HORIZON, False, weights
        )
        assert more.weights[starts[1]] == 3 * N + ends[1] + 2  # the mean of five to forecast
        new = PANEL["new"].dropna().to_numpy()
        first = more.values[starts[1] : starts[1] + LOOKBACK + HORIZON, 0]
        assert_array_equal(first, np.concatenate([new[1:7], new[:7], new[:13]]))
        assert_array_equal(more.values[: starts[0]], source.values)
        assert starts[-1] + LOOKBACK + HORIZON == len(more.values)

    def test_padding_is_marked_where_values_are_and_is_never_a_target(self):
        frame = PANEL.copy()
        frame.iloc[[30, -3]] = np.nan
        forecaster, _ = fitted(frame, missing="mask")
        state = forecaster.fitted_
        context = state.future_context(None, HORIZON, mask=True)
        lengths = context.collection.panel.lengths
        channels = context.channels(np.array([3]), lengths[[3]], HORIZON, state.spec)
        observed = channels[0, :LOOKBACK, -1]
        assert observed.tolist() == [0] * 5 + [1] * 13 + [0, 1, 1]
        series, ends = padded_windows(state.history, LOOKBACK, HORIZON, SEASON)
        source = context.source(state.spec)
        more, starts = with_padded_windows(
            source, state.history, series, ends, HORIZON, marks_observed=True
        )
        targets = more.targets[starts[0] :].reshape(-1, LOOKBACK + HORIZON)
        assert np.isnan(targets[:, :LOOKBACK]).all()
        assert np.isnan(targets[:, LOOKBACK:]).sum(axis=1).tolist() == [0, 0, 1, 1, 1]
        marks = more.values[starts[0] :, -1].reshape(targets.shape)
        assert (marks[:, :LOOKBACK] == 0).sum(axis=1).tolist() == [14, 13, 12, 11, 10]

    def test_naive_forecasts_of_them(self):
        forecaster, messages = fitted(PANEL, short="naive")
        assert "so they are forecast by the last values of their season" in messages[0]
        forecast, intervals = forecaster.predict(9), forecaster.predict_interval(9)
        new = PANEL["new"].to_numpy()
        assert_allclose(forecast["new"], [*new[-7:], *new[-7:-5]], rtol=1e-12)
        assert_allclose(intervals["new"].mean(axis=1), forecast["new"], rtol=1e-12)
        only, _ = fitted(LONG_ONES)
        assert_array_equal(forecast[["a", "b", "c"]], only.predict(9))
        tiny = PANEL[["tiny"]].dropna()
        with pytest.warns(UserWarning, match="1 series has .* it is forecast .* its season"):
            again = forecaster.predict(9, y=tiny)
        assert_array_equal(again["tiny"], forecast["tiny"])

    @pytest.mark.parametrize("form", [pd.DataFrame, melted])
    def test_they_are_dropped(self, form):
        forecaster, messages = fitted(form(PANEL), short="drop")
        assert messages == [
            "2 series have fewer values than lookback=21, so they are left out (short='drop'): "
            "'new', 'tiny'"
        ]
        expected = quick().fit(form(LONG_ONES)).predict()
        pd.testing.assert_frame_equal(forecaster.predict(), expected)
        with pytest.warns(UserWarning, match="'new', 'tiny'"):
            again = forecaster.predict(y=form(PANEL))
        pd.testing.assert_frame_equal(again, expected, rtol=1e-6)
        with pytest.raises(DataError, match="'new' of y has 16 observations"):
            forecaster.predict(y=form(PANEL[["new", "tiny"]].dropna(how="all")))

    def test_they_are_refused(self):
        message = (
            r"Series 'new' of y has 16 .* lookback=21 .*; 2 series are affected: 'new', 'tiny'"
        )
        with pytest.raises(DataError, match=message):
            quick(short="raise", pretrained="auto").fit(PANEL)
        forecaster = quick(short="raise").fit(LONG_ONES)
        with pytest.raises(DataError, match=message):
            forecaster.predict(y=PANEL)
        lone = RNNForecaster(horizon=18, short="raise", max_iter=1)
        with pytest.raises(DataError, match="has 16 observations, but horizon=18"):
            lone.fit(PANEL["new"].dropna())

    @pytest.mark.parametrize("short", ["raise", "drop"])
    def test_they_are_skipped(self, short):
        y = melted(PANEL)
        y.loc[y["unique_id"].eq("b") & (y["ds"] == y["ds"].max()), "y"] = np.inf
        forecaster, messages = fitted(y, short=short, errors="skip")
        assert "1 series is left out: 'b'" in messages[0]
        assert "so they are left out (short='drop'): 'new', 'tiny'" in messages[1]
        skipped = forecaster.skipped_.set_index("unique_id")
        assert skipped.index.tolist() == ["b", "new", "tiny"]
        assert "has 16 observations" in skipped.loc["new", "problem"]
        assert sorted(forecaster.predict()["unique_id"].unique()) == ["a", "c"]
        with pytest.warns(UserWarning, match="'new', 'tiny'"):
            other = forecaster.predict(y=melted(PANEL))
        assert sorted(other["unique_id"].unique()) == ["a", "b", "c"]

    def test_networks_of_each_series(self):
        with pytest.raises(DataError, match=r"'new' of y has 16 .* short='naive' or 'drop'"):
            quick(scope="local").fit(PANEL)
        both = PANEL.assign(longer=week(10, 9, n=23))  # a window, and nothing to learn from
        forecaster, messages = fitted(both, scope="local", short="naive")
        assert "'new', 'tiny', 'longer'" in messages[0]
        assert_allclose(forecaster.predict()["longer"], both["longer"][-7:-2], rtol=1e-6)
        dropped, _ = fitted(both, scope="local", short="drop")
        assert dropped.predict().columns.tolist() == ["a", "b", "c"]
        skipping, _ = fitted(both, scope="local", errors="skip")
        assert skipping.skipped_["unique_id"].tolist() == ["new", "tiny", "longer"]
        pd.testing.assert_frame_equal(skipping.predict(), dropped.predict())
        tuned, _ = fitted(PANEL, scope="fine_tuned")
        assert np.isfinite(tuned.predict()["new"]).all()

    def test_the_pretrained_network_counts_the_more_the_less_there_is_to_read(self):
        forecaster, _ = fitted(PANEL, pretrained="auto")
        state = forecaster.fitted_
        share = state.pretrained.share
        assert 0 < share < 1
        forecasts = forecaster.predict()
        alone = RNNForecaster(HORIZON, max_iter=0, season=SEASON).fit(PANEL).predict()
        own = state.predictor(True).ensemble
        values = state.scaling.apply(state.history.panel)
        for number, name, known in ((0, "a", 1.0), (3, "new", 16 / 21), (4, "tiny", 4 / 21)):
            one, lengths = np.array([number]), state.history.panel.lengths
            places = state.history.panel.places_before(one, lengths[one], LOOKBACK, SEASON)
            path, _ = own.unroll(values[places], None, np.zeros(1, int), HORIZON)
            path = state.scaling.undo(path, one, lengths[one])[0]
            weight = (1 - share) * known
            expected = weight * path + (1 - weight) * alone[name]
            assert_allclose(forecasts[name], expected, rtol=1e-6)

    def test_channels_of_padding_are_those_of_the_days_it_repeats(self):
        X = melted(PANEL.notna() * np.arange(N)[:, None], "price")
        static = pd.DataFrame({"size": np.arange(5.0)}, list(PANEL))
        forecaster, _ = fitted(PANEL, X=X, static=static, past_covariates=["price"])
        state = forecaster.fitted_
        context = state.future_context(None, HORIZON, mask=False)
        lengths = context.collection.panel.lengths
        channels = context.channels(np.array([3]), lengths[[3]], HORIZON, state.spec)[0]
        assert_array_equal(channels[:5, 0], channels[14:19, 0])
        assert np.unique(channels[:, 1]).size == 1
        assert np.isfinite(forecaster.predict()).to_numpy().all()

    def test_a_saved_forecaster_and_its_update(self, tmp_path):
        frame = PANEL.drop(columns="tiny")
        forecaster, _ = fitted(frame[:-5])
        tsrnn.save(forecaster, tmp_path / "f.tsrnn")
        loaded = tsrnn.load(tmp_path / "f.tsrnn")
        pd.testing.assert_frame_equal(loaded.predict(), forecaster.predict(), check_exact=True)
        with pytest.warns(UserWarning, match="fewer values"):
            expected = forecaster.predict(y=frame)
        updated = loaded.update(frame[-5:])
        assert_allclose(updated.predict(), expected, rtol=1e-5)
        tsrnn.save(updated, tmp_path / "g.tsrnn")
        assert_array_equal(tsrnn.load(tmp_path / "g.tsrnn").predict(), updated.predict())

    def test_a_backtest_from_origins_with_little_history(self):
        frame = LONG_ONES.assign(new=week(10, 7, n=28))
        options = {"n_windows": 3, "step": 5, "refit": False}
        with pytest.warns(UserWarning, match="'new'"):
            forecasts = backtest(quick(), frame, **options).forecasts
        assert forecasts["unique_id"].unique().tolist() == ["a", "b", "c", "new"]
        assert np.isfinite(forecasts["RNNForecaster"]).all()
        with pytest.warns(UserWarning, match="padded"):  # all forecast the same series
            dropped = backtest(quick(short="drop"), frame, **options)
        pd.testing.assert_frame_equal(dropped.forecasts, forecasts)

    def test_a_network_is_looked_into_by_series_that_are_long_enough(self):
        from tsrnn.inspection import states

        forecaster, _ = fitted(PANEL)
        assert np.isfinite(states(forecaster)).to_numpy().all()


class TestEndedSeries:
    ENDED = LONG_ONES.assign(b=LONG_ONES["b"][:-9])  # ended ten days ago

    @pytest.mark.parametrize("form", [pd.DataFrame, melted])
    def test_they_are_left_out_of_forecasts(self, form):
        forecaster = quick().fit(form(self.ENDED))
        everything = forecaster.predict()
        for n_steps, names in ((None, "abc"), (9, "abc"), (8, "ac"), (0, "ac")):
            forecaster.set_params(ended_after=n_steps)
            results = forecaster.predict(), forecaster.predict_interval(coverage=0.8)
            for result in results:
                found = melted_names(result)
                assert found == list(names)
            assert melted_names(forecaster.predict(y=form(self.ENDED))) == list(names)
        going_on = everything
        if "unique_id" in going_on:
            going_on = going_on[going_on["unique_id"] != "b"].reset_index(drop=True)
        else:
            going_on = going_on[["a", "c"]].dropna()
        pd.testing.assert_frame_equal(forecaster.predict(), going_on, check_freq=False)

    def test_values_that_are_missing_at_the_end_do_not_count(self):
        long = melted(LONG_ONES)
        long.loc[(long["unique_id"] == "b") & (long["ds"] >= DAYS[-9]), "y"] = np.nan
        forecaster = quick(missing="mask", ended_after=8).fit(long)
        assert melted_names(forecaster.predict()) == ["a", "c"]
        forecaster.set_params(ended_after=9)
        assert melted_names(forecaster.predict()) == ["a", "b", "c"]

    def test_covariates_of_the_future_are_needed_of_others_alone(self):
        index = pd.date_range(DAYS[0], periods=N + HORIZON)
        before = pd.Series(index < DAYS[-9], index)
        price = pd.DataFrame(np.arange(3 * len(index)).reshape(-1, 3) % 5, index, list("abc"))
        X = melted(price.assign(b=price["b"].where(before)), "price")
        forecaster = quick(ended_after=3).fit(melted(self.ENDED), X)
        assert melted_names(forecaster.predict()) == ["a", "c"]
        with pytest.raises(DataError, match="has no row at 2024-03-12 of Series 'b'"):
            forecaster.set_params(ended_after=None).predict()


def melted_names(frame):
    """Names of the series in a result."""
    if "unique_id" in frame:
        return frame["unique_id"].unique().tolist()
    return frame.columns.get_level_values(0).unique().tolist()


class TestNewSeries:
    @pytest.mark.parametrize("form", [pd.DataFrame, melted])
    @pytest.mark.parametrize("scope", ["global", "fine_tuned"])
    def test_they_are_forecast_by_the_network_of_all(self, form, scope, tmp_path):
        forecaster = quick(scope=scope).fit(form(LONG_ONES[:-10]))
        whole = LONG_ONES.assign(e=week(50, 11, n=40))
        expected = quick(scope=scope).fit(form(LONG_ONES[:-10])).predict(y=form(whole))
        forecaster.update(form(LONG_ONES[-10:-4]))
        forecaster.update(form(whole.loc[DAYS[-40:-4], ["e"]]))
        forecaster.update(form(whole[-4:]))
        pd.testing.assert_frame_equal(forecaster.predict(), expected, rtol=1e-4)
        assert forecaster.cutoff_.index.tolist() == ["a", "b", "c", "e"]
        assert forecaster.recent_.loc["e"].tolist() == whole["e"].dropna().tolist()
        tsrnn.save(forecaster, tmp_path / "f.tsrnn")
        loaded = tsrnn.load(tmp_path / "f.tsrnn")
        pd.testing.assert_frame_equal(loaded.predict(), forecaster.predict(), check_exact=True)

    def test_known_and_new_ones_at_once_with_covariates_and_static_values(self):
        index = pd.date_range(DAYS[0], periods=N + HORIZON)
        names = ["a", "b", "c", "e"]
        price = pd.DataFrame(np.arange(4 * len(index)).reshape(-1, 4) % 5, index, names)
        X, static = melted(price, "price"), pd.DataFrame({"size": [1.0, 2.0, 3.0, 2.5]}, names)
        whole = melted(LONG_ONES.assign(e=week(50, 11, n=40)))
        is_old = (whole["ds"] < DAYS[-6]) & (whole["unique_id"] != "e")
        forecaster = quick().fit(whole[is_old], X[X["unique_id"] != "e"], static[:3])
        expected = forecaster.predict(y=whole, X=X, static=static)
        with pytest.raises(DataError, match="static is missing"):
            forecaster.update(whole[~is_old], X)
        forecaster.update(whole[~is_old], X, static[3:])
        pd.testing.assert_frame_equal(forecaster.predict(), expected, rtol=1e-4)
        with pytest.raises(DataError, match="goes with series that are new, and y has none"):
            forecaster.update(whole[-1:], X, static)

    def test_labels_of_new_categories(self):
        long = melted(LONG_ONES).astype({"unique_id": "category"})
        forecaster = quick().fit(long)
        forecaster.update(melted(week(50, 11, n=40).to_frame("e")))
        assert melted_names(forecaster.predict()) == ["a", "b", "c", "e"]
        pl = pytest.importorskip("polars")
        dtype = pl.Enum(["a", "b", "c"])
        frame = pl.from_pandas(melted(LONG_ONES)).with_columns(pl.col("unique_id").cast(dtype))
        forecaster = quick().fit(frame).update(melted(week(50, 11, n=40).to_frame("e")))
        assert forecaster.predict()["unique_id"].unique(maintain_order=True).to_list() == [*"abce"]

    def test_they_are_trained_on(self):
        forecaster = quick().fit(LONG_ONES)
        before = forecaster.network_.parameters.copy()
        forecaster.partial_fit(week(50, 11, n=40).to_frame("e"))
        assert not np.array_equal(forecaster.network_.parameters, before)
        assert forecaster.predict().columns.tolist() == ["a", "b", "c", "e"]

    def test_short_ones(self):
        y = LONG_ONES[:-1]
        new = LONG_ONES[-1:].assign(e=50.0)
        with pytest.warns(match=r"1 series has fewer .* \(short='pad'\): 'e'") as caught:
            forecast = quick().fit(y).update(new).predict()
        assert [warning.filename for warning in caught] == [__file__]
        assert_allclose(forecast["e"], 50.0, rtol=1e-3)
        with pytest.warns(UserWarning, match=r"left out .* 'e'"):
            forecaster = quick(short="drop").fit(y).update(new)
        assert forecaster.predict().columns.tolist() == ["a", "b", "c"]
        with pytest.raises(DataError, match="'e' of y has 1 observations"):
            quick(short="raise").fit(y).update(new)

    def test_zero_shot(self):
        forecaster = RNNForecaster(horizon=3, max_iter=0).fit(LONG_ONES)
        forecaster.update(pd.DataFrame({"e": [50.0, 51.0]}, DAYS[-2:]))
        expected = RNNForecaster(horizon=3, max_iter=0).fit(
            LONG_ONES.assign(e=pd.Series([50.0, 51.0], DAYS[-2:]))
        )
        pd.testing.assert_frame_equal(forecaster.predict(), expected.predict(), rtol=1e-12)

    def test_what_is_refused(self):
        forecaster = quick().fit(melted(LONG_ONES.set_axis([1, 2, 3], axis=1)))
        texts = melted(LONG_ONES[-1:].set_axis(["1", "2", "3"], axis=1))
        with pytest.raises(DataError, match=r"'1' is of type str, and 1 of type int: convert"):
            forecaster.update(texts.assign(ds=texts["ds"] + pd.Timedelta(days=1)))
        new = week(50, 11, n=40).to_frame("e")
        forecaster = quick(scope="local").fit(LONG_ONES)
        with pytest.raises(DataError, match=r"'e' of y was not fitted, and with scope='local'"):
            forecaster.update(new)
        forecaster = quick().fit(LONG_ONES)
        for bad, message in (
            (new.tz_localize("UTC"), r"'e' of y has time stamps of dtype .* by tz_localize\(None"),
            (new[::2], "'e' of y has a gap|has frequency 2D|fitted on frequency D"),
            (new * np.inf, "infinite"),
        ):
            with pytest.raises(DataError, match=message):
                forecaster.update(bad)
        assert forecaster.predict().columns.tolist() == ["a", "b", "c"]


class TestCorrections:
    WRONG = LONG_ONES.copy()
    WRONG.iloc[-4:-1] = 0.0

    @pytest.mark.parametrize("form", [pd.DataFrame, melted])
    def test_values_of_known_time_stamps(self, form):
        """As if they had been right when they were added."""
        forecaster = quick().fit(form(LONG_ONES[:-20]))
        right = quick().fit(form(LONG_ONES[:-20])).update(form(LONG_ONES[-20:]))
        forecaster.update(form(self.WRONG[-20:-1]))
        forecaster.update(form(LONG_ONES[-6:]), overwrite=True)
        pd.testing.assert_frame_equal(forecaster.predict(), right.predict(), check_exact=True)
        pd.testing.assert_series_equal(forecaster.recent_, right.recent_)

    def test_some_rows_of_some_series_alone(self):
        forecaster = quick().fit(melted(self.WRONG))
        before = forecaster.predict()
        rows = melted(LONG_ONES)
        rows = rows[(rows["unique_id"] == "b") & rows["ds"].isin([DAYS[-4], DAYS[-2]])]
        after = forecaster.update(rows, overwrite=True).predict()
        changed = (before["y"] != after["y"]).groupby(before["unique_id"]).any()
        assert changed.tolist() == [False, True, False]
        expected = self.WRONG["b"].copy()
        expected.iloc[[-4, -2]] = LONG_ONES["b"].iloc[[-4, -2]]
        assert forecaster.recent_.loc["b"].tolist() == expected.tolist()
        assert forecaster.history_.loc["b"].tolist() == self.WRONG["b"].tolist()

    def test_values_that_were_missing(self):
        gaps = LONG_ONES.copy()
        gaps.iloc[-3] = np.nan
        forecaster = quick(missing="mask").fit(gaps)
        forecaster.update(LONG_ONES[-3:-2], overwrite=True)
        full = quick(missing="mask").fit(gaps[:-3]).update(LONG_ONES[-3:])
        assert not forecaster.recent_.isna().any()
        state = forecaster.fitted_
        assert state.recent.covariates[:, -1].all()
        assert forecaster.recent_.loc["a"].tolist()[-3:] == full.recent_.loc["a"].tolist()[-3:]

    @pytest.mark.parametrize(
        "form",
        [pd.DataFrame, lambda y: y.stack(future_stack=True).swaplevel()],  # noqa: PD013
    )
    def test_series_without_a_value_keep_what_was_known(self, form):
        forecaster = quick().fit(form(LONG_ONES))
        rows = LONG_ONES[-6:].copy()
        rows.iloc[:, 1:] = np.nan
        rows.iloc[2, 0] = 90.0
        before = forecaster.recent_
        forecaster.update(form(rows), overwrite=True)
        assert forecaster.recent_.loc["a"].tolist()[-4] == 90
        for name in "bc":
            assert forecaster.recent_.loc[name].tolist() == before.loc[name].tolist()
        after = forecaster.recent_
        forecaster.update(form(rows * np.nan), overwrite=True)
        pd.testing.assert_series_equal(forecaster.recent_, after)

    def test_covariates(self):
        index = pd.date_range(DAYS[0], periods=N + HORIZON)
        price = pd.DataFrame({"price": np.arange(len(index)) % 5.0}, index)
        wrong = price.copy()
        wrong.loc[DAYS[-3:], "price"] = 50.0
        y = LONG_ONES["a"]
        options = {"past_covariates": ["price"], "calendar": ["weekday"], "early_stopping": False}
        right = quick(**options).fit(y[:-10], price[:-15]).update(y[-10:], price)
        forecaster = quick(**options).fit(y[:-10], price[:-15]).update(y[-10:], wrong)
        assert not np.allclose(forecaster.predict(), right.predict())
        forecaster.update(y[-3:], price.loc[DAYS[-3:]], overwrite=True)
        pd.testing.assert_series_equal(forecaster.predict(), right.predict(), check_exact=True)
        with pytest.raises(DataError, match=r"update\(..., overwrite=True\) corrects those before"):
            forecaster.update(y[-3:-2] + 1)
        forecaster.update(y[-3:], wrong.loc[DAYS[-3:]], overwrite=True)
        assert not np.allclose(forecaster.predict(), right.predict())
        missing = y[-3:] * np.nan  # the covariates alone
        forecaster.update(missing, price.loc[DAYS[-3:]], overwrite=True)
        pd.testing.assert_series_equal(forecaster.predict(), right.predict(), check_exact=True)

    def test_what_is_before_all_that_is_kept_is_left_out(self):
        forecaster = quick().fit(LONG_ONES[:-40]).update(LONG_ONES[-40:])
        before = forecaster.predict()
        forecaster.update(LONG_ONES[:45] * 100, overwrite=True)
        pd.testing.assert_frame_equal(forecaster.predict(), before, check_exact=True)

    @pytest.mark.parametrize("form", [pd.DataFrame, melted])
    def test_other_series_are_refused(self, form, caplog):
        forecaster = quick().fit(form(LONG_ONES.rename(columns={"b": "Berlin"})))
        new = pd.DataFrame({"A": [9.0]}, DAYS[[50]])
        meant = "Is it 'a' for 'A' and 'Berlin' for 'berlim'[?] Series that are new"
        for labels, message in (
            (["A"], "'A' was not fitted. Is it 'a' for 'A'[?]"),
            (["A", "c", "berlim"], f"2 series were not fitted: 'A', 'berlim'. {meant}"),
            (["store"], "'store' was not fitted. Series that are new are added by update without"),
        ):
            with pytest.raises(ValueError, match=message):
                forecaster.update(
                    form(new[["A"] * len(labels)].set_axis(labels, axis=1)), overwrite=True
                )
        assert forecaster.cutoff_.index.tolist() == ["a", "Berlin", "c"]
        with caplog.at_level("INFO", logger="tsrnn"):
            forecaster.update(form(week(50, 11, n=40).to_frame("store")))
        expected = "RNNForecaster adds 1 new series to the panel: 'store'"
        assert [record.getMessage() for record in caplog.records] == [expected]

    def test_what_is_refused(self):
        forecaster = quick().fit(LONG_ONES[:-4])
        before = forecaster.predict()
        with pytest.raises(DataError, match=r"where 2024-03-17 follows.*overwrite=True"):
            forecaster.update(LONG_ONES[-6:])
        shifted = LONG_ONES[-6:-4].set_axis(DAYS[-6:-4] + pd.Timedelta(hours=6))
        gap = LONG_ONES[-6:].drop(DAYS[-3])
        for y, error, message in (
            (shifted, DataError, "'a' of y has 2024-03-15 06:00.* none of the time stamps"),
            (gap, MissingDataError, "'a' of y has no value at 2024-03-18"),
            (LONG_ONES[-3:], MissingDataError, "has 2024-03-18 where 2024-03-17 follows"),
            (LONG_ONES[-6:].tz_localize("UTC"), DataError, "time stamps of dtype"),
        ):
            with pytest.raises(error, match=message):
                forecaster.update(y, overwrite=True)
        pd.testing.assert_frame_equal(forecaster.predict(), before, check_exact=True)


def test_a_retailer_of_many_small_stores():
    """300 stores of 28 days, 12 of 20, with promotions, static values and many zeros: one call."""
    rng = np.random.default_rng(25)
    days = pd.date_range("2024-03-01", periods=28 + 7)
    names = [f"store {k:03}" for k in range(300)]
    promotion = (rng.random((300, 35)) < 0.1).astype(float)
    size = rng.gamma(2.0, 1.0, 300)
    week = 1 + 0.5 * np.sin(2 * np.pi * np.arange(35) / 7)
    demand = rng.poisson(0.8 * size[:, None] * week * (1 + promotion))
    n_days = np.where(np.arange(300) < 288, 28, 20)
    is_open = np.arange(35) >= 28 - n_days[:, None]
    rows = pd.DataFrame(
        {
            "unique_id": np.repeat(names, 35),
            "ds": np.tile(days, 300),
            "y": demand.ravel().astype(float),
            "promotion": promotion.ravel(),
        }
    )[is_open.ravel()]
    static = pd.DataFrame({"size": size, "kind": rng.choice(["mall", "street"], 300)}, names)
    y, X = rows[["unique_id", "ds", "y"]], rows[["unique_id", "ds", "promotion"]]
    assert (y["y"] == 0).mean() > 0.25
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the lookback fits 20 days too
        small = {"max_iter": 1, "hidden_size": 8, "pretrained": None}
        forecaster = RNNForecaster(horizon=7, calendar=["weekday"], **small)
        forecaster.fit(y[y["ds"] < days[28]], X, static)
        quantiles = forecaster.predict_quantiles()
    assert len(quantiles) == 300 * 7
    assert np.isfinite(quantiles.select_dtypes("number")).to_numpy().all()
    is_young = y["unique_id"].isin(names[288:]) & (y["ds"] < days[23])  # of 5 days instead
    with pytest.warns(UserWarning, match="12 series have fewer values than lookback=14"):
        forecast = forecaster.fit(y[(y["ds"] < days[28]) & ~is_young], X, static).predict()
    assert len(forecast) == 300 * 7
    assert np.isfinite(forecast["y"]).all()
