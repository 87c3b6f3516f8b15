"""What is read beside the target: the numbers of the library, and a line for what is wrong."""

import argparse
import io

import numpy as np
import pandas as pd
import pytest

import tsrnn
from tsrnn import RNNForecaster, backtest
from tsrnn.cli import arguments, forecast_options
from tsrnn.forecasting.calendar import CALENDAR

pytestmark = pytest.mark.slow

SOLD = ["--id", "shop", "--time", "day", "--target", "sold", "--horizon", "4"]
COVARIATES = ["--known", "price", "promo", "--past", "visitors"]
LONE = ["--time", "day", "--target", "sold", "--horizon", "4"]
KNOWN = {"horizon": 4, "past_covariates": ["visitors"]}


@pytest.fixture(scope="session")
def sales():
    """Sales of three shops, the later ones shorter, and four days to come of each."""
    rng, parts = np.random.default_rng(0), []
    days = pd.date_range("2024-01-01", periods=80)
    for k, shop in enumerate(["007", "NA", "kiosk"]):
        price, promo = rng.choice([1.0, 1.5, 2.0], 80), rng.choice(["none", "tv", "1"], 80)
        sold = 20 * (k + 1) - 5 * price + 3 * (promo == "tv") + rng.normal(size=80).round(2)
        columns = {"shop": shop, "day": days, "sold": sold, "price": price, "promo": promo}
        part = pd.DataFrame(columns | {"visitors": rng.poisson(100, 80)})[: 80 - 5 * k]
        part.loc[part.index[-4:], ["sold", "visitors"]] = np.nan
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="session")
def shop(sales):
    """One of them."""
    return sales[sales["shop"] == "007"].drop(columns="shop")


@pytest.fixture(scope="session")
def about():
    """What the shops are like."""
    shops = ["kiosk", "007", "NA", "other"]
    return pd.DataFrame({"shop": shops, "size": [1, 3, 2, 9], "kind": ["b", "a", "a", "c"]})


def y_and_X(sales, *names):
    """The target and the columns beside it, as the library takes them."""
    indexed = sales.set_index(list(names))
    return indexed["sold"].dropna(), indexed[["price", "promo", "visitors"]]


def same(out, wanted):
    """Whether a csv text holds the forecasts."""
    result = pd.read_csv(io.StringIO(out))
    assert result.columns.tolist()[-len(wanted.columns) :] == wanted.columns.tolist()
    np.testing.assert_allclose(result[wanted.columns], wanted, rtol=1e-7)


def predictions(fitted, quantiles=()):
    """The table of forecasts."""
    table = fitted.predict_interval(coverage=[0.8, 0.95])
    table.insert(0, "forecast", fitted.predict())
    return table.join(fitted.predict_quantiles(quantiles=quantiles)) if quantiles else table


# The numbers of the library


@pytest.mark.parametrize("name", ["data.csv", "data.parquet"])
def test_one_series(name, shop, write, run, small):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    code, out, err = run("forecast", write(columns=shop, name=name), *LONE, *COVARIATES)
    assert (code, err) == (0, "")
    same(out, predictions(small(**KNOWN).fit(*y_and_X(shop, "day"))))


def test_a_panel_with_all_there_is(sales, about, write, run, small, tmp_path):
    path = write(columns=sales.sample(frac=1, random_state=0).sort_values("shop", kind="stable"))
    static, saved = write(columns=about, name="shops.csv"), tmp_path / "saved.tsrnn"
    dates = tmp_path / "dates.txt"
    dates.write_text("2024-03-10\n\n2024-03-16\n")
    options = [
        "--static",
        static,
        "--calendar",
        "weekday",
        "day",
        "--holidays",
        "2024-01-01",
        dates,
    ]
    network = ["--scope", "fine_tuned", "--loss", "gaussian", "--n-estimators", "2"]
    where = ["--quantiles", "10", "97.5", "--save", saved, "--plot", tmp_path / "plot.png"]
    code, out, err = run("forecast", path, *SOLD, *COVARIATES, *options, *network, *where)
    assert (code, err) == (0, "")
    forecaster = small(
        calendar=["weekday", "day"],
        holidays=["2024-01-01", "2024-03-10", "2024-03-16"],
        scope="fine_tuned",
        loss="gaussian",
        n_estimators=2,
        **KNOWN,
    )
    fitted = forecaster.fit(*y_and_X(sales, "shop", "day"), about.set_index("shop"))
    same(out, predictions(fitted, [0.1, 0.975]))
    pd.testing.assert_series_equal(tsrnn.load(saved).predict(), fitted.predict())


