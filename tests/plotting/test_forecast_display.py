"""ForecastDisplay draws what it is given, on every kind of index, and refuses what does not fit."""

import subprocess
import sys

import matplotlib
import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.colors import to_rgb
from matplotlib.dates import date2num, num2date

import tsrnn
from tsrnn import RNNForecaster
from tsrnn.datasets import load_airline
from tsrnn.plotting import ForecastDisplay

pytestmark = pytest.mark.slow

BERLIN = "Europe/Berlin"
INDEXES = {
    "months": pd.date_range("2020-01-01", periods=60, freq="MS"),
    "half hours over the end of summer time": pd.date_range(
        "2024-10-26 12:00", periods=60, freq="30min", tz=BERLIN
    ),
    "years": pd.period_range("1900", periods=60, freq="Y"),
    "early years": pd.period_range("1700", periods=60, freq="Y"),
    "numbers": pd.RangeIndex(10, 610, 10),
}


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture
def months():
    return made("months")


@pytest.fixture(scope="module")
def fitted():
    return RNNForecaster(horizon=12, max_iter=2, hidden_size=4, n_jobs=1).fit(load_airline()[:-12])


def made(kind):
    """History, forecast, bounds and actual of 48 and 12 entries."""
    index = INDEXES[kind]
    y = pd.Series(np.sin(np.arange(60.0)), index, name="level")
    forecast = y[48:] + 0.25
    bounds = pd.DataFrame(
        {
            f"{side}_{level}": forecast + sign * width * np.arange(1, 13)
            for level, width in (("9", 0.1), ("80", 0.4), ("99.5", 0.7))
            for side, sign in (("upper", 1), ("lower", -1))
        }
    )
    return y[:48], forecast, bounds, y[48:]


def expected_x(index):
    """Matplotlib's day numbers, from instants that were converted one by one; or the numbers."""
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if isinstance(index, pd.DatetimeIndex):
        return np.array([date2num(stamp.to_pydatetime()) for stamp in index])
    return np.array(index, dtype=float)


@pytest.mark.parametrize("kind", INDEXES)
def test_lines_and_bands_have_the_data_on_every_kind_of_index(kind):
    history, forecast, bounds, actual = made(kind)
    display = ForecastDisplay.from_predictions(
        forecast, history=history, intervals=bounds, actual=actual
    )
    for line, series in (
        (display.history_line_, history),
        (display.forecast_line_, forecast),
        (display.actual_line_, actual),
    ):
        np.testing.assert_allclose(line.get_xdata(orig=False), expected_x(series.index), rtol=1e-12)
        np.testing.assert_array_equal(line.get_ydata(), series)
    assert list(display.bands_) == ["99.5", "80", "9"]
    x = expected_x(forecast.index)
    for level, band in display.bands_.items():
        lower, upper = bounds[f"lower_{level}"], bounds[f"upper_{level}"]
        (path,) = band.get_paths()
        drawn = {tuple(vertex) for vertex in path.vertices.round(9)}
        wanted = np.concatenate([np.column_stack([x, lower]), np.column_stack([x, upper])])
        assert drawn == {tuple(vertex) for vertex in wanted.round(9)}
    before, after = expected_x(history.index)[-1], x[0]
    (start,) = set(display.start_line_.get_xdata(orig=False))
    start = date2num(start) if isinstance(start, np.datetime64) else start
    assert start == pytest.approx((before + after) / 2)
    display.figure_.canvas.draw()
    assert all(np.isfinite(display.ax_.get_xlim()))


def test_labels_colours_and_order(months):
    history, forecast, bounds, actual = months
    display = ForecastDisplay.from_predictions(
        forecast, history=history, intervals=bounds, actual=actual
    )
    ax = display.ax_
    assert ax.get_ylabel() == "level"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "history",
        "forecast",
        "actual",
        "99.5 % interval",
        "80 % interval",
        "9 % interval",
    ]
    assert display.figure_ is ax.figure
    # The widest band is palest, and the narrower ones lie on it, below all lines.
    whiteness = [band.get_facecolor()[0, :3].mean() for band in display.bands_.values()]
    assert whiteness == sorted(whiteness, reverse=True)
    assert len(set(whiteness)) == 3
    drawn = [child for child in ax.get_children() if child in display.bands_.values()]
    assert drawn == list(display.bands_.values())
    assert max(band.get_zorder() for band in drawn) < display.forecast_line_.get_zorder()


def test_local_time_is_on_the_ticks_of_a_zoned_index():
    history, forecast, *_ = made("half hours over the end of summer time")
    display = ForecastDisplay.from_predictions(forecast, history=history)
    display.figure_.canvas.draw()
    axis = display.ax_.xaxis
    labels = dict(zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True))
    wanted = {at: num2date(at).astimezone(history.index.tz).strftime("%H:%M") for at in labels}
    shown = {at: text.get_text() for at, text in labels.items() if ":" in text.get_text()}
    assert shown
    assert shown == {at: wanted[at] for at in shown}


