"""Scaling of the series of a panel, and back."""

from __future__ import annotations

import dataclasses
import itertools
import warnings

import numpy as np

from tsrnn.data import Collection, Location, Panel, format_time
from tsrnn.estimators.constant import ROUNDING, is_constant
from tsrnn.forecasting.seasons import seasonal_profiles
from tsrnn.kernels import portable
from tsrnn.kernels.losses import find_loss
from tsrnn.parameters import user_level

MOST_DEVIATIONS = 1e15  # of a value: next to a larger one rounding loses a deviation
_MAX_SUMMED = 2**18  # values of series at a time, so that memory is bounded
_LARGEST = 1e300  # result: sums and differences of many are finite
_LOG_LARGEST = 690.7755278982137  # its logarithm, as a literal with the same bits everywhere


@dataclasses.dataclass(frozen=True)
class Scaling:
    """Scaling of each series: a logarithm, less a line, profiles and mean, over a deviation."""

    log: bool  # whether logarithms come first
    slope: np.ndarray  # (n_series,), per step
    mean: np.ndarray  # (n_series,), without the line
    deviation: np.ndarray  # (n_series,), of a typical window
    profiles: tuple[np.ndarray, ...] = ()  # each (n_series, season), by the steps of the series

    @classmethod
    def of(
        cls,
        panel: Panel,
        lookback: int,
        log: bool,
        slope: np.ndarray,
        profiles: tuple[np.ndarray, ...] = (),
    ) -> Scaling:
        """From all values of a panel; ``slope`` is (n_series,), ``profiles`` (n_series, season)."""
        values = _levelled(panel, log, slope, profiles)
        # Squares of values near 1 neither overflow nor underflow: exact, as a power of two.
        exponent = np.frexp(_reduced(np.maximum, panel, np.abs(values)))[1]
        values = np.ldexp(values, -np.repeat(exponent, panel.lengths))
        n = np.maximum(panel.lengths, 1)
        mean = _sums(panel, values) / n
        values -= np.repeat(mean, panel.lengths)
        level = _sums(panel, np.abs(portable.log(panel.values) if log else panel.values)) / n
        level = np.ldexp(level, -exponent)
        spread = np.sqrt(_sums(panel, values**2) / n)
        constant = is_constant(spread, level)
        values /= np.repeat(np.where(constant, 1.0, spread), panel.lengths)
        deviation = spread * typical_deviations(Panel(values, panel.indptr), lookback)
        # Outputs of a network for a constant series are noise: they are scaled to nearly nothing.
        smallest = np.where(level > 0, ROUNDING * level, 1.0)
        deviation = np.ldexp(np.where(constant, smallest, deviation), exponent)
        return cls(log, slope, np.ldexp(mean, exponent), np.maximum(deviation, 5e-324), profiles)

    def of_series(self, series: np.ndarray) -> Scaling:
        """The scaling of some series, by their numbers, which may repeat."""
        return dataclasses.replace(
            self,
            slope=self.slope[series],
            mean=self.mean[series],
            deviation=self.deviation[series],
            profiles=tuple(profile[series] for profile in self.profiles),
        )

    @property
    def seasons(self) -> tuple[int, ...]:
        """Steps of the seasons that profiles take out."""
        return tuple(profile.shape[1] for profile in self.profiles)

    @classmethod
    def of_level(cls, panel: Panel, is_whole: bool) -> Scaling:
        """Of values that are never negative: divided by their mean, or not if they are counts."""
        zeros, level = np.zeros(panel.n_series), np.ones(panel.n_series)
        if not is_whole:
            largest = _reduced(np.maximum, panel, panel.values)
            exponent = np.frexp(np.where(largest > 0, largest, 1.0))[1]
            values = np.ldexp(panel.values, -np.repeat(exponent, panel.lengths))
            mean = np.ldexp(_sums(panel, values) / np.maximum(panel.lengths, 1), exponent)
            level = np.where(mean > 0, mean, 1.0)
        return cls(False, zeros, zeros, level)

    def joined(self, other: Scaling) -> Scaling:
        """That of these series and others after them."""
        slope, mean, deviation = (
            np.concatenate([getattr(each, name) for each in (self, other)])
            for name in ("slope", "mean", "deviation")
        )
        profiles = zip(self.profiles, other.profiles, strict=True)
        joined = tuple(np.concatenate(pair) for pair in profiles)
        return Scaling(self.log, slope, mean, deviation, joined)

    def apply(self, panel: Panel, n_elapsed: np.ndarray | int = 0) -> np.ndarray:
        """Scaled values, (n_values,); ``n_elapsed`` values of each series came before the panel."""
        values = _levelled(panel, self.log, self.slope, self.profiles, n_elapsed)
        lengths = panel.lengths
        return (values - np.repeat(self.mean, lengths)) / np.repeat(self.deviation, lengths)

    def undo(self, scaled: np.ndarray, series: np.ndarray, firsts: np.ndarray) -> np.ndarray:
        """Unscaled (n, n_steps) values; row k has the steps of its series from ``firsts[k]`` on."""
        steps = firsts[:, None] + np.arange(scaled.shape[1])
        deviation, mean, slope = (
            part[series][:, None] for part in (self.deviation, self.mean, self.slope)
        )
        values = scaled * deviation + mean + slope * steps
        for profile in self.profiles:
            values += profile[series[:, None], steps % profile.shape[1]]
        if not self.log:
            return values
        if (values > _LOG_LARGEST).any():
            warnings.warn(
                f"Some results exceed {_LARGEST:g} and are set to it, as forecasts of logarithms "
                "are too uncertain. Fit with transform=None.",
                stacklevel=user_level(),
            )
        return portable.exp(np.minimum(values, _LOG_LARGEST))

    def scaled(self, values: np.ndarray, series: np.ndarray, firsts: np.ndarray) -> np.ndarray:
        """Scaled (n, n_steps, n_each) values; steps as of ``undo``, whose inverse it is."""
        steps = (firsts[:, None] + np.arange(values.shape[1]))[:, :, None]
        deviation, mean, slope = (
            part[series][:, None, None] for part in (self.deviation, self.mean, self.slope)
        )
        values = portable.log(values) if self.log else values
        for profile in self.profiles:
            values = values - profile[series[:, None, None], steps % profile.shape[1]]
        return (values - slope * steps - mean) / deviation

    def check_range(self, collection: Collection, n_elapsed: np.ndarray | int = 0) -> None:
        """Refuse values so large that the fitted deviation is below their rounding error.

        The error names the first. The unit of a series that was constant is its level.
        """
        panel, level = collection.panel, np.abs(self.mean)
        unit = np.where(self.deviation > 2 * ROUNDING * level, self.deviation, level)
        with np.errstate(over="ignore"):
            deviations = np.abs(self.apply(panel, n_elapsed))
            deviations *= np.repeat(self.deviation / unit, panel.lengths)
        if deviations.max() <= MOST_DEVIATIONS:
            return
        row = int(np.argmax(deviations > MOST_DEVIATIONS))
        series = int(np.searchsorted(panel.indptr, row, side="right")) - 1
        stamp = collection.axes[series].index[row - panel.indptr[series]]
        raise Location(series=collection.ids[series]).error(
            f"is {panel.values[row]:g} at {format_time(stamp)}, {deviations[row]:.2g} deviations "
            "from the mean of what was fitted",
            "Correct it, or fit again with the new values.",
            row=stamp,
        )


