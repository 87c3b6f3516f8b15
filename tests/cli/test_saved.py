"""``tsrnn predict``, ``update`` and ``score``: what the library does with a saved model."""

import io

import numpy as np
import pandas as pd
import pytest

import tsrnn
from tsrnn import RNNAnomalyDetector, RNNClassifier
from tsrnn.cli import main

pytestmark = pytest.mark.slow

DAYS = pd.date_range("2024-01-01", periods=90)
LAST = 80  # rows that are fitted
SOLD = ["--id", "shop", "--time", "day", "--target", "sold"]


@pytest.fixture
def call(capsys):
    """Run a command; its exit code, standard output and error."""

    def call(*arguments):
        return main([*map(str, arguments)]), *capsys.readouterr()

    return call


def sales(shop="a", seed=0):
    rng = np.random.default_rng(seed)
    price = rng.uniform(1, 2, 90).round(2)
    sold = 30 + 5 * np.sin(np.arange(90) * 2 * np.pi / 7) - 4 * price + rng.normal(size=90)
    columns = {"shop": shop, "day": DAYS, "sold": sold.round(2), "price": price}
    return pd.DataFrame(columns | {"visitors": rng.poisson(9, 90)})


@pytest.fixture
def shops():
    return pd.concat([sales("007"), sales("NA", 1)], ignore_index=True)


def part(frame, first, end):
    return frame[frame["day"].isin(DAYS[first:end])]


@pytest.fixture
def saved(small, tmp_path):
    """Fit and save a forecaster with the columns of a file of sales."""

    def saved(y, X=None, **parameters):
        columns = {"time_column": "day", "id_column": "shop", "target_column": "sold"}
        if isinstance(y, pd.DataFrame) and "sold" not in y:  # a column a series
            columns = {}
        forecaster = small(horizon=4, **columns, **parameters).fit(y, X)
        tsrnn.save(forecaster, tmp_path / "model.tsrnn")
        return tmp_path / "model.tsrnn"

    return saved


def series_of(frame, column="sold"):
    return frame.set_index("day")[column]


def test_predict_is_that_of_the_forecaster(saved, call, tmp_path):
    path = saved(series_of(sales())[:LAST])
    picture, table = tmp_path / "p.png", tmp_path / "p.csv"
    options = ["--horizon", 3, "--coverage", 50, "--quantiles", 10, "--out", table]
    assert call("predict", "--model", path, *options, "--plot", picture) == (0, "", "")
    written = pd.read_csv(table, parse_dates=["day"], index_col="day")
    model = tsrnn.load(path)
    assert list(written) == ["forecast", "lower_50", "upper_50", "quantile_10"]
    np.testing.assert_allclose(written["forecast"], model.predict(3), rtol=1e-8)
    intervals = model.predict_interval(3, coverage=0.5)
    np.testing.assert_allclose(written[["lower_50", "upper_50"]], intervals, rtol=1e-8)
    assert written.index.equals(DAYS[LAST : LAST + 3].rename("day"))
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("form", ["levels", "long", "wide"])
def test_a_panel_in_any_form_goes_on_and_predicts(form, shops, saved, call, write):
    fitted, new = part(shops, 0, LAST), part(shops, LAST, LAST + 3)
    names = ["shop", "day", "sold"]
    tables = {
        "levels": lambda frame: frame.set_index(["shop", "day"])["sold"],
        "long": lambda frame: frame[names].reset_index(drop=True),
        "wide": lambda frame: frame.pivot_table(index="day", columns="shop", values="sold"),
    }
    path = saved(tables[form](fitted))
    wanted = tsrnn.load(path).update(tables[form](new)).predict()
    file = write(columns=(new if form != "wide" else tables["wide"](new).reset_index()))
    time = ["--time", "day"] if form == "wide" else []
    assert call("update", file, "--model", path, *time) == (0, "", "")
    code, out, err = call("predict", "--model", path, "--coverage")
    assert (code, err) == (0, "")
    names = ["unique_id", "ds"] if form == "wide" else ["shop", "day"]
    written = pd.read_csv(io.StringIO(out), dtype={names[0]: str}, keep_default_na=False)
    assert list(written) == [*names, "forecast"]
    assert written[names[0]].tolist() == ["007"] * 4 + ["NA"] * 4
    values = wanted.T.to_numpy().ravel() if form == "wide" else wanted
    values = wanted["sold"] if form == "long" else values
    np.testing.assert_allclose(written["forecast"], values, rtol=1e-8)