def test_a_forecast_alone_and_one_step(months):
    history, forecast, bounds, actual = months
    alone = ForecastDisplay.from_predictions(forecast)
    assert (alone.history_line_, alone.actual_line_, alone.start_line_) == (None, None, None)
    assert alone.bands_ == {}
    step = ForecastDisplay.from_predictions(
        forecast[:1], history=history, intervals=bounds[:1], actual=actual
    )
    assert step.forecast_line_.get_marker() == "o"
    (segment,) = step.bands_["80"].get_segments()
    np.testing.assert_allclose(segment[:, 1], bounds[["lower_80", "upper_80"]].iloc[0])
    assert len(step.actual_line_.get_ydata()) == 1


@pytest.mark.parametrize(
    ("season", "n_history", "shown"), [(1, None, 48), (24, None, 72), (1, 5, 5), (1, 10**6, 1000)]
)
def test_a_sensible_stretch_of_history_is_shown(season, n_history, shown):
    y = pd.Series(np.arange(1012.0))
    display = ForecastDisplay.from_predictions(
        y[1000:], history=y[:1000], season=season, n_history=n_history
    )
    np.testing.assert_array_equal(display.history_line_.get_ydata(), y[1000 - shown : 1000])


def test_axes_and_styles_are_the_callers(months):
    history, forecast, bounds, actual = months
    _, ax = plt.subplots()
    display = ForecastDisplay(forecast, history=history, intervals=bounds, actual=actual)
    assert not hasattr(display, "ax_")
    same = display.plot(
        ax,
        forecast_kw={"color": "red", "label": "mine"},
        history_kw={"linewidth": 7},
        actual_kw={"linestyle": ":"},
    )
    assert same is display
    assert display.ax_ is ax
    assert plt.get_fignums() == [ax.figure.number]
    assert display.forecast_line_.get_label() == "mine"
    assert display.history_line_.get_linewidth() == 7
    assert display.actual_line_.get_linestyle() == ":"
    red, green, blue = display.bands_["9"].get_facecolor()[0, :3]
    assert red > green == blue


def test_it_is_legible_on_black(months):
    history, forecast, *_ = months
    with plt.style.context("dark_background"):
        display = ForecastDisplay.from_predictions(forecast, history=history)
    assert min(to_rgb(display.history_line_.get_color())) > 0.8


def test_frames_and_unsorted_series_come_out_the_same(months):
    history, forecast, bounds, actual = months
    display = ForecastDisplay.from_predictions(
        forecast[::-1].to_frame(), history=history[::-1], intervals=bounds[::-1], actual=actual
    )
    np.testing.assert_array_equal(display.forecast_line_.get_ydata(), forecast)
    np.testing.assert_array_equal(display.history_line_.get_ydata(), history)
    assert display.ax_.get_ylabel() == "level"


def test_from_estimator_draws_what_it_predicts(fitted):
    y = load_airline()
    display = ForecastDisplay.from_estimator(fitted, 6, actual=y, coverage=(0.5, 0.9))
    np.testing.assert_array_equal(display.forecast_line_.get_ydata(), fitted.predict(6))
    np.testing.assert_allclose(display.history_line_.get_ydata(), y[-12 - 36 : -12], rtol=1e-9)
    np.testing.assert_array_equal(display.actual_line_.get_ydata(), y[-12:-6])
    pd.testing.assert_frame_equal(
        display.intervals, fitted.predict_interval(6, coverage=(0.5, 0.9))
    )
    assert list(display.bands_) == ["90", "50"]
    assert display.ax_.get_ylabel() == "passengers"


@pytest.mark.parametrize("saved", [False, True])
@pytest.mark.parametrize("kind", [*INDEXES, "missing"])
def test_after_updates_the_history_reaches_the_forecast(kind, saved, tmp_path):
    history, *_, actual = made("months" if kind == "missing" else kind)
    quick = {"horizon": 3, "lookback": 6, "season": 1, "hidden_size": 4, "max_iter": 1}
    quick |= {"early_stopping": False, "missing": "mask" if kind == "missing" else "raise"}
    forecaster = RNNForecaster(**quick).fit(history)
    start = 2 if kind == "missing" else 0
    for k in range(start, 5):
        forecaster.update(actual[k : k + 1])
    if saved:
        tsrnn.save(forecaster, tmp_path / "file")
        forecaster = tsrnn.load(tmp_path / "file")
    known = pd.concat([history, actual[:5]])
    known.iloc[48 : 48 + start] = np.nan
    display = ForecastDisplay.from_estimator(forecaster, actual=actual, coverage=None)
    np.testing.assert_array_equal(display.history_line_.get_ydata(), known[-30:])
    x = expected_x(known.index)
    np.testing.assert_allclose(display.history_line_.get_xdata(orig=False), x[-30:])
    first = display.forecast_line_.get_xdata(orig=False)[0]
    middle = display.start_line_.get_xdata(orig=False)
    np.testing.assert_allclose(middle, (x[-1] + first) / 2)
    np.testing.assert_array_equal(display.actual_line_.get_ydata(), actual[5:8])


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_of_times_and_values_after_updates(library):
    y = load_airline()
    frame = pd.DataFrame({"ds": y.index, "y": y.to_numpy(float)})
    if library == "polars":
        frame = pytest.importorskip("polars").DataFrame(frame.to_dict("list"))
    forecaster = RNNForecaster(horizon=3, max_iter=1, hidden_size=4, n_jobs=1).fit(frame[:72])
    forecaster.update(frame[72:80])
    display = ForecastDisplay.from_estimator(forecaster, actual=frame)
    np.testing.assert_allclose(display.history_line_.get_ydata(), y[44:80], rtol=1e-9)
    np.testing.assert_array_equal(display.actual_line_.get_ydata(), y[80:83])


