"""DecompositionDisplay draws the parts of a series, its seasons over one cycle of the calendar."""

import itertools

import matplotlib
import numpy as np
import pandas as pd
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.dates import num2date

from tsrnn import RNNForecaster
from tsrnn.datasets import load_airline
from tsrnn.inspection import decompose
from tsrnn.plotting import DecompositionDisplay
from tsrnn.plotting.style import x_positions

Y = load_airline()


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def frame_of(index, n_ahead, **columns):
    """Parts of any values, the last ``n_ahead`` of a forecast."""
    n = len(index)
    parts = {"y": np.arange(n) + 5.0, "trend": np.arange(n), **columns}
    is_forecast = np.arange(n) >= n - n_ahead
    return pd.DataFrame({**parts, "remainder": 1.0, "is_forecast": is_forecast}, index)


@pytest.fixture(scope="module")
def forecaster():
    return RNNForecaster(horizon=12, max_iter=0, transform="log").fit(Y)


def test_parts_are_drawn_on_axes_of_their_own(forecaster):
    display = DecompositionDisplay.from_estimator(forecaster)
    parts = decompose(forecaster)
    assert list(display.axes_) == ["y", "trend", "remainder", "season_12"]
    for name in ("y", "trend", "remainder"):
        history, forecast = display.lines_[name]
        np.testing.assert_array_equal(history.get_ydata(), parts[name][:-12])
        np.testing.assert_array_equal(forecast.get_ydata(), parts[name][-12:])
        np.testing.assert_array_equal(forecast.get_xdata(), x_positions(parts.index[-12:]))
        assert display.axes_[name].get_xlim() == display.axes_["y"].get_xlim()
    titles = [ax.get_title(loc="left") for ax in display.axes_.values()]
    assert titles == ["passengers", "trend", "remainder, factor", "season of 12, factor"]
    (season,) = display.lines_["season_12"]
    np.testing.assert_array_equal(season.get_ydata(), parts["season_12"][:12])  # January first


def test_the_last_of_the_history_and_a_window(forecaster):
    display = DecompositionDisplay.from_estimator(forecaster, n_history=30, window=25)
    trend = decompose(forecaster, window=25)["trend"]
    np.testing.assert_array_equal(display.lines_["trend"][0].get_ydata(), trend[-42:-12])
    few = frame_of(pd.RangeIndex(900), 5)
    assert len(DecompositionDisplay(few).plot().lines_["y"][0].get_ydata()) == 400
    season = frame_of(pd.RangeIndex(900), 5, season_150=0.0)
    assert len(DecompositionDisplay(season).plot().lines_["y"][0].get_ydata()) == 600


CYCLES = {
    "hours of a day": ("2024-01-05 07:00", "h", 24, "00:00", "21:00"),
    "half hours of a week": ("2024-01-05 07:00", "30min", 336, "Mon", "Sun"),
    "days of a week": ("2024-01-05", "D", 7, "Mon", "Sun"),
    "business days": ("2024-01-05", "B", 5, "Mon", "Fri"),
    "months": ("2024-04-01", "MS", 12, "Jan", "Dec"),
    "days of a year": ("2024-04-01", "D", 365.25, "Jan", "Dec"),
}


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, "stamps") for name in CYCLES] + [("hours of a day", "zone"), ("months", "periods")],
)
def test_a_season_begins_with_the_cycle_of_the_calendar(name, kind):
    start, freq, season, first, last = CYCLES[name]
    index = pd.date_range(start, periods=int(3 * season), freq=freq)
    if kind == "zone":
        index = index.tz_localize("Asia/Tokyo")
    elif kind == "periods":
        index = index.to_period("M")
    column = f"season_{season:g}"
    values = np.arange(len(index)) % round(season)
    display = DecompositionDisplay(frame_of(index, 5, **{column: values})).plot()
    ax, (line,) = display.axes_[column], display.lines_[column]
    display.figure_.canvas.draw()
    low, high = ax.get_xlim()
    ticks = zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)
    labels = [text.get_text() for place, text in ticks if low <= place <= high]
    assert labels[0] == first
    assert last in labels
    assert sorted(line.get_ydata()) == list(range(round(season)))
    begin = num2date(line.get_xdata(orig=False)[0])
    assert (begin.hour, begin.minute) == (0, 0)


def test_a_season_that_is_none_of_the_calendar_has_steps():
    index = pd.date_range("2024-01-01", periods=40)
    display = DecompositionDisplay(frame_of(index, 5, season_9=0.0)).plot()
    assert display.axes_["season_9"].get_xlabel() == "step of the season"
    assert display.lines_["season_9"][0].get_xdata().tolist() == list(range(9))


