"""Fine-tuning of the pretrained network on the series of a panel.

It is trained on windows that end at earlier steps of the series. How far its weights go from those
that it comes with to those that come out is chosen by errors on the held-out end.
"""

import dataclasses
import logging
import math
import time

import numpy as np

from tsrnn.estimators.progress import progress_bar
from tsrnn.forecasting.pretrained.network import (
    LEVELS,
    MEDIAN,
    PretrainedNetwork,
    Stretches,
    longer_season,
)
from tsrnn.forecasting.pretrained.state import Pretrained
from tsrnn.forecasting.pretrained.training import joined, windows_of
from tsrnn.kernels.jit.threads import available_threads
from tsrnn.kernels.simple_forecasts.filling import longest_needed, steps_read
from tsrnn.kernels.sources import Source
from tsrnn.training import Budget, History, Settings, train

_log = logging.getLogger("tsrnn")
_LEAST_SERIES, _LEAST_WINDOWS = 10, 500  # with fewer the network stays as it is
# Most windows, their rows of inputs, and values that are read for simple forecasts.
_MAX_WINDOWS, _MAX_ROWS, _MAX_VALUES = 10_000, 2**20, 8_000_000
_LOT = 1024  # windows that are made at a time
_MOST_EPOCHS = 16  # of few windows, so that they are trained on as much as many
_LEARNING_RATE, _BATCH_SIZE = 2e-3, 64
_N_TIMED = 32  # windows whose inputs are timed, where there is a budget
_SHARES = (0.25, 0.5, 0.75, 1.0)  # of the way to the weights that come out


