"""The values of parameters that are "auto" or None, chosen by the series to be fitted."""

import dataclasses
import math
import warnings
from typing import Any, Self

import numpy as np

from tsrnn.data import Collection, Location, Panel, affected, format_time
from tsrnn.forecasting.seasonality import is_seasonal, prefers_logarithm, season_of
from tsrnn.forecasting.short import TooShortError
from tsrnn.kernels import portable
from tsrnn.kernels.losses import find_loss
from tsrnn.network.transformer import CELL
from tsrnn.parameters import user_level

_MIN_WINDOWS = 8  # to train on
REFUSING = ("pad", "raise")  # where each series has a network: padding is nothing to learn from
_LEAST_DROPPED = 64  # units of a panel's network that has recurrent dropout
# Its probability where there are fewer windows, one after another, than each limit.
_DROPOUTS = ((200, 0.5), (1000, 0.25), (math.inf, 0.0))
_LONG_SEASON = 24  # of which a lone series' network reads sixths, if it reads what is known ahead
_MAX_SAMPLED = 200  # series of a panel whose values decide on season and transform


@dataclasses.dataclass(frozen=True)
class ResolvedParams:
    """Parameters of a fit, with nothing left open."""

    transform: str | None  # "log" or None
    season: int
    lookback: int
    segment: int
    n_ahead: int
    n_held_out: np.ndarray  # (n_series,) values at the end of each series
    hidden_size: int
    batch_size: int
    recurrent_dropout: float
    trend: bool  # whether the recent trend is taken out first
    is_short: np.ndarray  # (n_series,) bool: too short for the lookback, or for its own network

    def of_series(self, numbers: np.ndarray) -> Self:
        """Those of some series, by their numbers."""
        n_held_out, is_short = self.n_held_out[numbers], self.is_short[numbers]
        return dataclasses.replace(self, n_held_out=n_held_out, is_short=is_short)


def resolve(
    collection: Collection,
    parameters: dict[str, Any],
    has_future: bool = False,
    is_part: bool = False,
) -> ResolvedParams:
    """Choose what a forecaster's parameters leave open; ValueError where series do not allow it.

    With ``has_future`` the network reads covariates of the steps ahead, in whole segments; a lone
    series that ``is_part`` of a panel is treated as those of a panel are.
    """
    loss, transform = parameters["loss"], parameters["transform"]
    check_values(collection, transform, loss, parameters["lower"])
    panel, season = collection.panel, parameters["season"]
    auto_season = season == "auto"
    if auto_season:
        season = season_of(collection.axes[0].frequency)
    is_positive = find_loss(loss).is_positive
    log = not is_positive and _takes_logarithm(panel, season, transform)
    if auto_season:
        values = [portable.log(v) if log else v for v in _sampled(panel)]
        if np.mean([is_seasonal(v, season) for v in values]) < 0.5:
            season = 1
    is_panel = panel.n_series > 1 or is_part
    windows_of = _panel_windows if is_panel else _lone_windows
    season, lookback, n_ahead, n_held_out, is_short = windows_of(
        collection, season, auto_season, parameters
    )
    if parameters["early_stopping"] and not n_held_out.any():
        is_alone = parameters["pretrained"] is None
        intervals = (
            "there are no prediction intervals"
            if is_alone
            else "prediction intervals are the pretrained network's"
        )
        warnings.warn(
            "So few values of y were observed that none are held out: networks are trained for "
            f"all epochs, without early stopping, and {intervals}. Give more observed values, or "
            "early_stopping=False.",
            stacklevel=user_level(),
        )
    segment = parameters["segment"]
    if segment == "auto":
        segment = _segment(season, lookback, n_ahead, is_panel, has_future)
    elif has_future and n_ahead % segment:
        raise ValueError(
            f"segment={segment} does not divide the {n_ahead} steps that the network forecasts at "
            "once, as it must to read what is known in the future. Give one that does, or 'auto'."
        )
    is_large = is_panel and parameters["scope"] != "local"
    hidden_size = unless_auto(parameters["hidden_size"], 128 if is_large else 32)
    n_windows = panel.values.size / (lookback + n_ahead) if is_large else math.inf
    is_partial = parameters["n_ahead"] == "auto" and n_ahead < parameters["horizon"]
    return ResolvedParams(
        transform="log" if log else None,
        season=season,
        lookback=lookback,
        segment=min(segment, lookback),
        n_ahead=n_ahead,
        n_held_out=n_held_out,
        hidden_size=hidden_size,
        batch_size=unless_auto(parameters["batch_size"], 64 if is_large else 32),
        recurrent_dropout=_recurrent_dropout(parameters, hidden_size, n_windows),
        trend=is_partial and season > 1 and not is_positive,
        is_short=is_short,
    )


