"""The command line forecasts what the library forecasts, and complains in one line."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tsrnn
from tsrnn import RNNForecaster, cli, datasets, forecasting
from tsrnn.cli import main

AIRLINE = str(Path(__file__).parents[1] / "datasets" / "airline.csv")
SMALL = ["--max-iter", "2", "--hidden-size", "4", "--jobs", "1"]
NAMES = ["--time", "time", "--target", "y"]


@pytest.fixture
def write(tmp_path):
    """Write times and values as a csv file and give its path."""

    def write(times=None, values=None, **how):
        times = (
            [f"{day:%Y-%m-%d}" for day in pd.date_range("2024", periods=80)]
            if times is None
            else times
        )
        values = np.sin(np.arange(len(times))).round(3) if values is None else values
        path = tmp_path / "data.csv"
        pd.DataFrame({"time": times, "y": values}).to_csv(path, index=False, **how)
        return str(path)

    return write


def small(**parameters):
    return RNNForecaster(max_iter=2, hidden_size=4, n_jobs=1, **parameters)


def forecast(*arguments):
    return main(["forecast", *arguments, *SMALL])


def read_out(capsys):
    """What was printed, as a frame of text in the first column and numbers in the others."""
    out, err = capsys.readouterr()
    lines = [line.split(",") for line in out.splitlines()]
    frame = pd.DataFrame(lines[1:], columns=lines[0]).set_index(lines[0][0]).astype(float)
    return frame, err


def test_it_prints_what_the_forecaster_forecasts(capsys):
    assert forecast(AIRLINE, "--time", "time", "--target", "passengers", "--horizon", "6") == 0
    printed, err = read_out(capsys)
    fitted = small(horizon=6).fit(datasets.load_airline())
    wanted = fitted.predict_interval(coverage=[0.8, 0.95])
    wanted.insert(0, "forecast", fitted.predict())
    assert printed.columns.tolist() == wanted.columns.tolist()
    assert printed.index.name == "time"
    assert printed.index.tolist() == [str(day.date()) for day in wanted.index]
    np.testing.assert_allclose(printed, wanted, rtol=1e-6)
    assert err == ""


def test_options_reach_the_forecaster_and_files_are_written(tmp_path, capsys):
    table, plot = tmp_path / "forecast.csv", tmp_path / "forecast.PNG"
    options = ["--season", "4", "--lookback", "10", "--seed", "7", "--coverage", "50", "99.5"]
    where = ["--out", str(table), "--plot", str(plot), "--quiet"]
    assert forecast(AIRLINE, "--time", "time", "--target", "passengers", *options, *where) == 0
    assert capsys.readouterr() == ("", "")
    fitted = small(season=4, lookback=10, random_state=7).fit(datasets.load_airline())
    wanted = fitted.predict_interval(coverage=[0.5, 0.995])
    wanted.insert(0, "forecast", fitted.predict())
    written = pd.read_csv(table, index_col="time", parse_dates=True)
    pd.testing.assert_frame_equal(
        written, wanted, rtol=1e-6, check_freq=False, check_index_type=False
    )
    assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("times", "kind", "following", "options"),
    [
        (range(1900, 1980), "years", ["1980", "1981"], []),
        (range(5, 805, 10), "steps", ["805", "815"], []),
        ([f"{day:%Y%m%d}" for day in pd.date_range("2024-01-01", periods=60)], "eight digits",
         ["2024-03-01", "2024-03-02"], []),
        ([f"{p.year}Q{p.quarter}" for p in pd.period_range("2000Q1", periods=60, freq="Q")],
         "quarters", ["2015Q1", "2015Q2"], []),
        ([f"{day:%d.%m.%Y}" for day in pd.date_range("2024-01-01", periods=60)], "a format",
         ["2024-03-01", "2024-03-02"], ["--time-format", "%d.%m.%Y"]),
        ([str(t) for t in pd.date_range("2024-03-30", periods=60, freq="h", tz="Europe/Berlin")],
         "summer time", ["2024-04-01 11:00:00+00:00", "2024-04-01 12:00:00+00:00"], []),
        ([str(t) for t in pd.date_range("2024-06-30", periods=60, freq="h", tz="Europe/Berlin")],
         "one offset", ["2024-07-02 12:00:00+02:00", "2024-07-02 13:00:00+02:00"], []),
    ],
)  # fmt: skip
def test_kinds_of_time(times, kind, following, options, write, capsys):
    assert forecast(write(list(times)), *NAMES, "--horizon", "2", *options) == 0
    printed, err = read_out(capsys)
    assert printed.index.tolist() == following, kind
    assert err == ""


def test_rows_are_numbered_where_no_time_is_given(write, capsys):
    path = write(sep=";")
    assert forecast(path, "--target", "y", "--horizon", "2", "--sep", ";") == 0
    printed, _ = read_out(capsys)
    assert printed.index.name == "row"
    assert printed.index.tolist() == ["81", "82"]


def test_rows_in_another_order_give_the_same(write, capsys):
    times = [f"{day:%Y-%m-%d}" for day in pd.date_range("2024", periods=80)]
    values = np.sin(np.arange(80.0))
    forecast(write(times, values), *NAMES)
    sorted_out = capsys.readouterr().out
    forecast(write(times[::-1], values[::-1]), *NAMES)
    assert capsys.readouterr().out == sorted_out


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("header_end", ["", ","])
def test_a_comma_at_the_end_of_rows_shifts_no_column(header_end, write, capsys):
    path = Path(write())
    forecast(str(path), *NAMES)
    wanted = capsys.readouterr().out
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header + header_end, *(f"{row}," for row in rows)]))
    assert forecast(str(path), *NAMES) == 0
    assert capsys.readouterr().out == wanted


def test_years_are_periods(write):
    path = write(list(range(1900, 1980)))
    y = cli._read_series(cli._parser().parse_args(["forecast", path, *NAMES]))
    expected = pd.period_range("1900", "1979", freq="Y", name="time")
    pd.testing.assert_index_equal(y.index, expected)


@pytest.mark.parametrize(
    ("terminal", "n", "quiet", "verbose"),
    [(False, 80, [], 0), (True, 80, [], 1), (False, 2000, [], 1), (True, 2000, ["--quiet"], 0)],
)
def test_progress_for_a_terminal_and_for_long_work(
    terminal, n, quiet, verbose, write, monkeypatch, capsys
):
    seen = {}

    class Spy:
        def __init__(self, **parameters):
            seen.update(parameters)

        def fit(self, y):
            raise ValueError("enough")

    monkeypatch.setattr(forecasting, "RNNForecaster", Spy)
    path = write(list(range(n)))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    assert forecast(path, *NAMES, *quiet) == 2
    assert seen["verbose"] == verbose


def complaint(capsys):
    """The one line on standard error, when nothing else was printed."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("\n")
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "tsrnn: error: the following arguments are required: COMMAND"),
        (["guess"], "tsrnn: error: argument COMMAND: invalid choice: 'guess'"),
        (["forecast", AIRLINE], "tsrnn forecast: error: the following .* required: --target"),
        (["forecast", "no.csv", "--target", "y"], "tsrnn forecast: error: no.csv: No such file"),
        (["forecast", AIRLINE, "--target", "y"], "has no column 'y'; it has: time, passengers"),
        (["forecast", AIRLINE, "--target", "passengers", "--time", "ds"], "has no column 'ds'"),
        (["forecast", AIRLINE, "--target", "time", "--time", "time"], "the same column 'time'"),
    ],
)
def test_wrong_calls(arguments, message, capsys):
    assert main(arguments) == 2
    line = complaint(capsys)
    assert re.search(message, line)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--horizon", "0"], "argument --horizon: '0' is not a whole number from 1"),
        (["--horizon", "x"], "argument --horizon: 'x' is not a whole number from 1"),
        (["--max-iter", "-1"], "argument --max-iter"),
        (["--coverage", "100"], "argument --coverage: '100' is not a percentage"),
        (["--coverage", "80", "often"], "argument --coverage: 'often' is not a percentage"),
        (["--seed", "-1"], "random_state"),
        (["--lookback", "100"], "column 'y' has 80 observations, but horizon=12"),
        (["--out", "no/such/file.csv"], "cannot write no/such/file.csv: there is no directory"),
        (["--out", "."], "cannot write .: it is a directory"),
        (["--plot", "no/such/file.png"], "cannot write no/such/file.png: there is no directory"),
        (["--plot", "file.xyz"], "--plot file.xyz: the name must end in one of"),
    ],
)
def test_wrong_options(options, message, write, capsys):
    assert forecast(write(), *NAMES, *options) == 2
    line = complaint(capsys)
    assert line.startswith("tsrnn forecast: error: ")
    assert message in line


