"""GateDisplay: heat maps of gates and states by step, below the series."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.inspection import gates as gates_of
from tsrnn.inspection import states as states_of
from tsrnn.parameters import validated
from tsrnn.plotting.checks import ARGUMENTS, takes_axes
from tsrnn.plotting.grid import listed_axes
from tsrnn.plotting.network.colours import format_colour_bar, gate_colours, state_colours
from tsrnn.plotting.network.sequence import match_values, select_sequence, step_edges
from tsrnn.plotting.style import (
    GREEN,
    PURPLE,
    blend,
    draw_curve,
    foreground,
    format_axes,
    legend_style,
    pyplot,
    set_title,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ORDER = ("forget", "update", "input", "reset", "output")  # panels, from the top
_KEEP_GATES = ("forget", "update")  # the share of its state that a unit keeps
_MAX_CHANNELS = 3
_WIDTH, _SERIES_HEIGHT, _HEIGHT = 10, 1.5, 1.35  # inches


class GateDisplay:
    """Plot of a sequence over heat maps of a layer's gates and state, units by time.

    All maps order the units from the longest memory to the shortest: by the mean forget gate, in a
    GRU the update gate; without gates by how little they change from step to step.

    Parameters
    ----------
    states, gates : DataFrame
        What ``tsrnn.inspection`` returns for one sequence; ``gates`` may be None.
    values : Series or DataFrame
        Inputs, on labels that include those of ``states``; a column for each channel.
    layer : str, optional
        Layer as the columns name it, such as "l0" or "l0_reverse"; by default the last one.
    segment : int, default=1
        Rows of ``values`` per step.
    note : str, optional
        Text below the plot.

    Attributes
    ----------
    axes_, figure_ : dict, Figure
        Axes by "series", and by the name of each gate and of the state.
    meshes_, units_ : dict, array
        The QuadMesh, (n_units, n_steps), of each gate and the state; units from the top.
    series_lines_, colour_bars_ : list
        Line2D of at most three channels; Colorbar of the gates, if any, and of the state.

    See Also
    --------
    tsrnn.inspection.gates : The gates that it draws.
    MemoryDisplay : How long units remember.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn import RNNRegressor
    >>> from tsrnn.plotting import GateDisplay
    >>> X = np.random.default_rng(0).normal(size=(40, 5))
    >>> regressor = RNNRegressor(hidden_size=3, max_iter=2).fit(X, X[:, 0])
    >>> display = GateDisplay.from_estimator(regressor, X[:1])
    >>> list(display.meshes_)
    ['forget', 'input', 'output', 'cell']
    """

    @validated(ARGUMENTS)
    def __init__(
        self,
        states: pd.DataFrame,
        gates: pd.DataFrame | None,
        values: pd.Series | pd.DataFrame,
        *,
        layer: str | None = None,
        segment: int = 1,
        note: str | None = None,
    ):
        self.values = match_values(values, states, segment)
        layers = states.columns.unique(level=0).tolist()
        if layer is not None and layer not in layers:
            raise ValueError(f"layer is {layer!r}, and the network has {layers}.")
        forwards = [name for name in layers if not str(name).endswith("_reverse")]
        self.layer = layer = forwards[-1] if layer is None else layer
        self.segment, self.note = segment, note
        layer_states = states[layer]
        self.state = "cell" if "cell" in layer_states.columns.unique(level=0) else "hidden"
        self.maps = {}
        if gates is not None:
            if not isinstance(gates, pd.DataFrame) or not gates.index.equals(states.index):
                raise ValueError("gates must be what tsrnn.inspection.gates returns of the states.")
            names = gates[layer].columns.unique(level=0)
            self.maps = {gate: gates[layer, gate] for gate in _ORDER if gate in names}
        self.maps[self.state] = layer_states[self.state]
        self.units_ = self._sorted_units()

    @classmethod
    @takes_axes
    @validated(ARGUMENTS)
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        *,
        series: Hashable = None,
        layer: str | None = None,
        ax: Sequence[Axes] | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> GateDisplay:
        """Plot the gates of a fitted network as it reads a sequence.

        Parameters
        ----------
        estimator : fitted RNNForecaster, RNNRegressor or RNNClassifier
        X : array-like, or Series or frame, optional
            Rows that are sequences; for a forecaster series, by default those of ``fit``.
        series : label, optional
            The row (its number, or label in a DataFrame's index) or series; by default the first.
        layer, ax, figsize, title
            As in :class:`GateDisplay` and :meth:`plot`.

        Raises
        ------
        NotFittedError, ValueError
            If it is not fitted or can't be inspected, or there is no such series or layer.
        """
        sequence = select_sequence(estimator, X, series)
        has_gates = sequence.estimator.network_.gates
        display = cls(
            sequence.inspect(states_of),
            sequence.inspect(gates_of) if has_gates else None,
            sequence.values,
            layer=layer,
            segment=sequence.segment,
            note=sequence.note,
        )
        return display.plot(ax, figsize=figsize, title=title)

    @classmethod
    @takes_axes
    @validated(ARGUMENTS)
    def from_states(
        cls,
        states: pd.DataFrame,
        gates: pd.DataFrame | None,
        values: pd.Series | pd.DataFrame,
        *,
        layer: str | None = None,
        segment: int = 1,
        ax: Sequence[Axes] | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> GateDisplay:
        """Plot given states and gates; parameters are those of the class and of :meth:`plot`.

        Raises ValueError if ``states`` has several sequences, or the others lack its steps.
        """
        return cls(states, gates, values, layer=layer, segment=segment).plot(
            ax, figsize=figsize, title=title
        )

    @takes_axes
    @validated(ARGUMENTS)
    def plot(
        self,
        ax: Sequence[Axes] | None = None,
        *,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> GateDisplay:
        """Draw on ``ax``, one for the series and one for each map, by default on a new figure.

        The figure has ``figsize`` inches; ``title`` replaces what says which units are shown.
        """
        names, is_new = ["series", *self.maps], ax is None
        self.axes_ = dict(zip(names, _stacked(len(names), ax, figsize), strict=True))
        first = self.axes_["series"]
        self.figure_ = first.figure
        self._draw_series(first)
        edges = step_edges(self.values.index, self.segment)
        self.meshes_ = {}
        for name, values in self.maps.items():
            map_ax = self.axes_[name]
            is_gate = name != self.state
            colours = gate_colours() if is_gate else state_colours(map_ax, name, values.to_numpy())
            rows = np.arange(len(self.units_) + 1)
            self.meshes_[name] = map_ax.pcolormesh(
                edges, rows, values.to_numpy().T[self.units_], **colours, rasterized=True
            )
            self._format_map(map_ax, f"{name} gate" if is_gate else f"{name} state")
        self._draw_bars()
        self._finish(list(self.axes_.values()), is_new, title)
        return self

    def _sorted_units(self):
        """Numbers of the units from the longest memory to the shortest."""
        for gate in _KEEP_GATES:
            if gate in self.maps:
                return np.argsort(-self.maps[gate].to_numpy().mean(axis=0), kind="stable")
        changes = np.abs(np.diff(self.maps[self.state].to_numpy(), axis=0)).sum(axis=0)
        return np.argsort(changes, kind="stable")

    def _draw_series(self, ax):
        drawn = self.values.iloc[:, :_MAX_CHANNELS]
        self.series_lines_ = []
        for color, (name, column) in zip(
            (foreground(ax), GREEN, PURPLE), drawn.items(), strict=False
        ):
            style = {"color": color, "linewidth": 1.3, "label": name}
            self.series_lines_.append(draw_curve(ax, column, style))
        is_single = drawn.shape[1] == 1
        name = drawn.columns[0] if is_single else None
        format_axes(ax, drawn.iloc[:, 0].rename(name), legend=False)
        if not is_single:
            style = legend_style(ax) | {"ncols": _MAX_CHANNELS, "borderpad": 0.2}
            ax.legend(loc="lower right", bbox_to_anchor=(1, 1), **style)

    def _format_map(self, ax, name):
        format_axes(ax, self.values.iloc[:, 0].rename(name), legend=False)
        ax.grid(False)
        ax.margins(0)
        ax.set_ylim(len(self.units_), 0)
        ax.set_yticks([])
        ax.spines["bottom"].set_visible(False)

    def _draw_bars(self):
        gates = [name for name in self.maps if name != self.state]
        self.colour_bars_ = []
        for group in (gates, [self.state]):
            if group:
                axes = [self.axes_[name] for name in group]
                mesh = self.meshes_[group[0]]
                bar = self.figure_.colorbar(
                    mesh, ax=axes, pad=0.015, fraction=0.05, aspect=9 * len(group)
                )
                self.colour_bars_.append(format_colour_bar(bar, axes[0]))
                if group is gates:
                    bar.set_ticklabels(["0 shut", "0.5", "1 open"])

    def _finish(self, axes, is_new, title):
        first = axes[0]
        text = blend(first, foreground(first), 0.85)
        keep = next((gate for gate in _KEEP_GATES if gate in self.maps), None)
        how = f"mean {keep} gate, longest memory" if keep else "change per step, steadiest"
        set_title(first, title or f"Layer {self.layer}, {len(self.units_)} units by {how} on top")
        for ax in axes[:-1] if is_new else ():
            ax.set_xlabel("")
            ax.tick_params(axis="x", length=0)
        if is_new:
            self.figure_.align_ylabels(axes)
            if self.note:
                style = {"fontsize": "small", "color": text}
                self.figure_.supxlabel(self.note, x=0.01, ha="left", **style)


def _stacked(n_axes, axes, figsize) -> list:
    """Axes below each other: those given, or new ones with a shared time axis."""
    if axes is not None:
        usage = "ax must be one for the series and one for each map"
        return listed_axes(axes, n_axes, usage, "Leave ax out for a new figure.")
    heights = [_SERIES_HEIGHT] + [_HEIGHT] * (n_axes - 1)
    size = figsize or (_WIDTH, sum(heights) + 0.6)
    options = {"figsize": size, "height_ratios": heights, "layout": "constrained"}
    return list(pyplot().subplots(n_axes, sharex=True, **options)[1])
