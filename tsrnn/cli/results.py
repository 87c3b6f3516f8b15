"""Results that several commands write: forecasts, their errors, and events."""

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

import tsrnn
from tsrnn.cli.writing import events_as_text, write_picture, write_table
from tsrnn.forecasting.metrics.points import scale_or_nan


def shares(percents: Sequence[float]) -> list[float]:
    """Percentages as fractions of 1, one for each name of a column."""
    return [percent / 100 for percent in {f"{each:g}": each for each in percents}.values()]


def forecast_table(
    forecaster: Any,
    horizon: int | None,
    X: Any,
    coverage: Sequence[float],
    quantiles: Sequence[float],
) -> pd.DataFrame:
    """Forecasts with intervals and quantiles, given in percent; a row for each series and time.

    The forecaster was fitted on a Series, of a panel on a MultiIndex.
    """
    table = forecaster.predict(horizon, X).to_frame("forecast")
    if coverage:
        intervals = forecaster.predict_interval(horizon, X, coverage=shares(coverage))
        table = table.join(intervals)
    if quantiles:
        levels = forecaster.predict_quantiles(horizon, X, quantiles=shares(quantiles))
        table = table.join(levels)
    return table


def forecast_errors(
    forecaster: Any, table: pd.DataFrame, coverage: Sequence[float]
) -> pd.DataFrame:
    """MAE, RMSE, MASE, bias and the coverage of intervals, of each series and then their mean.

    ``table`` has ``actual``, NaN where missing, ``forecast`` and the bounds of intervals.
    """
    known = table[table["actual"].notna()]
    errors = known["forecast"] - known["actual"]
    columns = {"MAE": errors.abs(), "squares": errors**2, "bias": errors}
    for level in shares(coverage):
        name = f"{100 * level:g}"
        is_within = known["actual"].between(known[f"lower_{name}"], known[f"upper_{name}"])
        columns[f"coverage_{name}"] = is_within
    rows = pd.DataFrame(columns).astype(float)
    is_panel = table.index.nlevels > 1
    means = rows.groupby(level=0).mean() if is_panel else rows.mean().to_frame().T
    history, season = forecaster.history_, forecaster.season_
    scales = [
        scale_or_nan((history.loc[label] if is_panel else history).to_numpy(), season)
        for label in means.index
    ]
    means.insert(1, "RMSE", np.sqrt(means.pop("squares")))
    means.insert(2, "MASE", means["MAE"] / scales)
    return means.mean().to_frame("forecast")


def check_gap(gap: int | str | pd.Timedelta | None, times: pd.Index) -> None:
    """Refuse a ``--min-gap`` in time between rows that have none."""
    are_times = isinstance(times, (pd.DatetimeIndex, pd.PeriodIndex))
    if isinstance(gap, pd.Timedelta) and not are_times:
        raise ValueError("--min-gap is a time, and rows have whole numbers: give a number of them")


def write_events(detector: Any, y: Any, arguments: argparse.Namespace) -> None:
    """Print the events that a fitted detector finds, and write what options ask for."""
    gap = {} if arguments.min_gap is None else {"min_gap": arguments.min_gap}
    events = detector.detect(y, arguments.n_most, **gap)
    if len(events):
        print(events_as_text(events))
    else:
        print("no events: no score is above the threshold (--n-most tells the highest)")
    if arguments.out:
        write_table(events.set_index(events.columns[0]), arguments.out)
    if arguments.scores:
        write_table(detector.explain(y), arguments.scores)
    if arguments.plot:
        display = tsrnn.plotting.AnomalyDisplay.from_estimator(detector, y, events=events)
        write_picture(display, arguments.plot)
