"""Files that are read and written: kinds of time, csv and parquet, and what is wrong with them."""

import datetime
import io
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsrnn import datasets
from tsrnn.cli.reading import Layout, read_series

AIRLINE = str(Path(__file__).parents[2] / "datasets" / "airline.csv")
NAMES = ["--time", "time", "--target", "y"]
SOLD = ["--id", "shop", "--time", "day", "--target", "sold"]
DAYS = [f"{day:%Y-%m-%d}" for day in pd.date_range("2024", periods=80)]
VALUES = [str(i) for i in range(80)]


@pytest.mark.parametrize(
    ("times", "kind", "following", "options"),
    [
        (range(1900, 1980), "years", ["1980", "1981"], []),
        (np.arange(1900.0, 1980.0), "years with a point", ["1980", "1981"], []),
        (range(5, 805, 10), "steps", ["805", "815"], []),
        (
            [f"{day:%Y%m%d}" for day in pd.date_range("2024-01-01", periods=60)],
            "eight digits",
            ["2024-03-01", "2024-03-02"],
            [],
        ),
        (
            [f"{p.year}Q{p.quarter}" for p in pd.period_range("2000Q1", periods=60, freq="Q")],
            "quarters",
            ["2015Q1", "2015Q2"],
            [],
        ),
        (
            [f"Q{p.quarter}/{p.year}" for p in pd.period_range("2000Q1", periods=60, freq="Q")],
            "quarters first",
            ["2015Q1", "2015Q2"],
            [],
        ),
        (
            [f"{day:%d.%m.%Y}" for day in pd.date_range("2024-01-01", periods=60)],
            "a format",
            ["2024-03-01", "2024-03-02"],
            ["--time-format", "%d.%m.%Y"],
        ),
        (
            [str(t) for t in pd.date_range("2024-03-30", periods=60, freq="h", tz="Europe/Berlin")],
            "summer time",
            ["2024-04-01 11:00:00+00:00", "2024-04-01 12:00:00+00:00"],
            [],
        ),
        (
            [str(t) for t in pd.date_range("2024-06-30", periods=60, freq="h", tz="Europe/Berlin")],
            "one offset",
            ["2024-07-02 12:00:00+02:00", "2024-07-02 13:00:00+02:00"],
            [],
        ),
    ],
)
@pytest.mark.parametrize("panel", [False, True])
def test_kinds_of_time(times, kind, following, options, panel, write, run):
    times = list(times)
    options = ["--horizon", "2", *options, *(["--id", "one"] if panel else [])]
    y = np.sin(np.arange(len(times)))
    path = write(columns={"one": "a", "time": times, "y": y} if panel else {"time": times, "y": y})
    code, out, err = run("forecast", path, *NAMES, *options)
    assert (code, err) == (0, "")
    assert [line.split(",")[int(panel)] for line in out.splitlines()[1:]] == following, kind


def test_years_are_periods(write):
    y = read_series(write(list(range(1900, 1980))), Layout(["y"], "time"))[0]
    expected = pd.period_range("1900", "1979", freq="Y", name="time")
    pd.testing.assert_index_equal(y.index, expected)


def test_rows_in_another_order_give_the_same(write, run):
    values = np.sin(np.arange(80.0))
    first = run("forecast", write(DAYS, values), *NAMES)
    assert run("forecast", write(DAYS[::-1], values[::-1]), *NAMES) == first


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("header_end", ["", ","])
def test_a_comma_at_the_end_of_rows_shifts_no_column(header_end, write, run):
    path = Path(write())
    wanted = run("forecast", path, *NAMES)
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header + header_end, *(f"{row}," for row in rows)]))
    assert run("forecast", path, *NAMES) == wanted


def test_a_tab_may_be_typed(write, run):
    assert run("forecast", write(sep="\t"), *NAMES, "--sep", "\\t") == run(
        "forecast", write(), *NAMES
    )


# Parquet


@pytest.fixture
def arrow():
    return pytest.importorskip("pyarrow")


