"""PanelForecastDisplay draws each series of a panel, in whatever form it comes."""

from itertools import pairwise

import matplotlib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from tsrnn import RNNForecaster
from tsrnn.datasets import load_airline
from tsrnn.plotting import ForecastDisplay, PanelForecastDisplay

pytestmark = pytest.mark.slow

Y = load_airline()
PANEL = pd.DataFrame({"b": Y, "a": 900 - Y, "c": Y + 50})


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def long(panel, names=("unique_id", "ds", "y")):
    parts = [
        pd.DataFrame(dict(zip(names, (label, series.index, series.to_numpy()), strict=True)))
        for label, series in panel.items()
    ]
    return pd.concat(parts, ignore_index=True)


def levels(panel):
    return long(panel).set_index(["unique_id", "ds"])["y"]


def in_polars(frame):
    """Without pyarrow, which polars.from_pandas may want."""
    return pl.DataFrame({name: frame[name].tolist() for name in frame})


FORMS = {
    "wide": lambda panel: panel,
    "wide of two levels": lambda panel: panel.set_axis(
        pd.MultiIndex.from_tuples([("x", "b"), ("x", "a"), ("y", "c")]), axis=1
    ),
    "long": long,
    "long of other names": lambda panel: long(panel, ("shop", "month", "sales")),
    "MultiIndex": levels,
    "frame on a MultiIndex": lambda panel: levels(panel).to_frame(),
    "polars": lambda panel: in_polars(long(panel)),
}
TUPLES = {"b": ("x", "b"), "a": ("x", "a"), "c": ("y", "c")}


def quick(y, **kwargs):
    return RNNForecaster(horizon=6, max_iter=1, hidden_size=4, n_jobs=1, **kwargs).fit(y)


@pytest.fixture(scope="module")
def fitted():
    return quick(PANEL[:-6])


@pytest.mark.parametrize("form", FORMS)
def test_each_series_is_drawn_in_every_form(form, fitted):
    make = FORMS[form]
    columns = {}
    if form == "long of other names":
        columns = {"id_column": "shop", "time_column": "month", "target_column": "sales"}
    forecaster = quick(make(PANEL[:-6]), **columns)
    display = ForecastDisplay.from_estimator(forecaster, actual=make(PANEL), coverage=0.8)
    assert isinstance(display, PanelForecastDisplay)
    forecasts, bounds = fitted.predict(), fitted.predict_interval(coverage=0.8)
    names = {TUPLES[label] if "levels" in form else label: label for label in PANEL}
    assert list(display.displays) == list(display.axes_) == list(names)
    for key, label in names.items():
        one = display.displays[key]
        assert one.ax_ is display.axes_[key]
        np.testing.assert_allclose(one.forecast_line_.get_ydata(), forecasts[label])
        np.testing.assert_allclose(one.history_line_.get_ydata(), PANEL[label][-6 - 36 : -6])
        np.testing.assert_allclose(one.actual_line_.get_ydata(), PANEL[label][-6:])
        for side in ("lower", "upper"):
            np.testing.assert_allclose(
                one.intervals[f"{side}_80"], bounds[(label, f"{side}_80")], rtol=1e-6
            )
        assert list(one.bands_) == ["80"]
        title = one.ax_.get_title(loc="left")
        assert title == (", ".join(key) if "levels" in form else label)


@pytest.mark.parametrize("form", ["wide", "wide of two levels", "long", "MultiIndex", "polars"])
def test_after_updates_each_history_reaches_its_forecast(form):
    make = FORMS[form]
    forecaster = quick(make(PANEL[:-12])).update(make(PANEL[-12:-9]))
    display = ForecastDisplay.from_estimator(forecaster, actual=make(PANEL), coverage=None)
    for label, one in display.displays.items():
        values = PANEL["".join(label)[-1]]
        np.testing.assert_allclose(one.history_line_.get_ydata(), values[-9 - 36 : -9])
        assert one.history.index[-1] == Y.index[-10]
        assert one.forecast.index[0] == Y.index[-9]
        np.testing.assert_allclose(one.actual_line_.get_ydata(), values[-9:-3])


def test_only_some_series_are_updated():
    forecaster = quick(PANEL[:-12]).update(PANEL[["a"]][-12:-9])
    display = PanelForecastDisplay.from_estimator(forecaster)
    lasts = {label: one.history.index[-1] for label, one in display.displays.items()}
    assert lasts == {"b": Y.index[-13], "a": Y.index[-10], "c": Y.index[-13]}


