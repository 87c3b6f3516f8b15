"""SurpriseDisplay: a text, each token coloured by how little it was expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tsrnn.parameters import validated
from tsrnn.plotting.checks import ARGUMENTS
from tsrnn.plotting.sequences.reading import displayed_language
from tsrnn.plotting.sequences.text import (
    draw_colour_bar,
    draw_text,
    lay_out,
    read_tokens,
    read_values,
    sequential_colours,
    text_axes,
)
from tsrnn.plotting.style import VERMILION, set_title

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
    surprises : array-like of shape (n_tokens,)
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

    See Also
    --------
    tsrnn.RNNLanguageModel : Its ``step_log_likelihood`` makes what it draws.
    NextTokenDisplay : Which tokens were expected.

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
        self, tokens: Any, surprises: Any, *, width: int = 80, largest: float | None = None
    ):
        self.tokens = read_tokens(tokens)
        self.surprises = read_values(surprises, "surprises", len(self.tokens))
        negative = np.flatnonzero(self.surprises < 0)
        if negative.size:
            k = negative[0]
            raise ValueError(
                f"surprises must not be negative, and is {self.surprises[k]:g} at token {k}: "
                "they are minus logarithms of probabilities."
            )
        self.width, self.largest = width, largest

    @classmethod
    @validated(ARGUMENTS)
    def from_estimator(
        cls,
        estimator: Any,
        text: Any,
        *,
        width: int = 80,
        largest: float | None = None,
        ax: Axes | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> SurpriseDisplay:
        """Plot how little a language model expected each token of a text.

        Parameters
        ----------
        estimator : fitted RNNLanguageModel
        text : str or sequence of items
            One text, of at most 5000 tokens; with ``unit=None`` one sequence.
        width, largest, ax, figsize, title
            As in :class:`SurpriseDisplay` and :meth:`plot`.

        Raises
        ------
        NotFittedError, ValueError
            If the model is not fitted, is of music, or the text has no or too many tokens.
        """
        read = displayed_language(estimator, text)
        tokens = read_tokens(read.tokens)  # too many are refused before they are read
        log_likelihood = np.ravel(estimator.step_log_likelihood(read.X))
        surprises = -log_likelihood[: len(tokens)]
        return cls(tokens, surprises, width=width, largest=largest).plot(
            ax, figsize=figsize, title=title
        )

    @classmethod
    @validated(ARGUMENTS)
    def from_values(
        cls,
        tokens: Any,
        surprises: Any,
        *,
        width: int = 80,
        largest: float | None = None,
        ax: Axes | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> SurpriseDisplay:
        """Plot given surprises; the parameters are those of the class and of :meth:`plot`.

        Raises ValueError if there are no tokens, more than 5000, or not one surprise for each.
        """
        return cls(tokens, surprises, width=width, largest=largest).plot(
            ax, figsize=figsize, title=title
        )

    @validated(ARGUMENTS)
    def plot(
        self,
        ax: Axes | None = None,
        *,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> SurpriseDisplay:
        """Draw the text on ``ax``, by default on a new figure of its size or ``figsize``.

        ``title`` replaces the mean surprise.
        """
        layout = lay_out(self.tokens, self.width)
        self.ax_ = ax = text_axes(layout, self.width, figsize) if ax is None else ax
        self.figure_ = ax.figure
        known = self.surprises[np.isfinite(self.surprises)]
        top = self.largest or max(float(known.max(initial=0.0)), _LEAST_TOP)
        colours = sequential_colours(ax, VERMILION, (0.0, top))
        self.boxes_, self.texts_ = draw_text(ax, layout, self.surprises, colours)
        self.colour_bar_ = draw_colour_bar(ax, self.boxes_, "surprise (nats)")
        mean = float(np.nanmean(self.surprises)) if not np.isnan(self.surprises).all() else np.nan
        if title is None and np.isfinite(mean):
            title = f"mean {mean:.2f} nats, perplexity {np.exp(mean):.1f}"
        set_title(ax, title)
        return self
