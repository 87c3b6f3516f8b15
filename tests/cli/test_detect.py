"""``tsrnn detect`` finds what the library's detector finds."""

import io

import numpy as np
import pandas as pd
import pytest

import tsrnn
from tsrnn import RNNAnomalyDetector
from tsrnn.cli import main

pytestmark = pytest.mark.slow

NAMES = ["--time", "time", "--target", "y"]
FEW = ["--stretch", "5", "--horizon", "8"]
DAYS = pd.date_range("2024", periods=200)


def wave(seed=0, at=120):
    rng = np.random.default_rng(seed)
    y = 10 + np.sin(np.arange(200) * 2 * np.pi / 7) + 0.1 * rng.normal(size=200)
    y[at : at + 6] += 4
    return y.round(3)


Y = pd.Series(wave(), DAYS.rename("time"), name="y")


@pytest.fixture
def detector():
    """What makes the detector of ``SMALL`` and ``FEW``."""

    def detector(**parameters):
        few = {"stretch": 5, "horizon": 8, "random_state": 0}
        return RNNAnomalyDetector(max_iter=2, hidden_size=4, n_jobs=1, **few | parameters)

    return detector


@pytest.fixture
def days(write):
    """A file of one series with an event."""
    return write(columns=Y.reset_index())


def printed(out):
    """The table on standard output, as text."""
    return pd.read_fwf(io.StringIO(out), dtype=str)


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        ([], {}),
        (["--contamination", "0.05", "--season", "7"], {"contamination": 0.05, "season": 7}),
        (["--online", "--random-state", "3"], {"online": True, "random_state": 3}),
        (
            ["--season", "7", "28", "--batches-per-epoch", "2"],
            {"season": [7, 28], "batches_per_epoch": 2},
        ),
        (["--contamination", "5%", "--cell", "lstm"], {"contamination": 0.05, "cell": "lstm"}),
        (
            ["--method", "reconstruction", "--lookback", "14", "--n-estimators", "2"],
            {"method": "reconstruction", "lookback": 14, "n_estimators": 2},
        ),
    ],
)
def test_it_prints_the_events_that_the_library_finds(options, parameters, days, run, detector):
    code, out, err = run("detect", days, *NAMES, *FEW, *options)
    assert (code, err) == (0, "")
    events = detector(**parameters).fit(Y).detect(Y)
    shown = printed(out)
    columns = ["start", "end", "severity", "alarm", "seen", "expected"]
    assert list(shown) == [name for name in columns if name in events]
    assert shown["start"].tolist() == events["start"].astype(str).tolist()
    assert shown["end"].tolist() == events["end"].astype(str).tolist()
    for name in ("severity", "seen", "expected"):
        np.testing.assert_allclose(shown[name].astype(float), events[name], rtol=6e-3)
    assert len({len(line) for line in out.splitlines()}) == 1  # aligned
    assert DAYS[120] in events["start"].to_list()


