import numpy as np
import pandas as pd
import pytest

from tsrnn.data import panel_from_series

MONTHS = pd.date_range("2020-01-01", periods=40, freq="MS")


def series(index=MONTHS):
    return pd.Series(np.arange(float(len(index))), index, name="sales")


INDEXES = {
    "months": MONTHS,
    "months without freq": pd.DatetimeIndex(MONTHS.to_numpy()),
    "month ends": pd.date_range("2020-01-31", periods=30, freq="ME"),
    "quarters": pd.DatetimeIndex(pd.date_range("2020-01-01", periods=30, freq="QS").to_numpy()),
    "weeks": pd.date_range("2020-01-05", periods=30, freq="W"),
    "business days": pd.DatetimeIndex(pd.bdate_range("2020-01-01", periods=30).to_numpy()),
    "days over a DST change": pd.date_range("2020-03-20", periods=9, tz="Europe/Berlin"),
    "hours over a DST change": pd.DatetimeIndex(
        pd.date_range("2020-03-28", periods=60, freq="h", tz="Europe/Berlin"), freq=None
    ),
    "half hours": pd.date_range("2020-01-01", periods=60, freq="30min"),
    "nanoseconds": pd.date_range("2020-01-01", periods=60, freq="D", unit="ns"),
    "monthly periods": pd.period_range("2020-01", periods=30, freq="M"),
    "yearly periods": pd.period_range("1900", periods=30, freq="Y"),
    "range": pd.RangeIndex(30),
    "range by five": pd.RangeIndex(5, 155, 5, name="step"),
}


@pytest.mark.parametrize("name", INDEXES)
def test_the_axis_goes_on_as_the_index_would(name):
    index = INDEXES[name]
    panel, axis = panel_from_series(series(index[:-4]))
    np.testing.assert_array_equal(panel.values, np.arange(len(index) - 4.0))
    after = axis.after(4)
    assert after.tolist() == index[-4:].tolist()
    assert (type(after), after.dtype, after.name) == (type(index), index.dtype, index.name)
    if isinstance(index, pd.DatetimeIndex):
        assert after.freq is not None


def test_integers_in_equal_steps_are_a_range():
    index = pd.Index([3, 5, 7, 9], name="step")
    _, axis = panel_from_series(series(index))
    pd.testing.assert_index_equal(axis.after(2), pd.RangeIndex(11, 15, 2, name="step"))
    assert axis.frequency is None


@pytest.mark.parametrize("index", [MONTHS, pd.RangeIndex(40), MONTHS.to_period()])
def test_unsorted_rows_are_sorted_by_a_copy(index):
    y = series(index).sample(frac=1, random_state=0)
    before = y.copy()
    panel, axis = panel_from_series(y)
    np.testing.assert_array_equal(panel.values, np.arange(40))
    assert axis.index.is_monotonic_increasing
    pd.testing.assert_series_equal(y, before)


def test_the_series_itself_is_never_the_panel():
    y = series()
    panel, _ = panel_from_series(y)
    panel.values[:] = 0
    assert y.iloc[5] == 5


@pytest.mark.parametrize("dtype", ["int64", "float32", "Int64", "Float64", "uint8"])
def test_numbers_of_any_dtype(dtype):
    y = pd.Series([0, 1, 1, 0], dtype=dtype)
    np.testing.assert_array_equal(panel_from_series(y)[0].values, [0.0, 1.0, 1.0, 0.0])


def without(index, *places):
    return index.delete(list(places))


def put(value, *places):
    y = series().astype(object) if isinstance(value, str) else series()
    y.iloc[list(places)] = value
    return y