@pytest.mark.parametrize(
    "options", [["--out", "no/such/file.csv"], ["--plot", "no/x.png"], ["--plot", "x.xyz"]]
)
def test_where_to_write_is_checked_before_training(options, write, monkeypatch, capsys):
    monkeypatch.setattr(cli, "_fit", lambda *_: pytest.fail("trained for nothing"))
    assert forecast(write(), *NAMES, *options) == 2
    complaint(capsys)


DAYS = [f"{day:%Y-%m-%d}" for day in pd.date_range("2024", periods=80)]
VALUES = [str(i) for i in range(80)]


@pytest.mark.parametrize(
    ("times", "values", "message"),
    [
        (DAYS, [*VALUES[:5], "", *VALUES[6:]], "column 'y' is missing (NaN) at 2024-01-06"),
        (DAYS, [*VALUES[:5], "low", *VALUES[6:]], "column 'y' holds 'low' in row 6 below the"),
        (DAYS, ["a"] * 80, "holds 'a' in row 1 below the header, which is not a number, and so do"),
        (DAYS, [*VALUES[:5], "inf", *VALUES[6:]], "column 'y' is infinite at 2024-01-06"),
        (DAYS[:9] + DAYS[10:], VALUES[1:], "column 'y' has a gap: 2024-01-10 is missing"),
        (DAYS[:9] + DAYS[8:-1], VALUES, "has the time stamp 2024-01-09 more than once"),
        ([*DAYS[:9], "", *DAYS[10:]], VALUES, "column 'time' is empty in row 10 below the header"),
        ([*DAYS[:9], "soon", *DAYS[10:]], VALUES, "'soon' in row 10 below the header, which is not "
         "a time stamp as '2024-01-01' is"),
        ([i / 2 for i in range(80)], VALUES, "holds '0.5' in row 2 below the header"),
        (range(1900, 1910), VALUES[:10], "has 10 observations"),
        ([], [], "has no rows below its header"),
    ],
)  # fmt: skip
def test_bad_data(times, values, message, write, capsys):
    assert forecast(write(list(times), list(values)), *NAMES) == 2
    line = complaint(capsys)
    assert line.startswith("tsrnn forecast: error: ")
    assert message in line


