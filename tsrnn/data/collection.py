"""Collections: series of one frequency with their labels and time axes."""

import dataclasses
from typing import Any, Self

import numpy as np
import pandas as pd

from tsrnn.data.errors import Location, MissingRowsError, listed
from tsrnn.data.forms import Form, Results
from tsrnn.data.gaps import seasonally_filled
from tsrnn.data.headers import difference_of_types
from tsrnn.data.panel import Panel
from tsrnn.data.time_axis import TimeAxis, format_time, kind_error


@dataclasses.dataclass(frozen=True, eq=False)
class Collection:
    """Series of one frequency: values, labels, time axes, and the form they came in."""

    panel: Panel  # values of all series end to end
    ids: list  # label of each series; None for a single Series
    axes: list[TimeAxis]  # of each series, with one step; equal ones share an object
    form: Form  # that of the series, in which results are given back
    observed: np.ndarray | None = None  # (n_values,) bool; others carry the last value forward
    covariates: np.ndarray | None = None  # encoded, (n_values, n_channels)

    def after(self, horizon: int, results: Results) -> Any:
        """Results (n_series, horizon) for what follows each series, in the form that these came in.

        An array goes on with the values and takes their name; a dict gives a frame of its columns.
        """
        return self.form.after(self.ids, self.axes, horizon, results)

    def within(self, values: np.ndarray) -> Any:
        """Values (n_values,) for the steps of the series themselves, in the form they came in."""
        return self.form.within(self.ids, self.axes, values)

    def filled(self, season: int) -> Self:
        """The same with missing values replaced by the last one of their season."""
        if self.observed is None:
            return self
        panel = self.panel
        values = seasonally_filled(panel.values, self.observed, panel.indptr, season)
        return dataclasses.replace(self, panel=Panel(values, panel.indptr))

    def windows(self, lookback: int, horizon: int) -> np.ndarray:
        """Sorted starts of all windows with an observed value among their last ``horizon``."""
        starts = self.panel.window_starts(lookback, horizon)
        if self.observed is None:
            return starts
        n_observed = np.concatenate([[0], np.cumsum(self.observed)])  # before each value
        presents = starts + lookback
        return starts[n_observed[presents + horizon] > n_observed[presents]]

    def going_on(self, ended_after: int | None) -> np.ndarray:
        """Numbers of the series that have not ended, (n,).

        One has ended if the last observed value of all series comes more than ``ended_after`` steps
        after its own; with None all go on.
        """
        numbers = np.arange(len(self.ids))
        if ended_after is None or len(numbers) == 1:
            return numbers
        lasts = self.last_stamps
        axis_of = dict(zip(lasts, self.axes, strict=True))  # one for each distinct end
        n_after = {last: len(axis.until(lasts.max())) for last, axis in axis_of.items()}
        n_behind = np.array([n_after[last] for last in lasts])
        if self.observed is not None:
            places = np.where(self.observed, np.arange(self.observed.size), -1)
            last_observed = np.maximum.reduceat(places, self.panel.indptr[:-1])
            n_behind += self.panel.indptr[1:] - 1 - last_observed
        return numbers[n_behind - n_behind.min() <= ended_after]

    @property
    def is_observed(self) -> np.ndarray:
        """Which values were observed, (n_values,), as an array also where all were."""
        return np.ones(self.panel.values.size, bool) if self.observed is None else self.observed

    @property
    def targets(self) -> np.ndarray:
        """The values, NaN where they are missing."""
        values = self.panel.values
        return values if self.observed is None else np.where(self.observed, values, np.nan)

    @property
    def last_stamps(self) -> pd.Index:
        """The last time stamp of each series."""
        lasts = [axis.index[-1:] for axis in self.axes]
        return lasts[0].append(lasts[1:])


def extended(
    known: Collection, following: Collection, *, every: bool = True, argument: str = "y"
) -> Collection:
    """The known series with the values that follow each (or not ``every``) one appended.

    Refuses other series, and values that do not continue where the known ones end.
    """
    numbers = {label: k for k, label in enumerate(following.ids)}
    known_ids = set(known.ids)
    unmatched = [label for label in following.ids if label not in known_ids]
    unmatched += [label for label in known.ids if every and label not in numbers]
    if unmatched:
        n = "" if len(unmatched) == 1 else f"{len(unmatched)} are in only one of the two: "
        only = "" if n else " is in only one of the two"
        raise Location(argument).error(
            f"must go on with the series that were fitted, and {n}{listed(unmatched)}{only}",
            difference_of_types(following.ids, known.ids)
            or "Give the same series, or predict others by predict(y=...).",
        )
    parts, axes, longer = [], [], {}
    for k, (label, axis) in enumerate(zip(known.ids, known.axes, strict=True)):
        parts.append((0, *known.panel.indptr[k : k + 2]))
        if label in numbers:
            number = numbers[label]
            parts.append((1, *following.panel.indptr[number : number + 2]))
            key = id(axis), id(following.axes[number])
            if key not in longer:
                where = Location(argument, label)
                longer[key] = _extended_axis(axis, following.axes[number], where)
            axis = longer[key]
        axes.append(axis)

    def interleave(*arrays):
        return np.concatenate([arrays[source][first:end] for source, first, end in parts])

    observed = covariates = None
    if known.observed is not None or following.observed is not None:
        observed = interleave(known.is_observed, following.is_observed)
    if known.covariates is not None:
        covariates = interleave(known.covariates, following.covariates)
    indptr = np.cumsum([0, *(len(axis.index) for axis in axes)])
    panel = Panel(interleave(known.panel.values, following.panel.values), indptr)
    return Collection(panel, known.ids, axes, known.form, observed, covariates)


