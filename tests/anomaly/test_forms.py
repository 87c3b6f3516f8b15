"""What a detector tells about series in every form, and forms mixed over its calls."""

import numpy as np
import pandas as pd
import pytest

from tsrnn import RNNAnomalyDetector
from tsrnn.data import DataError, IrregularTimesError, MissingDataError

N = 120
HOURS = pd.date_range("2024-01-01", periods=N, freq="h")
VALUES = np.random.default_rng(0).normal(size=N)
FORMS = ["series", "channels", "time in a column", "long", "levels", "polars"]


def small(**kwargs):
    settings = {"horizon": 4, "lookback": 8, "stretch": 4, "hidden_size": 3, "max_iter": 1}
    settings["random_state"] = 0
    return RNNAnomalyDetector(**(settings | kwargs))


def in_form(form, times=HOURS, values=VALUES, labels=("a", "b")):
    """Series or a panel, and the parameters that it needs."""
    if form == "series":
        return pd.Series(values, times), {}
    channels = pd.DataFrame({"temp": values, "wind": values[::-1]}, times)
    if form == "channels":
        return channels, {}
    if form == "time in a column":
        return channels.rename_axis("when").reset_index(), {"time_column": "when"}
    long = pd.concat([channels.rename_axis("when").reset_index().assign(unit=k) for k in labels])
    long = long.sample(frac=1, random_state=0, ignore_index=True)
    if form == "levels":
        return long.set_index(["unit", "when"]), {}
    names = {"time_column": "when", "id_column": "unit"}
    if form == "polars":
        pytest.importorskip("pyarrow")
        return pytest.importorskip("polars").from_pandas(long), names
    return long, names


def mended(y, error):
    code = error.remedy.split(": ", 1)[1].partition(". Or fit")[0].rstrip(".")
    names = {"y": y.copy() if hasattr(y, "copy") else y, "pd": pd}
    exec(code, names)
    return names["y"]


@pytest.mark.filterwarnings("ignore:y has 1")
@pytest.mark.parametrize("missing", ["raise", "mask"])
@pytest.mark.parametrize("form", FORMS)
def test_irregular_times_are_moved_to_the_nearest_grid(form, missing):
    seconds = np.random.default_rng(0).integers(-300, 300, N)
    y, names = in_form(form, HOURS + pd.to_timedelta(seconds, "s"))
    detector = small(missing=missing, **names)
    with pytest.raises(
        IrregularTimesError, match="time stamps are off the nearest regular one, h: 20"
    ) as caught:
        detector.fit(y)
    detector.fit(mended(y, caught.value))


@pytest.mark.filterwarnings("ignore:y has 1")
@pytest.mark.parametrize("what", ["gap", "values"])
@pytest.mark.parametrize("form", FORMS)
def test_gaps_and_missing_values_are_filled(form, what):
    values = VALUES.copy()
    values[[0, 50, 51]] = np.nan
    rows = slice(None) if what == "values" else np.delete(np.arange(N), [7, 8, 50])
    y, names = in_form(form, HOURS[rows], values if what == "values" else VALUES[rows])
    with pytest.raises(MissingDataError, match="missing='mask'") as caught:
        small(**names).fit(y)
    small(**names).fit(mended(y, caught.value))
    small(missing="mask", **names).fit(y)


@pytest.mark.filterwarnings("ignore:y has 1")
@pytest.mark.parametrize("n_channels", [1, 2])
def test_missing_values_of_an_array_are_filled(n_channels):
    y = np.stack([VALUES] * n_channels, axis=1).squeeze()
    y[5] = np.nan
    with pytest.raises(MissingDataError) as caught:
        small().fit(y)
    small().fit(mended(y, caught.value))


@pytest.mark.filterwarnings("ignore:y has 1")
@pytest.mark.parametrize("form", FORMS)
def test_semi_monthly_times_are_read(form):
    times = pd.DatetimeIndex(pd.date_range("2020-01-01", periods=N, freq="SMS"), freq=None)
    y, names = in_form(form, times)
    detector = small(**names).fit(y)
    assert detector.seasons_ == (24,)


def test_a_long_frame_is_told_its_columns():
    y = in_form("long")[0]
    with pytest.raises(DataError, match=r"id_column='unit', time_column='when'. *$"):
        small().fit(y)
    with pytest.raises(DataError, match=r"id_column='unit', time_column='when'. *$"):
        small().fit(y.assign(unit=y["unit"].map({"a": 1, "b": 2})))
    with pytest.raises(DataError, match="Is it ' when' for 'when'"):
        small(id_column="unit", time_column="when").fit(y.rename(columns={"when": " when"}))