def test_a_panel_of_one_series_is_drawn_as_a_single_series():
    for form in ("wide", "long", "MultiIndex", "polars"):
        y = FORMS[form](PANEL[["b"]])
        forecaster = quick(FORMS[form](PANEL[["b"]][:-6]))
        display = ForecastDisplay.from_estimator(forecaster, actual=y, ids="b", coverage=0.8)
        assert isinstance(display, ForecastDisplay)
        forecast = np.ravel(quick(Y[:-6]).predict())
        np.testing.assert_allclose(display.forecast_line_.get_ydata(), forecast)
        np.testing.assert_allclose(display.actual_line_.get_ydata(), Y[-6:])
        assert list(display.bands_) == ["80"]


def test_one_legend_and_no_more_labels_than_needed(fitted):
    display = PanelForecastDisplay.from_estimator(fitted, actual=PANEL)
    (legend,) = display.figure_.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "history",
        "forecast",
        "actual",
        "95 % interval",
        "80 % interval",
    ]
    assert all(ax.get_legend() is None for ax in display.axes_.values())
    assert all(ax.get_ylabel() == "" for ax in display.axes_.values())
    assert display.figure_.get_supylabel() == ""


def test_values_with_a_name_have_it_on_the_y_axis():
    sales = levels(PANEL).rename("sales")
    display = PanelForecastDisplay.from_predictions(sales)
    assert display.figure_.get_supylabel() == "sales"
    nameless = PanelForecastDisplay.from_predictions(long(PANEL))
    assert nameless.figure_.get_supylabel() == ""


@pytest.mark.parametrize(
    ("ids", "drawn"),
    [
        (None, [str(k) for k in range(12)]),
        ("7", ["7"]),
        (["19", "3", "19"], ["19", "3"]),
        (np.array(["5", "6"]), ["5", "6"]),
        (pd.Index([str(k) for k in range(14)]), [str(k) for k in range(14)]),
    ],
)
def test_series_are_chosen(ids, drawn):
    panel = pd.DataFrame({str(k): np.arange(20.0) + k for k in range(20)})
    display = PanelForecastDisplay.from_predictions(panel[15:], history=panel[:15], ids=ids)
    assert list(display.axes_) == drawn
    assert len(display.figure_.axes) == len(drawn)
    first = display.displays[drawn[0]].forecast_line_.get_ydata()
    np.testing.assert_array_equal(first, panel[drawn[0]][15:])
    note = "12 of 20 series; ids chooses others" if ids is None else ""
    assert display.figure_.get_supxlabel() == note


@pytest.mark.parametrize(
    ("n_series", "n_cols", "shape"),
    [(2, None, (1, 2)), (4, None, (2, 2)), (5, None, (2, 3)), (3, 1, (3, 1)), (2, 9, (1, 2))],
)
def test_axes_stand_in_rows(n_series, n_cols, shape):
    panel = pd.DataFrame({k: np.arange(4.0) for k in range(n_series)})
    display = PanelForecastDisplay.from_predictions(panel, n_cols=n_cols)
    grids = {ax.get_subplotspec().get_gridspec().get_geometry() for ax in display.axes_.values()}
    assert grids == {shape}
    assert len(display.figure_.axes) == n_series


@pytest.mark.parametrize(
    ("freq", "n"), [("MS", 30), ("D", 70), ("D", 88), ("h", 60), ("min", 170), ("s", 150)]
)
def test_dates_are_apart_in_small_axes(freq, n):
    index = pd.date_range("2011-01-05", periods=n, freq=freq)
    panel = pd.DataFrame({k: np.arange(n) * 1e4 for k in range(6)}, index)
    display = PanelForecastDisplay.from_predictions(panel)
    display.figure_.canvas.draw()  # a locator at a loss would warn
    ax = display.axes_[0]
    low, high = ax.get_xlim()
    ticks = [tick for tick in ax.xaxis.get_major_ticks() if low <= tick.get_loc() <= high]
    boxes = [tick.label1.get_window_extent() for tick in ticks if tick.label1.get_text()]
    assert len(boxes) >= (4 if freq == "D" else 2)
    assert all(left.x1 + 2 < right.x0 for left, right in pairwise(boxes))


