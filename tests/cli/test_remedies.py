"""What errors of the command line tell to do is said in options, and helps."""

import io
import re

import numpy as np
import pandas as pd
import pytest

from tsrnn.cli.wording import in_options

pytestmark = pytest.mark.slow

NAMES = ["--time", "time", "--target", "y"]
COMMANDS = ["forecast", "backtest", "detect"]
FEW = {"forecast": ["--horizon", "2"], "backtest": ["--horizon", "2", "--n-windows", "2"]}
FEW["detect"] = ["--horizon", "8", "--stretch", "2"]
RNG = np.random.default_rng(0)
N = 60
MONTHS = pd.date_range("2018-01-01", periods=N, freq="MS")
HOURS = pd.date_range("2024-03-01", periods=N, freq="h")
CODE = re.compile(r"\by\b[. ]=?|\w=\w|asfreq|resample|early_stopping|past_covariates|n_windows")


def jittered(index, seconds):
    return index + pd.to_timedelta(RNG.integers(-seconds, seconds + 1, len(index)), "s")


def rows_of(times, is_panel):
    """The same times for one series, or for each of two."""
    y = np.sin(np.arange(len(times)) * np.pi / 6).round(3)
    one = pd.DataFrame({"time": [str(time) for time in times], "y": y})
    return pd.concat([one.assign(id="a"), one.assign(id="b")]) if is_panel else one


def without_code(line):
    """The line, if it has no code of Python beside the quoted names of columns."""
    assert not CODE.search(re.sub(r"column 'y'", "", line.partition(": error: ")[2])), line
    return line


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("is_panel", [False, True])
@pytest.mark.parametrize(
    "times",
    [
        MONTHS + pd.Timedelta("14D"),
        MONTHS + pd.Timedelta("19D 12h"),
        pd.date_range("2010-02-17", periods=N, freq="QS") + pd.Timedelta("16D"),
        pd.date_range("1960", periods=N, freq="YS") + pd.Timedelta("40D"),
        jittered(pd.date_range("2024-01-01", periods=N), 3000),
        jittered(HOURS, 200),
        jittered(HOURS + pd.Timedelta("30min"), 200),
        pd.date_range("2024-01-03", periods=N, freq="7D") + pd.to_timedelta([0, 1, 2, 1] * 15, "D"),
        jittered(pd.date_range("2024-01-01", periods=N, freq="SMS"), 3000),
    ],
    ids=["15th", "20th", "quarters", "years", "days", "hours", "half hours", "weeks", "twice"],
)
def test_irregular_times_are_mended_by_freq(command, is_panel, times, write, run):
    path = write(columns=rows_of(times, is_panel))
    options = [command, path, *NAMES, *FEW[command], *(["--id", "id"] if is_panel else [])]
    code, out, line = run(*options)
    assert (code, out) == (2, "")
    freq = re.search(r"--freq (\S+)\.\n$", without_code(line))[1]
    code, _, err = run(*options, "--freq", freq)
    assert (code, err) == (0, "")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("is_panel", [False, True])
@pytest.mark.parametrize("times", [HOURS, MONTHS, range(N), range(1900, 1960), range(0, 5 * N, 5)])
@pytest.mark.parametrize("cell", [True, False])
def test_missing_values_and_rows_are_mended_by_missing(command, is_panel, times, cell, write, run):
    rows = rows_of(times, is_panel)
    bad = rows.index % N == 20
    rows = rows.assign(y=rows["y"].mask(bad)) if cell else rows[~bad]
    options = [command, write(columns=rows), *NAMES, *FEW[command]]
    options += ["--id", "id"] if is_panel else []
    code, out, line = run(*options)
    assert (code, out) == (2, "")
    assert "--missing mask" in without_code(line)
    code, _, err = run(*options, "--missing", "mask")
    assert (code, err) == (0, "")