@dataclasses.dataclass(frozen=True)
class TuningSeries:
    """Series of a panel, of which windows are made that forecast a horizon."""

    values: np.ndarray  # (n_values,) of all series end to end
    truth: np.ndarray  # the same, NaN where they were not observed
    firsts: np.ndarray  # (n_series,) first value of each
    lengths: np.ndarray  # (n_series,)
    season: int
    horizon: int

    def source(self, series: np.ndarray, ends: np.ndarray, n_jobs: int | None = None) -> Source:
        """Inputs and targets of windows that read the first ``ends`` values of each ``series``."""
        lots = np.array_split(np.arange(ends.size), -(-ends.size // _LOT))
        parts = (self._windows(series[lot], ends[lot], n_jobs) for lot in lots)
        return joined(parts, ends.size * self._most_rows)

    def _windows(self, series, ends, n_jobs):
        stretches = Stretches(self.values, self.firsts[series], ends, self.season)
        horizons = np.full(ends.size, self.horizon)
        return windows_of(stretches, horizons, n_jobs, self.truth)

    def n_windows(self, n_held_out: np.ndarray) -> np.ndarray:
        """Windows of each series to train on, (n_series,), which read more than a season."""
        return np.maximum(self.lengths - n_held_out - self.horizon - self._least + 1, 0)

    def draw(
        self, n_held_out: np.ndarray, rng: np.random.Generator, fraction: float = 1.0
    ) -> tuple[np.ndarray, ...]:
        """Series of windows to train on, all as often, and how many values the windows read.

        They are a ``fraction`` of as many as there may be.
        """
        n_windows = self.n_windows(n_held_out)
        known = np.flatnonzero(n_windows)
        n = math.ceil(fraction * min(self.most_windows, int(n_windows.sum())))
        rounds = [rng.permutation(known) for _ in range(-(-n // known.size))]
        series = np.concatenate(rounds)[:n]
        return series, self._least + rng.integers(n_windows[series])

    @property
    def most_windows(self) -> int:
        """Windows that are few enough for memory and time."""
        limits = _MAX_WINDOWS, _MAX_ROWS // self._most_rows, _MAX_VALUES // self._most_read
        return max(1, int(min(limits)))

    @property
    def _most_read(self):
        """Values that a window reads, at most."""
        season, long = np.array([self.season]), np.array([longer_season(self.season)])
        return int(np.minimum(self.lengths.max(), longest_needed(season, long))[0])

    @property
    def _most_rows(self):
        """Rows of a window, at most."""
        n_values, season = np.array([self._most_read]), np.array([self.season])
        return int((steps_read(n_values, season) + self.horizon)[0])

    @property
    def _least(self):
        return self.season + 3


@dataclasses.dataclass(eq=False)
class FineTuner:
    """Fine-tunes the pretrained network: ``choose``, and then ``refit``, replace ``pretrained``."""

    pretrained: Pretrained
    series: TuningSeries
    n_held_out: np.ndarray  # (n_series,) values at the end of each
    # series of windows there, and how many values these read
    held_out: tuple[np.ndarray, np.ndarray]
    seed: int
    name: str  # label of the progress bar
    n_epochs: int  # of as many windows as there may be
    n_jobs: int | None = None
    verbose: int = 0

    def __post_init__(self):
        self.original = self.pretrained.network
        self.share = 0.0  # of the way to the weights that come out
        self.history = History()  # of the training that led to ``pretrained``, if any did
        self.fraction = 1.0  # of the windows that there is time for
        self.error_seconds = 0.0  # that errors of what was trained take, in a budget
        self.seconds = 0.0  # that ``refit`` will take

    @property
    def has_enough(self) -> bool:
        """Whether there are enough series and windows."""
        n_windows = self.series.n_windows(self.n_held_out)
        n_series = np.intersect1d(np.flatnonzero(n_windows), self.held_out[0]).size
        return bool(n_series >= _LEAST_SERIES and n_windows.sum() >= _LEAST_WINDOWS)

    def fit_into(self, seconds: float) -> float:
        """Take so few windows that ``choose`` takes no more; about the seconds that it will take.

        0 where it will do nothing: there is not enough to fine-tune on, or no time.
        """
        if not self.has_enough:
            return 0.0
        sizes = self._n_trained(self.n_held_out), min(self.held_out[0].size, self._most)
        training, errors = self._seconds(*sizes)
        self.fraction = min(1.0, seconds / (training + errors))
        if self.fraction * sizes[0] < _LEAST_WINDOWS:
            self.fraction = 0.0
        self.error_seconds = self.fraction * errors
        return self.fraction * (training + errors)

    def _seconds(self, n_trained, n_validated):
        """About how long it takes to train, and to evaluate what comes out, on so many windows."""
        for n in (1, _N_TIMED):  # the first may compile
            series = np.resize(self.held_out[0], n)
            began = time.perf_counter()
            source = self.series.source(series, np.resize(self.held_out[1], n), self.n_jobs)
            inputs = (time.perf_counter() - began) / n
        network = self.original.network
        n_cores = available_threads() if self.n_jobs in (None, -1) else self.n_jobs
        step, output = (network.seconds_of_a_window(source, training=k) / n_cores for k in (1, 0))
        training = n_trained * (inputs + self._n_epochs(n_trained) * step)
        return training, n_validated * (inputs + (1 + len(_SHARES)) * output)

    def choose(self, budget: Budget) -> None:
        """Fine-tune on what is not held out, as far as errors say.

        After Ctrl-C, which ``history`` tells, nothing is changed; nor by ``refit``.
        """
        if not self.has_enough or self.fraction == 0:
            reason = "too few series or windows" if self.fraction else "too little time"
            _log.info("%s is not fine-tuned: %s", self.name, reason)
            return
        began = time.perf_counter()
        training = budget.part(budget.seconds_left - self.error_seconds)
        tuned, history = self._trained(self.n_held_out, self.name, training)
        seconds = time.perf_counter() - began
        if history.interrupted:
            self.history.interrupted = True
            return
        self.share = self._best_share(tuned)
        _log.info("%s is fine-tuned, %.2f of the way by held-out errors", self.name, self.share)
        if self.share > 0:
            self.history, self.seconds = history, seconds
            self._replace(tuned)

    def refit(self, budget: Budget) -> None:
        """Fine-tune on the whole series, as far as was chosen."""
        if self.share == 0:
            return
        nothing = np.zeros_like(self.n_held_out)
        tuned, history = self._trained(nothing, f"{self.name} (whole series)", budget)
        if history.interrupted:
            self.history.interrupted = True
        else:
            self._replace(tuned)

    @property
    def _most(self):
        return self.series.most_windows

    def _n_trained(self, n_held_out):
        """Windows of a training, if there is time for all."""
        return min(self._most, int(self.series.n_windows(n_held_out).sum()))

    def _n_epochs(self, n_windows):
        """Epochs of a training on so many windows."""
        n_epochs = round(self.n_epochs * _MAX_WINDOWS / n_windows)
        return int(np.clip(n_epochs, self.n_epochs, _MOST_EPOCHS))

    def _trained(self, n_held_out, name, budget):
        """The network trained on windows before what is held out, and the history of that."""
        rng = np.random.default_rng(self.seed)
        n_windows = self._n_trained(n_held_out)
        drawn = self.series.draw(n_held_out, rng, self.fraction)
        source = self.series.source(*drawn, self.n_jobs)
        windows = np.arange(source.firsts.size)
        network = self.original.network.like(self.original.network.parameters.copy())
        settings = Settings(
            loss="quantile",
            loss_params=LEVELS,
            max_iter=self._n_epochs(n_windows),
            batch_size=_BATCH_SIZE,
            learning_rate="cosine",
            learning_rate_init=_LEARNING_RATE,
            n_jobs=self.n_jobs,
        )
        with progress_bar(name, self.verbose) as show:
            parts = network, source, windows, windows[:0], settings, rng
            history = train(*parts, budget=budget, on_progress=show)
        return PretrainedNetwork(network, trust=1.0), history

    def _replace(self, tuned):
        network = blend(self.original, tuned, self.share)
        self.pretrained = dataclasses.replace(self.pretrained, network=network)

    def _best_share(self, tuned):
        """Share of the way that errors allow, see ``furthest``."""
        series, ends = self.held_out
        most = math.ceil(self.fraction * min(series.size, self._most))
        if series.size > most:
            part = np.linspace(0, series.size - 1, most).astype(int)
            series, ends = series[part], ends[part]
        source, horizon = self.series.source(series, ends, self.n_jobs), self.series.horizon
        rows = (source.firsts + source.lengths)[:, None] + np.arange(-horizon, 0)
        targets = source.targets[rows, 0]
        numbers = np.unique(series, return_inverse=True)[1]
        errors = []
        for share in (0.0, *_SHARES):
            network = blend(self.original, tuned, share)
            corrections = network.corrections(source, horizon, self.n_jobs)
            errors.append(series_errors(targets - corrections[:, :, MEDIAN], numbers))
        return (0.0, *_SHARES)[furthest(np.array(errors))]


def furthest(errors: np.ndarray) -> int:
    """Last row of errors, (n_rows, n_series), as good as the best, if better than the first, or 0.

    One is better if the mean gain is more than its standard error. The furthest is preferred, for
    in the end there is more to train on. Series without errors have NaN.
    """
    errors = errors[:, ~np.isnan(errors).any(axis=0)]
    if errors.shape[1] < _LEAST_SERIES:
        return 0

    def is_better(row, other):
        gains = errors[other] - errors[row]
        return gains.mean() > gains.std() / gains.size**0.5

    best = int(np.argmin(errors.mean(axis=1)))
    rows = [k for k in range(len(errors)) if is_better(k, 0) and not is_better(best, k)]
    return rows[-1] if rows else 0


def series_errors(errors: np.ndarray, series: np.ndarray) -> np.ndarray:
    """Mean absolute error of the windows of each series; NaN where nothing was observed."""
    is_known = ~np.isnan(errors)
    sums = np.bincount(series, np.where(is_known, np.abs(errors), 0.0).sum(axis=1))
    counts = np.bincount(series, is_known.sum(axis=1))
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def blend(one: PretrainedNetwork, other: PretrainedNetwork, share: float) -> PretrainedNetwork:
    """A network with weights, and trust, so far on the way from one to the other.

    Examples
    --------
    >>> from tsrnn.forecasting.pretrained import load_pretrained
    >>> from tsrnn.forecasting.pretrained.fine_tuning import blend
    >>> network = load_pretrained()
    >>> blend(network, network, 0.5).trust == network.trust
    True
    """
    ends = [each.network.parameters.astype(np.float64) for each in (one, other)]
    parameters = (1 - share) * ends[0] + share * ends[1]
    trust = (1 - share) * one.trust + share * other.trust
    return PretrainedNetwork(one.network.like(parameters.astype(np.float32)), trust)
