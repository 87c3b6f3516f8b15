"""UnfoldedDisplay: a recurrent network unrolled over the last steps of a sequence."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.inspection import states as states_of
from tsrnn.inspection.batch import last_step
from tsrnn.parameters import validated
from tsrnn.plotting.checks import ARGUMENTS
from tsrnn.plotting.network.boxes import Canvas, Layout, draw_arrows, draw_layer
from tsrnn.plotting.network.colours import format_colour_bar, mappable, state_colours
from tsrnn.plotting.network.sequence import (
    first_position,
    format_label,
    format_numbers,
    match_values,
    select_sequence,
)
from tsrnn.plotting.style import (
    BLUE,
    GREEN,
    PURPLE,
    VERMILION,
    draw_curve,
    format_axes,
    legend_style,
    new_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FORMULAS = {
    "lstm": r"$c_t = f_t \odot c_{t-1} + i_t \odot g_t$,   $h_t = o_t \odot \tanh(c_t)$",
    "gru": r"$h_t = u_t \odot h_{t-1} + (1 - u_t) \odot n_t$",
    "rnn": r"$h_t = \tanh(W_{hh}\, h_{t-1} + W_{xh}\, x_t + b)$",
    "rnn_relu": r"$h_t = \max(0,\; W_{hh}\, h_{t-1} + W_{xh}\, x_t + b)$",
}
_MAX_UNITS = 32  # shown in a box
_MAX_LETTERS = 14  # of the inputs of a step
_MAX_LINES = 3  # of values and of predictions


class UnfoldedDisplay:
    """Drawing of a network unrolled over the last steps of a sequence: inputs, states, prediction.

    Each box is the network after one step; each small cell in it is a unit of the hidden state h,
    or of an LSTM's cell state c.

    Parameters
    ----------
    states : DataFrame
        What ``tsrnn.inspection.states`` returns for one sequence.
    values : Series or DataFrame
        Inputs, on labels that include those of ``states``; a column for each channel.
    prediction : Series, optional
        Prediction after the last step; a forecast, by its labels, is also drawn after ``values``.
    cell, note : str, optional
        Name of the cell, for the title and its equation; text below the drawing.
    segment : int, default=1
        Rows of ``values`` per step.
    n_ahead : int, default=0
        Last rows of ``values``, of whole steps, that the network did not read: it ran on through
        what was known of them, and ``prediction`` is of these rows.
    known : sequence of str, default=()
        Names of what was known, written at these steps.

    Attributes
    ----------
    ax_, series_ax_, figure_ : Axes, Axes, Figure
        The axes drawn on; those of the small plot of the values.
    hidden_meshes_, cell_meshes_, units_ : dict, dict, array
        By layer a list of the steps' QuadMesh, with a cell for each of ``units_`` (at most 32,
        evenly spaced); ``cell_meshes_`` may be empty.
    inputs_, series_lines_ : list of Text, list of Line2D
        Inputs of each step; the values.
    prediction_, outputs_, forecast_line_ : Text, list of Text, Line2D
        Prediction after the last step, or None; predictions of the steps ahead; the forecast or
        None.
    colour_bars_ : dict
        The Colorbar of "hidden", and of "cell".

    See Also
    --------
    tsrnn.inspection.states : The states that it draws.
    GateDisplay : The gates at each step.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn import RNNRegressor
    >>> from tsrnn.plotting import UnfoldedDisplay
    >>> X = np.random.default_rng(0).normal(size=(40, 5))
    >>> regressor = RNNRegressor(cell="rnn", hidden_size=3, max_iter=2).fit(X, X[:, 0])
    >>> display = UnfoldedDisplay.from_estimator(regressor, X[:1], n_steps=4)
    >>> len(display.hidden_meshes_["l0"]), display.hidden_meshes_["l0"][0].get_array().shape
    (4, (1, 3))
    """

    @validated(ARGUMENTS)
    def __init__(
        self,
        states: pd.DataFrame,
        values: pd.Series | pd.DataFrame,
        prediction: pd.Series | None = None,
        *,
        cell: str | None = None,
        segment: int = 1,
        note: str | None = None,
        n_ahead: int = 0,
        known: Sequence[str] = (),
    ):
        self.values = match_values(values, states, segment)
        self.states, self.prediction = states, prediction
        self.cell, self.segment, self.note = cell, segment, note
        self.n_ahead, self.known = n_ahead, list(known)
        n_rows = 0 if prediction is None else len(prediction)
        if n_ahead and (n_ahead % segment or n_ahead >= len(self.values) or n_rows != n_ahead):
            raise ValueError(
                f"n_ahead={n_ahead} must be whole steps of segment={segment} values, after some of "
                f"the {len(self.values)} that are read, with a prediction of each; got {n_rows}."
            )
        self.layers = states.columns.unique(level=0).tolist()
        reverse = [layer for layer in self.layers if str(layer).endswith("_reverse")]
        if reverse:
            raise ValueError(
                f"The network reads in both directions ({reverse[0]}), and only one that goes "
                "forwards can be unfolded. Fit with bidirectional=False, or see GateDisplay."
            )

    @classmethod
    @validated(ARGUMENTS)
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        *,
        series: Hashable = None,
        n_steps: int = 6,
        start: Any = None,
        ax: Axes | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> UnfoldedDisplay:
        """Draw a fitted network as it reads a sequence.

        Parameters
        ----------
        estimator, X, series
            As in :meth:`GateDisplay.from_estimator`.
        n_steps, start, ax, figsize, title
            As in :meth:`plot`.

        Notes
        -----
        A forecaster with covariates that are known in the future is drawn as it forecasts the end
        of its series, from the values before and what was known: at each of these steps it
        predicts.

        Raises
        ------
        NotFittedError, ValueError
            If the estimator is not fitted or not recurrent, reads in both directions, or
            ``series``, ``n_steps`` or ``start`` is invalid.
        """
        estimator, X = last_step(estimator, X)
        network = getattr(estimator, "network_", None)
        if getattr(network, "cell", None) == "attention":
            raise ValueError(
                "cell='attention' is not recurrent: no state is handed on from step to step that "
                "could be unfolded. Take cell='lstm', 'gru' or 'rnn'."
            )
        sequence = select_sequence(estimator, X, series)
        notes = [sequence.note]
        n_networks = getattr(estimator, "n_estimators", 1)
        if n_networks > 1:
            notes.append(f"first of {n_networks} networks, the forecast is the median of all")
        display = cls(
            sequence.inspect(states_of),
            sequence.values,
            sequence.prediction(),
            cell=sequence.cell,
            segment=sequence.segment,
            note=". ".join(filter(None, notes)) or None,
            n_ahead=sequence.n_ahead,
            known=sequence.known,
        )
        return display.plot(ax, n_steps=n_steps, start=start, figsize=figsize, title=title)

    @classmethod
    @validated(ARGUMENTS)
    def from_states(
        cls,
        states: pd.DataFrame,
        values: pd.Series | pd.DataFrame,
        prediction: pd.Series | None = None,
        *,
        cell: str | None = None,
        segment: int = 1,
        n_ahead: int = 0,
        known: Sequence[str] = (),
        n_steps: int = 6,
        start: Any = None,
        ax: Axes | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> UnfoldedDisplay:
        """Draw given states; the parameters are those of the class and of :meth:`plot`.

        Raises ValueError if ``states`` has several sequences, or ``values`` lacks its steps.
        """
        display = cls(
            states, values, prediction, cell=cell, segment=segment, n_ahead=n_ahead, known=known
        )
        return display.plot(ax, n_steps=n_steps, start=start, figsize=figsize, title=title)

    @validated(ARGUMENTS)
    def plot(
        self,
        ax: Axes | None = None,
        *,
        n_steps: int = 6,
        start: Any = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> UnfoldedDisplay:
        """Draw the network.

        Parameters
        ----------
        ax : Axes, optional
            Axes to draw on; by default on a new figure of matching size.
        n_steps : int, default=6
            Number of steps to draw, or all where there are fewer.
        start : label, optional
            First step to draw, by the labels of ``states`` ("2024-05" for a month); by default the
            last steps are drawn, or as many before as after the forecast begins.
        figsize : (float, float), optional
            Inches of a new figure.
        title : str, optional
            Title in the place of the cell's name and the steps.

        Raises
        ------
        ValueError
            If ``n_steps`` is not a positive integer, or ``start`` no label of a step.
        """
        self._first, n_steps = self._shown_steps(n_steps, start)
        kinds = self.states.columns.unique(level=1)
        strips = tuple(kind for kind in ("hidden", "cell") if kind in kinds)
        n_units = self.states[self.layers[0], "hidden"].shape[1]
        n_shown = min(n_units, _MAX_UNITS)
        self.units_ = np.linspace(0, n_units - 1, n_shown).round().astype(int)
        layout = Layout(n_steps, len(self.layers), n_shown, strips, self._n_outputs(n_steps) > 0)
        self.ax_ = ax = new_axes(figsize or layout.size) if ax is None else ax
        self.figure_ = ax.figure
        canvas = Canvas(ax, layout.size)
        self._draw_network(canvas, layout)
        self._draw_inputs(canvas, layout)
        self._draw_prediction(canvas, layout)
        self._draw_series(canvas, layout)
        self._draw_header(canvas, layout, title)
        return self

    def _shown_steps(self, n_steps, start):
        """Position of the first step to draw, and the number of steps."""
        n = len(self.states)
        n_steps = min(n_steps, n)
        if start is not None:
            first = first_position(self.states.index, start)
            return first, min(n_steps, n - first)
        n_before = n - self.n_ahead // self.segment
        middle = n_before - n_steps // 2 if self.n_ahead else n
        return max(min(middle, n - n_steps), 0), n_steps

    def _n_outputs(self, n_steps):
        """Number of the steps drawn that predict, the last ones."""
        n_before = len(self.states) - self.n_ahead // self.segment
        return min(max(self._first + n_steps - n_before, 0), n_steps)

    def _shown(self, layout):
        """Which steps are drawn."""
        return slice(self._first, self._first + layout.n_steps)

    def _is_end(self, layout):
        return self._first + layout.n_steps == len(self.states)

    def _draw_network(self, canvas, layout):
        shown = self.states.iloc[self._shown(layout)]
        self._colours, meshes = {}, {"hidden": {}, "cell": {}}
        for state in layout.strips:
            values = shown.xs(state, axis=1, level=1)
            self._colours[state] = colours = state_colours(canvas.ax, state, values.to_numpy())
            for number, layer in enumerate(self.layers):
                units = values[layer].to_numpy()[:, self.units_]
                meshes[state][layer] = draw_layer(canvas, layout, number, state, units, colours)
        self.hidden_meshes_, self.cell_meshes_ = meshes["hidden"], meshes["cell"]
        draw_arrows(canvas, layout, self._first > 0, not self._is_end(layout))
        for number, layer in enumerate(self.layers if len(self.layers) > 1 else ()):
            top = layout.box(0, number)[3]
            canvas.write(0.12, top - 0.1, f"layer {layer}", 10.5, ha="left")

    def _draw_inputs(self, canvas, layout):
        """Inputs of each step, and the label of its last value."""
        self.inputs_ = []
        shown = self._shown(layout)
        texts = format_numbers(self.values).reshape(len(self.states), -1)[shown].tolist()
        n_outputs = self._n_outputs(layout.n_steps)
        texts[layout.n_steps - n_outputs :] = [self.known or ["known"]] * n_outputs
        labels = self.states.index[shown]
        for step, (values, label) in enumerate(zip(texts, labels, strict=True)):
            left, bottom, right, _ = layout.box(step, 0)
            x = (left + right) / 2
            canvas.write(x, bottom - 0.5, f"$x_{{{layout.time(step)}}}$", 12.5)
            text = ", ".join(values)
            if len(values) > _MAX_LINES or len(text) > _MAX_LETTERS:
                text = f"{values[0]} … {values[-1]}" if len(values) > 1 else text
            size = 11.5 * min(1.0, _MAX_LETTERS / len(text))
            self.inputs_.append(canvas.write(x, bottom - 0.73, text, size, fontweight="bold"))
            canvas.write(x, bottom - 0.94, format_label(label), 9.5, color=canvas.faint)

    def _draw_prediction(self, canvas, layout):
        self.prediction_, self.outputs_ = None, []
        if self.n_ahead:
            self._draw_outputs(canvas, layout)
        if self.prediction is None or self.n_ahead or not self._is_end(layout):
            return
        last = layout.n_steps - 1, layout.n_layers - 1
        _, low, _, high = layout.strip(*last, "hidden")
        right, y = layout.box(*last)[2], (low + high) / 2
        canvas.arrow((right, y), (right + 0.42, y), color=BLUE)
        lines = _lines(self.prediction)
        x, above = right + 0.5, y + 0.1 * len(lines) + 0.14
        style = {"ha": "left", "color": BLUE, "fontweight": "bold"}
        canvas.write(x, above, str(self.prediction.name), 11.5, **style)
        self.prediction_ = canvas.write(x, y, "\n".join(lines), 10.5, ha="left", linespacing=1.35)

    def _draw_outputs(self, canvas, layout):
        """What each step ahead predicts, above the top layer."""
        numbers = format_numbers(self.prediction.to_frame())[:, 0].reshape(-1, self.segment)
        first_ahead = len(self.states) - len(numbers)
        n_outputs = self._n_outputs(layout.n_steps)
        for step in range(layout.n_steps - n_outputs, layout.n_steps):
            left, _, right, top = layout.box(step, layout.n_layers - 1)
            x, values = (left + right) / 2, numbers[self._first + step - first_ahead]
            canvas.arrow((x, top), (x, top + 0.26), color=BLUE)
            text = values[0] if len(values) == 1 else f"{values[0]} … {values[-1]}"
            style = {"color": BLUE, "fontweight": "bold"}
            self.outputs_.append(canvas.write(x, top + 0.38, text, 11.5, **style))

    def _draw_series(self, canvas, layout):
        """A small plot of the values, with the shown ones marked, and of the forecast."""
        left, width = layout.box(0, 0)[0], layout.size[0]
        place = [left, 0.55, width - left - 0.15, 0.95]
        self.series_ax_ = ax = canvas.ax.inset_axes(place, transform=canvas.ax.transData)
        self.series_lines_, self.forecast_line_ = [], None
        drawn = self.values.iloc[:, :_MAX_LINES]
        n_rows = layout.n_steps * self.segment
        marked = np.arange(n_rows) + self._first * self.segment
        marked = marked[marked < len(drawn) - self.n_ahead].tolist()
        colours = canvas.line_colour, GREEN, PURPLE
        for color, (name, column) in zip(colours, drawn.items(), strict=False):
            style = {"color": color, "linewidth": canvas.scale, "label": name, "marker": "o"}
            style |= {"markevery": marked, "markersize": 4 * canvas.scale}
            style |= {"markerfacecolor": VERMILION, "markeredgecolor": "none"}
            self.series_lines_.append(draw_curve(ax, column, style))
        if self.n_ahead or _follows(self.prediction, self.values):
            style = {"color": BLUE, "linewidth": 1.8 * canvas.scale}
            self.forecast_line_ = draw_curve(ax, self.prediction, style)
        is_single = drawn.shape[1] == 1
        name = drawn.columns[0] if is_single else None
        format_axes(ax, drawn.iloc[:, 0].rename(name), legend=False)
        size = 9.5 * canvas.scale
        if not is_single:
            style = legend_style(ax) | {"fontsize": size, "ncols": _MAX_LINES, "borderpad": 0}
            ax.legend(loc="lower right", bbox_to_anchor=(1, 0.98), **style)
        ax.tick_params(labelsize=size)
        for text in (ax.xaxis.label, ax.yaxis.label, ax.xaxis.get_offset_text()):
            text.set_size(size)

    def _draw_header(self, canvas, layout, title):
        """Title, equation, colour bars, and a note on what is omitted."""
        width, height = layout.size
        name = "Network" if self.cell is None else self.cell.partition("_")[0].upper()
        n = len(self.states)
        last = f"the last {layout.n_steps} of" if layout.n_steps > 1 else "the last of"
        if not self._is_end(layout):
            last = f"steps {self._first + 1} to {self._first + layout.n_steps} of"
        steps = f"all {n} steps" if n == layout.n_steps else f"{last} {n} steps"
        title = title or f"{name}, unfolded over {steps}"
        canvas.write(0.12, height - 0.24, title, 14, ha="left")
        formula = _FORMULAS.get(self.cell, r"$h_t = f(W_{hh}\, h_{t-1} + W_{xh}\, x_t + b)$")
        canvas.write(0.12, height - 0.53, formula, 12, ha="left", color=canvas.faint)
        self.colour_bars_ = {}
        for number, state in enumerate(layout.strips):
            x = width - 1.5 - 1.75 * number
            cax = canvas.ax.inset_axes([x, height - 0.3, 1.25, 0.1], transform=canvas.ax.transData)
            bar = canvas.ax.figure.colorbar(
                mappable(self._colours[state]), cax=cax, orientation="horizontal"
            )
            self.colour_bars_[state] = format_colour_bar(bar, canvas.ax, 9.5 * canvas.scale)
            canvas.write(x - 0.08, height - 0.25, f"${state[0]}$", 12.5, ha="right")
        n_units = self.states[self.layers[0], "hidden"].shape[1]
        notes = [f"{layout.n_units} of {n_units} units"] if n_units > layout.n_units else []
        notes += [self.note] if self.note else []
        canvas.write(0.12, 0.12, ". ".join(notes), 9.5, ha="left", color=canvas.faint)


def _lines(prediction):
    """Predictions as lines of text, with their labels where there are several."""
    numbers = format_numbers(prediction.to_frame())[:, 0]
    if len(numbers) == 1:
        return list(numbers)
    labels = [format_label(label).rpartition("\n")[2] for label in prediction.index]
    lines = [f"{label}  {number}" for label, number in zip(labels, numbers, strict=True)]
    return lines if len(lines) <= _MAX_LINES else [*lines[: _MAX_LINES - 1], "…", lines[-1]]


def _follows(prediction, values):
    """Whether a prediction is a forecast: its labels follow those of the values."""
    if prediction is None or type(prediction.index) is not type(values.index):
        return False
    return prediction.index[0] > values.index[-1]
