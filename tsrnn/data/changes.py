"""Panels that change: series that are added, and known values that are corrected."""

import dataclasses

import numpy as np
import pandas as pd

from tsrnn.data.collection import Collection, slice_series, take_series
from tsrnn.data.errors import Location
from tsrnn.data.panel import Panel
from tsrnn.data.time_axis import TimeAxis, format_step, format_time, kind_error


def joined(known: Collection, added: Collection, argument: str = "y") -> Collection:
    """The known series and others after them, whose time stamps must be of the same kind."""
    index, axes = known.axes[0].index, []
    zone = getattr(index, "tz", None)
    for label, axis in zip(added.ids, added.axes, strict=True):
        other, step = axis.index, known.axes[0].step
        if axis.step != step and isinstance(step, int):
            raise Location(argument, label).error(
                f"has {format_step(axis.step, other)}, and those fitted have "
                f"{format_step(step, index)}",
                "Bring it to that.",
            )
        if type(other) is not type(index) or (getattr(other, "tz", None) is None) != (zone is None):
            raise kind_error(Location(argument, label), other, index)
        is_date = isinstance(index, pd.DatetimeIndex)
        same = other.as_unit(index.unit) if is_date else other
        axes.append(TimeAxis(same if zone is None else same.tz_convert(zone), axis.step))
    ids = [*known.ids, *added.ids]
    observed = covariates = None
    if known.observed is not None or added.observed is not None:
        observed = np.concatenate([known.is_observed, added.is_observed])
    if known.covariates is not None:
        covariates = np.concatenate([known.covariates, added.covariates])
    values = np.concatenate([known.panel.values, added.panel.values])
    indptr = np.concatenate([known.panel.indptr, known.panel.indptr[-1] + added.panel.indptr[1:]])
    form = known.form.with_series(ids)
    return Collection(Panel(values, indptr), ids, known.axes + axes, form, observed, covariates)


def split_known(known: Collection, new: Collection) -> tuple[Collection | None, Collection | None]:
    """The series of ``new`` that are known, and those that are not; None for none."""
    known_ids = set(known.ids)
    is_known = np.array([label in known_ids for label in new.ids])
    parts = [np.flatnonzero(is_known), np.flatnonzero(~is_known)]
    following, added = (take_series(new, part) if part.size else None for part in parts)
    return following, added


def overwritten(
    known: Collection, new: Collection, argument: str = "y"
) -> tuple[Collection, Collection | None]:
    """The known series with the observed values of ``new`` in place of theirs, and what follows.

    All series of ``new`` are known. Rows before the known ones are left out.
    """
    number_of = {label: k for k, label in enumerate(known.ids)}
    values, observed = known.panel.values.copy(), known.is_observed.copy()
    starts = np.zeros(len(new.ids), int)
    for k, (label, axis) in enumerate(zip(new.ids, new.axes, strict=True)):
        number = number_of[label]
        index, where = known.axes[number].index, Location(argument, label)
        zones = [getattr(each, "tz", None) is None for each in (index, axis.index)]
        if type(index) is not type(axis.index) or zones[0] != zones[1]:
            raise kind_error(where, axis.index, index)
        starts[k] = axis.index.searchsorted(index[-1], side="right")
        first = axis.index.searchsorted(index[0])
        corrected = np.arange(first, starts[k])
        places = index.get_indexer(axis.index[first : starts[k]])
        if (places < 0).any():
            stamp = axis.index[corrected[places < 0][0]]
            raise where.error(
                f"has {format_time(stamp)}, which is none of the time stamps that were fitted",
                "Give the rows to correct with the time stamps that they had.",
                row=stamp,
            )
        rows = new.panel.indptr[k] + corrected
        places += known.panel.indptr[number]
        is_given = new.is_observed[rows]
        values[places[is_given]] = new.panel.values[rows[is_given]]
        observed[places[is_given]] = True
    panel = Panel(values, known.panel.indptr)
    kept = None if known.observed is None else observed
    following = slice_series(new, starts, new.panel.lengths)
    numbers = np.flatnonzero(following.panel.lengths)
    rest = take_series(following, numbers) if numbers.size else None
    return dataclasses.replace(known, panel=panel, observed=kept), rest
