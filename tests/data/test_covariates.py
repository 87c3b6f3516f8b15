"""Covariates of any form, looked up by series and time."""

import numpy as np
import pandas as pd
import pytest

from tsrnn.data import covariates_from

DAYS = pd.date_range("2024-01-01", periods=6)
LONGER = pd.date_range("2023-12-01", periods=60)
X = pd.DataFrame({"price": np.arange(6.0), "open": [True, False] * 3, "sky": list("abcabc")}, DAYS)


def long(factor=10.0):
    """Of two series, whose price differs."""
    parts = [
        X.assign(price=X["price"] * k * factor, unique_id=label).rename_axis("ds").reset_index()
        for k, label in enumerate("ab", start=1)
    ]
    return pd.concat(parts).sample(frac=1, random_state=0)


def in_polars(frame):
    pl = pytest.importorskip("polars")
    return pl.DataFrame({name: frame[name].tolist() for name in frame})


@pytest.mark.parametrize("form", ["index", "unsorted", "column", "wider"])
def test_rows_that_all_series_share(form):
    X_in_form = {
        "index": X,
        "unsorted": X.sample(frac=1, random_state=1),
        "column": X.rename_axis("ds").reset_index(),
        "wider": X.reindex(pd.date_range("2023-12-01", periods=60)).assign(
            price=np.arange(60) - 31
        ),
    }[form]
    frame, is_row = covariates_from(X_in_form).at([DAYS[1:3], DAYS[:1]], ["a", "b"])
    assert is_row.all()
    assert frame["price"].tolist() == [1.0, 2.0, 0.0]
    assert frame["sky"].tolist() == ["b", "c", "a"]


@pytest.mark.parametrize("form", ["long", "levels", "polars"])
def test_rows_of_each_series(form):
    X_in_form = {
        "long": long,
        "levels": lambda: long().set_index(["unique_id", "ds"]),
        "polars": lambda: in_polars(long()),
    }[form]()
    frame, is_row = covariates_from(X_in_form).at([DAYS[3:], DAYS[:2], DAYS[:1]], ["b", "a", "c"])
    assert is_row.tolist() == [True] * 5 + [False]
    assert frame["price"].tolist()[:5] == [60.0, 80.0, 100.0, 0.0, 10.0]
    assert frame["price"].isna().tolist() == [False] * 5 + [True]


def test_a_row_that_is_missing_is_marked():
    times = DAYS.append(pd.DatetimeIndex(["2024-01-07"]))
    frame, is_row = covariates_from(X["price"]).at([times], [None])
    assert is_row.tolist() == [True] * 6 + [False]
    assert frame.columns.tolist() == ["price"]


def test_units_zones_periods_and_numbers():
    for index in (
        DAYS.as_unit("s"),
        DAYS.tz_localize("Europe/Berlin"),
        pd.RangeIndex(10, 16),
        pd.period_range("2024-01", periods=6, freq="M"),
    ):
        frame, is_row = covariates_from(X.set_axis(index)).at([index[2:]], [None])
        assert is_row.all()
        assert frame["price"].tolist() == [2, 3, 4, 5]
    utc = DAYS.tz_localize("Europe/Berlin").tz_convert("UTC")
    frame, is_row = covariates_from(X.set_axis(utc)).at([DAYS.tz_localize("Europe/Berlin")], [None])
    assert is_row.all()


@pytest.mark.parametrize(
    ("X_in_form", "times", "match"),
    [
        (lambda: X[:0], DAYS, "shape"),
        (lambda: X[[]], DAYS, "shape"),
        (lambda: 3, DAYS, "must be a pandas"),
        (lambda: X.set_axis(list("abcdef")), DAYS, "needs a DatetimeIndex"),
        (lambda: X.set_axis([*DAYS[:5], pd.NaT]), DAYS, "no time stamp .* row 5"),
        (lambda: X.set_axis(["a", "a", "b"], axis=1), DAYS, "more than one column 'a'"),
        (lambda: pd.concat([X, X]), DAYS, "time stamp 2024-01-01 more than once"),
        (lambda: pd.concat([long(), long()]), DAYS, "of series '.' more than once"),
        (lambda: X, DAYS.tz_localize("UTC"), "stamps of y have a time zone, those of X have none"),
        (lambda: X.tz_localize("UTC"), DAYS, "stamps of X have a time zone, those of y have none"),
        (lambda: X, pd.RangeIndex(6), "has time stamps of dtype datetime64.*and y of int64"),
        (lambda: X.to_period("D"), DAYS, "Bring them to one"),
        (lambda: long().assign(unique_id=None), DAYS, "no id in row 0"),
    ],
)
def test_what_is_refused(X_in_form, times, match):
    with pytest.raises(ValueError, match=match):
        covariates_from(X_in_form()).at([times], ["a"])


def test_nothing_is_changed():
    X_in_form, before = long(), long()
    covariates_from(X_in_form).at([DAYS], ["a"])
    pd.testing.assert_frame_equal(X_in_form, before)
