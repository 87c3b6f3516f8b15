"""SurpriseDisplay: a text, each token coloured by how little it was expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tsrnn.parameters import validated
from tsrnn.plotting.checks import ARGUMENTS
from tsrnn.plotting.sequences.text import (
    draw_colour_bar,
    draw_text,
    lay_out,
    read_tokens,
    read_values,
    sequential_colours,
    text_axes,
)
from tsrnn.plotting.style import VERMILION, blend, foreground

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEAST_TOP = 1e-9


class SurpriseDisplay:
    """Text with each token on a colour for its surprise: pale where expected, strong where not.

    White space is drawn as visible signs; characters that the monospace font lacks as squares
    (``matplotlib.rcParams["font.monospace"]`` chooses fonts).

    Parameters
    ----------
    tokens : str or sequence
        Characters of a text, or tokens: words, subwords, or anything that has a ``str``.
    surprise : array-like of shape (n_tokens,)
        Negative log-probability that each token had before it was read, in nats; NaN where there is
        none, as of a first token.
    width : int, default=80
        Columns of a line.
    largest : float, optional
        Surprise of the strongest colour; by default the largest that is not infinite.

    Attributes
    ----------
    ax_, figure_ : Axes, Figure
        The axes drawn on.
    boxes_, texts_ : PolyCollection, list of Text
        The colour of each token, and its text.
    colour_bar_ : Colorbar
        Scale of the colours.

    Examples
    --------
    >>> from tsrnn.plotting import SurpriseDisplay
    >>> display = SurpriseDisplay.from_values("The end", [float("nan"), 1, 0.2, 0.5, 3, 1, 0.1])
    >>> "".join(text.get_text() for text in display.texts_)
    'The·end'
    >>> display.ax_.get_title(loc="left")
    'mean 0.97 nats, perplexity 2.6'
    """

    @validated(ARGUMENTS)
    def __init__(
        self, tokens: Any, surprise: Any, *, width: int = 80, largest: float | None = None
    ):
        self.tokens = read_tokens(tokens)
        self.surprise = read_values(surprise, "surprise", len(self.tokens))
        negative = np.flatnonzero(self.surprise < 0)
        if negative.size:
            k = negative[0]
            raise ValueError(
                f"surprise must not be negative, and is {self.surprise[k]:g} at token {k}: it is "
                "minus the logarithm of a probability."
            )
        self.width, self.largest = width, largest

    @classmethod
    @validated(ARGUMENTS)
    def from_values(
        cls,
        tokens: Any,
        surprise: Any,
        *,
        width: int = 80,
        largest: float | None = None,
        ax: Axes | None = None,
    ) -> SurpriseDisplay:
        """Plot given surprises; the parameters are those of the class and of :meth:`plot`.

        Raises ValueError if there are no tokens, more than 5000, or not one surprise for each.
        """
        return cls(tokens, surprise, width=width, largest=largest).plot(ax)

    @validated(ARGUMENTS)
    def plot(self, ax: Axes | None = None) -> SurpriseDisplay:
        """Draw the text on ``ax``, by default on a new figure of its size."""
        layout = lay_out(self.tokens, self.width)
        self.ax_ = ax = text_axes(layout, self.width) if ax is None else ax
        self.figure_ = ax.figure
        known = self.surprise[np.isfinite(self.surprise)]
        top = self.largest or max(float(known.max(initial=0.0)), _LEAST_TOP)
        colours = sequential_colours(ax, VERMILION, (0.0, top))
        self.boxes_, self.texts_ = draw_text(ax, layout, self.surprise, colours)
        self.colour_bar_ = draw_colour_bar(ax, self.boxes_, "surprise (nats)")
        mean = float(np.nanmean(self.surprise)) if not np.isnan(self.surprise).all() else np.nan
        if np.isfinite(mean):
            style = {"fontsize": "medium", "color": blend(ax, foreground(ax), 0.85)}
            title = f"mean {mean:.2f} nats, perplexity {np.exp(mean):.1f}"
            ax.set_title(title, loc="left", **style)
        return self