def _segment(season, lookback, n_ahead, is_panel, has_future):
    """Values that a recurrent step takes together.

    With covariates that are known ahead it divides the steps forecast at once, and is the divisor
    nearest to the segment without, by their ratio: steps cost time, be they one value each.
    """
    if is_panel:
        segment = season if season > 1 else 4
    else:
        segment = season // 6 if has_future and season >= _LONG_SEASON else 1
    if not has_future:
        return segment
    divisors = [k for k in range(1, min(lookback, n_ahead) + 1) if n_ahead % k == 0]
    return min(divisors, key=lambda k: (max(k / segment, segment / k), k))


def _recurrent_dropout(parameters, hidden_size, n_windows):
    """The one given, or the one for so many windows one after another."""
    if hidden_size < _LEAST_DROPPED or parameters["cell"] == CELL:
        n_windows = math.inf
    default = next(probability for limit, probability in _DROPOUTS if n_windows <= limit)
    return unless_auto(parameters["recurrent_dropout"], default)


def unless_auto(value: Any, default: Any) -> Any:
    """A parameter's value, or where that is "auto" the default."""
    return default if value == "auto" else value


def check_values(
    collection: Collection, transform: str | None, loss: str, lower: float | None = None
) -> None:
    """Refuse values that the logarithm, the loss or the lower bound can't have; name the place."""
    values = collection.panel.values
    kind = find_loss(loss)
    if transform == "log":
        if kind.is_positive:
            raise ValueError(
                f"loss={loss!r} is of the values themselves, and transform='log' takes their "
                "logarithms. Use transform=None."
            )
        needs, remedy = "positive values for transform='log'", "Use transform=None, or shift y."
        _refuse_values(collection, values <= 0, needs, remedy)
    if kind.is_positive:
        needs = f"values of 0 or more for loss={loss!r}"
        _refuse_values(collection, values < 0, needs, "Correct y, or use another loss.")
    if kind.is_whole:
        needs, remedy = f"whole numbers for loss={loss!r}", "Use loss='tweedie', or round y."
        _refuse_values(collection, values != np.floor(values), needs, remedy)
    if lower is not None:
        needs, remedy = f"values of at least lower={lower:g}", "Correct y, or give a smaller lower."
        _refuse_values(collection, values < lower, needs, remedy)


def _refuse_values(collection, is_bad, needs, remedy):
    """Refuse the first of bad values, of the least one's series."""
    if not is_bad.any():
        return
    panel = collection.panel
    place = int(np.argmin(np.where(is_bad, panel.values, np.inf)))
    series = int(np.searchsorted(panel.indptr, place, side="right")) - 1
    stamp = collection.axes[series].index[place - panel.indptr[series]]
    are_bad = np.logical_or.reduceat(is_bad, panel.indptr[:-1])
    raise Location(series=collection.ids[series]).error(
        f"needs {needs}, and is {panel.values[place]:g} at "
        f"{format_time(stamp)}{_affected(collection, are_bad)}",
        remedy,
        row=stamp,
    )


def _sampled(panel: Panel):
    """Values of at most 200 series, evenly spaced."""
    numbers = np.unique(np.linspace(0, panel.n_series - 1, _MAX_SAMPLED).astype(int))
    return [panel.values[panel.indptr[k] : panel.indptr[k + 1]] for k in numbers]


def _takes_logarithm(panel, season, transform):
    if transform != "auto":
        return transform == "log"
    if panel.values.min() <= 0:
        return False
    series = _sampled(panel)
    if len(series) > 1:
        levels = [np.median(values) for values in series]
        if max(levels) > 10 * min(levels):  # what differs by a factor grows by factors
            return True
    return np.mean([prefers_logarithm(values, season) for values in series]) >= 0.5


