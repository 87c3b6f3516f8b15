"""Times of files: the format is found where only one makes them regular, or has to be given."""

import io

import numpy as np
import pandas as pd
import pytest

from tsrnn.cli.reading import Layout, read_series

NAMES = ["--time", "time", "--target", "y"]
FEW = ["--horizon", "2"]
DAYS = pd.date_range("2018-01-01", periods=60)
MONTHS = pd.date_range("2018-01-01", periods=40, freq="MS")
HOURS = pd.date_range("2018-02-01", periods=72, freq="h")
WEEKS = pd.date_range("2018-01-01", periods=80, freq="W-MON")
KINDS = {"days": DAYS, "months": MONTHS, "hours": HOURS, "weeks": WEEKS}


def texts(times, time_format):
    return [time.strftime(time_format) for time in times]


def read(path, **how):
    return read_series(path, Layout(["y"], "time", **how))[0]


@pytest.mark.parametrize(
    ("kind", "time_format"),
    [
        *((kind, f) for kind in ("days", "months") for f in ("%d.%m.%Y", "%m/%d/%Y", "%d-%m-%y")),
        *((kind, f) for kind in ("days", "months") for f in ("%y-%m-%d", "%d%m%Y", "%y%m%d")),
        *((kind, f) for kind in ("days", "months") for f in ("%m%d%Y", "%d%m%y", "%Y%j")),
        *(("days", f) for f in ("%d-%b-%y", "%d %B %Y", "%B %d, %Y", "%Y年%m月%d日")),
        *(("months", f) for f in ("%b-%y", "%B-%y", "%y-%b", "%b %Y", "%m/%Y", "%m.%Y", "%Y/%m")),
        *(("months", f) for f in ("%m/%y", "%Y%m", "%m%Y", "%YM%m", "%d/%m/%Y %I:%M %p")),
        *(("hours", f) for f in ("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%Y%m%d%H", "%d.%m.%y %H:%M")),
        *(("hours", f) for f in ("%Y%m%d%H%M", "%Y%m%d%H%M%S", "%H:%M %d/%m/%Y")),
        *(("weeks", f) for f in ("%G-W%V", "%GW%V", "%G%V", "%d.%m.%Y")),
    ],
)
@pytest.mark.parametrize("missing", ["raise", "mask"])
def test_a_format_is_found(kind, time_format, missing, write):
    times = KINDS[kind]
    y = read(write(texts(times, time_format)), missing=missing)
    np.testing.assert_array_equal(y.index, times)


@pytest.mark.parametrize("time_format", ["%d.%m.%Y", "%m/%d/%Y", "%b-%y", "%Y%m"])
def test_a_format_is_found_of_shuffled_rows_of_several_series_with_gaps(time_format, write):
    times = np.delete(texts(MONTHS, time_format), [3, 4, 9, 20, 21, 22])
    rows = pd.DataFrame({"one": np.repeat(["b", "a"], 34), "time": [*times, *times], "y": 1.0})
    path = write(columns=rows.sample(frac=1, random_state=0))
    y = read(path, series="one", missing="mask")
    assert set(y["a"].index) == set(y["b"].index) == set(MONTHS.delete([3, 4, 9, 20, 21, 22]))


@pytest.mark.parametrize("command", ["forecast", "backtest", "detect"])
@pytest.mark.parametrize("missing", ["raise", "mask"])
@pytest.mark.parametrize(
    ("times", "message"),
    [
        (texts(DAYS[:12], "%m/%d/%Y"), "give --time-format '%m/%d/%Y' or '%d/%m/%Y'"),
        (texts(HOURS[:24], "%d.%m.%Y %H:%M"), "'%m.%d.%Y %H:%M' or '%d.%m.%Y %H:%M'"),
        (texts(DAYS[:31], "%b-%d"), "can be read in several ways: give --time-format '%b-%y'"),
        (texts(DAYS, "%b-%d"), "a day and a month without a year: add the year"),
        (texts(DAYS, "%d/%m"), "'01/01', which looks like a day and a month without a year"),
        (texts(HOURS[:24], "%H:%M"), "'00:00' in data row 1, which is not a time stamp (see --tim"),
        (
            texts(DAYS, "%A"),
            "'Monday' in data row 1, which is not a time stamp (see --time-format)",
        ),
        (["now", *texts(DAYS, "%Y-%m-%d")], "'now' in data row 1, which is not a time stamp (see"),
        (texts(DAYS, "0001-%m-%d"), "'0001-01-01' in data row 1, which is before the year 1000"),
        (["2018.0000", "2018.0833", "2018.1667"], "which is neither a time stamp nor a whole numb"),
        (["25.12.2018", "12/26/2018", "27.12.2018"], "'12/26/2018' in data row 2, which is not a"),
        (["2018-01-01", "02.01.2018"], "'02.01.2018' in data row 2, which is not a time stamp lik"),
    ],
)
def test_times_that_are_not_clear_are_refused(command, missing, times, message, write, refused):
    line = refused(command, write(times), *NAMES, "--missing", missing)
    assert "column 'time' holds " in line
    assert message in line


