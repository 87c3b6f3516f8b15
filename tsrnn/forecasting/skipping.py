"""Series that a forecaster refuses, found and left out."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

import pandas as pd

from tsrnn.data import DataError, Location, Skipped, format_step, without_bad_series
from tsrnn.forecasting.base import ForecasterBase
from tsrnn.forecasting.inputs import forecast_context, read_series
from tsrnn.forecasting.resolve import check_values


def call_without_bad(
    forecaster: ForecasterBase, method: str, y: Any, arguments: dict[str, Any], step: Any = None
) -> tuple[Any, Skipped]:
    """Results of a method for series, with ``errors="skip"`` for those that are good.

    None where none is, and the series left out. ``step`` is for series that are too short to show
    one.
    """

    def call(rows):
        return getattr(forecaster, method)(y=read_series(forecaster, rows, step), **arguments)

    try:
        return call(y), Skipped([], [])
    except DataError:
        if forecaster.errors != "skip":
            raise
        good, skipped = good_series(forecaster, y)
        if not skipped.labels:
            raise
    return None if good is None else call(good), skipped


def good_series(forecaster: ForecasterBase, y: Any) -> tuple[Any, Skipped]:
    """The series that can be forecast, before ``fit`` those that it can read; and the others."""
    if not hasattr(forecaster, "fitted_"):
        return readable_series(forecaster, y)
    state = forecaster.fitted_
    step = state.history.axes[0].step

    def check(rows):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            series = read_series(forecaster, rows, step)
            if state.features is None:
                forecast_context(forecaster, y=series)
            else:  # whose covariates are not known here
                state.check_other(series)

    return without_bad_series(y, check, *_columns(forecaster))


def readable_series(forecaster: ForecasterBase, y: Any) -> tuple[Any, Skipped]:
    """The series that ``fit`` can read, all of the step of most, and those that it cannot."""
    steps: Counter = Counter()

    def read(rows, step=None):
        series = read_series(forecaster, rows, step)
        transform = "log" if forecaster.transform == "log" else None
        check_values(series, transform, forecaster.loss, forecaster.lower)
        return series

    def count(rows):
        series = read(rows)
        steps[series.axes[0].step] += len(series.ids)

    good, skipped = without_bad_series(y, count, *_columns(forecaster))
    if not steps or (len(steps) == 1 and not skipped.labels):
        return good, skipped
    usual = steps.most_common(1)[0][0]

    def check(rows):  # also series too short to show a step
        series = read(rows, usual)
        axis = series.axes[0]
        if axis.step != usual:
            raise Location(series=series.ids[0]).error(
                f"has {format_step(axis.step, axis.index)}, and most series do not",
                "Bring it to the step of the others, or fit it by itself.",
            )

    return without_bad_series(y, check, *_columns(forecaster))


def without_refused(
    forecaster: ForecasterBase, y: Any, *, sampled: bool = False
) -> tuple[Any, pd.DataFrame]:
    """The series that ``fit`` can read, with a warning of the others, and the table of these.

    ``sampled`` says that ``y`` is a sample, so that there may be more of them.
    """
    good, skipped = readable_series(forecaster, y)
    if good is None:
        raise skipped.errors[0]
    warn_of(skipped, "Only the sampled series were checked: " if sampled else "")
    return good, skipped.table(forecaster.id_column)


def warn_of(skipped: Skipped, why: str = "") -> None:
    """Warn of the series that are left out."""
    skipped.warn(f" ({why}check_series(y) tells of all.)")


def _columns(forecaster):
    return forecaster.id_column, forecaster.time_column, forecaster.target_column
