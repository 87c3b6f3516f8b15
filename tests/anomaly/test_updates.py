"""What an update tells of its rows, and rows given by the names of their channels."""

import numpy as np
import pandas as pd
import pytest

import tsrnn
from tsrnn import RNNAnomalyDetector
from tsrnn.data import DataError, MissingDataError

pytestmark = pytest.mark.slow

N, STRETCH = 360, 7
HOURS = pd.date_range("2024-02-28", periods=N, freq="h", name="hour")
SMALL = {"horizon": 5, "lookback": 12, "stretch": STRETCH, "hidden_size": 4, "max_iter": 2}


def small(**parameters):
    fixed = {"random_state": 0, "dtype": "float64", "online": True}
    return RNNAnomalyDetector(**SMALL | fixed | parameters)


def frame(seed=0):
    """Two channels with noise, of which "heat" is strange for five hours."""
    day = np.sin(np.arange(N) * np.pi / 12)
    noise = np.random.default_rng(seed).normal(size=(N, 2))
    values = np.column_stack([10 + 2 * day, 200 - 30 * day]) + noise * [1, 10]
    values[320:325, 1] += 150
    return pd.DataFrame(values, HOURS, ["speed", "heat"])


def series():
    return frame()["speed"].rename("load")


def panel():
    parts = {"b": frame(1), "a": frame(2) * 3}
    return pd.concat(parts, names=["unit"])


@pytest.mark.parametrize("method", ["forecast", "reconstruction"])
def test_an_update_tells_channel_value_and_expectation(method):
    y = frame()
    detector = small(method=method).fit(y[:300])
    explained = detector.explain(y)[300:]
    update = detector.update(y[300:])
    assert {"speed", "heat"} == set(update.channel)
    assert set(update.channel[20:25]) == {"heat"}
    rows = np.arange(300, N)
    for k, channel in enumerate(update.channel):
        assert update.seen[k] == y[channel].iloc[rows[k]]
        expected = explained[f"expected_{channel}"].iloc[k]
        np.testing.assert_allclose(update.expected[k], expected, rtol=1e-6)
    names = ["score", "threshold", "anomaly", "channel", "seen", "expected"]
    assert update.to_frame().columns.tolist() == names
    assert update.to_frame().index.equals(HOURS[300:])


def test_the_channel_is_that_with_the_largest_share_in_the_smoothed_score(monkeypatch):
    """By a loop: exponential means of each channel's own squares, whose mean is the score's."""
    y = frame()
    detector = small().fit(y[:300])
    squares = []
    monkeypatch.setattr(
        "tsrnn.anomaly.streaming.channel_scores",
        lambda errors, scale: squares.append(np.square(errors / scale).mean(axis=0)) or squares[-1],
    )
    levels = detector.fitted_.streams[0].channel_levels
    first = detector.fitted_.streams[0].level
    np.testing.assert_allclose(levels.mean(), first, rtol=1e-9)
    update = detector.update(y[300:])
    keep = 1 - 2 / (STRETCH + 1)
    for k, x in enumerate(squares):
        levels = keep * levels + (1 - keep) * x
        assert update.channel[k] == y.columns[levels.argmax()]
        np.testing.assert_allclose(levels.mean() ** 0.5, update.score[k], rtol=1e-9)
    assert set(update.channel[25:30]) == {"heat"}  # whose errors still make the score


def test_one_channel_needs_no_name():
    y = series()
    detector = small().fit(y[:300])
    expected = detector.explain(y)["expected"][300:]
    parts = [detector.update(y[300:301]), detector.update(float(y.iloc[301]))]
    parts += [detector.update(y[302:].to_numpy())]
    assert [part.channel for part in parts] == [None] * 3
    np.testing.assert_array_equal(np.concatenate([part.seen for part in parts]), y[300:])
    found = np.concatenate([part.expected for part in parts])
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert "channel" not in parts[0].to_frame()


def test_a_constant_channel_is_expected_to_stay():
    y = frame().assign(speed=3.0)
    detector = small().fit(y[:300])
    update = detector.update({"speed": 4.0, "heat": y["heat"].iloc[300]})
    assert (update.channel[0], update.seen[0], update.expected[0]) == ("speed", 4.0, 3.0)


def test_missing_values_have_no_channel():
    y = frame()
    y.iloc[310] = np.nan
    y.iloc[312, 1] = np.nan
    detector = small(missing="mask").fit(y[:300])
    update = detector.update(y[300:])
    assert update.channel[10] is None
    assert np.isnan(update.score[10])
    assert np.isnan(update.seen[10])
    assert update.channel[12] is not None
    rows = np.array([channel is not None for channel in update.channel])
    values = [y[channel].iloc[300 + k] for k, channel in enumerate(update.channel) if channel]
    np.testing.assert_array_equal(update.seen[rows], values)


def test_a_stream_of_a_panel_tells_of_each_row_in_its_order():
    y = panel().swaplevel().sort_index().swaplevel()  # both units of each hour
    times = y.index.get_level_values(1)
    detector = small().fit(y[times < HOURS[300]])
    explained = detector.explain(y)[times >= HOURS[300]]
    new = y[times >= HOURS[300]]
    update = detector.update(new)
    for k, channel in enumerate(update.channel):
        assert update.seen[k] == new[channel].iloc[k]
        expected = explained[f"expected_{channel}"].iloc[k]
        np.testing.assert_allclose(update.expected[k], expected, rtol=1e-6)


