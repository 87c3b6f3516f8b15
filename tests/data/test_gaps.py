"""missing="mask": values and rows that are not there, in every form."""

import numpy as np
import pandas as pd
import pytest

from tsrnn.data import collection_from, extended, with_gap_marked
from tsrnn.data.frequency import calendar_grid

DAYS = pd.date_range("2024-01-01", periods=8)
NAN = np.nan
A = pd.Series([NAN, 1.0, 2.0, NAN, NAN, 0.0, 6.0, NAN], DAYS, name="a")
B = pd.Series([5.0, NAN, 7.0, 8.0, 9.0, 10.0, NAN, 12.0], DAYS, name="b")
FILLED = [1, 2, 2, 2, 0, 6]


def long(drop):
    frame = pd.concat(
        pd.DataFrame({"unique_id": s.name, "ds": s.index, "y": s.to_numpy()}) for s in (A, B)
    )
    return (frame.dropna() if drop else frame).sample(frac=1, random_state=1)


def values_of(collection, k):
    indptr = collection.panel.indptr
    part = slice(indptr[k], indptr[k + 1])
    observed = collection.observed[part]
    return np.where(observed, collection.panel.values[part], NAN), collection.panel.values[part]


def test_a_series_with_missing_values_or_rows():
    for y in (A, A.dropna(), A.dropna().iloc[::-1], A.astype("Float64")):
        collection = collection_from(y, missing="mask")
        with_nan, filled = values_of(collection, 0)
        n = (
            7 if y.isna().any() else 6
        )  # a last row without a value is a step; one that is not, none
        np.testing.assert_array_equal(with_nan, A.to_numpy()[1 : 1 + n])
        np.testing.assert_array_equal(filled[:6], FILLED)
        assert collection.axes[0].index.equals(DAYS[1 : 1 + n])
        assert collection.axes[0].after(1)[0] == DAYS[n] + pd.Timedelta("1D")


@pytest.mark.parametrize("drop", [False, True])
@pytest.mark.parametrize("form", ["wide", "long", "levels"])
def test_panels_with_missing_values_or_rows(form, drop):
    y = long(drop)
    if form == "wide":
        y = pd.DataFrame({"a": A, "b": B})
        y = y.drop(DAYS[3]) if drop else y
    elif form == "levels":
        y = y.set_index(["unique_id", "ds"])["y"]
    collection = collection_from(y, missing="mask")
    for series in (A, B):
        if form == "wide" and drop:
            series = series.where(DAYS[3] != DAYS)
        with_nan, filled = values_of(collection, collection.ids.index(series.name))
        expected = series[series.first_valid_index() :]
        np.testing.assert_array_equal(with_nan[: len(expected)], expected[: len(with_nan)])
        assert np.isfinite(filled).all()


def test_nothing_missing_marks_nothing():
    whole = collection_from(B.ffill(), missing="mask")
    assert whole.observed is None
    np.testing.assert_array_equal(whole.panel.values, collection_from(B.ffill()).panel.values)


def test_zeros_are_values():
    collection = collection_from(pd.Series([0.0, 0, 3, 0, 0], DAYS[:5]), missing="mask")
    assert collection.observed is None


def test_months_periods_and_numbers():
    for index in (
        pd.date_range("2024-01-31", periods=8, freq="ME"),
        pd.period_range("2024-01", periods=8, freq="M"),
        pd.RangeIndex(10, 50, 5),
        pd.date_range("2024-03-28", periods=8, tz="Europe/Berlin"),
    ):
        y = pd.Series(np.arange(8.0), index)
        collection = collection_from(y.drop(index[4]), missing="mask")
        assert collection.axes[0].index.equals(index)
        assert collection.observed.tolist() == [True] * 4 + [False] + [True] * 3


