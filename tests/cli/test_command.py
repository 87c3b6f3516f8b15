"""The command as a process: help, exit codes, interruptions, and calls that are wrong."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import tsrnn
from tsrnn import forecasting
from tsrnn.cli import main
from tsrnn.cli.options import parser

AIRLINE = str(Path(__file__).parents[2] / "datasets" / "airline.csv")
NAMES = ["--time", "time", "--target", "y"]


def test_version_and_help(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"tsrnn {tsrnn.__version__}\n"
    for command in ("forecast", "backtest"):
        assert main([command, "--help"]) == 0
        assert f"tsrnn {command} airline.csv --time time" in capsys.readouterr().out


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
    run = python("-X", "importtime", "-m", "tsrnn", "backtest", "--help")
    assert run.returncode == 0
    assert run.stdout.startswith("usage: tsrnn backtest ")
    imported = {line.rpartition("|")[2].strip() for line in run.stderr.splitlines()}
    assert "tsrnn.cli.options" in imported
    heavy = {"numpy", "numba", "pandas", "pyarrow", "sklearn", "matplotlib", "tsrnn.forecasting"}
    assert not imported & heavy


def test_a_process_exits_with_the_code_of_main():
    run = python("-m", "tsrnn", "forecast", "no.csv", "--target", "y")
    assert run.returncode == 2
    assert run.stderr == "tsrnn forecast: error: no.csv: No such file or directory\n"


@pytest.mark.skipif(os.name != "posix", reason="pipes break otherwise elsewhere")
def test_a_reader_that_leaves_is_no_error(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    saved = tmp_path / "saved.tsrnn"
    small = ["--max-iter", "2", "--hidden-size", "4", "--n-jobs", "1", "--save", str(saved)]
    run = python(
        "-m", "tsrnn", "forecast", AIRLINE, "--target", "passengers", *small, stdout=writer
    )
    os.close(writer)
    assert run.returncode == 0
    assert re.fullmatch("(Compiling kernels .*\n)?", run.stderr)
    assert saved.exists()


@pytest.mark.parametrize("command", ["forecast", "backtest"])
@pytest.mark.parametrize(
    ("terminal", "n", "quiet", "verbose"),
    [(False, 80, [], 0), (True, 80, [], 1), (False, 2000, [], 1), (True, 2000, ["--quiet"], 0)],
)
def test_progress_for_a_terminal_and_for_long_work(
    command, terminal, n, quiet, verbose, write, monkeypatch
):
    seen = {}

    def spy(**parameters):
        seen.update(parameters)
        raise ValueError("enough")

    monkeypatch.setattr(forecasting, "RNNForecaster", spy)
    path = write(list(range(n)))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    assert main([command, path, *NAMES, *quiet]) == 2
    assert seen["verbose"] == verbose


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "tsrnn: error: the following arguments are required: COMMAND"),
        (["guess"], "tsrnn: error: argument COMMAND: invalid choice: 'guess'"),
        (["forecast", AIRLINE], "tsrnn forecast: error: the following .* required: --target"),
        (["forecast", "no.csv", "--target", "y"], "tsrnn forecast: error: no.csv: No such file"),
        (["backtest", "no.csv", "--target", "y"], "tsrnn backtest: error: no.csv: No such file"),
    ],
)
def test_wrong_calls(arguments, message, capsys):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert re.match(message, err)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--horizon", "0"], "argument --horizon: '0' is not a whole number from 1 to 1000000"),
        (["--horizon", "x"], "argument --horizon: 'x' is not a whole number from 1"),
        (["--horizon", "1000001"], "argument --horizon: '1000001' is not a whole number from 1"),
        (["--max-iter", "-1"], "argument --max-iter"),
        (["--batches-per-epoch", "0"], "argument --batches-per-epoch: '0' is not a whole number"),
        (["--lower", "low"], "argument --lower: 'low' is not a number"),
        (["--lower", "nan"], "argument --lower: 'nan' is not a number"),
        (["--lower", "inf"], "argument --lower: 'inf' is not a number"),
        (["--ended-after", "x"], "argument --ended-after: 'x' is not a whole number from 0"),
        (
            ["--season", "24,168"],
            "argument --season: '24,168' is not a number from 1 to 2147483647",
        ),
        (["--holidays", "DE", "2024-12-25"], "codes of countries go without dates and files"),
        (["--max-seconds", "0"], "argument --max-seconds: '0' is not a number of seconds above 0"),
        (["--coverage", "100"], "argument --coverage: '100' is not a percentage"),
        (["--coverage", "80", "often"], "argument --coverage: 'often' is not a percentage"),
        (["--coverage", "0"], "argument --coverage: '0' is not a percentage"),
        (["--coverage", "99.99999"], "argument --coverage: '99.99999' is not a percentage from"),
        (["--quantiles", "0%"], "argument --quantiles: '0%' is not a percentage from"),
        (["--cell", "lsmt"], "argument --cell: invalid choice: 'lsmt' (choose from 'gru', 'lstm',"),
        (["--random-state", "-1"], "argument --random-state"),
        (
            ["--random-state", str(2**32)],
            "argument --random-state: '4294967296' is not a whole number from 0",
        ),
        (["--sep", ";;"], "argument --sep: ';;' is not one character"),
        (["--sep", ""], "argument --sep: '' is not one character"),
        (["--lookback", "100"], "data.csv: column 'y' has 80 observations, but --horizon 12"),
        (["--lookback", "5", "--season", "7"], "data.csv: --lookback 5 is shorter than --season 7"),
    ],
)
def test_wrong_options(options, message, write, refused):
    line = refused("forecast", write(), *NAMES, *options)
    assert line.startswith("tsrnn forecast: error: ")
    assert message in line


@pytest.mark.parametrize("text", ["0.5%", "0.5 %", "97.5", "97.5%", "1", "1%"])
def test_percentages(text):
    arguments = parser().parse_args(["forecast", "f", "--target", "y", "--quantiles", text])
    assert arguments.quantiles == [float(text.strip(" %"))]


def test_shares_as_in_python():
    options = ["--coverage", "0.8", ".95", "90", "--quantiles", "0.07", "0.005"]
    arguments = parser().parse_args(["forecast", "f", "--target", "y", *options])
    assert arguments.coverage == [80, 95, 90]
    assert arguments.quantiles == [7, 0.5]


def test_ctrl_c_outside_training(monkeypatch, run):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(pd, "read_csv", interrupt)
    stopped = run("forecast", AIRLINE, "--time", "time", "--target", "passengers")
    assert stopped == (130, "", "tsrnn: interrupted\n")


@pytest.mark.parametrize("command", ["forecast", "backtest", "detect"])
def test_ctrl_c_in_training(command, write, monkeypatch, run, tmp_path):
    """Nothing is written: a network that is trained half would look like one that is."""
    from tsrnn.training.epochs import EpochRunner

    run_epoch, calls = EpochRunner.run_epoch, []

    def interrupt_second(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return run_epoch(*arguments)

    monkeypatch.setattr(EpochRunner, "run_epoch", interrupt_second)
    before = sorted(tmp_path.iterdir())
    save = ["--n-windows", "2"] if command == "backtest" else ["--save", tmp_path / "model"]
    files = write(), *NAMES, "--out", tmp_path / "out.csv", *save
    assert run(command, *files) == (130, "", "tsrnn: interrupted\n")
    assert len(sorted(tmp_path.iterdir())) == len(before) + 1


@pytest.mark.parametrize("options", [["--out", "out.csv"], ["--plot", "out.png"]], ids=str)
def test_ctrl_c_in_writing_leaves_files_as_they_were(options, write, monkeypatch, run, tmp_path):
    from matplotlib.figure import Figure

    def half(self, path, *_, **__):
        if path is not sys.stdout:
            Path(path).write_text("half")
            raise KeyboardInterrupt

    file, out = write(), tmp_path / options[1]
    monkeypatch.setattr(pd.DataFrame, "to_csv", half)
    monkeypatch.setattr(Figure, "savefig", half)
    for content in (None, "old"):
        if content is not None:
            out.write_text(content)
        stopped = run("forecast", file, *NAMES, options[0], out)
        assert (stopped[0], stopped[2]) == (130, "tsrnn: interrupted\n")
        assert (out.read_text() if out.exists() else None) == content
    assert sorted(tmp_path.iterdir()) == sorted([Path(file), out])