@pytest.mark.parametrize("name", ["data.parquet", "data.PQ"])
def test_parquet_in_and_out(name, arrow, shops, write, run, tmp_path):
    _, out, _ = run("forecast", write(columns=shops), *SOLD)
    table = tmp_path / "forecast.pq"
    path = write(columns=shops, name=name)
    assert run("forecast", path, *SOLD, "--out", table) == (0, "", "")
    wanted = pd.read_csv(
        io.StringIO(out), dtype={"shop": str}, keep_default_na=False, parse_dates=["day"]
    )
    written = pd.read_parquet(table)
    pd.testing.assert_frame_equal(written, wanted, rtol=1e-8, check_dtype=False)
    assert written["shop"].dtype == shops["shop"].dtype
    assert pd.api.types.is_datetime64_dtype(written["day"])


def test_parquet_of_a_backtest(arrow, write, run, tmp_path, small):
    from tsrnn import backtest

    path = write(list(range(1900, 1980)), name="data.parquet")
    table, errors = tmp_path / "all.parquet", tmp_path / "errors.pq"
    options = ["--horizon", "6", "--out", table, "--metrics", errors]
    code, _, _ = run("backtest", path, *NAMES, *options)
    assert code == 0
    y = read_series(path, Layout(["y"], "time"))[0]
    result = backtest(small(horizon=6), y, refit=False, coverage=[0.8, 0.95])
    written = pd.read_parquet(table)
    assert written["cutoff"].tolist() == result.to_pandas()["cutoff"].dt.year.tolist()
    pd.testing.assert_series_equal(written["RNNForecaster"], result.to_pandas()["RNNForecaster"])
    written = pd.read_parquet(errors).set_index("forecaster")
    pd.testing.assert_frame_equal(written, result.metrics(), check_names=False)


def test_times_that_pandas_put_into_the_index(arrow, tmp_path):
    y = datasets.load_airline()
    path = tmp_path / "airline.parquet"
    y.to_frame().to_parquet(path)
    read = read_series(str(path), Layout(["passengers"], "time"))[0]
    pd.testing.assert_series_equal(read, y, check_freq=False, check_dtype=False)


@pytest.mark.parametrize(
    ("kind", "following"),
    [
        (pd.date_range("2024", periods=80), pd.Timestamp("2024-03-21")),
        (pd.date_range("2024", periods=80).date, pd.Timestamp("2024-03-21")),
        (
            pd.date_range("2024", periods=80, freq="h", tz="Europe/Berlin"),
            pd.Timestamp("2024-01-04 08:00", tz="Europe/Berlin"),
        ),
        (pd.period_range("2000", periods=80, freq="M"), "2006-09"),
        (pd.period_range("2000", periods=80, freq="Q"), "2020Q1"),
        (np.arange(80, dtype="int16"), 80),
    ],
)
def test_kinds_of_time_in_parquet(kind, following, arrow, write, run, tmp_path):
    path, table = write(kind, name="data.parquet"), tmp_path / "out.parquet"
    assert run("forecast", path, *NAMES, "--horizon", "1", "--out", table) == (0, "", "")
    assert pd.read_parquet(table)["time"].tolist() == [following]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([3, 1], [3, 1]),
        (pd.Categorical(["b", "a"]), ["b", "a"]),
        ([datetime.date(2024, 1, 2), datetime.date(2024, 1, 1)], ["2024-01-02", "2024-01-01"]),
        ([[2], [1]], ["[2]", "[1]"]),
    ],
)
def test_names_of_series_in_parquet(labels, expected, arrow, write, run, tmp_path):
    days, values = pd.date_range("2024", periods=80), np.sin(np.arange(80))
    labels = pd.Series(labels).repeat(40).reset_index(drop=True)
    columns = {"shop": labels, "day": [*days[:40]] * 2, "sold": values}
    path, table = write(columns=columns, name="data.parquet"), tmp_path / "out.parquet"
    where = ["--out", table, "--save", tmp_path / "saved.tsrnn"]
    assert run("forecast", path, *SOLD, "--horizon", "1", *where) == (0, "", "")
    assert pd.read_parquet(table)["shop"].tolist() == expected


