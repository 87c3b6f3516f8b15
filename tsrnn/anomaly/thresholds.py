"""Thresholds over anomaly scores: where strange begins, and how often that is wrong.

Small objects over arrays of scores, (n,), the higher the stranger; a missing score (NaN) is no
alarm and is not learnt from. ``fit`` learns ``threshold_``, and ``predict`` says which scores are
alarms, those above it. What adapts to a stream also has ``update``, which judges each score by
those before it and then takes it in, in a time that goes with what is new and not with what was.

=====================  =====================================  ====================================
Threshold              What is chosen                         What it assumes of clean scores
=====================  =====================================  ====================================
QuantileThreshold      the share of alarms                    nothing
RobustZThreshold       deviations from the median             they look normal
TailThreshold          the probability of a false alarm,      their tail is a generalised Pareto
                       however small
DynamicThreshold       how clearly alarms must stand out      nothing; they are errors, at least 0
ConformalThreshold     the rate of false alarms               they are exchangeable
=====================  =====================================  ====================================
"""

from __future__ import annotations

import copy
import warnings
from bisect import bisect_left, bisect_right, insort
from collections import deque
from numbers import Integral, Real

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from tsrnn.anomaly.tails import LocalMean, Tail, exceeded_by, largest_count

_SHARE = Interval(Real, 0, 1, closed="neither")
_WHOLE = Interval(Integral, 1, None, closed="left")
_MAD_OF_NORMAL = 0.6744897501960817  # its deviation is 1: the normal's quantile of 3/4
_MEAN_OF_NORMAL = np.sqrt(2 / np.pi)  # its mean absolute deviation
_NOISE = 1e-12  # share of their level that rounding leaves constant scores as a deviation
_BLOCK = 4096  # scores that are counted at once


class Threshold(BaseEstimator):
    """Base of the thresholds: scores are checked, and alarms lie above ``threshold_``."""

    def fit(self, scores: ArrayLike) -> Threshold:
        """Learn the threshold.

        Parameters
        ----------
        scores : (n,) array
            Anomaly scores, in the order of time; NaN where there is none.

        Returns
        -------
        Threshold
            Itself.

        Raises
        ------
        ValueError
            If a parameter is out of its range, a score infinite, or there are too few scores.
        """
        self._validate_params()
        scores = _checked(scores)
        known = scores[~np.isnan(scores)]
        if not known.size:
            missing = f"all {scores.size} are missing (NaN)" if scores.size else "it is empty"
            raise ValueError(f"scores has nothing to learn from: {missing}.")
        self._learn(known)
        return self

    def predict(self, scores: ArrayLike) -> np.ndarray:
        """Which scores are alarms.

        Parameters
        ----------
        scores : (n,) array
            Anomaly scores; NaN where there is none, which is no alarm.

        Returns
        -------
        (n,) array of bool

        Raises
        ------
        ValueError
            If a score is infinite, or there is more than one axis.
        """
        check_is_fitted(self)
        return _checked(scores) > self.threshold_

    def fit_predict(self, scores: ArrayLike) -> np.ndarray:
        """Learn the threshold, and which of the same scores are alarms.

        Parameters, result and errors are those of :meth:`fit` and :meth:`predict`.
        """
        return self.fit(scores).predict(scores)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "threshold_")


class QuantileThreshold(Threshold):
    """Alarms for the highest scores: at most a share of those fitted.

    The threshold is the ``n - floor(contamination n)``-th smallest of n scores. Nothing is assumed
    of them, and nothing promised of others: the share of alarms among clean scores is about the
    same, however clean they are.

    Parameters
    ----------
    contamination : float, default=0.01
        Share of the fitted scores that may be alarms, above 0 and below 1.

    Attributes
    ----------
    threshold_ : float
        In the unit of the scores.

    Examples
    --------
    >>> from tsrnn.anomaly.thresholds import QuantileThreshold
    >>> threshold = QuantileThreshold(contamination=0.2).fit([4, 1, 3, 5, 2])
    >>> threshold.threshold_, threshold.predict([4, 4.5]).tolist()
    (4.0, [False, True])
    """

    _parameter_constraints = {"contamination": [_SHARE]}

    def __init__(self, contamination=0.01):
        self.contamination = contamination

    def _learn(self, scores):
        self.threshold_ = exceeded_by(scores, self.contamination)


