"""PCADetector: windows that are far from what windows usually are."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval

from tsrnn.anomaly.baselines.base import WholeWindows, batches, rows_of
from tsrnn.anomaly.detector import AnomalyDetector

_LEAST = 1e-10  # share of the variance; a component of less is rounding


class PCADetector(WholeWindows):
    """Find windows that are strange by their principal components.

    Windows of a series are standardised place by place, and their principal components found. The
    score of a window is the mean of its distances to the components, each weighed by the inverse
    of the share of the variance that it explains (Sub-PCA of the benchmark TSB-AD, where it is
    among the best; PyOD's score but for a factor). A point has the score of the window that it is
    the middle of.

    Parameters
    ----------
    window : int, default=100
        Steps of a window.
    n_components : int or float, optional
        How many components, the strongest; between 0 and 1, as many as explain more than this
        share of the variance. None for all.
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
        Refuse missing values and rows, or leave windows out that have one.
    id_column, time_column : str, optional
        Columns of a long frame; all others are channels.

    Attributes
    ----------
    components_ : (n_components, n_channels * window) array
        Of unit length; the window of one channel after the other.
    explained_variance_ratio_ : (n_components,) array
        What share of the variance each has.
    threshold_ : Threshold
        Fitted to the scores of what was learnt.
    offset_ : float
        Minus its value then: ``decision_function`` is ``score_samples`` less this.
    n_features_in_ : int
        Channels.

    See Also
    --------
    RNNAnomalyDetector : What recurrent networks did not expect.
    WindowDetector : Any outlier detector of scikit-learn over windows.

    Notes
    -----
    Scores are near 1 where all is as usual. As a component is a vector of length 1 and a window one
    of about ``sqrt(window)``, they are mostly the window's distance from the mean. Components of
    less than 1e-10 of the variance are left out. Series of a panel, each in deviations from its
    mean, share the components.

    References
    ----------
    M.-L. Shyu, S.-C. Chen, K. Sarinnapakorn and L. Chang, "A novel anomaly detection scheme based
    on principal component classifier", ICDM workshops 2003.

    Q. Liu and J. Paparrizos, "The elephant in the room: towards a reliable time-series anomaly
    detection benchmark" (TSB-AD), NeurIPS 2024.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from tsrnn.anomaly import PCADetector
    >>> hours = pd.date_range("2024-01-01", periods=1000, freq="h")
    >>> rng = np.random.default_rng(0)
    >>> y = pd.Series(np.sin(np.arange(1000) * np.pi / 12) + 0.1 * rng.normal(size=1000), hours)
    >>> y.iloc[700:710] += 2
    >>> PCADetector(window=10).fit(y).score_samples(y).idxmin()
    Timestamp('2024-01-30 09:00:00')
    """

    _parameter_constraints = AnomalyDetector._parameter_constraints | {
        "window": [Interval(Integral, 2, None, closed="left")],
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="neither"),
            None,
        ],
    }

    def __init__(
        self, *, window=100, n_components=None, online=False, threshold=None, contamination="auto",
        missing="raise", id_column=None, time_column=None,
    ):  # fmt: skip
        super().__init__(
            window, online, threshold, contamination, missing, id_column, time_column
        )  # fmt: skip
        self.n_components = n_components

    def _teach_windows(self, series, firsts):
        width = self.window * series[0].shape[1]
        if isinstance(self.n_components, Integral) and self.n_components > width:
            raise ValueError(
                f"n_components={self.n_components}, and windows have {width} values. Give at most "
                "as many."
            )
        n, total, squares = 0, np.zeros(width), np.zeros((width, width))
        for z, own in zip(series, firsts, strict=True):
            for some in batches(own, width):
                rows = rows_of(z, some, self.window)
                n, total = n + len(rows), total + rows.sum(axis=0)
                squares += rows.T @ rows
        self._centre = total / n
        covariance = squares / n - np.outer(self._centre, self._centre)
        variance = covariance.diagonal()
        self._scale = np.sqrt(np.where(variance > _LEAST, variance, 1.0))
        covariance /= np.outer(self._scale, self._scale)
        variances, vectors = np.linalg.eigh(covariance)
        shares = variances[::-1] / max(variances.sum(), _LEAST)
        kept = np.count_nonzero(shares > _LEAST)
        if isinstance(self.n_components, Integral):
            kept = min(kept, self.n_components)
        elif self.n_components is not None:
            kept = min(kept, np.searchsorted(shares.cumsum(), self.n_components, side="right") + 1)
        components = vectors.T[::-1][:kept]
        # A distance to a component depends on its sign: its largest value is positive.
        largest = np.abs(components).argmax(axis=1)
        self.components_ = components * np.sign(components[np.arange(kept), largest])[:, None]
        self.explained_variance_ratio_ = shares[:kept]

    def _strangeness(self, rows):
        rows = (rows - self._centre) / self._scale
        squares = np.square(rows).sum(axis=1)
        if not len(self.components_):  # nothing ever changed
            return np.sqrt(squares / rows.shape[1])
        weights = 1 / self.explained_variance_ratio_
        # A component has length 1.
        apart = squares[:, None] + 1 - 2 * rows @ self.components_.T
        distances = np.sqrt(np.maximum(apart, 0)) @ weights / weights.sum()
        return distances / np.sqrt(rows.shape[1])
