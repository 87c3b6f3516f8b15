"""Series of several channels, in every form, and results given back for their rows."""

import numpy as np
import pandas as pd
import pytest

from tsrnn.data import channels_from

DAYS = pd.date_range("2024-01-01", periods=6, name="day")
LONG = pd.concat(
    pd.DataFrame({"shop": label, "day": DAYS[k:], "sold": k + 1.0, "price": np.arange(6.0 - k)})
    for k, label in enumerate("ba")
).sample(frac=1, random_state=0, ignore_index=True)


def in_form(form):
    columns = {"id_column": "shop", "time_column": "day"}
    if form == "polars":
        pl = pytest.importorskip("polars")
        return pl.DataFrame({name: LONG[name].to_list() for name in LONG}), columns
    return (LONG, columns) if form == "long" else (LONG.set_index(["shop", "day"]), {})


@pytest.mark.parametrize("missing", ["raise", "mask"])
@pytest.mark.parametrize("form", ["long", "levels", "polars"])
def test_forms_of_a_panel(form, missing):
    y, columns = in_form(form)
    panel = channels_from(y, missing=missing, **columns)
    assert panel.ids == LONG["shop"].unique().tolist()
    assert (panel.channels, panel.id_name, panel.n_rows) == (["sold", "price"], "shop", 11)
    assert panel.panel.values.shape == (11, 2)
    for series in panel:
        rows = LONG[LONG["shop"] == series.label].sort_values("day")
        assert series.axis.index.tolist() == rows["day"].tolist()
        np.testing.assert_array_equal(series.values, rows[["sold", "price"]])
        np.testing.assert_array_equal(series.rows, rows.index)
    prices = panel.row_series([series.values[:, 1] for series in panel], "price")
    assert prices.to_list() == LONG["price"].to_list()


def test_masked_gaps_have_no_row():
    y = pd.DataFrame({"a": [1.0, np.nan, 3.0], "b": [4.0, 5.0, 6.0]}, DAYS[[0, 1, 3]])
    (series,) = channels_from(y, missing="mask", step=pd.offsets.Day())
    np.testing.assert_array_equal(series.values, [[1, 4], [np.nan, 5], [np.nan] * 2, [3, 6]])
    assert series.rows.tolist() == [0, 1, -1, 2]


def test_an_array_has_no_times():
    panel = channels_from(np.arange(8.0).reshape(4, 2))
    assert panel.is_array
    assert panel.channels == [0, 1]
    flags = panel.row_series([np.array([True, False, False, True])], "flag")
    assert flags.tolist() == [True, False, False, True]
