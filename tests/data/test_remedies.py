"""What errors tell to do about series mends them, pasted as it is, in the form they are in."""

import re

import numpy as np
import pandas as pd
import pytest

from tsrnn.data import DataError, IrregularTimesError, collection_from

N = 24
RNG = np.random.default_rng(0)


def jittered(index, seconds):
    return index + pd.to_timedelta(RNG.integers(-seconds, seconds + 1, len(index)), "s")


def semi_monthly_gap():
    return pd.date_range("2024-01-01", periods=N, freq="SMS").delete(5)


def paydays():
    """The 15th and the end of each month, or the Friday before."""
    days = pd.date_range("2024-01-15", periods=N, freq="SME")
    return pd.DatetimeIndex([min(day, pd.offsets.BDay().rollback(day)) for day in days])


HOURS = pd.date_range("2024-03-01 00:00", periods=N, freq="h")
DAYS = pd.date_range("2024-01-01", periods=N)
MONTHS = pd.date_range("2024-01-01", periods=N, freq="MS")
# Time stamps, the frequency told, and how many are off it
IRREGULAR = {
    "the 15th of each month": (MONTHS + pd.Timedelta("14D"), "M", N),
    "the 20th of each month at noon": (MONTHS + pd.Timedelta("19D 12h"), "M", N),
    "months that begin a day late": (
        MONTHS.delete(3).insert(3, pd.Timestamp("2024-04-02")),
        "M",
        1,
    ),
    "quarters that end on some day": (
        pd.date_range("2020-02-17", periods=N, freq="QS") + pd.Timedelta("16D"),
        "Q-DEC",
        N,
    ),
    "one at another time of day": (DAYS.delete(7).insert(7, DAYS[7] + pd.Timedelta("5h")), "D", 1),
    "days at any time": (DAYS + pd.to_timedelta(RNG.integers(0, 86_400, N), "s"), "D", N),
    "hours, a little off": (jittered(HOURS, 200), "h", None),
    "five minutes, a little late": (
        pd.date_range("2024-01-01", periods=N, freq="5min")
        + pd.to_timedelta(RNG.integers(0, 20, N), "s"),
        "5min",
        None,
    ),
    "hours with gaps, a little off": (jittered(HOURS, 200).delete([4, 9, 10]), "h", None),
    "seconds, a little off": (
        pd.date_range("2024-01-01", periods=N, freq="s", unit="ns")
        + pd.to_timedelta(RNG.integers(0, 200, N), "ms"),
        "s",
        None,
    ),
    "hours in a zone, over a change of clocks": (
        jittered(pd.date_range("2024-03-30 12:00", periods=N, freq="h", tz="Europe/Berlin"), 200),
        "h",
        None,
    ),
    "hours in a zone that skips a midnight": (
        jittered(
            pd.date_range("2018-11-03 12:00", periods=N, freq="h", tz="America/Sao_Paulo"), 200
        ),
        "h",
        None,
    ),
    "days in a zone, over a change of clocks": (
        jittered(pd.date_range("2024-03-20 12:00", periods=N, tz="Europe/Berlin"), 9000),
        "D",
        None,
    ),
    "weeks, on changing days": (
        pd.date_range("2024-01-03", periods=N, freq="7D")
        + pd.to_timedelta(RNG.integers(0, 3, N), "D"),
        "W-",
        None,
    ),
    "paydays": (paydays(), "SME-15", None),
    "events at any time": (
        pd.DatetimeIndex(sorted(HOURS[0] + pd.to_timedelta(RNG.integers(0, 10**6, N), "s"))),
        "",
        None,
    ),
}
FORMS = "series", "wide", "long", "long, single", "levels", "frame of levels", "polars", "arrow"


def in_form(form, values, times, labels=("a", "b", "c")):
    """The same values for each of some series, or for one."""
    single = pd.Series(values, times)
    if form == "series":
        return single
    if form == "wide":
        return pd.DataFrame(dict.fromkeys(labels, single))
    if form == "long, single":
        return pd.DataFrame({"ds": times, "y": values})
    y = pd.concat(
        [pd.DataFrame({"unique_id": label, "ds": times, "y": values}) for label in labels],
        ignore_index=True,
    ).sample(frac=1, random_state=0)
    if form == "polars":
        pl = pytest.importorskip("polars")
        pytest.importorskip("pyarrow")
        return pl.from_pandas(y.reset_index(drop=True))
    if form == "arrow":
        return pytest.importorskip("pyarrow").Table.from_pandas(y, preserve_index=False)
    if form == "long":
        return y
    y = y.set_index(["unique_id", "ds"])
    return y if form == "frame of levels" else y["y"]


def error_of(y, read=collection_from, **settings):
    with pytest.raises(DataError) as caught:
        read(y, **settings)
    return caught.value


def code_of(error):
    """The statements in a remedy."""
    found = re.search(
        r"(?:^|[:,] |instance )((?:y(?:\.index|\['ds'\])?) = .*?)\.(?: Or |$)", error.remedy
    )
    assert found, error.remedy
    return found[1]