def test_a_long_update_leaves_no_hole_in_the_history():
    y = load_airline()
    forecaster = RNNForecaster(horizon=3, lookback=24, max_iter=1, hidden_size=4, pretrained=None)
    forecaster.fit(y[:72]).update(y[72:])
    display = ForecastDisplay.from_estimator(forecaster)
    np.testing.assert_allclose(display.history_line_.get_ydata(), y[-27:], rtol=1e-9)


@pytest.mark.parametrize("coverage", [None, ()])
def test_from_estimator_without_intervals(fitted, coverage):
    display = ForecastDisplay.from_estimator(fitted, coverage=coverage, n_history=7)
    assert display.bands_ == {}
    assert len(display.forecast_line_.get_ydata()) == 12
    assert len(display.history_line_.get_ydata()) == 7


def test_from_estimator_refuses_what_is_not_fitted(fitted):
    with pytest.raises(NotFittedError, match="not fitted"):
        ForecastDisplay.from_estimator(RNNForecaster())
    with pytest.raises(ValueError, match="must be a forecaster such as RNNForecaster, got 3"):
        ForecastDisplay.from_estimator(3)
    with pytest.raises(ValueError, match="whole number from 1"):
        ForecastDisplay.from_estimator(fitted, 0)


BAD = {
    "no pair": (
        lambda h, f, b, a: {"intervals": b.drop(columns="upper_80")},
        "must have pairs of columns",
    ),
    "no percent": (
        lambda h, f, b, a: {"intervals": b.add_suffix("x")},
        "must have pairs of columns",
    ),
    "no columns": (lambda h, f, b, a: {"intervals": b[[]]}, r"pairs of columns .*got \[\]"),
    "fewer rows": (lambda h, f, b, a: {"intervals": b[:-1]}, r"11 rows.* forecast's index"),
    "upside down": (lambda h, f, b, a: {"intervals": -b}, "have lower_.* above upper_"),
    "no frame": (lambda h, f, b, a: {"intervals": b["lower_80"]}, "DataFrame, got Series"),
    "late history": (lambda h, f, b, a: {"history": pd.concat([h, a])}, "history reaches to 2024"),
    "other kind": (
        lambda h, f, b, a: {"history": h.to_period("M")},
        r"history has an index of periods \(M\)",
    ),
    "other zone": (lambda h, f, b, a: {"actual": a.tz_localize("UTC")}, r"time stamps \(UTC\)"),
    "actual elsewhere": (lambda h, f, b, a: {"actual": h}, "has no time stamp of the forecast"),
    "two columns": (lambda h, f, b, a: {"actual": b[["lower_80", "upper_80"]]}, "of 2 columns"),
    "empty": (lambda h, f, b, a: {"history": h[:0]}, "history is empty"),
    "text": (lambda h, f, b, a: {"history": h.astype(str)}, "history must hold numbers"),
    "names": (
        lambda h, f, b, a: {"history": h.set_axis([f"m{i}" for i in range(48)])},
        "history needs a DatetimeIndex",
    ),
    "none shown": (lambda h, f, b, a: {"n_history": 0}, "n_history must be a whole number from 1"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_does_not_fit_is_refused(case, months):
    bad, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        ForecastDisplay.from_predictions(months[1], **bad(*months))
    assert plt.get_fignums() == []


@pytest.mark.parametrize("form", ["wide", "MultiIndex"])
def test_of_a_panel_it_says_what_draws_it(form, months):
    panel = pd.concat({"a": months[1], "b": months[1]}, axis=form == "wide")
    with pytest.raises(ValueError, match=r"forecast has several series. PanelForecastDisplay"):
        ForecastDisplay.from_predictions(panel)


def test_importing_the_module_imports_no_matplotlib():
    code = "import sys, tsrnn.plotting; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_matplotlib_it_says_what_to_install(months, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'pip install "tsrnn\[plot\]"'):
        ForecastDisplay.from_predictions(months[1])