@pytest.mark.parametrize(
    ("times", "following"),
    [
        (range(1000, 1400, 5), [1400, 1405]),  # counts in steps, not years
        (range(1900, 2060, 2), [2060, 2062]),
        (range(11_000, 11_080), [11_080, 11_081]),
        (range(201_801, 201_881), [201_881, 201_882]),
        (range(110_000, 110_800, 10), [110_800, 110_810]),
        (range(10_101_000, 10_101_080), [10_101_080, 10_101_081]),
        (range(1_514_764_800, 1_514_764_800 + 80 * 3600, 3600), [1_515_052_800, 1_515_056_400]),
    ],
)
@pytest.mark.parametrize("name", ["data.csv", "data.parquet"])
def test_whole_numbers_stay(times, following, name, write, run):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    code, out, err = run("forecast", write(list(times), name=name), *NAMES, *FEW)
    assert (code, err) == (0, "")
    assert pd.read_csv(io.StringIO(out))["time"].tolist() == following


@pytest.mark.parametrize("first", ["1955-01-01", "1966-01-01", "1998-01-01", "2019-01-01"])
@pytest.mark.parametrize("time_format", ["%b-%y", "%m/%d/%y"])
@pytest.mark.parametrize("is_given", [False, True])
def test_years_of_two_digits_are_in_a_row(first, time_format, is_given, write):
    times = pd.date_range(first, periods=60, freq="MS")
    how = {"time_format": time_format} if is_given else {}
    y = read(write(texts(times, time_format)), missing="mask", **how)
    np.testing.assert_array_equal(y.index, times)


@pytest.mark.parametrize("command", ["forecast", "backtest", "detect"])
def test_months_without_a_separator_go_on_in_the_next_year(command, write, run, tmp_path):
    table, y = tmp_path / "table.csv", np.sin(np.arange(60.0))
    months = texts(pd.date_range("2018-01-01", periods=60, freq="MS"), "%Y%m")
    scores = ["--scores", table, "--horizon", "8", "--stretch", "5"]
    out_of = scores if command == "detect" else ["--out", table, *FEW]
    path = write(months, y)
    code, _, _ = run(command, path, *NAMES, *out_of)
    assert code == 0
    written = pd.read_csv(table)
    last = {"forecast": "2023-02-01", "backtest": "2022-12-01", "detect": "2022-12-01"}[command]
    assert written["ds" if command == "backtest" else "time"].iloc[-1] == last


def test_rows_to_come_have_the_format_of_the_others(write, run, refused):
    y, price = np.sin(np.arange(40.0)), np.cos(np.arange(42.0))
    ahead = pd.date_range("2021-05-01", periods=2, freq="MS")
    path = write(columns={"time": texts(MONTHS, "%d.%m.%Y"), "y": y, "price": price[:40]})
    rows = {"time": texts(ahead, "%d.%m.%Y"), "price": price[40:]}
    options = [*NAMES, *FEW, "--known", "price", "--future", write(columns=rows, name="next.csv")]
    code, out, err = run("forecast", path, *options)
    assert (code, err) == (0, "")
    assert pd.read_csv(io.StringIO(out))["time"].tolist() == texts(ahead, "%Y-%m-%d")
    write(columns=rows | {"time": texts(ahead, "%Y-%m-%d")}, name="next.csv")
    line = refused("forecast", path, *options)
    assert (
        "next.csv: column 'time' holds '2021-05-01' in data row 1, which is not a time st" in line
    )


@pytest.mark.parametrize(
    ("time_format", "times"),
    [("%d%m%Y", DAYS), ("%m%d%Y", DAYS), ("%b-%y", MONTHS), ("%Y%m", MONTHS), ("%G%V", WEEKS)],
)
def test_a_format_that_is_given(time_format, times, write):
    y = read(write(texts(times, time_format)), time_format=time_format)  # 01022018 keeps its zero
    np.testing.assert_array_equal(y.index, times)


