"""AnomalyDisplay draws a series, what was expected, the score and events, in every form."""

from itertools import pairwise

import matplotlib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.exceptions import NotFittedError

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.colors import to_rgb
from matplotlib.dates import date2num

from tsrnn import RNNAnomalyDetector
from tsrnn.anomaly import GaussianDetector, PCADetector, PolynomialDetector
from tsrnn.plotting import AnomalyDisplay

pytestmark = pytest.mark.slow

N = 60
INDEXES = {
    "days": pd.date_range("2024-01-01", periods=N),
    "half hours over the end of summer time": pd.date_range(
        "2024-10-26 12:00", periods=N, freq="30min", tz="Europe/Berlin"
    ),
    "years": pd.period_range("1900", periods=N, freq="Y"),
    "numbers": pd.RangeIndex(10, 10 + 10 * N, 10),
}


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def made(index=INDEXES["days"]):
    """A series, what was said of it, with two stretches above the threshold."""
    y = pd.Series(np.sin(np.arange(N) / 3), index, name="level")
    score = pd.Series(1 + 0.1 * np.cos(np.arange(N)), index)
    score.iloc[20:24], score.iloc[40] = 5, 3
    explained = pd.DataFrame(
        {
            "score": score,
            "threshold": 2.0,
            "anomaly": score > 2,
            "expected": y + 0.1,
            "lower": y - 0.4,
            "upper": y + 0.6,
        }
    )
    return y, explained


def channels(n=3):
    """Several channels, the second of which is strange."""
    y, explained = made()
    frame = pd.DataFrame({f"c{k}": y + k for k in range(n)})
    explained = explained[["score", "threshold", "anomaly"]].copy()
    for k, name in enumerate(frame):
        explained[f"expected_{name}"] = frame[name]
        explained[f"lower_{name}"], explained[f"upper_{name}"] = frame[name] - 1, frame[name] + 1
        explained[f"share_{name}"] = 0.9 if k == 1 else 0.1 / (n - 1)
    return frame, explained


def expected_x(index):
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if isinstance(index, pd.DatetimeIndex):
        return np.array([date2num(stamp.to_pydatetime()) for stamp in index])
    return np.array(index, dtype=float)


def reaches(spans):
    """From where to where each span goes."""
    found = []
    for path in spans.get_paths():
        found.append((path.vertices[:, 0].min(), path.vertices[:, 0].max()))
    return np.array(found)