@pytest.mark.parametrize("named", [SOLD, LONE])
def test_rows_to_come_in_a_file_of_their_own(named, sales, shop, write, run):
    whole, names = (sales, ["shop", "day"]) if named is SOLD else (shop, ["day"])
    wanted = run("forecast", write(columns=whole), *named, *COVARIATES)
    ahead = whole["sold"].isna()
    path = write(columns=whole[~ahead])
    future = write(columns=whole.loc[ahead, [*names, "promo", "price"]], name="next.csv")
    result = run("forecast", path, *named, *COVARIATES, "--future", future)
    assert result == wanted
    assert result[0] == 0


def test_several_targets_share_the_columns(shop, write, run, small):
    y = shop.set_index("day")["sold"].dropna()
    targets = pd.DataFrame({"sold": y, "more": 50 - y[:-3]})
    columns = shop.set_index("day").drop(columns="sold").join(targets)
    static = write(columns={"series": ["more", "sold"], "size": [1, 2]}, name="static.csv")
    code, out, err = run(
        "forecast",
        write(columns=columns.reset_index()),
        "--time",
        "day",
        "--target",
        "sold",
        "more",
        "--horizon",
        "4",
        *COVARIATES,
        "--static",
        static,
    )
    assert (code, err) == (0, "")
    X = columns[["price", "promo", "visitors"]]
    fitted = small(**KNOWN).fit(targets, X, pd.DataFrame({"size": [2, 1]}, ["sold", "more"]))
    result = pd.read_csv(io.StringIO(out)).set_index(["series", "day"])["forecast"]
    wanted = fitted.predict()
    for name in targets:
        np.testing.assert_allclose(result[name], wanted[name].dropna(), rtol=1e-7)


def test_rows_without_times(shop, write, run, small):
    columns = shop.rename(columns={"price": "ds", "promo": "unique_id"}).drop(columns="day")
    beside = ["--known", "ds", "unique_id"]
    code, out, err = run("forecast", write(columns=columns), *SOLD[4:], *beside)
    assert (code, err) == (0, "")
    y, X = columns["sold"].dropna(), columns[["ds", "unique_id"]]
    same(out, predictions(small(horizon=4, time_column="time").fit(y, X)))


def test_what_is_missing_may_be_masked(sales, write, run, small):
    holed = sales.copy()
    holed.loc[[20, 100, 160], "price"] = holed.loc[[30, 75, 110], "promo"] = np.nan
    holed.loc[[25, 120], "visitors"] = holed.loc[[26, 121], "sold"] = np.nan
    holed = holed.drop(index=[40, 130])
    path = write(columns=holed)
    code, out, err = run("forecast", path, *SOLD, *COVARIATES, "--missing", "mask")
    assert (code, err) == (0, "")
    lasts = sales["sold"].notna()
    y = holed[lasts.reindex(holed.index)].set_index(["shop", "day"])["sold"]
    same(out, predictions(small(missing="mask", **KNOWN).fit(y, y_and_X(holed, "shop", "day")[1])))


@pytest.mark.parametrize("refit", [False, True])
def test_a_backtest(refit, sales, about, write, run, small, tmp_path):
    table = tmp_path / "all.csv"
    beside = [
        *COVARIATES,
        "--static",
        write(columns=about, name="shops.csv"),
        "--calendar",
        "weekday",
    ]
    options = ["--n-windows", "2", "--quantiles", "10", "--out", table, *["--refit"] * refit]
    code, _, err = run("backtest", write(columns=sales), *SOLD, *beside, *options)
    assert (code, err) == (0, "")
    result = backtest(
        small(calendar=["weekday"], **KNOWN),
        *y_and_X(sales, "shop", "day"),
        about.set_index("shop"),
        n_windows=2,
        refit=refit,
        coverage=[0.8, 0.95],
        quantiles=[0.1],
    ).to_pandas()
    written = pd.read_csv(table, dtype={"unique_id": str}, keep_default_na=False)
    assert written.columns.tolist() == result.columns.tolist()
    np.testing.assert_allclose(written[result.columns[3:]], result[result.columns[3:]], rtol=1e-7)


