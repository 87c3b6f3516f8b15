"""A threshold for a small probability of false alarms, by extreme value theory."""

import numpy as np
from numpy.typing import ArrayLike

from tsrnn.anomaly.thresholds.base import StreamThreshold, checked_scores
from tsrnn.anomaly.thresholds.pareto import ParetoTail
from tsrnn.anomaly.thresholds.running_means import LocalMean
from tsrnn.parameters import SHARE, Integer


class TailThreshold(StreamThreshold):
    """Alarms with a given small probability, by extreme value theory: SPOT, and DSPOT with a depth.

    The fitted scores are the calibration: those above their quantile of ``level``, the base t, are
    peaks, and their excesses are modelled by a generalised Pareto distribution
    (``pareto.py``). A clean score exceeds the threshold with a probability of ``risk``, also far
    beyond the calibration (Siffer et al., "Anomaly detection in streams with extreme value theory",
    KDD 2017, eq. 1)::

        threshold_ = t + scale / shape ((risk n / n_peaks)^(-shape) - 1)

    for n scores and n_peaks of them above t. :meth:`predict` uses that threshold. :meth:`update` is
    the streaming algorithm of the paper, SPOT: a score above the threshold is an alarm and
    discarded; one above t is a further peak, and the tail is refitted (beyond 1000 peaks, each time
    their number has grown by a thousandth); any other is only counted. With a ``depth`` (DSPOT) all
    of that applies to scores minus the mean of the last ``depth`` scores that were not alarms,
    which both methods update, so that ``threshold_``, that for the next score, follows a drift.

    The fewer the peaks, the more the rate of false alarms varies, and its mean is above the risk:
    for a risk of 1e-4 about 5 times that with 1000 normal scores, 20 of them peaks, and 1.4 times
    with 10 000. As clean alarms are left out of the tail too, alarms get more frequent in a long
    stream: for a risk of 1e-3, after a calibration of 5000, 1.0 times in the next 5000 and 1.8
    times in the next 30 000. After a lasting change to a higher level, all scores stay alarms: fit
    again, or set a depth, which lets smaller changes pass. Constant scores have no peaks, and their
    threshold is their maximum.

    Parameters
    ----------
    risk : float, default=1e-4
        Probability of a false alarm at each score, above 0 and below ``1 - level``.
    level : float, default=0.98
        Share of the calibration below the peaks. If lower, there are more peaks to fit, but they
        are less of a tail. 10 to 50 peaks are few, hundreds good.
    depth : int, default=0
        Scores in the local mean; 0 for none, if scores do not drift.

    See Also
    --------
    ReturnPeriodThreshold : Also by the tail, given steps per false alarm.
    ConformalThreshold : A rate of false alarms without a model of the tail.
    tsrnn.RNNAnomalyDetector : Takes it as ``threshold``.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.anomaly.thresholds import TailThreshold
    >>> scores = np.random.default_rng(0).exponential(size=5000)
    >>> threshold = TailThreshold(risk=1e-4).fit(scores)  # the true one: -log(1e-4) = 9.2
    >>> round(threshold.threshold_, 1)
    9.3
    >>> threshold.update([1.0, 20.0, float("nan"), 5.0]).tolist()
    [False, True, False, False]
    """

    _parameter_constraints = {
        "risk": [SHARE],
        "level": [SHARE],
        "depth": [Integer(0)],
    }

    def __init__(self, risk: float = 1e-4, level: float = 0.98, depth: int = 0):
        self.risk = risk
        self.level = level
        self.depth = depth

    @property
    def shape_(self) -> float:
        """Shape of the current tail; NaN if there are no peaks."""
        return self._tail.shape

    @property
    def scale_(self) -> float:
        """Scale of the current tail, in the unit of the scores; NaN if there are no peaks."""
        return self._tail.scale

    @property
    def n_peaks_(self) -> int:
        """Number of peaks so far."""
        return len(self._tail.peaks)

    def fit_predict(self, scores: ArrayLike) -> np.ndarray:
        """Fit the threshold, and flag the alarms among the same scores.

        The tail and the local means are those of all scores; the first ``depth`` scores, which have
        no local mean, are not alarms.
        """
        scores = checked_scores(scores)
        self.fit(scores)
        alarms, known = np.zeros(scores.size, bool), np.flatnonzero(~np.isnan(scores))
        residuals, _ = self._residuals(scores[known])
        alarms[known[self.depth :]] = residuals > self._tail.quantile
        return alarms

    def _fit_known(self, scores):
        if self.risk >= (1 - self.level) * (1 - 1e-12):
            raise ValueError(
                f"risk must be below 1 - level = {1 - self.level:.3g}, got {self.risk}. Lower it, "
                "or the level; for alarms as frequent QuantileThreshold needs no tail."
            )
        least = self.depth + int(np.ceil(1 / (1 - self.level) * (1 - 1e-12)))
        if scores.size < least:
            raise ValueError(
                f"scores has {scores.size} to learn from, too few for one above level={self.level}"
                f"{f' after depth={self.depth}' if self.depth else ''}: give {least} or more, "
                "better a thousand, or lower the level."
            )
        residuals, self._local = self._residuals(scores)
        self._tail = ParetoTail.fit(residuals, self.level, self.risk)
        self._set_threshold()

    def _residuals(self, scores):
        """Scores from the ``depth``-th on minus their local mean, and the final LocalMean."""
        if not self.depth:
            return scores, None
        local, residuals = LocalMean(self.depth), np.empty(scores.size - self.depth)
        for k, score in enumerate(scores.tolist()):
            if k >= self.depth:
                residuals[k - self.depth] = score - local.mean
            local.add(score)
        return residuals, local

    def _update_score(self, score):
        return self._advance(score, self._tail.update(self._residual(score)))

    def _predict_score(self, score):
        return self._advance(score, self._residual(score) > self._tail.quantile)

    def _residual(self, score):
        return score if self._local is None else score - self._local.mean

    def _advance(self, score, is_alarm):
        """Add a score that is not an alarm to the local mean, and set the next threshold."""
        if self._local is not None and not is_alarm:
            self._local.add(score)
        self._set_threshold()
        return is_alarm

    def _set_threshold(self):
        local = 0.0 if self._local is None else self._local.mean
        self.threshold_ = local + self._tail.quantile
