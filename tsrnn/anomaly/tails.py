"""Extreme values: the generalised Pareto of what lies above a level, and streams judged by it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

_FLAT = 1e-4  # |shape over scale| times the mean excess, below which a tail counts as exponential
# Where roots are looked for: below 0 as a share of the way to -1 / max(y), above 0 of the end.
_BELOW = np.concatenate([np.geomspace(_FLAT, 0.5, 16), 1 - np.geomspace(0.5, 1e-8, 16)[1:]])
_ABOVE = np.linspace(0, 1, 32)
_EACH = 1000  # peaks up to which each leads to a new fit


def fit_pareto(excesses: ArrayLike) -> tuple[float, float]:
    """Generalised Pareto of the greatest likelihood, by Grimshaw's (1993) reduction to one root.

    The distribution of what lies above a high level, ``P(Y > y) = (1 + shape y / scale)^(-1 /
    shape)``, and ``exp(-y / scale)`` where the shape is 0 (Pickands 1975). With ``x = shape /
    scale`` the likelihood is stationary where ``u(x) v(x) = 1``, ``u(x) = mean(1 / (1 + x y))`` and
    ``v(x) = 1 + mean(log(1 + x y))``; then ``shape = v(x) - 1`` and ``scale = shape / x``. Of all
    the roots found, and the exponential, that of the greatest likelihood is taken. Of tails that
    end abruptly, as a uniform's does, the likelihood has no maximum; then the exponential, which
    is longer, stands in.

    Parameters
    ----------
    excesses : (n,) array
        What values lie above the level by, each above 0.

    Returns
    -------
    shape : float
        Without a unit, above -1: the likelihood has no maximum below. Above 0 the tail is heavy,
        below 0 it ends at ``-scale / shape``.
    scale : float
        In the unit of the excesses, above 0.

    Raises
    ------
    ValueError
        If there are no excesses, or one is not above 0 or not finite.

    Notes
    -----
    Roots are searched for in all of ``-1 / max(y) < x < 2 (mean(y) - min(y)) / min(y)^2``, by
    Brent's method where the sign changes on a grid. Siffer et al. (2017) begin the search above 0
    at ``2 (mean(y) - min(y)) / (mean(y) min(y))``, where the roots of heavy tails are often missed.

    References
    ----------
    S. D. Grimshaw, "Computing maximum likelihood estimates for the generalized Pareto
    distribution", Technometrics 35, 1993.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.anomaly.tails import fit_pareto
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
        found = float(np.log1p(x * y).mean())
        likelihood = -np.log(found / x) - 1 - found
        if likelihood > best:
            best, shape, scale = likelihood, found, found / x
    return shape, float(scale * unit)


def _roots(y):
    """Where u(x) v(x) is 1 but for x = 0, of excesses with a mean of 1."""
    least, greatest = y.min(), y.max()
    end = 2 * (1 - least) / max(least, 1e-8) ** 2
    grids = [-_BELOW / greatest]
    if end > _FLAT:
        grids.append(_FLAT * (end / _FLAT) ** _ABOVE)
    roots = []
    for grid in grids:
        parts = np.array_split(grid, min(grid.size, 1 + y.size // 100_000))  # to spare memory
        signs = np.sign(np.concatenate([_stationary(part, y) for part in parts]))
        for k in np.flatnonzero(signs[1:] * signs[:-1] < 0):
            roots.append(brentq(_stationary, grid[k], grid[k + 1], args=(y,), rtol=1e-10))
    return roots


def _stationary(x, y):
    """``u(x) v(x) - 1``, 0 where the likelihood is stationary, of an x or each of (n_x,)."""
    inner = 1 + np.multiply.outer(x, y)
    return (1 / inner).mean(axis=-1) * (1 + np.log(inner).mean(axis=-1)) - 1


def tail_quantile(risk: float, shape: float, scale: float, share: float) -> float:
    """What a value exceeds the level by, at most, but with a probability of ``risk``.

    ``scale / shape ((risk / share)^(-shape) - 1)``, or ``-scale log(risk / share)`` where the shape
    is 0, of the ``share`` of all values that lie above the level (Siffer et al. 2017, eq. 1); 0
    where that is below the risk.

    Examples
    --------
    >>> from tsrnn.anomaly.tails import tail_quantile
    >>> round(tail_quantile(1e-4, shape=0.5, scale=2.0, share=0.01), 9)  # 4 (0.01^-0.5 - 1)
    36.0
    """
    if share <= risk:
        return 0.0
    distance = np.log(share / risk)
    with np.errstate(over="ignore"):
        return float(scale * (np.expm1(shape * distance) / shape if shape else distance))


class Tail:
    """The peaks of a stream over a level, and the quantile that they lead to (Siffer et al. 2017).

    Each peak leads to a new fit, as in the paper, up to ``_EACH`` of them; then as many as make
    their number greater by that share, so that what a peak costs does not grow with it.

    Parameters
    ----------
    values : (n,) array
        What to begin with.
    level : float
        The peaks lie above so many of these.
    risk : float
        Probability of a value above ``quantile``.

    Attributes
    ----------
    base : float
        The level's value, over which a value is a peak.
    peaks : list
        What each peak lies above it by.
    quantile : float
        Above it values are alarms.
    shape, scale : float
        Of the peaks' generalised Pareto; NaN where there are none, and ``quantile`` is the base.
    n : int
        Values that were taken in.
    """

    def __init__(self, values: np.ndarray, level: float, risk: float):
        self.base = exceeded_by(values, 1 - level)
        self.risk, self.n = risk, values.size
        self.peaks = (values[values > self.base] - self.base).tolist()
        self.shape, self.scale, self.quantile = np.nan, np.nan, self.base
        self._fit()

    def take(self, value: float) -> bool:
        """Whether the next value is an alarm; if it is none, it is taken in."""
        if value > self.quantile:
            return True
        self.n += 1
        if value > self.base:
            self.peaks.append(value - self.base)
            if len(self.peaks) >= self._next_fit:
                self._fit()
        return False

    def _fit(self):
        n_peaks = len(self.peaks)
        self._next_fit = n_peaks + max(1, n_peaks // _EACH)
        if n_peaks:
            self.shape, self.scale = fit_pareto(self.peaks)
            share = n_peaks / self.n
            self.quantile = self.base + tail_quantile(self.risk, self.shape, self.scale, share)


class LocalMean:
    """The mean of the last values of a stream, of fewer while there are not so many."""

    def __init__(self, depth: int):
        self.depth, self._values, self._sum, self._next = depth, [], 0.0, 0

    @property
    def mean(self) -> float:
        """Of the values that are held."""
        return self._sum / len(self._values)

    def add(self, value: float) -> None:
        """Take a value in, for the oldest."""
        if len(self._values) < self.depth:
            self._values.append(value)
            self._sum += value
            return
        self._sum += value - self._values[self._next]
        self._values[self._next] = value
        self._next = (self._next + 1) % self.depth
        if self._next == 0:  # rounding does not add up
            self._sum = sum(self._values)


def largest_count(share: float, n: int) -> int:
    """The largest k with ``k / n <= share``, but for rounding.

    Examples
    --------
    >>> from tsrnn.anomaly.tails import largest_count
    >>> int(0.29 * 100), largest_count(0.29, 100)
    (28, 29)
    """
    return int(share * n * (1 + 1e-12))


def exceeded_by(values: np.ndarray, share: float) -> float:
    """The least of the values that at most a share of them, below 1, lies above."""
    place = values.size - 1 - largest_count(share, values.size)
    return float(np.partition(values, place)[place])
