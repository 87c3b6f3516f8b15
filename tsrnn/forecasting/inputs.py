"""Series, covariates and static values as users give them, read by a forecaster's parameters."""

import contextlib
import dataclasses
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from tsrnn.data import (
    Collection,
    Covariates,
    DataError,
    EmptySeriesError,
    Location,
    MissingDataError,
    collection_from,
    covariates_from,
    difference_of_types,
    format_time,
    listed,
    matched,
    near_name,
    near_names,
    split_known,
    take_series,
    to_pandas,
    with_gap_marked,
)
from tsrnn.forecasting.base import ForecasterBase
from tsrnn.forecasting.fitted import FittedForecaster
from tsrnn.forecasting.predictor import ForecastContext
from tsrnn.forecasting.resolve import check_values
from tsrnn.forecasting.short import without_short
from tsrnn.parameters import (
    STEPS,
    ParameterError,
    check_parameter,
    plain,
    validate_parameters,
)


def read_series(
    forecaster: ForecasterBase, y: Any, step: Any = None, overwrite: bool = False
) -> Collection:
    """Checked series of any form; a Collection, which was read before, as it is.

    Of series that ``overwrite`` known values, values, rows and whole series may be missing.
    """
    if isinstance(y, Collection):
        return y
    return collection_from(
        y,
        id_column=forecaster.id_column,
        time_column=forecaster.time_column,
        target_column=forecaster.target_column,
        missing="mask" if overwrite else forecaster.missing,
        step=step,
        skip_empty=overwrite,
    )


def read_covariates(forecaster: ForecasterBase, X: Any) -> Covariates | None:
    """Checked covariates; None and Covariates, which were read before, as they are."""
    if X is None or isinstance(X, Covariates):
        return X
    return covariates_from(X, id_column=forecaster.id_column, time_column=forecaster.time_column)


def read_static(forecaster: ForecasterBase, static: Any) -> pd.DataFrame | None:
    """Static values with the labels of the series as index, checked."""
    if static is None:
        return None
    frame, id_column = _static_frame(static), forecaster.id_column
    if id_column in frame.columns:
        frame = frame.set_index(id_column)
    elif not (isinstance(static, (pd.Series, pd.DataFrame)) or len(frame) == 1):  # has no index
        columns = frame.columns.tolist()
        raise Location("static").error(
            f"has the columns {columns}, without {id_column!r}",
            near_names([id_column], columns, "static", True)
            or f"Give the labels of the series in a column {id_column!r}.",
        )
    static = frame
    if not static.index.is_unique:
        repeated = static.index[static.index.duplicated()][0]
        raise Location("static").error(f"has more than one row for {repeated!r}", "Keep one.")
    return static


def _static_frame(static):
    """Static values of any library's frame, or of a Series, as a DataFrame."""
    if isinstance(static, pd.Series):
        static = static.to_frame("static" if static.name is None else static.name)
    elif not isinstance(static, pd.DataFrame):
        with contextlib.suppress(DataError):
            static = to_pandas(static, "static")
    if isinstance(static, pd.DataFrame) and static.shape[1]:
        return static
    raise Location("static").error(
        "must be a DataFrame, of pandas or polars, with a row for each series and columns, got "
        f"{type(static).__module__}.{type(static).__qualname__}"
    )


def read_new(
    forecaster: ForecasterBase, known: Collection, y: Any, X: Any, *, every: bool = False
) -> tuple[Collection, Covariates | None]:
    """Fitted series joined with new observations; see ``FittedForecaster.continued``."""
    validate_parameters(forecaster)
    state, mask = forecaster.fitted_, forecaster.missing == "mask"
    new = matched(known, read_series(forecaster, y, known.axes[0].step))
    check_values(new, state.transform, state.spec.loss)
    if mask:
        new = with_gap_marked(known, new)
    return state.continued(known, new, read_covariates(forecaster, X), mask=mask, every=every)


class Update(NamedTuple):
    """New observations, joined with what a forecaster knows."""

    state: FittedForecaster  # with the series that are new
    whole: Collection  # its series with their new observations
    later: Covariates | None  # covariates of rows after these
    n_known: np.ndarray  # (n_series,) values of ``whole`` that were known before


