"""ActivityDisplay: a text, each token coloured by the state or gate of one unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tsrnn.inspection import gates, states
from tsrnn.parameters import Integer, StrOptions, validated
from tsrnn.plotting.checks import ARGUMENTS
from tsrnn.plotting.network.colours import state_colours
from tsrnn.plotting.sequences.reading import displayed_text, only_sequence
from tsrnn.plotting.sequences.text import (
    draw_colour_bar,
    draw_text,
    lay_out,
    read_tokens,
    read_values,
    sequential_colours,
    text_axes,
)
from tsrnn.plotting.style import BLUE, set_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes


GATES = ("input", "forget", "output", "reset", "update")


class ActivityDisplay:
    """Text with each token on a colour for the activity of a unit as the network has read it.

    Values of both signs are coloured from blue (negative) to orange (positive) with 0 as the
    background, values without a sign from the background to blue.

    Parameters
    ----------
    tokens : str or sequence
        Characters of a text, or tokens: words, subwords, or anything that has a ``str``.
    values : array-like of shape (n_tokens,)
        State or gate of a unit after each token; NaN where there is none.
    label : str, optional
        What the values are, such as "forget gate of unit 7".
    limits : pair of float, optional
        Values of the ends of the colours; by default 0, or minus the largest magnitude, and the
        largest magnitude.
    width : int, default=80
        Columns of a line.

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
    tsrnn.inspection.states : The states that it draws.
    SurpriseDisplay : How little each token was expected.

    Examples
    --------
    >>> from tsrnn.plotting import ActivityDisplay
    >>> display = ActivityDisplay.from_values(["to", "be", "or"], [0.9, -0.2, 0.1], label="unit 3")
    >>> display.boxes_.norm.vmin, display.boxes_.norm.vmax
    (-0.9, 0.9)
    """

    @validated(ARGUMENTS)
    def __init__(
        self,
        tokens: Any,
        values: Any,
        *,
        label: str | None = None,
        limits: Sequence[float] | None = None,
        width: int = 80,
    ):
        self.tokens = read_tokens(tokens)
        self.values = read_values(values, "values", len(self.tokens))
        if np.isinf(self.values).any():
            raise ValueError(f"values has {np.max(np.abs(self.values))}: give finite numbers.")
        if limits is not None and not limits[0] < limits[1]:
            raise ValueError(f"limits must be a lower and a higher number, got {limits}.")
        self.label, self.limits, self.width = label, limits, width

    @classmethod
    @validated(ARGUMENTS, unit=[Integer(0)], of=[StrOptions(["hidden", "cell", *GATES])])
    def from_estimator(
        cls,
        estimator: Any,
        text: Any,
        unit: int,
        *,
        of: str = "hidden",
        layer: str | None = None,
        width: int = 80,
        ax: Axes | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> ActivityDisplay:
        """Plot the state or a gate of one unit after each token of a text.

        Parameters
        ----------
        estimator : fitted RNNLanguageModel, or pipeline of a Tokenizer and a network
            An RNNClassifier or RNNRegressor alone reads a sequence of numbers of tokens.
        text : str or sequence
            One text, of at most 5000 tokens; or one sequence.
        unit : int
            Number of the unit, from 0.
        of : str, default="hidden"
            "hidden" or "cell" state, or a gate: "input", "forget", "output", "reset", "update".
        layer : str, optional
            Layer as ``tsrnn.inspection.states`` names it, such as "l0"; by default the last one.
        width, ax, figsize, title
            As in :class:`ActivityDisplay` and :meth:`plot`.

        Raises
        ------
        NotFittedError, ValueError
            If the estimator is not fitted or reads no text, or has no such layer, state or unit.
        """
        read = displayed_text(estimator, text)
        tokens = read_tokens(read.tokens)  # too many are refused before they are read
        frame = only_sequence((gates if of in GATES else states)(estimator, read.X))
        layers = frame.columns.unique(level=0).tolist()
        if layer is None:
            layer = [name for name in layers if not name.endswith("_reverse")][-1]
        if (layer, of, unit) not in frame.columns:
            kinds = frame.columns.unique(level=1).tolist()
            n_units = frame.columns.get_level_values(2).max() + 1
            raise ValueError(
                f"There is no unit {unit} of {of!r} in layer {layer!r}: the network has layers "
                f"{layers}, {kinds} and {n_units} units."
            )
        is_gate = of in GATES
        label = f"layer {layer}, unit {unit}: {of} {'gate' if is_gate else 'state'}"
        values = frame[layer, of, unit].to_numpy()[read.n_before :]
        limits = (0.0, 1.0) if is_gate else None
        return cls(tokens, values, label=label, limits=limits, width=width).plot(
            ax, figsize=figsize, title=title
        )

    @classmethod
    @validated(ARGUMENTS)
    def from_values(
        cls,
        tokens: Any,
        values: Any,
        *,
        label: str | None = None,
        limits: Sequence[float] | None = None,
        width: int = 80,
        ax: Axes | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> ActivityDisplay:
        """Plot given values; the parameters are those of the class and of :meth:`plot`.

        Raises ValueError if there are no tokens, more than 5000, or not one value for each.
        """
        return cls(tokens, values, label=label, limits=limits, width=width).plot(
            ax, figsize=figsize, title=title
        )

    @validated(ARGUMENTS)
    def plot(
        self,
        ax: Axes | None = None,
        *,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> ActivityDisplay:
        """Draw the text on ``ax``, by default on a new figure of its size or ``figsize``.

        ``title`` replaces the label.
        """
        layout = lay_out(self.tokens, self.width)
        self.ax_ = ax = text_axes(layout, self.width, figsize) if ax is None else ax
        self.figure_ = ax.figure
        self.boxes_, self.texts_ = draw_text(ax, layout, self.values, self._colours(ax))
        self.colour_bar_ = draw_colour_bar(ax, self.boxes_, "activity")
        set_title(ax, title or self.label)
        return self

    def _colours(self, ax):
        from matplotlib.colors import Normalize

        largest = float(np.nanmax(np.abs(self.values), initial=0.0)) or 1.0
        has_signs = bool((self.values < 0).any()) if self.limits is None else self.limits[0] < 0
        low, high = self.limits or (-largest if has_signs else 0.0, largest)
        if has_signs:
            return state_colours(ax, "hidden", self.values) | {"norm": Normalize(low, high, True)}
        return sequential_colours(ax, BLUE, (low, high))
