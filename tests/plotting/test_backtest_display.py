"""BacktestDisplay draws forecasts from each origin over what came true."""

import matplotlib
import numpy as np
import pandas as pd
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.colors import to_rgb
from matplotlib.dates import date2num

from tsrnn import RNNForecaster, backtest
from tsrnn.datasets import load_airline
from tsrnn.plotting import BacktestDisplay

pytestmark = pytest.mark.slow

Y = load_airline()
PANEL = pd.DataFrame({"b": Y, "a": 900 - Y})
ZONED = pd.date_range("2024-03-30", periods=144, freq="h", tz="Europe/Berlin")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def quick(y, horizon=6, n_windows=3, step=None, coverage=()):
    forecaster = RNNForecaster(horizon=horizon, max_iter=1, hidden_size=4, n_jobs=1)
    return backtest(forecaster, y, n_windows=n_windows, step=step, refit=False, coverage=coverage)


@pytest.fixture(scope="module")
def panel():
    return quick(PANEL, coverage=(0.5, 0.9))


@pytest.fixture(scope="module")
def lone():
    return quick(Y, coverage=(0.5, 0.9))


def texts(legend):
    return [text.get_text() for text in legend.get_texts()]


def test_forecasts_intervals_and_actual_values_of_each_series(panel):
    display = BacktestDisplay.from_backtest(panel)
    assert list(display.axes_) == ["b", "a"]
    for label, ax in display.axes_.items():
        assert ax.get_title(loc="left") == label
        own = panel.forecasts[panel.forecasts["unique_id"] == label]
        origins = [part for _, part in own.groupby("cutoff")]
        lines, bands = display.forecast_lines_[label], display.bands_[label]
        assert len(lines) == len(bands) == len(origins) == 3
        for part, line, band in zip(origins, lines, bands, strict=True):
            assert line.axes is ax
            np.testing.assert_array_equal(line.get_ydata(), part["RNNForecaster"])
            np.testing.assert_allclose(line.get_xdata(orig=False), date2num(part["ds"]))
            assert list(band) == ["90", "50"]
            assert band["90"].get_zorder() < band["50"].get_zorder() < line.get_zorder()
            assert line.get_zorder() < display.actual_lines_[label].get_zorder()
            for level in band:
                (path,) = band[level].get_paths()
                wanted = part[[f"lower_{level}", f"upper_{level}"]].to_numpy().ravel()
                assert set(path.vertices[:, 1].round(6)) == set(wanted.round(6))
        np.testing.assert_array_equal(display.actual_lines_[label].get_ydata(), PANEL[label][-18:])
    assert texts(display.figure_.legends[0]) == [
        "actual",
        "forecasts",
        "90 % interval",
        "50 % interval",
    ]


def test_a_single_series_has_its_legend_inside_and_its_name_at_the_axis(lone):
    display = BacktestDisplay.from_backtest(lone, y=Y, n_history=10)
    (ax,) = display.axes_.values()
    assert ax.get_ylabel() == "passengers"
    assert ax.get_title(loc="left") == ""
    assert display.figure_.legends == []
    assert texts(ax.get_legend()) == ["actual", "forecasts", "90 % interval", "50 % interval"]
    assert len(ax.get_legend_handles_labels()[0]) == 4
    np.testing.assert_array_equal(display.actual_lines_[0].get_ydata(), Y[-18 - 10 :])


def test_origins_are_marked_between_what_was_known_and_forecast(lone):
    (ax,) = BacktestDisplay.from_backtest(lone).axes_.values()
    dotted = [line for line in ax.lines if len(set(line.get_xdata(orig=False))) == 1]
    marks = [date2num(line.get_xdata()[0]) for line in dotted]
    wanted = [date2num(Y.index[[k - 1, k]]).mean() for k in (-18, -12, -6)]
    np.testing.assert_allclose(marks, wanted)
    many = BacktestDisplay.from_backtest(quick(Y, horizon=3, n_windows=17))
    (ax,) = many.axes_.values()
    assert len(ax.lines) == 1 + 17


@pytest.mark.parametrize("whole", [True, False])
def test_actual_values_break_off_where_forecasts_leave_a_gap(whole):
    result = quick(Y, horizon=3, n_windows=3, step=5)
    display = BacktestDisplay.from_backtest(result, y=Y if whole else None, n_history=1)
    drawn = display.actual_lines_[0].get_ydata()
    if whole:
        np.testing.assert_array_equal(drawn, Y[-14:])
    else:
        broken = [*Y[-13:-10], np.nan, *Y[-8:-5], np.nan, *Y[-3:]]
        np.testing.assert_array_equal(drawn, broken)


def test_overlapping_forecasts_show_where_they_begin(lone):
    display = BacktestDisplay.from_backtest(quick(Y, step=2))
    assert [line.get_markevery() for line in display.forecast_lines_[0]] == [[0]] * 3
    np.testing.assert_array_equal(display.actual_lines_[0].get_ydata(), Y[-10:])
    apart = BacktestDisplay.from_backtest(lone)
    assert {line.get_marker() for line in apart.forecast_lines_[0]} == {"None"}