def mended(y, error):
    """Series to which the remedy was applied as it is written."""
    y = y.copy() if hasattr(y, "copy") else y
    names = {"pd": pd, "y": y}
    exec(code_of(error), names)
    return names["y"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", IRREGULAR)
def test_irregular_times_are_moved_to_the_nearest_grid(name, form):
    times, frequency, n_off = IRREGULAR[name]
    y = in_form(form, np.arange(float(len(times))), times)
    missing = "mask" if form in ("wide", "levels") else "raise"
    error = error_of(y, missing=missing)
    assert isinstance(error, IrregularTimesError), str(error)
    assert error.grid.frequency.startswith(frequency)
    assert f"the nearest regular one, {error.grid.frequency}: " in str(error)
    if n_off is not None:
        count = f"{'all' if n_off == N else n_off} of its {N} time stamps"
        assert count in str(error)
        assert str(error).count(", 20") <= 5  # the first few
    collection = collection_from(mended(y, error), missing=missing)
    assert len(collection.ids) == (1 if form in ("series", "long, single") else 3)
    if "gap" not in name and "events" not in name:
        assert collection.panel.lengths.tolist() == [len(times)] * len(collection.ids)
        np.testing.assert_array_equal(collection.panel.values[: len(times)], np.arange(len(times)))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("frequency", ["SMS", "SME", "SMS-10", "SME-20"])
def test_semi_monthly_times_are_read(form, frequency):
    times = pd.DatetimeIndex(pd.date_range("2024-01-01", periods=N + 3, freq=frequency), freq=None)
    known = times[:N]
    y = in_form(form, np.arange(float(N)), known)
    for missing in ("raise", "mask"):
        collection = collection_from(y, missing=missing)
        assert collection.axes[0].step.freqstr.startswith(frequency)
        assert collection.axes[0].after(3).tolist() == times[N:].tolist()


GAPS = {
    "days": DAYS.delete([5, 6, 11]),
    "semi-months": semi_monthly_gap(),
    "business days": pd.bdate_range("2024-01-01", periods=N).delete(7),
    "days in a zone": pd.date_range("2024-03-20", periods=N, tz="Europe/Berlin").delete(7),
    "periods": pd.period_range("2024-01", periods=N, freq="M").delete(4),
    "numbers": pd.Index(range(0, 48, 2)).delete(4),
}
PANDAS_FORMS = FORMS[:-2]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", GAPS)
def test_gaps_are_filled(name, form):
    if name == "periods" and form in ("polars", "arrow"):
        pytest.skip("no periods there")
    times = GAPS[name]
    y = in_form(form, np.arange(float(len(times))), times)
    error = error_of(y)
    assert "has a gap" in str(error)
    assert "missing='mask'" in str(error)
    collection = collection_from(mended(y, error))
    n_missing = 3 if name == "days" else 1
    assert set(collection.panel.lengths) == {len(times) + n_missing}
    assert (
        collection_from(y, missing="mask").panel.lengths.tolist()
        == collection.panel.lengths.tolist()
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rows", [[3], [0, 1, 7], [20, 23]])
def test_missing_values_are_filled(form, rows):
    values = np.arange(float(N))
    values[rows] = np.nan
    y = in_form(form, values, DAYS)
    if form == "wide" and 3 not in rows:
        return  # missing at an end, where series of a wide frame may begin
    error = error_of(y)
    assert "missing='mask'" in str(error)
    collection = collection_from(mended(y, error))
    assert set(collection.panel.lengths) == {N - 2 if 0 in rows else N}


@pytest.mark.parametrize("form", FORMS)
def test_repeated_times_are_averaged(form):
    times = DAYS.insert(5, DAYS[5])
    y = in_form(form, np.arange(N + 1.0), times)
    error = error_of(y)
    snippet = re.search(r"for instance (y\..*?\.mean\(\))", error.remedy)[1]
    collection = collection_from(eval(snippet, {"y": y}))
    assert set(collection.panel.lengths) == {N}


@pytest.mark.parametrize("n", [2, 3])
def test_a_few_irregular_times_are_resampled(n):
    y = pd.Series(
        [1.0, 2.0, 4.0], pd.DatetimeIndex(["2024-01-01", "2024-02-03 11:00", "2024-02-04"])
    )
    collection_from(mended(y[:n], error_of(y[:n])))


@pytest.mark.parametrize("form", ["long", "levels", "frame of levels", "polars"])
def test_frequencies_are_brought_to_the_coarser_one(form):
    parts = [
        in_form("long", np.arange(48.0), pd.date_range("2024-01-01", periods=48, freq=f), (f,))
        for f in ("h", "6h")
    ]
    y = pd.concat(parts)
    if form == "polars":
        y = pytest.importorskip("polars").from_pandas(y)
    elif form != "long":
        y = y.set_index(["unique_id", "ds"])
        y = y if form == "frame of levels" else y["y"]
    collection = collection_from(mended(y, error_of(y)))
    assert collection.axes[0].step == pd.offsets.Hour(6)
