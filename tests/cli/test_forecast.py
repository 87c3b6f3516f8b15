"""``tsrnn forecast`` forecasts what the library forecasts, of one series and of panels."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tsrnn
from tsrnn import datasets

pytestmark = pytest.mark.slow

AIRLINE = str(Path(__file__).parents[2] / "datasets" / "airline.csv")
FLOWN = ["--time", "time", "--target", "passengers"]
SOLD = ["--id", "shop", "--time", "day", "--target", "sold"]


def table_of(fitted, coverage=(0.8, 0.95)):
    """Forecast and intervals, of a panel one series below the other."""
    table = fitted.predict_interval(coverage=coverage)
    table.insert(0, "forecast", fitted.predict())
    return table


def same_table(csv, wanted):
    """Whether a csv file or text holds that table, times as dates."""
    names = list(wanted.index.names)
    result = pd.read_csv(csv, dtype={names[0]: str}, keep_default_na=False)
    assert result.columns.tolist() == [*names, *wanted.columns]
    for name in names:
        labels = wanted.index.get_level_values(name).astype(str)
        assert result[name].astype(str).tolist() == labels.str.removesuffix(" 00:00:00").tolist()
    np.testing.assert_allclose(result[wanted.columns], wanted, rtol=1e-8)


def test_it_prints_what_the_forecaster_forecasts(run, small):
    code, out, err = run("forecast", AIRLINE, *FLOWN, "--horizon", "6")
    assert (code, err) == (0, "")
    same_table(io.StringIO(out), table_of(small(horizon=6).fit(datasets.load_airline())))


def test_zero_shot(run, refused, tmp_path):
    saved = tmp_path / "airline.tsrnn"
    code, out, err = run("forecast", AIRLINE, *FLOWN, "--zero-shot", "--save", saved)
    assert (code, err) == (0, "")
    fitted = tsrnn.RNNForecaster(max_iter=0).fit(datasets.load_airline())
    same_table(io.StringIO(out), table_of(fitted))
    assert tsrnn.load(saved).fitted_.is_zero_shot
    code, out, err = run("backtest", AIRLINE, *FLOWN, "--zero-shot", "--n-windows", "2")
    assert (code, err) == (0, "")
    line = refused("forecast", AIRLINE, *FLOWN, "--zero-shot", "--calendar", "month")
    assert "airline.csv: --zero-shot trains nothing, and the pretrained network reads no" in line
    assert line.strip().endswith("Leave them out, or leave out --zero-shot.")


def test_a_lower_bound_and_short_epochs(run, refused, small):
    y = datasets.load_airline()
    options = ["--horizon", "3", "--lower", "104", "--batches-per-epoch"]
    for batches, number in {"1": 1, "none": None}.items():
        code, out, err = run("forecast", AIRLINE, *FLOWN, *options, batches)
        assert (code, err) == (0, "")
        fitted = small(horizon=3, lower=104, batches_per_epoch=number).fit(y)
        same_table(io.StringIO(out), table_of(fitted))
    line = refused("forecast", AIRLINE, *FLOWN, "--lower", "104.5")
    assert "airline.csv: column 'passengers' needs values of at least --lower 104.5, and is" in line
    assert line.endswith("Correct the column, or give a smaller --lower.\n")


def test_no_forecast_is_below_the_lower_bound(run, write):
    path = write(y=np.arange(80.0)[::-1])
    options = ["--time", "time", "--target", "y", "--horizon", "9", "--lower", "0"]
    code, out, _ = run("forecast", path, *options, "--quantiles", "10")
    assert code == 0
    table = pd.read_csv(io.StringIO(out), index_col="time")
    assert table.min().min() == 0


def test_options_reach_the_forecaster_and_files_are_written(tmp_path, run, small):
    table, plot, saved = (tmp_path / name for name in ("out.csv", "plot.PNG", "airline.tsrnn"))
    options = [
        "--season",
        "4",
        "--lookback",
        "10",
        "--random-state",
        "7",
        "--coverage",
        "50",
        "99.5",
        "50",
    ]
    where = ["--out", table, "--plot", plot, "--save", saved]
    assert run("forecast", AIRLINE, *FLOWN, *options, *where) == (0, "", "")
    fitted = small(season=4, lookback=10, random_state=7).fit(datasets.load_airline())
    same_table(table, table_of(fitted, [0.5, 0.995]))
    assert plot.read_bytes().startswith(b"\x89PNG")
    loaded = tsrnn.load(saved)
    pd.testing.assert_series_equal(loaded.predict(), fitted.predict(), check_freq=False)


def test_a_long_file_of_many_series(shops, write, run, small):
    path = write(columns=shops.sample(frac=1, random_state=0))
    code, out, err = run("forecast", path, *SOLD, "--horizon", "5")
    assert (code, err) == (0, "")
    y = shops.set_index(["shop", "day"])["sold"]
    wanted = table_of(small(horizon=5).fit(y))
    result = pd.read_csv(io.StringIO(out), dtype={"shop": str}, keep_default_na=False)
    assert set(result["shop"]) == {"007", "NA", "kiosk"}
    in_order = pd.concat([result[result["shop"] == shop] for shop in y.index.unique(0)])
    same_table(io.StringIO(in_order.to_csv(index=False)), wanted)


def test_several_targets_are_a_panel(shops, write, run, small):
    wide = shops.pivot_table(index="day", columns="shop", values="sold")
    assert wide["kiosk"].isna().sum() == 10  # a series may be shorter
    path = write(columns=wide.reset_index().sample(frac=1, random_state=0))
    code, out, err = run(
        "forecast", path, "--time", "day", "--target", "kiosk", "--target", "007", "NA"
    )
    assert (code, err) == (0, "")
    fitted = small().fit(wide[["kiosk", "007", "NA"]])
    table = table_of(
        small().fit(
            wide[["kiosk", "007", "NA"]]
            .melt(var_name="series", value_name="y", ignore_index=False)
            .dropna()
            .set_index("series", append=True)
            .swaplevel()["y"]
        )
    )
    same_table(io.StringIO(out), table)
    columns = fitted.predict().T.to_numpy().ravel()
    np.testing.assert_array_equal(table["forecast"], columns)


def test_rows_are_numbered_where_no_time_is_given(shops, write, run):
    path = write(sep=";")
    _, out, _ = run("forecast", path, "--target", "y", "--horizon", "2", "--sep", ";")
    assert [line.split(",")[0] for line in out.splitlines()] == ["row", "81", "82"]
    path = write(columns=shops)
    _, out, _ = run("forecast", path, "--id", "shop", "--target", "sold", "--horizon", "1")
    rows = [line.split(",")[:2] for line in out.splitlines()]
    assert rows == [["shop", "row"], ["007", "71"], ["NA", "66"], ["kiosk", "61"]]


@pytest.mark.parametrize("options", [SOLD, ["--time", "day", "--target", "sold", "more"]])
def test_a_panel_is_drawn_in_small_multiples(options, shops, write, run, tmp_path, monkeypatch):
    from tsrnn.plotting import PanelForecastDisplay

    drawn = []
    plot = PanelForecastDisplay.plot
    monkeypatch.setattr(
        PanelForecastDisplay,
        "plot",
        lambda self, *a, **k: drawn.append(plot(self, *a, **k)) or drawn[-1],
    )
    columns = shops if "--id" in options else shops[:70].assign(more=shops["sold"] ** 2)
    path, picture = write(columns=columns), tmp_path / "panel.png"
    code, _, err = run("forecast", path, *options, "--plot", picture, "--coverage", "50")
    assert (code, err) == (0, "")
    assert picture.read_bytes().startswith(b"\x89PNG")
    titles = ["007", "NA", "kiosk"] if "--id" in options else ["sold", "more"]
    assert [ax.get_title(loc="left") for ax in drawn[0].figure_.axes] == titles
    assert list(drawn[0].displays[titles[0]].bands_) == ["50"]


def test_a_panel_of_one_series(shops, write, run, tmp_path, small):
    kiosk = shops[shops["shop"] == "kiosk"]
    path, picture = write(columns=kiosk), tmp_path / "one.svg"
    code, out, _ = run("forecast", path, *SOLD, "--plot", picture)
    assert code == 0
    same_table(io.StringIO(out), table_of(small().fit(kiosk.set_index(["shop", "day"])["sold"])))
    assert "<svg" in picture.read_text()


def test_digits_of_a_high_level_are_kept(write, run):
    path = write(y=1e8 + np.sin(np.arange(80.0)))
    _, out, _ = run("forecast", path, "--time", "time", "--target", "y", "--horizon", "3")
    forecasts = pd.read_csv(io.StringIO(out))["forecast"] - 1e8
    assert forecasts.abs().max() < 3
    assert forecasts.nunique() == 3


@pytest.mark.parametrize("name", ["forecast", "upper_95"])
def test_a_column_that_the_table_has_of_its_own(name, write, refused):
    path = write(columns={name: range(80), "y": np.sin(np.arange(80))})
    assert f"has a column '{name}' of its own" in refused(
        "forecast", path, "--time", name, "--target", "y"
    )


@pytest.mark.parametrize("target", ["sold", "forecast", "quantile_50", "lower_80"])
@pytest.mark.parametrize("quantiles", [["50"], ["10%", "50", "50.0", "50.0000001"]])
@pytest.mark.parametrize("form", ["one", "long", "wide"])
def test_columns_are_named_by_what_they_are(form, quantiles, target, shops, write, run):
    columns = shops[:70].rename(columns={"sold": target}).assign(more=np.arange(70.0) % 7)
    series = {"one": [], "long": ["--id", "shop"], "wide": ["--target", "more"]}[form]
    options = ["--time", "day", "--target", target, *series, "--quantiles", *quantiles]
    code, out, err = run("forecast", write(columns=columns), *options)
    assert (code, err) == (0, "")
    table = pd.read_csv(io.StringIO(out))
    keys = {"one": ["day"], "long": ["shop", "day"], "wide": ["series", "day"]}[form]
    levels = ["quantile_10", "quantile_50"][-min(len(quantiles), 2) :]
    bounds = [f"{side}_{level}" for level in (80, 95) for side in ("lower", "upper")]
    assert table.columns.tolist() == [*keys, "forecast", *bounds, *levels]
    assert not table.isna().any(axis=None)


@pytest.mark.parametrize("cell", ["gru", "rnn", "attention"])
def test_a_cell_is_chosen(cell, run, small):
    code, out, err = run("forecast", AIRLINE, *FLOWN, "--cell", cell)
    assert (code, err) == (0, "")
    same_table(io.StringIO(out), table_of(small(cell=cell).fit(datasets.load_airline())))