BERLIN = calendar_grid(
    pd.Timestamp("2024-03-22 02:30", tz="Europe/Berlin"), DAYS.freq, "s", periods=20
)
INDEXES = {
    "days": pd.date_range("2024-03-22", periods=20),
    "a clock set forward between": BERLIN[1:],
    "a clock set forward before": BERLIN,  # the tenth day has 03:00 for 02:30
    "months": pd.date_range("2024-01-31", periods=20, freq="ME"),
    "business days": pd.date_range("2024-03-22", periods=20, freq="B"),
    "periods": pd.period_range("2024-01", periods=20, freq="M"),
    "numbers": pd.RangeIndex(10, 110, 5),
}


@pytest.mark.parametrize("name", INDEXES)
@pytest.mark.parametrize("rows", [[10], [11], [14], [10, 12], [12, 15]])
def test_rows_that_follow_after_a_gap(name, rows):
    index = INDEXES[name]
    y = pd.Series(np.arange(len(index), dtype=float), index)
    known = collection_from(y[:10], missing="mask")
    later = y.iloc[rows]
    if isinstance(index, pd.DatetimeIndex):  # which shows no frequency
        later.index = pd.DatetimeIndex(later.index, freq=None).as_unit("ns")
    more = collection_from(later, missing="mask", step=known.axes[0].step)
    whole = extended(known, with_gap_marked(known, more))
    n = rows[-1] + 1
    assert whole.axes[0].index.equals(index[:n])
    expected = np.isin(np.arange(n), [*range(10), *rows])
    np.testing.assert_array_equal(whole.targets, np.where(expected, y[:n], NAN))
    assert (whole.panel.values[10 : rows[0]] == 9).all()  # the last that is known


def test_series_of_a_panel_follow_after_gaps_of_their_own():
    known = collection_from(pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [4.0, 5, NAN]}, DAYS[:3]))
    later = pd.DataFrame({"b": [NAN, 7.0, 8.0], "a": [6.0, NAN, 9.0]}, DAYS[4:7])
    more = collection_from(later, missing="mask", step=known.axes[0].step)
    whole = extended(known, with_gap_marked(known, more), every=True)
    with_nan = [1, 2, 3, NAN, 6, NAN, 9, 4, 5, NAN, NAN, NAN, 7, 8]
    np.testing.assert_array_equal(whole.targets, with_nan)
    assert [axis.index[-1] for axis in whole.axes] == [DAYS[6], DAYS[6]]


@pytest.mark.parametrize(
    "index",
    [
        DAYS[2:4],
        DAYS[5:7] + pd.Timedelta("1h"),
        DAYS[5:7].tz_localize("UTC"),
        pd.RangeIndex(9, 11),
        pd.period_range("2024-01-06", periods=2, freq="D"),
    ],
)
def test_what_does_not_follow_is_left_to_be_refused(index):
    known = collection_from(A[1:3])
    more = collection_from(pd.Series([1.0, 2.0], index), missing="mask", step=known.axes[0].step)
    assert with_gap_marked(known, more) is more
    with pytest.raises(ValueError, match=r"follows what was fitted|those fitted are of"):
        extended(known, more)


@pytest.mark.parametrize(
    ("y", "match"),
    [
        (pd.Series([NAN, NAN, NAN], DAYS[:3]), "nothing but missing"),
        (long(False).assign(y=NAN), "Series .* is nothing but missing"),
        (pd.concat([A, A]), "more than once"),
        (
            pd.concat([long(True), long(True)]),
            "Series '.' of y has the time stamp .* more than once",
        ),
        (pd.Series([1.0, np.inf, 2], DAYS[:3]), "infinite at 2024-01-02"),
        (A[:0], "empty"),
        (
            pd.Series(1.0, pd.DatetimeIndex(["2024-01-01", "2024-01-07", "2024-02-19 03:00"])),
            "no regular frequency",
        ),
    ],
)
def test_what_is_refused(y, match):
    with pytest.raises(ValueError, match=match):
        collection_from(y, missing="mask")
