"""Holidays of any type: the days they name, or an error that names the entry."""

import datetime

import numpy as np
import pandas as pd
import pytest

from tsrnn import RNNForecaster
from tsrnn.data import DataError, collection_from
from tsrnn.forecasting.encoders import FeatureEncoder

DAYS = pd.date_range("2023-01-01", periods=60)
Y = pd.Series(np.arange(60.0), DAYS)


def marked_days(holidays, zone=None):
    """Days that are marked of the series of DAYS, which has hours where it has a time zone."""
    index = DAYS if zone is None else pd.date_range("2023", periods=720, freq="h", tz=zone)
    y = collection_from(pd.Series(np.arange(float(len(index))), index))
    features = FeatureEncoder.fit(y, None, None, past=(), calendar=(), holidays=holidays)
    marks = features.channels(y, [], np.empty((1, 0)), False)[:, 0]
    assert len(marks) == len(index)
    return [str(day) for day in pd.unique(pd.Series(index[marks == 1]).dt.date)]


HOLIDAYS = {
    "texts": ["2023-01-05", "2023-01-20"],
    "slashes": ["2023/01/05", "2023/1/20"],
    "points": ["2023.01.05", "2023.1.20"],
    "digits": ["20230105", "20230120"],
    "texts of times": ["2023-01-05 00:00:00", "2023-01-20T13:30"],
    "dates": [datetime.date(2023, 1, 20), datetime.date(2023, 1, 5)],
    "datetimes": [datetime.datetime(2023, 1, 5, 8), datetime.datetime(2023, 1, 20)],
    "tuple": (pd.Timestamp("2023-01-05"), "2023-01-20"),
    "set": {"2023-01-05", "2023-01-20"},
    "dict of names": {datetime.date(2023, 1, 5): "a", datetime.date(2023, 1, 20): "b"},
    "zone": [pd.Timestamp("2023-01-05", tz="Asia/Tokyo"), pd.Timestamp("2023-01-20", tz="UTC")],
    "text with zone": ["2023-01-05T00:00+09:00", "2023-01-20T00:00Z"],
    "index": pd.DatetimeIndex(["2023-01-05", "2023-01-20", "2023-01-05"]),
    "index with zone": pd.DatetimeIndex(["2023-01-05", "2023-01-20"], tz="America/New_York"),
    "periods": pd.PeriodIndex(["2023-01-05", "2023-01-20"], freq="D"),
    "hours": pd.PeriodIndex(["2023-01-05 01:00", "2023-01-20 02:00"], freq="h"),
    "array": np.array(["2023-01-05", "2023-01-20"], "M8[D]"),
    "nanoseconds": np.array(["2023-01-05", "2023-01-20"], "M8[ns]"),
    "series": pd.Series(pd.to_datetime(["2023-01-05", "2023-01-20"]), index=[7, 3]),
    "categories": pd.Categorical(["2023-01-05", "2023-01-20"]),
    "Arrow": pd.Series(pd.to_datetime(["2023-01-05", "2023-01-20"])).astype("date32[pyarrow]"),
}


@pytest.mark.parametrize("zone", [None, "Europe/Berlin", "Asia/Tokyo", "America/New_York"])
@pytest.mark.parametrize("form", HOLIDAYS)
def test_holidays_of_any_type_are_the_days_they_name(form, zone):
    assert marked_days(HOLIDAYS[form], zone) == ["2023-01-05", "2023-01-20"]


def test_holidays_at_midnight_of_another_time_zone_are_days_of_the_series():
    """What ``pd.to_datetime(..., utc=True)`` makes of midnights."""
    for zone in ("Europe/Berlin", "Asia/Tokyo", "America/New_York"):
        midnights = pd.DatetimeIndex(["2023-01-05", "2023-01-20"], tz=zone).tz_convert("UTC")
        assert marked_days(midnights, zone) == ["2023-01-05", "2023-01-20"]


BAD_HOLIDAYS = {
    "day first": ["2023-01-05", "20.01.2023"],
    "month first": ["2023-01-05", "01/20/2023"],
    "ambiguous": ["2023-01-05", "01/02/2023"],
    "words": ["2023-01-05", "Christmas"],
    "a month's name": ["2023-01-05", "5 Jan 2023"],
    "no such month": ["2023-01-05", "2023-13-01"],
    "no such day": ["2023-01-05", "2023-02-30"],
    "no such time": ["2023-01-05", "2023-01-20T99:00"],
    "a month": ["2023-01-05", "2023-01"],
    "empty": ["2023-01-05", ""],
    "whole number": ["2023-01-05", 20230120],
    "NumPy's": ["2023-01-05", np.int64(19000)],
    "float": ["2023-01-05", 1.5],
    "truth value": ["2023-01-05", True],
    "NaT": ["2023-01-05", pd.NaT],
    "NumPy's NaT": np.array(["2023-01-05", "NaT"], "M8[D]"),
    "None": ["2023-01-05", None],
    "NaN": ["2023-01-05", float("nan")],
    "NA": ["2023-01-05", pd.NA],
    "missing in an index": pd.DatetimeIndex(["2023-01-05", None]),
    "missing in periods": pd.PeriodIndex(["2023-01-05", None], freq="D"),
    "missing with zone": pd.DatetimeIndex(["2023-01-05", None], tz="UTC"),
    "month": ["2023-01-05", pd.Period("2023-01", "M")],
    "week": ["2023-01-05", pd.Period("2023-01-05", "W")],
    "NumPy's month": ["2023-01-05", np.datetime64("2023-01")],
    "duration": ["2023-01-05", pd.Timedelta("1D")],
    "list": ["2023-01-05", ["2023-01-20"]],
    "time of another zone": ["2023-01-05", pd.Timestamp("2023-01-20 23:00", tz="UTC")],
}


@pytest.mark.parametrize("name", BAD_HOLIDAYS)
def test_bad_holidays_are_named(name):
    with pytest.raises(DataError, match=r"holidays must be dates such as .* entry 1 is") as caught:
        RNNForecaster(holidays=BAD_HOLIDAYS[name]).fit(Y)
    assert caught.value.row == 1


def test_whole_numbers_as_holidays_are_refused():
    for numbers in ([20230120], np.arange(3), pd.Series([1, 2])):
        with pytest.raises(DataError, match=r"entry 0 is .*, of type .*int.*, which is no date"):
            RNNForecaster(holidays=numbers).fit(Y)