def test_names_are_those_of_the_library():
    assert set(forecast_options.CALENDAR) == set(CALENDAR)
    (losses,) = (set(c.options) for c in RNNForecaster._parameter_constraints["loss"])
    assert [arguments.loss_name(name) for name in losses] == list(losses)
    with pytest.raises(argparse.ArgumentTypeError):
        arguments.loss_name("cross_entropy")
    for estimator, others in ((RNNForecaster, ["attention"]), (tsrnn.RNNAnomalyDetector, [])):
        (cells,) = (set(c.options) for c in estimator._parameter_constraints["cell"])
        assert {arguments.cell_name(name, others) for name in cells} == cells


# What is wrong


def changed(frame, row, column, cell):
    """The frame with another cell, by number of row from 1."""
    frame = frame.assign(day=frame["day"].astype(str)).astype(object).reset_index(drop=True)
    frame.loc[row - 1, column] = cell
    return frame


@pytest.mark.parametrize(
    ("row", "column", "cell", "message"),
    [
        (
            90,
            "price",
            "",
            "data.csv: column 'price' is empty in data row 90 (series 'NA') (--missing mask",
        ),
        (
            90,
            "price",
            "NA",
            "data.csv: column 'price' is empty in data row 90 (series 'NA') (--missing mask",
        ),
        (
            90,
            "price",
            "low",
            "column 'price' holds 'low' in data row 90 (series 'NA'), which is not a number\n",
        ),
        (
            90,
            "price",
            "inf",
            "column 'price' holds 'inf' in data row 90 (series 'NA'), which is infinite\n",
        ),
        (90, "promo", " ", "column 'promo' is empty in data row 90 (series 'NA') (--missing mask"),
        (
            90,
            "visitors",
            "",
            "column 'visitors' is empty in data row 90 (series 'NA') (--missing mask",
        ),
        (
            79,
            "price",
            "",
            "data.csv: column 'price' is empty in data row 79 (series '007') (--missing mask",
        ),
        (
            79,
            "promo",
            "fog",
            "column 'promo' holds 'fog' in data row 79 (series '007'), a category "
            "that no row with a target has\n",
        ),
        (
            78,
            "sold",
            "1",
            "data.csv: column 'sold' is empty in data row 77 (series '007') (--missing mask",
        ),
    ],
)
def test_bad_cells(row, column, cell, message, sales, write, refused):
    bad = write(columns=changed(sales, row, column, cell))
    assert message in refused("forecast", bad, *SOLD, *COVARIATES)


def test_rows_to_come_must_reach_over_the_horizon(sales, shop, write, refused):
    line = refused("forecast", write(columns=sales.drop(index=79)), *SOLD, *COVARIATES)
    assert line.endswith(
        "data.csv: no row for 2024-03-20 (series '007'), where --horizon 4 needs 'price', 'promo': "
        "give rows below the last 'sold', that cell empty, or --future FILE\n"
    )
    line = refused("forecast", write(columns=shop[:79]), *LONE, *COVARIATES)
    assert "data.csv: no row for 2024-03-20, where --horizon 4 needs 'price', 'promo': " in line


def test_cells_that_nobody_reads(sales, write, run):
    wanted = run("forecast", write(columns=sales), *SOLD, *COVARIATES)
    odd = changed(sales, 79, "visitors", "unknown")
    assert run("forecast", write(columns=odd), *SOLD, *COVARIATES) == wanted


