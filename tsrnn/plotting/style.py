"""Style shared by the displays: axes, colours, curves, interval bands and time on the x axis."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import Collection
    from matplotlib.lines import Line2D

# Okabe & Ito's palette, for readers who cannot tell red from green
BLUE, VERMILION, GREEN, PURPLE = "#0072b2", "#d55e00", "#009e73", "#cc79a7"
_DARK, _LIGHT = "#30343f", "#e6e8ec"
_ENTRY_WIDTH = 1.6  # inches of an entry of a legend
_TICKS_PER_INCH = 1.45  # that leave room for short dates
# How many months, hours, minutes and seconds (matplotlib's unit numbers) make the next larger unit.
# Its locator stops at halves of these, and warns where halves are too many for narrow axes.
_PER_LARGER_UNIT = {1: 12, 4: 24, 5: 60, 6: 60}


def pyplot() -> ModuleType:
    """Matplotlib's pyplot; ImportError if it is not installed."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            'Plots are drawn by matplotlib, which is not installed: pip install "tsrnn[plot]"'
        ) from error
    return plt


def new_axes(figsize: tuple[float, float] = (9, 4)) -> Axes:
    """Axes on a new figure, by default a wide one for a time series."""
    return pyplot().subplots(figsize=figsize, layout="constrained")[1]


def x_positions(index: pd.Index) -> np.ndarray:
    """x coordinates of an index: numbers, or datetime64 in UTC, as local time repeats an hour."""
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    elif isinstance(index, pd.DatetimeIndex) and index.tz is not None:
        index = index.tz_convert(None)
    return index.to_numpy()


def draw_curve(ax: Axes, series: pd.Series, style: dict[str, Any]) -> Line2D:
    """Draw a series as a line, or as a dot where it has a single entry."""
    if len(series) == 1:
        style = {"marker": "o", "linestyle": "none"} | style
    return ax.plot(x_positions(series.index), series.to_numpy(), **style)[0]


def draw_bands(
    ax: Axes, intervals: pd.DataFrame, levels: list[str], color: Any
) -> dict[str, Collection]:
    """Draw the band of each level, in percent; the widest first and palest."""
    bands: dict[str, Collection] = {}
    x = x_positions(intervals.index)
    for level, strength in zip(levels, np.linspace(0.2, 0.42, len(levels)), strict=True):
        style = {
            "color": blend(ax, color, strength),
            "label": f"{level} % interval",
            "zorder": 1 + strength,  # below the grid and all lines
        }
        lower, upper = (intervals[f"{side}_{level}"] for side in ("lower", "upper"))
        if len(x) == 1:  # a single time has no width to fill
            bands[level] = ax.vlines(x, lower, upper, linewidth=12, **style)
        else:
            bands[level] = ax.fill_between(x, lower, upper, linewidth=0, **style)
    return bands


def background(ax: Axes) -> tuple[float, float, float]:
    """Background colour as RGB; a transparent one is blended with white."""
    from matplotlib.colors import to_rgba

    red, green, blue, alpha = to_rgba(ax.get_facecolor())
    white = 1 - alpha
    return alpha * red + white, alpha * green + white, alpha * blue + white


def foreground(ax: Axes) -> str:
    """Colour of text and lines: dark, or light on a dark background."""
    return _DARK if np.mean(background(ax)) > 0.5 else _LIGHT


def blend(ax: Axes, color: Any, strength: float) -> tuple[float, float, float]:
    """A colour mixed with the background: pale but opaque, so that bands can overlap."""
    from matplotlib.colors import to_rgb

    pairs = zip(to_rgb(color), background(ax), strict=True)
    red, green, blue = (strength * front + (1 - strength) * back for front, back in pairs)
    return red, green, blue


def format_axes(ax: Axes, series: pd.Series, legend: bool = True, title: str | None = None) -> None:
    """Label the axes with the series' name and time; legend and title, faint grid, no frame."""
    text, faint = blend(ax, foreground(ax), 0.85), blend(ax, foreground(ax), 0.16)
    _format_time_axis(ax, series.index, text)
    if series.name is not None:
        ax.set_ylabel(str(series.name), color=text)
    ax.margins(x=0.01 if len(series) > 1 else 0.03)  # the band of a single entry is wide
    ax.grid(axis="y", color=faint, linewidth=0.7)
    ax.set_axisbelow("line")  # the grid is above filled areas
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set_color(faint)
    ax.tick_params(length=0, labelcolor=text)
    ax.tick_params(axis="x", length=3, color=faint)
    if legend:
        legend_above(ax, title)
    else:
        set_title(ax, title)


def legend_above(ax: Axes, title: str | None = None, handles: Iterable[Any] | None = None) -> None:
    """Draw a legend above the axes, where it covers no line, and the title above it."""
    handles = ax.get_legend_handles_labels()[0] if handles is None else list(handles)
    width = ax.get_window_extent().width / ax.figure.dpi
    n_columns = int(np.clip(width // _ENTRY_WIDTH, 1, max(len(handles), 1)))
    style: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1, 1), "borderaxespad": 0.2}
    style |= {"ncols": n_columns, "handlelength": 1.6, "columnspacing": 1.4}
    legend = ax.legend(handles=handles, **style | legend_style(ax))
    n_points = legend.get_window_extent().height * 72 / ax.figure.dpi
    set_title(ax, title, pad=n_points + 6)


def set_title(ax: Axes, title: str | None, pad: float | None = None) -> None:
    """Set the title of axes, if there is one, in the colour of texts, ``pad`` points above them."""
    if title is not None:
        color = blend(ax, foreground(ax), 0.85)
        ax.set_title(title, loc="left", fontsize="medium", color=color, pad=pad)


def legend_style(ax: Axes) -> dict[str, Any]:
    colours = {"facecolor": background(ax), "labelcolor": blend(ax, foreground(ax), 0.85)}
    return colours | {"edgecolor": "none", "framealpha": 0.8}


def _format_time_axis(ax, index, text):
    """Ticks with short dates in the index's time zone, or with whole numbers."""
    if isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex)):
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        zone = getattr(index, "tz", None)
        width = ax.get_window_extent().width / ax.figure.dpi
        n_ticks = int(np.clip(_TICKS_PER_INCH * width, 5, 10))
        locator = AutoDateLocator(tz=zone, minticks=min(4, n_ticks - 2), maxticks=n_ticks)
        for unit, number in _PER_LARGER_UNIT.items():
            locator.intervald[unit] = [*locator.intervald[unit], number]
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone))
        ax.xaxis.get_offset_text().set_color(text)
        return
    if pd.api.types.is_integer_dtype(index):
        from matplotlib.ticker import MaxNLocator

        ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 2.5, 5, 10]))
    if index.name is not None:
        ax.set_xlabel(str(index.name), color=text)