@pytest.mark.parametrize(
    ("column", "cells", "message"),
    [
        ("y", pd.date_range("2024", periods=80), "holds '2024-01-01 00:00:00' in data row 1 (ser"),
        ("y", [True] * 80, "'y' holds 'True' in data row 1 (series '3'), which is not a number; "),
        (
            "y",
            [1.0] * 79 + [None],
            "parquet: column 'y' is empty in data row 80 (series '3') (--missing mask",
        ),
        ("time", [[1]] * 80, "'time' holds '[1]' in data row 1 (series '3'), which is not a time"),
        ("time", [*DAYS[:-1], ""], "column 'time' is empty in data row 80 (series '3')"),
        ("shop", [3] * 79 + [None], "column 'shop' is empty in data row 80\n"),
    ],
)
def test_bad_cells_of_parquet(column, cells, message, arrow, write, refused):
    columns = {"shop": 3, "time": DAYS, "y": np.arange(80.0)} | {column: cells}
    path = write(columns=columns, name="data.parquet")
    assert message in refused("forecast", path, *NAMES, "--id", "shop")


@pytest.mark.parametrize("content", [b"", b"time,y\n1,2\n", b"PAR1" + bytes(20) + b"PAR1"])
def test_files_that_are_no_parquet(content, arrow, tmp_path, refused):
    path = tmp_path / "odd.parquet"
    path.write_bytes(content)
    line = refused("forecast", path, *NAMES)
    assert f"error: {path}: no parquet file that can be read: " in line


def test_columns_of_parquet_that_are_not_there_or_twice(arrow, write, tmp_path, refused):
    import pyarrow.parquet

    path = write(name="data.parquet")
    line = refused("forecast", path, "--time", "day", "--target", "y")
    assert f"{path}: no column 'day'; there are: time, y" in line
    twice = tmp_path / "twice.parquet"
    pyarrow.parquet.write_table(arrow.table([[1], [2]], names=["y", "y"]), twice)
    assert "several columns 'y'" in refused("forecast", twice, "--target", "y")


@pytest.mark.parametrize("options", [[], ["--out", "x.parquet"]])
def test_parquet_without_pyarrow(options, write, monkeypatch, refused):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    path = write()
    if not options:
        path = os.path.splitext(path)[0] + ".parquet"
        Path(path).touch()
    line = refused("forecast", path, *NAMES, *options)
    assert line == "tsrnn forecast: error: parquet files need pyarrow: pip install pyarrow\n"


# What is wrong with a file


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target", "y"], "airline.csv: no column 'y'; there are: time, passengers"),
        (["--target", "passengers", "--time", "ds"], "airline.csv: no column 'ds'; there are:"),
        (["--target", "passengers", "--id", "who"], "airline.csv: no column 'who'; there are:"),
        (["--target", "passengers", "y"], "airline.csv: no column 'y'; there are:"),
        (["--target", "time", "--time", "time"], "--time and --target name the same column 'time'"),
        (["--target", "y", "--time", "time", "--id", "time"], "--time and --id name the same"),
        (["--target", "y", "y"], "airline.csv: --target name the same column 'y' twice"),
        (["--target", "a", "b", "--id", "c"], "--id c goes with one --target, here are 2"),
    ],
)
def test_wrong_columns(options, message, refused):
    assert message in refused("forecast", AIRLINE, *options)


