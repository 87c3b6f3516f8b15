"""A threshold where what is above stands out most: NASA's for errors of spacecraft."""

from __future__ import annotations

from collections import deque
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval

from tsrnn.anomaly.thresholds.base import WHOLE, StreamThreshold, checked

_NOISE = 1e-12  # share of their level that rounding leaves constant scores as a deviation


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
        "every": [WHOLE],
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
        scores = checked(scores)
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
        scores, mean = checked(scores), _ExponentialMean(self.span)
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
