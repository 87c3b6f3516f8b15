"""How series are to be learnt: what the parameters leave open, settled by the series."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import numpy as np

from tsrnn.data import Collection, Panel
from tsrnn.forecasting.seasons import season_of, season_shows
from tsrnn.forecasting.transforms import prefers_logarithm
from tsrnn.kernels import portable

_FEWEST_WINDOWS = 8  # to learn from
_MOST_ASKED = 200  # series of a panel that vote on season and transform


@dataclasses.dataclass(frozen=True)
class Plan:
    """Transform ("log" or None), season, and how the network reads and is judged.

    Attributes
    ----------
    lookback, segment, n_ahead : int
        Values read, values of a recurrent step, steps ahead that the network tells at once; the
        rest of the horizon by going on from its own forecasts.
    n_held_out : (n_series,) int array
        Values at the end of each series that judge.
    hidden_size, batch_size : int
        Of the network and its training.
    trend : bool
        Whether the recent trend is taken out first.
    """

    transform: str | None
    season: int
    lookback: int
    segment: int
    n_ahead: int
    n_held_out: np.ndarray
    hidden_size: int
    batch_size: int
    trend: bool


def plan(collection: Collection, parameters: dict[str, Any], walks: bool = False) -> Plan:
    """Settle what a forecaster's parameters leave open.

    Parameters
    ----------
    collection : Collection
        The series.
    parameters : dict
        Of a forecaster.
    walks : bool
        Whether the network walks on through the future, in whole segments.

    Raises
    ------
    ValueError
        If a series is too short, or not positive where a logarithm is asked for.
    """
    check_positive(collection, parameters["transform"])
    panel, season = collection.panel, parameters["season"]
    auto_season = season == "auto"
    if auto_season:
        season = season_of(collection.axes[0].frequency)
    log = _takes_logarithm(panel, season, parameters["transform"])
    if auto_season and not _season_shows(panel, season, log):
        season = 1
    settle = _for_one if panel.n_series == 1 else _for_many
    season, lookback, n_ahead, n_held_out = settle(collection, season, auto_season, parameters)
    is_panel = panel.n_series > 1
    segment = parameters["segment"]
    if segment == "auto":
        segment = 1 if not is_panel else season if season > 1 else 4
        if walks:
            segment = max(k for k in range(1, min(segment, n_ahead) + 1) if n_ahead % k == 0)
    elif walks and n_ahead % segment:
        raise ValueError(
            f"segment={segment} does not divide the {n_ahead} steps that the network tells at once "
            "and, as it reads what is known in the future, walks through. Give one that does, or "
            "'auto'."
        )
    is_large = is_panel and parameters["scope"] != "local"
    return Plan(
        "log" if log else None, season, lookback, min(segment, lookback), n_ahead, n_held_out,
        automatic(parameters["hidden_size"], 128 if is_large else 32),
        automatic(parameters["batch_size"], 64 if is_large else 32),
        parameters["n_ahead"] == "auto" and n_ahead < parameters["horizon"] and season > 1,
    )  # fmt: skip


def automatic(value: Any, settled: Any) -> Any:
    """A parameter, or where it is \"auto\" what was settled."""
    return settled if value == "auto" else value


def check_positive(collection: Collection, transform: str | None) -> None:
    """Refuse to take the logarithm of a series that is not positive, naming it and the place."""
    if transform != "log" or collection.panel.values.min() > 0:
        return
    panel = collection.panel
    place = int(np.argmin(panel.values))
    series = int(np.searchsorted(panel.indptr, place, side="right")) - 1
    where = collection.axes[series].index[place - panel.indptr[series]]
    of = "" if collection.ids[series] is None else f" of series {collection.ids[series]!r}"
    raise ValueError(
        f"transform='log' needs positive values, and y{of} is {panel.values[place]:g} at {where}. "
        "Use transform=None, or shift y."
    )


def _series(panel: Panel):
    """Values of some series, evenly chosen."""
    some = np.unique(np.linspace(0, panel.n_series - 1, _MOST_ASKED).astype(int))
    return [panel.values[panel.indptr[k] : panel.indptr[k + 1]] for k in some]


def _takes_logarithm(panel, season, transform):
    if transform != "auto":
        return transform == "log"
    if panel.values.min() <= 0:
        return False
    series = _series(panel)
    if len(series) > 1:
        levels = [np.median(values) for values in series]
        if max(levels) > 10 * min(levels):  # what differs by a factor grows by factors
            return True
    return np.mean([prefers_logarithm(values, season) for values in series]) >= 0.5


def _season_shows(panel, season, log):
    series = _series(panel)
    shown = [season_shows(portable.log(v) if log else v, season) for v in series]
    return np.mean(shown) >= 0.5


