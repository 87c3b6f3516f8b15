"""``--missing mask`` learns around what is not there."""

import io

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.slow

SOLD = ["--id", "shop", "--time", "day", "--target", "sold"]


def test_one_series(write, run, small):
    y = np.sin(np.arange(80.0)).round(3)
    y[[10, 30]] = np.nan
    days = pd.date_range("2024", periods=80)
    path = write(columns=pd.DataFrame({"time": days, "y": y}).drop(index=[40, 41]))
    code, out, err = run("forecast", path, "--time", "time", "--target", "y", "--missing", "mask")
    assert (code, err) == (0, "")
    series = pd.Series(y, days, name="y").drop(days[[40, 41]])
    wanted = small(missing="mask").fit(series).predict()
    np.testing.assert_allclose(pd.read_csv(io.StringIO(out))["forecast"], wanted, rtol=1e-8)


def test_a_panel_in_either_form(shops, write, run, small):
    holed = shops.assign(sold=shops["sold"].mask(shops.index % 17 == 5)).drop(index=[30, 100])
    fitted = small(missing="mask").fit(holed.set_index(["shop", "day"])["sold"])
    wanted = fitted.predict()
    long = run("forecast", write(columns=holed), *SOLD, "--missing", "mask")
    wide = holed.pivot_table(index="day", columns="shop", values="sold", dropna=False)
    path = write(columns=wide.reset_index())
    targets = ["--time", "day", "--target", "007", "NA", "kiosk", "--missing", "mask"]
    for code, out, err in (long, run("forecast", path, *targets)):
        assert (code, err) == (0, "")
        np.testing.assert_allclose(pd.read_csv(io.StringIO(out))["forecast"], wanted, rtol=1e-8)


def test_a_backtest(shops, write, run, small, tmp_path):
    from tsrnn import backtest

    holed = shops.assign(sold=shops["sold"].mask(shops.index % 17 == 5))
    options = ["--horizon", "5", "--n-windows", "2", "--missing", "mask"]
    files = ["--out", tmp_path / "all.csv", "--plot", tmp_path / "b.png"]
    code, _, err = run("backtest", write(columns=holed), *SOLD, *options, *files)
    assert (code, err) == (0, "")
    result = backtest(
        small(horizon=5, missing="mask"),
        holed.set_index(["shop", "day"])["sold"],
        n_windows=2,
        refit=False,
        coverage=[0.8, 0.95],
    )
    written = pd.read_csv(tmp_path / "all.csv")
    for column in ("y", "RNNForecaster"):
        np.testing.assert_allclose(written[column], result.to_pandas()[column], rtol=1e-8)


def test_a_series_of_nothing_is_refused(write, refused):
    path = write(y=[""] * 80)
    options = ["--time", "time", "--target", "y", "--missing", "mask"]
    assert f"{path}: column 'y' is nothing but missing values" in refused(
        "forecast", path, *options
    )