def test_bad_cells_of_a_lone_series_are_named_without_one(shop, write, refused):
    path = write(columns=changed(shop, 80, "promo", ""))
    assert "data.csv: column 'promo' is empty in data row 80 (--missing mask" in refused(
        "forecast", path, *LONE, *COVARIATES
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda f: changed(f, 5, "price", ""),
            "next.csv: column 'price' is empty in data row 5 (series 'NA') (--missing mask",
        ),
        (
            lambda f: changed(f, 5, "price", "low"),
            "next.csv: column 'price' holds 'low' in data row 5 (series 'NA'), which is not",
        ),
        (
            lambda f: changed(f, 5, "promo", "fog"),
            "next.csv: column 'promo' holds 'fog' in data row 5 (series 'NA'), a category that",
        ),
        (
            lambda f: changed(f, 5, "day", "soon"),
            "next.csv: column 'day' holds 'soon' in data row 5 (series 'NA'), which is not a time",
        ),
        (
            lambda f: changed(f, 5, "day", "2024-01-01"),
            "next.csv: column 'day' holds '2024-01-01' in data row 5 (series 'NA'), for the second",
        ),
        (
            lambda f: changed(f, 5, "day", "2023-12-31"),
            "next.csv: column 'day' holds '2023-12-31' in data row 5 (series 'NA'), which is not "
            "after the last target",
        ),
        (
            lambda f: changed(f, 5, "shop", "new"),
            "next.csv: column 'shop' holds 'new' in data row 5, which has no value of 'sold'\n",
        ),
        (lambda f: changed(f, 5, "shop", ""), "next.csv: column 'shop' is empty in data row 5\n"),
        (lambda f: f.drop(columns="promo"), "next.csv: no column 'promo'; there are: shop, day, p"),
        (lambda f: f[:0], "next.csv: there are no rows of data\n"),
        (lambda f: f[:7], "next.csv: no row for 2024-03-15 (series 'NA'), where --horizon 4 needs"),
    ],
)
def test_a_bad_file_of_rows_to_come(change, message, sales, write, refused):
    ahead = sales["sold"].isna()
    future = sales.loc[ahead, ["shop", "day", "price", "promo"]]
    path, future = write(columns=sales[~ahead]), write(columns=change(future), name="next.csv")
    line = refused("forecast", path, *SOLD, *COVARIATES, "--future", future)
    assert line.startswith("tsrnn forecast: error: ")
    assert message in line


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(index=2), "shops.csv: no row for series 'NA'\n"),
        (lambda f: f.assign(shop="NA"), "'shop' holds 'NA' in data row 2, for the second time; 2"),
        (lambda f: f.assign(kind=""), "shops.csv: column 'kind' is empty in data row 1 (series"),
        (
            lambda f: f.assign(size=[1, 2, "x", 3]),
            "column 'size' holds 'x' in data row 3 (series 'NA'), which is not a number",
        ),
        (lambda f: f[["kind"]], "shops.csv: no column 'shop'; there are: kind\n"),
        (lambda f: f[["shop"]], "shops.csv: no column beside 'shop'\n"),
    ],
)
def test_a_bad_file_of_what_does_not_change(change, message, sales, about, write, refused):
    static = write(columns=change(about), name="shops.csv")
    for command in ("forecast", "backtest"):
        line = refused(command, write(columns=sales), *SOLD, *COVARIATES, "--static", static)
        assert message in line


def test_too_many_categories(sales, write, refused):
    path = write(columns=sales.assign(promo=[f"no {k % 120}" for k in range(len(sales))]))
    line = refused("forecast", path, *SOLD, "--known", "promo")
    assert f"{path}: column 'promo' has 120 levels; a category may have 1 to 100" in line
    days = [f"2024-01-{day:02d}" for day in range(1, 21)]
    names = [f"shop {k}" for k in range(101)]
    columns = {"shop": np.repeat(names, 20), "day": days * 101, "sold": np.arange(2020) % 7}
    static = write(columns={"shop": names, "kind": names}, name="shops.csv")
    line = refused("forecast", write(columns=columns), *SOLD, "--static", static)
    assert f"{static}: column 'kind' has 101 levels; a category may have 1 to 100" in line


def test_a_category_after_the_first_origin(sales, write, refused):
    path = write(columns=changed(sales, 75, "promo", "fog"))
    line = refused("backtest", path, *SOLD, *COVARIATES)
    assert line == (
        f"tsrnn backtest: error: {path}: column 'promo' is 'fog' at 2024-03-15 of series '007', a "
        "category that no row before the first origin has: those have '1', 'none', 'tv'. Leave the "
        "column out, or give fewer --n-windows.\n"
    )


