"""Errors about data say in fields what their message says in words."""

import pickle

import numpy as np
import pandas as pd
import pytest

from tsrnn.data import (
    DataError,
    Location,
    MissingDataError,
    UnknownCategoryError,
    channels_from,
    collection_from,
)

DAYS = pd.date_range("2024-01-01", periods=8)
WIDE = pd.DataFrame({"a": np.arange(8.0), "b": np.arange(8.0)}, DAYS)


def error_of(read, y, **settings):
    with pytest.raises(DataError) as caught:
        read(y, **settings)
    assert isinstance(caught.value, ValueError)
    return caught.value


def test_a_missing_value():
    y = WIDE.copy()
    y.loc[DAYS[3], "b"] = np.nan
    error = error_of(collection_from, y, name="sales")
    assert isinstance(error, MissingDataError)
    assert (error.argument, error.series, error.column) == ("sales", "b", None)
    assert error.row == DAYS[3]
    assert error.problem == "is missing (NaN) at 2024-01-04"
    assert str(error).startswith("Series 'b' of sales is missing (NaN) at 2024-01-04. Fill it, ")


def test_a_gap():
    error = error_of(collection_from, WIDE["a"].drop(DAYS[5]))
    assert isinstance(error, MissingDataError)
    assert (error.argument, error.series, error.row) == ("y", None, DAYS[5])


def test_a_channel_of_a_series():
    y = pd.concat({"x": WIDE, "z": WIDE.replace(5.0, np.inf)})
    error = error_of(channels_from, y)
    assert (error.series, error.column, error.row) == ("z", "a", DAYS[5])
    assert str(error).startswith("Column 'a' of series 'z' of y is infinite at 2024-01-06. ")


def test_only_what_masking_allows_is_told_to_mask():
    assert "missing='mask'" in str(error_of(channels_from, WIDE.drop(DAYS[5])))
    assert "mask" not in str(error_of(channels_from, WIDE.replace(5.0, np.inf)))


def test_they_can_be_pickled():
    where = Location("X", "z", "sky")._asdict()
    error = UnknownCategoryError("is 'hail'", "Drop it.", category="hail", known=("sun",), **where)
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) == "Column 'sky' of series 'z' of X is 'hail'. Drop it."
    assert vars(again) == vars(error)