def _lone_windows(collection, season, auto_season, parameters):
    """Season, lookback, steps ahead, values held out, whether too short: of a lone series."""
    n_values, horizon = int(_n_until_observed(collection)[0]), parameters["horizon"]
    n_ahead = parameters["n_ahead"]
    if n_ahead == "auto":
        # Too few values for the whole horizon at once: season by season, from its own forecasts.
        n_ahead = min(horizon, max(season, 12)) if 4 * horizon > n_values else horizon
    n_held_out, longest = _longest_lookback(collection, n_ahead, season, parameters)
    too_long = None
    if auto_season and season > 1 and longest < season:
        too_long = (season, n_values + season - longest)
        season = 1
        n_held_out, longest = _longest_lookback(collection, n_ahead, season, parameters)
    usual = 3 * season if season > 1 else max(24, n_ahead)
    lookback = parameters["lookback"] or max(season, 2, min(usual, longest))
    _check_lookback(lookback, season)
    if lookback > longest:
        otherwise = ", or early_stopping=False (no intervals)" if n_held_out.any() else ""
        ahead = f", n_ahead={n_ahead}" if n_ahead != horizon else ""
        share = f" (validation_fraction={parameters['validation_fraction']:g})"
        n_last = n_values - (longest + n_ahead + _MIN_WINDOWS - 1)
        raise TooShortError(
            f"has {_extent(n_values, collection)}, but horizon={horizon}{ahead} with "
            f"lookback={lookback}, season={season} and {n_last} held out"
            f"{share if n_held_out.any() else ''} needs at least {n_values + lookback - longest}",
            f"Give more history, or a shorter horizon, lookback or season{otherwise}.",
        )
    if too_long:
        warnings.warn(
            f"y has {n_values} observations, too few to learn its season of {too_long[0]}: it "
            f"is forecast without. {too_long[1]} observations would do, or a shorter horizon.",
            stacklevel=user_level(),
        )
    if _n_windows(collection, lookback, n_ahead, n_held_out)[0] < _MIN_WINDOWS:
        n_held_out = np.zeros(1, int)
    n_windows = _n_windows(collection, lookback, n_ahead, n_held_out)[0]
    if n_windows < _MIN_WINDOWS:
        raise TooShortError(
            f"has {n_windows} windows of {n_ahead} steps after lookback={lookback} in which a "
            f"value was observed, and at least {_MIN_WINDOWS} are needed to learn from",
            "Give more observed values, or a shorter lookback.",
        )
    return season, lookback, n_ahead, n_held_out, np.zeros(1, bool)


def _panel_windows(collection, season, auto_season, parameters):
    """The same for a panel: windows may be longer than short series allow to train on."""
    lengths = collection.panel.lengths
    horizon = unless_auto(parameters["n_ahead"], parameters["horizon"])
    shortest = int(lengths.min())
    typical = int(np.median(lengths))
    if auto_season and 2 * season > typical:
        season = 1
    lookback = parameters["lookback"] or _panel_lookback(season, horizon, typical, shortest)
    _check_lookback(lookback, season)
    n_held_out = held_out_of(collection, lookback, horizon, parameters)
    n_windows = _n_windows(collection, lookback, horizon, n_held_out)
    is_short = lengths < lookback
    if parameters["scope"] == "local":
        is_short = n_windows == 0
    is_refused = parameters["short"] in REFUSING and parameters["errors"] != "skip"
    if parameters["scope"] == "local" and is_short.any() and is_refused:
        series = int(n_windows.argmin())
        n_values = _n_until_observed(collection)[series]
        raise Location(series=collection.ids[series]).error(
            f"has {_extent(n_values, collection)}, too few for a network of its own: "
            f"lookback={lookback} and {horizon} steps ahead need {lookback + horizon}"
            f"{_affected(collection, n_windows == 0)}",
            "Leave it out, or use short='naive' or 'drop', or scope='fine_tuned' or 'global'.",
        )
    is_masked = collection.observed is not None
    is_validated = n_held_out.any() or is_masked or not parameters["early_stopping"]
    if n_windows.sum() < _MIN_WINDOWS or not is_validated:
        raise TooShortError(
            f"has {lengths.size} series, the longest of {lengths.max()} observations, too few to "
            f"learn horizon={horizon} from lookback={lookback} with the end held out",
            "Give more history, or a shorter horizon or lookback, or early_stopping=False "
            "(no intervals).",
        )
    return season, lookback, horizon, n_held_out, is_short


def _affected(collection, are_bad):
    """Words for the end of an error message: which series are affected, if several are."""
    return affected([collection.ids[k] for k in np.flatnonzero(are_bad)])


