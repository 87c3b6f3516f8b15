"""Forecasts of known series by fitted networks, with how far they may be off."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from tsrnn.data import Collection
from tsrnn.forecasting.models import LEAST_SCALE, Models, Round
from tsrnn.forecasting.scaling import Scaling
from tsrnn.forecasting.uncertainty import ConformalWidths, HeldOutErrors
from tsrnn.kernels import portable
from tsrnn.kernels.losses import LOSSES, find_loss
from tsrnn.kernels.windows import Source

_PIECE = 2**24  # values of windows that are forecast at a time


@dataclasses.dataclass(frozen=True, eq=False)
class Known:
    """Series as they are known, ready to be forecast.

    Attributes
    ----------
    collection : Collection
        With what is read beside them.
    after : (n_series, n_steps, n_channels) array or None
        What is read beside the steps that follow each series.
    scaling : Scaling
        Of the series.
    passed : (n_series,) int array or int
        Values of each series that came before the collection's.
    groups : (n_series,) int array
        Whose networks are asked.
    """

    collection: Collection
    after: np.ndarray | None
    scaling: Scaling
    passed: np.ndarray | int
    groups: np.ndarray


@dataclasses.dataclass(frozen=True)
class Forecasts:
    """What fitted networks forecast.

    Attributes
    ----------
    models : Models
        The networks.
    widths : ConformalWidths or None
        What held-out errors say of intervals.
    conformal : bool
        Whether they count, not what the loss has learnt.
    """

    models: Models
    widths: ConformalWidths | None
    conformal: bool

    def after(
        self,
        known: Known,
        horizon: int,
        coverages: Sequence[float] = (),
        quantiles: Sequence[float] = (),
    ) -> dict[str, np.ndarray]:
        """Forecasts after the end of series, (n_series, horizon) by column."""
        ends = known.collection.panel.lengths[:, None]
        found = self.columns(known, ends, horizon, coverages, quantiles)
        return {name: values[:, 0] for name, values in found.items()}

    def columns(
        self,
        known: Known,
        ends: np.ndarray,
        horizon: int,
        coverages: Sequence[float] = (),
        quantiles: Sequence[float] = (),
    ) -> dict[str, np.ndarray]:
        """Forecasts, bounds of intervals and quantiles by column, (n_series, n_origins, horizon).

        From where so many values are known: ``ends`` (n_series, n_origins).
        """
        levels = {}
        for share in coverages:
            levels[f"lower_{100 * share:g}"] = (1 - share) / 2
            levels[f"upper_{100 * share:g}"] = (1 + share) / 2
        levels |= {f"quantile_{100 * level:g}": level for level in quantiles}
        if levels:
            self.check_spread(np.array(list(levels.values())))
        parts = []
        for path, rounds, series, firsts in self.walks(known, ends, horizon):
            scaled = {"RNNForecaster": path}
            for name, level in levels.items():
                scaled[name] = self._bound(path, rounds, level)
            parts.append({k: known.scaling.undo(v, series, firsts) for k, v in scaled.items()})
        return {
            name: np.concatenate([part[name] for part in parts]).reshape(*ends.shape, horizon)
            for name in parts[0]
        }

    def _bound(self, path, rounds, level):
        """The quantile of a level, (n_windows, horizon), on the common scale."""
        horizon = path.shape[1]
        if not self.conformal:
            told = [one.base + one.scale * one.said.quantile(level) for one in rounds]
            return np.hstack(told)[:, :horizon]
        coverage = round(abs(2 * level - 1), 12)
        if coverage == 0:
            return path
        units = np.hstack([one.said.units()[int(level > 0.5)] for one in rounds])[:, :horizon]
        unit = units * portable.power(rounds[0].scale, self.widths.power)
        width = self.widths.half_width(coverage, horizon) * unit
        return path + width if level > 0.5 else path - width

    def check_spread(self, levels: np.ndarray) -> None:
        """Refuse to tell quantiles where nothing says how far forecasts are off."""
        loss, learnt = self.models.reading.loss, self.models.reading.levels
        if self.conformal and self.widths is None:
            raise ValueError(
                "Intervals need errors on a held-out part of y, and early_stopping=False holds "
                "none out. Fit with early_stopping=True"
                + (", or set conformal=False." if find_loss(loss).learns_spread else ".")
            )
        if self.conformal:
            return
        if not find_loss(loss).learns_spread:
            with_spread = [name for name in LOSSES if find_loss(name).learns_spread]
            raise ValueError(
                f"conformal=False leaves what the loss learns of the spread, and {loss!r} learns "
                f"none. Fit with one of {', '.join(map(repr, with_spread))}, or set conformal=True."
            )
        if find_loss(loss).takes_quantiles and levels.size:
            least, most = min(learnt), max(learnt)
            if levels.min() < least - 1e-9 or levels.max() > most + 1e-9:
                raise ValueError(
                    f"Quantiles from {levels.min():g} to {levels.max():g} are asked for, and those "
                    f"from {least:g} to {most:g} were learnt. Fit with more in quantiles, or set "
                    "conformal=True."
                )

    def samples(self, known: Known, horizon: int, n_samples: int, seed: int) -> np.ndarray:
        """Ways that series may go, (n_series, n_samples, horizon)."""
        self.check_spread(np.array([]))
        rng = np.random.default_rng(seed)
        drawn = self._error_paths(rng) if self.conformal else _independent(rng)
        ends = np.tile(known.collection.panel.lengths[:, None], n_samples)
        paths = [
            known.scaling.undo(path, series, firsts)
            for path, _, series, firsts in self.walks(known, ends, horizon, drawn)
        ]
        return np.concatenate(paths).reshape(*ends.shape, horizon)

    def _error_paths(self, rng):
        """What draws held-out errors, a whole window's at once."""
        widths = self.widths
        if not isinstance(widths, HeldOutErrors):
            raise ValueError(
                "The forecaster was saved by a version that kept no errors window by window. Fit "
                "it again."
            )

        def drawn(said, scale):
            errors = widths.paths((len(said.point),), rng)
            errors = errors * portable.power(scale, widths.power - 1)
            below, above = said.units()
            return said.point + errors * np.where(errors < 0, below, above)

        return drawn

    def walks(
        self, known: Known, ends: np.ndarray, horizon: int, drawn: Callable | None = None
    ) -> Iterator[tuple[np.ndarray, list[Round], np.ndarray, np.ndarray]]:
        """Forecasts on the common scale by pieces: path, rounds, each one's series and step."""
        models, panel = self.models, known.collection.panel
        reading = models.reading
        values = known.scaling.apply(panel, known.passed)
        series = np.repeat(np.arange(panel.n_series), ends.shape[1])
        ends = ends.ravel()
        firsts = ends + np.broadcast_to(known.passed, panel.n_series)[series]
        n_steps = -(-horizon // reading.n_ahead) * reading.n_ahead
        n_rows = reading.lookback + n_steps
        piece = max(1, _PIECE // (n_rows * (1 + reading.n_channels)))
        for first in range(0, series.size, piece):
            some = slice(first, first + piece)
            own, end = series[some], ends[some]
            places = panel.indptr[own] + end
            recent = values[places[:, None] + np.arange(-reading.lookback, 0)]
            beside = None
            if reading.n_channels:
                beside = _beside(known, own, end, reading, n_steps)
            path, rounds = models.walk(recent, beside, known.groups[own], horizon, drawn)
            yield path, rounds, own, firsts[some]


def _beside(known, series, ends, reading, n_steps):
    """What is read beside windows and what follows them, (n_windows, rows, n_channels).

    Beyond what is known the last row goes on; so do channels that are not known in the future.
    """
    panel, beside = known.collection.panel, known.collection.beside
    n_past = reading.lookback
    places = ends[:, None] + np.arange(-n_past, n_steps)
    lengths = panel.lengths[series][:, None]
    rows = beside[panel.indptr[series][:, None] + np.minimum(places, lengths - 1)]
    if known.after is not None:
        after = np.clip(places - lengths, 0, known.after.shape[1] - 1)
        beyond = places >= lengths
        rows[beyond] = known.after[series[:, None], after][beyond]
    rows[:, n_past:, reading.n_known :] = rows[:, n_past - 1 : n_past, reading.n_known :]
    return rows


def held_out_errors(
    models: Models, source: Source, windows: np.ndarray, series: np.ndarray
) -> HeldOutErrors:
    """How far forecasts of windows are off the truth."""
    reading = models.reading
    said = models.say(source, windows, series)
    past = windows[:, None] + np.arange(reading.lookback)
    recent = source.values[past, 0]
    deviation = (recent - recent[:, -1:]).std(axis=1, keepdims=True)
    future = windows[:, None] + reading.lookback + np.arange(reading.n_ahead)
    observed = source.targets if source.targets.size else source.values
    base = recent[:, np.arange(reading.n_ahead) % reading.season - reading.season]
    scale = np.maximum(deviation, LEAST_SCALE)
    errors = observed[future, 0] - (base + scale * said.point)
    below, above = said.units()
    errors = errors / np.where(errors < 0, below, above)
    return HeldOutErrors.from_windows(errors, scale[:, 0], series)


def _independent(rng):
    """What draws each step from what the loss learnt."""
    return lambda said, scale: said.quantile(rng.random(said.point.shape))
