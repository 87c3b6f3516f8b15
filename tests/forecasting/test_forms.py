"""Forms of series, covariates and static values, mixed over the calls of a forecaster."""

import numpy as np
import pandas as pd
import pytest

from tsrnn import RNNForecaster, backtest
from tsrnn.data import DataError, MissingDataError

N = 60
DAYS = pd.date_range("2024-01-01", periods=N)
RNG = np.random.default_rng(0)
VALUES = 10 + RNG.normal(size=N)
LABELS = ["a", "b", "c"]


def quick(**kwargs):
    small = {"horizon": 3, "lookback": 7, "max_iter": 1, "hidden_size": 4}
    return RNNForecaster(**(small | kwargs))


def panel(form, rows=slice(None), labels=LABELS, values=VALUES, times=DAYS):
    """The same panel in several forms."""
    wide = pd.DataFrame({label: values * (1 + k) for k, label in enumerate(labels)}, times)[rows]
    if form == "wide":
        return wide
    long = wide.rename_axis("ds").reset_index().melt("ds", var_name="unique_id", value_name="y")
    long["unique_id"] = [labels[k] for k in np.repeat(np.arange(len(labels)), len(wide))]
    if form == "polars":
        return pytest.importorskip("polars").DataFrame(long.to_dict("list"))
    return long if form == "long" else long.set_index(["unique_id", "ds"])["y"]


def single(form, rows=slice(None), name="y"):
    """The same series in several forms."""
    series = pd.Series(VALUES, DAYS, name=name)[rows]
    if form == "series":
        return series
    if form == "wide":
        return series.to_frame()
    frame = series.rename("y").rename_axis("ds").reset_index()
    if form == "(ds, y)":
        return frame
    if form == "(ds, y) of polars":
        return pytest.importorskip("polars").DataFrame(frame.to_dict("list"))
    long = frame.assign(unique_id=name)
    return long if form == "long" else long.set_index(["unique_id", "ds"])["y"]


PANELS = ["wide", "long", "levels", "polars"]
SINGLES = ["series", "wide", "(ds, y)", "(ds, y) of polars", "long", "levels"]
KNOWN, LATER = slice(0, 55), slice(55, 58)


def values_of(forecast):
    if isinstance(forecast, pd.DataFrame) and "y" in forecast:
        return forecast["y"].to_numpy()
    return (
        np.ravel(forecast.to_numpy().T) if hasattr(forecast, "index") else forecast["y"].to_numpy()
    )


# One series


@pytest.mark.parametrize("form", ["(ds, y)", "(ds, y) of polars"])
def test_a_frame_of_time_and_value_is_one_series(form):
    y = single(form)
    forecaster = quick().fit(y)
    result = forecaster.predict()
    assert type(result) is type(y)
    assert list(result.columns) == ["ds", "y"]
    expected = quick().fit(single("series")).predict()
    np.testing.assert_array_equal(result["y"].to_numpy(), expected)
    assert pd.DatetimeIndex(result["ds"].to_numpy()).equals(expected.index.as_unit("us"))
    interval = forecaster.predict_interval(coverage=0.8)
    assert list(interval.columns) == ["ds", "lower_80", "upper_80"]
    assert len(backtest(quick(), y, n_windows=2).forecasts) == 6


def test_a_frame_of_time_and_value_takes_names_covariates_and_static_values():
    y = single("(ds, y)").rename(columns={"ds": "day", "y": "sold"})
    X = pd.DataFrame(
        {"day": pd.date_range("2024-01-01", periods=N + 3), "price": 1.0 * np.arange(N + 3)}
    )
    forecaster = quick(time_column="day", target_column="sold")
    forecaster.fit(y, X, static=pd.DataFrame({"size": [2.0]}))
    assert list(forecaster.predict().columns) == ["day", "sold"]