@pytest.mark.parametrize(
    ("times", "values", "message"),
    [
        (
            DAYS,
            [*VALUES[:5], "", *VALUES[6:]],
            "data.csv: column 'y' is empty in data row 6 (--missing mask",
        ),
        (
            DAYS,
            [*VALUES[:-1], "NA"],
            "data.csv: column 'y' is empty in data row 80 (--missing mask",
        ),
        (DAYS, [*VALUES[:5], "low", *VALUES[6:]], "column 'y' holds 'low' in data row 6, which is"),
        (DAYS, ["a"] * 80, "holds 'a' in data row 1, which is not a number; 79 more like it"),
        (DAYS, [*VALUES[:5], "inf", *VALUES[6:]], "'y' holds 'inf' in data row 6, which is inf"),
        (DAYS, ["1e200"] * 80, "data.csv: column 'y' is beyond 1e+150 at 2024-01-01"),
        (DAYS[:9] + DAYS[10:], VALUES[1:], "csv: column 'y' has a gap: 2024-01-10 is missing"),
        (
            DAYS[:9] + DAYS[8:-1],
            VALUES,
            "column 'time' holds '2024-01-09' in data row 10, for the second time",
        ),
        ([*DAYS[:9], "", *DAYS[10:]], VALUES, "column 'time' is empty in data row 10\n"),
        (
            [*DAYS[:9], "soon", *DAYS[10:]],
            VALUES,
            "'soon' in data row 10, which is not a time stamp like 2024-01-01 (see --time-format)",
        ),
        (["soon", *DAYS[1:]], VALUES, "'soon' in data row 1, which is not a time stamp (see"),
        (["True"] * 80, VALUES, "'True' in data row 1, which is not a time stamp (see"),
        ([i / 2 for i in range(80)], VALUES, "column 'time' holds '0.5' in data row 2, which is"),
        ([], [], "data.csv: there are no rows of data"),
    ],
)
@pytest.mark.parametrize("command", ["forecast", "backtest"])
def test_bad_data(command, times, values, message, write, refused):
    line = refused(command, write(list(times), list(values)), *NAMES)
    assert line.startswith(f"tsrnn {command}: error: ")
    assert message in line


@pytest.mark.parametrize(
    ("row", "column", "cell", "message"),
    [
        (75, "sold", "", "column 'sold' is empty in data row 76 (series 'NA')"),
        (75, "sold", "low", "column 'sold' holds 'low' in data row 76 (series 'NA'), which is"),
        (75, "day", "", "column 'day' is empty in data row 76 (series 'NA')"),
        (75, "day", "soon", "column 'day' holds 'soon' in data row 76 (series 'NA'), which is not"),
        (75, "day", "2024-01-06", "'2024-01-06' in data row 76 (series 'NA'), for the second time"),
        (75, "shop", "", "column 'shop' is empty in data row 76\n"),
        (75, "sold", None, "data.csv: Series 'NA' has a gap: 2024-01-11 is missing"),
    ],
)
def test_bad_data_of_a_panel_names_the_series(row, column, cell, message, shops, write, refused):
    if cell is None:
        bad = shops.drop(index=row)
    else:
        bad = shops.assign(day=shops["day"].astype(str)).astype(object)
        bad.loc[row, column] = cell
    assert message in refused("forecast", write(columns=bad), *SOLD)


def test_a_short_series_of_a_panel_is_named(shops, write, refused):
    path = write(columns=shops[:75])
    line = refused("forecast", path, *SOLD, "--lookback", "7", "--short", "raise")
    assert f"{path}: Series 'NA' has 5 observations" in line
    assert "use --short pad or 'naive'" in line


@pytest.mark.filterwarnings("always:.*series has fewer values")
def test_short_series_of_a_panel_and_those_that_ended(shops, write, run):
    path = write(columns=shops[:75])  # NA has five days, long before the end of the other
    quick = ["--lookback", "7", "--max-iter", "1", "--hidden-size", "4"]
    code, out, err = run("forecast", path, *SOLD, *quick)
    assert (code, {line[: line.find(",")] for line in out.splitlines()[1:]}) == (0, {"007", "NA"})
    assert "1 series has fewer values than --lookback 7, so" in err
    assert "(--short pad): 'NA'" in err
    for options in (["--ended-after", "3"], ["--short", "drop"]):
        code, out, _ = run("forecast", path, *SOLD, *quick, *options)
        assert (code, {line[: line.find(",")] for line in out.splitlines()[1:]}) == (0, {"007"})


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["", "1", "", *VALUES[3:]], "data.csv: column 'b' is empty in data row 3 (--missing mask"),
        ([""] * 80, "data.csv: column 'b' is empty in data row 1; 79 more like it\n"),
        ([*VALUES[:-1], "low"], "data.csv: column 'b' holds 'low' in data row 80, which is not"),
    ],
)
def test_bad_columns_among_several(cells, message, write, refused):
    path = write(columns={"time": DAYS, "a": VALUES, "b": cells})
    assert message in refused("forecast", path, "--time", "time", "--target", "a", "b")