@pytest.mark.parametrize("time_format", ["%b-%d", "%H:%M", "%d"])
def test_a_format_without_a_year_is_refused(time_format, write, refused):
    path = write(texts(DAYS, time_format))
    line = refused("forecast", path, *NAMES, "--time-format", time_format)
    assert f"{path}: --time-format {time_format} has no year, such as %Y" in line


def test_times_before_the_year_1000_in_parquet(write, refused):
    pytest.importorskip("pyarrow")
    times = np.arange("0001-01-01", "0001-03-01", dtype="M8[D]").astype("M8[s]")
    line = refused("detect", write(times, name="data.parquet"), *NAMES)
    assert "'0001-01-01 00:00:00' in data row 1, which is before the year 1000" in line


JITTER = pd.to_timedelta(np.random.default_rng(0).integers(-20, 20, 60), unit="s")
MIDS = pd.date_range("2018-01-01", periods=60, freq="MS") + pd.Timedelta(days=14)


@pytest.mark.parametrize(
    ("freq", "times", "expected"),
    [
        ("h", HOURS[:60] + JITTER, HOURS[:60]),
        ("h", HOURS[:60] + JITTER + pd.Timedelta(minutes=30), HOURS[:60] + pd.Timedelta("30min")),
        ("D", DAYS + JITTER, DAYS),
        ("D", DAYS + JITTER + pd.Timedelta(hours=12), DAYS),
        ("MS", MIDS, MIDS.to_period("M").to_timestamp()),
        ("MS", MIDS + pd.Timedelta(days=1), MIDS.to_period("M").to_timestamp()),
        ("ME", MIDS + pd.Timedelta(days=1), MIDS + pd.offsets.MonthEnd()),
        ("W", WEEKS, WEEKS - pd.Timedelta(days=1)),
        ("7h", HOURS[3::7], HOURS[3::7]),
        ("SMS", pd.date_range("2018", periods=60, freq="SMS") + JITTER, None),
        ("SME", pd.date_range("2018", periods=60, freq="SME") + JITTER, None),
    ],
)
@pytest.mark.parametrize("series", [None, "one"])
def test_times_are_moved_to_a_frequency(freq, times, expected, series, write):
    if expected is None:
        expected = pd.date_range("2018", periods=60, freq=freq)
    rows = pd.DataFrame({"one": "a", "time": times.astype(str), "y": 1.0})
    path = write(columns=rows.sample(frac=1, random_state=0))
    y = read(path, freq=freq, series=series).sort_index()
    np.testing.assert_array_equal(y.index.get_level_values(-1), expected)


@pytest.mark.parametrize("command", ["forecast", "backtest", "detect"])
@pytest.mark.parametrize(
    ("times", "freq", "message"),
    [
        (DAYS, "fortnight", "data.csv: --freq fortnight is no frequency such as D, 15min, W, MS,"),
        (DAYS, "-1D", "data.csv: --freq -1D is no frequency such as D"),
        (HOURS[:60], "D", "'2018-02-01 01:00:00' in data row 2, for the second time at --freq D; "),
        (range(60), "D", "--freq is for time stamps, and column 'time' holds none"),
        (range(1900, 1960), "YS", "--freq is for time stamps, and column 'time' holds none"),
    ],
)
def test_a_frequency_that_does_not_fit(command, times, freq, message, write, refused):
    path = write([str(time) for time in times])
    assert message in refused(command, path, *NAMES, f"--freq={freq}")


@pytest.mark.parametrize("command", ["forecast", "backtest", "detect"])
def test_moved_times_go_on(command, write, run, tmp_path):
    table, y = tmp_path / "table.csv", np.sin(np.arange(60.0))
    scores = ["--scores", table, "--horizon", "8", "--stretch", "5"]
    out_of = scores if command == "detect" else ["--out", table, *FEW]
    code, _, _ = run(command, write(MIDS.astype(str), y), *NAMES, "--freq", "MS", *out_of)
    assert code == 0
    last = {"forecast": "2023-02-01", "backtest": "2022-12-01", "detect": "2022-12-01"}[command]
    written = pd.read_csv(table)
    assert written["ds" if command == "backtest" else "time"].iloc[-1] == last