def named(legend):
    return [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize("kind", INDEXES)
def test_what_is_drawn_has_the_data_on_every_kind_of_index(kind):
    y, explained = made(INDEXES[kind])
    events = pd.DataFrame({"start": y.index[[20, 40]], "end": y.index[[23, 40]]})
    labels = pd.DataFrame({"start": y.index[[19]], "end": y.index[[25]]})
    display = AnomalyDisplay.from_predictions(y, explained, events=events, labels=labels)
    assert list(display.axes_) == ["level"]
    ax, x = display.axes_["level"], expected_x(y.index)
    for line, values in (
        (display.actual_lines_["level"], y),
        (display.expected_lines_["level"], explained["expected"]),
        (display.score_line_, explained["score"]),
        (display.threshold_line_, explained["threshold"]),
    ):
        np.testing.assert_allclose(line.get_xdata(orig=False), x, rtol=1e-12)
        np.testing.assert_array_equal(line.get_ydata(), values)
    (path,) = display.bands_["level"].get_paths()
    drawn = {tuple(vertex) for vertex in path.vertices.round(9)}
    bounds = (np.column_stack([x, explained[side]]).round(9) for side in ("lower", "upper"))
    assert drawn == {tuple(vertex) for side in bounds for vertex in side}
    # From halfway before the first point to halfway after the last one, in both axes
    between = np.r_[np.nan, (x[1:] + x[:-1]) / 2]
    wanted = [(between[20], between[24]), (between[40], between[41])]
    assert len(display.event_spans_) == 2
    assert [spans.axes for spans in display.event_spans_] == [ax, display.score_ax_]
    for spans in display.event_spans_:
        np.testing.assert_allclose(reaches(spans), wanted, rtol=1e-9)
    (bars,) = display.label_bars_
    assert bars.axes is ax
    np.testing.assert_allclose(reaches(bars), [(between[19], between[26])], rtol=1e-9)
    display.figure_.canvas.draw()
    assert np.isfinite(ax.get_xlim()).all()
    assert ax.get_xlim() == display.score_ax_.get_xlim()


def test_what_is_above_the_threshold_is_filled():
    y, explained = made()
    display = AnomalyDisplay.from_predictions(y, explained)
    x = expected_x(y.index)
    np.testing.assert_allclose(reaches(display.exceeded_), [(x[19], x[24]), (x[39], x[41])])
    tops = [path.vertices[:, 1].max() for path in display.exceeded_.get_paths()]
    assert tops == [5, 3]
    assert min(path.vertices[:, 1].min() for path in display.exceeded_.get_paths()) == 2
    pruned = explained.assign(anomaly=explained["score"] > 4)
    display = AnomalyDisplay.from_predictions(y, pruned)
    np.testing.assert_allclose(reaches(display.exceeded_), [(x[19], x[24])])
    quiet = AnomalyDisplay.from_predictions(y, explained.assign(threshold=9.0, anomaly=False))
    assert quiet.exceeded_ is None
    assert quiet.event_spans_ == quiet.label_bars_ == []


def test_labels_legend_and_order():
    y, explained = made()
    display = AnomalyDisplay.from_predictions(y, explained, labels=np.arange(N) == 20)
    ax = display.axes_["level"]
    assert (ax.get_ylabel(), display.score_ax_.get_ylabel()) == ("level", "score")
    (legend,) = display.figure_.legends
    assert named(legend) == [
        "actual",
        "expected",
        "usual range",
        "detected event",
        "known event",
        "threshold",
    ]
    display.figure_.canvas.draw()
    assert not legend.get_window_extent().overlaps(ax.get_window_extent())
    assert ax.get_legend() is None
    behind = [display.event_spans_[0], display.bands_["level"], display.actual_lines_["level"]]
    heights = [artist.get_zorder() for artist in behind]
    assert heights == sorted(heights)
    assert display.score_ax_.get_ylim()[0] == 0
    # the bars lie below all that is drawn
    top = ax.transAxes.transform((0, 0.035))[1]
    lowest = ax.transData.transform((0, explained["lower"].min()))[1]
    assert lowest > top


def test_scores_alone():
    y, explained = made()
    for scores in (explained["score"], explained["score"].to_numpy(), explained[["score"]]):
        display = AnomalyDisplay.from_predictions(y, scores)
        np.testing.assert_array_equal(display.score_line_.get_ydata(), explained["score"])
        assert display.expected_lines_ == display.bands_ == {"level": None}
        assert display.threshold_line_ is display.exceeded_ is None
        assert display.event_spans_ == []
        assert named(display.figure_.legends[0]) == ["actual"]


def test_by_default_events_are_the_marked_stretches():
    y, explained = made()
    own = AnomalyDisplay.from_predictions(y, explained)
    assert own.events["start"].tolist() == y.index[[20, 40]].tolist()
    none = AnomalyDisplay.from_predictions(y, explained, events=own.events[:0])
    assert none.event_spans_ == []


def test_known_events_in_every_form():
    y, explained = made()
    flags = np.zeros(N, int)
    flags[[3, 4, 5, 30]] = 1
    frame = pd.DataFrame({"start": y.index[[30, 3]], "end": y.index[[30, 5]]})
    series = pd.Series(flags, y.index)
    forms = (flags, flags == 1, flags.tolist(), series, series.to_frame(), frame)
    drawn = [
        reaches(AnomalyDisplay.from_predictions(y, explained, labels=form).label_bars_[0])
        for form in forms
    ]
    for one in drawn:
        np.testing.assert_array_equal(one, drawn[0])
    x = expected_x(y.index)
    np.testing.assert_allclose(drawn[0], [(x[3] - 0.5, x[5] + 0.5), (x[30] - 0.5, x[30] + 0.5)])


@pytest.mark.parametrize(
    ("kind", "start", "end", "first", "last"),
    [
        ("days", "2024-01-10", "2024-01-20", 9, 19),
        ("days", "2024-02", None, 31, 59),
        ("days", None, pd.Timestamp("2024-01-05 12:00"), 0, 4),
        ("half hours over the end of summer time", "2024-10-27", None, 24, 59),
        ("years", "1910", "1925", 10, 25),
        ("numbers", 100, 200, 9, 19),
        ("days", "2024-01-10", "2024-01-10", 9, 9),
    ],
)
def test_a_stretch_is_drawn(kind, start, end, first, last):
    y, explained = made(INDEXES[kind])
    labels = np.arange(N) % 10 == 0
    display = AnomalyDisplay.from_predictions(y, explained, labels=labels, start=start, end=end)
    shown = slice(first, last + 1)
    for line, values in (
        (display.actual_lines_["level"], y),
        (display.expected_lines_["level"], explained["expected"]),
        (display.score_line_, explained["score"]),
    ):
        np.testing.assert_array_equal(line.get_ydata(), values[shown])
    low, high = display.score_ax_.get_xlim()
    x = expected_x(y.index)
    assert low < x[first] <= x[last] < high
    if last > first:
        assert first == 0 or x[first - 1] < low
        assert last == N - 1 or high < x[last + 1]
    n_bars = sum(labels[shown])
    assert len(display.label_bars_) == (n_bars > 0)
    n_events = sum(first <= k <= last for k in (20, 40))
    assert len(display.event_spans_) == 2 * (n_events > 0)
    if n_events:
        assert len(reaches(display.event_spans_[0])) == n_events


def test_missing_values_and_rows_are_gaps():
    y, explained = made()
    y.iloc[5] = np.nan
    y, explained = y.drop(y.index[[30, 31]]), explained.drop(explained.index[[30, 31]])
    order = np.random.default_rng(0).permutation(len(y))
    display = AnomalyDisplay.from_predictions(y.iloc[order], explained.iloc[order])
    for line in (display.actual_lines_["level"], display.score_line_):
        values = line.get_ydata()
        assert np.isnan(values[[30, 31]]).all()
    assert len(values) == N
    np.testing.assert_array_equal(display.actual_lines_["level"].get_ydata()[32:], y[30:])
    np.testing.assert_array_equal(display.score_line_.get_ydata()[32:], explained["score"][30:])
    assert np.isnan(display.actual_lines_["level"].get_ydata()[5])


def test_wide_scores_are_drawn_on_a_logarithmic_axis():
    y, explained = made()
    assert AnomalyDisplay.from_predictions(y, explained).score_ax_.get_yscale() == "linear"
    wide = explained.assign(score=explained["score"].where(explained["score"] < 4, 1e5))
    wide.loc[wide.index[0], "score"] = 0
    display = AnomalyDisplay.from_predictions(y, wide)
    assert display.score_ax_.get_yscale() == "log"
    assert 0 < display.score_ax_.get_ylim()[0] < 1
    odd = explained.assign(score=explained["score"] - 3)
    odd.loc[odd.index[:2], ["score", "threshold"]] = [[np.inf, np.inf], [np.nan, np.inf]]
    display = AnomalyDisplay.from_predictions(y, odd)
    assert display.score_ax_.get_ylim()[0] < -2
    assert np.isfinite(display.score_ax_.get_ylim()).all()


# Channels


def test_each_channel_has_axes():
    y, explained = channels()
    display = AnomalyDisplay.from_predictions(y, explained)
    assert list(display.axes_) == ["c0", "c1", "c2"]
    for name, ax in display.axes_.items():
        assert ax.get_ylabel() == name
        np.testing.assert_array_equal(display.actual_lines_[name].get_ydata(), y[name])
        line = display.expected_lines_[name].get_ydata()
        np.testing.assert_array_equal(line, explained[f"expected_{name}"])
        assert display.bands_[name].axes is ax
    assert len(display.figure_.axes) == 4
    shown = [
        any(tick.label1.get_visible() for tick in ax.xaxis.get_major_ticks())
        for ax in display.figure_.axes
    ]
    assert shown == [False, False, False, True]


def test_events_are_darker_where_the_surprise_is_the_channels():
    y, explained = channels()
    display = AnomalyDisplay.from_predictions(y, explained)
    pale = [spans.get_facecolor()[0, 1] for spans in display.event_spans_[:3]]
    assert pale[1] < pale[0] == pale[2]
    without = explained[["score", "threshold", "anomaly"]]
    display = AnomalyDisplay.from_predictions(y, without)
    assert len({tuple(spans.get_facecolor()[0]) for spans in display.event_spans_}) == 1


def test_the_strangest_of_many_channels_are_drawn():
    y, explained = channels(20)
    explained["share_c17"] = explained["share_c9"] = 0.5
    explained.loc[explained.index[:20], "share_c4"] = 3  # before the events
    display = AnomalyDisplay.from_predictions(y, explained)
    assert list(display.axes_) == ["c0", "c1", "c2", "c3", "c9", "c17"]
    assert display.figure_.get_supxlabel() == "6 of 20 channels; channels chooses others"
    display = AnomalyDisplay.from_predictions(y, explained["score"])
    assert list(display.axes_) == [f"c{k}" for k in range(6)]


@pytest.mark.parametrize(
    ("wanted", "drawn"),
    [
        ("c7", ["c7"]),
        (["c7", "c2", "c7"], ["c7", "c2"]),
        (np.array(["c3"]), ["c3"]),
        ([f"c{k}" for k in range(8)], [f"c{k}" for k in range(8)]),
    ],
)
def test_channels_are_chosen(wanted, drawn):
    y, explained = channels(10)
    display = AnomalyDisplay.from_predictions(y, explained, channels=wanted)
    assert list(display.axes_) == drawn
    last = display.actual_lines_[drawn[-1]].get_ydata()
    np.testing.assert_array_equal(last, y[drawn[-1]])
    assert display.figure_.get_supxlabel() == ""


def test_arrays():
    y, explained = channels()
    display = AnomalyDisplay.from_predictions(y.to_numpy(), explained["score"].to_numpy(), end=9)
    assert [ax.get_ylabel() for ax in display.axes_.values()] == [f"channel {k}" for k in range(3)]
    assert display.actual_lines_[2].get_ydata().tolist() == y["c2"][:10].tolist()
    lone = AnomalyDisplay.from_predictions(y["c0"].to_numpy(), explained.reset_index(drop=True))
    assert [ax.get_ylabel() for ax in lone.figure_.axes] == ["", "score"]


# Panels


def panel():
    """Two series, the second of which has the highest score, on a MultiIndex."""
    y, explained = made()
    y = pd.concat({"a": y, "b": -y[:50]}, names=["shop", "day"])
    table = pd.concat({"a": explained, "b": 2 * explained[:50]}, names=["shop", "day"])
    return y, table.assign(anomaly=table["anomaly"].astype(bool))


FORMS = {
    "MultiIndex": (lambda frame: frame, {}),
    "long": (
        lambda frame: frame.reset_index(),
        {"id_column": "shop", "time_column": "day"},
    ),
    "polars": (
        lambda frame: pl.DataFrame(
            {name: frame.reset_index()[name].tolist() for name in frame.reset_index()}
        ),
        {"id_column": "shop", "time_column": "day"},
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_one_series_of_a_panel_in_every_form(form):
    y, explained = panel()
    events = pd.DataFrame({"shop": ["a", "b", "b"], "start": y.index.levels[1][[1, 5, 8]]})
    events["end"] = events["start"]
    flags = np.r_[np.zeros(60), np.ones(2), np.zeros(48)]
    make, how = FORMS[form]
    said = make(explained)
    if form == "long":
        said = said.drop(columns=["shop", "day"])
    for labels in (flags, events[:2]):
        display = AnomalyDisplay.from_predictions(
            make(y.to_frame()), said, events=events, labels=labels, **how
        )
        assert display.series == "b"
        assert list(display.axes_) == ["level"]
        np.testing.assert_array_equal(display.actual_lines_["level"].get_ydata(), y["b"])
        np.testing.assert_array_equal(display.score_line_.get_ydata(), explained["score"]["b"])
        assert len(reaches(display.event_spans_[0])) == 2
        assert len(reaches(display.label_bars_[0])) == 1
        assert display.axes_["level"].get_title(loc="left") == "b"
        assert display.figure_.get_supxlabel() == "1 of 2 series; series chooses another"
    other = AnomalyDisplay.from_predictions(make(y.to_frame()), said, series="a", **how)
    np.testing.assert_array_equal(other.actual_lines_["level"].get_ydata(), y["a"])
    assert other.figure_.get_supxlabel() == ""


# Detectors


@pytest.fixture(scope="module")
def fitted():
    y = pd.Series(np.sin(np.arange(300) / 3), pd.date_range("2024", periods=300), name="level")
    y.iloc[200:206] += 3
    few = {"max_iter": 1, "hidden_size": 4, "n_jobs": 1, "stretch": 5, "random_state": 0}
    return RNNAnomalyDetector(**few).fit(y), y


def test_from_estimator_draws_what_it_says(fitted):
    detector, y = fitted
    display = AnomalyDisplay.from_estimator(detector, y, n_most=1)
    explained = detector.explain(y)
    np.testing.assert_array_equal(display.score_line_.get_ydata(), explained["score"])
    np.testing.assert_array_equal(
        display.expected_lines_["level"].get_ydata(), explained["expected"]
    )
    pd.testing.assert_frame_equal(display.events, detector.detect(y, 1))
    assert len(reaches(display.event_spans_[0])) == 1
    given = pd.DataFrame({"start": y.index[[5, 90]], "end": y.index[[7, 95]]})
    display = AnomalyDisplay.from_estimator(detector, y, events=given, end="2024-02")
    assert len(reaches(display.event_spans_[0])) == 1
    np.testing.assert_array_equal(display.score_line_.get_ydata(), explained["score"][:60])


def test_from_estimator_of_a_long_panel_of_channels(fitted):
    _, y = fitted
    long = pd.concat(
        pd.DataFrame({"shop": shop, "day": y.index, "a": sign * y.to_numpy(), "b": 1.0 * (y > 0)})
        for shop, sign in (("x", 1), ("y", -1))
    ).reset_index(drop=True)
    detector = RNNAnomalyDetector(
        max_iter=1, hidden_size=4, n_jobs=1, stretch=5, id_column="shop", time_column="day"
    ).fit(long)
    display = AnomalyDisplay.from_estimator(detector, long, series="y", channels="a")
    assert list(display.axes_) == ["a"]
    assert display.axes_["a"].get_ylabel() == "a"
    score = detector.explain(long)["score"]
    np.testing.assert_array_equal(display.score_line_.get_ydata(), score[300:])
    events = detector.detect(long)
    pd.testing.assert_frame_equal(
        display.events, events[events["shop"] == "y"].reset_index(drop=True)
    )


@pytest.mark.parametrize("baseline", [GaussianDetector, PCADetector, PolynomialDetector])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_any_detector_is_drawn(baseline, n_channels, fitted):
    y = pd.DataFrame({f"c{k}": fitted[1] for k in range(n_channels)})
    detector = baseline().fit(y)
    display = AnomalyDisplay.from_estimator(detector, y, n_most=1)
    explained = detector.explain(y)
    for name in y:
        column = "expected" if n_channels == 1 else f"expected_{name}"
        assert (display.expected_lines_[name] is None) == (column not in explained)
    np.testing.assert_array_equal(display.score_line_.get_ydata(), explained["score"])
    assert len(display.event_spans_) == n_channels + 1


def test_from_estimator_refuses_what_is_not_fitted(fitted):
    with pytest.raises(NotFittedError):
        AnomalyDisplay.from_estimator(RNNAnomalyDetector(), fitted[1])
    with pytest.raises(ValueError, match="must be a detector such as RNNAnomalyDetector, got 3"):
        AnomalyDisplay.from_estimator(3, fitted[1])
    with pytest.raises(ValueError, match="n_most must be"):
        AnomalyDisplay.from_estimator(*fitted, n_most=0)


# Axes and styles


def test_axes_and_styles_are_the_callers():
    y, explained = made()
    figure, axes = plt.subplots(2)
    display = AnomalyDisplay(y, explained)
    assert not hasattr(display, "axes_")
    same = display.plot(
        axes,
        actual_kw={"color": "red", "label": "mine"},
        expected_kw={"color": "lime"},
        score_kw={"linewidth": 7},
    )
    assert same is display
    assert [display.axes_["level"], display.score_ax_] == axes.tolist()
    assert plt.get_fignums() == [figure.number]
    assert not figure.legends
    figure.canvas.draw()
    legend = axes[0].get_legend()
    assert named(legend)[0] == "mine"
    assert legend.get_window_extent().y0 >= axes[0].get_window_extent().y1
    assert display.actual_lines_["level"].get_color() == "red"
    assert display.bands_["level"].get_facecolor()[0, :3].tolist() == [0, 1, 0]
    assert display.score_line_.get_linewidth() == 7


def test_it_is_legible_on_black():
    with plt.style.context("dark_background"):
        display = AnomalyDisplay.from_predictions(*made())
    assert min(to_rgb(display.actual_lines_["level"].get_color())) > 0.8
    assert max(display.event_spans_[0].get_facecolor()[0, :3]) < 0.5


@pytest.mark.parametrize(("freq", "n"), [("MS", 30), ("D", 88), ("h", 60), ("30min", 9000)])
def test_dates_are_apart(freq, n):
    index = pd.date_range("2011-01-05", periods=n, freq=freq)
    display = AnomalyDisplay.from_predictions(pd.Series(1.0, index), np.ones(n))
    display.figure_.canvas.draw()  # a locator at a loss would warn
    ax = display.score_ax_
    low, high = ax.get_xlim()
    ticks = [tick for tick in ax.xaxis.get_major_ticks() if low <= tick.get_loc() <= high]
    boxes = [tick.label1.get_window_extent() for tick in ticks if tick.label1.get_text()]
    assert len(boxes) >= 4
    assert all(left.x1 + 2 < right.x0 for left, right in pairwise(boxes))


Y, EXPLAINED = made()
BAD = {
    "no score": ({"explained": EXPLAINED[["threshold"]]}, r"a column 'score', got \['threshold'\]"),
    "fewer rows": ({"explained": EXPLAINED[:-1]}, r"\(59 rows\) must have the index of y \(60"),
    "other index": ({"explained": EXPLAINED.set_axis(range(N))}, "must have the index of y"),
    "fewer scores": ({"explained": np.ones(7)}, "explained has 7 rows, and y 60"),
    "events of no end": ({"events": EXPLAINED}, "events must be a DataFrame with columns start"),
    "few labels": ({"labels": [0, 1]}, r"for each of the 60 rows of y, got list of shape \(2,\)"),
    "other labels": ({"labels": np.arange(N)}, "labels must be 0 and 1, got 2 in row 2"),
    "named labels": ({"labels": ["no"] * N}, "labels must be 0 and 1: "),
    "moved labels": (
        {"labels": pd.Series(0, range(N))},
        r"labels and y have different indexes, first at \[0\]: 0 and 2024-01-01",
    ),
    "series": ({"series": "a"}, "series chooses one of a panel, and y is one series; got 'a'"),
    "channel": ({"channels": ["level", "z"]}, r"has 'z', which is none .*among \['level'\]"),
    "no channel": ({"channels": []}, "channels is empty"),
    "late": ({"start": "2025"}, r"Nothing lies .*'2025' .*: y reaches from 2024-01-01 to 2024-02"),
    "turned": ({"start": "2024-02", "end": "2024-01-05"}, "Nothing lies between"),
    "no date": ({"end": "soon"}, "end='soon' must be labels of the index of y, such as 2024-01-01"),
    "a number": ({"start": 3}, "start=3 and end=None must be labels of the index of y"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_does_not_fit_is_refused(case):
    bad, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        AnomalyDisplay.from_predictions(**{"y": Y, "explained": EXPLAINED} | bad)
    assert plt.get_fignums() == []


def test_what_does_not_fit_a_panel_is_refused():
    y, explained = panel()
    with pytest.raises(ValueError, match=r"series is 'c', which is none of \['a', 'b'\]"):
        AnomalyDisplay.from_predictions(y, explained, series="c")
    lone = pd.DataFrame({"start": Y.index[:1], "end": Y.index[:1]})
    for what in ("events", "labels"):
        with pytest.raises(ValueError, match=f"{what} has the columns .*, none of them 'shop'"):
            AnomalyDisplay.from_predictions(y, explained, **{what: lone})


def test_as_many_axes_as_needed():
    _, axes = plt.subplots(2)
    with pytest.raises(ValueError, match=r"one for the score, 4 of them, got 2. Choose channels"):
        AnomalyDisplay.from_predictions(*channels(), ax=axes)


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'pip install "tsrnn\[plot\]"'):
        AnomalyDisplay.from_predictions(Y, EXPLAINED)
