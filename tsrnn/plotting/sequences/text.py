"""Texts as wrapped lines of tokens, each on its own colour."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tsrnn.plotting.style import blend, foreground, pyplot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection
    from matplotlib.text import Text

MOST_TOKENS = 5000  # a text of matplotlib each
_VISIBLE = {" ": "\u00b7", "\n": "\u21b5", "\t": "\u2192", "\r": "\u2190", "\u00a0": "\u00b7"}
_UNKNOWN = "\u25a1"  # a white square, for what the font has no glyph of
_MARK_HOLDER = "\u25cc"  # a dotted circle, under a combining mark on its own
_COLUMN, _LINE = 0.108, 0.27  # inches of a column and of a line
_ADVANCE = 0.602  # of a character, in sizes of the monospace font
_LUMINANCE = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class TextLayout:
    """Tokens on lines of columns, as in a text editor."""

    labels: list[str]  # of each token, with visible white space
    lines: np.ndarray  # (n,) int
    columns: np.ndarray  # (n,) int, first column of each token
    widths: np.ndarray  # (n,) int, columns of each token
    width: int  # columns of a line

    @property
    def n_lines(self) -> int:
        return int(self.lines[-1]) + 1


def read_tokens(tokens: Any, name: str = "tokens", *, most: int = MOST_TOKENS) -> list:
    """Tokens as a list: characters of a text, or any items; ValueError for none or too many."""
    is_listed = isinstance(tokens, (str, Sequence, np.ndarray)) or hasattr(tokens, "tolist")
    if not is_listed or isinstance(tokens, (bytes, bytearray)):
        raise ValueError(f"{name} must be a text or a list of tokens, got {type(tokens).__name__}.")
    tokens = tokens.tolist() if hasattr(tokens, "tolist") else list(tokens)
    if not isinstance(tokens, list) or not tokens:
        raise ValueError(f"{name} is empty: give a text or a list of tokens.")
    if len(tokens) > most:
        raise ValueError(
            f"{name} has {len(tokens):,}, and at most {most:,} are drawn: give a part."
        )
    return tokens


def read_values(values: Any, name: str, n: int) -> np.ndarray:
    """Numbers, one of each token; ValueError otherwise."""
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} cannot be read as numbers: {error}") from error
    if array.shape != (n,):
        raise ValueError(
            f"{name} must have one number for each of the {n} tokens, got shape {array.shape}."
        )
    return array


def read_shares(values: Any, name: str, shape: tuple[int, int], columns: str) -> np.ndarray:
    """Numbers from 0 to 1, or NaN: a row of each token; ``columns`` is for the error otherwise."""
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} cannot be read as numbers: {error}") from error
    if array.shape != shape:
        raise ValueError(
            f"{name} must have a row for each of the {shape[0]} tokens and a column for each of "
            f"the {shape[1]} {columns}, got shape {array.shape}."
        )
    wrong = ~((array >= 0) & (array <= 1 + 1e-6) | np.isnan(array))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise ValueError(f"{name} must be from 0 to 1, and row {row} has {array[row, column]:g}.")
    return array


def visible(token: Any) -> str:
    """A token as text with visible white space, of glyphs that the font has."""
    glyphs = _glyphs(tuple(pyplot().rcParams["font.monospace"]))
    shown: list[str] = []
    for character in str(token):
        if isinstance(token, str) or character != " ":
            character = _VISIBLE.get(character, character)
        is_mark = unicodedata.combining(character) > 0
        if is_mark and not shown:
            shown.append(_MARK_HOLDER)
        is_known = ord(character) in glyphs
        shown.append(character if is_known else "" if is_mark else _UNKNOWN)
    return "".join(shown)


def lay_out(tokens: list, width: int) -> TextLayout:
    """Break tokens into lines of at most ``width`` columns, between words where there are any.

    Characters and subwords follow each other; words, and tokens that are no texts, have a blank
    column in between.
    """
    labels = [_shortened(visible(token), width) for token in tokens]
    widths = np.array([max(columns_of(label), 1) for label in labels])
    gap = int(not _is_running_text(tokens))
    lines, columns = np.zeros_like(widths), np.zeros_like(widths)
    line = column = 0
    for first, end in _unbroken(tokens, gap):
        if column and column + widths[first:end].sum() > width:
            line, column = line + 1, 0
        for k in range(first, end):
            if column and column + widths[k] > width:  # a word longer than a line
                line, column = line + 1, 0
            lines[k], columns[k] = line, column
            column += int(widths[k]) + gap
        if isinstance(tokens[end - 1], str) and "\n" in tokens[end - 1]:
            line, column = line + 1, 0
    return TextLayout(labels, lines, columns, widths, int(min(width, (columns + widths).max())))


def text_axes(layout: TextLayout, width: int, figsize: tuple[float, float] | None = None) -> Axes:
    """Axes on a new figure, by default of the size that the text takes."""
    size = _COLUMN * max(layout.width, min(width, 60)), _LINE * max(layout.n_lines, 2) + 0.75
    return pyplot().subplots(figsize=figsize or size, layout="constrained")[1]


def draw_text(
    ax: Axes, layout: TextLayout, values: np.ndarray, colours: dict[str, Any]
) -> tuple[PolyCollection, list[Text]]:
    """Draw tokens on the colours of their values; those without a value (NaN) have none."""
    from matplotlib.collections import PolyCollection

    left, top = layout.columns.astype(float), layout.lines.astype(float)
    right, bottom = left + layout.widths, top + 1
    corners = np.stack([[left, left, right, right], [top, bottom, bottom, top]], axis=-1)
    boxes: Any = PolyCollection(list(corners.swapaxes(0, 1)), edgecolor="none", **colours)
    boxes.set_zorder(1)
    boxes.set_array(np.ma.masked_invalid(np.where(np.isposinf(values), boxes.norm.vmax, values)))
    ax.add_collection(boxes)
    ax.set_xlim(0, max(layout.width, 1))
    ax.set_ylim(layout.n_lines, 0)
    ax.set_axis_off()
    size = _font_size(ax, layout)
    fills = boxes.to_rgba(boxes.get_array())
    texts = []
    for label, fill, value, x, y in zip(
        layout.labels, fills, values, (left + right) / 2, top + 0.5, strict=True
    ):
        color = foreground(ax) if np.isnan(value) else readable_on(ax, fill)
        is_space = all(character in _VISIBLE.values() for character in label)
        style: dict[str, Any] = {
            "ha": "center",
            "va": "center_baseline",
            "family": "monospace",
            "zorder": 2,
        }
        style |= {"color": color, "alpha": 0.45 if is_space else 1.0, "fontsize": size}
        texts.append(ax.text(x, y, label, parse_math=False, **style))
    return boxes, texts


def readable_on(ax: Axes, fill: Any) -> Any:
    """Colour of text on a colour: dark on light ones, light on dark ones."""
    strength = float(np.asarray(fill)[:3] @ _LUMINANCE)
    dark = foreground(ax) if foreground(ax).startswith("#3") else "#1b1d22"
    return dark if strength > 0.5 else "#ffffff"


def sequential_colours(ax: Axes, color: Any, limits: tuple[float, float]) -> dict[str, Any]:
    """Map from the background to a colour, and its norm."""
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    shades = [blend(ax, color, strength) for strength in (0, 0.5, 1)]
    return {
        "cmap": LinearSegmentedColormap.from_list("shades", shades),
        "norm": Normalize(*limits, clip=True),
    }


def draw_colour_bar(ax: Axes, mappable: Any, label: str) -> Any:
    """A small horizontal colour bar above the axes, at their right, with its label before it."""
    from tsrnn.plotting.network.colours import format_colour_bar

    bar = ax.figure.colorbar(
        mappable, ax=ax, location="top", shrink=0.25, anchor=(1.0, 0.0), aspect=18, pad=0.02
    )
    format_colour_bar(bar, ax)
    style: dict[str, Any] = {"ha": "right", "va": "center", "fontsize": "small"}
    style |= {"color": blend(ax, foreground(ax), 0.85), "transform": bar.ax.transAxes}
    bar.ax.text(-0.04, 0.5, label, **style)
    return bar


def _font_size(ax, layout) -> float:
    """Points at which a character fills a column, and a line has some space."""
    window = ax.get_window_extent()
    points = 72 / ax.figure.dpi
    column = window.width * points / max(layout.width, 1)
    line = window.height * points / max(layout.n_lines, 1)
    return float(np.clip(min(0.97 * column / _ADVANCE, 0.62 * line), 2, 14))


def _is_running_text(tokens) -> bool:
    """Whether tokens are characters or subwords, which have white space of their own."""
    if not all(isinstance(token, str) for token in tokens):
        return False
    has_space = any(any(map(str.isspace, token)) for token in tokens)
    return has_space or all(len(token) == 1 for token in tokens)


def _unbroken(tokens, gap):
    """(first, end) of the tokens between two places where a line may be broken."""
    first = 0
    for k in range(1, len(tokens) + 1):
        is_last = k == len(tokens)
        if is_last or gap or tokens[k - 1][-1:].isspace() or tokens[k][:1].isspace() * (k > first):
            if not is_last and not gap and _is_lone_space(tokens[k]):
                continue  # white space stays on the line of the word before it
            yield first, k
            first = k


def _is_lone_space(token) -> bool:
    return token.isspace() and len(token) == 1


def columns_of(label) -> int:
    """Columns of a text: two for a wide character, none for a mark on another."""
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in label
    )


def _shortened(label, width) -> str:
    return label if len(label) <= width else label[: width - 1] + "\u2026"


@functools.cache
def _glyphs(families: tuple[str, ...]) -> frozenset[int]:
    """Code points that the monospace fonts at hand have glyphs of."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    codes: set[int] = set()
    for family in families:
        try:
            path = findfont(FontProperties(family=family), fallback_to_default=False)
        except ValueError:  # not installed
            continue
        codes |= set(get_font(path).get_charmap())
    return frozenset(codes)
