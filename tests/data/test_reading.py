import datetime
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsrnn.data import DataError, collection_from

LONG = ["unique_id", "ds", "y"]
DAYS = pd.date_range("2024-01-01", periods=20)

INDEXES = {
    "days": DAYS,
    "months": pd.date_range("2020-01-01", periods=30, freq="MS"),
    "month ends": pd.date_range("2020-01-31", periods=30, freq="ME"),
    "ends of business months": pd.date_range("2020-01-31", periods=30, freq="BME"),
    "every second month": pd.date_range("2020-01-01", periods=30, freq="2MS"),
    "quarters": pd.date_range("2020-01-01", periods=30, freq="QS"),
    "years": pd.date_range("1990-12-31", periods=30, freq="YE"),
    "weeks": pd.date_range("2020-01-05", periods=30, freq="W"),
    "business days": pd.bdate_range("2020-01-01", periods=30),
    "hours": pd.date_range("2020-01-01", periods=30, freq="h"),
    "seven minutes in nanoseconds": pd.date_range("2020-01-01", periods=30, freq="7min", unit="ns"),
    "days over the beginning of summer": pd.date_range(
        "2020-03-16", periods=30, tz="Europe/Berlin"
    ),
    "hours over the end of summer": pd.date_range(
        "2020-10-24 12:00", periods=30, freq="h", tz="Europe/Berlin"
    ),
    "months in a zone": pd.date_range("2020-01-01", periods=30, freq="MS", tz="America/New_York"),
    "monthly periods": pd.period_range("2020-01", periods=30, freq="M"),
    "periods of two months": pd.period_range("2020-01", periods=30, freq="2M"),
    "range": pd.RangeIndex(30),
    "range by five": pd.RangeIndex(-20, 130, 5),
}


def pieces(index, *spans):
    """Series called b, a, c: by default three of different beginnings and ends."""
    values = np.arange(1000.0, 1000.0 + len(index))
    spans = spans or [(0, -6), (3, -4), (5, -6)]
    return {
        label: pd.Series(values * factor, index)[slice(*span)]
        for label, factor, span in zip("bac", (1e12, 1.0, 1e-12), spans, strict=False)
    }


def as_long(series):
    frames = [
        pd.DataFrame({"unique_id": label, "ds": values.index, "y": values.to_numpy()})
        for label, values in series.items()
    ]
    return pd.concat(frames, ignore_index=True)


def as_wide(series):
    return pd.DataFrame(series).sort_index()


def shuffled(frame, seed=0):
    """Rows in another order, in which the series still appear in theirs."""
    first = ~frame["unique_id"].duplicated()
    rest = frame[~first].sample(frac=1, random_state=seed)
    return pd.concat([frame[first], rest])


def as_polars(frame, **schema):
    pl = pytest.importorskip("polars")
    columns = {name: frame[name].tolist() for name in frame}
    return pl.DataFrame(columns, schema_overrides={k: v(pl) for k, v in schema.items()})


FORMS = {
    "wide": as_wide,
    "wide, unsorted": lambda series: as_wide(series).sample(frac=1, random_state=0),
    "long": as_long,
    "long, unsorted": lambda series: shuffled(as_long(series)),
    "levels": lambda series: shuffled(as_long(series)).set_index(LONG[:2])["y"],
    "levels of a frame": lambda series: as_long(series).set_index(LONG[:2]),
}


def results(collection, horizon=4, names=()):
    """Results that differ in every place; without names values that go on with the series."""
    shape = max(len(names), 1), len(collection.ids), horizon
    arrays = np.arange(float(np.prod(shape))).reshape(shape)
    return dict(zip(names, arrays, strict=True)) if names else arrays[0]


def assert_same(result, expected):
    is_frame = isinstance(expected, pd.DataFrame)
    compare = pd.testing.assert_frame_equal if is_frame else pd.testing.assert_series_equal
    compare(result, expected, check_freq=False)


# Every form, there and back


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", INDEXES)
def test_values_and_axes_of_every_form(name, form):
    series = pieces(INDEXES[name])
    y = FORMS[form](series)
    before = y.copy()
    collection = collection_from(y)
    assert collection.ids == list(series)
    assert collection.panel.lengths.tolist() == [len(values) for values in series.values()]
    expected = np.concatenate([values.to_numpy() for values in series.values()])
    np.testing.assert_array_equal(collection.panel.values, expected)  # to the bit
    for axis, values in zip(collection.axes, series.values(), strict=True):
        assert axis.index.tolist() == values.index.tolist()
        assert (type(axis.index), axis.index.dtype) == (type(values.index), values.index.dtype)
        assert axis.step == collection.axes[0].step
    collection.panel.values[:] = 0
    assert_same(y, before)


@pytest.mark.parametrize("name", INDEXES)
def test_long_results_follow_each_series(name):
    index = INDEXES[name]
    collection = collection_from(shuffled(as_long(pieces(index))))
    result = collection.after(4, results(collection))
    ends = index[-6:-2], index[-4:], index[-6:-2]
    expected = {"unique_id": np.repeat(list("bac"), 4), "ds": ends[0].append([*ends[1:]])}
    assert_same(result, pd.DataFrame(expected | {"y": np.arange(12.0)}))