def test_a_column_of_nothing_is_refused_even_if_masked(shop, write, refused):
    path = write(columns=shop.assign(price=np.nan))
    line = refused("forecast", path, *LONE, *COVARIATES, "--missing", "mask")
    assert f"{path}: column 'price' is empty in data row 1; 79 more like it\n" in line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--known", "cost"], "data.csv: no column 'cost'; there are: day, sold, price, promo"),
        (["--past", "cost"], "data.csv: no column 'cost'; there are: day, sold, price, promo"),
        (
            ["--known", "price", "--past", "price"],
            "--known and --past name the same column 'price'",
        ),
        (["--known", "sold"], "--target and --known name the same column 'sold' twice"),
        (["--past", "day"], "--time and --past name the same column 'day' twice"),
        (["--future", "next.csv"], "--future goes with --known"),
        (["--known", "price", "--future", "no.csv"], "error: no.csv: No such file"),
        (["--known", "price", "--future", "x.parquet"], "--future x.parquet must be csv as well"),
        (["--static", "shops.csv"], "--static goes with several series: --id COLUMN or several"),
        (["--calendar", "moon"], "argument --calendar: invalid choice: 'moon' (choose from"),
        (["--loss", "none"], "argument --loss: invalid choice: 'none' (choose from"),
        (["--n-estimators", "0"], "argument --n-estimators: '0' is not a whole number from 1"),
        (["--quantiles", "100"], "argument --quantiles: '100' is not a percentage"),
        (["--holidays", "25.12.2024"], "--holidays 25.12.2024: neither a date like 2024-12-25 nor"),
    ],
)
def test_wrong_options(options, message, shop, write, refused):
    path = write(columns=shop[shop["sold"].notna()])
    line = refused("forecast", path, "--time", "day", "--target", "sold", *options)
    assert message in line


def test_there_is_no_future_in_a_backtest(shop, write, refused):
    line = refused("backtest", write(columns=shop), *LONE, *COVARIATES, "--future", "next.csv")
    assert "unrecognized arguments: --future" in line


def test_rows_are_numbered_as_a_column(shop, write, refused):
    path = write(columns=shop.rename(columns={"price": "row"}))
    line = refused("forecast", path, "--target", "sold", "--known", "row")
    assert f"{path}: rows are numbered as a column 'row': rename yours" in line


def test_a_quantile_that_the_file_has_as_a_column(write, refused):
    path = write(columns={"quantile_10": range(80), "y": np.sin(np.arange(80))})
    options = ["--time", "quantile_10", "--target", "y", "--quantiles", "10"]
    assert "has a column 'quantile_10' of its own" in refused("forecast", path, *options)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"2024-12-25\nsoon\n", "line 2 holds 'soon', which is not a date like 2024-12-25"),
        (b"\n", "there are no dates"),
        (b"\xff\xfe", "'utf-8' codec can't decode byte"),
    ],
)
def test_bad_files_of_holidays(content, message, shop, write, refused, tmp_path):
    dates = tmp_path / "dates.txt"
    dates.write_bytes(content)
    line = refused("forecast", write(columns=shop), *LONE, *COVARIATES, "--holidays", dates)
    assert f"error: {dates}: {message}" in line


@pytest.mark.parametrize(
    ("times", "options", "message"),
    [
        (
            range(1, 81),
            ["--holidays", "2024-01-01"],
            "data.csv: --holidays are days, and times "
            "have no dates. Leave them out, or give the share of them in each step as a column for "
            "--known.",
        ),
        (
            pd.period_range("2000-01", periods=80, freq="M"),
            ["--holidays", "2024-01-01"],
            "data.csv: --holidays are days, and times have the frequency MS. Leave them out",
        ),
        (
            range(1, 81),
            ["--calendar", "month"],
            "data.csv: --calendar needs dates, and times are whole numbers here.",
        ),
    ],
)
def test_times_that_are_no_days(times, options, message, write, refused):
    path = write([str(time) for time in times])
    for command in ("forecast", "backtest"):
        line = refused(command, path, "--time", "time", "--target", "y", *options)
        assert message in line


def test_no_file_that_is_read_is_overwritten(sales, about, write, refused):
    ahead = sales["sold"].isna()
    future = write(columns=sales.loc[ahead, ["shop", "day", "price"]], name="next.csv")
    static = write(columns=about, name="shops.csv")
    options = ["--known", "price", "--future", future, "--static", static, "--horizon", "4"]
    for read in (future, static):
        line = refused("forecast", write(columns=sales[~ahead]), *SOLD, *options, "--out", read)
        assert line == f"tsrnn forecast: error: cannot write {read}: it is a file to read\n"


def test_several_seasons_and_holidays_of_a_country(shop, write, run, small):
    pytest.importorskip("holidays")
    options = ["--season", "7", "14.5", "--holidays", "DE", "--horizon", "4"]
    whole = shop[shop["sold"].notna()]
    code, out, err = run("forecast", write(columns=whole[["day", "sold"]]), *LONE, *options)
    assert (code, err) == (0, "")
    y = whole.set_index("day")["sold"]
    fitted = small(season=[7, 14.5], holidays="DE", horizon=4).fit(y)
    same(out, predictions(fitted))