def test_axes_and_styles_are_the_callers(fitted):
    figure, axes = plt.subplots(3, 1)
    display = PanelForecastDisplay.from_estimator(fitted, ax=axes)
    assert list(display.axes_.values()) == axes.tolist()
    assert plt.get_fignums() == [figure.number]
    assert not figure.legends
    assert [ax.get_legend() is not None for ax in axes] == [True, False, False]
    lone = PanelForecastDisplay.from_estimator(fitted, ids=["c"], ax=plt.subplots()[1])
    lone.plot(forecast_kw={"color": "red"}, n_history=3)
    assert lone.displays["c"].forecast_line_.get_color() == "red"
    assert len(lone.displays["c"].history_line_.get_ydata()) == 3


def test_series_of_other_lengths_and_without_what_came_later():
    shorter = PANEL.copy()
    shorter.loc[: Y.index[100], "a"] = np.nan
    actual = PANEL[["b", "c"]].copy()
    actual.iloc[-6:, 1] = np.nan
    display = PanelForecastDisplay.from_predictions(
        PANEL[-6:], history=shorter[:-6], actual=actual, n_history=100
    )
    lengths = [len(one.history_line_.get_ydata()) for one in display.displays.values()]
    assert lengths == [100, 144 - 6 - 101, 100]
    drawn = [one.actual_line_ is not None for one in display.displays.values()]
    assert drawn == [True, False, False]


def test_arguments_are_passed_on_to_the_forecaster():
    class Forecaster(BaseEstimator):
        history_, season_ = levels(PANEL[:-2]), 1

        def fit(self):
            pass

        def predict(self, horizon, X):
            return PANEL[-2:] + X + horizon

        def predict_interval(self, horizon, X, coverage):
            both = {"lower_50": self.predict(0, X), "upper_50": self.predict(coverage, X)}
            return pd.concat(both, axis=1).swaplevel(axis=1)

    display = ForecastDisplay.from_estimator(Forecaster(), 10, 7, coverage=0.5)
    one = display.displays["a"]
    np.testing.assert_array_equal(one.forecast, PANEL["a"][-2:] + 17)
    np.testing.assert_array_equal(one.intervals["lower_50"], PANEL["a"][-2:] + 7)
    np.testing.assert_array_equal(one.intervals["upper_50"], PANEL["a"][-2:] + 7.5)


BAD = {
    "unknown": ({"ids": ["a", "z"]}, r"ids has 'z', which is none .* \['b', 'a', 'c'\]"),
    "no ids": ({"ids": []}, "ids is empty. Choose among"),
    "no columns": ({"n_cols": 0}, "n_cols must be a whole number from 1 .*got 0"),
    "no history": ({"n_history": 0}, "n_history must be a whole number from 1 .*got 0"),
    "other history": (
        {"history": PANEL[:-6].add_prefix("x")},
        r"history has none of the series .*\['xb', 'xa'",
    ),
    "late history": ({"history": PANEL}, "Series 'b': history reaches to 1960-12"),
    "early actual": ({"actual": PANEL[:-6]}, "Series 'b': actual .* has no time stamp"),
    "intervals": ({"intervals": PANEL[-6:]}, "intervals"),
    "long without values": (
        {"actual": long(PANEL, ("unique_id", "ds", "x")).assign(z=1.0)},
        "without 'y'",
    ),
    "nothing like a panel": ({"actual": 3}, "actual must be a pandas Series or DataFrame"),
    "polars without ids": (
        {"actual": in_polars(PANEL.reset_index(drop=True))},
        "without 'unique_id'",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_does_not_fit_is_refused(case):
    bad, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        PanelForecastDisplay.from_predictions(PANEL[-6:], **bad)
    assert plt.get_fignums() == []


def test_as_many_axes_as_series(fitted):
    _, axes = plt.subplots(2)
    with pytest.raises(ValueError, match=r"one axes a series, 3 of them, got 2. Choose series"):
        ForecastDisplay.from_estimator(fitted, ax=axes)


def test_one_series_has_no_ids():
    with pytest.raises(ValueError, match="ids chooses series of a panel, and this is one series"):
        ForecastDisplay.from_estimator(quick(Y), ids=["a"])
    with pytest.raises(NotFittedError):
        PanelForecastDisplay.from_estimator(RNNForecaster())
