"""Covariates, static values and calendars in forecasts."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import tsrnn
from tsrnn import RNNForecaster, backtest
from tsrnn.data import DataError, Panel, collection_from, covariates_from
from tsrnn.forecasting.columns import ColumnEncoder
from tsrnn.forecasting.encoders import FeatureEncoder
from tsrnn.forecasting.inputs import read_new
from tsrnn.forecasting.scaling import Scaling

pytestmark = pytest.mark.slow

DAYS = pd.date_range("2023-01-01", periods=240)
RNG = np.random.default_rng(0)
PRICE = RNG.normal(10.0, 2.0, 240)
SALE = RNG.random(240) < 0.3
SKY = RNG.choice(["dry", "rain", "snow"], 240)
X = pd.DataFrame({"price": PRICE, "sale": SALE, "sky": SKY}, DAYS)
LIFTS = pd.Series(SKY).map({"dry": 0.0, "rain": 4.0, "snow": 8.0}).to_numpy()
Y = pd.Series(20 - PRICE + 6 * SALE + LIFTS + RNG.normal(0, 0.3, 240), DAYS, name="sold")


def quick(**kwargs):
    defaults = {"horizon": 6, "season": 1, "lookback": 14, "max_iter": 60, "hidden_size": 16}
    return RNNForecaster(**defaults | kwargs)


def error(forecast, truth):
    return float(np.abs(np.asarray(forecast) - np.asarray(truth)).mean())


def panel(n=4):
    """Series that follow their covariates, each at a different level."""
    wide = pd.DataFrame({f"s{k}": Y.to_numpy() + 30 * k for k in range(n)}, DAYS)
    long = wide.rename_axis("ds").reset_index()
    return wide, long.melt("ds", var_name="unique_id", value_name="y")


class TestEncoding:
    def learn(self, frame, **kwargs):
        given = {"past": (), "calendar": (), "holidays": None} | kwargs
        y = collection_from(pd.Series(np.arange(len(frame), dtype=float), frame.index))
        return FeatureEncoder.fit(y, covariates_from(frame), None, **given), y

    def test_numbers_flags_and_categories(self):
        features, _ = self.learn(X[:100])
        assert features.n_known == features.n_channels == 5
        result = features.encode(covariates_from(X[:100])).frame.to_numpy()
        np.testing.assert_allclose(
            result[:, 0], (PRICE[:100] - PRICE[:100].mean()) / PRICE[:100].std()
        )
        np.testing.assert_array_equal(result[:, 1], SALE[:100])
        for k, level in enumerate(["dry", "rain", "snow"]):
            np.testing.assert_array_equal(result[:, 2 + k], SKY[:100] == level)

    def test_rows_beyond_the_series_are_not_used(self):
        y = collection_from(Y[:100])
        kwargs = {"past": (), "calendar": (), "holidays": None}
        short = FeatureEncoder.fit(y, covariates_from(X[:100]), None, **kwargs)
        wild = X.copy()
        wild.loc[DAYS[100:], "price"] = 1e6
        long = FeatureEncoder.fit(y, covariates_from(wild), None, **kwargs)
        assert short.known[0] == long.known[0]

    def test_known_ones_come_first(self):
        features, y = self.learn(X, past=["price"], calendar=["weekday"], holidays=["2023-01-03"])
        assert (features.n_known, features.n_channels) == (1 + 3 + 7 + 1, 13)
        rows = [features.encode(covariates_from(X))]
        channels = features.channels(y, rows, np.empty((1, 0)), False)
        np.testing.assert_array_equal(channels[:, 4:11].argmax(axis=1), DAYS.day_of_week)
        np.testing.assert_array_equal(np.flatnonzero(channels[:, 11]), [2])
        np.testing.assert_allclose(channels[:, 12], (PRICE - PRICE.mean()) / PRICE.std())

    @pytest.mark.parametrize("name", ["minute", "hour", "day", "month", "day_of_year"])
    def test_places_in_a_round(self, name):
        index = pd.date_range("2023-12-20", periods=5000, freq="37min")
        y = collection_from(pd.Series(np.arange(5000.0), index))
        features = FeatureEncoder.fit(y, None, None, past=(), calendar=name, holidays=None)
        channels = features.channels(y, [], np.empty((1, 0)), False)
        assert channels.shape == (5000, features.n_known)
        np.testing.assert_allclose(channels[:, 0] ** 2 + channels[:, 1] ** 2, 1)
        value = getattr(index, name)
        first = pd.Series(channels[:, 0]).groupby(value).std()
        if name in ("minute", "month", "day_of_year"):
            assert first.max() < 1e-12  # it tells nothing but that
        periods = pd.Series(np.arange(5000.0), index.to_period("min"))
        if name != "day":
            same = collection_from(pd.Series(periods.to_numpy(), periods.index.asfreq("37min")))
            result = features.channels(same, [], np.empty((1, 0)), False)
            np.testing.assert_allclose(result, channels, atol=1e-9)

    def test_a_constant_number_is_zero(self):
        column = ColumnEncoder.fit(pd.Series([1e12] * 5, name="a"), "X")
        result = column.encode(pd.Series([1e12] * 5), "X", str)
        np.testing.assert_array_equal(result, np.zeros((5, 1)))


@pytest.mark.parametrize(
    "kwargs", [{}, {"cell": "gru", "segment": 2}, {"n_layers": 2, "max_iter": 120}]
)
def test_what_is_known_in_the_future_is_read(kwargs):
    forecaster = quick(**kwargs).fit(Y[:-6], X[:-6])
    assert forecaster.network_.head == "ahead"
    result = error(forecaster.predict(X=X[-6:]), Y[-6:])
    assert result < 0.35 * error(quick(**kwargs).fit(Y[:-6]).predict(), Y[-6:])
    other = X[-6:].assign(sale=~X["sale"][-6:])
    changes = forecaster.predict(X=other) - forecaster.predict(X=X[-6:])
    assert (np.sign(changes) == np.where(X["sale"][-6:], -1, 1)).all()


def test_rows_that_fit_was_given_are_kept():
    forecaster = quick(max_iter=3).fit(Y[:-6], X)
    given = quick(max_iter=3).fit(Y[:-6], X[:-6])
    pd.testing.assert_series_equal(forecaster.predict(), given.predict(X=X))
    for horizon in (1, 4):
        short = given.predict(horizon, X=X[-6 : len(X) - 6 + horizon])
        assert len(short) == horizon
    pd.testing.assert_series_equal(given.predict(5, X=X[-6:]), forecaster.predict(5))


def test_what_is_not_known_in_the_future_is_read_of_the_past():
    X_past = pd.DataFrame({"lead": Y.shift(-1).ffill()})  # what comes next, a day before
    ahead = quick(past_covariates=["lead"], horizon=1)
    result = backtest(ahead, Y[:-1], X_past[:-1], n_windows=12, refit=False).metrics()
    assert result.loc["RNNForecaster", "MAE"] < 0.3 * result.loc["seasonal_naive", "MAE"]
    assert ahead.fit(Y, X_past).network_.head == "last"
    # Nothing of the future is looked at: of the covariates beyond the end neither.
    informed = quick(past_covariates=["lead"], max_iter=3).fit(Y[:-6], X_past)
    wild = X_past.copy()
    wild[-6:] = 1e9
    lied = quick(past_covariates=["lead"], max_iter=3).fit(Y[:-6], wild)
    pd.testing.assert_series_equal(informed.predict(12), lied.predict(12))


def test_beyond_the_trained_horizon():
    """Step by step, with the covariates of each."""
    long = quick(n_ahead=2, horizon=6).fit(Y[:-6], X[:-6])
    assert long.network_.n_out * long.network_.n_horizons == 2
    assert error(long.predict(X=X[-6:]), Y[-6:]) < 1.5


def test_static_values():
    """Of series that look alike, one kind rises and one falls."""
    n, rng = 60, np.random.default_rng(1)
    parts, kinds = {}, {}
    for k in range(12):
        kinds[f"s{k}"] = "up" if k % 2 else "down"
        noise = rng.normal(0, 1, n)
        steps = np.where(np.arange(n) % 10 == 9, 8.0 if k % 2 else -8.0, 0)
        parts[f"s{k}"] = noise.cumsum() * 0.1 + steps.cumsum() * 0 + np.roll(steps, 0)
    y = pd.DataFrame(parts, DAYS[:n])
    static = pd.DataFrame({"kind": kinds, "size": dict.fromkeys(kinds, 1.0)})
    forecaster = quick(horizon=2, lookback=9, max_iter=60, segment=1).fit(y, static=static)
    unseen = pd.DataFrame({"new": parts["s0"][:59] * 0, "newer": parts["s0"][:59] * 0}, DAYS[:59])
    unseen += rng.normal(0, 0.05, unseen.shape)
    static_values = pd.DataFrame({"kind": ["up", "down"], "size": 1.0}, index=["new", "newer"])
    result = forecaster.predict(1, y=unseen, static=static_values)
    assert result["new"].iloc[0] > result["newer"].iloc[0]
    with pytest.raises(ValueError, match="static has no row for series 's3'"):
        quick(horizon=2, lookback=9).fit(y, static=static.drop("s3"))
    with pytest.raises(ValueError, match="Give static as well"):
        forecaster.predict(y=unseen)
    with pytest.raises(ValueError, match="static goes with y"):
        forecaster.predict(static=static_values)
    with pytest.raises(
        ValueError, match="'kind' of series 'new' of static is 'side', a level that was not"
    ):
        forecaster.predict(y=unseen, static=static_values.replace("up", "side"))


def test_a_calendar_needs_no_covariates():
    weekend = 5.0 * (DAYS.day_of_week >= 5)
    y = pd.Series(weekend + np.random.default_rng(0).normal(0, 0.3, 240), DAYS)
    forecaster = quick(calendar=["weekday"], horizon=7, max_iter=100).fit(y[:-7])
    assert error(forecaster.predict(), y[-7:]) < 0.8
    assert len(forecaster.predict(30)) == 30
    holidays = DAYS[np.random.default_rng(1).random(240) < 0.1]
    y = y + 10 * DAYS.isin(holidays)
    forecaster = quick(calendar="weekday", holidays=holidays, horizon=7, max_iter=100).fit(y[:-7])
    assert error(forecaster.predict(), y[-7:]) < 1.2


@pytest.mark.parametrize("form", ["shared", "each", "levels", "polars"])
def test_panels(form):
    wide, long = panel()
    known = X.rename_axis("ds").reset_index()
    each = pd.concat([known.assign(unique_id=f"s{k}") for k in range(4)])
    given = {
        "shared": X,
        "each": each.sample(frac=1, random_state=0),
        "levels": each.set_index(["unique_id", "ds"]),
    }
    if form == "polars":
        pl = pytest.importorskip("polars")
        covariates = pl.DataFrame({name: each[name].tolist() for name in each})
    else:
        covariates = given[form]
    kwargs = {"batch_size": 32, "segment": 1, "max_iter": 20}
    forecaster = quick(**kwargs).fit(wide[:-6], covariates)
    expected = quick(**kwargs).fit(wide[:-6], X).predict()
    pd.testing.assert_frame_equal(forecaster.predict(), expected)
    assert error(expected, wide[-6:]) < 2.0
    before = long[long["ds"] < DAYS[-6]]
    result = quick(**kwargs).fit(before, covariates).predict()
    np.testing.assert_array_equal(result["y"], expected.to_numpy().T.ravel())


def test_backtests_read_covariates():
    result = backtest(quick(), Y, X, n_windows=4, step=3, refit=False, coverage=0.8)
    table = result.metrics()
    assert table.loc["RNNForecaster", "MAE"] < 0.4 * table.loc["seasonal_naive", "MAE"]
    fitted = quick().fit(Y[:-15], X[:-15])
    forecast = fitted.predict(X=X[-15:-9])
    np.testing.assert_allclose(result.forecasts["RNNForecaster"][:6], forecast, rtol=1e-6)
    again = backtest(quick(max_iter=3), Y, X, n_windows=2, refit=True)
    last = quick(max_iter=3).fit(Y[:-6], X[:-6]).predict(X=X[-6:])
    np.testing.assert_allclose(again.forecasts["RNNForecaster"][6:], last, rtol=1e-6)


def test_other_series_by_their_own_history_and_covariates():
    forecaster = quick(max_iter=5).fit(Y[:-6], X[:-6])
    result = forecaster.predict(y=Y[30:-40], X=X)
    assert result.index[0] == DAYS[-40]
    # At fit it would have had the scale of its own history: the same, up to that.
    refitted = quick(max_iter=5, transform=None).fit(Y[:-6], X[:-6])
    state = refitted.fitted_
    history, _ = state.with_channels(collection_from(Y[30:-40]), covariates_from(X), None, False)
    scaling = Scaling.of(Panel.from_arrays([Y[30:-40]]), 14, False, np.zeros(1))
    refitted.fitted_ = dataclasses.replace(state, scaling=scaling, history=history, recent=history)
    pd.testing.assert_series_equal(refitted.predict(X=X), result, rtol=1e-6)
    with pytest.raises(ValueError, match="X has no row at 2023-01-31"):
        forecaster.predict(y=Y[30:-40], X=X[60:])


def test_searches_pass_covariates_on():
    from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

    search = GridSearchCV(quick(max_iter=5), {"hidden_size": [2, 8]}, cv=TimeSeriesSplit(2))
    search.fit(Y, X)
    days = pd.date_range("2023-08-29", periods=6)
    later = X[:0].reindex(days).fillna({"price": 10, "sale": False, "sky": "dry"})
    assert len(search.best_estimator_.predict(X=later.astype({"sale": bool}))) == 6


@pytest.mark.parametrize("past", [[], ["price"]])
def test_updates_read_covariates(past):
    kwargs = {"max_iter": 3, "pretrained": None, "past_covariates": past}
    forecaster = quick(**kwargs).fit(Y[:-20], X[:-16])
    for k in range(20, 6, -1):
        rows = slice(len(Y) - k, len(Y) - k + 1)
        # The first four days were told at fit, where all is known in the future.
        forecaster.update(Y[rows], None if k > 16 and not past else X[rows])
    whole = quick(**kwargs).fit(Y[:-20], X[:-20])
    history, _ = read_new(whole, whole.fitted_.history, Y[-20:-6], X)
    whole.fitted_ = dataclasses.replace(whole.fitted_, history=history, recent=history)
    later = X[-6:].drop(columns=past)
    pd.testing.assert_series_equal(forecaster.predict(X=later), whole.predict(X=later), rtol=1e-9)
    assert len(forecaster.fitted_.recent.covariates) <= forecaster.lookback_ + 6
    with pytest.raises(ValueError, match="X has no row at 2023-08-23"):
        forecaster.update(Y[-6:-5])


@pytest.mark.parametrize("first", ["shared", "each"])
def test_later_covariates_come_in_one_form(first):
    wide, _ = panel(2)
    each = pd.concat([X.assign(unique_id=f"s{k}") for k in range(2)]).rename_axis("ds")
    forms = {
        "shared": lambda begin, end: X[begin:end],
        "each": lambda begin, end: each.sort_index()[DAYS[begin] : DAYS[end - 1]].reset_index(),
    }
    one, other = forms[first], forms[{"shared": "each", "each": "shared"}[first]]
    forecaster = quick(max_iter=2).fit(wide[:200], one(0, 203))
    forecast = forecaster.predict(3)
    words = ("ids", "no ids")[:: 1 if first == "shared" else -1]
    message = "The rows of X that follow y have {}, and those given before have {}.".format(*words)
    with pytest.raises(ValueError, match=message):
        forecaster.update(wide[200:201], other(200, 206))
    pd.testing.assert_frame_equal(forecaster.predict(3), forecast)
    forecaster.update(wide[200:203])
    forecaster.update(wide[203:204], other(203, 210))  # none of before are left
    expected = quick(max_iter=2).fit(wide[:200], one(0, 200)).update(wide[200:204], X[200:210])
    pd.testing.assert_frame_equal(forecaster.predict(), expected.predict())


def test_ids_of_another_kind_name_no_series():
    wide, _ = panel(2)
    static = pd.DataFrame({"size": [1.0, 2.0]}, index=[0, 1])
    with pytest.raises(ValueError, match="static has no row for series 's0'"):
        quick().fit(wide, static=static)
    numbered = pd.concat([X.assign(unique_id=k) for k in range(2)]).rename_axis("ds").reset_index()
    named = numbered.assign(unique_id="s" + numbered["unique_id"].astype(str))
    both = pd.concat([named, numbered])
    forecaster = quick(max_iter=2).fit(wide[:-6], named[named["ds"] < DAYS[-6]])
    expected = quick(max_iter=2).fit(wide[:-6], named).predict()
    pd.testing.assert_frame_equal(quick(max_iter=2).fit(wide[:-6], both).predict(), expected)
    with pytest.raises(ValueError, match="X has no row at 2023-08-23 of Series 's0' of y"):
        forecaster.update(wide[-6:], numbered)


@pytest.mark.parametrize("dtype", ["category", "string", object])
def test_ids_of_any_dtype(dtype):
    wide, long = panel(2)
    each = pd.concat([X.assign(unique_id=f"s{k}") for k in range(2)]).rename_axis("ds")
    each = each.reset_index().astype({"unique_id": dtype})
    static = pd.DataFrame({"size": [2.0, 1.0]}, pd.Index(["s1", "s0"], dtype=dtype))
    before = long[long["ds"] < DAYS[-6]]
    result = quick(max_iter=2).fit(before, each, static).predict()
    expected = quick(max_iter=2).fit(wide[:-6], X, static).predict()
    np.testing.assert_array_equal(result["y"], expected.to_numpy().T.ravel())


def test_state_is_saved(tmp_path):
    wide, _ = panel(2)
    static = pd.DataFrame({"size": [1.0, 2.0]}, index=["s0", "s1"])
    forecaster = quick(max_iter=2, calendar=["month"], holidays=["2023-05-01"])
    forecaster.fit(wide[:-10], X.assign(sky=X["sky"].astype("category")), static)
    forecaster.update(wide[-10:-8])
    tsrnn.save(forecaster, tmp_path / "forecaster")
    loaded = tsrnn.load(tmp_path / "forecaster")
    pd.testing.assert_frame_equal(loaded.predict(), forecaster.predict())
    forecaster.update(wide[-8:-7])
    pd.testing.assert_frame_equal(loaded.update(wide[-8:-7]).predict(), forecaster.predict())


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ([], r"such as '0.0'. Convert it: X\['a'\] = pd.to_numeric\(X\['a'\]\)."),
        (["n/a"], r"such as '0.0', and 'n/a', which is no number.*errors='coerce'.*'mask'"),
    ],
)
def test_numbers_as_text_are_told(more, message):
    texts = pd.Series([*(str(k / 2) for k in range(120)), *more], name="a", dtype=object)
    with pytest.raises(DataError, match="levels, and holds numbers as text, " + message):
        ColumnEncoder.fit(texts, "X")
    encoder = ColumnEncoder.fit(pd.Series(range(120), name="a"), "X")
    with pytest.raises(DataError, match="as numbers, and holds numbers as text, " + message):
        encoder.encode(texts, "X", lambda row: (None, row))
    objects = pd.Series([1, 2.5], name="a", dtype=object)
    assert encoder.encode(objects, "X", lambda row: (None, row)).shape == (2, 1)


def refusals():
    gap, late = X.drop(DAYS[50]), X[:-9]
    return {
        "no future": (X[:-6], None, "X has no row at 2023-08-23, and the forecaster reads 'price'"),
        "not to the horizon": (X[:-6], X[-6:-2], "X has no row at 2023-08-27"),
        "gap": (gap, None, "X has no row at 2023-02-20"),
        "too short": (late, None, "X has no row at 2023-08-20"),
        "NaN": (
            X.assign(price=X["price"].where(X.index != DAYS[7])),
            None,
            "Column 'price' of X is missing at 2023-01-08",
        ),
        "inf": (
            X.assign(price=X["price"].where(X.index != DAYS[7], np.inf)),
            None,
            "Column 'price' of X is inf at 2023-01-08",
        ),
        "huge": (
            X.assign(price=X["price"].where(X.index != DAYS[7], 1e200)),
            None,
            r"'price' of X is 1e\+200 at 2023-01-08",
        ),
        "objects": (
            X.assign(price=[[1]] * 240),
            None,
            "Column 'price' of X is of dtype object and holds .1., neither",
        ),
        "many levels": (
            X.assign(sky=[str(k) for k in range(240)]),
            None,
            "Column 'sky' of X has 234 levels",
        ),
        "new level": (X[:-6], X[-6:].assign(sky="hail"), "'sky' of X is 'hail' at 2023-08-23"),
        "column gone": (X[:-6], X[-6:].drop(columns="sale"), "X has no column 'sale'"),
        "column more": (X[:-6], X[-6:].assign(more=1), "X has the column 'more', which was not"),
        "numbers no more": (X[:-6], X[-6:].assign(price="a"), "'price' of X was fitted as numbers"),
        "with a zone": (X.tz_localize("UTC"), None, "The time stamps of X have a time zone"),
        "twice": (pd.concat([X, X[:1]]), None, "X has the time stamp 2023-01-01 more than once"),
        "empty": (X[:0], None, r"X has shape \(0, 3\)"),
        "no names": (X.to_numpy(), None, "X"),
        "numbers for an index": (X.reset_index(drop=True), None, "X has time stamps of dtype int"),
    }


@pytest.mark.parametrize("case", refusals())
def test_bad_covariates_are_refused_by_place(case):
    X_fit, X_predict, match = refusals()[case]
    copies = [None if part is None else part.copy() for part in (X_fit, X_predict)]
    with pytest.raises(ValueError, match=match):
        quick(max_iter=1).fit(Y[:-6], X_fit).predict(X=X_predict)
    for part, copy in zip((X_fit, X_predict), copies, strict=True):
        if isinstance(part, pd.DataFrame):
            pd.testing.assert_frame_equal(part, copy)


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [
        ({"past_covariates": ["rain"]}, "past_covariates names 'rain', which is no column of X"),
        ({"calendar": ["weekend"]}, "'calendar' parameter of .*'minute'.*got .*'weekend'"),
        ({"holidays": ["soon"]}, "holidays must be dates"),
        ({"segment": 4}, "segment=4 does not divide the 6 steps"),
    ],
)
def test_bad_parameters(kwargs, match):
    with pytest.raises(ValueError, match=match):
        quick(**kwargs).fit(Y, X)
    if "holidays" in kwargs or "calendar" in kwargs:
        return
    with pytest.raises(ValueError, match="calendar needs dates"):
        quick(calendar="hour").fit(Y.reset_index(drop=True))


WEEKS = [f"W-{day}" for day in ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")]
LONGER = [(pd.date_range, freq) for freq in (*WEEKS, "ME", "QS", "2D", "2B")]
LONGER += [(pd.period_range, freq) for freq in (*WEEKS, "M", "Q", "2D")]


@pytest.mark.parametrize(("make", "freq"), LONGER)
def test_holidays_of_longer_steps_are_refused(make, freq):
    index = make("2020-01-01", periods=99, freq=freq)
    with pytest.raises(
        ValueError, match=r"holidays are days, and times have the frequency .* column of X"
    ):
        quick(holidays=["2020-05-01"]).fit(pd.Series(np.arange(99.0), index))


@pytest.mark.parametrize("freq", ["D", "B", "h", "30min", "24h"])
def test_holidays_of_days_and_parts_of_them(freq):
    index = pd.date_range("2024-04-22", periods=300, freq=freq)
    y = collection_from(pd.Series(np.arange(300.0), index))
    features = FeatureEncoder.fit(y, None, None, past=(), calendar=(), holidays=["2024-04-24"])
    result = features.channels(y, [], np.empty((1, 0)), False)[:, 0]
    np.testing.assert_array_equal(result, index.normalize() == pd.Timestamp("2024-04-24"))


def test_covariates_of_a_forecaster_that_has_none():
    with pytest.raises(ValueError, match="X was given, and the forecaster was fitted without"):
        quick(max_iter=1).fit(Y).predict(X=X)


def test_errors_name_the_series_of_a_panel():
    wide, _ = panel(3)
    each = pd.concat([X.assign(unique_id=f"s{k}") for k in range(3)]).rename_axis("ds")
    bad = each.reset_index()
    bad = bad[~((bad["unique_id"] == "s1") & (bad["ds"] == DAYS[33]))]
    with pytest.raises(ValueError, match="X has no row at 2023-02-03 of Series 's1' of y"):
        quick(max_iter=1).fit(wide, bad)


class TestMasked:
    def test_missing_values_are_left_out(self):
        rng = np.random.default_rng(3)
        season = 10 * np.sin(np.arange(240) * 2 * np.pi / 7)
        y = pd.Series(50 + season + rng.normal(0, 0.5, 240), DAYS)
        holes = y.where(rng.random(240) > 0.2)
        holes.iloc[[0, -6]] = [50.0, np.nan]
        given = holes.copy()
        kwargs = {"season": 7, "missing": "mask", "max_iter": 60}
        forecaster = quick(**kwargs).fit(holes[:-6])
        pd.testing.assert_series_equal(holes, given)
        assert forecaster.network_.n_in == 2  # whether a value was there is told
        assert error(forecaster.predict(), y[-6:]) < 1.5
        pd.testing.assert_series_equal(forecaster.history_, holes[:-6], check_freq=False)
        rows = quick(**kwargs).fit(holes[:-6].dropna())
        pd.testing.assert_series_equal(rows.predict(), forecaster.predict())
        intervals = forecaster.predict_interval(coverage=0.8)
        assert np.isfinite(intervals.to_numpy()).all()
        with pytest.raises(ValueError, match="missing"):
            quick(season=7).fit(holes)
        result = backtest(quick(**kwargs), holes, n_windows=3, refit=False)
        assert result.forecasts["y"].isna().any()
        assert np.isfinite(result.metrics().to_numpy()).all()

    def test_zeros_are_values(self):
        y = pd.Series(np.where(RNG.random(240) < 0.7, 0.0, 5.0), DAYS)
        one, two = quick(missing="mask", max_iter=3).fit(y), quick(max_iter=3).fit(y)
        pd.testing.assert_series_equal(one.predict(), two.predict())

    def test_gaps_of_one_series_and_of_covariates(self):
        _, long = panel(3)
        long = long.drop(index=long.index[[30, 31, 300]])
        long.loc[long.index[400], "y"] = np.nan
        holes = X.copy()
        holes.loc[DAYS[20:25], "price"] = np.nan
        holes = holes.drop(DAYS[60])
        forecaster = quick(missing="mask", max_iter=3, segment=1).fit(long, holes)
        days = pd.date_range(DAYS[-1], periods=7)[1:]
        later = pd.DataFrame({"price": 10.0, "sale": True, "sky": "dry"}, days)
        assert np.isfinite(forecaster.predict(X=later)["y"]).all()
        with pytest.raises(ValueError, match="X has no row at 2023-09-0"):
            forecaster.predict(X=later[:-1])

    def test_updates_with_holes(self):
        y = Y.copy()
        y.iloc[-10] = np.nan
        forecaster = quick(missing="mask", max_iter=3).fit(y[:-12])
        forecaster.update(y[-12:-6])
        assert np.isfinite(forecaster.predict()).all()

    @pytest.mark.parametrize("given", [None, X])
    @pytest.mark.parametrize("season", [1, 7])
    def test_updates_that_leave_out_what_comes_first(self, given, season):
        y = Y.copy()
        y.iloc[[-11, -10, -8]] = np.nan
        kwargs = {"missing": "mask", "max_iter": 3, "season": season, "calendar": ["weekday"]}
        one, other = (quick(**kwargs).fit(y[:-12], given) for _ in range(2))
        one.update(y[-12:-6])
        for rows in (y[-12:-11], y[-11:-8], y[-7:-6]):  # begins missing; a row is not there
            other.update(rows.set_axis(pd.DatetimeIndex(rows.index, freq=None)))
        pd.testing.assert_series_equal(one.predict(), other.predict())
        with pytest.raises(ValueError, match="2023-08-21 where 2023-08-23 follows"):
            other.update(y[-8:-6].fillna(0))
        again = quick(**kwargs).fit(y[:-12], given).partial_fit(y[-9:-6])
        assert np.isfinite(again.predict()).all()
        assert quick(**kwargs).fit(y[:-12], given).score(y[-9:-6]) < 0

    @pytest.mark.parametrize("form", ["wide", "long"])
    def test_updates_of_a_panel_that_leave_out_what_comes_first(self, form):
        wide, _ = panel(3)
        wide.loc[DAYS[-8:-6], "s1"] = np.nan
        wide.loc[DAYS[-8], "s2"] = np.nan

        def rows(*bounds):
            part = wide[slice(*bounds)].dropna(axis=1, how="all")
            if form == "wide":
                return part
            long = part.rename_axis("ds").reset_index()
            return long.melt("ds", var_name="unique_id", value_name="y")

        kwargs = {"missing": "mask", "max_iter": 3, "segment": 1}
        one, other = (quick(**kwargs).fit(rows(-8)) for _ in range(2))
        one.update(rows(-8, -4))
        for k in range(-8, -4):
            other.update(rows(k, k + 1))
        pd.testing.assert_frame_equal(one.predict(), other.predict())
