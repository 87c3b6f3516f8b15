"""AttentionDisplay: which tokens each token attends to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.inspection import attention_weights
from tsrnn.parameters import Integer, validated
from tsrnn.plotting.checks import ARGUMENTS
from tsrnn.plotting.sequences.reading import displayed_text, only_sequence
from tsrnn.plotting.sequences.text import (
    columns_of,
    draw_colour_bar,
    read_shares,
    read_tokens,
    sequential_colours,
    visible,
)
from tsrnn.plotting.style import BLUE, format_axes, new_axes, set_title
from tsrnn.sequences import RNNTranslator

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_TOKENS = 300
_CELL, _LETTER = 0.24, 0.09  # inches


class AttentionDisplay:
    """Heat map of attention weights: a row for each token that attends, a column for each it reads.

    Parameters
    ----------
    weights : array-like of shape (n_tokens, n_source)
        Weights of a row, which sum to one, on what its token attends to; NaN where there is none,
        as on later tokens.
    tokens : str or sequence
        The tokens that attend, up to 300.
    source : str or sequence, optional
        The tokens attended to; by default ``tokens``.
    label : str, optional
        Title of the plot, such as "layer l0, head 1".

    Attributes
    ----------
    ax_, figure_, mesh_ : Axes, Figure, QuadMesh
        What was drawn.
    colour_bar_ : Colorbar
        Scale of the colours.

    See Also
    --------
    tsrnn.inspection.attention_weights : The weights of a Transformer.
    tsrnn.RNNTranslator : Its ``align`` has those of a translator.

    Examples
    --------
    >>> from tsrnn.plotting import AttentionDisplay
    >>> weights = [[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]]
    >>> display = AttentionDisplay.from_weights(weights, ["good", "morning", "."], ["guten", "Tag"])
    >>> [label.get_text() for label in display.ax_.get_xticklabels()]
    ['guten', 'Tag']
    """

    @validated(ARGUMENTS)
    def __init__(self, weights: Any, tokens: Any, source: Any = None, *, label: str | None = None):
        self.tokens = self.source = read_tokens(tokens, most=_MOST_TOKENS)
        if source is not None:
            self.source = read_tokens(source, "source", most=_MOST_TOKENS)
        shape = len(self.tokens), len(self.source)
        self.weights = read_shares(weights, "weights", shape, "attended to")
        self.label = label

    @classmethod
    @validated(ARGUMENTS, head=[Integer(0), None])
    def from_estimator(
        cls,
        estimator: Any,
        text: Any,
        *,
        layer: str | None = None,
        head: int | None = None,
        ax: Axes | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> AttentionDisplay:
        """Plot the attention of a Transformer as it reads a text.

        Parameters
        ----------
        estimator : fitted RNNLanguageModel, or pipeline of a Tokenizer and a network
            With ``cell="attention"``.
        text : str or sequence
            One text, of at most 300 tokens, or one sequence.
        layer : str, optional
            Layer as ``tsrnn.inspection.states`` names it, such as "l0"; by default the first one.
        head : int, optional
            Number of the head, from 0; by default the mean of all.
        ax, figsize, title
            As in :meth:`plot`.

        Raises
        ------
        NotFittedError, ValueError
            If the estimator is not fitted, reads no text, has a recurrent cell, or no such layer or
            head.
        """
        read = displayed_text(estimator, text)
        tokens = read_tokens([*read.tokens_before, *read.tokens], most=_MOST_TOKENS)
        frame = only_sequence(attention_weights(estimator, read.X, every_step=True))
        layers = frame.columns.unique(level=0).tolist()
        layer = layers[0] if layer is None else layer
        heads = frame.columns.unique(level=1).tolist()
        if layer not in layers or head not in (*heads, None):
            raise ValueError(
                f"There is no head {head} of layer {layer!r}: the network has layers {layers} and "
                f"heads {heads}."
            )
        weights = np.stack([frame[layer, k].to_numpy() for k in heads])
        weights = weights.mean(axis=0) if head is None else weights[head]
        label = f"layer {layer}, {'mean of all heads' if head is None else f'head {head}'}"
        return cls(weights, tokens, label=label).plot(ax, figsize=figsize, title=title)

    @classmethod
    @validated(ARGUMENTS, translator=[RNNTranslator])
    def from_translator(
        cls,
        translator: RNNTranslator,
        source: Any,
        target: Any = None,
        *,
        label: str | None = None,
        ax: Axes | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> AttentionDisplay:
        """Plot the alignment of a translation: what is read for each token that is written.

        The rows are the tokens of the translation, with that of its end, the columns those of the
        source, or the numbers of its steps: see ``RNNTranslator.align``.

        Parameters
        ----------
        translator : fitted RNNTranslator
            With an ``attention``.
        source : str or sequence
            What is translated: one text, or one sequence.
        target : str or sequence, optional
            A translation; by default what the translator predicts.
        label, ax, figsize, title
            As in the class and in :meth:`plot`.

        Raises
        ------
        NotFittedError, ValueError
            If the translator is not fitted, has no attention, or a side has more than 300 tokens.
        """
        (frame,) = translator.align([source], None if target is None else [target])
        tokens, columns = frame.index.tolist(), frame.columns.tolist()
        return cls(frame.to_numpy(), tokens, columns, label=label).plot(
            ax, figsize=figsize, title=title
        )

    @classmethod
    @validated(ARGUMENTS)
    def from_weights(
        cls,
        weights: Any,
        tokens: Any,
        source: Any = None,
        *,
        label: str | None = None,
        ax: Axes | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> AttentionDisplay:
        """Plot given weights; the parameters are those of the class and of :meth:`plot`.

        Raises ValueError if there are no tokens, more than 300, or not one weight for each pair.
        """
        return cls(weights, tokens, source, label=label).plot(ax, figsize=figsize, title=title)

    @validated(ARGUMENTS)
    def plot(
        self,
        ax: Axes | None = None,
        *,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> AttentionDisplay:
        """Draw the weights on ``ax``, by default on a new figure of ``figsize`` inches.

        ``title`` replaces the label.
        """
        rows, columns = ([visible(token) for token in side] for side in (self.tokens, self.source))
        longest = [max(map(columns_of, labels)) for labels in (rows, columns)]
        if ax is None:
            width = _CELL * len(columns) + _LETTER * longest[0] + 0.4
            height = _CELL * len(rows) + (_LETTER * longest[1] if longest[1] > 2 else 0.2) + 0.7
            ax = new_axes(figsize or (max(width, 3.4), max(height, 1.6)))
        self.ax_, self.figure_ = ax, ax.figure
        colours = sequential_colours(ax, BLUE, (0.0, 1.0))
        edges = np.arange(len(columns) + 1) - 0.5, np.arange(len(rows) + 1) - 0.5
        cells = np.ma.masked_invalid(self.weights)
        self.mesh_ = ax.pcolormesh(*edges, cells, **colours, rasterized=True)
        self._format(rows, columns, rotated=longest[1] > 2)
        set_title(ax, title or self.label)
        return self

    def _format(self, rows, columns, rotated):
        ax = self.ax_
        format_axes(ax, pd.Series([0.0, 1.0]), legend=False)
        ax.grid(False)
        ax.spines["bottom"].set_visible(False)
        ax.set_xlim(-0.5, len(columns) - 0.5)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        style = {"family": "monospace", "fontsize": 9}
        ax.set_xticks(range(len(columns)), columns, rotation=90 if rotated else 0, **style)
        ax.set_yticks(range(len(rows)), rows, **style)
        for label in (*ax.get_xticklabels(), *ax.get_yticklabels()):
            label.set_parse_math(False)
        ax.tick_params(length=0)
        self.colour_bar_ = draw_colour_bar(ax, self.mesh_, "weight")