@pytest.mark.parametrize("name", INDEXES)
def test_results_on_levels_follow_each_series(name):
    index = INDEXES[name]
    y = as_long(pieces(index)).rename(columns={"y": "sold"}).set_index(LONG[:2])
    of_frame, of_series = collection_from(y), collection_from(y["sold"])
    result = of_frame.after(4, results(of_frame))
    ends = index[-6:-2], index[-4:], index[-6:-2]
    tuples = [(label, t) for label, end in zip("bac", ends, strict=True) for t in end]
    assert result.index.tolist() == tuples
    assert result.index.names == LONG[:2]
    assert result.index.dtypes.tolist() == y.index.dtypes.tolist()
    assert result.columns.tolist() == ["sold"]
    assert_same(of_series.after(4, results(of_series)), result["sold"])
    both = of_series.after(4, results(of_series, names=["low", "high"]))
    assert both.columns.tolist() == ["low", "high"]
    assert both.index.equals(result.index)


@pytest.mark.parametrize("name", INDEXES)
def test_wide_results_stand_in_the_union_of_what_follows(name):
    index = INDEXES[name]
    y = as_wide(pieces(index))
    collection = collection_from(y)
    result = collection.after(4, results(collection))
    expected = pd.DataFrame(np.nan, index[-6:], list("bac"))
    expected.iloc[:4, 0], expected.iloc[2:, 1], expected.iloc[:4, 2] = np.arange(12.0).reshape(3, 4)
    assert_same(result, expected)
    assert type(result.index) is type(index)
    assert getattr(result.index, "freq", None) == getattr(index, "freq", None)


def test_wide_results_of_series_that_ended_long_ago():
    y = as_wide(pieces(DAYS, (0, 10), (2, None)))
    collection = collection_from(y)
    result = collection.after(2, results(collection, 2))
    assert result.index.tolist() == [*DAYS[10:12], *(DAYS[-2:] + pd.Timedelta(days=2))]
    np.testing.assert_array_equal(result["b"], [0, 1, np.nan, np.nan])
    np.testing.assert_array_equal(result["a"], [np.nan, np.nan, 2, 3])


@pytest.mark.parametrize(
    "columns",
    [
        pd.Index(["b", "a"], name="shop"),
        pd.RangeIndex(2),
        pd.CategoricalIndex(["b", "a"]),
        pd.MultiIndex.from_tuples([("b", 1), ("a", 2)], names=["shop", None]),
    ],
)
def test_columns_of_a_wide_frame_keep_their_labels(columns):
    y = pd.DataFrame(np.ones((20, 2)), DAYS.rename("day"), columns)
    collection = collection_from(y)
    assert collection.ids == columns.tolist()
    result = collection.after(3, results(collection, 3))
    pd.testing.assert_index_equal(result.columns, columns, exact=True)
    assert result.index.name == "day"
    both = collection.after(3, results(collection, 3, ["low", "high"]))
    pd.testing.assert_index_equal(both.columns.droplevel(-1)[::2], columns, exact="equiv")
    assert both.columns.get_level_values(-1).tolist() == ["low", "high"] * 2
    assert both.columns.names == [*columns.names, None]
    assert both.iloc[0].tolist() == [0, 6, 3, 9]
    assert both.iloc[2].tolist() == [2, 8, 5, 11]


def test_a_lone_series():
    y = pd.Series(np.arange(20.0), DAYS, name="sold")
    collection = collection_from(y)
    assert collection.ids == [None]
    future = pd.date_range("2024-01-21", periods=3)
    expected = pd.Series([0.0, 1, 2], future, name="sold")
    pd.testing.assert_series_equal(collection.after(3, results(collection, 3)), expected)
    both = collection.after(3, results(collection, 3, ["low", "high"]))
    expected = pd.DataFrame({"low": [0.0, 1, 2], "high": [3.0, 4, 5]}, future)
    pd.testing.assert_frame_equal(both, expected)


@pytest.mark.parametrize("form", [*FORMS, "one series", "polars"])
def test_one_named_result_is_a_frame_with_its_name(form):
    series = pieces(DAYS)
    if form == "one series":
        y = series["b"].rename("sold")
    else:
        y = as_polars(as_long(series)) if form == "polars" else FORMS[form](series)
    collection = collection_from(y)
    alone = collection.after(4, results(collection, 4, ["low"]))
    both = collection.after(4, results(collection, 4, ["low", "high"]))
    if form == "polars":
        assert alone.columns == ["unique_id", "ds", "low"]
        assert alone.equals(both.drop("high"))
        return
    assert isinstance(alone, pd.DataFrame)
    names = both.columns.get_level_values(-1)
    expected = both.loc[:, names != "high"]
    if both.columns.nlevels > 1:  # the unused level "high" aside
        expected = expected.set_axis(pd.MultiIndex.from_tuples(expected.columns), axis=1)
    pd.testing.assert_frame_equal(alone, expected)


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("column", ["id_column", "time_column"])
def test_a_result_named_as_a_column_of_ids_or_times(library, column):
    names = {"id_column": "unique_id", "time_column": "ds"}
    y = as_long(pieces(DAYS)).rename(columns={names[column]: "low"})
    y = as_polars(y) if library == "polars" else y
    collection = collection_from(y, **(names | {column: "low"}))
    with pytest.raises(DataError, match="Column 'low' of y has the name of a column of the result"):
        collection.after(2, results(collection, 2, ["low"]))
    collection.after(2, results(collection, 2))


