"""Several seasons of a series: which one forecasts start from, and what becomes of longer ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

_MIN_SEASONS = 4  # that a series holds, for a profile of the season
_MIN_AVERAGED = 2  # values of each phase


@dataclasses.dataclass(frozen=True)
class Seasons:
    """The seasons of a forecaster's parameter ``season``, in steps.

    Forecasts start from the shortest whole one. Longer ones are taken out of series first, if they
    are whole and the typical series holds them often enough; of others the network reads the phase.
    """

    base: int | Literal["auto"]
    profiles: tuple[int, ...] = ()
    fourier: tuple[float, ...] = ()

    @classmethod
    def of(cls, season: Any, lengths: np.ndarray) -> Seasons:
        """The seasons of a parameter, for series of these lengths, (n_series,)."""
        base, longer = base_and_longer(season)
        most = float(np.median(lengths)) / _MIN_SEASONS
        profiles = [n_steps for n_steps in longer if n_steps.is_integer() and n_steps <= most]
        fourier = tuple(n_steps for n_steps in longer if n_steps not in profiles)
        return cls(base, tuple(map(int, profiles)), fourier)


def base_and_longer(season: Any) -> tuple[int | Literal["auto"], tuple[float, ...]]:
    """The shortest whole season of a parameter, 1 if none is whole, and the others, sorted."""
    if isinstance(season, str):
        return "auto", ()
    seasons = sorted({float(n_steps) for n_steps in np.atleast_1d(season)} - {1.0})
    base = next((n_steps for n_steps in seasons if n_steps.is_integer()), 1.0)
    return int(base), tuple(n_steps for n_steps in seasons if n_steps != base)


def seasonal_profiles(values: np.ndarray, seasons: Sequence[int]) -> list[np.ndarray]:
    """Pattern of each season but the first, the shortest, by phase, (season,) each.

    Classical decomposition, from the shorter to the longer: the median by phase of the values less
    their centred moving average over a season. The pattern of the shortest season, which a multiple
    of it repeats, is taken out with it: a network then reads how the last values differ from those
    that are usual. Both parts are shrunk by the share of their variance that chance explains:
    nothing is taken out where there is no season.
    """
    profiles = []
    exponent = np.frexp(np.abs(values).max(initial=0))[1]
    values = np.ldexp(values, -exponent)  # near 1, whose squares do not overflow
    for season in seasons[1:]:
        profile = _profile(values, season, seasons[0])
        profiles.append(np.ldexp(profile, exponent))
        values = values - profile[np.arange(values.size) % season]
    return profiles


def _profile(values, season, shortest):
    n_lost = season // 2  # at either end, without a moving average
    phases = (np.arange(values.size - 2 * n_lost) + n_lost) % season
    n_averaged = (values.size - 2 * n_lost) // season
    if n_averaged < _MIN_AVERAGED:
        if season == shortest or season % shortest:
            return np.zeros(season)
        return np.tile(_profile(values, shortest, shortest), season // shortest)
    values = values - values.mean()  # of a high level running sums would lose the last digits
    sums = np.cumsum(np.concatenate([[0.0], values]))
    means = (sums[season:] - sums[:-season]) / season
    if season % 2 == 0:  # two of them, which begin half a season before and a step later
        means = (means[:-1] + means[1:]) / 2
    rest = values[n_lost : values.size - n_lost] - means
    rest, phases = rest[-n_averaged * season :], phases[-n_averaged * season :]
    by_phase = np.empty((n_averaged, season))
    by_phase[:, phases[:season]] = rest.reshape(n_averaged, season)
    profile = np.median(by_phase, axis=0)
    profile -= profile.mean()
    by_chance = _variance_of_median(by_phase).mean()
    if season % shortest:
        return _shrunk(profile, by_chance)
    n_repeats = season // shortest
    repeated = np.tile(profile.reshape(n_repeats, shortest).mean(axis=0), n_repeats)
    return _shrunk(repeated, by_chance / n_repeats) + _shrunk(profile - repeated, by_chance)


def _shrunk(pattern, by_chance):
    """A pattern of mean 0, without the share of its variance that chance explains."""
    explained = np.mean(pattern**2)
    return pattern * max(0.0, 1 - by_chance / explained) if explained > 0 else pattern


def _variance_of_median(values):
    """About the variance of the median of each column of normal values, which outliers spare."""
    n = len(values)
    deviation = 1.4826 * np.median(np.abs(values - np.median(values, axis=0)), axis=0)
    return np.pi / 2 * deviation**2 / (n - 0.8)  # 0.8: of few values the deviation is too small
