"""PolynomialDetector: windows that polynomials of what is around them do not go through."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.utils._param_validation import Interval

from tsrnn.anomaly.baselines.base import Baseline, batches, speakers, spoken
from tsrnn.anomaly.detector import AnomalyDetector
from tsrnn.anomaly.found import Scored
from tsrnn.anomaly.surprise import mean_of_channels

_LEAST_SPREAD = 1e-3  # deviations of the series


class PolynomialDetector(Baseline):
    """Find windows that are far from a polynomial through what is around them.

    For each window a polynomial is fitted to its neighbourhood, the points before and after it but
    not those in it; with ``online=True`` the points before it alone. The score of the window is
    the root mean square of the errors in it, in units of the usual ones (after POLY of the
    benchmark TSB-AD). A point has the score of the window that it is the middle of.

    Parameters
    ----------
    window : int, default=100
        Steps of a window.
    degree : int, default=3
        Of the polynomials; with ``online=True`` they go on for a window, and a lower one is tamer.
    neighborhood : int, optional
        Points that a polynomial is fitted to, half of them on either side; by default 10 windows.
        Where there are not so many, those that there are, down to 2 windows.
    online : bool, default=False
        Score each point by the window that ends with it; the first points have none. Otherwise by
        what follows too.
    threshold : Threshold, optional
        What scores are held against: one of ``tsrnn.anomaly.thresholds``.
    contamination : float or "auto", default="auto"
        Without a threshold, the share of the fitted points that are anomalies; "auto" is 3.5 robust
        deviations above the median (``RobustZThreshold``), and with ``online=True`` a false-alarm
        rate of 1 % that moves along (``ConformalThreshold``).
    missing : {"raise", "mask"}, default="raise"
        Refuse missing values and rows, or leave them out. At least half of a window's values must
        be there, and of its neighbourhood's as many as make 2 windows.
    id_column, time_column : str, optional
        Columns of a long frame; all others are channels.

    Attributes
    ----------
    threshold_ : Threshold
        Fitted to the scores of what was learnt.
    offset_ : float
        Minus its value then: ``decision_function`` is ``score_samples`` less this.
    n_features_in_ : int
        Channels.

    See Also
    --------
    RNNAnomalyDetector : What recurrent networks did not expect.

    Notes
    -----
    Scores are near 1 where all is as usual. At the ends of a series the neighbourhood is on one
    side, and polynomials of a high degree are far off. POLY takes windows that do not overlap,
    leaves the first tenth of a series out, up to 500 points, and compares Fourier transforms.

    References
    ----------
    Z. Li, H. Ma and Y. Mei, "A unifying method for outlier and change detection from data streams
    based on local polynomial fitting", PAKDD 2007.

    Q. Liu and J. Paparrizos, "The elephant in the room: towards a reliable time-series anomaly
    detection benchmark" (TSB-AD), NeurIPS 2024.

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

    _parameter_constraints = AnomalyDetector._parameter_constraints | {
        "window": [Interval(Integral, 2, None, closed="left")],
        "degree": [Interval(Integral, 0, None, closed="left")],
        "neighborhood": [Interval(Integral, 2, None, closed="left"), None],
    }

    def __init__(
        self, *, window=100, degree=3, neighborhood=None, online=False, threshold=None,
        contamination="auto", missing="raise", id_column=None, time_column=None,
    ):  # fmt: skip
        super().__init__(
            window, online, threshold, contamination, missing, id_column, time_column
        )  # fmt: skip
        self.degree = degree
        self.neighborhood = neighborhood

    @property
    def stretch(self) -> int:
        """Steps that a score looks back over."""
        return self.window

    def _around(self):
        """Points of a neighbourhood, and how many of them must be there."""
        wanted = 10 * self.window if self.neighborhood is None else self.neighborhood
        return wanted, min(max(2 * self.window, 2 * (self.degree + 1)), wanted)

    def _shortest(self):
        return self.window + self._around()[1]

    def _teach(self, series):
        around, enough = self._around()
        if around < 2 * (self.degree + 1):
            raise ValueError(
                f"neighborhood={around} is too small for polynomials of degree {self.degree}: give "
                f"at least {2 * (self.degree + 1)}."
            )
        before = around if self.online else around // 2
        self._basis = Basis(self.window, before, around - before, enough, self.degree)
        usual = [_root_mean(self._basis.judge(z)[0]) for z in series]
        if np.isnan(usual).all():
            raise ValueError(
                f"y has no {self.window} observations of which half are there, and of the {around} "
                f"{'before' if self.online else 'around'} them {enough}. Fill the gaps."
            )
        self._usual = np.where(np.isnan(usual), 1.0, usual) + _LEAST_SPREAD

    def _scored(self, track, z):
        usual = self._usual[self._labels[track.label]]
        squares, coefficients = self._basis.judge(z)
        squares /= np.square(usual)
        scores = np.sqrt(mean_of_channels(squares))
        own = speakers(~np.isnan(scores), len(z), self.window, self.online)
        expected = self._basis.values(spoken(coefficients, own), np.arange(len(z)) - own)
        surprise = np.sqrt(mean_of_channels(np.square((z - expected) / usual)))
        spread = usual * self._deviations[self._labels[track.label]]
        return Scored(
            np.where(np.isnan(surprise), np.nan, spoken(scores, own)), surprise,
            spoken(squares, own), self._unscaled(track, expected),
            np.broadcast_to(spread, z.shape),
        )  # fmt: skip


