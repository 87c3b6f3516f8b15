"""PolynomialDetector: windows that deviate from polynomials fitted to their neighbourhood."""

from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tsrnn.anomaly.baselines.base import Baseline, batches, spread_to_points, window_positions
from tsrnn.anomaly.results import SeriesScores
from tsrnn.anomaly.scores import MIN_SPREAD, mean_over_channels
from tsrnn.data import DataError
from tsrnn.parameters import Integer
from tsrnn.parameters.types import Auto, Missing

_LEAST_ERROR = 1e-9  # of standardised values; smaller ones are rounding


class PolynomialDetector(Baseline):
    """Detect windows that deviate from a polynomial fitted to their neighbourhood.

    A polynomial is fitted to the points before and after a window but not those in it; with
    ``online=True`` only to those before. The score of the window is the root mean square of the
    errors in it, in units of typical errors, about 1 for normal windows (after POLY of TSB-AD, Liu
    & Paparrizos, NeurIPS 2024, which uses windows that do not overlap, skips up to 500 points at
    the start and compares Fourier transforms; Li, Ma & Mei, "A unifying method for outlier and
    change detection from data streams based on local polynomial fitting", PAKDD 2007). At the ends
    of a series, where the neighbourhood is on one side, and beside gaps polynomials are inaccurate:
    errors are divided by their standard error, that of least squares for independent noise,
    relative to that of a complete neighbourhood. Fitted attributes are those of
    `RNNAnomalyDetector`: ``threshold_``, ``offset_`` and ``n_features_in_``.

    Parameters
    ----------
    window : int, default=100
        Steps of a window.
    degree : int, default=3
        Degree of the polynomials; a lower one is more stable with ``online=True``, which
        extrapolates.
    neighborhood : int, optional
        Points that a polynomial is fitted to, half of them on either side; by default 10 windows.
        Near the ends fewer, down to 2 windows.
    online : bool, default=False
    threshold : Threshold, optional
    contamination : float or "auto", default="auto"
    missing : {"raise", "mask"}, default="raise"
    id_column, time_column : str, optional
        As in `PCADetector`; but missing values are skipped: at least half of a window are needed,
        and of its neighbourhood as many as 2 windows.

    See Also
    --------
    PCADetector : Principal components of windows.
    tsrnn.RNNAnomalyDetector : A detector by a network.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from tsrnn.anomaly import PolynomialDetector
    >>> hours = pd.date_range("2024-01-01", periods=1000, freq="h")
    >>> rng = np.random.default_rng(0)
    >>> y = pd.Series(rng.normal(size=1000), hours).ewm(span=200).mean()
    >>> y.iloc[700:710] += 2
    >>> PolynomialDetector(window=10).fit(y).score_samples(y).idxmin()
    Timestamp('2024-01-30 09:00:00')
    """

    _MIN_EXCESS = 0.1

    _parameter_constraints = Baseline._parameter_constraints | {
        "degree": [Integer(0)],
        "neighborhood": [Integer(2, 10**6), None],
    }

    def __init__(
        self,
        *,
        window: int = 100,
        degree: int = 3,
        neighborhood: int | None = None,
        online: bool = False,
        threshold: Any = None,
        contamination: float | Auto = "auto",
        missing: Missing = "raise",
        id_column: Hashable | None = None,
        time_column: Hashable | None = None,
    ):
        super().__init__(window, online, threshold, contamination, missing, id_column, time_column)
        self.degree = degree
        self.neighborhood = neighborhood

    @property
    def stretch(self) -> int:
        """Number of past steps that a score depends on."""
        return self.window

    def _neighborhood_sizes(self):
        """Points of a neighbourhood, and how many of them must be known."""
        n_points = 10 * self.window if self.neighborhood is None else self.neighborhood
        return n_points, min(max(2 * self.window, 2 * (self.degree + 1)), n_points)

    def _min_length(self):
        return self.window + self._neighborhood_sizes()[1]

    def _fit_values(self, scaled):
        n_points, n_needed = self._neighborhood_sizes()
        if n_points < 2 * (self.degree + 1):
            raise ValueError(
                f"neighborhood={n_points} is too small for polynomials of degree {self.degree}: "
                f"give at least {2 * (self.degree + 1)}."
            )
        before = n_points if self.online else n_points // 2
        self._basis = Basis(self.window, before, n_points - before, n_needed, self.degree)
        try:
            squares = [self._basis.evaluate(z)[0] for z in scaled]
        except np.linalg.LinAlgError as error:  # all points lie in a small part of it
            raise ValueError(
                f"neighborhood={n_points} is too long for series of at most "
                f"{max(map(len, scaled))} observations. Give a shorter one."
            ) from error
        typical = [np.sqrt(mean_over_channels(by_window.T)) for by_window in squares]
        if np.isnan(typical).all():
            raise DataError(
                f"has no {self.window} observations of which half are there, and of the "
                f"{n_points} {'before' if self.online else 'around'} them {n_needed}",
                "Fill the gaps.",
            )
        self._error_scale = np.where(np.isnan(typical), 1.0, typical) + MIN_SPREAD

    def _scores_of(self, series, z):
        k = self.fitted_.position(series)
        error_scale = self._error_scale[k]
        squares, coefficients, ratios = self._basis.evaluate(z)
        squares /= np.square(error_scale)
        scores = np.sqrt(mean_over_channels(squares))
        positions = window_positions(~np.isnan(scores), len(z), self.window, self.online)
        offsets = np.arange(len(z)) - positions
        expected = self._basis.values(spread_to_points(coefficients, positions), offsets)
        point_squares = np.square((z - expected) / error_scale) / spread_to_points(
            ratios, positions
        )
        point_score = np.sqrt(mean_over_channels(point_squares))
        scores = spread_to_points(scores, positions)
        return SeriesScores(
            np.where(np.isnan(point_score), np.nan, scores),
            point_score,
            spread_to_points(squares, positions),
            expected=self.fitted_.unscaled(series, expected),
            spread=np.broadcast_to(error_scale * self.fitted_.deviations[k], z.shape),
        )


