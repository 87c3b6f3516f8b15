"""The pretrained network: its file, and its forecasts."""

import dataclasses
import functools
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from tsrnn.kernels.jit.threads import are_worth_it, claim_threads
from tsrnn.kernels.simple_forecasts.filling import (
    MOST_READ,
    Filled,
    fill_inputs,
    fill_kernel,
    longest_needed,
)
from tsrnn.kernels.simple_forecasts.inputs import N_INPUTS
from tsrnn.kernels.simple_forecasts.seasons import YEAR
from tsrnn.kernels.sources import Source, sequence_source
from tsrnn.kernels.targets import claim
from tsrnn.network import RecurrentNetwork

LEVELS = (0.025, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.975)  # of the quantiles that it outputs
MEDIAN = LEVELS.index(0.5)
FOLDER = Path(__file__).parent
# Share of a correction that is made unless a network was trained on real series: these differ from
# simulated ones. Chosen on M3.
TRUST = 0.6
_LEAST_SPREAD = 1e-6  # of values, relative to the largest
_MAX_ROWS = 2**18  # inputs of windows that are forecast at a time
_DAYS_OF_WEEK = 7
_STEPS_OF_DAY = (24, 48, 96, 144, 288)
_SECONDS_OF_VALUE = 1e-6  # that one core takes for the simple forecasts


@dataclasses.dataclass(frozen=True)
class Stretches:
    """Stretches of series to forecast from."""

    values: np.ndarray  # (n_values,) float64 of all series
    firsts: np.ndarray  # (n,) int64: first value of each stretch
    lengths: np.ndarray  # (n,) int64: values of each
    season: int  # 1 for none

    def part(self, rows: slice) -> "Stretches":
        """Some of them."""
        return dataclasses.replace(self, firsts=self.firsts[rows], lengths=self.lengths[rows])


