"""Boxes of coloured cells with arrows between them: where they stand, and how they are drawn."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from tsrnn.plotting.style import blend, foreground

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.text import Annotation, Text

# Inches in a drawing of full size
_LEFT, _RIGHT, _HEAD, _FOOT = 0.95, 1.95, 0.85, 2.8
_BOX, _PITCH, _PAD = 1.12, 1.62, 0.08
_NAME, _UNIT, _LEAST = 0.25, 0.118, 0.24  # of a strip: its name, a row of units, all rows
_STRIPS_APART, _LAYERS_APART = 0.06, 0.42
_NARROWEST = 8.0  # that the title and the colours' bars have room in
_ROW = 8  # units in a row


@dataclasses.dataclass(frozen=True)
class Plan:
    """Where the boxes of an unrolled network stand: steps from left to right, layers upwards.

    Attributes
    ----------
    n_steps, n_layers, n_units : int
        Units are those of one strip.
    strips : tuple of str
        What a box shows, from the bottom: the hidden state, and maybe the cell state.
    """

    n_steps: int
    n_layers: int
    n_units: int
    strips: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the units of a strip."""
        return -(-self.n_units // _ROW), min(self.n_units, _ROW)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of it all."""
        width = _LEFT + (self.n_steps - 1) * _PITCH + _BOX + _RIGHT
        return max(width, _NARROWEST), self.box(0, self.n_layers - 1)[3] + _HEAD

    def time(self, step: int) -> str:
        """The index of a step, counted back from t."""
        lag = self.n_steps - 1 - step
        return f"t-{lag}" if lag else "t"

    def box(self, step: int, layer: int) -> tuple[float, float, float, float]:
        """Left, bottom, right and top."""
        left = _LEFT + step * _PITCH
        n = len(self.strips)
        height = 2 * _PAD + n * (_NAME + self._units()) + (n - 1) * _STRIPS_APART
        bottom = _FOOT + layer * (height + _LAYERS_APART)
        return left, bottom, left + _BOX, bottom + height

    def strip(self, step: int, layer: int, state: str) -> tuple[float, float, float, float]:
        """The same of the units of a state."""
        left, bottom, right, _ = self.box(step, layer)
        each = _NAME + self._units() + _STRIPS_APART
        bottom += _PAD + self.strips.index(state) * each
        return left + _PAD, bottom, right - _PAD, bottom + self._units()

    def _units(self):
        return max(self.shape[0] * _UNIT, _LEAST)


class Canvas:
    """Axes to draw on in the inches of a plan, whatever their own size.

    Parameters
    ----------
    ax : Axes
    size : tuple of float
        Width and height.
    """

    def __init__(self, ax: Axes, size: tuple[float, float]):
        box = ax.get_window_extent()
        self.scale = min(box.width / size[0], box.height / size[1]) / ax.figure.dpi
        self.ax, self.text_colour = ax, blend(ax, foreground(ax), 0.85)
        self.faint, self.line_colour = (
            blend(ax, foreground(ax), 0.55),
            blend(ax, foreground(ax), 0.7),
        )
        ax.set(xlim=(0, size[0]), ylim=(0, size[1]), aspect="equal")
        ax.axis("off")

    def write(self, x: float, y: float, text: str, size: float, **style: Any) -> Text:
        """A text, in points of a drawing of full size."""
        style = {"ha": "center", "va": "center", "color": self.text_colour} | style
        return self.ax.text(x, y, text, fontsize=size * self.scale, **style)

    def arrow(self, start: tuple, end: tuple, width: float = 1.3, **style: Any) -> Annotation:
        """An arrow from one place to another."""
        look = {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, "color": self.line_colour}
        look |= {"linewidth": width * self.scale, "mutation_scale": (8 + 3 * width) * self.scale}
        return self.ax.annotate("", end, start, arrowprops=look | style, annotation_clip=False)

    def box(self, left: float, bottom: float, right: float, top: float) -> None:
        """A rounded box."""
        from matplotlib.patches import FancyBboxPatch

        rounded = FancyBboxPatch(
            (left, bottom), right - left, top - bottom, boxstyle="round,pad=0,rounding_size=0.09",
            facecolor=blend(self.ax, foreground(self.ax), 0.05), edgecolor=self.line_colour,
            linewidth=self.scale, zorder=2,
        )  # fmt: skip
        self.ax.add_patch(rounded)

    def units(self, place: tuple, values: np.ndarray, shape: tuple, colours: dict) -> QuadMesh:
        """Units as coloured cells, row by row from the top; what is left of the last is empty."""
        left, bottom, right, top = place
        rows, columns = shape
        grid = np.full(rows * columns, np.nan)
        grid[: len(values)] = values
        return self.ax.pcolormesh(
            np.linspace(left, right, columns + 1), np.linspace(top, bottom, rows + 1),
            grid.reshape(shape), **colours, edgecolors=[blend(self.ax, foreground(self.ax), 0.25)],
            linewidth=0.5 * self.scale, zorder=3,
        )  # fmt: skip


def draw_layer(
    canvas: Canvas, plan: Plan, layer: int, state: str, values: np.ndarray, colours: dict
) -> list[QuadMesh]:
    """One state of a layer, (n_steps, n_units), step by step, each with its name."""
    meshes = []
    for step, own in enumerate(values):
        if state == plan.strips[0]:
            canvas.box(*plan.box(step, layer))
        left, bottom, right, top = plan.strip(step, layer, state)
        meshes.append(canvas.units((left, bottom, right, top), own, plan.shape, colours))
        canvas.write(left, top + 0.13, f"${state[0]}_{{{plan.time(step)}}}$", 12, ha="left")
    return meshes


def draw_arrows(canvas: Canvas, plan: Plan, goes_on: bool) -> None:
    """From step to step and from below; ``goes_on`` says whether there are steps before the first.

    The cell state's are wide: the conveyor belt, on which it passes from step to step.
    """
    for layer in range(plan.n_layers):
        for step in range(plan.n_steps):
            left, bottom, right, _ = plan.box(step, layer)
            for state in plan.strips:
                _, low, _, high = plan.strip(step, layer, state)
                y = (low + high) / 2
                start = plan.box(step - 1, layer)[2] if step else left - 0.38
                canvas.arrow((start, y), (left, y), 3.0 if state == "cell" else 1.3)
                if not step:
                    origin = r"$\cdots$" if goes_on else "$0$"
                    canvas.write(start - 0.06, y, origin, 13, ha="right")
            x = (left + right) / 2
            start = plan.box(step, layer - 1)[3] if layer else bottom - 0.36
            canvas.arrow((x, start), (x, bottom))
    left, bottom, right, _ = plan.box(0, 0)
    canvas.write((left + right) / 2 + 0.06, bottom - 0.17, "$W_{xh}$", 11.5, ha="left")
    _, low, _, high = plan.strip(0, 0, "hidden")
    x = right + 0.23 if plan.n_steps > 1 else left - 0.2
    canvas.write(x, (low + high) / 2 + 0.15, "$W_{hh}$", 11.5)
