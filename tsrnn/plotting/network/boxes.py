"""Boxes of coloured cells with arrows between them: their layout and drawing."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from tsrnn.plotting.style import blend, foreground

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.text import Annotation, Text

# Inches of a drawing at full size
_LEFT, _RIGHT, _HEAD, _FOOT = 0.95, 1.95, 0.85, 2.8
_OUTPUTS = 0.5  # above boxes whose steps predict
_BOX, _PITCH, _PAD = 1.12, 1.62, 0.08
_NAME, _UNIT, _MIN_UNITS = 0.25, 0.118, 0.24  # heights of a strip's name, row of units, all rows
_STRIP_GAP, _LAYER_GAP = 0.06, 0.42
_MIN_WIDTH = 8.0  # leaves room for the title and the colour bars
_ROW_UNITS = 8  # units in a row


@dataclasses.dataclass(frozen=True)
class Layout:
    """Places of the boxes of an unrolled network: steps from left to right, layers upwards."""

    n_steps: int
    n_layers: int
    n_units: int  # of a strip
    strips: tuple[str, ...]  # states that a box shows, from the bottom: "hidden", maybe "cell"
    has_outputs: bool = False  # whether there is room for what is predicted above the top layer

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a strip's units."""
        return -(-self.n_units // _ROW_UNITS), min(self.n_units, _ROW_UNITS)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the drawing."""
        width = _LEFT + (self.n_steps - 1) * _PITCH + _BOX + _RIGHT
        head = _HEAD + (_OUTPUTS if self.has_outputs else 0.0)
        return max(width, _MIN_WIDTH), self.box(0, self.n_layers - 1)[3] + head

    def time(self, step: int) -> str:
        """Index of a step as text, counted back from t."""
        lag = self.n_steps - 1 - step
        return f"t-{lag}" if lag else "t"

    def box(self, step: int, layer: int) -> tuple[float, float, float, float]:
        """Left, bottom, right and top of a box."""
        left = _LEFT + step * _PITCH
        n = len(self.strips)
        height = 2 * _PAD + n * (_NAME + self._units_height()) + (n - 1) * _STRIP_GAP
        bottom = _FOOT + layer * (height + _LAYER_GAP)
        return left, bottom, left + _BOX, bottom + height

    def strip(self, step: int, layer: int, state: str) -> tuple[float, float, float, float]:
        """Left, bottom, right and top of a state's units in a box."""
        left, bottom, right, _ = self.box(step, layer)
        pitch = _NAME + self._units_height() + _STRIP_GAP
        bottom += _PAD + self.strips.index(state) * pitch
        return left + _PAD, bottom, right - _PAD, bottom + self._units_height()

    def _units_height(self):
        return max(self.shape[0] * _UNIT, _MIN_UNITS)


class Canvas:
    """Axes with the coordinates of a Layout of ``size``, whatever their own size."""

    def __init__(self, ax: Axes, size: tuple[float, float]):
        box = ax.get_window_extent()
        self.scale = min(box.width / size[0], box.height / size[1]) / ax.figure.dpi
        self.ax, self.text_colour = ax, blend(ax, foreground(ax), 0.85)
        self.faint = blend(ax, foreground(ax), 0.55)
        self.line_colour = blend(ax, foreground(ax), 0.7)
        ax.set(xlim=(0, size[0]), ylim=(0, size[1]), aspect="equal")
        ax.axis("off")

    def write(self, x: float, y: float, text: str, size: float, **style: Any) -> Text:
        """Write a text; ``size`` is in points of a drawing at full size."""
        style = {"ha": "center", "va": "center", "color": self.text_colour} | style
        return self.ax.text(x, y, text, fontsize=size * self.scale, **style)

    def arrow(self, start: tuple, end: tuple, width: float = 1.3, **style: Any) -> Annotation:
        look = {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, "color": self.line_colour}
        look |= {"linewidth": width * self.scale, "mutation_scale": (8 + 3 * width) * self.scale}
        return self.ax.annotate("", end, start, arrowprops=look | style, annotation_clip=False)

    def box(self, left: float, bottom: float, right: float, top: float) -> None:
        from matplotlib.patches import FancyBboxPatch

        style: dict[str, Any] = {"boxstyle": "round,pad=0,rounding_size=0.09"}
        style |= {"edgecolor": self.line_colour}
        style |= {"facecolor": blend(self.ax, foreground(self.ax), 0.05)}
        style |= {"linewidth": self.scale, "zorder": 2}
        self.ax.add_patch(FancyBboxPatch((left, bottom), right - left, top - bottom, **style))

    def units(self, place: tuple, values: np.ndarray, shape: tuple, colours: dict) -> QuadMesh:
        """Draw units as coloured cells, row by row from the top."""
        left, bottom, right, top = place
        rows, columns = shape
        grid = np.full(rows * columns, np.nan)
        grid[: len(values)] = values
        x, y = np.linspace(left, right, columns + 1), np.linspace(top, bottom, rows + 1)
        style = colours | {"edgecolors": [blend(self.ax, foreground(self.ax), 0.25)]}
        style |= {"linewidth": 0.5 * self.scale, "zorder": 3}
        return self.ax.pcolormesh(x, y, grid.reshape(shape), **style)


def draw_layer(
    canvas: Canvas, layout: Layout, layer: int, state: str, values: np.ndarray, colours: dict
) -> list[QuadMesh]:
    """Draw one state of a layer, (n_steps, n_units), step by step, each with its name."""
    meshes = []
    for step, units in enumerate(values):
        if state == layout.strips[0]:
            canvas.box(*layout.box(step, layer))
        left, bottom, right, top = layout.strip(step, layer, state)
        meshes.append(canvas.units((left, bottom, right, top), units, layout.shape, colours))
        canvas.write(left, top + 0.13, f"${state[0]}_{{{layout.time(step)}}}$", 12, ha="left")
    return meshes


def draw_arrows(
    canvas: Canvas, layout: Layout, has_earlier_steps: bool, has_later_steps: bool = False
) -> None:
    """Draw arrows between steps, wide ones for the cell state, and into each layer from below."""
    for layer in range(layout.n_layers):
        for step in range(layout.n_steps):
            left, bottom, right, _ = layout.box(step, layer)
            for state in layout.strips:
                _, low, _, high = layout.strip(step, layer, state)
                y = (low + high) / 2
                start = layout.box(step - 1, layer)[2] if step else left - 0.38
                canvas.arrow((start, y), (left, y), 3.0 if state == "cell" else 1.3)
                if not step:
                    origin = r"$\cdots$" if has_earlier_steps else "$0$"
                    canvas.write(start - 0.06, y, origin, 13, ha="right")
                if has_later_steps and step == layout.n_steps - 1:
                    canvas.arrow((right, y), (right + 0.38, y), 3.0 if state == "cell" else 1.3)
                    canvas.write(right + 0.44, y, r"$\cdots$", 13, ha="left")
            x = (left + right) / 2
            start = layout.box(step, layer - 1)[3] if layer else bottom - 0.36
            canvas.arrow((x, start), (x, bottom))
    left, bottom, right, _ = layout.box(0, 0)
    canvas.write((left + right) / 2 + 0.06, bottom - 0.17, "$W_{xh}$", 11.5, ha="left")
    _, low, _, high = layout.strip(0, 0, "hidden")
    x = right + 0.23 if layout.n_steps > 1 else left - 0.2
    canvas.write(x, (low + high) / 2 + 0.15, "$W_{hh}$", 11.5)
