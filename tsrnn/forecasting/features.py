"""What a forecaster reads beside a series, as channels: covariates, static values and calendars."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data import (
    LARGEST,
    Collection,
    Covariates,
    Location,
    covariates_from,
    format_time,
)
from tsrnn.kernels import portable

_MOST_LEVELS = 100  # of a category: each is a column of the network's input weights
_CIRCLES: dict[str, tuple[Callable[[pd.Index], Any], float, int]] = {
    # What is read of an index, the length of a round, and how many harmonics tell the place in it.
    "minute": (lambda index: index.minute, 60, 1),
    "hour": (lambda index: index.hour + index.minute / 60, 24, 2),
    "day": (lambda index: (index.day - 1) / index.days_in_month, 1, 1),
    "month": (lambda index: index.month - 1, 12, 2),
    "day_of_year": (lambda index: index.day_of_year - 1, 365.25, 2),
}
CALENDAR = (*_CIRCLES, "weekday")


@dataclasses.dataclass(frozen=True)
class Column:
    """How a column becomes channels.

    Attributes
    ----------
    name : Hashable
        Of the column.
    mean, deviation : float
        What is taken from a number, and what it is then divided by.
    levels : Index or None
        Of a category, which has a channel for each; None for a number.
    """

    name: Any
    mean: float = 0.0
    deviation: float = 1.0
    levels: pd.Index | None = None

    @classmethod
    def learn(cls, values: pd.Series, frame: str) -> Column:
        """From values of a column, missing ones left out."""
        called, dtype = f"Column {values.name!r} of {frame}", values.dtype
        if pd.api.types.is_bool_dtype(dtype) and not isinstance(dtype, pd.CategoricalDtype):
            return cls(values.name)
        if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype):
            numbers = values.to_numpy(np.float64, na_value=np.nan)
            numbers = numbers[np.abs(numbers) <= LARGEST]  # neither NaN nor what is refused below
            if not numbers.size:
                raise ValueError(f"{called} has no number among the rows of y. Leave it out.")
            deviation = numbers.std()
            still = deviation <= 1e-12 * np.abs(numbers).max()
            return cls(values.name, float(numbers.mean()), 1.0 if still else float(deviation))
        if isinstance(dtype, pd.CategoricalDtype):
            levels = dtype.categories
        else:
            known = values.dropna()
            texts = known.map(lambda value: isinstance(value, str))
            if not texts.all():
                value = known[~texts].iloc[0]
                raise ValueError(
                    f"{called} is of dtype {dtype} and holds {value!r}, neither a number nor a "
                    "text. Convert it, for instance by astype(float) or astype('category')."
                )
            levels = pd.Index(sorted(known.unique()), dtype=object)
        if not 0 < len(levels) <= _MOST_LEVELS:
            raise ValueError(
                f"{called} has {len(levels)} levels; a category may have 1 to {_MOST_LEVELS}. "
                "Leave it out, or put levels together."
            )
        return cls(values.name, levels=levels)

    @property
    def n_channels(self) -> int:
        """Channels that the column becomes."""
        return 1 if self.levels is None else len(self.levels)

    def encode(self, values: pd.Series, frame: str, place: Callable[[int], str]) -> np.ndarray:
        """Channels, (n_rows, n_channels); NaN where a value is missing."""
        called = f"Column {self.name!r} of {frame}"
        if self.levels is None:
            try:
                numbers = values.to_numpy(np.float64, na_value=np.nan)
            except (TypeError, ValueError) as error:
                raise ValueError(
                    f"{called} was fitted as numbers, and is of dtype {values.dtype}. Convert it."
                ) from error
            wild = np.abs(numbers) > LARGEST
            if wild.any():
                row = int(wild.argmax())
                raise ValueError(
                    f"{called} is {numbers[row]:g} at {place(row)}. Mend it, or give the column in "
                    "a larger unit."
                )
            return ((numbers - self.mean) / self.deviation)[:, None]
        missing = values.isna().to_numpy()
        codes = self.levels.get_indexer(pd.Index(values.astype(object)))
        unknown = (codes < 0) & ~missing
        if unknown.any():
            row = int(unknown.argmax())
            raise ValueError(
                f"{called} is {values.iloc[row]!r} at {place(row)}, a level that was not fitted: "
                f"{', '.join(map(repr, self.levels[:10]))}. If it shall be one, fit with "
                "astype(pd.CategoricalDtype([...])) of all levels."
            )
        channels = np.eye(len(self.levels))[codes]
        channels[missing] = np.nan
        return channels


@dataclasses.dataclass(frozen=True, eq=False)
class Features:
    """What is read beside each value, in the order of its channels.

    Attributes
    ----------
    known, past, static : tuple of Column
        Columns of ``X`` that are known in the future, and that are not; columns of ``static``.
    calendar : tuple of str
        Of the names in ``CALENDAR``.
    holidays : (n,) array of datetime64[D]
        Sorted.
    observed : bool
        Whether the network is told which values were there.
    """

    known: tuple[Column, ...] = ()
    past: tuple[Column, ...] = ()
    static: tuple[Column, ...] = ()
    calendar: tuple[str, ...] = ()
    holidays: np.ndarray = dataclasses.field(default_factory=lambda: np.empty(0, "M8[D]"))
    observed: bool = False

    @classmethod
    def learn(
        cls,
        collection: Collection,
        covariates: Covariates | None,
        static: pd.DataFrame | None,
        *,
        past: Sequence[Any],
        calendar: Sequence[str],
        holidays: Any,
    ) -> Features:
        """Means, deviations and levels, from the rows of the series alone."""
        columns = [] if covariates is None else list(covariates.frame.columns)
        absent = [name for name in past if name not in columns]
        if absent:
            raise ValueError(
                f"past_covariates names {absent[0]!r}, which is no column of X: {columns}."
            )
        learnt = {}
        if covariates is not None:
            indexes = [axis.index for axis in collection.axes]
            frame, there = covariates.at(indexes, collection.ids)
            for name, dtype in covariates.frame.dtypes.items():
                # Missing rows have made some dtypes wider; where there are none it is as it was.
                learnt[name] = Column.learn(frame.loc[there, name].astype(dtype), "X")
        if static is not None:
            rows = _rows_of(static, collection.ids)
            own = tuple(Column.learn(rows[name], "static") for name in static.columns)
        return cls(
            tuple(column for name, column in learnt.items() if name not in past),
            tuple(learnt[name] for name in past),
            () if static is None else own,
            _calendar_names(calendar, collection),
            _days(holidays, collection),
            collection.observed is not None,
        )

    @property
    def n_known(self) -> int:
        """Channels that are known in the future: they come first."""
        calendar = sum(7 if name == "weekday" else 2 * _CIRCLES[name][2] for name in self.calendar)
        return sum(c.n_channels for c in self.known) + calendar + (self.holidays.size > 0)

    @property
    def n_channels(self) -> int:
        """All channels."""
        return self.n_known + sum(c.n_channels for c in (*self.past, *self.static)) + self.observed

    def encode(self, covariates: Covariates, *, future: bool = False) -> Covariates:
        """Covariates with the channels of known and past columns for theirs.

        Past columns may be lacking where rows are of the ``future``.
        """
        given, name = covariates.frame, covariates.name
        known, past = ([column.name for column in part] for part in (self.known, self.past))
        lacking = [c for c in (known if future else known + past) if c not in given.columns]
        if lacking:
            raise ValueError(f"{name} has no column {lacking[0]!r}, which was fitted. Give it.")
        more = [column for column in given.columns if column not in (*known, *past)]
        if more:
            raise ValueError(f"{name} has the column {more[0]!r}, which was not fitted. Drop it.")

        def place(row):
            of = "" if covariates.labels is None else f" of series {covariates.labels[row]!r}"
            return format_time(covariates.times[row]) + of

        parts = [
            column.encode(given[column.name], name, place)
            if column.name in given.columns
            else np.full((len(given), column.n_channels), np.nan)
            for column in (*self.known, *self.past)
        ]
        channels = np.hstack([np.empty((len(given), 0)), *parts])
        return dataclasses.replace(covariates, frame=pd.DataFrame(channels))

    def encode_static(self, static: pd.DataFrame | None, ids: list) -> np.ndarray:
        """Channels of each series, (n_series, n)."""
        if not self.static:
            if static is not None:
                raise ValueError("static was given, and the forecaster was fitted without.")
            return np.empty((len(ids), 0))
        if static is None:
            raise ValueError("The forecaster was fitted with static values: give static as well.")
        rows = _rows_of(static, ids)
        parts = []
        for column in self.static:
            if column.name not in rows.columns:
                raise ValueError(f"static has no column {column.name!r}, which was fitted.")
            channels = column.encode(rows[column.name], "static", lambda row: repr(ids[row]))
            if np.isnan(channels).any():
                row = int(np.isnan(channels).any(axis=1).argmax())
                raise ValueError(
                    f"Column {column.name!r} of static is missing for series {ids[row]!r}."
                )
            parts.append(channels)
        return np.hstack(parts)

    def beside(
        self, collection: Collection, rows: Sequence[Covariates], static: np.ndarray, mask: bool
    ) -> np.ndarray:
        """Channels beside the values of series, (n_values, n_channels).

        Parameters
        ----------
        rows : sequence of Covariates
            Encoded; the first that has a row tells it.
        static : (n_series, n) array
            Encoded.
        mask : bool
            Whether what is missing is taken for the mean, not refused.
        """
        indexes, lengths = [axis.index for axis in collection.axes], collection.panel.lengths
        channels = self._rows(rows, indexes, collection.ids, mask, mask)
        n_known = sum(column.n_channels for column in self.known)
        parts = [channels[:, :n_known], self._dates(indexes), channels[:, n_known:],
                 np.repeat(static, lengths, axis=0)]  # fmt: skip
        if self.observed:
            there = collection.observed
            parts.append(np.ones((len(channels), 1)) if there is None else there[:, None])
        return np.hstack(parts)

    def after(
        self,
        indexes: Sequence[pd.Index],
        ids: list,
        rows: Sequence[Covariates],
        mask: bool,
    ) -> np.ndarray:
        """Channels of what follows series, all as far, (n_series, n_steps, n_channels).

        Those that nobody knows are 0.
        """
        beside = np.zeros((len(ids), len(indexes[0]), self.n_channels))
        if self.n_known:
            known = dataclasses.replace(self, past=())._rows(rows, indexes, ids, False, mask)
            found = np.hstack([known, self._dates(indexes)])
            beside[:, :, : self.n_known] = found.reshape(*beside.shape[:2], -1)
        return beside

    def _rows(self, rows, indexes, ids, mask_rows, mask_values):
        """Channels of covariates, (n_rows, n): from the first that have the row."""
        n = sum(column.n_channels for column in (*self.known, *self.past))
        n_rows = sum(len(index) for index in indexes)
        channels, found = np.full((n_rows, n), np.nan), np.zeros(n_rows, bool)
        if not n:
            return channels
        for one in rows:
            frame, there = one.at(indexes, ids)
            wanted = there & ~found
            channels[wanted] = frame.to_numpy()[wanted, :n]
            found |= there
        if not (mask_rows or found.all()):
            self._refuse_row(int(found.argmin()), indexes, ids)
        missing = np.isnan(channels)
        if missing.any() and not mask_values:
            self._refuse_value(int(missing.any(axis=1).argmax()), channels, indexes, ids)
        channels[missing] = 0
        return channels

    def _refuse_row(self, row, indexes, ids):
        stamp, of = _place(row, indexes, ids)
        names = ", ".join(repr(column.name) for column in (*self.known, *self.past))
        raise ValueError(
            f"X has no row at {stamp}{of}, and the forecaster reads {names} there. Give X up to "
            "the end of the horizon for what is known in the future, and name the rest in "
            "past_covariates."
        )

    def _refuse_value(self, row, channels, indexes, ids):
        stamp, of = _place(row, indexes, ids)
        names = [c.name for c in (*self.known, *self.past) for _ in range(c.n_channels)]
        column = names[int(np.isnan(channels[row]).argmax())]
        raise ValueError(
            f"Column {column!r} of X is missing at {stamp}{of}. Fill it; name it in "
            "past_covariates if it is not known in the future; or fit with missing='mask'."
        )

    def _dates(self, indexes):
        """Channels of calendar and holidays, end to end; equal indexes may share an object."""
        if not (self.calendar or self.holidays.size):
            return np.empty((sum(len(index) for index in indexes), 0))
        found = {id(index): index for index in indexes}
        found = {key: self._dates_of(index) for key, index in found.items()}
        return np.concatenate([found[id(index)] for index in indexes])

    def _dates_of(self, index):
        columns = []
        for name in self.calendar:
            if name == "weekday":
                columns.append(np.eye(7)[np.asarray(index.day_of_week)])
                continue
            read, around, n_harmonics = _CIRCLES[name]
            angle = 2 * np.pi * np.asarray(read(index), float) / around
            for k in range(1, n_harmonics + 1):
                columns.append(np.column_stack(portable.sine_cosine(k * angle)))
        if self.holidays.size:
            stamps = index.to_timestamp() if isinstance(index, pd.PeriodIndex) else index
            days = stamps.tz_localize(None).to_numpy().astype("M8[D]")
            columns.append(np.isin(days, self.holidays)[:, None])
        return np.hstack(columns)


def given_covariates(X: Any, id_column: str, time_column: str) -> Covariates | None:
    """Covariates as users give them, or None."""
    return None if X is None else covariates_from(X, id_column=id_column, time_column=time_column)


def given_static(static: Any, id_column: str) -> pd.DataFrame | None:
    """Static values with the series' labels for an index, checked."""
    if static is None:
        return None
    if not isinstance(static, pd.DataFrame) or not static.shape[1]:
        raise ValueError(
            f"static must be a DataFrame with a row for each series and columns, got "
            f"{type(static).__name__}."
        )
    if id_column in static.columns:
        static = static.set_index(id_column)
    if not static.index.is_unique:
        twice = static.index[static.index.duplicated()][0]
        raise ValueError(f"static has more than one row for {twice!r}. Keep one.")
    return static