def with_gap_marked(known: Collection, following: Collection) -> Collection:
    """``following`` with the entries that it skips after the known series added as missing.

    Series that do not follow stay as they are, for ``extended`` to refuse.
    """
    number_of = {label: k for k, label in enumerate(known.ids)}
    numbers = [number_of.get(label, 0) for label in following.ids]
    longer, axes, gaps = {}, [], []
    for number, axis in zip(numbers, following.axes, strict=True):
        key = id(known.axes[number]), id(axis)
        if key not in longer:
            longer[key] = _with_entries_between(known.axes[number], axis)
        longer_axis, n_between = longer[key]
        axes.append(longer_axis)
        gaps.append(n_between)
    if not any(gaps):
        return following
    panel, lasts = following.panel, known.panel.values[known.panel.indptr[1:][numbers] - 1]
    positions = np.repeat(panel.indptr[:-1], gaps)
    values = np.insert(panel.values, positions, np.repeat(lasts, gaps))
    observed = np.insert(following.is_observed, positions, False)
    panel = Panel(values, panel.indptr + np.cumsum([0, *gaps]))
    return dataclasses.replace(following, panel=panel, axes=axes, observed=observed)


def slice_series(collection: Collection, starts: np.ndarray, ends: np.ndarray) -> Collection:
    """Each series from value ``starts[k]`` up to ``ends[k]``, (n_series,) int arrays."""
    panel, bounds = collection.panel, list(zip(starts.tolist(), ends.tolist(), strict=True))
    parts = [slice(k + i, k + j) for k, (i, j) in zip(panel.indptr.tolist(), bounds, strict=False)]

    def select(array):
        return None if array is None else np.concatenate([array[part] for part in parts])

    distinct, axes = {}, []
    for axis, (start, end) in zip(collection.axes, bounds, strict=True):
        key = id(axis), start, end
        if key not in distinct:
            distinct[key] = TimeAxis(axis.index[start:end], axis.step)
        axes.append(distinct[key])
    return dataclasses.replace(
        collection,
        panel=Panel(select(panel.values), np.cumsum([0, *(ends - starts)])),
        axes=axes,
        observed=select(collection.observed),
        covariates=select(collection.covariates),
    )


def take_series(collection: Collection, numbers: np.ndarray) -> Collection:
    """Some of the series, by their numbers (n,), which rise."""
    if len(numbers) == len(collection.ids):
        return collection
    panel = collection.panel
    lengths = panel.lengths[numbers]
    indptr = np.cumsum([0, *lengths])
    rows = np.arange(indptr[-1]) + np.repeat(panel.indptr[numbers] - indptr[:-1], lengths)
    observed, covariates = collection.observed, collection.covariates
    ids = [collection.ids[k] for k in numbers]
    return Collection(
        panel=Panel(panel.values[rows], indptr),
        ids=ids,
        axes=[collection.axes[k] for k in numbers],
        form=collection.form.with_series(ids),
        observed=None if observed is None else observed[rows],
        covariates=None if covariates is None else covariates[rows],
    )


def _with_entries_between(axis, following):
    """``following`` with the entries between the end of ``axis`` and it, and their number."""
    if _continues(axis, following):
        return following, 0
    first = following.index[0]
    try:
        between = axis.until(first)
    except (TypeError, ValueError):  # time stamps of another kind
        return following, 0
    if not len(between) or between[-1] != first:
        return following, 0
    index = between[:-1].append(following.index.astype(between.dtype))  # of the same zone and unit
    return TimeAxis(index, axis.step), len(between) - 1


def _extended_axis(axis, following, where):
    """An axis with the entries of another that follow it, if they do."""
    new = following.index
    if _continues(axis, following):  # no need to ask the calendar
        return TimeAxis(axis.index.append(new), axis.step)
    expected = axis.after(len(new))
    lack_zone = [getattr(index, "tz", None) is None for index in (expected, new)]
    if type(expected) is not type(new) or lack_zone[0] != lack_zone[1]:
        raise kind_error(where, new, expected)
    differs = np.asarray(expected != new)
    if differs.any():
        row = int(differs.argmax())
        follows = f"{format_time(expected[row])} follows what was fitted"
        problem = f"has {format_time(new[row])} where {follows}"
        if new[row] < expected[row]:
            last = format_time(axis.index[-1])
            remedy = f"Give the rows after {last} alone."
            if row == 0 and new[0] <= axis.index[-1]:
                remedy += " (update(..., overwrite=True) corrects those before.)"
            raise where.error(problem, remedy, new[row])
        between = axis.until(new[row])
        raise where.error(
            problem,
            "Give all rows that follow, without a gap, or fit with missing='mask'. (With a "
            "TimeSeriesSplit: gap=0.)",
            new[row],
            MissingRowsError,
            first=expected[row],
            last=between[between < new[row]][-1],
        )
    return TimeAxis(axis.index.append(expected), axis.step)


def _continues(axis, following):
    """Whether ``following`` is known without a calendar to continue an axis without time zone."""
    first, second = axis.index, following.index
    if type(first) is not type(second):
        return False
    if getattr(first, "tz", None) or getattr(second, "tz", None):
        return False
    same_step = axis.step == following.step and not isinstance(axis.step, int)
    return (len(second) == 1 or same_step) and bool(first[-1] + axis.step == second[0])
