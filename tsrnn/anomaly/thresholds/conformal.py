"""A threshold whose rate of false alarms holds for any distribution."""

import warnings
from bisect import bisect_left, bisect_right, insort
from collections import deque

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from tsrnn.anomaly.thresholds.base import Threshold, checked_scores
from tsrnn.anomaly.thresholds.quantile import largest_count
from tsrnn.anomaly.whole_updates import whole_update
from tsrnn.parameters import (
    BOOLEAN,
    NON_NEGATIVE,
    POSITIVE_INTEGER,
    RANDOM_STATE,
    SHARE,
    user_level,
)
from tsrnn.parameters.types import RandomStateLike


class ConformalThreshold(Threshold):
    """Alarms with a rate of false alarms that holds for any distribution, by conformal p-values.

    The p-value of a score s is the share of scores at least as high, itself included: ``p = (1 +
    #{c >= s}) / (n + 1)`` over the n scores c of the calibration, and p-values up to
    ``false_alarm_rate`` are alarms, without smoothing the scores above ``threshold_`` (Vovk et al.,
    *Algorithmic Learning in a Random World*, 2005; Laxhammar & Falkman, IEEE TPAMI 36, 2014). If a
    clean score is exchangeable with the calibration, which then must be clean too, ``P(p <= rate)
    <= rate``, for any distribution and each n; and with ``smoothed=True``, ``p = (#{c > s} + u (1 +
    #{c = s})) / (n + 1)`` with u drawn uniformly, p is exactly uniform, with or without ties.

    That is a mean over calibrations: the rate for one of n scores varies about it with a standard
    deviation of ``sqrt(rate (1 - rate) / (n + 2))``. Scores of time series are rarely exchangeable:
    if they are autocorrelated but stationary, the rate holds only on average over series; with a
    long memory, the average is above it too: for a rate of 0.05 and n = 500, it is 0.06 with a
    correlation of 0.9 from score to score, and 0.1 with 0.98. If they drift, there is no guarantee.

    In :meth:`update` each score enters the calibration, but of alarms at most twice the share
    ``false_alarm_rate``, of n scores at most ``rate n / 2`` alarms in a row, and no alarm with more
    than the highest of the other scores. So neither a long incident nor many of them raise the
    threshold above later ones, while false alarms stay in the calibration: without them alarms
    would get ever more frequent. (Autocorrelated scores have more alarms with a short window: 4 %
    instead of 1.5 % for a rate of 1 %, a window of 400 and a correlation of 0.95.) After a lasting
    change to a higher level all scores stay alarms: fit again, or set ``adapt_to_alarms``.

    Parameters
    ----------
    false_alarm_rate : float, default=0.01
        Above 0 and below 1. Without smoothing, fewer than ``1 / rate - 1`` scores allow no alarm,
        and ``fit`` warns.
    smoothed : bool, default=False
        Break ties at random, also that of the score with itself, which makes the rate exact.
    window : int or None, default=None
        Number of scores in the calibration, the most recent ones. None for all; in a stream it then
        grows without bound, and with it the cost of a score: 0.1 ms with a million.
    adapt_to_alarms : bool, default=False
        Let all alarms of :meth:`update` enter the calibration. If all scores are exchangeable,
        smoothed p-values are then independent (Vovk et al. 2005, theorem 2.8).
    min_excess : float, default=0
        Least distance of an alarm from the median of the fitted scores, as in
        ``RobustZThreshold``. Above 0, alarms may be rarer than ``false_alarm_rate``.
    random_state : int, RandomState or None, default=0
        Seed of the random ties; once fitted, :meth:`predict` draws the same each time.

    See Also
    --------
    QuantileThreshold : A share of the fitted scores.
    TailThreshold : A model of the tail, for rarer alarms.
    tsrnn.RNNAnomalyDetector : Takes it as ``threshold``.

    Examples
    --------
    >>> from tsrnn.anomaly.thresholds import ConformalThreshold
    >>> threshold = ConformalThreshold(false_alarm_rate=0.2).fit([3, 1, 4, 1, 5, 9, 2, 6, 5])
    >>> threshold.p_values([9, 5.5, 0]).tolist()
    [0.2, 0.3, 1.0]
    >>> threshold.predict([9, 5.5, 0]).tolist(), threshold.threshold_
    ([True, False, False], 6.0)
    """

    _parameter_constraints = {
        "false_alarm_rate": [SHARE],
        "smoothed": [BOOLEAN],
        "window": [POSITIVE_INTEGER, None],
        "adapt_to_alarms": [BOOLEAN],
        "min_excess": [NON_NEGATIVE],
        "random_state": RANDOM_STATE,
    }

    def __init__(
        self,
        false_alarm_rate: float = 0.01,
        *,
        smoothed: bool = False,
        window: int | None = None,
        adapt_to_alarms: bool = False,
        min_excess: float = 0.0,
        random_state: RandomStateLike = 0,
    ):
        self.false_alarm_rate = false_alarm_rate
        self.smoothed = smoothed
        self.window = window
        self.adapt_to_alarms = adapt_to_alarms
        self.min_excess = min_excess
        self.random_state = random_state

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_ordered")

    @property
    def threshold_(self) -> float:
        """Scores above it are alarms, unless ties are broken at random."""
        self._check_fitted()
        n = len(self._ordered)
        n_alarms = largest_count(self.false_alarm_rate, n + 1)
        return max(self._ordered[n - n_alarms], self._floor) if n_alarms else np.inf

    def p_values(self, scores: ArrayLike) -> np.ndarray:
        """Conformal p-values with respect to the current calibration, (n,); NaN for missing scores.

        Parameters and errors are those of :meth:`FixedThreshold.predict`.
        """
        self._check_fitted()
        scores, rng = checked_scores(scores), np.random.default_rng(self._seed)
        return np.array([self._p_value(s, rng) if s == s else s for s in scores.tolist()])

    def predict(self, scores: ArrayLike) -> np.ndarray:
        """Flag alarms, each with respect to the current calibration.

        Parameters, result and errors are those of :meth:`FixedThreshold.predict`.
        """
        return self._alarms(self.p_values(scores), checked_scores(scores))

    @whole_update
    def update(self, new_scores: ArrayLike) -> np.ndarray:
        """Flag alarms among the next scores, and add scores to the calibration of those after them.

        Of alarms only a few are added, unless ``adapt_to_alarms``. All else is as in
        :meth:`TailThreshold.update`.
        """
        self._check_fitted()
        scores = checked_scores(new_scores, "new_scores")
        alarms = np.zeros(scores.size, bool)
        for k in np.flatnonzero(~np.isnan(scores)).tolist():
            score = float(scores[k])
            alarms[k] = self._alarms(self._p_value(score, self._stream_rng), score)
            if self._enters(alarms[k]):
                is_capped = alarms[k] and not self.adapt_to_alarms
                self._add(min(score, self._highest) if is_capped else score)
        return alarms

    def _enters(self, is_alarm):
        """Whether the next score enters the calibration."""
        if self.adapt_to_alarms:
            return True
        if is_alarm and self._n_allowed < 1:
            return False
        rate, n = self.false_alarm_rate, len(self._ordered)
        self._n_allowed = min(self._n_allowed - is_alarm + 2 * rate, max(rate * n / 2, 1.0))
        return True

    def _fit_known(self, scores):
        self._recent = deque(scores.tolist(), maxlen=self.window)
        self._ordered = sorted(self._recent)
        self._floor = float(np.median(scores)) + self.min_excess if self.min_excess else -np.inf
        self._highest = self._ordered[-1]  # score but for alarms, in the window or before it
        self._n_allowed = 0.0  # alarms that may still enter the calibration
        self._seed = check_random_state(self.random_state).randint(2**31)
        self._stream_rng = np.random.default_rng([self._seed, 1])
        n = len(self._ordered)
        if not (self.smoothed or largest_count(self.false_alarm_rate, n + 1)):
            warnings.warn(
                f"{n} scores can make no alarm at false_alarm_rate={self.false_alarm_rate}, as the "
                f"least p-value is 1 / {n + 1}: give {int(np.ceil(1 / self.false_alarm_rate)) - 1} "
                "or more, raise the rate, or take smoothed=True.",
                stacklevel=user_level(),
            )

    def _p_value(self, score, rng):
        n = len(self._ordered)
        n_at_least = n - bisect_left(self._ordered, score)
        if not self.smoothed:
            return (1 + n_at_least) / (n + 1)
        n_above = n - bisect_right(self._ordered, score)
        return (n_above + rng.random() * (1 + n_at_least - n_above)) / (n + 1)

    def _add(self, score):
        if len(self._recent) == self._recent.maxlen:
            del self._ordered[bisect_left(self._ordered, self._recent[0])]
        self._recent.append(score)
        self._highest = max(self._highest, score)
        insort(self._ordered, score)

    def _alarms(self, p, scores):
        # Up to rounding; NaN is not an alarm.
        return (p <= self.false_alarm_rate * (1 + 1e-12)) & (scores > self._floor)