@pytest.mark.parametrize("missing", ["raise", "mask"])
@pytest.mark.parametrize("later", SINGLES)
@pytest.mark.parametrize("fitted", SINGLES)
def test_one_series_goes_on_in_any_form(fitted, later, missing):
    known = single(fitted, KNOWN)
    forecaster = quick(missing=missing).fit(known)
    forecaster.update(single(later, LATER))
    result = forecaster.predict()
    assert type(result) is type(known)
    expected = quick(missing=missing).fit(known).update(single(fitted, LATER)).predict()
    np.testing.assert_array_equal(values_of(result), values_of(expected))


@pytest.mark.parametrize("form", ["wide", "long", "levels"])
def test_another_series_is_not_taken_for_the_fitted_one(form):
    forecaster = quick().fit(single("series", KNOWN, "a"))
    y = panel(form, LATER, ["b"])
    with pytest.raises(
        DataError, match="has the series 'b', and a single series 'a' was fitted"
    ) as e:
        forecaster.update(y)
    names = {"y": y}
    exec(e.value.remedy.partition(": ")[2].rstrip("."), names)
    forecaster.update(names["y"])


def test_a_panel_does_not_go_on_as_one_series():
    forecaster = quick().fit(single("series", KNOWN))
    with pytest.raises(DataError, match="has the series 'a', 'b', 'c', and a single series"):
        forecaster.update(panel("long", LATER))


# Panels


@pytest.mark.parametrize("later", PANELS)
@pytest.mark.parametrize("fitted", PANELS)
def test_panels_go_on_in_any_form(fitted, later):
    known = panel(fitted, KNOWN)
    forecaster = quick().fit(known)
    forecaster.partial_fit(panel(later, LATER))
    result = forecaster.predict()
    assert type(result) is type(known)
    expected = quick().fit(known).partial_fit(panel(fitted, LATER)).predict()
    np.testing.assert_array_equal(values_of(result), values_of(expected))


@pytest.mark.parametrize("fitted", PANELS)
def test_a_series_named_as_one_of_a_panel_is_that_one(fitted):
    forecaster = quick().fit(panel(fitted, KNOWN))
    forecaster.update(panel("wide", LATER)["b"])
    expected = quick().fit(panel(fitted, KNOWN)).update(panel("wide", LATER)[["b"]])
    np.testing.assert_array_equal(
        values_of(forecaster.predict(y=panel("wide"))), values_of(expected.predict(y=panel("wide")))
    )
    assert (
        forecaster.fitted_.recent.panel.lengths.tolist()
        == expected.fitted_.recent.panel.lengths.tolist()
    )


@pytest.mark.parametrize("form", ["series", "(ds, y)", "(ds, y) of polars"])
def test_a_series_without_a_label_is_told_to_take_one(form):
    pytest.importorskip("pyarrow")
    forecaster = quick().fit(panel("long", KNOWN))
    y = single(form, LATER)
    with pytest.raises(
        DataError, match="is a single series, and the series 'a', 'b', 'c' were f"
    ) as e:
        forecaster.update(y)
    names = {"y": y}
    exec(e.value.remedy.partition(": ")[2].rstrip("."), names)
    forecaster.update(names["y"])


# Labels


TEXTS = ["1", "2", "3"]
CALLS = {
    "update": lambda y: quick().fit(y).update(panel("wide", slice(N - 2, N), TEXTS)),
    "predict": lambda y: quick(scope="local").fit(y).predict(y=panel("long", labels=TEXTS)),
    "X": lambda y: quick().fit(y, panel("long", labels=TEXTS).rename(columns={"y": "x"})),
    "static": lambda y: quick().fit(y, static=pd.DataFrame({"unique_id": TEXTS, "size": 1.0})),
}


@pytest.mark.parametrize("call", CALLS)
def test_labels_of_another_type_are_told(call):
    match = r"The label '1' is of type str, and 1 of type int: convert the labels, by astype\(int\)"
    with pytest.raises(DataError, match=match):
        CALLS[call](panel("long", labels=[1, 2, 3]))


