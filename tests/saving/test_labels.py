"""Labels of series and columns of any type come back from files."""

import datetime
import decimal
import uuid

import numpy as np
import pandas as pd
import pytest
from saving.conftest import detector, forecaster, round_trip

DAYS = pd.date_range("2024-01-01", periods=60)
VALUES = np.random.default_rng(0).normal(size=(60, 2)) + 10
LABELS = {
    "a text and a number": ["a", 5],
    "nothing and a text": ["a", None],
    "tuples": [("a", 1), ("b", 2)],
    "bytes": [b"a", b"b"],
    "decimals": [decimal.Decimal("1.50"), decimal.Decimal(2)],
    "UUIDs": [uuid.UUID(int=1), uuid.UUID(int=2)],
    "a date and a time": [datetime.datetime(2024, 1, 1, 5), datetime.time(1)],
    "a period and a duration": [pd.Period("2024-01", "M"), pd.Timedelta("1D")],
    "intervals": list(pd.interval_range(0, 2)),
    "NumPy's numbers and a text": [np.int64(1), "b"],
}
NO_IDS = {"nothing and a text"}
COLUMNS = {
    name: pd.Index(labels, dtype=object, tupleize_cols=False) for name, labels in LABELS.items()
}
COLUMNS |= {
    "periods": pd.period_range("2024", periods=2, freq="M"),
    "durations": pd.to_timedelta([1, 2], "D"),
    "intervals of numbers": pd.interval_range(0, 2),
    "nullable numbers": pd.Index([1, 2], dtype="Int64"),
    "levels of mixed labels": pd.MultiIndex.from_tuples([("a", 1), (2, "b")], names=["x", None]),
}
ARROW = [
    "string",
    "large_string",
    "int8",
    "double",
    "date32[day]",
    "decimal128(5, 2)",
    "dictionary",
]


def arrow_ids(kind):
    pa = pytest.importorskip("pyarrow")
    labels = ["a", "b"]
    if kind in ("int8", "double"):
        labels = [1, 2]
    elif kind == "date32[day]":
        labels = [datetime.date(2024, 1, 1), datetime.date(2024, 1, 2)]
    elif kind.startswith("decimal"):
        labels = [decimal.Decimal("1.50"), decimal.Decimal("2.25")]
    if kind == "dictionary":
        dtype = pa.dictionary(pa.int16(), pa.string())
    elif kind.startswith("decimal"):
        dtype = pa.decimal128(5, 2)
    else:
        dtype = pa.type_for_alias(kind)
    return pd.Index(labels).astype(pd.ArrowDtype(dtype))


def long_of(labels):
    ids = pd.Index(labels, tupleize_cols=False).repeat(60)
    return pd.DataFrame({"unique_id": ids, "ds": np.tile(DAYS, 2), "y": VALUES.T.ravel()})


def assert_saved(y, path):
    fitted = forecaster(lookback=4, season=2, horizon=2, max_iter=1).fit(y)
    loaded = round_trip(fitted, path)
    assert loaded.fitted_.history.ids == fitted.fitted_.history.ids
    result, expected = loaded.predict(), fitted.predict()
    assert type(result) is type(expected)
    if isinstance(expected, (pd.Series, pd.DataFrame)):
        is_frame = isinstance(expected, pd.DataFrame)
        compare = pd.testing.assert_frame_equal if is_frame else pd.testing.assert_series_equal
        compare(result, expected)
    else:
        assert result.equals(expected)


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_of_a_wide_frame(name, path):
    assert_saved(pd.DataFrame(VALUES, DAYS, COLUMNS[name]), path)


@pytest.mark.parametrize("form", ["long", "levels"])
@pytest.mark.parametrize("name", [name for name in LABELS if name not in NO_IDS])
def test_ids_of_rows(name, form, path):
    y = long_of(pd.Series(LABELS[name], dtype=object))
    assert_saved(y if form == "long" else y.set_index(["unique_id", "ds"])["y"], path)


@pytest.mark.parametrize("form", ["wide", "long", "levels"])
@pytest.mark.parametrize("kind", ARROW)
def test_labels_in_types_of_arrow(kind, form, path):
    labels = arrow_ids(kind)
    y = pd.DataFrame(VALUES, DAYS, labels)
    if form != "wide":
        y = long_of(labels)
        y = y if form == "long" else y.set_index(["unique_id", "ds"])
    assert_saved(y, path)


@pytest.mark.parametrize("kind", ["Enum", "Categorical", "Float64", "Decimal", "Datetime", "none"])
def test_ids_in_types_of_polars(kind, path):
    pl = pytest.importorskip("polars")
    y = pl.DataFrame(
        {"unique_id": ["a"] * 60 + ["b"] * 60, "ds": [*DAYS, *DAYS], "y": VALUES.T.ravel()}
    )
    if kind == "none":
        assert_saved(y[:60].drop("unique_id"), path)
        return
    number = pl.when(pl.col("unique_id") == "a").then(1).otherwise(2)
    ids = {
        "Enum": pl.col("unique_id").cast(pl.Enum(["b", "a"])),
        "Categorical": pl.col("unique_id").cast(pl.Categorical),
        "Float64": number.cast(pl.Float64),
        "Decimal": number.cast(pl.Decimal(5, 2)),
        "Datetime": pl.datetime(2024, 1, number),
    }[kind]
    assert_saved(y.with_columns(unique_id=ids), path)


def test_a_frame_of_one_series_without_ids(path):
    assert_saved(long_of(["a", "b"])[:60].drop(columns="unique_id"), path)


@pytest.mark.parametrize("name", [name for name in LABELS if name not in NO_IDS])
def test_labels_of_a_detector(name, path):
    y = long_of(pd.Series(LABELS[name], dtype=object))
    fitted = detector(id_column="unique_id", time_column="ds").fit(y)
    loaded = round_trip(fitted, path)
    np.testing.assert_array_equal(loaded.score_samples(y), fitted.score_samples(y))
    assert list(loaded.fitted_.labels) == list(fitted.fitted_.labels)


@pytest.mark.parametrize("name", COLUMNS)
def test_channels_of_a_detector(name, path):
    y = pd.DataFrame(VALUES, DAYS, COLUMNS[name])
    fitted = detector().fit(y)
    loaded = round_trip(fitted, path)
    np.testing.assert_array_equal(loaded.score_samples(y), fitted.score_samples(y))