class RobustZThreshold(Threshold):
    """Alarms for scores many deviations above the median, the deviation a robust one.

    ``median + z scale`` with ``scale = MAD / 0.6745``, the median absolute deviation from the
    median over that of a standard normal: of normal scores the scale is their standard deviation,
    and up to half of them may be anything (Iglewicz & Hoaglin 1993, ch. 3, who take z = 3.5). Where
    more than half of the scores are equal and MAD is 0, the mean absolute deviation from the median
    over a standard normal's, ``sqrt(2 / pi)``, stands in; where all are equal the scale is 0, and
    whatever is above them is an alarm.

    Parameters
    ----------
    z : float, default=3.5
        Deviations above the median, above 0. Of clean normal scores 3.5 are exceeded by one in
        4300; of scores with a heavier tail, such as absolute or squared errors, by more.

    Attributes
    ----------
    threshold_, median_, scale_ : float
        In the unit of the scores.

    References
    ----------
    B. Iglewicz and D. C. Hoaglin, *How to Detect and Handle Outliers*, ASQC, 1993.

    Examples
    --------
    >>> from tsrnn.anomaly.thresholds import RobustZThreshold
    >>> threshold = RobustZThreshold(z=3).fit([1, 2, 3, 4, 1000])
    >>> threshold.median_, round(threshold.scale_, 3), round(threshold.threshold_, 3)
    (3.0, 1.483, 7.448)
    """

    _parameter_constraints = {"z": [Interval(Real, 0, None, closed="neither")]}

    def __init__(self, z=3.5):
        self.z = z

    def _learn(self, scores):
        self.median_ = float(np.median(scores))
        deviations = np.abs(scores - self.median_)
        scale = np.median(deviations) / _MAD_OF_NORMAL
        self.scale_ = float(scale if scale > 0 else deviations.mean() / _MEAN_OF_NORMAL)
        self.threshold_ = self.median_ + self.z * self.scale_


class StreamThreshold(Threshold):
    """Base of the thresholds that move along a series of scores."""

    def update(self, new_scores: ArrayLike) -> np.ndarray:
        """Which of the next scores are alarms, each judged by what came before, then taken in.

        In pieces or at once, the result is the same.

        Parameters
        ----------
        new_scores : (n,) array
            The scores that follow, in the order of time; NaN where there is none, which is no alarm
            and changes nothing.

        Returns
        -------
        (n,) array of bool

        Raises
        ------
        ValueError
            If a score is infinite, or there is more than one axis; nothing is taken in then.
        """
        check_is_fitted(self)
        return self._follow(_checked(new_scores, "new_scores"), self._learn_from)[0]

    def predict(self, scores: ArrayLike) -> np.ndarray:
        """Which scores are alarms, if they are the next; nothing of them is kept.

        Parameters, result and errors are those of :meth:`update`.
        """
        check_is_fitted(self)
        ahead = copy.deepcopy(self)
        return ahead._follow(_checked(scores), ahead._judge)[0]

    def threshold(self, scores: ArrayLike) -> np.ndarray:
        """The threshold that each score is judged by in :meth:`predict`, (n,)."""
        check_is_fitted(self)
        ahead = copy.deepcopy(self)
        return ahead._follow(_checked(scores), ahead._judge)[1]

    def _follow(self, scores, judge):
        """Alarms and thresholds of the next scores, (n,) each, given to a method one by one."""
        alarms, thresholds = np.zeros(scores.size, bool), np.empty(scores.size)
        for k, score in enumerate(scores.tolist()):
            thresholds[k] = self.threshold_
            if score == score:  # it is there
                alarms[k] = judge(score)
        return alarms, thresholds


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
        "risk": [_SHARE],
        "level": [_SHARE],
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
        scores = _checked(scores)
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


