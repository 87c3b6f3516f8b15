"""Parts of an anomaly plot: stacked axes, shaded events, the score and its threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.plotting.grid import listed_axes
from tsrnn.plotting.style import BLUE, VERMILION, blend, draw_curve, foreground, pyplot, x_positions

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection
    from matplotlib.lines import Line2D

EVENT_STRENGTH = 0.25  # of the colour of detected events
_N_DENSE = 2000  # values from which lines are thinner
_LOG_RATIO = 30  # of score to threshold, above which the axis of scores is logarithmic
_WIDTH, _HEIGHTS, _SCORE_HEIGHT = 9, {1: 2.7, 2: 2.0}, 1.7  # inches
_SMALL_HEIGHT = 1.4  # of each of more than two channels


def stacked_axes(
    n_channels: int, ax: Sequence[Axes] | None, figsize: tuple[float, float] | None = None
) -> list[Axes]:
    """Axes of the channels and of the score, checked; for None new ones with a shared time axis."""
    if ax is not None:
        usage = "ax must be one axes a channel and one for the score"
        remedy = "Choose channels by channels, or leave ax out."
        return listed_axes(ax, n_channels + 1, usage, remedy)
    heights = [_HEIGHTS.get(n_channels, _SMALL_HEIGHT)] * n_channels + [_SCORE_HEIGHT]
    size = figsize or (_WIDTH, sum(heights) + 0.6)
    style = {"figsize": size, "height_ratios": heights, "layout": "constrained"}
    return list(pyplot().subplots(n_channels + 1, sharex=True, **style)[1])


def step_edges(index: pd.Index) -> np.ndarray:
    """Midpoints between steps, and as far before the first and after the last, (n + 1,)."""
    x = x_positions(index)
    if len(x) == 1:
        return np.repeat(x, 2)
    halves = (x[1:] - x[:-1]) / 2
    return np.concatenate([[x[0] - halves[0]], x[:-1] + halves, [x[-1] + halves[-1]]])


def draw_spans(
    ax: Axes, edges: np.ndarray, runs: np.ndarray, height: float = 1.0, **style: Any
) -> PolyCollection:
    """Runs of steps, (n_runs, 2), from the bottom of the axes to a share of their height."""
    x = np.stack([edges[runs[:, 0]], edges[runs[:, 1]], edges[runs[:, 1]]], axis=1).ravel()
    where = np.tile([True, True, False], len(runs))
    transform = ax.get_xaxis_transform()
    return ax.fill_between(x, 0, height, where=where, transform=transform, **style)


def color_spans(spans: PolyCollection, ax: Axes, color: str, strengths: Any) -> None:
    """Set the colours of spans; their edges show those that are narrower than a pixel."""
    colors = [blend(ax, color, strength) for strength in strengths]
    spans.set(facecolor=colors, edgecolor=colors, linewidth=0.8)


def event_strengths(shares: np.ndarray | None, runs: np.ndarray, n_channels: int) -> np.ndarray:
    """Strength of the colour of each event in each channel, (n_events, n_channels)."""
    if shares is None:
        return np.full((len(runs), n_channels), EVENT_STRENGTH)
    shares = np.nan_to_num(shares)
    means = np.array([shares[first:end].mean(axis=0) for first, end in runs])
    return 0.07 + 0.3 * means / np.maximum(means.max(axis=1, keepdims=True), 1e-300)


def draw_channel(
    ax: Axes,
    values: pd.Series,
    explained: pd.DataFrame,
    suffix: str,
    actual_kw: dict[str, Any],
    expected_kw: dict[str, Any],
) -> tuple[Line2D, Line2D | None, PolyCollection | None]:
    """Lines of actual and expected values, and the band; columns end with ``suffix``."""
    width = 1.0 if len(values) <= _N_DENSE else 0.6
    style: dict[str, Any] = {
        "color": foreground(ax),
        "linewidth": width,
        "zorder": 2.2,
        "label": "actual",
    }
    actual_line = draw_curve(ax, values, style | actual_kw)
    expected_line = band = None
    expected, color = explained.get(f"expected{suffix}"), expected_kw.get("color", BLUE)
    if expected is not None:
        style = {"color": color, "linewidth": 1.2, "zorder": 2.1, "label": "expected"}
        expected_line = draw_curve(ax, expected, style | expected_kw)
        color = expected_line.get_color()
    bounds = [explained.get(f"{side}{suffix}") for side in ("lower", "upper")]
    if all(bound is not None for bound in bounds):
        style = {"color": color, "alpha": 0.25, "linewidth": 0, "zorder": 1.2}
        style |= {"label": "usual range"}
        band = ax.fill_between(x_positions(explained.index), *bounds, **style)
    return actual_line, expected_line, band


def draw_score(
    ax: Axes, explained: pd.DataFrame, style: dict[str, Any]
) -> tuple[Line2D, Line2D | None, PolyCollection | None]:
    """The lines of score and threshold, and the area where the score exceeds it."""
    score = explained["score"].where(np.isfinite(explained["score"]))
    threshold = explained.get("threshold", pd.Series(np.nan, score.index))
    threshold = threshold.where(np.isfinite(threshold))
    base = {"color": foreground(ax), "linewidth": 1.0, "zorder": 2.2, "label": "score"}
    score_line = draw_curve(ax, score, base | style)
    threshold_line = area = None
    if threshold.notna().any():
        base = {"color": VERMILION, "linewidth": 1.3, "linestyle": (0, (4, 2)), "zorder": 2.3}
        threshold_line = draw_curve(ax, threshold, base | {"label": "threshold"})
        flags = (score > threshold).to_numpy()
        if "anomaly" in explained:
            flags = flags & explained["anomaly"].fillna(0).to_numpy(bool)
        area = _fill_above(ax, score, threshold, flags)
    _scale_axis(ax, score.dropna(), threshold.dropna())
    return score_line, threshold_line, area


def _scale_axis(ax, score, threshold):
    """A logarithmic axis for scores far above the threshold, else one that starts at 0."""
    if not score.size or score.min() < 0:
        return
    level = threshold.median() if threshold.size else score.median()
    if level > 0 and score.max() > _LOG_RATIO * level:
        least = score[score > 0].quantile(0.02)
        ax.set_yscale("log")
        ax.set_ylim(bottom=min(least, level / 3))
    else:
        ax.set_ylim(bottom=0)


def _fill_above(ax, score, threshold, flags):
    """The area between threshold and score where flagged; None if nothing is."""
    if not flags.any():
        return None
    top = np.where(flags, score, threshold)
    where = flags.copy()  # with the steps before and after, so that a single step has an area
    where[1:] |= flags[:-1]
    where[:-1] |= flags[1:]
    style = {"color": blend(ax, VERMILION, 0.65), "linewidth": 0, "zorder": 2.1}
    return ax.fill_between(x_positions(score.index), threshold, top, where=where, **style)