def test_a_frame_of_one_column_stays_one():
    collection = collection_from(pd.DataFrame({"sold": np.arange(20.0)}, DAYS))
    result = collection.after(2, results(collection, 2))
    expected = pd.DataFrame({"sold": [0.0, 1]}, pd.date_range("2024-01-21", periods=2))
    pd.testing.assert_frame_equal(result, expected)


def test_several_results_in_long_form_under_names_of_ones_own():
    names = {"id_column": "shop", "time_column": "day", "target_column": "sold"}
    y = as_long(pieces(DAYS)).set_axis(list(names.values()), axis=1)[["sold", "day", "shop"]]
    collection = collection_from(y, **names)
    single = collection.after(2, results(collection, 2))
    assert single.columns.tolist() == ["shop", "day", "sold"]
    both = collection.after(2, results(collection, 2, ["low", "high"]))
    assert both.columns.tolist() == ["shop", "day", "low", "high"]
    assert both["high"].tolist() == [6, 7, 8, 9, 10, 11]


def test_series_with_an_equal_index_share_it():
    for form in ("wide", "long"):
        collection = collection_from(FORMS[form](pieces(DAYS)))
        assert collection.axes[0] is not collection.axes[1]
        collection = collection_from(FORMS[form](pieces(DAYS, (0, 9), (1, 9), (0, 9))))
        assert collection.axes[0] is collection.axes[2]


def test_what_is_done_to_the_frame_later_does_not_reach_the_collection():
    y = as_long(pieces(DAYS))
    collection = collection_from(y)
    index = collection.axes[0].index
    assert not np.shares_memory(index.asi8, y["ds"].array.asi8)
    assert not np.shares_memory(collection.panel.values, y["y"].to_numpy())


series_of_a_panel = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.lists(st.floats(-1e100, 1e100).filter(lambda x: x != 0), min_size=3, max_size=9),
    ),
    min_size=1,
    max_size=5,
)


# A few business days, or ends of months, look like days, or months, where they stand alone.
CLEAR = [name for name in INDEXES if "business" not in name]


@given(series_of_a_panel, st.sampled_from(CLEAR), st.integers(0, 9))
def test_a_panel_is_the_same_in_every_form(parts, name, seed):
    index = INDEXES[name]
    series = {
        f"{k}": pd.Series(values, index[first : first + len(values)])
        for k, (first, values) in enumerate(parts)
    }
    wide = pd.DataFrame(series, index[:14])
    long = shuffled(wide.rename_axis("ds").reset_index().melt("ds", None, "unique_id"), seed)
    long = long.rename(columns={"value": "y"}).dropna().rename(columns={"variable": "unique_id"})
    levels = long.set_index(LONG[:2])
    expected = collection_from(wide)
    for y in (long, levels, levels["y"], wide.sample(frac=1, random_state=seed)):
        result = collection_from(y)
        at = [result.ids.index(label) for label in expected.ids]
        ends = result.panel.indptr
        values = [result.panel.values[ends[k] : ends[k + 1]] for k in at]
        np.testing.assert_array_equal(np.concatenate(values), expected.panel.values)
        for k, axis in zip(at, expected.axes, strict=True):
            assert result.axes[k].index.equals(axis.index)
            assert result.axes[k].after(3).tolist() == axis.after(3).tolist()


# Dtypes

TEXTS = ["object", "string", "category", "string[pyarrow]"]


@pytest.mark.parametrize("dtype", [*TEXTS, "int32", "Int64", "uint8", "int64[pyarrow]", "M8[s]"])
def test_ids_come_back_in_their_dtype(dtype):
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    y = as_long(pieces(DAYS))
    ids = y["unique_id"] if dtype in TEXTS else y["unique_id"].map({"b": 7, "a": 3, "c": 5})
    y["unique_id"] = ids.astype(dtype)
    for form in (y, y.set_index(LONG[:2])):
        collection = collection_from(form)
        assert collection.ids == y["unique_id"].unique().tolist()
        result = collection.after(4, results(collection))
        labels = result["unique_id"] if form is y else result.index.get_level_values(0)
        assert labels.dtype == y["unique_id"].dtype
        assert labels.tolist() == np.repeat(collection.ids, 4).tolist()


def test_unused_categories_are_no_series():
    y = as_long(pieces(DAYS))
    y["unique_id"] = pd.Categorical(y["unique_id"], ["z", "a", "b", "c"], ordered=True)
    collection = collection_from(y)
    assert collection.ids == ["b", "a", "c"]
    assert collection.after(1, results(collection, 1))["unique_id"].dtype == y["unique_id"].dtype


TIMES = ["M8[s]", "M8[ms]", "M8[us]", "M8[ns]"]
TIMES += ["timestamp[us][pyarrow]", "date32[day][pyarrow]", "date64[ms][pyarrow]"]


@pytest.mark.parametrize("dtype", TIMES)
def test_days_come_back_in_their_dtype(dtype):
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    y = as_long(pieces(DAYS))
    y["ds"] = y["ds"].astype(dtype)
    for form in (y, y.set_index(LONG[:2])):
        collection = collection_from(form)
        assert isinstance(collection.axes[0].index, pd.DatetimeIndex)
        result = collection.after(4, results(collection)).reset_index()
        assert result["ds"].dtype == y["ds"].dtype
        assert pd.DatetimeIndex(result["ds"][:4]).tolist() == DAYS[-6:-2].tolist()