def test_what_forecast_has_saved_goes_on_without_names(shops, run, call, write, tmp_path):
    path = tmp_path / "shops.tsrnn"
    known, past = ["--known", "price"], ["--past", "visitors"]
    first, day = write(columns=part(shops, 0, LAST)), tmp_path / "prices.csv"
    part(shops, LAST, 90)[["shop", "day", "price"]].to_csv(day, index=False)
    options = [*SOLD, *known, *past, "--future", day, "--horizon", 3, "--save", path]
    assert run("forecast", first, *options)[0] == 0
    new = part(shops, LAST, LAST + 4)
    wanted = tsrnn.load(path).update(
        new.set_index(["shop", "day"])["sold"],
        new.set_index(["shop", "day"])[["price", "visitors"]],
    )
    code, out, err = call("update", write(columns=new, name="new.csv"), "--model", path)
    assert (code, out, err) == (0, "", "")
    code, out, err = call("predict", "--model", path, "--future", day, "--coverage")
    assert (code, err) == (0, "")
    X = shops.set_index(["shop", "day"])[["price"]]
    forecast = pd.read_csv(io.StringIO(out))["forecast"]
    np.testing.assert_allclose(forecast, wanted.predict(X=X), rtol=1e-8)
    code, _, err = call("predict", "--model", path, "--horizon", 9)
    assert code == 2
    assert "shops.tsrnn" in err
    assert "Give --future FILE with a row for each step of the horizon" in err


def test_rows_that_are_known_are_left_out(saved, call, write):
    path, frame = saved(series_of(sales())[:LAST]), sales()[["day", "sold"]]
    content = path.read_bytes()
    code, out, err = call("update", write(columns=frame[:LAST]), "--model", path)
    assert (code, out) == (0, "")
    note = "tsrnn: 80 rows up to 2024-03-20 are known, and left out: there is nothing new"
    assert err == f"{note} (--overwrite corrects known rows)\n"
    assert path.read_bytes() == content
    whole = write(columns=frame[: LAST + 2])
    for note in ("80 rows up to 2024-03-20", "82 rows up to 2024-03-22"):
        code, out, err = call("update", whole, "--model", path)
        assert (code, out) == (0, "")
        assert note in err
        assert tsrnn.load(path).cutoff_ == DAYS[LAST + 1]
    code, _, err = call("update", write(columns=frame[LAST + 3 :]), "--model", path)
    assert code == 2
    assert "column 'sold' has 2024-03-24 where 2024-03-23 follows" in err
    assert "The row of 2024-03-23 is missing: update with it first." in err
    code, _, err = call("update", write(columns=frame[LAST + 5 :]), "--model", path)
    assert code == 2
    assert "Rows from 2024-03-23 to 2024-03-25 are missing: update with these first." in err


@pytest.mark.parametrize("missing", ["raise", "mask"])
def test_corrections_overwrite_what_is_known(missing, shops, saved, call, write):
    y = shops.set_index(["shop", "day"])["sold"]
    times = y.index.get_level_values(1)
    path = saved(y[times.isin(DAYS[:LAST])], missing=missing)
    rows = shops[shops["day"].isin(DAYS[[70, 79, 80]])].copy()
    rows.loc[rows["day"] == DAYS[79], "sold"] += 20
    rows.loc[(rows["day"] == DAYS[79]) & (rows["shop"] == "NA"), "sold"] = np.nan  # keeps its value
    rows = rows.drop(rows.index[0])
    wanted = tsrnn.load(path).update(rows.set_index(["shop", "day"])["sold"], overwrite=True)
    code, out, err = call("update", write(columns=rows), "--model", path, "--overwrite")
    assert (code, out) == (0, "")
    assert err == "tsrnn: 3 rows up to 2024-03-20 are known, and overwritten\n"
    model = tsrnn.load(path)
    pd.testing.assert_series_equal(model.recent_, wanted.recent_)
    np.testing.assert_array_equal(model.predict(), wanted.predict())
    assert model.recent_["007", DAYS[79]] == y["007", DAYS[79]] + 20
    assert model.recent_["NA", DAYS[79]] == y["NA", DAYS[79]]
    assert model.recent_["NA", DAYS[80]] == y["NA", DAYS[80]]