def test_many_bad_series_are_counted_and_the_first_listed():
    labels = [f"s{k}" for k in range(8)]
    y = panel("wide", labels=labels)
    y.iloc[5, 1:] = np.nan
    listed = "; 7 series are affected: 's1', 's2', 's3', 's4', 's5' and 2 more. "
    long = y.rename_axis("ds").reset_index().melt("ds", var_name="unique_id", value_name="y")
    repeats = pd.concat([long.dropna(), long.dropna().groupby("unique_id").head(1)[1:]])
    short = long[(long["ds"] > DAYS[50]) | (long["unique_id"] == "s0")]
    not_positive = long.dropna().assign(
        y=lambda rows: rows["y"].where(rows["unique_id"] == "s0", 0)
    )
    cases = {
        "missing values": (y, {}),
        "gaps": (long.dropna(), {}),
        "repeats": (repeats, {}),
        "repeats, masked": (repeats, {"missing": "mask"}),
        "nothing": (long.assign(y=long["y"].where(long["unique_id"] == "s0")), {"missing": "mask"}),
        "nothing, wide": (y.assign(**dict.fromkeys(labels[1:], np.nan)), {}),
        "infinite": (y.fillna(np.inf), {}),
        "too short": (short, {"lookback": 20, "short": "raise"}),
        "too short for a network of their own": (short, {"scope": "local", "lookback": 9}),
        "not positive": (not_positive, {"transform": "log", "missing": "mask"}),
    }
    for name, (bad, kwargs) in cases.items():
        with pytest.raises(DataError) as caught:
            quick(**kwargs).fit(bad)
        assert listed in str(caught.value), name
    with pytest.raises(DataError, match="7 series are affected: 's1'"):
        quick().fit(long.ffill(), static=pd.DataFrame({"size": [1.0]}, ["s0"]))
    later = long.assign(ds=long["ds"] + DAYS.freq * N, y=1.0)
    with pytest.raises(DataError, match=r"7 are in only one of the two: 's1', .*'s5' and 2 more"):
        quick().fit(long[long["unique_id"] == "s0"]).score(later)


# Covariates and static values


def covariates(form, names=("temp", "promo")):
    times = pd.date_range("2024-01-01", periods=N + 3)
    X = pd.DataFrame({name: 1.0 * np.arange(N + 3) for name in names}, times.rename("ds"))
    return X if form == "index" else X.reset_index()


@pytest.mark.parametrize("form", ["index", "column"])
@pytest.mark.parametrize("past", [(), ("temp",), ("temp", "promo")])
def test_what_x_lacks_in_the_history_is_told_to_be_given(form, past):
    y, X = single("series"), covariates(form)
    with pytest.raises(
        MissingDataError, match=r"has no row at 2024-01-11.*row for each time"
    ) as caught:
        quick(past_covariates=past).fit(y, X.drop(X.index[10]))
    assert "past_covariates" not in caught.value.remedy
    assert "missing='mask'" in caught.value.remedy
    X.loc[X.index[10], "temp"] = np.nan
    with pytest.raises(MissingDataError, match="'temp' of X is missing at 2024-01-11") as caught:
        quick(past_covariates=past).fit(y, X)
    assert "past_covariates" not in caught.value.remedy
    assert "missing='mask'" in caught.value.remedy


def test_what_x_lacks_in_the_future_may_be_past_covariates():
    forecaster = quick().fit(single("series"), covariates("index")[:N])
    with pytest.raises(
        DataError, match=r"has no row at 2024-03-01.*name the rest in past_covariates"
    ):
        forecaster.predict()


