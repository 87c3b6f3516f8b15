"""Channels that a forecaster reads with each value: covariates, static values and calendars."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from tsrnn.data import (
    Collection,
    Covariates,
    DataError,
    Location,
    MissingDataError,
    affected,
    difference_of_types,
    format_time,
    near_name,
    near_names,
)
from tsrnn.forecasting.calendar import (
    calendar_channels,
    calendar_names,
    check_calendar,
    check_countries,
    check_holidays,
    fourier_channels,
    fourier_names,
    holiday_channels,
    n_calendar_channels,
    n_fourier_channels,
)
from tsrnn.forecasting.columns import ColumnEncoder
from tsrnn.forecasting.country_holidays import CountryHolidays


@dataclasses.dataclass(frozen=True, eq=False)
class FeatureEncoder:
    """Encoder of all that is read with each value, in the order of its channels."""

    known: tuple[ColumnEncoder, ...] = ()  # columns of ``X`` known in the future
    past: tuple[ColumnEncoder, ...] = ()  # other columns of ``X``
    static: tuple[ColumnEncoder, ...] = ()
    calendar: tuple[str, ...] = ()  # names in ``CALENDAR``; channels follow those of ``known``
    holidays: np.ndarray = dataclasses.field(default_factory=lambda: np.empty(0, "M8[D]"))
    observed: bool = False  # whether the last channel tells which values were observed
    countries: CountryHolidays | None = None  # channels follow those of ``holidays``
    fourier: tuple[float, ...] = ()  # seasons in steps; channels follow those of ``countries``

    @classmethod
    def fit(
        cls,
        collection: Collection,
        covariates: Covariates | None,
        static: pd.DataFrame | None,
        *,
        past: Sequence[Any],
        calendar: Sequence[str],
        holidays: Any,
        fourier: Sequence[float] = (),
    ) -> Self:
        """Means, deviations and levels, from the rows of the series alone."""
        columns = [] if covariates is None else list(covariates.frame.columns)
        absent = [name for name in past if name not in columns]
        if absent:
            near = near_name(absent[0], columns)
            meant = "" if near is None else f" Is it {near!r}?"
            of_x = (
                "and there is no X" if covariates is None else f"which is no column of X: {columns}"
            )
            raise ValueError(f"past_covariates names {absent[0]!r}, {of_x}.{meant}")
        encoders = {}
        if covariates is not None:
            indexes = [axis.index for axis in collection.axes]
            covariates.check_labels(collection.ids)
            frame, is_row = covariates.at(indexes, collection.ids)
            for name, dtype in covariates.frame.dtypes.items():
                # Missing rows have made some dtypes wider; where there are none it is as it was.
                values = frame.loc[is_row, name].astype(dtype)
                encoders[name] = ColumnEncoder.fit(values, "X")
        static_encoders: tuple[ColumnEncoder, ...] = ()
        if static is not None:
            rows = _static_rows(static, collection.ids)
            static_encoders = tuple(ColumnEncoder.fit(rows[c], "static") for c in static.columns)
        return cls(
            known=tuple(encoder for name, encoder in encoders.items() if name not in past),
            past=tuple(encoders[name] for name in past),
            static=static_encoders,
            calendar=check_calendar(calendar, collection),
            holidays=check_holidays(holidays, collection),
            observed=collection.observed is not None,
            countries=check_countries(holidays, collection),
            fourier=tuple(fourier),
        )

    @property
    def n_known(self) -> int:
        """Channels that are known in the future: they come first."""
        n_calendar = n_calendar_channels(self.calendar) + (self.holidays.size > 0)
        n_calendar += self.countries.n_channels if self.countries else 0
        n_calendar += n_fourier_channels(self.fourier)
        return sum(encoder.n_channels for encoder in self.known) + n_calendar

    @property
    def n_channels(self) -> int:
        """All channels."""
        return self.n_known + sum(c.n_channels for c in (*self.past, *self.static)) + self.observed

    @property
    def channel_names(self) -> list[tuple[Any, Any]]:
        """Of each channel the input that it is of, a column or feature, and a name of its own.

        The input is None for the channel that tells which values were observed.
        """
        known, past, static = (
            [(column.name, name) for column in columns for name in column.channel_names]
            for columns in (self.known, self.past, self.static)
        )
        dates = calendar_names(self.calendar)
        dates += [("holidays", "holidays")] * (self.holidays.size > 0)
        if self.countries:
            dates += [("holidays", name) for name in ("holidays", *self.countries.names)]
        dates += fourier_names(self.fourier)
        return known + dates + past + static + [(None, "observed")] * self.observed

    @property
    def has_covariates(self) -> bool:
        """Whether there are channels of covariates, calendars, holidays or static values."""
        return self.n_channels > self.observed + n_fourier_channels(self.fourier)

    def encode(self, covariates: Covariates, *, future: bool = False) -> Covariates:
        """Covariates with their columns encoded; in the ``future`` past columns may be lacking."""
        frame, name = covariates.frame, covariates.name
        known, past = ([column.name for column in part] for part in (self.known, self.past))
        lacking = [c for c in (known if future else known + past) if c not in frame.columns]
        if lacking:
            raise Location(name).error(
                f"has no column {lacking[0]!r}, which was fitted",
                near_names(lacking, frame.columns.tolist(), name) or "Give it.",
            )
        more = [column for column in frame.columns if column not in (*known, *past)]
        if more:
            raise Location(name).error(
                f"has the column {more[0]!r}, which was not fitted", "Drop it."
            )

        def place(row):
            labels = covariates.labels
            return None if labels is None else labels[row], covariates.times[row]

        parts = [
            column.encode(frame[column.name], name, place)
            if column.name in frame.columns
            else np.full((len(frame), column.n_channels), np.nan)
            for column in (*self.known, *self.past)
        ]
        channels = np.hstack([np.empty((len(frame), 0)), *parts])
        return dataclasses.replace(covariates, frame=pd.DataFrame(channels))

    def encode_static(self, static: pd.DataFrame | None, ids: list) -> np.ndarray:
        """Channels of each series, (n_series, n)."""
        if not self.static:
            if static is not None:
                problem = "was given, and the forecaster was fitted without"
                raise Location("static").error(problem, "Leave it out.")
            return np.empty((len(ids), 0))
        if static is None:
            problem = "is missing, and the forecaster was fitted with static values"
            raise Location("static").error(problem, "Give static as well.")
        rows = _static_rows(static, ids)
        parts = []
        for column in self.static:
            if column.name not in rows.columns:
                raise Location("static").error(
                    f"has no column {column.name!r}, which was fitted",
                    near_names([column.name], rows.columns.tolist(), "static") or "Give it.",
                )
            channels = column.encode(rows[column.name], "static", lambda row: (ids[row], None))
            if np.isnan(channels).any():
                row = int(np.isnan(channels).any(axis=1).argmax())
                raise Location("static", ids[row], column.name).error("is missing")
            parts.append(channels)
        return np.hstack(parts)

    def channels(
        self, collection: Collection, rows: Sequence[Covariates], static: np.ndarray, mask: bool
    ) -> np.ndarray:
        """Channels of the values of series, (n_values, n_channels).

        The first of the encoded ``rows`` that has a time stamp provides it. With ``mask`` missing
        rows and values are replaced by the mean, not refused.
        """
        indexes, lengths = [axis.index for axis in collection.axes], collection.panel.lengths
        covariates = self._covariates(rows, indexes, collection.ids, mask)
        n_known = sum(column.n_channels for column in self.known)
        dates = self._dates(indexes, collection.axes[0].step)
        parts = [covariates[:, :n_known], dates, covariates[:, n_known:]]
        parts.append(np.repeat(static, lengths, axis=0))
        if self.observed:
            observed = collection.observed
            parts.append(np.ones((len(dates), 1)) if observed is None else observed[:, None])
        return np.hstack(parts)

    def corrected(self, collection: Collection, rows: Sequence[Covariates]) -> np.ndarray:
        """Channels of corrected series, with those that encoded ``rows`` give in their place."""
        channels = np.array(collection.covariates)
        n_known = sum(column.n_channels for column in self.known)
        n_past = sum(column.n_channels for column in self.past)
        places = [*range(n_known), *range(self.n_known, self.n_known + n_past)]
        for covariates in rows:
            indexes = [axis.index for axis in collection.axes]
            frame, is_row = covariates.at(indexes, collection.ids)
            given = frame.to_numpy()
            is_given = is_row[:, None] & ~np.isnan(given)
            channels[:, places] = np.where(is_given, given, channels[:, places])
        if self.observed:
            channels[:, -1] = collection.is_observed
        return channels

    def after(
        self, collection: Collection, horizon: int, rows: Sequence[Covariates], mask: bool
    ) -> np.ndarray:
        """Channels of the next steps, (n_series, horizon, n_channels); 0 where they are unknown."""
        axes = {id(axis): axis for axis in collection.axes}
        nexts = {key: axis.after(horizon) for key, axis in axes.items()}
        indexes, ids = [nexts[id(axis)] for axis in collection.axes], collection.ids
        channels = np.zeros((len(ids), len(indexes[0]), self.n_channels))
        if self.n_known:
            known = dataclasses.replace(self, past=())
            known = known._covariates(rows, indexes, ids, mask, future=True)
            dates = self._dates(indexes, collection.axes[0].step)
            channels[:, :, : self.n_known] = np.hstack([known, dates]).reshape(
                *channels.shape[:2], -1
            )
        return channels

    def _dates(self, indexes, step):
        """Channels of the time stamps, (n_rows, n), of indexes end to end."""

        def encode(index):
            parts = [calendar_channels(index, self.calendar)]
            parts.append(holiday_channels(index, self.holidays))
            if self.countries:
                parts.append(self.countries.channels(index))
            parts.append(fourier_channels(index, step, self.fourier))
            return np.hstack(parts)

        encoded = {id(index): index for index in indexes}  # series of equal times share one
        encoded = {key: encode(index) for key, index in encoded.items()}
        return np.concatenate([encoded[id(index)] for index in indexes])

    def _covariates(self, rows, indexes, ids, mask, future=False):
        """Channels of known and past columns, (n_rows, n), from the first that have the row.

        With ``mask`` missing values are 0, and missing rows but in the ``future``.
        """
        n = sum(column.n_channels for column in (*self.known, *self.past))
        n_rows = sum(len(index) for index in indexes)
        channels, filled = np.full((n_rows, n), np.nan), np.zeros(n_rows, bool)
        if not n:
            return channels
        for covariates in rows:
            frame, is_row = covariates.at(indexes, ids)
            wanted = is_row & ~filled
            channels[wanted] = frame.to_numpy()[wanted, :n]
            filled |= is_row
        if not (filled.all() or (mask and not future)):
            self._refuse_row(filled, indexes, ids, future)
        missing = np.isnan(channels)
        if missing.any() and not mask:
            self._refuse_value(missing, indexes, ids, future)
        channels[missing] = 0
        return channels

    def _refuse_row(self, filled, indexes, ids, future):
        series, time, index = _place(int(filled.argmin()), indexes, ids)
        of_series = "" if series is None else f" of {Location('y', series)}"
        names = ", ".join(repr(column.name) for column in (*self.known, *self.past))
        remedy = "Give X a row for each time stamp of y, or fit with missing='mask'."
        if future:
            remedy = (
                "Give X up to the end of the horizon for what is known in the future, and name the "
                "rest in past_covariates."
            )
        raise Location("X").error(
            f"has no row at {format_time(time, index)}{of_series}, and the forecaster "
            f"reads {names} there{_affected(~filled, indexes, ids)}",
            remedy,
            row=time,
            kind=DataError if future else MissingDataError,
        )

    def _refuse_value(self, missing, indexes, ids, future):
        row = int(missing.any(axis=1).argmax())
        series, time, index = _place(row, indexes, ids)
        names = [c.name for c in (*self.known, *self.past) for _ in range(c.n_channels)]
        otherwise = (
            "; name it in past_covariates if it is not known in the future;" if future else ","
        )
        raise Location("X", series, names[int(missing[row].argmax())]).error(
            f"is missing at {format_time(time, index)}"
            f"{_affected(missing.any(axis=1), indexes, ids)}",
            f"Fill it{otherwise} or fit with missing='mask'.",
            row=time,
            kind=MissingDataError,
        )


def later_rows(rows: Sequence[Covariates], ends: pd.Index, ids: list) -> Covariates | None:
    """Encoded rows after the last time stamp of each series, the first of each; None without any.

    ValueError if some rows have ids and some have none.
    """
    parts, kinds = [], []
    for covariates in rows:
        labels, times = covariates.labels, covariates.times
        if labels is None:
            is_later = np.asarray(times > ends.min())
        else:
            series = pd.Index(ids).get_indexer(labels)
            is_later = np.asarray(times > ends[series]) & (series >= 0)
            labels = labels[is_later]
        if is_later.any():
            part = covariates.frame[is_later]
            parts.append(part.assign(_time=times[is_later], _label=labels))
            kinds.append("no ids" if labels is None else "ids")
    if not parts:
        return None
    if len(set(kinds)) > 1:
        raise ValueError(
            f"The rows of X that follow y have {kinds[0]}, and those given before have "
            f"{kinds[1]}. Give all in one form."
        )
    whole = pd.concat(parts).drop_duplicates(["_label", "_time"]).reset_index(drop=True)
    times, labels = (pd.Index(whole.pop(column)) for column in ("_time", "_label"))
    return Covariates(whole, times, labels if "ids" in kinds else None, "X")


def _place(row, indexes, ids):
    """Series and time stamp of a row, and the index that it is in."""
    ends = np.cumsum([len(index) for index in indexes])
    series = int(ends.searchsorted(row, side="right"))
    index = indexes[series]
    return ids[series], index[row - ends[series] + len(index)], index


def _affected(bad, indexes, ids):
    """Words for the end of an error message: which series the bad rows are of, if of several."""
    series = np.repeat(np.arange(len(ids)), [len(index) for index in indexes])
    return affected([ids[k] for k in np.unique(series[bad])])


def _static_rows(static, ids):
    """Static values, a row for each series."""
    if ids == [None]:
        if len(static) != 1:
            raise Location("static").error(
                f"has {len(static)} rows, and y is one Series", "Give one row."
            )
        return static
    places = static.index.get_indexer(pd.Index(ids))
    if (places < 0).any():
        absent = [ids[k] for k in np.flatnonzero(places < 0)]
        raise Location("static").error(
            f"has no row for series {absent[0]!r}{affected(absent)}",
            difference_of_types(static.index, ids)
            or "Give one for each series, with their labels in the index or the column of ids.",
        )
    return static.iloc[places]
