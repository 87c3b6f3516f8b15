"""Rows of many series: sorted, and held against one step that all share."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.axes import (
    TimeAxis,
    check_repeats,
    entries,
    grid,
    numbers_of,
    places_on,
    regular_axis,
    step_name,
    width_of,
)


def series_name(label: Hashable, name: str) -> str:
    """What messages call one series of several."""
    return f"Series {label!r} of {name}"


@dataclasses.dataclass(frozen=True, eq=False)
class Rows:
    """Time stamps of many series, one after another, each sorted.

    Attributes
    ----------
    index : DatetimeIndex, PeriodIndex or Index of integers
        Time stamps of all rows.
    indptr : (n_series + 1,) int64 array
        Series ``k`` has the rows from ``indptr[k]`` to ``indptr[k + 1]``; at least one.
    ids : list
        Label of each series.
    name : str
        What messages call the whole.
    """

    index: pd.Index
    indptr: np.ndarray
    ids: list
    name: str

    @classmethod
    def sort(
        cls, index: pd.Index, codes: np.ndarray, ids: list, name: str
    ) -> tuple[Rows, np.ndarray | slice]:
        """Rows, and the order that sorts them, from time stamps and each row's series."""
        numbers = numbers_of(index)
        steps = np.diff(codes)
        order = slice(None)
        if not ((steps > 0) | ((steps == 0) & (np.diff(numbers) >= 0))).all():
            order = np.lexsort((numbers, codes))
            index = index[order]
        indptr = np.cumsum([0, *np.bincount(codes)])
        return cls(index, indptr, ids, name), order

    def axes(self, remedy: str, step: Any = None) -> list[TimeAxis]:
        """Axes of all series, one object for those that are equal.

        Parameters
        ----------
        remedy : str
            What to do about a repeated time stamp.
        step : pandas offset or int, optional
            Of series that are too short to show one.

        Raises
        ------
        ValueError
            If a time stamp is repeated, missing or off the frequency, or series differ in it.
        """
        numbers = numbers_of(self.index)
        self._check_repeats(numbers, remedy)
        step = self._step(numbers, step)
        known, axes = {}, []
        for first, end in pairwise(self.indptr.tolist()):
            key = numbers[first], end - first
            if key not in known:
                # A copy, for a slice would keep the time stamps of all series in memory.
                own = self.index[first:end].copy(deep=True)
                known[key] = TimeAxis(entries(own, step), step)
            axes.append(known[key])
        return axes

    def _times(self, k):
        return self.index[self.indptr[k] : self.indptr[k + 1]]

    def _name(self, k):
        return series_name(self.ids[k], self.name)

    def _broken(self, steps_badly):
        """Series that have a bad step among those from row to row."""
        steps_badly[self.indptr[1:-1] - 1] = False  # from one series to the next
        return np.unique(self.indptr.searchsorted(np.flatnonzero(steps_badly), side="right") - 1)

    def _check_repeats(self, numbers, remedy):
        for k in self._broken(np.diff(numbers) == 0)[:1]:
            check_repeats(self._times(k), self._name(k), remedy)

    def _step(self, numbers, otherwise):
        """The step that leads through every series."""
        lengths = np.diff(self.indptr)
        k = int(lengths.argmax())
        if otherwise is None and lengths[k] < 3 and isinstance(self.index, pd.DatetimeIndex):
            raise ValueError(
                f"{self._name(k)} has {lengths[k]} time stamps, and no other has more: too few to "
                "show a frequency. Give at least three of one series."
            )
        step = regular_axis(self._times(k), self._name(k), otherwise).step
        tried, misfits = {k: step}, self._misfits(numbers, step)
        while misfits.size:
            k = int(misfits[lengths[misfits].argmax()])
            own = regular_axis(self._times(k), self._name(k), otherwise=step).step
            if own == step:  # alone it fits: it began with the later of two equal wall times
                misfits = misfits[misfits != k]
                continue
            if own in tried.values():
                other = next(j for j, known in tried.items() if known == step)
                self._refuse_mixture(dict(sorted({other: step, k: own}.items())))
            # Five days may show "every day" where more show "every business day".
            step = tried[k] = own
            misfits = self._misfits(numbers, step)
        return step

    def _refuse_mixture(self, steps):
        first, second = (
            f"{self._name(k)} has {step_name(step, self.index)}" for k, step in steps.items()
        )
        raise ValueError(
            f"{first}, but {second}. Bring all to one, for instance by y.resample, or take them "
            "apart."
        )

    def _misfits(self, numbers, step):
        """Series that the step does not lead through."""
        width = width_of(self.index, step)
        if width is not None:
            return self._broken(np.diff(numbers) != width)
        places = self._places(numbers, step)
        lost = np.flatnonzero(places[self.indptr[:-1]] < 0)
        return np.union1d(lost, self._broken(np.diff(places) != 1))

    def _places(self, numbers, step):
        """Place of each row on a grid of the calendar that begins no later than its series; or -1.

        One grid serves all series that begin on it: for most frequencies, all there are.
        """
        starts, ends = self.indptr[:-1], self.indptr[1:] - 1
        places = np.full(numbers.size, -1)
        left = np.arange(starts.size)
        while left.size:
            first = starts[left[numbers[starts[left]].argmin()]]
            last = ends[left[numbers[ends[left]].argmax()]]
            line = grid(self.index[first], step, self.index.unit, end=self.index[last])
            firsts = numbers[starts[left]]
            # An entry off the calendar is not even on the grid that it begins.
            here = np.isin(firsts, line.asi8) | (firsts == numbers[first])
            held = np.zeros(starts.size, dtype=bool)
            held[left[here]] = True
            rows = np.repeat(held, np.diff(self.indptr))
            places[rows] = places_on(line, numbers[rows])
            left = left[~here]
        return places
