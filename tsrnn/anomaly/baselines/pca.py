"""PCADetector: anomalous windows by their principal components."""

from collections.abc import Hashable
from numbers import Integral
from typing import Any

import numpy as np

from tsrnn.anomaly.baselines.base import CompleteWindows, batches, windows_of
from tsrnn.anomaly.scores import MIN_SPREAD
from tsrnn.parameters import POSITIVE_INTEGER, SHARE
from tsrnn.parameters.types import Auto, Missing

_MIN_SHARE = 1e-10  # of the variance; smaller components are rounding errors


class PCADetector(CompleteWindows):
    """Detect anomalous windows by their principal components.

    The score of a window, standardised at each position, is the mean of its distances to the
    components, each weighted by the inverse of its share of the variance (Shyu et al., "A novel
    anomaly detection scheme based on principal component classifier", ICDM workshops 2003; Sub-PCA
    of TSB-AD, Liu & Paparrizos, NeurIPS 2024, where it is among the best; PyOD's score up to a
    factor). It is about 1 for normal windows, and mostly their distance from the mean, as
    components are of length 1 and windows of about ``sqrt(window)``. Components below 1e-10 of the
    variance are dropped. Series of a panel, each standardised, share the components.

    Parameters
    ----------
    window : int, default=100
        Steps of a window.
    n_components : int or float, optional
        Number of components, those of the largest variance; between 0 and 1, as many as explain
        more than this share of the variance. None for all.
    online : bool, default=False
        Score each point by the window that ends with it, so that the first points have no score;
        otherwise by the window centred on it.
    threshold : Threshold, optional
    contamination : float or "auto", default="auto"
    missing : {"raise", "mask"}, default="raise"
    id_column, time_column : str, optional
        As in `RNNAnomalyDetector`; windows with a missing value are skipped.

    Attributes
    ----------
    components_ : (n_components, n_channels * window) array
        Of unit length; for flattened windows, channel after channel.
    explained_variance_ratio_ : (n_components,) array
        Share of the variance of each.
    threshold_, offset_, n_features_in_
        As in `RNNAnomalyDetector`.

    See Also
    --------
    PolynomialDetector : Local polynomials.
    GaussianDetector : A normal distribution of windows.
    tsrnn.RNNAnomalyDetector : A detector by a network.

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

    _parameter_constraints = CompleteWindows._parameter_constraints | {
        "n_components": [POSITIVE_INTEGER, SHARE, None]
    }

    def __init__(
        self,
        *,
        window: int = 100,
        n_components: int | None = None,
        online: bool = False,
        threshold: Any = None,
        contamination: float | Auto = "auto",
        missing: Missing = "raise",
        id_column: Hashable | None = None,
        time_column: Hashable | None = None,
    ):
        super().__init__(window, online, threshold, contamination, missing, id_column, time_column)
        self.n_components = n_components

    def _fit_windows(self, scaled, firsts):
        width = self.window * scaled[0].shape[1]
        if isinstance(self.n_components, Integral) and self.n_components > width:
            raise ValueError(
                f"n_components={self.n_components}, and windows have {width} values. Give at most "
                "as many."
            )
        n_windows, total, squares = 0, np.zeros(width), np.zeros((width, width))
        for z, starts in zip(scaled, firsts, strict=True):
            for batch in batches(starts, width):
                windows = windows_of(z, batch, self.window)
                n_windows, total = n_windows + len(windows), total + windows.sum(axis=0)
                squares += windows.T @ windows
        self._mean = total / n_windows
        covariance = squares / n_windows - np.outer(self._mean, self._mean)
        variance = covariance.diagonal()
        # Where all windows are alike, a change is in units of the least spread.
        self._scale = np.sqrt(np.where(variance > _MIN_SHARE, variance, MIN_SPREAD**2))
        covariance /= np.outer(self._scale, self._scale)
        variances, vectors = np.linalg.eigh(covariance)
        shares = variances[::-1] / max(variances.sum(), _MIN_SHARE)
        n = np.count_nonzero(shares > _MIN_SHARE)
        if isinstance(self.n_components, Integral):
            n = min(n, self.n_components)
        elif self.n_components is not None:
            n = min(n, np.searchsorted(shares.cumsum(), self.n_components, side="right") + 1)
        components = vectors.T[::-1][:n]
        # The distance to a component depends on its sign: make the largest value positive.
        largest = np.abs(components).argmax(axis=1)
        self.components_ = components * np.sign(components[np.arange(n), largest])[:, None]
        self.explained_variance_ratio_ = shares[:n]

    def _score_windows(self, windows):
        windows = (windows - self._mean) / self._scale
        squares = np.square(windows).sum(axis=1)
        if not len(self.components_):  # constant series
            return np.sqrt(squares / windows.shape[1])
        weights = 1 / self.explained_variance_ratio_
        # A component has length 1. No BLAS, whose rounding depends on where a window stands: equal
        # windows must have equal scores.
        products = np.einsum("ij,kj->ik", windows, self.components_)
        square_distances = squares[:, None] + 1 - 2 * products
        distances = np.einsum("ik,k->i", np.sqrt(np.maximum(square_distances, 0)), weights)
        distances /= weights.sum()
        return distances / np.sqrt(windows.shape[1])