def _panel_lookback(season, horizon, typical, shortest):
    """Lookback of a panel in whole seasons, from the median and the least length of series."""
    usual = max(3 * season, 4 * horizon, 24)
    usual = -(-usual // season) * season
    lookback = max(min(usual, typical // 2) // season * season, 2)
    if lookback > shortest >= max(lookback / 2, season):  # a little less for all to be read
        lookback = shortest // season * season
    return lookback


def _check_lookback(lookback, season):
    if lookback < season:
        raise ValueError(
            f"lookback={lookback} is shorter than season={season}: the network could not see the "
            "season it starts from. Give at least a season."
        )


def _longest_lookback(collection, n_ahead, season, parameters):
    """Values held out of a lone series, and the longest lookback that leaves windows to train on.

    At least a season more than the steps forecast at once is held out.
    """
    n_held_out = _n_held_out(collection, n_ahead + season, parameters)
    n_trained = min(_n_until_observed(collection)[0], collection.panel.values.size - n_held_out[0])
    return n_held_out, int(n_trained) - n_ahead - _MIN_WINDOWS + 1


def _n_held_out(collection, n_least, parameters):
    """Values at the end of each series that validate, (n_series,).

    They reach back over ``validation_fraction`` of the observed values, and over at least
    ``n_least`` observed ones or, if that is less, a quarter of them (at least two: errors of a
    single value show no spread). Up to the last observed value they are at least ``n_least``.
    """
    lengths = collection.panel.lengths
    if not parameters["early_stopping"]:
        return np.zeros_like(lengths)
    places, ends = _observed_places(collection)
    n_last = _n_last(np.diff(ends, prepend=0), n_least, parameters)
    n_until_last = places[ends - 1] - places[ends - n_last] + 1
    return np.maximum(n_until_last, n_least) + lengths - _n_until_observed(collection)


def _n_last(n_observed, n_least, parameters):
    """Observed values at the end of series that validate, of so many of each."""
    n_last = np.ceil(parameters["validation_fraction"] * n_observed).astype(int)
    n_last = np.maximum(n_last, np.minimum(n_least, np.maximum(n_observed // 4, 2)))
    return np.minimum(n_last, n_observed)


def held_out_of_lengths(
    lengths: np.ndarray, lookback: int, n_ahead: int, parameters: dict[str, Any]
) -> np.ndarray:
    """Values at the end of each series of a panel that validate, where none is missing."""
    if not parameters["early_stopping"]:
        return np.zeros_like(lengths)
    n_held_out = np.maximum(_n_last(lengths, n_ahead, parameters), n_ahead)
    return np.where(lengths - n_held_out < lookback + n_ahead, 0, n_held_out)


def held_out_of(
    collection: Collection, lookback: int, n_ahead: int, parameters: dict[str, Any]
) -> np.ndarray:
    """Values at the end of each series of a panel that validate, (n_series,).

    None of a series that would have no window left to train on.
    """
    n_held_out = _n_held_out(collection, n_ahead, parameters)
    n_held_out[_n_windows(collection, lookback, n_ahead, n_held_out) == 0] = 0
    return n_held_out


def _n_windows(collection, lookback, n_ahead, n_held_out):
    """Windows of each series to train on, (n_series,), which end before what is held out."""
    panel, n_trained = collection.panel, collection.panel.lengths - n_held_out
    if collection.observed is None:
        return np.maximum(n_trained - lookback - n_ahead + 1, 0)
    windows = collection.windows(lookback, n_ahead)
    series = np.searchsorted(panel.indptr, windows, side="right") - 1
    ends = windows - panel.indptr[series] + lookback + n_ahead
    return np.bincount(series[ends <= n_trained[series]], minlength=panel.n_series)


def _observed_places(collection):
    """Places of all observed values, and the number of them up to the end of each series."""
    panel, observed = collection.panel, collection.observed
    places = np.arange(panel.values.size) if observed is None else np.flatnonzero(observed)
    return places, np.searchsorted(places, panel.indptr[1:])


def _n_until_observed(collection):
    """Length of each series up to its last observed value, (n_series,)."""
    places, ends = _observed_places(collection)
    return places[ends - 1] + 1 - collection.panel.indptr[:-1]


def _extent(n_values, collection):
    """Words for a number of values up to the last observed one."""
    if collection.observed is None:
        return f"{n_values} observations"
    return f"{n_values} time steps up to the last observed value"
