"""Uncertainty of forecasts: the distribution a loss learnt, and errors on held-out windows."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import special

from tsrnn.kernels import portable
from tsrnn.kernels.losses import find_loss
from tsrnn.parameters import percent_label

LEAST_UNIT = 1e-3  # smallest unit of errors, in the window's scale
_LEAST_LEVEL = 1e-7  # of a value's probability


class ConformalWidths:
    """Half-widths of intervals, by split conformal prediction with a spread per step ahead.

    Errors (n_windows, n_ahead), truth minus forecast in units of each window (its scale to
    ``power``), NaN where the truth is missing, are divided by their root mean square at each step
    ahead (made non-decreasing, and above 0 unless all errors are 0) and pooled; the half-width for
    a coverage is the pool's quantile times the spread (Vovk et al. 2005; Lei et al. 2018, section
    5.2). The errors of one window depend on each other, so the finite-sample correction counts
    windows, not errors, and only those with an error. The coverage holds on average where windows
    are exchangeable. Overlapping windows from the end of a series, which early stopping used too,
    are less than that, and intervals are then too narrow.
    """

    def __init__(self, errors: np.ndarray, power: float = 1.0, weights: np.ndarray | None = None):
        is_known = ~np.isnan(errors)
        self.n_windows, self.power = int(is_known.any(axis=1).sum()), power
        weights = np.ones(len(errors)) if weights is None else weights
        error_weights = weights[:, None] * is_known
        total_weights = np.maximum(error_weights.sum(axis=0), 1e-300)
        squares = np.nansum(weights[:, None] * errors**2, axis=0)
        spread = np.maximum.accumulate(np.sqrt(squares / total_weights))
        self.spread = np.where(spread > 0, spread, spread[np.argmax(spread > 0)])
        with np.errstate(invalid="ignore"):
            pool = np.abs(errors) / self.spread
        pool[np.isnan(pool) & is_known] = 0  # a spread of zero: no error at all
        order = np.argsort(pool[is_known])
        self.pool = pool[is_known][order]
        self.cumulative_weights = np.cumsum(error_weights[is_known][order])
        self.cumulative_weights /= self.cumulative_weights[-1]

    def factor(self, coverage: float) -> float:
        """Half-width for a coverage, as a multiple of the spread."""
        level = min(np.ceil((self.n_windows + 1) * coverage) / self.n_windows, 1.0)
        return self.pool[np.searchsorted(self.cumulative_weights, level * (1 - 1e-12))]

    def half_width(self, coverage: float, horizon: int) -> np.ndarray:
        """Half-width at each step ahead, (horizon,); the last known spread goes on beyond it."""
        n_beyond = max(0, horizon - self.spread.size)
        spread = np.concatenate([self.spread, np.full(n_beyond, self.spread[-1])])
        return self.factor(coverage) * spread[:horizon]


class HeldOutErrors(ConformalWidths):
    """Conformal widths that keep the errors of each window, to sample whole paths of them."""

    def __init__(self, errors: np.ndarray, power: float = 1.0, weights: np.ndarray | None = None):
        super().__init__(errors, power, weights)
        weights = np.ones(len(errors)) if weights is None else weights
        is_observed = ~np.isnan(errors).all(axis=1)
        self.errors, self.weights = errors[is_observed], weights[is_observed]

    @classmethod
    def from_windows(
        cls, errors: np.ndarray, scales: np.ndarray, series: np.ndarray
    ) -> HeldOutErrors:
        """From errors on the common scale, the windows' scales, and the series each belongs to.

        Errors grow with a window's scale, by a power between 0 and 1: the slope of a line through
        the logarithms. All series have the same total weight.
        """
        squares = np.nansum(errors**2, axis=1) / np.maximum((~np.isnan(errors)).sum(axis=1), 1)
        is_positive = squares > 0
        x = portable.log(scales[is_positive])
        y = portable.log(squares[is_positive]) / 2
        x -= x.mean() if x.size else 0
        power = 1.0
        if x.size and x.std() >= 1e-3:
            power = float(np.clip((x * y).sum() / (x * x).sum(), 0, 1))
        weights = 1 / np.bincount(series)[series]
        return cls(errors / portable.power(scales[:, None], power), power, weights)

    def paths(self, shape: tuple, rng: np.random.Generator) -> np.ndarray:
        """Errors of windows drawn at random, (*shape, n_ahead)."""
        rows = rng.choice(len(self.errors), size=shape, p=self.weights / self.weights.sum())
        return self._complete_errors()[rows]

    def _complete_errors(self):
        """The errors, with missing ones filled from the nearest earlier step of the same window.

        They are scaled by the spreads of both steps. Before the first known error, it is taken.
        """
        is_missing = np.isnan(self.errors)
        if not is_missing.any():
            return self.errors
        steps = np.arange(self.spread.size)
        first = np.argmin(is_missing, axis=1)[:, None]
        source = np.maximum(np.maximum.accumulate(np.where(is_missing, 0, steps), axis=1), first)
        relative = self.errors / np.where(self.spread > 0, self.spread, 1)
        filled = np.take_along_axis(relative, source, axis=1) * self.spread
        return np.where(is_missing, filled, self.errors)


@dataclasses.dataclass(frozen=True)
class LossOutputs:
    """Outputs of an ensemble for windows, on their scales; members are combined by their median."""

    loss: str
    loss_params: tuple
    outputs: np.ndarray  # (n_members, n_windows, n_outputs_per_step, n_ahead)
    unit: float | np.ndarray = 1.0  # (n_windows, 1): the scales, where a loss must know them

    @property
    def point(self) -> np.ndarray:
        """The point forecast, (n_windows, n_ahead): the median, or of positive losses the mean."""
        loss = find_loss(self.loss)
        point_of = loss.point if loss.is_positive else loss.median
        return _median(point_of(self.outputs, self.loss_params))

    def with_point(self, point: np.ndarray) -> LossOutputs:
        """Outputs of a positive loss with other means, (n_windows, n_ahead)."""
        outputs = self.outputs.copy()
        least = np.finfo(np.float32).tiny
        outputs[:, :, 0] += portable.log(np.maximum(point, least) / np.maximum(self.point, least))
        return dataclasses.replace(self, outputs=outputs)

    def deviates(self, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Standard normal deviates of the levels of values by a positive loss, NaN where missing.

        A value that has a mass, such as 0, has a level drawn from those that it stands for: the
        levels are uniform if the distribution is right (Czado et al. 2009).
        """
        loss: Any = find_loss(self.loss)
        known = np.nan_to_num(values)
        below, until = (
            _median(function(self.outputs, known, self.unit))
            for function in (loss.probability_below, loss.cdf)
        )
        levels = below + rng.random(values.shape) * (until - below)
        levels = np.clip(levels, _LEAST_LEVEL, 1 - _LEAST_LEVEL)
        return np.where(np.isnan(values), np.nan, special.ndtri(levels))

    def at(self, deviates: np.ndarray) -> np.ndarray:
        """Quantiles of the levels of standard normal deviates, of the shape of the point."""
        return self.quantile(special.ndtr(deviates))

    def units(self) -> tuple[np.ndarray, np.ndarray]:
        """Units of errors below and above the point forecast, two (n_windows, n_ahead) arrays."""
        loss = find_loss(self.loss)
        scale = loss.scale(self.outputs)
        if scale is not None:
            unit = _median(scale)
            return unit, unit
        if loss.takes_quantiles:
            ordered, point = _median(np.sort(self.outputs, axis=2)), self.point
            low, high = ordered[:, 0], ordered[:, -1]
            return np.maximum(point - low, LEAST_UNIT), np.maximum(high - point, LEAST_UNIT)
        return (np.ones(self.outputs.shape[1::2]),) * 2

    def quantile(self, level: float | np.ndarray) -> np.ndarray:
        """Quantile of a loss that learns the spread, (n_windows, n_ahead); ``level`` too."""
        loss = find_loss(self.loss)
        return _median(loss.quantile(self.outputs, level, self.loss_params, self.unit))

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """A value of each step, (n_windows, n_ahead), of a loss that learns the spread."""
        return self.quantile(rng.random(self.point.shape))


def _median(values):
    """Median over the members of an ensemble, (n_members, ...)."""
    return values[0] if len(values) == 1 else np.median(values, axis=0)


def levels_by_column(coverages: Sequence[float], quantiles: Sequence[float]) -> dict[str, float]:
    """Level of each column of interval bounds and quantiles, such as 0.1 of "lower_80"."""
    levels = {}
    for coverage in coverages:
        levels[f"lower_{percent_label(coverage)}"] = (1 - coverage) / 2
        levels[f"upper_{percent_label(coverage)}"] = (1 + coverage) / 2
    return levels | {f"quantile_{percent_label(level)}": level for level in quantiles}


def as_levels(values: float | Sequence[float]) -> list[float]:
    """One probability or several, as a list."""
    return np.atleast_1d(np.asarray(values, dtype=float)).tolist()