def test_holidays_are_put_together():
    index = pd.RangeIndex(6)
    days = {"holiday_a": [np.nan, 2, 1, 1, 1, 3], "holiday_b": [np.nan, 1, 4, 1, 1, 2]}
    parts = frame_of(index, 2, effect_price=[np.nan, 1, 2, 3, 4, 5], **days)
    display = DecompositionDisplay(parts).plot()
    assert list(display.axes_) == ["y", "trend", "effect_price", "holidays", "remainder"]
    assert display.axes_["effect_price"].get_title(loc="left") == "effect of price"
    history, forecast = display.lines_["holidays"]
    np.testing.assert_array_equal(history.get_ydata(), [np.nan, 3, 5, 2])
    assert forecast.get_ydata().tolist() == [2, 5]
    product = DecompositionDisplay(parts, model="multiplicative").plot()
    np.testing.assert_array_equal(product.lines_["holidays"][0].get_ydata(), [np.nan, 2, 4, 1])
    dates = DecompositionDisplay(frame_of(index, 2, holidays=np.arange(6.0))).plot()
    assert dates.lines_["holidays"][1].get_ydata().tolist() == [4, 5]


def test_a_series_of_a_panel():
    panel = pd.DataFrame({"a": Y, "b": 900 - Y})
    forecaster = RNNForecaster(horizon=6, max_iter=0, transform=None).fit(panel)
    display = DecompositionDisplay.from_estimator(forecaster)
    assert display.figure_.get_supxlabel() == "series a, 1 of 2; series chooses another"
    chosen = DecompositionDisplay.from_estimator(forecaster, series="b")
    assert chosen.axes_["y"].get_title(loc="left") == "b"
    assert chosen.figure_.get_supxlabel() == ""
    np.testing.assert_array_equal(chosen.lines_["y"][0].get_ydata(), panel["b"])


@pytest.mark.parametrize("size", [(4, 9), (9, 9)])
def test_labels_cover_nothing(size):
    index = pd.date_range("2024-01-01", periods=24 * 30, freq="h")
    columns = {"season_24": np.arange(len(index)) % 24, "season_168": np.arange(len(index)) % 168}
    display = DecompositionDisplay(frame_of(index, 24, effect_price=1.0, **columns), label="load")
    figure = display.plot(figsize=size, title="Hourly load").figure_
    figure.canvas.draw()
    axes = list(display.axes_.values())
    heads = [text for ax in axes for text in ax.get_children() if text_of(text) in titles(axes)]
    boxes = [head.get_window_extent() for head in heads]
    boxes += [axes[0].get_legend().get_window_extent(), *(ax.get_window_extent() for ax in axes)]
    assert len(boxes) == 2 * len(axes) + 1
    for one, other in itertools.combinations(boxes, 2):
        assert not one.shrunk(0.99, 0.9).overlaps(other.shrunk(0.99, 0.9))
    for ax in axes[4:]:
        ticks = [text.get_window_extent() for text in ax.get_xticklabels() if text.get_text()]
        assert all(left.x1 < right.x0 for left, right in itertools.pairwise(ticks))


def text_of(child):
    return child.get_text() if hasattr(child, "get_text") else None


def titles(axes):
    return {ax.get_title(loc="left") for ax in axes}


def test_given_axes():
    _, axes = plt.subplots(3)
    parts = frame_of(pd.RangeIndex(20), 4)
    display = DecompositionDisplay(parts).plot(axes)
    assert list(display.axes_.values()) == list(axes)
    with pytest.raises(ValueError, match=r"one axes a part, 3 of them, got 2. They are y, trend, "):
        display.plot(axes[:2])


def test_what_does_not_fit_is_refused(forecaster):
    with pytest.raises(ValueError, match="decompose returns, and it lacks the column 'remainder'"):
        DecompositionDisplay(frame_of(pd.RangeIndex(3), 1).drop(columns="remainder"))
    with pytest.raises(ValueError, match="it lacks the column 'y'"):
        DecompositionDisplay(Y)
    with pytest.raises(ValueError, match=r"parts must be .* it is empty"):
        DecompositionDisplay(frame_of(pd.RangeIndex(3), 1)[:0])
    with pytest.raises(ValueError, match="model must be one of 'additive', 'multiplicative'"):
        DecompositionDisplay(frame_of(pd.RangeIndex(3), 1), model="product")
    with pytest.raises(ValueError, match="forecaster must be"):
        DecompositionDisplay.from_estimator(Y)
