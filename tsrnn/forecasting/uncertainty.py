"""How far forecasts may be off: what a network says of it, and what held-out windows show."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy import special

from tsrnn.kernels import portable

_LEAST_UNIT = 1e-3  # of errors, in the unit of a window's scale


class ConformalWidths:
    """Half-widths of intervals, by split conformal prediction with a spread per step ahead.

    Errors of windows that the network did not learn from are divided by their root mean square at
    each step ahead (made to grow with the step) and pooled; the half-width for a coverage is the
    pool's quantile times the spread (Vovk et al. 2005; Lei et al. 2018, section 5.2). The errors of
    one window go together, so the correction for a finite sample counts windows, not errors. Kept
    on average where windows are exchangeable; overlapping windows of a short end, which also chose
    when training stopped, are less than that, and the intervals then too narrow.

    Parameters
    ----------
    errors : (n_windows, n_ahead) array
        Truth minus forecast in a unit of each window's; NaN where the truth is missing.
    power : float, default=1
        That the unit is of the window's scale.
    weights : (n_windows,) array, optional
        How much each window counts.
    """

    def __init__(self, errors: np.ndarray, power: float = 1.0, weights: np.ndarray | None = None):
        self.n_windows, self.power = len(errors), power
        weights = np.ones(len(errors)) if weights is None else weights
        counts = weights[:, None] * ~np.isnan(errors)
        mass = np.maximum(counts.sum(axis=0), 1e-300)
        squares = np.nansum(weights[:, None] * errors**2, axis=0)
        self.spread = np.maximum.accumulate(np.sqrt(squares / mass))
        with np.errstate(invalid="ignore"):
            pool = np.abs(errors) / self.spread
        pool[np.isnan(pool) & ~np.isnan(errors)] = 0  # a spread of zero: never wrong
        known = ~np.isnan(pool)
        order = np.argsort(pool[known])
        self.pool, self.shares = pool[known][order], np.cumsum(counts[known][order])
        self.shares /= self.shares[-1]

    def factor(self, coverage: float) -> float:
        """Half-width for a coverage over the spread."""
        share = min(np.ceil((self.n_windows + 1) * coverage) / self.n_windows, 1.0)
        return self.pool[np.searchsorted(self.shares, share * (1 - 1e-12))]

    def half_width(self, coverage: float, horizon: int) -> np.ndarray:
        """Half-width at each step ahead, (horizon,), beyond the last one known that one's."""
        n_more = max(0, horizon - self.spread.size)
        spread = np.concatenate([self.spread, np.full(n_more, self.spread[-1])])
        return self.factor(coverage) * spread[:horizon]


class HeldOutErrors(ConformalWidths):
    """Errors of held-out windows, kept window by window: those of one go together.

    Attributes
    ----------
    errors : (n_windows, n_ahead) array
        As given.
    """

    def __init__(self, errors: np.ndarray, power: float = 1.0, weights: np.ndarray | None = None):
        super().__init__(errors, power, weights)
        self.errors = errors
        self.weights = np.ones(len(errors)) if weights is None else weights

    @classmethod
    def of(cls, errors: np.ndarray, scales: np.ndarray, series: np.ndarray) -> HeldOutErrors:
        """From errors on the common scale, the scales of windows, and which series each is of.

        A window that moves more is forecast worse, by how much the errors say themselves: the power
        of its scale that they grow by, between 0 and 1, is that of a line through the logarithms.
        Each series counts as much as the others, however many windows it has.
        """
        squares = np.nansum(errors**2, axis=1) / np.maximum((~np.isnan(errors)).sum(axis=1), 1)
        known = squares > 0
        x, y = portable.log(scales[known]), portable.log(squares[known]) / 2
        x -= x.mean() if x.size else 0
        power = 1.0
        if x.size and x.std() >= 1e-3:
            power = float(np.clip((x * y).sum() / (x * x).sum(), 0, 1))
        weights = 1 / np.bincount(series)[series]
        return cls(errors / portable.power(scales[:, None], power), power, weights)

    def paths(self, shape: tuple, rng: np.random.Generator) -> np.ndarray:
        """Rows of errors, drawn at random, of shape (*shape, n_ahead)."""
        whole = ~np.isnan(self.errors).any(axis=1)
        rows, weights = np.nan_to_num(self.errors), self.weights
        if whole.any():
            rows, weights = rows[whole], weights[whole]
        return rows[rng.choice(len(rows), size=shape, p=weights / weights.sum())]


@dataclasses.dataclass(frozen=True)
class Said:
    """What networks say of windows, in the unit of each window's scale.

    Of several networks the median counts, at each step.

    Attributes
    ----------
    loss : str
        That the networks learnt by.
    levels : tuple
        Of the loss "quantile".
    outputs : (n_members, n_windows, n_each, n_ahead) array
        What the loss reads for each step.
    """

    loss: str
    levels: tuple
    outputs: np.ndarray

    @property
    def centre(self) -> np.ndarray:
        """The forecast, (n_windows, n_ahead)."""
        if self.loss == "quantile":
            return self.quantile(0.5)
        return _median(self.outputs[:, :, 0])

    def units(self) -> tuple[np.ndarray, np.ndarray]:
        """What errors below and above the forecast are measured by, two (n_windows, n_ahead)."""
        if self.loss in ("gaussian", "student_t"):
            one = _median(self._scale())
            return one, one
        if self.loss == "quantile":
            ordered, centre = _median(self._ordered()), self.centre
            parts = centre - ordered[:, 0], ordered[:, -1] - centre
            return tuple(np.maximum(part, _LEAST_UNIT) for part in parts)
        return (np.ones(self.outputs.shape[1::2]),) * 2

    def quantile(self, level: float | np.ndarray) -> np.ndarray:
        """What the loss says itself: the quantile of a level, (n_windows, n_ahead).

        ``level`` is a number or an array of that shape. Between two levels that were learnt
        quantiles lie on a line, beyond them they are the outermost.
        """
        if self.loss == "quantile":
            ordered = self._ordered()
            place = np.interp(level, self.levels, np.arange(len(self.levels)))
            place = np.broadcast_to(place, ordered.shape[1::2])
            below = np.minimum(place.astype(int), len(self.levels) - 2 + (len(self.levels) == 1))
            above = np.minimum(below + 1, len(self.levels) - 1)
            low, high = (
                np.take_along_axis(ordered, rows[None, :, None], axis=2)[:, :, 0]
                for rows in (below, above)
            )
            return _median(low + (place - below) * (high - low))
        if self.loss == "gaussian":
            standard = special.ndtri(level)
        else:
            standard = special.stdtrit(2 + _softplus(self.outputs[:, :, 2]), level)
        return _median(self.outputs[:, :, 0] + self._scale() * standard)

    def _ordered(self):
        """Quantiles that do not cross: sorted (Chernozhukov et al. 2010)."""
        return np.sort(self.outputs, axis=2)

    def _scale(self):
        return _softplus(self.outputs[:, :, 1]) + 1e-6


def _median(of_members):
    return of_members[0] if len(of_members) == 1 else np.median(of_members, axis=0)


def _softplus(x):
    return portable.log1p_exp(x)


def shares(given: float | Sequence[float], name: str) -> list[float]:
    """Probabilities between 0 and 1, if they are."""
    found = np.atleast_1d(np.asarray(given, dtype=float))
    if found.ndim > 1 or not ((found > 0) & (found < 1)).all():
        raise ValueError(f"{name} must lie between 0 and 1, got {given}.")
    return found.tolist()