@pytest.mark.parametrize(
    ("coverage", "drawn"), [(0.9, ["90"]), ([0.5, 0.9], ["90", "50"]), ((), [])]
)
def test_intervals_are_chosen(coverage, drawn, lone):
    display = BacktestDisplay.from_backtest(lone, coverage=coverage)
    assert [list(bands) for bands in display.bands_[0]] == [drawn] * 3


def test_series_are_chosen(panel):
    display = BacktestDisplay.from_backtest(panel, ids="a", y=PANEL, n_history=2)
    assert list(display.axes_) == ["a"]
    np.testing.assert_array_equal(display.actual_lines_["a"].get_ydata(), PANEL["a"][-20:])
    many = quick(pd.DataFrame({k: Y + k for k in range(14)}), n_windows=1)
    display = BacktestDisplay.from_backtest(many)
    assert list(display.axes_) == list(range(12))
    assert display.figure_.get_supxlabel() == "12 of 14 series; ids chooses others"


@pytest.mark.parametrize("kind", ["periods", "numbers", "time zone", "tuples", "one column"])
def test_every_kind_of_index_and_label(kind):
    y = {
        "periods": Y.to_period("M"),
        "numbers": Y.reset_index(drop=True),
        "time zone": Y.set_axis(ZONED),
        "tuples": PANEL.set_axis(pd.MultiIndex.from_tuples([("x", 1), ("x", 2)]), axis=1),
        "one column": Y.to_frame("flown"),
    }[kind]
    result = quick(y, coverage=0.8)
    display = BacktestDisplay.from_backtest(result, y=y, n_history=4)
    first = next(iter(display.axes_))
    assert first == {"tuples": ("x", 1), "one column": "flown"}.get(kind, 0)
    np.testing.assert_array_equal(display.actual_lines_[first].get_ydata(), Y[-22:])
    display.figure_.canvas.draw()


def test_axes_and_styles_are_the_callers(panel):
    figure, axes = plt.subplots(1, 2)
    display = BacktestDisplay(panel).plot(
        axes, forecast_kw={"color": "red"}, actual_kw={"linewidth": 7}
    )
    assert plt.get_fignums() == [figure.number]
    assert display.figure_ is figure
    assert list(display.axes_.values()) == axes.tolist()
    assert display.actual_lines_["a"].get_linewidth() == 7
    assert display.forecast_lines_["a"][1].get_color() == "red"
    red, green, blue = to_rgb(display.bands_["a"][1]["50"].get_facecolor()[0])
    assert red > green == blue


def test_one_of_several_forecasters_is_drawn():
    forecasters = {"net": RNNForecaster(4, max_iter=0), "mean": "mean"}
    result = backtest(forecasters, Y, n_windows=2, coverage=0.8)
    display = BacktestDisplay.from_backtest(result, forecaster="mean", title="Y", figsize=(5, 3))
    part = result.forecasts[:4]
    np.testing.assert_array_equal(display.forecast_lines_[0][0].get_ydata(), part["mean"])
    assert display.bands_ == {0: [{}, {}]}
    assert display.figure_.get_suptitle() == "Y"
    assert display.figure_.get_size_inches().tolist() == [5, 3]
    first = BacktestDisplay.from_backtest(result)
    assert texts(first.axes_[0].get_legend()) == ["actual", "forecasts (net)", "80 % interval"]
    with pytest.raises(ValueError, match="forecaster must be one of 'net', 'mean'"):
        BacktestDisplay.from_backtest(result, forecaster="nets")


BAD = {
    "a frame": (
        lambda result: (result.forecasts, {}),
        "must be what tsrnn.backtest.* of 11 columns",
    ),
    "unknown": (lambda result: (result, {"ids": "z"}), "ids has 'z', which is none of them"),
    "coverage": (
        lambda result: (result, {"coverage": 0.8}),
        r"coverage 0.8 is not in the backtest, which has 0.5, 0.9. .*coverage=0.8\)",
    ),
    "other series": (
        lambda result: (result, {"y": PANEL[["b"]]}),
        r"y has no series 'a', but \['b'\]",
    ),
    "other values": (
        lambda result: (result, {"y": PANEL + 1}),
        "not what was backtested: at 1959-07-01 .* it has",
    ),
    "too short": (
        lambda result: (result, {"y": PANEL[:-1]}),
        "not what was backtested: at 1960-12",
    ),
    "no history": (lambda result: (result, {"n_history": 0}), "n_history must be a whole number"),
    "no columns": (lambda result: (result, {"n_cols": 1.5}), "n_cols must be a whole number"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_does_not_fit_is_refused(case, panel):
    bad, message = BAD[case]
    result, given = bad(panel)
    with pytest.raises(ValueError, match=message):
        BacktestDisplay.from_backtest(result, **given)
    assert plt.get_fignums() == []