@pytest.mark.parametrize("min_gap", [0, 70, "70D"])
def test_near_events_are_one_by_the_least_gap(min_gap, write, run, detector):
    y = Y + np.where(np.arange(200) // 3 == 60, 9, 0)  # 54 days after the first event
    options = ["--contamination", "0.1", "--min-gap", str(min_gap)]
    code, out, err = run("detect", write(columns=y.reset_index()), *NAMES, *FEW, *options)
    assert (code, err) == (0, "")
    events = detector(contamination=0.1).fit(y).detect(y, min_gap=min_gap)
    assert printed(out)["start"].tolist() == events["start"].astype(str).tolist()
    is_one = ((events["start"] <= DAYS[122]) & (events["end"] >= DAYS[181])).any()
    assert is_one == bool(min_gap)


def test_a_detector_is_saved(days, run, detector, tmp_path):
    path = tmp_path / "days.tsrnn"
    assert run("detect", days, *NAMES, *FEW, "--online", "--save", path)[0] == 0
    expected = detector(online=True).fit(Y)
    loaded = tsrnn.load(path)
    np.testing.assert_array_equal(loaded.score_samples(Y), expected.score_samples(Y))
    assert loaded.update(12.5).score == expected.update(12.5).score


def test_files_of_events_and_scores(days, run, detector, tmp_path):
    table, scores, plot = (tmp_path / name for name in ("events.csv", "scores.csv", "e.png"))
    where = ["--out", table, "--scores", scores, "--plot", plot]
    code, out, err = run("detect", days, *NAMES, *FEW, "--n-most", "2", *where)
    assert (code, err) == (0, "")
    fitted = detector().fit(Y)
    events = fitted.detect(Y, 2)
    assert len(printed(out)) == len(events) == 2
    written = pd.read_csv(table, parse_dates=["start", "end", "peak"])
    pd.testing.assert_frame_equal(written, events, rtol=1e-8, check_dtype=False)
    written = pd.read_csv(scores, parse_dates=["time"], index_col="time")
    pd.testing.assert_frame_equal(written, fitted.explain(Y), rtol=1e-8, check_freq=False)
    assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("targets", [["sold"], ["sold", "came"]])
def test_a_panel_of_one_or_more_channels(targets, write, run, detector, tmp_path, monkeypatch):
    from tsrnn.plotting import AnomalyDisplay

    drawn = []
    plot = AnomalyDisplay.plot
    monkeypatch.setattr(
        AnomalyDisplay, "plot", lambda self, *a, **k: drawn.append(plot(self, *a, **k)) or drawn[-1]
    )
    parts = [
        pd.DataFrame({"shop": shop, "day": DAYS, "sold": wave(k, 50 + 40 * k), "came": wave(5 + k)})
        for k, shop in enumerate(["007", "NA"])
    ]
    shops = pd.concat(parts, ignore_index=True)
    table, scores, picture = (tmp_path / name for name in ("e.csv", "s.csv", "e.pdf"))
    code, out, err = run(
        "detect",
        write(columns=shops),
        "--id",
        "shop",
        "--time",
        "day",
        "--target",
        *targets,
        *FEW,
        "--out",
        table,
        "--scores",
        scores,
        "--plot",
        picture,
    )
    assert (code, err) == (0, "")
    y = shops.set_index(["shop", "day"])[targets]
    fitted = detector().fit(y)
    events = fitted.detect(y)
    assert set(events["shop"]) == {"007", "NA"}
    assert ("channel" in events) == (len(targets) > 1)
    as_text = {"dtype": {"shop": str}, "keep_default_na": False}
    written = pd.read_csv(table, parse_dates=["start", "end", "peak"], **as_text)
    pd.testing.assert_frame_equal(written, events, rtol=1e-8, check_dtype=False)
    assert printed(out)["start"].tolist() == events["start"].astype(str).tolist()
    assert ("channel" in out) == (len(targets) > 1)
    written = pd.read_csv(
        scores, parse_dates=["day"], dtype={"shop": str}, na_values=[""], keep_default_na=False
    )
    wanted = fitted.explain(y).reset_index()
    pd.testing.assert_frame_equal(written, wanted, rtol=1e-8, check_dtype=False)
    assert drawn[0].series == events["shop"][events["severity"].idxmax()]
    assert list(drawn[0].axes_) == targets
    assert picture.read_bytes().startswith(b"%PDF")


def test_channels_of_one_series(write, run, detector):
    y = pd.DataFrame({"a": Y, "b": wave(1, 60)})
    code, out, err = run(
        "detect", write(columns=y.reset_index()), "--time", "time", "--target", "a", "b", *FEW
    )
    assert (code, err) == (0, "")
    events = detector().fit(y).detect(y)
    shown = printed(out)
    assert shown["channel"].tolist() == events["channel"].tolist()
    assert set(events["channel"]) == {"a", "b"}


def test_missing_values_are_masked(write, run, detector):
    y = Y.mask(np.arange(200) % 31 == 3).drop(DAYS[[50, 51]])
    path = write(columns=y.reset_index())
    code, out, err = run("detect", path, *NAMES, *FEW, "--missing", "mask")
    assert (code, err) == (0, "")
    events = detector(missing="mask").fit(y).detect(y)
    assert printed(out)["start"].tolist() == events["start"].astype(str).tolist()


@pytest.mark.parametrize("kind", [pd.period_range("1800", periods=200, freq="Y"), range(5, 405, 2)])
def test_parquet_of_years_and_numbers(kind, write, run, tmp_path):
    pytest.importorskip("pyarrow")
    path = write(list(kind), Y.to_numpy(), name="data.parquet")
    table, scores = tmp_path / "events.parquet", tmp_path / "scores.pq"
    code, _, _ = run("detect", path, *NAMES, *FEW, "--out", table, "--scores", scores)
    assert code == 0
    strange = [int(str(kind[k])) for k in range(120, 126)]
    assert set(pd.read_parquet(table)["start"].astype(int)) & set(strange)
    assert pd.read_parquet(scores)["time"].astype(int).tolist() == [int(str(at)) for at in kind]


@pytest.mark.parametrize("name", ["events.csv", "events.parquet"])
def test_no_events(name, write, run, tmp_path):
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    table, plot = tmp_path / name, tmp_path / "e.png"
    path = write(columns=Y.reset_index())
    little = ["--contamination", "1e-9", "--out", table, "--plot", plot]
    code, out, err = run("detect", path, *NAMES, *FEW, *little)
    assert (code, err) == (0, "")
    assert out == "no events: no score is above the threshold (--n-most tells the highest)\n"
    written = pd.read_csv(table) if name.endswith(".csv") else pd.read_parquet(table)
    assert len(written) == 0
    assert list(written)[:4] == ["start", "end", "n_points", "severity"]
    assert plot.exists()


def test_rows_are_counted_without_times(days, run):
    code, out, _ = run("detect", days, "--target", "y", *FEW)
    assert code == 0
    assert "121" in printed(out)["start"].tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--n-most", "0"], "argument --n-most: '0' is not a whole number from 1"),
        (["--contamination", "0"], "argument --contamination: '0' is not a share above 0, up to"),
        (["--contamination", "0.6"], "argument --contamination: '0.6' is not a share above 0"),
        (["--contamination", "60%"], "argument --contamination: '60%' is not a share above 0"),
        (["--contamination", "5"], "'5' is not a share above 0, up to 0.5 (or 50%)"),
        (["--cell", "attention"], "argument --cell: invalid choice: 'attention' (choose from"),
        (["--contamination", "few"], "argument --contamination: 'few' is not a share above 0"),
        (["--min-gap", "-1"], "argument --min-gap: '-1' is neither a number of points nor a time"),
        (["--min-gap", "soon"], "argument --min-gap: 'soon' is neither a number of points nor a"),
        (["--method", "guess"], "argument --method: invalid choice: 'guess'"),
        (
            ["--season", "90"],
            "column 'y' has 80 observations, and --season 90 needs 180 observations",
        ),
        (["--out", "no/such/file.csv"], "cannot write no/such/file.csv: there is no directory"),
        (["--out", "same.csv", "--scores", "./same.csv"], "another output has that name"),
        (["--plot", "file.xyz"], "--plot file.xyz: the name must end in one of"),
        (["--known", "y"], "unrecognized arguments: --known"),
    ],
)
def test_wrong_options(options, message, write, refused):
    line = refused("detect", write(), *NAMES, *options)
    assert line.startswith("tsrnn")
    assert message in line


