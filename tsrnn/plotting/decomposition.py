"""DecompositionDisplay: a series and its forecast, split into trend, seasons and effects."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from tsrnn.inspection import decompose
from tsrnn.parameters import Integer, Label, StrOptions, validated
from tsrnn.plotting.checks import ARGUMENTS
from tsrnn.plotting.cycles import Cycle
from tsrnn.plotting.grid import listed_axes
from tsrnn.plotting.style import (
    BLUE,
    blend,
    draw_curve,
    foreground,
    format_axes,
    legend_above,
    pyplot,
    x_positions,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from tsrnn.forecasting import RNNForecaster

_REQUIRED = ["y", "trend", "remainder", "is_forecast"]
_SEASON, _EFFECT, _HOLIDAY = "season_", "effect_", "holiday_"
_N_SHOWN = 4  # longest seasons or horizons of the history that are shown by default
_MIN_SHOWN = 400  # steps
_MAX_DOTS = 31  # phases of a season that are marked


class DecompositionDisplay:
    """Plot of the parts of a series and of its forecast, one axes for each.

    At the top the series, below it along the same time the trend, the effect of each covariate, all
    holidays together and the remainder; then each season, over one cycle.

    Parameters
    ----------
    parts : DataFrame
        What :func:`tsrnn.inspection.decompose` returns, or columns of it: ``y``, ``trend``,
        ``remainder``, ``is_forecast``, and any of its seasons, effects and holidays.
    model : {"additive", "multiplicative"}, default="additive"
        Whether the parts add up to the series, or multiply, as with ``transform="log"``.
    label : str, optional
        Name of the series.
    note : str, optional
        What is written below a new figure.

    Attributes
    ----------
    axes_ : dict
        Axes by part, from the top: "y", "trend", ``"effect_..."`` by column, "holidays",
        "remainder", ``"season_..."``.
    figure_ : Figure
        The figure that the axes are on.
    lines_ : dict
        By part a list of the Line2D of the history and that of the forecast; of a season one.

    See Also
    --------
    tsrnn.inspection.decompose : The parts that it draws.
    ForecastDisplay : The forecast as a whole.

    Examples
    --------
    >>> from tsrnn import RNNForecaster
    >>> from tsrnn.datasets import load_airline
    >>> from tsrnn.plotting import DecompositionDisplay
    >>> forecaster = RNNForecaster(horizon=12, max_iter=2).fit(load_airline())
    >>> display = DecompositionDisplay.from_estimator(forecaster)
    >>> list(display.axes_)
    ['y', 'trend', 'remainder', 'season_12']
    """

    @validated(ARGUMENTS, model=[StrOptions(["additive", "multiplicative"])])
    def __init__(
        self,
        parts: pd.DataFrame,
        *,
        model: str = "additive",
        label: str | None = None,
        note: str | None = None,
    ):
        columns = list(parts.columns) if isinstance(parts, pd.DataFrame) else []
        lacking = [name for name in _REQUIRED if name not in columns]
        if lacking or parts.empty:
            problem = f"it lacks the column {lacking[0]!r}" if lacking else "it is empty"
            raise ValueError(
                f"parts must be what tsrnn.inspection.decompose returns, and {problem}."
            )
        self.parts, self.model, self.label, self.note = parts, model, label, note

    @classmethod
    @validated(ARGUMENTS, series=[Label(), None], window=[Integer(3), None])
    def from_estimator(
        cls,
        forecaster: RNNForecaster,
        horizon: int | None = None,
        X: Any = None,
        *,
        series: Hashable | None = None,
        window: int | None = None,
        n_history: int | None = None,
        ax: Sequence[Axes] | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> DecompositionDisplay:
        """Plot the parts of what a forecaster was fitted on, and of its forecast.

        Parameters
        ----------
        forecaster, horizon, X, series, window
            As in :func:`tsrnn.inspection.decompose`, which says what each part is, and raises the
            same errors.
        n_history, ax, figsize, title
            As in :meth:`plot`.
        """
        parts = decompose(forecaster, horizon, X, series=series, window=window)
        ids = forecaster.fitted_.recent.ids
        label, note = ids[0] if series is None else series, None
        if series is None and len(ids) > 1:
            note = f"series {label}, 1 of {len(ids)}; series chooses another"
        label = forecaster.history_.name if label is None else label
        model = "multiplicative" if forecaster.transform_ == "log" else "additive"
        label = None if label is None else str(label) or None
        display = cls(parts, model=model, label=label, note=note)
        return display.plot(ax, n_history=n_history, figsize=figsize, title=title)

    @validated(ARGUMENTS)
    def plot(
        self,
        ax: Sequence[Axes] | None = None,
        *,
        n_history: int | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> DecompositionDisplay:
        """Draw the parts.

        Parameters
        ----------
        ax : sequence of Axes, optional
            Axes to draw on, one for each part, in the order of ``axes_``; by default on a new
            figure.
        n_history : int, optional
            Last entries of the history to show; by default four of the longest season or horizon,
            and at least 400.
        figsize : (float, float), optional
            Inches of a new figure; by default as high as there are parts.
        title : str, optional
            Title of the figure.

        Raises
        ------
        ValueError
            If ``n_history`` is not a positive integer, or ``ax`` not one axes for each part.
        """
        along_time, seasons = self._along_time(), self._cycles()
        names = [*along_time.columns, *seasons]
        axes = _new_axes(len(names), figsize) if ax is None else ax
        remedy = f"They are {', '.join(names)}."
        axes = listed_axes(axes, len(names), "ax must be one axes a part", remedy)
        self.axes_: dict[str, Axes] = dict(zip(names, axes, strict=True))
        self.figure_ = axes[0].figure
        self.lines_: dict[str, list[Line2D]] = {}
        shown = self._is_shown(n_history)
        for name, values in along_time[shown].items():
            self._draw_along_time(str(name), values, self.parts["is_forecast"][shown].to_numpy())
        for name, cycle in seasons.items():
            self._draw_season(name, cycle)
        self._join(list(along_time.columns), ax is None)
        if title is not None:
            text = blend(axes[0], foreground(axes[0]), 0.85)
            self.figure_.suptitle(title, x=0.01, ha="left", fontsize="medium", color=text)
        return self

    def _along_time(self):
        """What is drawn along time, a column each: holidays are put together."""
        columns = [str(column) for column in self.parts.columns]
        effects = [name for name in columns if name.startswith(_EFFECT)]
        drawn = self.parts[["y", "trend", *effects]]
        holidays = [name for name in columns if name.startswith((_HOLIDAY, "holidays"))]
        if holidays:
            each = self.parts[holidays]
            combined = each.sum if self.model == "additive" else each.prod
            drawn = drawn.assign(holidays=combined(axis=1, min_count=1))
        return drawn.assign(remainder=self.parts["remainder"])

    def _cycles(self):
        columns = [str(column) for column in self.parts.columns]
        seasons = [name for name in columns if name.startswith(_SEASON)]
        return {name: Cycle.of(self.parts[name], _steps(name)) for name in seasons}

    def _is_shown(self, n_history):
        is_forecast = self.parts["is_forecast"].to_numpy(bool)
        n_ahead, n_past = is_forecast.sum(), (~is_forecast).sum()
        if n_history is None:
            longest = max([n_ahead, *(cycle.season for cycle in self._cycles().values())])
            n_history = max(_MIN_SHOWN, int(_N_SHOWN * longest))
        return slice(max(n_past - n_history, 0), None)

    def _draw_along_time(self, name, values, is_forecast):
        ax, dark = self.axes_[name], foreground(self.axes_[name])
        styles = {"history": (dark, 1.3), "forecast": (BLUE, 2.0)}
        self.lines_[name] = []
        for (label, (color, width)), chosen in zip(
            styles.items(), (~is_forecast, is_forecast), strict=True
        ):
            if chosen.any():
                style = {"color": color, "linewidth": width, "label": label}
                self.lines_[name].append(draw_curve(ax, values[chosen], style))
        x, n_past = x_positions(values.index), int((~is_forecast).sum())
        if 0 < n_past < len(x):
            between = x[n_past - 1] + (x[n_past] - x[n_past - 1]) / 2
            ax.axvline(between, color=dark, linewidth=0.8, linestyle=(0, (2, 3)))
        self._draw_neutral(ax, name)
        format_axes(ax, values.rename(None), legend=False, title=self._title(name))

    def _draw_season(self, name, cycle):
        ax = self.axes_[name]
        dots = {"marker": "o", "markersize": 3.5} if len(cycle.values) <= _MAX_DOTS else {}
        style = {"color": foreground(ax), "linewidth": 1.3, **dots}
        self.lines_[name] = [draw_curve(ax, cycle.values, style)]
        self._draw_neutral(ax, name)
        format_axes(ax, cycle.values.rename(None), legend=False, title=self._title(name))
        cycle.label(ax)

    def _draw_neutral(self, ax, name):
        """A line where a part adds nothing."""
        if name not in ("y", "trend"):
            neutral = 0.0 if self.model == "additive" else 1.0
            faint = blend(ax, foreground(ax), 0.4)
            ax.axhline(neutral, color=faint, linewidth=0.8, zorder=1.9)

    def _title(self, name):
        if name == "y":
            return self.label or "y"
        words = f"season of {_steps(name):g}" if name.startswith(_SEASON) else name
        words = f"effect of {name.removeprefix(_EFFECT)}" if name.startswith(_EFFECT) else words
        is_factor = self.model == "multiplicative" and name != "trend"
        return f"{words}, factor" if is_factor else words

    def _join(self, names, is_new):
        """One span of time for all, with one legend; on a new figure labelled at the lowest."""
        first = self.axes_["y"]
        for name in names:
            self.axes_[name].set_xlim(first.get_xlim())
            if is_new and name != names[-1]:
                self.axes_[name].tick_params(axis="x", labelbottom=False)
                self.axes_[name].xaxis.get_offset_text().set_visible(False)
                self.axes_[name].set_xlabel("")
        if len(self.lines_["y"]) > 1:
            legend_above(first, self._title("y"))
        if is_new and self.note:
            text = blend(first, foreground(first), 0.85)
            self.figure_.supxlabel(self.note, x=0.01, ha="left", fontsize="small", color=text)


def _steps(name):
    """Steps of a season, of the name of its column."""
    return float(name.removeprefix(_SEASON))


def _new_axes(n_axes, figsize):
    size = figsize or (9, 1.6 + 1.35 * n_axes)
    heights = [1.6, *[1.0] * (n_axes - 1)]
    figure = pyplot().figure(figsize=size, layout="constrained")
    return figure.subplots(n_axes, squeeze=False, height_ratios=heights)[:, 0]
