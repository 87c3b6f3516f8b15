"""GaussianDetector: values in the tails of a normal distribution that moves along."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from scipy.special import log_ndtr
from sklearn.utils._param_validation import Interval

from tsrnn.anomaly.baselines.base import Baseline
from tsrnn.anomaly.detector import AnomalyDetector
from tsrnn.anomaly.found import Scored
from tsrnn.anomaly.surprise import mean_of_channels

_FEWEST = 16  # values that a distribution is of, unless the window is shorter
_LEAST_SPREAD = 1e-3  # deviations of the series


class GaussianDetector(Baseline):
    """Find values that the normal distribution of those before them makes unlikely.

    The score of a value is ``-log p``, of the probability of one as far from the mean of the
    ``window`` values before it, in units of their deviation (the windowed Gaussian of the Numenta
    Anomaly Benchmark, but for its steps of 100 values). In hindsight it is the mean of that and of
    the same with the values after it.

    Parameters
    ----------
    window : int, default=1000
        Values of which mean and deviation are taken; of fewer where there are not so many, down
        to 16.
    online : bool, default=False
        Score each point by what came before it alone. Otherwise also by what follows.
    threshold : Threshold, optional
        What scores are held against: one of ``tsrnn.anomaly.thresholds``.
    contamination : float or "auto", default="auto"
        Without a threshold, the share of the fitted points that are anomalies; "auto" is 3.5 robust
        deviations above the median (``RobustZThreshold``), and with ``online=True`` a false-alarm
        rate of 1 % that moves along (``ConformalThreshold``).
    missing : {"raise", "mask"}, default="raise"
        Refuse missing values and rows, or leave them out.
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
    Of several channels the score is their mean. A deviation is at least 1e-3 of the fitted series',
    so that a sensor that stood still may move a little.

    References
    ----------
    A. Lavin and S. Ahmad, "Evaluating real-time anomaly detection algorithms: the Numenta anomaly
    benchmark", ICMLA 2015; its repository has the detector as ``windowedGaussian``.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from tsrnn.anomaly import GaussianDetector
    >>> hours = pd.date_range("2024-01-01", periods=1000, freq="h")
    >>> rng = np.random.default_rng(0)
    >>> y = pd.Series(np.sin(np.arange(1000) * np.pi / 12) + 0.1 * rng.normal(size=1000), hours)
    >>> y.iloc[700:710] += 3
    >>> detector = GaussianDetector(window=48).fit(y)
    >>> detector.detect(y, n_most=1)["start"].item()
    Timestamp('2024-01-30 04:00:00')
    """

    _parameter_constraints = AnomalyDetector._parameter_constraints | {
        "window": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(
        self, *, window=1000, online=False, threshold=None, contamination="auto", missing="raise",
        id_column=None, time_column=None,
    ):  # fmt: skip
        super().__init__(
            window, online, threshold, contamination, missing, id_column, time_column
        )  # fmt: skip

    def _shortest(self):
        return min(self.window, _FEWEST) + 1

    def _teach(self, series):
        known = [(~np.isnan(z)).sum(axis=0).max() for z in series]
        if max(known) < self._shortest():
            raise ValueError(
                f"y has {max(known)} values that are not missing, too few for a distribution: "
                f"give at least {self._shortest()}."
            )

    def _scored(self, track, z):
        sides = [self._before(z)]
        if not self.online:
            sides.append([each[::-1] for each in self._before(z[::-1])])
        tails = [-log_ndtr(-np.abs(z - mean) / spread) - np.log(2) for mean, spread in sides]
        parts, mean, spread = (
            mean_of_channels(np.stack(each, axis=-1)) for each in (tails, *zip(*sides, strict=True))
        )
        spread = spread * self._deviations[self._labels[track.label]]
        return Scored(
            mean_of_channels(parts), parts=parts, expected=self._unscaled(track, mean),
            spread=spread,
        )  # fmt: skip

    def _before(self, z):
        """Mean and deviation of the values before each, (n, n_channels) each; NaN of too few."""
        length = min(self.window, len(z))
        padded = np.vstack([np.full((length, z.shape[1]), np.nan), z[:-1]])
        known = ~np.isnan(padded)
        padded[~known] = 0
        ones = np.ones(length)
        count, total, squares = (
            np.column_stack([np.correlate(x, ones, "valid") for x in each.T])
            for each in (known.astype(float), padded, np.square(padded))
        )
        enough = count >= min(self.window, _FEWEST)
        count = np.maximum(count, 1)
        mean = np.where(enough, total / count, np.nan)
        variance = np.maximum(squares / count - np.square(total / count), 0)
        return mean, np.where(enough, np.maximum(np.sqrt(variance), _LEAST_SPREAD), np.nan)