@pytest.mark.parametrize(
    ("command", "n", "options"),
    [
        ("forecast", 9, ["--horizon", "6", "--lookback", "6"]),
        ("forecast", 60, ["--season", "40", "--lookback", "40"]),
        ("backtest", 9, ["--horizon", "6"]),
        ("backtest", 40, ["--n-windows", "9"]),
        ("backtest", 60, ["--season", "40"]),
        ("detect", 9, []),
        ("detect", 60, ["--season", "40"]),
    ],
)
@pytest.mark.parametrize("is_panel", [False, True])
def test_short_series(command, n, options, is_panel, write, run):
    path = write(columns=rows_of(HOURS[:n], is_panel))
    options = [*options, *(["--id", "id"] if is_panel else [])]
    code, out, line = run(command, path, *NAMES, *options)
    assert (code, out) == (2, "")
    without_code(line)


def test_parameters_are_named_as_options():
    message = "n_windows=5 and step=6 with missing='mask', a shorter horizon=3.5 or more n_windows."
    wanted = "--n-windows 5 and --step 6 with --missing mask, a shorter --horizon 3.5 or more "
    wanted += "--n-windows."
    assert in_options(message) == wanted
    message = "The 'lookback' parameter of RNNForecaster must be a number, got 1."
    assert in_options(message) == "--lookback must be a number, got 1."


# Masked series


def silent(n_silent, is_panel, n=120):
    """Days of which the last were not observed, of a panel those of the first series alone."""
    rows = rows_of(pd.date_range("2024-01-01", periods=n), is_panel)
    is_silent = np.arange(len(rows)) < n
    return rows.assign(y=rows["y"].mask(is_silent & (rows.index >= n - n_silent)))


@pytest.mark.parametrize("n_silent", [5, 12, 30, 60])
@pytest.mark.parametrize("is_panel", [False, True])
@pytest.mark.parametrize("scope", ["global", "local", "fine_tuned"])
def test_a_series_that_falls_silent(n_silent, is_panel, scope, write, run):
    path = write(columns=silent(n_silent, is_panel))
    options = ["--missing", "mask", "--scope", scope, *(["--id", "id"] if is_panel else [])]
    code, out, _ = run("forecast", path, *NAMES, *options, "--quantiles", "50")
    assert code == 0
    table = pd.read_csv(io.StringIO(out))
    assert table["time"].iloc[0] == "2024-04-30"
    assert np.isfinite(table.select_dtypes("number")).all(axis=None)
    assert (table["lower_80"] < table["upper_80"]).all()


@pytest.mark.parametrize("n_silent", [5, 60, 100])
@pytest.mark.parametrize("is_panel", [False, True])
def test_anomalies_of_a_series_that_falls_silent(n_silent, is_panel, write, run):
    path = write(columns=silent(n_silent, is_panel))
    options = ["--missing", "mask", *FEW["detect"], *(["--id", "id"] if is_panel else [])]
    code, _, err = run("detect", path, *NAMES, *options)
    assert (code, err) == (0, "")


@pytest.mark.parametrize("is_panel", [False, True])
def test_a_backtest_of_a_series_that_falls_silent(is_panel, write, run):
    path = write(columns=silent(8, is_panel))
    options = ["--missing", "mask", "--horizon", "3", *(["--id", "id"] if is_panel else [])]
    code, out, err = run("backtest", path, *NAMES, *options)
    assert (code, err) == (0, "")
    assert "nan" not in out


@pytest.mark.filterwarnings("default")
def test_intervals_of_the_pretrained_network(write, run, tmp_path):
    rows = rows_of(pd.date_range("2024-01-01", periods=120), is_panel=False)
    rows = rows.assign(y=rows["y"].where(rows.index.isin([0, 1, 30, 60, 61, 62])))
    options = ["--missing", "mask", "--horizon", "6", "--quantiles", "50"]
    picture = tmp_path / "p.png"
    code, out, err = run("forecast", write(columns=rows), *NAMES, *options, "--plot", picture)
    assert code == 0
    assert "prediction intervals are the pretrained network's" in err
    names = "lower_80,upper_80,lower_95,upper_95,quantile_50"
    assert out.splitlines()[0] == f"time,forecast,{names}"
    assert picture.exists()


def test_no_intervals_are_asked_for(write, run):
    path = write(columns=rows_of(HOURS, is_panel=False))
    code, out, err = run("forecast", path, *NAMES, "--coverage", "--quantiles", "50")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "time,forecast,quantile_50"
    code, out, err = run("backtest", path, *NAMES, "--horizon", "3", "--coverage")
    assert (code, err) == (0, "")
    assert "coverage" not in out
