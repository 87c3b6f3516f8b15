"""A threshold whose rate of false alarms holds for any distribution."""

from __future__ import annotations

import warnings
from bisect import bisect_left, bisect_right, insort
from collections import deque

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from tsrnn.anomaly.tails import largest_count
from tsrnn.anomaly.thresholds.base import SHARE, WHOLE, Threshold, checked


class ConformalThreshold(Threshold):
    """Alarms with a rate of false ones that holds for any distribution, by conformal p-values.

    The p-value of a score s is the share of scores as strange, its own among them: ``p = (1 + #{c
    >= s}) / (n + 1)`` over the n scores c of the calibration, and p-values up to
    ``false_alarm_rate`` are alarms (Vovk et al. 2005; Laxhammar & Falkman 2014). Where a clean
    score is exchangeable with the calibration, which then must be clean too, ``P(p <= rate) <=
    rate``, whatever the distribution, for each n; and with ``smoothed=True``, ``p = (#{c > s} + u
    (1 + #{c = s})) / (n + 1)`` with u drawn uniformly, p is exactly uniform, ties or not.

    That is a mean over calibrations: one of n scores has a rate of its own, which varies about the
    rate with a standard deviation of ``sqrt(rate (1 - rate) / (n + 2))``. And scores of time series
    are rarely exchangeable. Where they are autocorrelated but stationary, the rate is kept on
    average over series only, and that of one may be far from it for long; and where they remember
    for so long that n scores are worth few, the average is above it too: at a rate of 0.05 and n =
    500, with a correlation of 0.9 from score to score it is 0.06, with 0.98 it is 0.1. Where scores
    drift nothing is kept.

    Parameters
    ----------
    false_alarm_rate : float, default=0.01
        Above 0 and below 1. Without smoothing, fewer than ``1 / rate - 1`` scores allow no alarm,
        and ``fit`` warns.
    smoothed : bool, default=False
        Break ties at random, the score's own included, which makes the rate exact.
    window : int or None, default=None
        How many scores, the last ones, are the calibration. None for all; in a stream it then
        grows without bound, and what a score costs with it: at a million 0.1 ms.
    random_state : int, RandomState or None, default=None
        Of the random ties; once fitted, :meth:`predict` draws the same each time.

    Attributes
    ----------
    threshold_ : float
        Scores above it are alarms (without smoothing), in the unit of the scores; infinite where
        the calibration is too short.

    References
    ----------
    V. Vovk, A. Gammerman and G. Shafer, *Algorithmic Learning in a Random World*, Springer, 2005.

    R. Laxhammar and G. Falkman, "Online learning and sequential anomaly detection in trajectories",
    IEEE Transactions on Pattern Analysis and Machine Intelligence 36, 2014.

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
        "smoothed": ["boolean"],
        "window": [WHOLE, None],
        "random_state": ["random_state"],
    }

    def __init__(self, false_alarm_rate=0.01, *, smoothed=False, window=None, random_state=None):
        self.false_alarm_rate = false_alarm_rate
        self.smoothed = smoothed
        self.window = window
        self.random_state = random_state

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_ordered")

    @property
    def threshold_(self) -> float:
        """Scores above it are alarms, where ties are not broken at random."""
        self._refuse_unfitted()
        n = len(self._ordered)
        n_alarms = largest_count(self.false_alarm_rate, n + 1)
        return self._ordered[n - n_alarms] if n_alarms else np.inf

    def p_values(self, scores: ArrayLike) -> np.ndarray:
        """How likely clean scores are as strange, by the calibration as it is.

        Parameters
        ----------
        scores : (n,) array
            Anomaly scores; NaN where there is none.

        Returns
        -------
        (n,) array
            From 0 to 1; NaN where the score is.

        Raises
        ------
        ValueError
            If a score is infinite, or there is more than one axis.
        """
        self._refuse_unfitted()
        scores, rng = checked(scores), np.random.default_rng(self._seed)
        return np.array([self._p_value(s, rng) if s == s else s for s in scores.tolist()])

    def predict(self, scores: ArrayLike) -> np.ndarray:
        """Which scores are alarms, each judged by the calibration as it is.

        Parameters, result and errors are those of :meth:`Threshold.predict`.
        """
        return self._alarms(self.p_values(scores))

    def update(self, new_scores: ArrayLike) -> np.ndarray:
        """Which of the next scores are alarms, each judged by all before, then taken in.

        Alarms are taken in too: so that, where all scores are exchangeable, smoothed p-values are
        independent (Vovk et al. 2005, theorem 2.8). In pieces or at once, the result is the same.

        Parameters, result and errors are those of :meth:`StreamThreshold.update`.
        """
        self._refuse_unfitted()
        scores = checked(new_scores, "new_scores")
        p = np.full(scores.size, np.nan)
        for k in np.flatnonzero(~np.isnan(scores)).tolist():
            score = float(scores[k])
            p[k] = self._p_value(score, self._stream_rng)
            self._take_in(score)
        return self._alarms(p)

    def _learn(self, scores):
        self._recent = deque(scores.tolist(), maxlen=self.window)
        self._ordered = sorted(self._recent)
        self._seed = check_random_state(self.random_state).randint(2**31)
        self._stream_rng = np.random.default_rng([self._seed, 1])
        n = len(self._ordered)
        if not (self.smoothed or largest_count(self.false_alarm_rate, n + 1)):
            warnings.warn(
                f"{n} scores can make no alarm at false_alarm_rate={self.false_alarm_rate}, as the "
                f"least p-value is 1 / {n + 1}: give {int(np.ceil(1 / self.false_alarm_rate)) - 1} "
                "or more, raise the rate, or take smoothed=True.",
                stacklevel=3,
            )

    def _p_value(self, score, rng):
        n = len(self._ordered)
        at_least = n - bisect_left(self._ordered, score)
        if not self.smoothed:
            return (1 + at_least) / (n + 1)
        above = n - bisect_right(self._ordered, score)
        return (above + rng.random() * (1 + at_least - above)) / (n + 1)

    def _take_in(self, score):
        if len(self._recent) == self._recent.maxlen:
            del self._ordered[bisect_left(self._ordered, self._recent[0])]
        self._recent.append(score)
        insort(self._ordered, score)

    def _alarms(self, p):
        return p <= self.false_alarm_rate * (1 + 1e-12)  # but for rounding; NaN is none