def test_arrow_times_in_a_zone_come_back_in_it():
    pa = pytest.importorskip("pyarrow")
    y = as_long(pieces(INDEXES["days over the beginning of summer"]))
    y["ds"] = y["ds"].astype(pd.ArrowDtype(pa.timestamp("us", "Europe/Berlin")))
    collection = collection_from(y)
    result = collection.after(4, results(collection))
    assert result["ds"].dtype == y["ds"].dtype
    assert result["ds"].iloc[0].hour == 0


@pytest.mark.parametrize("dtype", ["int32", "Int64", "UInt16", "int32[pyarrow]"])
def test_whole_numbers_as_times_come_back_in_their_dtype(dtype):
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    y = as_long(pieces(pd.RangeIndex(0, 100, 5)))
    y["ds"] = y["ds"].astype(dtype)
    collection = collection_from(y)
    result = collection.after(2, results(collection, 2))
    assert result["ds"].dtype == y["ds"].dtype
    assert result["ds"].tolist() == [70, 75, 80, 85, 70, 75]


def test_whole_numbers_that_outgrow_their_dtype_do_not_start_anew():
    y = as_long({"a": pd.Series(np.ones(6), pd.RangeIndex(250, 256))})
    y["ds"] = y["ds"].astype("uint8")
    assert collection_from(y).after(2, {"mean": np.ones((1, 2))})["ds"].tolist() == [256, 257]


@pytest.mark.parametrize("dtype", ["int64", "float32", "Int64", "Float64", "float[pyarrow]"])
def test_values_of_any_real_dtype(dtype):
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    y = as_long({label: values * 0 + 3 for label, values in pieces(DAYS).items()})
    y["y"] = y["y"].astype(dtype)
    wide = pd.DataFrame({"b": y["y"][:14], "a": y["y"][:14]}).set_axis(DAYS[:14])
    assert set(wide.dtypes) == {y["y"].dtype}
    for form in (y, y.set_index(LONG[:2]), wide):
        assert (collection_from(form).panel.values == 3).all()


# Frequencies


def test_a_short_series_takes_the_frequency_of_the_others():
    index = INDEXES["business days"]
    series = pieces(index, (2, 3), (0, None), (5, 7))
    for form in ("long", "levels"):
        collection = collection_from(FORMS[form](series))
        assert [axis.frequency.freqstr for axis in collection.axes] == ["B"] * 3
        assert collection.axes[0].after(2).tolist() == index[3:5].tolist()


def test_a_lone_number_takes_the_step_of_the_others():
    collection = collection_from(as_long(pieces(pd.RangeIndex(0, 50, 5), (0, None), (7, 8))))
    assert collection.axes[1].after(2).tolist() == [40, 45]


def test_five_days_that_look_like_every_day_among_business_days():
    index = INDEXES["business days"]  # from a Wednesday on
    series = pieces(index, (3, 8), (1, 5), (4, 6))
    frequencies = {axis.frequency.freqstr for axis in collection_from(as_long(series)).axes}
    assert frequencies == {"B"}


def test_series_may_begin_at_any_time_of_day():
    months = INDEXES["months"]
    series = {
        "b": pd.Series(1.0, months[:9]),
        "a": pd.Series(1.0, months[3:20] + pd.Timedelta(hours=6)),
        "c": pd.Series(1.0, months[2:5]),
    }
    collection = collection_from(as_long(series))
    assert [axis.after(1)[0] for axis in collection.axes] == [
        months[9],
        months[20] + pd.Timedelta(hours=6),
        months[5],
    ]


def test_midnights_that_a_change_of_clocks_leaves_out():
    days = pd.date_range("2018-10-20", "2018-11-20").tz_localize(
        "America/Sao_Paulo", nonexistent="shift_forward"
    )
    assert days[15].hour == 1
    collection = collection_from(as_long(pieces(days, (0, 10), (5, 20), (14, 16))))
    result = collection.after(6, results(collection, 6))
    assert result["ds"].tolist() == [*days[10:16], *days[20:26], *days[16:22]]


@pytest.mark.parametrize("hour", ["2020-10-24 02:30", "2020-10-25 02:30"])
def test_wall_times_that_a_change_of_clocks_repeats(hour):
    days = pd.date_range(hour, periods=2, freq="D").tz_localize(
        "Europe/Berlin", ambiguous=[True] * 2
    )
    days = days.append(pd.date_range("2020-10-26 02:30", periods=9, tz="Europe/Berlin"))
    collection = collection_from(as_long(pieces(days.unique(), (0, 8), (3, 7), (1, 2))))
    assert {axis.frequency.freqstr for axis in collection.axes} == {"D"}


# Bad input


def long_with(**columns):
    y = as_long(pieces(DAYS))
    return y.assign(**{name: change(y[name]) for name, change in columns.items()})


def wide_with(change):
    return change(as_wide(pieces(DAYS, (0, None), (3, -4), (5, -6))))


def put(value, *rows):
    """A column with a value in some rows."""

    def change(column):
        column = column.astype(object) if isinstance(value, str) else column.copy()
        column.iloc[list(rows)] = value
        return column

    return change