def read_update(
    forecaster: ForecasterBase,
    y: Any,
    X: Any = None,
    static: Any = None,
    *,
    overwrite: bool = False,
) -> Update:
    """New observations of known series, and other series; see ``update``."""
    validate_parameters(forecaster)
    state, mask = forecaster.fitted_, forecaster.missing == "mask"
    covariates, static = read_covariates(forecaster, X), read_static(forecaster, static)
    following = added = None
    with contextlib.suppress(EmptySeriesError) if overwrite else contextlib.nullcontext():
        y = read_series(forecaster, y, state.recent.axes[0].step, overwrite)
        following, added = split_known(state.recent, matched(state.recent, y))
    if added is not None:
        _check_added(state, added, overwrite)
        added = added if mask else _complete(added)
        is_short = added.panel.lengths < state.spec.lookback
        added = without_short(added, is_short, forecaster.short, state.spec, are_needed=False)
    elif static is not None:
        problem = "goes with series that are new, and y has none"
        raise Location("static").error(problem, "Leave it out.")
    n_known = state.recent.panel.lengths
    if added is not None and added.ids:
        state = state.with_series(added, covariates, static, mask)
        n_known = np.concatenate([n_known, np.zeros(len(added.ids), int)])
    known = state.recent
    if following is not None:
        check_values(following, state.transform, state.spec.loss)
    if overwrite:
        known, following = state.corrected(following, covariates)
    if following is not None:
        following = with_gap_marked(known, following) if mask else _complete(following)
    whole, later = state.continued(known, following, covariates, mask=mask)
    return Update(state, whole, later, n_known)


def _check_added(state, added, overwrite):
    """Refuse series of another frequency, labels that differ by their type alone, corrections."""
    ids, known = added.ids, state.recent.ids
    remedy = difference_of_types(ids, known)
    if overwrite and not remedy:
        near = [(near_name(label, known), label) for label in ids[:5]]
        meant = " and ".join(f"{name!r} for {label!r}" for name, label in near if name is not None)
        remedy = f"Is it {meant}? " if meant else ""
        remedy += "Series that are new are added by update without overwrite."
    if remedy:
        n = "" if len(ids) == 1 else f"{len(ids)} series were not fitted: "
        action = "corrects" if overwrite else "goes on with"
        problem = f"{action} the series that were fitted, and {n}{listed(ids)}"
        raise Location("y").error(problem + ("" if n else " was not fitted"), remedy)
    state.check_other(added)


def _complete(collection):
    """A collection without missing values, which are refused where they were read as such."""
    if collection.observed is None:
        return collection
    if collection.observed.all():
        return dataclasses.replace(collection, observed=None)
    place = int(np.argmin(collection.observed))
    series = int(np.searchsorted(collection.panel.indptr, place, side="right")) - 1
    stamp = collection.axes[series].index[place - collection.panel.indptr[series]]
    raise Location(series=collection.ids[series]).error(
        f"has no value at {format_time(stamp)}, which is not known yet",
        "Put it in, or fit with missing='mask'.",
        row=stamp,
        kind=MissingDataError,
    )


def forecast_context(
    forecaster: ForecasterBase,
    horizon: int | None = None,
    X: Any = None,
    y: Any = None,
    static: Any = None,
) -> tuple[int, ForecastContext]:
    """The horizon and the series of a forecast, from the arguments of ``predict``."""
    check_is_fitted(forecaster)
    validate_parameters(forecaster)
    horizon = checked_horizon(forecaster, horizon)
    state, mask = forecaster.fitted_, forecaster.missing == "mask"
    covariates, static = read_covariates(forecaster, X), read_static(forecaster, static)
    ended_after = forecaster.ended_after
    if y is not None:
        series = read_series(forecaster, y)
        if series.ids == [None]:
            with contextlib.suppress(DataError):  # another series, which was not fitted
                series = matched(state.history, series)
        series = take_series(series, series.going_on(ended_after))
        is_short = series.panel.lengths < state.spec.lookback
        series = without_short(series, is_short, forecaster.short, state.spec)
        return horizon, state.other_context(series, covariates, static, horizon, mask)
    if static is not None:
        raise ValueError("static goes with y, other series: those of fit have theirs.")
    return horizon, state.future_context(covariates, horizon, mask, ended_after)


def checked_horizon(forecaster: ForecasterBase, horizon: int | None) -> int:
    """The horizon, by default that of the forecaster; all but a positive number is refused."""
    if horizon is None:
        horizon = forecaster.horizon
    horizon = plain(horizon)
    if getattr(horizon, "ndim", 0):
        raise ParameterError(
            f"horizon must be a whole number, got a {type(horizon).__name__}. Name what it is: "
            "X=... for covariates, y=... for other series. (Where scikit-learn's scorers or "
            "permutation_importance call predict(X), leave scoring out, or give "
            "tsrnn.forecasting.forecast_scorer('mae').)"
        )
    check_parameter("horizon", horizon, [STEPS])
    return horizon