def test_covariates_are_corrected_too(saved, call, write):
    frame = sales()
    y, X = series_of(frame), series_of(frame, ["price"])
    path = saved(y[:LAST], X)
    rows = frame[LAST - 3 : LAST + 1].copy()
    rows["price"] += 1
    new = rows.set_index("day")
    wanted = tsrnn.load(path).update(new["sold"], new[["price"]], overwrite=True)
    code, _, _ = call("update", write(columns=rows), "--model", path, "--overwrite")
    assert code == 0
    np.testing.assert_array_equal(tsrnn.load(path).predict(), wanted.predict())
    before = tsrnn.load(path).predict()
    rows.loc[LAST, "sold"] = np.nan
    code, _, _ = call("update", write(columns=rows[:-2]), "--model", path, "--overwrite")
    assert code == 0
    np.testing.assert_array_equal(tsrnn.load(path).predict(), before)


def test_corrections_that_are_refused(saved, call, write, tmp_path, run):
    path, frame = saved(series_of(sales())[:LAST]), sales()[["day", "sold"]]
    content = path.read_bytes()
    new = frame[LAST - 1 : LAST + 3].copy()
    new.loc[LAST + 1, "sold"] = np.nan
    options = ["--model", path, "--overwrite"]
    code, out, err = call("update", write(columns=new), *options)
    assert (code, out) == (2, "")
    assert "column 'sold' has no value at 2024-03-22, which is not known yet" in err
    assert "missing=" not in err
    code, out, err = call("update", write(columns=frame), *options, "--partial-fit")
    assert (code, out) == (2, "")
    assert "--overwrite trains nothing: give it without --partial-fit" in err
    assert path.read_bytes() == content
    path, rows = tmp_path / "rows.tsrnn", write(columns=frame[["sold"]])
    assert run("forecast", rows, "--target", "sold", "--zero-shot", "--save", path)[0] == 0
    code, _, err = call("update", rows, "--model", path, "--overwrite")
    assert code == 2
    assert "--overwrite needs --time: rows without times follow those known" in err


def test_static_values_of_series_that_are_new(shops, run, call, write, tmp_path):
    path, about = tmp_path / "shops.tsrnn", pd.DataFrame({"shop": ["007", "NA"], "size": [1, 2]})
    static = write(columns=about, name="about.csv")
    first = write(columns=part(shops, 0, LAST))
    options = [*SOLD, "--static", static, "--horizon", 4, "--save", path]
    assert run("forecast", first, *options)[0] == 0
    new = pd.concat([part(shops, LAST, LAST + 2), part(sales("new", 2), 0, LAST + 2)])
    file = write(columns=new, name="new.csv")
    code, _, err = call("update", file, "--model", path, "--static", static)
    assert code == 2
    assert "about.csv: no row for series 'new'" in err
    about = pd.concat([about, pd.DataFrame({"shop": ["new"], "size": [3]})])
    static = write(columns=about, name="about.csv")
    new_about = about.set_index("shop")[2:]
    wanted = tsrnn.load(path).update(new.set_index(["shop", "day"])["sold"], static=new_about)
    assert call("update", file, "--model", path, "--static", static) == (0, "", "")
    np.testing.assert_array_equal(tsrnn.load(path).predict(), wanted.predict())
    more = pd.concat([part(shops, LAST + 2, LAST + 3), part(sales("new", 2), LAST + 2, LAST + 3)])
    more = write(columns=more, name="more.csv")
    assert call("update", more, "--model", path, "--static", static) == (0, "", "")  # none is new


def test_an_updated_model_may_be_trained_and_saved_elsewhere(saved, call, write, tmp_path):
    path, other = saved(series_of(sales())[:LAST]), tmp_path / "other.tsrnn"
    content, y = path.read_bytes(), series_of(sales())[LAST:]
    file = write(columns=y.reset_index())
    options = ["--partial-fit", "--save", other]
    assert call("update", file, "--model", path, *options) == (0, "", "")
    assert path.read_bytes() == content
    wanted = tsrnn.load(path).partial_fit(y).predict()
    np.testing.assert_array_equal(tsrnn.load(other).predict(), wanted)


def test_rows_without_times_are_counted_on(run, call, write, tmp_path):
    path, y = tmp_path / "rows.tsrnn", series_of(sales()).reset_index(drop=True)
    first = write(columns=y[:LAST].to_frame())
    assert run("forecast", first, "--target", "sold", "--save", path)[0] == 0
    new = write(columns=y[LAST:].to_frame())
    assert call("update", new, "--model", path) == (0, "", "")
    assert tsrnn.load(path).cutoff_ == 90
    _, out, _ = call("predict", "--model", path, "--horizon", 1, "--coverage")
    assert out.splitlines()[1].startswith("91,")