@pytest.mark.parametrize("labels", [LABELS, [1, 2, 3]])
@pytest.mark.parametrize("library", ["polars", "pyarrow", "pandas Series"])
def test_static_values_of_other_libraries(library, labels):
    y = panel("long", labels=labels)
    static = pd.DataFrame({"unique_id": labels, "size": [1.0, 2.0, 4.0], "kind": ["x", "y", "x"]})
    expected = quick().fit(
        y, static=static if library != "pandas Series" else static[["unique_id", "size"]]
    )
    if library == "polars":
        other = pytest.importorskip("polars").DataFrame(static.to_dict("list"))
    elif library == "pyarrow":
        other = pytest.importorskip("pyarrow").table(static)
    else:
        other = static.set_index("unique_id")["size"]
    result = quick().fit(y, static=other)
    np.testing.assert_array_equal(result.predict()["y"], expected.predict()["y"])


def test_static_values_that_cannot_be_used_are_told():
    y = panel("long")
    pl = pytest.importorskip("polars")
    with pytest.raises(
        DataError, match=r"static has the columns .*without 'unique_id'\. Is it 'unique_ID"
    ):
        quick().fit(y, static=pl.DataFrame({"unique_ID": LABELS, "size": [1.0, 2.0, 3.0]}))
    with pytest.raises(DataError, match=r"must be a DataFrame, of pandas or polars.*builtins.dict"):
        quick().fit(y, static={"a": 1})


# Names


HEADERS = {
    "blank": ({"time_column": "date", "target_column": "sales"}, ["unique_id", "date", " sales"]),
    "blanks": ({"time_column": "date", "target_column": "sales"}, ["unique_id", "date ", " sales"]),
    "capitals": ({}, ["unique_id", "DS", "Y"]),
    "misspelt": ({"id_column": "store"}, ["sotre", "ds", "y"]),
}


@pytest.mark.parametrize("form", ["long", "polars"])
@pytest.mark.parametrize("name", HEADERS)
def test_near_names_of_columns_are_told(name, form):
    kwargs, columns = HEADERS[name]
    y = panel("long")[["unique_id", "ds", "y"]].set_axis(columns, axis=1)
    if form == "polars":
        y = pytest.importorskip("polars").DataFrame(y.to_dict("list"))
    with pytest.raises(DataError, match="Is it '") as caught:
        quick(**kwargs).fit(y)
    names = {"y": y}
    exec(caught.value.remedy.partition("Rename it: ")[2].rstrip("."), names)
    quick(**kwargs).fit(names["y"])


def test_a_single_series_needs_no_ids():
    y = pd.DataFrame({"time": DAYS, "sales": VALUES})
    match = "target_column='sales'. It needs no 'unique_id'"
    with pytest.raises(DataError, match=match):
        quick(time_column="time", target_column="sale").fit(y)


def test_near_names_of_covariates_are_told():
    with pytest.raises(ValueError, match=r"past_covariates names 'temp', .*Is it ' Temp'"):
        quick(past_covariates=["temp"]).fit(single("series"), covariates("index", [" Temp"]))


LAYOUTS = {
    "dates and values": pd.DataFrame({"date": DAYS, "sales": VALUES}),
    "dates and several values": pd.DataFrame({"date": DAYS, "a": VALUES, "b": 2 * VALUES}),
    "texts and values": pd.DataFrame({"date": DAYS.astype(str), "sales": VALUES}),
    "times and several values": pd.DataFrame({"ds": DAYS, "a": VALUES, "b": 2 * VALUES}),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_times_in_a_column_are_told_to_be_the_index(name):
    y = LAYOUTS[name].copy()
    with pytest.raises(DataError, match="Put the times in the index: y = ") as caught:
        quick().fit(y)
    names = {"y": y, "pd": pd}
    exec(caught.value.remedy.partition(": ")[2].rstrip("."), names)
    quick().fit(names["y"])


# What follows


def test_a_split_with_a_gap_is_told():
    from sklearn.model_selection import TimeSeriesSplit, cross_val_score

    y = single("series")
    with pytest.raises(MissingDataError, match=r"missing='mask'.*TimeSeriesSplit: gap=0"):
        cross_val_score(quick(lookback=4), y, cv=TimeSeriesSplit(2, gap=2), error_score="raise")
    scores = cross_val_score(
        quick(lookback=4, missing="mask"), y, cv=TimeSeriesSplit(2, gap=2), error_score="raise"
    )
    assert np.isfinite(scores).all()


def test_rows_that_were_fitted_are_told_to_be_left_out():
    forecaster = quick().fit(single("series", KNOWN))
    with pytest.raises(DataError, match="Give the rows after 2024-02-24 alone"):
        forecaster.update(single("series", slice(53, 58)))


@pytest.mark.parametrize(
    ("known", "later", "method"),
    [
        (DAYS, DAYS.to_period(), r"to_timestamp\(\)"),
        (DAYS.to_period(), DAYS, r"to_period\('D'\)"),
        (DAYS, DAYS.tz_localize("UTC"), r"tz_localize\(None\)"),
        (DAYS.tz_localize("Europe/Berlin"), DAYS, r"tz_localize\('Europe/Berlin'\)"),
    ],
)
def test_time_stamps_of_another_kind_are_told(known, later, method):
    forecaster = quick().fit(pd.Series(VALUES, known)[:55])
    with pytest.raises(DataError, match=f"Bring them to that by {method}"):
        forecaster.update(pd.Series(VALUES, later)[55:])


# What X and others are told


X = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=N + 3), "x": 1.0 * np.arange(N + 3)})