@pytest.mark.filterwarnings("ignore:y has 1")
@pytest.mark.parametrize("missing", ["raise", "mask"])
def test_single_series_in_other_forms(missing):
    series = pd.Series(VALUES, HOURS, name="temp")
    frame = series.rename_axis("when").reset_index()
    levels = pd.concat({"temp": series}, names=["unit", "when"])
    detector = small(missing=missing, online=True).fit(series[:100])
    expected = detector.score_samples(series[:110])
    np.testing.assert_array_equal(detector.score_samples(levels[:110]), expected)
    np.testing.assert_array_equal(detector.score_samples(series[:110].to_frame()), expected)
    assert len(detector.update(levels[100:103]).score) == 3
    assert len(detector.update(series[103:105].to_frame()).score) == 2
    long = small(missing=missing, online=True, time_column="when").fit(frame[:100])
    np.testing.assert_allclose(long.score_samples(frame[:110]), expected)


@pytest.mark.filterwarnings("ignore:y has 1")
def test_a_series_named_as_one_of_a_panel_is_that_one():
    both = pd.DataFrame({"a": VALUES, "b": VALUES[::-1]}, HOURS)
    panel = both.rename_axis("when").melt(ignore_index=False, var_name="unit")
    panel = panel.set_index("unit", append=True)["value"].swaplevel()
    detector = small(online=True).fit(panel)
    expected = detector.score_samples(panel.loc[["b"]])
    np.testing.assert_array_equal(detector.score_samples(both["b"]), expected)
    assert detector.detect(both["b"], n_most=1)["series"].tolist() == ["b"]
    with pytest.raises(DataError, match=r"fitted to a panel: 'a', 'b'. Keep its label"):
        detector.score_samples(both["b"].rename("c"))
    with pytest.raises(
        DataError, match=r"'d' of y was not fitted.*; 2 series are affected: 'd', 'e'"
    ):
        detector.score_samples(panel.rename({"a": "d", "b": "e"}))
    numbers = small().fit(panel.rename({"a": 1, "b": 2}))
    with pytest.raises(DataError, match=r"label '1' is of type str.*by astype\(int\)"):
        numbers.score_samples(panel.rename({"a": "1", "b": "2"}))


@pytest.mark.filterwarnings("ignore:y has 1")
def test_what_follows_is_told():
    series = pd.Series(VALUES, HOURS)
    detector = small(online=True).fit(series[:100])
    with pytest.raises(DataError, match="without a gap, or fit with missing='mask'"):
        detector.update(series[101:104])
    with pytest.raises(DataError, match="rows after 2024-01-05 03:00:00 alone"):
        detector.update(series[98:104])


def test_many_bad_series_are_counted_and_the_first_listed():
    one = pd.DataFrame({"when": HOURS, "temp": VALUES})
    names = {"id_column": "unit", "time_column": "when"}

    def panel_of(bad):
        parts = [one.assign(unit="s0"), *(bad.assign(unit=f"s{k}") for k in range(1, 8))]
        return pd.concat(parts, ignore_index=True)

    cases = {
        "missing values": (one.assign(temp=one["temp"].where(one.index != 7)), "raise"),
        "infinite": (one.assign(temp=one["temp"].where(one.index != 7, np.inf)), "mask"),
        "gaps": (one.drop(index=7), "raise"),
        "repeats": (one.iloc[[*range(N), 3]], "raise"),
        "repeats, masked": (one.iloc[[*range(N), 3]], "mask"),
        "nothing": (one.assign(temp=np.nan), "mask"),
        "short": (one[:5], "raise"),
    }
    for name, (bad, missing) in cases.items():
        with pytest.raises(DataError) as caught:
            small(missing=missing, **names).fit(panel_of(bad))
        assert "; 7 series are affected: 's1', 's2', 's3', 's4', 's5' and 2 more. " in str(
            caught.value
        ), name


@pytest.mark.filterwarnings("ignore:y has 1")
@pytest.mark.parametrize("missing", ["raise", "mask"])
def test_frequencies_are_brought_to_the_coarser_one(missing):
    parts = [
        pd.DataFrame(
            {
                "when": pd.date_range("2024", periods=n, freq=f),
                "temp": 1.0 * np.arange(n),
                "unit": f,
            }
        )
        for n, f in ((600, "h"), (100, "6h"))
    ]
    detector = small(missing=missing, id_column="unit", time_column="when")
    y = pd.concat(parts)
    with pytest.raises(IrregularTimesError, match="bring all to one: y = ") as caught:
        detector.fit(y)
    detector.fit(mended(y, caught.value))
