"""All displays take ``ax``, ``figsize`` and ``title`` alike, and legends cover no lines."""

import inspect

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import tsrnn.plotting
from tsrnn.plotting import (
    ActivityDisplay,
    AnomalyDisplay,
    AttentionDisplay,
    DecompositionDisplay,
    ForecastDisplay,
    GradientFlowDisplay,
    LossCurveDisplay,
    MemoryDisplay,
    NextTokenDisplay,
    PanelForecastDisplay,
    PianoRollDisplay,
    SpectrogramDisplay,
    SurpriseDisplay,
)

matplotlib.use("Agg")
DAYS = pd.date_range("2024-01-01", periods=30)
Y = pd.Series(np.arange(30.0), DAYS, name="level")
LIVES = pd.Series([2.0, 5.0], pd.MultiIndex.from_tuples([("l0", 0), ("l0", 1)]))
NORMS = pd.MultiIndex.from_product([["l0"], ["hidden", "weights"]])
FLOW = pd.DataFrame(np.ones((3, 2)), pd.RangeIndex(3, name="lag"), NORMS)
PARTS = pd.DataFrame({"y": Y, "trend": Y, "remainder": 0.0, "is_forecast": Y > 20})
SCORED = pd.DataFrame({"score": np.ones(30), "threshold": 2.0, "anomaly": False}, DAYS)


def panel(**options):
    frame = Y.to_frame("a").assign(b=Y)
    return PanelForecastDisplay.from_predictions(frame[20:], history=frame[:20], **options)


DRAWN = {
    "ActivityDisplay": lambda **kw: ActivityDisplay.from_values(["a", "b"], [0.1, 0.2], **kw),
    "AnomalyDisplay": lambda **kw: AnomalyDisplay.from_predictions(Y, SCORED, **kw),
    "AttentionDisplay": lambda **kw: AttentionDisplay.from_weights(np.eye(2), ["a", "b"], **kw),
    "DecompositionDisplay": lambda **kw: DecompositionDisplay(PARTS).plot(**kw),
    "ForecastDisplay": lambda **kw: ForecastDisplay.from_predictions(Y[20:], history=Y[:20], **kw),
    "GradientFlowDisplay": lambda **kw: GradientFlowDisplay.from_flows({"gru": FLOW}, **kw),
    "LossCurveDisplay": lambda **kw: LossCurveDisplay.from_curves([3.0, 2.0, 1.0], **kw),
    "MemoryDisplay": lambda **kw: MemoryDisplay.from_half_lives(LIVES, window=9, **kw),
    "NextTokenDisplay": lambda **kw: NextTokenDisplay.from_probabilities(
        "a", [[0.75, 0.25]], "ab", **kw
    ),
    "PanelForecastDisplay": panel,
    "PianoRollDisplay": lambda **kw: PianoRollDisplay.from_roll(np.eye(88, dtype=bool), **kw),
    "SpectrogramDisplay": lambda **kw: SpectrogramDisplay.from_spectrogram(np.eye(4), 0.1, **kw),
    "SurpriseDisplay": lambda **kw: SurpriseDisplay.from_values(["a", "b"], [0.1, 0.2], **kw),
}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def drawing_methods():
    for name in sorted(tsrnn.plotting.__all__):
        display = getattr(tsrnn.plotting, name)
        for method in dir(display):
            if method == "plot" or method.startswith("from_"):
                yield pytest.param(getattr(display, method), id=f"{name}.{method}")


@pytest.mark.parametrize("method", list(drawing_methods()))
def test_every_method_that_draws_takes_ax_figsize_and_title(method):
    parameters = inspect.signature(method).parameters
    assert {"ax", "figsize", "title"} <= set(parameters)
    assert "axes" not in parameters
    assert parameters["figsize"].default is parameters["title"].default is None


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_figures_have_the_size_and_title_that_are_asked_for(name):
    display = DRAWN[name](figsize=(7, 5), title="What is drawn")
    assert display.figure_.get_size_inches().tolist() == [7, 5]
    titles = [ax.get_title(loc="left") for ax in display.figure_.axes]
    assert "What is drawn" in [*titles, display.figure_.get_suptitle()]
    with pytest.raises(ValueError, match="figsize must be"):
        DRAWN[name](figsize=5)
    with pytest.raises(ValueError, match="title must be"):
        DRAWN[name](title=3)


@pytest.mark.parametrize("name", ["GradientFlowDisplay", "NextTokenDisplay", "SpectrogramDisplay"])
def test_axes_is_the_former_name_of_ax(name):
    n = 2 if name == "NextTokenDisplay" else 1
    axes = plt.subplots(n, squeeze=False)[1][:, 0]
    with pytest.warns(FutureWarning, match="axes is now called ax"):
        display = DRAWN[name](axes=axes)
    assert list(display.axes_.values()) == list(axes)


@pytest.mark.parametrize("title", [None, "Thirty days"])
@pytest.mark.parametrize("width", [3, 9])
def test_the_legend_of_a_forecast_covers_no_line(title, width):
    bounds = pd.DataFrame({"lower_80": Y[20:] - 1, "upper_80": Y[20:] + 1})
    display = ForecastDisplay.from_predictions(
        Y[20:], history=Y[:20], intervals=bounds, actual=Y, figsize=(width, 3), title=title
    )
    display.figure_.canvas.draw()
    ax = display.ax_
    legend = ax.get_legend().get_window_extent()
    assert legend.y0 >= ax.get_window_extent().y1
    assert legend.x1 <= display.figure_.bbox.x1
    if title:
        (text,) = [t for t in ax.get_children() if getattr(t, "get_text", str)() == title]
        assert text.get_window_extent().y0 >= legend.y1 - 1
        assert text.get_window_extent().y1 <= display.figure_.bbox.y1
