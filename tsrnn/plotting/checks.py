"""Validation of the series and frames that displays draw."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np
import pandas as pd

from tsrnn.parameters import (
    ANY_NUMBER,
    BOOLEAN,
    POSITIVE,
    POSITIVE_INTEGER,
    STEPS,
    Allowed,
    Constraint,
    Integer,
    Label,
    ListOf,
    Probabilities,
    Text,
    percent_label,
)

if TYPE_CHECKING:
    from tsrnn.forecasting import Backtest


P = ParamSpec("P")
R = TypeVar("R")


class AxesLike(Constraint):
    """Axes of matplotlib, or a list or array of them."""

    def accepts(self, value: Any) -> bool:
        several = np.ravel(np.asarray(value, dtype=object))
        return several.size > 0 and all(hasattr(ax, "get_legend_handles_labels") for ax in several)

    def __str__(self) -> str:
        return "Axes of matplotlib"


def takes_axes(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function take ``axes``, the former name of ``ax``, with a FutureWarning."""

    @functools.wraps(function)
    def with_axes(*args: P.args, **options: P.kwargs) -> R:
        if "axes" in options:
            warnings.warn("axes is now called ax: use ax=.", FutureWarning, stacklevel=2)
            options.setdefault("ax", options.pop("axes"))
        return function(*args, **options)

    return with_axes


_COUNT = (POSITIVE_INTEGER, None)
_LABEL = (Label(), None)
_STYLE = (dict, None)
_AXES = (AxesLike(), None)
# Constraints of the displays' arguments, which have the same name in all of them.
ARGUMENTS: dict[str, Allowed] = {
    "actual_kw": _STYLE,
    "ax": _AXES,
    "best_iter": [Integer(0), None],
    "cell": [Text(), None],
    "columns": [ListOf(Label(), least=3, most=3)],
    "coverage": [Probabilities(scalar=True, empty=True, labelled=True), None],
    "expected_kw": _STYLE,
    "figsize": [ListOf(POSITIVE, least=2, most=2), None],
    "forecast_kw": _STYLE,
    "history_kw": _STYLE,
    "horizon": [STEPS, None],
    "id_column": _LABEL,
    "label": [Text(), None],
    "largest": [POSITIVE, None],
    "layer": [Text(), None],
    "legend": [BOOLEAN],
    "known": [ListOf(Text())],
    "limits": [ListOf(ANY_NUMBER, least=2, most=2), None],
    "n_ahead": [Integer(0)],
    "n_candidates": [POSITIVE_INTEGER],
    "n_cols": _COUNT,
    "n_history": _COUNT,
    "n_most": _COUNT,
    "n_steps": [POSITIVE_INTEGER],
    "note": [Text(), None],
    "prompt_frames": [Integer(0), None],
    "relative": [BOOLEAN],
    "repeat": [BOOLEAN],
    "score_kw": _STYLE,
    "season": [POSITIVE_INTEGER],
    "segment": [POSITIVE_INTEGER],
    "step": [POSITIVE, None],
    "time_column": _LABEL,
    "title": [Text(), None],
    "width": [Integer(10, 1000)],
    "window": _COUNT,
}
FORECASTER: Allowed = [Text(), None]  # a column of a backtest; of other displays an estimator
_MIN_HISTORY = 30  # entries shown by default, where there are as many


def as_series(
    data: pd.Series | pd.DataFrame, name: str, like: pd.Series | None = None
) -> pd.Series:
    """Sorted numbers of ``data``, whose index must be drawable and of the kind of ``like``'s."""
    if isinstance(data, pd.DataFrame) and data.shape[1] == 1:
        data = data.iloc[:, 0]
    has_levels = isinstance(getattr(data, "index", None), pd.MultiIndex)
    if name == "forecast" and (isinstance(data, pd.DataFrame) or has_levels):
        raise ValueError("forecast has several series. PanelForecastDisplay draws each of them.")
    if not isinstance(data, pd.Series):
        raise ValueError(f"{name} must be a pandas Series, got {_describe(data)}.")
    if data.empty or not pd.api.types.is_numeric_dtype(data):
        problem = "is empty" if data.empty else f"must hold numbers, got dtype {data.dtype}"
        raise ValueError(f"{name} {problem}.")
    kind = _index_kind(data.index, name)
    forecast_kind = kind if like is None else _index_kind(like.index, "forecast")
    if kind != forecast_kind:
        raise ValueError(
            f"{name} has an index of {kind}, the forecast one of {forecast_kind}. Give both the "
            "same."
        )
    return data if data.index.is_monotonic_increasing else data.sort_index()