@pytest.mark.parametrize("content", [b"", b"time,y\n\xff\xfe,1\n", b'time,y\n1,2\n"3,4\n'])
def test_files_that_are_no_csv(content, tmp_path, capsys):
    path = tmp_path / "odd.csv"
    path.write_bytes(content)
    assert forecast(str(path), *NAMES) == 2
    assert f"{path} is no csv file that can be read: " in complaint(capsys)


def test_a_plot_without_matplotlib(write, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert forecast(write(), *NAMES, "--plot", "x.png") == 2
    assert 'pip install "tsrnn[plot]"' in complaint(capsys)


def test_ctrl_c_outside_training(write, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(pd, "read_csv", interrupt)
    assert forecast(AIRLINE, *NAMES) == 130
    assert complaint(capsys) == "tsrnn: interrupted\n"


@pytest.mark.filterwarnings("default")
def test_ctrl_c_in_training_forecasts_by_the_weights_so_far(write, monkeypatch, capsys):
    from tsrnn.training import epochs

    calls = []
    run_models = epochs.run_models  # which judges the weights after each epoch

    def interrupt_third(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return run_models(*arguments)

    monkeypatch.setattr(epochs, "run_models", interrupt_third)
    assert forecast(write(), *NAMES) == 0
    printed, err = read_out(capsys)
    assert len(printed) == 12
    assert err.startswith("tsrnn: warning: Training was interrupted; the weights of epoch 1 are")
    assert err.count("\n") == 1


def test_version_and_help(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"tsrnn {tsrnn.__version__}\n"
    assert main(["forecast", "--help"]) == 0
    assert "tsrnn forecast airline.csv --time time" in capsys.readouterr().out


def python(*arguments, stdout=subprocess.PIPE):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run(
        [sys.executable, *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        check=False,
    )


def test_help_is_instant_as_it_imports_nothing_heavy():
    run = python("-X", "importtime", "-m", "tsrnn", "--help")
    assert run.returncode == 0
    assert run.stdout.startswith("usage: tsrnn ")
    imported = {line.rpartition("|")[2].strip() for line in run.stderr.splitlines()}
    assert "tsrnn.cli" in imported
    assert not imported & {"numpy", "numba", "pandas", "sklearn", "matplotlib", "tsrnn.forecasting"}


def test_a_process_exits_with_the_code_of_main():
    run = python("-m", "tsrnn", "forecast", "no.csv", "--target", "y")
    assert run.returncode == 2
    assert run.stderr == "tsrnn forecast: error: no.csv: No such file or directory\n"


@pytest.mark.skipif(os.name != "posix", reason="pipes break otherwise elsewhere")
def test_a_reader_that_leaves_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    run = python(
        "-m", "tsrnn", "forecast", AIRLINE, "--target", "passengers", *SMALL, stdout=writer
    )
    os.close(writer)
    assert (run.returncode, run.stderr) == (0, "")


def test_decimal_commas_in_a_comma_file_are_refused(tmp_path, capsys):
    file = tmp_path / "commas.csv"
    rows = [f"{stamp:%Y-%m-%d},{k},5" for k, stamp in enumerate(datasets.load_airline().index)]
    file.write_text("\n".join(["time,passengers", *rows]))
    assert main(["forecast", str(file), "--time", "time", "--target", "passengers"]) == 2
    assert "3 cells in row 1 below a header of 2" in capsys.readouterr().err