@dataclasses.dataclass(frozen=True, eq=False)
class PretrainedNetwork:
    """A network that reads series with simple forecasts of them, and corrects these.

    Parameters
    ----------
    network : RecurrentNetwork
        Its weights: a step for each that is read and for each ahead, quantiles ``LEVELS`` out.
    trust : float
        Share of a correction that is made.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.forecasting.pretrained import Stretches, load_pretrained
    >>> series = Stretches(np.arange(30.0), np.array([0, 10]), np.array([10, 20]), season=1)
    >>> load_pretrained().forecast(series, horizon=6).shape
    (2, 6, 9)
    """

    network: RecurrentNetwork
    trust: float = TRUST

    @classmethod
    def of_shape(cls, hidden_size: int, rng: np.random.Generator) -> "PretrainedNetwork":
        """A network of random weights."""
        return cls(_of_zeros(hidden_size).initialise(rng))

    def forecast(self, stretches: Stretches, horizon: int, n_jobs: int | None = None) -> np.ndarray:
        """Quantiles of the steps after each stretch, (n, horizon, len(LEVELS)), in order.

        Those of a stretch do not depend on the others. A constant one goes on as it is.
        """
        size = max(1, _MAX_ROWS // (MOST_READ + horizon))
        n = stretches.firsts.size
        parts = [
            self._forecast(stretches.part(slice(k, k + size)), horizon, n_jobs)
            for k in range(0, n, size)
        ]
        return np.concatenate(parts) if parts else np.empty((0, horizon, len(LEVELS)))

    def _forecast(self, stretches, horizon, n_jobs):
        filled, exponents, offsets = prepare(stretches, horizon, n_jobs)
        source = sequence_source(filled.inputs, filled.firsts, filled.lengths)
        rows = (filled.firsts + filled.n_read)[:, None] + np.arange(horizon)
        corrections = self.corrections(source, horizon, n_jobs) * filled.scales[:, None, None]
        quantiles = filled.base[rows][:, :, None] + corrections
        return np.ldexp(quantiles, exponents[:, None, None]) + offsets[:, None, None]

    def corrections(self, source: Source, horizon: int, n_jobs: int | None = None) -> np.ndarray:
        """Quantiles of all windows of a source, less the base and in units of the scale, in order.

        (n_windows, horizon, len(LEVELS)).
        """
        windows = np.arange(source.firsts.size)
        n_jobs = self.network.threads_for(n_jobs, source, windows.size)
        with claim("cpu", n_jobs) as workers:
            outputs = self.network.predict(source, windows, workers)
        outputs = outputs.reshape(windows.size, -1, len(LEVELS))[:, -horizon:].astype(np.float64)
        corrections = np.sort(outputs, axis=2)
        corrections -= (1 - self.trust) * corrections[:, :, MEDIAN, None]
        return corrections


def prepare(
    stretches: Stretches, horizon: int | np.ndarray, n_jobs: int | None = None
) -> tuple[Filled, np.ndarray, np.ndarray]:
    """What a network reads of stretches, powers of two that bases and scales are short of, offsets.

    Offsets are to be added to forecasts: where values hardly differ, relative to their level, they
    are read less the first one, so that no digits are lost.
    """
    values, firsts, lengths = stretches.values, stretches.firsts, stretches.lengths
    seasons = np.full(lengths.size, stretches.season, np.int64)
    longs = np.full(lengths.size, longer_season(stretches.season), np.int64)
    used = np.minimum(lengths, longest_needed(seasons, longs))
    starts = np.cumsum(used) - used
    # What follows works in place: of many windows each array is large.
    values = values[np.arange(used.sum()) + np.repeat(firsts + lengths - used - starts, used)]
    offsets = _bring_near_zero(values, starts, used)
    # Copies near 1, whose squares neither overflow nor underflow.
    exponents = np.frexp(np.maximum.reduceat(np.abs(values), starts))[1]
    np.ldexp(values, np.repeat(-exponents, used), out=values)
    horizons = np.broadcast_to(np.asarray(horizon, np.int64), lengths.shape)
    seconds = _SECONDS_OF_VALUE * values.size
    n_jobs = n_jobs if are_worth_it(seconds, fill_kernel(), fill_kernel()) else 1
    with claim_threads(n_jobs) as n_tasks:
        filled = fill_inputs(values, starts, used, seasons, longs, horizons, n_tasks)
    return filled, exponents, offsets


def _bring_near_zero(values, starts, lengths):
    """Take their first values from stretches where these are large; those values."""
    largest = np.maximum.reduceat(np.abs(values), starts)
    with np.errstate(over="ignore"):
        spread = np.maximum.reduceat(values, starts) - np.minimum.reduceat(values, starts)
    offsets = np.where(spread < _LEAST_SPREAD * largest, values[starts], 0.0)
    values -= np.repeat(offsets, lengths)
    return offsets


def longer_season(season: int) -> int:
    """The week of a season of a day, the year of a week of days, else the season itself.

    Examples
    --------
    >>> from tsrnn.forecasting.pretrained import longer_season
    >>> longer_season(24), longer_season(12)
    (168, 12)
    """
    if season == _DAYS_OF_WEEK:
        return YEAR
    return _DAYS_OF_WEEK * season if season in _STEPS_OF_DAY else season


@functools.cache
def load_pretrained() -> PretrainedNetwork:
    """The network that is installed with the library.

    Raises
    ------
    RuntimeError
        If its file is damaged.
    """
    card = read_card()
    with np.load(FOLDER / "network.npz", allow_pickle=False) as file:
        parameters = file["parameters"]
    if checksum(parameters) != card["sha256"]:
        raise RuntimeError(
            f"{FOLDER / 'network.npz'} is damaged: its checksum is not that of card.json. Install "
            "tsrnn again."
        )
    return PretrainedNetwork(_of_zeros(card["hidden_size"]).like(parameters))


def forecast_one() -> None:
    """Forecast a short series, for what is compiled for it."""
    series = Stretches(np.arange(8.0), np.array([0]), np.array([8]), season=1)
    with np.errstate(all="ignore"):
        load_pretrained().forecast(series, horizon=1, n_jobs=1)


def _of_zeros(hidden_size):
    return RecurrentNetwork("lstm", N_INPUTS, hidden_size, len(LEVELS), "float32", head="every")


def read_card() -> dict[str, Any]:
    """What is known of the network that is installed: its version, training and limits."""
    return json.loads((FOLDER / "card.json").read_text(encoding="utf-8"))


def checksum(parameters: np.ndarray) -> str:
    """SHA-256 of parameters."""
    return hashlib.sha256(np.ascontiguousarray(parameters).tobytes()).hexdigest()