def test_score_forecasts_the_rows_in_turn(saved, call, write, shops, tmp_path):
    y = shops.set_index(["shop", "day"])["sold"]
    times = y.index.get_level_values(1)
    path, table = saved(y[times.isin(DAYS[:LAST])]), tmp_path / "s.csv"
    file = write(columns=part(shops, 0, LAST + 6).sample(frac=1, random_state=0))
    content = path.read_bytes()
    options = ["--coverage", 80, "--out", table]
    code, out, _ = call("score", file, "--model", path, *options)
    assert code == 0
    assert path.read_bytes() == content
    model = tsrnn.load(path)
    parts = [model.predict(4), model.update(y[times.isin(DAYS[LAST : LAST + 4])]).predict(2)]
    forecast = pd.concat(parts)
    actual = y[forecast.index]
    written = pd.read_csv(table, dtype={"shop": str}, keep_default_na=False)
    written = written.assign(day=pd.to_datetime(written["day"])).set_index(["shop", "day"])
    np.testing.assert_allclose(written["forecast"][forecast.index], forecast, rtol=1e-8)
    np.testing.assert_array_equal(written["actual"][forecast.index], actual)
    errors = forecast - actual
    by_shop = {shop: errors.loc[shop] for shop in ("007", "NA")}
    scales = {}
    for shop in by_shop:
        history = y.loc[shop][:LAST].to_numpy()
        season = model.season_
        scales[shop] = np.abs(history[season:] - history[:-season]).mean()
    wanted = {
        "MAE": np.mean([error.abs().mean() for error in by_shop.values()]),
        "RMSE": np.mean([np.sqrt((error**2).mean()) for error in by_shop.values()]),
        "MASE": np.mean([by_shop[shop].abs().mean() / scales[shop] for shop in by_shop]),
        "bias": np.mean([error.mean() for error in by_shop.values()]),
        "coverage_80": written.eval("lower_80 <= actual <= upper_80").mean(),
    }
    lines = [line.split() for line in out.splitlines()[1:]]
    assert [name for name, _ in lines] == list(wanted)
    np.testing.assert_allclose([float(x) for _, x in lines], list(wanted.values()), rtol=2e-3)


def channels(n=200):
    days = pd.date_range("2024", periods=n)
    rng = np.random.default_rng(0)
    heat = 10 + np.sin(np.arange(n) * 2 * np.pi / 7) + 0.1 * rng.normal(size=n)
    heat[185:188] += 5
    speed = 50 + rng.normal(size=n)
    return pd.DataFrame({"time": days, "speed": speed.round(2), "heat": heat.round(2)})


@pytest.fixture
def detector(tmp_path):
    """Fit and save a detector."""

    def detector(y, **parameters):
        few = {"stretch": 5, "horizon": 8, "random_state": 0, "max_iter": 2, "hidden_size": 4}
        tsrnn.save(RNNAnomalyDetector(**few, **parameters).fit(y), tmp_path / "engine.tsrnn")
        return tmp_path / "engine.tsrnn"

    return detector


def test_an_update_of_a_detector_prints_its_alarms(detector, call, write, tmp_path):
    frame = channels()
    y = frame.set_index("time")
    path, table, scores = detector(y[:180], online=True), tmp_path / "a.csv", tmp_path / "s.csv"
    rows = tsrnn.load(path).update(y[180:]).to_frame()
    alarms = rows[rows["anomaly"]].drop(columns="anomaly")
    calm = write(columns=frame[170:183])
    names = ["--model", path, "--time", "time"]
    code, out, err = call("update", calm, *names)
    assert (code, out) == (0, "no alarms: no score is above the threshold\n")
    assert "10 rows up to 2024-06-28 are known, and left out" in err
    code, out, err = call(
        "update", write(columns=frame[183:]), *names, "--out", table, "--scores", scores
    )
    assert (code, err) == (0, "")
    shown = pd.read_fwf(io.StringIO(out), dtype=str)
    assert list(shown) == ["time", "score", "threshold", "channel", "seen", "expected"]
    assert shown["time"].tolist() == alarms.index.astype(str).tolist()
    assert shown["channel"][0] == "heat"
    written = pd.read_csv(table, parse_dates=["time"], index_col="time")
    pd.testing.assert_frame_equal(written, alarms, check_freq=False, check_dtype=False, rtol=1e-6)
    written = pd.read_csv(scores, parse_dates=["time"], index_col="time")
    pd.testing.assert_frame_equal(written, rows[3:], check_freq=False, check_dtype=False, rtol=1e-6)


