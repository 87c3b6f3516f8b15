"""RankingDisplay: the forecasters of a backtest, the best first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.parameters import Label, StrOptions, Text, validated
from tsrnn.plotting.backtest_metrics import (
    METRICS,
    check_defined,
    errors_by,
    forecaster_styles,
    metric_label,
)
from tsrnn.plotting.checks import ARGUMENTS, backtest_forecasts
from tsrnn.plotting.style import blend, foreground, format_axes, new_axes, set_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tsrnn.forecasting import Backtest

_FAR = 3.0  # times the worst mean: errors of single origins beyond leave the axes


class RankingDisplay:
    """Plot of the forecasters of a backtest by their mean error, the best at the top.

    A row for each forecaster: a mark at its mean error, written at the right, and a dot for each
    origin (or series), which show whether one is better throughout or by a few.

    Parameters
    ----------
    errors : Series
        Mean error of each forecaster, by name.
    metric : str
        Name of the error.
    parts : DataFrame, optional
        Errors that are drawn as dots, a column for each forecaster.
    part : str, default="origin"
        What a dot is, for the label of the axis.

    Attributes
    ----------
    ax_, figure_ : Axes, Figure
        The axes drawn on.
    ranking_ : Series
        Mean errors, the best first.
    marks_, dots_ : dict
        The Line2D of each forecaster's mean, and of its dots.
    labels_ : dict
        The Text of each mean, right of the axes.

    See Also
    --------
    tsrnn.backtest : Makes what it draws.
    HorizonErrorDisplay : Errors by the step ahead.

    Examples
    --------
    >>> from tsrnn import RNNForecaster, backtest
    >>> from tsrnn.datasets import load_airline
    >>> from tsrnn.plotting import RankingDisplay
    >>> forecasters = {"zero-shot": RNNForecaster(horizon=6, max_iter=0), "mean": "mean"}
    >>> results = backtest(forecasters, load_airline(), n_windows=4, refit=False)
    >>> RankingDisplay.from_backtest(results, "MASE").ranking_.index[-1]
    'mean'
    """

    @validated(metric=[Text()], part=[Text()])
    def __init__(
        self,
        errors: pd.Series,
        metric: str,
        parts: pd.DataFrame | None = None,
        part: str = "origin",
    ):
        if not isinstance(errors, pd.Series) or errors.empty or errors.isna().any():
            raise ValueError(
                f"errors must be a Series with a number for each forecaster, got {errors!r}."
            )
        if parts is not None and not set(errors.index) <= set(parts.columns):
            raise ValueError(
                f"parts must have the columns {errors.index.tolist()}, got {list(parts.columns)}."
            )
        self.errors, self.metric, self.parts, self.part = errors, metric, parts, part

    @classmethod
    @validated(ARGUMENTS, metric=[StrOptions(METRICS)], by=[Label(), None])
    def from_backtest(
        cls,
        backtest: Backtest,
        metric: str = "MAE",
        *,
        by: str | None = "cutoff",
        ax: Axes | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> RankingDisplay:
        """Plot the forecasters of a backtest.

        Parameters
        ----------
        backtest : Backtest
            What :func:`tsrnn.backtest` returns.
        metric : {"MAE", "RMSE", "MAPE", "sMAPE", "MASE", "RMSSE", "WAPE", "bias"}, default="MAE"
            Error, averaged as ``Backtest.metrics`` does; forecasters are ranked by the size of a
            bias.
        by : label or None, default="cutoff"
            Whether a dot is an origin, "cutoff", or a series, the name of the ids (or "unique_id");
            None draws none.
        ax, figsize, title
            As in :meth:`plot`.

        Raises
        ------
        ValueError
            If ``backtest`` is no Backtest, ``metric`` is unknown or undefined, as MAPE is at 0, or
            ``by`` is neither.
        """
        check_defined(backtest, backtest_forecasts(backtest), metric)
        names, parts = list(backtest.forecasters), None
        errors = errors_by(backtest, None, metric).iloc[0]
        if by is not None:
            _check_parts(backtest, by)
            parts = errors_by(backtest, by, metric)
        part = "origin" if by == "cutoff" else "series"
        display = cls(errors[names], metric, parts, part)
        return display.plot(ax, figsize=figsize, title=title)

    @validated(ARGUMENTS)
    def plot(
        self,
        ax: Axes | None = None,
        *,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> RankingDisplay:
        """Draw the ranking.

        Parameters
        ----------
        ax : Axes, optional
            Axes to draw on; by default on a new figure.
        figsize : (float, float), optional
            Inches of a new figure; by default as high as there are forecasters.
        title : str, optional
            Title of the axes.
        """
        order = np.abs(self.errors).sort_values(kind="stable").index
        self.ranking_ = self.errors[order]
        size = figsize or (7, 1.1 + 0.42 * len(order))
        self.ax_ = ax = new_axes(size) if ax is None else ax
        self.figure_ = ax.figure
        self.marks_: dict[Any, Any] = {}
        self.dots_: dict[Any, Any] = {}
        self.labels_: dict[Any, Any] = {}
        styles = forecaster_styles([str(name) for name in self.errors.index])
        style_of = dict(zip(self.errors.index, styles, strict=True))
        text = blend(ax, foreground(ax), 0.85)
        for row, (name, error) in enumerate(self.ranking_.items()):
            color, marker = style_of[name]["color"], style_of[name]["marker"]
            if self.parts is not None:
                self._draw_dots(ax, row, name, color)
            mark: dict[str, Any] = {
                "marker": marker,
                "markersize": 9,
                "linestyle": "none",
                "zorder": 3,
            }
            mark |= {"color": color, "markeredgecolor": ax.get_facecolor()}
            (self.marks_[name],) = ax.plot([error], [row], **mark)
            place: dict[str, Any] = {
                "transform": ax.get_yaxis_transform(),
                "ha": "left",
                "va": "center",
            }
            self.labels_[name] = ax.text(1.02, row, f"{error:.4g}", color=text, **place)
        self._format(ax, text)
        set_title(ax, title)
        return self

    def _draw_dots(self, ax, row, name, color):
        values = self.parts[name].dropna().to_numpy()
        style = {"marker": "o", "markersize": 4, "linestyle": "none", "zorder": 2.2}
        (self.dots_[name],) = ax.plot(
            values, np.full(len(values), row), color=blend(ax, color, 0.4), **style
        )

    def _format(self, ax, text):
        from matplotlib.ticker import AutoLocator, ScalarFormatter

        label = metric_label(self.metric)
        if self.parts is not None:
            label += f": mean, and each {self.part} as a small dot"
        format_axes(ax, pd.Series(self.ranking_.to_numpy(), name=None), legend=False)
        ax.grid(visible=False, axis="y")
        ax.grid(axis="x", color=blend(ax, foreground(ax), 0.16), linewidth=0.7)
        ax.xaxis.set_major_locator(AutoLocator())
        ax.xaxis.set_major_formatter(ScalarFormatter())
        names = [str(name).replace("_", " ") for name in self.ranking_.index]
        ax.set_yticks(range(len(names)), names)
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.set_xlabel(label, color=text)
        if self.metric == "bias":
            ax.axvline(0, color=text, linewidth=0.8, zorder=1.9)
        else:
            self._limit(ax)

    def _limit(self, ax):
        """Begin at 0, and end where single dots would press all means together."""
        most, worst = self.ranking_.abs().max(), 0.0
        if self.parts is not None:
            worst = np.nanmax(self.parts[list(self.ranking_.index)].to_numpy())
        right = max(most, min(worst, _FAR * most))
        ax.set_xlim(-0.02 * right, 1.03 * right)


def _check_parts(backtest, by):
    """Refuse dots of anything but origins and series."""
    known = list(dict.fromkeys(["cutoff", "unique_id", backtest.names[0]]))
    if by not in known:
        raise ValueError(f"by must be one of {', '.join(map(repr, known))} or None, got {by!r}.")
