"""The regular grid that is nearest to irregular time stamps, and the code that moves them to it."""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tsrnn.data.frequency import inferred_step, positions_of

# Multiples of units that clocks and calendars use.
_SIXTIETHS = (1, 2, 5, 10, 15, 20, 30, 45)
_USUAL = {
    "ms": (1, 10, 100),
    "s": _SIXTIETHS,
    "min": _SIXTIETHS,
    "h": (1, 2, 3, 4, 6, 12),
    "D": (1,),
}
_UNITS = {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "D": 86_400.0}  # in seconds
_WEEKS = [f"W-{day}" for day in ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")]
# Periods and grids to try where a typical step is of so many days.
_CALENDARS: dict[tuple[int, int], tuple[list[str], list[str]]] = {
    (5, 9): (_WEEKS, []),
    (11, 19): ([], ["SMS", "SME"]),
    (24, 36): (["M"], ["MS", "ME"]),
    (75, 110): (["Q"], ["QS", "QE"]),
    (300, 430): (["Y"], ["YS", "YE"]),
}


class NearestGrid(NamedTuple):
    """A regular grid near irregular time stamps."""

    frequency: str  # alias of pandas
    off: pd.DatetimeIndex  # time stamps that are not on it
    code: str  # Python that moves the time stamps "{}" to it
    repeats: bool  # whether several are then equal
    gaps: bool  # whether some of the grid are then missing
    are_periods: bool  # whether they are then periods


class _Move(NamedTuple):
    """A way to move time stamps to a grid, and the code of it."""

    apply: Callable[[pd.DatetimeIndex], Any]
    code: str


def nearest_grid(index: pd.DatetimeIndex) -> NearestGrid | None:
    """The grid to which sorted, distinct time stamps can be moved with fewest gaps and repeats.

    None where there is no such grid, or fewer than three time stamps.
    """
    best, least = None, (np.inf,) * 3
    for move in _moves(index) if len(index) > 2 else ():
        try:
            moved = move.apply(index)
        except ValueError:  # a time of day that a change of clocks skips, or too fine a unit
            continue
        distinct = moved.unique()
        step = inferred_step(distinct) if len(distinct) > 2 else None
        positions = positions_of(distinct, step)
        if step is None or positions.min() < 0:
            continue
        n_gaps, n_repeats = int(positions[-1]) + 1 - len(distinct), len(index) - len(distinct)
        are_periods = isinstance(moved, pd.PeriodIndex)
        on_grid = moved.to_timestamp() if are_periods else moved
        zone = on_grid.tz or None
        local = index if zone is not None else index.tz_localize(None)
        is_off = np.asarray(local != on_grid)
        shift = float(np.abs(np.asarray((local - on_grid) / pd.Timedelta(seconds=1))).sum())
        cost = float(n_gaps + n_repeats), float(is_off.sum()), shift
        if cost < least:
            least = cost
            name = distinct.freqstr if are_periods else step.freqstr
            best = NearestGrid(
                name, index[is_off], move.code, n_repeats > 0, n_gaps > 0, are_periods
            )
    return best


def _moves(index: pd.DatetimeIndex) -> Iterator[_Move]:
    """Ways to move time stamps to grids of about their typical distance."""
    seconds = float(np.median(np.diff(index)) / np.timedelta64(1, "ns")) / 1e9
    for alias in _fixed_frequencies(seconds):
        for method in ("round", "floor"):
            yield _fixed_move(index.tz, method, alias)
    local = "{}" if index.tz is None else "{}.tz_localize(None)"
    days = seconds / _UNITS["D"]
    for (least, most), (periods, grids) in _CALENDARS.items():
        if least <= days <= most:
            for alias in periods:
                code = f"{local}.to_period({alias!r})"
                yield _Move(functools.partial(_to_period, alias=alias), code)
            for alias in grids:
                yield _calendar_move(index, alias, local)


def _to_period(index, alias):
    return index.tz_localize(None).to_period(alias)


def _fixed_frequencies(seconds):
    """Aliases of steps of constant width, each once: multiples of units, and usual ones."""
    # Months whose time stamps are off by hours alone are best told by whole days.
    widths = {_UNITS[unit]: unit for unit in ("h", "D") if seconds > _UNITS[unit]}
    for unit, width in _UNITS.items():
        multiples = [round(seconds / width)] if 0.95 < seconds / width < 120 else []
        usual = [n for n in _USUAL.get(unit, ()) if 2 / 3 < n * width / seconds < 1.5]
        for n in multiples + usual:
            widths[n * width] = f"{n}{unit}" if n > 1 else unit  # the coarsest unit comes last
    return list(widths.values())


def _fixed_move(zone, method, alias):
    """Rounding to a constant width; of days by local time, of less in UTC."""
    there = back = ""
    if zone is not None and alias.endswith("D"):
        there, back = ".tz_localize(None)", f".tz_localize({str(zone)!r})"
    elif zone is not None:
        there, back = ".tz_convert('UTC')", f".tz_convert({str(zone)!r})"

    def apply(index):
        if zone is None:
            return getattr(index, method)(alias)
        if alias.endswith("D"):
            return getattr(index.tz_localize(None), method)(alias).tz_localize(zone)
        return getattr(index.tz_convert("UTC"), method)(alias).tz_convert(zone)

    return _Move(apply, f"{{}}{there}.{method}({alias!r}){back}")


def _calendar_move(index, alias, local):
    """The nearest of a calendar's dates."""
    margin = pd.Timedelta(days=370)
    first, last = ((stamp.tz_localize(None)).normalize() for stamp in index[[0, -1]])
    grid = pd.date_range(first - margin, last + margin, freq=alias)
    near = grid[grid.get_indexer(index.tz_localize(None)[[0, -1]], method="nearest")]
    grid = grid[(grid >= near[0]) & (grid <= near[1])]
    bounds = f"{str(grid[0].date())!r}, {str(grid[-1].date())!r}"
    code = f"(grid := pd.date_range({bounds}, freq={alias!r}))[grid.get_indexer({local}, "

    def apply(stamps):
        return grid[grid.get_indexer(stamps.tz_localize(None), method="nearest")]

    return _Move(apply, code + "method='nearest')]")