def test_score_of_a_detector_is_detect_without_a_fit(detector, call, write, tmp_path):
    frame = channels()
    y = frame.set_index("time")
    path, table, scores = detector(y[:180]), tmp_path / "e.csv", tmp_path / "s.csv"
    options = ["--n-most", 1, "--min-gap", "3D", "--out", table, "--scores", scores]
    code, out, err = call(
        "score", write(columns=frame), "--model", path, "--time", "time", *options
    )
    assert (code, err) == (0, "")
    model = tsrnn.load(path)
    events = model.detect(y, 1, min_gap="3D")
    assert str(events["start"][0].date()) in out
    written = pd.read_csv(table, parse_dates=["start", "end", "peak"])
    pd.testing.assert_frame_equal(written, events, rtol=1e-8, check_dtype=False)
    written = pd.read_csv(scores, parse_dates=["time"], index_col="time")
    pd.testing.assert_frame_equal(written, model.explain(y), rtol=1e-8, check_freq=False)


def test_models_of_another_kind_are_refused(saved, detector, call, write, tmp_path):
    forecaster = saved(series_of(sales())[:LAST])
    frame = channels()
    file, engine = write(columns=frame), detector(frame.set_index("time")[:180])
    classifier = tmp_path / "classifier.tsrnn"
    tsrnn.save(RNNClassifier(), classifier)
    tsrnn.save(tsrnn.RNNForecaster(), tmp_path / "new.tsrnn")
    for arguments, message in [
        (["predict", "--model", engine], "holds a detector, and predict forecasts"),
        (["predict", "--model", classifier], "holds RNNClassifier, which is no forecaster and no"),
        (["predict", "--model", tmp_path / "new.tsrnn"], "holds RNNForecaster that is not fitted"),
        (["predict", "--model", tmp_path / "none.tsrnn"], "none.tsrnn: No such file"),
        (["predict", "--model", forecaster, "--future", file], "is for known covariates, and"),
        (["update", file, "--model", engine], "holds a detector that cannot be updated"),
        (["update", file, "--model", engine, "--partial-fit"], "--partial-fit is for a forecaster"),
        (
            ["update", file, "--model", forecaster, "--scores", "s.csv"],
            "--scores is for a detector",
        ),
        (["update", file, "--model", forecaster], "data.csv: no column 'day'; there are: time"),
        (["score", file, "--model", forecaster, "--n-most", 2], "--n-most is for a detector"),
        (["score", file, "--model", forecaster, "--min-gap", 0], "--min-gap is for a detector"),
        (["update", file, "--model", engine, "--overwrite"], "--overwrite is for a forecaster"),
        (["update", file, "--model", engine, "--static", file], "--static is for a forecaster"),
        (["score", file, "--model", engine], "--time is needed: "),
        (["score", file, "--model", engine, "--coverage", 50], "--coverage is for a forecaster"),
    ]:
        code, out, err = call(*arguments)
        assert (code, out) == (2, "")
        assert message in err
        assert err.count("\n") == 1


def test_options_are_called_as_parameters_and_old_names_are_noted(capsys):
    from tsrnn.cli.options import parser

    options = ["--networks", "3", "--seed", "4", "--jobs", "2", "--windows", "6"]
    arguments = parser().parse_args(["backtest", "f.csv", "--target", "y", *options])
    named = arguments.n_estimators, arguments.random_state, arguments.n_jobs, arguments.n_windows
    assert named == (3, 4, 2, 6)
    err = capsys.readouterr().err
    assert "tsrnn: warning: --networks is now called --n-estimators\n" in err
    assert err.count("warning") == 4
    arguments = parser().parse_args(["backtest", "f.csv", "--target", "y"])
    assert (arguments.n_estimators, arguments.random_state, arguments.n_windows) == (1, 0, 5)
    parser().parse_args(["generate", "f.txt", "--layers", "2", "--steps", "9"])
    assert "--steps is now called --n-steps" in capsys.readouterr().err
    assert main(["backtest", "--help"]) == 0
    assert "--networks" not in capsys.readouterr().out
