"""``tsrnn backtest`` finds what the library's backtest finds."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsrnn import backtest, datasets

pytestmark = pytest.mark.slow

AIRLINE = str(Path(__file__).parents[2] / "datasets" / "airline.csv")
FLOWN = ["--time", "time", "--target", "passengers"]
SOLD = ["--id", "shop", "--time", "day", "--target", "sold", "--horizon", "7"]


def printed(out):
    """The table on standard output, as numbers."""
    lines = [line.split() for line in out.splitlines()]
    frame = pd.DataFrame([line[1:] for line in lines[1:]], [line[0] for line in lines[1:]])
    return frame.set_axis(lines[0], axis=1).replace("-", "nan").astype(float)


@pytest.mark.parametrize("refit", [False, True])
def test_it_prints_the_errors_that_the_library_finds(refit, run, small):
    options = ["--n-windows", "3", "--step", "6", *(["--refit"] if refit else [])]
    code, out, err = run("backtest", AIRLINE, *FLOWN, *options)
    assert (code, err) == (0, "")
    result = backtest(
        small(), datasets.load_airline(), n_windows=3, step=6, refit=refit, coverage=[0.8, 0.95]
    )
    wanted = result.metrics().T
    pd.testing.assert_frame_equal(printed(out), wanted, rtol=6e-3, check_names=False)
    assert len({len(line) for line in out.splitlines()}) == 1  # aligned


def test_files_of_forecasts_and_errors(tmp_path, run, small):
    table, errors, plot = (tmp_path / name for name in ("all.csv", "errors.csv", "b.png"))
    options = ["--horizon", "6", "--coverage", "50", "--random-state", "3"]
    where = ["--out", table, "--metrics", errors, "--plot", plot]
    code, _, err = run("backtest", AIRLINE, *FLOWN, *options, *where)
    assert (code, err) == (0, "")
    forecaster = small(horizon=6, random_state=3)
    result = backtest(forecaster, datasets.load_airline(), refit=False, coverage=0.5)
    written = pd.read_csv(table, parse_dates=["cutoff", "ds"])
    pd.testing.assert_frame_equal(written, result.to_pandas(), rtol=1e-8, check_dtype=False)
    written = pd.read_csv(errors, index_col="forecaster")
    pd.testing.assert_frame_equal(written, result.metrics(), rtol=1e-8, check_names=False)
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_a_panel_and_its_picture(shops, write, run, tmp_path, small, monkeypatch):
    from tsrnn.plotting import BacktestDisplay

    drawn = []
    plot = BacktestDisplay.plot
    monkeypatch.setattr(
        BacktestDisplay,
        "plot",
        lambda self, *a, **k: drawn.append(plot(self, *a, **k)) or drawn[-1],
    )
    table, picture = tmp_path / "all.csv", tmp_path / "b.pdf"
    path = write(columns=shops)
    code, out, err = run(
        "backtest", path, *SOLD, "--n-windows", "2", "--out", table, "--plot", picture
    )
    assert (code, err) == (0, "")
    y = shops.set_index(["shop", "day"])["sold"]
    result = backtest(small(horizon=7), y, n_windows=2, refit=False, coverage=[0.8, 0.95])
    written = pd.read_csv(
        table, dtype={"unique_id": str}, keep_default_na=False, parse_dates=["cutoff", "ds"]
    )
    pd.testing.assert_frame_equal(written, result.to_pandas(), rtol=1e-8, check_dtype=False)
    wanted = result.metrics().T
    pd.testing.assert_frame_equal(printed(out), wanted, rtol=6e-3, check_names=False)
    assert [ax.get_title(loc="left") for ax in drawn[0].figure_.axes] == ["007", "NA", "kiosk"]
    assert [len(lines) for lines in drawn[0].forecast_lines_.values()] == [2, 2, 2]
    assert picture.read_bytes().startswith(b"%PDF")


def rows_printed(out, n_keys):
    """The table on standard output with a row for each group and forecaster."""
    names, keys, *lines = [line.split() for line in out.splitlines()]
    assert keys[-1] == "forecaster"
    assert len(keys) == n_keys
    frame = pd.DataFrame([line[n_keys:] for line in lines], columns=names)
    return frame.replace("-", "nan").astype(float), [line[:n_keys] for line in lines]


def test_baselines_by_name_and_fits_at_every_second_origin(run, small, tmp_path):
    errors = tmp_path / "errors.csv"
    options = ["--n-windows", "3", "--refit", "2", "--baselines", "naive", "mean", "--horizon", "3"]
    options += ["--by", "horizon", "cutoff", "--metrics", errors, "--coverage", "80"]
    code, out, err = run("backtest", AIRLINE, *FLOWN, *options)
    assert (code, err) == (0, "")
    settings = {"n_windows": 3, "refit": 2, "baselines": ["naive", "mean"], "coverage": 0.8}
    result = backtest(small(horizon=3), datasets.load_airline(), **settings)
    wanted = result.metrics(by=["horizon", "cutoff"])
    numbers, keys = rows_printed(out, 3)
    pd.testing.assert_frame_equal(numbers, wanted.reset_index(drop=True), rtol=0.05, atol=0.05)
    assert keys[:4] == [
        ["1", "1960-03-01", "RNNForecaster"],
        ["1", "1960-03-01", "naive"],
        ["1", "1960-03-01", "mean"],
        ["1", "1960-06-01", "RNNForecaster"],
    ]
    index = ["horizon", "cutoff", "forecaster"]
    written = pd.read_csv(errors, index_col=index, parse_dates=["cutoff"])
    pd.testing.assert_frame_equal(written, wanted, rtol=1e-8)


@pytest.mark.parametrize("by", ["unique_id", "shop", "kind"])
def test_errors_of_each_series_and_static_value(by, shops, write, run, small):
    about = {"shop": ["kiosk", "007", "NA"], "kind": ["a", "b", "a"]}
    static = write(columns=about, name="about.csv")
    options = ["--n-windows", "2", "--static", static, "--baselines", "--coverage", "--by", by]
    code, out, err = run("backtest", write(columns=shops), *SOLD, *options)
    assert (code, err) == (0, "")
    y, about = shops.set_index(["shop", "day"])["sold"], pd.DataFrame(about).set_index("shop")
    settings = {"n_windows": 2, "refit": False, "baselines": []}
    wanted = backtest(small(horizon=7), y, static=about, **settings).metrics(by=by)
    numbers, keys = rows_printed(out, 2)
    pd.testing.assert_frame_equal(numbers, wanted.reset_index(drop=True), rtol=0.05, atol=0.05)
    labels = ["b", "a"] if by == "kind" else ["007", "NA", "kiosk"]
    assert keys == [[label, "RNNForecaster"] for label in labels]


def test_numbers_of_any_size_are_printed_in_four_digits():
    from tsrnn.cli.writing import as_text

    rows = {"a": [0.00012344, 1e-7], "b": [123456.7, 2.0], "c": [np.inf, 1.0], "d": [0.0, np.nan]}
    lines = as_text(pd.DataFrame(rows, ["one", "two"]).T).splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["a", "0.0001234", "0.0000001"],
        ["b", "123457", "2"],
        ["c", "inf", "1.000"],
        ["d", "0", "-"],
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--n-windows", "0"], "argument --n-windows: '0' is not a whole number from 1"),
        (["--step", "half"], "argument --step: 'half' is not a whole number from 1"),
        (
            ["--n-windows", "9"],
            "data.csv: column 'y' has 80 observations, too few for --n-windows 9",
        ),
        (["--metrics", "no/such/file.csv"], "cannot write no/such/file.csv: there is no directory"),
        (["--out", "same.csv", "--metrics", "./same.csv"], "another output has that name"),
        (["--plot", "file.xyz"], "--plot file.xyz: the name must end in one of"),
        (["--save", "file.tsrnn"], "unrecognized arguments: --save"),
        (["--refit", "0"], "argument --refit: '0' is not a whole number from 1"),
        (["--baselines", "sets"], "argument --baselines: invalid choice: 'sets' (choose from 'sea"),
        (["--by", "y"], "--by y: groups are 'unique_id', 'cutoff', 'horizon', and columns of --st"),
    ],
)
def test_wrong_options(options, message, write, refused):
    line = refused("backtest", write(), "--time", "time", "--target", "y", *options)
    assert line.startswith("tsrnn")
    assert message in line


def test_a_series_that_is_too_short_is_named(shops, write, refused):
    path = write(columns=shops.drop(index=range(70, 120)))
    line = refused("backtest", path, *SOLD)
    assert "data.csv: Series 'NA' has 15 observations, too few for --n-windows 5 origins" in line
