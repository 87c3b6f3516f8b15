"""WindowDetector: an outlier detector of scikit-learn on windows."""

from collections.abc import Hashable
from typing import Any

import numpy as np
from sklearn.base import clone

from tsrnn.anomaly.baselines.base import CompleteWindows, windows_of
from tsrnn.parameters import POSITIVE_INTEGER, HasMethods, Integer
from tsrnn.parameters.types import Auto, Missing

_EXAMPLE = "IsolationForest() or LocalOutlierFactor(novelty=True)"


class WindowDetector(CompleteWindows):
    """Detect anomalous windows with an outlier detector of scikit-learn.

    Each window of a series, flattened channel after channel, is a sample of the outlier detector,
    whose negated ``score_samples`` is its score (as in Paparrizos et al., "TSB-UAD: an end-to-end
    benchmark suite for univariate time-series anomaly detection", VLDB 2022). `PCADetector` is
    often as good.

    Parameters
    ----------
    estimator : object
        With ``fit`` and ``score_samples``, lower is more anomalous: ``IsolationForest()``,
        ``LocalOutlierFactor(novelty=True)``, ``OneClassSVM()``, ``KernelDensity()``,
        ``GaussianMixture()``, or a pipeline that ends with one. It is cloned.
    window : int, default=100
        Steps of a window.
    max_windows : int, default=20000
        Largest number of training windows, evenly spaced over all.
    online : bool, default=False
    threshold : Threshold, optional
    contamination : float or "auto", default="auto"
    missing : {"raise", "mask"}, default="raise"
    id_column, time_column : str, optional
        As in `PCADetector`. The contamination of the estimator is not used.

    Attributes
    ----------
    estimator_ : object
        Fitted to windows of all series, each standardised.
    threshold_, offset_, n_features_in_
        As in `RNNAnomalyDetector`.

    See Also
    --------
    PCADetector : Principal components of windows.
    tsrnn.RNNAnomalyDetector : A detector by a network.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn.ensemble import IsolationForest
    >>> from tsrnn.anomaly import WindowDetector
    >>> hours = pd.date_range("2024-01-01", periods=1000, freq="h")
    >>> rng = np.random.default_rng(0)
    >>> y = pd.Series(np.sin(np.arange(1000) * np.pi / 12) + 0.1 * rng.normal(size=1000), hours)
    >>> y.iloc[700:710] += 2
    >>> detector = WindowDetector(IsolationForest(random_state=0), window=24).fit(y)
    >>> strangest = detector.score_samples(y).nsmallest(10)
    >>> bool((np.abs(strangest.index - y.index[705]) < pd.Timedelta("12h")).all())
    True
    """

    _parameter_constraints = CompleteWindows._parameter_constraints | {
        "estimator": [HasMethods(["fit", "score_samples"], _EXAMPLE)],
        "window": [POSITIVE_INTEGER],
        "max_windows": [Integer(2)],
    }

    def __init__(
        self,
        estimator: Any,
        *,
        window: int = 100,
        max_windows: int = 20_000,
        online: bool = False,
        threshold: Any = None,
        contamination: float | Auto = "auto",
        missing: Missing = "raise",
        id_column: Hashable | None = None,
        time_column: Hashable | None = None,
    ):
        super().__init__(window, online, threshold, contamination, missing, id_column, time_column)
        self.estimator = estimator
        self.max_windows = max_windows

    def _fit_windows(self, scaled, firsts):
        firsts_of_all = np.concatenate(firsts)
        n_windows = [starts.size for starts in firsts]
        series_of_all = np.repeat(np.arange(len(scaled)), n_windows)
        if firsts_of_all.size > self.max_windows:
            chosen = np.linspace(0, firsts_of_all.size - 1, self.max_windows).astype(int)
            firsts_of_all, series_of_all = firsts_of_all[chosen], series_of_all[chosen]
        windows = [
            windows_of(z, firsts_of_all[series_of_all == k], self.window)
            for k, z in enumerate(scaled)
        ]
        self.estimator_ = clone(self.estimator).fit(np.concatenate(windows))

    def _score_windows(self, windows):
        return -self.estimator_.score_samples(windows)