def test_a_horizon_beyond_the_calendar(write, refused):
    path = write([f"{year}-01-01T00:00:00.000000001" for year in range(2180, 2260)])
    line = refused("forecast", path, *NAMES)
    assert line.startswith(f"tsrnn forecast: error: {path}: ")


@pytest.mark.parametrize(
    "content",
    [b"time,y\n\xff\xfe,1\n", b'time,y\n1,2\n"3,4\n', b"time,y\n1," + b"2" * 200_000],
    ids=["bytes", "quotes", "cell"],
)
def test_files_that_are_no_csv(content, tmp_path, refused):
    path = tmp_path / "odd.csv"
    path.write_bytes(content)
    assert f"{path}: no csv file that can be read: " in refused("forecast", path, *NAMES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("time,y,y\n1,2,3\n", "several columns 'y'; give each a name of its own"),
        ("time,y\n1,5,2\n", "3 cells in row 1 below a header of 2; is ',' (--sep) a decimal mark"),
    ],
)
def test_headers(content, message, tmp_path, refused):
    path = tmp_path / "odd.csv"
    path.write_text(content)
    assert f"{path}: {message}" in refused("forecast", path, *NAMES)


def test_a_blank_line_of_a_lone_column_is_an_empty_cell(tmp_path, refused):
    path = tmp_path / "lone.csv"
    path.write_text("\n".join(["y", *VALUES[:5], "", *VALUES[5:], ""]))
    assert "column 'y' is empty in data row 6 (--missing mask" in refused(
        "forecast", path, "--target", "y"
    )


# Where to write


@pytest.mark.parametrize("option", ["--out", "--plot", "--save"])
@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("no/such/file.png", "cannot write no/such/file.png: there is no directory no/such"),
        (".", "cannot write .: it is a directory"),
    ],
)
def test_where_to_write_is_checked_before_training(option, where, message, write, refused):
    assert message in refused("forecast", write(), *NAMES, option, where)


def test_nothing_is_overwritten_by_accident(write, tmp_path, refused):
    path = write()
    line = refused("forecast", path, *NAMES, "--out", tmp_path / "." / "data.csv")
    assert line.endswith("data.csv: it is a file to read\n")
    same = tmp_path / "same.png"
    line = refused("forecast", path, *NAMES, "--plot", same, "--save", same)
    assert line.endswith(f"cannot write {same}: another output has that name\n")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a FIFO is of Unix")
@pytest.mark.parametrize("command", ["forecast", "detect"])
def test_a_fifo_is_not_saved_to(command, write, tmp_path, refused):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    line = refused(command, write(), *NAMES, "--save", fifo)
    assert f"'{fifo}' is a FIFO. Give the path of a file." in line + "."
    assert fifo.is_fifo()


def test_a_file_that_may_not_be_written(write, monkeypatch, refused):
    path = write()
    monkeypatch.setattr(os, "access", lambda *_: False)
    line = refused("forecast", path, *NAMES, "--out", "x.csv")
    assert line.endswith("cannot write x.csv: permission denied\n")


def test_pictures_of_unknown_kinds(write, refused):
    line = refused("forecast", write(), *NAMES, "--plot", "file.xyz")
    assert "--plot file.xyz: the name must end in one of" in line


def test_a_plot_without_matplotlib(write, monkeypatch, refused):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert 'pip install "tsrnn[plot]"' in refused("forecast", write(), *NAMES, "--plot", "x.png")


def test_too_few_rows_to_train_on(write, run, refused):
    path = write(list(range(1900, 1910)), VALUES[:10])
    code, out, err = run("forecast", path, *NAMES)
    assert (code, err, len(out.splitlines())) == (0, "", 13)
    message = "data.csv: column 'y' has 10 observations"
    assert message in refused("forecast", path, *NAMES, "--lookback", "12")
    assert message in refused("backtest", path, *NAMES)