def without(*rows):
    y = as_long(pieces(DAYS))
    return y.drop(index=list(rows))


def mixed(*frequencies, lengths=(9, 9)):
    pairs = zip("ba", frequencies, lengths, strict=True)
    return as_long(
        {k: pd.Series(1.0, pd.date_range("2024-01-01", periods=n, freq=f)) for k, f, n in pairs}
    )


def at(label, column, value):
    def change(y):
        y.loc[label, column] = value
        return y

    return change


TWO_ZONES = [DAYS[0].tz_localize("UTC"), *DAYS[1:].tolist()]
A_DAY = datetime.date(2024, 1, 1)
# b has rows 0 to 13 from 1 January on, a 14 to 26 from the 4th, c 27 to 35 from the 6th.
BAD = {
    "a list": ([1.0], "y must be a pandas Series or DataFrame.*got list.*pd.Series.values"),
    "a dict": ({"a": [1.0]}, "y must be a pandas Series or DataFrame.*got dict"),
    "an array": (np.ones((9, 2)), "y must be a pandas Series or DataFrame.*got ndarray"),
    "nothing": (None, "y must be a pandas Series or DataFrame.*got NoneType"),
    "an object": (Exception(), "y must be a pandas Series or DataFrame.*got Exception"),
    "an empty Series": (pd.Series(dtype=float), "y is empty. Give a Series"),
    "a Series with NaN": (pd.Series([1.0, None, 2.0]), r"^y is missing \(NaN\) at 1. Fill it"),
    "a Series with a date that has another time of day": (
        pd.Series(1.0, [*INDEXES["months"][:9], INDEXES["months"][9] + pd.Timedelta(hours=5)]),
        "^y has the time stamp 2020-10-01 05:00:00 off its frequency MS.*y.index.round",
    ),
    # Long
    "no rows": (as_long(pieces(DAYS))[:0], "y is empty. Give a frame"),
    "no rows on levels": (as_long(pieces(DAYS))[:0].set_index(LONG[:2]), "y is empty. Give"),
    "no id column": (
        as_long(pieces(DAYS)).rename(columns={"unique_id": "shop"}),
        r"columns \['shop', 'ds', 'y'\], not 'unique_id', 'ds', 'y'.*id_column='shop', time_column="
        "'ds', target_column='y'",
    ),
    "no value column": (as_long(pieces(DAYS))[LONG[:2]], r"columns \['unique_id', 'ds'\], not "),
    "no such column at all": (
        as_long(pieces(DAYS)).set_axis(["shop", "day", "sold"], axis=1),
        "Series 'shop' of y must hold real numbers.*id_column='shop', time_column='day', "
        "target_column='sold'",
    ),
    "a column too many": (
        as_long(pieces(DAYS)).assign(price=1.0),
        r"\['unique_id', 'ds', 'y', 'price'\], more than.*Leave out \['price'\], or say by id_col",
    ),
    "columns of one name": (
        as_long(pieces(DAYS)).set_axis(["y", "ds", "y"], axis=1),
        "y has more than one column 'y'. Give each a name",
    ),
    "no id": (long_with(unique_id=put(None, 7)), "y has no id in row 7 .column 'unique_id'.. Drop"),
    "no ids": (long_with(unique_id=put(None, 7, 9)), "no id in row 7 .* and none in 1 more. Drop"),
    "ids that are lists": (
        long_with(unique_id=lambda ids: [[label] for label in ids]),
        "y has ids that can be no labels .column 'unique_id'.*Give each series a text or a number",
    ),
    "ids in the index": (
        long_with().set_index("unique_id"),
        r"columns \['ds', 'y'\], not .*after y.reset_index\(\) where one is in the index",
    ),
    "no time stamp": (long_with(ds=put(None, 7)), "y has no time stamp in row 7 .column 'ds'.. Dr"),
    "times as texts": (
        long_with(ds=lambda ds: ds.astype(str)),
        r"Column 'ds' of y must hold dates.*dtype (str|object).*pd.to_datetime\(y\['ds'\]\)",
    ),
    "times as dates of Python": (
        long_with(ds=lambda ds: ds.dt.date),
        "Column 'ds' of y must hold dates.*dtype object.*pd.to_datetime",
    ),
    "with and without a zone": (
        pd.DataFrame({"unique_id": 1, "ds": pd.Series(TWO_ZONES, dtype=object), "y": 1.0}),
        "Column 'ds' of y must hold dates.*dtype object.*pd.to_datetime.*utc=True",
    ),
    "times as floats": (long_with(ds=lambda ds: ds.dt.day * 1.0), "'ds'.*must hold dates.*float64"),
    "times as truth values": (long_with(ds=lambda ds: ds.dt.day > 3), "must hold dates.*bool"),
    "gap": (
        without(17),
        "Series 'a' of y has a gap: 2024-01-07 is missing after 2024-01-06 .1 missing in all at "
        r"frequency D.. Put the rows in and fill them: y = .*asfreq\('D'\).*missing='mask'",
    ),
    "gaps": (without(3, 4, 9), "'b' of y has a gap: 2024-01-04 is missing after 2024-01-03 .3 mis"),
    "gap in a short series": (
        as_long(pieces(DAYS)).drop(index=[28, *range(30, 36)]),
        "Series 'c' of y has a gap: 2024-01-07 is missing after 2024-01-06 .1 missing",
    ),
    "gap of months": (
        as_long(pieces(INDEXES["months"])).drop(index=30),
        "Series 'a' of y has a gap: 2020-10-01 is missing after 2020-09-01 .*frequency MS",
    ),
    "gap of periods": (
        as_long(pieces(INDEXES["monthly periods"])).drop(index=30),
        "Series 'a' of y has a gap: 2020-10 is missing after 2020-09 .*frequency M.*s.reindex",
    ),
    "gap of numbers": (
        as_long(pieces(pd.RangeIndex(30))).drop(index=30),
        "Series 'a' of y has a gap: 9 is missing after 8 .1 missing in all.*s.reindex",
    ),
    "a huge gap of numbers": (
        long_with(ds=lambda ds: [*range(35), 10**12]),
        "Series 'c' of y has a gap: 35 is missing after 34 .999999999965 missing in all",
    ),
    "repeated time stamp": (
        pd.concat([without(), without()[20:21]]),
        r"Series 'a' of y has the time stamp 2024-01-10 more than once. Keep one row each, for "
        r"instance y.groupby\(\['unique_id', 'ds'\], as_index=False\).mean",
    ),
    "mixed frequencies": (
        mixed("h", "D", lengths=(9, 8)),
        "Series 'b' of y has frequency h, but Series 'a' of y has frequency D. .*resample.'D'.",
    ),
    "mixed frequencies, the later longer": (
        mixed("h", "D", lengths=(8, 9)),
        "^Series 'b' of y has frequency h, but Series 'a' of y has frequency D",
    ),
    "two numbers among others": (
        as_long({"b": pd.Series(1.0, range(9)), "a": pd.Series(1.0, [3, 5])}),
        "Series 'a' of y has a gap: 4 is missing after 3",
    ),
    "weeks that end on different days": (mixed("W-SUN", "W-MON"), "frequency W-SUN, but.*W-MON"),
    "months and their ends": (mixed("MS", "ME"), "'b'.* frequency MS, but .*'a'.* frequency ME"),
    "every day and every second": (mixed("D", "2D"), "frequency D, but Series 'a' .*frequency 2D"),
    "mixed steps": (
        as_long({"b": pd.Series(1.0, range(9)), "a": pd.Series(1.0, range(0, 18, 2))}),
        "Series 'b' of y has steps of 1, but Series 'a' of y has steps of 2.",
    ),
    "off the frequency": (
        long_with(ds=put(DAYS[8] + pd.Timedelta(hours=5), 19)),
        "Series 'a' of y has the time stamp 2024-01-09 05:00:00 off its frequency D",
    ),
    "one entry off the frequency": (
        pd.concat([mixed("MS", "MS", lengths=(9, 2)), mixed("D", "D", lengths=(2, 1))[1:2]]).assign(
            unique_id=["b"] * 9 + ["a"] * 2 + ["c"]
        ),
        "Series 'c' of y has the time stamp 2024-01-02 off its frequency MS",
    ),
    "irregular": (
        long_with(ds=lambda ds: DAYS[0] + pd.to_timedelta(np.arange(36) ** 2, "h")),
        "Series 'b' of y has no regular frequency",
    ),
    "only short series": (
        mixed("D", "D", lengths=(2, 1)),
        "Series 'b' of y has 2 time stamps, and no other has more.*at least three",
    ),
    "missing": (long_with(y=put(np.nan, 20)), r"'a' of y is missing \(NaN\) at 2024-01-10. Fill"),
    "missing values": (
        long_with(y=put(np.nan, 16, 20, 30)),
        r"Series 'a' of y is missing \(NaN\) at 2024-01-06 and at 1 more; 2 series are affec",
    ),
    "infinite": (long_with(y=put(-np.inf, 35)), "Series 'c' of y is infinite at 2024-01-14. Rep"),
    "too large": (long_with(y=put(1e200, 0)), "Series 'b' of y is beyond 1e.150 at 2024-01-01"),
    "far below": (long_with(y=put(-1e200, 20)), "'a' of y is beyond 1e.150 at 2024-01-10"),
    "objects": (
        long_with(y=lambda y: y.astype(object)),
        "Column 'y' of y must hold real numbers, got dtype object. Convert.*pd.to_numeric",
    ),
    "a text": (
        long_with(y=lambda y: y.astype(object).where(y.index != 20, "n/a")),
        r"Column 'y' of series 'a' of y is 'n/a' at 2024-01-10, which is no number.*'coerce'",
    ),
    "texts": (
        long_with(y=lambda y: y.astype(str)),
        "Column 'y' of y must hold real numbers, got d",
    ),
    "truth values": (long_with(y=lambda y: y > 3), "Column 'y' of y must hold real .* dtype bool"),
    "complex": (long_with(y=lambda y: y * 1j), "Column 'y' of y must hold real .* dtype complex"),
    # Levels
    "three levels": (
        long_with().assign(z=1).set_index([*LONG[:2], "z"]),
        "y has 3 levels in its index.*must be of two, series and time",
    ),
    "two columns on levels": (
        long_with().assign(z=1.0).set_index(LONG[:2]),
        r"y has 2 levels in its index and shape \(36, 2\).*on it of one column",
    ),
    "levels the other way round": (
        long_with().set_index(["ds", "unique_id"]),
        "Level 1 of the index of y must hold dates.*y.swaplevel",
    ),
    "no id on levels": (
        long_with(unique_id=put(None, 7)).set_index(LONG[:2]),
        "y has no id in row 7 .level 0 of its index",
    ),
    "no time stamp on levels": (
        long_with(ds=put(None, 7)).set_index(LONG[:2])["y"],
        "y has no time stamp in row 7 .level 1 of its index",
    ),
    "repeats on levels": (
        pd.concat([without(), without()[20:21]]).set_index(LONG[:2]),
        r"2024-01-10 more than once.*y.groupby\(level=\[0, 1\]\).mean",
    ),
    "truth values on levels": (long_with(y=lambda y: y > 3).set_index(LONG[:2]), "^y must hold re"),
    # Wide
    "wide without columns": (pd.DataFrame(index=DAYS), "y has no columns. Give a frame"),
    "wide without rows": (pd.DataFrame({"a": [1.0]})[:0], "y is empty. Give a frame"),
    "wide with columns of one name": (
        pd.DataFrame(np.ones((20, 2)), DAYS, ["a", "a"]),
        "y has more than one column 'a'",
    ),
    "wide with a column of nothing": (
        wide_with(lambda y: y.assign(z=np.nan)),
        r"'z' of y is nothing but missing values .NaN.. Leave it out: y = y.drop\(columns='z'",
    ),
    "wide, missing inside": (
        wide_with(at("2024-01-09", "a", np.nan)),
        r"Series 'a' of y is missing \(NaN\) at 2024-01-09. Fill it",
    ),
    "wide, infinite": (wide_with(at("2024-01-09", "c", np.inf)), "Series 'c' of y is infinite at "),
    "wide, infinite at its end": (
        wide_with(at("2024-01-20", "b", np.inf)),
        "Series 'b' of y is infinite at 2024-01-20",
    ),
    "wide, gap": (wide_with(lambda y: y.drop(DAYS[7])), "^y has a gap: 2024-01-08 is missing aft"),
    "wide, repeated": (
        wide_with(lambda y: pd.concat([y, y[3:4]])),
        r"^y has the time stamp 2024-01-04 more than once.*y.groupby\(level=0\).mean",
    ),
    "wide, no time stamp": (
        wide_with(lambda y: y.set_axis([*DAYS[:-1], pd.NaT])),
        "^y has no time stamp .NaT. in row 19",
    ),
    "wide, texts as times": (
        wide_with(lambda y: y.set_axis(DAYS.astype(str))),
        "^y needs a DatetimeIndex.*y.index = pd.to_datetime",
    ),
    "wide, objects": (
        wide_with(lambda y: y.astype({"a": object})),
        "Series 'a' of y must hold real numbers, got dtype object. Convert it first: pd.to_numeric",
    ),
    "wide, a text": (
        wide_with(lambda y: y.astype({"a": object}).pipe(at("2024-01-09", "a", "n/a"))),
        "Series 'a' of y is 'n/a' at 2024-01-09, which is no number",
    ),
    "wide, truth values": (wide_with(lambda y: y > 3), "Series 'b' of y must hold .* dtype bool"),
    "wide, complex": (wide_with(lambda y: y * 1j), "Series 'b' of y must hold .* dtype complex"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named_with_its_place_and_left_alone(name):
    y, message = BAD[name]
    before = y.copy() if isinstance(y, (pd.Series, pd.DataFrame)) else None
    with pytest.raises(ValueError, match=message):
        collection_from(y)
    if before is not None:
        assert_same(y, before)


def test_messages_call_it_by_its_name():
    with pytest.raises(ValueError, match="Series 'a' of sales has a gap"):
        collection_from(without(17), name="sales")


def test_names_that_are_no_columns_are_refused_for_wide_frames_too():
    y = as_wide(pieces(DAYS))
    with pytest.raises(ValueError, match=r"columns \['b', 'a', 'c'\], not 'shop', 'ds', 'y'"):
        collection_from(y, id_column="shop")
    with pytest.raises(ValueError, match="not 'ds', 'ds', 'y'"):
        collection_from(without(), id_column="ds")


# Other libraries

POLARS = {
    "days": (DAYS, lambda pl: pl.Date),
    "months": (INDEXES["months"], lambda pl: pl.Datetime("us")),
    "milliseconds": (INDEXES["business days"], lambda pl: pl.Datetime("ms")),
    "nanoseconds": (INDEXES["hours"], lambda pl: pl.Datetime("ns")),
    "a zone": (
        INDEXES["days over the beginning of summer"],
        lambda pl: pl.Datetime("us", "Europe/Berlin"),
    ),
    "hours in a zone": (
        INDEXES["hours over the end of summer"],
        lambda pl: pl.Datetime("ns", "Europe/Berlin"),
    ),
    "numbers": (INDEXES["range by five"], lambda pl: pl.Int16),
}
POLARS_IDS = {
    "texts": lambda pl: pl.String,
    "categories": lambda pl: pl.Categorical,
    "an enumeration": lambda pl: pl.Enum(["z", "a", "b", "c"]),
}


@pytest.mark.parametrize("ids", POLARS_IDS)
@pytest.mark.parametrize("name", POLARS)
def test_polars_in_polars_out(name, ids):
    pl = pytest.importorskip("polars")
    index, dtype = POLARS[name]
    series = pieces(index)
    y = as_polars(shuffled(as_long(series)), ds=dtype, unique_id=POLARS_IDS[ids])
    before = y.clone()
    collection = collection_from(y)
    same = collection_from(as_long(series))
    assert collection.ids == same.ids
    np.testing.assert_array_equal(collection.panel.values, same.panel.values)
    result = collection.after(4, results(collection))
    assert isinstance(result, pl.DataFrame)
    assert result.schema == y.schema
    expected = same.after(4, results(same))
    assert result["unique_id"].to_list() == expected["unique_id"].tolist()
    assert result["y"].to_list() == expected["y"].tolist()
    stamps = result["ds"].cast(pl.Datetime) if result["ds"].dtype == pl.Date else result["ds"]
    assert stamps.to_list() == expected["ds"].tolist()
    assert y.equals(before)


def test_several_results_in_polars_under_names_of_ones_own():
    y = as_polars(as_long(pieces(DAYS))).rename({"unique_id": "shop", "y": "sold"})
    collection = collection_from(y, id_column="shop", target_column="sold")
    result = collection.after(2, results(collection, 2, ["low", "high"]))
    assert result.columns == ["shop", "ds", "low", "high"]
    assert result["high"].to_list() == [6, 7, 8, 9, 10, 11]


@pytest.mark.parametrize("dtype", ["Int8", "UInt64", "Float32"])
def test_polars_ids_and_values_that_are_numbers(dtype):
    pl = pytest.importorskip("polars")
    kind = getattr(pl, dtype)
    y = pl.DataFrame({"unique_id": [7] * 3, "ds": [0, 1, 2], "y": [1, 2, 3]})
    collection = collection_from(y.with_columns(pl.col("unique_id", "y").cast(kind)))
    assert collection.ids == [7]
    assert collection.panel.values.tolist() == [1, 2, 3]
    assert collection.after(1, results(collection, 1))["unique_id"].dtype == kind


def polars_with(**columns):
    pl = pytest.importorskip("polars")
    y = as_polars(as_long(pieces(DAYS)))
    return y.with_columns(**{name: change(pl, pl.col(name)) for name, change in columns.items()})


def null_at(row):
    return lambda pl, column: pl.when(pl.int_range(pl.len()) != row).then(column)


BAD_POLARS = {
    "no id column": (lambda: polars_with().rename({"unique_id": "k"}), r"columns \['k', 'ds', 'y'"),
    "wide": (lambda: polars_with().select("y"), r"columns \['y'\], not 'unique_id', 'ds', 'y'"),
    "lazy": (lambda: polars_with().lazy(), "collect.. where it is lazy.*got LazyFrame"),
    "a polars Series": (lambda: polars_with()["y"], "must be a pandas Series or DataF.*got Series"),
    "empty": (lambda: polars_with().clear(), "y is empty"),
    "no id": (lambda: polars_with(unique_id=null_at(7)), "no id in row 7 .column 'unique_id'"),
    "no time stamp": (lambda: polars_with(ds=null_at(7)), "no time stamp in row 7 .column 'ds'"),
    "no number as time": (
        lambda: polars_with(ds=lambda pl, ds: null_at(7)(pl, ds.dt.day())),
        "no time stamp in row 7 .column 'ds'",
    ),
    "null": (lambda: polars_with(y=null_at(20)), r"'a' of y is missing \(NaN\) at 2024-01-10"),
    "texts as times": (
        lambda: polars_with(ds=lambda pl, ds: ds.cast(pl.String)),
        "Column 'ds' of y must hold dates.*got dtype String.*str.to_datetime",
    ),
    "texts": (
        lambda: polars_with(y=lambda pl, y: y.cast(pl.String)),
        "Column 'y' of y must hold real numbers, got dtype String. Cast it",
    ),
    "truth values": (lambda: polars_with(y=lambda pl, y: y > 3), "real numbers, got dtype Boolean"),
    "gap": (
        lambda: polars_with()[[*range(17), *range(18, 36)]],
        "Series 'a' of y has a gap: 2024-01-07 is missing after 2024-01-06",
    ),
}


@pytest.mark.parametrize("name", BAD_POLARS)
def test_bad_polars_is_named_with_its_place(name):
    make, message = BAD_POLARS[name]
    y = make()
    with pytest.raises(ValueError, match=message):
        collection_from(y)


def test_without_narwhals_there_is_a_way_to_go_on(monkeypatch):
    y = polars_with()
    monkeypatch.setitem(sys.modules, "narwhals", None)
    with pytest.raises(
        ImportError, match=r"y is a polars.*DataFrame.*pip install narwhals, or giv"
    ):
        collection_from(y)
    assert collection_from(without()).ids == ["b", "a", "c"]


def test_an_arrow_table_comes_back_as_one():
    pa = pytest.importorskip("pyarrow")
    y = pa.table(dict(as_long(pieces(DAYS)).items()))
    collection = collection_from(y)
    result = collection.after(2, results(collection, 2))
    assert isinstance(result, pa.Table)
    assert result.column_names == LONG
    assert result.schema.field("ds").type == y.schema.field("ds").type
