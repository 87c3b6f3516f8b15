"""GaussianDetector: values in the tails of a moving normal distribution."""

from collections.abc import Hashable
from typing import Any

import numpy as np
from scipy.special import log_ndtr

from tsrnn.anomaly.baselines.base import Baseline
from tsrnn.anomaly.results import SeriesScores
from tsrnn.anomaly.scores import MIN_SPREAD, mean_over_channels
from tsrnn.parameters.types import Auto, Missing

_MIN_VALUES = 16  # for mean and deviation, unless the window is shorter


class GaussianDetector(Baseline):
    """Detect values that are unlikely under a normal distribution of the values before them.

    The score of a value is ``-log p``, with the probability of a value at least as far from the
    mean of the ``window`` values before it, in units of their deviation (``windowedGaussian`` of
    the Numenta Anomaly Benchmark, Lavin & Ahmad, ICMLA 2015, without its steps of 100 values);
    offline the mean of that and of the same with the values after it; for several channels their
    mean. Deviations are at least 1e-3 of that of the fitted series, so that a constant sensor may
    change a little, and an alarm of the default threshold is at least 0.1 above the median score.
    Fitted attributes are those of `RNNAnomalyDetector`: ``threshold_``, ``offset_`` and
    ``n_features_in_``.

    Parameters
    ----------
    window : int, default=1000
        Values for mean and deviation; near the ends fewer, down to 16, and in place of up to 16
        others the mean and the deviation of the fitted series.
    online : bool, default=False
    threshold : Threshold, optional
    contamination : float or "auto", default="auto"
    missing : {"raise", "mask"}, default="raise"
    id_column, time_column : str, optional
        As in `RNNAnomalyDetector`; missing values are skipped.

    See Also
    --------
    PCADetector : Principal components of windows.
    tsrnn.RNNAnomalyDetector : A detector by a network.

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

    _MIN_EXCESS = 0.1

    def __init__(
        self,
        *,
        window: int = 1000,
        online: bool = False,
        threshold: Any = None,
        contamination: float | Auto = "auto",
        missing: Missing = "raise",
        id_column: Hashable | None = None,
        time_column: Hashable | None = None,
    ):
        super().__init__(window, online, threshold, contamination, missing, id_column, time_column)

    def _min_length(self):
        return min(self.window, _MIN_VALUES) + 1

    def _fit_values(self, scaled):
        known = [(~np.isnan(z)).sum(axis=0).max() for z in scaled]
        if max(known) < self._min_length():
            raise ValueError(
                f"y has {max(known)} values that are not missing, too few for a distribution: "
                f"give at least {self._min_length()}."
            )

    def _scores_of(self, series, z):
        sides = [self._past_statistics(z)]
        if not self.online:
            sides.append([values[::-1] for values in self._past_statistics(z[::-1])])
        tails = [-log_ndtr(-np.abs(z - mean) / spread) - np.log(2) for mean, spread in sides]
        means, spreads = zip(*sides, strict=True)
        by_channel, mean, spread = (
            mean_over_channels(np.stack(values, axis=-1)) for values in (tails, means, spreads)
        )
        return SeriesScores(
            mean_over_channels(by_channel),
            channel_score=by_channel,
            expected=self.fitted_.unscaled(series, mean),
            spread=spread * self.fitted_.deviations[self.fitted_.position(series)],
        )

    def _past_statistics(self, z):
        """Mean and deviation of the values before each, (n, n_channels) each; NaN of too few."""
        length = min(self.window, len(z))
        padded = np.vstack([np.full((length, z.shape[1]), np.nan), z[:-1]])
        known = ~np.isnan(padded)
        padded[~known] = 0
        ones = np.ones(length)
        count, total, squares = (
            np.column_stack([np.correlate(x, ones, "valid") for x in values.T])
            for values in (known.astype(float), padded, np.square(padded))
        )
        is_enough = count >= min(self.window, _MIN_VALUES)
        # Standardised values have a mean of 0 and a mean square of 1.
        filled = count + np.clip(self.window - count, 0, _MIN_VALUES)
        mean = np.where(is_enough, total / filled, np.nan)
        variance = np.maximum((squares + filled - count) / filled - np.square(total / filled), 0)
        return mean, np.where(is_enough, np.maximum(np.sqrt(variance), MIN_SPREAD), np.nan)
