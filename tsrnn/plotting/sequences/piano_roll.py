"""PianoRollDisplay: the notes of a piano roll, with the part that a network composed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.parameters import validated
from tsrnn.plotting.checks import ARGUMENTS
from tsrnn.plotting.style import (
    BLUE,
    VERMILION,
    blend,
    foreground,
    format_axes,
    legend_style,
    new_axes,
    set_title,
)
from tsrnn.sequences.music.notes import read_roll, roll_to_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection
    from matplotlib.lines import Line2D

_BLACK_KEYS = (1, 3, 6, 8, 10)
_MARGIN, _LEAST_RANGE = 2, 12  # semitones
_NOTE_HEIGHT = 0.84


class PianoRollDisplay:
    """Plot of a piano roll: time on the x axis, pitch on the y axis, a bar for each note.

    Parameters
    ----------
    roll : array-like of shape (n_frames, 88) or (n_frames, 128)
        1 where a note sounds, else 0; 88 columns are the keys of a piano, 128 all MIDI pitches.
    prompt_frames : int, optional
        Frames at the beginning that were given; the rest was composed and has another colour.
    step : float, optional
        Beats of a frame. Time is then in beats, else in frames.
    repeat : bool, default=False
        Draw each frame's notes as bars of their own; by default a note that sounds in consecutive
        frames is one bar.

    Attributes
    ----------
    ax_, figure_ : Axes, Figure
        The axes drawn on.
    notes_, prompt_notes_ : PolyCollection
        Bars of the notes, and of those of the prompt; None if there is no such part.
    prompt_line_ : Line2D
        End of the prompt; None without one.

    See Also
    --------
    tsrnn.sequences.music.notes_to_roll : Makes a roll of notes.
    tsrnn.datasets.load_chorales : Rolls of chorales.

    Examples
    --------
    >>> from tsrnn.datasets import load_chorales
    >>> from tsrnn.plotting import PianoRollDisplay
    >>> display = PianoRollDisplay.from_roll(load_chorales()[3], prompt_frames=16, step=1)
    >>> display.ax_.get_xlabel(), display.prompt_line_.get_xdata()[0]
    ('beat', 16)
    """

    @validated(ARGUMENTS)
    def __init__(
        self,
        roll: Any,
        *,
        prompt_frames: int | None = None,
        step: float | None = None,
        repeat: bool = False,
    ):
        self.roll = roll = read_roll(roll)
        if prompt_frames is not None and prompt_frames > len(roll):
            raise ValueError(f"prompt_frames is {prompt_frames}, and roll has {len(roll)} frames.")
        self.prompt_frames, self.step, self.repeat = prompt_frames, step, repeat

    @classmethod
    @validated(ARGUMENTS)
    def from_roll(
        cls,
        roll: Any,
        *,
        prompt_frames: int | None = None,
        step: float | None = None,
        repeat: bool = False,
        ax: Axes | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> PianoRollDisplay:
        """Plot a piano roll; the parameters are those of the class and of :meth:`plot`.

        Raises ValueError if the roll is not valid or has fewer frames than the prompt.
        """
        return cls(roll, prompt_frames=prompt_frames, step=step, repeat=repeat).plot(
            ax, figsize=figsize, title=title
        )

    @validated(ARGUMENTS)
    def plot(
        self,
        ax: Axes | None = None,
        *,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> PianoRollDisplay:
        """Draw on ``ax``, by default on a new figure of ``figsize`` inches, with a ``title``."""
        self.ax_ = ax = new_axes(figsize or (10, 4)) if ax is None else ax
        self.figure_ = ax.figure
        self.prompt_notes_ = self.notes_ = None
        self.prompt_line_: Line2D | None = None
        n_prompt, unit = self.prompt_frames or 0, self.step or 1
        grey = blend(ax, foreground(ax), 0.55)
        if self.prompt_frames is None:
            self.notes_ = self._draw_notes(self.roll, 0, BLUE, "notes")
        else:
            self.prompt_notes_ = self._draw_notes(self.roll[:n_prompt], 0, grey, "prompt")
            self.notes_ = self._draw_notes(self.roll[n_prompt:], n_prompt, VERMILION, "composed")
            line: dict[str, Any] = {"color": grey, "linewidth": 1, "linestyle": (0, (4, 3))}
            self.prompt_line_ = ax.axvline(n_prompt * unit, **line)
        self._format(unit)
        set_title(ax, title)
        return self

    def _draw_notes(self, roll, first, color, label) -> PolyCollection | None:
        """Bars of the notes of a part of the roll that begins at a frame."""
        from matplotlib.collections import PolyCollection

        if not len(roll):
            return None
        unit, half = self.step or 1, _NOTE_HEIGHT / 2
        gap = 0.06 * unit
        corners = [
            [(x, y) for x, y in zip((a, a, b, b), (low, high, high, low), strict=True)]
            for a, b, low, high in (
                (start, end - gap, note.pitch - half, note.pitch + half)
                for note in roll_to_notes(roll, step=unit, repeat=self.repeat)
                for start, end in [(note.start + first * unit, note.end + first * unit)]
            )
        ]
        style = {"facecolor": color, "edgecolor": "none", "label": label, "zorder": 2}
        bars = PolyCollection(corners, **style)
        self.ax_.add_collection(bars)
        return bars

    def _format(self, unit):
        ax = self.ax_
        low, high = _pitch_range(self.roll)
        name = "frame" if self.step is None else "beat"
        format_axes(ax, pd.Series([0.0, 1.0], name=None).rename_axis(name), legend=False)
        ax.grid(False)
        faint = blend(ax, foreground(ax), 0.05)
        for pitch in range(low, high + 1):
            if pitch % 12 in _BLACK_KEYS:
                ax.axhspan(pitch - 0.5, pitch + 0.5, color=faint, linewidth=0, zorder=0)
        line = {"color": blend(ax, foreground(ax), 0.22), "linewidth": 0.7, "zorder": 1}
        octaves = [pitch for pitch in range(low, high + 1) if pitch % 12 == 0]
        for pitch in octaves:
            ax.axhline(pitch - 0.5, **line)
        ax.set_yticks(octaves, [f"C{pitch // 12 - 1}" for pitch in octaves])
        ax.set_ylim(low - 0.5, high + 0.5)
        ax.set_xlim(0, len(self.roll) * unit)
        ax.set_ylabel("pitch", color=blend(ax, foreground(ax), 0.85))
        if self.prompt_frames is not None:
            style = legend_style(ax) | {"ncols": 2, "borderaxespad": 0.2}
            ax.legend(loc="lower right", bbox_to_anchor=(1, 1), **style)


def _pitch_range(roll: np.ndarray) -> tuple[int, int]:
    """Lowest and highest pitch to draw: those of the notes, with a margin."""
    lowest = 0 if roll.shape[1] == 128 else 21
    pitches = np.flatnonzero(roll.any(axis=0)) + lowest
    low, high = (pitches[0], pitches[-1]) if pitches.size else (60, 60)
    spare = max(_LEAST_RANGE - (high - low), 2 * _MARGIN)
    return int(low - spare // 2), int(high + spare - spare // 2)
