"""WindowDetector: an outlier detector of scikit-learn over windows."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from sklearn.base import clone
from sklearn.utils._param_validation import Interval

from tsrnn.anomaly.baselines.base import WholeWindows, rows_of
from tsrnn.anomaly.detector import AnomalyDetector


class WindowDetector(WholeWindows):
    """Find windows that an outlier detector of scikit-learn finds strange.

    Each window of a series, one channel after the other, is a row to the detector; the score of a
    window is minus its ``score_samples``. A point has the score of the window that it is the middle
    of.

    Parameters
    ----------
    estimator : object
        With ``fit`` and ``score_samples``, the lower the stranger: ``IsolationForest()``,
        ``LocalOutlierFactor(novelty=True)``, ``OneClassSVM()``, ``KernelDensity()``,
        ``GaussianMixture()``, or a pipeline that ends with one. It is cloned.
    window : int, default=100
        Steps of a window.
    max_windows : int, default=20000
        So many windows at most are learnt from, evenly spread over all.
    online : bool, default=False
        Score each point by the window that ends with it; the first points have none. Otherwise by
        what follows too.
    threshold : Threshold, optional
        What scores are held against: one of ``tsrnn.anomaly.thresholds``.
    contamination : float or "auto", default="auto"
        Without a threshold, the share of the fitted points that are anomalies; "auto" is 3.5 robust
        deviations above the median (``RobustZThreshold``), and with ``online=True`` a false-alarm
        rate of 1 % that moves along (``ConformalThreshold``). The estimator's own is not used.
    missing : {"raise", "mask"}, default="raise"
        Refuse missing values and rows, or leave windows out that have one.
    id_column, time_column : str, optional
        Columns of a long frame; all others are channels.

    Attributes
    ----------
    estimator_ : object
        Fitted to windows of all series, each in deviations from its mean.
    threshold_ : Threshold
        Fitted to the scores of what was learnt.
    offset_ : float
        Minus its value then: ``decision_function`` is ``score_samples`` less this.
    n_features_in_ : int
        Channels.

    See Also
    --------
    PCADetector : Principal components of windows, often as good.

    References
    ----------
    J. Paparrizos et al., "TSB-UAD: an end-to-end benchmark suite for univariate time-series anomaly
    detection", VLDB 2022, which has many detectors of rows so.

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

    _parameter_constraints = AnomalyDetector._parameter_constraints | {
        "window": [Interval(Integral, 1, None, closed="left")],
        "max_windows": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(
        self, estimator, *, window=100, max_windows=20_000, online=False, threshold=None,
        contamination="auto", missing="raise", id_column=None, time_column=None,
    ):  # fmt: skip
        super().__init__(
            window, online, threshold, contamination, missing, id_column, time_column
        )  # fmt: skip
        self.estimator = estimator
        self.max_windows = max_windows

    def _learn(self, tracks):
        for method in ("fit", "score_samples"):
            if isinstance(self.estimator, type) or not hasattr(self.estimator, method):
                raise ValueError(
                    f"estimator must be an object with fit and score_samples, got "
                    f"{self.estimator!r}. Give an outlier detector of scikit-learn, as "
                    "IsolationForest(); LocalOutlierFactor needs novelty=True."
                )
        return super()._learn(tracks)

    def _teach_windows(self, series, firsts):
        ends = np.cumsum([own.size for own in firsts])
        learnt = np.arange(ends[-1])
        if learnt.size > self.max_windows:
            learnt = np.linspace(0, ends[-1] - 1, self.max_windows).astype(int)
        parts = np.split(learnt, np.searchsorted(learnt, ends[:-1]))
        begins = ends - [own.size for own in firsts]
        rows = [
            rows_of(z, own[part - begin], self.window)
            for z, own, part, begin in zip(series, firsts, parts, begins, strict=True)
        ]
        self.estimator_ = clone(self.estimator).fit(np.concatenate(rows))

    def _strangeness(self, rows):
        return -self.estimator_.score_samples(rows)
