"""Holidays of any type: the days they name, or an error that names the entry."""

import datetime
import sys

import numpy as np
import pandas as pd
import pytest

import tsrnn
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


def christmas_days(zone=None):
    """Hours of the Christmas of two years, as of a series that ends a year later."""
    index = pd.date_range("2022-12-01", "2023-12-31", freq="D", tz=zone)
    return collection_from(pd.Series(np.arange(float(len(index))), index))


def encoder_of(holidays, y):
    return FeatureEncoder.fit(y, None, None, past=(), calendar=(), holidays=holidays)


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_holidays_of_a_country_have_channels_by_name(zone):
    pytest.importorskip("holidays")
    y = christmas_days(zone)
    features = encoder_of("DE", y)
    names = features.countries.names
    assert {"Christmas Day", "Good Friday", "German Unity Day"} <= set(names)
    assert names == tuple(sorted(names))
    marks = features.channels(y, [], np.empty((1, 0)), False)
    assert marks.shape[1] == features.n_known == 1 + len(names)
    days = {
        name: [str(day.date()) for day in y.axes[0].index[marks[:, 1 + k] == 1]]
        for k, name in enumerate(names)
    }
    assert days["Christmas Day"] == ["2022-12-25", "2023-12-25"]
    assert days["Good Friday"] == ["2023-04-07"]
    np.testing.assert_array_equal(marks[:, 0], marks[:, 1:].max(axis=1))
    ahead = features.after(y, 366, [], False)[0]  # 2024
    assert ahead[:, 1 + names.index("Good Friday")].nonzero()[0].tolist() == [31 + 29 + 29 - 1]


def test_names_that_the_series_did_not_see_are_marked_as_any_holiday():
    pytest.importorskip("holidays")
    features = encoder_of("DE", christmas_days())
    whole = features.channels(christmas_days(), [], np.empty((1, 0)), False)
    short = collection_from(Y)  # January and February
    features = encoder_of("DE", short)
    assert features.countries.names == ("New Year's Day",)
    assert features.channels(christmas_days(), [], np.empty((1, 0)), False)[:, 0].sum() == (
        whole[:, 0].sum()
    )


def test_subdivisions_and_several_countries():
    pytest.importorskip("holidays")
    y = christmas_days()
    names = [set(encoder_of(code, y).countries.names) for code in ("DE", "DE-BY", ["DE", "US"])]
    assert "Epiphany" in names[1] - names[0]
    assert "Thanksgiving Day" in names[2]
    assert names[0] <= names[1] & names[2]
    assert not any("observed" in name for name in names[2])


def test_a_forecaster_of_a_country_is_saved_with_its_holidays(tmp_path):
    pytest.importorskip("holidays")
    y = pd.Series(np.arange(60.0) % 7, DAYS)
    kwargs = {"horizon": 4, "season": 7, "max_iter": 1, "hidden_size": 4}
    forecaster = RNNForecaster(holidays="DE", **kwargs).fit(y)
    assert forecaster.holidays_ == ("New Year's Day",)
    tsrnn.save(forecaster, tmp_path / "holidays.tsrnn")
    loaded = tsrnn.load(tmp_path / "holidays.tsrnn")
    pd.testing.assert_series_equal(loaded.predict(80), forecaster.predict(80))
    with pytest.raises(DataError, match="holidays were listed from 2013 to 2033"):
        forecaster.predict(y=y.set_axis(pd.date_range("2050-01-01", periods=60)))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("QQ", "codes of countries such as 'DE', got 'QQ'"),
        ("DE-XX", "has the subdivision 'DE-XX'.*DE-BY"),
        (["DE", "2024-12-25"], "entry 0 is 'DE'"),
    ],
)
def test_unknown_countries_are_named(code, message):
    pytest.importorskip("holidays")
    with pytest.raises(DataError, match=message):
        RNNForecaster(holidays=code).fit(Y)


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(ImportError, match=r'pip install "tsrnn\[holidays\]", or give the dates'):
        RNNForecaster(holidays="DE").fit(Y)


def test_holidays_of_a_country_need_steps_of_days():
    months = pd.Series(np.arange(60.0), pd.date_range("2018", periods=60, freq="MS"))
    with pytest.raises(DataError, match="holidays are days, and times have the frequency MS"):
        RNNForecaster(holidays="DE").fit(months)
