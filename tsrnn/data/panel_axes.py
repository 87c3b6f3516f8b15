"""Time axes of many series: their rows sorted, and one step that leads through all of them."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.errors import (
    IrregularTimesError,
    Location,
    MissingDataError,
    RepeatedTimesError,
    affected,
)
from tsrnn.data.frequency import calendar_grid, grid_positions, step_width, time_numbers
from tsrnn.data.time_axis import TimeAxis, check_unique, format_step, regular_axis, regular_index


@dataclasses.dataclass(frozen=True, eq=False)
class PanelTimes:
    """Time stamps of many series, one after another, each sorted."""

    index: pd.Index  # time stamps of all rows
    indptr: np.ndarray  # series ``k`` has the rows ``indptr[k]:indptr[k + 1]``, at least one
    ids: list  # label of each series
    argument: str  # its name, for error messages

    @classmethod
    def sort(
        cls, index: pd.Index, codes: np.ndarray, ids: list, argument: str
    ) -> tuple[PanelTimes, np.ndarray | slice]:
        """Sorted times, and the row order that sorts them, from each row's time and series."""
        numbers = time_numbers(index)
        steps = np.diff(codes)
        order: np.ndarray | slice = slice(None)
        if not ((steps > 0) | ((steps == 0) & (np.diff(numbers) >= 0))).all():
            order = np.lexsort((numbers, codes))
            index = index[order]
        indptr = np.cumsum([0, *np.bincount(codes)])
        return cls(index, indptr, ids, argument), order

    def axes(self, step: Any = None) -> list[TimeAxis]:
        """Axes of all series, equal ones shared; ``step`` is for series too short to show one."""
        numbers = time_numbers(self.index)
        self._check_unique(numbers)
        step = self._common_step(numbers, step)
        distinct, axes = {}, []
        for first, end in pairwise(self.indptr.tolist()):
            key = numbers[first], end - first
            if key not in distinct:
                # A copy, for a slice would keep the time stamps of all series in memory.
                index = self.index[first:end].copy(deep=True)
                distinct[key] = TimeAxis(regular_index(index, step), step)
            axes.append(distinct[key])
        return axes

    def _times(self, k):
        return self.index[self.indptr[k] : self.indptr[k + 1]]

    def _location(self, k):
        return Location(self.argument, self.ids[k])

    def _series_with(self, bad_differences):
        """Series in which a difference between neighbouring rows is bad, as sorted numbers."""
        bad_differences[self.indptr[1:-1] - 1] = False  # from one series to the next
        rows = np.flatnonzero(bad_differences)
        return np.unique(self.indptr.searchsorted(rows, side="right") - 1)

    def _check_unique(self, numbers):
        repeated = self._series_with(np.diff(numbers) == 0)
        if repeated.size:
            try:
                check_unique(self._times(repeated[0]), self._location(repeated[0]))
            except RepeatedTimesError as error:
                error.problem += self._affected(repeated)
                raise

    def _affected(self, series):
        return affected([self.ids[k] for k in series])

    def _step_of(self, k, numbers, fallback):
        """The step of one series; an error lists the others that have the same problem."""
        try:
            return regular_axis(self._times(k), self._location(k), fallback).step
        except (MissingDataError, IrregularTimesError) as error:
            if error.step is not None:
                error.problem += self._affected(self._misfits(numbers, error.step))
            raise

    def _common_step(self, numbers, fallback):
        """The step that leads through every series."""
        lengths = np.diff(self.indptr)
        k = int(lengths.argmax())
        if fallback is None and lengths[k] < 3 and isinstance(self.index, pd.DatetimeIndex):
            raise self._location(k).error(
                f"has {lengths[k]} time stamps, and no other has more: too few to show a frequency",
                "Give at least three of one series.",
            )
        step = self._step_of(k, numbers, fallback)
        tried, misfits = {k: step}, self._misfits(numbers, step)
        while misfits.size:
            k = int(misfits[lengths[misfits].argmax()])
            series_step = self._step_of(k, numbers, step)
            if series_step == step:  # it fits alone: it began with the later of two equal times
                misfits = misfits[misfits != k]
                continue
            if series_step in tried.values():
                other = next(j for j, tried_step in tried.items() if tried_step == step)
                self._refuse_mixture(dict(sorted({other: step, k: series_step}.items())))
            # Five days may show "every day" where more show "every business day".
            step = tried[k] = series_step
            misfits = self._misfits(numbers, step)
        return step

    def _refuse_mixture(self, steps):
        (first, first_step), (second, second_step) = steps.items()
        raise self._location(first).error(
            f"has {format_step(first_step, self.index)}, but {self._location(second)} has "
            f"{format_step(second_step, self.index)}",
            "Fit them separately, or bring all to one.",
            kind=IrregularTimesError,
            methods=coarser_methods(self.index, first_step, second_step),
        )

    def _misfits(self, numbers, step):
        """Series that the step does not lead through."""
        width = step_width(self.index, step)
        if width is not None:
            return self._series_with(np.diff(numbers) != width)
        positions = self._calendar_positions(numbers, step)
        off_grid = np.flatnonzero(positions[self.indptr[:-1]] < 0)
        return np.union1d(off_grid, self._series_with(np.diff(positions) != 1))

    def _calendar_positions(self, numbers, step):
        """Position of each row on a calendar grid that begins no later than its series; or -1.

        One grid serves all series that begin on it: for most frequencies, all there are.
        """
        starts, ends = self.indptr[:-1], self.indptr[1:] - 1
        positions = np.full(numbers.size, -1)
        left = np.arange(starts.size)
        while left.size:
            first = starts[left[numbers[starts[left]].argmin()]]
            last = ends[left[numbers[ends[left]].argmax()]]
            grid = calendar_grid(self.index[first], step, self.index.unit, end=self.index[last])
            firsts = numbers[starts[left]]
            # An entry off the calendar is not even on the grid that begins with it.
            on_grid = np.isin(firsts, grid.asi8) | (firsts == numbers[first])
            covered = np.zeros(starts.size, dtype=bool)
            covered[left[on_grid]] = True
            rows = np.repeat(covered, np.diff(self.indptr))
            positions[rows] = grid_positions(grid, numbers[rows])
            left = left[~on_grid]
        return positions


def coarser_methods(index: pd.Index, *steps: Any) -> str:
    """Methods of pandas that bring series to the coarser of some steps, for messages."""
    if not isinstance(index, pd.DatetimeIndex):
        return ""
    coarser = max(steps, key=lambda step: index[0] + 100 * step)
    return f".resample({coarser.freqstr!r}).mean()"