@pytest.mark.parametrize("label", ["a", "another"])
def test_the_ids_of_covariates_of_one_series_do_not_matter(label):
    y, same = single("series", name="a"), X.assign(unique_id=label)
    results = []
    for covariates in (X, same):
        forecaster = quick().fit(y[:50], covariates[:53])
        forecaster.update(y[50:55], covariates[50:56])
        results += [forecaster.predict(X=covariates[54:58])]
        results += [backtest(quick(), y, covariates, n_windows=2).forecasts["RNNForecaster"]]
    np.testing.assert_array_equal(results[0], results[2])
    np.testing.assert_array_equal(results[1], results[3])


@pytest.mark.parametrize("form", ["single", "panel"])
def test_covariates_of_other_series_are_refused(form):
    y = single("series") if form == "single" else panel("long")
    others = pd.concat([X.assign(unique_id=label) for label in "xz"])
    with pytest.raises(
        DataError, match=r"X has the series 'x', 'z', and y (is a single|has 'a', 'b')"
    ):
        quick().fit(y, others)


@pytest.mark.parametrize("name", [" ds", "date"])
def test_times_in_another_column_of_x_are_told(name):
    with pytest.raises(DataError, match="Put the times in the index: X = ") as caught:
        quick().fit(single("series"), X.rename(columns={"ds": name}))
    names = {"X": X.rename(columns={"ds": name})}
    exec(caught.value.remedy.partition(": ")[2].rstrip("."), names)
    quick().fit(single("series"), names["X"])


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_frame_of_one_series_with_other_columns_is_told(library):
    frames = {
        "target_column='sales'": pd.DataFrame({"ds": DAYS, "sales": VALUES}),
        r"y\[\['ds', 'y'\]\], and covariates as X, y\[\['ds', 'x'\]\]": pd.DataFrame(
            {"ds": DAYS, "y": VALUES, "x": VALUES}
        ),
    }
    for match, y in frames.items():
        if library == "polars":
            y = pytest.importorskip("polars").DataFrame(y.to_dict("list"))
        with pytest.raises(DataError, match=match):
            quick().fit(y)


def test_a_frame_on_its_side_is_told():
    with pytest.raises(DataError, match=r"has times in its columns.*y = y.T"):
        quick().fit(panel("wide").T)


def test_a_series_named_as_a_fitted_one_is_forecast_by_its_network():
    forecaster = quick(scope="local").fit(panel("wide"))
    result = forecaster.predict(y=panel("wide")["b"])
    np.testing.assert_array_equal(result, forecaster.predict()["b"])
    with pytest.raises(DataError, match="was not fitted, and with scope='local'"):
        forecaster.predict(y=panel("wide")["b"].rename("d"))
