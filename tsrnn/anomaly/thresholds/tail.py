"""A threshold by extreme value theory, as rarely exceeded as asked for."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval

from tsrnn.anomaly.tails import LocalMean, Tail
from tsrnn.anomaly.thresholds.base import SHARE, StreamThreshold, checked


class TailThreshold(StreamThreshold):
    """Alarms as rare as asked for, by extreme value theory: SPOT, and DSPOT with a depth.

    The scores to fit are the calibration: those above their quantile of ``level``, the base t, are
    peaks, and what they lie above it by is taken for a generalised Pareto, fitted by maximum
    likelihood (:func:`~tsrnn.anomaly.tails.fit_pareto`). A clean score exceeds the threshold with a
    probability of ``risk``, far beyond what was seen if need be (Siffer et al. 2017, eq. 1)::

        threshold = t + scale / shape ((risk n / n_peaks)^(-shape) - 1)

    of n scores and n_peaks of them above t. :meth:`predict` judges by that. :meth:`update` is the
    paper's stream, algorithm SPOT: a score above the threshold is an alarm and left out; one above
    t is a further peak, and the tail is fitted anew; any other only counts. With a ``depth``
    (DSPOT) all of that is done to the scores less the mean of the ``depth`` scores before them that
    were no alarms, which both methods move along, so that the threshold follows a drift.

    Parameters
    ----------
    risk : float, default=1e-4
        Probability of a false alarm at each score, above 0 and below ``1 - level``.
    level : float, default=0.98
        Share of the calibration below the peaks. Lower, there are more peaks to fit, but less of
        a tail. 10 to 50 peaks are few, hundreds good.
    depth : int, default=0
        Scores in the local mean; 0 for none, where scores do not drift.

    Attributes
    ----------
    threshold_ : float
        For the next score, in the unit of the scores.

    Notes
    -----
    The fewer the peaks, the more the rate varies from calibration to calibration, and its mean is
    above the risk: at 1e-4 about 5 times it with 1000 normal scores, 20 of them peaks, and 1.4
    times with 10 000. And as alarms are left out of the tail, clean ones too, it grows shorter in a
    long stream, and they more frequent: at a risk of 1e-3, after a calibration of 5000, 1.0 times
    in the next 5000 and 1.8 times in the next 30 000. :meth:`predict` keeps to the calibration.

    As alarms are not learnt from, all scores stay alarms after a lasting change to a higher level:
    fit anew, or give a depth, which lets smaller changes pass. Scores that do not vary have no
    peaks, and their threshold is the greatest of them.

    In a stream every peak leads to a new fit, up to 1000; of more, every thousandth part of them,
    so that the time of an update goes with what is new.

    References
    ----------
    A. Siffer, P.-A. Fouque, A. Termier and C. Largouet, "Anomaly detection in streams with extreme
    value theory", KDD 2017.

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
        "depth": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(self, risk=1e-4, level=0.98, depth=0):
        self.risk = risk
        self.level = level
        self.depth = depth

    @property
    def shape_(self) -> float:
        """Of the tail as it is now; NaN where there are no peaks."""
        return self._tail.shape

    @property
    def scale_(self) -> float:
        """Of the tail as it is now, in the unit of the scores; NaN where there are no peaks."""
        return self._tail.scale

    @property
    def n_peaks_(self) -> int:
        """Peaks that were seen."""
        return len(self._tail.peaks)

    def fit_predict(self, scores: ArrayLike) -> np.ndarray:
        """Learn the threshold, and which of the same scores are above it.

        All are judged by the tail of all of them, and local means are of all scores; the first
        ``depth`` scores, which have none, are no alarms.
        """
        scores = checked(scores)
        self.fit(scores)
        alarms, known = np.zeros(scores.size, bool), np.flatnonzero(~np.isnan(scores))
        rest, _ = self._without_level(scores[known])
        alarms[known[self.depth :]] = rest > self._tail.quantile
        return alarms

    def _learn(self, scores):
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
        rest, self._local = self._without_level(scores)
        self._tail = Tail(rest, self.level, self.risk)
        self._show()

    def _without_level(self, scores):
        """Scores from the ``depth``-th on less their local mean, and the mean of the last."""
        if not self.depth:
            return scores, None
        local, rest = LocalMean(self.depth), np.empty(scores.size - self.depth)
        for k, score in enumerate(scores.tolist()):
            if k >= self.depth:
                rest[k - self.depth] = score - local.mean
            local.add(score)
        return rest, local

    def _learn_from(self, score):
        return self._move(score, self._tail.take(self._without(score)))

    def _judge(self, score):
        return self._move(score, self._without(score) > self._tail.quantile)

    def _without(self, score):
        return score if self._local is None else score - self._local.mean

    def _move(self, score, alarm):
        """The local mean takes in what is no alarm, and the threshold is that of the next score."""
        if self._local is not None and not alarm:
            self._local.add(score)
        self._show()
        return alarm

    def _show(self):
        local = 0.0 if self._local is None else self._local.mean
        self.threshold_ = local + self._tail.quantile