@pytest.mark.parametrize(
    ("y", "n", "message"),
    [
        (["", *"12345678" * 10], 81, "data.csv: column 'y' is empty in data row 1 (--missing mask"),
        (["low", *"12345678" * 10], 81, "column 'y' holds 'low' in data row 1, which is not a num"),
        (range(10), 10, "data.csv: column 'y' has 10 observations, too few to learn from"),
    ],
)
def test_bad_data(y, n, message, write, refused):
    times = [f"{day:%Y-%m-%d}" for day in pd.date_range("2024", periods=n)]
    line = refused("detect", write(times, list(y)), *NAMES)
    assert line.startswith("tsrnn detect: error: ")
    assert message in line


def test_a_gap_in_time_needs_times(days, refused):
    line = refused("detect", days, "--target", "y", "--min-gap", "2h")
    assert "--min-gap is a time, and rows have whole numbers: give a number of them" in line


def test_bad_channels_and_series(write, refused):
    table = pd.DataFrame({"who": "x", "time": range(80), "a": 1.5, "b": [*range(79), None]})
    path = write(columns=table)
    line = refused("detect", path, "--time", "time", "--target", "a", "b")
    assert "data.csv: column 'b' is empty in data row 80 (--missing mask" in line
    line = refused("detect", path, "--id", "who", "--time", "time", "--target", "a", "b")
    assert "column 'b' is empty in data row 80 (series 'x') (--missing mask" in line
    mask = ["--time", "time", "--target", "a", "b", "--missing", "mask"]
    line = refused("detect", write(columns=table.assign(b="")), *mask)
    assert "data.csv: column 'b' is nothing but missing values (NaN)" in line
    short = table[:9].fillna(0)
    line = refused("detect", write(columns=short), "--id", "who", "--time", "time", "--target", "a")
    assert "data.csv: Series 'x' has 9 observations, too few to learn from" in line


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        (["peak", "time", "y"], ["--id", "peak"], "the table of events has a column 'peak' of its"),
        (["who", "score", "y"], ["--id", "who", "--time", "score"], "the table of scores has a"),
    ],
)
def test_columns_that_would_be_twice(columns, options, message, write, refused):
    table = dict(zip(columns, ("x", range(80), np.arange(80.0)), strict=True))
    assert message in refused("detect", write(columns=table), "--target", "y", *options)


def test_help(capsys):
    assert main(["detect", "--help"]) == 0
    assert "tsrnn detect nyc_taxi.csv --time time" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("terminal", "n", "quiet", "verbose"),
    [(False, 80, [], 0), (True, 80, [], 1), (False, 2000, [], 1), (True, 2000, ["--quiet"], 0)],
)
def test_progress_for_a_terminal_and_for_long_work(terminal, n, quiet, verbose, write, monkeypatch):
    seen = {}

    def spy(**parameters):
        seen.update(parameters)
        raise ValueError("enough")

    monkeypatch.setattr(tsrnn.anomaly, "RNNAnomalyDetector", spy)
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    assert main(["detect", write(list(range(n))), *NAMES, *quiet]) == 2
    assert seen["verbose"] == verbose