BAD = {
    "a list": ([1.0, 2.0], "must be a pandas Series.*got list"),
    "an array": (np.zeros(3), "must be a pandas Series.*got ndarray"),
    "empty": (series()[:0], "is empty"),
    "text": (series().astype(str), "must hold real numbers, got dtype (str|object).*to_numeric"),
    "objects": (series().astype(object), "must hold real numbers, got dtype object"),
    "a text": (
        put("n/a", 3),
        r"y is 'n/a' at 2020-04-01, which is no number. .*pd.to_numeric\(y, errors='coerce'\)",
    ),
    "truth values": (series() > 3, "must hold real numbers, got dtype bool.*astype"),
    "too large": (put(-1e160, 30), "is beyond 1e.150 at 2022-07-01"),
    "complex": (series() * 1j, "must hold real numbers, got dtype complex"),
    "dates as values": (pd.Series(MONTHS), "must hold real numbers, got dtype datetime"),
    "NaN": (put(np.nan, 3), "missing .NaN. at 2020-04-01. Fill it"),
    "NaNs": (put(np.nan, 3, 7, 9), "at 2020-04-01 and at 2 more"),
    "NA": (pd.Series([1.0, None, 3.0], dtype="Float64"), "missing .NaN. at 1"),
    "infinite": (put(np.inf, 30), "is infinite at 2022-07-01"),
    "minus infinite": (put(-np.inf, 30), "is infinite at 2022-07-01"),
    "gap": (series(without(MONTHS, 7)), "a gap: 2020-08-01 is missing after 2020-07-01 .1 missing"),
    "gaps": (series(without(MONTHS, 7, 8, 20)), "2020-08-01 is missing.*3 missing.*frequency MS"),
    "gap of hours": (
        series(without(INDEXES["half hours"], 30)),
        "2020-01-01 15:00:00 is missing after 2020-01-01 14:30:00",
    ),
    "gap at midnight": (
        series(without(INDEXES["half hours"], 48)),
        "2020-01-02 00:00:00 is missing after 2020-01-01 23:30:00",
    ),
    "twice at midnight": (
        series(INDEXES["half hours"].insert(48, INDEXES["half hours"][48])),
        "2020-01-02 00:00:00 more than once",
    ),
    "gap of business days": (series(without(INDEXES["business days"], 8)), "2020-01-13 is missing"),
    "gap of periods": (
        series(without(MONTHS.to_period(), 7)),
        "2020-08 is missing after 2020-07.*reindex",
    ),
    "gap of numbers": (series(without(pd.RangeIndex(30), 7)), "7 is missing after 6.*reindex"),
    "repeat": (series(MONTHS.insert(5, MONTHS[5])), "2020-06-01 more than once"),
    "repeats": (series(MONTHS.append(MONTHS[:3])), "2020-01-01 more than once, and 2 more"),
    "repeat of numbers": (series(pd.Index([0, 1, 1, 2])), "1 more than once"),
    "no time stamp": (series(pd.DatetimeIndex([*MONTHS[:9], None])), "NaT. in row 9"),
    "irregular": (
        series(pd.DatetimeIndex(["2020-01-01", "2020-01-02", "2020-01-04 05:00", "2020-03-01"])),
        "no regular frequency",
    ),
    "a single date": (series(MONTHS[:1].to_numpy()), "no regular frequency"),
    "text index": (series(pd.Index(list("abc"))), "needs a DatetimeIndex.*to_datetime"),
    "float index": (series(pd.Index([0.5, 1.5])), "needs a DatetimeIndex"),
    "two levels": (
        series(pd.MultiIndex.from_product([["a"], MONTHS])),
        "needs a DatetimeIndex.*MultiIndex",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named_with_its_place_and_left_alone(name):
    y, message = BAD[name]
    before = y.copy()
    with pytest.raises(ValueError, match=message):
        panel_from_series(y)
    if isinstance(y, pd.Series):
        pd.testing.assert_series_equal(y, before)


@pytest.mark.parametrize(
    ("index", "step", "match"),
    [
        (pd.DatetimeIndex(["2024-01-01"]), 1, "2024-01-01 off its steps of 1"),
        (pd.PeriodIndex(["2024-01"], freq="M"), 1, "2024-01 off its steps of 1"),
        (pd.RangeIndex(7, 8), pd.offsets.Day(), "7 off its frequency D"),
    ],
)
def test_a_row_that_a_step_is_not_for_is_refused(index, step, match):
    with pytest.raises(ValueError, match=match):
        panel_from_series(pd.Series([1.0], index), step=step)