def _levelled(panel, log, slope, profiles=(), n_elapsed=0):
    """Values less their line and profiles, a copy."""
    values = portable.log(panel.values) if log else panel.values.copy()
    if slope.any() or profiles:
        steps = np.arange(values.size) - np.repeat(panel.indptr[:-1] - n_elapsed, panel.lengths)
        values -= np.repeat(slope, panel.lengths) * steps
    for profile in profiles:
        series = np.repeat(np.arange(panel.n_series), panel.lengths)
        values -= profile[series, steps % profile.shape[1]]
    return values


def _sums(panel, values):
    """Sum of each series, (n_series,)."""
    return _reduced(np.add, panel, values)


def _reduced(function, panel, values):
    """Values of each series reduced to one, (n_series,)."""
    # A value after the last is a segment of its own: reduceat takes no empty one at the end.
    return function.reduceat(np.append(values, 0.0), panel.indptr)[:-1] * (panel.lengths > 0)


def typical_deviations(panel: Panel, lookback: int) -> np.ndarray:
    """Root mean square of the deviations of a series' windows, (n_series,); 1 where it is 0.

    A series shorter than a window counts as one. Values are of about unit size.
    """
    lengths = panel.lengths
    typical = np.zeros(panel.n_series)
    # Series of one length at a time: sums over a whole panel would round by what comes before.
    order = np.argsort(lengths, kind="stable")
    for numbers in np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1):
        length = int(lengths[numbers[0]])
        if length == 0:
            continue
        for few in np.array_split(numbers, -(-numbers.size * length // _MAX_SUMMED)):
            rows = panel.values[panel.indptr[few][:, None] + np.arange(length)]
            first, second = (_window_sums(v, min(lookback, length)) for v in (rows, rows**2))
            size = min(lookback, length)
            variance = np.maximum(second / size - (first / size) ** 2, 0)
            typical[few] = np.sqrt(variance.mean(axis=1))
    return np.where(typical > 1e-7, typical, 1.0)


def _window_sums(rows, size):
    """Sums of all stretches of ``size`` values of each row."""
    sums = np.cumsum(np.pad(rows, ((0, 0), (1, 0))), axis=1)
    return sums[:, size:] - sums[:, :-size]


def recent_slope(values: np.ndarray, season: int) -> float:
    """Slope per step over the last three seasons, from the changes of values over a season.

    0 where there are not two seasons, or the mean change is below the deviation of the changes.
    """
    changes = (values[season:] - values[:-season])[-3 * season :]
    if changes.size < season:
        return 0.0
    exponent = np.frexp(np.abs(changes).max())[1]
    changes = np.ldexp(changes, -exponent)  # near 1, whose squares do not underflow
    if abs(changes.mean()) <= changes.std():
        return 0.0
    return float(np.ldexp(changes.mean() / season, exponent))


def scaling_of(
    panel: Panel,
    lookback: int,
    seasons: tuple[int, ...],
    transform: str | None,
    trend: bool,
    n_held_out: np.ndarray | None = None,
    *,
    loss: str,
) -> Scaling:
    """Scaling of each series, with what is to be taken out of it first.

    Its recent slope where there is a trend, and profiles of all ``seasons`` but the first: of the
    values before the held-out ones, (n_series,), whose errors would else look too small.
    """
    if find_loss(loss).is_positive:
        return Scaling.of_level(panel, find_loss(loss).is_whole)
    log, slope = transform == "log", np.zeros(panel.n_series)
    profiles = tuple(np.zeros((panel.n_series, season)) for season in seasons[1:])
    for k, (first, end) in enumerate(itertools.pairwise(panel.indptr)):
        if not (trend or profiles):
            break
        values = panel.values[first:end]
        values = portable.log(values) if log else values
        if trend:
            slope[k] = recent_slope(values, seasons[0])
        if n_held_out is not None:
            values = values[: values.size - n_held_out[k]]
        for profile, found in zip(profiles, seasonal_profiles(values, seasons), strict=True):
            profile[k] = found
    return Scaling.of(panel, lookback, log, slope, profiles)
