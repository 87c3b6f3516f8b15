"""How a series is to be learnt: what the parameters leave open, settled by the series."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pandas as pd

from tsrnn.forecasting.seasons import season_of, season_shows
from tsrnn.forecasting.transforms import prefers_logarithm
from tsrnn.windowing import TimeAxis

_FEWEST_WINDOWS = 8  # to learn from


@dataclasses.dataclass(frozen=True)
class Plan:
    """Transform ("log" or None), season, lookback, and how many values at the end are held out."""

    transform: str | None
    season: int
    lookback: int
    n_held_out: int


def plan(values: np.ndarray, axis: TimeAxis, parameters: dict) -> Plan:
    """Settle what a forecaster's parameters leave open.

    Parameters
    ----------
    values : (n,) array
        The series.
    axis : TimeAxis
        Its index and frequency.
    parameters : dict
        Of a forecaster: transform, season, lookback, horizon, early_stopping,
        validation_fraction.

    Raises
    ------
    ValueError
        If the series is too short, or not positive where a logarithm is asked for.
    """
    horizon, transform, season = (parameters[k] for k in ("horizon", "transform", "season"))
    if transform == "log" and values.min() <= 0:
        where = axis.index[int(np.argmin(values))]
        raise ValueError(
            f"transform='log' needs positive values, and y is {values.min():g} at {where}. "
            "Use transform=None, or shift y."
        )
    auto_season = season == "auto"
    season = season_of(axis.frequency) if auto_season else season
    log = transform == "log" or (transform == "auto" and prefers_logarithm(values, season))
    if auto_season and not season_shows(np.log(values) if log else values, season):
        season = 1
    longest = _longest_lookback(values.size, season, parameters)
    too_long = None
    if auto_season and season > 1 and longest < season:
        too_long = (season, values.size + season - longest)
        season = 1
        longest = _longest_lookback(values.size, season, parameters)
    usual = 3 * season if season > 1 else max(24, horizon)
    lookback = parameters["lookback"] or max(season, 2, min(usual, longest))
    n_held_out = _n_held_out(values.size, season, parameters)
    if lookback < season:
        raise ValueError(
            f"lookback={lookback} is shorter than season={season}: the network could not see the "
            "season it starts from. Give at least a season."
        )
    if lookback > longest:
        raise ValueError(
            f"y has {values.size} observations, but horizon={horizon} with lookback={lookback}, "
            f"season={season} and {n_held_out} held out needs at least "
            f"{values.size + lookback - longest}. Give more history, or a shorter horizon, "
            "lookback or season"
            + (", or early_stopping=False (no intervals)." if n_held_out else ".")
        )
    if too_long:
        warnings.warn(
            f"y has {values.size} observations, too few to learn its season of {too_long[0]}: it "
            f"is forecast without. {too_long[1]} observations would do, or a shorter horizon.",
            stacklevel=3,
        )
    return Plan("log" if log else None, season, lookback, n_held_out)


def _n_held_out(n_values, season, parameters):
    if not parameters["early_stopping"]:
        return 0
    share = int(np.ceil(parameters["validation_fraction"] * n_values))
    return max(share, parameters["horizon"] + season)


def _longest_lookback(n_values, season, parameters):
    """What is left beside the held-out end, a horizon, and a few windows to learn from."""
    n_held_out = _n_held_out(n_values, season, parameters)
    return n_values - n_held_out - parameters["horizon"] - _FEWEST_WINDOWS + 1


def least_scale(values: np.ndarray, lookback: int) -> float:
    """The smallest scale a window is given: a tenth of the windows' typical deviation.

    Without it a stretch that hardly moves would blow up what follows it. 1 for a constant series.
    """
    variance = float(pd.Series(values - values.mean()).rolling(lookback).var(ddof=0).mean())
    # Rounding leaves a constant series a deviation of some 1e-16 of its level.
    noise = 1e-12 * float(np.abs(values).max())
    deviation = np.sqrt(max(variance, 0.0))
    return 0.1 * deviation if deviation > noise else 1.0
