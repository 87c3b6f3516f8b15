"""Generalised Pareto tails of scores above a level, and quantiles beyond the data."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from tsrnn.anomaly.thresholds.quantile import upper_quantile

_FLAT = 1e-4  # |shape / scale| times the mean excess, below which a tail counts as exponential
# Search grids for roots: below 0 as a fraction of -1 / max(y), above 0 of the upper end.
_GRID_BELOW = np.concatenate([np.geomspace(_FLAT, 0.5, 16), 1 - np.geomspace(0.5, 1e-8, 16)[1:]])
_GRID_ABOVE = np.linspace(0, 1, 32)
_REFIT_EACH = 1000  # number of peaks up to which the tail is refitted at each new one


def fit_pareto(excesses: ArrayLike) -> tuple[float, float]:
    """Shape (above -1) and scale of a generalised Pareto distribution, by maximum likelihood.

    The distribution of excesses (n,) over a high level, ``P(Y > y) = (1 + shape y / scale)^(-1 /
    shape)``, and ``exp(-y / scale)`` for shape 0 (Pickands 1975). With ``x = shape / scale`` the
    likelihood is stationary where ``u(x) v(x) = 1``, ``u(x) = mean(1 / (1 + x y))`` and ``v(x) = 1
    + mean(log(1 + x y))``; then ``shape = v(x) - 1`` and ``scale = shape / x`` (Grimshaw,
    "Computing maximum likelihood estimates for the generalized Pareto distribution", Technometrics
    35, 1993). The root with the highest likelihood is taken, or the exponential if that is better,
    or if there is no maximum, as for tails with an abrupt end, such as that of a uniform
    distribution. Roots are searched for in all of ``-1 / max(y) < x < 2 (mean(y) - min(y)) /
    min(y)^2``, by Brent's method where the sign changes on a grid; Siffer et al. (2017) start above
    0 at ``2 (mean(y) - min(y)) / (mean(y) min(y))``, and so often miss the roots of heavy tails.
    Raises ValueError if there are no excesses, or one is not above 0 or not finite.

    >>> import numpy as np
    >>> from tsrnn.anomaly.thresholds.pareto import fit_pareto
    >>> levels = (np.arange(1000) + 0.5) / 1000
    >>> shape, scale = fit_pareto(((1 - levels) ** -0.2 - 1) * 10)  # of 0.2 and 2
    >>> round(shape, 2), round(scale, 2)
    (0.2, 2.0)
    """
    excesses = np.asarray(excesses, dtype=float)
    if excesses.ndim != 1 or not excesses.size:
        raise ValueError(f"excesses must be (n,) with values, got shape {excesses.shape}.")
    bad = ~((excesses > 0) & np.isfinite(excesses))
    if bad.any():
        where = int(bad.argmax())
        raise ValueError(
            f"excesses must be above 0 and finite, got {excesses[where]} at [{where}]."
        )
    unit = excesses.mean()
    y = excesses / unit
    best, shape, scale = -1.0, 0.0, 1.0  # mean log-likelihood of the exponential
    for x in _roots(y):
        shape_at_x = float(np.log1p(x * y).mean())
        likelihood = -np.log(shape_at_x / x) - 1 - shape_at_x
        if likelihood > best:
            best, shape, scale = likelihood, shape_at_x, shape_at_x / x
    return shape, float(scale * unit)


def _roots(y):
    """Roots of u(x) v(x) = 1 other than x = 0, for excesses with mean 1."""
    least, greatest = y.min(), y.max()
    end = 2 * (1 - least) / max(least, 1e-8) ** 2
    grids = [-_GRID_BELOW / greatest]
    if end > _FLAT:
        grids.append(_FLAT * (end / _FLAT) ** _GRID_ABOVE)
    roots = []
    for grid in grids:
        parts = np.array_split(grid, min(grid.size, 1 + y.size // 100_000))  # bounds memory
        signs = np.sign(np.concatenate([_stationary(part, y) for part in parts]))
        for k in np.flatnonzero(signs[1:] * signs[:-1] < 0):
            roots.append(brentq(_stationary, grid[k], grid[k + 1], args=(y,), rtol=1e-10))
    return roots


def _stationary(x, y):
    """``u(x) v(x) - 1``, 0 where the likelihood is stationary; x is a number or (n_x,)."""
    inner = 1 + np.multiply.outer(x, y)
    return (1 / inner).mean(axis=-1) * (1 + np.log(inner).mean(axis=-1)) - 1


def tail_quantile(risk: float, shape: float, scale: float, share: float) -> float:
    """Excess over the level that a value exceeds with a probability of ``risk``.

    ``scale / shape ((risk / share)^(-shape) - 1)``, or ``-scale log(risk / share)`` for shape 0,
    where ``share`` is the share of values above the level (Siffer et al. 2017, eq. 1); 0 if that is
    below the risk.

    >>> from tsrnn.anomaly.thresholds.pareto import tail_quantile
    >>> round(tail_quantile(1e-4, shape=0.5, scale=2.0, share=0.01), 9)  # 4 (0.01^-0.5 - 1)
    36.0
    """
    if share <= risk:
        return 0.0
    distance = np.log(share / risk)
    with np.errstate(over="ignore"):
        return float(scale * (np.expm1(shape * distance) / shape if shape else distance))


@dataclasses.dataclass
class ParetoTail:
    """Peaks of a stream over a level, and the quantile from their tail (Siffer et al. 2017).

    The tail is refitted at each new peak, as in the paper, up to ``_REFIT_EACH`` peaks; then each
    time their number has grown by that share, so that the cost of a peak does not grow.
    """

    base: float  # the level; values above it are peaks
    risk: float  # probability of a value above the quantile
    n: int  # values so far, without alarms
    shape: float  # of the generalised Pareto distribution, as scale; NaN if there are no peaks
    scale: float
    quantile: float  # values above it are alarms; the base if there are no peaks
    next_fit: int  # number of peaks at which the tail is refitted
    peaks: list[float]  # their excesses over the base

    @classmethod
    def fit(cls, values: np.ndarray, level: float, risk: float) -> ParetoTail:
        """The tail of (n,) values above their quantile of ``level``."""
        base = upper_quantile(values, 1 - level)
        peaks = (values[values > base] - base).tolist()
        tail = cls(base, risk, values.size, np.nan, np.nan, base, 0, peaks)
        tail.refit()
        return tail

    def update(self, value: float) -> bool:
        """Whether the next value is an alarm; if not, it is added."""
        if value > self.quantile:
            return True
        self.n += 1
        if value > self.base:
            self.peaks.append(value - self.base)
            if len(self.peaks) >= self.next_fit:
                self.refit()
        return False

    def refit(self) -> None:
        """Fit the distribution to the peaks so far."""
        n_peaks = len(self.peaks)
        self.next_fit = n_peaks + max(1, n_peaks // _REFIT_EACH)
        if n_peaks:
            self.shape, self.scale = fit_pareto(self.peaks)
            share = n_peaks / self.n
            self.quantile = self.base + tail_quantile(self.risk, self.shape, self.scale, share)