def kept_rows(rows: Sequence[Covariates], ends: pd.Index, ids: list) -> Covariates | None:
    """Rows of encoded covariates that follow the series, if any, of the first that has them.

    Parameters
    ----------
    rows : sequence of Covariates
        Encoded.
    ends : Index
        The last time stamp of each series.
    ids : list
        Label of each series.

    Raises
    ------
    ValueError
        If some of them have ids and some have none.
    """
    found, ids_of = [], []
    for one in rows:
        if one.labels is None:
            after = np.asarray(one.times > ends.min())
        else:
            series = pd.Index(ids).get_indexer(one.labels)
            after = np.asarray(one.times > ends[series]) & (series >= 0)
        labels = None if one.labels is None else one.labels[after]
        if after.any():
            found.append(one.frame[after].assign(_time=one.times[after], _label=labels))
            ids_of.append("no ids" if labels is None else "ids")
    if not found:
        return None
    if len(set(ids_of)) > 1:
        raise ValueError(
            f"The rows of X that follow y have {ids_of[0]}, and those given before have "
            f"{ids_of[1]}. Give all in one form."
        )
    whole = pd.concat(found).drop_duplicates(["_label", "_time"]).reset_index(drop=True)
    times, labels = (pd.Index(whole.pop(column)) for column in ("_time", "_label"))
    return Covariates(whole, times, labels if "ids" in ids_of else None, "X")