def as_intervals(intervals: pd.DataFrame, forecast: pd.Series) -> tuple[pd.DataFrame, list[str]]:
    """Sorted intervals, and their levels: coverages in percent as text, widest first.

    They are pairs of columns ``lower_80``, ``upper_80`` on the index of the sorted forecast.
    """
    if not isinstance(intervals, pd.DataFrame):
        raise ValueError(f"intervals must be a pandas DataFrame, got {_describe(intervals)}.")
    columns = [str(column) for column in intervals.columns]
    levels = {column.partition("_")[2] for column in columns}
    pairs = {f"{side}_{level}" for level in levels for side in ("lower", "upper")}
    are_numbers = all(level.replace(".", "", 1).isdigit() for level in levels)
    if not columns or sorted(columns) != sorted(pairs) or not are_numbers:
        raise ValueError(
            f"intervals must have pairs of columns such as lower_80 and upper_80, got {columns}."
        )
    intervals = intervals.sort_index()
    if not intervals.index.equals(forecast.index):
        raise ValueError(
            f"intervals ({len(intervals)} rows) must have the forecast's index ({len(forecast)} "
            f"entries from {forecast.index[0]} to {forecast.index[-1]})."
        )
    for level in levels:
        if (intervals[f"lower_{level}"] > intervals[f"upper_{level}"]).any():
            raise ValueError(f"intervals have lower_{level} above upper_{level}.")
    return intervals, sorted(levels, key=float, reverse=True)


def backtest_forecasts(backtest: Backtest) -> pd.DataFrame:
    """The forecasts of a Backtest, with the columns unique_id, cutoff, ds and y.

    ValueError for any other object.
    """
    if not isinstance(getattr(backtest, "forecasters", None), tuple):
        raise ValueError(
            "backtest must be what tsrnn.backtest(forecaster, y) returns, whole, got "
            f"{_describe(backtest)}."
        )
    return backtest.to_pandas()


def forecasts_of(backtest: Backtest, forecaster: str | None = None) -> tuple[pd.DataFrame, str]:
    """The forecasts of one forecaster of a Backtest, by default the first, and its name.

    They are in the column ``forecast``, its intervals in ``lower_80``, ``upper_80`` and so on.
    """
    frame = backtest_forecasts(backtest)
    name = backtest.forecasters[0] if forecaster is None else forecaster
    if name not in backtest.forecasters:
        known = ", ".join(map(repr, backtest.forecasters))
        raise ValueError(f"forecaster must be one of {known}, got {name!r}.")
    columns = {"forecast": name} | backtest.spread_columns(name)
    keys = frame[["unique_id", "cutoff", "ds", "y"]]
    return keys.assign(**{plain: frame[column] for plain, column in columns.items()}), name


def interval_levels(
    forecasts: pd.DataFrame, coverage: float | Sequence[float] | None = None
) -> list[str]:
    """Coverages of a backtest's intervals, or those given, in percent as text, widest first."""
    levels = [name.removeprefix("lower_") for name in forecasts if name.startswith("lower_")]
    if coverage is not None:
        wanted = [percent_label(level) for level in np.atleast_1d(coverage)]
        for level in wanted:
            if level not in levels:
                has = ", ".join(f"{float(name) / 100:g}" for name in levels) or "no intervals"
                raise ValueError(
                    f"coverage {float(level) / 100:g} is not in the backtest, which has {has}. Ask "
                    f"for it: backtest(forecaster, y, coverage={float(level) / 100:g})."
                )
        levels = wanted
    return sorted(set(levels), key=float, reverse=True)


def n_history_shown(n_history: int | None, horizon: int, season: int) -> int:
    """``n_history`` if positive, or by default four horizons or three seasons."""
    if n_history is None:
        return max(4 * horizon, 3 * season, _MIN_HISTORY)
    return n_history


def _describe(data):
    columns = f" of {data.shape[1]} columns" if isinstance(data, pd.DataFrame) else ""
    return f"{type(data).__name__}{columns}"


def _index_kind(index, name):
    if isinstance(index, pd.PeriodIndex):
        return f"periods ({index.freqstr})"
    if isinstance(index, pd.DatetimeIndex):
        return f"time stamps ({index.tz or 'without a time zone'})"
    if pd.api.types.is_numeric_dtype(index):
        return "numbers"
    raise ValueError(
        f"{name} needs a DatetimeIndex, PeriodIndex or an index of numbers, got "
        f"{type(index).__name__} of dtype {getattr(index, 'dtype', 'mixed')}."
    )
