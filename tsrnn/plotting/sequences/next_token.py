"""NextTokenDisplay: the tokens that a language model expected at each step."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tsrnn.parameters import LARGEST_INTEGER, validated
from tsrnn.plotting.checks import ARGUMENTS, takes_axes
from tsrnn.plotting.grid import listed_axes
from tsrnn.plotting.sequences.reading import displayed_language
from tsrnn.plotting.sequences.text import (
    columns_of,
    draw_colour_bar,
    read_shares,
    read_tokens,
    readable_on,
    sequential_colours,
    visible,
)
from tsrnn.plotting.style import BLUE, VERMILION, blend, foreground, format_axes, pyplot, set_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_TOKENS = 200
_COLUMN, _LETTER, _ROW, _BARS = 0.26, 0.095, 0.27, 0.9  # inches
_LONGEST = 12  # letters of a candidate that are drawn


class NextTokenDisplay:
    """Plot of the most probable next tokens at each step, below the probability of the actual one.

    A column is a step, named by its actual token. Its candidates stand below each other, the most
    probable first, on colours for their probabilities; the actual one has a frame.

    Parameters
    ----------
    tokens : str or sequence
        The actual tokens, up to 200.
    probabilities : array-like of shape (n_tokens, n_vocabulary)
        Probability of each token of the vocabulary to be ``tokens[k]``, before it was read; a row
        of NaN where there is none, as of a first token.
    vocabulary : sequence
        The token of each column, such as ``tokens_`` of a :class:`~tsrnn.Tokenizer`.
    n_candidates : int, default=5
        Candidates of each step.

    Attributes
    ----------
    axes_, figure_ : dict, Figure
        Axes by "actual" (bars) and "candidates" (heat map).
    bars_ : BarContainer
        Probability of each actual token; 0 for one that is not in the vocabulary.
    mesh_, texts_, frames_ : QuadMesh, list, list
        Probabilities of the candidates, (n_candidates, n_tokens), their texts, and a Rectangle
        around each actual token.
    candidates_ : list of list
        The candidates of each step.
    colour_bar_ : Colorbar
        Scale of the colours.

    See Also
    --------
    tsrnn.RNNLanguageModel : Its ``predict_proba`` makes what it draws.
    SurpriseDisplay : How little each token was expected.

    Examples
    --------
    >>> from tsrnn.plotting import NextTokenDisplay
    >>> rows = [[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]
    >>> display = NextTokenDisplay.from_probabilities("ba", rows, "abc", n_candidates=2)
    >>> display.candidates_
    [['b', 'c'], ['c', 'a']]
    >>> [float(bar.get_height()) for bar in display.bars_]
    [0.5, 0.1]
    """

    @validated(ARGUMENTS)
    def __init__(self, tokens: Any, probabilities: Any, vocabulary: Any, *, n_candidates: int = 5):
        self.tokens = read_tokens(tokens, most=_MOST_TOKENS)
        self.vocabulary = read_tokens(vocabulary, "vocabulary", most=LARGEST_INTEGER)
        shape = len(self.tokens), len(self.vocabulary)
        self.probabilities = read_shares(probabilities, "probabilities", shape, "of the vocabulary")
        self.n_candidates = min(n_candidates, shape[1])

    @classmethod
    @takes_axes
    @validated(ARGUMENTS)
    def from_estimator(
        cls,
        estimator: Any,
        text: Any,
        *,
        n_candidates: int = 5,
        ax: Sequence[Axes] | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> NextTokenDisplay:
        """Plot what a language model expected at each token of a text.

        Parameters
        ----------
        estimator : fitted RNNLanguageModel
        text : str or sequence of items
            One text, of at most 200 tokens; with ``unit=None`` one sequence.
        n_candidates, ax, figsize, title
            As in :class:`NextTokenDisplay` and :meth:`plot`.

        Raises
        ------
        NotFittedError, ValueError
            If the model is not fitted, is of music, or the text has no or too many tokens.
        """
        read = displayed_language(estimator, text)
        tokens = read_tokens(read.tokens, most=_MOST_TOKENS)
        vocabulary = estimator.tokenizer_.tokens_
        rows = np.reshape(estimator.predict_proba(read.X), (-1, len(vocabulary)))[: len(tokens)]
        display = cls(tokens, rows, vocabulary, n_candidates=n_candidates)
        return display.plot(ax, figsize=figsize, title=title)

    @classmethod
    @takes_axes
    @validated(ARGUMENTS)
    def from_probabilities(
        cls,
        tokens: Any,
        probabilities: Any,
        vocabulary: Any,
        *,
        n_candidates: int = 5,
        ax: Sequence[Axes] | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> NextTokenDisplay:
        """Plot given probabilities; the parameters are those of the class and of :meth:`plot`.

        Raises ValueError if there are no tokens, more than 200, or not one row of each, with one
        probability of each token of the vocabulary.
        """
        display = cls(tokens, probabilities, vocabulary, n_candidates=n_candidates)
        return display.plot(ax, figsize=figsize, title=title)

    @takes_axes
    @validated(ARGUMENTS)
    def plot(
        self,
        ax: Sequence[Axes] | None = None,
        *,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> NextTokenDisplay:
        """Draw on two ``ax``, for the bars and the candidates, by default on a new figure.

        The figure has ``figsize`` inches; ``title`` replaces the name of the bars.
        """
        filled = np.where(np.isnan(self.probabilities), -1.0, self.probabilities)
        best = np.argsort(-filled, axis=1, kind="stable")[:, : self.n_candidates]
        is_known = ~np.isnan(self.probabilities).all(axis=1)
        self.candidates_ = [
            [self.vocabulary[k] for k in row] if known else []
            for row, known in zip(best, is_known, strict=True)
        ]
        labels = [[_label(token) for token in row] for row in self.candidates_]
        names = [_label(token) for token in self.tokens]
        shown = itertools.chain(names, *labels)
        self._make_axes(ax, max(map(columns_of, shown)), figsize)
        self._draw_bars()
        values = np.take_along_axis(self.probabilities, best, axis=1)
        self._draw_candidates(values, labels)
        self._format(names)
        set_title(self.axes_["actual"], title or "probability of the actual token")
        return self

    def _make_axes(self, axes, longest, figsize):
        if axes is not None:
            usage = "ax must be one for the bars and one for the candidates"
            axes = listed_axes(axes, 2, usage, "Leave ax out for a new figure.")
        else:
            width = len(self.tokens) * max(_COLUMN, _LETTER * longest + 0.06)
            heights = [_BARS, _ROW * self.n_candidates]
            options = {"height_ratios": heights, "sharex": True, "layout": "constrained"}
            size = figsize or (max(4.0, width + 0.8), sum(heights) + 0.9)
            axes = list(pyplot().subplots(2, figsize=size, **options)[1])
        self.axes_ = dict(zip(("actual", "candidates"), axes, strict=True))
        self.figure_ = axes[0].figure

    def _draw_bars(self):
        column_of = {token: k for k, token in reversed(list(enumerate(self.vocabulary)))}
        columns = [column_of.get(token, -1) for token in self.tokens]
        rows = np.arange(len(columns))
        heights = np.where(np.array(columns) < 0, 0.0, self.probabilities[rows, columns])
        self.bars_ = self.axes_["actual"].bar(rows, heights, width=0.86, color=VERMILION, zorder=2)

    def _draw_candidates(self, values, labels):
        from matplotlib.patches import Rectangle

        ax, n = self.axes_["candidates"], len(self.tokens)
        colours = sequential_colours(ax, BLUE, (0.0, 1.0))
        edges = np.arange(n + 1) - 0.5
        cells = np.ma.masked_invalid(values.T)
        self.mesh_ = ax.pcolormesh(edges, np.arange(self.n_candidates + 1), cells, **colours)
        fills = self.mesh_.to_rgba(cells)
        self.texts_, self.frames_ = [], []
        style = {"ha": "center", "va": "center", "family": "monospace", "fontsize": 9}
        frame = {"fill": False, "edgecolor": VERMILION, "linewidth": 1.6, "zorder": 3}
        for step, row in enumerate(labels):
            for rank, label in enumerate(row):
                color = readable_on(ax, fills[rank, step])
                place = step, rank + 0.5
                self.texts_.append(ax.text(*place, label, color=color, parse_math=False, **style))
                if self.candidates_[step][rank] == self.tokens[step]:
                    box = Rectangle((step - 0.46, rank + 0.04), 0.92, 0.92, **frame)
                    self.frames_.append(ax.add_patch(box))

    def _format(self, names):
        import pandas as pd

        bars, cells = self.axes_["actual"], self.axes_["candidates"]
        text = blend(bars, foreground(bars), 0.85)
        for ax in (bars, cells):
            format_axes(ax, pd.Series([0.0, 1.0]), legend=False)
            ax.set_xlim(-0.5, len(names) - 0.5)
        bars.set_ylim(0, 1)
        bars.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
        bars.tick_params(axis="x", length=0, labelbottom=False)
        cells.grid(False)
        cells.spines["bottom"].set_visible(False)
        cells.set_ylim(self.n_candidates, 0)
        ranks = np.arange(self.n_candidates)
        cells.set_yticks(ranks + 0.5, [str(rank + 1) for rank in ranks])
        cells.set_ylabel("candidates", color=text)
        cells.set_xticks(range(len(names)), names, family="monospace")
        for label in cells.get_xticklabels():
            label.set_parse_math(False)
        cells.tick_params(axis="x", length=0)
        self.colour_bar_ = draw_colour_bar(bars, self.mesh_, "probability")


def _label(token) -> str:
    label = visible(token)
    return label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "\u2026"
