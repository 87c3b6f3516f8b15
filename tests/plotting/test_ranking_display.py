"""RankingDisplay draws the forecasters of a backtest, the best at the top."""

import matplotlib
import numpy as np
import pandas as pd
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from tsrnn import RNNForecaster, backtest
from tsrnn.datasets import load_airline
from tsrnn.plotting import HorizonErrorDisplay, RankingDisplay

Y = load_airline()


@pytest.fixture(scope="module")
def result():
    forecasters = {"zero-shot": RNNForecaster(4, max_iter=0), "mean": "mean", "naive": "naive"}
    return backtest(forecasters, pd.DataFrame({"a": Y, "b": 900 - Y}), n_windows=5, step=3)


def test_rows_are_ranked_by_the_mean_error(result):
    display = RankingDisplay.from_backtest(result, "MASE", title="two series")
    errors = result.metrics(metrics="MASE")["MASE"].sort_values()
    assert display.ranking_.to_dict() == errors.to_dict()
    assert list(display.ranking_.index) == list(errors.index)
    ticks = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert ticks == [name.replace("_", " ") for name in errors.index]
    low, high = display.ax_.get_ylim()
    assert low > high  # the first row is at the top
    by_origin = result.metrics(by="cutoff", metrics="MASE")["MASE"]
    for row, name in enumerate(errors.index):
        assert display.marks_[name].get_xydata().tolist() == [[errors[name], row]]
        dots = display.dots_[name].get_xydata()
        np.testing.assert_array_equal(dots[:, 0], by_origin.xs(name, level="forecaster"))
        assert set(dots[:, 1]) == {row}
        assert display.labels_[name].get_text() == f"{errors[name]:.4g}"
    assert display.ax_.get_title(loc="left") == "two series"
    assert display.ax_.get_xlabel() == "MASE: mean, and each origin as a small dot"


def test_labels_cover_nothing(result):
    display = RankingDisplay.from_backtest(result, by="unique_id")
    display.figure_.canvas.draw()
    axes = display.ax_.get_window_extent()
    figure = display.figure_.bbox
    for label in display.labels_.values():
        box = label.get_window_extent()
        assert box.x0 > axes.x1
        assert box.x1 <= figure.x1


def test_one_bad_origin_does_not_press_means_together():
    errors = pd.Series({"a": 1.0, "b": 2.0})
    parts = pd.DataFrame({"a": [1.0, 1.0], "b": [1.0, 500.0]})
    display = RankingDisplay(errors, "MAE", parts).plot()
    assert display.ax_.get_xlim()[1] < 7


def test_biases_are_ranked_by_their_size(result):
    display = RankingDisplay.from_backtest(result, "bias", by=None, figsize=(5, 3))
    sizes = display.ranking_.abs().to_numpy()
    assert (np.diff(sizes) >= 0).all()
    assert display.dots_ == {}
    assert display.figure_.get_size_inches().tolist() == [5, 3]
    _, ax = plt.subplots()
    assert display.plot(ax).figure_ is ax.figure


def test_ten_forecasters_are_told_apart():
    names = ["RNNForecaster", *"abcdefg", "seasonal_naive", "drift"]
    display = RankingDisplay(pd.Series(np.arange(1.0, 11.0), names), "MAE").plot()
    assert len({mark.get_color() for mark in display.marks_.values()}) == 10
    many = [f"model {k}" for k in range(30)]
    display = RankingDisplay(pd.Series(np.arange(1.0, 31.0), many), "MAE").plot()
    looks = {(mark.get_color(), mark.get_marker()) for mark in display.marks_.values()}
    assert len(looks) == 30


def test_series_by_the_name_that_y_has_for_ids():
    long = pd.DataFrame({"shop": "a", "day": Y.index, "sold": Y.to_numpy()})
    columns = {"id_column": "shop", "time_column": "day", "target_column": "sold"}
    forecaster = RNNForecaster(4, max_iter=0, **columns)
    own = backtest(forecaster, long, n_windows=2)
    display = RankingDisplay.from_backtest(own, by="shop")
    assert display.ax_.get_xlabel() == "MAE: mean, and each series as a small dot"
    errors = own.metrics(by="shop", metrics="MAE")["MAE"].xs("drift", level="forecaster")
    assert display.dots_["drift"].get_xdata().tolist() == errors.tolist()
    with pytest.raises(ValueError, match="by must be one of 'cutoff', 'unique_id', 'shop' or None"):
        RankingDisplay.from_backtest(own, by="store")


def test_what_does_not_fit_is_refused(result):
    with pytest.raises(ValueError, match="metric must be one of"):
        RankingDisplay.from_backtest(result, "mae")
    with pytest.raises(ValueError, match="by must be one of 'cutoff', 'unique_id'"):
        RankingDisplay.from_backtest(result, by="horizon")
    with pytest.raises(ValueError, match=r"backtest must be what tsrnn.backtest"):
        RankingDisplay.from_backtest(result.forecasts)
    with pytest.raises(ValueError, match="errors must be a Series with a number for each"):
        RankingDisplay(pd.Series({"a": np.nan}), "MAE")
    with pytest.raises(ValueError, match=r"parts must have the columns \['a'\]"):
        RankingDisplay(pd.Series({"a": 1.0}), "MAE", pd.DataFrame({"b": [1.0]}))


def test_one_bad_forecaster_leaves_the_axes_of_errors_by_step():
    errors = pd.DataFrame({"net": [1.0, 2.0], "naive": [2.0, 3.0], "drift": [9.0, 40.0]})
    display = HorizonErrorDisplay(errors, "MAE").plot(title="errors")
    assert 3 < display.ax_.get_ylim()[1] < 4
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["net", "naive", "drift (up to 40)"]
    near = HorizonErrorDisplay(errors.assign(drift=[4.0, 7.0]), "MAE").plot()
    assert near.ax_.get_ylim()[1] > 7


def test_the_legend_of_errors_by_step_covers_no_line(result):
    display = HorizonErrorDisplay.from_backtest(result, "bias")
    display.figure_.canvas.draw()
    legend = display.ax_.get_legend().get_window_extent()
    assert legend.x0 >= display.ax_.get_window_extent().x1
    assert legend.x1 <= display.figure_.bbox.x1