class DynamicThreshold(StreamThreshold):
    """NASA's non-parametric dynamic threshold: set where what is above stands out most.

    Scores, errors of forecasts, are smoothed by an exponentially weighted mean. Of the thresholds
    ``epsilon = mu + z sigma``, mean and standard deviation of the last ``window`` smoothed scores,
    that is taken that maximises (Hundman et al. 2018, sec. 3.2)::

        (dmu / mu + dsigma / sigma) / (|e_a| + |E_seq|^2)

    what leaving out scores of epsilon or more takes from mean and deviation, over the number of
    smoothed scores above epsilon and the square of the number of sequences that they form; the
    largest of equals, and the largest of all where nothing is above any. Then sequences are pruned
    (sec. 3.3): their greatest scores and the greatest of those at or below epsilon, in descending
    order, make steps ``(e_(i-1) - e_i) / e_(i-1)``; what comes after the last step greater than
    ``min_decrease`` is no anomaly. No distribution is assumed, and no rate of false alarms given.

    :meth:`fit_predict` does that to the scores of ``fit``, all known at once, as the paper does. In
    :meth:`update`, and in :meth:`predict` alike, the window moves along: a score is judged by the
    epsilon of those before it, chosen anew every ``every`` scores, and pruned by the window that
    ends with it.

    Parameters
    ----------
    window : int, default=2100
        Scores that the threshold is chosen from, the paper's h.
    every : int, default=70
        Scores of a stream after which it is chosen again. The authors do so with each batch of 70.
    span : int, default=105
        Of the smoothing: a score weighs ``1 - 2 / (span + 1)`` times the one after it. 1 leaves
        scores as they are. The authors take 5 % of the window.
    z_range : (float, float), default=(2, 10)
        The least and the greatest z, which goes in steps of a half; the least above 0.
    min_decrease : float, default=0.13
        The paper's p: how far, as a share, anomalies must stand out. 0 prunes nothing.

    Attributes
    ----------
    threshold_ : float
        Epsilon for the next smoothed score, in the unit of the scores.

    Notes
    -----
    Smoothing weighs the first scores by those there are, as ``ewm(span=span)`` in pandas; it and
    the window go on from ``fit`` into the stream, and alarms are taken in as well. The authors'
    code further adds a margin around anomalies (here ``pad_events``), drops sequences of one score
    (``prune_events``) and looks for anomalously low errors, which is left out here.

    References
    ----------
    K. Hundman, V. Constantinou, C. Laporte, I. Colwell and T. Soderstrom, "Detecting spacecraft
    anomalies using LSTMs and nonparametric dynamic thresholding", KDD 2018, arXiv:1802.04431.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.anomaly.thresholds import DynamicThreshold
    >>> errors = np.abs(np.random.default_rng(0).normal(size=500))
    >>> errors[300:320] += 8
    >>> alarms = DynamicThreshold(span=5).fit_predict(errors)
    >>> np.flatnonzero(alarms)[[0, -1]].tolist()  # the mean takes a while to rise, and to fall
    [302, 320]
    """

    _parameter_constraints = {
        "window": [Interval(Integral, 2, None, closed="left")],
        "every": [_WHOLE],
        "span": [Interval(Real, 1, None, closed="left")],
        "z_range": ["array-like"],
        "min_decrease": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(self, window=2100, *, every=70, span=105, z_range=(2, 10), min_decrease=0.13):
        self.window = window
        self.every = every
        self.span = span
        self.z_range = z_range
        self.min_decrease = min_decrease

    def fit_predict(self, scores: ArrayLike) -> np.ndarray:
        """Learn the threshold, and which of the same scores are anomalies, all known at once.

        Scores of more than a ``window`` are taken in as few stretches of equal length as are none
        longer, each with a threshold of its own; what is learnt for what follows is that of the
        last window.
        """
        scores = _checked(scores)
        self.fit(scores)
        alarms, known = np.zeros(scores.size, bool), np.flatnonzero(~np.isnan(scores))
        smoothed = self.smooth(scores[known])
        for part in np.array_split(np.arange(known.size), -(-known.size // self.window)):
            stretch = smoothed[part]
            epsilon = _most_telling(stretch, self._zs())
            alarms[known[part]] = _pruned(stretch, epsilon, self.min_decrease)
        return alarms

    def smooth(self, scores: ArrayLike) -> np.ndarray:
        """Scores smoothed from their first on, (n,), as compared with ``threshold_``; NaN stays."""
        scores, mean = _checked(scores), _ExponentialMean(self.span)
        return np.array([mean.add(s) if s == s else s for s in scores.tolist()], dtype=float)

    def _learn(self, scores):
        self._zs()
        _refuse_negative(scores, "scores")
        self._mean, self._n_new = _ExponentialMean(self.span), 0
        self._recent = deque(map(self._mean.add, scores.tolist()), maxlen=self.window)
        self.threshold_ = _most_telling(np.array(self._recent), self._zs())

    def _follow(self, scores, judge):
        _refuse_negative(scores, "scores")
        return super()._follow(scores, judge)

    def _learn_from(self, score):
        smoothed = self._mean.add(score)
        self._recent.append(smoothed)
        alarm = smoothed > self.threshold_ and bool(
            _pruned(np.array(self._recent), self.threshold_, self.min_decrease)[-1]
        )
        self._n_new += 1
        if self._n_new % self.every == 0:
            self.threshold_ = _most_telling(np.array(self._recent), self._zs())
        return alarm

    _judge = _learn_from  # the window moves along

    def _zs(self):
        try:
            low, high = map(float, self.z_range)
        except (TypeError, ValueError):
            low, high = np.nan, np.nan
        if not 0 < low <= high < np.inf:
            raise ValueError(f"z_range must be (least, greatest) above 0, got {self.z_range!r}.")
        return np.arange(low, high + 1e-9, 0.5)


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
        grows without bound.
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
        "false_alarm_rate": [_SHARE],
        "smoothed": ["boolean"],
        "window": [_WHOLE, None],
        "random_state": ["random_state"],
    }

    def __init__(self, false_alarm_rate=0.01, *, smoothed=False, window=None, random_state=None):
        self.false_alarm_rate = false_alarm_rate
        self.smoothed = smoothed
        self.window = window
        self.random_state = random_state

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_calibration")

    @property
    def threshold_(self) -> float:
        """Scores above it are alarms, where ties are not broken at random."""
        check_is_fitted(self)
        calibration = self._calibration.values()
        n_above = largest_count(self.false_alarm_rate, calibration.size + 1) - 1
        if n_above < 0:
            return np.inf
        place = calibration.size - 1 - n_above
        return float(np.partition(calibration, place)[place])

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
        check_is_fitted(self)
        scores = _checked(scores)
        known = ~np.isnan(scores)
        at_least, above = self._calibration.counts(scores[known])
        rng = np.random.default_rng(self._seed)
        p = np.full(scores.size, np.nan)
        p[known] = self._p(at_least, above, self._calibration.n, rng)
        return p

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
        check_is_fitted(self)
        scores = _checked(new_scores, "new_scores")
        known = ~np.isnan(scores)
        alarms = np.zeros(scores.size, bool)
        counted = self._calibration.take(scores[known])
        alarms[known] = self._alarms(self._p(*counted, self._stream_rng))
        return alarms

    def _learn(self, scores):
        self._calibration = _Calibration(scores, self.window)
        self._seed = check_random_state(self.random_state).randint(2**31)
        self._stream_rng = np.random.default_rng([self._seed, 1])
        n = self._calibration.n
        if not (self.smoothed or largest_count(self.false_alarm_rate, n + 1)):
            warnings.warn(
                f"{n} scores can make no alarm at false_alarm_rate={self.false_alarm_rate}, as the "
                f"least p-value is 1 / {n + 1}: give {int(np.ceil(1 / self.false_alarm_rate)) - 1} "
                "or more, raise the rate, or take smoothed=True.",
                stacklevel=3,
            )

    def _p(self, at_least, above, n, rng):
        if not self.smoothed:
            return (1 + at_least) / (n + 1)
        return (above + rng.random(above.size) * (1 + at_least - above)) / (n + 1)

    def _alarms(self, p):
        return p <= self.false_alarm_rate * (1 + 1e-12)  # but for rounding; NaN is none


class _Calibration:
    """Scores to count the higher ones in; of a window, the oldest make way for new ones."""

    def __init__(self, scores, window):
        self.window = window
        self._recent = None if window is None else deque(scores.tolist(), maxlen=window)
        self._begin()
        if window is None:
            self._held.add(scores)

    @property
    def n(self):
        return self._held.n - self._gone.n

    def values(self):
        """All that count, (n,)."""
        return np.concatenate(self._held.runs) if self.window is None else np.array(self._recent)

    def counts(self, scores):
        """How many are at least each score, and how many above, (n_scores,) each."""
        held, gone = self._held.counts(scores), self._gone.counts(scores)
        return held[0] - gone[0], held[1] - gone[1]

    def take(self, scores):
        """Counts for each of the next scores, and of how many, before it is taken in itself."""
        size = _BLOCK if self.window is None else min(_BLOCK, self.window)
        blocks = [self._take(scores[k : k + size]) for k in range(0, max(scores.size, 1), size)]
        return [np.concatenate(part) for part in zip(*blocks, strict=True)]

    def _take(self, block):
        """The same for a block, within which what comes and goes is counted one by one."""
        at_least, above = self.counts(block)
        n = self.n + np.arange(block.size)
        leaving = []
        if self.window is not None:
            n = np.minimum(n, self.window)
            n_free = self.window - self.n
            leaving = [self._recent[k] for k in range(max(block.size - n_free, 0))]
        come, gone = [], []
        for k, score in enumerate(block.tolist()):
            at_least[k] += _at_least(come, score) - _at_least(gone, score)
            above[k] += _above(come, score) - _above(gone, score)
            insort(come, score)
            if k >= block.size - len(leaving):
                insort(gone, leaving[k - block.size + len(leaving)])
        self._keep(block, leaving)
        return at_least, above, n

    def _keep(self, block, leaving):
        self._held.add(block)
        if self.window is None:
            return
        self._gone.add(np.array(leaving))
        self._recent.extend(block.tolist())
        if self._gone.n > self.window:
            self._begin()

    def _begin(self):
        """What is held anew, without what has gone."""
        self._held, self._gone = _SortedRuns(), _SortedRuns()
        if self.window is not None:
            self._held.add(np.array(self._recent))


class _SortedRuns:
    """Values in sorted runs, each more than twice as long as the next (Bentley & Saxe 1980).

    So there are few to search, and a value is merged few times, however many there are.
    """

    def __init__(self):
        self.runs, self.n = [], 0

    def add(self, values):
        self.n += values.size
        run = np.sort(values)
        while self.runs and self.runs[-1].size <= 2 * run.size:
            run = np.sort(np.concatenate([self.runs.pop(), run]), kind="stable")
        if run.size:
            self.runs.append(run)

    def counts(self, values):
        at_least, above = np.zeros(values.size, np.int64), np.zeros(values.size, np.int64)
        for run in self.runs:
            at_least += run.size - np.searchsorted(run, values, side="left")
            above += run.size - np.searchsorted(run, values, side="right")
        return at_least, above


def _at_least(ordered, score):
    return len(ordered) - bisect_left(ordered, score)


def _above(ordered, score):
    return len(ordered) - bisect_right(ordered, score)


class _ExponentialMean:
    """A mean of all so far that weighs each value a fixed share less than the next."""

    def __init__(self, span):
        self._keep, self._sum, self._weight = 1 - 2 / (span + 1), 0.0, 0.0

    def add(self, value):
        """The mean once the value is taken in."""
        self._sum = value + self._keep * self._sum
        self._weight = 1 + self._keep * self._weight
        return self._sum / self._weight


def _most_telling(smoothed, zs):
    """Epsilon, of Hundman et al.: without what is above, mean and deviation fall the most."""
    mean, deviation = smoothed.mean(), smoothed.std()
    if deviation <= _NOISE * mean:
        return float(mean * (1 + _NOISE))
    best, chosen = 0.0, mean + zs[-1] * deviation
    for epsilon in mean + zs * deviation:
        above, rest = smoothed > epsilon, smoothed[smoothed < epsilon]
        if not above.any():
            break
        fall = (mean - rest.mean()) / mean + (deviation - rest.std()) / deviation
        telling = fall / (above.sum() + len(_runs(above)) ** 2)
        if telling >= best:
            best, chosen = telling, epsilon
    return float(chosen)


def _pruned(smoothed, epsilon, min_decrease):
    """Which smoothed scores are above epsilon in a sequence that stands out, (n,)."""
    above = smoothed > epsilon
    runs = _runs(above)
    if not runs:
        return above
    peaks = np.array([smoothed[first:end].max() for first, end in runs])
    order = np.argsort(-peaks, kind="stable")
    steps = np.append(peaks[order], smoothed[~above].max(initial=0))
    clear = np.flatnonzero(-np.diff(steps) > min_decrease * steps[:-1])
    n_kept = clear[-1] + 1 if clear.size else 0
    for k in order[n_kept:]:
        above[slice(*runs[k])] = False
    return above


def _runs(flags):
    """First and end (one past the last) of each run of True."""
    edges = np.flatnonzero(np.diff(flags, prepend=False, append=False))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _refuse_negative(scores, name):
    if (scores < 0).any():
        where = int((scores < 0).argmax())
        raise ValueError(
            f"DynamicThreshold needs errors, at least 0; {name} is {scores[where]} at [{where}]. "
            "Take absolute values, or another threshold."
        )


def _checked(scores, name="scores"):
    """A float array (n,), without an infinite score."""
    if isinstance(scores, pd.Series):
        scores = scores.to_numpy(dtype=float, na_value=np.nan)
    scores = np.asarray(scores, dtype=float)
    if scores.ndim != 1:
        raise ValueError(f"{name} must be one series of scores, (n,), got shape {scores.shape}.")
    infinite = np.isinf(scores)
    if infinite.any():
        where = int(infinite.argmax())
        more = f" and at {infinite.sum() - 1} more" if infinite.sum() > 1 else ""
        raise ValueError(
            f"{name} is infinite at [{where}]{more}. Give finite scores, NaN where there is none."
        )
    return scores