def test_a_loaded_detector_goes_on_with_the_channels(tmp_path):
    y = frame()
    detector = small().fit(y[:300])
    detector.update(y[300:326])
    tsrnn.save(detector, tmp_path / "file")
    loaded = tsrnn.load(tmp_path / "file")
    first, second = detector.update(y[326:]), loaded.update(y[326:])
    pd.testing.assert_frame_equal(first.to_frame(), second.to_frame())
    assert first.channel[0] == "heat"


def rows_of(y):
    """A row in the forms that name its channels, three without its time and two with it."""
    row = y.iloc[-1]
    told = [row, row[::-1].astype(object)]
    return [row.to_dict(), row[::-1].to_dict(), row.rename(None), *told]


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_rows_without_an_index_have_their_time_stamps(zone):
    """Time stamps counted from the last one known, or of clocks that change on March 31."""
    hours = pd.date_range("2024-03-30 20:00", periods=8, freq="h", tz=zone, name="hour")
    before = pd.date_range(end=hours[0], periods=301, freq="h", name="hour")[:-1]
    y = pd.Series(np.sin(np.arange(300.0)), before, name="load")
    detector = small().fit(y)
    updates = [detector.update(given) for given in (0.5, {"load": 0.1}, np.ones(3))]
    updates += [detector.update(pd.Series([1.0], hours[5:6])), detector.update([1.0, 2.0])]
    assert detector.cutoff_ == hours[-1]
    found = [update.index for update in updates]  # read after the stream went on
    for index, expected in zip(
        found, [hours[:1], hours[1:2], hours[2:5], hours[5:6], hours[6:]], strict=True
    ):
        pd.testing.assert_index_equal(index, expected, check_names=False)
    assert updates[2].to_frame().index.equals(hours[2:5])
    assert "2024-03-30 20:00" in repr(updates[0])


def test_rows_of_a_series_without_time_stamps_have_no_index():
    assert small().fit(series().to_numpy()).update(0.5).index is None


@pytest.mark.parametrize("y", [frame(), series().to_frame()], ids=["two channels", "one"])
def test_a_row_by_names_of_channels(y):
    results = []
    for k in range(len(rows_of(y))):
        detector = small().fit(y[:-1])
        update = detector.update(rows_of(y)[k])
        assert update.index.tolist() == [HOURS[-1]]
        assert detector.cutoff_ == HOURS[-1]
        results.append(update.to_frame().reset_index(drop=True))
    whole = small().fit(y[:-1]).update(y[-1:]).to_frame().reset_index(drop=True)
    for result in results:
        pd.testing.assert_frame_equal(result, whole, rtol=1e-12)


def test_a_row_of_a_panel_and_of_a_long_frame():
    y = panel()
    times = y.index.get_level_values(1)
    indexed = small().fit(y[times < HOURS[300]])
    update = indexed.update(y.loc[("a", HOURS[300])])
    assert update.index.tolist() == [("a", HOURS[300])]
    long = y.reset_index()
    columns = {"id_column": "unit", "time_column": "hour"}
    row = long[(long["unit"] == "a") & (long["hour"] == HOURS[300])].iloc[0]
    for given in (row, row.to_dict()):
        detector = small(**columns).fit(long[long["hour"] < HOURS[300]])
        found = detector.update(given)
        np.testing.assert_allclose(found.score, update.score, rtol=1e-12)
        assert detector.cutoff_.to_dict() == {"b": HOURS[299], "a": HOURS[300]}


def test_rows_that_lack_a_channel_or_a_number_are_refused_and_change_nothing():
    y = frame()
    detector = small().fit(y[:300])
    row = y.iloc[300].to_dict()
    for wrong, message in [
        ({"speed": 1.0}, r"row of \['speed'\]; it has no 'heat'. Give the channels .*'heat'\]"),
        (row | {"heet": 1.0}, "it has 'heet', which is no channel"),
        (row | {"heat": "much"}, "Column 'heat' of y is 'much', which is no real number"),
        (row | {"heat": "5"}, "Column 'heat' of y is '5', which is no real number"),
        (row | {"heat": None}, r"Column 'heat' of y is missing \(NaN\)"),
        (row | {"heat": np.inf}, "Column 'heat' of y is infinite"),
        (y["speed"][300:301], "1 channels"),
        (y.iloc[301], "2024-03-11 13:00:00 where 2024-03-11 12:00:00 follows"),
    ]:
        with pytest.raises(ValueError, match=message):
            detector.update(wrong)
    assert detector.cutoff_ == HOURS[299]
    expected = small().fit(y[:300]).update(y[300:])
    np.testing.assert_array_equal(detector.update(y[300:]).score, expected.score)
    assert detector.cutoff_ == HOURS[N - 1]
    with pytest.raises(ValueError, match="which of the series"):
        small().fit(panel()).update(row)


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        (np.nan, MissingDataError, r"y is missing \(NaN\). Give its value, or fit with missing"),
        (None, MissingDataError, r"y is missing \(NaN\)"),
        (-np.inf, DataError, "y is infinite. Give a finite number"),
        ("12.5", DataError, "y is '12.5', which is no real number"),
    ],
)
def test_what_is_no_number_for_the_only_channel(value, kind, message):
    y = frame()["speed"]
    detector = small().fit(y[:300])
    with pytest.raises(kind, match=message):
        detector.update(value)
    assert detector.cutoff_ == HOURS[299]
    masking = small(missing="mask").fit(y[:300])
    if kind is MissingDataError:
        assert np.isnan(masking.update(value).seen).all()