def _place(row, indexes, ids):
    """Time stamp and series of a row, as messages have them."""
    ends = np.cumsum([len(index) for index in indexes])
    series = int(ends.searchsorted(row, side="right"))
    index = indexes[series]
    of = "" if ids[series] is None else f" of {Location('y', ids[series])}"
    return format_time(index[row - ends[series] + len(index)]), of


def _rows_of(static, ids):
    """Rows of static values by series."""
    if ids == [None]:
        if len(static) != 1:
            raise ValueError(f"static has {len(static)} rows, and y is one Series. Give one row.")
        return static
    places = static.index.get_indexer(pd.Index(ids))
    if (places < 0).any():
        label = ids[int((places < 0).argmax())]
        raise ValueError(f"static has no row for series {label!r}. Give one for each series.")
    return static.iloc[places]


def _calendar_names(calendar, collection):
    names = (calendar,) if isinstance(calendar, str) else tuple(calendar)
    unknown = [name for name in names if name not in CALENDAR]
    if unknown:
        raise ValueError(f"calendar may name {', '.join(CALENDAR)}; got {unknown[0]!r}.")
    if names and collection.axes[0].frequency is None:
        raise ValueError(
            "calendar needs dates, and y has an index of whole numbers. Give y a DatetimeIndex or "
            "a PeriodIndex, or leave calendar out."
        )
    return names


def _days(holidays, collection):
    """Holidays as sorted days."""
    if holidays is None or len(holidays) == 0:
        return np.empty(0, "M8[D]")
    try:
        days = pd.DatetimeIndex(list(holidays)).tz_localize(None).to_numpy().astype("M8[D]")
    except (TypeError, ValueError) as error:
        raise ValueError(f"holidays must be dates such as '2024-12-25': {error}") from error
    step = collection.axes[0].frequency
    if step is None or _longer_than_a_day(step):
        raise ValueError(
            "holidays are days, and y has "
            + ("no dates." if step is None else f"the frequency {step.freqstr}.")
            + " Leave holidays out, or give the share of them in each step as a column of X."
        )
    return np.unique(days)


def _longer_than_a_day(step):
    stamps = pd.date_range("2024-01-01", periods=4, freq=step)
    return np.diff(stamps).min() > np.timedelta64(1, "D")  # business days leave out weekends