class Basis:
    """Polynomials that are orthonormal over the neighbourhood of a window.

    The neighbourhood has ``before`` and ``after`` points, of which ``n_needed`` must be known.
    """

    def __init__(self, window: int, before: int, after: int, n_needed: int, degree: int):
        self.window, self.before, self.after, self.n_needed = window, before, after, n_needed
        positions = np.linspace(-1, 1, before + window + after)
        powers = np.polynomial.legendre.legvander(positions, degree)
        self.is_outside = np.ones(positions.size)
        self.is_outside[before : before + window] = 0
        orthonormal, triangle = np.linalg.qr(powers[self.is_outside > 0])
        self.outside = np.zeros_like(powers)
        self.outside[self.is_outside > 0] = orthonormal
        self.inside = np.linalg.solve(triangle.T, powers[before : before + window].T).T
        self._inside_gram = self.inside.T @ self.inside / window

    def evaluate(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean square errors in the windows of a series, and coefficients of their polynomials.

        Of (n, n_channels) values: (n_windows, n_channels) and (n_windows, degree + 1, n_channels),
        NaN where too little is known; and (n_windows, n_channels) ratios of the error variance to
        that with a complete neighbourhood, by which the squares are divided.
        """
        shape = (max(len(z) - self.window + 1, 0), self.inside.shape[1], z.shape[1])
        squares, coefficients = np.full(shape[::2], np.nan), np.full(shape, np.nan)
        ratios = np.ones(shape[::2])
        if shape[0]:
            for k, x in enumerate(z.T):
                coefficients[..., k], ratios[:, k] = self._coefficients(x)
                squares[:, k] = self._mean_squares(x, coefficients[..., k]) / ratios[:, k]
        return squares, coefficients, ratios

    def _coefficients(self, x):
        """Coefficients by least squares, (n_windows, degree + 1), and ratios of error variances."""
        padded = np.concatenate([np.full(self.before, np.nan), x, np.full(self.after, np.nan)])
        known = ~np.isnan(padded)
        padded[~known] = 0
        count = np.correlate(known.astype(float), self.is_outside, "valid")
        columns = [np.correlate(padded, column, "valid") for column in self.outside.T]
        products = np.column_stack(columns)
        # These are the coefficients if all of the neighbourhood is known; else the basis is not
        # orthonormal over the known points.
        size = self.before + self.after
        span, width = self.outside.shape
        products[count < self.n_needed] = np.nan
        ratios, complete = np.ones(len(products)), 1 + np.trace(self._inside_gram)
        pairs = (self.outside[:, :, None] * self.outside[:, None]).reshape(span, -1)
        views = sliding_window_view(known, span)
        for batch in batches(np.flatnonzero((count < size) & (count >= self.n_needed)), span):
            grams = (views[batch] @ pairs).reshape(-1, width, width)
            products[batch] = np.linalg.solve(grams, products[batch, :, None])[..., 0]
            shares = np.linalg.solve(grams, np.broadcast_to(self._inside_gram, grams.shape))
            ratios[batch] = (1 + np.trace(shares, axis1=1, axis2=2)) / complete
        return products, np.maximum(ratios, 1)

    def _mean_squares(self, x, coefficients):
        """Mean square errors of the windows, (n_windows,)."""
        means, windows = np.full(len(coefficients), np.nan), sliding_window_view(x, self.window)
        for batch in batches(np.arange(len(means)), self.window):
            errors = windows[batch] - coefficients[batch] @ self.inside.T
            squares = np.square(np.where(np.abs(errors) < _LEAST_ERROR, 0, errors))
            is_known = 2 * (~np.isnan(squares)).sum(axis=1) >= self.window
            means[batch[is_known]] = mean_over_channels(squares[is_known])
        return means

    def values(self, coefficients: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """Values of polynomials (n, degree + 1, n_channels), each at a position in its window."""
        positions = np.clip(positions, 0, self.window - 1)
        return np.einsum("np,npc->nc", self.inside[positions], coefficients)