def _root_mean(squares):
    """Of each channel, (n_channels,); NaN of none."""
    return np.sqrt(mean_of_channels(squares.T))


class Basis:
    """Polynomials that are orthonormal over the neighbourhood of a window.

    Parameters
    ----------
    window, before, after : int
        Points of the window, and of the neighbourhood on either side.
    enough : int
        How many of the neighbourhood must be there.
    degree : int
    """

    def __init__(self, window: int, before: int, after: int, enough: int, degree: int):
        self.window, self.before, self.after, self.enough = window, before, after, enough
        places = np.linspace(-1, 1, before + window + after)
        powers = np.polynomial.legendre.legvander(places, degree)
        self.outside = np.ones(places.size)
        self.outside[before : before + window] = 0
        around, triangle = np.linalg.qr(powers[self.outside > 0])
        self.around = np.zeros_like(powers)
        self.around[self.outside > 0] = around
        self.inside = np.linalg.solve(triangle.T, powers[before : before + window].T).T

    def judge(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Polynomials through the neighbourhoods of a series' windows, and how far those are off.

        Parameters
        ----------
        z : (n, n_channels) array
            NaN where missing.

        Returns
        -------
        (n - window + 1, n_channels) and (n - window + 1, degree + 1, n_channels) arrays
            Mean square errors in each window, and coefficients; NaN where too little is there.
        """
        shape = (max(len(z) - self.window + 1, 0), self.inside.shape[1], z.shape[1])
        squares, coefficients = np.full(shape[::2], np.nan), np.full(shape, np.nan)
        if shape[0]:
            for k, x in enumerate(z.T):
                coefficients[..., k] = self._fitted(x)
                squares[:, k] = self._errors(x, coefficients[..., k])
        return squares, coefficients

    def _fitted(self, x):
        """Coefficients by least squares, (n_windows, degree + 1)."""
        padded = np.concatenate([np.full(self.before, np.nan), x, np.full(self.after, np.nan)])
        known = ~np.isnan(padded)
        padded[~known] = 0
        count = np.correlate(known.astype(float), self.outside, "valid")
        products = np.column_stack([np.correlate(padded, each, "valid") for each in self.around.T])
        # With all of the neighbourhood these are the coefficients; else the basis is not
        # orthonormal over what is there.
        size, span, width = self.before + self.after, *self.around.shape
        products[count < self.enough] = np.nan
        pairs = (self.around[:, :, None] * self.around[:, None]).reshape(span, -1)
        views = sliding_window_view(known, span)
        for some in batches(np.flatnonzero((count < size) & (count >= self.enough)), span):
            grams = (views[some] @ pairs).reshape(-1, width, width)
            products[some] = np.linalg.solve(grams, products[some, :, None])[..., 0]
        return products

    def _errors(self, x, coefficients):
        """Mean squares in the windows, (n_windows,)."""
        means, windows = np.full(len(coefficients), np.nan), sliding_window_view(x, self.window)
        for some in batches(np.arange(len(means)), self.window):
            squares = np.square(windows[some] - coefficients[some] @ self.inside.T)
            there = 2 * (~np.isnan(squares)).sum(axis=1) >= self.window
            means[some[there]] = mean_of_channels(squares[there])
        return means

    def values(self, coefficients: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Values of polynomials (n, degree + 1, n_channels), each at a place of its window."""
        places = np.clip(places, 0, self.window - 1)
        return np.einsum("np,npc->nc", self.inside[places], coefficients)
