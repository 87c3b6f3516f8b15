"""Colour maps of states and gates, and their colour bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tsrnn.plotting.style import BLUE, GREEN, PURPLE, VERMILION, background, blend, foreground

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.colorbar import Colorbar

_POLES = {"hidden": (BLUE, VERMILION), "cell": (PURPLE, GREEN)}  # negative and positive


def state_colours(ax: Axes, state: str, values: np.ndarray) -> dict[str, Any]:
    """Map and norm of the hidden or cell state: symmetric, with 0 as the background.

    The range of a bounded hidden state, as of cells with a tanh, is -1 to 1.
    """
    from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgb

    below, above = _POLES[state]
    dark = to_rgb(foreground(ax))
    low, high = (
        tuple(0.6 * a + 0.4 * b for a, b in zip(to_rgb(pole), dark, strict=True))
        for pole in (below, above)
    )
    colours: list[Any] = [low, below, background(ax), above, high]
    places = [0, 0.25, 0.5, 0.75, 1]
    largest = float(np.nanmax(np.abs(values), initial=0.0))
    if state == "hidden" and largest <= 1:
        largest = 1.0
    return {
        "cmap": LinearSegmentedColormap.from_list(state, list(zip(places, colours, strict=True))),
        "norm": Normalize(-(largest or 1.0), largest or 1.0),
    }


def gate_colours() -> dict[str, Any]:
    """Map and norm of a gate, from 0 (shut) to 1 (open)."""
    from matplotlib.colors import Normalize

    return {"cmap": "viridis", "norm": Normalize(0, 1)}


def format_colour_bar(bar: Colorbar, ax: Axes, size: Any = "small") -> Colorbar:
    """Format a colour bar: no frame, ticks at its ends and middle only."""
    norm: Any = bar.mappable.norm
    low, high = norm.vmin, norm.vmax
    ticks = [low, (low + high) / 2, high]
    bar.set_ticks(ticks, labels=[f"{tick:.2g}".replace("-", "\N{MINUS SIGN}") for tick in ticks])
    bar.ax.tick_params(length=0, labelsize=size, labelcolor=blend(ax, foreground(ax), 0.85))
    bar.outline.set_edgecolor(blend(ax, foreground(ax), 0.3))
    bar.outline.set_linewidth(0.6)
    return bar


def mappable(colours: dict[str, Any]) -> ScalarMappable:
    from matplotlib.cm import ScalarMappable

    return ScalarMappable(**colours)
