"""Windows as arrays: the rows of a slow loop, and no memory of their own."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsrnn import RNNAnomalyDetector, RNNClassifier, RNNRegressor, SlidingWindows, make_windows
from tsrnn.anomaly import PCADetector
from tsrnn.data import DataError


def naive(values, lookback, horizon, step):
    """Windows and what follows, cut out one by one."""
    X, y = [], []
    for start in range(0, len(values) - lookback - horizon + 1, step):
        present = start + lookback
        X.append(values[start:present])
        y.append(values[present : present + horizon])
    return np.array(X), np.array(y)


@given(st.integers(1, 6), st.integers(0, 4), st.integers(1, 5), st.integers(0, 12))
def test_windows_are_those_of_a_slow_loop(lookback, horizon, step, more):
    n_rows = lookback + horizon + more
    frame = pd.DataFrame(np.arange(2.0 * n_rows).reshape(n_rows, 2), columns=["a", "b"])
    X, y = make_windows(frame, lookback, horizon, step)
    expected = naive(frame.to_numpy(), lookback, horizon, step)
    np.testing.assert_array_equal(X, expected[0])
    np.testing.assert_array_equal(y, expected[1])
    assert X.shape == (len(X), lookback, 2)
    assert y.shape == (len(X), horizon, 2)


@pytest.mark.parametrize("horizon", [0, 1, 3])
@pytest.mark.parametrize("step", [1, 4])
def test_time_stamps_as_the_docstring_says(horizon, step):
    index = pd.date_range("2020", periods=30)
    days = pd.Series(index.day_of_year.to_numpy(float), index)
    X, y = make_windows(days, 5, horizon, step)
    np.testing.assert_array_equal(days.index[4::step][: len(X)].day_of_year, X[:, -1, 0])
    if horizon:
        np.testing.assert_array_equal(days.index[5::step][: len(y)].day_of_year, y[:, 0, 0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nothing_is_copied_and_nothing_can_be_written(dtype):
    array = np.arange(40, dtype=dtype).reshape(20, 2)
    frame = pd.DataFrame(array)
    for given_, values in [
        (array, array),
        (array[:, 1], array),
        (frame, frame.to_numpy()),
        (frame[1], frame[1].to_numpy()),
    ]:
        X, y = make_windows(given_, 4, 2)
        for part in (X, y):
            assert part.dtype == dtype
            assert np.shares_memory(part, values)
            assert not part.flags.writeable


def test_a_series_has_one_channel():
    X, y = make_windows(pd.Series([1, 2, 3, 4]), 2)
    assert X.dtype == np.float64
    assert X.tolist() == [[[1], [2]], [[2], [3]]]
    assert y.tolist() == [[[3]], [[4]]]


def test_frames_of_many_dtypes():
    frame = pd.DataFrame(
        {
            "a": [1, 2, 3],
            "b": [True, False, True],
            "c": pd.array([1, None, 3], dtype="Int64"),
            "d": np.array([1, np.nan, 3], "float32"),
        }
    )
    X, y = make_windows(frame, 2)
    np.testing.assert_array_equal(X[0], [[1, 1, 1, 1], [2, 0, np.nan, np.nan]])
    np.testing.assert_array_equal(y[0], [[3, 1, 3, 3]])


SERIES = pd.Series(np.arange(10.0), pd.date_range("2020", periods=10))


@pytest.mark.parametrize(
    ("frame", "params", "message"),
    [
        (SERIES, (0, 1), "lookback must be a whole number from 1 .*got 0"),
        (SERIES, (2.0, 1), "lookback must be a whole number from 1 .*got 2.0"),
        (SERIES, (True, 1), "lookback must be a whole number"),
        (SERIES, (2, -1), "horizon must be a whole number from 0 .*got -1"),
        (SERIES, (2, 1, 0), "step must be a whole number from 1 .*got 0"),
        (SERIES, (8, 3), "10 rows, and one window of lookback=8 and horizon=3 takes 11"),
        (SERIES.replace(3.0, np.inf), (2,), "Column 0 of frame is infinite in row 3"),
        (
            SERIES.replace(3.0, -np.inf).to_frame("a"),
            (2,),
            "Column 'a' of frame is infinite in row",
        ),
        (np.array([0.0, np.inf]), (1,), "Column 0 of frame is infinite in row 1"),
        (SERIES[::-1], (2,), "back in time in row 1: 2020-01-09.* after 2020-01-10"),
        (SERIES.astype(str).to_frame("a"), (2,), "Column 'a' of frame must hold real numbers"),
        (SERIES.astype(complex), (2,), "must hold real numbers, got dtype complex128"),
        (np.array(["a", "b"]), (1,), "must be a DataFrame, a Series or an array of real numbers"),
        (np.zeros((3, 3, 3)), (1,), r"got shape \(3, 3, 3\)"),
        (SERIES.to_frame()[[]], (1,), r"got shape \(10, 0\)"),
    ],
)
def test_bad_input_is_refused(frame, params, message):
    with pytest.raises(ValueError, match=message):
        make_windows(frame, *params)


def test_windows_hold_all_rows_to_the_last():
    X, y = make_windows(SERIES, 4, 0)
    assert X[-1, -1, 0] == SERIES.iloc[-1]
    assert y.shape == (7, 0, 1)
    X, y = make_windows(SERIES, 4, 6)
    assert len(X) == len(y) == 1


# Windows of several series

PANEL_TIMES = {
    "dates": pd.date_range("2024", periods=6),
    "zone": pd.date_range("2024", periods=6, tz="Europe/Paris"),
    "periods": pd.period_range("2024", periods=6, freq="M"),
    "numbers": pd.RangeIndex(6),
    "Arrow": pd.Index(pd.date_range("2024", periods=6)).astype("timestamp[us][pyarrow]"),
}


def panel(times, ids=("b", "a")):
    """Two series end to end: 0 to 5 and 100 to 105, on the same times."""
    index = pd.MultiIndex.from_product([ids, times], names=["id", "time"])
    return pd.DataFrame({"x": np.r_[0.0:6, 100:106], "z": 1.0}, index)


@pytest.mark.parametrize("times", PANEL_TIMES)
@pytest.mark.parametrize("alternate", [False, True])
@pytest.mark.parametrize("one_channel", [False, True])
def test_windows_of_a_panel_have_rows_of_one_series(times, alternate, one_channel):
    frame = panel(PANEL_TIMES[times])
    if alternate:
        frame = frame.iloc[np.arange(12).reshape(2, 6).T.ravel()]
    frame = frame["x"] if one_channel else frame
    X, y = make_windows(frame, 3, 2, 1)
    expected = [make_windows(frame.loc[[label]].to_numpy(), 3, 2, 1) for label in "ba"]
    np.testing.assert_array_equal(X, np.concatenate([windows for windows, _ in expected]))
    np.testing.assert_array_equal(y, np.concatenate([after for _, after in expected]))
    assert X[:, :, 0].tolist() == [[0, 1, 2], [1, 2, 3], [100, 101, 102], [101, 102, 103]]


def test_a_series_of_a_panel_that_is_too_short_is_named():
    with pytest.raises(DataError, match=r"Series 'a' of frame has 2 rows.* takes 5.*leave that"):
        make_windows(panel(PANEL_TIMES["dates"]).iloc[:8], 3, 2)


INDEXES_THAT_GO_BACK = {
    "dates": pd.DatetimeIndex(["2024-01-01", "2024-01-02"] * 2),
    "zone": pd.DatetimeIndex(["2024-01-01", "2024-01-02"] * 2, tz="UTC"),
    "periods": pd.PeriodIndex(["2024-01", "2024-02"] * 2, freq="M"),
    "durations": pd.TimedeltaIndex(["1h", "2h"] * 2),
    "whole numbers": pd.Index([0, 1] * 2),
    "nullable numbers": pd.Index([0, 1] * 2, dtype="Int64"),
    "Arrow numbers": pd.Index([0, 1] * 2, dtype="int64[pyarrow]"),
    "floats": pd.Index([0.0, 0.5] * 2),
    "Arrow dates": pd.DatetimeIndex(["2024-01-01", "2024-01-02"] * 2).astype("date32[pyarrow]"),
    "Arrow times": pd.DatetimeIndex(["2024-01-01", "2024-01-02"] * 2).astype(
        "timestamp[ns][pyarrow]"
    ),
    "objects": pd.Index([datetime.date(2024, 1, 1), datetime.date(2024, 1, 2)] * 2),
    "categories": pd.CategoricalIndex([0, 1] * 2),
    "texts": pd.Index(["2024-01-01", "2024-01-02"] * 2),
    "Arrow texts": pd.Index(["2024-01", "2024-02"] * 2, dtype="string[pyarrow]"),
    "backwards": pd.RangeIndex(4, 0, -1),
}


@pytest.mark.parametrize("name", INDEXES_THAT_GO_BACK)
def test_an_index_that_goes_back_is_refused(name):
    series = pd.Series(np.arange(4.0), INDEXES_THAT_GO_BACK[name])
    row = 1 if name == "backwards" else 2
    with pytest.raises(DataError, match=f"frame goes back in time in row {row}: .* comes after"):
        make_windows(series, 2)
    make_windows(series.reset_index(drop=True), 2)
    make_windows(series.set_axis(["d", "a", "c", "b"]), 2)  # names of rows are no times


def test_times_of_two_series_in_turn_are_refused():
    times = pd.date_range("2024", periods=2).repeat(2)
    for index in (times, pd.PeriodIndex(times, freq="D"), pd.Index([0, 0, 1, 1])):
        with pytest.raises(DataError, match="more than once, first again in row 1"):
            make_windows(pd.Series(np.arange(4.0), index), 2)


NAMES = pd.Index(["b", "b", "a", "a"])


@pytest.mark.parametrize("index", [NAMES, pd.CategoricalIndex(NAMES), pd.Index([True] * 4)])
def test_names_of_series_in_the_index_are_refused(index):
    series = pd.Series(np.arange(4.0), index)
    with pytest.raises(DataError, match=r"frame has .* in its index more than once.* row 1.*cross"):
        make_windows(series, 2)
    make_windows(series.reset_index(drop=True), 2)


BAD_PANELS = {
    "time first": (
        panel(PANEL_TIMES["dates"]).swaplevel(),
        "Level 1 .* must hold dates.*swaplevel",
    ),
    "time first, numbered series": (
        panel(PANEL_TIMES["dates"], (1, 2)).swaplevel(),
        "dates in level 0 .* whole numbers in level 1.*swaplevel",
    ),
    "time first, dates as objects": (
        panel([datetime.date(2024, 1, day) for day in range(1, 7)], (1, 2)).swaplevel(),
        "dates in level 0 .* whole numbers in level 1.*swaplevel",
    ),
    "three levels": (
        pd.concat({"north": panel(PANEL_TIMES["dates"])}),
        "3 levels in its index",
    ),
    "no id": (panel(PANEL_TIMES["dates"], ("a", None)), "has no id in row 6"),
    "back": (panel(PANEL_TIMES["dates"][::-1]), "goes back in time in row 1: 2024-01-05"),
    "long": (
        panel(PANEL_TIMES["dates"]).reset_index(),
        r"Column 'id' of frame must hold real numbers.*frame.set_index\(\[id, time\]\)",
    ),
}


@pytest.mark.parametrize("name", BAD_PANELS)
def test_bad_panels_are_refused(name):
    frame, message = BAD_PANELS[name]
    with pytest.raises(DataError, match=message):
        make_windows(frame, 2)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_the_columns_of_a_long_frame_are_no_channels(library):
    frame = pd.DataFrame({"unique_id": [1, 1, 2, 2], "ds": [0, 1, 0, 1], "y": np.arange(4.0)})
    if library == "polars":
        frame = pytest.importorskip("polars").DataFrame(frame.to_dict("list"))
    with pytest.raises(DataError, match=r"frame has the columns 'unique_id' and 'ds' of a long"):
        make_windows(frame, 1)
    with pytest.raises(DataError, match=r"X has the columns .*id_column='unique_id'"):
        SlidingWindows(1).fit(frame)
    for detector in (RNNAnomalyDetector(), PCADetector(window=2)):
        with pytest.raises(DataError, match=r"y has the columns .*by time_column|id_column='uni"):
            detector.fit(frame)
    for estimator in (RNNRegressor(), RNNClassifier()):
        with pytest.raises(DataError, match=r"X has the columns .*id_column='unique_id'"):
            estimator.fit(frame, [0, 1, 2, 3])