def _for_one(collection, season, auto_season, parameters):
    """Season, lookback, steps told at once and values held out of a lone series."""
    n_values, horizon = collection.panel.values.size, parameters["horizon"]
    n_ahead = parameters["n_ahead"]
    if n_ahead == "auto":
        # Too far to be learnt at once from so few values: season by season, on from what was told.
        n_ahead = min(horizon, max(season, 12)) if 4 * horizon > n_values else horizon
    parameters = parameters | {"horizon": n_ahead}
    longest = _longest_lookback(n_values, season, parameters)
    too_long = None
    if auto_season and season > 1 and longest < season:
        too_long = (season, n_values + season - longest)
        season = 1
        longest = _longest_lookback(n_values, season, parameters)
    usual = 3 * season if season > 1 else max(24, n_ahead)
    lookback = parameters["lookback"] or max(season, 2, min(usual, longest))
    n_held_out = _n_held_out(n_values, season, parameters)
    _check_lookback(lookback, season)
    if lookback > longest:
        raise ValueError(
            f"y has {n_values} observations, but horizon={horizon} with lookback={lookback}, "
            f"season={season} and {n_held_out} held out needs at least "
            f"{n_values + lookback - longest}. Give more history, or a shorter horizon, "
            "lookback or season"
            + (", or early_stopping=False (no intervals)." if n_held_out else ".")
        )
    if too_long:
        warnings.warn(
            f"y has {n_values} observations, too few to learn its season of {too_long[0]}: it "
            f"is forecast without. {too_long[1]} observations would do, or a shorter horizon.",
            stacklevel=4,
        )
    return season, lookback, n_ahead, np.array([n_held_out])


def _for_many(collection, season, auto_season, parameters):
    """The same of a panel: short series are read as far as they go, long ones are learnt from."""
    lengths = collection.panel.lengths
    horizon = automatic(parameters["n_ahead"], parameters["horizon"])
    shortest = int(lengths.min())
    typical = int(np.median(lengths))
    if auto_season and 2 * season > typical:
        season = 1
    usual = max(3 * season, 4 * horizon, 24)
    usual = -(-usual // season) * season
    lookback = parameters["lookback"]
    if not lookback:
        lookback = max(min(usual, typical // 2) // season * season, 2)  # whole seasons
        if lookback > shortest >= max(lookback / 2, season):  # a little less for all to be read
            lookback = shortest // season * season
    _check_lookback(lookback, season)
    if lookback > shortest:
        one = collection.ids[int(np.argmin(lengths))]
        raise ValueError(
            f"Series {one!r} has {shortest} observations, and the network reads "
            f"lookback={lookback} of them (season={season}). Leave it "
            "out, or give a shorter lookback or season."
        )
    n_held_out = np.zeros(lengths.size, int)
    if parameters["early_stopping"]:
        share = np.ceil(parameters["validation_fraction"] * lengths).astype(int)
        n_held_out = np.maximum(share, horizon)
        n_held_out[lengths - n_held_out < lookback + horizon] = 0
    n_each = np.maximum(lengths - n_held_out - lookback - horizon + 1, 0)
    if parameters["scope"] == "local" and not n_each.all():
        one = int(n_each.argmin())
        raise ValueError(
            f"Series {collection.ids[one]!r} has {lengths[one]} observations, too few for a "
            f"network of its own: lookback={lookback} and {horizon} steps ahead need "
            f"{lookback + horizon}. Leave it out, or use scope='fine_tuned' or 'global'."
        )
    n_windows = n_each.sum()
    if n_windows < _FEWEST_WINDOWS or (parameters["early_stopping"] and not n_held_out.any()):
        raise ValueError(
            f"The longest of {lengths.size} series has {lengths.max()} observations, too few to "
            f"learn horizon={horizon} from lookback={lookback} with the end held out. Give more "
            "history, or a shorter horizon or lookback, or early_stopping=False (no intervals)."
        )
    return season, lookback, horizon, n_held_out


def _check_lookback(lookback, season):
    if lookback < season:
        raise ValueError(
            f"lookback={lookback} is shorter than season={season}: the network could not see the "
            "season it starts from. Give at least a season."
        )


def _n_held_out(n_values, season, parameters):
    if not parameters["early_stopping"]:
        return 0
    share = int(np.ceil(parameters["validation_fraction"] * n_values))
    return max(share, parameters["horizon"] + season)


def _longest_lookback(n_values, season, parameters):
    """What is left beside the held-out end, a horizon, and a few windows to learn from."""
    n_held_out = _n_held_out(n_values, season, parameters)
    return n_values - n_held_out - parameters["horizon"] - _FEWEST_WINDOWS + 1
